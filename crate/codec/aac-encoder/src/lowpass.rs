//! Leaves out what lies above a pitch: few bits are better spent on what remains.
//!
//! A symmetric filter. **Invariant:** what comes out is as long as what went in and of the same times, only later, [`DELAY`] frames.
//! It is as late where nothing is left out, so that the pitch may change while sound flows.

use std::f32::consts::PI;

const TAPS: usize = 63;
pub const DELAY: usize = TAPS / 2;

pub struct LowPass {
    channels: usize,
    /// None leaves nothing out.
    kernel: Option<[f32; TAPS]>,
    /// The last frames that came in, interleaved, and the new ones while they are worked on.
    frames: Vec<f32>,
    /// Frames yet to come out that are from before the beginning.
    early: usize,
}

impl LowPass {
    pub fn new(channels: usize) -> Self {
        Self { channels, kernel: None, frames: vec![0.0; (TAPS - 1) * channels], early: DELAY }
    }

    /// `pitch`: a part of the sample rate. From the next frame on.
    pub fn set(&mut self, pitch: Option<f32>) {
        self.kernel = pitch.map(kernel);
    }

    /// Whole frames.
    pub fn pass(&mut self, frames: &[f32], out: &mut Vec<f32>) {
        self.frames.extend_from_slice(frames);
        let late = (TAPS - 1) * self.channels;
        let count = frames.len() / self.channels;
        for frame in self.early.min(count)..count {
            let heard = &self.frames[frame * self.channels..][..TAPS * self.channels];
            match &self.kernel {
                Some(kernel) => out.extend((0..self.channels).map(|channel| {
                    let samples = heard[channel..].iter().step_by(self.channels);
                    let sum: f32 = samples.zip(kernel).map(|(sample, tap)| sample * tap).sum();
                    // It rings beyond the full scale that it was given.
                    sum.clamp(-1.0, 1.0)
                })),
                None => out.extend_from_slice(&heard[DELAY * self.channels..][..self.channels]),
            }
        }
        self.early -= self.early.min(count);
        self.frames.drain(..self.frames.len() - late);
    }

    /// What is inside, and from then on it is as new.
    pub fn end(&mut self, out: &mut Vec<f32>) {
        self.pass(&vec![0.0; DELAY * self.channels], out);
        self.frames.fill(0.0);
        self.early = DELAY;
    }
}

/// A sinc under Hamming's window, of which a steady signal comes out as it is.
fn kernel(pitch: f32) -> [f32; TAPS] {
    let tap = |at: usize| {
        let from_middle = at as f32 - DELAY as f32;
        let turn = 2.0 * PI * pitch * from_middle;
        let sinc = if at == DELAY { 1.0 } else { turn.sin() / turn };
        sinc * (0.54 + 0.46 * (PI * from_middle / (DELAY + 1) as f32).cos())
    };
    let taps: [f32; TAPS] = std::array::from_fn(tap);
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(filter: &mut LowPass, frames: &[f32], chunk: usize) -> Vec<f32> {
        let mut out = Vec::new();
        for some in frames.chunks(chunk) {
            filter.pass(some, &mut out);
        }
        filter.end(&mut out);
        out
    }

    fn tone(pitch: f32) -> Vec<f32> {
        (0..1000).map(|at| (2.0 * PI * pitch * at as f32).sin()).collect()
    }

    #[test]
    fn without_a_pitch_the_sound_stays_itself() {
        let sound = tone(0.3);
        let mut filter = LowPass::new(2);
        assert_eq!(passed(&mut filter, &sound, 10), sound);
        assert_eq!(passed(&mut filter, &sound[..6], 2), sound[..6]);
    }

    #[test]
    fn low_sound_keeps_its_time_and_high_sound_goes() {
        let mut filter = LowPass::new(1);
        filter.set(Some(0.2));
        let low = tone(0.1);
        let heard = passed(&mut filter, &low, 7);
        let inner = DELAY..low.len() - DELAY;
        assert!(inner.clone().all(|at| (heard[at] - low[at]).abs() < 0.01));
        let heard = passed(&mut filter, &tone(0.3), 7);
        assert!(inner.into_iter().all(|at| heard[at].abs() < 0.01));
    }
}
