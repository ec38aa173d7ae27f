//! Opus: the identification header (RFC 7845, 5.1) and the TOC byte of a packet (RFC 6716, 3.1).
//!
//! **Invariant:** the output rate is 48 kHz, whatever was put in. Without a header, two channels are decoded: a stream of one has
//! packets for either.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, ConfigError, Damage, Facts},
    packet::{AudioParams, Codec, CodecParams, DecoderConfig},
    read::ByteReader,
};

pub(super) const RATE: u32 = 48_000;
const MAGIC: &[u8] = b"OpusHead";
/// A packet is at most 120 ms (RFC 6716, 3.4).
const MAX_SAMPLES: u32 = 5760;

/// A track of Opus.
#[derive(Debug, Default)]
pub struct Opus {
    config: Option<DecoderConfig>,
}

impl Opus {
    /// Takes OpusHead, or the OpusSpecificBox of MP4, which has the same fields in big-endian.
    pub(super) fn configure(&mut self, bytes: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        let head = if bytes.starts_with(MAGIC) { bytes } else { from_box(&bytes)? };
        let fields = head.get(MAGIC.len()..).unwrap_or_default();
        let [version, channels, _, _, _, _, _, _, _, _, family] =
            ByteReader::new(fields).array().ok_or(ConfigError::Short)?;
        // Versions of the same upper half are compatible.
        if version >> 4 != 0 {
            return Err(ConfigError::Invalid("OpusHead version"));
        }
        if channels == 0 || family == 0 && channels > 2 {
            return Err(ConfigError::Invalid("OpusHead channels"));
        }
        // Stream count, coupled count, and a byte a channel.
        let table = usize::from(channels).saturating_add(2);
        if family != 0 && fields.len() < table.saturating_add(11) {
            return Err(ConfigError::Short);
        }
        Ok(self.set(channels, head))
    }

    pub(super) fn packet(&mut self, data: Bytes, hint: Option<AudioParams>) -> Result<Facts, Damage> {
        let samples = samples(&data).ok_or(Damage::Invalid("TOC"))?;
        let config = match self.config {
            Some(_) => None,
            None if hint.is_some_and(|hint| hint.channels > 2) => return Err(Damage::NoConfig),
            None => self.set(2, Bytes::new()),
        };
        Ok(Facts { config, sei: Vec::new(), units: vec![AccessUnit::samples(data, 0, samples, RATE)] })
    }

    fn set(&mut self, channels: u8, description: Bytes) -> Option<DecoderConfig> {
        let config = DecoderConfig {
            codec: Codec::Opus,
            codec_string: "opus".into(),
            description,
            params: CodecParams::Audio(AudioParams { sample_rate: RATE, channels }),
        };
        if self.config.as_ref() == Some(&config) {
            return None;
        }
        self.config = Some(config);
        self.config.clone()
    }
}

/// OpusHead of an OpusSpecificBox's contents ("Encapsulation of Opus in ISO Base Media File Format", 4.3.2).
fn from_box(bytes: &[u8]) -> Result<Bytes, ConfigError> {
    let mut r = ByteReader::new(bytes);
    let [version, channels, skip1, skip0, r3, r2, r1, r0, gain1, gain0] =
        r.array().ok_or(ConfigError::Short)?;
    if version != 0 {
        return Err(ConfigError::Invalid("no OpusHead"));
    }
    let fields = [1, channels, skip0, skip1, r0, r1, r2, r3, gain0, gain1];
    Ok([MAGIC, &fields, r.rest()].concat().into())
}

/// The samples of a packet, of all its frames.
pub(super) fn samples(packet: &[u8]) -> Option<u32> {
    let (toc, rest) = packet.split_first()?;
    let (config, code) = (toc >> 3, toc & 3);
    let frame: u32 = match (config, config & 3) {
        (0..=11, 0) => 480,
        (0..=11, 1) => 960,
        (0..=11, 2) => 1920,
        (0..=11, _) => 2880,
        (12..=15, 0 | 2) => 480,
        (12..=15, _) => 960,
        (_, 0) => 120,
        (_, 1) => 240,
        (_, 2) => 480,
        _ => 960,
    };
    let frames = match code {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    Some(frame.saturating_mul(frames)).filter(|samples| (1..=MAX_SAMPLES).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libopus, stereo, and 5.1 in Vorbis' order.
    const HEAD: &[u8] = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
    const HEAD_51: &[u8] = b"OpusHead\x01\x06\x38\x01\x80\xbb\0\0\0\0\x01\x04\x02\0\x04\x01\x02\x03\x05";

    fn channels(config: &DecoderConfig) -> (u32, u8) {
        let CodecParams::Audio(audio) = config.params else { panic!("audio") };
        (audio.sample_rate, audio.channels)
    }

    #[test]
    fn the_header_is_the_description() {
        let mut opus = Opus::default();
        let config = opus.configure(Bytes::from_static(HEAD)).unwrap().unwrap();
        assert_eq!((&config.description[..], channels(&config)), (HEAD, (48_000, 2)));
        assert_eq!(opus.configure(Bytes::from_static(HEAD)), Ok(None));
        let config = opus.configure(Bytes::from_static(HEAD_51)).unwrap().unwrap();
        assert_eq!((&config.description[..], channels(&config)), (HEAD_51, (48_000, 6)));
    }

    #[test]
    fn the_box_of_mp4_becomes_a_header() {
        let dops = [0, 2, 0x01, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0];
        let config = Opus::default().configure(Bytes::copy_from_slice(&dops)).unwrap().unwrap();
        assert_eq!(&config.description[..], HEAD);
    }

    #[test]
    fn without_a_header_the_first_packet_makes_a_configuration() {
        let mut opus = Opus::default();
        let facts = opus.packet(Bytes::from_static(&[0xfc, 0x76]), None).unwrap();
        assert_eq!(channels(&facts.config.unwrap()), (48_000, 2));
        assert_eq!(facts.units[0].duration.unwrap().0, 20_000);
        let surround = Some(AudioParams { sample_rate: 48_000, channels: 6 });
        assert_eq!(Opus::default().packet(Bytes::from_static(&[0xfc, 1]), surround), Err(Damage::NoConfig));
    }

    #[test]
    fn durations_are_those_of_the_toc() {
        for (packet, ms) in [
            (&[0x00][..], 10.0),
            (&[0x18], 60.0),
            (&[0x68], 20.0),
            (&[0xe0], 2.5),
            (&[0xf9, 0], 40.0),
            (&[0xfb, 0x06], 120.0),
            (&[0x83, 0x03], 7.5),
        ] {
            assert_eq!(samples(packet).map(|n| f64::from(n) / 48.0), Some(ms), "{packet:02x?}");
        }
        assert_eq!([samples(&[]), samples(&[0xfb]), samples(&[0xfb, 0]), samples(&[0xfb, 7])], [None; 4]);
    }

    #[test]
    fn a_header_cut_anywhere_is_an_error() {
        for len in 0..HEAD_51.len() {
            assert!(Opus::default().configure(Bytes::from_static(&HEAD_51[..len])).is_err(), "{len}");
        }
    }
}
