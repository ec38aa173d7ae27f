//! Decoded sound into the ring, at the right moment.
//!
//! Sound *joins* the running clock: its first sample is placed where the playhead will be when it is heard. From then on
//! it runs by itself, the clock follows it, and only a dry ring or a skip makes it join anew. It never starts, stops or
//! holds the clock.

use sailcast_media::{MediaTime, Micros};

use crate::{
    clock::Clock,
    decode::{DecodeStage, Outbox},
    io::{AudioOutput, Instant, Output, PcmBlock},
    pcm::{CHANNELS, PcmBuffer, Resampler, Seam, to_stereo},
    ring::Ring,
    stretch::Stretch,
};

/// Sound kept in the ring: more than a late wake-up of the worker, less than a change of rate should wait.
pub const RING_AHEAD: Micros = Micros::from_millis(70);
/// How often the ring is topped up, and the least that is worth a write: each wakes the sound card's thread.
pub const PUMP_EVERY: Micros = Micros::from_millis(20);
/// Decoded sound kept before the ring.
const PCM_AHEAD: Micros = Micros::from_millis(160);
const DECODER_LIMIT: usize = 8;
/// From writing into an empty ring to the worklet's next read.
const PICKUP: Micros = Micros::from_millis(4);
/// A join closer than this is made exact by silence; a farther one waits for the playhead.
const JOIN_WITHIN: Micros = Micros::from_millis(100);
const FADE: Micros = Micros::from_millis(5);

#[derive(Debug)]
struct Open {
    buffer: PcmBuffer,
    resampler: Resampler,
    latency: Micros,
}

#[derive(Debug, Default)]
pub struct Audio {
    pub stage: DecodeStage,
    open: Option<Open>,
    stretch: Stretch,
    ring: Ring,
    joined: bool,
    fade_in: bool,
    /// What was heard when, for the A/V offset.
    heard: Option<(MediaTime, Instant)>,
    /// The decoder failed: this load goes on without sound.
    pub disabled: bool,
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
                open.latency = latency;
            }
            (AudioOutput::Running { sample_rate, latency }, open) => {
                *open = Some(Open {
                    buffer: PcmBuffer::new(sample_rate),
                    resampler: Resampler::default(),
                    latency,
                });
                self.ring = Ring::default();
                self.leave();
            }
        }
    }

    /// How long before it is heard sound must be here: decoded, in the ring, and through the output.
    pub fn lead(&self) -> Micros {
        self.open.as_ref().map_or(Micros::ZERO, |open| open.latency + RING_AHEAD + PUMP_EVERY)
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
                if open.buffer.length() < PCM_AHEAD {
                    self.stage.feed(DECODER_LIMIT, ended, now, out);
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
        if open.buffer.append(pts, &stereo) == Seam::Restarted {
            self.joined = false;
        }
    }

    /// Tops the ring up. Without a running clock nothing is written.
    pub fn pump(&mut self, clock: &Clock, now: Instant, out: &mut Outbox) {
        if !clock.is_running() || !self.is_wanted() {
            return;
        }
        if self.joined && self.ring.is_dry() {
            self.joined = false;
        }
        if !self.joined && !self.join(clock, now, out) {
            return;
        }
        let Some(open) = &mut self.open else { return };
        let hz = open.buffer.sample_rate();
        let goal = open.buffer.frames_in(RING_AHEAD) as u64;
        let missing = goal.saturating_sub(self.ring.level(now, hz));
        if missing < open.buffer.frames_in(PUMP_EVERY) as u64 || open.buffer.frames() == 0 {
            return;
        }
        let media = open.buffer.start();
        let mut data = self.stretch.take(&mut open.buffer, missing as usize, clock.rate());
        let length = open.buffer.start() - media;
        if std::mem::take(&mut self.fade_in) {
            ramp(&mut data, open.buffer.frames_in(FADE));
        }
        self.ring.write((data.len() / CHANNELS) as u64, media, length, now);
        out.push(Output::Pcm(PcmBlock { sample_rate: hz, channels: CHANNELS as u8, data }));
    }

    /// Brings the buffer's start to where the playhead will be when it is heard.
    fn join(&mut self, clock: &Clock, now: Instant, out: &mut Outbox) -> bool {
        let Some(open) = &mut self.open else { return false };
        let hz = open.buffer.sample_rate();
        let queued = MediaTime::from_ticks(self.ring.level(now, hz) as i64, hz);
        let heard_at = now + Micros(queued.0) + open.latency + PICKUP;
        let want = clock.media(heard_at);
        let late = want - open.buffer.start();
        if late > Micros::ZERO {
            let frames = open.buffer.frames_in(late);
            open.buffer.advance(frames);
        }
        if open.buffer.frames() == 0 {
            return false;
        }
        let early = open.buffer.start() - want;
        if early > JOIN_WITHIN {
            return false;
        }
        let silence = open.buffer.frames_in(early);
        if silence > 0 {
            self.ring.write(silence as u64, want, early, now);
            let data = vec![0.0; silence.saturating_mul(CHANNELS)];
            out.push(Output::Pcm(PcmBlock { sample_rate: hz, channels: CHANNELS as u8, data }));
        }
        self.joined = true;
        self.fade_in = true;
        true
    }

    /// The output has taken `frames` in all; the media time now audible, if it is the stream's.
    pub fn on_played(&mut self, frames: u64, now: Instant) -> Option<MediaTime> {
        let taken = self.ring.taken(frames, now)?;
        let latency = self.open.as_ref().map_or(Micros::ZERO, |o| o.latency);
        if !self.joined {
            return None;
        }
        let heard = taken - latency;
        self.heard = Some((heard, now));
        Some(heard)
    }

    /// The media time heard at `now`.
    pub fn heard(&self, now: Instant) -> Option<MediaTime> {
        self.heard.filter(|_| self.joined).map(|(media, at)| media + (now - at))
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
        if let Some(open) = &before.open {
            self.open = Some(Open {
                buffer: PcmBuffer::new(open.buffer.sample_rate()),
                resampler: Resampler::default(),
                latency: open.latency,
            });
        }
    }

    /// Nothing decoded is left to be heard.
    pub fn is_played_out(&self) -> bool {
        !self.is_wanted()
            || (self.stage.is_drained() && self.open.as_ref().is_none_or(|o| o.buffer.frames() == 0))
    }

    fn leave(&mut self) {
        self.joined = false;
        self.heard = None;
    }
}

fn ramp(data: &mut [f32], frames: usize) {
    for (i, sample) in data.iter_mut().take(frames.saturating_mul(CHANNELS)).enumerate() {
        *sample *= (i / CHANNELS) as f32 / frames.max(1) as f32;
    }
}
