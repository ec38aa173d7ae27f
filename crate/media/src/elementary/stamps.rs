//! The times that a container put between the bytes of an elementary stream.
//!
//! **Invariant:** each time is given out at most once, and the last of those before a unit counts. At most one is kept for a byte pushed.

use std::collections::VecDeque;

use crate::elementary::Stamp;

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
