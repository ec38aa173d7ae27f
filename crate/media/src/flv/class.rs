//! What a tag is, by the container's flags alone: legacy FLV and enhanced FLV (`ExVideoTagHeader`,
//! `ExAudioTagHeader` of "Enhanced RTMP v2"), whatever the codec.
//!
//! **Invariant:** total: any body has a class, an unreadable one is [`TagClass::Other`]. The flags are hints: a
//! demuxer reads keyframes from the bitstream.

use crate::flv::{
    ex::ExHeader,
    header::{
        AVC_NALU, CODEC_AV1_UNOFFICIAL, CODEC_AVC, CODEC_HEVC_UNOFFICIAL, EX_CODED_FRAMES, EX_SEQUENCE_START,
        EX_VIDEO_CODED_FRAMES_X, EX_VIDEO_MPEG2TS_SEQUENCE_START, FRAME_COMMAND, FRAME_GENERATED_KEY,
        FRAME_KEY, SEQUENCE_HEADER, SOUND_AAC, SOUND_EX_HEADER, VIDEO_EX_HEADER,
    },
    tag::TagKind,
};

/// What a forwarder must know of a tag: what to keep for late comers and where they can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagClass {
    /// The video decoder's configuration.
    VideoConfig,
    /// The audio decoder's configuration.
    AudioConfig,
    /// A picture that decoding can start at.
    Keyframe,
    /// Any other picture.
    VideoFrame,
    Audio,
    Script,
    /// End of sequence, commands, HDR metadata, empty or unreadable bodies: forward it, keep nothing.
    Other,
}

pub(super) fn classify(kind: TagKind, body: &[u8]) -> TagClass {
    match kind {
        TagKind::Script => TagClass::Script,
        TagKind::Video => video(body).unwrap_or(TagClass::Other),
        TagKind::Audio => audio(body).unwrap_or(TagClass::Other),
    }
}

fn video(body: &[u8]) -> Option<TagClass> {
    let (&first, rest) = body.split_first()?;
    if first & VIDEO_EX_HEADER != 0 {
        let frame_type = (first >> 4) & 7;
        return Some(match ex_packet_type(TagKind::Video, body)? {
            EX_SEQUENCE_START | EX_VIDEO_MPEG2TS_SEQUENCE_START => TagClass::VideoConfig,
            EX_CODED_FRAMES | EX_VIDEO_CODED_FRAMES_X => picture(frame_type),
            _ => TagClass::Other,
        });
    }
    let frame_type = first >> 4;
    if frame_type == FRAME_COMMAND {
        return Some(TagClass::Other);
    }
    Some(match first & 0x0f {
        CODEC_AVC | CODEC_HEVC_UNOFFICIAL | CODEC_AV1_UNOFFICIAL => match *rest.first()? {
            SEQUENCE_HEADER => TagClass::VideoConfig,
            AVC_NALU => picture(frame_type),
            _ => TagClass::Other,
        },
        _ => picture(frame_type),
    })
}

fn audio(body: &[u8]) -> Option<TagClass> {
    let (&first, rest) = body.split_first()?;
    Some(match first >> 4 {
        SOUND_EX_HEADER => match ex_packet_type(TagKind::Audio, body)? {
            EX_SEQUENCE_START => TagClass::AudioConfig,
            EX_CODED_FRAMES => TagClass::Audio,
            _ => TagClass::Other,
        },
        SOUND_AAC if *rest.first()? == SEQUENCE_HEADER => TagClass::AudioConfig,
        _ => TagClass::Audio,
    })
}

/// The number of the track that a tag carries, or of the first of several; 0 where it has none.
pub(super) fn track(kind: TagKind, body: &[u8]) -> u8 {
    let extended = match kind {
        TagKind::Video => body.first().is_some_and(|first| first & VIDEO_EX_HEADER != 0),
        TagKind::Audio => body.first().is_some_and(|first| first >> 4 == SOUND_EX_HEADER),
        TagKind::Script => false,
    };
    match extended.then(|| ExHeader::read(kind, body)) {
        Some(Ok(ExHeader::Tracks { mut shares, .. })) => {
            shares.next().and_then(Result::ok).map_or(0, |share| share.track)
        }
        _ => 0,
    }
}

/// The packet type of all tracks in a tag; `None` where there are none, or the header cannot be read.
fn ex_packet_type(kind: TagKind, body: &[u8]) -> Option<u8> {
    match ExHeader::read(kind, body) {
        Ok(ExHeader::Tracks { packet_type, .. }) => Some(packet_type),
        _ => None,
    }
}

fn picture(frame_type: u8) -> TagClass {
    match frame_type {
        FRAME_KEY | FRAME_GENERATED_KEY => TagClass::Keyframe,
        _ => TagClass::VideoFrame,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        TagClass::{self, AudioConfig, Keyframe, Other, VideoConfig, VideoFrame},
        TagKind::{Audio, Script, Video},
        classify, track,
    };

    #[test]
    fn legacy_avc_and_aac_are_told_apart() {
        assert_eq!(classify(Video, &[0x17, 0, 0, 0, 0]), VideoConfig);
        assert_eq!(classify(Video, &[0x17, 1, 0, 0, 0]), Keyframe);
        assert_eq!(classify(Video, &[0x27, 1, 0, 0, 0]), VideoFrame);
        assert_eq!(classify(Video, &[0x17, 2, 0, 0, 0]), Other);
        assert_eq!(classify(Video, &[0x57, 0]), Other);
        assert_eq!(classify(Audio, &[0xaf, 0, 0x12, 0x10]), AudioConfig);
        assert_eq!(classify(Audio, &[0xaf, 1, 0x21]), TagClass::Audio);
        assert_eq!(classify(Script, &[]), TagClass::Script);
    }

    #[test]
    fn unofficial_hevc_is_laid_out_like_avc() {
        assert_eq!(classify(Video, &[0x1c, 0]), VideoConfig);
        assert_eq!(classify(Video, &[0x1c, 1]), Keyframe);
        assert_eq!(classify(Video, &[0x2c, 1]), VideoFrame);
    }

    #[test]
    fn codecs_without_configuration_go_by_the_frame_type() {
        assert_eq!(classify(Video, &[0x12]), Keyframe);
        assert_eq!(classify(Video, &[0x24]), VideoFrame);
        assert_eq!(classify(Audio, &[0x2f, 0]), TagClass::Audio);
    }

    #[test]
    fn enhanced_headers_are_read_by_packet_type() {
        assert_eq!(classify(Video, b"\x90hvc1"), VideoConfig);
        assert_eq!(classify(Video, b"\x91hvc1"), Keyframe);
        assert_eq!(classify(Video, b"\xa3hvc1"), VideoFrame);
        assert_eq!(classify(Video, b"\x92hvc1"), Other);
        assert_eq!(classify(Video, b"\x94hvc1"), Other);
        assert_eq!(classify(Video, b"\xd1"), Other);
        assert_eq!(classify(Audio, b"\x90Opus"), AudioConfig);
        assert_eq!(classify(Audio, b"\x91Opus"), TagClass::Audio);
        assert_eq!(classify(Audio, b"\x92Opus"), Other);
        assert_eq!(classify(Audio, b"\x94Opus"), Other);
    }

    #[test]
    fn mod_ex_and_multitrack_prefixes_are_looked_through() {
        // ModEx of 3 bytes of nanoseconds, then coded frames.
        assert_eq!(classify(Video, b"\x97\x02\x00\x00\x01\x01avc1"), Keyframe);
        // ModEx with the long size of 1 byte, then multitrack, then a sequence start.
        assert_eq!(classify(Video, b"\x97\xff\x00\x00\x09\x06\x00avc1"), VideoConfig);
        assert_eq!(classify(Audio, b"\x95\x01Opus"), TagClass::Audio);
        assert_eq!(classify(Video, &[0x97; 40]), Other);
    }

    #[test]
    fn the_number_of_the_first_track_is_found() {
        assert_eq!(track(Video, b"\x17\x01"), 0);
        assert_eq!(track(Video, b"\x91avc1\x07"), 0);
        assert_eq!(track(Video, b"\x96\x01avc1\x07x"), 7);
        assert_eq!(track(Video, b"\x97\x00\x00\x06\x21avc1\x07\0\0\0"), 7);
        assert_eq!(track(Audio, b"\x95\x11mp4a\x03\0\0\x01x\x04\0\0\0"), 3);
        assert_eq!(track(Audio, b"\x95\x11mp4a"), 0);
        assert_eq!(track(Script, b"\x95\x01mp4a\x09"), 0);
    }

    #[test]
    fn an_empty_body_is_other() {
        assert_eq!(classify(Video, &[]), Other);
        assert_eq!(classify(Video, &[0x17]), Other);
        assert_eq!(classify(Audio, &[]), Other);
        assert_eq!(classify(Audio, &[0xaf]), Other);
    }
}
