//! Whether this machine keeps up with the pictures.
//!
//! Pure bookkeeping: told how many pictures there were, how many of them were lost to slowness, and when they are far behind
//! the playhead, it says when that has become lasting, and when it is over. Pictures that all need each other are lost only
//! at the next keyframe, which may be far: being behind tells before.

use sailcast_media::Micros;

use crate::io::Instant;

/// Judged over so much time.
const PERIOD: Micros = Micros::from_secs(3);
/// After a start it is judged from when pictures are in time, or from so much later.
const START: Micros = Micros::from_secs(6);
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
    /// The first tick.
    asked: Option<Instant>,
    /// When the period began.
    since: Option<Instant>,
    /// Totals of then.
    lost: u64,
    shown: u64,
    /// Ticks of the period, and those of them that found pictures behind.
    ticks: u32,
    behind: u32,
    degraded: bool,
    calm: u8,
}

impl Pressure {
    pub fn is_degraded(&self) -> bool {
        self.degraded
    }

    /// Totals of pictures shown, and lost because decoding was too slow; and whether it is far behind now. To be told at
    /// regular ticks.
    pub fn tick(&mut self, shown: u64, lost: u64, is_behind: bool, now: Instant) -> Option<Change> {
        let Some(since) = self.since else {
            // A start is behind by what its decoder had to wait for, and by the GOP that a server has cached.
            let asked = *self.asked.get_or_insert(now);
            if !is_behind || now - asked > START {
                (self.since, self.lost, self.shown) = (Some(now), lost, shown);
            }
            return None;
        };
        self.ticks = self.ticks.saturating_add(1);
        self.behind = self.behind.saturating_add(is_behind.into());
        if now - since < PERIOD {
            return None;
        }
        let (gone, seen) = (lost.saturating_sub(self.lost), shown.saturating_sub(self.shown));
        (self.since, self.lost, self.shown) = (Some(now), lost, shown);
        let (ticks, behind) = (std::mem::take(&mut self.ticks), std::mem::take(&mut self.behind));
        let mostly_behind = behind > ticks.saturating_sub(behind);
        let too_many =
            mostly_behind || gone > 1 && gone.saturating_mul(TOO_MANY) >= gone.saturating_add(seen);
        self.calm = if gone == 0 && behind == 0 { self.calm.saturating_add(1) } else { 0 };
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
            let change = pressure.tick(shown, gone, false, Instant(second * 1_000_000));
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

    #[test]
    fn being_behind_is_told_before_anything_is_lost_and_losses_far_apart_are_one_time() {
        let mut pressure = Pressure::default();
        let mut changes = Vec::new();
        // A decoder too slow for a stream with a keyframe each 20 s, which it is behind by ever more until then.
        for tick in 0..1_200u64 {
            let (second, lost) = (tick / 10, tick / 200 * 100);
            let behind = second < 100 && tick % 200 > 20;
            changes
                .extend(pressure.tick(tick * 2, lost, behind, Instant(tick * 100_000)).map(|c| (second, c)));
        }
        assert!(
            matches!(changes[..], [(3..=7, Change::Degraded), (100.., Change::Recovered)]),
            "{changes:?}"
        );
    }
}
