//! Which sample comes next, of all tracks.
//!
//! **Invariant:** samples of a track come in decoding order. Between tracks the one that lies first in the file goes first, and what a
//! later sample needs of the bytes is known before they are dropped.

use std::collections::VecDeque;

use crate::{
    mp4::{
        edits::Clock,
        fragment::Run,
        sample::Sample,
        table::{Cursor, Table},
    },
    time::{MediaTime, Micros},
};

/// How far a track of a file may run ahead of another one before that one is gone after. Writers interleave by half a second or
/// one; a file whose tracks lie apart is read with a jump for each four seconds.
const MAX_LEAD: Micros = Micros::from_secs(2);
/// Bytes held for runs of a fragment that lie before an earlier one of their track.
const MAX_HELD: u64 = 16 << 20;

/// What is still to come of a track: the samples of its tables, and behind them those of fragments.
#[derive(Debug)]
pub(super) struct Lane {
    /// track_ID.
    pub number: u32,
    pub clock: Clock,
    /// Samples given as one where all are alike.
    bundle: u32,
    pub table: Table,
    cursor: Option<Cursor>,
    runs: VecDeque<Run>,
    /// When the next fragment begins, if it does not say.
    next: i64,
}

impl Lane {
    pub fn new(number: u32, clock: Clock, bundle: u32, table: Table) -> Self {
        let cursor = (!table.is_empty()).then(|| Cursor::new(&table, 0, bundle));
        let next = table.duration();
        let mut lane = Self { number, clock, bundle, table, cursor, runs: VecDeque::new(), next };
        lane.settle();
        lane
    }

    /// The samples of the tables do not come any more.
    pub fn end_table(&mut self) {
        self.cursor = None;
        self.settle();
    }

    /// The sample that comes next; it has bytes.
    pub fn head(&self) -> Option<Sample> {
        let tabled = self.cursor.as_ref().and_then(|cursor| cursor.sample(&self.table));
        tabled.or_else(|| self.runs.front().and_then(Run::sample))
    }

    pub fn advance(&mut self) {
        self.pass(Cursor::advance, Run::advance);
    }

    /// Over samples that begin before `at`, at least one.
    fn advance_to(&mut self, at: u64) {
        self.pass(|cursor, table| cursor.advance_to(table, at), |run| run.advance_to(at));
    }

    /// Over a sample that is too large to be read, and over those that are so as well because all are alike.
    pub fn pass_too_large(&mut self) {
        let is_claimed = match &self.cursor {
            Some(_) => self.table.is_uniform(),
            None => self.runs.front().is_some_and(Run::is_uniform),
        };
        match (is_claimed, self.cursor.is_some()) {
            (false, _) => self.advance(),
            (true, true) => self.end_table(),
            (true, false) => {
                self.runs.pop_front();
                self.settle();
            }
        }
    }

    fn pass(&mut self, tabled: impl FnOnce(&mut Cursor, &Table), run_on: impl FnOnce(&mut Run)) {
        if let Some(cursor) = &mut self.cursor {
            tabled(cursor, &self.table);
        } else if let Some(run) = self.runs.front_mut() {
            run_on(run);
        }
        self.settle();
    }

    /// On to a sample that has bytes: nothing comes of the others, and there may be millions.
    fn settle(&mut self) {
        while let Some(cursor) = &mut self.cursor {
            match cursor.sample(&self.table) {
                Some(sample) if sample.size == 0 => cursor.advance(&self.table),
                Some(_) => return,
                None => self.cursor = None,
            }
        }
        while let Some(run) = self.runs.front_mut() {
            match run.sample() {
                Some(sample) if sample.size == 0 => run.advance(),
                Some(_) => return,
                None => drop(self.runs.pop_front()),
            }
        }
    }

    /// Takes a fragment's runs; [`Lane::order`] follows behind the last fragment of a box.
    pub fn fragment(&mut self, decode_time: Option<i64>, runs: Vec<Run>, duration: i64) {
        let start = decode_time.unwrap_or(self.next);
        self.next = start.saturating_add(duration);
        let runs = runs.into_iter().map(|run| run.starting_at(start, self.bundle));
        self.runs.extend(runs);
        self.settle();
    }

    /// Notes what the runs need of the bytes before them. Where that is more than is held, those that lie before an earlier one are
    /// dropped: gives the place of the first of them.
    pub fn order(&mut self) -> Option<(u64, u64)> {
        self.note_later();
        if self.runs.iter().all(|run| run.end.saturating_sub(run.later) <= MAX_HELD) {
            return None;
        }
        let (mut behind, mut lost) = (0, None);
        self.runs.retain(|run| {
            let is_behind = run.at() >= behind;
            if is_behind {
                behind = run.end;
            } else {
                lost = lost.or(Some((run.at(), run.end.saturating_sub(run.at()))));
            }
            is_behind
        });
        self.note_later();
        lost
    }

    fn note_later(&mut self) {
        let mut later = u64::MAX;
        for run in self.runs.iter_mut().rev() {
            run.later = later;
            later = later.min(run.at());
        }
    }

    /// The samples of the tables from `index` on come next, and no fragment.
    pub fn seek(&mut self, index: u32) {
        self.runs.clear();
        self.cursor = Some(Cursor::new(&self.table, index, self.bundle));
        self.settle();
    }

    /// Fragments come next, the first of them at `time` if it does not say.
    pub fn seek_fragments(&mut self, time: MediaTime) {
        self.runs.clear();
        self.cursor = None;
        self.next = self.clock.ticks_at(time);
    }

    /// Where the fragments that came end.
    pub fn end(&self) -> MediaTime {
        self.clock.present(self.next)
    }

    /// No fragment that came has anything left.
    pub fn drop_runs(&mut self) -> Option<Sample> {
        let dropped = self.runs.front().and_then(Run::sample);
        self.runs.clear();
        dropped
    }

    /// The first byte that it needs.
    fn floor(&self) -> Option<u64> {
        let later = if self.cursor.is_none() { self.runs.front().map(|run| run.later) } else { None };
        self.head().map(|head| later.unwrap_or(u64::MAX).min(head.at))
    }

    fn time(&self) -> Option<MediaTime> {
        self.head().map(|head| self.clock.present(head.dts))
    }
}

#[derive(Debug, Default)]
pub(super) struct Lanes {
    pub lanes: Vec<Lane>,
}

impl Lanes {
    pub fn get(&self, lane: usize) -> Option<&Lane> {
        self.lanes.get(lane)
    }

    /// The sample that lies first in the file.
    pub fn first(&self) -> Option<(usize, Sample)> {
        self.heads().min_by_key(|(_, head)| head.at)
    }

    /// The sample to read next where the file can be read anywhere and was read up to `at`: the next one in it, or that of a track
    /// that fell behind.
    pub fn choose(&self, at: u64) -> Option<(usize, Sample)> {
        let (lane, sample) = self.heads().min_by_key(|(_, head)| (head.at < at, head.at))?;
        let time = |lane: usize| self.lanes.get(lane).and_then(Lane::time).unwrap_or_default();
        let (behind, its_sample) = self.heads().min_by_key(|(lane, _)| time(*lane))?;
        let is_late = time(lane) - time(behind) > MAX_LEAD;
        Some(if is_late { (behind, its_sample) } else { (lane, sample) })
    }

    /// The first byte that any track needs.
    pub fn floor(&self) -> Option<u64> {
        self.lanes.iter().filter_map(Lane::floor).min()
    }

    pub fn advance(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.advance();
        }
    }

    /// Drops the next samples of a lane as far as they begin before `at`: gives where the first of them does.
    pub fn drop_before(&mut self, lane: usize, at: u64) -> Option<u64> {
        let lane = self.lanes.get_mut(lane)?;
        let mut first = None;
        while let Some(head) = lane.head().filter(|head| head.at < at) {
            first = Some(first.map_or(head.at, |first: u64| first.min(head.at)));
            lane.advance_to(at);
        }
        first
    }

    fn heads(&self) -> impl Iterator<Item = (usize, Sample)> {
        self.lanes.iter().enumerate().filter_map(|(i, lane)| Some((i, lane.head()?)))
    }
}
