//! What is asked of syom, by sample rate, channels and bits.
//!
//! Bits a sample and channel decide, not bits a second: at 16 kHz 16 kbit/s are as rich as 48 kbit/s at 48 kHz.

use sailcast_codec_face::{EncoderConfig, Error};
use syom::{EncodeOptions, Encoder};

/// Those of AAC up to where anybody publishes.
const SAMPLE_RATES: [u32; 9] = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000];
const CHANNELS: [u32; 2] = [1, 2];
/// Bits a sample and channel, below which speech comes apart: docs/publishing-audio.md has the measurements.
const FEWEST: f64 = 0.25;
/// No decoder takes more than 6144 bits of a channel in a packet.
const MOST: f64 = 6.0;
/// Up to here noise is told by its loudness (PNS), of one channel and of two: with more bits its waveform is worth them.
const NOISE_BY_LOUDNESS: [f64; 2] = [1.0, 0.7];

/// The configuration with the nearest bitrate that is of use.
pub fn nearest(config: &EncoderConfig) -> Result<EncoderConfig, Error> {
    let EncoderConfig { sample_rate, channels, bitrate } = *config;
    if !SAMPLE_RATES.contains(&sample_rate) || !CHANNELS.contains(&channels) {
        return Err(format!("no encoder of {channels} channels at {sample_rate} Hz"));
    }
    let all = f64::from(sample_rate * channels);
    let bitrate = f64::from(bitrate).clamp((all * FEWEST).ceil(), (all * MOST).floor()) as u32;
    Ok(EncoderConfig { sample_rate, channels, bitrate })
}

/// The highest pitch that so few bits have room for, as a part of the sample rate: what is above it costs what is below it more than
/// it gives. None with enough bits for all.
pub fn highest_pitch(config: &EncoderConfig) -> Option<f32> {
    let kilobits = config.bitrate as f32 / 1000.0 / config.channels as f32;
    // Measured, with speech above all: 3.4 kHz of 8 kbit/s, 6.5 of 24, 9 of 32.
    let pitch = (3000.0 + 6.0 * kilobits * kilobits) / config.sample_rate as f32;
    (kilobits < 40.0 && pitch < 0.45).then_some(pitch)
}

/// `config` is one of [`nearest`]'s. The windows are chosen with one block known ahead, and what nobody hears in a quiet room is left
/// out.
pub fn encoder(config: &EncoderConfig) -> Result<Encoder, Error> {
    let richness = f64::from(config.bitrate) / f64::from(config.sample_rate * config.channels);
    let options = EncodeOptions::raw()
        .with_bitrate_bps(config.bitrate)
        .with_lookahead(true)
        .with_ath(true)
        .with_short_group(true)
        .with_pns(richness <= NOISE_BY_LOUDNESS[config.channels as usize - 1]);
    Encoder::new(config.sample_rate, config.channels as usize, &options).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitrate(sample_rate: u32, channels: u32, bitrate: u32) -> u32 {
        nearest(&EncoderConfig { sample_rate, channels, bitrate }).unwrap().bitrate
    }

    #[test]
    fn a_bitrate_of_no_use_becomes_the_nearest_that_is() {
        assert_eq!(bitrate(48000, 1, 5000), 12000);
        assert_eq!(bitrate(16000, 1, 5000), 5000);
        assert_eq!(bitrate(48000, 2, 128_000), 128_000);
        assert_eq!(bitrate(8000, 1, u32::MAX), 48000);
    }

    #[test]
    fn every_combination_opens_at_its_fewest_and_its_most_bits() {
        for sample_rate in SAMPLE_RATES {
            for channels in CHANNELS {
                for bits in [0, u32::MAX] {
                    let config = nearest(&EncoderConfig { sample_rate, channels, bitrate: bits }).unwrap();
                    assert!(encoder(&config).is_ok(), "{config:?}");
                }
            }
        }
    }

    #[test]
    fn what_aac_has_no_name_for_is_refused() {
        for (sample_rate, channels) in [(48000, 0), (48000, 3), (44000, 2), (0, 1)] {
            assert!(nearest(&EncoderConfig { sample_rate, channels, bitrate: 64000 }).is_err());
        }
    }
}
