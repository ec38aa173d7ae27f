//! One load of one HLS address (draft-pantos-hls-rfc8216bis), from its first playlist to its last segment.
//!
//! A paced source as [`crate::feed`] describes it. **Invariant:** everything that leaves is on one timeline, in order, and once; each
//! request that is opened ends or is cancelled. Nothing here decodes, and nothing knows what is shown: [`View`] tells.
//!
//! ```text
//! Entry (address, lines, retries) ─► Qualities ─► Lane (picture) ──► Follow (playlist) ─► segment::next ─► Body ─► Run (demuxer) ─► Delivery
//!                                              └► Lane (sound)                                                     Timeline ┘
//! ```

mod begin;
mod body;
mod date_ranges;
mod delivery;
mod edge;
mod entry;
mod fetch;
mod init;
mod keys;
mod lane;
mod low_latency;
mod multivariant;
mod place;
mod playlist;
mod position;
mod room;
mod segment;
mod settle;
mod shared;
mod sound;
mod sounds;
mod switch;
mod text;
mod timeline;
mod track;
mod versions;

use bytes::Bytes;
use sailcast_media::{MediaTime, TrackInfo};

use crate::{
    abr::{Abr, Level},
    definitions::Setting,
    error::SailcastError,
    feed::{CutReason, Extent, FeedEvent, Going, Paced, View},
    io::{Instant, IoEvent, Load, Output, RequestId, SourceKind},
    outbox::Outbox,
    source::Other,
};
use date_ranges::DateRanges;
use entry::Entry;
use lane::Lane;
use multivariant::Qualities;
pub use multivariant::{Decodable, decodable};
use shared::Shared;
use sound::Voice;
use switch::Change;
use track::Gate;

pub struct Hls {
    decodable: Decodable,
    entry: Entry,
    /// Of a multivariant playlist.
    qualities: Option<Qualities>,
    levels: Vec<Level>,
    /// Until when each of them is not chosen.
    excluded: Vec<Option<Instant>>,
    current: Option<usize>,
    /// What the page wants; `None`: the player chooses.
    wanted: Option<usize>,
    /// The picture, with its sound where that has no lane.
    main: Option<Lane>,
    sound: Option<Lane>,
    change: Option<Change>,
    /// Which sound, where there are several.
    voice: Voice,
    shared: Shared,
    abr: Abr,
    /// Before there is a view.
    viewport: Option<(u32, u32)>,
    date_ranges: DateRanges,
    /// Where the page wants to begin.
    asked: Option<MediaTime>,
    /// Where the load or the last seek began.
    begin: Option<MediaTime>,
    view: Option<View>,
    /// When the playhead will have made room for another piece, or a slow one is looked at again.
    room_at: Option<Instant>,
    /// Since when the stream has come without a break.
    fruitful_since: Option<Instant>,
    bytes_before: u64,
    suspended: bool,
    /// Over, and why, unless in good order.
    end: Option<Option<SailcastError>>,
}

impl Hls {
    /// The load's lines have been checked to be addresses of HTTP.
    pub fn new(load: Load, decodable: Decodable, seed: u64) -> Self {
        Self {
            decodable,
            entry: Entry::new(load.lines, load.resolve, seed),
            qualities: None,
            levels: Vec::new(),
            excluded: Vec::new(),
            current: None,
            wanted: load.rendition.and_then(|id| usize::try_from(id).ok()),
            main: None,
            sound: None,
            change: None,
            voice: Voice::new(load.sound),
            shared: Shared::new(seed),
            abr: Abr::new(None),
            viewport: None,
            date_ranges: DateRanges::default(),
            asked: load.start,
            begin: None,
            view: None,
            room_at: None,
            fruitful_since: None,
            bytes_before: 0,
            suspended: false,
            end: None,
        }
    }

    /// What was seen before of the network, and of the picture's box.
    pub(crate) fn knowing(self, setting: &Setting) -> Self {
        Self { abr: Abr::new(setting.link), viewport: setting.viewport, ..self }
    }
}

impl Paced for Hls {
    fn kind(&self) -> SourceKind {
        SourceKind::Hls
    }

    fn open(&mut self, now: Instant, out: &mut Outbox) {
        self.entry.open(now, out);
        self.turn(now, out);
    }

    /// A playlist is short: it is asked for anew.
    fn adopt(&mut self, other: Other, now: Instant, out: &mut Outbox) {
        out.push(Output::Cancel(other.id));
        self.open(now, out);
    }

    fn owns(&self, id: RequestId) -> bool {
        self.entry.owns(id) || self.shared.keys.owns(id) || self.lanes().any(|lane| lane.owns(id))
    }

    fn on_io(&mut self, id: RequestId, event: IoEvent, now: Instant, out: &mut Outbox) {
        if self.entry.owns(id) {
            let answer = self.entry.on_io(event, now, out);
            self.on_answer(answer, now, out);
        } else if self.shared.keys.owns(id) {
            self.shared.keys.on_io(event, now, out);
        } else {
            let is_aside = self.voice.owns(id);
            self.step_aside(is_aside);
            if let Some((lane, shared)) = self.lane_of(id) {
                lane.on_io(id, event, shared, now, out);
            }
            self.step_aside(is_aside);
        }
        self.settle(now, out);
        self.turn(now, out);
    }

    fn on_resolved(&mut self, id: RequestId, url: Result<String, String>, now: Instant, out: &mut Outbox) {
        if self.entry.owns(id) {
            let answer = self.entry.on_resolved(url, now);
            self.on_answer(answer, now, out);
            self.turn(now, out);
        }
    }

    fn on_decrypted(&mut self, id: RequestId, clear: Result<Bytes, String>, now: Instant, out: &mut Outbox) {
        let is_aside = self.voice.owns(id);
        self.step_aside(is_aside);
        if let Some((lane, shared)) = self.lane_of(id) {
            lane.on_decrypted(id, clear, shared, now, out);
        }
        self.step_aside(is_aside);
        self.settle(now, out);
        self.turn(now, out);
    }

    fn poll(&mut self, _now: Instant, _out: &mut Outbox) -> Option<FeedEvent> {
        self.shared.delivery.poll()
    }

    fn advance(&mut self, view: &View, now: Instant, out: &mut Outbox) {
        self.view = Some(*view);
        self.turn(now, out);
    }

    fn deadline(&self, _now: Instant) -> Option<Instant> {
        if self.suspended || self.end.is_some() {
            return None;
        }
        let shared = &self.shared;
        let online = shared.online;
        let lanes = self.lanes().filter_map(|lane| lane.deadline(shared));
        let keys = shared.keys.deadline().filter(|_| online);
        lanes.chain(keys).chain(self.entry.deadline(online)).chain(self.room_at).min()
    }

    fn seek(&mut self, to: MediaTime, exact: bool, now: Instant, out: &mut Outbox) -> Going {
        self.go(to, exact, now, out);
        match self.extent(now).seekable {
            _ if self.error().is_some() => Going::Nowhere,
            Some(_) => Going::There,
            None => Going::Begins,
        }
    }

    fn select(&mut self, rendition: Option<u32>, now: Instant, out: &mut Outbox) {
        self.wanted = rendition.and_then(|id| usize::try_from(id).ok());
        self.turn(now, out);
    }

    fn leave(&mut self, pictures: &TrackInfo, now: Instant, out: &mut Outbox) -> bool {
        self.leave_pictures(pictures, now, out)
    }

    fn select_sound(&mut self, number: u8, now: Instant, out: &mut Outbox) {
        self.pick_sound(number, now, out);
    }

    fn refuse_sound(&mut self, number: u8, now: Instant, out: &mut Outbox) -> bool {
        let leaves = self.voice.playing == Some(number) && self.leave_sound(None);
        self.turn(now, out);
        leaves
    }

    fn suspend(&mut self, out: &mut Outbox) {
        if self.end.is_none() && !std::mem::replace(&mut self.suspended, true) {
            self.let_go(out);
        }
    }

    fn is_suspended(&self) -> bool {
        self.suspended
    }

    fn wake(&mut self, now: Instant, out: &mut Outbox) {
        if std::mem::take(&mut self.suspended) {
            self.entry.wake(now);
            self.turn(now, out);
        }
    }

    fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        if std::mem::replace(&mut self.shared.online, online) || !online {
            return;
        }
        self.entry.hurry(now);
        self.shared.keys.hurry(now);
        self.turn(now, out);
    }

    fn suspect(&mut self, now: Instant) {
        self.entry.suspect(now);
        self.shared.keys.suspect(now);
        for lane in self.lanes_mut() {
            lane.suspect(now);
        }
    }

    fn close(&mut self, out: &mut Outbox) {
        self.let_go(out);
        self.end.get_or_insert(None);
    }

    fn is_over(&self) -> bool {
        let has_all = self.main.as_ref().is_some_and(Lane::is_over);
        self.end.is_some() || has_all && self.sound.as_ref().is_none_or(Lane::is_over)
    }

    fn error(&self) -> Option<&SailcastError> {
        self.end.as_ref()?.as_ref()
    }

    fn bytes(&self) -> u64 {
        self.lanes().fold(self.bytes_before, |sum, lane| sum.saturating_add(lane.bytes))
    }

    fn reconnects(&self) -> u64 {
        self.entry.reconnects
    }

    fn extent(&self, now: Instant) -> Extent {
        let rendition = self.current.and_then(|at| u32::try_from(at).ok());
        let extent = Extent { rendition, estimate: self.abr.estimate(), ..Extent::default() };
        let Some(follow) = self.main.as_ref().map(|main| &main.follow) else { return extent };
        if follow.list.is_none() {
            return extent;
        }
        let (begins, end) = (follow.place.begins(), follow.place.end());
        let live = follow.is_live();
        Extent {
            live,
            seekable: Some((begins, end)),
            whole: self.whole(),
            duration: (!live).then_some(end - begins),
            live_edge: follow.edge.at(now).filter(|_| live),
            hold_back: follow.hold_back(&self.shared),
            start: self.begin,
            wall_clock: follow.wall_clock(),
            ..extent
        }
    }
}

impl Hls {
    /// Goes on at `to`: there, or at the beginning of the segment that has it.
    fn go(&mut self, to: MediaTime, exact: bool, now: Instant, out: &mut Outbox) {
        self.asked = Some(to);
        let Some(main) = self.main.as_mut().filter(|main| main.cursor.is_some()) else { return };
        if self.end.is_some() {
            return;
        }
        let to = to.min(main.follow.place.end()).max(main.follow.place.begins());
        let at = main.follow.cursor_at(to, &self.shared);
        let begin = if exact { to } else { main.follow.time_of(at).unwrap_or(to) };
        self.begin = Some(begin);
        main.seek(at, begin, out);
        if let Some(sound) = &mut self.sound {
            let at = sound.follow.cursor_at(begin, &self.shared);
            sound.seek(at, begin, out);
        }
        if let Some(change) = &mut self.voice.change {
            change.restart(out);
        }
        self.shared.delivery.clear();
        self.shared.delivery.cut(begin, CutReason::Seek);
        self.turn(now, out);
    }

    fn turn(&mut self, now: Instant, out: &mut Outbox) {
        if self.suspended || self.end.is_some() {
            return;
        }
        let answer = self.entry.advance(self.shared.online, now, out);
        self.on_answer(answer, now, out);
        if self.shared.online {
            self.shared.keys.advance(now, out);
        }
        self.choose(now, out);
        self.choose_sound(now, out);
        self.switch(now, out);
        self.load(now, out);
        self.settle(now, out);
    }

    fn let_go(&mut self, out: &mut Outbox) {
        self.entry.cancel(out);
        self.shared.keys.cancel(out);
        self.let_changes_go(out);
        for lane in self.lanes_mut() {
            lane.close(out);
        }
    }

    /// What is not played yet is not wanted any more.
    fn let_changes_go(&mut self, out: &mut Outbox) {
        let change = self.change.take().map(|change| change.lane);
        let sound = self.voice.change.take().map(|change| change.lane);
        for lane in change.into_iter().chain(sound) {
            self.retire(lane, out);
        }
    }

    /// Takes leave of a lane.
    fn retire(&mut self, mut lane: Lane, out: &mut Outbox) {
        lane.close(out);
        self.bytes_before = self.bytes_before.saturating_add(lane.bytes);
    }

    fn fail(&mut self, error: Option<SailcastError>, out: &mut Outbox) {
        self.let_go(out);
        self.end = Some(error);
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        let change = self.change.as_ref().map(|change| &change.lane);
        let sound = self.voice.change.as_ref().map(|change| &change.lane);
        [self.main.as_ref(), self.sound.as_ref(), change, sound].into_iter().flatten()
    }

    fn lanes_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        let change = self.change.as_mut().map(|change| &mut change.lane);
        let sound = self.voice.change.as_mut().map(|change| &mut change.lane);
        [self.main.as_mut(), self.sound.as_mut(), change, sound].into_iter().flatten()
    }

    fn lane_of(&mut self, id: RequestId) -> Option<(&mut Lane, &mut Shared)> {
        let change = self.change.as_mut().map(|change| &mut change.lane);
        let sound = self.voice.change.as_mut().map(|change| &mut change.lane);
        let mut lanes = [self.main.as_mut(), self.sound.as_mut(), change, sound].into_iter().flatten();
        lanes.find(|lane| lane.owns(id)).map(|lane| (lane, &mut self.shared))
    }
}

/// The gate of a place with nothing before it.
fn fresh() -> Gate {
    Gate { keyframe: true, ..Gate::default() }
}
