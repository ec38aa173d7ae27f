//! The contract of a file that can be read at any place: a recording, of which the reader fetches what it needs.
//!
//! Ask [`FileDemuxer::wants`] where to read, push what came of there, poll until `Ok(None)`; ask again, as the place jumps: to
//! the index at the end of a file, to a keyframe after [`FileDemuxer::seek`]. Events obey the crate's one rule whatever the sizes
//! of the pieces.

use bytes::Bytes;

use crate::{
    demux::{DemuxError, DemuxEvent},
    time::{MediaTime, Micros},
};

pub trait FileDemuxer {
    /// The offset of the byte that is wanted next; `None` once everything up to the end was read.
    fn wants(&self) -> Option<u64>;

    /// Bytes of the file from offset `at` on. Only those from the wanted offset on are taken.
    fn push(&mut self, at: u64, data: Bytes);

    /// How long the whole file is, as soon as that is known.
    fn set_len(&mut self, len: u64);

    /// The next event, `Ok(None)` when other bytes are needed. Packets come in the order of the file, times are on its own
    /// presentation timeline, edit lists applied, which begins at 0.
    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError>;

    /// Goes on at the last keyframe at or before `to`, where the file has an index, or at the place that is nearest to it by
    /// estimate; the first packets of each track after it may be earlier. `None`: not possible, or not known yet.
    fn seek(&mut self, to: MediaTime) -> Option<MediaTime>;

    /// As the file says, or its samples do.
    fn duration(&self) -> Option<Micros>;

    /// The times of the keyframes around `at`, as far as the index knows: the last one at or before it, and the first one behind it.
    fn keyframes_around(&self, at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>);
}
