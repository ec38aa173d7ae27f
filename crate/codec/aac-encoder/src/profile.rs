//! What is asked of syom, by sample rate, channels and bits.
//!
//! Bits a sample and channel decide, not bits a second: at 16 kHz 16 kbit/s are as rich as 48 kbit/s at 48 kHz. So with few bits
//! less is coded than comes in.

use sailcast_codec_face::{EncoderConfig, Error};
use syom::{EncodeOptions, Encoder};

/// Those of AAC up to where anybody publishes.
const SAMPLE_RATES: [u32; 9] = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000];
const CHANNELS: [u32; 2] = [1, 2];
/// Up to so many bits a second, one channel of so many Hz is what is understood best: docs/publishing.md has the measurements.
const FEW_BITS: [(u32, u32); 3] = [(8000, 8000), (16_000, 16_000), (24_000, 24_000)];
/// A rate that the sound's own is a multiple of does as well where it is so near to that, as a part of it.
const NEAR: f64 = 0.9;
/// Bits a sample and channel from which on two channels are coded: what one has at 48 kHz with the fewest bits for that.
const TWO_CHANNELS_FROM: f64 = 0.5;
/// From this rate on windows are chosen with one block known ahead; below, a block is 93 ms and more, and waiting for one is worth
/// more than what an attack loses.
const AHEAD_FROM: u32 = 12_000;
/// Bits a sample and channel, below which speech is none.
const FEWEST: f64 = 0.25;
/// No decoder takes more than 6144 bits of a channel in a packet.
const MOST: f64 = 6.0;
/// Up to here noise is told by its loudness (PNS), of one channel and of two: with more bits its waveform is worth them.
const NOISE_BY_LOUDNESS: [f64; 2] = [1.0, 0.7];
/// As a part of the rate: above, a filter that ends before half of it lets nothing more through.
const HIGHEST_PITCH: f32 = 0.45;
/// Frames that one coded frame stands for at most: 48 kHz as 8.
pub const LONGEST_STEP: usize = 6;

/// What is coded of the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coded {
    /// Its sample rate, channels and bits.
    pub config: EncoderConfig,
    /// One frame of so many.
    pub step: usize,
}

impl Coded {
    /// The same decoder goes on with it.
    pub fn continues(&self, other: &Self) -> bool {
        let kind = |coded: &Self| (coded.config.sample_rate, coded.config.channels, coded.step);
        kind(self) == kind(other)
    }

    pub fn channels(&self) -> usize {
        self.config.channels as usize
    }
}

/// What is best coded of `sound` with its bits, or the nearest that are of use.
pub fn coded(sound: &EncoderConfig) -> Result<Coded, Error> {
    let EncoderConfig { sample_rate: full, channels: all, bitrate } = *sound;
    if !SAMPLE_RATES.contains(&full) || !CHANNELS.contains(&all) {
        return Err(format!("no encoder of {all} channels at {full} Hz"));
    }
    let few = FEW_BITS.into_iter().find(|(most, _)| bitrate <= *most);
    let sample_rate = few.map_or(full, |(_, rate)| nearest(full, rate));
    let channels = if f64::from(bitrate) < f64::from(full * all) * TWO_CHANNELS_FROM { 1 } else { all };
    let samples = f64::from(sample_rate * channels);
    let bitrate = f64::from(bitrate).clamp((samples * FEWEST).ceil(), (samples * MOST).floor()) as u32;
    let config = EncoderConfig { sample_rate, channels, bitrate };
    Ok(Coded { config, step: (full / sample_rate) as usize })
}

/// The lowest rate by whole frames of `full` that does for `rate`.
fn nearest(full: u32, rate: u32) -> u32 {
    let does = |one: &u32| full.is_multiple_of(*one) && f64::from(*one) >= f64::from(rate) * NEAR;
    SAMPLE_RATES.into_iter().find(does).unwrap_or(full)
}

/// The highest pitch that so few bits have room for, as a part of the sample rate of the sound: what is above it costs what is below
/// it more than it gives. None with enough bits for all.
pub fn highest_pitch(Coded { config, step }: &Coded) -> Option<f32> {
    let kilobits = config.bitrate as f32 / 1000.0 / config.channels as f32;
    // Measured, with speech above all: 3.4 kHz of 8 kbit/s, 6.5 of 24, 9 of 32.
    let pitch = (3000.0 + 6.0 * kilobits * kilobits) / config.sample_rate as f32;
    let leaves_out = *step > 1 || kilobits < 40.0 && pitch < HIGHEST_PITCH;
    leaves_out.then_some(pitch.min(HIGHEST_PITCH) / *step as f32)
}

/// What nobody hears in a quiet room is left out.
pub fn encoder(config: &EncoderConfig) -> Result<Encoder, Error> {
    let richness = f64::from(config.bitrate) / f64::from(config.sample_rate * config.channels);
    let options = EncodeOptions::raw()
        .with_bitrate_bps(config.bitrate)
        .with_lookahead(config.sample_rate >= AHEAD_FROM)
        .with_ath(true)
        .with_short_group(true)
        .with_pns(richness <= NOISE_BY_LOUDNESS[config.channels as usize - 1]);
    Encoder::new(config.sample_rate, config.channels as usize, &options).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sample_rate: u32, channels: u32, bitrate: u32) -> (u32, u32, u32, usize) {
        let Coded { config, step } = coded(&EncoderConfig { sample_rate, channels, bitrate }).unwrap();
        (config.sample_rate, config.channels, config.bitrate, step)
    }

    #[test]
    fn few_bits_are_for_fewer_samples_and_one_channel() {
        assert_eq!(of(48000, 2, 5000), (8000, 1, 5000, 6));
        assert_eq!(of(48000, 2, 12000), (16000, 1, 12000, 3));
        assert_eq!(of(48000, 1, 24000), (24000, 1, 24000, 2));
        assert_eq!(of(48000, 2, 32000), (48000, 1, 32000, 1));
        assert_eq!(of(48000, 1, 32000), (48000, 1, 32000, 1));
        assert_eq!(of(48000, 2, 48000), (48000, 2, 48000, 1));
    }

    #[test]
    fn samples_are_left_out_by_whole_numbers() {
        assert_eq!(of(44100, 2, 5000), (11025, 1, 5000, 4));
        assert_eq!(of(44100, 2, 16000), (22050, 1, 16000, 2));
        assert_eq!(of(44100, 2, 24000), (22050, 1, 24000, 2));
        assert_eq!(of(32000, 2, 8000), (8000, 1, 8000, 4));
        assert_eq!(of(32000, 2, 24000), (32000, 1, 24000, 1));
        assert_eq!(of(12000, 1, 5000), (12000, 1, 5000, 1));
    }

    #[test]
    fn a_bitrate_of_no_use_becomes_the_nearest_that_is() {
        assert_eq!(of(48000, 1, 0).2, 2000);
        assert_eq!(of(48000, 2, 128_000).2, 128_000);
        assert_eq!(of(8000, 1, u32::MAX).2, 48000);
    }

    #[test]
    fn every_combination_opens_with_any_bits() {
        for sample_rate in SAMPLE_RATES {
            for channels in CHANNELS {
                for bitrate in [0, 5000, 8000, 12000, 16000, 24000, 47999, u32::MAX] {
                    let coded = coded(&EncoderConfig { sample_rate, channels, bitrate }).unwrap();
                    assert!(encoder(&coded.config).is_ok(), "{coded:?}");
                    assert!(coded.step <= LONGEST_STEP);
                }
            }
        }
    }

    #[test]
    fn what_aac_has_no_name_for_is_refused() {
        for (sample_rate, channels) in [(48000, 0), (48000, 3), (44000, 2), (0, 1)] {
            assert!(coded(&EncoderConfig { sample_rate, channels, bitrate: 64000 }).is_err());
        }
    }
}
