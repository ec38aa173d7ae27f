//! Which rendition to load next: from what transfers took, what is buffered, and what there is to choose from.
//!
//! Pure policy. It is told of transfers and asked before each; it knows no playlist and no request.

use sailcast_media::Micros;

use crate::io::Instant;

/// One rendition, in the order of the caller's list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// bit/s: the peak where it is known.
    pub bitrate: u64,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub frame_rate: Option<f64>,
    /// It failed a moment ago, or cannot be decoded here.
    pub excluded: bool,
}

/// A body that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub bytes: u64,
    /// When it was asked for, when its first byte came, and its last.
    pub asked: Instant,
    pub first_byte: Instant,
    pub done: Instant,
    /// How much media is in it.
    pub media: Micros,
    /// It was sent while it was made, as a part that was asked for ahead: it came no faster than the stream plays.
    pub paced: bool,
}

/// Where playback stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    pub current: Option<usize>,
    /// From the playhead to the end of what is buffered.
    pub buffered: Micros,
    /// How much can be buffered at most: up to the live edge, or the source's own bound.
    pub attainable: Micros,
    pub rate: f64,
    pub viewport: Option<(u32, u32)>,
    pub is_degraded: bool,
    /// How long the next piece is.
    pub next: Micros,
}
