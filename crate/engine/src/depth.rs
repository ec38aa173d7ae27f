//! How much sound the ring must hold: what the output takes between two top-ups, and a margin.
//!
//! Measured, not assumed: it is small where the worker is punctual and the output takes small pieces, grows at once when
//! the ring ran dry, and shrinks slowly. Every millisecond here is a millisecond of latency.

use sailcast_media::Micros;

use crate::io::Instant;

const SMALLEST: Micros = Micros::from_millis(20);
const LARGEST: Micros = Micros::from_millis(150);
/// Before anything is known: enough for a busy page at its start.
const FIRST: Micros = Micros::from_millis(40);
const MARGIN: Micros = Micros::from_millis(8);
/// What the ring may lack before it is topped up: each write wakes the sound card's thread.
const SMALLEST_WRITE: Micros = Micros::from_millis(8);
const LARGEST_WRITE: Micros = Micros::from_millis(20);
/// Of a need that is no longer seen, so much is left after this time.
const HALF_LIFE: Micros = Micros::from_secs(10);
/// After the ring ran dry it stays deep for this long; twice as long each further time.
const HOLD: Micros = Micros::from_secs(20);
const LONGEST_HOLD: Micros = Micros::from_secs(320);

#[derive(Debug)]
pub struct Depth {
    /// The most that was taken between two top-ups, lately.
    need: Micros,
    hold: Micros,
    held_until: Instant,
    looked: Instant,
}

impl Default for Depth {
    fn default() -> Self {
        Self { need: FIRST, hold: HOLD, held_until: Instant(0), looked: Instant(0) }
    }
}

impl Depth {
    pub fn goal(&self) -> Micros {
        (self.need + MARGIN).clamp(SMALLEST, LARGEST)
    }

    pub fn write_above(&self) -> Micros {
        self.goal().scale(1.0 / 3.0).clamp(SMALLEST_WRITE, LARGEST_WRITE)
    }

    /// The output took this much between two top-ups.
    pub fn taken(&mut self, span: Micros, now: Instant) {
        let since = (now - self.looked).clamp(Micros::ZERO, HALF_LIFE);
        self.looked = now;
        let span = span.min(LARGEST);
        if span >= self.need {
            self.need = span;
        } else if now >= self.held_until {
            let left = 0.5f64.powf(since.as_secs_f64() / HALF_LIFE.as_secs_f64());
            self.need = span + (self.need - span).scale(left);
        }
    }

    /// The ring ran dry though there was sound to write; the last top-up was `since` ago.
    pub fn ran_dry(&mut self, since: Micros, now: Instant) {
        // What no ring could have bridged says nothing of what this one needs.
        let seen = if since > LARGEST { Micros::ZERO } else { since };
        self.need = seen.max(self.goal().scale(1.25)).min(LARGEST);
        self.held_until = now + self.hold;
        self.hold = (self.hold + self.hold).min(LONGEST_HOLD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(i64) -> Micros = Micros::from_millis;

    fn run(depth: &mut Depth, from_s: u64, to_s: u64, taken_ms: i64) {
        for i in from_s * 100..to_s * 100 {
            depth.taken(MS(taken_ms), Instant(i * 10_000));
        }
    }

    #[test]
    fn a_punctual_worker_needs_little() {
        let mut depth = Depth::default();
        run(&mut depth, 0, 30, 12);
        assert!(depth.goal() < MS(25), "{:?}", depth.goal());
    }

    #[test]
    fn one_late_wake_up_is_remembered_for_a_while() {
        let mut depth = Depth::default();
        run(&mut depth, 0, 60, 12);
        depth.taken(MS(40), Instant(60_000_000));
        assert_eq!(depth.goal(), MS(48));
        run(&mut depth, 60, 62, 12);
        assert!(depth.goal() > MS(42), "{:?}", depth.goal());
        run(&mut depth, 62, 120, 12);
        assert!(depth.goal() < MS(25), "{:?}", depth.goal());
    }

    #[test]
    fn a_dry_ring_grows_at_once_and_longer_each_time() {
        let mut depth = Depth::default();
        run(&mut depth, 0, 60, 12);
        depth.ran_dry(MS(55), Instant(60_000_000));
        assert_eq!(depth.goal(), MS(63));
        run(&mut depth, 60, 79, 12);
        assert_eq!(depth.goal(), MS(63));
        run(&mut depth, 79, 140, 12);
        depth.ran_dry(MS(55), Instant(140_000_000));
        run(&mut depth, 140, 179, 12);
        assert_eq!(depth.goal(), MS(63), "held twice as long");
    }

    #[test]
    fn a_worker_that_slept_does_not_cost_latency_for_good() {
        let mut depth = Depth::default();
        run(&mut depth, 0, 60, 12);
        let before = depth.goal();
        depth.ran_dry(Micros::from_secs(5), Instant(60_000_000));
        assert!(depth.goal() < before + MS(20), "{:?}", depth.goal());
    }
}
