//! One track's way through its decoder: configure, feed, flush, replace.
//!
//! Its invariant is the fifth law: the first packet after a configuration, a flush or a loss is a keyframe. It limits what
//! is inside the decoder by count, notices a decoder that takes packets and gives nothing, and goes down the ladder when one
//! fails. What it gave to a decoder that failed, it gives to the next one.

mod failure;

use sailcast_media::{CodecParams, DecoderConfig, MediaKind, MediaTime, Micros, Packet, TrackInfo};

use crate::{
    event::Event,
    io::{DecoderId, DecoderMode, DecoderPath, Instant, Output},
    ladder::{Ladder, PathReason, is_own},
    outbox::Outbox,
    queue::{Item, PacketQueue},
    recent::Recent,
};

pub use self::failure::{Fault, Verdict};

/// A full decoder that gives nothing for this long is broken.
const STUCK_AFTER: Micros = Micros::from_secs(3);
/// The same of one that has given nothing yet: hardware on a cold GPU process takes a while...
const FIRST_OF_WEBCODECS: Micros = Micros::from_secs(3);
/// ...and a module is fetched first, on the network that the stream takes as well.
const FIRST_OF_WASM: Micros = Micros::from_secs(12);
/// Packets that come to nothing before there is anything: two GOPs of 2 s, and the damage is not the stream's.
const MOST_LEFT_OUT: u32 = 120;
/// Packets inside, beyond the reorder depth, with which a decoder should have given something.
const FIRST_SLACK: usize = 3;

/// What feeding came to, in packets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// Not decoded for want of a decoder, or of the keyframe that they build on.
    pub undecodable: u64,
    /// Disposable ones whose time had passed.
    pub late: u64,
    /// Needs no decoder: its owner makes the sound of it, and feeds again.
    pub own: Option<(Packet, Micros)>,
}

#[derive(Debug, Default)]
pub struct DecodeStage {
    pub queue: PacketQueue,
    ladder: Ladder,
    decoder: Option<DecoderId>,
    /// Of the present decoder, or of the last one.
    path: Option<DecoderPath>,
    config: Option<TrackInfo>,
    /// Presentation times inside the decoder.
    pending: Vec<MediaTime>,
    recent: Recent,
    flushing: bool,
    need_keyframe: bool,
    /// The keyframe that decoding began at, within its GOP. Pictures shown before it refer to what came before it.
    begun_at: Option<MediaTime>,
    last_progress: Instant,
    drained: bool,
    /// Packets of which this decoder said that they came to nothing.
    left_out: u32,
    /// This decoder has given something; one like it has.
    gave: bool,
    worked: bool,
    /// Failures since a decoder last gave something.
    failures: u8,
    /// GOPs in a row that a decoder began and failed in twice.
    spoiled: u8,
    /// No rung of the ladder takes the configuration.
    refused: bool,
}

impl DecodeStage {
    pub fn new(ladder: Ladder) -> Self {
        Self { ladder, ..Self::default() }
    }

    pub fn owns(&self, id: DecoderId) -> bool {
        self.decoder == Some(id)
    }

    /// A configuration was seen: the track exists.
    pub fn is_known(&self) -> bool {
        self.config.is_some() || matches!(self.queue.front(), Some(Item::Config(_)))
    }

    pub fn config(&self) -> Option<&TrackInfo> {
        self.config.as_ref()
    }

    pub fn push_config(&mut self, track: TrackInfo) {
        self.queue.push_config(track);
    }

    /// There is a decoder for it, or should be.
    pub fn can_decode(&self, config: &DecoderConfig) -> bool {
        is_own(config.codec) || self.ladder.path(config).is_some()
    }

    /// The path in use, or used last.
    pub fn path(&self) -> Option<DecoderPath> {
        let own = self.config.as_ref().is_some_and(|track| is_own(track.config.codec));
        if own { Some(DecoderPath::Wasm) } else { self.path }
    }

    /// How many pictures or pieces of sound are inside the decoder.
    pub fn inside(&self) -> usize {
        self.pending.len()
    }

    /// After the end of the stream: everything has come out of the decoder.
    pub fn is_drained(&self) -> bool {
        self.drained || (self.decoder.is_none() && self.queue.is_empty())
    }

    /// No decoder takes the configuration that has come to the front. Said once.
    pub fn take_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }

    /// Moves packets into the decoder until `limit` are inside; `ended` says that no more will come. What no other packet
    /// needs and what should have been shown before `late` is left out.
    pub fn feed(
        &mut self,
        limit: usize,
        ended: bool,
        late: Option<MediaTime>,
        now: Instant,
        out: &mut Outbox,
    ) -> Fed {
        let mut fed = Fed::default();
        while !self.flushing {
            match self.queue.front() {
                None => {
                    if let Some(id) = self.decoder.filter(|_| ended && !self.drained) {
                        self.flush(id, now, out);
                    }
                    break;
                }
                Some(Item::Config(_)) => {
                    // The old decoder first gives what it has, so that no picture of the old size is lost.
                    if let Some(id) = self.decoder.filter(|_| !self.pending.is_empty()) {
                        self.flush(id, now, out);
                        break;
                    }
                    if let Some(Item::Config(track)) = self.queue.pop() {
                        self.configure(track, now, out);
                    }
                }
                Some(Item::Break) => {
                    self.queue.pop();
                    self.need_keyframe = true;
                }
                Some(Item::Packet(packet)) if self.is_own(packet) => {
                    // In its turn: the decoder first gives what was before.
                    if let Some(id) = self.decoder.filter(|_| !self.pending.is_empty()) {
                        self.flush(id, now, out);
                        break;
                    }
                    if let Some(Item::Packet(packet)) = self.queue.pop() {
                        let length = self.queue.length_of(&packet);
                        fed.own = Some((packet, length));
                    }
                    break;
                }
                Some(Item::Packet(_)) => {
                    if self.pending.len() >= limit {
                        break;
                    }
                    let (Some(Item::Packet(packet)), Some(id)) = (self.queue.pop(), self.decoder) else {
                        fed.undecodable = fed.undecodable.saturating_add(1);
                        continue;
                    };
                    let leads = !packet.keyframe && self.begun_at.is_some_and(|begun| packet.pts < begun);
                    if self.need_keyframe && !packet.keyframe || leads {
                        fed.undecodable = fed.undecodable.saturating_add(1);
                        continue;
                    }
                    if packet.disposable && !packet.keyframe && late.is_some_and(|late| packet.pts < late) {
                        fed.late = fed.late.saturating_add(1);
                        continue;
                    }
                    self.decode(id, packet, now, out);
                }
            }
        }
        fed
    }

    /// The decoder gave the frame or samples of `pts`; whatever should have come before it is out or lost. Whether they are
    /// its first.
    pub fn on_output(&mut self, pts: MediaTime, now: Instant) -> bool {
        self.pending.retain(|p| *p > pts);
        self.recent.came_out(pts);
        self.last_progress = now;
        self.failures = 0;
        self.worked = true;
        !std::mem::replace(&mut self.gave, true)
    }

    /// The packet of `pts` came to nothing. False when that is all that this decoder ever did.
    pub fn on_left_out(&mut self, pts: MediaTime, now: Instant) -> bool {
        self.pending.retain(|p| *p != pts);
        self.last_progress = now;
        self.left_out = self.left_out.saturating_add(1);
        self.gave || self.left_out < MOST_LEFT_OUT
    }

    pub fn on_flushed(&mut self, out: &mut Outbox) {
        self.flushing = false;
        self.pending.clear();
        self.recent.clear();
        self.need_keyframe = true;
        match self.queue.front() {
            Some(Item::Config(_)) => self.close(out),
            Some(_) => {}
            None => self.drained = true,
        }
    }

    /// The decoder is gone; the next keyframe gets a new one of the same configuration.
    pub fn restart(&mut self) {
        self.lose();
        self.recent.give_up();
        if let Some(track) = self.config.clone() {
            self.queue.push_front_config(track);
        }
    }

    fn lose(&mut self) {
        self.decoder = None;
        self.flushing = false;
        self.pending.clear();
    }

    /// Another configuration or another connection comes: what failed before says nothing of it.
    pub fn forgive(&mut self) {
        self.failures = 0;
        self.spoiled = 0;
    }

    /// The earliest time inside the decoder or before it.
    pub fn next_time(&self) -> Option<MediaTime> {
        self.pending.iter().min().copied().or_else(|| self.queue.first_dts())
    }

    /// Time has passed in which no decoder could give anything.
    pub fn slept(&mut self, now: Instant) {
        self.last_progress = now;
    }

    /// The present decoder has yet to show that it works.
    pub fn is_on_trial(&self) -> bool {
        self.decoder.is_some() && !self.gave
    }

    /// When a decoder that gives nothing until then is broken.
    pub fn deadline(&self, limit: usize) -> Option<Instant> {
        self.decoder?;
        let depth = self.config.as_ref().map_or(0, reorder_depth);
        let first = usize::from(depth).saturating_add(FIRST_SLACK);
        let enough = if self.gave { limit } else { limit.min(first) };
        if !self.flushing && self.pending.len() < enough {
            return None;
        }
        let patience = match self.path {
            _ if self.gave => STUCK_AFTER,
            Some(DecoderPath::Wasm) => FIRST_OF_WASM,
            _ => FIRST_OF_WEBCODECS,
        };
        Some(self.last_progress + patience)
    }

    pub fn is_stuck(&self, limit: usize, now: Instant) -> bool {
        self.deadline(limit).is_some_and(|at| now >= at)
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.close_quietly(out);
        self.pending.clear();
        self.flushing = false;
    }

    /// The decoder is of no more use; what it holds still counts.
    pub fn close_quietly(&mut self, out: &mut Outbox) {
        if let Some(id) = self.decoder.take() {
            out.push(Output::CloseDecoder(id));
        }
    }

    /// Its decoder is closed on purpose: what is inside is not wanted any more.
    pub fn rest(&mut self, out: &mut Outbox) {
        self.close(out);
        self.recent.clear();
        self.restart();
    }

    /// Another place of the stream follows, from a keyframe on: what waits and what is inside is not wanted any more.
    pub fn leave(&mut self, out: &mut Outbox) {
        let config = self.queue.last_config().cloned().or_else(|| self.config.clone());
        self.close(out);
        self.recent.clear();
        self.drained = false;
        self.queue = PacketQueue::default();
        if let Some(config) = config {
            self.queue.push_config(config);
        }
    }

    /// No decoder is asked for it.
    fn is_own(&self, packet: &Packet) -> bool {
        let Some(track) = &self.config else { return false };
        track.kind() == MediaKind::Audio && (packet.data.is_empty() || is_own(track.config.codec))
    }

    fn decode(&mut self, id: DecoderId, packet: Packet, now: Instant, out: &mut Outbox) {
        if packet.keyframe {
            self.begun_at = self.need_keyframe.then_some(packet.pts);
        }
        self.need_keyframe = false;
        self.drained = false;
        if self.gave || self.pending.is_empty() {
            self.last_progress = now;
        }
        let restarts = self.recent.restarts();
        self.recent.note(&packet);
        if packet.keyframe && restarts == 0 {
            // The GOP before went through.
            self.spoiled = 0;
        }
        self.pending.push(packet.pts);
        out.push(Output::Decode(id, packet));
    }

    fn flush(&mut self, id: DecoderId, now: Instant, out: &mut Outbox) {
        self.flushing = true;
        self.last_progress = now;
        out.push(Output::Flush(id));
    }

    fn configure(&mut self, track: TrackInfo, now: Instant, out: &mut Outbox) {
        self.close(out);
        self.need_keyframe = true;
        self.drained = false;
        self.gave = false;
        self.left_out = 0;
        self.last_progress = now;
        let before = self.config.replace(track.clone());
        if is_own(track.config.codec) {
            return;
        }
        let Some((path, reason)) = self.ladder.path(&track.config) else {
            self.refused = true;
            return;
        };
        if before.is_none_or(|before| before.config.codec_string != track.config.codec_string)
            || self.path != Some(path)
        {
            self.worked = false;
            self.failures = 0;
        }
        self.tell(track.kind(), path, reason, out);
        let id = out.decoder();
        let mode = DecoderMode { path, low_delay: reorder_depth(&track) == 0 };
        out.push(Output::Configure(id, track.config, mode));
        self.decoder = Some(id);
    }

    fn tell(&mut self, kind: MediaKind, to: DecoderPath, reason: Option<PathReason>, out: &mut Outbox) {
        let from = self.path.replace(to);
        if from.unwrap_or(DecoderPath::WebCodecs) != to {
            let reason = reason.unwrap_or(PathReason::Configuration);
            out.push(Output::Event(Event::DecoderChange { kind, from, to, reason }));
        }
    }
}

/// How many frames the decoder must hold back to reorder them.
pub fn reorder_depth(track: &TrackInfo) -> u8 {
    match track.config.params {
        CodecParams::Video(v) => v.reorder_depth,
        CodecParams::Audio(_) => 0,
    }
}

#[cfg(test)]
#[path = "leading_tests.rs"]
mod leading_tests;
