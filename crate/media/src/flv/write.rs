//! The bodies of audio and video tags, legacy and extended.
//!
//! **Invariant:** what is written here reads back as the same parts. Nothing of a codec is known but its codes.

use bytes::{BufMut, BytesMut};

use crate::{
    flv::header,
    packet::{AudioParams, Codec, MediaKind},
};

/// Which headers a muxer writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Headers {
    /// Legacy where the legacy specification has a code, enhanced FLV for the rest: what most servers take.
    #[default]
    Common,
    /// Enhanced FLV for every codec that has a FourCC: all but G.711.
    Enhanced,
    /// As [`Self::Common`], but HEVC, AV1 and Opus by the private codes of servers in China.
    Private,
}

/// How the tags of one track begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// VideoTagHeader with this CodecID.
    Video(u8),
    /// AudioTagHeader with these SoundFormat, SoundRate, SoundSize and SoundType.
    Audio(u8),
    Extended([u8; 4]),
}

impl Headers {
    /// The form of a track; `None` where it has none. Legacy headers have no number of a track.
    pub(super) fn form(self, codec: Codec, number: u8, audio: Option<AudioParams>) -> Option<Form> {
        let extended = header::fourcc(codec).map(Form::Extended);
        let legacy = (number == 0).then(|| self.legacy(codec, audio)).flatten();
        match self {
            Self::Enhanced => extended.or(legacy),
            Self::Common | Self::Private => legacy.or(extended),
        }
    }

    fn legacy(self, codec: Codec, audio: Option<AudioParams>) -> Option<Form> {
        let private = self == Self::Private;
        let sound = |format: u8, rate: u8| {
            let channels = match audio?.channels {
                1 => 0,
                2 => header::SOUND_STEREO,
                _ => return None,
            };
            Some(Form::Audio(format << 4 | rate << 2 | header::SOUND_16_BIT | channels))
        };
        match codec {
            Codec::Avc => Some(Form::Video(header::CODEC_AVC)),
            Codec::Hevc if private => Some(Form::Video(header::CODEC_HEVC_UNOFFICIAL)),
            Codec::Av1 if private => Some(Form::Video(header::CODEC_AV1_UNOFFICIAL)),
            Codec::Aac => Some(Form::Audio(header::SOUND_AAC << 4 | header::SOUND_44K_STEREO)),
            Codec::Mp3 => match audio?.sample_rate {
                8000 => sound(header::SOUND_MP3_8K, 0),
                11_025 => sound(header::SOUND_MP3, 1),
                22_050 => sound(header::SOUND_MP3, 2),
                44_100 => sound(header::SOUND_MP3, 3),
                _ => None,
            },
            Codec::G711A if audio?.sample_rate == 8000 => sound(header::SOUND_G711A, 0),
            Codec::G711U if audio?.sample_rate == 8000 => sound(header::SOUND_G711U, 0),
            Codec::Opus if private => sound(header::SOUND_OPUS_UNOFFICIAL, 3),
            _ => None,
        }
    }
}

impl Form {
    /// Whether sound comes with a packet type, and so can have a configuration.
    pub fn has_packet_types(self) -> bool {
        !matches!(self, Self::Audio(flags) if flags >> 4 != header::SOUND_AAC)
    }
}

/// What a tag of one track holds.
pub(super) enum Content<'a> {
    Config(&'a [u8]),
    /// With a composition time in ms, where the codec's header has a place for it.
    Frames {
        composition: Option<i32>,
        keyframe: bool,
        data: &'a [u8],
    },
    End,
}

/// Writes the body of a tag of legacy video.
pub(super) fn legacy_video(body: &mut BytesMut, codec_id: u8, content: &Content<'_>) {
    let (frame_type, packet_type, composition, data) = match content {
        Content::Config(record) => (header::FRAME_KEY, header::SEQUENCE_HEADER, 0, *record),
        Content::Frames { composition, keyframe, data } => {
            let frame_type = if *keyframe { header::FRAME_KEY } else { header::FRAME_INTER };
            (frame_type, header::AVC_NALU, composition.unwrap_or(0), *data)
        }
        Content::End => (header::FRAME_KEY, header::AVC_END_OF_SEQUENCE, 0, &[][..]),
    };
    body.put_slice(&[frame_type << 4 | codec_id, packet_type]);
    body.put_int(i64::from(composition), 3);
    body.put_slice(data);
}

/// Writes the body of a tag of legacy sound. Its end is the empty body of silence.
pub(super) fn legacy_audio(body: &mut BytesMut, flags: u8, content: &Content<'_>) {
    let (packet_type, data) = match content {
        Content::Config(record) => (header::SEQUENCE_HEADER, record),
        Content::Frames { data, .. } => (header::AAC_RAW, data),
        Content::End => return,
    };
    body.put_u8(flags);
    if Form::Audio(flags).has_packet_types() {
        body.put_u8(packet_type);
    }
    body.put_slice(data);
}

/// The header of an extended tag.
pub(super) struct Extended {
    pub kind: MediaKind,
    pub keyframe: bool,
    pub packet_type: u8,
    /// Written as a ModEx where it is not 0.
    pub offset_nanos: u32,
}

/// One track's share of an extended tag.
pub(super) struct Share<'a> {
    pub fourcc: [u8; 4],
    pub number: u8,
    pub composition: Option<i32>,
    pub data: &'a [u8],
}

impl Extended {
    /// Writes the body of a tag with these shares: without a track's number where it is the only one, and 0.
    pub fn write(&self, body: &mut BytesMut, shares: &[Share<'_>]) {
        let (first_bits, multitrack) = match self.kind {
            MediaKind::Video => {
                let frame_type = if self.keyframe { header::FRAME_KEY } else { header::FRAME_INTER };
                (header::VIDEO_EX_HEADER | frame_type << 4, header::EX_VIDEO_MULTITRACK)
            }
            MediaKind::Audio => (header::SOUND_EX_HEADER << 4, header::EX_AUDIO_MULTITRACK),
        };
        let common = shares.first().map(|share| share.fourcc);
        let layout = match shares {
            [Share { number: 0, .. }] => None,
            [_] => Some(header::ONE_TRACK),
            _ if shares.iter().all(|share| Some(share.fourcc) == common) => Some(header::MANY_TRACKS),
            _ => Some(header::MANY_TRACKS_MANY_CODECS),
        };
        let packet_type = if layout.is_some() { multitrack } else { self.packet_type };
        if self.offset_nanos > 0 {
            body.put_u8(first_bits | header::EX_MOD_EX);
            // The size of the data, less one.
            body.put_u8(2);
            body.put_uint(self.offset_nanos.into(), 3);
            body.put_u8(header::MOD_EX_TIMESTAMP_OFFSET_NANO << 4 | packet_type);
        } else {
            body.put_u8(first_bits | packet_type);
        }
        if let Some(layout) = layout {
            body.put_u8(layout << 4 | self.packet_type);
        }
        if layout != Some(header::MANY_TRACKS_MANY_CODECS) {
            body.put_slice(&common.unwrap_or_default());
        }
        for share in shares {
            if layout == Some(header::MANY_TRACKS_MANY_CODECS) {
                body.put_slice(&share.fourcc);
            }
            if layout.is_some() {
                body.put_u8(share.number);
            }
            if shares.len() > 1 {
                let composition = if share.composition.is_some() { 3 } else { 0usize };
                body.put_uint(share.data.len().saturating_add(composition) as u64, 3);
            }
            if let Some(composition) = share.composition {
                body.put_int(composition.into(), 3);
            }
            body.put_slice(share.data);
        }
    }
}
