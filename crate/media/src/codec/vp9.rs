//! VP9: what its frames say by their uncompressed headers (VP9 bitstream specification, 6.2), and its configuration.
//!
//! **Invariant:** size, profile and bit depth come from the last key frame, so there is no configuration before it. A packet is
//! a frame or a superframe (annex B) and comes out as it is.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, ConfigError, Damage, Facts},
    packet::{Codec, CodecParams, Colour, DecoderConfig, VideoParams},
    read::{BitReader, ByteReader},
};

const FRAME_MARKER: u32 = 2;
const SYNC_CODE: u32 = 0x49_8342;
const SUPERFRAME_MARKER: u8 = 0b110;
const CS_RGB: u32 = 7;

/// Levels and what they allow at most: pixels of a picture, and pixels across ("VP9 levels", in the order of the level).
const LEVELS: [(u8, u32, u32); 11] = [
    (10, 36_864, 512),
    (11, 73_728, 768),
    (20, 122_880, 960),
    (21, 245_760, 1344),
    (30, 552_960, 2048),
    (31, 983_040, 2752),
    (40, 2_228_224, 4160),
    (50, 8_912_896, 8384),
    (60, 35_651_584, 16_832),
    (61, 71_303_168, 16_832),
    (62, u32::MAX, u32::MAX),
];

/// Browsers refuse a codec string with any other.
const NAMED_LEVELS: [u8; 14] = [10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 52, 60, 61, 62];

/// A track of VP9.
#[derive(Debug, Default)]
pub struct Vp9 {
    record: Option<Record>,
    config: Option<DecoderConfig>,
}

/// What is used of a VPCodecConfigurationRecord ("VP Codec ISO Media File Format Binding").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    level: u8,
    colour: Colour,
}

impl Record {
    /// With the version and flags of its box or, as some writers have it, without.
    fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let body = if bytes.len() >= 12 { bytes.strip_prefix(&[1, 0, 0, 0]).unwrap_or(bytes) } else { bytes };
        let [profile, level, depth, primaries, transfer, matrix] =
            ByteReader::new(body).array().ok_or(ConfigError::Short)?;
        if profile > 3 || !matches!(depth >> 4, 8 | 10 | 12) {
            return Err(ConfigError::Invalid("vpcC profile or bit depth"));
        }
        Ok(Self { level, colour: Colour { primaries, transfer, matrix, full_range: depth & 1 == 1 } })
    }
}

/// What is used of a frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    /// Of a key frame.
    key: Option<Key>,
    /// It may be referred to.
    is_reference: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    profile: u8,
    bit_depth: u8,
    subsampling: [bool; 2],
    matrix: u8,
    full_range: bool,
    width: u32,
    height: u32,
}

impl Vp9 {
    /// The packets have all but the level and the colours.
    pub(super) fn configure(&mut self, bytes: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        self.record = if bytes.is_empty() { None } else { Some(Record::parse(&bytes)?) };
        Ok(None)
    }

    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let mut key = None;
        let mut is_reference = false;
        for (i, frame) in frames(&data).into_iter().enumerate() {
            let frame = Frame::parse(frame).ok_or(Damage::Invalid("frame header"))?;
            if i == 0 {
                key = frame.key;
            }
            is_reference |= frame.is_reference;
        }
        let config = key.and_then(|key| self.refresh(key));
        if self.config.is_none() {
            return Err(Damage::NoConfig);
        }
        let units = vec![AccessUnit::picture(data, key.is_some(), !is_reference)];
        Ok(Facts { config, sei: Vec::new(), units })
    }

    fn refresh(&mut self, key: Key) -> Option<DecoderConfig> {
        let colour = self.colour(key);
        let config = DecoderConfig {
            codec: Codec::Vp9,
            codec_string: self.codec_string(key, colour),
            description: Bytes::new(),
            params: CodecParams::Video(VideoParams {
                bit_depth: key.bit_depth,
                colour,
                ..VideoParams::of_size(key.width, key.height)
            }),
        };
        if self.config.as_ref() == Some(&config) {
            return None;
        }
        self.config = Some(config);
        self.config.clone()
    }

    /// A frame tells its matrix and its range; primaries and transfer only the record does.
    fn colour(&self, key: Key) -> Colour {
        let told = self.record.map_or(Colour::UNSPECIFIED, |record| record.colour);
        let matrix = if key.matrix == Colour::UNSPECIFIED.matrix { told.matrix } else { key.matrix };
        Colour { matrix, full_range: key.full_range, ..told }
    }

    /// The optional part is left out where it says no more than its absence.
    fn codec_string(&self, key: Key, colour: Colour) -> String {
        let fits = |most: u32, across: u32| {
            key.width.saturating_mul(key.height) <= most && key.width.max(key.height) <= across
        };
        let least = LEVELS.iter().find(|(_, most, across)| fits(*most, *across)).map_or(62, |level| level.0);
        let told = self.record.map(|record| record.level).filter(|level| NAMED_LEVELS.contains(level));
        let level = told.unwrap_or(least);
        let mut out = format!("vp09.{:02}.{level:02}.{:02}", key.profile, key.bit_depth);
        let Colour { primaries, transfer, matrix, full_range } = colour.in_codec_string();
        let plain = [primaries, transfer, matrix].iter().all(|point| matches!(point, 1 | 2)) && !full_range;
        if key.subsampling != [true; 2] || !plain {
            let chroma = match key.subsampling {
                [true, true] => 1, // 4:2:0, samples with the luma of the top left
                [true, false] => 2,
                [false, false] => 3,
                // 4:4:0 has no number.
                [false, true] => return out,
            };
            let range = u8::from(full_range);
            out.push_str(&format!(".{chroma:02}.{primaries:02}.{transfer:02}.{matrix:02}.{range:02}"));
        }
        out
    }
}

/// The frames of a superframe by its index (annex B.2), or the packet as one.
fn frames(data: &[u8]) -> Vec<&[u8]> {
    superframe(data).unwrap_or_else(|| vec![data])
}

fn superframe(data: &[u8]) -> Option<Vec<&[u8]>> {
    let marker = *data.last().filter(|last| *last >> 5 == SUPERFRAME_MARKER)?;
    let count = usize::from(marker & 7).saturating_add(1);
    let size_len = usize::from(marker >> 3 & 3).saturating_add(1);
    let index_at = data.len().checked_sub(size_len.saturating_mul(count).saturating_add(2))?;
    let (body, index) = data.split_at_checked(index_at)?;
    let (&first, sizes) = index.split_first()?;
    if first != marker {
        return None;
    }
    let mut body = ByteReader::new(body);
    let frames = sizes.get(..size_len.saturating_mul(count))?.chunks(size_len).filter_map(|size| {
        let size = size.iter().rev().fold(0u32, |acc, byte| acc << 8 | u32::from(*byte));
        body.bytes(size as usize).filter(|frame| !frame.is_empty())
    });
    Some(frames.collect()).filter(|frames: &Vec<&[u8]>| !frames.is_empty())
}

impl Frame {
    fn parse(frame: &[u8]) -> Option<Self> {
        let r = &mut BitReader::new(frame);
        if r.bits(2)? != FRAME_MARKER {
            return None;
        }
        let (low, high) = (r.bits(1)?, r.bits(1)?);
        let profile = high << 1 | low;
        if profile == 3 {
            r.bit()?;
        }
        if r.bit()? {
            // show_existing_frame
            return Some(Self { key: None, is_reference: false });
        }
        let is_inter = r.bit()?;
        let shown = r.bit()?;
        let error_resilient = r.bit()?;
        if !is_inter {
            return Some(Self { key: Some(Key::read(r, profile)?), is_reference: true });
        }
        let intra_only = !shown && r.bit()?;
        if !error_resilient {
            r.bits(2)?; // reset_frame_context
        }
        if intra_only {
            return Some(Self { key: None, is_reference: true });
        }
        Some(Self { key: None, is_reference: r.bits(8)? != 0 })
    }
}

impl Key {
    fn read(r: &mut BitReader<'_>, profile: u32) -> Option<Self> {
        if r.bits(24)? != SYNC_CODE {
            return None;
        }
        // color_config (6.2.2).
        let bit_depth = match profile >= 2 {
            true => {
                if r.bit()? {
                    12
                } else {
                    10
                }
            }
            false => 8,
        };
        let color_space = r.bits(3)?;
        let may_be_full = profile & 1 == 1;
        let (full_range, subsampling) = match color_space {
            CS_RGB => (true, [!may_be_full; 2]),
            _ => (r.bit()?, if may_be_full { [r.bit()?, r.bit()?] } else { [true; 2] }),
        };
        if may_be_full {
            r.bit()?;
        }
        let (width, height) = (r.bits(16)?.checked_add(1)?, r.bits(16)?.checked_add(1)?);
        Some(Self {
            profile: u8::try_from(profile).ok()?,
            bit_depth,
            subsampling,
            matrix: matrix_of(color_space),
            full_range,
            width,
            height,
        })
    }
}

/// color_space (7.2.2) in the code points of ITU-T H.273.
fn matrix_of(color_space: u32) -> u8 {
    match color_space {
        1 => 5,
        2 => 1,
        3 => 6,
        4 => 7,
        5 => 9,
        CS_RGB => 0,
        _ => Colour::UNSPECIFIED.matrix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libvpx: a key frame of 638x358, BT.709 in full range.
    const KEY: &[u8] = &[0x82, 0x49, 0x83, 0x42, 0x50, 0x27, 0xd0, 0x16, 0x56, 0x08, 0x38, 0x24, 0x1c, 0x18];
    /// refresh_frame_flags 1.
    const INTER: &[u8] = &[0x86, 0x00, 0x40, 0x92, 0xf1, 0x81];
    /// refresh_frame_flags 0.
    const UNREFERRED: &[u8] = &[0x86, 0x00, 0x00, 0x92, 0xf1, 0x81];

    fn video(config: &DecoderConfig) -> VideoParams {
        let CodecParams::Video(video) = config.params else { panic!("video") };
        video
    }

    fn vpcc(level: u8) -> Bytes {
        Bytes::copy_from_slice(&[1, 0, 0, 0, 0, level, 0x82, 9, 16, 9, 0, 0])
    }

    #[test]
    fn the_first_key_frame_makes_the_configuration() {
        let mut vp9 = Vp9::default();
        assert_eq!(vp9.packet(Bytes::from_static(INTER)), Err(Damage::NoConfig));
        let facts = vp9.packet(Bytes::from_static(KEY)).unwrap();
        let config = facts.config.unwrap();
        let colour = Colour { matrix: 1, full_range: true, ..Colour::UNSPECIFIED };
        assert_eq!(video(&config), VideoParams { colour, ..VideoParams::of_size(638, 358) });
        assert_eq!(config.codec_string, "vp09.00.21.08.01.02.02.01.01");
        assert!(facts.units[0].keyframe);
        assert_eq!(vp9.packet(Bytes::from_static(KEY)).unwrap().config, None);
    }

    #[test]
    fn the_record_adds_level_and_colours() {
        for record in [vpcc(40), vpcc(40).slice(4..)] {
            let mut vp9 = Vp9::default();
            assert_eq!(vp9.configure(record), Ok(None));
            let config = vp9.packet(Bytes::from_static(KEY)).unwrap().config.unwrap();
            assert_eq!(config.codec_string, "vp09.00.40.08.01.09.16.01.01");
        }
        assert!(Vp9::default().configure(Bytes::from_static(&[9; 8])).is_err());
        assert_eq!(Vp9::default().configure(Bytes::from_static(&[0, 10])), Err(ConfigError::Short));
    }

    #[test]
    fn what_a_record_says_beyond_the_tables_is_not_in_the_codec_string() {
        // Refused by browsers: level 4.5 and level 0, the reserved points 0 and 3, and matrix 10.
        for (level, points, told) in [
            (45, [0, 0, 0], "vp09.00.10.08.01.02.02.00.00"),
            (0, [3, 16, 10], "vp09.00.10.08.01.02.16.02.00"),
            (62, [22, 18, 9], "vp09.00.62.08.01.22.18.09.00"),
        ] {
            let mut vp9 = Vp9::default();
            let record = [&[0, level, 0x82], &points[..], &[0, 0]].concat();
            vp9.configure(record.into()).unwrap();
            // 320x90, no colour space.
            let key = &[0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x05, 0x90, 0x00];
            assert_eq!(vp9.packet(Bytes::from_static(key)).unwrap().config.unwrap().codec_string, told);
        }
    }

    #[test]
    fn ten_bits_and_444_are_told() {
        // libvpx, profile 1.
        let key = &[0xa2, 0x49, 0x83, 0x42, 0x00, 0x02, 0x7e, 0x01, 0xde, 0xc0];
        let config = Vp9::default().packet(Bytes::from_static(key)).unwrap().config.unwrap();
        assert_eq!(config.codec_string, "vp09.01.20.08.03.02.02.02.00");
        // Profile 3: one reserved bit; 10 bits, BT.2020, 4:4:4.
        let (width, height) = (format!("{:016b}", 319), format!("{:016b}", 239));
        let sync = "010010011000001101000010";
        let bits = ["10110", "0010", sync, "0", "101", "0", "000", &width, &height, "0000000"].concat();
        let bytes: Vec<u8> = bits
            .as_bytes()
            .chunks_exact(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
            .collect();
        let config = Vp9::default().packet(bytes.into()).unwrap().config.unwrap();
        assert_eq!(config.codec_string, "vp09.03.20.10.03.02.02.09.00");
        assert_eq!((video(&config).width, video(&config).height, video(&config).bit_depth), (320, 240, 10));
    }

    #[test]
    fn a_frame_that_refreshes_nothing_is_disposable() {
        let mut vp9 = Vp9::default();
        vp9.packet(Bytes::from_static(KEY)).unwrap();
        let mut disposable = |frame| vp9.packet(Bytes::from_static(frame)).unwrap().units[0].disposable;
        assert!(!disposable(INTER) && disposable(UNREFERRED));
        assert!(disposable(&[0x88, 0x80]), "show_existing_frame");
    }

    #[test]
    fn all_frames_of_a_superframe_count() {
        let mut vp9 = Vp9::default();
        let joined = |frames: [&[u8]; 2]| {
            let [a, b] = frames.map(|frame| frame.len() as u8);
            Bytes::from([frames[0], frames[1], &[0xc1, a, b, 0xc1]].concat())
        };
        assert!(vp9.packet(joined([KEY, UNREFERRED])).unwrap().units[0].keyframe);
        let unit = &vp9.packet(joined([INTER, UNREFERRED])).unwrap().units[0];
        assert!(!unit.disposable && !unit.keyframe);
        assert!(vp9.packet(joined([UNREFERRED, UNREFERRED])).unwrap().units[0].disposable);
        let data = joined([INTER, UNREFERRED]);
        assert_eq!(vp9.packet(data.clone()).unwrap().units[0].data, data);
    }

    #[test]
    fn damage_is_told() {
        for data in [&[0x42][..], &[0x82], &[0x82, 0x49, 0x83, 0x43, 0x50, 2, 0x7d, 1, 0x65]] {
            assert!(Vp9::default().packet(Bytes::from_static(data)).is_err());
        }
        for len in 1..9 {
            assert!(Vp9::default().packet(Bytes::from_static(&KEY[..len])).is_err(), "{len}");
        }
    }
}
