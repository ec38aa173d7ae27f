//! Where packets come from: the contract between playback and a source of its own that reads a place at a time, HLS or a file.
//!
//! A *paced* source loads ahead of the playhead, as much as it thinks right, and puts its packets on **one timeline** itself: across
//! segments, discontinuities, renditions and seeks, the same moment has the same time. Playback tells it where the playhead is
//! ([`View`]), polls [`FeedEvent`]s, and asks it for its [`Extent`]: [`Paced`] has the methods.

mod any;
pub(crate) mod kind;
mod paced;

use sailcast_media::{DemuxEvent, MediaTime, Micros};

pub(crate) use self::any::Feed;
pub use self::paced::{Going, Paced};
use crate::event::Event;

/// What playback knows and a source must.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub playhead: MediaTime,
    /// The end of what it has of both kinds: everything up to here can be played.
    pub buffered_until: Option<MediaTime>,
    pub buffered_bytes: u64,
    /// How fast the playhead moves while it runs.
    pub rate: f64,
    pub is_running: bool,
    /// The pictures shown are fewer than those that came, for this machine is too slow for them.
    pub is_degraded: bool,
    /// The picture's box in device pixels, where it is known.
    pub viewport: Option<(u32, u32)>,
    /// The playhead stands for want of data.
    pub is_waiting: bool,
    /// The playhead by the clock of a stream's own packets.
    pub raw: Option<MediaTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FeedEvent {
    /// A track, packet, message or loss; times are on the player's timeline.
    Demuxed(DemuxEvent),
    /// What follows does not go on where the last packets of these kinds ended: it begins at a keyframe, after a seek, in another
    /// rendition, or behind what could not be had (of a stream by its own clock, as its packets). Packets here from `at` on are replaced by what follows.
    Cut { at: MediaTime, why: CutReason },
    /// For the page.
    Tell(Event),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CutReason {
    /// Everything here goes.
    Seek,
    /// Another rendition of the picture goes on from `at`; the sound goes on as it was.
    Rendition,
    /// The segments before `at` could not be had: playback goes on there.
    Gap,
    /// This track of the sound goes on from `at`, in place of the one before; the picture goes on as it was.
    Sound(u8),
}

/// How far a source reaches, on the player's timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extent {
    /// More is added to its end.
    pub live: bool,
    pub seekable: Option<(MediaTime, MediaTime)>,
    /// Everything up to here has come: a kind of which there is less has no more.
    pub whole: Option<MediaTime>,
    /// Of a recording, where it is known.
    pub duration: Option<Micros>,
    /// Where the newest media there is ends by now, of a live source.
    pub live_edge: Option<MediaTime>,
    /// How far behind the live edge the server wants to be played (PART-HOLD-BACK, HOLD-BACK).
    pub hold_back: Option<Micros>,
    /// Where to begin, until a seek says otherwise.
    pub start: Option<MediaTime>,
    /// A time and what it is in µs since 1970.
    pub wall_clock: Option<(MediaTime, Micros)>,
    pub rendition: Option<u32>,
    /// bit/s.
    pub estimate: Option<u64>,
}
