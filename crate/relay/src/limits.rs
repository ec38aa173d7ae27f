//! How much the relay takes on, as the operator sets it.
//!
//! **Invariant:** each limit bounds memory or traffic, and whoever meets one is told which.

use std::time::Duration;

use sailcast_media::flv::tag::MAX_TAG_BODY;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Each may hold [`crate::ring::MAX_RING_BYTES`].
    pub streams: usize,
    pub players: usize,
    /// Of one publisher, in bits per second.
    pub bit_rate: u64,
    /// Of a tag's body, in bytes.
    pub tag: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { streams: 64, players: 5000, bit_rate: 50_000_000, tag: MAX_TAG_BODY }
    }
}

/// A publisher's bit rate is the mean over so long: a burst after a gap, and a large keyframe, are no offence.
pub const RATE_WINDOW: Duration = Duration::from_secs(5);

/// Tells when bytes come faster than a limit: a bucket that holds [`RATE_WINDOW`] of them and drains at the limit.
#[derive(Debug)]
pub struct Meter {
    bit_rate: u64,
    /// Bits that have not drained yet, and when they were counted.
    level: f64,
    at: Duration,
}

impl Meter {
    pub fn new(bit_rate: u64) -> Self {
        Self { bit_rate, level: 0.0, at: Duration::ZERO }
    }

    /// Counts bytes that came at `now`, since any beginning; whether they are within the limit.
    pub fn take(&mut self, bytes: usize, now: Duration) -> bool {
        let rate = self.bit_rate as f64;
        let drained = now.saturating_sub(self.at).as_secs_f64() * rate;
        self.at = now;
        self.level = (self.level - drained).max(0.0) + bytes as f64 * 8.0;
        self.level <= rate * RATE_WINDOW.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When it says no, of so many bytes every 100 ms.
    fn refused_after(bytes: usize, at_most: Duration) -> Option<Duration> {
        let mut meter = Meter::new(1_000_000);
        let step = Duration::from_millis(100);
        let times = std::iter::successors(Some(Duration::ZERO), |t| Some(*t + step));
        times.take_while(|t| *t < at_most).find(|now| !meter.take(bytes, *now))
    }

    #[test]
    fn a_stream_at_the_limit_passes_for_ever_and_one_above_it_does_not() {
        assert_eq!(refused_after(12_500, Duration::from_secs(3600)), None);
        let twice = refused_after(25_000, Duration::from_secs(60)).unwrap();
        assert!((4..=6).contains(&twice.as_secs()), "{twice:?}");
    }

    #[test]
    fn a_burst_of_some_seconds_passes_after_silence() {
        let mut meter = Meter::new(1_000_000);
        for minute in 0..10 {
            assert!(meter.take(600_000, Duration::from_secs(minute * 60)));
        }
        assert!(!meter.take(600_000, Duration::from_secs(540)));
    }
}
