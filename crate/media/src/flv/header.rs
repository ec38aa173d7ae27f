//! The first bytes of audio and video bodies: frame types, codec ids, packet types.
//!
//! **Invariant:** every number of the format that demuxer, muxer and classifier use has its name here, once.

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

/// SoundFormat that says an `ExAudioTagHeader` follows.
pub(super) const SOUND_EX_HEADER: u8 = 9;
pub(super) const SOUND_AAC: u8 = 10;
/// SoundRate 3, SoundSize 1, SoundType 1: what AAC always writes, whatever it is.
pub(super) const SOUND_AAC_FLAGS: u8 = 0x0f;

/// AVCPacketType and AACPacketType of a configuration.
pub(super) const SEQUENCE_HEADER: u8 = 0;
pub(super) const AVC_NALU: u8 = 1;
pub(super) const AVC_END_OF_SEQUENCE: u8 = 2;
pub(super) const AAC_RAW: u8 = 1;

pub(super) const VIDEO_AVC: CodecId = CodecId::Video(CODEC_AVC);
pub(super) const AUDIO_AAC: CodecId = CodecId::Audio(SOUND_AAC);

/// A codec as the container names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodecId {
    Video(u8),
    Audio(u8),
    /// The four bytes behind the first of an ex-header: a FourCC, but for multitrack and ModEx tags, which are told
    /// apart well enough by whatever stands there.
    VideoEx([u8; 4]),
    AudioEx([u8; 4]),
}

pub(super) fn is_video_command(first: u8) -> bool {
    (first >> 4) & 7 == FRAME_COMMAND
}

pub(super) fn video_codec(body: &[u8]) -> Option<CodecId> {
    let (&first, rest) = body.split_first()?;
    match first & VIDEO_EX_HEADER {
        0 => Some(CodecId::Video(first & 0x0f)),
        _ => rest.first_chunk().map(|fourcc| CodecId::VideoEx(*fourcc)),
    }
}

pub(super) fn audio_codec(body: &[u8]) -> Option<CodecId> {
    let (&first, rest) = body.split_first()?;
    match first >> 4 {
        SOUND_EX_HEADER => rest.first_chunk().map(|fourcc| CodecId::AudioEx(*fourcc)),
        format => Some(CodecId::Audio(format)),
    }
}
