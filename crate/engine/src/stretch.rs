//! Time-stretch of PCM with pitch kept: now and then one period of the waveform is left out or repeated, joined where it
//! fits itself best (the splice of WSOLA and PICOLA). Between splices the samples pass untouched, and at rate 1 always.

use crate::pcm::{CHANNELS, PcmBuffer};

/// Splices shorter than this would be audible as buzz; longer than the other as echo. In seconds.
const MIN_LAG: f64 = 0.003;
const MAX_LAG: f64 = 0.016;
const OVERLAP: f64 = 0.008;

#[derive(Debug, Default)]
pub struct Stretch {
    /// Frames still to leave out (positive) or to repeat (negative).
    debt: f64,
}

impl Stretch {
    /// Gives at least `frames` frames (fewer only if the buffer runs out), playing the buffer at `rate`.
    pub fn take(&mut self, buffer: &mut PcmBuffer, frames: usize, rate: f64) -> Vec<f32> {
        let mut out = Vec::with_capacity(frames.saturating_mul(CHANNELS).saturating_mul(2));
        if rate == 1.0 {
            self.debt = 0.0;
        }
        let hz = f64::from(buffer.sample_rate());
        let (min_lag, max_lag) = ((hz * MIN_LAG) as usize, (hz * MAX_LAG) as usize);
        let overlap = (hz * OVERLAP) as usize;
        while out.len() / CHANNELS < frames && buffer.frames() > 0 {
            let (given, had) = (out.len() / CHANNELS, buffer.frames());
            if self.debt.abs() >= min_lag as f64 && buffer.frames() >= max_lag.saturating_add(overlap) {
                self.splice(buffer, min_lag, max_lag, overlap, &mut out);
            } else {
                // Small steps, so that a splice comes as soon as it is due.
                let n = frames.saturating_sub(given).min(min_lag.max(1)).min(had);
                out.extend_from_slice(buffer.head(n));
                buffer.advance(n);
            }
            let gave = (out.len() / CHANNELS).saturating_sub(given) as f64;
            self.debt += gave * rate - had.saturating_sub(buffer.frames()) as f64;
        }
        out
    }

    fn splice(&self, buffer: &mut PcmBuffer, min: usize, max: usize, overlap: usize, out: &mut Vec<f32>) {
        let lag = best_lag(buffer.samples(), min, max, overlap);
        let here = buffer.samples().get(..overlap.saturating_mul(CHANNELS)).unwrap_or_default();
        let there = buffer.samples().get(lag.saturating_mul(CHANNELS)..).unwrap_or_default();
        if self.debt > 0.0 {
            cross_fade(here, there, out);
            buffer.advance(lag.saturating_add(overlap));
        } else {
            out.extend_from_slice(buffer.head(lag));
            cross_fade(there, here, out);
            buffer.advance(overlap);
        }
    }
}

/// Fades from `a` to `b` over their common length; linear, because the two are nearly the same wave.
fn cross_fade(a: &[f32], b: &[f32], out: &mut Vec<f32>) {
    let n = a.len().min(b.len());
    let frames = (n / CHANNELS).max(1) as f32;
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        let w = ((i / CHANNELS) as f32 + 0.5) / frames;
        out.push(x * (1.0 - w) + y * w);
    }
}

/// The lag at which the wave is most like itself.
fn best_lag(samples: &[f32], min: usize, max: usize, overlap: usize) -> usize {
    let coarse = (min..max)
        .step_by(2)
        .max_by(|a, b| likeness(samples, *a, overlap, 4).total_cmp(&likeness(samples, *b, overlap, 4)));
    let coarse = coarse.unwrap_or(min);
    let fine = coarse.saturating_sub(1)..=coarse.saturating_add(1);
    fine.max_by(|a, b| likeness(samples, *a, overlap, 1).total_cmp(&likeness(samples, *b, overlap, 1)))
        .unwrap_or(coarse)
}

/// Normalised cross-correlation of the first `overlap` frames with those `lag` later, every `step`-th frame, left channel
/// and right together.
fn likeness(samples: &[f32], lag: usize, overlap: usize, step: usize) -> f32 {
    let later = samples.get(lag.saturating_mul(CHANNELS)..).unwrap_or_default();
    let stride = CHANNELS.saturating_mul(step);
    let (mut dot, mut energy) = (0.0f32, 1e-9f32);
    for (a, b) in samples.chunks(stride).zip(later.chunks(stride)).take(overlap.div_ceil(step.max(1))) {
        let (x, y): (f32, f32) = (a.iter().take(CHANNELS).sum(), b.iter().take(CHANNELS).sum());
        dot += x * y;
        energy += y * y;
    }
    dot / energy.sqrt()
}

#[cfg(test)]
mod tests {
    use sailcast_media::MediaTime;

    use super::*;

    fn tone(hz: f32, frames: usize) -> PcmBuffer {
        let mut b = PcmBuffer::new(48_000);
        let data: Vec<f32> = (0..frames)
            .flat_map(|i| [(i as f32 * hz * std::f32::consts::TAU / 48_000.0).sin() * 0.5; 2])
            .collect();
        b.append(MediaTime(0), &data);
        b
    }

    fn play(rate: f64, hz: f32) -> Vec<f32> {
        let mut b = tone(hz, 96_000);
        let mut s = Stretch::default();
        let mut out = Vec::new();
        while b.frames() > 2000 {
            out.extend(s.take(&mut b, 480, rate));
        }
        out.chunks(2).map(|c| c[0]).collect()
    }

    fn crossings(x: &[f32]) -> usize {
        x.windows(2).filter(|w| w[0] <= 0.0 && w[1] > 0.0).count()
    }

    #[test]
    fn length_follows_the_rate() {
        for rate in [0.95, 1.05, 1.08] {
            let n = play(rate, 440.0).len() as f64;
            let expected = 94_000.0 / rate;
            assert!((n - expected).abs() / expected < 0.01, "{rate}: {n} against {expected}");
        }
    }

    #[test]
    fn pitch_and_gain_stay_and_nothing_clicks() {
        for rate in [0.95, 1.0, 1.08] {
            let out = play(rate, 440.0);
            let pitch = crossings(&out) as f64 * 48_000.0 / out.len() as f64;
            assert!((pitch - 440.0).abs() < 5.0, "{rate}: {pitch} Hz");
            let step = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
            assert!(step < 0.04, "{rate}: step {step}");
            for part in out.chunks(4800) {
                let peak = part.iter().fold(0.0f32, |m, x| m.max(x.abs()));
                assert!((0.47..0.51).contains(&peak) || part.len() < 480, "{rate}: peak {peak}");
            }
        }
    }
}
