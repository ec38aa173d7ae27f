//! The way from samples to packets, of one rate and number of channels: mixed, filtered, cut into blocks, encoded.

use std::collections::VecDeque;

use sailcast_codec_face::{Error, Packet};

use crate::{
    BLOCK,
    clock::Clock,
    lowpass::LowPass,
    profile::{self, Coded},
};

/// Blocks that an encoder hears before it takes over from another one: with them it knows of every attack that its first packet's
/// windows depend on.
pub const WARM: usize = 4;
/// Of a second: where another decoder follows, sound ends so gently.
const FADE: u32 = 200;

pub struct Path {
    coded: Coded,
    inner: syom::Encoder,
    lowpass: LowPass,
    /// What has come through of the next block, interleaved.
    block: Vec<f32>,
    /// The last blocks that `inner` was given.
    heard: VecDeque<Vec<f32>>,
    /// The frame that it begins with, as the clock counts.
    from: f64,
    blocks: u64,
    packets: u64,
    /// Packets that are of what came before it takes over.
    skip: u64,
    /// The description is out.
    told: bool,
}

impl Path {
    /// From the first frame on.
    pub fn new(coded: Coded) -> Result<Self, Error> {
        let pitch = profile::highest_pitch(&coded);
        Ok(Self {
            inner: profile::encoder(&coded.config)?,
            lowpass: LowPass::new(coded.channels(), coded.step, pitch),
            coded,
            block: Vec::new(),
            heard: VecDeque::new(),
            from: 0.0,
            blocks: 0,
            packets: 0,
            skip: 0,
            told: false,
        })
    }

    /// Takes over at frame `from`, and has to be told what came before: all from [`Path::from`] on.
    pub fn following(coded: Coded, from: f64) -> Result<Self, Error> {
        let mut path = Self::new(coded)?;
        path.from = from - path.frames(WARM as u64);
        // One packet more than blocks, as its output is of the block before.
        path.skip = WARM as u64 + 1;
        Ok(path)
    }

    pub fn coded(&self) -> &Coded {
        &self.coded
    }

    pub fn from(&self) -> f64 {
        self.from
    }

    /// The frame after the last block that was given.
    pub fn until(&self) -> f64 {
        self.from + self.frames(self.blocks)
    }

    fn frames(&self, blocks: u64) -> f64 {
        (blocks * (BLOCK * self.coded.step) as u64) as f64
    }

    /// Takes whole frames of so many channels.
    pub fn hear(&mut self, frames: &[f32], channels: usize) {
        if self.coded.channels() < channels {
            let mean = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
            let mixed: Vec<f32> = frames.chunks(channels).map(mean).collect();
            self.lowpass.pass(&mixed, &mut self.block);
        } else {
            self.lowpass.pass(frames, &mut self.block);
        }
    }

    pub fn has_block(&self) -> bool {
        self.block.len() >= BLOCK * self.coded.channels()
    }

    /// The next block is the last one before another path takes over: what that one's decoder makes first rises from nothing.
    pub fn fade(&mut self) {
        let channels = self.coded.channels();
        let count = (self.coded.config.sample_rate / FADE) as usize;
        let end = &mut self.block[(BLOCK - count) * channels..BLOCK * channels];
        for (at, frame) in end.chunks_mut(channels).enumerate() {
            let gain = 0.5 + 0.5 * (std::f32::consts::PI * (at + 1) as f32 / count as f32).cos();
            frame.iter_mut().for_each(|sample| *sample *= gain);
        }
    }

    /// Encodes the next block, or at the end what there is of one.
    pub fn give(&mut self, clock: &mut Clock, out: &mut Vec<Packet>) -> Result<(), Error> {
        let samples = self.block.len().min(BLOCK * self.coded.channels());
        let block: Vec<f32> = self.block.drain(..samples).collect();
        let mut packets = Vec::new();
        let fed = feed(&mut self.inner, &block, self.coded.channels(), |data| packets.push(data.to_vec()));
        self.stamp(packets, clock, out);
        self.blocks += 1;
        if self.heard.len() == WARM {
            self.heard.pop_front();
        }
        self.heard.push_back(block);
        fed
    }

    /// Other bits of the same. Another encoder takes over, which has heard the last blocks: a packet's second half overlaps with the
    /// next one's first, and of equal sound both have chosen equal windows.
    pub fn tune(&mut self, coded: Coded) -> Result<(), Error> {
        if coded == self.coded {
            return Ok(());
        }
        let mut next = profile::encoder(&coded.config)?;
        for block in &self.heard {
            feed(&mut next, block, coded.channels(), |_| {})?;
        }
        self.inner = next;
        self.lowpass.set(profile::highest_pitch(&coded));
        self.coded = coded;
        Ok(())
    }

    /// What the filter holds too; then it is over.
    pub fn end(&mut self, clock: &mut Clock, out: &mut Vec<Packet>) -> Result<(), Error> {
        self.lowpass.end(&mut self.block);
        while !self.block.is_empty() {
            self.give(clock, out)?;
        }
        self.finish(clock, out)
    }

    /// Only what was given; then it is over.
    pub fn finish(&mut self, clock: &mut Clock, out: &mut Vec<Packet>) -> Result<(), Error> {
        if self.blocks == 0 {
            return Ok(());
        }
        let mut packets = Vec::new();
        let finished = self.inner.finish(|frame| {
            packets.push(frame.payload.to_vec());
            Ok(())
        });
        self.stamp(packets, clock, out);
        finished.map(|_| ()).map_err(|why| why.to_string())
    }

    fn stamp(&mut self, packets: Vec<Vec<u8>>, clock: &mut Clock, out: &mut Vec<Packet>) {
        for data in packets {
            let frame = self.from + self.frames(self.packets) - self.frames(1);
            self.packets += 1;
            if self.packets <= self.skip {
                continue;
            }
            let description = (!std::mem::replace(&mut self.told, true)).then(|| self.inner.asc().to_vec());
            let duration = clock.length(BLOCK * self.coded.step);
            out.push(Packet { pts: clock.at(frame), duration, data, description });
        }
    }
}

fn feed(
    encoder: &mut syom::Encoder,
    block: &[f32],
    channels: usize,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let plane =
        |channel: usize| -> Vec<f32> { block.iter().skip(channel).step_by(channels).copied().collect() };
    let planes: Vec<Vec<f32>> = (0..channels).map(plane).collect();
    let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
    let fed = encoder.feed(&planes, |frame| {
        take(frame.payload);
        Ok(())
    });
    fed.map(|_| ()).map_err(|why| why.to_string())
}
