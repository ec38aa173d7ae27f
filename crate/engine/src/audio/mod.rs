//! Decoded sound into the ring, at the right moment.
//!
//! Sound *joins* the running clock: its first sample is placed where the playhead will be when it is heard. From then on
//! it runs by itself and the clock follows its pace. Where it is found off by more than that (the ring ran dry, the output
//! stood still, the stream left something out) the sound is mended, never the picture: late samples are left out, early
//! ones wait, and every seam is faded. It never starts, stops or holds the clock.

mod join;
mod write;

use sailcast_media::{CodecParams, MediaTime, Micros, Packet};

use crate::{
    decode::DecodeStage,
    depth::Depth,
    downmix::to_stereo,
    g711::Law,
    io::{AudioOutput, Instant, Output, PcmBlock},
    ladder::Ladder,
    offsets::Offsets,
    outbox::Outbox,
    pcm::{PcmBuffer, Resampler, Seam},
    ring::Ring,
    stretch::Stretch,
};

/// How soon to look again at packets that nothing decodes yet.
const PUMP_EVERY: Micros = Micros::from_millis(20);
/// A wake-up sooner than this is not worth it; a later one would tell the clock too little of what is heard.
const PUMP_SOONEST: Micros = Micros::from_millis(2);
const PUMP_LATEST: Micros = Micros::from_millis(40);
/// Decoded sound kept before the ring.
const PCM_AHEAD: Micros = Micros::from_millis(160);
const DECODER_LIMIT: usize = 8;
/// From a packet's arrival to its samples.
const DECODE: Micros = Micros::from_millis(10);
/// Packets that are late by more are not even decoded, but for the last one, which the decoder needs to find in.
const LATE_PACKET: Micros = Micros::from_millis(100);
const FIND_IN: Micros = Micros::from_millis(30);

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
    /// How fast the playhead moves, and the sound that is written now.
    rate: f64,
    written_rate: f64,
    /// The decoder failed: this load goes on without sound.
    pub disabled: bool,
}

impl Audio {
    pub fn new(ladder: Ladder) -> Self {
        Self {
            stage: DecodeStage::new(ladder),
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
            rate: 1.0,
            written_rate: 1.0,
            disabled: false,
        }
    }

    /// The output appeared, went, or has another latency.
    pub fn set_output(&mut self, output: AudioOutput, out: &mut Outbox) {
        match (output, &mut self.open) {
            (AudioOutput::Off, open) => {
                *open = None;
                self.stage.rest(out);
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

    /// This load goes on without sound.
    pub fn disable(&mut self, now: Instant, out: &mut Outbox) {
        self.disabled = true;
        self.stage.close(out);
        self.stage.queue.clear();
        self.silence(now, out);
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
                let due = playhead + open.latency.scale(self.rate);
                if self.stage.queue.first_dts().is_some_and(|first| due - first > LATE_PACKET + FIND_IN) {
                    let dropped = self.stage.queue.drop_until(due - FIND_IN);
                    self.counts.dropped = self.counts.dropped.saturating_add(dropped as u64);
                }
                while self.has_room()
                    && let Some((packet, length)) = self.stage.feed(DECODER_LIMIT, ended, None, now, out).own
                {
                    self.on_own(&packet, length, now);
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

    pub fn deadline(&self) -> Option<Instant> {
        self.stage.deadline(DECODER_LIMIT).filter(|_| self.is_wanted())
    }

    fn has_room(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.buffer.length() < PCM_AHEAD.scale(self.written_rate.max(1.0)))
    }

    /// A packet that needs no decoder: an empty one is silence of its length.
    fn on_own(&mut self, packet: &Packet, length: Micros, now: Instant) {
        let Some(config) = self.stage.config().map(|track| &track.config) else { return };
        if packet.data.is_empty() {
            let joined = self.lost.is_none();
            if let Some(open) = &mut self.open {
                let seam = open.buffer.append_silence(packet.pts, length, joined);
                self.judge(seam);
            }
        } else if let (Some(law), CodecParams::Audio(params)) = (Law::of(config.codec), config.params) {
            let data = law.decode(&packet.data);
            let block = PcmBlock { sample_rate: params.sample_rate, channels: params.channels, data };
            self.on_samples(packet.pts, block, now);
        }
    }

    pub fn on_samples(&mut self, pts: MediaTime, block: PcmBlock, now: Instant) {
        let begins = self.stage.on_output(pts, now);
        let (Some(open), Some(track)) = (&mut self.open, self.stage.config()) else { return };
        let from = block.sample_rate;
        let mut stereo = to_stereo(block, track.config.codec);
        let rate = open.buffer.sample_rate();
        if from != rate {
            stereo = open.resampler.run(&stereo, from, rate);
        }
        if begins {
            open.buffer.expect_seam();
        }
        let seam = open.buffer.append(pts, &stereo, self.lost.is_none());
        self.judge(seam);
    }

    /// What the stream left out or had twice.
    fn judge(&mut self, seam: Seam) {
        let joined = self.lost.is_none();
        match seam {
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

    /// Silences the ring and forgets decoded sound before `to`; the rest joins anew.
    pub fn skip_to(&mut self, to: MediaTime, now: Instant, out: &mut Outbox) {
        self.stage.queue.drop_until(to);
        if let Some(open) = &mut self.open {
            let gone = open.buffer.frames_in(to - open.buffer.start());
            open.buffer.advance(gone);
        }
        self.silence(now, out);
    }

    /// To another place, of which nothing is here yet.
    pub fn go_to(&mut self, now: Instant, out: &mut Outbox) {
        self.stage.leave(out);
        if let Some(open) = &mut self.open {
            *open = Open::new(open.buffer.sample_rate(), open.latency);
        }
        self.silence(now, out);
    }

    /// When what was written last will have been heard.
    pub fn heard_until(&self, now: Instant) -> Instant {
        let Some(open) = self.open.as_ref().filter(|_| self.lost.is_none()) else { return now };
        now + open.buffer.time_of(self.ring.level(now, open.buffer.sample_rate()) as usize) + open.latency
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
