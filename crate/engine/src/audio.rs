//! Decoded sound into the ring, at the right moment.
//!
//! Sound *joins* the running clock: its first sample is placed where the playhead will be when it is heard. From then on
//! it runs by itself and the clock follows its pace. Where it is found off by more than that (the ring ran dry, the output
//! stood still, the stream left something out) the sound is mended, never the picture: late samples are left out, early
//! ones wait, and every seam is faded. It never starts, stops or holds the clock.

use sailcast_media::{MediaTime, Micros};

use crate::{
    clock::Clock,
    decode::{DecodeStage, Outbox},
    depth::Depth,
    fade::{fade_in, let_go},
    io::{AudioOutput, Instant, Output, PcmBlock},
    offsets::Offsets,
    pcm::{CHANNELS, FADE, PcmBuffer, Resampler, Seam, to_stereo},
    ring::Ring,
    stretch::Stretch,
};

/// How soon to look again at packets that nothing decodes yet.
const PUMP_EVERY: Micros = Micros::from_millis(20);
/// A wake-up sooner than this is not worth it; a later one would tell the clock too little of what is heard.
const PUMP_SOONEST: Micros = Micros::from_millis(2);
const PUMP_LATEST: Micros = Micros::from_millis(40);
/// Where sound lies waiting anyway, the ring takes so much more than it must, as soon as a write is worth it: fewer
/// wake-ups, of the worker and of the output.
const AT_ONCE: Micros = Micros::from_millis(60);
const WORTH_WRITING: Micros = Micros::from_millis(40);
/// What stays back for the time-stretch to choose from; at rate 1 it does not choose.
const STAYS: Micros = Micros::from_millis(40);
/// Decoded sound kept before the ring.
const PCM_AHEAD: Micros = Micros::from_millis(160);
const DECODER_LIMIT: usize = 8;
/// From a packet's arrival to its samples.
const DECODE: Micros = Micros::from_millis(10);
/// From writing into an empty ring to the worklet's next read.
const PICKUP: Micros = Micros::from_millis(4);
/// A join closer than this is made exact by silence; a farther one waits for the playhead.
const JOIN_WITHIN: Micros = Micros::from_millis(100);
/// Packets that are late by more are not even decoded, but for the last one, which the decoder needs to find in.
const LATE_PACKET: Micros = Micros::from_millis(100);
const FIND_IN: Micros = Micros::from_millis(30);
/// Sound found this late or early, in each report of that time, is mended. Reports themselves come late at times.
const LATE: Micros = Micros::from_millis(30);
const EARLY: Micros = Micros::from_millis(60);
/// An output that should have run out so long ago has: its report is on the way.
const OVERDUE: Micros = Micros::from_millis(40);
/// What must be left behind a cut.
const AFTER_CUT: Micros = Micros::from_millis(20);
/// An output that has taken nothing of so much is standing still: it gets no more.
const STANDS: Micros = Micros::from_millis(400);

#[derive(Debug)]
struct Open {
    buffer: PcmBuffer,
    resampler: Resampler,
    latency: Micros,
}

impl Open {
    fn new(sample_rate: u32, latency: Micros) -> Self {
        Self { buffer: PcmBuffer::new(sample_rate), resampler: Resampler::default(), latency }
    }
}

/// What was not heard as it was sent, since the load began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoundCounts {
    /// Packets that came too late to be decoded.
    pub dropped: u64,
    /// Decoded sound left out because it was late.
    pub cut: Micros,
    /// Silence where the stream had no sound.
    pub silence_filled: Micros,
    /// How often the output had nothing to play while there should have been sound.
    pub underruns: u64,
}

/// Why the sound must join anew.
#[derive(Debug, PartialEq)]
enum Lost {
    /// It was stopped, or has not begun.
    Stopped,
    /// The ring ran dry; the media time at which it did.
    Dry(MediaTime),
}

#[derive(Debug)]
pub struct Audio {
    pub stage: DecodeStage,
    open: Option<Open>,
    stretch: Stretch,
    ring: Ring,
    depth: Depth,
    /// `None`: joined.
    lost: Option<Lost>,
    /// The end of what was written last, for a fade; the next samples do not follow from it.
    tail: Vec<f32>,
    seam: bool,
    /// The level after the last write, if the next one was not kept waiting by the stream.
    filled: Option<u64>,
    written_at: Instant,
    /// The output has been standing still.
    stood: bool,
    /// What waits to join is too early before this.
    early_until: Option<Instant>,
    /// What was heard when, for the A/V offset.
    heard: Option<(MediaTime, Instant)>,
    offsets: Offsets,
    /// The distance is known to have changed without an underrun.
    moved: bool,
    counts: SoundCounts,
    /// The decoder failed: this load goes on without sound.
    pub disabled: bool,
}

impl Default for Audio {
    fn default() -> Self {
        Self {
            stage: DecodeStage::default(),
            open: None,
            stretch: Stretch::default(),
            ring: Ring::default(),
            depth: Depth::default(),
            lost: Some(Lost::Stopped),
            tail: Vec::new(),
            seam: true,
            filled: None,
            written_at: Instant(0),
            stood: false,
            early_until: None,
            heard: None,
            offsets: Offsets::default(),
            moved: false,
            counts: SoundCounts::default(),
            disabled: false,
        }
    }
}

impl Audio {
    /// The output appeared, went, or has another latency.
    pub fn set_output(&mut self, output: AudioOutput, out: &mut Outbox) {
        match (output, &mut self.open) {
            (AudioOutput::Off, open) => {
                *open = None;
                self.stage.close(out);
                self.stage.restart();
                self.ring = Ring::default();
                self.leave();
            }
            (AudioOutput::Running { sample_rate, latency }, Some(open))
                if open.buffer.sample_rate() == sample_rate =>
            {
                self.moved |= open.latency != latency;
                open.latency = latency;
                self.offsets.clear();
            }
            (AudioOutput::Running { sample_rate, latency }, open) => {
                *open = Some(Open::new(sample_rate, latency));
                self.ring = Ring::default();
                self.leave();
            }
        }
    }

    /// How long before it is heard sound must be here: decoded, in the ring, and through the output.
    pub fn lead(&self) -> Micros {
        self.open.as_ref().map_or(Micros::ZERO, |open| open.latency + self.depth.goal() + DECODE)
    }

    pub fn counts(&self) -> SoundCounts {
        self.counts
    }

    /// Another configuration comes in place of one that did not work.
    pub fn enable(&mut self) {
        if std::mem::take(&mut self.disabled) {
            self.stage.queue.clear();
            self.stage.forgive();
        }
    }

    /// There is an output, and nothing that keeps this load's sound from it.
    pub fn is_wanted(&self) -> bool {
        self.open.is_some() && !self.disabled
    }

    /// Feeds the decoder, or drops what nobody will hear. While the playhead is `pinned` to a moving edge, nothing is
    /// decoded that a later start would leave out.
    pub fn feed(&mut self, ended: bool, pinned: bool, playhead: MediaTime, now: Instant, out: &mut Outbox) {
        match &self.open {
            Some(open) if !self.disabled && !pinned => {
                let due = playhead + open.latency;
                if self.stage.queue.first_dts().is_some_and(|first| due - first > LATE_PACKET + FIND_IN) {
                    let dropped = self.stage.queue.drop_until(due - FIND_IN);
                    self.counts.dropped = self.counts.dropped.saturating_add(dropped as u64);
                }
                if open.buffer.length() < PCM_AHEAD {
                    self.stage.feed(DECODER_LIMIT, ended, None, now, out);
                }
            }
            _ => {
                self.stage.queue.drop_until(playhead);
            }
        }
    }

    pub fn is_stuck(&self, now: Instant) -> bool {
        self.is_wanted() && self.stage.is_stuck(DECODER_LIMIT, now)
    }

    pub fn on_samples(&mut self, pts: MediaTime, block: &PcmBlock, now: Instant) {
        self.stage.on_output(pts, now);
        let Some(open) = &mut self.open else { return };
        let mut stereo = to_stereo(block);
        let rate = open.buffer.sample_rate();
        if block.sample_rate != rate {
            stereo = open.resampler.run(&stereo, block.sample_rate, rate);
        }
        let joined = self.lost.is_none();
        match open.buffer.append(pts, &stereo, joined) {
            Seam::Even => {}
            Seam::Filled(gap) => self.counts.silence_filled += gap,
            Seam::Overlapped(both) => self.counts.cut += both,
            Seam::Restarted(gap) if joined => {
                self.counts.silence_filled += gap;
                self.leave();
            }
            Seam::Restarted(_) => {}
        }
    }

    /// When `pump` has something to do, if nothing happens until then.
    pub fn next_pump(&self, now: Instant) -> Option<Instant> {
        let open = self.open.as_ref().filter(|_| self.is_wanted() && !self.stands())?;
        self.stage.config()?;
        if open.buffer.frames() == 0 {
            // What the decoder holds comes by itself.
            let is_held = self.stage.inside() == 0 && !self.stage.queue.is_empty();
            return is_held.then(|| now + PUMP_EVERY);
        }
        if self.early_until.is_some() {
            return self.early_until;
        }
        let level = open.buffer.time_of(self.ring.level(now, open.buffer.sample_rate()) as usize);
        let spare = level - (self.depth.goal() - self.depth.write_above());
        Some(now + spare.clamp(PUMP_SOONEST, PUMP_LATEST))
    }

    /// Tops the ring up. Without a running clock nothing is written.
    pub fn pump(&mut self, clock: &Clock, now: Instant, out: &mut Outbox) {
        if !clock.is_running() || !self.is_wanted() {
            return;
        }
        if let Some((media, at)) = self.heard {
            self.offsets.note(media - clock.media(at), at);
        }
        self.find_dry(now);
        self.early_until = None;
        if self.stands() {
            self.stood = true;
            return;
        }
        if std::mem::take(&mut self.stood) {
            // What it still had is old by now.
            self.silence(now, out);
        }
        if self.lost.is_some() && !self.join(clock, now, out) {
            return;
        }
        self.mend(now, out);
        self.top_up(clock.rate(), now, out);
    }

    /// The output has stopped taking anything: it has enough for when it goes on, and says so then.
    fn stands(&self) -> bool {
        self.open.as_ref().is_some_and(|open| self.ring.untold() > open.buffer.frames_in(STANDS) as u64)
    }

    fn find_dry(&mut self, now: Instant) {
        let Some(open) = &self.open else { return };
        let overdue = self.ring.overdue(now, open.buffer.sample_rate()) > OVERDUE;
        if self.lost.is_some() || !(self.ring.is_dry() || overdue) {
            return;
        }
        self.ring.presume_dry(now);
        if open.buffer.frames() > 0 {
            self.depth.ran_dry(now - self.written_at, now);
        }
        let end = self.stretch.position(&open.buffer);
        self.leave();
        self.lost = Some(Lost::Dry(end));
    }

    fn top_up(&mut self, rate: f64, now: Instant, out: &mut Outbox) {
        let Some(open) = &mut self.open else { return };
        let buffer = &mut open.buffer;
        let level = self.ring.level(now, buffer.sample_rate());
        let goal = buffer.frames_in(self.depth.goal()) as u64;
        let missing = goal.saturating_sub(level);
        let stays = if rate == 1.0 { Micros::ZERO } else { STAYS };
        let waiting = buffer.frames_in(buffer.length() - stays) as u64;
        let room = goal.saturating_add(buffer.frames_in(AT_ONCE) as u64).saturating_sub(level);
        let fitting = waiting.min(room);
        let must = missing >= buffer.frames_in(self.depth.write_above()) as u64;
        if !must && fitting < buffer.frames_in(WORTH_WRITING) as u64 {
            return;
        }
        if buffer.frames() == 0 {
            self.filled = None;
            return;
        }
        if let Some(filled) = self.filled.take() {
            self.depth.taken(buffer.time_of(filled.min(goal).saturating_sub(level) as usize), now);
        }
        let media = self.stretch.position(buffer);
        let data = self.stretch.take(buffer, missing.max(fitting) as usize, rate);
        let length = self.stretch.position(buffer) - media;
        self.filled = Some(level.saturating_add((data.len() / CHANNELS) as u64));
        self.write(data, media, length, now, out);
    }

    /// Appends to the ring what carries `length` of the stream from `media` on.
    fn write(
        &mut self,
        mut data: Vec<f32>,
        media: MediaTime,
        length: Micros,
        now: Instant,
        out: &mut Outbox,
    ) {
        let Some(open) = &self.open else { return };
        let fade = open.buffer.frames_in(FADE);
        if std::mem::take(&mut self.seam) {
            // What a dry or cleared ring left behind, the worklet itself lets go of.
            if self.ring.is_dry() {
                fade_in(&mut data, fade);
            } else {
                let_go(&self.tail, &mut data, fade);
            }
        }
        self.tail.extend_from_slice(&data);
        let old = self.tail.len().saturating_sub(fade.saturating_mul(CHANNELS));
        self.tail.drain(..old);
        self.ring.write((data.len() / CHANNELS) as u64, media, length, now);
        self.written_at = now;
        let sample_rate = open.buffer.sample_rate();
        out.push(Output::Pcm(PcmBlock { sample_rate, channels: CHANNELS as u8, data }));
    }

    fn write_silence(&mut self, until: MediaTime, length: Micros, now: Instant, out: &mut Outbox) {
        let frames = self.open.as_ref().map_or(0, |open| open.buffer.frames_in(length));
        if frames > 0 {
            self.seam = true;
            self.write(vec![0.0; frames.saturating_mul(CHANNELS)], until - length, length, now, out);
            self.seam = true;
        }
    }

    /// Brings the buffer's start to where the playhead will be when it is heard.
    fn join(&mut self, clock: &Clock, now: Instant, out: &mut Outbox) -> bool {
        let Some(open) = &mut self.open else { return false };
        let queued = open.buffer.time_of(self.ring.level(now, open.buffer.sample_rate()) as usize);
        let want = clock.media(now + queued + open.latency + PICKUP);
        let late = (want - open.buffer.start()).max(Micros::ZERO);
        let frames = open.buffer.frames_in(late).min(open.buffer.frames());
        if frames > 0 {
            open.buffer.advance(frames);
            if let Some(Lost::Dry(_)) = self.lost {
                self.counts.cut += open.buffer.time_of(frames);
                self.counts.underruns = self.counts.underruns.saturating_add(1);
                self.lost = Some(Lost::Stopped);
            }
        }
        if open.buffer.frames() == 0 {
            return false;
        }
        let start = open.buffer.start();
        let early = start - want;
        if early > JOIN_WITHIN {
            self.early_until = Some(now + (early - JOIN_WITHIN).scale(1.0 / clock.rate()).max(PUMP_SOONEST));
            return false;
        }
        if let Some(Lost::Dry(end)) = self.lost {
            // It came in time: there was none in the stream.
            self.counts.silence_filled += (start - end).max(Micros::ZERO);
        }
        self.stretch.reset();
        self.offsets.clear();
        self.moved = false;
        self.lost = None;
        self.seam = true;
        self.write_silence(start, early.max(Micros::ZERO), now, out);
        true
    }

    /// Sound that came out of step joins again where the playhead is: what is late is cut out, what is early waits.
    fn mend(&mut self, now: Instant, out: &mut Outbox) {
        let (Some(offset), Some(open)) = (self.offsets.sure(), &mut self.open) else { return };
        if offset < -LATE {
            let frames = open.buffer.frames_in(-offset);
            // With less at hand, the clock glides to the sound instead: the buffer is too thin for where the playhead is.
            if open.buffer.length() < -offset + AFTER_CUT {
                return;
            }
            let media = self.stretch.position(&open.buffer);
            let data = self.stretch.cut(&mut open.buffer, frames);
            let length = open.buffer.start() - media;
            self.counts.cut += length - open.buffer.time_of(data.len() / CHANNELS);
            if !self.moved {
                self.counts.underruns = self.counts.underruns.saturating_add(1);
                self.depth.ran_dry(Micros::ZERO, now);
            }
            self.write(data, media, length, now, out);
        } else if offset > EARLY {
            let start = self.stretch.position(&open.buffer);
            self.write_silence(start, offset, now, out);
        } else {
            return;
        }
        self.moved = false;
        self.filled = None;
        self.offsets.clear();
    }

    /// The output has taken `frames` in all; the media time now audible, if it is the stream's.
    pub fn on_played(&mut self, frames: u64, now: Instant) -> Option<MediaTime> {
        let taken = self.ring.taken(frames, now)?;
        let latency = self.open.as_ref().map_or(Micros::ZERO, |o| o.latency);
        if self.lost.is_some() {
            return None;
        }
        let heard = taken - latency;
        self.heard = Some((heard, now));
        Some(heard)
    }

    /// The media time heard at `now`.
    pub fn heard(&self, now: Instant) -> Option<MediaTime> {
        self.heard.filter(|_| self.lost.is_none()).map(|(media, at)| media + (now - at))
    }

    /// Silences the ring and forgets decoded sound before `to`; the rest joins anew.
    pub fn skip_to(&mut self, to: MediaTime, now: Instant, out: &mut Outbox) {
        self.stage.queue.drop_until(to);
        if let Some(open) = &mut self.open {
            let gone = open.buffer.frames_in(to - open.buffer.start());
            open.buffer.advance(gone);
        }
        self.silence(now, out);
    }

    /// Empties the ring at once: a pause, a skip, the end of a load.
    pub fn silence(&mut self, now: Instant, out: &mut Outbox) {
        if self.open.is_some() && !self.ring.is_dry() {
            out.push(Output::ClearPcm);
        }
        self.ring.clear(now);
        self.leave();
    }

    /// Takes over the output of the load before; the ring goes on counting.
    pub fn inherit(&mut self, before: &mut Audio) {
        self.ring = std::mem::take(&mut before.ring);
        self.depth = std::mem::take(&mut before.depth);
        self.open = before.open.as_ref().map(|open| Open::new(open.buffer.sample_rate(), open.latency));
    }

    /// Where the sound that is still to be heard begins.
    pub fn next_media(&self) -> Option<MediaTime> {
        let decoded = self.open.as_ref().filter(|o| o.buffer.frames() > 0).map(|o| o.buffer.start());
        decoded.or_else(|| self.stage.next_time())
    }

    /// Nothing decoded is left to be heard.
    pub fn is_played_out(&self) -> bool {
        !self.is_wanted()
            || (self.stage.is_drained() && self.open.as_ref().is_none_or(|o| o.buffer.frames() == 0))
    }

    fn leave(&mut self) {
        self.lost = Some(Lost::Stopped);
        self.heard = None;
        self.filled = None;
        self.offsets.clear();
    }
}
