//! The numbers of audio and video bodies: frame types, codec ids, packet types, FourCCs.
//!
//! **Invariant:** every number of the format that demuxer, muxer and classifier use has its name here, once.

use crate::{demux::CodecName, packet::Codec};

/// Upper bit of the first byte of a video body: an `ExVideoTagHeader` of enhanced FLV follows.
pub(super) const VIDEO_EX_HEADER: u8 = 0x80;

pub(super) const FRAME_KEY: u8 = 1;
pub(super) const FRAME_INTER: u8 = 2;
/// A keyframe made by a server from others.
pub(super) const FRAME_GENERATED_KEY: u8 = 4;
/// No picture: a command of the server to the player.
pub(super) const FRAME_COMMAND: u8 = 5;

pub(super) const CODEC_AVC: u8 = 7;
/// HEVC and AV1 in the layout of AVC, as servers in China write them.
pub(super) const CODEC_HEVC_UNOFFICIAL: u8 = 12;
pub(super) const CODEC_AV1_UNOFFICIAL: u8 = 13;

pub(super) const SOUND_MP3: u8 = 2;
pub(super) const SOUND_G711A: u8 = 7;
pub(super) const SOUND_G711U: u8 = 8;
/// SoundFormat that says an `ExAudioTagHeader` follows.
pub(super) const SOUND_EX_HEADER: u8 = 9;
pub(super) const SOUND_AAC: u8 = 10;
/// Opus, as servers in China write it.
pub(super) const SOUND_OPUS_UNOFFICIAL: u8 = 13;
pub(super) const SOUND_MP3_8K: u8 = 14;

/// SoundRate 3, SoundSize 1, SoundType 1: what AAC always writes, whatever it is.
pub(super) const SOUND_44K_STEREO: u8 = 0x0f;
/// SoundSize 1: what is not plain PCM always writes it.
pub(super) const SOUND_16_BIT: u8 = 0x02;
/// SoundType: stereo.
pub(super) const SOUND_STEREO: u8 = 0x01;

/// AVCPacketType and AACPacketType of a configuration.
pub(super) const SEQUENCE_HEADER: u8 = 0;
pub(super) const AVC_NALU: u8 = 1;
pub(super) const AVC_END_OF_SEQUENCE: u8 = 2;
pub(super) const AAC_RAW: u8 = 1;

/// VideoPacketType and AudioPacketType of enhanced FLV, where they agree.
pub(super) const EX_SEQUENCE_START: u8 = 0;
pub(super) const EX_CODED_FRAMES: u8 = 1;
pub(super) const EX_SEQUENCE_END: u8 = 2;
pub(super) const EX_MOD_EX: u8 = 7;

pub(super) const EX_VIDEO_CODED_FRAMES_X: u8 = 3;
pub(super) const EX_VIDEO_METADATA: u8 = 4;
pub(super) const EX_VIDEO_MPEG2TS_SEQUENCE_START: u8 = 5;
pub(super) const EX_VIDEO_MULTITRACK: u8 = 6;

pub(super) const EX_AUDIO_MULTICHANNEL_CONFIG: u8 = 4;
pub(super) const EX_AUDIO_MULTITRACK: u8 = 5;

/// AvMultitrackType.
pub(super) const ONE_TRACK: u8 = 0;
pub(super) const MANY_TRACKS: u8 = 1;
pub(super) const MANY_TRACKS_MANY_CODECS: u8 = 2;

/// VideoPacketModExType and AudioPacketModExType.
pub(super) const MOD_EX_TIMESTAMP_OFFSET_NANO: u8 = 0;

/// A codec as the container names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodecId {
    /// CodecID of a legacy VideoTagHeader.
    Video(u8),
    /// SoundFormat of a legacy AudioTagHeader.
    Audio(u8),
    VideoEx([u8; 4]),
    AudioEx([u8; 4]),
}

impl CodecId {
    /// The codec, if it is read here.
    pub fn codec(self) -> Option<Codec> {
        Some(match self {
            Self::Video(CODEC_AVC) | Self::VideoEx([b'a', b'v', b'c', b'1']) => Codec::Avc,
            Self::Video(CODEC_HEVC_UNOFFICIAL) | Self::VideoEx([b'h', b'v', b'c', b'1']) => Codec::Hevc,
            Self::Video(CODEC_AV1_UNOFFICIAL) | Self::VideoEx([b'a', b'v', b'0', b'1']) => Codec::Av1,
            Self::VideoEx([b'v', b'p', b'0', b'9']) => Codec::Vp9,
            Self::VideoEx([b'v', b'p', b'0', b'8']) => Codec::Vp8,
            Self::Audio(SOUND_AAC) | Self::AudioEx([b'm', b'p', b'4', b'a']) => Codec::Aac,
            Self::Audio(SOUND_MP3 | SOUND_MP3_8K) | Self::AudioEx([b'.', b'm', b'p', b'3']) => Codec::Mp3,
            Self::Audio(SOUND_G711A) => Codec::G711A,
            Self::Audio(SOUND_G711U) => Codec::G711U,
            Self::Audio(SOUND_OPUS_UNOFFICIAL) | Self::AudioEx([b'O', b'p', b'u', b's']) => Codec::Opus,
            Self::AudioEx([b'f', b'L', b'a', b'C']) => Codec::Flac,
            Self::AudioEx([b'a', b'c', b'-', b'3']) => Codec::Ac3,
            Self::AudioEx([b'e', b'c', b'-', b'3']) => Codec::Eac3,
            _ => return None,
        })
    }

    /// For people, of a codec that is not read.
    pub fn name(self) -> CodecName {
        match self {
            Self::Video(id) => match id {
                2 => CodecName::Known("Sorenson H.263"),
                3 => CodecName::Known("Screen video"),
                4 => CodecName::Known("VP6"),
                5 => CodecName::Known("VP6 with alpha"),
                6 => CodecName::Known("Screen video 2"),
                _ => CodecName::Number(id),
            },
            Self::Audio(id) => match id {
                0 | 3 => CodecName::Known("PCM"),
                1 => CodecName::Known("ADPCM"),
                4..=6 => CodecName::Known("Nellymoser"),
                11 => CodecName::Known("Speex"),
                15 => CodecName::Known("device-specific sound"),
                _ => CodecName::Number(id),
            },
            Self::VideoEx(fourcc) | Self::AudioEx(fourcc) => CodecName::FourCc(fourcc),
        }
    }
}

/// The FourCC that enhanced FLV has for a codec: all but G.711.
pub(super) fn fourcc(codec: Codec) -> Option<[u8; 4]> {
    Some(*match codec {
        Codec::Avc => b"avc1",
        Codec::Hevc => b"hvc1",
        Codec::Av1 => b"av01",
        Codec::Vp9 => b"vp09",
        Codec::Vp8 => b"vp08",
        Codec::Aac => b"mp4a",
        Codec::Mp3 => b".mp3",
        Codec::Opus => b"Opus",
        Codec::Flac => b"fLaC",
        Codec::Ac3 => b"ac-3",
        Codec::Eac3 => b"ec-3",
        Codec::G711A | Codec::G711U => return None,
    })
}

/// Whether coded frames of a codec begin with a composition time in enhanced FLV.
pub(super) fn has_composition_time(codec: Option<Codec>) -> bool {
    matches!(codec, Some(Codec::Avc | Codec::Hevc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fourcc_is_read_as_the_codec_it_is_written_for() {
        for codec in [Codec::Avc, Codec::Hevc, Codec::Av1, Codec::Vp9, Codec::Vp8] {
            assert_eq!(fourcc(codec).and_then(|cc| CodecId::VideoEx(cc).codec()), Some(codec));
        }
        for codec in [Codec::Aac, Codec::Mp3, Codec::Opus, Codec::Flac, Codec::Ac3, Codec::Eac3] {
            assert_eq!(fourcc(codec).and_then(|cc| CodecId::AudioEx(cc).codec()), Some(codec));
        }
    }

    #[test]
    fn codecs_that_are_not_read_have_names() {
        for (id, name) in [
            (CodecId::Video(2), "Sorenson H.263"),
            (CodecId::Audio(11), "Speex"),
            (CodecId::Audio(5), "Nellymoser"),
            (CodecId::Video(9), "codec 9"),
            (CodecId::VideoEx(*b"vvc1"), "vvc1"),
            (CodecId::AudioEx([0, b'x', 0xff, b' ']), "\\x00x\\xff "),
        ] {
            assert_eq!(id.codec(), None);
            assert_eq!(id.name().to_string(), name);
        }
    }
}
