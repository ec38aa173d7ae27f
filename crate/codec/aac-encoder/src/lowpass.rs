//! Leaves out what lies above a pitch, as few bits are better spent on what remains, and then those samples that say no more.
//!
//! A symmetric filter. **Invariant:** what comes out has the times of what went in, whatever is left out: frame 0 and then each
//! `step`th, only later, [`DELAY`] of the frames that come out.

use std::f32::consts::PI;

/// Of a kernel, for each frame of a step, but for the one in its middle.
const TAPS: usize = 62;
pub const DELAY: usize = TAPS / 2;

pub struct LowPass {
    channels: usize,
    step: usize,
    /// None leaves nothing out.
    kernel: Option<Vec<f32>>,
    /// The last frames that came in, interleaved, and the new ones while they are worked on.
    frames: Vec<f32>,
    /// Frames that come in before the next one comes out.
    wait: usize,
}

impl LowPass {
    /// One of `step` frames comes out. `pitch`: a part of the rate of what goes in.
    pub fn new(channels: usize, step: usize, pitch: Option<f32>) -> Self {
        Self {
            channels,
            step,
            kernel: pitch.map(|pitch| kernel(pitch, step)),
            frames: vec![0.0; TAPS * step * channels],
            wait: DELAY * step,
        }
    }

    /// From the next frame on.
    pub fn set(&mut self, pitch: Option<f32>) {
        self.kernel = pitch.map(|pitch| kernel(pitch, self.step));
    }

    /// Whole frames.
    pub fn pass(&mut self, frames: &[f32], out: &mut Vec<f32>) {
        self.frames.extend_from_slice(frames);
        let late = TAPS * self.step * self.channels;
        let count = frames.len() / self.channels;
        while self.wait < count {
            let heard = &self.frames[self.wait * self.channels..][..late + self.channels];
            match &self.kernel {
                Some(kernel) => out.extend((0..self.channels).map(|channel| {
                    let samples = heard[channel..].iter().step_by(self.channels);
                    let sum: f32 = samples.zip(kernel).map(|(sample, tap)| sample * tap).sum();
                    // It rings beyond the full scale that it was given.
                    sum.clamp(-1.0, 1.0)
                })),
                None => out.extend_from_slice(&heard[late / 2..][..self.channels]),
            }
            self.wait += self.step;
        }
        self.wait -= count;
        self.frames.drain(..self.frames.len() - late);
    }

    /// What is inside. Nothing goes in any more.
    pub fn end(&mut self, out: &mut Vec<f32>) {
        self.pass(&vec![0.0; DELAY * self.step * self.channels], out);
    }
}

/// A sinc under Hamming's window, of which a steady signal comes out as it is.
fn kernel(pitch: f32, step: usize) -> Vec<f32> {
    let middle = DELAY * step;
    let tap = |at: usize| {
        let from_middle = at as f32 - middle as f32;
        let turn = 2.0 * PI * pitch * from_middle;
        let sinc = if at == middle { 1.0 } else { turn.sin() / turn };
        sinc * (0.54 + 0.46 * (PI * from_middle / (middle + 1) as f32).cos())
    };
    let taps: Vec<f32> = (0..=TAPS * step).map(tap).collect();
    let sum: f32 = taps.iter().sum();
    taps.iter().map(|tap| tap / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(mut filter: LowPass, frames: &[f32], chunk: usize) -> Vec<f32> {
        let mut out = Vec::new();
        for some in frames.chunks(chunk) {
            filter.pass(some, &mut out);
        }
        filter.end(&mut out);
        out
    }

    fn tone(pitch: f32) -> Vec<f32> {
        (0..6000).map(|at| (2.0 * PI * pitch * at as f32).sin()).collect()
    }

    #[test]
    fn without_a_pitch_the_sound_stays_itself() {
        let sound = tone(0.3);
        assert_eq!(passed(LowPass::new(2, 1, None), &sound, 10), sound);
        assert_eq!(passed(LowPass::new(2, 1, None), &sound[..6], 2), sound[..6]);
    }

    #[test]
    fn low_sound_keeps_its_time_and_high_sound_goes() {
        for step in [1, 2, 3, 4, 6] {
            let filter = || LowPass::new(1, step, Some(0.4 / step as f32));
            let low = tone(0.3 / step as f32);
            let heard = passed(filter(), &low, 7);
            assert_eq!(heard.len(), low.len().div_ceil(step));
            let inner = DELAY..heard.len() - DELAY;
            assert!(inner.clone().all(|at| (heard[at] - low[at * step]).abs() < 0.01), "{step}");
            for high in
                [0.45, 0.55, 1.0, 2.3].map(|high| high / step as f32).iter().filter(|high| **high < 0.5)
            {
                let heard = passed(filter(), &tone(*high), 7);
                assert!(inner.clone().all(|at| heard[at].abs() < 0.01), "{step} {high}");
            }
        }
    }
}
