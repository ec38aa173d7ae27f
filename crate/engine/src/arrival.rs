//! How data arrives: a burst from the server's cache, or the live edge itself.
//!
//! A new viewer first gets the past at network speed. As long as the edge runs faster than time there is a better place to
//! start than here.

use sailcast_media::{MediaTime, Micros};

use crate::io::Instant;

/// The edge has come no nearer for this long: the burst is over.
const QUIET: Micros = Micros::from_millis(40);
/// Coming nearer by less is jitter.
const JITTER: Micros = Micros::from_millis(8);
/// A burst that lasts longer is a server faster than real time; playback starts all the same.
const LONGEST_BURST: Micros = Micros::from_secs(1);

#[derive(Debug, Default)]
pub struct Arrival {
    first: Option<Instant>,
    /// Smallest distance of the edge to the clock so far, and when it last shrank.
    best: Option<(i128, Instant)>,
    began: Option<Instant>,
}

impl Arrival {
    /// The edge stands at `edge` after bytes came.
    pub fn note(&mut self, edge: MediaTime, now: Instant) {
        self.first.get_or_insert(now);
        self.began.get_or_insert(now);
        let distance = i128::from(now.0).saturating_sub(i128::from(edge.0));
        let nearer = self.best.is_none_or(|(best, _)| distance < best.saturating_sub(i128::from(JITTER.0)));
        if nearer {
            self.best = Some((distance, now));
        }
    }

    pub fn since_first(&self, now: Instant) -> Micros {
        self.first.map_or(Micros::ZERO, |at| now - at)
    }

    pub fn burst_is_over(&self, now: Instant) -> bool {
        self.best.is_some_and(|(_, at)| now - at >= QUIET)
            || self.began.is_some_and(|at| now - at >= LONGEST_BURST)
    }

    /// After a stall the backlog comes as another burst.
    pub fn restart(&mut self) {
        self.best = None;
        self.began = None;
    }
}
