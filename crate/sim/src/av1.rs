//! AV1 that says what its units are, and has no more in it.

use bytes::{BufMut, Bytes, BytesMut};
use sailcast_media::{Codec, CodecParams, DecoderConfig, TrackId, TrackInfo, VideoParams};

/// av1C (AV1 in ISOBMFF, 2.3.3), and the sequence header OBU of 638x358 pictures.
const RECORD: [u8; 4] = [0x81, 0x01, 0x0c, 0x00];
const SEQUENCE: [u8; 16] =
    [0x0a, 0x0e, 0x00, 0x00, 0x00, 0x0c, 0xc4, 0xfb, 0x65, 0x12, 0xbe, 0x44, 0x04, 0x04, 0x04, 0x10];
/// OBU_FRAME with obu_has_size_field, and how frame headers begin.
const FRAME: u8 = 0x32;
const KEY: [u8; 6] = [0x10, 0x00, 0x88, 0xa0, 0x80, 0xc3];
const SHOWN: [u8; 6] = [0x30, 0x0a, 0x02, 0x00, 0x00, 0x49];

pub fn track() -> TrackInfo {
    let config = DecoderConfig {
        codec: Codec::Av1,
        codec_string: String::new(),
        description: [&RECORD[..], &SEQUENCE].concat().into(),
        params: CodecParams::Video(VideoParams::of_size(638, 358)),
    };
    TrackInfo { id: TrackId::video(0), config }
}

/// A temporal unit with a frame of so many bytes, at least.
pub fn picture(keyframe: bool, size: usize) -> Bytes {
    let mut unit = BytesMut::new();
    let head = if keyframe { KEY } else { SHOWN };
    if keyframe {
        unit.put_slice(&SEQUENCE);
    }
    let size = size.max(head.len());
    unit.put_u8(FRAME);
    // leb128 of four bytes.
    for shift in [0, 7, 14, 21] {
        unit.put_u8((size >> shift & 0x7f) as u8 | if shift < 21 { 0x80 } else { 0 });
    }
    unit.put_slice(&head);
    unit.put_bytes(0xff, size - head.len());
    unit.freeze()
}
