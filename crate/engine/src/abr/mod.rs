//! Which rendition to load next: from what transfers took, what is buffered, and what there is to choose from.
//!
//! Pure policy. It is told of transfers and asked before each; it knows no playlist and no request.
//!
//! A rendition must be *sustainable* (its bitrate within the link's) and *in time* (its next piece here long before the buffer is
//! empty). What is played already may be a little above the first as long as the buffer stays full: a full buffer is there to be
//! used, and every change can be seen. Where little can be buffered, as close to a live edge, the second decides.

mod estimate;
pub mod stream;

use sailcast_media::Micros;

use self::estimate::Estimate;
use crate::io::Instant;

/// What a link is taken for of which nothing is known, bit/s.
const FIRST_ESTIMATE: f64 = 900_000.0;
/// And of what it brought before, so much: all of it would be a later first picture and a stall where it has become less.
const FIRST_PART: f64 = 0.5;
/// Of the link, a rendition may take so much: one above the present one, the present one, one below it. The first figure is for
/// where nothing can be buffered, the second for where this much can.
const UP: (f64, f64) = (0.66, 0.8);
const STAY: (f64, f64) = (0.9, 0.95);
const DOWN: (f64, f64) = (0.75, 0.85);
const COMFORT: f64 = 10.0;
/// The next piece may take so much of what is buffered.
const UP_TIME: f64 = 0.7;
const STAY_TIME: f64 = 0.8;
/// As long as the next piece leaves the buffer so full, there is no need to go down.
const FULL: f64 = 0.6;
/// And so much above the link, at most.
const OVERDRAW: f64 = 1.35;
/// Not up again so soon after having gone down: twice as long each time it was of no use.
const REST: Micros = Micros::from_secs(6);
const LONGEST_REST: Micros = Micros::from_secs(96);
/// What held so long was of use.
const PROVED: Micros = Micros::from_secs(20);
/// A machine that was too slow for a rendition is not given it again so soon.
const SLOW_MACHINE: Micros = Micros::from_secs(60);
/// A piece is given up only when it has been asked for so long.
const ABANDON_AFTER: Micros = Micros::from_millis(300);

/// One rendition, in the order of the caller's list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// bit/s: the peak where it is known.
    pub bitrate: u64,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub frame_rate: Option<f64>,
    /// It failed a moment ago, or cannot be decoded here.
    pub excluded: bool,
}

/// A body that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub bytes: u64,
    /// When it was asked for, when its first byte came, and its last.
    pub asked: Instant,
    pub first_byte: Instant,
    pub done: Instant,
    /// How much media is in it.
    pub media: Micros,
    /// It was sent while it was made, as a part that was asked for ahead: it came no faster than the stream plays.
    pub paced: bool,
}

/// Where playback stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    pub current: Option<usize>,
    /// From the playhead to the end of what is buffered.
    pub buffered: Micros,
    /// How much can be buffered at most: up to the live edge, or the source's own bound.
    pub attainable: Micros,
    pub rate: f64,
    pub viewport: Option<(u32, u32)>,
    pub is_degraded: bool,
    /// How long the next piece is.
    pub next: Micros,
}

/// A piece that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub bytes: u64,
    /// Of all of it, where it is known or can be told from the rendition's bitrate.
    pub total: u64,
    pub asked: Instant,
    pub first_byte: Option<Instant>,
}

/// The choice between renditions through one load.
#[derive(Debug)]
pub struct Abr {
    estimate: Estimate,
    /// What the link is taken for before anything has come, bit/s.
    first: f64,
    /// Not above the present one before this instant.
    no_higher_until: Option<Instant>,
    rest: Option<Micros>,
    /// When it last went up, and down.
    went_up: Option<Instant>,
    /// More pixels than this are too much for the machine, until then.
    too_slow: Option<(u64, Instant)>,
}

impl Abr {
    /// `link`: what it brought before, bit/s.
    pub fn new(link: Option<u64>) -> Self {
        Self {
            estimate: Estimate::default(),
            first: link.map_or(FIRST_ESTIMATE, |link| link as f64 * FIRST_PART),
            no_higher_until: None,
            rest: None,
            went_up: None,
            too_slow: None,
        }
    }

    pub fn on_transfer(&mut self, transfer: &Transfer) {
        self.estimate.add(transfer);
    }

    /// What the link brings, bit/s; `None` before that is known.
    pub fn estimate(&self) -> Option<u64> {
        self.estimate.get().map(|rate| rate as u64)
    }

    /// The rendition of the next piece; `None` when there is none at all.
    pub fn choose(&mut self, levels: &[Level], at: &Situation, now: Instant) -> Option<usize> {
        self.note_slowness(levels, at, now);
        let bearable = self.too_slow.filter(|(_, until)| now < *until).map(|(most, _)| most);
        let mut order = allowed(levels, at.viewport, bearable);
        order.sort_by_key(|index| levels.get(*index).map_or(0, |level| level.bitrate));
        let lowest = order.first().copied()?;
        let bitrate = |index: usize| levels.get(index).map_or(0.0, |level| level.bitrate as f64);
        let current = at.current.filter(|index| order.contains(index));
        let best =
            order.iter().rev().copied().find(|index| self.fits(bitrate(*index), current.map(bitrate), at));
        let best = best.unwrap_or(lowest);
        let Some(current) = current else { return Some(best) };
        Some(self.settle(current, best, bitrate(best) - bitrate(current), bitrate(current), at, now))
    }

    /// Whether to give up a piece of `levels[current]` that comes too slowly, for which other one. Nothing above that is tried at once.
    pub fn abandon(
        &mut self,
        levels: &[Level],
        at: &Situation,
        piece: &Progress,
        now: Instant,
    ) -> Option<usize> {
        let other = self.instead_of(levels, at, piece, now)?;
        self.no_higher_until = self.no_higher_until.max(Some(now + REST));
        Some(other)
    }

    fn instead_of(&self, levels: &[Level], at: &Situation, piece: &Progress, now: Instant) -> Option<usize> {
        let current = levels.get(at.current?)?;
        let elapsed = now - piece.asked;
        if elapsed < ABANDON_AFTER || at.buffered >= at.next.scale(2.0) {
            return None;
        }
        let since = piece.first_byte.map_or(elapsed, |first| now - first).as_secs_f64().max(0.001);
        let rate = (piece.bytes as f64 * 8.0 / since).max(1.0);
        let left = piece.total.saturating_sub(piece.bytes) as f64 * 8.0 / rate;
        let buffered = at.buffered.as_secs_f64() / at.rate.max(0.1);
        // What comes at least as fast as it plays is played while it comes.
        if left <= buffered || rate >= current.bitrate as f64 * at.rate {
            return None;
        }
        let time = |level: &Level| {
            self.estimate.delay() + level.bitrate as f64 * at.next.as_secs_f64() / (rate * DOWN.1)
        };
        let lower = levels.iter().enumerate().filter(|(_, l)| !l.excluded && l.bitrate < current.bitrate);
        let in_time =
            lower.clone().filter(|(_, level)| time(level) < buffered).max_by_key(|(_, l)| l.bitrate);
        let other = in_time.or_else(|| lower.min_by_key(|(_, level)| level.bitrate));
        other.filter(|(_, level)| time(level) < left).map(|(index, _)| index)
    }

    /// Sustainable, and in time.
    fn fits(&self, bitrate: f64, current: Option<f64>, at: &Situation) -> bool {
        let link = self.estimate.get().unwrap_or(self.first);
        let comfort = (at.attainable.as_secs_f64() / COMFORT).clamp(0.0, 1.0);
        let between = |(low, high): (f64, f64)| low + (high - low) * comfort;
        let (share, part) = match current {
            None => (UP, f64::INFINITY),
            Some(current) if bitrate > current => (UP, UP_TIME),
            Some(current) if bitrate == current => (STAY, STAY_TIME),
            Some(_) => (DOWN, STAY_TIME),
        };
        let rate = at.rate.max(0.1);
        let needs = bitrate * rate;
        let time = self.estimate.delay() + bitrate * at.next.as_secs_f64() / link;
        let buffered = at.buffered.as_secs_f64() / rate;
        needs <= link * between(share) && (at.buffered <= Micros::ZERO || time <= buffered * part)
    }

    /// From the present one to the best one, or not yet.
    fn settle(
        &mut self,
        current: usize,
        best: usize,
        step: f64,
        bitrate: f64,
        at: &Situation,
        now: Instant,
    ) -> usize {
        if step > 0.0 {
            if self.no_higher_until.is_some_and(|until| now < until) {
                return current;
            }
            self.went_up = Some(now);
            return best;
        }
        if step < 0.0 {
            if self.stays_full(bitrate, at) {
                return current;
            }
            // What was left soon after it was reached should not have been tried.
            let in_vain = self.went_up.is_some_and(|up| now - up < PROVED);
            let rest = self.rest.filter(|_| in_vain).map_or(REST, |rest| rest.scale(2.0).min(LONGEST_REST));
            self.rest = Some(rest);
            self.no_higher_until = Some(now + rest);
        }
        best
    }

    /// The next piece of the present rendition would leave the buffer full enough.
    fn stays_full(&self, bitrate: f64, at: &Situation) -> bool {
        let link = self.estimate.get().unwrap_or(self.first);
        let piece = at.next.as_secs_f64();
        let time = (self.estimate.delay() + bitrate * piece / link) * at.rate;
        let left = at.buffered.as_secs_f64() - time;
        bitrate * at.rate <= link * OVERDRAW && left >= at.attainable.as_secs_f64() * FULL
    }

    fn note_slowness(&mut self, levels: &[Level], at: &Situation, now: Instant) {
        let current = at.current.and_then(|index| levels.get(index)).and_then(pixels);
        if let (true, Some(pixels)) = (at.is_degraded, current) {
            self.too_slow = Some((pixels, now + SLOW_MACHINE));
        }
    }
}

/// Those that may be played: neither excluded, nor larger than the picture's box needs, nor as large as is too much for this machine.
/// If that leaves none, the smallest of the others.
fn allowed(levels: &[Level], viewport: Option<(u32, u32)>, too_much: Option<u64>) -> Vec<usize> {
    let enough = viewport.and_then(|(width, height)| {
        let covers = |level: &&Level| level.width >= Some(width) || level.height >= Some(height);
        levels.iter().filter(|level| !level.excluded).filter(covers).filter_map(pixels).min()
    });
    let fits = |level: &Level| {
        let pixels = pixels(level);
        !level.excluded
            && enough.is_none_or(|enough| pixels.is_none_or(|pixels| pixels <= enough))
            && too_much.is_none_or(|most| pixels.is_none_or(|pixels| pixels < most))
    };
    let all = |wanted: &dyn Fn(&Level) -> bool| -> Vec<usize> {
        levels.iter().enumerate().filter(|(_, level)| wanted(level)).map(|(index, _)| index).collect()
    };
    let fitting = all(&fits);
    if !fitting.is_empty() {
        return fitting;
    }
    let possible = all(&|level| !level.excluded);
    let smallest = possible.into_iter().min_by_key(|index| levels.get(*index).map_or(0, |l| l.bitrate));
    smallest.or((!levels.is_empty()).then_some(0)).into_iter().collect()
}

/// What decoding a picture costs.
fn pixels(level: &Level) -> Option<u64> {
    Some(u64::from(level.width?).saturating_mul(u64::from(level.height?)))
}

#[cfg(test)]
mod tests;
