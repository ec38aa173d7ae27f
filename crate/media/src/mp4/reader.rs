//! Boxes in the order of the file, and the samples that they tell of.
//!
//! **Invariant:** every step consumes bytes, goes on to another place, or waits. What is held is one box, or what lies between the
//! first byte that a sample still needs and the end of the next sample; both are capped. A sample is given out as soon as its own
//! bytes are here, wherever its box ends.
//!
//! Of a stream what lies behind is gone. A file is read anywhere: then samples of tables are read where they are, and what no
//! sample needs is jumped over.

mod whole;

use std::collections::VecDeque;

use bytes::Bytes;

pub use self::whole::MAX_MOOF;
use self::whole::{Whole, whole_box};
use crate::{
    demux::{DemuxError, DemuxEvent, SkipReason},
    mp4::{
        boxes::{self, Header, MAX_HEADER, MDAT, MOOV},
        index::Entry,
        lanes::Lanes,
        messages::EventMessage,
        movie::Defaults,
        sample::Sample,
        track::{Tracks, skip},
    },
    queue::ByteQueue,
    time::Micros,
};

/// The largest sample taken: a keyframe of 8K video at 200 Mbit/s is below this.
const MAX_SAMPLE: u32 = 16 << 20;
/// A gap of a file that is read and thrown away: a new request takes longer.
const READ_THROUGH: u64 = 256 << 10;

/// What is learnt of a file besides events.
#[derive(Debug)]
pub(super) enum Note {
    Movie {
        duration: Option<Micros>,
        is_fragmented: bool,
    },
    /// The contents of a `sidx` that ends at `end`.
    Index {
        body: Bytes,
        end: u64,
    },
    /// A fragment that begins with a keyframe.
    Fragment(Entry),
}

#[derive(Debug, Default)]
pub(super) struct Reader {
    queue: ByteQueue,
    state: State,
    pub events: VecDeque<DemuxEvent>,
    pub notes: VecDeque<Note>,
    pub tracks: Tracks,
    pub lanes: Lanes,
    defaults: Vec<Defaults>,
    /// Where the last movie box began.
    movie: Option<u64>,
    seen_box: bool,
    ended: bool,
    /// Where the segment began.
    segment: u64,
    waiting: Vec<EventMessage>,
    /// It is a file, which can be read anywhere.
    anywhere: bool,
    pub len: Option<u64>,
    /// Where the last sample that was read ended.
    read_to: u64,
    /// Where the fragments begin behind the samples of tables.
    after: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Where a box begins.
    #[default]
    Box,
    /// In a box that is stepped over.
    Skip {
        until: u64,
    },
    /// In a `mdat`.
    Media {
        at: u64,
        until: Option<u64>,
    },
    /// Behind the last sample of a `mdat`; its size may be wrong. Nothing is told of since `from`.
    Rest {
        from: u64,
        until: Option<u64>,
    },
    /// Searching since `at`.
    Lost {
        at: u64,
        /// For a place that was only estimated.
        is_quiet: bool,
    },
    /// Samples by the tables of a file.
    Table,
    Done,
    Failed(DemuxError),
}

enum Step {
    Again,
    Wait,
    Fail(DemuxError),
}

enum Search {
    Found,
    Reached,
    More,
}

impl Reader {
    pub fn anywhere() -> Self {
        Self { anywhere: true, ..Self::default() }
    }

    /// Takes the bytes behind those it has.
    pub fn push(&mut self, data: Bytes) {
        if !self.ended && !matches!(self.state, State::Done | State::Failed(_)) {
            self.queue.push(data);
        }
    }

    /// The place behind the bytes that it has; `None` where none follow.
    pub fn wants(&self) -> Option<u64> {
        let end = self.queue.end();
        let is_done = matches!(self.state, State::Done | State::Failed(_));
        (!is_done && self.len.is_none_or(|len| end < len)).then_some(end)
    }

    pub fn buffered_bytes(&self) -> usize {
        self.queue.len()
    }

    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The segment ends here.
    pub fn flush(&mut self) {
        let mut step = self.step();
        while let Step::Again = step {
            step = self.step();
        }
        if self.seen_box && matches!(step, Step::Wait) {
            step = self.close();
        }
        match (step, self.state) {
            (Step::Fail(error), _) => self.fail(error),
            (_, State::Done) => self.state = State::Box,
            _ => {}
        }
        self.segment = self.queue.end();
    }

    pub fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError> {
        // Each turn takes an event, or a step.
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let step = match self.step() {
                Step::Wait if self.is_over() => self.close(),
                step => step,
            };
            match step {
                Step::Again => {}
                Step::Wait => return Ok(None),
                Step::Fail(error) => {
                    self.fail(error);
                    return Err(error);
                }
            }
        }
    }

    fn fail(&mut self, error: DemuxError) {
        self.queue = ByteQueue::default();
        self.lanes = Lanes::default();
        self.state = State::Failed(error);
    }

    fn is_over(&self) -> bool {
        self.ended || self.len.is_some_and(|len| self.queue.end() >= len)
    }

    fn step(&mut self) -> Step {
        match self.state {
            State::Box => self.at_box(),
            State::Skip { until } => {
                self.go_to(until);
                if self.queue.start() < until {
                    return Step::Wait;
                }
                self.state = State::Box;
                Step::Again
            }
            State::Media { at, until } => self.media(at, until),
            State::Rest { from, until } => self.rest(from, until),
            State::Lost { at, is_quiet } => self.lost(at, is_quiet),
            State::Table => self.table(),
            State::Done => Step::Wait,
            State::Failed(error) => Step::Fail(error),
        }
    }

    /// What is left is no whole unit, and nothing follows.
    fn close(&mut self) -> Step {
        let (start, end) = (self.queue.start(), self.queue.end());
        let left = end.saturating_sub(start);
        let is_file_without_movie = self.anywhere && self.movie.is_none();
        let (at, why) = match self.state {
            State::Done => return Step::Wait,
            State::Failed(error) => return Step::Fail(error),
            _ if !self.seen_box => return Step::Fail(DemuxError::NotMp4 { at: start }),
            _ if is_file_without_movie => return Step::Fail(DemuxError::BadBox { at: end, name: MOOV }),
            State::Box | State::Media { .. } => (start, SkipReason::Truncated),
            State::Lost { at, is_quiet: false } => (at, SkipReason::LostSync),
            State::Rest { from, .. } if self.movie.is_none() => (from, SkipReason::NoConfig),
            State::Rest { .. } | State::Lost { .. } | State::Skip { .. } | State::Table => {
                (end, SkipReason::Truncated)
            }
        };
        self.skipped(at, end.saturating_sub(at), why);
        self.queue.skip(usize::try_from(left).unwrap_or(usize::MAX));
        for lane in 0..self.lanes.lanes.len() {
            let Some(found) = self.lanes.lanes.get_mut(lane) else { continue };
            let missing = found.head().filter(|sample| sample.end() > end);
            found.drop_runs();
            // Cut between two samples, nothing else tells of it.
            if let Some(sample) = missing.filter(|_| at == end) {
                self.lost_sample(lane, sample.at, sample.size.into(), SkipReason::Truncated);
            }
        }
        self.tell_waiting();
        self.state = State::Done;
        Step::Again
    }

    fn at_box(&mut self) -> Step {
        let at = self.queue.start();
        let header = match self.queue.peek::<MAX_HEADER>(0) {
            Some(bytes) => Header::read(&bytes),
            None => self.queue.peek::<8>(0).map_or(Ok(None), |bytes| Header::read(&bytes)),
        };
        match header {
            Ok(None) => Step::Wait,
            Ok(Some(header)) if self.seen_box || header.may_begin_a_file() => self.enter(at, header),
            _ if !self.seen_box => Step::Fail(DemuxError::NotMp4 { at }),
            _ => {
                self.state = State::Lost { at, is_quiet: false };
                self.queue.skip(1);
                Step::Again
            }
        }
    }

    fn enter(&mut self, at: u64, header: Header) -> Step {
        self.seen_box = true;
        let until = header.size.map(|size| at.saturating_add(size));
        if header.kind == MDAT {
            self.queue.skip(usize::try_from(header.len).unwrap_or_default());
            self.read_to = self.queue.start();
            self.state = State::Media { at, until };
            return Step::Again;
        }
        let Some(until) = until else { return Step::Fail(DemuxError::NotMp4 { at }) };
        let size = until.saturating_sub(at);
        let Some(limit) = whole_box(header.kind) else {
            self.state = State::Skip { until };
            return Step::Again;
        };
        if size > limit {
            if header.kind == MOOV && self.movie.is_none() {
                return Step::Fail(DemuxError::BadBox { at, name: MOOV });
            }
            self.skipped(at, size, SkipReason::BadPacket);
            self.state = State::Skip { until };
            return Step::Again;
        }
        let Some(whole) = self.queue.take(usize::try_from(size).unwrap_or(usize::MAX)) else {
            return Step::Wait;
        };
        let header_len = usize::try_from(header.len).unwrap_or_default();
        let body = whole.get(header_len..).map(|body| whole.slice_ref(body)).unwrap_or_default();
        self.whole(Whole { kind: header.kind, at, until, body })
    }

    fn media(&mut self, at: u64, until: Option<u64>) -> Step {
        let next = self.lanes.first().filter(|(_, sample)| until.is_none_or(|until| sample.at < until));
        let Some((lane, sample)) = next else {
            let end = self.read_to.max(self.queue.start());
            self.go_to(end);
            let from = if self.movie.is_none() { at } else { end };
            self.state = State::Rest { from, until };
            return Step::Again;
        };
        let start = self.queue.start();
        if sample.at < start {
            let why = match self.movie.is_some_and(|movie| sample.at < movie) {
                true => SkipReason::NoConfig,
                false => SkipReason::BadPacket,
            };
            if let Some(first) = self.lanes.drop_before(lane, start) {
                self.lost_sample(lane, first, start.saturating_sub(first), why);
            }
            return Step::Again;
        }
        self.go_to(self.lanes.floor().unwrap_or(sample.at));
        // Nothing is said of a sample before its place has come, even if it is empty: what follows would depend on the split.
        if self.queue.end() < sample.at {
            return Step::Wait;
        }
        if sample.size > MAX_SAMPLE || until.is_some_and(|until| sample.end() > until) {
            self.too_large(lane, &sample);
            self.read_to = self.read_to.max(sample.at);
            return Step::Again;
        }
        let step = self.give(lane, &sample);
        if let Step::Again = step {
            self.read_to = self.read_to.max(sample.end());
        }
        step
    }

    /// Gives a sample out if it is here, and goes on to the next one.
    fn give(&mut self, lane: usize, sample: &Sample) -> Step {
        if sample.size > 0 {
            let before = sample.at.checked_sub(self.queue.start()).and_then(|n| usize::try_from(n).ok());
            let data = before.and_then(|before| self.queue.get(before, sample.size as usize));
            let Some(data) = data else { return Step::Wait };
            self.tracks.sample(lane, sample, data, &mut self.events);
        }
        self.lanes.advance(lane);
        Step::Again
    }

    fn rest(&mut self, from: u64, until: Option<u64>) -> Step {
        if self.anywhere {
            self.state = match until {
                Some(until) => State::Skip { until },
                None if self.movie.is_some() => State::Done,
                None => return Step::Fail(DemuxError::BadBox { at: from, name: MOOV }),
            };
            return Step::Again;
        }
        match self.search(until) {
            Search::More => return Step::Wait,
            Search::Found => {
                self.skipped(from, self.queue.start().saturating_sub(from), SkipReason::LostSync);
            }
            Search::Reached if self.movie.is_none() => {
                self.skipped(from, self.queue.start().saturating_sub(from), SkipReason::NoConfig);
            }
            Search::Reached => {}
        }
        self.state = State::Box;
        Step::Again
    }

    fn lost(&mut self, at: u64, is_quiet: bool) -> Step {
        if !matches!(self.search(None), Search::Found) {
            return Step::Wait;
        }
        if !is_quiet {
            self.skipped(at, self.queue.start().saturating_sub(at), SkipReason::LostSync);
        }
        self.state = State::Box;
        Step::Again
    }

    /// On to where reading can begin anew, or to `until`.
    fn search(&mut self, until: Option<u64>) -> Search {
        // The type stands behind four bytes of size.
        let mut from = 4usize;
        loop {
            let found = self.queue.position(from, |byte| matches!(byte, b'm' | b's' | b'f'));
            let before = found.unwrap_or(self.queue.len()).saturating_sub(4);
            let to_end = until.map(|until| until.saturating_sub(self.queue.start()));
            if let Some(to_end) = to_end.filter(|to_end| *to_end <= before as u64) {
                self.queue.skip(usize::try_from(to_end).unwrap_or(usize::MAX));
                return Search::Reached;
            }
            let sign = found.and_then(|_| self.queue.peek(before));
            match sign {
                Some(sign) if !boxes::begins_anew(sign) => from = before.saturating_add(5),
                _ => {
                    self.queue.skip(before);
                    return if sign.is_some() { Search::Found } else { Search::More };
                }
            }
        }
    }

    fn table(&mut self) -> Step {
        let Some((lane, sample)) = self.lanes.choose(self.read_to) else {
            self.state = self.after.map_or(State::Done, |until| State::Skip { until });
            return Step::Again;
        };
        if self.len.is_some_and(|len| sample.end() > len) {
            self.lost_sample(lane, sample.at, sample.size.into(), SkipReason::Truncated);
            if let Some(lane) = self.lanes.lanes.get_mut(lane) {
                lane.end_table();
            }
            return Step::Again;
        }
        if sample.size > MAX_SAMPLE {
            self.too_large(lane, &sample);
            return Step::Again;
        }
        self.go_to(sample.at);
        let step = self.give(lane, &sample);
        if let Step::Again = step {
            self.read_to = sample.end();
        }
        step
    }

    /// Samples of the tables come next: those that the lanes stand at.
    pub fn read_tables(&mut self) {
        self.break_off();
        self.state = State::Table;
        self.read_to = self.lanes.first().map_or(0, |(_, sample)| sample.at);
        self.go_to(self.read_to);
    }

    /// Fragments come next, from the box at `at` on, or from the first one behind it, where that is only estimated.
    pub fn read_fragments(&mut self, at: u64, is_estimate: bool) {
        self.break_off();
        if is_estimate {
            self.queue = ByteQueue::starting_at(at);
            self.state = State::Lost { at, is_quiet: true };
        } else {
            self.go_to(at);
            self.state = State::Skip { until: at };
        }
    }

    /// What comes next does not go on where the last samples ended; what was told of tracks holds.
    fn break_off(&mut self) {
        self.events.retain(|event| matches!(event, DemuxEvent::Track(_)));
        self.waiting.clear();
        self.tracks.restart();
    }

    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    pub fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// Drops the bytes before `at`, or reads elsewhere, where that can be.
    fn go_to(&mut self, at: u64) {
        let (start, end) = (self.queue.start(), self.queue.end());
        if self.anywhere && (at < start || at > end.saturating_add(READ_THROUGH)) {
            self.queue = ByteQueue::starting_at(at);
        } else {
            self.queue.skip(usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX));
        }
    }

    fn too_large(&mut self, lane: usize, sample: &Sample) {
        self.lost_sample(lane, sample.at, sample.size.into(), SkipReason::BadPacket);
        if let Some(lane) = self.lanes.lanes.get_mut(lane) {
            lane.pass_too_large();
        }
    }

    fn lost_sample(&mut self, lane: usize, at: u64, len: u64, why: SkipReason) {
        if let Some(id) = self.tracks.id(lane) {
            skip(&mut self.events, id, (at, len), why);
        }
    }

    fn skipped(&mut self, at: u64, len: u64, why: SkipReason) {
        if len > 0 {
            self.events.push_back(DemuxEvent::Skipped { track: None, at, len, why });
        }
    }
}
