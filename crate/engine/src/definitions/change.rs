//! A change under way: the other definition's stream is received beside the present one until it can take its place.
//!
//! It *cuts in* at a keyframe that the playhead has not reached and the present stream has come to, so that nothing is missing, shown
//! twice or waited for. Where the present stream is lost or dry, or must make room, it *takes over* at once, from the newest keyframe
//! there is: what of it is past is decoded and not shown. **Invariant:** what it holds begins at a keyframe, within a bound.

use std::collections::VecDeque;

use sailcast_media::{
    DecoderConfig, DemuxEvent, MediaKind, MediaTime, Micros, Packet, TrackInfo, demux::SkipReason,
};

use super::lane::{Lane, moved};
use crate::{
    connection::Brought,
    error::{ErrorCode, SailcastError},
    feed::{CutReason, FeedEvent},
    io::{Instant, Output},
    outbox::Outbox,
    source::warning,
};

/// A change is to be made within this time: long GOPs last ten seconds.
const WITHIN: Micros = Micros::from_secs(20);
/// A keyframe so soon after the playhead can be decoded before its time.
const MARGIN: Micros = Micros::from_millis(60);
/// The playhead goes so far back, for another decoder to begin.
const ROOM: Micros = Micros::from_millis(300);
/// A stream of the same clock is no farther behind the playhead, nor farther ahead of the present one.
const MOST_BEHIND: Micros = Micros::from_millis(400);
const MOST_AHEAD: Micros = Micros::from_secs(2);
/// Without pictures for so long, it has none.
const ALONE: Micros = Micros::from_secs(1);
/// What is held at most, in bytes.
const MOST_HELD: u64 = 24 << 20;
/// A step up that the link does not carry holds up the present stream: before it is tried the playhead goes so far back, and a little
/// farther to get there, if it does in this time.
const TRY_ROOM: Micros = Micros::from_millis(500);
const LITTLE: Micros = Micros::from_millis(60);
const ROOM_WITHIN: Micros = Micros::from_secs(8);
/// So late, the present stream is held up by it.
const HELD_UP: Micros = Micros::from_millis(120);
/// A step up comes to the live edge in this time, and after the first of it so much faster than it is made, or is given up.
const TRY_WITHIN: Micros = Micros::from_millis(2_500);
const TRY_SHOWS: Micros = Micros::from_secs(1);
const FASTER: f64 = 1.1;
const NOTHING: Brought = Brought { any: false, new: false, good: false };

/// The stream that is played, as far as another one must know it; times by the source's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Present {
    pub playhead: Option<MediaTime>,
    /// Where its live edge is due by now.
    pub due: Option<MediaTime>,
    /// Where its pictures end.
    pub end: Option<MediaTime>,
    /// The newest sound, and how long a packet of it lasts.
    pub sound: Option<(MediaTime, Micros)>,
    /// How late it comes.
    pub late: Micros,
    /// From the playhead to the end of what is here.
    pub ahead: Micros,
    /// Nothing comes of it, or the playhead stands for want of it.
    pub is_lost: bool,
}

/// Why there is a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The viewer wants it.
    Asked,
    /// The player expects it to be carried.
    Up,
    /// A smaller one is enough, or as much as this machine can do.
    Down,
    /// The present one cannot go on.
    Escape,
}

#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    Wait,
    CutIn(MediaTime),
    TakeOver,
    /// The link does not carry it; nobody is told.
    Abandon,
    Fail(SailcastError),
}

pub(super) struct Change {
    pub lane: Lane,
    pub why: Why,
    began: Instant,
    /// Its connection is opened by then, or when there is room for a try.
    opens: Option<Instant>,
    /// bit/s that it should have.
    bitrate: u64,
    tracks: Vec<TrackInfo>,
    /// By its own clock.
    held: VecDeque<Packet>,
    bytes: u64,
    aligned: bool,
    failure: Option<SailcastError>,
}

impl Change {
    /// Of a connection that is yet to be opened.
    pub fn new(lane: Lane, why: Why, bitrate: u64, now: Instant) -> Self {
        Self {
            lane,
            why,
            began: now,
            opens: Some(now),
            bitrate,
            tracks: Vec::new(),
            held: VecDeque::new(),
            bytes: 0,
            aligned: false,
            failure: None,
        }
    }

    /// Nobody knows whether it will be carried: the playhead goes back before it is tried.
    pub fn wait_for_room(&mut self) {
        self.opens = Some(self.began + ROOM_WITHIN);
    }

    pub fn deadline(&self) -> Instant {
        self.opens.unwrap_or(self.began + WITHIN)
    }

    /// Takes what has come. `can_play`: there is a decoder for it.
    pub fn absorb(
        &mut self,
        can_play: impl Fn(MediaKind, &DecoderConfig) -> bool,
        now: Instant,
        out: &mut Outbox,
    ) {
        while let Some(event) = self.lane.poll(now) {
            match event {
                DemuxEvent::Track(track) => {
                    if !can_play(track.kind(), &track.config) && track.kind() == MediaKind::Video {
                        self.failure = Some(undecodable(&track.config.codec_string));
                    }
                    self.tracks.retain(|known| known.id != track.id);
                    self.tracks.push(track);
                    self.drop_pictures();
                }
                DemuxEvent::Packet(packet) => {
                    if quietly(out, |out| self.lane.is_replacement(now, out)) {
                        self.held.clear();
                    }
                    self.hold(packet);
                }
                // The present stream has the same ones.
                DemuxEvent::Metadata(_) => {}
                DemuxEvent::Skipped { track: Some(track), .. } if track.kind == MediaKind::Audio => {}
                DemuxEvent::Skipped { why: SkipReason::UnsupportedCodec(name), .. } => {
                    self.failure = Some(undecodable(&name.to_string()));
                }
                DemuxEvent::Skipped { .. } => self.drop_pictures(),
            }
        }
    }

    fn hold(&mut self, packet: Packet) {
        let is_picture = packet.track.kind == MediaKind::Video;
        if is_picture && !packet.keyframe && !self.has_keyframe() {
            return;
        }
        self.bytes = self.bytes.saturating_add(weight(&packet));
        self.held.push_back(packet);
        if self.bytes > MOST_HELD {
            self.held.clear();
            self.count();
        }
    }

    /// What of it builds on something that is lost.
    fn drop_pictures(&mut self) {
        self.held.retain(|packet| packet.track.kind == MediaKind::Audio);
        self.count();
    }

    fn count(&mut self) {
        self.bytes = self.held.iter().map(weight).fold(0, u64::saturating_add);
    }

    /// Does what is due of its connection.
    pub fn advance(&mut self, present: &Present, now: Instant, out: &mut Outbox) {
        let has_room = self.why != Why::Up || present.ahead >= TRY_ROOM;
        if self.opens.is_some_and(|at| now >= at || has_room) {
            (self.began, self.opens) = (now, None);
            self.lane.connection.wake(now, out);
        }
        quietly(out, |out| self.lane.connection.advance(NOTHING, now, out));
    }

    /// Whether it is time.
    pub fn turn(&mut self, present: &Present, now: Instant) -> Turn {
        if self.opens.is_some() {
            return Turn::Wait;
        }
        if let Some(failure) = self.failed(now) {
            return Turn::Fail(failure);
        }
        let has_caught_up = self.lane.has_caught_up(now);
        if let Some(expected) = present.due
            && (has_caught_up || self.aligned)
        {
            // Farther behind it could not take part; seen again is better than waited for.
            let earliest = present.playhead.map_or(expected, |playhead| playhead.min(expected)) - MOST_BEHIND;
            self.aligned |= self.lane.align(expected, &(earliest..=expected + MOST_AHEAD), now);
        }
        if self.aligned {
            self.forget(present);
        }
        if self.why == Why::Up && present.late > HELD_UP {
            return Turn::Abandon;
        }
        if self.why == Why::Up && !self.lane.keeps_up(now) {
            return if self.is_carried(present, now) { Turn::Wait } else { Turn::Abandon };
        }
        if !self.can_begin(now) {
            return Turn::Wait;
        }
        if present.is_lost || self.why == Why::Escape {
            return Turn::TakeOver;
        }
        if !self.aligned {
            return Turn::Wait;
        }
        let at =
            present.playhead.map_or(self.first_keyframe(), |playhead| self.keyframe_after(playhead + MARGIN));
        match at {
            Some(at) if present.end.is_none_or(|end| at <= end) => Turn::CutIn(at),
            // Without pictures there is nothing to cut at.
            None if !self.has_video() => Turn::TakeOver,
            _ => Turn::Wait,
        }
    }

    fn failed(&mut self, now: Instant) -> Option<SailcastError> {
        if let Some(error) = self.lane.connection.error() {
            return Some(SailcastError { fatal: false, ..error.clone() });
        }
        if self.lane.connection.is_over() {
            return Some(warning(ErrorCode::NoMedia, "Its stream has ended.".to_owned()));
        }
        if let Some(failure) = self.failure.take() {
            return Some(failure);
        }
        let is_late = now >= self.deadline();
        is_late.then(|| warning(ErrorCode::NoKeyframe, "It brought no keyframe in time.".to_owned()))
    }

    /// A step up is carried beside the present stream, as far as can be told.
    fn is_carried(&self, present: &Present, now: Instant) -> bool {
        let come = self.lane.has_come_for(now);
        let wanted = self.bitrate as f64 * FASTER;
        let is_fast =
            self.lane.has_caught_up(now) || self.lane.burst_rate(now).is_none_or(|rate| rate >= wanted);
        !present.is_lost && (come < TRY_SHOWS || come < TRY_WITHIN && is_fast)
    }

    /// How far its live edge is behind the present one's.
    fn behind(&self, present: &Present, now: Instant) -> Micros {
        match (present.due, self.lane.edge_due(now)) {
            (Some(present), Some(own)) => (present - own).max(Micros::ZERO),
            _ => Micros::ZERO,
        }
    }

    /// How far behind the live edge to be, for the change to be seamless.
    pub fn hold_back(&self, present: &Present, now: Instant) -> Option<Micros> {
        match self.why {
            Why::Escape => None,
            Why::Up => Some(self.behind(present, now) + TRY_ROOM + LITTLE),
            _ => self.aligned.then(|| self.behind(present, now) + ROOM),
        }
    }

    fn has_video(&self) -> bool {
        self.tracks.iter().any(|track| track.kind() == MediaKind::Video)
    }

    fn can_begin(&self, now: Instant) -> bool {
        let is_sound = !self.has_video() && self.lane.has_come_for(now) >= ALONE;
        self.has_keyframe() || is_sound && !self.held.is_empty()
    }

    fn keyframes(&self) -> impl Iterator<Item = (usize, MediaTime)> {
        let shift = self.lane.shift;
        let is_keyframe = |p: &Packet| p.keyframe && p.track.kind == MediaKind::Video;
        let all = self.held.iter().enumerate();
        all.filter(move |(_, p)| is_keyframe(p)).map(move |(index, p)| (index, p.pts + shift))
    }

    fn has_keyframe(&self) -> bool {
        self.keyframes().next().is_some()
    }

    fn first_keyframe(&self) -> Option<MediaTime> {
        self.keyframes().next().map(|(_, at)| at)
    }

    fn keyframe_after(&self, after: MediaTime) -> Option<MediaTime> {
        self.keyframes().map(|(_, at)| at).find(|at| *at >= after)
    }

    /// Lets go of what lies before the newest keyframe that the present stream has come to, and of sound that it has had.
    fn forget(&mut self, present: &Present) {
        let reached = |at: &MediaTime| present.end.is_some_and(|end| *at <= end);
        let newest = self.keyframes().map(|(_, at)| at).filter(reached).last();
        if let Some(from) = newest.or(self.first_keyframe()) {
            self.leave_before(from, present);
        }
    }

    /// What is left is the keyframe of that time, what follows, and sound behind the present one's.
    fn leave_before(&mut self, from: MediaTime, present: &Present) {
        let shift = self.lane.shift;
        let heard = present.sound.map(|(last, length)| last + length.scale(0.5));
        let at = self.keyframes().find(|(_, at)| *at >= from).map(|(index, _)| index);
        let mut index = 0usize;
        self.held.retain(|packet| {
            let is_before = at.is_some_and(|at| index < at);
            index = index.saturating_add(1);
            match packet.track.kind {
                MediaKind::Video => !is_before,
                MediaKind::Audio => heard.is_none_or(|heard| packet.dts + shift > heard),
            }
        });
        self.count();
    }

    /// What it has for playback, in order; it begins with a cut, unless it takes over.
    pub fn release(mut self, cut: Option<MediaTime>, present: &Present) -> (Lane, Vec<FeedEvent>) {
        if let Some(from) = cut.or(self.first_keyframe()) {
            self.leave_before(from, present);
        }
        let shift = self.lane.shift;
        let mut events = Vec::new();
        events.extend(cut.map(|at| FeedEvent::Cut { at, why: CutReason::Rendition }));
        events.extend(self.tracks.drain(..).map(|track| FeedEvent::Demuxed(DemuxEvent::Track(track))));
        let held = self.held.drain(..).map(DemuxEvent::Packet);
        events.extend(held.map(|event| FeedEvent::Demuxed(moved(event, shift))));
        (self.lane, events)
    }
}

/// With its bookkeeping: many tiny ones are large, too.
fn weight(packet: &Packet) -> u64 {
    packet.data.len().saturating_add(size_of::<Packet>()) as u64
}

fn undecodable(codec: &str) -> SailcastError {
    warning(ErrorCode::CodecUnsupported, format!("There is no decoder for its video in {codec}."))
}

/// What a connection tells of itself does not concern the page while its stream is not played.
fn quietly<T>(out: &mut Outbox, act: impl FnOnce(&mut Outbox) -> T) -> T {
    let before = out.queue.len();
    let result = act(out);
    let mut told = out.queue.split_off(before.min(out.queue.len()));
    told.retain(|output| !matches!(output, Output::Event(_)));
    out.queue.append(&mut told);
    result
}
