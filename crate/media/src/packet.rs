//! The waist of the house: what every demuxer gives and every muxer takes.

use std::fmt;

use bytes::Bytes;

use crate::time::{MediaTime, Micros};

/// A track within its stream, stable for the stream's life: tracks of a kind are numbered, and 0 is the default one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId {
    pub kind: MediaKind,
    pub number: u8,
}

impl TrackId {
    pub const fn video(number: u8) -> Self {
        Self { kind: MediaKind::Video, number }
    }

    pub const fn audio(number: u8) -> Self {
        Self { kind: MediaKind::Audio, number }
    }
}

/// `video 0`.
impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.number)
    }
}

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    Video,
    Audio,
}

impl MediaKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

/// The codecs with a parser here, and how their packets look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 / AVC, packets of length-prefixed NAL units (ISO/IEC 14496-15).
    Avc,
    /// H.265 / HEVC, packets of length-prefixed NAL units (ISO/IEC 14496-15).
    Hevc,
    /// AV1, packets of OBUs in the low-overhead format, a temporal unit each.
    Av1,
    /// VP9, a frame or superframe each.
    Vp9,
    Vp8,
    /// AAC, packets of raw access units (ISO/IEC 14496-3).
    Aac,
    /// MPEG-1 and MPEG-2 audio layer III, a frame each.
    Mp3,
    /// G.711 A-law, one byte a sample, channels interleaved.
    G711A,
    /// G.711 µ-law, one byte a sample, channels interleaved.
    G711U,
    /// Opus packets (RFC 6716) without self-delimiting.
    Opus,
    /// FLAC, a frame each (RFC 9639).
    Flac,
    /// AC-3, a syncframe each.
    Ac3,
    /// Enhanced AC-3, an access unit each.
    Eac3,
}

impl Codec {
    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avc => "H.264",
            Self::Hevc => "HEVC",
            Self::Av1 => "AV1",
            Self::Vp9 => "VP9",
            Self::Vp8 => "VP8",
            Self::Aac => "AAC",
            Self::Mp3 => "MP3",
            Self::G711A => "G.711 A-law",
            Self::G711U => "G.711 µ-law",
            Self::Opus => "Opus",
            Self::Flac => "FLAC",
            Self::Ac3 => "AC-3",
            Self::Eac3 => "E-AC-3",
        }
    }

    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Avc | Self::Hevc | Self::Av1 | Self::Vp9 | Self::Vp8 => MediaKind::Video,
            Self::Aac
            | Self::Mp3
            | Self::G711A
            | Self::G711U
            | Self::Opus
            | Self::Flac
            | Self::Ac3
            | Self::Eac3 => MediaKind::Audio,
        }
    }
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
    /// As the codec has it; an empty packet of sound is silence.
    pub data: Bytes,
}

/// What a decoder needs before its first packet, in the words of WebCodecs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderConfig {
    pub codec: Codec,
    /// The codec parameter string of RFC 6381, e.g. `avc1.64001f`.
    pub codec_string: String,
    /// As WebCodecs' codec registry wants it: avcC, hvcC, AudioSpecificConfig, OpusHead, `fLaC` with STREAMINFO; empty where
    /// the packets say all.
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
    /// Bits a sample of luma: 8, 10 or 12.
    pub bit_depth: u8,
    pub colour: Colour,
    pub pixel: PixelShape,
    /// As the container says.
    pub turn: Turn,
}

impl VideoParams {
    /// A picture of this size, shown in decoding order, of 8 bits and no colour description.
    pub const fn of_size(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            reorder_depth: 0,
            bit_depth: 8,
            colour: Colour::UNSPECIFIED,
            pixel: PixelShape::SQUARE,
            turn: Turn::NONE,
        }
    }

    /// The size at which the picture is shown.
    pub fn display_size(self) -> (u32, u32) {
        self.turn.size(self.pixel.size((self.width, self.height)))
    }
}

/// A pixel's width and height, in proportion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelShape {
    width: u32,
    height: u32,
}

impl PixelShape {
    pub const SQUARE: Self = Self { width: 1, height: 1 };
    /// Real ones are at most 4 times as wide as high.
    const MOST: u32 = 16;

    /// Square where the numbers are none of a pixel.
    pub fn new(width: u32, height: u32) -> Self {
        let is_in_range = |a: u32, b: u32| a > 0 && a.checked_div(b).is_some_and(|times| times <= Self::MOST);
        let is_pixel = is_in_range(width, height) && is_in_range(height, width);
        if is_pixel && width != height { Self { width, height } } else { Self::SQUARE }
    }

    pub fn parts(self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// A picture's size in square pixels: the side that is too short grows.
    pub fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        let grown = |side: u32, by: u32, over: u32| {
            let scaled =
                u64::from(side).saturating_mul(by.into()).checked_div(over.into()).unwrap_or_default();
            u32::try_from(scaled).unwrap_or(u32::MAX)
        };
        match self.width > self.height {
            true => (grown(width, self.width, self.height), height),
            false => (width, grown(height, self.height, self.width)),
        }
    }
}

/// What makes a picture upright: it is turned clockwise, then mirrored left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Degrees: 0, 90, 180 or 270.
    pub rotation: u16,
    pub mirror: bool,
}

impl Turn {
    pub const NONE: Self = Self { rotation: 0, mirror: false };

    /// Both, one after the other.
    pub fn then(self, next: Self) -> Self {
        // What is mirrored turns the other way.
        let further = if self.mirror { 360u16.saturating_sub(next.rotation) } else { next.rotation };
        let rotation = self.rotation.saturating_add(further).rem_euclid(360);
        Self { rotation, mirror: self.mirror != next.mirror }
    }

    /// Width and height behind it.
    pub fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if matches!(self.rotation, 90 | 270) { (height, width) } else { (width, height) }
    }
}

/// How numbers become colours, in the code points of ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// ColourPrimaries.
    pub primaries: u8,
    /// TransferCharacteristics.
    pub transfer: u8,
    /// MatrixCoefficients.
    pub matrix: u8,
    /// VideoFullRangeFlag.
    pub full_range: bool,
}

impl Colour {
    pub const UNSPECIFIED: Self = Self { primaries: 2, transfer: 2, matrix: 2, full_range: false };

    /// As codec strings may have it: browsers refuse a whole configuration for a reserved code point, such as the 0 of records
    /// that were left blank, and for the matrix 10, constant luminance, and those past 11. Unspecified stands in for them.
    pub(crate) fn in_codec_string(self) -> Self {
        let unspecified = |point: u8, is_known: bool| if is_known { point } else { 2 };
        Self {
            primaries: unspecified(self.primaries, matches!(self.primaries, 1 | 2 | 4..=12 | 22)),
            transfer: unspecified(self.transfer, matches!(self.transfer, 1 | 2 | 4..=18)),
            matrix: unspecified(self.matrix, matches!(self.matrix, 0..=2 | 4..=9 | 11)),
            full_range: self.full_range,
        }
    }
}

impl Default for Colour {
    fn default() -> Self {
        Self::UNSPECIFIED
    }
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
        self.id.kind
    }
}

impl DecoderConfig {
    pub fn kind(&self) -> MediaKind {
        self.codec.kind()
    }

    /// Of sound, square.
    pub fn pixel(&self) -> PixelShape {
        match self.params {
            CodecParams::Video(video) => video.pixel,
            CodecParams::Audio(_) => PixelShape::SQUARE,
        }
    }

    /// Of sound, none.
    pub fn turn(&self) -> Turn {
        match self.params {
            CodecParams::Video(video) => video.turn,
            CodecParams::Audio(_) => Turn::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_that_are_not_square_make_the_picture_larger() {
        assert_eq!(PixelShape::new(3, 4).size((640, 360)), (640, 480));
        assert_eq!(PixelShape::new(16, 11).size((704, 576)), (1024, 576));
        for (width, height) in [(0, 1), (1, 0), (5, 5), (17, 1), (1, u32::MAX)] {
            assert_eq!(PixelShape::new(width, height), PixelShape::SQUARE);
        }
    }

    #[test]
    fn a_mirrored_picture_turns_the_other_way() {
        let turn = |rotation, mirror| Turn { rotation, mirror };
        assert_eq!(turn(90, false).then(turn(270, false)), Turn::NONE);
        assert_eq!(turn(90, true).then(turn(90, false)), turn(0, true));
        assert_eq!(turn(0, true).then(turn(90, true)), turn(270, false));
    }
}
