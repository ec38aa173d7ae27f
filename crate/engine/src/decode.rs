//! One track's way through its decoder: configure, feed, flush, replace.
//!
//! Its invariant is the fifth law: the first packet after a configuration, a flush or a loss is a keyframe. It limits what
//! is inside the decoder by count, and notices a decoder that takes packets and gives nothing.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros, TrackInfo};

use crate::{
    io::{DecoderId, DecoderMode, DecoderPath, Instant, Output, RequestId},
    queue::{Item, PacketQueue},
};

/// A full decoder that gives nothing for this long is broken.
const STUCK_AFTER: Micros = Micros::from_secs(3);

/// Decoders made one after the other that give nothing: it is not the packets.
const MAX_FAILURES: u8 = 3;

/// Where outputs go, and the source of ids.
#[derive(Debug, Default)]
pub struct Outbox {
    pub queue: VecDeque<Output>,
    decoders: u32,
    requests: u32,
}

impl Outbox {
    pub fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub fn request(&mut self) -> RequestId {
        self.requests = self.requests.wrapping_add(1);
        RequestId(self.requests)
    }

    fn decoder(&mut self) -> DecoderId {
        self.decoders = self.decoders.wrapping_add(1);
        DecoderId(self.decoders)
    }
}

/// Packets that were not decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// For want of a decoder, or of the keyframe that they build on.
    pub undecodable: u64,
    /// Disposable ones whose time had passed.
    pub late: u64,
}

#[derive(Debug, Default)]
pub struct DecodeStage {
    pub queue: PacketQueue,
    decoder: Option<DecoderId>,
    config: Option<TrackInfo>,
    /// As last received.
    newest_config: Option<TrackInfo>,
    /// Presentation times inside the decoder.
    pending: Vec<MediaTime>,
    flushing: bool,
    need_keyframe: bool,
    last_progress: Instant,
    drained: bool,
    /// Failures since the decoder last gave something.
    failures: u8,
}

impl DecodeStage {
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

    /// The configuration received last, in use already or not.
    pub fn newest_config(&self) -> Option<&TrackInfo> {
        self.newest_config.as_ref()
    }

    pub fn push_config(&mut self, track: TrackInfo) {
        self.newest_config = Some(track.clone());
        self.queue.push_config(track);
    }

    /// How many pictures or pieces of sound are inside the decoder.
    pub fn inside(&self) -> usize {
        self.pending.len()
    }

    /// After the end of the stream: everything has come out of the decoder.
    pub fn is_drained(&self) -> bool {
        self.drained || (self.decoder.is_none() && self.queue.is_empty())
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
    ) -> Left {
        let mut left = Left::default();
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
                        self.configure(track, out);
                    }
                }
                Some(Item::Break) => {
                    self.queue.pop();
                    self.need_keyframe = true;
                }
                Some(Item::Packet(_)) => {
                    if self.pending.len() >= limit {
                        break;
                    }
                    let (Some(Item::Packet(packet)), Some(id)) = (self.queue.pop(), self.decoder) else {
                        left.undecodable = left.undecodable.saturating_add(1);
                        continue;
                    };
                    if self.need_keyframe && !packet.keyframe {
                        left.undecodable = left.undecodable.saturating_add(1);
                        continue;
                    }
                    if packet.disposable && !packet.keyframe && late.is_some_and(|late| packet.pts < late) {
                        left.late = left.late.saturating_add(1);
                        continue;
                    }
                    self.need_keyframe = false;
                    self.last_progress = now;
                    self.pending.push(packet.pts);
                    out.push(Output::Decode(id, packet));
                }
            }
        }
        left
    }

    /// The decoder gave the frame or samples of `pts`; whatever should have come before it is out or lost.
    pub fn on_output(&mut self, pts: MediaTime, now: Instant) {
        self.pending.retain(|p| *p > pts);
        self.last_progress = now;
        self.failures = 0;
    }

    pub fn on_flushed(&mut self, out: &mut Outbox) {
        self.flushing = false;
        self.pending.clear();
        self.need_keyframe = true;
        match self.queue.front() {
            Some(Item::Config(_)) => self.close(out),
            _ => self.drained = true,
        }
    }

    /// The decoder has failed and is gone; the next keyframe gets a new one. False when that has been tried in vain.
    pub fn on_failed(&mut self) -> bool {
        self.restart();
        self.failures = self.failures.saturating_add(1);
        self.failures < MAX_FAILURES
    }

    /// The decoder is gone; the next keyframe gets a new one of the same configuration.
    pub fn restart(&mut self) {
        self.decoder = None;
        self.flushing = false;
        self.pending.clear();
        if let Some(track) = self.config.clone() {
            self.queue.push_front_config(track);
        }
    }

    /// Another configuration comes: what failed before says nothing of it.
    pub fn forgive(&mut self) {
        self.failures = 0;
    }

    /// The earliest time inside the decoder or before it.
    pub fn next_time(&self) -> Option<MediaTime> {
        self.pending.iter().min().copied().or_else(|| self.queue.first_dts())
    }

    /// Time has passed in which no decoder could give anything.
    pub fn slept(&mut self, now: Instant) {
        self.last_progress = now;
    }

    pub fn is_stuck(&self, limit: usize, now: Instant) -> bool {
        let waiting = self.flushing || self.pending.len() >= limit;
        self.decoder.is_some() && waiting && now - self.last_progress > STUCK_AFTER
    }

    pub fn close(&mut self, out: &mut Outbox) {
        if let Some(id) = self.decoder.take() {
            out.push(Output::CloseDecoder(id));
        }
        self.pending.clear();
        self.flushing = false;
    }

    fn flush(&mut self, id: DecoderId, now: Instant, out: &mut Outbox) {
        self.flushing = true;
        self.last_progress = now;
        out.push(Output::Flush(id));
    }

    fn configure(&mut self, track: TrackInfo, out: &mut Outbox) {
        self.close(out);
        let id = out.decoder();
        let mode = DecoderMode { path: DecoderPath::WebCodecs, low_delay: reorder_depth(&track) == 0 };
        out.push(Output::Configure(id, track.config.clone(), mode));
        self.decoder = Some(id);
        self.config = Some(track);
        self.need_keyframe = true;
        self.drained = false;
    }
}

/// How many frames the decoder must hold back to reorder them.
pub fn reorder_depth(track: &TrackInfo) -> u8 {
    match track.config.params {
        sailcast_media::CodecParams::Video(v) => v.reorder_depth,
        sailcast_media::CodecParams::Audio(_) => 0,
    }
}
