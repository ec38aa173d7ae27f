//! When something was captured, on the driver's clock.
//!
//! A source stamps with a clock of its own, which stands still at no known place and runs a little fast or slow; what it gives
//! arrives late, now more, now less. The least delay of the last seconds tells how far the two clocks are apart.
//! **Invariant:** times grow strictly, and lie in the future by no more than that takes.

use sailcast_media::{MediaTime, Micros};

use crate::{io::Instant, window::WindowMax};

const WINDOW_SLICE: Micros = Micros::from_secs(1);
const WINDOW_SLICES: u64 = 8;
/// How fast the distance follows, as a part of the time that passes: down quickly, for the first arrivals of a source are late ones;
/// up slowly, for only drift brings it there.
const DOWN: f64 = 0.1;
const UP: f64 = 0.005;
/// Another distance than this is another clock...
const JUMP: Micros = Micros::from_millis(500);
/// ...when all say so for so long: what waited while the page stood still is only late.
const JUMP_AFTER: Micros = Micros::from_millis(500);
/// FLV counts milliseconds.
pub const STEP: Micros = Micros::from_millis(1);

#[derive(Debug)]
pub struct CaptureClock {
    /// The driver's clock less the source's.
    distance: Option<Micros>,
    /// Delays negated: the greatest is the least.
    least: WindowMax,
    told: Option<Instant>,
    last: Option<MediaTime>,
    /// Since when arrivals speak of another clock.
    jumps: Option<Instant>,
}

impl Default for CaptureClock {
    fn default() -> Self {
        let least = WindowMax::new(WINDOW_SLICE, WINDOW_SLICES);
        Self { distance: None, least, told: None, last: None, jumps: None }
    }
}

impl CaptureClock {
    /// The time of what its source stamped `taken`, in µs, and what arrived `now`.
    pub fn map(&mut self, taken: i64, now: Instant) -> MediaTime {
        let due = self.ideal(taken, now);
        let earliest = self.last.map_or(due, |last| last + STEP);
        let at = due.max(earliest).min(time_of(now).max(earliest));
        self.last = Some(at);
        at
    }

    /// The same where order is somebody else's care.
    pub fn ideal(&mut self, taken: i64, now: Instant) -> MediaTime {
        let seen = now - Instant(0) - Micros(taken);
        let known = self.distance;
        let distance = match known {
            Some(distance) if !self.is_jump(seen, distance, now) => self.follow(seen, distance, now),
            _ => {
                self.least.clear();
                seen
            }
        };
        self.least.note(-seen, now);
        self.distance = Some(distance);
        self.told = Some(now);
        MediaTime(taken) + distance
    }

    fn is_jump(&mut self, seen: Micros, distance: Micros, now: Instant) -> bool {
        if (seen - distance).abs() <= JUMP {
            self.jumps = None;
            return false;
        }
        let since = *self.jumps.get_or_insert(now);
        let jump = now - since >= JUMP_AFTER || seen < distance - JUMP;
        if jump {
            self.jumps = None;
        }
        jump
    }

    fn follow(&mut self, seen: Micros, distance: Micros, now: Instant) -> Micros {
        let least = self.least.max().map_or(seen, |most| -most).min(seen);
        let passed = self.told.map_or(Micros::ZERO, |told| now - told);
        match least - distance {
            Micros(change) if change < 0 => distance + Micros(change).max(-passed.scale(DOWN)),
            change => distance + change.min(passed.scale(UP)),
        }
    }

    /// Another source, with another clock: times still grow.
    pub fn reset(&mut self) {
        *self = Self { last: self.last, ..Self::default() };
    }

    /// Nothing that comes is earlier than this.
    pub fn not_before(&mut self, at: MediaTime) {
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }
}

/// The publisher's timeline is the driver's clock.
pub fn time_of(now: Instant) -> MediaTime {
    MediaTime(0) + (now - Instant(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 40_000;

    /// Arrivals of a source whose clock stands at `start`, with delays in ms by picture.
    fn play(clock: &mut CaptureClock, from: i64, start: i64, delays: &[i64]) -> Vec<i64> {
        let arrival = |(i, delay): (usize, &i64)| {
            let taken = i as i64 * FRAME;
            let now = Instant((from + taken + delay * 1000) as u64);
            clock.map(start + taken, now).0
        };
        delays.iter().enumerate().map(arrival).collect()
    }

    #[test]
    fn jitter_of_arrivals_is_not_in_the_times() {
        let mut clock = CaptureClock::default();
        let delays: Vec<i64> = (0..100).map(|i| 20 + (i * 37) % 30).collect();
        let times = play(&mut clock, 1_000_000, 77, &delays);
        for pair in times[50..].windows(2) {
            assert!((pair[1] - pair[0] - FRAME).abs() < 500, "{pair:?}");
        }
        // Within a few ms of the capture plus the least delay.
        let last = 1_000_000 + 99 * FRAME + 20_000;
        assert!((times[99] - last).abs() < 4000, "{} {last}", times[99]);
    }

    #[test]
    fn a_late_first_picture_does_not_delay_the_others_for_long() {
        let mut clock = CaptureClock::default();
        let mut delays = vec![15; 100];
        delays[0] = 300;
        let times = play(&mut clock, 1_000_000, 0, &delays);
        assert!(times[99] - (1_000_000 + 99 * FRAME + 15_000) < 1000);
        assert!(times.windows(2).all(|pair| pair[1] > pair[0]));
    }

    #[test]
    fn a_source_that_is_replaced_by_one_with_another_clock_goes_on_in_time() {
        let mut clock = CaptureClock::default();
        let before = play(&mut clock, 1_000_000, 5_000_000_000, &[10; 50]);
        let after = play(&mut clock, 3_000_000, 0, &[10; 50]);
        assert!(after[0] > before[49]);
        let last = 3_000_000 + 49 * FRAME + 10_000;
        assert!((after[49] - last).abs() < 1000, "{} {last}", after[49]);
    }

    #[test]
    fn what_waited_while_the_page_stood_still_keeps_its_time() {
        let mut clock = CaptureClock::default();
        play(&mut clock, 1_000_000, 0, &[10; 100]);
        // 25 pictures of a second come at once, and then one in time.
        let now = Instant(6_010_000);
        let burst: Vec<i64> = (100..125).map(|i| clock.map(i * FRAME, now).0).collect();
        let due = |i: i64| 1_000_000 + i * FRAME + 10_000;
        assert!((burst[0] - due(100)).abs() < 1000 && (burst[24] - due(124)).abs() < 1000, "{burst:?}");
        assert!((clock.map(125 * FRAME, Instant(6_010_000)).0 - due(125)).abs() < 1000);
    }

    #[test]
    fn no_time_lies_in_the_future() {
        let mut clock = CaptureClock::default();
        play(&mut clock, 1_000_000, 0, &[10; 10]);
        let now = Instant(2_000_000);
        assert!(clock.map(1_000_000 + 10 * FRAME, now) <= time_of(now));
    }
}
