//! Seams in interleaved stereo: from one sound to another without a click. Every seam is continuous in value.

use crate::pcm::CHANNELS;

/// From 0 to 1 over `frames` frames, level at both ends; 1 from there on.
fn rise(frame: usize, frames: usize) -> f32 {
    if frame >= frames {
        return 1.0;
    }
    let t = (frame as f32 + 0.5) / frames as f32;
    t * t * (3.0 - 2.0 * t)
}

/// Begins out of silence.
pub fn fade_in(stereo: &mut [f32], frames: usize) {
    for (i, frame) in stereo.chunks_exact_mut(CHANNELS).take(frames).enumerate() {
        let gain = rise(i, frames);
        for sample in frame {
            *sample *= gain;
        }
    }
}

/// Lets the sound that ends with `before` die away over the beginning of `stereo`, which rises meanwhile. What would have
/// followed is unknown: the end is played backwards, for that has its value, its loudness and its colour.
pub fn let_go(before: &[f32], stereo: &mut [f32], frames: usize) {
    let frames = frames.min(before.len() / CHANNELS).min(stereo.len() / CHANNELS);
    let mirrored = before.rchunks_exact(CHANNELS);
    for (i, (into, old)) in stereo.chunks_exact_mut(CHANNELS).zip(mirrored).take(frames).enumerate() {
        let gain = rise(i, frames);
        for (new, old) in into.iter_mut().zip(old) {
            *new = *new * gain + *old * (1.0 - gain);
        }
    }
}

/// From `a` to `b` over their common length. `likeness` is their correlation: the less alike they are, the more would be
/// lost in the middle, which is made up for.
pub fn cross_fade(a: &[f32], b: &[f32], likeness: f32, out: &mut Vec<f32>) {
    let frames = a.len().min(b.len()) / CHANNELS;
    let alike = likeness.clamp(0.0, 1.0);
    for (i, (a, b)) in a.chunks_exact(CHANNELS).zip(b.chunks_exact(CHANNELS)).enumerate() {
        let (up, down) = (rise(i, frames), 1.0 - rise(i, frames));
        let gain = (up * up + down * down + 2.0 * alike * up * down).sqrt().recip();
        out.extend(a.iter().zip(b).map(|(a, b)| (a * down + b * up) * gain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, frames: usize) -> Vec<f32> {
        (0..frames)
            .flat_map(|i| [(i as f32 * hz * std::f32::consts::TAU / 48_000.0).sin() * 0.5; 2])
            .collect()
    }

    fn worst_step(stereo: &[f32]) -> f32 {
        let left: Vec<f32> = stereo.chunks(2).map(|f| f[0]).collect();
        left.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn what_breaks_off_dies_away_without_a_step() {
        let before = tone(440.0, 1000);
        for after in [vec![0.0; 960], tone(300.0, 1480)[1000..].to_vec()] {
            let mut all = before.clone();
            let mut after = after;
            let_go(&before, &mut after, 240);
            all.extend(after);
            assert!(worst_step(&all) < 0.04, "{}", worst_step(&all));
        }
    }

    #[test]
    fn two_sounds_that_have_nothing_in_common_keep_their_loudness() {
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let (a, b): (Vec<f32>, Vec<f32>) = (0..96_000).map(|_| (noise(), noise())).unzip();
        let mut out = Vec::new();
        cross_fade(&a, &b, 0.0, &mut out);
        let power = |x: &[f32]| x.iter().map(|s| s * s).sum::<f32>() / x.len() as f32;
        for part in out.chunks(9_600) {
            assert!((power(part) / power(&a) - 1.0).abs() < 0.08, "{}", power(part) / power(&a));
        }
    }
}
