//! Bits and pictures a second, over a sliding window of counters.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros};

use super::drops::Drops;
use crate::io::Instant;

/// Long enough for a GOP, short enough for a figure of now.
pub const WINDOW: Micros = Micros::from_secs(5);
const EVERY: Micros = Micros::from_millis(250);
/// The window's samples, its two ends, and one to spare.
const SAMPLES: usize = 23;
/// Over less than this a rate says nothing.
const SHORTEST: Micros = Micros::from_millis(500);

/// What is counted elsewhere, as it stands at one instant; totals since the load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub bytes: u64,
    pub received: u64,
    pub decoded: u64,
    pub shown: u64,
    /// The stream's newest time, once there is any.
    pub edge: Option<MediaTime>,
    pub drops: Drops,
}

/// `None` before there is enough of it to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// The stream's own, bits a second of media: the same whether it comes in a burst or not.
    pub bitrate: Option<f64>,
    /// The network's, bits a second of time.
    pub throughput: Option<f64>,
    pub received_fps: Option<f64>,
    pub decoded_fps: Option<f64>,
    pub shown_fps: Option<f64>,
}

#[derive(Debug, Default)]
pub(super) struct Window {
    samples: VecDeque<(Instant, Counters)>,
}

impl Window {
    pub fn add(&mut self, counters: Counters, now: Instant) {
        if self.samples.back().is_some_and(|(at, _)| now - *at < EVERY) {
            return;
        }
        // The oldest one stays until the next is as old as the window.
        while self.samples.len() >= SAMPLES || self.samples.get(1).is_some_and(|(at, _)| now - *at >= WINDOW)
        {
            self.samples.pop_front();
        }
        self.samples.push_back((now, counters));
    }

    /// Up to `counters`, which are those of `now`.
    pub fn rates(&self, counters: Counters, now: Instant) -> Rates {
        let Some((since, before)) = self.samples.front() else { return Rates::default() };
        let span = now - *since;
        let over = |span: Micros, count: u64, was: u64| {
            (span >= SHORTEST).then(|| count.saturating_sub(was) as f64 / span.as_secs_f64())
        };
        let bits = |span, was| over(span, counters.bytes, was).map(|bytes| bytes * 8.0);
        let media = self.samples.iter().find_map(|(_, old)| Some((counters.edge? - old.edge?, old.bytes)));
        Rates {
            bitrate: media.and_then(|(span, was)| bits(span, was)),
            throughput: bits(span, before.bytes),
            received_fps: over(span, counters.received, before.received),
            decoded_fps: over(span, counters.decoded, before.decoded),
            shown_fps: over(span, counters.shown, before.shown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of 30 pictures and 100 kB a second, `ms` after its load; the first second came in a burst.
    fn counters(ms: u64) -> Counters {
        let media = ms + 1000;
        let frames = media * 30 / 1000;
        Counters {
            bytes: media * 100,
            received: frames,
            decoded: frames,
            shown: ms * 30 / 1000,
            edge: Some(MediaTime::from_millis(7_200_000 + media as i64)),
            drops: Drops::default(),
        }
    }

    fn fed(until: u64) -> Window {
        let mut window = Window::default();
        window.add(Counters::default(), Instant(0));
        for ms in (100..=until).step_by(100) {
            window.add(counters(ms), Instant(ms * 1000));
        }
        window
    }

    #[test]
    fn a_steady_stream_has_its_rates() {
        let rates = fed(20_000).rates(counters(20_000), Instant(20_000_000));
        let near =
            |got: Option<f64>, want: f64| assert!((got.unwrap() / want - 1.0).abs() < 0.03, "{rates:?}");
        near(rates.bitrate, 800_000.0);
        near(rates.throughput, 800_000.0);
        near(rates.received_fps, 30.0);
        near(rates.decoded_fps, 30.0);
        near(rates.shown_fps, 30.0);
    }

    #[test]
    fn a_burst_raises_the_throughput_and_not_the_bitrate() {
        let rates = fed(1000).rates(counters(1000), Instant(1_000_000));
        assert!((rates.bitrate.unwrap() / 800_000.0 - 1.0).abs() < 0.01, "{rates:?}");
        assert!(rates.throughput.unwrap() > 1_500_000.0, "{rates:?}");
    }

    #[test]
    fn a_silent_network_comes_to_nothing_within_the_window() {
        let mut window = fed(10_000);
        let last = counters(10_000);
        for ms in (10_100..16_000).step_by(100) {
            window.add(last, Instant(ms * 1000));
        }
        let rates = window.rates(last, Instant(16_000_000));
        assert_eq!(rates.throughput, Some(0.0));
        assert_eq!(rates.shown_fps, Some(0.0));
        assert_eq!(rates.bitrate, None);
    }

    #[test]
    fn too_little_says_nothing_and_memory_is_bounded() {
        assert_eq!(Window::default().rates(counters(5), Instant(5)), Rates::default());
        assert_eq!(fed(200).rates(counters(200), Instant(200_000)).shown_fps, None);
        assert!(fed(600_000).samples.len() <= SAMPLES);
    }

    #[test]
    fn after_a_silence_of_the_sampler_the_window_begins_anew() {
        let mut window = fed(10_000);
        window.add(counters(60_000), Instant(60_000_000));
        window.add(counters(61_000), Instant(61_000_000));
        let rates = window.rates(counters(61_000), Instant(61_000_000));
        assert!((rates.shown_fps.unwrap() - 30.0).abs() < 1.0, "{rates:?}");
    }
}
