//! Artefacts of the time-stretch, as a listener would find them: clicks, loudness, pitch, length, attacks.

use std::f32::consts::TAU;

use super::*;

const HZ: usize = 48_000;
const RATES: [f64; 4] = [0.9, 0.98, 1.02, 1.1];
/// What viewers choose.
const CHOSEN: [f64; 7] = [0.5, 0.75, 1.25, 1.5, 1.75, 2.0, 3.0];

type Wave = Vec<[f32; 2]>;

fn wave(seconds: usize, mut f: impl FnMut(f32) -> [f32; 2]) -> Wave {
    (0..seconds * HZ).map(|i| f(i as f32 / HZ as f32)).collect()
}

fn sine(hz: f32, t: f32) -> f32 {
    // In double precision: the phase of the last second is as exact as that of the first.
    (f64::from(hz) * f64::from(t) % 1.0 * f64::from(TAU)).sin() as f32
}

fn tone(hz: f32) -> Wave {
    wave(3, |t| [0.5 * sine(hz, t); 2])
}

fn noise() -> Wave {
    let mut seed = 7u32;
    wave(3, |_| {
        [(); 2].map(|()| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 8) as f32 / 8_388_608.0 - 1.0) * 0.4
        })
    })
}

/// A voice: the harmonics of a gliding pitch, in syllables.
fn voice() -> Wave {
    let mut phase = 0.0f64;
    wave(3, |t| {
        phase += f64::from(140.0 + 25.0 * sine(0.7, t)) / HZ as f64;
        let syllable = 0.6 + 0.4 * sine(4.0, t);
        let sum: f32 = (1..12).map(|k| ((phase * f64::from(k) % 1.0) as f32 * TAU).sin() / k as f32).sum();
        [0.25 * syllable * sum; 2]
    })
}

/// Decaying clicks at uneven distances.
fn clicks() -> (Wave, usize) {
    let mut out = vec![[0.0; 2]; 5 * HZ];
    let (mut at, mut count) = (HZ / 10, 0);
    while at + HZ / 100 < out.len() {
        for i in 0..200 {
            out[at + i] = [0.8 * (-(i as f32) / 30.0).exp() * if i % 2 == 0 { 1.0 } else { -0.6 }; 2];
        }
        count += 1;
        at += HZ / 12 + (count * 7919) % (HZ / 20);
    }
    (out, count)
}

/// Plays `input` at `rate` as the engine does: in blocks as they are decoded, with `ahead` frames waiting.
fn play_with(input: &Wave, rate: f64, ahead: usize) -> Wave {
    let mut buffer = PcmBuffer::new(HZ as u32);
    let mut stretch = Stretch::default();
    let mut out = Vec::new();
    for (i, block) in input.chunks(1024).enumerate() {
        let pts = MediaTime::from_ticks((i * 1024) as i64, HZ as u32);
        buffer.append(pts, block.as_flattened(), true);
        while buffer.frames() > ahead {
            let before = stretch.position(&buffer);
            let taken = stretch.take(&mut buffer, 480, rate);
            let went = stretch.position(&buffer) - before;
            let due = taken.len() as f64 / 2.0 / HZ as f64 * rate;
            assert!((went.as_secs_f64() - due).abs() < 2e-5, "the media time grows evenly");
            let off = (stretch.position(&buffer) - buffer.start()).abs();
            let most = if CATCH_UP.contains(&rate) { 25 } else { 60 };
            assert!(off < Micros::from_millis(most), "{rate}: {off:?} from where it should be");
            out.extend(taken.chunks(2).map(|f| [f[0], f[1]]));
        }
    }
    out
}

fn play(input: &Wave, rate: f64) -> Wave {
    play_with(input, rate, 3 * 1024)
}

fn channel(wave: &Wave, c: usize) -> Vec<f32> {
    wave.iter().map(|f| f[c]).collect()
}

fn worst_step(x: &[f32]) -> f32 {
    x.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

fn rms(x: &[f32]) -> f32 {
    (x.iter().map(|s| s * s).sum::<f32>() / x.len() as f32).sqrt()
}

fn db(a: f32, b: f32) -> f32 {
    20.0 * (a.max(1e-9) / b.max(1e-9)).log10()
}

/// Frequency by the times of the first and the last upward crossing, which are interpolated.
fn pitch(x: &[f32]) -> f64 {
    let crossings: Vec<f64> = x
        .windows(2)
        .enumerate()
        .filter(|(_, w)| w[0] <= 0.0 && w[1] > 0.0)
        .map(|(i, w)| i as f64 + f64::from(-w[0] / (w[1] - w[0])))
        .collect();
    let (first, last) = (crossings.first().expect("a wave"), crossings.last().expect("a wave"));
    (crossings.len() - 1) as f64 * HZ as f64 / (last - first)
}

/// How much of the tone `hz` is in `x`: 1 is all of it.
fn purity(x: &[f32], hz: f32) -> f32 {
    let (mut re, mut im) = (0.0f64, 0.0f64);
    for (i, s) in x.iter().enumerate() {
        let phase = (f64::from(hz) * i as f64 / HZ as f64) % 1.0 * std::f64::consts::TAU;
        re += f64::from(*s) * phase.cos();
        im += f64::from(*s) * phase.sin();
    }
    ((re * re + im * im).sqrt() * 2.0 / x.len() as f64) as f32 / (rms(x) * 2f32.sqrt())
}

/// Loudness of each 100 ms against that of the input there, for the shift within 25 ms that fits best.
fn worst_gain(input: &Wave, output: &Wave, rate: f64, c: usize) -> f32 {
    // Energies up to each frame: that of any part is a difference.
    let energy: Vec<f64> = std::iter::once(0.0)
        .chain(input.iter().scan(0.0, |sum, f| {
            *sum += f64::from(f[c] * f[c]);
            Some(*sum)
        }))
        .collect();
    let output = channel(output, c);
    let (part, span) = (HZ / 10, (HZ as f64 / 10.0 * rate) as usize);
    let mut worst = 0.0f32;
    for (i, heard) in output.chunks_exact(part).enumerate().skip(1) {
        let at = ((i * part) as f64 * rate) as usize;
        let shifts = (0..=50).filter_map(|ms| {
            let from = (at + ms * 48).checked_sub(25 * 48)?;
            let there = energy.get(from + span)? - energy.get(from)?;
            Some(db(rms(heard), (there / span as f64).sqrt() as f32).abs())
        });
        let best = shifts.fold(f32::INFINITY, f32::min);
        worst = worst.max(if best.is_finite() { best } else { 0.0 });
    }
    worst
}

#[test]
fn at_rate_one_samples_pass_untouched() {
    let input = noise();
    let output = play(&input, 1.0);
    assert!(output.iter().zip(&input).all(|(a, b)| a == b));
}

#[test]
fn length_follows_the_rate() {
    for rate in RATES {
        for (name, input) in [("tone", tone(440.0)), ("noise", noise()), ("voice", voice())] {
            // Long enough that a splice that is due at the end does not count.
            let input = input.repeat(4);
            let n = play(&input, rate).len() as f64;
            let expected = (input.len() - 3 * 1024) as f64 / rate;
            assert!((n - expected).abs() / expected < 0.005, "{name} at {rate}: {n} against {expected}");
        }
    }
}

#[test]
fn tones_keep_pitch_and_loudness_and_nothing_clicks() {
    for hz in [100.0, 137.0, 440.0, 997.0, 2000.0, 4000.0] {
        let input = tone(hz);
        for rate in RATES {
            let output = play(&input, rate);
            let x = channel(&output, 0);
            let heard = pitch(&x);
            assert!((heard / f64::from(hz) - 1.0).abs() < 0.005, "{hz} Hz at {rate}: {heard}");
            let step = worst_step(&x) / worst_step(&channel(&input, 0));
            assert!(step < 1.2, "{hz} Hz at {rate}: a step of {step} times the wave's own");
            let gain = worst_gain(&input, &output, rate, 0);
            assert!(gain < 0.5, "{hz} Hz at {rate}: {gain} dB");
        }
    }
}

#[test]
fn two_tones_keep_their_loudness() {
    for (a, b) in [(440.0, 1000.0), (523.25, 659.25), (300.0, 3400.0), (1000.0, 1100.0)] {
        let input = wave(3, |t| [0.3 * sine(a, t) + 0.3 * sine(b, t); 2]);
        for rate in RATES {
            let output = play(&input, rate);
            let gain = worst_gain(&input, &output, rate, 0);
            assert!(gain < 0.5, "{a} and {b} Hz at {rate}: {gain} dB");
            let step = worst_step(&channel(&output, 0)) / worst_step(&channel(&input, 0));
            assert!(step < 1.2, "{a} and {b} Hz at {rate}: step {step}");
        }
    }
}

#[test]
fn a_voice_keeps_its_loudness_and_does_not_click() {
    let input = voice();
    for rate in RATES {
        let output = play(&input, rate);
        let gain = worst_gain(&input, &output, rate, 0);
        assert!(gain < 0.5, "{rate}: {gain} dB");
        let step = worst_step(&channel(&output, 0)) / worst_step(&channel(&input, 0));
        assert!(step < 1.2, "{rate}: step {step}");
    }
}

#[test]
fn noise_keeps_its_loudness() {
    let input = noise();
    for rate in RATES {
        let output = play(&input, rate);
        for c in 0..2 {
            let gain = worst_gain(&input, &output, rate, c);
            assert!(gain < 0.5, "channel {c} at {rate}: {gain} dB");
        }
    }
}

#[test]
fn clicks_are_neither_lost_nor_doubled() {
    let (input, _) = clicks();
    for rate in RATES {
        let output = channel(&play(&input, rate), 0);
        let consumed = (output.len() as f64 * rate) as usize;
        let onsets = |x: &[f32]| {
            let mut found: Vec<usize> = Vec::new();
            for (i, s) in x.iter().enumerate() {
                if *s > 0.4 && found.last().is_none_or(|l| i - l > HZ / 100) {
                    found.push(i);
                }
            }
            found
        };
        let wanted = onsets(&channel(&input, 0)[..consumed]);
        let heard = onsets(&output);
        assert!(heard.len().abs_diff(wanted.len()) <= 1, "{rate}: {} of {}", heard.len(), wanted.len());
        for (heard, wanted) in heard.iter().zip(&wanted) {
            let off = *heard as f64 * rate - *wanted as f64;
            assert!(off.abs() < 0.030 * HZ as f64, "{rate}: a click {off} frames away");
        }
        let peaks = heard.iter().map(|i| output[*i]).fold(1.0, f32::min);
        assert!(peaks > 0.7, "{rate}: a click of {peaks} instead of 0.8");
    }
}

#[test]
fn channels_with_different_sounds_both_stay_whole() {
    let input = wave(3, |t| [0.5 * sine(440.0, t), 0.3 * sine(587.33, t)]);
    let opposed = wave(3, |t| [0.5 * sine(330.0, t), -0.5 * sine(330.0, t)]);
    for rate in RATES {
        for (name, input) in [("chord", &input), ("opposite phase", &opposed)] {
            let output = play(input, rate);
            for c in 0..2 {
                let gain = worst_gain(input, &output, rate, c);
                assert!(gain < 0.5, "{name}, channel {c} at {rate}: {gain} dB");
                let step = worst_step(&channel(&output, c)) / worst_step(&channel(input, c));
                assert!(step < 1.2, "{name}, channel {c} at {rate}: step {step}");
            }
        }
    }
}

#[test]
fn a_tone_stays_a_pure_tone() {
    for hz in [137.0, 440.0, 997.0, 3300.0] {
        for rate in RATES {
            let x = channel(&play(&tone(hz), rate), 0);
            let worst = x.chunks_exact(HZ / 10).map(|part| purity(part, hz)).fold(1.0, f32::min);
            assert!(worst > 0.95, "{hz} Hz at {rate}: {worst}");
        }
    }
}

#[test]
fn slowing_down_needs_no_more_than_a_packet_ahead() {
    let input = tone(440.0);
    for rate in [0.9, 0.96] {
        let n = play_with(&input, rate, 100).len() as f64;
        let expected = input.len() as f64 / rate;
        assert!((n - expected).abs() / expected < 0.005, "{rate}: {n} against {expected}");
    }
}

#[test]
fn a_cut_leaves_out_its_length_and_does_not_click() {
    for (name, input) in [("tone", tone(440.0)), ("voice", voice())] {
        let mut buffer = PcmBuffer::new(HZ as u32);
        buffer.append(MediaTime(0), input[..HZ].as_flattened(), true);
        let mut stretch = Stretch::default();
        let mut out = stretch.take(&mut buffer, HZ / 10, 1.0);
        let before = buffer.start();
        let faded = stretch.cut(&mut buffer, HZ / 10);
        let gone = (buffer.start() - before).as_secs_f64() - faded.len() as f64 / 2.0 / HZ as f64;
        assert!((gone - 0.1).abs() < 0.011, "{name}: {gone} s");
        out.extend(faded);
        out.extend(stretch.take(&mut buffer, HZ / 10, 1.0));
        let x: Vec<f32> = out.chunks(2).map(|f| f[0]).collect();
        let step = worst_step(&x) / worst_step(&channel(&input, 0));
        assert!(step < 1.2, "{name}: step {step}");
    }
}

/// Where a viewer chose the rate: 5 packets wait, as they do.
fn play_chosen(input: &Wave, rate: f64) -> Wave {
    play_with(input, rate, 6 * 1024)
}

#[test]
fn at_a_chosen_rate_the_length_follows() {
    for rate in CHOSEN {
        for (name, input) in [("tone", tone(440.0)), ("noise", noise()), ("voice", voice())] {
            let input = input.repeat(4);
            let n = play_chosen(&input, rate).len() as f64;
            let expected = (input.len() - 6 * 1024) as f64 / rate;
            assert!((n - expected).abs() / expected < 0.01, "{name} at {rate}: {n} against {expected}");
        }
    }
}

#[test]
fn at_a_chosen_rate_tones_keep_their_pitch_and_loudness_and_nothing_clicks() {
    for hz in [100.0, 137.0, 440.0, 997.0, 2000.0] {
        let input = tone(hz);
        for rate in CHOSEN {
            let output = play_chosen(&input, rate);
            let x = channel(&output, 0);
            let heard = pitch(&x);
            assert!((heard / f64::from(hz) - 1.0).abs() < 0.01, "{hz} Hz at {rate}: {heard}");
            let step = worst_step(&x) / worst_step(&channel(&input, 0));
            assert!(step < 1.25, "{hz} Hz at {rate}: a step of {step} times the wave's own");
            let parts = x.chunks_exact(HZ / 10).skip(1).map(|part| db(rms(part), 0.5 / 2f32.sqrt()).abs());
            let gain = parts.fold(0.0, f32::max);
            assert!(gain < 0.8, "{hz} Hz at {rate}: {gain} dB");
        }
    }
}

#[test]
fn at_a_chosen_rate_a_voice_stays_whole_and_keeps_its_pitch() {
    let input = voice();
    for rate in CHOSEN {
        let output = play_chosen(&input, rate);
        let (x, original) = (channel(&output, 0), channel(&input, 0));
        let step = worst_step(&x) / worst_step(&original);
        assert!(step < 1.25, "{rate}: step {step}");
        assert!(db(rms(&x), rms(&original)).abs() < 1.0, "{rate}: {} dB", db(rms(&x), rms(&original)));
        // The glide of its pitch is the same, only faster or slower.
        for part in 1..7usize {
            let middle = part * x.len() / 8;
            let heard = period(&x, middle);
            let wanted = period(&original, (middle as f64 * rate) as usize);
            let off = heard as f64 / wanted as f64 - 1.0;
            assert!(off.abs() < 0.06, "{rate}, part {part}: a period of {heard} in place of {wanted} frames");
        }
    }
}

/// The period at which the wave is most like itself around `middle`, of a voice from 100 to 200 Hz.
fn period(x: &[f32], middle: usize) -> usize {
    let around = middle - HZ / 50..middle + HZ / 50;
    let like = |lag: usize| -> f32 { around.clone().map(|i| x[i - lag / 2] * x[i + lag - lag / 2]).sum() };
    (HZ / 200..HZ / 100).max_by(|a, b| like(*a).total_cmp(&like(*b))).expect("a period")
}
