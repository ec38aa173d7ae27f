//! H.264: the configuration record (avcC), NAL units, and what an access unit says of itself.
//!
//! **Invariant:** profile, level and size come from the SPS, keyframes from the NAL types; the container is not
//! asked. Parameter sets inside packets are not read.

use bytes::Bytes;

use crate::{
    codec::{ConfigError, Damage, Facts, avc_sps::Sps},
    packet::{Codec, CodecParams, DecoderConfig, VideoParams},
    read::ByteReader,
    time::Micros,
};

const AVCC_VERSION: u8 = 1;

const NAL_SLICE: u8 = 1;
const NAL_IDR_SLICE: u8 = 5;
const NAL_SPS: u8 = 7;

/// A track of H.264.
#[derive(Debug, Default)]
pub struct Avc {
    config: Option<AvcConfig>,
}

impl Avc {
    pub(super) fn configure(&mut self, avcc: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        if self.config.as_ref().is_some_and(|config| config.decoder.description == avcc) {
            return Ok(None);
        }
        let config = AvcConfig::parse(avcc)?;
        let decoder = config.decoder.clone();
        self.config = Some(config);
        Ok(Some(decoder))
    }

    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let config = self.config.as_ref().ok_or(Damage::NoConfig)?;
        let unit = AccessUnit::inspect(&data, config.length_size).map_err(|_| Damage::Invalid("NAL length"))?;
        Ok(super::AccessUnit {
            data,
            offset: Micros::ZERO,
            duration: None,
            keyframe: unit.keyframe,
            disposable: unit.disposable,
        }
        .into())
    }
}

/// How the packets of a stream are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcConfig {
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: usize,
    pub decoder: DecoderConfig,
}

impl AvcConfig {
    /// Reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
    pub fn parse(avcc: Bytes) -> Result<Self, ConfigError> {
        let (length_size, sps) = read_avcc(&avcc)?;
        let [profile, constraints, level] = sps.profile;
        Ok(Self {
            length_size,
            decoder: DecoderConfig {
                codec: Codec::Avc,
                codec_string: format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
                params: CodecParams::Video(VideoParams {
                    reorder_depth: sps.reorder_depth,
                    ..VideoParams::of_size(sps.width, sps.height)
                }),
                description: avcc,
            },
        })
    }
}

fn read_avcc(avcc: &[u8]) -> Result<(usize, Sps), ConfigError> {
    let mut r = ByteReader::new(avcc);
    let [version, _profile, _compatibility, _level, lengths, sps_count] =
        r.array().ok_or(ConfigError::Short)?;
    if version != AVCC_VERSION {
        return Err(ConfigError::Invalid("avcC version"));
    }
    let length_size = match lengths & 3 {
        0 => 1,
        1 => 2,
        3 => 4,
        _ => return Err(ConfigError::Invalid("NAL length size")),
    };
    let mut first = None;
    for _ in 0..sps_count & 0x1f {
        let nal = sized_nal(&mut r)?;
        if first.is_none() && nal_type(nal) == Some(NAL_SPS) {
            first = Some(Sps::parse(nal)?);
        }
    }
    for _ in 0..r.u8().ok_or(ConfigError::Short)? {
        sized_nal(&mut r)?;
    }
    Ok((length_size, first.ok_or(ConfigError::Invalid("no SPS"))?))
}

fn sized_nal<'a>(r: &mut ByteReader<'a>) -> Result<&'a [u8], ConfigError> {
    let len = r.u16().ok_or(ConfigError::Short)?;
    r.bytes(usize::from(len)).ok_or(ConfigError::Short)
}

/// The NAL units of a packet. A length that passes the packet's end gives one `Err`, then the end.
#[derive(Clone, Debug)]
pub struct Nals<'a> {
    rest: ByteReader<'a>,
    length_size: usize,
}

/// A NAL unit's length passes the end of its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl<'a> Nals<'a> {
    pub fn new(packet: &'a [u8], length_size: usize) -> Self {
        Self { rest: ByteReader::new(packet), length_size }
    }
}

impl<'a> Iterator for Nals<'a> {
    type Item = Result<&'a [u8], Overrun>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let nal = self.rest.uint(self.length_size).and_then(|len| self.rest.bytes(len as usize));
        if nal.is_none() {
            self.rest = ByteReader::new(&[]);
        }
        Some(nal.ok_or(Overrun))
    }
}

/// What an access unit's NAL units say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// It has an IDR slice.
    pub keyframe: bool,
    /// It has slices, and no other picture refers to any of them.
    pub disposable: bool,
}

impl AccessUnit {
    pub fn inspect(packet: &[u8], length_size: usize) -> Result<Self, Overrun> {
        let (mut idr, mut slices, mut referred) = (false, false, false);
        for nal in Nals::new(packet, length_size) {
            let nal = nal?;
            // Types 2 to 4 are the partitions of a slice.
            let Some(kind @ NAL_SLICE..=NAL_IDR_SLICE) = nal_type(nal) else { continue };
            slices = true;
            idr |= kind == NAL_IDR_SLICE;
            referred |= nal.first().is_some_and(|header| header & 0x60 != 0);
        }
        Ok(Self { keyframe: idr, disposable: slices && !referred })
    }
}

fn nal_type(nal: &[u8]) -> Option<u8> {
    nal.first().map(|header| header & 0x1f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x264 through ffmpeg: 1920x1080 High, level 4.0, with cropping and a VUI.
    const SPS_1080P: &[u8] = &[
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
        0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58,
    ];

    fn avcc(lengths: u8, sps: &[u8]) -> Bytes {
        let mut out = vec![1, 0, 0, 0, lengths, 0xe1, 0, sps.len() as u8];
        out.extend_from_slice(sps);
        out.extend_from_slice(&[1, 0, 2, 0x68, 0xee]);
        out.into()
    }

    #[test]
    fn the_codec_string_and_size_come_from_the_sps() {
        let config = AvcConfig::parse(avcc(0xff, SPS_1080P)).unwrap();
        assert_eq!(config.length_size, 4);
        assert_eq!(config.decoder.codec_string, "avc1.640028");
        let CodecParams::Video(video) = config.decoder.params else { panic!("video") };
        assert_eq!((video.width, video.height), (1920, 1080));
    }

    #[test]
    fn nal_lengths_of_one_two_and_four_bytes_are_read() {
        for (bits, size) in [(0xfc, 1), (0xfd, 2), (0xff, 4)] {
            assert_eq!(AvcConfig::parse(avcc(bits, SPS_1080P)).unwrap().length_size, size);
            let mut packet = vec![0; size - 1];
            packet.extend_from_slice(&[2, 0x65, 0x88]);
            assert_eq!(Nals::new(&packet, size).collect::<Vec<_>>(), [Ok(&[0x65, 0x88][..])]);
        }
        assert_eq!(AvcConfig::parse(avcc(0xfe, SPS_1080P)), Err(ConfigError::Invalid("NAL length size")));
    }

    #[test]
    fn a_configuration_cut_anywhere_is_an_error() {
        let whole = avcc(0xff, SPS_1080P);
        for len in 0..whole.len() {
            assert!(AvcConfig::parse(whole.slice(..len)).is_err(), "{len}");
        }
        assert_eq!(AvcConfig::parse(avcc(0xff, &[0x68, 1])), Err(ConfigError::Invalid("no SPS")));
    }

    #[test]
    fn an_idr_slice_makes_a_keyframe_whatever_comes_before_it() {
        let unit = AccessUnit::inspect(&[0, 2, 0x09, 0xf0, 0, 1, 0x06, 0, 1, 0x65], 2);
        assert_eq!(unit, Ok(AccessUnit { keyframe: true, disposable: false }));
        let unit = AccessUnit::inspect(&[0, 1, 0x67, 0, 1, 0x41], 2);
        assert_eq!(unit, Ok(AccessUnit { keyframe: false, disposable: false }));
    }

    #[test]
    fn a_picture_is_disposable_when_none_of_its_slices_is_referred_to() {
        let unit = |nals: &[u8]| AccessUnit::inspect(nals, 1).unwrap().disposable;
        assert!(unit(&[1, 0x01, 1, 0x01]));
        assert!(!unit(&[1, 0x01, 1, 0x21]));
        assert!(!unit(&[1, 0x06]), "no slice at all");
    }

    #[test]
    fn a_length_past_the_end_is_an_overrun() {
        assert_eq!(AccessUnit::inspect(&[0, 0, 0, 9, 0x65], 4), Err(Overrun));
        assert_eq!(AccessUnit::inspect(&[0, 0, 0, 1, 0x65, 0], 4), Err(Overrun));
        assert_eq!(AccessUnit::inspect(&[0xff; 8], 4), Err(Overrun));
    }
}
