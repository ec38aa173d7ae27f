//! One definition's connection, and where its packets lie beside those of another.
//!
//! **Invariant:** what is measured is of one connection and one clock; with another one it begins anew.

use std::ops::RangeInclusive;

use sailcast_media::{DemuxEvent, MediaKind, MediaTime, Micros, Packet};

use crate::{
    connection::Connection,
    io::{Instant, IoEvent, RequestId},
    outbox::Outbox,
    timeline::aligned,
    window::WindowMax,
};

/// How far packets are ahead of the driver's clock at most is remembered for a minute, and of late for less than half a second.
const DUE: WindowMax = WindowMax::new(Micros::from_secs(1), 60);
const RECENT: WindowMax = WindowMax::new(Micros::from_millis(100), 3);
/// Without a packet for so long, nothing comes.
const SILENT: Micros = Micros::from_millis(300);
/// Coming nearer to the live edge by less is jitter.
const JITTER: Micros = Micros::from_millis(8);
/// It has come no nearer for so long, and is no later than that: it comes as it is made.
const SETTLED: Micros = Micros::from_millis(150);
const KEEPS_UP: Micros = Micros::from_millis(800);
/// So far from where they were due, packets are of another clock.
const OTHER_CLOCK: Micros = Micros::from_secs(20);
/// A burst of less, or in less time, says nothing of the link.
const LEAST_BURST: u64 = 40_000;
const SHORTEST_BURST: Micros = Micros::from_millis(30);

/// The newest of one kind, by the source's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Newest {
    pub dts: Option<MediaTime>,
    pts: Option<MediaTime>,
    pub step: Micros,
}

impl Newest {
    fn note(&mut self, packet: &Packet) {
        if let Some(step) = self.dts.map(|dts| packet.dts - dts).filter(|step| *step > Micros::ZERO) {
            self.step = step;
        }
        self.dts = Some(packet.dts);
        self.pts = self.pts.max(Some(packet.pts));
    }

    /// Where what has come ends.
    pub fn end(&self) -> Option<MediaTime> {
        self.pts.map(|pts| pts + self.step)
    }
}

/// What a connection began with.
#[derive(Clone, Copy, Debug)]
struct Burst {
    began: Instant,
    bytes: u64,
    /// How far it was ahead of the driver's clock when it last came nearer to the live edge.
    nearest: Option<(Micros, Instant)>,
    is_taken: bool,
}

pub(super) struct Lane {
    pub definition: usize,
    pub connection: Connection,
    /// From its own clock to the source's.
    pub shift: Micros,
    pub video: Newest,
    pub sound: Newest,
    burst: Option<Burst>,
    ahead: WindowMax,
    recent: WindowMax,
    /// When a packet came.
    last: Option<Instant>,
}

impl Lane {
    pub fn new(definition: usize, connection: Connection) -> Self {
        Self {
            definition,
            connection,
            shift: Micros::ZERO,
            video: Newest::default(),
            sound: Newest::default(),
            burst: None,
            ahead: DUE,
            recent: RECENT,
            last: None,
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        self.connection.owns(id)
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant) {
        if let IoEvent::Bytes(bytes) = &event
            && self.burst.is_none()
        {
            let before = self.connection.bytes();
            let bytes = before.saturating_add(bytes.len() as u64);
            self.burst = Some(Burst { began: now, bytes, nearest: None, is_taken: false });
        }
        self.connection.on_io(event, now);
    }

    /// The next demux event, by its own clock.
    pub fn poll(&mut self, now: Instant) -> Option<DemuxEvent> {
        let event = self.connection.poll(now)?;
        if let DemuxEvent::Packet(packet) = &event {
            self.measure(packet.dts, now);
        }
        Some(event)
    }

    /// Playback gets it, by the source's clock.
    pub fn note(&mut self, event: &DemuxEvent) {
        if let DemuxEvent::Packet(packet) = event {
            match packet.track.kind {
                MediaKind::Video => self.video.note(packet),
                MediaKind::Audio => self.sound.note(packet),
            }
        }
    }

    /// True for the first packet of a connection that replaces another.
    pub fn is_replacement(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let is_replacement = self.connection.is_replacement(now, out);
        if is_replacement {
            self.begin_anew();
        }
        is_replacement
    }

    fn measure(&mut self, dts: MediaTime, now: Instant) {
        let ahead = Micros(dts.0.saturating_sub_unsigned(now.0));
        if self.ahead.max().is_some_and(|due| (due - ahead).abs() > OTHER_CLOCK) {
            self.begin_anew();
        }
        self.ahead.note(ahead, now);
        self.recent.note(ahead, now);
        self.last = Some(now);
        if let Some(burst) = &mut self.burst
            && burst.nearest.is_none_or(|(nearest, _)| ahead > nearest + JITTER)
        {
            burst.nearest = Some((ahead, now));
        }
    }

    fn begin_anew(&mut self) {
        self.ahead.clear();
        self.recent.clear();
        self.burst = None;
        (self.video, self.sound) = (Newest::default(), Newest::default());
    }

    /// Where its live edge is due by now, by its own clock.
    fn due(&self, now: Instant) -> Option<MediaTime> {
        let ahead = self.ahead.max()?;
        Some(MediaTime(i64::try_from(now.0).unwrap_or(i64::MAX)) + ahead)
    }

    /// The same by the source's clock.
    pub fn edge_due(&self, now: Instant) -> Option<MediaTime> {
        self.due(now).map(|due| due + self.shift)
    }

    /// How late it has come at least in the last moments; `None` when nothing came.
    pub fn late(&self, now: Instant) -> Option<Micros> {
        self.last.filter(|at| now - *at <= SILENT)?;
        Some(self.ahead.max()? - self.recent.max()?)
    }

    /// What the server had is here, and it comes as it is made.
    pub fn has_caught_up(&self, now: Instant) -> bool {
        let nearest = self.burst.and_then(|burst| burst.nearest);
        let is_settled = nearest.is_none_or(|(_, at)| now - at >= SETTLED);
        is_settled && self.late(now).is_some_and(|late| late <= SETTLED)
    }

    /// The same, for so long that a link that is too slow would have shown.
    pub fn keeps_up(&self, now: Instant) -> bool {
        let nearest = self.burst.and_then(|burst| burst.nearest);
        self.has_caught_up(now) && nearest.is_some_and(|(_, at)| now - at >= KEEPS_UP)
    }

    /// How long it has been coming.
    pub fn has_come_for(&self, now: Instant) -> Micros {
        self.burst.map_or(Micros::ZERO, |burst| now - burst.began)
    }

    /// bit/s of what the server had, or of what has come of that so far.
    pub fn burst_rate(&self, now: Instant) -> Option<f64> {
        let has_caught_up = self.has_caught_up(now);
        let burst = self.burst?;
        let until = burst.nearest.filter(|_| has_caught_up).map_or(now, |(_, at)| at);
        let bytes = self.connection.bytes().saturating_sub(burst.bytes);
        let span = until - burst.began;
        let says = bytes >= LEAST_BURST && span >= SHORTEST_BURST;
        says.then(|| bytes as f64 * 8.0 / span.as_secs_f64())
    }

    /// The same, once it is whole; said once.
    pub fn take_burst(&mut self, now: Instant) -> Option<f64> {
        let rate = self.burst_rate(now).filter(|_| self.has_caught_up(now))?;
        let burst = self.burst.as_mut()?;
        (!std::mem::replace(&mut burst.is_taken, true)).then_some(rate)
    }

    /// Finds its place beside the stream whose live edge is due at `expected`: of the same clock, its own usually is there.
    pub fn align(&mut self, expected: MediaTime, usual: &RangeInclusive<MediaTime>, now: Instant) -> bool {
        let Some(due) = self.due(now) else { return false };
        self.shift = aligned(due, expected, usual);
        true
    }
}

pub(super) fn moved(event: DemuxEvent, by: Micros) -> DemuxEvent {
    match event {
        DemuxEvent::Packet(packet) => {
            DemuxEvent::Packet(Packet { dts: packet.dts + by, pts: packet.pts + by, ..packet })
        }
        DemuxEvent::Metadata(mut message) => {
            message.time = message.time + by;
            DemuxEvent::Metadata(message)
        }
        other => other,
    }
}
