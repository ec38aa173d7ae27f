//! The few things a relay knows of a single tag.
//!
//! **Invariant:** bodies go through untouched; only time stamps are rewritten. Codecs are named for people to read,
//! never to decide anything.

use bytes::{Bytes, BytesMut};
use sailcast_media::flv::{Tag, TagKind, tag::write_tag};

/// Type, DataSize, Timestamp, TimestampExtended, StreamID.
const TAG_HEADER_LEN: usize = 11;
/// PreviousTagSize.
const TRAILER_LEN: usize = 4;
/// Where Timestamp and TimestampExtended stand in a tag.
const TIMESTAMP_AT: std::ops::Range<usize> = 4..8;

/// An AMF0 string's marker and length, then the name under which encoders describe their stream.
const ON_METADATA: &[u8] = b"\x02\x00\x0aonMetaData";
/// RTMP's command to remember the metadata behind it; some encoders leave it in.
const SET_DATA_FRAME: &[u8] = b"\x02\x00\x0d@setDataFrame";

/// The tag with its PreviousTagSize, in memory of its own.
pub fn serialised(tag: &Tag) -> Bytes {
    let mut out = BytesMut::with_capacity(TAG_HEADER_LEN + tag.body.len() + TRAILER_LEN);
    // The reader that made the tag has the same limit as the writer.
    if let Err(error) = write_tag(&mut out, tag.kind, tag.timestamp, &tag.body) {
        log::error!("tag at byte {} left out: {error}", tag.offset);
    }
    out.freeze()
}

/// The body of a serialised tag.
pub fn body(serialised: &[u8]) -> &[u8] {
    serialised
        .len()
        .checked_sub(TRAILER_LEN)
        .and_then(|end| serialised.get(TAG_HEADER_LEN..end))
        .unwrap_or(&[])
}

/// A serialised tag with another time stamp, in two pieces: only its head is new, the rest is shared.
pub fn restamped(serialised: &Bytes, timestamp: u32) -> [Bytes; 2] {
    let mut rest = serialised.clone();
    let mut head = BytesMut::from(&rest.split_to(TAG_HEADER_LEN.min(rest.len()))[..]);
    let [t3, t2, t1, t0] = timestamp.to_be_bytes();
    if let Some(stamp) = head.get_mut(TIMESTAMP_AT) {
        stamp.copy_from_slice(&[t2, t1, t0, t3]);
    }
    [head.freeze(), rest]
}

/// Whether a script tag describes the stream, so that late comers need it too.
pub fn is_metadata(body: &[u8]) -> bool {
    body.strip_prefix(SET_DATA_FRAME).unwrap_or(body).starts_with(ON_METADATA)
}

/// A description of the stream with RTMP's command to remember it, without which servers let it go; any other body as
/// it is.
pub fn as_data_frame(body: &Bytes) -> Bytes {
    if !is_metadata(body) || body.starts_with(SET_DATA_FRAME) {
        return body.clone();
    }
    Bytes::from([SET_DATA_FRAME, body].concat())
}

/// The codec of an audio or video tag as people call it.
pub fn codec_name(tag: &Tag) -> Option<String> {
    let first = *tag.body.first()?;
    let name = match tag.kind {
        TagKind::Script => return None,
        TagKind::Video if first & 0x80 != 0 => return four_cc(&tag.body),
        TagKind::Video => match first & 0x0f {
            2 => "h263",
            4 | 5 => "vp6",
            7 => "avc",
            12 => "hevc",
            13 => "av1",
            id => return Some(format!("video-{id}")),
        },
        TagKind::Audio => match first >> 4 {
            0 | 3 => "pcm",
            1 => "adpcm",
            2 | 14 => "mp3",
            7 => "g711a",
            8 => "g711u",
            9 => return four_cc(&tag.body),
            10 => "aac",
            11 => "speex",
            id => return Some(format!("audio-{id}")),
        },
    };
    Some(name.to_owned())
}

/// The FourCC of an enhanced tag without prefixes; others are counted, not named.
fn four_cc(body: &[u8]) -> Option<String> {
    let four: &[u8; 4] = body.get(1..5)?.try_into().ok()?;
    let printable = four.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b' '));
    printable.then(|| String::from_utf8_lossy(four).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: TagKind, body: &'static [u8]) -> Tag {
        Tag { offset: 0, kind, timestamp: 0x0102_0304, body: Bytes::from_static(body) }
    }

    #[test]
    fn a_new_time_stamp_leaves_the_rest_alone() {
        let before = serialised(&tag(TagKind::Video, b"\x17\x01abc"));
        let [head, rest] = restamped(&before, 0xa1b2_c3d4);
        assert_eq!(head[4..8], [0xb2, 0xc3, 0xd4, 0xa1]);
        let after = Bytes::from([head, rest].concat());
        assert_eq!(restamped(&after, 0x0102_0304).concat(), before);
        assert_eq!(body(&after), b"\x17\x01abc");
    }

    #[test]
    fn only_the_description_of_the_stream_is_metadata() {
        assert!(is_metadata(b"\x02\x00\x0aonMetaData\x08"));
        assert!(is_metadata(b"\x02\x00\x0d@setDataFrame\x02\x00\x0aonMetaData\x08"));
        assert!(!is_metadata(b"\x02\x00\x0bonWallClock\x03"));
        assert!(!is_metadata(b""));
    }

    #[test]
    fn a_description_is_told_to_be_remembered_once() {
        let plain = Bytes::from_static(b"\x02\x00\x0aonMetaData\x08");
        let framed = as_data_frame(&plain);
        assert_eq!(framed, [SET_DATA_FRAME, &plain].concat());
        assert_eq!(as_data_frame(&framed), framed);
        let other = Bytes::from_static(b"\x02\x00\x0bonWallClock\x03");
        assert_eq!(as_data_frame(&other), other);
    }

    #[test]
    fn codecs_are_named_legacy_and_enhanced() {
        let name = |kind, body| codec_name(&tag(kind, body));
        assert_eq!(name(TagKind::Video, b"\x17\x00"), Some("avc".into()));
        assert_eq!(name(TagKind::Video, b"\x90hvc1\x01"), Some("hvc1".into()));
        assert_eq!(name(TagKind::Audio, b"\xaf\x00"), Some("aac".into()));
        assert_eq!(name(TagKind::Audio, b"\x90Opus"), Some("Opus".into()));
        assert_eq!(name(TagKind::Video, b"\x90\"}\0\0"), None);
        assert_eq!(name(TagKind::Video, b""), None);
        assert_eq!(name(TagKind::Script, b"\x02"), None);
    }
}
