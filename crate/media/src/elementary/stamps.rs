//! The times that a container put between the bytes of an elementary stream.
//!
//! **Invariant:** each time is given out at most once, and the last of those before a unit counts. No more than [`MAX_MARKS`] are kept.

use std::collections::VecDeque;

use crate::elementary::Stamp;

/// One for each transport packet of the longest unit. A stream without units has no end of them.
const MAX_MARKS: usize = 1 << 16;

#[derive(Debug, Default)]
pub(super) struct Stamps {
    marks: VecDeque<Mark>,
    /// Of the last mark that a unit stood behind.
    place: Option<u64>,
}

#[derive(Debug)]
struct Mark {
    /// In the elementary stream.
    offset: u64,
    /// Offset in the container's stream.
    at: u64,
    stamp: Option<Stamp>,
}

impl Stamps {
    /// What is pushed next, behind `offset` bytes, stands at `at` in the container and has this time.
    pub fn mark(&mut self, offset: u64, at: u64, stamp: Option<Stamp>) {
        self.marks.pop_back_if(|last| last.offset == offset);
        self.marks.push_back(Mark { offset, at, stamp });
        if self.marks.len() > MAX_MARKS {
            // The first one stays: it tells where what is left out began.
            self.marks.remove(1);
        }
    }

    /// Where the bytes at `offset` stand in the container; a time for them stays for the unit behind them.
    pub fn place(&self, offset: u64) -> u64 {
        let mark = self.marks.iter().rev().find(|mark| mark.offset <= offset);
        mark.map(|mark| mark.at).or(self.place).unwrap_or(offset)
    }

    /// Where the unit that begins at `offset` stands in the container, and the time for it.
    pub fn take(&mut self, offset: u64) -> (u64, Option<Stamp>) {
        let mut stamp = None;
        while let Some(mark) = self.marks.pop_front_if(|mark| mark.offset <= offset) {
            self.place = Some(mark.at);
            stamp = mark.stamp;
        }
        // Without a container the elementary stream is the stream.
        (self.place.unwrap_or(offset), stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(ticks: u64) -> Option<Stamp> {
        Some(Stamp { pts: ticks, dts: ticks })
    }

    #[test]
    fn the_last_time_before_a_unit_counts() {
        let mut stamps = Stamps::default();
        for n in 0..4 {
            stamps.mark(n * 10, 1000 + n, stamp(n));
        }
        assert_eq!(stamps.place(15), 1001);
        assert_eq!(stamps.take(20), (1002, stamp(2)));
        assert_eq!(stamps.take(25), (1002, None));
        assert_eq!(stamps.take(35), (1003, stamp(3)));
    }

    #[test]
    fn times_that_no_unit_follows_do_not_pile_up() {
        let mut stamps = Stamps::default();
        let most = 1_000_000;
        (0..most).for_each(|n| stamps.mark(n, 1000 + n, stamp(n)));
        assert!(stamps.marks.len() <= MAX_MARKS);
        assert_eq!(stamps.place(5), 1000, "where they began");
        assert_eq!(stamps.take(most), (999 + most, stamp(most - 1)));
    }
}
