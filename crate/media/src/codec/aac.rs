//! AAC: the AudioSpecificConfig of ISO/IEC 14496-3 (1.6.2.1).
//!
//! **Invariant:** rate and channels are what a decoder puts out: after SBR and parametric stereo, where they are
//! signalled. SBR that is only implied by the bitstream cannot be known from here: the decoder's output then has twice the rate.
//! Units come out without ADTS headers.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, ConfigError, Damage, Facts, MAX_UNITS, adts},
    packet::{AudioParams, Codec, CodecParams, DecoderConfig},
    read::BitReader,
};

const AOT_ESCAPE: u32 = 31;
const AOT_SBR: u32 = 5;
const AOT_PS: u32 = 29;
const AOT_ER_BSAC: u32 = 22;
const AOT_ER_LD: u32 = 23;
const AOT_ER_ELD: u32 = 39;
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
    /// The container's last AudioSpecificConfig, as it came.
    record: Option<Bytes>,
    config: Option<(Asc, DecoderConfig)>,
}

impl Aac {
    pub(super) fn configure(&mut self, asc: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        if self.record.as_ref() == Some(&asc) {
            return Ok(None);
        }
        // Some publishers send the first ADTS frame in its place.
        let plain = match adts::frames(&asc).next() {
            Some(frame) => Bytes::copy_from_slice(&frame.config),
            None => asc.clone(),
        };
        let changed = self.set(plain)?;
        self.record = Some(asc);
        Ok(changed)
    }

    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        if adts::is_adts(&data) {
            return self.adts_packet(&data);
        }
        let (asc, _) = self.config.as_ref().ok_or(Damage::NoConfig)?;
        Ok(asc.unit(data, 0, 1).into())
    }

    fn adts_packet(&mut self, data: &Bytes) -> Result<Facts, Damage> {
        let mut facts = Facts::default();
        let mut blocks = 0u32;
        for frame in adts::frames(data).take(MAX_UNITS) {
            facts.config = self.follow(frame.config).or(facts.config);
            let (asc, _) = self.config.as_ref().ok_or(Damage::NoConfig)?;
            facts.units.push(asc.unit(data.slice_ref(frame.payload), blocks, frame.blocks.into()));
            blocks = blocks.saturating_add(frame.blocks.into());
        }
        if facts.units.is_empty() { Err(Damage::Invalid("ADTS frame")) } else { Ok(facts) }
    }

    /// A header knows less than a configuration, as of SBR: it counts where the two contradict each other.
    fn follow(&mut self, header: [u8; 2]) -> Option<DecoderConfig> {
        let told = Asc::read(&header).ok()?;
        let agrees = |asc: &Asc| (asc.core_rate, asc.core_channels) == (told.core_rate, told.core_channels);
        match &self.config {
            Some((asc, _)) if agrees(asc) => None,
            _ => self.set(Bytes::copy_from_slice(&header)).ok()?,
        }
    }

    fn set(&mut self, asc: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        let read = Asc::read(&asc)?;
        let config = read.decoder_config(asc);
        let changed = self.config.as_ref().is_none_or(|(_, before)| *before != config);
        self.config = Some((read, config.clone()));
        Ok(Some(config).filter(|_| changed))
    }
}

/// Reads an AudioSpecificConfig into a decoder's configuration.
pub fn parse_config(asc: Bytes) -> Result<DecoderConfig, ConfigError> {
    Ok(Asc::read(&asc)?.decoder_config(asc))
}

/// The header of ADTS for units of this configuration; `None` where it has no words for it.
pub(crate) fn adts_header(asc: &[u8]) -> Option<adts::Header> {
    let asc = Asc::read(asc).ok()?;
    let rate = RATES.iter().position(|rate| *rate == asc.core_rate)?;
    adts::Header::new(asc.core_type, rate, asc.channel_config)
}

/// Passes over an AudioSpecificConfig whose length nobody told. `None` where its end cannot be known.
pub(super) fn pass_config(r: &mut BitReader<'_>) -> Option<()> {
    let mut object_type = audio_object_type(r).ok()?;
    sampling_frequency(r).ok()?;
    let channel_config = r.bits(4)?;
    if matches!(object_type, AOT_SBR | AOT_PS) {
        sampling_frequency(r).ok()?;
        object_type = audio_object_type(r).ok()?;
    }
    // The others have extensions, and configuration 0 a program config element, which ends where the whole does.
    if !matches!(object_type, 1..=4) || channel_config == 0 {
        return None;
    }
    general_audio(r, channel_config).ok().map(|_| ())
}

/// What is used of an AudioSpecificConfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asc {
    /// The object type to name: that of SBR or PS where signalled.
    object_type: u32,
    /// Before SBR and PS.
    core_type: u32,
    core_rate: u32,
    /// channelConfiguration; 0 where a program config element tells.
    channel_config: u32,
    core_channels: u8,
    /// Samples of a unit at the core rate, where it is known.
    block: Option<u32>,
    params: AudioParams,
}

impl Asc {
    fn decoder_config(&self, asc: Bytes) -> DecoderConfig {
        DecoderConfig {
            codec: Codec::Aac,
            codec_string: format!("mp4a.40.{}", self.object_type),
            description: asc,
            params: CodecParams::Audio(self.params),
        }
    }

    /// So many blocks of samples, behind others of the same packet.
    fn unit(&self, data: Bytes, before: u32, blocks: u32) -> AccessUnit {
        match self.block {
            Some(block) => {
                let samples = |blocks: u32| blocks.saturating_mul(block);
                AccessUnit::samples(data, samples(before), samples(blocks), self.core_rate)
            }
            None => AccessUnit::sound(data),
        }
    }

    fn read(asc: &[u8]) -> Result<Self, ConfigError> {
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
        // frameLengthFlag is the first bit of GASpecificConfig, and of ELDSpecificConfig.
        let block = match (object_type, r.clone().bit()) {
            (AOT_ER_LD | AOT_ER_ELD, Some(short)) => Some(if short { 480 } else { 512 }),
            (_, Some(short)) if is_general_audio(object_type) => Some(if short { 960 } else { 1024 }),
            _ => None,
        };
        let from_pce = if is_general_audio(object_type) { general_audio(r, channel_config)? } else { None };
        let of_config = CHANNELS.get(channel_config as usize).copied().filter(|n| *n > 0);
        let core_channels = from_pce.or(of_config).ok_or(ConfigError::Invalid("channel configuration"))?;
        if !sbr && let Some((rate, with_ps)) = compatible_sbr(r) {
            (sbr, ps, output_rate) = (true, with_ps, Some(rate));
        }
        let named = match (ps, sbr) {
            (true, _) => AOT_PS,
            (false, true) => AOT_SBR,
            (false, false) => object_type,
        };
        let channels = if ps && core_channels == 1 { 2 } else { core_channels };
        let params = AudioParams { sample_rate: output_rate.unwrap_or(core_rate), channels };
        Ok(Self {
            object_type: named,
            core_type: object_type,
            core_rate,
            channel_config,
            core_channels,
            block,
            params,
        })
    }
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
    use crate::{codec::adts::tests::adts, time::Micros};

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

    #[test]
    fn adts_headers_are_taken_off_and_make_the_configuration() {
        let mut aac = Aac::default();
        assert_eq!(aac.packet(Bytes::from_static(&[0x21, 1, 2])), Err(Damage::NoConfig));
        let packet = Bytes::from([adts(&[0x21, 1]), adts(&[0x21, 2, 3])].concat());
        let facts = aac.packet(packet.clone()).unwrap();
        let config = facts.config.unwrap();
        assert_eq!((&config.description[..], config.codec_string.as_str()), (&[0x12, 0x10][..], "mp4a.40.2"));
        let units: Vec<_> = facts.units.iter().map(|unit| (unit.offset.0, unit.data.to_vec())).collect();
        assert_eq!(units, [(0, vec![0x21, 1]), (23_219, vec![0x21, 2, 3])]);
        assert_eq!(aac.packet(packet).unwrap().config, None);
        assert_eq!(aac.configure(adts(&[0x21, 1]).into()), Ok(None), "in place of the configuration");
    }

    #[test]
    fn the_units_of_a_packet_are_bounded() {
        let facts = Aac::default().packet(adts(&[0x21]).repeat(1000).into()).unwrap();
        assert_eq!(facts.units.len(), MAX_UNITS);
    }

    #[test]
    fn a_configuration_that_says_more_than_adts_stays() {
        let mut aac = Aac::default();
        // HE-AAC of 22.05 kHz, 44.1 after SBR; then of 44.1 kHz.
        aac.configure(Bytes::from_static(&[0x2b, 0x92, 0x08, 0x00])).unwrap().unwrap();
        let mut header = adts(&[0x21, 1]);
        header[2] = 0x5c;
        assert_eq!(aac.packet(header.into()).unwrap().config, None);
        assert!(aac.packet(adts(&[0x21, 1]).into()).unwrap().config.is_some());
    }

    #[test]
    fn a_repeated_configuration_is_not_told_again() {
        let mut aac = Aac::default();
        assert!(aac.configure(Bytes::from_static(&[0x12, 0x10])).unwrap().is_some());
        assert_eq!(aac.configure(Bytes::from_static(&[0x12, 0x10])), Ok(None));
        let unit = &aac.packet(Bytes::from_static(&[0x21, 1])).unwrap().units[0];
        assert_eq!(unit.duration, Some(Micros(23_219)));
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
