//! Decoded sound on its way to the ring: interleaved stereo at the output's rate, with the media time of its first frame.

use sailcast_media::{MediaTime, Micros};

use crate::io::PcmBlock;

pub const CHANNELS: usize = 2;
/// What Web Audio allows (AudioContext options, Hz): other rates are nonsense and would size buffers.
const RATES: std::ops::RangeInclusive<u32> = 3_000..=768_000;
/// Steps between blocks smaller than this are rounding of the container's clock and are ignored.
const TOLERANCE: Micros = Micros::from_millis(30);
/// How much of such a step the media times take over.
const FOLLOW: f64 = 0.05;
/// A longer gap is not filled: the sound joins anew behind it.
const MAX_FILL: Micros = Micros::from_secs(1);

#[derive(Debug)]
pub struct PcmBuffer {
    sample_rate: u32,
    samples: Vec<f32>,
    /// Media time of frame 0, were it still here; `taken` frames have gone since.
    base: MediaTime,
    taken: i64,
}

/// What appending found between the buffer's end and the new block.
#[derive(Debug, PartialEq, Eq)]
pub enum Seam {
    Even,
    /// Too far ahead to fill; the buffer now starts with the new block.
    Restarted,
}

impl PcmBuffer {
    pub fn new(sample_rate: u32) -> Self {
        Self {
            sample_rate: sample_rate.clamp(*RATES.start(), *RATES.end()),
            samples: Vec::new(),
            base: MediaTime(0),
            taken: 0,
        }
    }

    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    pub fn frames(&self) -> usize {
        self.samples.len() / CHANNELS
    }

    /// Media time of the first frame.
    pub fn start(&self) -> MediaTime {
        self.at(self.taken)
    }

    fn at(&self, frame: i64) -> MediaTime {
        self.base + Micros(MediaTime::from_ticks(frame, self.sample_rate).0)
    }

    fn restart(&mut self, pts: MediaTime, stereo: &[f32]) {
        self.samples.clear();
        self.samples.extend_from_slice(stereo);
        self.base = pts;
        self.taken = 0;
    }

    pub fn length(&self) -> Micros {
        self.time_of(self.frames())
    }

    pub fn time_of(&self, frames: usize) -> Micros {
        Micros(MediaTime::from_ticks(frames as i64, self.sample_rate).0)
    }

    pub fn frames_in(&self, span: Micros) -> usize {
        (span.as_secs_f64().max(0.0) * f64::from(self.sample_rate)) as usize
    }

    /// Adds stereo samples that begin at `pts`: a gap is filled with silence, an overlap left out.
    pub fn append(&mut self, pts: MediaTime, stereo: &[f32]) -> Seam {
        let end = self.taken.saturating_add_unsigned(self.frames() as u64);
        let gap = pts - self.at(end);
        if gap > MAX_FILL || gap < -MAX_FILL || (self.samples.is_empty() && gap.abs() > TOLERANCE) {
            self.restart(pts, stereo);
            return Seam::Restarted;
        }
        if gap.abs() <= TOLERANCE {
            // The container's clock is right in the mean: the times follow it, the samples stay as they are.
            self.base = self.base + gap.scale(FOLLOW);
        }
        if gap > TOLERANCE {
            let silence = self.frames_in(gap).saturating_mul(CHANNELS);
            self.samples.resize(self.samples.len().saturating_add(silence), 0.0);
        }
        let overlap = if gap < -TOLERANCE { self.frames_in(-gap).saturating_mul(CHANNELS) } else { 0 };
        self.samples.extend_from_slice(stereo.get(overlap..).unwrap_or_default());
        Seam::Even
    }

    pub fn head(&self, frames: usize) -> &[f32] {
        let n = frames.saturating_mul(CHANNELS).min(self.samples.len());
        self.samples.get(..n).unwrap_or_default()
    }

    pub fn advance(&mut self, frames: usize) {
        let frames = frames.min(self.frames());
        self.taken = self.taken.saturating_add_unsigned(frames as u64);
        self.samples.drain(..frames.saturating_mul(CHANNELS));
    }
}

/// Any channel layout as stereo: mono twice, more than two by ITU-R BS.775 with the order L R C LFE Ls Rs.
pub fn to_stereo(block: &PcmBlock) -> Vec<f32> {
    const SIDE: f32 = std::f32::consts::FRAC_1_SQRT_2;
    let channels = usize::from(block.channels.max(1));
    let mut out =
        Vec::with_capacity(block.data.len().checked_div(channels).unwrap_or(0).saturating_mul(CHANNELS));
    for frame in block.data.chunks_exact(channels) {
        let c = |i: usize| frame.get(i).copied().unwrap_or_default();
        match channels {
            1 => out.extend([c(0), c(0)]),
            2 => out.extend([c(0), c(1)]),
            _ => {
                let gain = 1.0 / (1.0 + 2.0 * SIDE);
                out.push((c(0) + SIDE * (c(2) + c(4))) * gain);
                out.push((c(1) + SIDE * (c(2) + c(5))) * gain);
            }
        }
    }
    out
}

/// Changes the rate of stereo samples for an output that cannot run at the stream's own. State is kept between blocks.
#[derive(Debug, Default)]
pub struct Resampler {
    last: [f32; CHANNELS],
    phase: f64,
}

impl Resampler {
    /// Linear interpolation: the page opens its output at the stream's rate, this only bridges a change or an output
    /// that refused.
    pub fn run(&mut self, stereo: &[f32], from: u32, to: u32) -> Vec<f32> {
        let hz = |rate: u32| f64::from(rate.clamp(*RATES.start(), *RATES.end()));
        let step = hz(from) / hz(to);
        let mut out = Vec::with_capacity(((stereo.len() as f64 / step) as usize).saturating_add(CHANNELS));
        for frame in stereo.as_chunks::<CHANNELS>().0 {
            let next =
                [frame.first().copied().unwrap_or_default(), frame.last().copied().unwrap_or_default()];
            while self.phase < 1.0 {
                let w = self.phase as f32;
                out.extend(self.last.iter().zip(next).map(|(a, b)| a * (1.0 - w) + b * w));
                self.phase += step;
            }
            self.phase -= 1.0;
            self.last = next;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_becomes_silence_of_its_length_and_an_overlap_is_left_out() {
        let mut b = PcmBuffer::new(10_000);
        b.append(MediaTime(0), &[1.0; 2000]);
        assert_eq!(b.append(MediaTime::from_millis(150), &[1.0; 2000]), Seam::Even);
        assert_eq!(b.frames(), 2500);
        assert_eq!(b.samples()[2 * 1200], 0.0);
        b.append(MediaTime::from_millis(200), &[1.0; 2000]);
        assert_eq!(b.frames(), 3000);
    }

    #[test]
    fn rounding_between_blocks_leaves_the_sound_untouched() {
        let mut b = PcmBuffer::new(48_000);
        for i in 0..100i64 {
            b.append(MediaTime::from_millis(i * 1024 * 1000 / 48_000), &[0.1; 2048]);
        }
        assert_eq!(b.frames(), 102_400);
    }

    #[test]
    fn an_encoder_whose_clock_runs_wrong_is_followed_without_a_seam() {
        // 1024 samples at 44.1 kHz stamped every 23 ms instead of 23.22.
        let mut b = PcmBuffer::new(44_100);
        for i in 0..2000i64 {
            b.append(MediaTime::from_millis(i * 23), &[0.1; 2048]);
            b.advance(1024);
            assert!((b.start() - MediaTime::from_millis((i + 1) * 23)).abs() < Micros::from_millis(8));
        }
    }

    #[test]
    fn resampling_keeps_the_length() {
        let mut r = Resampler::default();
        let n: usize = (0..100).map(|_| r.run(&[0.0; 882], 44_100, 48_000).len()).sum();
        assert!((n as i64 / 2 - 48_000).abs() < 4, "{n}");
    }

    #[test]
    fn five_one_is_mixed_without_clipping() {
        let block = PcmBlock { sample_rate: 48_000, channels: 6, data: vec![1.0; 6] };
        assert!(to_stereo(&block).iter().all(|x| *x <= 1.0));
    }
}
