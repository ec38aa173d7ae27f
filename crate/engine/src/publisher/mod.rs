//! Captured pictures and sound, and the time, in; what to encode, send and drop, out.
//!
//! [`Publisher`] mirrors the player: after every [`Publisher::handle`], drain [`Publisher::poll_output`] until it returns
//! [`Output::Wait`]. It sees ids of pictures and counts of PCM frames; the driver holds both.

mod capture;
mod interleave;
mod ladder;
pub mod event;
pub mod io;
pub mod settings;
pub mod uplink;

pub use event::{BitrateReason, DropReason, Event, State, Stats};
pub use io::{
    AudioEncoding, CapturedFrame, Encoded, EncoderId, EncoderPath, Input, Line, LineRecord, LinkEvent,
    Output, SourceState, VideoEncoding,
};
pub use settings::{AudioSettings, Settings, VideoSettings};

use crate::io::Instant;

/// The sans-IO publisher.
pub struct Publisher {
    wake: Option<Instant>,
}

impl Publisher {
    /// `seed`: for the jitter of delays between tries.
    pub fn new(seed: u64) -> Self {
        let _ = seed;
        Self { wake: None }
    }

    /// Takes what happened at `now`, which never goes back. Drain [`Publisher::poll_output`] afterwards.
    pub fn handle(&mut self, _input: Input, _now: Instant) {}

    /// The next thing to do; [`Output::Wait`] when there is none.
    pub fn poll_output(&mut self) -> Output {
        Output::Wait(self.wake)
    }

    pub fn stats(&self, _now: Instant) -> Stats {
        Stats::default()
    }
}
