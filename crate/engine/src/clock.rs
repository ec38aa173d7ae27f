//! The playback clock: where on the stream's timeline the playhead is at any instant.
//!
//! It runs on the driver's monotonic clock and takes over the pace of what is heard while there is sound: audio is master
//! of the drift. It never jumps after the sound: what is off by much is the sound's to mend, which joins anew where the
//! playhead is. It knows nothing of buffers or latency.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros};

use crate::io::Instant;

/// Reports of the sound card come late, never early: the most advanced one of this window is the truest.
const WINDOW: Micros = Micros::from_millis(600);
/// How much of the distance to the sound one report closes.
const SLEW: f64 = 0.05;
/// And how much of the time that passed, at most: a picture that runs so much faster or slower looks the same.
const FASTEST: f64 = 0.02;

#[derive(Debug)]
pub struct Clock {
    at: Instant,
    media: MediaTime,
    rate: f64,
    running: bool,
    has_run: bool,
    /// Distances of the sound from the playhead, newest last.
    heard: VecDeque<(Instant, Micros)>,
    followed: Instant,
}

impl Clock {
    pub fn new() -> Self {
        Self {
            at: Instant(0),
            media: MediaTime(0),
            rate: 1.0,
            running: false,
            has_run: false,
            heard: VecDeque::new(),
            followed: Instant(0),
        }
    }

    /// The playhead at `now`; stands still while stopped.
    pub fn media(&self, now: Instant) -> MediaTime {
        if !self.running {
            return self.media;
        }
        self.media + (now - self.at).scale(self.rate)
    }

    /// The instant at which the playhead reaches `media`; `None` while stopped.
    pub fn instant_of(&self, media: MediaTime) -> Option<Instant> {
        self.running.then(|| self.at + (media - self.media).scale(1.0 / self.rate))
    }

    pub fn is_running(&self) -> bool {
        self.running
    }

    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// It has been started once: the playhead means something.
    pub fn has_run(&self) -> bool {
        self.has_run
    }

    pub fn start(&mut self, media: MediaTime, now: Instant) {
        *self = Self {
            at: now,
            media,
            rate: self.rate,
            running: true,
            has_run: true,
            heard: VecDeque::new(),
            followed: now,
        };
    }

    /// The playhead stands at `media`, wherever it was.
    pub fn place(&mut self, media: MediaTime, now: Instant) {
        self.stop_at(media, now);
        self.has_run = true;
    }

    pub fn stop(&mut self, now: Instant) {
        self.stop_at(self.media(now), now);
    }

    /// Stops with the playhead at `media`.
    pub fn stop_at(&mut self, media: MediaTime, now: Instant) {
        self.media = media;
        self.at = now;
        self.running = false;
        self.heard.clear();
    }

    /// Changes the speed without moving the playhead.
    pub fn set_rate(&mut self, rate: f64, now: Instant) {
        self.media = self.media(now);
        self.at = now;
        self.rate = rate;
    }

    /// The sound card says that `heard` is audible at `now`.
    pub fn follow(&mut self, heard: MediaTime, now: Instant) {
        if !self.running {
            return;
        }
        let playhead = self.media(now);
        self.heard.push_back((now, heard - playhead));
        while self.heard.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.heard.pop_front();
        }
        let ahead = self.heard.iter().map(|(_, d)| *d).max().unwrap_or_default();
        let most = (now - self.followed).scale(FASTEST).max(Micros::ZERO);
        let step = ahead.scale(SLEW).clamp(-most, most);
        self.followed = now;
        self.media = playhead + step;
        self.at = now;
        for (_, d) in &mut self.heard {
            *d = *d - step;
        }
    }

    /// What is heard no longer relates to what was: a gap, a skip, another output.
    pub fn forget_sound(&mut self) {
        self.heard.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(i64) -> Micros = Micros::from_millis;

    #[test]
    fn follows_the_most_advanced_report_and_ignores_late_ones() {
        let mut clock = Clock::new();
        clock.start(MediaTime(0), Instant(0));
        let mut now = Instant(0);
        for i in 0..400u64 {
            now = Instant(i * 10_000);
            // The sound is 30 ms ahead of where the clock began; two of three reports are 15 ms late.
            let late = if i % 3 == 0 { 0 } else { 15 };
            clock.follow(MediaTime(0) + (now - Instant(0)) + MS(30 - late), now);
        }
        let off = clock.media(now) - (MediaTime(0) + (now - Instant(0)) + MS(30));
        assert!(off.abs() < MS(2), "{off:?}");
    }

    #[test]
    fn never_steps_however_far_the_sound_is() {
        for off in [-3000, -80, 80, 3000] {
            let mut clock = Clock::new();
            clock.start(MediaTime(0), Instant(0));
            let before = clock.media(Instant(10_000));
            clock.follow(before + MS(off), Instant(10_000));
            assert!((clock.media(Instant(10_000)) - before).abs() <= Micros(200), "{off}");
        }
    }

    #[test]
    fn takes_over_the_pace_of_a_sound_that_runs_by_another_clock() {
        for ppm in [-200i64, 200] {
            let mut clock = Clock::new();
            clock.start(MediaTime(0), Instant(0));
            for i in 0..360_000i64 {
                let heard = MediaTime(i * 10_000 + i * ppm / 100);
                clock.follow(heard, Instant(i as u64 * 10_000));
            }
            let heard = MediaTime(3_600_000_000 + 3_600 * ppm);
            let off = clock.media(Instant(3_600_000_000)) - heard;
            assert!(off.abs() < MS(1), "{ppm} ppm: {off:?}");
        }
    }

    #[test]
    fn stands_still_while_stopped() {
        let mut clock = Clock::new();
        clock.start(MediaTime(500), Instant(0));
        clock.stop(Instant(1000));
        assert_eq!(clock.media(Instant(9_000_000)), MediaTime(1500));
        assert_eq!(clock.instant_of(MediaTime(2000)), None);
    }
}
