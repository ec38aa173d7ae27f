//! The tag of FLV (E.4.1 of the Video File Format Specification 10.1), shared by demuxer, muxer and relay.
//!
//! **Invariant:** what is written here is read back by [`TagReader`] as it was. Bodies are not looked into beyond the bits
//! that [`Tag::class`] needs, and timestamps not unwrapped.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

pub use crate::flv::reader::TagReader;
use crate::{
    demux::SkipReason,
    flv::class::{self, TagClass},
};

/// The first bytes of every FLV stream.
pub const SIGNATURE: [u8; 3] = *b"FLV";
const VERSION: u8 = 1;
pub(super) const HAS_AUDIO: u8 = 0x04;
pub(super) const HAS_VIDEO: u8 = 0x01;
/// Signature, version, flags and DataOffset.
pub(super) const FILE_HEADER_LEN: usize = 9;

const TAG_AUDIO: u8 = 8;
const TAG_VIDEO: u8 = 9;
const TAG_SCRIPT: u8 = 18;
/// Type, DataSize, Timestamp, TimestampExtended, StreamID.
pub(super) const TAG_HEADER_LEN: usize = 11;
/// PreviousTagSize: the length of the tag before it, header and body.
pub(super) const TRAILER_LEN: usize = 4;

/// The largest body taken. The format allows 16 MiB; a keyframe of 4K video at 100 Mbit/s is below this. Keeps one
/// damaged or hostile length from holding the stream back, and in memory, for longer than that.
pub const MAX_TAG_BODY: usize = 4 << 20;

/// What a tag carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagKind {
    Audio,
    Video,
    Script,
}

impl TagKind {
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            TAG_AUDIO => Some(Self::Audio),
            TAG_VIDEO => Some(Self::Video),
            TAG_SCRIPT => Some(Self::Script),
            _ => None,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Audio => TAG_AUDIO,
            Self::Video => TAG_VIDEO,
            Self::Script => TAG_SCRIPT,
        }
    }
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Stream offset of the tag's header.
    pub offset: u64,
    pub kind: TagKind,
    /// Milliseconds, wrapping at 2^32.
    pub timestamp: u32,
    pub body: Bytes,
}

impl Tag {
    /// What the tag is by the container's flags, for any codec.
    pub fn class(&self) -> TagClass {
        class::classify(self.kind, &self.body)
    }

    /// The number of the track that it carries, or of the first of several; 0 where it has none.
    pub fn track(&self) -> u8 {
        class::track(self.kind, &self.body)
    }

    /// Stream offset of the body.
    pub(super) fn body_offset(&self) -> u64 {
        self.offset.saturating_add(TAG_HEADER_LEN as u64)
    }

    /// Bytes of header and body.
    #[expect(clippy::len_without_is_empty, reason = "a tag is never empty")]
    pub fn len(&self) -> u64 {
        tag_len(self.body.len()) as u64
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagEvent {
    /// The file header, always first. Its flags are hints: many encoders set them wrong.
    Header {
        has_audio: bool,
        has_video: bool,
    },
    Tag(Tag),
    /// Bytes from offset `at` were left out; the next event comes from behind them.
    Skipped {
        at: u64,
        len: u64,
        why: SkipReason,
    },
}
pub(super) fn tag_len(body_len: usize) -> usize {
    body_len.saturating_add(TAG_HEADER_LEN)
}

pub(super) fn unit_len(body_len: usize) -> usize {
    tag_len(body_len).saturating_add(TRAILER_LEN)
}

/// The body is larger than [`MAX_TAG_BODY`]; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("tag body of {len} bytes is over the limit of {MAX_TAG_BODY}")]
pub struct TagTooLarge {
    pub len: usize,
}

/// Writes the file header and PreviousTagSize0: the first 13 bytes of a stream.
pub fn write_header(out: &mut BytesMut, has_audio: bool, has_video: bool) {
    out.put_slice(&SIGNATURE);
    out.put_u8(VERSION);
    out.put_u8(if has_audio { HAS_AUDIO } else { 0 } | if has_video { HAS_VIDEO } else { 0 });
    out.put_u32(FILE_HEADER_LEN as u32);
    out.put_u32(0);
}

/// Writes one tag and its PreviousTagSize.
pub fn write_tag(out: &mut BytesMut, kind: TagKind, timestamp: u32, body: &[u8]) -> Result<(), TagTooLarge> {
    if body.len() > MAX_TAG_BODY {
        return Err(TagTooLarge { len: body.len() });
    }
    let [t3, t2, t1, t0] = timestamp.to_be_bytes();
    out.reserve(unit_len(body.len()));
    out.put_u8(kind.byte());
    out.put_uint(body.len() as u64, 3);
    out.put_slice(&[t2, t1, t0, t3]);
    out.put_uint(0, 3);
    out.put_slice(body);
    out.put_u32(tag_len(body.len()) as u32);
    Ok(())
}
