//! The waist of the house: what every demuxer gives and every muxer takes.

use bytes::Bytes;

use crate::time::{MediaTime, Micros};

/// A track's number within its stream, stable for the stream's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u8);

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    Video,
    Audio,
}

/// The codecs with a parser here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 / AVC, packets of length-prefixed NAL units (ISO/IEC 14496-15).
    Avc,
    /// AAC, packets of raw access units (ISO/IEC 14496-3).
    Aac,
}

/// One encoded access unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub track: TrackId,
    /// Decoding time; within a track it goes back only when the publisher's clock does.
    pub dts: MediaTime,
    /// Presentation time; `pts - dts` is the composition time and may be negative.
    pub pts: MediaTime,
    pub duration: Option<Micros>,
    /// Decoding can start here: read from the bitstream, not from the container's flag.
    pub keyframe: bool,
    /// No other packet refers to it: it may be dropped before decoding.
    pub disposable: bool,
    pub data: Bytes,
}

/// What a decoder needs before its first packet, in the words of WebCodecs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderConfig {
    pub codec: Codec,
    /// The codec parameter string of RFC 6381, e.g. `avc1.64001f`.
    pub codec_string: String,
    /// avcC for AVC, AudioSpecificConfig for AAC.
    pub description: Bytes,
    pub params: CodecParams,
}

/// What the codec's headers say of the picture or the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecParams {
    Video(VideoParams),
    Audio(AudioParams),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoParams {
    /// Visible size in pixels, cropping applied.
    pub width: u32,
    pub height: u32,
    /// How many frames may precede a frame in decoding order and follow it in output order; 0 where the stream
    /// says so or cannot have B-frames.
    pub reorder_depth: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioParams {
    /// Output rate in Hz (after SBR where signalled).
    pub sample_rate: u32,
    pub channels: u8,
}

/// A track and its present configuration. A second one for the same id replaces the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackInfo {
    pub id: TrackId,
    pub config: DecoderConfig,
}

impl TrackInfo {
    pub fn kind(&self) -> MediaKind {
        self.config.kind()
    }
}

impl DecoderConfig {
    pub fn kind(&self) -> MediaKind {
        match self.params {
            CodecParams::Video(_) => MediaKind::Video,
            CodecParams::Audio(_) => MediaKind::Audio,
        }
    }
}
