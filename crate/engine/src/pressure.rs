//! Whether this machine keeps up with the pictures.
//!
//! Pure bookkeeping: told how many pictures there were and how many of them were lost to slowness, it says when the loss has
//! become lasting, and when it is over.

use sailcast_media::Micros;

use crate::io::Instant;

/// Judged over so much time.
const PERIOD: Micros = Micros::from_secs(3);
/// One in so many pictures lost is too many.
const TOO_MANY: u64 = 8;
/// So many periods in a row without loss, and it is over.
const CALM: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Degraded,
    Recovered,
}

#[derive(Debug, Default)]
pub struct Pressure {
    since: Option<Instant>,
    /// Totals when the period began.
    lost: u64,
    shown: u64,
    degraded: bool,
    calm: u8,
}

impl Pressure {
    /// Totals of pictures shown, and lost because decoding was too slow.
    pub fn tick(&mut self, shown: u64, lost: u64, now: Instant) -> Option<Change> {
        let since = *self.since.get_or_insert(now);
        if now - since < PERIOD {
            return None;
        }
        let (gone, seen) = (lost.saturating_sub(self.lost), shown.saturating_sub(self.shown));
        (self.since, self.lost, self.shown) = (Some(now), lost, shown);
        let too_many = gone > 1 && gone.saturating_mul(TOO_MANY) >= gone.saturating_add(seen);
        self.calm = if gone == 0 { self.calm.saturating_add(1) } else { 0 };
        if too_many && !self.degraded {
            self.degraded = true;
            return Some(Change::Degraded);
        }
        if self.degraded && self.calm >= CALM {
            self.degraded = false;
            return Some(Change::Recovered);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second is 30 pictures, `lost(second)` of them lost.
    fn run(seconds: u64, lost: impl Fn(u64) -> u64) -> Vec<(u64, Change)> {
        let (mut pressure, mut gone, mut shown) = (Pressure::default(), 0, 0);
        let mut changes = Vec::new();
        for second in 0..seconds {
            let change = pressure.tick(shown, gone, Instant(second * 1_000_000));
            changes.extend(change.map(|change| (second, change)));
            gone += lost(second);
            shown += 30 - lost(second);
        }
        changes
    }

    #[test]
    fn a_lasting_loss_is_told_once_and_its_end_once() {
        let changes = run(60, |second| if (10..30).contains(&second) { 10 } else { 0 });
        assert!(
            matches!(changes[..], [(10..=15, Change::Degraded), (40..=46, Change::Recovered)]),
            "{changes:?}"
        );
    }

    #[test]
    fn a_picture_now_and_then_is_no_loss() {
        assert_eq!(run(60, |second| u64::from(second % 5 == 0)), []);
    }
}
