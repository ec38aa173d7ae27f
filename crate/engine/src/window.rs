//! The greatest of the values of the last while, in bounded memory: by slices of time.

use std::collections::{BinaryHeap, VecDeque};

use sailcast_media::Micros;

use crate::io::Instant;

#[derive(Clone, Debug)]
pub struct WindowMax<V = Micros> {
    slice: Micros,
    slices: u64,
    worst: VecDeque<(u64, V)>,
}

impl<V: Copy + Ord> WindowMax<V> {
    /// Over the last `slices` times `slice`.
    pub const fn new(slice: Micros, slices: u64) -> Self {
        Self { slice, slices, worst: VecDeque::new() }
    }

    pub fn note(&mut self, value: V, now: Instant) {
        let at = self.index(now);
        match self.worst.back_mut() {
            Some((last, worst)) if *last == at => *worst = value.max(*worst),
            _ => self.worst.push_back((at, value)),
        }
        self.forget(now);
    }

    /// Drops what is older than the window.
    pub fn forget(&mut self, now: Instant) {
        let oldest = self.index(now).saturating_sub(self.slices);
        while self.worst.front().is_some_and(|(at, _)| *at < oldest) {
            self.worst.pop_front();
        }
    }

    pub fn clear(&mut self) {
        self.worst.clear();
    }

    pub fn max(&self) -> Option<V> {
        self.worst.iter().map(|(_, value)| *value).max()
    }

    /// Each slice's number and greatest value, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, V)> {
        self.worst.iter().copied()
    }

    fn index(&self, now: Instant) -> u64 {
        now.0.checked_div(self.slice.0.unsigned_abs()).unwrap_or(0)
    }
}

/// Some hundred values in order, by a tenth of the code of `sort()`: viewers download it.
pub fn sorted<V: Ord>(values: Vec<V>) -> Vec<V> {
    BinaryHeap::from(values).into_sorted_vec()
}
