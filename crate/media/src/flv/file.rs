//! An FLV recording, read at any place: by the keyframes that `onMetaData` lists, and where it lists none by a search.
//!
//! **Invariant:** after a seek the events begin at the last keyframe at or before the place, unless the file itself cannot be
//! read there. A search halves what is left by bytes and time and ends after [`MOST_PROBES`] looks. The length of a file that
//! does not tell it is the time of its last tag, for which the reader goes to the end once, when playback has begun.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    demux::{DemuxError, DemuxEvent, Demuxer, SkipReason},
    file::FileDemuxer,
    flv::{demux::FlvDemuxer, index::Index, tag::TagReader},
    metadata::{Message, Metadata, Value},
    packet::{MediaKind, Packet},
    time::{MediaTime, Micros},
};

/// So many packets go before the file's length is looked for: they are what the first picture needs.
const PACKETS_FIRST: u32 = 60;
/// The end that is read for the last tag: more than any tag but a keyframe, and often one.
const TAIL: u64 = 256 << 10;
/// Without a list of keyframes in the metadata, sound without pictures can be begun at so often.
const SOUND_EVERY: Micros = Micros::from_secs(1);
/// Looks of one search.
const MOST_PROBES: u32 = 10;
/// Each look that was too far makes the next guess shorter by this.
const SHORT_OF: f64 = 0.7;
/// What was not looked at between two keyframes, when it is no more, need not be.
const NEAR: Micros = Micros::from_secs(12);
/// Nearer than this it is read on to the place, in place of another look.
const NEAR_BYTES: u64 = 1 << 20;
/// What a search holds back until it knows that it is the last GOP before the place.
const MAX_HELD: usize = 8 << 20;
/// A keyframe so far from where the metadata has it: the list is of another file.
const LISTED_WITHIN: Micros = Micros::from_secs(2);

/// A recording in FLV.
#[derive(Debug, Default)]
pub struct FlvFile {
    demuxer: FlvDemuxer,
    len: Option<u64>,
    index: Index,
    /// The time of the first tag: the recording's own 0.
    base: Option<MediaTime>,
    duration: Option<Micros>,
    has_video: bool,
    packets: u32,
    looked_for_end: bool,
    task: Task,
    /// The list has a keyframe of this time here.
    listed: Option<MediaTime>,
    /// The place that was last gone to; from the end it is searched for.
    sought: MediaTime,
    then_search: bool,
    /// Reading began anew: what lies before the first tag is nothing that was lost.
    moved: bool,
    ready: VecDeque<DemuxEvent>,
}

#[derive(Debug, Default)]
enum Task {
    #[default]
    Read,
    /// At the end, for the last tag's time. What was being read goes on afterwards.
    Tail {
        resume: Box<TagReader>,
        last: Option<MediaTime>,
    },
    Search(Box<Search>),
}

/// On the way to a place, between two spots of the file.
#[derive(Debug)]
struct Search {
    to: MediaTime,
    low: (MediaTime, u64),
    high: (MediaTime, u64),
    probes: u32,
    /// Looks in a row that found nothing before the place.
    overshoots: i32,
    /// Of the last look, and the first time that was seen there.
    at: u64,
    seen: Option<MediaTime>,
    /// It reads on from a keyframe before the place.
    found: bool,
    /// From the last keyframe before the place on.
    held: VecDeque<DemuxEvent>,
    bytes: usize,
}

impl FileDemuxer for FlvFile {
    fn wants(&self) -> Option<u64> {
        let at = self.demuxer.end();
        self.len.is_none_or(|len| at < len).then_some(at)
    }

    fn push(&mut self, at: u64, data: Bytes) {
        let passed = self.demuxer.end().checked_sub(at).and_then(|passed| usize::try_from(passed).ok());
        if let Some(passed) = passed.filter(|passed| *passed < data.len()) {
            self.demuxer.push(data.slice(passed..));
        }
    }

    fn set_len(&mut self, len: u64) {
        self.len = Some(len);
    }

    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError> {
        // Each turn takes an event, consumes a tag, or moves on in a search that ends.
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.wants().is_none() {
                self.demuxer.finish();
            }
            match self.demuxer.poll() {
                Ok(Some(event)) => self.take(event),
                Ok(None) if self.wants().is_none() && self.leave_end() => {}
                Ok(None) => return Ok(None),
                Err(_) if self.listed.take().is_some() => self.relist(),
                // A place where nothing is found does not make it another format.
                Err(_) if !matches!(self.task, Task::Read) && self.leave_end() => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn seek(&mut self, to: MediaTime) -> Option<MediaTime> {
        let base = self.base?;
        let to = base + (to - MediaTime(0)).max(Micros::ZERO);
        let low = self.index.before(to)?;
        self.sought = to;
        if self.index.knows(to) {
            self.give_up_end();
            self.listed = self.index.is_told().then_some(low.0);
            self.go_to(low.1);
            self.task = Task::Read;
            return Some(MediaTime(0) + (low.0 - base));
        }
        self.ready.retain(is_track);
        match self.task {
            Task::Tail { .. } => self.then_search = true,
            _ if self.lacks_end() => {
                self.then_search = true;
                self.look_for_end();
            }
            _ => self.search(),
        }
        Some(MediaTime(0) + (to - base))
    }

    fn duration(&self) -> Option<Micros> {
        self.duration
    }

    fn keyframes_around(&self, at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>) {
        let Some(base) = self.base else { return (None, None) };
        let at = at + (base - MediaTime(0));
        let own = |(time, _): (MediaTime, u64)| MediaTime(0) + (time - base);
        let before = self.index.before(at).filter(|(time, _)| *time <= at && self.index.knows(at));
        (before.map(own), self.index.behind(at).filter(|_| self.index.knows(at)).map(own))
    }
}

impl FlvFile {
    pub fn new() -> Self {
        Self::default()
    }

    fn go_to(&mut self, at: u64) {
        self.demuxer.move_to(at);
        self.ready.retain(is_track);
        self.moved = true;
    }

    fn take(&mut self, event: DemuxEvent) {
        if let DemuxEvent::Skipped { why: SkipReason::LostSync, .. } = event
            && std::mem::take(&mut self.moved)
        {
            return;
        }
        let event = match event {
            DemuxEvent::Packet(packet) => return self.packet(packet),
            event => event,
        };
        match &event {
            DemuxEvent::Track(track) => {
                self.has_video |= track.kind() == MediaKind::Video;
                if self.base.is_none() {
                    self.index.begin(self.demuxer.last_tag().1);
                }
            }
            DemuxEvent::Metadata(Metadata { message: Message::Script { name, values }, .. })
                if self.base.is_none() =>
            {
                self.index.begin(self.demuxer.last_tag().1);
                if name == "onMetaData" {
                    self.described(values);
                }
            }
            _ => {}
        }
        let event = self.placed(event);
        match &mut self.task {
            Task::Read => self.ready.push_back(event),
            // Configurations hold whatever the place is.
            _ if is_track(&event) => self.ready.push_back(event),
            Task::Search(search) if search.found && !is_script(&event) => {
                search.hold(event);
                self.end_search_if_full();
            }
            Task::Search(_) | Task::Tail { .. } => {}
        }
    }

    fn packet(&mut self, packet: Packet) {
        self.moved = false;
        let time = packet.dts;
        self.base.get_or_insert(time);
        let keyframe = match packet.track.kind {
            MediaKind::Video => packet.keyframe,
            MediaKind::Audio => !self.has_video && self.is_far_from_last(time),
        };
        let end = packet.pts + packet.duration.unwrap_or_default();
        if let Task::Tail { last, .. } = &mut self.task {
            *last = (*last).max(Some(end));
            return;
        }
        self.index.note(self.demuxer.last_tag(), time, end);
        if keyframe {
            self.index.keyframe(self.demuxer.last_tag().0, time);
        }
        if let Some(listed) = self.listed {
            let is_picture = packet.track.kind == MediaKind::Video;
            if (time - listed).abs() > LISTED_WITHIN || is_picture && !keyframe {
                self.listed = None;
                return self.relist();
            }
            if keyframe {
                self.listed = None;
                self.index.correct(listed, time);
                // It was listed too early: what is sought lies before it.
                if listed <= self.sought
                    && time > self.sought
                    && let Some((before, at)) = self.index.before(self.sought).filter(|low| low.0 < listed)
                {
                    self.listed = Some(before);
                    return self.go_to(at);
                }
            }
        }
        match &self.task {
            Task::Search(_) => self.search_packet(packet, keyframe),
            _ => {
                self.packets = self.packets.saturating_add(1);
                let event = self.placed(DemuxEvent::Packet(packet));
                self.ready.push_back(event);
                if self.packets >= PACKETS_FIRST && self.lacks_end() {
                    self.look_for_end();
                }
            }
        }
    }

    /// What the metadata lists is not here.
    fn relist(&mut self) {
        self.index.distrust();
        self.search();
    }

    fn is_far_from_last(&self, time: MediaTime) -> bool {
        self.index.before(time).is_none_or(|(last, _)| time - last >= SOUND_EVERY || time < last)
    }

    /// With the recording's own times.
    fn placed(&self, event: DemuxEvent) -> DemuxEvent {
        let base = self.base.unwrap_or_default() - MediaTime(0);
        match event {
            DemuxEvent::Packet(packet) => {
                DemuxEvent::Packet(Packet { dts: packet.dts - base, pts: packet.pts - base, ..packet })
            }
            DemuxEvent::Metadata(message) => {
                DemuxEvent::Metadata(Metadata { time: (message.time - base).max(MediaTime(0)), ..message })
            }
            event => event,
        }
    }

    fn described(&mut self, values: &[Value]) {
        let Some(Value::Object(fields)) = values.first() else { return };
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("duration", Value::Number(seconds)) if seconds.is_finite() && *seconds > 0.0 => {
                    self.duration = Some(Micros((seconds * 1e6) as i64));
                }
                ("keyframes", keyframes) => self.index.tell(keyframes),
                _ => {}
            }
        }
    }

    /// Nothing has told how long it is, and the end can tell.
    fn lacks_end(&self) -> bool {
        self.duration.is_none() && !self.looked_for_end && self.len.is_some() && self.wants().is_some()
    }

    fn look_for_end(&mut self) {
        let Some(len) = self.len else { return };
        self.looked_for_end = true;
        let resume = self.demuxer.move_to(len.saturating_sub(TAIL).max(self.demuxer.end()));
        self.moved = true;
        self.task = Task::Tail { resume: Box::new(resume), last: None };
    }

    /// Goes back from the end to where reading was, or on to what is searched for.
    fn end_tail(&mut self) {
        if let Task::Tail { resume, last } = std::mem::take(&mut self.task) {
            self.ends_at(last);
            self.demuxer.move_back(*resume);
            self.moved = false;
            if std::mem::take(&mut self.then_search) {
                self.search();
            }
        }
    }

    /// There is another place to go to first.
    fn give_up_end(&mut self) {
        self.looked_for_end &= !matches!(self.task, Task::Tail { .. });
        self.then_search = false;
    }

    fn ends_at(&mut self, last: Option<MediaTime>) {
        if let (None, Some(base), Some(last)) = (self.duration, self.base, last) {
            self.duration = Some((last - base).max(Micros::ZERO));
        }
    }

    /// All that is wanted here was read: whether there is something else to do.
    fn leave_end(&mut self) -> bool {
        match &mut self.task {
            Task::Read if self.listed.take().is_some() => {
                self.relist();
                true
            }
            Task::Read => {
                self.ends_at(Some(self.index.latest()));
                false
            }
            Task::Tail { .. } => {
                self.end_tail();
                true
            }
            Task::Search(search) if search.found => {
                self.end_search();
                true
            }
            Task::Search(_) => {
                self.overshot();
                true
            }
        }
    }

    fn search(&mut self) {
        let to = self.sought;
        let (Some(low), Some(base)) = (self.index.before(to), self.base) else { return };
        let end = self.duration.map_or(MediaTime(i64::MAX), |duration| base + duration);
        let high = self.index.behind(to).or_else(|| self.len.map(|len| (end, len)));
        let high = high.unwrap_or((end, u64::MAX));
        let (held, bytes) = (VecDeque::new(), 0);
        let search = Search {
            to,
            low,
            high,
            probes: 0,
            overshoots: 0,
            at: low.1,
            seen: None,
            found: false,
            held,
            bytes,
        };
        self.task = Task::Search(Box::new(search));
        self.probe();
    }

    fn probe(&mut self) {
        let Task::Search(search) = &mut self.task else { return };
        let at = search.next();
        self.go_to(at);
    }

    /// No keyframe before the place was found from the last look on.
    fn overshot(&mut self) {
        if let Task::Search(search) = &mut self.task {
            search.high = (search.seen.unwrap_or(search.high.0), search.at);
            search.overshoots = search.overshoots.saturating_add(1);
        }
        self.probe();
    }

    fn search_packet(&mut self, packet: Packet, keyframe: bool) {
        let (time, spot) = (packet.dts, (packet.dts, self.demuxer.last_tag().0));
        let event = self.placed(DemuxEvent::Packet(packet));
        let Task::Search(search) = &mut self.task else { return };
        search.seen.get_or_insert(time);
        if keyframe && time <= search.to {
            (search.low, search.overshoots) = (spot, 0);
            if !search.found && !search.is_near() {
                return self.probe();
            }
            search.begin();
        } else if !search.found && time > search.to {
            return self.overshot();
        }
        if !search.found {
            return;
        }
        search.hold(event);
        match time >= search.to {
            true => self.end_search(),
            false => self.end_search_if_full(),
        }
    }

    /// What is held is where playback goes on.
    fn end_search(&mut self) {
        if let Task::Search(search) = std::mem::take(&mut self.task) {
            self.ready.extend(search.held);
        }
    }

    fn end_search_if_full(&mut self) {
        if matches!(&self.task, Task::Search(search) if search.bytes > MAX_HELD) {
            self.end_search();
        }
    }
}

/// Its size is not told by what is counted, and what it says of the time before the place is past.
fn is_script(event: &DemuxEvent) -> bool {
    matches!(event, DemuxEvent::Metadata(Metadata { message: Message::Script { .. }, .. }))
}

fn is_track(event: &DemuxEvent) -> bool {
    matches!(event, DemuxEvent::Track(_))
}

impl Search {
    /// Where to look next: where the place would be if time went evenly over the bytes, and a little before it; at the last keyframe
    /// that is known to be before it, where that is as good.
    fn next(&mut self) -> u64 {
        self.probes = self.probes.saturating_add(1);
        if self.probes > MOST_PROBES || self.is_near() {
            self.begin();
            return self.low.1;
        }
        let guess = self.ahead() * SHORT_OF.powi(self.overshoots);
        self.at = self.low.1.saturating_add((guess as u64).saturating_sub(NEAR_BYTES / 2));
        self.seen = None;
        self.at
    }

    /// How far the place is behind the lower end, were all bytes of the same time.
    fn ahead(&self) -> f64 {
        let time = (self.high.0 - self.low.0).as_secs_f64().max(1e-6);
        let share = ((self.to - self.low.0).as_secs_f64() / time).clamp(0.0, 1.0);
        self.high.1.saturating_sub(self.low.1) as f64 * share
    }

    /// It is as well to read on from the lower end: the place is near, or there is hardly room for a keyframe between.
    fn is_near(&self) -> bool {
        let is_narrow = self.high.0 <= self.to && self.high.0 - self.low.0 <= NEAR || self.overshoots > 3;
        self.high.1 == u64::MAX || self.ahead() <= NEAR_BYTES as f64 || is_narrow
    }

    /// Reads on from here.
    fn begin(&mut self) {
        self.found = true;
        self.held.clear();
        self.bytes = 0;
    }

    fn hold(&mut self, event: DemuxEvent) {
        let data = match &event {
            DemuxEvent::Packet(packet) => packet.data.len(),
            DemuxEvent::Metadata(Metadata { message: Message::Sei { payload, .. }, .. }) => payload.len(),
            _ => 0,
        };
        self.bytes = self.bytes.saturating_add(data.saturating_add(size_of::<DemuxEvent>()));
        self.held.push_back(event);
    }
}
