//! What a load was like for its viewer: start-up, stalls, latency, rates, losses; and what happened, for a bug report.
//!
//! The [`Recorder`] stands at the player's door. It is shown every input and output ([`observe`]) and, some times a second,
//! the counters; of these it makes [`Quality`] and the session's log. It decides nothing: with it or without it, the player
//! does the same. Its memory has a bound, however long a load lasts.
//!
//! Start-up is no stall, a pause is neither stall nor playback, and a ratio is of the time that was or should have been
//! playing.

mod drops;
mod latency;
mod log;
mod observe;
mod rates;
mod stalls;
mod startup;
#[cfg(test)]
mod tests;
mod times;

use sailcast_media::Micros;

pub use self::{
    drops::{DropCause, Drops},
    latency::Percentiles,
    log::{Entry, Field, SessionLog, What},
    rates::{Counters, Rates},
    stalls::{BOUNDS as STALL_BOUNDS, BUCKETS as STALL_BUCKETS, Stall, StallCause, StallSummary},
    startup::{Milestone, StartUp},
    times::CatchUp,
};
use crate::{
    event::State,
    io::{DecoderId, Instant, RequestId},
};

/// How often latency and counters are looked at while it plays.
const SAMPLE_EVERY: Micros = Micros::from_millis(100);
/// While it plays or waits, an input comes many times in this time: what is missing was slept through, with nobody watching.
const SLEPT: Micros = Micros::from_secs(2);
/// Reasons come from an enum; this is above its size.
const REASONS: usize = 16;

/// One load's quality, at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    /// On the driver's clock.
    pub loaded: Instant,
    pub start_up: StartUp,
    pub played: Micros,
    pub stalls: StallSummary,
    /// Of the load.
    pub latency: Percentiles,
    /// Of the last seconds.
    pub recent_latency: Percentiles,
    pub rates: Rates,
    pub drops: Drops,
    pub catch_up: CatchUp,
    /// Connections tried again, by reason, in the order of their first.
    pub reconnects: Vec<(&'static str, u64)>,
    /// The codecs in use.
    pub video: Option<String>,
    pub audio: Option<String>,
}

impl Quality {
    /// Time stalled as a part of the time that should have been playing.
    pub fn stall_ratio(&self) -> f64 {
        let stalled = self.stalls.total.as_secs_f64();
        let whole = stalled + self.played.as_secs_f64();
        if whole > 0.0 { stalled / whole } else { 0.0 }
    }

    /// In 100 s that should have been playing; 0 before anything was.
    pub fn stalls_per_100s(&self) -> f64 {
        let whole = (self.stalls.total + self.played).as_secs_f64();
        if whole > 0.0 { self.stalls.count as f64 * 100.0 / whole } else { 0.0 }
    }
}

/// See the module's doc. The log outlives a load; the rest begins anew with it.
#[derive(Debug, Default)]
pub struct Recorder {
    log: SessionLog,
    /// The last input.
    seen: Option<Instant>,
    load: Option<Load>,
}

#[derive(Debug)]
struct Load {
    at: Instant,
    request: Option<RequestId>,
    video_decoder: Option<DecoderId>,
    start_up: StartUp,
    times: times::Times,
    stalls: stalls::Stalls,
    /// The viewer went elsewhere: what he waits for there is no stall.
    seeking: bool,
    latency: latency::Histogram,
    recent: latency::Recent,
    window: rates::Window,
    next_sample: Instant,
    reconnects: Vec<(&'static str, u64)>,
    /// What is played of each kind: the track's number and its codec.
    video: Option<(u8, String)>,
    audio: Option<(u8, String)>,
}

impl Recorder {
    pub fn log(&self) -> &SessionLog {
        &self.log
    }

    /// With the counters as they stand. `None` before the first load.
    pub fn quality(&self, counters: Counters, now: Instant) -> Option<Quality> {
        let load = self.load.as_ref()?;
        Some(Quality {
            loaded: load.at,
            start_up: load.start_up,
            played: load.times.played(now),
            stalls: load.stalls.summary(load.at, now),
            latency: load.latency.percentiles(),
            recent_latency: load.recent.percentiles(now),
            rates: load.window.rates(counters, now),
            drops: counters.drops,
            catch_up: load.times.catch_up(now),
            reconnects: load.reconnects.clone(),
            video: load.video.as_ref().map(|(_, codec)| codec.clone()),
            audio: load.audio.as_ref().map(|(_, codec)| codec.clone()),
        })
    }

    /// Whether it is time for [`Recorder::sample`].
    pub fn wants_sample(&self, now: Instant) -> bool {
        self.load.as_ref().is_some_and(|load| now >= load.next_sample && !load.is_over())
    }

    /// The counters as they stand, and the latency, which counts while it plays.
    pub fn sample(&mut self, counters: Counters, latency: Micros, now: Instant) {
        let Some(load) = &mut self.load else { return };
        load.next_sample = now + SAMPLE_EVERY;
        load.window.add(counters, now);
        if load.times.state() == State::Playing {
            load.latency.add(latency);
            load.recent.add(latency, now);
        }
    }

    /// A frozen page, a closed lid: what was slept through is neither playback nor stall.
    fn wake(&mut self, now: Instant) {
        let seen = self.seen.replace(now);
        let (Some(load), Some(seen)) = (&mut self.load, seen) else { return };
        if now - seen > SLEPT {
            load.times.slept(seen, now);
            load.stalls.slept(seen, now);
            self.log.add(What::Note("slept"), now);
        }
    }

    fn begin(&mut self, url: &str, now: Instant) {
        self.load = Some(Load::new(now));
        self.log.add(What::Load { address: log::address(url) }, now);
    }

    fn enter(&mut self, state: State, now: Instant) {
        self.log.add(What::State(state), now);
        let Some(load) = &mut self.load else { return };
        load.times.enter(state, now);
        let ended = match state {
            // Before anything has played, waiting is the start.
            State::Waiting if load.times.has_played() && !load.seeking => {
                load.stalls.wait(now);
                None
            }
            State::Waiting => None,
            State::Paused => {
                load.stalls.pause(now);
                None
            }
            _ => {
                load.seeking = false;
                load.stalls.end(load.at, now)
            }
        };
        if let Some(stall) = ended {
            self.log.add(What::Stalled(stall), now);
        }
    }

    /// The viewer goes to another place: a stall ends with that.
    fn seek(&mut self, now: Instant) {
        let Some(load) = &mut self.load else { return };
        load.seeking = load.times.state() != State::Paused;
        if let Some(stall) = load.stalls.end(load.at, now) {
            self.log.add(What::Stalled(stall), now);
        }
    }

    fn reach(&mut self, milestone: Milestone, now: Instant) {
        if let Some(load) = &mut self.load {
            load.start_up.reach(milestone, load.at, now);
        }
    }
}

impl Load {
    fn new(now: Instant) -> Self {
        Self {
            at: now,
            request: None,
            video_decoder: None,
            start_up: StartUp::default(),
            times: times::Times::new(now),
            stalls: stalls::Stalls::default(),
            seeking: false,
            latency: latency::Histogram::default(),
            recent: latency::Recent::default(),
            window: rates::Window::default(),
            next_sample: now,
            reconnects: Vec::new(),
            video: None,
            audio: None,
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.times.state(), State::Ended | State::Failed)
    }

    fn count_reconnect(&mut self, reason: &'static str) {
        if let Some((_, count)) = self.reconnects.iter_mut().find(|(known, _)| *known == reason) {
            *count = count.saturating_add(1);
        } else if self.reconnects.len() < REASONS {
            self.reconnects.push((reason, 1));
        }
    }
}
