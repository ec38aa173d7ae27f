//! `esds`: the ES_Descriptor of MPEG-4 systems (ISO/IEC 14496-1, 7.2.6.5), of which the codec and its configuration are used.

use crate::read::ByteReader;

const ES: u8 = 3;
const DECODER_CONFIG: u8 = 4;
const DECODER_SPECIFIC: u8 = 5;
/// A size has at most four bytes of seven bits (8.3.3).
const MAX_SIZE_BYTES: usize = 4;

/// What is used of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream<'a> {
    /// objectTypeIndication: which codec.
    pub object_type: u8,
    /// DecoderSpecificInfo.
    pub specific: &'a [u8],
}

/// Reads the contents of an `esds` box behind its version and flags.
pub(super) fn read(bytes: &[u8]) -> Option<Stream<'_>> {
    let mut r = ByteReader::new(find(bytes, ES)?);
    let [_, _, flags] = r.array()?;
    if flags & 0x80 != 0 {
        r.u16()?; // dependsOn_ES_ID
    }
    if flags & 0x40 != 0 {
        let len = r.u8()?;
        r.bytes(len.into())?; // URLstring
    }
    if flags & 0x20 != 0 {
        r.u16()?; // OCR_ES_Id
    }
    let mut config = ByteReader::new(find(r.rest(), DECODER_CONFIG)?);
    let object_type = config.u8()?;
    config.bytes(12)?; // stream type, buffer size, bit rates
    let specific = find(config.rest(), DECODER_SPECIFIC).unwrap_or_default();
    Some(Stream { object_type, specific })
}

/// The contents of the first descriptor with this tag.
fn find(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut r = ByteReader::new(bytes);
    loop {
        let found = r.u8()?;
        let mut size = 0usize;
        for _ in 0..MAX_SIZE_BYTES {
            let byte = r.u8()?;
            size = size << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        // A size that passes the end is cut to it: some writers forget to count what is inside.
        let body = r.bytes(size.min(r.rest().len()))?;
        if found == tag {
            return Some(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_sizes_are_read() {
        let short = b"\x03\x19\0\x01\0\x04\x11\x40\x15\0\0\0\0\0\0\0\0\0\0\0\x05\x02\x11\x90\x06\x01\x02";
        let expected = Some(Stream { object_type: 0x40, specific: &[0x11, 0x90] });
        assert_eq!(read(short), expected);
        let long = b"\x03\x80\x80\x80\x22\0\x01\0\x04\x80\x80\x80\x14\x40\x15\0\0\0\0\0\0\0\0\0\0\0\
            \x05\x80\x80\x80\x02\x11\x90\x06\x80\x80\x80\x01\x02";
        assert_eq!(read(long), expected);
        for len in 0..20 {
            assert_eq!(read(&short[..len]), None, "{len}");
        }
    }
}
