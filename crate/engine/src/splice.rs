//! Where a sound fits itself: the place, among several, at which it can go on instead of here with the least to hear.
//!
//! Both channels count, each by its own loudness, so that sounds in opposite phase do not hide each other. The search is
//! coarse at about 8 kHz over all places, then exact around the best one.

use std::ops::RangeInclusive;

use crate::pcm::CHANNELS;

/// Fine enough to find a voice's period, coarse enough to be cheap.
const COARSE_HZ: u32 = 8_000;
/// Of full scale, squared and summed over an overlap: what is below is silence, and silence fits everywhere.
const SILENT: f32 = 1e-6;
/// What a place one overlap farther from the wanted one must win to be preferred.
const FAR: f32 = 0.01;
/// Coarse frames in a block of the search for attacks: one millisecond.
const BLOCK: usize = 8;
/// So many times the mean energy in one millisecond is an attack: a click, a drum, a consonant.
const ATTACK: f32 = 8.0;

/// A place found, in frames of the samples searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub at: usize,
    /// Correlation with what would have come: 1 is the same wave, 0 has nothing to do with it.
    pub likeness: f32,
}

/// Interleaved stereo to look at, and how long the cross-fade will be, in frames.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    pub samples: &'a [f32],
    pub sample_rate: u32,
    pub overlap: usize,
}

impl Search<'_> {
    /// The place in `places` that is most like `here`; near ties go to the one nearest to `wanted`.
    pub fn best(&self, here: usize, places: RangeInclusive<usize>, wanted: usize) -> Option<Place> {
        let last = (self.samples.len() / CHANNELS).checked_sub(self.overlap)?;
        let (first, last) = (*places.start(), last.min(*places.end()));
        if first > last || here > self.samples.len() / CHANNELS {
            return None;
        }
        let step = self.step();
        let overlap = self.steps(self.overlap).max(1);
        let model = self.coarse(here, overlap);
        let places = self.steps(last.saturating_sub(first)).saturating_add(1);
        let field = self.coarse(first, places.saturating_add(overlap).saturating_sub(1));
        let score = |(i, window): (usize, &[[f32; CHANNELS]])| {
            let at = first.saturating_add(i.saturating_mul(step));
            let away = at.abs_diff(wanted) as f32 / self.overlap.max(1) as f32;
            (at, likeness(model.as_flattened(), window.as_flattened()) - away * FAR)
        };
        let (coarse, _) =
            field.windows(overlap).enumerate().map(score).max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let model = self.window(here);
        let fine = coarse.saturating_sub(step).max(first)..=coarse.saturating_add(step).min(last);
        fine.map(|at| Place { at, likeness: likeness(model, self.window(at)) })
            .max_by(|a, b| a.likeness.total_cmp(&b.likeness))
    }

    /// The frames `range` without those from its first attack on, or without those up to its last one (`backwards`).
    pub fn calm(&self, range: RangeInclusive<usize>, backwards: bool) -> RangeInclusive<usize> {
        let (first, last) = range.into_inner();
        let step = self.step();
        let coarse = self.coarse(first, self.steps(last.saturating_sub(first)));
        let energies: Vec<f32> =
            coarse.chunks(BLOCK).map(|b| b.as_flattened().iter().map(|x| x * x).sum()).collect();
        let mean = energies.iter().sum::<f32>() / energies.len().max(1) as f32;
        let attack = |e: &f32| *e > mean * ATTACK && *e > SILENT;
        let frame = |block: usize| first.saturating_add(block.saturating_mul(BLOCK).saturating_mul(step));
        if backwards {
            let from =
                energies.iter().rposition(attack).map_or(first, |block| frame(block.saturating_add(1)));
            from..=last
        } else {
            first..=energies.iter().position(attack).map_or(last, frame)
        }
    }

    /// Both cross-faded pieces are at least as loud as what lies between: an attack there is in them.
    pub fn is_attack(&self, here: usize, there: usize) -> bool {
        let energy = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>() / x.len().max(1) as f32;
        let (from, to) = (here.min(there), here.max(there));
        let words = from.saturating_mul(CHANNELS)..to.saturating_mul(CHANNELS);
        let between = energy(self.samples.get(words).unwrap_or_default());
        energy(self.window(here)).min(energy(self.window(there))) > between * 0.5
    }

    fn step(&self) -> usize {
        (self.sample_rate / COARSE_HZ).max(1) as usize
    }

    /// `frames` in coarse ones.
    fn steps(&self, frames: usize) -> usize {
        frames.checked_div(self.step()).unwrap_or_default()
    }

    fn window(&self, at: usize) -> &[f32] {
        let from = at.saturating_mul(CHANNELS);
        let to = from.saturating_add(self.overlap.saturating_mul(CHANNELS));
        self.samples.get(from..to).unwrap_or_default()
    }

    /// Means of `step` frames each, from frame `from` on.
    fn coarse(&self, from: usize, frames: usize) -> Vec<[f32; CHANNELS]> {
        let step = self.step();
        let samples = self.samples.get(from.saturating_mul(CHANNELS)..).unwrap_or_default();
        let mean = |group: &[f32]| {
            let mut sum = [0.0; CHANNELS];
            for frame in group.chunks_exact(CHANNELS) {
                for (sum, x) in sum.iter_mut().zip(frame) {
                    *sum += x;
                }
            }
            sum.map(|x| x / step as f32)
        };
        samples.chunks_exact(step.saturating_mul(CHANNELS)).take(frames).map(mean).collect()
    }
}

/// Normalised cross-correlation.
fn likeness(a: &[f32], b: &[f32]) -> f32 {
    let (mut dot, mut of_a, mut of_b) = (0.0f32, 0.0f32, 0.0f32);
    for (x, y) in a.iter().zip(b) {
        dot += x * y;
        of_a += x * x;
        of_b += y * y;
    }
    if of_a < SILENT && of_b < SILENT { 1.0 } else { dot / (of_a * of_b).max(SILENT * SILENT).sqrt() }
}
