//! How far behind the live edge to play, and how to get there: a small change of rate first, a skip when the distance is too
//! large for that.
//!
//! Pure policy: told the latency at regular ticks, it answers with what to do. It smooths, and it has hysteresis, so
//! that it neither hunts nor reacts to a single late packet.

use sailcast_media::Micros;

use crate::io::Instant;

/// How often the controller wants to be asked.
pub const TICK: Micros = Micros::from_millis(100);
/// Farther behind than this beyond the target, time-stretch would take too long: skip.
pub const SKIP_ABOVE: Micros = Micros::from_millis(700);
/// A skip is decided on a latency that has held this long, not on the first packets after an outage.
const SKIP_AFTER_TICKS: u8 = 3;
/// Excess and lack that are left alone, the more the higher the target is, and down to which a correction goes on.
const ALONE: Micros = Micros::from_millis(25);
const ALONE_SHARE: f64 = 0.06;
const DONE: Micros = Micros::from_millis(8);
/// Fast enough to win half a second in five, slow enough to pass unnoticed with pitch kept.
const MAX_RATE: f64 = 1.1;
const MIN_RATE: f64 = 0.96;
/// Rates come in steps, so that few of them are reported.
const RATE_STEP: f64 = 0.02;
/// Excess and lack, in seconds, to rate.
const GAIN: f64 = 0.5;
const SMOOTHING: f64 = 0.1;
/// The target falls by so much of the time that passes: 20 ms a second.
const FALL: f64 = 0.02;

/// How far behind the newest received data to play: within `min` and `max` as the network's jitter demands, from `start` on
/// until that has been measured. A fixed latency has all three alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyTarget {
    pub start: Micros,
    pub min: Micros,
    pub max: Micros,
}

impl LatencyTarget {
    /// As low as the network allows.
    pub const AUTO: Self =
        Self { start: Micros::from_millis(200), min: Micros::from_millis(50), max: Micros::from_secs(2) };

    pub const fn fixed(latency: Micros) -> Self {
        Self { start: latency, min: latency, max: latency }
    }

    fn within(self, latency: Micros) -> Micros {
        // Not `clamp`, which insists that the bounds are in order.
        latency.min(self.max).max(self.min)
    }
}

/// The latency to hold: rises at once to what is needed, and falls slowly, for what was needed once may be needed again.
#[derive(Debug)]
pub struct Aim {
    pub range: LatencyTarget,
    held: Micros,
    at: Option<Instant>,
}

impl Aim {
    pub fn new(range: LatencyTarget) -> Self {
        Self { range, held: range.within(range.start), at: None }
    }

    /// Another range begins anew.
    pub fn set(&mut self, range: LatencyTarget) {
        *self = Self::new(range);
    }

    /// What the page asked for, where it asked for one latency.
    pub fn fixed(&self) -> Option<Micros> {
        (self.range.min == self.range.max).then_some(self.range.min.max(Micros::ZERO))
    }

    pub fn held(&self) -> Micros {
        self.held
    }

    /// So much is needed at `now`; `None` when that is not known yet.
    pub fn update(&mut self, needed: Option<Micros>, now: Instant) -> Micros {
        let since = self.at.replace(now).map_or(Micros::ZERO, |at| now - at);
        if let Some(needed) = needed {
            let fallen = self.held - since.scale(FALL);
            self.held = self.range.within(needed.max(fallen));
        }
        self.held
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    Hold,
    Rate(f64),
    Skip,
}

#[derive(Debug)]
pub struct LatencyController {
    pub target: Micros,
    /// So far beyond the target, it skips.
    pub skip_above: Micros,
    smoothed: Option<f64>,
    rate: f64,
    over: u8,
}

impl LatencyController {
    pub fn new(target: Micros) -> Self {
        Self { target, skip_above: SKIP_ABOVE, smoothed: None, rate: 1.0, over: 0 }
    }

    /// After a start, a skip or a stall the past says nothing.
    pub fn restart(&mut self) {
        *self = Self { skip_above: self.skip_above, ..Self::new(self.target) };
    }

    /// The rate that was wanted last was not set: it is 1, and another may be wanted with the next tick.
    pub fn refuse(&mut self) {
        self.rate = 1.0;
    }

    /// One tick's measurement.
    pub fn tick(&mut self, latency: Micros) -> Action {
        let now = latency.as_secs_f64();
        let mean = self.smoothed.map_or(now, |s| s + (now - s) * SMOOTHING);
        self.smoothed = Some(mean);
        self.over = if latency > self.target + self.skip_above { self.over.saturating_add(1) } else { 0 };
        if self.over >= SKIP_AFTER_TICKS {
            self.restart();
            return Action::Skip;
        }
        let rate = self.wanted(mean - self.target.as_secs_f64());
        if rate == self.rate {
            return Action::Hold;
        }
        self.rate = rate;
        Action::Rate(rate)
    }

    /// The rate for so much too much, in seconds, or too little. What was begun goes on until it is done.
    fn wanted(&self, excess: f64) -> f64 {
        let begun = (self.rate > 1.0 && excess > 0.0) || (self.rate < 1.0 && excess < 0.0);
        let enough = if begun { DONE } else { ALONE.max(self.target.scale(ALONE_SHARE)) };
        if excess.abs() <= enough.as_secs_f64() {
            return 1.0;
        }
        let steps = (excess * GAIN / RATE_STEP).round();
        let least = if excess > 0.0 { 1.0 } else { -1.0 };
        (1.0 + RATE_STEP * if steps == 0.0 { least } else { steps }).clamp(MIN_RATE, MAX_RATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(c: &mut LatencyController, ms: i64, n: usize) -> Vec<Action> {
        (0..n).map(|_| c.tick(Micros::from_millis(ms))).filter(|a| *a != Action::Hold).collect()
    }

    #[test]
    fn the_target_rises_at_once_and_falls_slowly() {
        let mut aim = Aim::new(LatencyTarget::AUTO);
        let at = |s: u64| Instant(s * 1_000_000);
        assert_eq!(aim.update(None, at(0)), LatencyTarget::AUTO.start);
        let needed = Some(Micros::from_millis(600));
        assert_eq!(aim.update(needed, at(1)), Micros::from_millis(600));
        let needed = Some(Micros::from_millis(100));
        assert_eq!(aim.update(needed, at(6)), Micros::from_millis(500));
        assert_eq!(aim.update(needed, at(60)), Micros::from_millis(100));
    }

    #[test]
    fn one_late_packet_changes_nothing() {
        let mut c = LatencyController::new(Micros::from_millis(400));
        ticks(&mut c, 400, 20);
        assert_eq!(ticks(&mut c, 600, 1), vec![]);
        assert_eq!(ticks(&mut c, 400, 5), vec![]);
    }

    #[test]
    fn lasting_excess_is_worked_off_by_rate_and_then_rate_is_one_again() {
        let mut c = LatencyController::new(Micros::from_millis(400));
        ticks(&mut c, 700, 10);
        assert!(c.rate > 1.02 && c.rate <= MAX_RATE);
        ticks(&mut c, 405, 80);
        assert_eq!(c.rate, 1.0);
    }

    #[test]
    fn a_rate_that_was_refused_is_wanted_again() {
        let mut c = LatencyController::new(Micros::from_millis(400));
        assert_eq!(ticks(&mut c, 700, 10).len(), 1);
        c.refuse();
        assert!(matches!(ticks(&mut c, 700, 1)[..], [Action::Rate(rate)] if rate > 1.0));
    }

    #[test]
    fn few_rates_are_told_on_the_way_back() {
        let mut c = LatencyController::new(Micros::from_millis(400));
        let told: usize = (0..100).map(|i| ticks(&mut c, 900 - i * 5, 1).len()).sum();
        assert!(told <= 8, "{told}");
    }

    #[test]
    fn a_large_excess_skips_once() {
        let mut c = LatencyController::new(Micros::from_millis(400));
        let actions = ticks(&mut c, 3000, 3);
        assert_eq!(actions.iter().filter(|a| **a == Action::Skip).count(), 1);
        assert_eq!(c.rate, 1.0);
    }

    #[test]
    fn a_thin_buffer_is_filled_by_playing_slower() {
        let mut c = LatencyController::new(Micros::from_millis(400));
        ticks(&mut c, 120, 10);
        assert_eq!(c.rate, MIN_RATE);
        ticks(&mut c, 400, 80);
        assert_eq!(c.rate, 1.0);
    }
}
