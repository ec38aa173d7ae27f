//! Holds the target latency: a small change of rate first, a skip when the distance is too large for that.
//!
//! Pure policy: told the latency at regular ticks, it answers with what to do. It smooths, and it has hysteresis, so
//! that it neither hunts nor reacts to a single late packet.

use sailcast_media::Micros;

/// How often the controller wants to be asked.
pub const TICK: Micros = Micros::from_millis(100);
/// Farther behind than this beyond the target, time-stretch would take too long: skip.
pub const SKIP_ABOVE: Micros = Micros::from_millis(1000);
/// A skip is decided on a latency that has held this long, not on the first packets after an outage.
const SKIP_AFTER_TICKS: u8 = 3;
const CATCH_UP_ABOVE: Micros = Micros::from_millis(80);
const CATCH_UP_UNTIL: Micros = Micros::from_millis(15);
/// Fast enough to win a second in twelve, slow enough to pass unnoticed with pitch kept.
const MAX_RATE: f64 = 1.08;
const MIN_RATE: f64 = 0.96;
const SMOOTHING: f64 = 0.2;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    Hold,
    Rate(f64),
    Skip,
}

#[derive(Debug)]
pub struct LatencyController {
    pub target: Micros,
    smoothed: Option<f64>,
    rate: f64,
    over: u8,
}

impl LatencyController {
    pub fn new(target: Micros) -> Self {
        Self { target, smoothed: None, rate: 1.0, over: 0 }
    }

    /// After a start, a skip or a stall the past says nothing.
    pub fn restart(&mut self) {
        *self = Self::new(self.target);
    }

    /// One tick's measurement.
    pub fn tick(&mut self, latency: Micros) -> Action {
        let target = self.target.as_secs_f64();
        let now = latency.as_secs_f64();
        let mean = self.smoothed.map_or(now, |s| s + (now - s) * SMOOTHING);
        self.smoothed = Some(mean);
        self.over = if latency > self.target + SKIP_ABOVE { self.over.saturating_add(1) } else { 0 };
        if self.over >= SKIP_AFTER_TICKS {
            self.restart();
            return Action::Skip;
        }
        let excess = mean - target;
        let catching = self.rate > 1.0;
        let filling = self.rate < 1.0;
        let rate =
            if excess > CATCH_UP_ABOVE.as_secs_f64() || (catching && excess > CATCH_UP_UNTIL.as_secs_f64()) {
                (1.0 + excess * 0.2).clamp(1.02, MAX_RATE)
            } else if mean < target * 0.5 || (filling && mean < target * 0.85) {
                MIN_RATE
            } else {
                1.0
            };
        if (rate - self.rate).abs() < 0.005 && (rate == 1.0) == (self.rate == 1.0) {
            return Action::Hold;
        }
        self.rate = rate;
        Action::Rate(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(c: &mut LatencyController, ms: i64, n: usize) -> Vec<Action> {
        (0..n).map(|_| c.tick(Micros::from_millis(ms))).filter(|a| *a != Action::Hold).collect()
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
        ticks(&mut c, 405, 40);
        assert_eq!(c.rate, 1.0);
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
        ticks(&mut c, 120, 5);
        assert_eq!(c.rate, MIN_RATE);
        ticks(&mut c, 390, 30);
        assert_eq!(c.rate, 1.0);
    }
}
