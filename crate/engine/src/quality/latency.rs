//! Percentiles of the latency: of the whole load in fixed memory, and of the last seconds exactly.
//!
//! The histogram's buckets grow with the value: each power of two is cut into [`STEPS`], so that a figure is within 4 % of
//! the truth whether it is 30 ms or 30 s. Each sample stands for the same length of playback.

use std::collections::VecDeque;

use sailcast_media::Micros;

use crate::{io::Instant, window::sorted};

/// The finest step, 1.024 ms, as a shift.
const UNIT_BITS: u32 = 10;
const STEPS_BITS: u32 = 4;
const STEPS: usize = 1 << STEPS_BITS;
/// Values of 2^16 units, 67 s, and above share the last bucket.
const BITS: u32 = 16;
const LARGEST: u64 = (1 << BITS) - 1;
const BUCKETS: usize = (BITS as usize - STEPS_BITS as usize + 1) * STEPS;
/// What the present latency is judged by.
pub const WINDOW: Micros = Micros::from_secs(10);
/// Samples in the window: more often than this many in [`WINDOW`] nobody samples.
const WINDOW_SAMPLES: usize = 200;

/// Half of the samples, and 95 % of them, are not above. `None` without samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: Option<Micros>,
    pub p95: Option<Micros>,
}

#[derive(Debug)]
pub(super) struct Histogram {
    counts: [u32; BUCKETS],
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], total: 0 }
    }
}

impl Histogram {
    pub fn add(&mut self, value: Micros) {
        if let Some(count) = self.counts.get_mut(bucket(value)) {
            *count = count.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
    }

    pub fn percentiles(&self) -> Percentiles {
        Percentiles { p50: self.percentile(50), p95: self.percentile(95) }
    }

    /// The middle of the bucket in which the sample of this rank is.
    fn percentile(&self, percent: u64) -> Option<Micros> {
        let rank = rank(self.total, percent)?;
        let mut seen = 0u64;
        let at = self.counts.iter().position(|count| {
            seen = seen.saturating_add(u64::from(*count));
            seen >= rank
        })?;
        Some(middle(at))
    }
}

/// Of the last [`WINDOW`].
#[derive(Debug, Default)]
pub(super) struct Recent {
    samples: VecDeque<(Instant, Micros)>,
}

impl Recent {
    pub fn add(&mut self, value: Micros, now: Instant) {
        if self.samples.len() >= WINDOW_SAMPLES {
            self.samples.pop_front();
        }
        while self.samples.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.samples.pop_front();
        }
        self.samples.push_back((now, value));
    }

    pub fn percentiles(&self, now: Instant) -> Percentiles {
        let fresh = self.samples.iter().filter(|(at, _)| now - *at <= WINDOW);
        let values = sorted(fresh.map(|(_, value)| *value).collect());
        let of = |percent| {
            let rank = rank(values.len() as u64, percent)?;
            values.get(usize::try_from(rank).ok()?.checked_sub(1)?).copied()
        };
        Percentiles { p50: of(50), p95: of(95) }
    }
}

/// The nearest rank, from 1 on; `None` of nothing.
fn rank(total: u64, percent: u64) -> Option<u64> {
    (total > 0).then(|| total.saturating_mul(percent).div_ceil(100).max(1))
}

/// Below `STEPS` units a bucket is a unit; above, the leading one and the `STEPS_BITS` bits behind it are its number.
fn bucket(value: Micros) -> usize {
    let units = (u64::try_from(value.0).unwrap_or(0) >> UNIT_BITS).min(LARGEST);
    let Some(shift) = units.checked_ilog2().and_then(|top| top.checked_sub(STEPS_BITS)) else {
        return units as usize;
    };
    let step = (units >> shift) as usize;
    (shift as usize).saturating_mul(STEPS).saturating_add(step)
}

fn middle(bucket: usize) -> Micros {
    let shift = (bucket / STEPS).saturating_sub(1);
    let step = bucket.saturating_sub(shift.saturating_mul(STEPS)) as u64;
    let width = 1u64.checked_shl(shift as u32).unwrap_or(1);
    let units = step.saturating_mul(width);
    // In microseconds, where half of a bucket is a whole number.
    let low = units << UNIT_BITS;
    let half = (width << UNIT_BITS) / 2;
    Micros(i64::try_from(low.saturating_add(half)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> Micros {
        Micros::from_millis(ms)
    }

    #[test]
    fn buckets_are_contiguous_and_their_middle_is_inside() {
        let mut last = 0;
        for us in (0..80_000_000).step_by(499) {
            let at = bucket(Micros(us));
            assert!(at == last || at == last + 1, "{us} µs: bucket {at} after {last}");
            last = at;
            assert_eq!(bucket(middle(at)), at);
        }
        assert_eq!(last, BUCKETS - 1);
    }

    #[test]
    fn figures_are_within_four_percent() {
        for value in [20, 33, 150, 400, 999, 3000, 29_000, 65_000] {
            let mut histogram = Histogram::default();
            histogram.add(ms(value));
            let p50 = histogram.percentiles().p50.unwrap();
            let off = (p50.0 - ms(value).0).abs() as f64 / ms(value).0 as f64;
            assert!(off < 0.04, "{value} ms: {p50:?}");
        }
    }

    #[test]
    fn percentiles_of_a_ramp() {
        let (mut all, mut recent) = (Histogram::default(), Recent::default());
        for i in 1..=100 {
            all.add(ms(i * 10));
            recent.add(ms(i * 10), Instant(i as u64 * 100_000));
        }
        let exact = recent.percentiles(Instant(10_000_000));
        assert_eq!((exact.p50, exact.p95), (Some(ms(500)), Some(ms(950))));
        let near = all.percentiles();
        assert!((near.p50.unwrap() - ms(500)).abs() < ms(20), "{near:?}");
        assert!((near.p95.unwrap() - ms(950)).abs() < ms(38), "{near:?}");
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(Histogram::default().percentiles(), Percentiles::default());
        assert_eq!(Recent::default().percentiles(Instant(5)), Percentiles::default());
    }

    #[test]
    fn the_window_forgets_and_is_bounded() {
        let mut recent = Recent::default();
        for i in 0..10_000 {
            recent.add(ms(3000), Instant(i * 1000));
        }
        assert!(recent.samples.len() <= WINDOW_SAMPLES);
        recent.add(ms(200), Instant(21_000_000));
        assert_eq!(recent.percentiles(Instant(21_000_000)).p95, Some(ms(200)));
        assert_eq!(recent.percentiles(Instant(40_000_000)).p95, None);
    }

    #[test]
    fn negative_and_endless_values_have_a_place() {
        let mut histogram = Histogram::default();
        histogram.add(Micros(-5));
        assert!(histogram.percentiles().p50.unwrap() < ms(1));
        histogram.add(Micros(i64::MAX));
        histogram.add(Micros(i64::MAX));
        assert!(histogram.percentiles().p95.unwrap() > ms(60_000));
    }
}
