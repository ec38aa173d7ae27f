//! AAC-LC out of samples: syom's encoder as a module with the [`sailcast_codec_face`].
//!
//! Sound is cut into blocks of 1024 frames; a packet is made of two of them, and each block is in two packets. **Invariant:** the
//! packets of the same samples are the same, however the samples come in, and each one's time is that of the first sample that a
//! decoder makes of it. So the first packet's lies a block before the first sample: it holds the fade from nothing into the first
//! block. Who cannot write a time before the beginning leaves it out, and the first block begins as any does for one who tunes in.
//!
//! With few bits less is coded than comes in: one channel, and fewer samples ([`profile`] says when). Where a new bitrate changes
//! that, the [`path`] there has been ends with a block, and its packets with that block's; those of the next one go on at the very
//! time. They are for another decoder, whose first packet rises from nothing: the sound dips for half a packet, and none comes twice or
//! late.
//!
//! A packet leaves when the block after its own is complete, as an attack in that block decides its windows, and a little later for
//! the sake of the [`lowpass`]: up to 3103 coded frames after its first sample. At 8 and 11 kHz it does not wait for that block: up to
//! 2079 frames. HE-AAC is left out: of the same bits syom makes more of LC.

mod clock;
mod lowpass;
mod path;
mod profile;

use std::collections::VecDeque;

use clock::Clock;
use path::{Path, WARM};
use profile::{Coded, LONGEST_STEP};
use sailcast_codec_face::{Encode, EncoderConfig, Error, Packet};

/// Frames in a block.
const BLOCK: usize = 1024;
/// Frames that came last: all that a path must know which takes over, and what the filter of the one before holds.
const RECENT: usize = (WARM + 2) * BLOCK * LONGEST_STEP;
/// Below it, 300 dB under full scale, numbers are slow and no sound.
const QUIET: f32 = 1e-15;

pub struct Encoder {
    /// What comes in, and the bits that it shall have.
    config: EncoderConfig,
    path: Path,
    /// Takes over at the end of the block.
    next: Option<Coded>,
    /// The last frames that came in, interleaved.
    recent: VecDeque<f32>,
    /// Frames since the beginning, or the last flush.
    passed: usize,
    clock: Clock,
}

impl Encode for Encoder {
    fn open(config: &EncoderConfig) -> Result<Self, Error> {
        let coded = profile::coded(config)?;
        Ok(Self {
            config: EncoderConfig { bitrate: coded.config.bitrate, ..*config },
            path: Path::new(coded)?,
            next: None,
            recent: VecDeque::new(),
            passed: 0,
            clock: Clock::new(config.sample_rate),
        })
    }

    fn encode(&mut self, samples: &[f32], pts: f64, out: &mut Vec<Packet>) -> Result<(), Error> {
        let channels = self.config.channels as usize;
        if !samples.len().is_multiple_of(channels) {
            return Err(format!("{} samples are not whole frames of {channels} channels", samples.len()));
        }
        if !pts.is_finite() {
            return Err("sound without a time".to_owned());
        }
        self.clock.set(pts);
        self.clock.pass(samples.len() / channels);
        for some in samples.chunks(BLOCK * channels) {
            let some: Vec<f32> = some.iter().map(|sample| clean(*sample)).collect();
            self.remember(&some);
            self.path.hear(&some, channels);
            if let Err(why) = self.give_whole(out) {
                self.begin_anew()?;
                return Err(why);
            }
        }
        Ok(())
    }

    fn set_bitrate(&mut self, bitrate: u32) -> Result<(), Error> {
        let coded = profile::coded(&EncoderConfig { bitrate, ..self.config })?;
        self.next = None;
        if coded.continues(self.path.coded()) {
            self.path.tune(coded)?;
        } else if self.passed == 0 {
            self.path = Path::new(coded)?;
        } else {
            self.next = Some(coded);
        }
        self.config.bitrate = coded.config.bitrate;
        Ok(())
    }

    fn bitrate(&self) -> u32 {
        self.config.bitrate
    }

    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), Error> {
        let ended = self.path.end(&mut self.clock, out);
        self.begin_anew().and(ended)
    }
}

impl Encoder {
    fn remember(&mut self, frames: &[f32]) {
        let channels = self.config.channels as usize;
        self.passed += frames.len() / channels;
        self.recent.extend(frames);
        let over = self.recent.len().saturating_sub(RECENT * channels);
        self.recent.drain(..over);
    }

    fn give_whole(&mut self, out: &mut Vec<Packet>) -> Result<(), Error> {
        while self.path.has_block() {
            if self.next.is_some() {
                self.path.fade();
            }
            self.path.give(&mut self.clock, out)?;
            if let Some(next) = self.next {
                self.path.finish(&mut self.clock, out)?;
                self.path = self.following(next)?;
                self.next = None;
            }
        }
        Ok(())
    }

    /// The path that goes on where the one there is has ended. Before the beginning was silence.
    fn following(&self, next: Coded) -> Result<Path, Error> {
        let channels = self.config.channels as usize;
        let mut path = Path::following(next, self.path.until())?;
        let known = self.recent.len() / channels;
        let wanted = (self.passed as f64 - path.from()) as usize;
        path.hear(&vec![0.0; wanted.saturating_sub(known) * channels], channels);
        let recent = self.recent.range(known.saturating_sub(wanted) * channels..);
        path.hear(&recent.copied().collect::<Vec<f32>>(), channels);
        Ok(path)
    }

    fn begin_anew(&mut self) -> Result<(), Error> {
        self.path = Path::new(self.next.take().unwrap_or(*self.path.coded()))?;
        self.recent.clear();
        self.passed = 0;
        self.clock = Clock::new(self.config.sample_rate);
        Ok(())
    }
}

/// syom takes no sample beyond full scale, and none that is not a number.
fn clean(sample: f32) -> f32 {
    if sample.is_nan() || sample.abs() < QUIET { 0.0 } else { sample.clamp(-1.0, 1.0) }
}

#[allow(unsafe_code, reason = "a module's exports have names of their own")]
mod module {
    sailcast_codec_face::encoder_module!(crate::Encoder);
}
