//! Picture and sound in one order, and of a source that loads ahead no more than is played: both may come seconds apart.
//!
//! **Invariant:** a packet comes out behind all of the other kind that are decoded before it, unless a live stream is later with
//! those than [`MAX_HOLD`] or [`MAX_HELD`]; within a kind the order stays. With it comes its configuration, where that is not the one
//! of the packet before. What waits for the playhead is in the player's own queues too, which bound it.

use std::collections::VecDeque;

use sailcast_media::{MediaKind, MediaTime, Micros, Packet, TrackInfo};

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
    /// Where the playhead is, of a source that loads ahead.
    playhead: Option<MediaTime>,
    bytes: usize,
    /// When the source broke last.
    broken: Option<Instant>,
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
    /// When the source broke last before it.
    pub broken: Option<Instant>,
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

    /// Nothing behind it is played yet.
    pub fn follow(&mut self, playhead: MediaTime) {
        self.playhead = Some(playhead);
    }

    /// Of a source that loads ahead.
    pub fn is_ahead(&self) -> bool {
        self.playhead.is_some()
    }

    /// What follows does not go on where the last packets ended.
    pub fn note_break(&mut self, now: Instant) {
        self.broken = Some(now);
    }

    /// Holds nothing, and tells all configurations again.
    pub fn begin_anew(&mut self) {
        self.bytes = 0;
        for kind in [&mut self.video, &mut self.audio] {
            kind.held.clear();
            kind.is_new = true;
        }
    }

    /// Takes back what is presented from `at` on.
    pub fn drop_from(&mut self, kind: MediaKind, at: MediaTime) {
        let keep = self.kind(kind).held.iter().position(|held| held.packet.pts >= at);
        self.drop_behind(kind, keep);
    }

    /// Takes back what is not played yet.
    pub fn drop_unplayed(&mut self) {
        let Some(playhead) = self.playhead else { return };
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let keep = self.kind(kind).held.iter().position(|held| held.packet.dts > playhead);
            self.drop_behind(kind, keep);
        }
    }

    /// Goes on at the last keyframe at or before `to`, where that is still to come.
    pub fn skip_to(&mut self, to: MediaTime) -> bool {
        let lead = if self.video.track.is_some() { &self.video } else { &self.audio };
        let mut entries = lead.held.iter().filter(|held| held.packet.keyframe && held.packet.pts <= to);
        let Some(begin) = entries.next_back().map(|held| held.packet.dts) else { return false };
        for kind in [MediaKind::Video, MediaKind::Audio] {
            while self.kind(kind).held.front().is_some_and(|held| held.packet.dts < begin) {
                let config = self.take_front(kind).and_then(|held| held.config);
                // It holds for what follows.
                if let Some(next) = self.kind(kind).held.front_mut() {
                    next.config = next.config.take().or(config);
                }
            }
        }
        true
    }

    pub fn push(&mut self, packet: &Packet) {
        self.bytes = self.bytes.saturating_add(packet.data.len());
        let broken = self.broken;
        let kind = self.kind(packet.track.kind);
        let config = kind.track.clone().filter(|_| kind.is_new);
        kind.is_new = false;
        kind.held.push_back(Held { packet: packet.clone(), config, broken });
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
        let front = self.kind(kind).held.front()?.packet.dts;
        if !all && self.playhead.is_some_and(|playhead| front > playhead) {
            return None;
        }
        self.take_front(kind)
    }

    /// The configuration of the next packet of a kind, where it is a new one.
    pub fn next_config(&self, kind: MediaKind) -> Option<TrackInfo> {
        let kind = if kind == MediaKind::Video { &self.video } else { &self.audio };
        match kind.held.front() {
            Some(next) => next.config.clone(),
            None => kind.track.clone().filter(|_| kind.is_new),
        }
    }

    /// Something of the one kind may have to come before what there is of the other.
    fn waits(&self, missing: &Kind, there: &Kind, now: Instant) -> bool {
        let comes = match missing.track {
            // The playhead does not come to where one of them is missing.
            Some(_) => self.playhead.is_none(),
            None => self.since.is_none_or(|since| now - since < TRACK_WITHIN),
        };
        let span = match (there.held.front(), there.held.back()) {
            (Some(first), Some(last)) => last.packet.dts - first.packet.dts,
            _ => Micros::ZERO,
        };
        comes && span < MAX_HOLD && self.bytes < MAX_HELD
    }

    fn take_front(&mut self, kind: MediaKind) -> Option<Held> {
        let held = self.kind(kind).held.pop_front()?;
        self.bytes = self.bytes.saturating_sub(held.packet.data.len());
        Some(held)
    }

    /// Takes back all but the first `keep`; a configuration among them is told again.
    fn drop_behind(&mut self, kind: MediaKind, keep: Option<usize>) {
        let Some(keep) = keep else { return };
        let kind = self.kind(kind);
        let gone = kind.held.split_off(keep);
        kind.is_new |= gone.iter().any(|held| held.config.is_some());
        let bytes = gone.iter().fold(0usize, |sum, held| sum.saturating_add(held.packet.data.len()));
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn kind(&mut self, kind: MediaKind) -> &mut Kind {
        match kind {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        }
    }
}
