//! A publisher's bytes, checked and cut into tags.
//!
//! **Invariant:** the first byte that is not FLV is an error with its offset; every whole tag before it is given out.
//! It holds one incomplete tag at most.

use bytes::Bytes;
use sailcast_media::{
    DemuxError,
    demux::SkipReason,
    flv::{Tag, TagEvent, TagReader},
};
use thiserror::Error;

/// File header and PreviousTagSize0.
const FLV_HEADER_LEN: u64 = 13;
/// The longest that the reader takes for a file header. What it drops of more than this before the first tag is bad.
const LONGEST_HEADER: u64 = 4096 + 4;

/// The publisher's bytes cannot be forwarded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadStream {
    #[error("{0}")]
    NotFlv(DemuxError),
    #[error("no valid FLV tag at byte {at}")]
    NoTag { at: u64 },
    #[error("the stream ended inside the tag at byte {at}")]
    Truncated { at: u64 },
    #[error("the stream ended without a tag")]
    Empty,
    /// What carries the bytes is broken, not they.
    #[error("{0}")]
    Carrier(String),
}

impl BadStream {
    /// Where the bad bytes start.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::NotFlv(DemuxError::NotFlv { at } | DemuxError::NoTags { at, .. }) => Some(*at),
            Self::NoTag { at } | Self::Truncated { at } => Some(*at),
            _ => None,
        }
    }
}

/// Checks and cuts one publisher's bytes.
#[derive(Default)]
pub struct Intake {
    reader: TagReader,
    received: u64,
    /// How far it had come at its last good tag, or the file header.
    accepted: u64,
    promise: Option<(bool, bool)>,
}

impl Intake {
    /// Appends the tags that `data` completes to `tags`, also those in front of an error.
    pub fn push(&mut self, data: Bytes, tags: &mut Vec<Tag>) -> Result<(), BadStream> {
        self.received += data.len() as u64;
        self.reader.push(data);
        self.poll(tags)?;
        // The reader hides bytes it searches through for the next good tag: whatever it has taken and not given
        // out is bad, and a publisher must learn that at once.
        let believed = if self.has_tags() { self.accepted } else { LONGEST_HEADER };
        if self.taken() > believed {
            return Err(BadStream::NoTag { at: self.accepted });
        }
        Ok(())
    }

    /// No more bytes will come.
    pub fn finish(&mut self, tags: &mut Vec<Tag>) -> Result<(), BadStream> {
        self.reader.finish();
        self.poll(tags)?;
        if self.has_tags() { Ok(()) } else { Err(BadStream::Empty) }
    }

    /// What the FLV header said of audio and video, once.
    pub fn take_promise(&mut self) -> Option<(bool, bool)> {
        self.promise.take()
    }

    fn has_tags(&self) -> bool {
        self.accepted > FLV_HEADER_LEN
    }

    /// How far the reader has come.
    fn taken(&self) -> u64 {
        self.received - self.reader.buffered_bytes() as u64
    }

    fn poll(&mut self, tags: &mut Vec<Tag>) -> Result<(), BadStream> {
        while let Some(event) = self.reader.poll().map_err(BadStream::NotFlv)? {
            match event {
                TagEvent::Header { has_audio, has_video } => {
                    self.promise = Some((has_audio, has_video));
                    self.accepted = FLV_HEADER_LEN;
                }
                TagEvent::Tag(tag) => {
                    self.accepted = self.taken();
                    tags.push(tag);
                }
                // A whole tag of a later version of the format: not for us to judge, nor to forward.
                TagEvent::Skipped { why: SkipReason::UnknownTag, .. } => self.accepted = self.taken(),
                TagEvent::Skipped { at, why: SkipReason::Truncated, .. } => {
                    return Err(BadStream::Truncated { at });
                }
                TagEvent::Skipped { at, .. } => return Err(BadStream::NoTag { at }),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
