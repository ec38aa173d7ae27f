//! What the body of an audio or video tag holds: for each of its tracks a configuration, coded frames, or a message.
//!
//! **Invariant:** a part is within its tag, and shares its memory. Legacy and extended headers come out alike; what no player
//! acts on (commands, seeking, the end of video) is no part at all. Nothing of a codec is read here.

use bytes::Bytes;

use crate::{
    demux::SkipReason,
    flv::{
        ex::{ExHeader, Place, Share},
        header::{self, CodecId},
        tag::{Tag, TagKind},
    },
    packet::{AudioParams, TrackId},
    read::ByteReader,
};

/// One track's part of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub track: TrackId,
    pub codec: CodecId,
    pub content: Content,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The codec's configuration record or sequence header, in the form of the FLV specifications; may be empty.
    Config(Bytes),
    /// An AV1VideoDescriptor of MPEG-2 TS in place of the configuration record.
    TsConfig(Bytes),
    /// Never empty.
    Frames {
        data: Bytes,
        /// In ms.
        composition: i32,
        /// SoundRate and SoundType of a legacy header.
        flags: Option<AudioParams>,
    },
    /// AMF: names and values.
    Messages(Bytes),
    /// A MultichannelConfig.
    Channels(Bytes),
    /// No sound from here to the next.
    Silence,
}

/// What a tag holds.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Added to the presentation time of all parts.
    pub offset_nanos: u32,
    pub parts: Vec<Result<Part, Flaw>>,
}

/// A part that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub track: TrackId,
    pub place: Place,
    pub why: SkipReason,
}

impl Body {
    /// Reads an audio or video tag.
    pub fn read(tag: &Tag) -> Self {
        let extended = match (tag.kind, tag.body.first()) {
            (TagKind::Video, Some(first)) => first & header::VIDEO_EX_HEADER != 0,
            (TagKind::Audio, Some(first)) => first >> 4 == header::SOUND_EX_HEADER,
            _ => false,
        };
        let read = match (tag.kind, extended) {
            (_, true) => read_extended(tag),
            (TagKind::Video, false) => legacy_video(&tag.body).map(|found| Self::of_one(tag, found)),
            (_, false) => legacy_audio(&tag.body).map(|found| Self::of_one(tag, Some(found))),
        };
        read.unwrap_or_else(|why| {
            let flaw = Flaw { track: track_id(tag.kind, 0), place: whole(tag), why };
            Self { parts: vec![Err(flaw)], ..Self::default() }
        })
    }

    /// A legacy tag.
    fn of_one(tag: &Tag, found: Option<(CodecId, Content)>) -> Self {
        let part =
            |(codec, content)| Part { track: track_id(tag.kind, 0), codec, content, place: whole(tag) };
        Self { parts: found.map(part).map(Ok).into_iter().collect(), ..Self::default() }
    }
}

fn whole(tag: &Tag) -> Place {
    Place { at: 0, len: tag.body.len() }
}

fn track_id(kind: TagKind, number: u8) -> TrackId {
    match kind {
        TagKind::Video => TrackId::video(number),
        _ => TrackId::audio(number),
    }
}

/// VIDEODATA (E.4.3.1 of the Video File Format Specification 10.1), also with the codec ids that it leaves open.
fn legacy_video(body: &Bytes) -> Result<Option<(CodecId, Content)>, SkipReason> {
    let mut r = ByteReader::new(body);
    let first = r.u8().ok_or(SkipReason::TooShort)?;
    if first >> 4 == header::FRAME_COMMAND {
        return Ok(None);
    }
    let codec = CodecId::Video(first & 0x0f);
    if codec.codec().is_none() {
        return Err(SkipReason::UnsupportedCodec(codec.name()));
    }
    let packet_type = r.u8().ok_or(SkipReason::TooShort)?;
    if packet_type == header::AVC_END_OF_SEQUENCE {
        return Ok(None);
    }
    let composition = r.i24().ok_or(SkipReason::TooShort)?;
    let data = body.slice_ref(r.rest());
    let content = match packet_type {
        header::SEQUENCE_HEADER => Content::Config(data),
        header::AVC_NALU => frames(data, composition, None)?,
        _ => return Err(SkipReason::BadPacket),
    };
    Ok(Some((codec, content)))
}

/// AUDIODATA (E.4.2.1), also with the formats that it reserves.
fn legacy_audio(body: &Bytes) -> Result<(CodecId, Content), SkipReason> {
    let mut r = ByteReader::new(body);
    // "An empty audio message without an AudioTagHeader, indicating a period of silence" (Enhanced RTMP v2, AudioPacketType).
    let Some(first) = r.u8() else { return Ok((CodecId::Audio(header::SOUND_AAC), Content::Silence)) };
    let codec = CodecId::Audio(first >> 4);
    if codec.codec().is_none() {
        return Err(SkipReason::UnsupportedCodec(codec.name()));
    }
    if first >> 4 == header::SOUND_AAC {
        let packet_type = r.u8().ok_or(SkipReason::TooShort)?;
        let data = body.slice_ref(r.rest());
        return match packet_type {
            header::SEQUENCE_HEADER => Ok((codec, Content::Config(data))),
            header::AAC_RAW => Ok((codec, sound(data, None))),
            _ => Err(SkipReason::BadPacket),
        };
    }
    Ok((codec, sound(body.slice_ref(r.rest()), Some(sound_flags(first)))))
}

/// What SoundRate and SoundType say. G.711 and MP3 of 8 kHz have no code for their rate, and Opus has one rate.
fn sound_flags(first: u8) -> AudioParams {
    let sample_rate = match first >> 4 {
        header::SOUND_G711A | header::SOUND_G711U | header::SOUND_MP3_8K => 8000,
        header::SOUND_OPUS_UNOFFICIAL => 48_000,
        _ => match (first >> 2) & 3 {
            0 => 5500,
            1 => 11_025,
            2 => 22_050,
            _ => 44_100,
        },
    };
    AudioParams { sample_rate, channels: (first & header::SOUND_STEREO).saturating_add(1) }
}

fn frames(data: Bytes, composition: i32, flags: Option<AudioParams>) -> Result<Content, SkipReason> {
    if data.is_empty() { Err(SkipReason::TooShort) } else { Ok(Content::Frames { data, composition, flags }) }
}

/// Sound without a byte is silence.
fn sound(data: Bytes, flags: Option<AudioParams>) -> Content {
    frames(data, 0, flags).unwrap_or(Content::Silence)
}

fn read_extended(tag: &Tag) -> Result<Body, SkipReason> {
    let ExHeader::Tracks { packet_type, offset_nanos, shares } = ExHeader::read(tag.kind, &tag.body)? else {
        return Ok(Body::default());
    };
    let mut parts = Vec::new();
    for share in shares {
        let number = share.map_or(0, |share| share.track);
        let flaw = |place, why| Err(Flaw { track: track_id(tag.kind, number), place, why });
        match share {
            Err((place, why)) => parts.push(flaw(place, why)),
            Ok(share) => match part(tag, packet_type, share) {
                Ok(found) => parts.extend(found.map(Ok)),
                Err(why) => parts.push(flaw(share.place, why)),
            },
        }
    }
    Ok(Body { offset_nanos, parts })
}

/// ExVideoTagBody and ExAudioTagBody of one track.
fn part(tag: &Tag, packet_type: u8, share: Share<'_>) -> Result<Option<Part>, SkipReason> {
    let codec = match tag.kind {
        TagKind::Video => CodecId::VideoEx(share.fourcc),
        _ => CodecId::AudioEx(share.fourcc),
    };
    if codec.codec().is_none() {
        return Err(SkipReason::UnsupportedCodec(codec.name()));
    }
    let data = tag.body.slice_ref(share.data);
    let content = match (tag.kind, packet_type) {
        (_, header::EX_SEQUENCE_START) => Some(Content::Config(data)),
        (TagKind::Video, header::EX_CODED_FRAMES) if header::has_composition_time(codec.codec()) => {
            let mut r = ByteReader::new(&data);
            let composition = r.i24().ok_or(SkipReason::TooShort)?;
            Some(frames(data.slice_ref(r.rest()), composition, None)?)
        }
        (TagKind::Video, header::EX_CODED_FRAMES | header::EX_VIDEO_CODED_FRAMES_X) => {
            Some(frames(data, 0, None)?)
        }
        (TagKind::Video, header::EX_SEQUENCE_END) => None,
        (TagKind::Video, header::EX_VIDEO_METADATA) => Some(Content::Messages(data)),
        (TagKind::Video, header::EX_VIDEO_MPEG2TS_SEQUENCE_START) => Some(Content::TsConfig(data)),
        (TagKind::Audio, header::EX_CODED_FRAMES) => Some(sound(data, None)),
        // "SequenceEnd is to have no less than the same meaning as a silence message."
        (TagKind::Audio, header::EX_SEQUENCE_END) => Some(Content::Silence),
        (TagKind::Audio, header::EX_AUDIO_MULTICHANNEL_CONFIG) => Some(Content::Channels(data)),
        _ => return Err(SkipReason::BadPacket),
    };
    let track = track_id(tag.kind, share.track);
    Ok(content.map(|content| Part { track, codec, content, place: share.place }))
}
