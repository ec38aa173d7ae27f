//! ID3 tags (ID3v2.4 and what is alike in 2.3): how long they are, and the time that HLS puts into them.

use crate::read::ByteReader;

const MAGIC: &[u8; 3] = b"ID3";
pub(crate) const HEADER_LEN: usize = 10;
const HAS_FOOTER: u8 = 0x10;
const HAS_EXTENDED_HEADER: u8 = 0x40;
const FRAME_PRIVATE: [u8; 4] = *b"PRIV";
/// Owner of the private frame with the time of a segment's first sample (RFC 8216bis, 3.4).
const TIMESTAMP_OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";

/// The length of a tag with its header and footer. `None` where no whole header of one is.
pub(crate) fn tag_len(bytes: &[u8]) -> Option<usize> {
    let header: [u8; HEADER_LEN] = *bytes.first_chunk()?;
    let [m0, m1, m2, major, _, flags, size @ ..] = header;
    let is_size = size.iter().all(|byte| byte & 0x80 == 0);
    if [m0, m1, m2] != *MAGIC || !matches!(major, 2..=4) || !is_size {
        return None;
    }
    let framing = HEADER_LEN.saturating_mul(if flags & HAS_FOOTER != 0 { 2 } else { 1 });
    Some(framing.saturating_add(syncsafe(size)))
}

/// Whether these bytes can be the beginning of a tag.
pub(crate) fn may_begin(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().zip(MAGIC).all(|(byte, expected)| byte == expected)
}

/// The time of the segment's first sample, 33 bits in ticks of 90 kHz.
pub(crate) fn timestamp(tag: &[u8]) -> Option<u64> {
    let mut r = ByteReader::new(tag);
    let [_, _, _, major, _, flags, ..] = r.array::<HEADER_LEN>()?;
    if flags & HAS_EXTENDED_HEADER != 0 {
        let len = r.array().map(syncsafe)?;
        // Its size counts itself in version 4 alone.
        r.bytes(if major == 4 { len.saturating_sub(4) } else { len })?;
    }
    loop {
        let id: [u8; 4] = r.array()?;
        let size: [u8; 4] = r.array()?;
        r.u16()?; // flags
        let len = if major == 4 { syncsafe(size) } else { u32::from_be_bytes(size) as usize };
        let frame = r.bytes(len)?;
        if id == FRAME_PRIVATE
            && let Some(time) = frame.strip_prefix(TIMESTAMP_OWNER)
        {
            return ByteReader::new(time).array().map(u64::from_be_bytes);
        }
    }
}

/// Seven bits a byte.
fn syncsafe(bytes: [u8; 4]) -> usize {
    bytes.iter().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A tag as Apple's segmenter writes it.
    pub fn timestamp_tag(ticks: u64) -> Vec<u8> {
        let frame = [TIMESTAMP_OWNER, &ticks.to_be_bytes()[..]].concat();
        let head =
            |magic: &[u8], len: usize| [magic, &[0, 0, (len >> 7) as u8, (len & 0x7f) as u8][..]].concat();
        let frame = [&head(b"PRIV", frame.len())[..], &[0, 0], &frame].concat();
        [b"ID3\x04\0\0", &head(b"", frame.len())[..], &frame].concat()
    }

    #[test]
    fn the_time_of_a_segment_is_read() {
        let tag = timestamp_tag(0x1_2345_6789);
        assert_eq!((tag_len(&tag), timestamp(&tag)), (Some(tag.len()), Some(0x1_2345_6789)));
    }

    #[test]
    fn other_frames_before_it_are_passed_over_and_a_cut_tag_has_none() {
        let tag = timestamp_tag(90_000);
        let other = b"TXXX\0\0\0\x04\0\0\0abc";
        let both = [&tag[..10], &other[..], &tag[10..]].concat();
        assert_eq!(timestamp(&both), Some(90_000));
        for len in 0..both.len() {
            assert_eq!(timestamp(&both[..len]), None, "{len}");
        }
    }

    #[test]
    fn what_is_no_tag_has_no_length() {
        for bytes in [&b"ID3"[..], b"ID3\x04\0\0\0\0\0\x80", b"ID3\xff\0\0\0\0\0\0", b"TAG\x04\0\0\0\0\0\0"] {
            assert_eq!(tag_len(bytes), None);
        }
        assert_eq!(tag_len(b"ID3\x04\0\x10\0\0\x01\0"), Some(148));
    }
}
