//! AAC: the AudioSpecificConfig of ISO/IEC 14496-3 (1.6.2.1).
//!
//! **Invariant:** rate and channels are what a decoder puts out: after SBR and parametric stereo, where they are
//! signalled. SBR that is only implied by the bitstream cannot be known from here.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, ConfigError, Damage, Facts},
    packet::{AudioParams, Codec, CodecParams, DecoderConfig},
    read::BitReader,
};

const AOT_ESCAPE: u32 = 31;
const AOT_SBR: u32 = 5;
const AOT_PS: u32 = 29;
const AOT_ER_BSAC: u32 = 22;
/// Backward compatible signalling of SBR and of PS behind it.
const SYNC_SBR: u32 = 0x2b7;
const SYNC_PS: u32 = 0x548;
const EXPLICIT_RATE: u32 = 15;
pub(crate) const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];
/// Channels of each channelConfiguration; 0 is reserved, but for the first, which leaves it to a PCE.
const CHANNELS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0];

/// A track of AAC.
#[derive(Debug, Default)]
pub struct Aac {
    /// The AudioSpecificConfig in force.
    config: Option<Bytes>,
}

impl Aac {
    pub(super) fn configure(&mut self, asc: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        if self.config.as_ref() == Some(&asc) {
            return Ok(None);
        }
        let config = parse_config(asc)?;
        self.config = Some(config.description.clone());
        Ok(Some(config))
    }

    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        if self.config.is_none() {
            return Err(Damage::NoConfig);
        }
        Ok(AccessUnit::sound(data).into())
    }
}

/// Reads an AudioSpecificConfig into a decoder's configuration.
pub fn parse_config(asc: Bytes) -> Result<DecoderConfig, ConfigError> {
    let (object_type, params) = read(&asc)?;
    Ok(DecoderConfig {
        codec: Codec::Aac,
        codec_string: format!("mp4a.40.{object_type}"),
        description: asc,
        params: CodecParams::Audio(params),
    })
}

fn read(asc: &[u8]) -> Result<(u32, AudioParams), ConfigError> {
    let r = &mut BitReader::new(asc);
    let mut object_type = audio_object_type(r)?;
    let core_rate = sampling_frequency(r)?;
    let channel_config = bits(r, 4)?;
    let mut output_rate = None;
    let (mut sbr, mut ps) = (false, false);
    if matches!(object_type, AOT_SBR | AOT_PS) {
        (sbr, ps) = (true, object_type == AOT_PS);
        output_rate = Some(sampling_frequency(r)?);
        object_type = audio_object_type(r)?;
        if object_type == AOT_ER_BSAC {
            bits(r, 4)?;
        }
    }
    if object_type == 0 {
        return Err(ConfigError::Invalid("audio object type"));
    }
    let from_pce = if is_general_audio(object_type) { general_audio(r, channel_config)? } else { None };
    let of_config = CHANNELS.get(channel_config as usize).copied().filter(|n| *n > 0);
    let mut channels = from_pce.or(of_config).ok_or(ConfigError::Invalid("channel configuration"))?;
    if !sbr && let Some((rate, with_ps)) = compatible_sbr(r) {
        (sbr, ps, output_rate) = (true, with_ps, Some(rate));
    }
    if ps && channels == 1 {
        channels = 2;
    }
    let named = match (ps, sbr) {
        (true, _) => AOT_PS,
        (false, true) => AOT_SBR,
        (false, false) => object_type,
    };
    Ok((named, AudioParams { sample_rate: output_rate.unwrap_or(core_rate), channels }))
}

fn audio_object_type(r: &mut BitReader<'_>) -> Result<u32, ConfigError> {
    match bits(r, 5)? {
        AOT_ESCAPE => Ok(bits(r, 6)?.saturating_add(32)),
        object_type => Ok(object_type),
    }
}

fn sampling_frequency(r: &mut BitReader<'_>) -> Result<u32, ConfigError> {
    let rate = match bits(r, 4)? {
        EXPLICIT_RATE => Some(bits(r, 24)?),
        index => RATES.get(index as usize).copied(),
    };
    rate.filter(|hz| *hz > 0).ok_or(ConfigError::Invalid("sampling frequency"))
}

fn is_general_audio(object_type: u32) -> bool {
    matches!(object_type, 1..=4 | 6 | 7 | 17 | 19..=23)
}

/// GASpecificConfig (4.4.1); the channels of its program config element, where there is one.
fn general_audio(r: &mut BitReader<'_>, channel_config: u32) -> Result<Option<u8>, ConfigError> {
    bits(r, 1)?; // frameLengthFlag
    if bits(r, 1)? == 1 {
        bits(r, 14)?; // coreCoderDelay
    }
    bits(r, 1)?; // extensionFlag
    if channel_config == 0 { program_config(r).map(Some) } else { Ok(None) }
}

/// The channels of a program_config_element (4.4.1.1).
fn program_config(r: &mut BitReader<'_>) -> Result<u8, ConfigError> {
    bits(r, 10)?; // element_instance_tag, object_type, sampling_frequency_index
    let speakers = [bits(r, 4)?, bits(r, 4)?, bits(r, 4)?];
    let lfe = bits(r, 2)?;
    let data_elements = bits(r, 3)?;
    let coupling = bits(r, 4)?;
    for mixdown_bits in [4, 4, 3] {
        if bits(r, 1)? == 1 {
            bits(r, mixdown_bits)?;
        }
    }
    let mut channels = lfe;
    for _ in 0..speakers.iter().fold(0u32, |sum, n| sum.saturating_add(*n)) {
        let is_pair = bits(r, 1)?;
        bits(r, 4)?;
        channels = channels.saturating_add(1).saturating_add(is_pair);
    }
    for _ in 0..lfe.saturating_add(data_elements) {
        bits(r, 4)?;
    }
    for _ in 0..coupling {
        bits(r, 5)?;
    }
    u8::try_from(channels).ok().filter(|n| *n > 0).ok_or(ConfigError::Invalid("program config"))
}

/// SBR signalled behind a configuration that older decoders read as plain AAC: its rate, and whether with PS.
fn compatible_sbr(r: &mut BitReader<'_>) -> Option<(u32, bool)> {
    if r.bits(11)? != SYNC_SBR || audio_object_type(r).ok()? != AOT_SBR || !r.bit()? {
        return None;
    }
    let rate = sampling_frequency(r).ok()?;
    let ps = r.bits(11) == Some(SYNC_PS) && r.bit() == Some(true);
    Some((rate, ps))
}

fn bits(r: &mut BitReader<'_>, n: u32) -> Result<u32, ConfigError> {
    r.bits(n).ok_or(ConfigError::Short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(asc: &'static [u8]) -> (String, u32, u8) {
        let config = parse_config(Bytes::from_static(asc)).unwrap();
        let CodecParams::Audio(audio) = config.params else { panic!("audio") };
        (config.codec_string, audio.sample_rate, audio.channels)
    }

    #[test]
    fn plain_aac_lc_is_read() {
        assert_eq!(parsed(&[0x12, 0x10]), ("mp4a.40.2".into(), 44_100, 2));
        assert_eq!(parsed(&[0x11, 0x88]), ("mp4a.40.2".into(), 48_000, 1));
        assert_eq!(parsed(&[0x11, 0xb8]), ("mp4a.40.2".into(), 48_000, 8));
    }

    #[test]
    fn an_explicit_rate_is_read() {
        // Object type 2, rate index 15, 24 bits of 37800, stereo.
        assert_eq!(parsed(&[0x17, 0x80, 0x49, 0xd4, 0x10]), ("mp4a.40.2".into(), 37_800, 2));
    }

    #[test]
    fn explicit_sbr_gives_the_output_rate() {
        // Object type 5, core 24 kHz, stereo, output 48 kHz, then object type 2.
        assert_eq!(parsed(&[0x2b, 0x11, 0x88, 0x00]), ("mp4a.40.5".into(), 48_000, 2));
    }

    #[test]
    fn explicit_parametric_stereo_makes_mono_stereo() {
        // Object type 29, core 22.05 kHz, mono, output 44.1 kHz, then object type 2.
        assert_eq!(parsed(&[0xeb, 0x8a, 0x08, 0x00]), ("mp4a.40.29".into(), 44_100, 2));
    }

    #[test]
    fn backward_compatible_signalling_is_read() {
        // Object type 2, 22.05 kHz, stereo; sync 0x2b7, object type 5, present, 44.1 kHz.
        assert_eq!(parsed(&[0x13, 0x90, 0x56, 0xe5, 0xa0]), ("mp4a.40.5".into(), 44_100, 2));
        // The same, mono, with sync 0x548 and PS present behind it.
        assert_eq!(parsed(&[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80]), ("mp4a.40.29".into(), 44_100, 2));
    }

    #[test]
    fn an_escaped_object_type_is_read() {
        // 31, then 10: object type 42 (USAC), 48 kHz, stereo.
        assert_eq!(parsed(&[0xf9, 0x46, 0x40]), ("mp4a.40.42".into(), 48_000, 2));
    }

    #[test]
    fn channels_of_a_program_config_element_are_counted() {
        // Object type 2, 48 kHz, configuration 0; front: one pair, back: one single, one LFE.
        let mut asc = BitsOut::default();
        for (value, n) in [
            (2, 5),
            (3, 4),
            (0, 4),
            (0, 3),
            (0, 4),
            (1, 2),
            (3, 4),
            (1, 4),
            (0, 4),
            (1, 4),
            (1, 2),
            (0, 3),
            (0, 4),
            (0, 3),
            (1, 1),
            (0, 4),
            (0, 1),
            (1, 4),
            (0, 4),
        ] {
            asc.put(value, n);
        }
        let config = parse_config(asc.0.into()).unwrap();
        assert_eq!(config.params, CodecParams::Audio(AudioParams { sample_rate: 48_000, channels: 4 }));
    }

    #[test]
    fn reserved_values_and_short_data_are_errors() {
        for asc in [&[][..], &[0x12], &[0x17, 0, 0, 0, 0x10], &[0x16, 0x90], &[0x11, 0xc0], &[0x11, 0x80]] {
            assert!(parse_config(Bytes::copy_from_slice(asc)).is_err(), "{asc:02x?}");
        }
    }

    #[derive(Default)]
    struct BitsOut(Vec<u8>, u32);

    impl BitsOut {
        fn put(&mut self, value: u32, n: u32) {
            for i in (0..n).rev() {
                if self.1.is_multiple_of(8) {
                    self.0.push(0);
                }
                *self.0.last_mut().unwrap() |= (((value >> i) & 1) << (7 - self.1 % 8)) as u8;
                self.1 += 1;
            }
        }
    }
}
