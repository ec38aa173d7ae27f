//! Picture and sound in one order: a source may bring seconds of one kind before the other, as HLS does with sound of its own.
//!
//! **Invariant:** a packet comes out behind all of the other kind that are decoded before it, unless those are later than
//! [`MAX_HOLD`] or [`MAX_HELD`]; within a kind the order stays. With it comes its configuration, where that is not the one of the
//! packet before.

use std::collections::VecDeque;

use sailcast_media::{MediaKind, Micros, Packet, TrackInfo};

use crate::io::Instant;

/// A kind of which nothing has come so long after the first packet is not waited for.
const TRACK_WITHIN: Micros = Micros::from_secs(2);
/// What one kind is ahead of the other.
const MAX_HOLD: Micros = Micros::from_secs(10);
/// Bytes of both.
const MAX_HELD: usize = 8 << 20;

#[derive(Debug, Default)]
pub struct Order {
    video: Kind,
    audio: Kind,
    /// When the first packet came.
    since: Option<Instant>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Kind {
    /// As it is played now.
    track: Option<TrackInfo>,
    /// The next packet is the first of it.
    is_new: bool,
    held: VecDeque<Held>,
}

#[derive(Debug)]
pub struct Held {
    pub packet: Packet,
    pub config: Option<TrackInfo>,
}

impl Order {
    pub fn config(&mut self, track: &TrackInfo) {
        let kind = self.kind(track.kind());
        kind.track = Some(track.clone());
        kind.is_new = true;
    }

    /// A packet came, whether or not it is recorded.
    pub fn note(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// Holds nothing, and tells all configurations again.
    pub fn begin_anew(&mut self) {
        self.bytes = 0;
        for kind in [&mut self.video, &mut self.audio] {
            kind.held.clear();
            kind.is_new = true;
        }
    }

    pub fn push(&mut self, packet: &Packet) {
        self.bytes = self.bytes.saturating_add(packet.data.len());
        let kind = self.kind(packet.track.kind);
        let config = kind.track.clone().filter(|_| kind.is_new);
        kind.is_new = false;
        kind.held.push_back(Held { packet: packet.clone(), config });
    }

    /// The next packet; of `all`, none is waited for any more.
    pub fn pop(&mut self, all: bool, now: Instant) -> Option<Held> {
        let kind = match (self.video.held.front(), self.audio.held.front()) {
            (Some(video), Some(audio)) if video.packet.dts <= audio.packet.dts => MediaKind::Video,
            (_, Some(_)) if !self.video.held.is_empty() => MediaKind::Audio,
            (Some(_), _) if all || !self.waits(&self.audio, &self.video, now) => MediaKind::Video,
            (None, Some(_)) if all || !self.waits(&self.video, &self.audio, now) => MediaKind::Audio,
            _ => return None,
        };
        let held = self.kind(kind).held.pop_front()?;
        self.bytes = self.bytes.saturating_sub(held.packet.data.len());
        Some(held)
    }

    /// The configuration of the next packet of a kind, where it is a new one.
    pub fn next_config(&self, kind: MediaKind) -> Option<TrackInfo> {
        let kind = if kind == MediaKind::Video { &self.video } else { &self.audio };
        kind.held.front()?.config.clone()
    }

    /// Something of the one kind may have to come before what there is of the other.
    fn waits(&self, missing: &Kind, there: &Kind, now: Instant) -> bool {
        let comes = missing.track.is_some() || self.since.is_none_or(|since| now - since < TRACK_WITHIN);
        let span = match (there.held.front(), there.held.back()) {
            (Some(first), Some(last)) => last.packet.dts - first.packet.dts,
            _ => Micros::ZERO,
        };
        comes && span < MAX_HOLD && self.bytes < MAX_HELD
    }

    fn kind(&mut self, kind: MediaKind) -> &mut Kind {
        match kind {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        }
    }
}
