//! FLAC: the STREAMINFO block (RFC 9639, 8.2) and the head of a frame (9.1).
//!
//! **Invariant:** the description is `fLaC` with STREAMINFO alone, as WebCodecs wants it, made from the first frame where the
//! container has none. A frame's header counts only when its checksum is right.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, ConfigError, Damage, Facts},
    packet::{AudioParams, Codec, CodecParams, DecoderConfig},
    read::{BitReader, ByteReader},
};

const MAGIC: &[u8] = b"fLaC";
const STREAMINFO: u8 = 0;
const STREAMINFO_LEN: usize = 34;
/// Type and length of a STREAMINFO block, with the flag of the last one.
const BLOCK_HEADER: [u8; 4] = [0x80, 0, 0, STREAMINFO_LEN as u8];
/// Metadata blocks read in search of STREAMINFO, which stands first where all is well.
const MAX_BLOCKS: usize = 128;
const SYNC: u32 = 0b11_1111_1111_1110;
/// Sample rates of the codes 1 to 11, in Hz.
const RATES: [u32; 11] =
    [88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
const DEPTHS: [Option<u32>; 8] = [None, Some(8), Some(12), None, Some(16), Some(20), Some(24), Some(32)];
const MAX_BLOCK_SIZE: u32 = 65_535;

/// A track of FLAC.
#[derive(Debug, Default)]
pub struct Flac {
    config: Option<DecoderConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Format {
    rate: u32,
    channels: u8,
}

/// What is used of a frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    samples: u32,
    /// `None` where STREAMINFO has it.
    rate: Option<u32>,
    channels: u8,
    depth: Option<u32>,
}

impl Flac {
    /// Takes a stream's head, the contents of MP4's dfLa, or STREAMINFO with or without its block header.
    pub(super) fn configure(&mut self, bytes: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        let info = find_streaminfo(&bytes)?;
        let format = read_streaminfo(info)?;
        Ok(self.set(format, [MAGIC, &BLOCK_HEADER, info].concat().into()))
    }

    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let frame = Frame::parse(&data).ok_or(Damage::Invalid("frame header"))?;
        let config = self.follow(frame);
        let Some(CodecParams::Audio(params)) = self.config.as_ref().map(|config| config.params) else {
            return Err(Damage::NoConfig);
        };
        let unit = AccessUnit::samples(data, 0, frame.samples, params.sample_rate);
        Ok(Facts { config, sei: Vec::new(), units: vec![unit] })
    }

    /// A frame that contradicts the configuration, or comes without one, makes its own.
    fn follow(&mut self, frame: Frame) -> Option<DecoderConfig> {
        if let Some(CodecParams::Audio(params)) = self.config.as_ref().map(|config| config.params) {
            let agrees = frame.rate.is_none_or(|rate| rate == params.sample_rate);
            if agrees && frame.channels == params.channels {
                return None;
            }
        }
        let format = Format { rate: frame.rate?, channels: frame.channels };
        let info = streaminfo(format, frame.depth?);
        self.set(format, [MAGIC, &BLOCK_HEADER, &info].concat().into())
    }

    fn set(&mut self, format: Format, description: Bytes) -> Option<DecoderConfig> {
        let params = AudioParams { sample_rate: format.rate, channels: format.channels };
        let config = DecoderConfig {
            codec: Codec::Flac,
            codec_string: "flac".into(),
            description,
            params: CodecParams::Audio(params),
        };
        if self.config.as_ref() == Some(&config) {
            return None;
        }
        self.config = Some(config);
        self.config.clone()
    }
}

fn find_streaminfo(bytes: &[u8]) -> Result<&[u8], ConfigError> {
    if bytes.len() == STREAMINFO_LEN {
        return Ok(bytes);
    }
    // dfLa begins with a version and flags, all 0.
    let is_box = bytes.starts_with(&[0; 4]);
    let head: &[u8] = if is_box { &[0; 4] } else { MAGIC };
    let blocks = bytes.strip_prefix(head).unwrap_or(bytes);
    let mut r = ByteReader::new(blocks);
    for _ in 0..MAX_BLOCKS {
        let kind = r.u8().ok_or(ConfigError::Short)? & 0x7f;
        let len = r.uint(3).ok_or(ConfigError::Short)?;
        let block = r.bytes(len as usize).ok_or(ConfigError::Short)?;
        if kind == STREAMINFO && block.len() == STREAMINFO_LEN {
            return Ok(block);
        }
    }
    Err(ConfigError::Invalid("no STREAMINFO"))
}

fn read_streaminfo(info: &[u8]) -> Result<Format, ConfigError> {
    let mut r = BitReader::new(info);
    // Block and frame sizes.
    r.skip(80).ok_or(ConfigError::Short)?;
    let rate = r.bits(20).ok_or(ConfigError::Short)?;
    let channels = r.bits(3).ok_or(ConfigError::Short)?.saturating_add(1);
    if rate == 0 {
        return Err(ConfigError::Invalid("STREAMINFO sample rate"));
    }
    Ok(Format { rate, channels: u8::try_from(channels).unwrap_or(u8::MAX) })
}

/// STREAMINFO of what a frame tells: sizes, length and checksum stay unknown.
fn streaminfo(format: Format, depth: u32) -> [u8; STREAMINFO_LEN] {
    let packed = u64::from(format.rate) << 44
        | u64::from(format.channels.saturating_sub(1) & 7) << 41
        | u64::from(depth.saturating_sub(1) & 31) << 36;
    let mut info = [0; STREAMINFO_LEN];
    // Block sizes of 16 to 65535, frame sizes of 0, the packed fields, MD5 of 0.
    let fields = [0, 16, 0xff, 0xff, 0, 0, 0, 0, 0, 0].into_iter().chain(packed.to_be_bytes());
    for (place, byte) in info.iter_mut().zip(fields) {
        *place = byte;
    }
    info
}

impl Frame {
    fn parse(data: &[u8]) -> Option<Self> {
        let r = &mut BitReader::new(data);
        if r.bits(14)? != SYNC || r.bit()? {
            return None;
        }
        r.bit()?; // blocking strategy
        let (size_code, rate_code) = (r.bits(4)?, r.bits(4)?);
        let channel_code = r.bits(4)?;
        let depth = DEPTHS.get(r.bits(3)? as usize)?;
        if r.bit()? {
            return None;
        }
        // The coded number: as UTF-8, of up to seven bytes.
        let first = u8::try_from(r.bits(8)?).ok()?;
        let more = match first.leading_ones() {
            0 => 0,
            n @ 2..=7 => n.saturating_sub(1),
            _ => return None,
        };
        r.skip(more.saturating_mul(8))?;
        let samples = match size_code {
            0 => return None,
            1 => 192,
            2..=5 => 144 << size_code,
            6 => r.bits(8)?.saturating_add(1),
            7 => r.bits(16)?.saturating_add(1),
            _ => 1 << size_code,
        };
        let rate = match rate_code {
            0 => None,
            12 => Some(r.bits(8)?.saturating_mul(1000)),
            13 => Some(r.bits(16)?),
            14 => Some(r.bits(16)?.saturating_mul(10)),
            15 => return None,
            code => Some(*RATES.get(code.checked_sub(1)? as usize)?),
        };
        let extra = |code: u32, one: u32, two: &[u32]| match code {
            code if code == one => 1usize,
            code if two.contains(&code) => 2,
            _ => 0,
        };
        let len = 5usize
            .saturating_add(more as usize)
            .saturating_add(extra(size_code, 6, &[7]))
            .saturating_add(extra(rate_code, 12, &[13, 14]));
        let channels = match channel_code {
            0..=7 => u8::try_from(channel_code).ok()?.saturating_add(1),
            8..=10 => 2,
            _ => return None,
        };
        let checked = data.get(..=len)?;
        let sound = crc8(checked) == 0 && samples <= MAX_BLOCK_SIZE && rate != Some(0);
        sound.then_some(Self { samples, rate, channels, depth: *depth })
    }
}

/// 0 over bytes that end in their own checksum (9.1.8).
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libFLAC by FFmpeg, 48 kHz stereo of 16 bits.
    const INFO: &[u8] = &[
        0x12, 0x00, 0x12, 0x00, 0x00, 0x40, 0x91, 0x00, 0x40, 0xa5, 0x0b, 0xb8, 0x02, 0xf0, 0x00, 0x00, 0x90,
        0x00, 0xca, 0x7b, 0xab, 0x26, 0x81, 0x53, 0xf3, 0x1c, 0x0c, 0x14, 0xbf, 0xfa, 0xc7, 0xcc, 0xd9, 0x08,
    ];
    const FRAME: &[u8] = &[0xff, 0xf8, 0x5a, 0xa8, 0x00, 0x99, 0x40, 0xec, 0x1b];
    /// 44.1 kHz, six channels.
    const FRAME_51: &[u8] = &[0xff, 0xf8, 0x59, 0x58, 0x00, 0x30, 0x40, 0xeb, 0x6c];

    fn params(config: &DecoderConfig) -> (u32, u8) {
        let CodecParams::Audio(audio) = config.params else { panic!("audio") };
        (audio.sample_rate, audio.channels)
    }

    #[test]
    fn all_forms_of_the_configuration_become_one() {
        let expected = [MAGIC, &BLOCK_HEADER, INFO].concat();
        let with_comment = [MAGIC, &[0, 0, 0, 34], INFO, &[0x84, 0, 0, 2, 1, 2]].concat();
        let in_box = [&[0; 4], &BLOCK_HEADER, INFO].concat();
        for record in [expected.clone(), INFO.to_vec(), with_comment, in_box, expected[4..].to_vec()] {
            let config = Flac::default().configure(record.into()).unwrap().unwrap();
            assert_eq!((&config.description[..], params(&config)), (&expected[..], (48_000, 2)));
        }
    }

    #[test]
    fn frames_tell_their_duration_and_leave_the_configuration() {
        let mut flac = Flac::default();
        flac.configure(Bytes::from_static(INFO)).unwrap();
        assert_eq!(flac.configure(Bytes::from_static(INFO)), Ok(None));
        let facts = flac.packet(Bytes::from_static(FRAME)).unwrap();
        assert_eq!((facts.config, facts.units[0].duration.unwrap().0), (None, 96_000));
    }

    #[test]
    fn a_frame_without_a_configuration_or_against_it_makes_one() {
        let mut flac = Flac::default();
        let config = flac.packet(Bytes::from_static(FRAME)).unwrap().config.unwrap();
        assert_eq!(params(&config), (48_000, 2));
        assert_eq!(
            config.description[18..22],
            [0x0b, 0xb8, 0x02, 0xf0],
            "rate, channels and depth as in STREAMINFO"
        );
        let config = flac.packet(Bytes::from_static(FRAME_51)).unwrap().config.unwrap();
        assert_eq!(params(&config), (44_100, 6));
        assert_eq!(Flac::default().configure(config.description.clone()), Ok(Some(config)));
    }

    #[test]
    fn damage_is_told() {
        for at in 0..6 {
            let mut frame = FRAME.to_vec();
            frame[at] ^= 0x10;
            assert!(Flac::default().packet(frame.into()).is_err(), "{at}");
        }
        for len in 0..6 {
            assert!(Flac::default().packet(Bytes::from_static(&FRAME[..len])).is_err(), "{len}");
        }
        for len in 0..34 {
            assert!(Flac::default().configure(Bytes::from_static(&INFO[..len])).is_err(), "{len}");
        }
    }
}
