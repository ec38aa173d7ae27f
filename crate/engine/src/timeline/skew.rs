//! How far the sound is ahead of the picture in the order of arrival, and whether that is as usual.
//!
//! Publishers and servers interleave the tracks by some habit; a distance that changes for good is a clock that runs or
//! jumped by itself. Only what is steady is judged: servers that send a second of one and then of the other, or a picture
//! each few seconds, have no usual distance.

use sailcast_media::{MediaKind, MediaTime, Micros};

use super::PARTED;

/// So long, and so many packets of both tracks, make a measurement.
const ROUND: Micros = Micros::from_secs(1);
const PACKETS: u32 = 5;
/// A round in which one track has come so far without the other begins anew.
const ABANDONED: Micros = Micros::from_secs(3);
/// The distance varies by no more within a steady round.
const STEADY: Micros = Micros::from_millis(250);
/// Two rounds that differ by no more say the same.
const SAME: Micros = Micros::from_millis(100);

/// A round is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// From the usual distance, where both are known.
    pub deviation: Option<Micros>,
    /// The same once it has lasted.
    pub parted: Option<Micros>,
}

#[derive(Debug, Default)]
pub struct Skew {
    usual: Option<Micros>,
    /// Of the round before.
    last: Option<Micros>,
    video: Seen,
    audio: Seen,
}

/// One track in this round.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    from: Option<MediaTime>,
    packets: u32,
    length: Micros,
    /// Sound minus picture at this track's packets: least and greatest.
    range: Option<(Micros, Micros)>,
}

impl Seen {
    fn note(&mut self, at: MediaTime, ahead: Micros) {
        let from = *self.from.get_or_insert(at);
        self.packets = self.packets.saturating_add(1);
        self.length = at - from;
        self.range = Some(self.range.map_or((ahead, ahead), |(l, h)| (l.min(ahead), h.max(ahead))));
    }

    fn is_enough(&self) -> bool {
        self.packets >= PACKETS && self.length >= ROUND
    }

    fn steady(&self) -> Option<(Micros, Micros)> {
        self.range.filter(|(least, greatest)| *greatest - *least <= STEADY)
    }
}

impl Skew {
    /// The usual distance, once it has shown.
    pub fn usual(&self) -> Option<Micros> {
        self.usual
    }

    /// What was measured in this round is of no use any more.
    pub fn begin(&mut self) {
        self.last = None;
        self.video = Seen::default();
        self.audio = Seen::default();
    }

    /// A packet came, after which the tracks stand there.
    pub fn note(&mut self, kind: MediaKind, video: MediaTime, audio: MediaTime) -> Option<Measured> {
        match kind {
            MediaKind::Video => self.video.note(video, audio - video),
            MediaKind::Audio => self.audio.note(audio, audio - video),
        }
        if self.video.length.max(self.audio.length) > ABANDONED {
            self.begin();
            return None;
        }
        if !self.video.is_enough() || !self.audio.is_enough() {
            return None;
        }
        let now = self.distance();
        let last = self.last;
        self.begin();
        self.last = now;
        let lasts = now.zip(last).is_some_and(|(now, last)| (now - last).abs() <= SAME);
        if lasts && self.usual.is_none() {
            self.usual = now;
        }
        let deviation = now.zip(self.usual).map(|(now, usual)| now - usual);
        let parted = deviation.filter(|d| lasts && d.abs() > PARTED);
        Some(Measured { deviation, parted })
    }

    /// At a packet of the picture the sound has come less far than it is about to, and the reverse: the truth lies between.
    fn distance(&self) -> Option<Micros> {
        let (_, low) = self.video.steady()?;
        let (high, _) = self.audio.steady()?;
        Some(Micros(low.0.midpoint(high.0)))
    }
}
