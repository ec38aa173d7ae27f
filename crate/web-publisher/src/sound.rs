//! Captured PCM on its way to the encoder, interleaved.
//!
//! **Invariant:** what is counted to the engine is what lies here: it says of each frame, in order, whether it is encoded or
//! dropped. The queue is bounded in time: what does not fit is not counted, and the gap in the positions tells the engine.

use std::collections::VecDeque;

/// The engine takes sound as it comes. An encoder that is still loading has a queue of its own.
const LONGEST_SECONDS: u32 = 2;
/// Of one call of the worklet, whose blocks are of some thousand frames at most.
const LONGEST_BLOCK: usize = 1 << 16;
/// WebCodecs and AAC know no more.
const MOST_CHANNELS: u8 = 8;

#[derive(Default)]
pub struct Sound {
    samples: VecDeque<f32>,
    sample_rate: u32,
    channels: u8,
    /// One channel of a block, and what is taken.
    scratch: Vec<f32>,
}

/// Interleaved f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block<'a> {
    pub samples: &'a [f32],
    pub sample_rate: u32,
    pub channels: u8,
}

impl Block<'_> {
    pub fn frames(&self) -> u32 {
        (self.samples.len() / usize::from(self.channels.max(1))) as u32
    }
}

impl Sound {
    /// What is still here is dropped.
    pub fn set_format(&mut self, sample_rate: u32, channels: u8) {
        self.samples.clear();
        self.sample_rate = sample_rate;
        self.channels = channels.min(MOST_CHANNELS);
    }

    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// Appends `frames` of every channel, read by `plane(channel, into)`. False: there is no place for them.
    pub fn push(&mut self, frames: usize, mut plane: impl FnMut(u8, &mut [f32])) -> bool {
        let channels = usize::from(self.channels);
        let longest = (self.sample_rate * LONGEST_SECONDS) as usize * channels;
        if channels == 0 || frames > LONGEST_BLOCK || self.samples.len() + frames * channels > longest {
            return false;
        }
        let start = self.samples.len();
        self.samples.resize(start + frames * channels, 0.0);
        self.scratch.resize(frames, 0.0);
        for channel in 0..self.channels {
            plane(channel, &mut self.scratch);
            let slots = self.samples.range_mut(start + usize::from(channel)..).step_by(channels);
            slots.zip(&self.scratch).for_each(|(slot, sample)| *slot = *sample);
        }
        true
    }

    /// Takes the next frames, filled up with silence where there are fewer.
    pub fn take<T>(&mut self, frames: u32, with: impl FnOnce(Block<'_>) -> T) -> T {
        let wanted = self.samples_of(frames);
        let here = wanted.min(self.samples.len());
        self.scratch.clear();
        self.scratch.extend(self.samples.drain(..here));
        self.scratch.resize(wanted, 0.0);
        with(self.block())
    }

    pub fn silence<T>(&mut self, frames: u32, with: impl FnOnce(Block<'_>) -> T) -> T {
        let wanted = self.samples_of(frames);
        self.scratch.clear();
        self.scratch.resize(wanted, 0.0);
        with(self.block())
    }

    pub fn drop_frames(&mut self, frames: u32) {
        let count = self.samples_of(frames).min(self.samples.len());
        self.samples.drain(..count);
    }

    /// Of one go, whoever asks.
    fn samples_of(&self, frames: u32) -> usize {
        let longest = (self.sample_rate * LONGEST_SECONDS) as usize;
        (frames as usize).min(longest) * usize::from(self.channels)
    }

    fn block(&self) -> Block<'_> {
        Block { samples: &self.scratch, sample_rate: self.sample_rate, channels: self.channels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8000;

    fn stereo() -> Sound {
        let mut sound = Sound::default();
        sound.set_format(RATE, 2);
        sound
    }

    /// Channel 0 counts from 0 up, channel 1 down.
    fn push(sound: &mut Sound, frames: usize) -> bool {
        sound.push(frames, |channel, into| {
            let sign = if channel == 0 { 1.0 } else { -1.0 };
            into.iter_mut().enumerate().for_each(|(at, sample)| *sample = sign * at as f32);
        })
    }

    #[test]
    fn planes_come_out_interleaved_in_order() {
        let mut sound = stereo();
        assert!(push(&mut sound, 3));
        assert!(push(&mut sound, 2));
        assert_eq!(sound.take(2, |block| block.samples.to_vec()), [0.0, 0.0, 1.0, -1.0]);
        sound.drop_frames(1);
        assert_eq!(
            sound.take(2, |block| (block.frames(), block.samples.to_vec())),
            (2, vec![0.0, 0.0, 1.0, -1.0])
        );
    }

    #[test]
    fn what_is_not_there_is_silence() {
        let mut sound = stereo();
        assert!(push(&mut sound, 2));
        sound.drop_frames(1);
        assert_eq!(sound.take(2, |block| block.samples.to_vec()), [1.0, -1.0, 0.0, 0.0]);
        assert_eq!(sound.silence(1, |block| block.samples.to_vec()), [0.0, 0.0]);
    }

    #[test]
    fn two_seconds_are_the_most() {
        let mut sound = stereo();
        assert!(push(&mut sound, RATE as usize));
        assert!(push(&mut sound, RATE as usize));
        assert!(!push(&mut sound, 1));
        sound.drop_frames(1);
        assert!(push(&mut sound, 1));
        assert!(!push(&mut sound, LONGEST_BLOCK + 1));
        assert_eq!(sound.silence(u32::MAX, |block| block.frames()), RATE * LONGEST_SECONDS);
    }

    #[test]
    fn another_format_drops_the_old_sound() {
        let mut sound = stereo();
        assert!(push(&mut sound, 8));
        sound.set_format(48_000, 1);
        assert_eq!(sound.take(1, |block| (block.samples.to_vec(), block.channels)), (vec![0.0], 1));
    }

    #[test]
    fn without_a_format_there_is_no_place() {
        assert!(!Sound::default().push(1, |_, _| {}));
    }
}
