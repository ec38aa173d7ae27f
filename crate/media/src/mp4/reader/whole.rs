//! Boxes that are read as a whole: what they tell of tracks, fragments and times.
//!
//! **Invariant:** each has a cap of its own, and what a box says replaces what the last one of its kind said: fragments whose media
//! did not come do not pile up.

use bytes::Bytes;

use super::{Note, Reader, State, Step};
use crate::{
    demux::{DemuxError, DemuxEvent, SkipReason},
    metadata::{Message, Metadata},
    mp4::{
        boxes::{EMSG, FourCc, Inner, MOOF, MOOV, PRFT, SIDX},
        fragment::{Base, Fragment},
        index::Entry,
        messages::{self, EventMessage, When},
        movie::Movie,
        track::skip,
    },
    packet::MediaKind,
    time::{MediaTime, Micros},
};

/// The tables of a film of twelve hours.
const MAX_MOOV: u64 = 48 << 20;
/// A quarter of a million samples.
pub const MAX_MOOF: u64 = 4 << 20;
/// As many references as a segment index can have.
const MAX_SIDX: u64 = 1 << 20;
const MAX_EMSG: u64 = 256 << 10;
const MAX_PRFT: u64 = 256;
/// Event messages that wait for their segment.
const MAX_WAITING: usize = 64;

/// A box that is read as a whole.
pub(super) struct Whole {
    pub kind: FourCc,
    pub at: u64,
    pub until: u64,
    pub body: Bytes,
}

/// How large a box may be that is read as a whole; `None` for the others.
pub(super) fn whole_box(kind: FourCc) -> Option<u64> {
    match kind {
        MOOV => Some(MAX_MOOV),
        MOOF => Some(MAX_MOOF),
        SIDX => Some(MAX_SIDX),
        EMSG => Some(MAX_EMSG),
        PRFT => Some(MAX_PRFT),
        _ => None,
    }
}

impl Reader {
    pub(super) fn whole(&mut self, whole: Whole) -> Step {
        let Whole { kind, at, until, ref body } = whole;
        let inner = Inner { kind, body, at: 0, len: body.len() };
        match kind {
            MOOV => return self.moov(&whole),
            MOOF => self.moof(&whole),
            SIDX if self.anywhere => {
                self.notes.push_back(Note::Index { body: body.clone(), end: until });
            }
            EMSG => match messages::emsg(&inner) {
                Some(message) => self.emsg(message),
                None => self.skipped(at, until.saturating_sub(at), SkipReason::BadPacket),
            },
            PRFT => self.prft(&inner),
            _ => {}
        }
        Step::Again
    }

    fn moov(&mut self, whole: &Whole) -> Step {
        let Whole { at, until, body, .. } = whole;
        let Some(mut movie) = Movie::read(body) else {
            if self.movie.is_none() {
                return Step::Fail(DemuxError::BadBox { at: *at, name: MOOV });
            }
            self.skipped(*at, until.saturating_sub(*at), SkipReason::BadConfig);
            return Step::Again;
        };
        self.movie = Some(*at);
        let body_at = until.saturating_sub(body.len() as u64);
        self.lanes = self.tracks.install(&mut movie, body_at, &mut self.events);
        self.defaults = movie.defaults;
        if self.anywhere {
            let Movie { duration, is_fragmented, .. } = movie;
            self.notes.push_back(Note::Movie { duration, is_fragmented });
            self.after = is_fragmented.then_some(*until);
            self.read_to = 0;
            self.state = State::Table;
        }
        Step::Again
    }

    /// When the media of a fragment ends, of whose box this is the content.
    pub fn end_of(&self, moof: &Bytes, at: u64) -> Option<MediaTime> {
        let base = Base { moof: at, segment: at, is_file: true };
        let tracks = Fragment::read(moof, base, &self.defaults).tracks;
        let ends = tracks.into_iter().filter_map(|track| {
            let lane = self.lanes.lanes.iter().find(|lane| lane.number == track.number)?;
            Some(lane.clock.present(track.decode_time?.saturating_add(track.duration)))
        });
        ends.max()
    }

    fn moof(&mut self, whole: &Whole) {
        let Whole { at, until, ref body, .. } = *whole;
        if self.movie.is_none() {
            return self.skipped(at, until.saturating_sub(at), SkipReason::NoConfig);
        }
        self.drop_runs();
        let base = Base { moof: at, segment: self.segment, is_file: self.anywhere };
        let fragment = Fragment::read(body, base, &self.defaults);
        if fragment.is_cut {
            self.skipped(at, until.saturating_sub(at), SkipReason::BadPacket);
        }
        let main = self.main_lane();
        let mut begins = None;
        for track in fragment.tracks {
            let Some(lane) = self.lanes.lanes.iter().position(|lane| lane.number == track.number) else {
                continue;
            };
            let is_keyframe = track.runs.first().is_some_and(|run| run.starts_at_sync);
            let Some(found) = self.lanes.lanes.get_mut(lane) else { continue };
            found.fragment(track.decode_time, track.runs, track.duration);
            let time = found.head().map(|head| found.clock.present(head.presented()));
            begins = begins.or(time.filter(|_| is_keyframe && Some(lane) == main));
        }
        for (lane, found) in self.lanes.lanes.iter_mut().enumerate() {
            if let Some(lost) = found.order()
                && let Some(id) = self.tracks.id(lane)
            {
                skip(&mut self.events, id, lost, SkipReason::BadPacket);
            }
        }
        if let Some(time) = begins.filter(|_| self.anywhere) {
            self.notes.push_back(Note::Fragment(Entry { time, at }));
        }
        self.tell_waiting();
    }

    /// The lane whose keyframes count: that of the first picture, or sound without any.
    pub fn main_lane(&self) -> Option<usize> {
        let is_video = |lane: &usize| self.tracks.id(*lane).is_some_and(|id| id.kind == MediaKind::Video);
        let mut lanes = 0..self.lanes.lanes.len();
        lanes.clone().find(is_video).or(lanes.next())
    }

    fn emsg(&mut self, message: EventMessage) {
        match message.when {
            When::At(time) => self.message(time, None, message.message),
            When::After(_) if self.waiting.len() < MAX_WAITING => self.waiting.push(message),
            When::After(_) => {}
        }
    }

    /// The messages that count from the segment's earliest presentation.
    pub(super) fn tell_waiting(&mut self) {
        let earliest = self.lanes.lanes.iter().filter_map(|lane| {
            let head = lane.head()?;
            Some(lane.clock.present(head.presented()))
        });
        let earliest = earliest.min().or_else(|| self.lanes.lanes.first().map(|lane| lane.end()));
        for EventMessage { when, message } in std::mem::take(&mut self.waiting) {
            let delta = if let When::After(delta) = when { delta } else { Micros::ZERO };
            self.message(earliest.unwrap_or_default() + delta, None, message);
        }
    }

    fn prft(&mut self, inner: &Inner<'_>) {
        let Some(told) = messages::prft(inner) else { return };
        let Some(lane) = self.lanes.lanes.iter().position(|lane| lane.number == told.number) else { return };
        let Some(clock) = self.lanes.get(lane).map(|lane| lane.clock) else { return };
        let message = Message::ProducerTime { unix: told.unix };
        self.message(clock.present(told.ticks), Some(lane), message);
    }

    fn message(&mut self, time: MediaTime, lane: Option<usize>, message: Message) {
        let track = lane.and_then(|lane| self.tracks.id(lane));
        self.events.push_back(DemuxEvent::Metadata(Metadata { time, track, message }));
    }

    /// What is left of the last fragment will not come.
    fn drop_runs(&mut self) {
        for lane in 0..self.lanes.lanes.len() {
            let dropped = self.lanes.lanes.get_mut(lane).and_then(|lane| lane.drop_runs());
            if let Some(sample) = dropped {
                self.lost_sample(lane, sample.at, sample.size.into(), SkipReason::BadPacket);
            }
        }
    }
}
