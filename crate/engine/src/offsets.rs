//! How far the sound is from the playhead, for as long as it takes to be sure: a single report says little.

use std::collections::VecDeque;

use sailcast_media::Micros;

use crate::io::Instant;

const SURE_AFTER: Micros = Micros::from_millis(300);
const LOOK_BACK: Micros = Micros::from_millis(400);

#[derive(Debug, Default)]
pub struct Offsets {
    /// As reported, newest last.
    reports: VecDeque<(Instant, Micros)>,
}

impl Offsets {
    /// What was heard at `at` was ahead of the playhead by `offset`. Each report counts once.
    pub fn note(&mut self, offset: Micros, at: Instant) {
        if self.reports.back().is_some_and(|(last, _)| *last >= at) {
            return;
        }
        self.reports.push_back((at, offset));
        while self.reports.front().is_some_and(|(first, _)| at - *first > LOOK_BACK) {
            self.reports.pop_front();
        }
    }

    /// The distance, once it is known.
    pub fn sure(&self) -> Option<Micros> {
        let (first, last) = (self.reports.front()?.0, self.reports.back()?.0);
        if last - first < SURE_AFTER {
            return None;
        }
        // Reports come late, never early.
        self.reports.iter().map(|(_, offset)| *offset).max()
    }

    /// What was measured holds no longer.
    pub fn clear(&mut self) {
        self.reports.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_late_of_some_reports_is_the_distance_and_few_say_nothing() {
        let mut offsets = Offsets::default();
        for i in 0..100u64 {
            let late = if i % 3 == 0 { 0 } else { 15 };
            offsets.note(Micros::from_millis(-40 - late), Instant(i * 20_000));
            assert_eq!(offsets.sure().is_some(), i >= 15, "{i}");
        }
        assert_eq!(offsets.sure(), Some(Micros::from_millis(-40)));
        assert!(offsets.reports.len() <= 21);
        offsets.clear();
        assert_eq!(offsets.sure(), None);
    }
}
