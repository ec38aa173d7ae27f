//! Tracks and packets for the tests.

use bytes::Bytes;
use sailcast_media::{
    AudioParams, Codec, CodecParams, DecoderConfig, MediaKind, MediaTime, Micros, Packet, TrackId, TrackInfo,
    VideoParams,
};

/// H.264, 320x180, and its record.
const AVCC: &[u8] =
    b"\x01\x42\xc0\x0d\xff\xe1\x00\x17\x67\x42\xc0\x0d\xd9\x01\x41\xfa\x10\x00\x00\x03\x00\x10\x00\
    \x00\x03\x03\x20\xf1\x42\xa4\x80\x01\x00\x05\x68\xcb\x83\xcb\x20";
const KEYFRAME: &[u8] = b"\0\0\0\x03\x65\x88\x84";
const PICTURE: &[u8] = b"\0\0\0\x03\x41\x9a\x38";
const SOUND: &[u8] = b"\x21\x6c\xd6\x02";

pub fn ms(ms: i64) -> Micros {
    Micros::from_millis(ms)
}

pub fn video() -> TrackInfo {
    let params = CodecParams::Video(VideoParams::of_size(320, 180));
    track(MediaKind::Video, Codec::Avc, "avc1.42c00d", AVCC, params)
}

pub fn audio(sample_rate: u32) -> TrackInfo {
    let config: &[u8] = if sample_rate == 44_100 { b"\x12\x10" } else { b"\x11\x90" };
    let params = CodecParams::Audio(AudioParams { sample_rate, channels: 2 });
    track(MediaKind::Audio, Codec::Aac, "mp4a.40.2", config, params)
}

fn track(
    kind: MediaKind,
    codec: Codec,
    string: &str,
    description: &'static [u8],
    params: CodecParams,
) -> TrackInfo {
    let description = Bytes::from_static(description);
    let config = DecoderConfig { codec, codec_string: string.into(), description, params };
    TrackInfo { id: TrackId { kind, number: 0 }, config }
}

pub fn picture(at: Micros, keyframe: bool) -> Packet {
    let data = Bytes::from_static(if keyframe { KEYFRAME } else { PICTURE });
    packet(TrackId::video(0), at, None, keyframe, data)
}

pub fn sound(at: Micros) -> Packet {
    packet(TrackId::audio(0), at, Some(Micros(21_333)), true, Bytes::from_static(SOUND))
}

fn packet(track: TrackId, at: Micros, duration: Option<Micros>, keyframe: bool, data: Bytes) -> Packet {
    let dts = MediaTime(0) + at;
    Packet { track, dts, pts: dts, duration, keyframe, disposable: false, data }
}
