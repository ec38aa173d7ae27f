//! AAC-LC out of samples: syom's encoder as a module with the [`sailcast_codec_face`].
//!
//! Sound is cut into blocks of 1024 frames; a packet is made of two of them, and each block is in two packets. **Invariant:** the
//! packets of the same samples are the same, however the samples come in, and each one's time is that of the first sample that a
//! decoder makes of it. So the first packet's lies a block before the first sample: it holds the fade from nothing into the first
//! block. Who cannot write a time before the beginning leaves it out, and the first block begins as any does for one who tunes in.
//!
//! A packet leaves when the block after its own is complete, as an attack in that block decides its windows, and a little later for
//! the sake of the [`lowpass`]: up to 3103 frames after its first sample. HE-AAC is left out: of the same bits syom makes more of LC
//! ([`profile`] says what of them).

mod clock;
mod lowpass;
mod profile;

use std::collections::VecDeque;

use clock::Clock;
use lowpass::LowPass;
use sailcast_codec_face::{Encode, EncoderConfig, Error, Packet};

/// Frames in a block.
const BLOCK: usize = 1024;
/// Blocks that an encoder hears before it takes over from another one: with them it knows of every attack that its first packet's
/// windows depend on.
const WARM: usize = 4;
/// Below it, 300 dB under full scale, numbers are slow and no sound.
const QUIET: f32 = 1e-15;

pub struct Encoder {
    inner: syom::Encoder,
    config: EncoderConfig,
    lowpass: LowPass,
    /// What has come through of the next block, interleaved.
    block: Vec<f32>,
    /// The last blocks that `inner` was given.
    heard: VecDeque<Vec<f32>>,
    clock: Clock,
    /// Packets since the beginning, or the last flush.
    made: u64,
}

impl Encode for Encoder {
    fn open(config: &EncoderConfig) -> Result<Self, Error> {
        let config = profile::nearest(config)?;
        let mut lowpass = LowPass::new(config.channels as usize);
        lowpass.set(profile::highest_pitch(&config));
        Ok(Self {
            inner: profile::encoder(&config)?,
            config,
            lowpass,
            block: Vec::new(),
            heard: VecDeque::new(),
            clock: Clock::new(config.sample_rate),
            made: 0,
        })
    }

    fn description(&self) -> &[u8] {
        self.inner.asc()
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
            self.lowpass.pass(&some, &mut self.block);
            self.give_whole(out)?;
        }
        Ok(())
    }

    /// Another encoder takes over, which has heard the last blocks: a packet's second half overlaps with the next one's first, and of
    /// equal sound both have chosen equal windows.
    fn set_bitrate(&mut self, bitrate: u32) -> Result<(), Error> {
        let config = profile::nearest(&EncoderConfig { bitrate, ..self.config })?;
        if config == self.config {
            return Ok(());
        }
        let mut next = profile::encoder(&config)?;
        for block in &self.heard {
            feed(&mut next, block, config.channels, |_| {})?;
        }
        self.inner = next;
        self.lowpass.set(profile::highest_pitch(&config));
        self.config = config;
        Ok(())
    }

    fn bitrate(&self) -> u32 {
        self.config.bitrate
    }

    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), Error> {
        self.lowpass.end(&mut self.block);
        let mut ended = self.give_whole(out);
        if ended.is_ok() && !self.block.is_empty() {
            ended = self.give(self.block.len(), out);
        }
        if ended.is_ok() && !self.heard.is_empty() {
            let mut packets = Vec::new();
            let finished = self.inner.finish(|frame| {
                packets.push(frame.payload.to_vec());
                Ok(())
            });
            ended = finished.map(|_| ()).map_err(|why| why.to_string());
            self.stamp(packets, out);
        }
        self.begin_anew().and(ended)
    }
}

impl Encoder {
    fn give_whole(&mut self, out: &mut Vec<Packet>) -> Result<(), Error> {
        let whole = BLOCK * self.config.channels as usize;
        while self.block.len() >= whole {
            self.give(whole, out)?;
        }
        Ok(())
    }

    /// Gives syom so many samples: a block, or less of one at the end.
    fn give(&mut self, samples: usize, out: &mut Vec<Packet>) -> Result<(), Error> {
        let block: Vec<f32> = self.block.drain(..samples).collect();
        let mut packets = Vec::new();
        let fed = feed(&mut self.inner, &block, self.config.channels, |data| packets.push(data.to_vec()));
        self.stamp(packets, out);
        if self.heard.len() == WARM {
            self.heard.pop_front();
        }
        self.heard.push_back(block);
        if fed.is_err() {
            self.begin_anew()?;
        }
        fed
    }

    fn stamp(&mut self, packets: Vec<Vec<u8>>, out: &mut Vec<Packet>) {
        for data in packets {
            let pts = self.clock.at(self.made as f64 * BLOCK as f64 - BLOCK as f64);
            out.push(Packet { pts, duration: self.clock.length(BLOCK), data });
            self.made += 1;
        }
    }

    fn begin_anew(&mut self) -> Result<(), Error> {
        self.lowpass.end(&mut self.block);
        self.block.clear();
        self.heard.clear();
        self.clock = Clock::new(self.config.sample_rate);
        self.made = 0;
        self.inner.reset().map_err(|why| why.to_string())
    }
}

fn feed(
    encoder: &mut syom::Encoder,
    block: &[f32],
    channels: u32,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let plane = |channel: usize| -> Vec<f32> {
        block.iter().skip(channel).step_by(channels as usize).copied().collect()
    };
    let planes: Vec<Vec<f32>> = (0..channels as usize).map(plane).collect();
    let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
    let fed = encoder.feed(&planes, |frame| {
        take(frame.payload);
        Ok(())
    });
    fed.map(|_| ()).map_err(|why| why.to_string())
}

/// syom takes no sample beyond full scale, and none that is not a number.
fn clean(sample: f32) -> f32 {
    if sample.is_nan() || sample.abs() < QUIET { 0.0 } else { sample.clamp(-1.0, 1.0) }
}

#[allow(unsafe_code, reason = "a module's exports have names of their own")]
mod module {
    sailcast_codec_face::encoder_module!(crate::Encoder);
}
