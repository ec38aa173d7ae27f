//! The player's own choice between definitions: the rule, when to ask it, and what it is told.

use sailcast_media::Micros;

use super::{change::Why, lane::Lane};
use crate::{
    abr::{
        Level,
        stream::{Sight, Step, StreamAbr, TICK},
    },
    feed::View,
    io::{Definition, Instant},
};

/// A definition that failed is not chosen for so long.
const EXCLUDED: Micros = Micros::from_secs(60);
/// bit/s for a pixel, where only the size is known.
const PER_PIXEL: u64 = 2;

pub(super) struct Auto {
    /// The player chooses.
    pub is_on: bool,
    levels: Vec<Level>,
    /// Until when it is not chosen.
    excluded: Vec<Option<Instant>>,
    rule: StreamAbr,
    next: Instant,
}

impl Auto {
    pub fn new(list: &[Definition], is_on: bool) -> Self {
        let levels: Vec<Level> = list.iter().map(level).collect();
        let excluded = vec![None; levels.len()];
        Self { is_on, levels, excluded, rule: StreamAbr::default(), next: Instant(0) }
    }

    pub fn first(&self, viewport: Option<(u32, u32)>, link: Option<u64>) -> Option<usize> {
        StreamAbr::first(&self.levels, viewport, link)
    }

    /// bit/s that a definition should have.
    pub fn bitrate(&self, definition: usize) -> u64 {
        self.levels.get(definition).map_or(0, |level| level.bitrate)
    }

    pub fn estimate(&self) -> Option<u64> {
        self.rule.estimate()
    }

    pub fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.next;
        if is_due {
            self.next = now + TICK;
        }
        is_due
    }

    pub fn next_tick(&self) -> Option<Instant> {
        (self.levels.len() > 1).then_some(self.next)
    }

    pub fn choose(&mut self, current: &Lane, view: &View, now: Instant) -> Option<Step> {
        if !self.is_on {
            return None;
        }
        self.exclude(now);
        let sight = Sight {
            current: current.definition,
            bytes: current.connection.bytes(),
            late: current.late(now),
            ahead: view.buffered_until.map_or(Micros::ZERO, |until| until - view.playhead),
            is_waiting: view.is_waiting,
            viewport: view.viewport,
            is_degraded: view.is_degraded,
        };
        self.rule.choose(&self.levels, &sight, now)
    }

    pub fn on_burst(&mut self, rate: f64, now: Instant) {
        self.rule.on_burst(rate, now);
    }

    pub fn on_change(&mut self, is_up: bool, now: Instant) {
        self.rule.on_change(is_up, now);
    }

    /// A change to it was not made.
    pub fn on_failure(&mut self, definition: usize, why: Why, now: Instant) {
        if why == Why::Up {
            return self.rule.in_vain(now);
        }
        if let Some(until) = self.excluded.get_mut(definition) {
            *until = Some(now + EXCLUDED);
        }
    }

    /// The nearest one to it that has not failed, a smaller one first.
    pub fn instead_of(&mut self, definition: usize, now: Instant) -> Option<usize> {
        self.exclude(now);
        let bitrate = self.bitrate(definition);
        let others = self.levels.iter().zip(&self.excluded).enumerate();
        let others = others
            .filter(|(index, (_, until))| until.is_none_or(|until| now >= until) && *index != definition);
        let nearest =
            others.min_by_key(|(_, (level, _))| (level.bitrate > bitrate, level.bitrate.abs_diff(bitrate)));
        nearest.map(|(index, _)| index)
    }

    fn exclude(&mut self, now: Instant) {
        for (level, until) in self.levels.iter_mut().zip(&self.excluded) {
            level.excluded = level.bitrate == 0 || until.is_some_and(|until| now < until);
        }
    }
}

/// One of which neither bitrate nor size is known is not chosen.
fn level(definition: &Definition) -> Level {
    let pixels = || Some(u64::from(definition.width?).saturating_mul(u64::from(definition.height?)));
    let guess = || pixels().map(|pixels| pixels.saturating_mul(PER_PIXEL));
    let bitrate = definition.bitrate.or_else(guess).unwrap_or_default();
    Level {
        bitrate,
        width: definition.width,
        height: definition.height,
        frame_rate: None,
        excluded: bitrate == 0,
    }
}
