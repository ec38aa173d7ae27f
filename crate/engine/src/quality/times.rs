//! How the time of a load was spent: played, and played at another rate than 1 to hold the target latency.

use sailcast_media::Micros;

use crate::{event::State, io::Instant};

/// What was done to hold the target latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CatchUp {
    /// Time played faster than 1.
    pub faster: Micros,
    /// Time played slower than 1, for a buffer that was thin.
    pub slower: Micros,
    /// How much of the stream was left out.
    pub skipped: Micros,
    pub skips: u64,
}

#[derive(Debug)]
pub(super) struct Times {
    state: State,
    rate: f64,
    /// What the viewer chose: no rate to catch up with.
    chosen: f64,
    since: Instant,
    played: Micros,
    /// Without what has passed since `since`.
    catch_up: CatchUp,
}

impl Times {
    pub fn new(now: Instant) -> Self {
        let (state, played, catch_up) = (State::Idle, Micros::ZERO, CatchUp::default());
        Self { state, rate: 1.0, chosen: 1.0, since: now, played, catch_up }
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// It has played since the load: what comes is no start-up any more.
    pub fn has_played(&self) -> bool {
        self.state == State::Playing || self.played > Micros::ZERO
    }

    pub fn enter(&mut self, state: State, now: Instant) {
        self.settle(now);
        self.state = state;
    }

    pub fn set_rate(&mut self, rate: f64, now: Instant) {
        self.settle(now);
        self.rate = rate;
    }

    /// The viewer wants this rate.
    pub fn choose(&mut self, rate: f64, now: Instant) {
        self.settle(now);
        self.chosen = rate;
    }

    /// What has passed since `asleep` does not count.
    pub fn slept(&mut self, asleep: Instant, now: Instant) {
        self.settle(asleep);
        self.since = now;
    }

    pub fn skip(&mut self, length: Micros) {
        self.catch_up.skipped += length.max(Micros::ZERO);
        self.catch_up.skips = self.catch_up.skips.saturating_add(1);
    }

    pub fn played(&self, now: Instant) -> Micros {
        self.played + self.running(now)
    }

    pub fn catch_up(&self, now: Instant) -> CatchUp {
        let mut all = self.catch_up;
        let running = self.running(now);
        if self.rate == self.chosen {
            return all;
        }
        if self.rate > 1.0 {
            all.faster += running;
        }
        if self.rate < 1.0 {
            all.slower += running;
        }
        all
    }

    fn running(&self, now: Instant) -> Micros {
        if self.state == State::Playing { now - self.since } else { Micros::ZERO }
    }

    fn settle(&mut self, now: Instant) {
        (self.played, self.catch_up) = (self.played(now), self.catch_up(now));
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant(ms * 1000)
    }

    #[test]
    fn only_playing_counts_and_each_rate_for_itself() {
        let mut times = Times::new(at(0));
        times.enter(State::Connecting, at(10));
        assert!(!times.has_played());
        times.enter(State::Playing, at(500));
        times.set_rate(1.08, at(1500));
        times.set_rate(1.02, at(2500));
        times.set_rate(0.96, at(3500));
        times.enter(State::Waiting, at(3750));
        times.set_rate(1.0, at(5000));
        times.enter(State::Playing, at(5000));
        times.enter(State::Paused, at(6000));
        times.set_rate(1.05, at(6100));
        assert_eq!(times.played(at(90_000)), Micros::from_millis(4250));
        let catch_up = times.catch_up(at(90_000));
        assert_eq!(catch_up.faster, Micros::from_secs(2));
        assert_eq!(catch_up.slower, Micros::from_millis(250));
    }

    #[test]
    fn what_runs_now_is_counted_up_to_now() {
        let mut times = Times::new(at(0));
        times.enter(State::Playing, at(0));
        times.set_rate(1.05, at(1000));
        assert_eq!(times.played(at(3000)), Micros::from_secs(3));
        assert_eq!(times.catch_up(at(3000)).faster, Micros::from_secs(2));
    }

    #[test]
    fn a_rate_that_the_viewer_chose_catches_nothing_up() {
        let mut times = Times::new(at(0));
        times.enter(State::Playing, at(0));
        times.choose(2.0, at(1000));
        times.set_rate(2.0, at(1000));
        times.set_rate(1.0, at(3000));
        assert_eq!(times.catch_up(at(9000)), CatchUp::default());
        assert_eq!(times.played(at(9000)), Micros::from_secs(9));
    }

    #[test]
    fn skips_add_up_and_never_back() {
        let mut times = Times::new(at(0));
        times.skip(Micros::from_secs(2));
        times.skip(Micros(-5));
        let all = times.catch_up(at(0));
        assert_eq!((all.skipped, all.skips), (Micros::from_secs(2), 2));
    }
}
