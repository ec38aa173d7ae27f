//! When media times happened, since 1970.
//!
//! **Invariant:** between two jumps of the media's clock the answer moves only for a reason: data that came earlier than the
//! best so far, or a clock that ran away by more than [`DRIFT`]. A publisher that tells its own time is believed, unless
//! that is nonsense.

use sailcast_media::{MediaTime, Micros};

/// Clocks that differ by less are left alone.
const DRIFT: Micros = Micros::from_millis(1000);
/// Arrivals are judged over so much media: the earliest of them says most.
const JUDGED: Micros = Micros::from_secs(10);
/// What a publisher tells moves the clock if it is off by more: its messages are themselves a little late.
const TOLD_STEP: Micros = Micros::from_millis(100);
/// A publisher whose clock is further from ours is not believed.
const MAX_SKEW: Micros = Micros::from_secs(60);

#[derive(Debug, Default)]
pub struct WallClock {
    /// Unix time less media time.
    offset: Option<Micros>,
    told: bool,
    /// The earliest arrival since some media time.
    earliest: Option<(MediaTime, Micros)>,
}

impl WallClock {
    /// What has this time came at `now`.
    pub fn arrived(&mut self, time: MediaTime, now: Micros) {
        if self.told {
            return;
        }
        let here = now - since_zero(time);
        let offset = self.offset.map_or(here, |offset| offset.min(here));
        self.offset = Some(offset);
        let (since, earliest) = self.earliest.unwrap_or((time, here));
        let earliest = earliest.min(here);
        self.earliest = Some((since, earliest));
        if time - since >= JUDGED {
            self.earliest = None;
            if earliest - offset > DRIFT {
                self.offset = Some(earliest);
            }
        }
    }

    /// The publisher says when that was; heard at `now`.
    pub fn told(&mut self, time: MediaTime, unix: Micros, now: Micros) {
        let offset = unix - since_zero(time);
        let known = self.offset.filter(|_| self.told);
        if (unix - now).abs() <= MAX_SKEW && known.is_none_or(|known| (known - offset).abs() > TOLD_STEP) {
            self.offset = Some(offset);
            self.told = true;
        }
    }

    pub fn at(&self, time: MediaTime) -> Option<Micros> {
        self.offset.map(|offset| offset + since_zero(time))
    }
}

fn since_zero(time: MediaTime) -> Micros {
    time - MediaTime(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Micros = Micros::from_secs(1_800_000_000);

    fn ms(ms: i64) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    #[test]
    fn the_earliest_arrival_says_when_things_happened() {
        let mut clock = WallClock::default();
        clock.arrived(ms(0), NOON + Micros::from_millis(300));
        clock.arrived(ms(100), NOON + Micros::from_millis(150));
        clock.arrived(ms(200), NOON + Micros::from_millis(900));
        assert_eq!(clock.at(ms(1000)), Some(NOON + Micros::from_millis(1050)));
    }

    #[test]
    fn a_clock_that_runs_away_is_followed() {
        let mut clock = WallClock::default();
        // 100 s of the publisher last 102 s here.
        for second in 0..=100 {
            clock.arrived(ms(second * 1000), NOON + Micros::from_millis(second * 1020));
        }
        let off = clock.at(ms(100_000)).unwrap() - (NOON + Micros::from_millis(102_000));
        assert!(off.abs() < Micros::from_millis(1500), "{off:?}");
    }

    #[test]
    fn a_publisher_that_tells_the_time_is_believed_unless_it_is_nonsense() {
        let mut clock = WallClock::default();
        clock.arrived(ms(0), NOON);
        clock.told(ms(0), NOON - Micros::from_secs(3600), NOON);
        assert_eq!(clock.at(ms(0)), Some(NOON));
        clock.told(ms(0), NOON - Micros::from_millis(700), NOON);
        clock.told(ms(1000), NOON + Micros::from_millis(320), NOON);
        clock.arrived(ms(1000), NOON - Micros::from_secs(5));
        assert_eq!(clock.at(ms(0)), Some(NOON - Micros::from_millis(700)));
    }
}
