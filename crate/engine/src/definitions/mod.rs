//! The definitions of a live stream: one is played, and another one takes its place without a seam.
//!
//! Each is a stream of its own behind addresses of its own, with the life of any connection ([`Connection`]). All of them are put on
//! *the source's clock*, that of the first: most transcoders keep times, and of others the live edges tell how far they are apart. So
//! playback sees one stream, whatever plays. **Invariant:** at most two connections are open, and of the other one nothing is seen or
//! told before it takes over.

mod auto;
mod change;
mod lane;

use std::collections::VecDeque;

use sailcast_media::{DecoderConfig, DemuxEvent, MediaKind, MediaTime, Micros};

use self::{
    auto::Auto,
    change::{Change, Present, Turn, Why},
    lane::{Lane, moved},
};
use crate::{
    connection::{Brought, Connection},
    error::SailcastError,
    event::{Event, RenditionInfo},
    feed::{Extent, FeedEvent, View},
    io::{Definition, Instant, IoEvent, Load, Output, RequestId},
    ladder::{DecoderChoice, Ladder, WebCodecs},
    outbox::Outbox,
    retry::Failure,
};

/// What holds for a load beside the load itself.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub decoder: DecoderChoice,
    pub webcodecs: WebCodecs,
    /// The picture's box in device pixels, where it is known.
    pub viewport: Option<(u32, u32)>,
    /// bit/s that the network brought before.
    pub link: Option<u64>,
}

pub struct Definitions {
    list: Vec<Definition>,
    resolve: bool,
    seed: u64,
    ladders: [Ladder; 2],
    current: Lane,
    change: Option<Change>,
    auto: Auto,
    /// What playback gets before anything that comes now.
    events: VecDeque<FeedEvent>,
    view: Option<View>,
    /// The next packet is of another connection, which may begin before the last one.
    is_replaced: bool,
    has_brought: bool,
    is_told: bool,
    online: bool,
    /// Of connections that are closed.
    bytes_before: u64,
    reconnects_before: u64,
}

impl Definitions {
    /// Of a load with definitions, whose addresses have been checked.
    pub fn new(load: Load, setting: Setting, seed: u64) -> Self {
        let Load { definitions: list, resolve, rendition, .. } = load;
        let asked = rendition.map(|id| id as usize).filter(|id| *id < list.len());
        let auto = Auto::new(&list, asked.is_none());
        let first = asked.or_else(|| auto.first(setting.viewport, setting.link)).unwrap_or_default();
        let lines = list.get(first).map(|definition| definition.lines.clone()).unwrap_or_default();
        let ladder = |available| Ladder::new(setting.decoder, available);
        Self {
            current: Lane::new(first, Connection::new(lines, resolve, false, seed)),
            list,
            resolve,
            seed,
            ladders: [ladder(setting.webcodecs.video), ladder(setting.webcodecs.audio)],
            change: None,
            auto,
            events: VecDeque::new(),
            view: None,
            is_replaced: false,
            has_brought: false,
            is_told: false,
            online: true,
            bytes_before: 0,
            reconnects_before: 0,
        }
    }

    pub fn open(&mut self, now: Instant, out: &mut Outbox) {
        self.tell_renditions(out);
        self.current.connection.open(now, out);
    }

    fn tell_renditions(&mut self, out: &mut Outbox) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        let info = |(id, definition): (u32, &Definition)| RenditionInfo {
            id,
            name: definition.name.clone(),
            bitrate: definition.bitrate,
            width: definition.width,
            height: definition.height,
            ..RenditionInfo::default()
        };
        out.push(Output::Event(Event::Renditions((0u32..).zip(&self.list).map(info).collect())));
        self.events.push_back(self.rendition_change());
    }

    fn rendition_change(&self) -> FeedEvent {
        let id = u32::try_from(self.current.definition).unwrap_or_default();
        FeedEvent::Tell(Event::RenditionChange { id, auto: self.auto.is_on })
    }

    pub fn owns(&self, id: RequestId) -> bool {
        self.current.owns(id) || self.change.as_ref().is_some_and(|change| change.lane.owns(id))
    }

    /// The lane of a request.
    fn lane(&mut self, id: RequestId) -> Option<&mut Lane> {
        let other = self.change.as_mut().map(|change| &mut change.lane);
        std::iter::once(&mut self.current).chain(other).find(|lane| lane.owns(id))
    }

    pub fn on_io(&mut self, id: RequestId, event: IoEvent, now: Instant) {
        if let Some(lane) = self.lane(id) {
            lane.on_io(event, now);
        }
    }

    pub fn on_resolved(
        &mut self,
        id: RequestId,
        url: Result<String, String>,
        played: bool,
        now: Instant,
        out: &mut Outbox,
    ) {
        let played = played && self.current.owns(id);
        if let Some(lane) = self.lane(id) {
            lane.connection.on_resolved(url, played, now, out);
        }
    }

    pub fn poll(&mut self, now: Instant, out: &mut Outbox) -> Option<FeedEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(self.give(event));
        }
        if let Some(event) = self.current.poll(now) {
            let event = moved(event, self.current.shift);
            return Some(self.give(FeedEvent::Demuxed(event)));
        }
        self.settle(now, out);
        let event = self.events.pop_front()?;
        Some(self.give(event))
    }

    fn give(&mut self, event: FeedEvent) -> FeedEvent {
        if let FeedEvent::Demuxed(event) = &event {
            self.has_brought |= matches!(event, DemuxEvent::Packet(_));
            self.current.note(event);
        }
        event
    }

    /// A packet came. True for the first of a connection that replaces another.
    pub fn is_replacement(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let is_replaced = std::mem::take(&mut self.is_replaced);
        self.current.is_replacement(now, out) || is_replaced
    }

    /// Looks whether the change under way can be made, or must be given up.
    fn settle(&mut self, now: Instant, out: &mut Outbox) {
        let present = self.present(now);
        let Some(change) = &mut self.change else { return };
        let [video, audio] = &self.ladders;
        let can_play = |kind: MediaKind, config: &DecoderConfig| match kind {
            MediaKind::Video => video.path(config).is_some(),
            MediaKind::Audio => audio.path(config).is_some(),
        };
        change.absorb(can_play, now, out);
        match change.turn(&present, now) {
            Turn::Wait => {}
            Turn::CutIn(at) => self.play_other(Some(at), &present, now, out),
            Turn::TakeOver => self.play_other(None, &present, now, out),
            Turn::Abandon => self.give_up_change(None, now, out),
            Turn::Fail(error) => self.give_up_change(Some(error), now, out),
        }
    }

    fn present(&self, now: Instant) -> Present {
        let ahead = |view: View| view.buffered_until.map_or(Micros::ZERO, |until| until - view.playhead);
        let is_waiting = self.view.is_some_and(|view| view.is_waiting);
        Present {
            playhead: self.view.and_then(|view| view.raw).filter(|_| self.has_brought),
            due: self.current.edge_due(now),
            end: self.current.video.end(),
            sound: self.current.sound.dts.map(|dts| (dts, self.current.sound.step)),
            late: self.current.late(now).unwrap_or_default(),
            ahead: self.view.map_or(Micros::ZERO, ahead),
            is_lost: is_waiting || !self.current.connection.is_fruitful(),
        }
    }

    /// The other one's stream is the one that is played.
    fn play_other(&mut self, cut: Option<MediaTime>, present: &Present, now: Instant, out: &mut Outbox) {
        let Some(change) = self.change.take() else { return };
        let is_up = change.why == Why::Up;
        let (lane, events) = change.release(cut, present);
        self.is_replaced = cut.is_none() && self.has_brought;
        let old = std::mem::replace(&mut self.current, lane);
        self.close_lane(old, out);
        self.auto.on_change(is_up, now);
        self.events.push_back(self.rendition_change());
        self.events.extend(events);
    }

    fn close_lane(&mut self, mut lane: Lane, out: &mut Outbox) {
        lane.connection.close(out);
        self.bytes_before = self.bytes_before.saturating_add(lane.connection.bytes());
        self.reconnects_before = self.reconnects_before.saturating_add(lane.connection.reconnects);
    }

    /// The present one goes on.
    fn give_up_change(&mut self, why: Option<SailcastError>, now: Instant, out: &mut Outbox) {
        let Some(change) = self.change.take() else { return };
        self.auto.on_failure(change.lane.definition, change.why, now);
        let name = self.list.get(change.lane.definition).map_or("", |definition| definition.name.as_str());
        if let Some(error) = why {
            let what = format!("The rendition \"{name}\" could not be played. {}", error.what);
            self.events.push_back(FeedEvent::Tell(Event::Error(SailcastError { what, ..error })));
        }
        self.close_lane(change.lane, out);
    }

    fn drop_change(&mut self, out: &mut Outbox) {
        if let Some(change) = self.change.take() {
            self.close_lane(change.lane, out);
        }
    }

    /// Plays this definition; `None`: the player chooses.
    pub fn select(&mut self, rendition: Option<u32>, now: Instant, out: &mut Outbox) {
        let asked = rendition.map(|id| id as usize);
        if asked.is_some_and(|id| id >= self.list.len()) {
            return;
        }
        self.auto.is_on = asked.is_none();
        let Some(asked) = asked else { return };
        if let Some(change) = self.change.as_mut().filter(|change| change.lane.definition == asked) {
            if change.why != Why::Escape {
                change.why = Why::Asked;
            }
            return;
        }
        self.drop_change(out);
        if asked != self.current.definition {
            self.change_to(asked, Why::Asked, now, out);
        }
    }

    fn change_to(&mut self, to: usize, why: Why, now: Instant, out: &mut Outbox) {
        let Some(definition) = self.list.get(to) else { return };
        self.seed = self.seed.wrapping_add(1);
        let mut connection = Connection::new(definition.lines.clone(), self.resolve, false, self.seed);
        connection.set_online(self.online, now, out);
        // An address that was given with the load may have lost its signature: it is asked for anew.
        connection.suspend(out);
        let lane = Lane::new(to, connection);
        let is_suspended = self.current.connection.is_suspended();
        if self.has_brought && !is_suspended {
            self.change = Some(Change::new(lane, why, self.auto.bitrate(to), now));
            return;
        }
        // There is nothing that could go on meanwhile.
        let old = std::mem::replace(&mut self.current, lane);
        self.close_lane(old, out);
        self.is_replaced = self.has_brought;
        self.events.push_back(self.rendition_change());
        if !is_suspended {
            self.current.connection.wake(now, out);
        }
    }

    pub fn advance(&mut self, brought: Brought, view: &View, now: Instant, out: &mut Outbox) {
        self.view = Some(*view);
        self.current.connection.advance(brought, now, out);
        self.choose(now, out);
        if self.current.connection.error().is_some() {
            self.escape(now, out);
        }
        let present = self.present(now);
        if let Some(change) = &mut self.change {
            change.advance(&present, now, out);
        }
        self.settle(now, out);
    }

    /// There is something to poll without anything that came.
    pub fn has_news(&self) -> bool {
        !self.events.is_empty()
    }

    /// The player's own choice, when it is due.
    fn choose(&mut self, now: Instant, out: &mut Outbox) {
        let Some(view) = self.view.filter(|view| view.is_running || view.is_waiting) else { return };
        if !self.auto.is_due(now) || self.current.connection.is_suspended() {
            return;
        }
        self.measure(now);
        let pending = self.change.as_ref().map(|change| change.why);
        if pending == Some(Why::Escape) {
            return;
        }
        match (self.auto.choose(&self.current, &view, now), pending) {
            (Some(step), None) => {
                let is_up = self.auto.bitrate(step.to) > self.auto.bitrate(self.current.definition);
                let why = match is_up {
                    _ if step.is_escape => Why::Escape,
                    true => Why::Up,
                    false => Why::Down,
                };
                self.change_to(step.to, why, now, out);
                if let Some(change) = self.change.as_mut().filter(|_| step.is_try) {
                    change.wait_for_room();
                }
            }
            // What the network does not carry is, at first, the second stream.
            (Some(step), Some(Why::Up)) if step.is_escape => self.give_up_change(None, now, out),
            _ => {}
        }
    }

    /// What the beginnings of connections say of the link.
    fn measure(&mut self, now: Instant) {
        if let Some(rate) = self.current.take_burst(now) {
            self.auto.on_burst(rate, now);
        }
        let other = self.change.as_mut().and_then(|change| change.lane.take_burst(now));
        if let Some(rate) = other {
            self.auto.on_burst(rate + self.auto.bitrate(self.current.definition) as f64, now);
        }
    }

    /// The present one is of no use: another one in its place, if there is one that has not failed a moment ago.
    fn escape(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(change) = &mut self.change {
            change.why = Why::Escape;
            return;
        }
        self.auto.on_failure(self.current.definition, Why::Escape, now);
        if let Some(to) = self.auto.instead_of(self.current.definition, now) {
            self.change_to(to, Why::Escape, now, out);
        }
    }

    /// What comes is of no use.
    pub fn fail(&mut self, failure: Failure, played: bool, now: Instant, out: &mut Outbox) {
        self.current.connection.fail(failure, played, now, out);
        self.escape(now, out);
    }

    pub fn extent(&self, now: Instant) -> Extent {
        let hold_back = self.change.as_ref().and_then(|change| change.hold_back(&self.present(now), now));
        Extent {
            rendition: u32::try_from(self.current.definition).ok(),
            estimate: self.auto.estimate(),
            hold_back,
            ..Extent::default()
        }
    }

    pub fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        self.online = online;
        self.current.connection.set_online(online, now, out);
        if let Some(change) = &mut self.change {
            change.lane.connection.set_online(online, now, out);
        }
    }

    pub fn suspect(&mut self, now: Instant) {
        self.current.connection.suspect(now);
        if let Some(change) = &mut self.change {
            change.lane.connection.suspect(now);
        }
    }

    /// Lets go of the connections. A change that the viewer wants is as good as made.
    pub fn suspend(&mut self, out: &mut Outbox) {
        self.current.connection.suspend(out);
        let Some(Change { mut lane, why, .. }) = self.change.take() else { return };
        if why == Why::Asked {
            lane.connection.suspend(out);
            self.is_replaced = self.has_brought;
            std::mem::swap(&mut self.current, &mut lane);
            self.events.push_back(self.rendition_change());
        }
        self.close_lane(lane, out);
    }

    pub fn wake(&mut self, now: Instant, out: &mut Outbox) {
        self.tell_renditions(out);
        self.current.connection.wake(now, out);
    }

    pub fn is_suspended(&self) -> bool {
        self.current.connection.is_suspended()
    }

    /// No more will come.
    pub fn is_over(&self) -> bool {
        self.current.connection.is_over() && self.change.is_none()
    }

    /// Why it is over, unless in good order.
    pub fn error(&self) -> Option<&SailcastError> {
        self.current.connection.error()
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        std::iter::once(&self.current).chain(self.change.as_ref().map(|change| &change.lane))
    }

    pub fn bytes(&self) -> u64 {
        self.lanes().map(|lane| lane.connection.bytes()).fold(self.bytes_before, u64::saturating_add)
    }

    pub fn reconnects(&self) -> u64 {
        self.reconnects_before.saturating_add(self.current.connection.reconnects)
    }

    pub fn deadline(&self) -> Option<Instant> {
        let change = self.change.as_ref().map(Change::deadline);
        let is_running = self.view.is_some_and(|view| view.is_running || view.is_waiting);
        let tick = self.auto.next_tick().filter(|_| is_running && !self.is_suspended());
        let lanes = self.lanes().filter_map(|lane| lane.connection.deadline());
        lanes.chain(change).chain(tick).min()
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.drop_change(out);
        self.events.clear();
        self.current.connection.close(out);
    }
}
