//! Packets to segments and parts of segments, and what a playlist says of them.
//!
//! **Invariant:** a run (`runs`) is what stands between two discontinuities. No segment is longer than the target duration says,
//! which is decided once, like the longest part: a group of pictures that is longer is cut within.
//!
//! No clock, no network: the time is an argument.

use std::mem;

use bytes::Bytes;
use sailcast_media::{
    DemuxEvent, MediaKind, MediaTime, Message, Metadata, Micros, Packet, TrackId, TrackInfo, Value,
};

use super::{
    clock::WallClock,
    window::{Bounds, Edge, Window},
};
use crate::{
    muxer::{Format, MuxError, Muxer, Piece},
    runs::{RunEvent, Runs},
};

/// A keyframe that comes so little before the wanted duration is not waited past.
const SLACK: Micros = Micros::from_millis(100);
/// The longest target duration, so that a stream with one keyframe an hour has segments too.
const MAX_TARGET: Micros = Micros::from_secs(10);
/// How much of a run is looked at to learn how long its frames are.
const MEASURED: Micros = Micros::from_millis(500);
/// Of a run whose frames tell nothing.
const USUAL_STEP: Micros = Micros::from_millis(40);
/// Sound goes on without pictures that are so late.
const STALL: Micros = Micros::from_millis(500);
/// What is earlier than the first packet of its run by less has a place in it.
const HEAD: Micros = Micros::from_secs(1);
/// Packets gathered for one piece; more end the segment.
const MAX_GATHERED: usize = 16 << 20;
/// What a packet costs beside its bytes.
const PACKET_OVERHEAD: usize = 128;

/// The message in which publishers tell their clock, and its field, ms since 1970.
const CLOCK_MESSAGE: &str = "onWallClock";
const CLOCK_FIELD: &str = "wallclock";

/// How long things shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub segment: Micros,
    pub part: Micros,
}

/// What a viewer must know of the stream before its first segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    pub tracks: Vec<TrackInfo>,
    pub frame_rate: Option<f64>,
}

/// How far a packager has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    edge: Edge,
    is_ready: bool,
    is_hopeless: bool,
}

#[derive(Debug)]
pub struct Packager {
    format: Format,
    wanted: Wanted,
    window: Window,
    /// Seconds; once it is known.
    target: Option<Micros>,
    /// The longest part; once it is known. Of MPEG-TS there are none but whole segments.
    longest_part: Option<Micros>,
    clock: WallClock,
    /// Of the last packets, since 1970.
    now: Micros,
    runs: Runs,
    run: Option<Run>,
    description: Option<Description>,
}

/// What has one timeline and one configuration.
#[derive(Debug)]
struct Run {
    muxer: Muxer,
    tracks: Vec<TrackInfo>,
    /// The track whose packets say where pieces begin: pictures, if there are any.
    lead: TrackId,
    /// The earliest time that the muxer can tell.
    base: MediaTime,
    first: MediaTime,
    /// How far the lead has come, or should have.
    newest: MediaTime,
    /// Frames of the lead, and the duration of one, once it is known.
    frames: u64,
    step: Option<Micros>,
    /// What the piece under way holds.
    gathered: Vec<Packet>,
    cost: usize,
    piece_began: MediaTime,
    segment_began: MediaTime,
    begins_segment: bool,
}

/// What ends in front of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Part,
    Segment,
}

impl Packager {
    /// `group`: how long the groups of pictures of the stream are, as far as that is known; `epoch`: seconds since 1970.
    pub fn new(format: Format, wanted: Wanted, bounds: Bounds, group: Option<Micros>, epoch: u64) -> Self {
        let target = group.map(|group| target_of(group, wanted.segment));
        Self {
            format,
            wanted,
            window: Window::new(epoch, bounds),
            target,
            longest_part: None,
            clock: WallClock::default(),
            now: Micros::ZERO,
            runs: Runs::new(format),
            run: None,
            description: None,
        }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The longest segment, in whole seconds as EXTINF is rounded; `None` before it is known.
    pub fn target(&self) -> Option<Micros> {
        self.target
    }

    /// The longest part, where the playlist names parts.
    pub fn part_target(&self) -> Option<Micros> {
        self.longest_part.filter(|_| self.format == Format::Fmp4)
    }

    /// Of the newest run.
    pub fn description(&self) -> Option<Description> {
        let described = self.run.as_ref().map(Run::description);
        described.or_else(|| self.description.clone())
    }

    /// Whether there is something to play: players take a playlist without a segment for a broken one.
    pub fn is_ready(&self) -> bool {
        self.target.is_some() && self.window.listed().any(|segment| segment.complete)
    }

    /// Whether the stream has tracks, and the format takes none of them.
    pub fn is_hopeless(&self) -> bool {
        self.runs.is_hopeless()
    }

    /// Changes whenever somebody may find what they wait for.
    pub fn progress(&self) -> Progress {
        Progress { edge: self.window.edge(), is_ready: self.is_ready(), is_hopeless: self.is_hopeless() }
    }

    /// Takes what has come by `now`, since 1970: all that is there, so that the newest of it tells when the rest happened.
    pub fn push(&mut self, events: Vec<DemuxEvent>, now: Micros) {
        self.now = now;
        let newest = events.iter().filter_map(|event| match event {
            DemuxEvent::Packet(packet) if packet.track.number == 0 => Some(packet.dts),
            _ => None,
        });
        if let Some(newest) = newest.max() {
            self.clock.arrived(newest, now);
        }
        for event in &events {
            if let DemuxEvent::Metadata(message) = event
                && let Some(unix) = told_clock(message)
            {
                self.clock.told(message.time, unix, now);
            }
        }
        for event in events {
            for event in self.runs.push(event) {
                self.sorted(event);
            }
        }
    }

    /// The publisher has gone, and may come back: then as another run.
    pub fn interrupt(&mut self) {
        for event in self.runs.forget() {
            self.sorted(event);
        }
    }

    /// Nothing comes any more.
    pub fn end(&mut self) {
        self.interrupt();
        self.window.end();
    }

    fn sorted(&mut self, event: RunEvent) {
        match event {
            RunEvent::Begin { tracks, at, jumped } => {
                if jumped {
                    self.clock = WallClock::default();
                    self.clock.arrived(at, self.now);
                }
                self.begin_run(tracks, at);
            }
            RunEvent::Packet(packet) => self.place(packet),
            RunEvent::End => self.end_run(),
        }
    }

    fn begin_run(&mut self, tracks: Vec<TrackInfo>, at: MediaTime) {
        let Some(lead) = tracks.first().map(|track| track.id) else { return };
        let base = at.min(MediaTime(0)) - HEAD;
        let Ok(muxer) = Muxer::new(self.format, &tracks, base) else { return };
        self.window.begin_run(muxer.init());
        self.run = Some(Run {
            muxer,
            tracks,
            lead,
            base,
            first: at,
            newest: at,
            frames: 0,
            step: None,
            gathered: Vec::new(),
            cost: 0,
            piece_began: at,
            segment_began: at,
            begins_segment: true,
        });
    }

    fn end_run(&mut self) {
        self.measure();
        if let Some(run) = &self.run {
            let end = run.newest + run.step.unwrap_or(USUAL_STEP);
            self.cut(Cut::Segment, end, &[]);
        }
        if let Some(run) = self.run.take() {
            self.description = Some(run.description());
        }
    }

    /// Puts a packet into the run, and ends what ends in front of it.
    fn place(&mut self, packet: Packet) {
        let Some(run) = self.run.as_mut().filter(|run| packet.dts >= run.base) else { return };
        run.note(&packet);
        if run.step.is_some() {
            return self.gather(packet);
        }
        let enough = run.newest - run.first >= MEASURED || run.cost > MAX_GATHERED;
        run.gather(packet);
        if enough {
            self.measure();
        }
    }

    fn gather(&mut self, packet: Packet) {
        if let Some((cut, at)) = self.cut_before(&packet) {
            self.cut(cut, at, std::slice::from_ref(&packet));
        }
        if let Some(run) = &mut self.run {
            run.gather(packet);
        }
    }

    /// Learns how long frames are from what has been gathered, and cuts it.
    fn measure(&mut self) {
        let Some(run) = self.run.as_mut().filter(|run| run.step.is_none()) else { return };
        let step = run.mean_step().unwrap_or(USUAL_STEP);
        run.step = Some(step);
        let held = mem::take(&mut run.gathered);
        run.cost = 0;
        self.longest_part.get_or_insert_with(|| longest_part(step, self.wanted.part));
        held.into_iter().for_each(|packet| self.gather(packet));
    }

    fn cut_before(&self, packet: &Packet) -> Option<(Cut, MediaTime)> {
        let run = self.run.as_ref().filter(|run| !run.gathered.is_empty())?;
        let leads = packet.track == run.lead;
        let at = if leads { packet.dts } else { packet.dts - STALL };
        let step = run.step?;
        let due = leads && packet.keyframe && at - run.segment_began + SLACK >= self.wanted.segment;
        if due || at + step - run.segment_began > self.longest_segment() || run.cost > MAX_GATHERED {
            return Some((Cut::Segment, at));
        }
        let longest = self.part_target()?;
        (at + step - run.piece_began > longest).then_some((Cut::Part, at))
    }

    /// EXTINF is rounded to whole seconds.
    fn longest_segment(&self) -> Micros {
        self.target.unwrap_or(MAX_TARGET) + Micros::from_millis(499)
    }

    /// Ends the piece under way at a time, and with it the segment, maybe. What it lasts longer than it may, in front of a
    /// packet that is late, is a hole.
    fn cut(&mut self, cut: Cut, at: MediaTime, next: &[Packet]) {
        let (longest_part, longest_segment) = (self.part_target(), self.longest_segment());
        let Some(run) = &mut self.run else { return };
        let clock = self.clock.at(run.piece_began);
        let end = at.min(run.segment_began + longest_segment);
        let end = longest_part.map_or(end, |longest| end.min(run.piece_began + longest));
        let duration = (end - run.piece_began).max(Micros::ZERO);
        match run.finish_piece(clock, next) {
            Ok(Some((bytes, independent))) => self.window.add(bytes, duration, independent, clock),
            Ok(None) => {}
            Err(error) => log::debug!("HLS: left out {} ms: {error}", duration.0 / 1000),
        }
        run.piece_began = at;
        if cut == Cut::Segment {
            let duration = end - run.segment_began;
            run.segment_began = at;
            run.begins_segment = true;
            self.window.end_segment();
            self.target.get_or_insert_with(|| whole_seconds(duration.max(self.wanted.segment)));
        }
    }
}

impl Run {
    fn description(&self) -> Description {
        let pictures = self.lead.kind == MediaKind::Video;
        let step = self.mean_step().filter(|_| pictures);
        Description { tracks: self.tracks.clone(), frame_rate: step.map(|step| 1.0 / step.as_secs_f64()) }
    }

    fn note(&mut self, packet: &Packet) {
        if packet.track == self.lead {
            self.frames += 1;
            self.newest = self.newest.max(packet.dts);
        } else {
            self.newest = self.newest.max(packet.dts - STALL);
        }
    }

    /// Of the lead's frames so far.
    fn mean_step(&self) -> Option<Micros> {
        let steps = i64::try_from(self.frames.checked_sub(1)?).ok()?;
        Some(Micros((self.newest - self.first).0.checked_div(steps)?)).filter(|step| *step > Micros::ZERO)
    }

    fn gather(&mut self, packet: Packet) {
        self.cost += packet.data.len() + PACKET_OVERHEAD;
        self.gathered.push(packet);
    }

    /// The piece's bytes, and whether a decoder can begin there; `None` of an empty one.
    fn finish_piece(
        &mut self,
        clock: Option<Micros>,
        next: &[Packet],
    ) -> Result<Option<(Bytes, bool)>, MuxError> {
        let packets = mem::take(&mut self.gathered);
        self.cost = 0;
        let lead = packets.iter().find(|packet| packet.track == self.lead);
        let independent = lead.is_some_and(|packet| packet.keyframe);
        let piece = Piece {
            packets: &packets,
            next,
            begins_segment: self.begins_segment,
            clock: clock.map(|unix| (self.lead, self.piece_began, unix)),
        };
        if packets.iter().all(|packet| packet.data.is_empty()) {
            return Ok(None);
        }
        let bytes = self.muxer.piece(&piece)?;
        self.begins_segment = false;
        Ok(Some((bytes, independent)))
    }
}

/// As many whole groups of pictures as are needed.
fn target_of(group: Micros, wanted: Micros) -> Micros {
    let groups = ((wanted - SLACK).as_secs_f64() / group.as_secs_f64().max(0.001)).ceil().max(1.0);
    whole_seconds(group.scale(groups))
}

fn whole_seconds(duration: Micros) -> Micros {
    let seconds = duration.as_secs_f64().round().max(1.0);
    Micros::from_secs(seconds as i64).min(MAX_TARGET)
}

/// As many frames as come nearest to what is wanted, and a little more, since time stamps are rounded: all parts but the
/// last of a segment must be 85 % of it at least (RFC 8216bis, 4.4.3.7).
fn longest_part(step: Micros, wanted: Micros) -> Micros {
    let frames = (wanted.as_secs_f64() / step.as_secs_f64()).round().max(1.0);
    let longest = step.scale(frames + 0.15);
    // Whole milliseconds.
    Micros::from_millis(longest.0.saturating_add(999) / 1000)
}

fn told_clock(message: &Metadata) -> Option<Micros> {
    let Message::Script { name, values } = &message.message else { return None };
    let [Value::Object(fields)] = values.as_slice() else { return None };
    let field = fields.iter().find(|(key, _)| key == CLOCK_FIELD).filter(|_| name == CLOCK_MESSAGE)?;
    match field.1 {
        Value::Number(ms) => Some(Micros((ms * 1000.0) as i64)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "packager_tests.rs"]
mod tests;
