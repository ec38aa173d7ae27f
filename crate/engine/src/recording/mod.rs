//! What is played, as a file: the packets of the player's timeline in MP4 or FLV, as they came.
//!
//! **Invariant:** the file begins with a keyframe of the picture at time 0, of the tracks that are played then, and within it picture
//! and sound keep their distance. Nothing is in it twice, and after another connection the picture goes on exactly behind the last
//! one of the file, or at a keyframe; what is missing between is left out of its time.

mod writer;

use bytes::{Bytes, BytesMut};
use sailcast_media::{MediaKind, MediaTime, Micros, Packet, TrackId, TrackInfo};

use self::writer::{Failure, Writer};
use crate::{
    event::Event,
    io::{Container, Instant, Output},
    outbox::Outbox,
};

/// A kind of which nothing has come so long after the first packet is not waited for.
const TRACK_WITHIN: Micros = Micros::from_secs(2);
/// A picture without a keyframe for so long is not waited for.
const KEYFRAME_WITHIN: Micros = Micros::from_secs(10);
/// The same data so near to where the file ended is the same packet: the clock of another connection is found by its packets.
const SAME_WITHIN: Micros = Micros::from_millis(200);
/// More than this between two connections is closed.
const MAX_GAP: Micros = Micros::from_millis(500);
/// Where the step of a track is not known.
const USUAL_STEP: Micros = Micros::from_millis(33);
/// What is written is handed over when it is so much, or of so much time.
const PIECE: usize = 64 << 10;
const PIECE_EVERY: Micros = Micros::from_secs(1);

/// Of one load, whether or not one is wanted.
#[derive(Debug, Default)]
pub struct Recording {
    /// As they are played now.
    video: Option<TrackInfo>,
    audio: Option<TrackInfo>,
    /// When the first packet came.
    since: Option<Instant>,
    wanted: Option<Wanted>,
    file: Option<File>,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    container: Container,
    since: Instant,
}

impl Recording {
    /// Begins one, after the end of another that is still going on, or ends it.
    pub fn want(&mut self, container: Option<Container>, now: Instant, out: &mut Outbox) {
        self.finish(out);
        self.wanted = container.map(|container| Wanted { container, since: now });
    }

    /// What of it is not out yet, and that it is complete.
    pub fn finish(&mut self, out: &mut Outbox) {
        if self.wanted.take().is_none() {
            return;
        }
        let rest = self.file.take().map(File::finish);
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            out.push(Output::Recorded(rest));
        }
        out.push(Output::Recorded(Bytes::new()));
    }

    /// This track is played from its next packet on, or with another configuration.
    pub fn config(&mut self, track: &TrackInfo) {
        *self.playing(track.kind()) = Some(track.clone());
        if let Some(file) = &mut self.file {
            file.written(track.kind()).is_told = false;
        }
    }

    /// The packets of another connection follow.
    pub fn joined(&mut self, now: Instant) {
        if let Some(file) = &mut self.file {
            file.seam = Some(now);
        }
    }

    /// Takes a packet of what is played, placed on the timeline.
    pub fn take(&mut self, packet: &Packet, now: Instant, out: &mut Outbox) {
        self.since.get_or_insert(now);
        let Some(wanted) = self.wanted else { return };
        match self.write(packet, wanted, now) {
            Ok(None) => {}
            Ok(Some(piece)) => out.push(Output::Recorded(piece)),
            Err(failure) => {
                let why = format!("The recording ended: {failure}.");
                out.push(Output::Event(Event::RecordingFailed(why)));
                self.finish(out);
            }
        }
    }

    fn write(&mut self, packet: &Packet, wanted: Wanted, now: Instant) -> Result<Option<Bytes>, Failure> {
        let kind = packet.track.kind;
        if self.file.is_none() {
            let Some(tracks) = self.begins(packet, wanted, now) else { return Ok(None) };
            self.file = Some(File::begin(wanted.container, &tracks, packet.dts)?);
        }
        let config = self.playing(kind).clone();
        match (&mut self.file, config) {
            (Some(file), Some(config)) => file.take(packet, config, now),
            _ => Ok(None),
        }
    }

    /// The tracks of a file that begins with this packet.
    fn begins(&self, packet: &Packet, wanted: Wanted, now: Instant) -> Option<Vec<TrackInfo>> {
        let settled = self.since.is_some_and(|since| now - since >= TRACK_WITHIN);
        let both = || [self.video.clone(), self.audio.clone()].into_iter().flatten().collect();
        match packet.track.kind {
            MediaKind::Video => (packet.keyframe && (self.audio.is_some() || settled)).then(both),
            MediaKind::Audio if self.video.is_none() => settled.then(both),
            MediaKind::Audio => {
                (now - wanted.since >= KEYFRAME_WITHIN).then(|| self.audio.clone().into_iter().collect())
            }
        }
    }

    fn playing(&mut self, kind: MediaKind) -> &mut Option<TrackInfo> {
        match kind {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        }
    }
}

/// There is nothing to record.
pub fn refuse(out: &mut Outbox) {
    let why = "There is nothing that plays and could be recorded.".to_owned();
    out.push(Output::Event(Event::RecordingFailed(why)));
    out.push(Output::Recorded(Bytes::new()));
}

#[derive(Debug)]
struct File {
    writer: Writer,
    /// From the player's timeline to the file's.
    shift: Micros,
    video: Written,
    audio: Written,
    /// When another connection took over, until the file goes on.
    seam: Option<Instant>,
    /// The data of the last packet of the picture.
    last_picture: Bytes,
    buffer: BytesMut,
    /// Up to where it was handed over.
    told: MediaTime,
}

/// What the file has of one kind.
#[derive(Debug, Default)]
struct Written {
    /// It is one of the file's tracks.
    is_there: bool,
    /// Its configuration is in the file.
    is_told: bool,
    /// dts of the last packet, on the file's time.
    last: Option<MediaTime>,
    step: Option<Micros>,
}

impl File {
    fn begin(container: Container, tracks: &[TrackInfo], start: MediaTime) -> Result<Self, Failure> {
        let tracks: Vec<_> = tracks.iter().cloned().map(numbered).collect();
        let mut buffer = BytesMut::new();
        let there = |kind| {
            let is_there = tracks.iter().any(|track| track.kind() == kind);
            Written { is_there, is_told: true, ..Written::default() }
        };
        Ok(Self {
            writer: Writer::begin(container, &tracks, &mut buffer)?,
            shift: MediaTime(0) - start,
            video: there(MediaKind::Video),
            audio: there(MediaKind::Audio),
            seam: None,
            last_picture: Bytes::new(),
            buffer,
            told: MediaTime(0),
        })
    }

    /// Writes a packet, with its configuration first where that is new. What was complete by then comes out in pieces.
    fn take(&mut self, packet: &Packet, config: TrackInfo, now: Instant) -> Result<Option<Bytes>, Failure> {
        let kind = packet.track.kind;
        if !self.written(kind).is_there || !self.goes_on(packet, now) {
            return Ok(None);
        }
        if !self.written(kind).is_told {
            self.writer.config(&numbered(config), &mut self.buffer)?;
        }
        let at = packet.dts + self.shift;
        let track = TrackId { kind, number: 0 };
        let moved = Packet { track, dts: at, pts: packet.pts + self.shift, ..packet.clone() };
        self.writer.packet(&moved, &mut self.buffer)?;
        if kind == MediaKind::Video {
            self.last_picture = packet.data.clone();
        }
        let written = self.written(kind);
        written.is_told = true;
        written.note(at, packet.duration);
        if self.buffer.is_empty() || self.buffer.len() < PIECE && at - self.told < PIECE_EVERY {
            return Ok(None);
        }
        self.told = at;
        Ok(Some(self.buffer.split().freeze()))
    }

    /// Whether the packet belongs behind what the file has; closes the gap before one with which it goes on.
    fn goes_on(&mut self, packet: &Packet, now: Instant) -> bool {
        let at = packet.dts + self.shift;
        let last = self.written(packet.track.kind).last;
        let is_new = last.is_none_or(|last| at > last);
        let gap = at - self.end();
        match (packet.track.kind, self.seam) {
            (MediaKind::Audio, _) if !is_new || at < MediaTime(0) => false,
            (_, None) => true,
            // Sound may go on where it was, but not beyond a gap that the picture will close.
            (MediaKind::Audio, Some(since)) if self.video.is_there && now - since < KEYFRAME_WITHIN => {
                gap <= MAX_GAP
            }
            (MediaKind::Video, Some(_)) if self.is_last(packet, at) => {
                self.seam = None;
                false
            }
            (MediaKind::Video, Some(_)) if !packet.keyframe || !is_new => false,
            (kind, Some(_)) => {
                if gap > MAX_GAP {
                    self.shift = self.shift - gap;
                }
                if kind == MediaKind::Video || !self.video.is_there {
                    self.seam = None;
                }
                true
            }
        }
    }

    /// The packet is the last one of the picture that the file has.
    fn is_last(&self, packet: &Packet, at: MediaTime) -> bool {
        let is_near = self.video.last.is_some_and(|last| (at - last).abs() <= SAME_WITHIN);
        is_near && packet.data == self.last_picture
    }

    /// Where what is written ends.
    fn end(&self) -> MediaTime {
        let ends = [&self.video, &self.audio].into_iter().filter_map(Written::end);
        ends.max().unwrap_or_default()
    }

    fn written(&mut self, kind: MediaKind) -> &mut Written {
        match kind {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        }
    }

    /// The last piece.
    fn finish(self) -> Bytes {
        let Self { writer, mut buffer, .. } = self;
        writer.finish(&mut buffer);
        buffer.freeze()
    }
}

impl Written {
    fn note(&mut self, at: MediaTime, duration: Option<Micros>) {
        let step = self.last.map(|last| at - last).filter(|step| (Micros(1)..MAX_GAP).contains(step));
        self.step = duration.or(step).or(self.step);
        self.last = self.last.max(Some(at));
    }

    fn end(&self) -> Option<MediaTime> {
        Some(self.last? + self.step.unwrap_or(USUAL_STEP))
    }
}

/// The file has one track of a kind, whichever is played.
fn numbered(track: TrackInfo) -> TrackInfo {
    TrackInfo { id: TrackId { number: 0, ..track.id }, ..track }
}
