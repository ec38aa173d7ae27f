//! What a stream of a program is, by its stream_type and its descriptors.
//!
//! **Invariant:** total: what is not known has a name or a number. The bitstream has the last word on everything but the codec.

use bytes::Bytes;

use crate::{
    codec::frames::Syntax,
    demux::CodecName,
    packet::{Codec, MediaKind},
    ts::psi::{Descriptors, StreamInfo},
};

// Descriptors of ISO/IEC 13818-1, EN 300 468 and ETSI TS 103 491.
const REGISTRATION: u8 = 0x05;
const METADATA: u8 = 0x26;
const TELETEXT: u8 = 0x56;
const SUBTITLING: u8 = 0x59;
const AC3: u8 = 0x6a;
const EAC3: u8 = 0x7a;
const DTS: u8 = 0x7b;
const EXTENSION: u8 = 0x7f;
const EXTENSION_OPUS: u8 = 0x80;

/// The stream_type that descriptors must explain.
const PRIVATE_PES: u8 = 0x06;

/// What is done with a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Picture(Codec),
    /// And the decoder's configuration, where the descriptors have it.
    Sound(Syntax, Option<Bytes>),
    Id3,
    Scte35,
    /// Media that is not read.
    Unsupported(MediaKind, CodecName),
    /// Media whose type says that it is encrypted.
    Encrypted(MediaKind),
    /// No media: subtitles, tables, data.
    Other,
}

impl Kind {
    pub fn of(stream: &StreamInfo, program: &Descriptors) -> Self {
        use MediaKind::{Audio, Video};
        let own = &stream.descriptors;
        match stream.stream_type {
            0x01 => unsupported(Video, "MPEG-1 video"),
            0x02 => unsupported(Video, "MPEG-2 video"),
            0x03 | 0x04 => Self::Sound(Syntax::Mpeg, None),
            PRIVATE_PES => private(own),
            0x0f => Self::Sound(Syntax::Adts, None),
            0x10 => unsupported(Video, "MPEG-4 video"),
            0x11 => Self::Sound(Syntax::Loas, None),
            0x15 if carries_id3(own) => Self::Id3,
            0x1b => Self::Picture(Codec::Avc),
            0x1c => unsupported(Audio, "MPEG-4 audio without transport"),
            0x21 => unsupported(Video, "JPEG 2000"),
            0x24 => Self::Picture(Codec::Hevc),
            0x33 => unsupported(Video, "VVC"),
            0x42 => unsupported(Video, "AVS"),
            0xd2 => unsupported(Video, "AVS2"),
            0xd4 => unsupported(Video, "AVS3"),
            // HLS' sample encryption.
            0xc1 | 0xc2 | 0xcf => Self::Encrypted(Audio),
            0xdb => Self::Encrypted(Video),
            0xea => unsupported(Video, "VC-1"),
            of_users if registration(program) == Some(b"HDMV") => blu_ray(of_users),
            0x81 | 0x87 => Self::Sound(Syntax::Ac3, None),
            0x82 | 0x85 | 0x8a => unsupported(Audio, "DTS"),
            0x86 => Self::Scte35,
            of_users if of_users >= 0x80 => match registered(own) {
                Self::Other => Self::Unsupported(Video, CodecName::Number(of_users)),
                named => named,
            },
            _ => Self::Other,
        }
    }

    /// It can be played.
    pub fn is_playable(&self) -> bool {
        matches!(self, Self::Picture(_) | Self::Sound(..))
    }
}

fn unsupported(kind: MediaKind, name: &'static str) -> Kind {
    Kind::Unsupported(kind, CodecName::Known(name))
}

/// stream_type as Blu-ray discs have it.
fn blu_ray(stream_type: u8) -> Kind {
    match stream_type {
        0x80 => unsupported(MediaKind::Audio, "LPCM"),
        0x81 | 0x84 | 0x87 | 0xa1 => Kind::Sound(Syntax::Ac3, None),
        0x82 | 0x85 | 0x86 | 0xa2 => unsupported(MediaKind::Audio, "DTS"),
        0x83 => unsupported(MediaKind::Audio, "TrueHD"),
        _ => Kind::Other,
    }
}

fn private(own: &Descriptors) -> Kind {
    match registered(own) {
        Kind::Other => {}
        named => return named,
    }
    if own.find(AC3).is_some() || own.find(EAC3).is_some() {
        return Kind::Sound(Syntax::Ac3, None);
    }
    if own.find(DTS).is_some() {
        return unsupported(MediaKind::Audio, "DTS");
    }
    let is_text = own.find(TELETEXT).is_some() || own.find(SUBTITLING).is_some();
    if !is_text && own.find(METADATA).is_some() && carries_id3(own) { Kind::Id3 } else { Kind::Other }
}

/// By the format_identifier that SMPTE registers.
fn registered(own: &Descriptors) -> Kind {
    match registration(own) {
        Some(b"Opus") => Kind::Sound(Syntax::Opus, opus_head(own)),
        Some(b"AC-3" | b"EAC3") => Kind::Sound(Syntax::Ac3, None),
        Some(b"HEVC") => Kind::Picture(Codec::Hevc),
        Some(b"AV01") => unsupported(MediaKind::Video, "AV1"),
        Some(b"VC-1") => unsupported(MediaKind::Video, "VC-1"),
        Some(b"VVC ") => unsupported(MediaKind::Video, "VVC"),
        Some(b"drac") => unsupported(MediaKind::Video, "Dirac"),
        Some(b"DTS1" | b"DTS2" | b"DTS3") => unsupported(MediaKind::Audio, "DTS"),
        Some(b"BSSD") => unsupported(MediaKind::Audio, "SMPTE 302M"),
        Some(b"mlpa") => unsupported(MediaKind::Audio, "TrueHD"),
        Some(b"ID3 ") => Kind::Id3,
        _ => Kind::Other,
    }
}

fn registration(descriptors: &Descriptors) -> Option<&[u8; 4]> {
    descriptors.find(REGISTRATION)?.first_chunk()
}

/// Metadata whose descriptor says ID3, or does not say ("Timed Metadata for HTTP Live Streaming", 2.3).
fn carries_id3(own: &Descriptors) -> bool {
    own.find(METADATA).is_none_or(|metadata| metadata.windows(4).any(|id| id == b"ID3 "))
}

/// OpusHead (RFC 7845, 5.1) of the channel_config_code: up to two channels, or one of the Vorbis layouts.
fn opus_head(own: &Descriptors) -> Option<Bytes> {
    let [EXTENSION_OPUS, code @ 0..=8, ..] = *own.find(EXTENSION)? else { return None };
    // Streams, coupled streams and the order of channels, by their number (5.1.1.2).
    let table: &[u8] = match code {
        // Two channels that are no pair.
        0 => &[2, 0, 0, 1],
        1 | 2 => &[],
        3 => &[2, 1, 0, 2, 1],
        4 => &[2, 2, 0, 1, 2, 3],
        5 => &[3, 2, 0, 4, 1, 2, 3],
        6 => &[4, 2, 0, 4, 1, 2, 3, 5],
        7 => &[4, 3, 0, 4, 1, 2, 3, 5, 6],
        _ => &[5, 3, 0, 6, 1, 2, 3, 4, 5, 7],
    };
    let channels = if code == 0 { 2 } else { code };
    let family = match code {
        0 => 255,
        1 | 2 => 0,
        _ => 1,
    };
    let fields = [1, channels, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, family];
    Some([b"OpusHead", &fields[..], table].concat().into())
}
