//! Stalls: how often, how long, why.
//!
//! A stall is the time in which a viewer who has seen it play waits for data. A start-up is none, and a pause inside one
//! does not count for its length. All are counted; the newest [`KEPT`] are kept one by one.

use std::collections::VecDeque;

use sailcast_media::Micros;

use crate::io::Instant;

/// Stalls kept with their start and cause.
pub const KEPT: usize = 50;
/// Upper ends of the histogram's buckets but the last, which has none.
pub const BOUNDS: [Micros; BUCKETS - 1] = [
    Micros::from_millis(500),
    Micros::from_secs(1),
    Micros::from_secs(2),
    Micros::from_secs(3),
    Micros::from_secs(4),
    Micros::from_secs(5),
];
/// 0-0.5, 0.5-1, 1-2, 2-3, 3-4, 4-5 and 5+ seconds.
pub const BUCKETS: usize = 7;
/// No byte for so long is a silent network, and no slow one.
const SILENCE: Micros = Micros::from_millis(300);

/// The strongest reason that was seen while it lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StallCause {
    /// Bytes came, slower than the stream plays.
    Slow,
    /// For some time no byte came on an open connection.
    Silent,
    /// The connection was lost.
    Lost,
}

impl StallCause {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Silent => "silent",
            Self::Lost => "lost",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// From the load on.
    pub start: Micros,
    pub end: Micros,
    /// Time waited: less than from start to end if the viewer paused in between.
    pub length: Micros,
    pub cause: StallCause,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StallSummary {
    /// Finished ones, and the present one.
    pub count: u64,
    pub total: Micros,
    /// Finished ones by length; see [`BOUNDS`].
    pub histogram: [u32; BUCKETS],
    /// The newest finished ones, oldest first.
    pub recent: Vec<Stall>,
    /// Still lasting.
    pub present: Option<Stall>,
}

#[derive(Debug)]
struct Open {
    start: Instant,
    waited: Micros,
    /// None while the viewer has paused.
    waiting_since: Option<Instant>,
    cause: StallCause,
}

/// Told of the playback's steps and of the network's signs of life.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    count: u64,
    total: Micros,
    histogram: [u32; BUCKETS],
    recent: VecDeque<Stall>,
    open: Option<Open>,
    last_byte: Option<Instant>,
    lost: bool,
}

impl Stalls {
    pub fn connected(&mut self) {
        self.lost = false;
    }

    pub fn lost(&mut self) {
        self.lost = true;
        self.blame(StallCause::Lost);
    }

    pub fn bytes(&mut self, now: Instant) {
        if self.is_silent(now) {
            self.blame(StallCause::Silent);
        }
        self.last_byte = Some(now);
    }

    /// Waits for data from now on; for a paused one, again.
    pub fn wait(&mut self, now: Instant) {
        let cause = if self.lost { StallCause::Lost } else { StallCause::Slow };
        let open =
            self.open.get_or_insert(Open { start: now, waited: Micros::ZERO, waiting_since: None, cause });
        open.waiting_since.get_or_insert(now);
    }

    /// The viewer paused.
    pub fn pause(&mut self, now: Instant) {
        if let Some(open) = &mut self.open
            && let Some(since) = open.waiting_since.take()
        {
            open.waited += now - since;
        }
    }

    /// Nobody was watching since `asleep`.
    pub fn slept(&mut self, asleep: Instant, now: Instant) {
        if let Some(open) = &mut self.open
            && let Some(since) = &mut open.waiting_since
        {
            open.waited += asleep - *since;
            *since = now;
        }
    }

    /// It plays, or is over. Gives the stall that ended, if there was one.
    pub fn end(&mut self, loaded: Instant, now: Instant) -> Option<Stall> {
        let stall = self.present(loaded, now)?;
        self.open = None;
        self.count = self.count.saturating_add(1);
        self.total += stall.length;
        let bucket = BOUNDS.iter().filter(|bound| stall.length >= **bound).count();
        if let Some(count) = self.histogram.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        if self.recent.len() >= KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(stall);
        Some(stall)
    }

    pub fn summary(&self, loaded: Instant, now: Instant) -> StallSummary {
        let present = self.present(loaded, now);
        StallSummary {
            count: self.count.saturating_add(u64::from(present.is_some())),
            total: self.total + present.map_or(Micros::ZERO, |stall| stall.length),
            histogram: self.histogram,
            recent: self.recent.iter().copied().collect(),
            present,
        }
    }

    fn present(&self, loaded: Instant, now: Instant) -> Option<Stall> {
        let open = self.open.as_ref()?;
        let silent = if self.is_silent(now) { StallCause::Silent } else { StallCause::Slow };
        Some(Stall {
            start: open.start - loaded,
            end: now - loaded,
            length: open.waited + open.waiting_since.map_or(Micros::ZERO, |since| now - since),
            cause: open.cause.max(silent),
        })
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.last_byte.is_some_and(|at| now - at >= SILENCE)
    }

    fn blame(&mut self, cause: StallCause) {
        if let Some(open) = &mut self.open {
            open.cause = open.cause.max(cause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOADED: Instant = Instant(1_000_000);

    /// Milliseconds from the load.
    fn at(ms: u64) -> Instant {
        Instant(LOADED.0 + ms * 1000)
    }

    fn one(from: u64, to: u64) -> Stall {
        let mut stalls = Stalls::default();
        stalls.wait(at(from));
        stalls.end(LOADED, at(to)).unwrap()
    }

    #[test]
    fn lengths_fall_into_their_buckets() {
        let mut stalls = Stalls::default();
        for (i, ms) in [0, 499, 500, 999, 1500, 2000, 3999, 4000, 4999, 5000, 60_000].into_iter().enumerate()
        {
            let start = i as u64 * 100_000;
            stalls.wait(at(start));
            stalls.end(LOADED, at(start + ms));
        }
        assert_eq!(stalls.summary(LOADED, at(2_000_000)).histogram, [2, 2, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn the_present_one_counts_before_it_ends() {
        let mut stalls = Stalls::default();
        stalls.wait(at(4000));
        let now = stalls.summary(LOADED, at(4700));
        assert_eq!((now.count, now.total), (1, Micros::from_millis(700)));
        assert_eq!(now.present.map(|stall| stall.start), Some(Micros::from_secs(4)));
        assert_eq!(now.histogram, [0; BUCKETS]);
        stalls.end(LOADED, at(4700));
        let after = stalls.summary(LOADED, at(9000));
        assert_eq!((after.count, after.total, after.present), (1, Micros::from_millis(700), None));
    }

    #[test]
    fn a_pause_inside_does_not_count_for_the_length() {
        let mut stalls = Stalls::default();
        stalls.wait(at(1000));
        stalls.pause(at(1200));
        stalls.wait(at(61_200));
        let stall = stalls.end(LOADED, at(61_500)).unwrap();
        assert_eq!(stall.length, Micros::from_millis(500));
        assert_eq!(stall.end, Micros::from_millis(61_500));
        assert_eq!(stalls.summary(LOADED, at(70_000)).count, 1);
    }

    #[test]
    fn the_cause_is_the_strongest_that_was_seen() {
        let mut slow = Stalls::default();
        for ms in (0..2000).step_by(100) {
            slow.bytes(at(ms));
            if ms == 500 {
                slow.wait(at(ms));
            }
        }
        assert_eq!(slow.end(LOADED, at(2000)).unwrap().cause, StallCause::Slow);

        let mut silent = Stalls::default();
        silent.bytes(at(0));
        silent.wait(at(250));
        silent.bytes(at(2000));
        silent.bytes(at(2010));
        assert_eq!(silent.end(LOADED, at(2020)).unwrap().cause, StallCause::Silent);

        let mut lost = Stalls::default();
        lost.bytes(at(0));
        lost.wait(at(200));
        lost.lost();
        lost.connected();
        lost.bytes(at(900));
        assert_eq!(lost.end(LOADED, at(950)).unwrap().cause, StallCause::Lost);
    }

    #[test]
    fn a_connection_lost_before_is_the_cause_of_what_follows() {
        let mut stalls = Stalls::default();
        stalls.lost();
        stalls.wait(at(100));
        assert_eq!(stalls.end(LOADED, at(200)).unwrap().cause, StallCause::Lost);
    }

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let mut stalls = Stalls::default();
        for i in 0..500 {
            stalls.wait(at(i * 1000));
            stalls.end(LOADED, at(i * 1000 + 100));
        }
        let summary = stalls.summary(LOADED, at(500_000));
        assert_eq!((summary.count, summary.recent.len()), (500, KEPT));
        assert_eq!(summary.recent.last().unwrap().start, Micros::from_secs(499));
        assert_eq!(summary.histogram[0], 500);
    }

    #[test]
    fn what_never_waited_never_stalled() {
        let mut stalls = Stalls::default();
        stalls.pause(at(10));
        assert_eq!(stalls.end(LOADED, at(20)), None);
        assert_eq!(one(100, 350).length, Micros::from_millis(250));
    }
}
