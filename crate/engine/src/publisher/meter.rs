//! Rates of the last seconds.

use std::collections::VecDeque;

use sailcast_media::Micros;

use crate::io::Instant;

const WINDOW: Micros = Micros::from_secs(2);
/// Many events of a slice are one entry: bounded memory.
const SLICE: Micros = Micros::from_millis(50);

/// Amounts by time: bytes, pictures.
#[derive(Debug, Default)]
pub struct Meter {
    slices: VecDeque<(Instant, u64)>,
    began: Option<Instant>,
    total: u64,
}

impl Meter {
    pub fn note(&mut self, amount: u64, now: Instant) {
        self.began.get_or_insert(now);
        self.total = self.total.saturating_add(amount);
        match self.slices.back_mut() {
            Some((at, sum)) if now - *at < SLICE => *sum = sum.saturating_add(amount),
            _ => self.slices.push_back((now, amount)),
        }
        while self.slices.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.slices.pop_front();
        }
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// A second, over the window or the time since the first one.
    pub fn rate(&self, now: Instant) -> f64 {
        let Some(began) = self.began else { return 0.0 };
        let span = (now - began).min(WINDOW).max(SLICE);
        let recent = self.slices.iter().filter(|(at, _)| now - *at <= WINDOW);
        recent.map(|(_, amount)| *amount as f64).sum::<f64>() / span.as_secs_f64()
    }

    /// Of bytes, in bit/s.
    pub fn bitrate(&self, now: Instant) -> u32 {
        (self.rate(now) * 8.0) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut meter = Meter::default();
        for ms in 0..10_000u64 {
            meter.note(if ms < 5000 { 100 } else { 10 }, Instant(ms * 1000));
        }
        let rate = meter.rate(Instant(10_000_000));
        assert!((rate - 10_000.0).abs() < 500.0, "{rate}");
        assert_eq!(meter.total(), 550_000);
        assert!(meter.slices.len() < 50);
        assert!(meter.rate(Instant(20_000_000)) < 1.0);
    }
}
