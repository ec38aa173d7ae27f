//! A file of MP4, read at any place: whole, or in fragments.
//!
//! **Invariant:** where it wants to read is a function of the file alone. Samples come in the order in which they lie in it, but for
//! tracks that lie apart: these are gone after by turns. Once begun it leaves that order only for the index at the end of a
//! fragmented file and, where nothing says how long that is, its last fragment: once, when the first one was read.

use bytes::Bytes;

use crate::{
    demux::{DemuxError, DemuxEvent},
    file::FileDemuxer,
    mp4::{
        boxes::{Boxes, Header, Inner, MAX_HEADER, MFRA, MOOF, SIDX},
        index::{Entry, Index},
        lanes::Lane,
        reader::{MAX_MOOF, Note, Reader},
    },
    packet::MediaKind,
    queue::ByteQueue,
    read::ByteReader,
    time::{MediaTime, Micros},
};

/// So much earlier a place is sought that is only estimated: to come to a later one would leave out what was asked for.
const EARLY: Micros = Micros::from_secs(5);
/// The end of a file that is read for its index; that of an hour is within it.
const TAIL: u64 = 64 << 10;
/// The largest index at the end that is read.
const MAX_MFRA: u64 = 2 << 20;
/// `mfro`, the last box inside `mfra`, and of the file.
const MFRO_LEN: usize = 16;

/// Reads a file.
#[derive(Debug)]
pub struct Mp4File {
    reader: Reader,
    len: Option<u64>,
    duration: Option<Micros>,
    /// Of a fragmented file.
    index: Index,
    has_tables: bool,
    is_fragmented: bool,
    /// Fragments were jumped over that no index tells of.
    has_estimated: bool,
    tail: Tail,
}

/// The index at the end.
#[derive(Debug, Default)]
enum Tail {
    #[default]
    Unread,
    /// The first fragment has begun: it is read first.
    Due,
    Reading(ByteQueue),
    /// The box of the last fragment, which tells when it ends.
    Last(ByteQueue),
    Read,
}

impl Default for Mp4File {
    fn default() -> Self {
        Self {
            reader: Reader::anywhere(),
            len: None,
            duration: None,
            index: Index::default(),
            has_tables: false,
            is_fragmented: false,
            has_estimated: false,
            tail: Tail::default(),
        }
    }
}

impl FileDemuxer for Mp4File {
    fn wants(&self) -> Option<u64> {
        match &self.tail {
            Tail::Reading(queue) | Tail::Last(queue) => Some(queue.end()),
            _ => self.reader.wants(),
        }
    }

    fn push(&mut self, at: u64, mut data: Bytes) {
        let Some(before) = self.wants().and_then(|wanted| wanted.checked_sub(at)) else { return };
        let Ok(before) = usize::try_from(before) else { return };
        if before >= data.len() {
            return;
        }
        let data = data.split_off(before);
        match &mut self.tail {
            Tail::Reading(queue) | Tail::Last(queue) => queue.push(data),
            _ => self.reader.push(data),
        }
    }

    fn set_len(&mut self, len: u64) {
        self.len = Some(len);
        self.reader.len = Some(len);
    }

    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError> {
        self.read_tail();
        self.read_last();
        let event = self.reader.poll()?;
        while let Some(note) = self.reader.notes.pop_front() {
            self.note(note);
        }
        if self.reader.is_done() {
            self.index.is_whole |= !self.has_estimated;
            self.duration = self.duration().or(self.read_to());
        }
        Ok(event)
    }

    fn seek(&mut self, to: MediaTime) -> Option<MediaTime> {
        if self.reader.has_failed() {
            return None;
        }
        let is_in_fragments = self.index.first().is_some_and(|first| first.time <= to);
        if self.has_tables && !is_in_fragments { self.seek_tables(to) } else { self.seek_fragments(to) }
    }

    fn duration(&self) -> Option<Micros> {
        self.duration.or_else(|| self.index.duration())
    }

    fn keyframes_around(&self, at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>) {
        let tabled = self.main().filter(|_| self.has_tables).map(|lane| {
            let around = lane.table.sync_around(lane.clock.ticks_at(at));
            around.map(|found| found.map(|sample| lane.clock.present(sample.time)))
        });
        let (before, behind) = self.index.around(at);
        let [tabled_before, tabled_behind] = tabled.unwrap_or_default();
        let time = |entry: Option<Entry>| entry.map(|entry| entry.time);
        (time(before).or(tabled_before), tabled_behind.or(time(behind)))
    }
}

impl Mp4File {
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes pushed and not yet turned into events or dropped.
    pub fn buffered_bytes(&self) -> usize {
        let tail = if let Tail::Reading(queue) | Tail::Last(queue) = &self.tail { queue.len() } else { 0 };
        self.reader.buffered_bytes().saturating_add(tail)
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Movie { duration, is_fragmented } => {
                let lanes = &self.reader.lanes.lanes;
                self.has_tables = lanes.iter().any(|lane| !lane.table.is_empty());
                self.is_fragmented = is_fragmented;
                let ends = lanes.iter().map(|lane| lane.clock.present(lane.table.duration()));
                let told = ends.max().filter(|_| self.has_tables && !is_fragmented);
                self.duration = duration.or(told.map(|end| end - MediaTime::default()));
            }
            Note::Index { body, end } => {
                let inner = Inner { kind: SIDX, body: &body, at: 0, len: body.len() };
                self.index.sidx(&inner, end, self.len);
            }
            Note::Fragment(entry) => {
                self.index.add(entry);
                self.go_to_tail();
            }
        }
    }

    /// How far what was read of fragments reaches.
    fn read_to(&self) -> Option<Micros> {
        let ends = self.reader.lanes.lanes.iter().map(|lane| lane.end() - MediaTime::default());
        ends.max().filter(|_| self.is_fragmented)
    }

    fn main(&self) -> Option<&Lane> {
        self.reader.main_lane().and_then(|lane| self.reader.lanes.get(lane))
    }

    fn seek_tables(&mut self, to: MediaTime) -> Option<MediaTime> {
        let main = self.reader.main_lane()?;
        let lane = self.reader.lanes.get(main)?;
        let [before, behind] = lane.table.sync_around(lane.clock.ticks_at(to));
        let keyframe = before.or(behind)?;
        let time = lane.clock.present(keyframe.time);
        for i in 0..self.reader.lanes.lanes.len() {
            let kind = self.reader.tracks.id(i).map(|id| id.kind);
            let Some(lane) = self.reader.lanes.lanes.get_mut(i) else { continue };
            let ticks = lane.clock.ticks_at(time);
            let index = match kind {
                _ if i == main => keyframe.index,
                Some(MediaKind::Video) => {
                    let [before, behind] = lane.table.sync_around(ticks);
                    before.or(behind).map_or(0, |sample| sample.index)
                }
                _ => lane.table.index_at(ticks),
            };
            if !lane.table.is_empty() {
                lane.seek(index);
            }
        }
        self.reader.read_tables();
        Some(time)
    }

    fn seek_fragments(&mut self, to: MediaTime) -> Option<MediaTime> {
        let first = self.index.first()?;
        let (before, behind) = self.index.around(to);
        let before = before.unwrap_or(first);
        let is_far = to - before.time > EARLY && !self.index.covers(to);
        let entry = if is_far { Some(self.estimate(to, before, behind)?) } else { None };
        self.has_estimated |= entry.is_some();
        let Entry { time, at } = entry.unwrap_or(before);
        for lane in &mut self.reader.lanes.lanes {
            lane.seek_fragments(time);
        }
        self.reader.read_fragments(at, entry.is_some());
        Some(time)
    }

    /// Where a time would be, and a little more, if the bytes were spread evenly between fragments that are known.
    fn estimate(&self, to: MediaTime, before: Entry, behind: Option<Entry>) -> Option<Entry> {
        let (end, end_at) = match behind {
            Some(behind) => (behind.time, behind.at),
            None => (MediaTime::default() + self.duration()?, self.len?),
        };
        let whole = u128::try_from((end - before.time).0).ok()?;
        let part = u128::try_from((to - EARLY - before.time).0.max(0)).ok()?.min(whole);
        let bytes = u128::from(end_at.checked_sub(before.at)?);
        let at =
            before.at.saturating_add(u64::try_from(bytes.saturating_mul(part).checked_div(whole)?).ok()?);
        Some(Entry { time: to, at })
    }

    fn go_to_tail(&mut self) {
        match (&self.tail, self.len, self.reader.wants()) {
            (Tail::Unread, ..) => self.tail = Tail::Due,
            (Tail::Due, Some(len), Some(at)) => {
                let tail = len.saturating_sub(TAIL);
                let is_needed = !self.index.is_whole && at < tail;
                self.tail = if is_needed { Tail::Reading(ByteQueue::starting_at(tail)) } else { Tail::Read };
            }
            _ => {}
        }
    }

    fn read_tail(&mut self) {
        let Tail::Reading(queue) = &mut self.tail else { return };
        let Some(len) = self.len.filter(|len| queue.end() >= *len) else { return };
        let (tail, bytes) = (queue.start(), queue.get(0, queue.len()).unwrap_or_default());
        self.tail = Tail::Read;
        let Some(size) = mfra_size(&bytes) else { return };
        let Some(start) = bytes.len().checked_sub(usize::try_from(size).unwrap_or(usize::MAX)) else {
            if size <= MAX_MFRA && size > TAIL {
                self.tail = Tail::Reading(ByteQueue::starting_at(len.saturating_sub(size)));
            }
            return;
        };
        let mfra = bytes.get(start..).and_then(|mfra| Boxes::new(mfra).find(MFRA));
        let main = self.main().map(|lane| (lane.number, lane.clock.timescale));
        if let (Some(mfra), Some((number, timescale))) = (mfra, main) {
            self.index.mfra(mfra.children(), number, timescale);
        }
        if let Some(last) = self.index.last().filter(|_| self.duration().is_none()) {
            let mut queue = ByteQueue::starting_at(last.at);
            let before = last.at.checked_sub(tail).and_then(|before| usize::try_from(before).ok());
            if let Some(before) = before.filter(|before| *before < bytes.len()) {
                queue.push(bytes.slice(before..));
            }
            self.tail = Tail::Last(queue);
        }
    }

    fn read_last(&mut self) {
        let Tail::Last(queue) = &self.tail else { return };
        let head = queue.get(0, queue.len().min(MAX_HEADER)).unwrap_or_default();
        let body = match Header::read(&head) {
            Ok(None) => None,
            Ok(Some(Header { kind: MOOF, len, size: Some(size) })) if size <= MAX_MOOF => {
                queue.get(len as usize, size.saturating_sub(len) as usize)
            }
            _ => Some(Bytes::new()),
        };
        let is_end = self.len.is_some_and(|len| queue.end() >= len);
        let Some(body) = body.or(is_end.then(Bytes::new)) else { return };
        if let Some(end) = self.reader.end_of(&body, queue.start()) {
            self.index.ends(end);
        }
        self.tail = Tail::Read;
    }
}

/// The size of the index by the last bytes of a file (8.8.11).
fn mfra_size(bytes: &[u8]) -> Option<u64> {
    let mut r = ByteReader::new(bytes.get(bytes.len().checked_sub(MFRO_LEN)?..)?);
    let (_, kind, _, size) = (r.u32()?, r.array::<4>()?, r.u32()?, r.u32()?);
    (kind == *b"mfro" && size as usize >= MFRO_LEN).then(|| size.into())
}
