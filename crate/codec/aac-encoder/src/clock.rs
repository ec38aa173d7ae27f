//! When each sample was heard: the times that came with the sound, and steps of the sample rate between them.

use std::collections::VecDeque;

/// Times in whole µs are that far from the steps between them.
const ROUNDING: f64 = 2.0;

/// **Invariant:** it remembers no more times than there are samples that no packet has been made of.
pub struct Clock {
    /// µs.
    step: f64,
    /// Samples that have passed.
    count: f64,
    /// Sample and time, of each chunk that does not simply follow the one before.
    marks: VecDeque<(f64, f64)>,
}

impl Clock {
    pub fn new(sample_rate: u32) -> Self {
        Self { step: 1e6 / f64::from(sample_rate), count: 0.0, marks: VecDeque::new() }
    }

    /// The time of the next sample.
    pub fn set(&mut self, pts: f64) {
        let follows =
            self.marks.back().is_some_and(|mark| (self.after(*mark, self.count) - pts).abs() <= ROUNDING);
        if follows {
            return;
        }
        // A chunk without samples has said a time for this one already.
        while self.marks.back().is_some_and(|(sample, _)| *sample == self.count) {
            self.marks.pop_back();
        }
        self.marks.push_back((self.count, pts));
    }

    pub fn pass(&mut self, samples: usize) {
        self.count += samples as f64;
    }

    /// Asked for in rising order; before the first sample time runs backwards from it.
    pub fn at(&mut self, sample: f64) -> f64 {
        while self.marks.get(1).is_some_and(|(next, _)| *next <= sample) {
            self.marks.pop_front();
        }
        self.marks.front().map_or(0.0, |mark| self.after(*mark, sample))
    }

    pub fn length(&self, samples: usize) -> f64 {
        samples as f64 * self.step
    }

    fn after(&self, (sample, pts): (f64, f64), then: f64) -> f64 {
        pts + (then - sample) * self.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_rounded_to_microseconds_are_one_steady_clock() {
        let mut clock = Clock::new(44100);
        for chunk in 0..1000 {
            clock.set((f64::from(chunk) * 441.0 / 0.0441).floor());
            clock.pass(441);
        }
        assert_eq!(clock.marks.len(), 1);
        assert!((clock.at(44100.0) - 1e6).abs() < 0.001);
    }

    #[test]
    fn a_gap_moves_what_comes_after_it_and_nothing_before() {
        let mut clock = Clock::new(1000);
        clock.set(5000.0);
        clock.pass(10);
        clock.set(100_000.0);
        clock.pass(10);
        assert_eq!(
            [-2.0, 9.0, 10.0, 12.0].map(|sample| clock.at(sample)),
            [3000.0, 14_000.0, 100_000.0, 102_000.0]
        );
    }

    #[test]
    fn times_without_sound_are_forgotten() {
        let mut clock = Clock::new(1000);
        for pts in 0..100 {
            clock.set(f64::from(pts) * 1e6);
        }
        assert_eq!((clock.marks.len(), clock.at(0.0)), (1, 99e6));
    }
}
