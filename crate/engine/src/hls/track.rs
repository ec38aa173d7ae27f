//! One run of a demuxer: media that goes on without a break, from an initialization section or a discontinuity to the next one.
//!
//! **Invariant:** what leaves is on the player's timeline, and begins where the run's gate says: pictures at a keyframe where
//! something is missing before them, and nothing twice that was given from elsewhere.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sailcast_media::{
    DemuxEvent, Demuxer, MediaKind, MediaTime, Metadata, Micros, Packet, SkipReason, TrackId, TrackInfo,
    demux::{Format, probe},
    hls::Map,
};

use super::{
    delivery::Delivery,
    timeline::{Domain, Timeline},
};
use crate::{error::ErrorCode, event::Event, feed::CutReason};

/// A format shows in so many bytes.
const MOST_PROBED: usize = 4096;
/// Messages that wait for the first packet.
const MOST_WAITING: usize = 256;
/// Sound that waits for the first picture, whose time decides.
const MOST_EARLY: usize = 64;
const ROUNDING: Micros = Micros::from_millis(1);
/// A picture that comes so much later than the one before it, with nothing said of what lies between.
const HOLE: Micros = Micros::from_secs(1);
/// A piece of another playlist that begins so far from where it was taken to begin is not the one that was looked for.
const STRAY: Micros = Micros::from_millis(500);

/// What of a lane is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    pub video: bool,
    pub audio: bool,
    /// Messages are told.
    pub messages: bool,
    /// One sound is played, under this number; without one, tracks keep their own.
    pub number: Option<u8>,
}

impl Kinds {
    pub const ALL: Self = Self { video: true, audio: true, messages: true, number: None };

    fn has(self, kind: MediaKind) -> bool {
        match kind {
            MediaKind::Video => self.video,
            MediaKind::Audio => self.audio,
        }
    }
}

/// What is held back until it fits, and what is told with the first packet that does.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Pictures begin with a keyframe.
    pub keyframe: bool,
    pub cut: Option<CutReason>,
    /// The rendition that begins, and whether the player chose it.
    pub rendition: Option<(u32, bool)>,
    /// Pictures up to this decoding time are here.
    pub video_after: Option<MediaTime>,
    /// Sound before this time is here.
    pub sound_from: Option<MediaTime>,
}

pub struct Run {
    pub domain: Domain,
    pub map: Option<Arc<Map>>,
    kinds: Kinds,
    gate: Gate,
    demuxer: Option<(Format, Box<dyn Demuxer>)>,
    /// Bytes before the format is known.
    head: BytesMut,
    offset: Option<Micros>,
    /// Where the playlist has the piece under way.
    expected: MediaTime,
    /// That is a guess, by a playlist that may have its segments under other numbers.
    is_guess: bool,
    /// Where it begins, which is elsewhere: nothing of it is given.
    strayed: Option<MediaTime>,
    /// A packet of it has come.
    is_placed: bool,
    first_video: Option<MediaTime>,
    first_audio: Option<MediaTime>,
    tracks: Vec<TrackInfo>,
    /// The sound that is played, where it is one.
    sound: Option<TrackId>,
    waiting: Vec<Metadata>,
    early: Vec<Packet>,
    is_initialised: bool,
}

/// Why a run cannot go on.
#[derive(Debug)]
pub struct Unplayable {
    pub code: ErrorCode,
    pub what: String,
}

impl Run {
    pub fn new(domain: Domain, map: Option<Arc<Map>>, kinds: Kinds, gate: Gate) -> Self {
        Self {
            domain,
            map,
            kinds,
            gate,
            demuxer: None,
            head: BytesMut::new(),
            offset: None,
            expected: MediaTime::default(),
            is_guess: false,
            strayed: None,
            is_placed: false,
            first_video: None,
            first_audio: None,
            tracks: Vec::new(),
            sound: None,
            waiting: Vec::new(),
            early: Vec::new(),
            is_initialised: false,
        }
    }

    /// The initialization section, where there is one, was given.
    pub fn is_initialised(&self) -> bool {
        self.is_initialised
    }

    pub fn initialise(
        &mut self,
        section: Bytes,
        timeline: &mut Timeline,
        delivery: &mut Delivery,
    ) -> Result<(), Unplayable> {
        self.is_initialised = true;
        self.push(section, timeline, delivery)
    }

    /// A piece begins that the playlist has at `expected`.
    pub fn begin(&mut self, expected: MediaTime, is_guess: bool) {
        self.expected = expected;
        self.is_guess = is_guess;
        self.is_placed = false;
        (self.first_video, self.first_audio) = (None, None);
    }

    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The same from the beginning of the piece, which begins there.
    pub fn anew(self, expected: MediaTime) -> Self {
        let mut run = Self::new(self.domain, self.map, self.kinds, self.gate);
        run.begin(expected, false);
        run
    }

    /// What has not passed yet.
    pub fn into_gate(self) -> Gate {
        self.gate
    }

    /// The piece is not the one that was looked for: where it begins.
    pub fn strayed(&self) -> Option<MediaTime> {
        self.strayed
    }

    /// Where the piece really began.
    pub fn first(&self) -> Option<MediaTime> {
        self.first_video.or(self.first_audio)
    }

    pub fn push(
        &mut self,
        data: Bytes,
        timeline: &mut Timeline,
        delivery: &mut Delivery,
    ) -> Result<(), Unplayable> {
        match &mut self.demuxer {
            Some((_, demuxer)) => demuxer.push(data),
            None => {
                self.head.extend_from_slice(&data);
                let Some(format) = probe(&self.head) else {
                    return if self.head.len() < MOST_PROBED { Ok(()) } else { Err(unknown()) };
                };
                let mut demuxer = demuxer(format);
                demuxer.push(self.head.split().freeze());
                self.demuxer = Some((format, demuxer));
            }
        }
        self.drain(timeline, delivery)
    }

    /// A segment ends here.
    pub fn flush(&mut self, timeline: &mut Timeline, delivery: &mut Delivery) -> Result<(), Unplayable> {
        let Some((_, demuxer)) = &mut self.demuxer else {
            return if self.head.is_empty() { Ok(()) } else { Err(unknown()) };
        };
        demuxer.flush();
        self.drain(timeline, delivery)?;
        self.release(timeline, delivery);
        Ok(())
    }

    fn drain(&mut self, timeline: &mut Timeline, delivery: &mut Delivery) -> Result<(), Unplayable> {
        while let Some((format, demuxer)) = &mut self.demuxer {
            let wraps = *format != Format::Mp4;
            match demuxer.poll() {
                Ok(Some(DemuxEvent::Track(info))) => self.on_track(info),
                Ok(Some(DemuxEvent::Packet(packet))) => self.on_packet(packet, wraps, timeline, delivery),
                Ok(Some(DemuxEvent::Metadata(message))) => self.on_message(message, delivery),
                Ok(Some(DemuxEvent::Skipped { why: SkipReason::Encrypted, .. })) => {
                    let what = "The stream is encrypted by its container.".to_owned();
                    return Err(Unplayable { code: ErrorCode::EncryptionUnsupported, what });
                }
                Ok(Some(skipped)) => delivery.pass(skipped),
                Ok(None) => return Ok(()),
                Err(error) => {
                    let what = format!("A segment is something else: {error}.");
                    return Err(Unplayable { code: ErrorCode::FormatUnrecognised, what });
                }
            }
        }
        Ok(())
    }

    /// What is played from here on.
    pub fn set_kinds(&mut self, kinds: Kinds) {
        self.kinds = kinds;
        self.early.clear();
    }

    /// The number that a track has outside; `None` where it is not the one that is played of its kind.
    fn outside(&mut self, id: TrackId) -> Option<TrackId> {
        let Some(number) = self.kinds.number.filter(|_| id.kind == MediaKind::Audio) else { return Some(id) };
        (*self.sound.get_or_insert(id) == id).then_some(TrackId::audio(number))
    }

    fn on_track(&mut self, mut info: TrackInfo) {
        let Some(id) = self.outside(info.id) else { return };
        info.id = id;
        match self.tracks.iter_mut().find(|known| known.id == info.id) {
            Some(known) => *known = info,
            None => self.tracks.push(info),
        }
    }

    fn on_message(&mut self, mut message: Metadata, delivery: &mut Delivery) {
        match self.offset {
            _ if !self.kinds.messages || self.strayed.is_some() => {}
            Some(offset) => {
                message.time = message.time + offset;
                delivery.pass(DemuxEvent::Metadata(message));
            }
            None if self.waiting.len() < MOST_WAITING => self.waiting.push(message),
            None => {}
        }
    }

    fn on_packet(
        &mut self,
        mut packet: Packet,
        wraps: bool,
        timeline: &mut Timeline,
        delivery: &mut Delivery,
    ) {
        let kind = packet.track.kind;
        let Some(track) = self.outside(packet.track).filter(|_| self.kinds.has(kind)) else { return };
        packet.track = track;
        let waits = self.offset.is_none() && self.kinds.video && kind == MediaKind::Audio;
        if waits && self.early.len() < MOST_EARLY {
            return self.early.push(packet);
        }
        let first = self.early.first().filter(|_| kind == MediaKind::Audio).map(|early| early.pts);
        self.place(first.unwrap_or(packet.pts), wraps, timeline, delivery);
        for early in std::mem::take(&mut self.early) {
            self.give(early, delivery);
        }
        self.give(packet, delivery);
    }

    /// What waited for a picture waits no longer.
    pub fn release(&mut self, timeline: &mut Timeline, delivery: &mut Delivery) {
        let Some(first) = self.early.first().map(|packet| packet.pts) else { return };
        let wraps = self.demuxer.as_ref().is_some_and(|(format, _)| *format != Format::Mp4);
        self.place(first, wraps, timeline, delivery);
        for early in std::mem::take(&mut self.early) {
            self.give(early, delivery);
        }
    }

    fn give(&mut self, mut packet: Packet, delivery: &mut Delivery) {
        let offset = self.offset.unwrap_or_default();
        packet.pts = packet.pts + offset;
        packet.dts = packet.dts + offset;
        let first = match packet.track.kind {
            MediaKind::Video => &mut self.first_video,
            MediaKind::Audio => &mut self.first_audio,
        };
        first.get_or_insert(packet.pts);
        if self.strayed.is_none()
            && self.admits(&packet, delivery)
            && let Some(info) = self.tracks.iter().find(|info| info.id == packet.track)
        {
            delivery.packet(info, packet);
        }
    }

    /// What is added to the times of the piece, which its first packet decides.
    fn place(&mut self, first: MediaTime, wraps: bool, timeline: &mut Timeline, delivery: &mut Delivery) {
        let is_first = !std::mem::replace(&mut self.is_placed, true);
        let is_good = |offset| !is_first || !Timeline::is_broken(offset, first, self.expected);
        if self.offset.is_some_and(is_good) {
            return;
        }
        // An encoder that began anew begins with a keyframe; what comes before one refers to what is not here.
        self.gate.keyframe |= self.offset.is_some();
        let offset = timeline.offset(self.domain, first, self.expected, wraps);
        self.offset = Some(offset);
        let is_far = (first + offset - self.expected).abs() > STRAY;
        self.strayed = (self.is_guess && is_far).then_some(first + offset);
        for message in std::mem::take(&mut self.waiting) {
            self.on_message(message, delivery);
        }
    }

    /// Whether a packet passes the gate.
    fn admits(&mut self, packet: &Packet, delivery: &mut Delivery) -> bool {
        match packet.track.kind {
            MediaKind::Video => {
                if self.gate.video_after.is_some_and(|after| packet.dts <= after) {
                    return false;
                }
                self.gate.video_after = None;
                if self.gate.keyframe && !packet.keyframe {
                    return false;
                }
                self.gate.keyframe = false;
                self.open(packet, delivery);
            }
            MediaKind::Audio => {
                if self.gate.sound_from.is_some_and(|from| packet.pts < from) {
                    return false;
                }
                self.gate.sound_from = None;
                // A change of rendition is one of the picture, where there is one.
                if self.gate.cut != Some(CutReason::Rendition) {
                    self.open(packet, delivery);
                }
            }
        }
        true
    }

    /// Tells what begins with this packet.
    fn open(&mut self, packet: &Packet, delivery: &mut Delivery) {
        let is_picture = packet.keyframe && packet.track.kind == MediaKind::Video;
        let hole = is_picture && delivery.goes_on_from().is_some_and(|end| packet.pts - end > HOLE);
        let cut = self.gate.cut.take().or(hole.then_some(CutReason::Gap));
        if let Some(why) = cut {
            // Times of the same picture differ by their rounding.
            delivery.cut(packet.pts - ROUNDING, why);
        }
        if let Some((id, auto)) = self.gate.rendition.take() {
            delivery.tell(Event::RenditionChange { id, auto });
        }
    }
}

fn unknown() -> Unplayable {
    let what = "A segment is neither MPEG-TS, MP4 nor sound.".to_owned();
    Unplayable { code: ErrorCode::FormatUnrecognised, what }
}

fn demuxer(format: Format) -> Box<dyn Demuxer> {
    match format {
        Format::Ts => Box::new(sailcast_media::TsDemuxer::new()),
        Format::Mp4 => Box::new(sailcast_media::Mp4Demuxer::new()),
        Format::PackedAudio => Box::new(sailcast_media::PackedDemuxer::new()),
        _ => Box::new(sailcast_media::FlvDemuxer::new()),
    }
}
