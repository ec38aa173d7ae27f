//! Which definition of a live stream to play that comes no faster than it is made.
//!
//! Such a stream says nothing of a link that is fast enough: only where it comes late is what it brings what the link brings. So it is
//! left *downwards* as soon as it comes later and later while its bytes still come, for one that fits what came; and *upwards* after
//! a time without trouble. A step up that was of no use is tried again only after twice the time. What a server sends at once at the
//! beginning of a connection measures the link as well.
//!
//! Pure policy, as the one beside it: told how the stream comes at regular ticks, it says which one to play. Nothing at all is taken
//! for an outage, which another definition does not mend.

use std::collections::VecDeque;

use sailcast_media::Micros;

use super::{Level, allowed, pixels};
use crate::io::Instant;

/// How often it wants to be asked.
pub const TICK: Micros = Micros::from_millis(100);
/// Of the link, a definition may take so much: one above the present one, and one below it.
const UP: f64 = 0.8;
const DOWN: f64 = 0.85;
/// To begin with, where nothing is known of the link, bit/s.
const FIRST: f64 = 1_500_000.0;
/// How late the stream comes is looked at over so much time, and not before so much has come of it.
const WINDOW: Micros = Micros::from_millis(1_000);
/// Later than this is trouble...
const LATE: Micros = Micros::from_millis(250);
/// ...when it lasts, for what was held up comes at once...
const LASTING: Micros = Micros::from_millis(250);
/// ...and grows by so much of the time that passes, and what is here will not last so long.
const GROWS: f64 = 0.12;
const LASTS_FOR: f64 = 2.0;
/// So late for so long is trouble though it does not grow.
const VERY_LATE: Micros = Micros::from_millis(700);
const STAYS: Micros = Micros::from_secs(3);
/// Up after so long without trouble: twice as long after each step up that was of no use.
const CALM: Micros = Micros::from_secs(10);
const LONGEST: Micros = Micros::from_secs(300);
/// After a start, what was measured is believed sooner.
const START: Micros = Micros::from_secs(4);
/// What held so long was of use.
const PROVED: Micros = Micros::from_secs(30);
/// A measurement says something for so long.
const BELIEVED: Micros = Micros::from_secs(20);
/// A machine that was too slow for a definition is not given it again so soon.
const SLOW_MACHINE: Micros = Micros::from_secs(60);

/// How the stream comes that is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    pub current: usize,
    /// Bytes of it so far.
    pub bytes: u64,
    /// How far behind its due it has come at least in the last moments; `None` when nothing came.
    pub late: Option<Micros>,
    /// From the playhead to the end of what is here.
    pub ahead: Micros,
    /// The playhead stands for want of data.
    pub is_waiting: bool,
    pub viewport: Option<(u32, u32)>,
    pub is_degraded: bool,
}

/// Another definition is to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub to: usize,
    /// The network does not carry the present one.
    pub is_escape: bool,
    /// Nobody knows whether it carries this one.
    pub is_try: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    bytes: u64,
    late: Micros,
}

/// The choice between definitions through one load.
#[derive(Debug)]
pub struct StreamAbr {
    /// What the link was last seen to bring, bit/s.
    link: Option<(f64, Instant)>,
    samples: VecDeque<Sample>,
    /// When there was trouble last; of a beginning, when it began.
    trouble: Option<Instant>,
    /// Since when it is late, and very late.
    late: Option<Instant>,
    very_late: Option<Instant>,
    /// How long to be calm before going up.
    rest: Micros,
    went_up: Option<Instant>,
    /// So many pixels are too much for the machine, until then.
    too_slow: Option<(u64, Instant)>,
}

impl Default for StreamAbr {
    fn default() -> Self {
        Self {
            link: None,
            samples: VecDeque::new(),
            trouble: None,
            late: None,
            very_late: None,
            rest: START,
            went_up: None,
            too_slow: None,
        }
    }
}

impl StreamAbr {
    /// The definition to begin with. `link`: what the link brought before, bit/s.
    pub fn first(levels: &[Level], viewport: Option<(u32, u32)>, link: Option<u64>) -> Option<usize> {
        let most = link.map_or(FIRST, |link| link as f64 * UP);
        let allowed = allowed(levels, viewport, None);
        highest(levels, &allowed, most).or_else(|| lowest(levels, &allowed))
    }

    /// What the link was seen to bring, bit/s; `None` before that is known.
    pub fn estimate(&self) -> Option<u64> {
        self.link.map(|(rate, _)| rate as u64)
    }

    /// A connection began with what its server had, at this rate; what else came at that time is counted.
    pub fn on_burst(&mut self, rate: f64, now: Instant) {
        self.link = Some((rate, now));
    }

    /// Another stream is played: how it comes is yet to be seen.
    pub fn on_change(&mut self, is_up: bool, now: Instant) {
        self.forget();
        self.trouble = Some(now);
        self.went_up = is_up.then_some(now).or(self.went_up);
    }

    fn forget(&mut self) {
        self.samples.clear();
        (self.late, self.very_late) = (None, None);
    }

    /// A step up was given up before it was seen. What it has held up comes late.
    pub fn in_vain(&mut self, now: Instant) {
        self.forget();
        self.rest = longer(self.rest);
        self.trouble = Some(now);
    }

    /// Another definition to play than the present one.
    pub fn choose(&mut self, levels: &[Level], at: &Sight, now: Instant) -> Option<Step> {
        if at.is_degraded
            && let Some(pixels) = levels.get(at.current).and_then(pixels)
        {
            self.too_slow = Some((pixels, now + SLOW_MACHINE));
        }
        self.trouble.get_or_insert(now);
        let too_much = self.too_slow.filter(|(_, until)| now < *until).map(|(most, _)| most);
        let allowed = allowed(levels, at.viewport, too_much);
        if let Some(link) = self.strained(at, now) {
            self.link = Some((link, now));
            self.trouble = Some(now);
            return self.down(levels, &allowed, at, now);
        }
        if !allowed.contains(&at.current) {
            let to =
                highest(levels, &allowed, bitrate(levels, at.current)).or_else(|| allowed.first().copied());
            return to.filter(|to| *to != at.current).map(|to| Step { to, is_escape: false, is_try: false });
        }
        self.up(levels, &allowed, at, now)
    }

    /// What the link brings, when that is too little for the stream.
    fn strained(&mut self, at: &Sight, now: Instant) -> Option<f64> {
        let late = at.late;
        self.late = since(self.late, late.is_some_and(|late| late >= LATE), now);
        let late = late?;
        self.very_late = since(self.very_late, late >= VERY_LATE, now);
        self.samples.push_back(Sample { at: now, bytes: at.bytes, late });
        while self.samples.get(1).is_some_and(|second| now - second.at >= WINDOW) {
            self.samples.pop_front();
        }
        let oldest = *self.samples.front()?;
        let span = (now - oldest.at).as_secs_f64();
        if self.late.is_none_or(|since| now - since < LASTING) || now - oldest.at < WINDOW {
            return None;
        }
        let stays = self.very_late.is_some_and(|since| now - since >= STAYS);
        let growth = (late - oldest.late).as_secs_f64() / span;
        let lasts = at.ahead.as_secs_f64() / growth.max(0.001);
        let is_short = growth >= GROWS && (lasts < LASTS_FOR || at.is_waiting);
        (is_short || stays).then(|| self.rate(at.bytes, now))
    }

    /// bit/s of the newer half of what is looked at: the older one may be from before.
    fn rate(&self, bytes: u64, now: Instant) -> f64 {
        let since = self.samples.iter().find(|sample| now - sample.at <= WINDOW.scale(0.5));
        let Some(since) = since.or_else(|| self.samples.front()) else { return 0.0 };
        let span = (now - since.at).max(TICK).as_secs_f64();
        bytes.saturating_sub(since.bytes) as f64 * 8.0 / span
    }

    fn down(&mut self, levels: &[Level], allowed: &[usize], at: &Sight, now: Instant) -> Option<Step> {
        let (link, _) = self.link?;
        let current = bitrate(levels, at.current);
        let below: Vec<usize> =
            allowed.iter().copied().filter(|index| bitrate(levels, *index) < current).collect();
        let to = highest(levels, &below, link * DOWN).or_else(|| lowest(levels, &below))?;
        self.rest = match self.went_up.take() {
            // What was left soon after it was reached should not have been tried.
            Some(up) if now - up < PROVED => longer(self.rest),
            Some(_) => CALM,
            None => self.rest.max(CALM),
        };
        Some(Step { to, is_escape: true, is_try: false })
    }

    /// One step up, or as many as are known to be carried.
    fn up(&mut self, levels: &[Level], allowed: &[usize], at: &Sight, now: Instant) -> Option<Step> {
        if at.is_waiting || at.late.is_none_or(|late| late >= LATE) {
            self.trouble = Some(now);
        }
        // What was tried last has held so far.
        let rest = if self.went_up.is_some() { self.rest.min(CALM) } else { self.rest };
        if self.trouble.is_none_or(|trouble| now - trouble < rest) {
            return None;
        }
        let current = bitrate(levels, at.current);
        let above: Vec<usize> =
            allowed.iter().copied().filter(|index| bitrate(levels, *index) > current).collect();
        let next = lowest(levels, &above)?;
        let known = self.link.filter(|(_, at)| now - *at < BELIEVED).map(|(rate, _)| rate * UP);
        let to = match known {
            Some(most) if bitrate(levels, next) > most => return None,
            Some(most) => highest(levels, allowed, most).unwrap_or(next),
            None => next,
        };
        Some(Step { to, is_escape: false, is_try: known.is_none() })
    }
}

/// Since when something holds that holds now, or does not.
fn since(before: Option<Instant>, holds: bool, now: Instant) -> Option<Instant> {
    holds.then(|| before.unwrap_or(now))
}

/// The best of these up to a bitrate.
fn highest(levels: &[Level], of: &[usize], most: f64) -> Option<usize> {
    let fitting = of.iter().copied().filter(|index| bitrate(levels, *index) <= most);
    fitting.max_by(|a, b| bitrate(levels, *a).total_cmp(&bitrate(levels, *b)))
}

fn lowest(levels: &[Level], of: &[usize]) -> Option<usize> {
    of.iter().copied().min_by(|a, b| bitrate(levels, *a).total_cmp(&bitrate(levels, *b)))
}

fn bitrate(levels: &[Level], index: usize) -> f64 {
    levels.get(index).map_or(0.0, |level| level.bitrate as f64)
}

fn longer(rest: Micros) -> Micros {
    rest.max(CALM.scale(0.5)).scale(2.0).min(LONGEST)
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
