//! The file of a recording: where it begins, what goes on in it, and where its time has no gap.

use bytes::{Bytes, BytesMut};
use sailcast_media::{MediaKind, MediaTime, Micros, Packet, TrackId, TrackInfo};

use super::writer::{Failure, Writer};
use crate::io::{Container, Instant};

/// A picture without a keyframe for so long is not waited for.
pub const KEYFRAME_WITHIN: Micros = Micros::from_secs(10);
/// The same data so near to where the file ended is the same packet: the clock of another connection is found by its packets.
const SAME_WITHIN: Micros = Micros::from_millis(200);
/// More than this at a seam is closed.
const MAX_GAP: Micros = Micros::from_millis(500);
/// Where the step of a track is not known.
const USUAL_STEP: Micros = Micros::from_millis(33);
/// What is written is handed over when it is so much, or of so much time.
const PIECE: usize = 64 << 10;
const PIECE_EVERY: Micros = Micros::from_secs(1);

#[derive(Debug)]
pub struct File {
    writer: Writer,
    /// From the player's timeline to the file's.
    shift: Micros,
    video: Written,
    audio: Written,
    seam: Option<Seam>,
    /// The picture has not gone on since the last seam: it needs a keyframe.
    is_broken: bool,
    /// The data of the last packet of the picture.
    last_picture: Bytes,
    buffer: BytesMut,
    /// Up to where it was handed over.
    told: MediaTime,
}

/// The source has been cut, and the file does not go on yet.
#[derive(Clone, Copy, Debug)]
struct Seam {
    since: Instant,
    is_elsewhere: bool,
}

/// What the file has of one kind.
#[derive(Debug, Default)]
struct Written {
    /// As the file has it, if it is one of its tracks.
    track: Option<TrackInfo>,
    /// dts of the last packet, on the file's time.
    last: Option<MediaTime>,
    step: Option<Micros>,
}

impl File {
    pub fn begin(container: Container, tracks: &[TrackInfo], start: MediaTime) -> Result<Self, Failure> {
        let tracks: Vec<_> = tracks.iter().cloned().map(numbered).collect();
        let mut buffer = BytesMut::new();
        let written = |kind| {
            let track = tracks.iter().find(|track| track.kind() == kind).cloned();
            Written { track, ..Written::default() }
        };
        Ok(Self {
            writer: Writer::begin(container, &tracks, &mut buffer)?,
            shift: MediaTime(0) - start,
            video: written(MediaKind::Video),
            audio: written(MediaKind::Audio),
            seam: None,
            is_broken: false,
            last_picture: Bytes::new(),
            buffer,
            told: MediaTime(0),
        })
    }

    /// The source goes on behind a break, or elsewhere: at times that have nothing to do with those before.
    pub fn cut(&mut self, is_elsewhere: bool, now: Instant) {
        let was_elsewhere = self.seam.is_some_and(|seam| seam.is_elsewhere);
        self.is_broken = true;
        self.seam = Some(Seam { since: now, is_elsewhere: is_elsewhere || was_elsewhere });
    }

    /// Writes a packet, behind its configuration where that is new. What was complete by then comes out in pieces.
    pub fn take(
        &mut self,
        packet: &Packet,
        config: Option<TrackInfo>,
        now: Instant,
    ) -> Result<Option<Bytes>, Failure> {
        let kind = packet.track.kind;
        let Some(track) = &mut self.written(kind).track else { return Ok(None) };
        if let Some(config) = config.map(numbered).filter(|config| config != track) {
            track.clone_from(&config);
            self.writer.config(&config, &mut self.buffer)?;
        }
        if !self.goes_on(packet, now) {
            return Ok(None);
        }
        let at = packet.dts + self.shift;
        let track = TrackId { kind, number: 0 };
        let moved = Packet { track, dts: at, pts: packet.pts + self.shift, ..packet.clone() };
        self.writer.packet(&moved, &mut self.buffer)?;
        if kind == MediaKind::Video {
            self.last_picture = packet.data.clone();
        }
        self.written(kind).note(at, packet.duration);
        if self.buffer.is_empty() || self.buffer.len() < PIECE && at - self.told < PIECE_EVERY {
            return Ok(None);
        }
        self.told = at;
        Ok(Some(self.buffer.split().freeze()))
    }

    /// The last piece.
    pub fn finish(self) -> Bytes {
        let Self { writer, mut buffer, .. } = self;
        writer.finish(&mut buffer);
        buffer.freeze()
    }

    /// Whether the packet belongs behind what the file has. The first one behind a seam closes the gap.
    fn goes_on(&mut self, packet: &Packet, now: Instant) -> bool {
        let kind = packet.track.kind;
        let at = packet.dts + self.shift;
        let is_elsewhere = self.seam.is_some_and(|seam| seam.is_elsewhere);
        let is_new = is_elsewhere || self.written(kind).last.is_none_or(|last| at > last);
        let gap = at - self.end();
        match (kind, self.seam) {
            (MediaKind::Video, _) if !self.is_broken => return true,
            (MediaKind::Video, Some(_)) if !is_elsewhere && self.is_last(packet, at) => {
                (self.seam, self.is_broken) = (None, false);
                return false;
            }
            (MediaKind::Video, _) if !packet.keyframe || !is_new => return false,
            (MediaKind::Audio, _) if !is_new || at < MediaTime(0) && !is_elsewhere => return false,
            (MediaKind::Audio, None) => return true,
            // It may go on where it was, but not beyond a gap that the picture will close.
            (MediaKind::Audio, Some(seam))
                if self.video.track.is_some() && now - seam.since < KEYFRAME_WITHIN =>
            {
                return !is_elsewhere && gap <= MAX_GAP;
            }
            _ => {}
        }
        if is_elsewhere || self.seam.is_some() && gap > MAX_GAP {
            self.shift = self.shift - gap;
        }
        self.seam = None;
        self.is_broken &= kind == MediaKind::Audio;
        true
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
