//! The way from the encoder to the socket: a queue of encoded packets, and what the encoder shall make so that it stays short.
//!
//! [`Uplink`] knows no socket and no clock. The driver's part: each encoded packet goes in by [`Uplink::push`]; then, and at
//! every [`Uplink::next_wake`], [`Uplink::on_socket`] tells where the socket stands and [`Uplink::pop`] is drained into it.
//! Before a captured frame is encoded, [`Uplink::admits`] is asked; the encoder follows [`Uplink::target`].
//!
//! **What comes out can be decoded**: the first packet of video of a connection is a keyframe, no delta follows a lost
//! reference, dts never goes back. Sound is given up last.

mod io;
mod link;
mod made;
pub(super) mod pace;
mod queue;
mod rate;
mod shape;

pub use self::{
    io::{DropReason, Dropped, SocketState, Target, UplinkConfig, UplinkEvent, UplinkStats, Why},
    queue::{MOST_BYTES, MOST_PACKETS, PATIENCE},
};

use std::collections::VecDeque;

use sailcast_media::{MediaKind, MediaTime, Micros, Packet};

use self::{
    link::Link,
    pace::Pace,
    queue::{Queue, Waits},
    rate::{Rate, Seen},
    shape::Shape,
};
use crate::io::Instant;

/// While something waits or is on its way the socket is looked at so often.
const LOOK_EVERY: Micros = Micros::from_millis(50);
/// What is decided is decided so often.
const DECIDE_EVERY: Micros = Micros::from_millis(50);
/// Where keyframes tell nothing of the link, packets are held back for so long and then sent at once: a burst that does.
const GATHERED: Micros = Micros::from_millis(200);
const GATHER_EVERY: Micros = Micros::from_secs(5);
/// Sound that has been given up for so long has no room, and for the other after that no picture takes it.
const MUTED: Micros = Micros::from_secs(1);
const SOUND_FIRST: Micros = Micros::from_secs(5);
/// Events nobody takes are forgotten, oldest first.
const MOST_EVENTS: usize = 64;

#[derive(Debug)]
pub struct Uplink {
    config: UplinkConfig,
    open: bool,
    link: Link,
    queue: Queue,
    rate: Rate,
    shape: Shape,
    pace: Pace,
    decided: Option<Instant>,
    congested: bool,
    /// From when to when sound was given up though the link moved.
    muted: Option<(Instant, Instant)>,
    /// The last time that packets were held back, from its beginning.
    gathered: Option<Instant>,
    /// The last frame was not worth encoding.
    resting: bool,
    /// The next frame that is encoded shall be a keyframe, and that has been said.
    keyframe: KeyframeWish,
    not_encoded: u64,
    last_seen: Instant,
    events: VecDeque<UplinkEvent>,
}

/// Whether the encoder is to make a keyframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyframeWish {
    None,
    Wanted,
    /// Asked for then, and waited for.
    Asked(Instant),
}

/// A keyframe that was asked for and has not come by then is asked for again.
const ASK_AGAIN: Micros = Micros::from_secs(1);

impl Uplink {
    /// Closed, until [`Self::opened`].
    pub fn new(config: UplinkConfig, now: Instant) -> Self {
        let rate = Rate::new(&config);
        let shape = Shape::new(&config, rate.video());
        Self {
            link: Link::new(now),
            queue: Queue::new(),
            rate,
            shape,
            pace: Pace::default(),
            config,
            open: false,
            decided: None,
            congested: false,
            muted: None,
            gathered: None,
            resting: false,
            keyframe: KeyframeWish::Wanted,
            not_encoded: 0,
            last_seen: now,
            events: VecDeque::new(),
        }
    }

    /// Other bounds; what is known of the link stays known.
    pub fn configure(&mut self, config: UplinkConfig, now: Instant) {
        let before = self.target();
        self.rate.configure(&config);
        self.shape.configure(&config, self.rate.video());
        self.config = config;
        self.told(before, Why::Config);
        self.seen(now);
    }

    /// A new connection: its counts begin at 0, and its stream with a keyframe. What the last one carried is believed less.
    pub fn opened(&mut self, now: Instant) {
        let now = self.seen(now);
        let before = self.target();
        self.drop_all();
        self.link.reopen(now);
        (self.gathered, self.muted) = (None, None);
        self.rate.reopened(&self.link);
        self.open = true;
        self.queue.begin(self.config.has_video(), now);
        self.keyframe = KeyframeWish::Wanted;
        self.told(before, Why::Connection);
    }

    /// The connection is gone. What waited was made for its time, and is given up with it.
    pub fn closed(&mut self, now: Instant) {
        self.seen(now);
        self.open = false;
        self.drop_all();
        self.queue.end();
        self.relieve();
    }

    /// An encoded packet, interleaved with the other track's. Without a connection it is given up.
    pub fn push(&mut self, packet: Packet, now: Instant) {
        let now = self.seen(now);
        self.rate.produced(&packet, now);
        if packet.keyframe && packet.track.kind == MediaKind::Video {
            self.keyframe = KeyframeWish::None;
        }
        let given_up = match self.open {
            true => self.queue.push(packet, now),
            false => self.queue.refuse(&packet),
        };
        self.tell_drops(given_up);
        self.make_room(now);
    }

    /// The socket as it stands after everything popped so far was handed to it.
    pub fn on_socket(&mut self, state: SocketState, now: Instant) {
        let now = self.seen(now);
        if self.open {
            self.link.note(state, now);
            self.decide(now);
        }
    }

    /// What goes to the socket now. Little is kept inside it, for what is in it cannot be given up.
    pub fn pop(&mut self, now: Instant) -> Option<Packet> {
        let now = self.seen(now);
        if !self.open {
            return None;
        }
        self.make_room(now);
        let size = self.queue.next_size()?;
        let gathers = self.gathered.is_some_and(|at| now - at < GATHERED);
        if gathers || !self.link.has_room(self.rate.total()) {
            return None;
        }
        let packet = self.queue.pop()?;
        self.link.hand(size, now);
        Some(packet)
    }

    /// Whether the frame captured at `pts` is worth encoding: its turn at the target's frame rate, and not bound to be given up.
    pub fn admits(&mut self, pts: MediaTime, now: Instant) -> bool {
        let now = self.seen(now);
        if !self.pace.admits(pts, self.shape.fps()) {
            return false;
        }
        if !self.open {
            return false;
        }
        let tail = self.tail(now);
        // A keyframe that is needed is worth its bytes only once it will get through in time, and a queue that came of
        // congestion is worked off before anything is added to it.
        let waits = self.queue.is_broken() || (self.resting && self.congested);
        self.resting = tail > self.config.budget.scale(if waits { RESUME_BELOW } else { REST_ABOVE });
        if self.resting || self.has_no_room_for_sound(now) {
            self.not_encoded = self.not_encoded.saturating_add(1);
            self.rate.rested();
            return false;
        }
        if self.queue.is_broken() && self.keyframe == KeyframeWish::None {
            self.keyframe = KeyframeWish::Wanted;
        }
        true
    }

    /// Whether the next frame that is encoded must be a keyframe; `true` once for each need, and again when none came.
    pub fn take_keyframe_request(&mut self) -> bool {
        let wanted = match self.keyframe {
            KeyframeWish::None => false,
            KeyframeWish::Wanted => true,
            KeyframeWish::Asked(at) => self.last_seen - at >= ASK_AGAIN,
        };
        if wanted {
            self.keyframe = KeyframeWish::Asked(self.last_seen);
        }
        wanted
    }

    pub fn target(&self) -> Target {
        Target { video_bitrate: self.rate.video(), fps: self.shape.fps(), side: self.shape.side() }
    }

    /// When to call [`Self::on_socket`] and [`Self::pop`] at the latest; `None` when nothing waits or is on its way.
    pub fn next_wake(&self) -> Option<Instant> {
        let idle = self.queue.is_empty() && self.link.outstanding() == 0;
        (self.open && !idle).then(|| self.last_seen + LOOK_EVERY)
    }

    pub fn stats(&self, now: Instant) -> UplinkStats {
        UplinkStats {
            queue: self.lag(now),
            queued_bytes: self.queue.bytes(),
            outstanding_bytes: self.link.outstanding(),
            estimate: self.link.estimate().map(|bits| bits as u32),
            sent_bitrate: self.link.recent(now) as u32,
            dropped: Dropped { not_encoded: self.not_encoded, ..self.queue.dropped() },
            congested: self.congested,
            acknowledged: self.link.is_exact(),
        }
    }

    pub fn poll_event(&mut self) -> Option<UplinkEvent> {
        self.events.pop_front()
    }
}

/// Frames are not encoded while the newest would wait longer than this share of the budget...
const REST_ABOVE: f64 = 0.9;
/// ...and in congestion, or after a drop, not before they would wait less than this one.
const RESUME_BELOW: f64 = 0.3;

impl Uplink {
    /// Time does not go back, whatever the driver says.
    fn seen(&mut self, now: Instant) -> Instant {
        self.last_seen = self.last_seen.max(now);
        self.last_seen
    }

    fn waits(&self, now: Instant) -> Waits {
        Waits { own: self.queue.age(now), socket: self.link.wait(self.rate.total()) }
    }

    /// How long what is sent next will have waited. What should have left long ago tells of a link that stands still.
    fn lag(&self, now: Instant) -> Micros {
        self.waits(now).lag().max(self.link.overdue(now))
    }

    /// How long what would be encoded now will wait.
    fn tail(&self, now: Instant) -> Micros {
        let total = self.rate.total();
        let waits = self.link.time_for(self.queue.bytes(), total) + self.link.wait(total);
        waits.max(self.link.overdue(now))
    }

    fn has_lost_sound(&self, now: Instant) -> bool {
        self.muted.is_some_and(|(_, last)| now - last < SOUND_FIRST)
    }

    /// A picture would take the place of sound.
    fn has_no_room_for_sound(&self, now: Instant) -> bool {
        self.has_lost_sound(now) && self.muted.is_some_and(|(since, last)| last - since >= MUTED)
    }

    fn make_room(&mut self, now: Instant) {
        let (was_broken, sounds) = (self.queue.is_broken(), self.queue.dropped().audio);
        let dropped = self.queue.make_room(self.waits(now), self.config.budget, now);
        if self.queue.is_broken() && !was_broken {
            self.rate.gave_up();
        }
        if self.queue.dropped().audio > sounds {
            let since = self.muted.filter(|_| self.has_lost_sound(now)).map_or(now, |(since, _)| since);
            // A link that stands still says nothing of how much it carries.
            self.muted = Some((since, now)).filter(|_| self.link.silence(now).is_none());
        }
        self.tell_drops(dropped);
    }

    fn decide(&mut self, now: Instant) {
        if self.decided.is_some_and(|at| now - at < DECIDE_EVERY) {
            return;
        }
        self.decided = Some(now);
        let before = self.target();
        let seen = Seen { lag: self.lag(now), budget: self.config.budget, broken: self.queue.is_broken() };
        let why = self.rate.decide(&mut self.link, seen, now);
        self.shape.follow(self.rate.video(), self.rate.made_bitrate(), now);
        if let Some(why) = why {
            if matches!(why, Why::Congestion | Why::Silence) && !self.congested {
                self.congested = true;
                self.event(UplinkEvent::Congested);
            }
            self.told(before, why);
        } else if self.shape_changed(before) {
            self.told(before, Why::Config);
        }
        if self.rate.is_calm(now) {
            self.relieve();
        }
        let recently = self.gathered.is_some_and(|at| now - at < GATHER_EVERY);
        if !recently && self.rate.is_curious(&self.link, now) {
            self.gathered = Some(now);
        }
    }

    fn relieve(&mut self) {
        if std::mem::take(&mut self.congested) {
            self.event(UplinkEvent::Relieved);
        }
    }

    fn shape_changed(&self, before: Target) -> bool {
        let target = self.target();
        (target.fps, target.side) != (before.fps, before.side)
    }

    fn told(&mut self, before: Target, why: Why) {
        let target = self.target();
        // Video that goes away, or comes, is no change of it.
        if before.video_bitrate == 0 || target.video_bitrate == 0 {
            return;
        }
        if target.video_bitrate != before.video_bitrate {
            let (from, to) = (before.video_bitrate, target.video_bitrate);
            self.event(UplinkEvent::BitrateChange { from, to, why });
        }
        if self.shape_changed(before) {
            self.event(UplinkEvent::ShapeChange { from: before, to: target });
        }
    }

    fn drop_all(&mut self) {
        let dropped = self.queue.drop_all();
        self.tell_drops(dropped);
    }

    fn tell_drops(&mut self, dropped: Option<(u32, DropReason)>) {
        let Some((count, reason)) = dropped else { return };
        // What falls one after the other for one reason is one event.
        if let Some(UplinkEvent::FramesDropped { count: told, reason: why }) = self.events.back_mut()
            && *why == reason
        {
            *told = told.saturating_add(count);
            return;
        }
        self.event(UplinkEvent::FramesDropped { count, reason });
    }

    fn event(&mut self, event: UplinkEvent) {
        if self.events.len() >= MOST_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}
