//! The demuxer's contract.
//!
//! Push bytes as they come, then poll until `Ok(None)`. [`Demuxer::finish`] says that no more will come; poll
//! until `Ok(None)` once more after it. An `Err` is final: the bytes are not this format.
//!
//! Times are the container's own, unwrapped and no more: whether a step is a jump is judged by whoever plays the packets.

use std::fmt;

use bytes::Bytes;
use thiserror::Error;

use crate::{
    flv,
    metadata::Metadata,
    mp4, packed,
    packet::{Packet, TrackId, TrackInfo},
    ts,
};

/// The containers with a demuxer here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    Flv,
    /// MPEG-TS in packets of 188, 192 or 204 bytes.
    Ts,
    /// ISO base media: MP4, fragmented or not.
    Mp4,
    /// Elementary audio, as packed audio of HLS: ADTS, MP3, AC-3, E-AC-3, maybe behind ID3.
    PackedAudio,
}

/// The format that the first bytes of a stream announce; `None` when there is none, or are too few of them.
pub fn probe(first_bytes: &[u8]) -> Option<Format> {
    if first_bytes.starts_with(&flv::tag::SIGNATURE) {
        return Some(Format::Flv);
    }
    if ts::is_stream(first_bytes) {
        return Some(Format::Ts);
    }
    if mp4::is_mp4(first_bytes) {
        return Some(Format::Mp4);
    }
    packed::is_stream(first_bytes).then_some(Format::PackedAudio)
}

/// Turns one container's bytes into events. Implementations obey the crate's one rule.
pub trait Demuxer {
    /// Takes the next bytes. Never blocks; memory is bounded by one incomplete unit plus unpolled events.
    fn push(&mut self, data: Bytes);

    /// The next event, `Ok(None)` when more bytes are needed.
    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError>;

    /// What only its successor would end is complete: a segment ends here, and the next one goes on with the same tracks.
    fn flush(&mut self) {}

    /// No more bytes will come: an incomplete unit becomes a [`DemuxEvent::Skipped`] with
    /// [`SkipReason::Truncated`].
    fn finish(&mut self);
}

#[derive(Clone, Debug, PartialEq)]
pub enum DemuxEvent {
    /// A track appeared, or its configuration changed.
    Track(TrackInfo),
    Packet(Packet),
    Metadata(Metadata),
    /// Bytes from offset `at` were left out; reading went on behind them.
    Skipped {
        /// Whose bytes they were, where that can be told.
        track: Option<TrackId>,
        at: u64,
        len: u64,
        why: SkipReason,
    },
}

/// Why bytes were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SkipReason {
    #[error("no valid unit here, searched on for the next one")]
    LostSync,
    #[error("tag type not known to FLV")]
    UnknownTag,
    /// Of MPEG-TS: packets are missing before this one.
    #[error("packets of the stream are missing")]
    Continuity,
    /// Encrypted by the container itself: DRM, or a scrambled transport stream.
    #[error("encrypted")]
    Encrypted,
    /// Once for each codec of a track.
    #[error("codec not supported: {0}")]
    UnsupportedCodec(CodecName),
    /// Once: the tracks before it go on.
    #[error("more tracks than are read")]
    TooManyTracks,
    #[error("unit too short for its own header")]
    TooShort,
    #[error("codec configuration cannot be read")]
    BadConfig,
    #[error("packet before its codec configuration")]
    NoConfig,
    /// Of MPEG-TS, which has a time now and then.
    #[error("packet before the first time of its track")]
    NoTime,
    #[error("packet's contents are damaged")]
    BadPacket,
    #[error("script data cannot be read")]
    BadScript,
    #[error("stream ended inside a unit")]
    Truncated,
}

impl SkipReason {
    /// A stable lower-case word for logs and tools.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LostSync => "lost-sync",
            Self::UnknownTag => "unknown-tag",
            Self::Continuity => "continuity",
            Self::Encrypted => "encrypted",
            Self::UnsupportedCodec(_) => "unsupported-codec",
            Self::TooManyTracks => "too-many-tracks",
            Self::TooShort => "too-short",
            Self::BadConfig => "bad-config",
            Self::NoConfig => "no-config",
            Self::NoTime => "no-time",
            Self::BadPacket => "bad-packet",
            Self::BadScript => "bad-script",
            Self::Truncated => "truncated",
        }
    }
}

/// A codec that is not read here, as far as the container tells which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodecName {
    Known(&'static str),
    FourCc([u8; 4]),
    /// A number that the container's specification leaves open.
    Number(u8),
}

/// `Speex`, `vvc1`, `codec 9`; what is not ASCII is escaped.
impl fmt::Display for CodecName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::FourCc(fourcc) => write!(f, "{}", fourcc.escape_ascii()),
            Self::Number(id) => write!(f, "codec {id}"),
        }
    }
}

/// The bytes are not this format at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DemuxError {
    #[error("not an FLV stream: no FLV signature at byte {at}")]
    NotFlv { at: u64 },
    #[error("not an FLV stream: no valid tag within {searched} bytes of byte {at}")]
    NoTags { at: u64, searched: u64 },
    #[error("not an MPEG transport stream: no packets in step within {searched} bytes of byte {at}")]
    NotTs { at: u64, searched: u64 },
    #[error("not an MP4 file: no box at byte {at}")]
    NotMp4 { at: u64 },
    /// A box that everything else depends on.
    #[error("the MP4 file's {} box at byte {at} cannot be read", .name.escape_ascii())]
    BadBox { at: u64, name: [u8; 4] },
    #[error("no frame of sound within {searched} bytes of byte {at}")]
    NoFrames { at: u64, searched: u64 },
}
