//! H.264: what its configuration and its access units say.
//!
//! **Invariant:** profile, level and size come from the SPS that the slices refer to, keyframes from the NAL units; the container
//! is not asked. Packets come out with NAL lengths of four bytes, and so say their configurations. A codec string has a level that
//! browsers know.
//!
//! **Keyframes** are IDR pictures. A stream that offers none is entered at its recovery points, or at a picture of I slices only:
//! browsers take a recovery point of no frames for a key chunk, so such a unit gets one put in front. What is shown
//! before it must then be left out by whoever starts there, as it may refer to what came earlier.

use bytes::Bytes;

use crate::{
    codec::{
        AccessUnit, ConfigError, Damage, Facts,
        avc_record::{self, Record},
        avc_sps::Sps,
        nal::{Framing, LENGTH_SIZE, Nals},
        sei::Messages,
        sets::ParameterSets,
    },
    packet::{Codec, CodecParams, DecoderConfig, VideoParams},
    read::BitReader,
};

const NAL_SLICE: u8 = 1;
const NAL_IDR_SLICE: u8 = 5;
const NAL_SEI: u8 = 6;
pub(crate) const NAL_SPS: u8 = 7;
pub(crate) const NAL_PPS: u8 = 8;
/// Types past it are unspecified or of extensions that are not read here.
const NAL_LAST: u8 = 21;

/// level_idc of table A-1. Browsers refuse a codec string with another, such as the 0 of careless encoders and the 9 (1b) of High
/// profile: it gets the next one.
const LEVELS: [u8; 19] = [10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52, 60, 61, 62];
const HIGHEST_LEVEL: u8 = 62;

/// So many recovery points in a row without an IDR picture, and the stream is taken to have no more of those: encoders with open
/// GOPs or intra refresh make one at their start.
const ENOUGH_RECOVERY_POINTS: u8 = 4;

/// Of a packet of parameter sets that waits for its picture.
const MAX_AHEAD: usize = 64 << 10;

/// An SEI NAL unit behind its length: a recovery point of recovery_frame_cnt 0 (D.1.8).
const RECOVERY_POINT: [u8; 9] = [0, 0, 0, 5, NAL_SEI, 6, 1, 0x84, 0x80];

/// A track of H.264.
#[derive(Debug)]
pub struct Avc {
    framing: Framing,
    /// The container's last, as it came.
    record: Option<Bytes>,
    sets: ParameterSets,
    /// seq_parameter_set_id in use.
    active: u32,
    config: Option<DecoderConfig>,
    /// The sets are not those of `config`; it follows at the next keyframe.
    stale: bool,
    has_idr: bool,
    recovery_points_since_idr: u8,
    /// A packet of parameter sets that no picture came with yet.
    ahead: Option<Bytes>,
}

impl Default for Avc {
    fn default() -> Self {
        Self {
            framing: Framing::new(is_plausible),
            record: None,
            sets: ParameterSets::default(),
            active: 0,
            config: None,
            stale: false,
            has_idr: false,
            recovery_points_since_idr: 0,
            ahead: None,
        }
    }
}

impl Avc {
    pub(super) fn configure(&mut self, bytes: Bytes) -> Result<Option<DecoderConfig>, ConfigError> {
        // The container's record again: what the packets said since holds.
        if self.record.as_ref() == Some(&bytes) {
            return Ok(None);
        }
        let record = Record::parse(&bytes)?;
        self.framing.set_length_size(record.length_size);
        self.record = Some(bytes.clone());
        if self.config.is_some() && self.sets == record.sets {
            return Ok(None);
        }
        self.sets = record.sets;
        let as_it_came = Some(bytes).filter(|_| record.is_usable);
        self.active = self.sets.of_kind(NAL_SPS).next().map_or(0, |set| set.id);
        let config = self.build(as_it_came);
        self.stale = config.is_none();
        let changed = config.is_some() && config != self.config;
        self.config = config;
        Ok(self.config.clone().filter(|_| changed))
    }

    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let data = self.framing.normalise(data)?;
        let mut unit = Unit::default();
        for nal in Nals::new(&data, LENGTH_SIZE).flatten() {
            match nal_type(nal) {
                Some(NAL_SPS | NAL_PPS) => unit.sets.push(nal),
                Some(NAL_SEI) => unit.messages.read(nal.get(1..).unwrap_or_default()),
                Some(kind @ NAL_SLICE..=NAL_IDR_SLICE) => unit.slice(kind, nal),
                _ => {}
            }
        }
        self.take_sets(&unit.sets);
        let entry = self.entry(&unit);
        let config = if entry == Entry::None { None } else { self.refresh(&unit) };
        let Unit { messages, has_slices, is_reference, .. } = unit;
        if has_slices && self.config.is_none() {
            return Err(Damage::NoConfig);
        }
        if !has_slices && self.stale && data.len() <= MAX_AHEAD {
            // A copy: a slice would keep the whole chunk that it came in.
            self.ahead = Some(Bytes::copy_from_slice(&data));
        }
        // A keyframe's configuration has the sets that came ahead of it; what comes between takes them along.
        let ahead = self.ahead.take_if(|_| has_slices);
        let data = match (entry, ahead) {
            (Entry::Made, _) => [&RECOVERY_POINT, &data[..]].concat().into(),
            (Entry::None, Some(ahead)) => [ahead, data].concat().into(),
            _ => data,
        };
        let keyframe = entry != Entry::None;
        let decodable = has_slices.then(|| AccessUnit::picture(data, keyframe, !is_reference));
        Ok(Facts { config, sei: messages.into_kept(), units: decodable.into_iter().collect() })
    }

    fn take_sets(&mut self, nals: &[&[u8]]) {
        let mut fresh = ParameterSets::default();
        for nal in nals {
            // One that cannot be read changes nothing: the decoder may know better.
            let _ = avc_record::insert(&mut fresh, nal);
        }
        self.stale |= self.sets.update(fresh, NAL_SPS, &[NAL_SPS, NAL_PPS]);
    }

    /// Whether decoding can start at this unit.
    fn entry(&mut self, unit: &Unit<'_>) -> Entry {
        if unit.has_idr {
            self.has_idr = true;
            self.recovery_points_since_idr = 0;
            return Entry::Signalled;
        }
        if !unit.has_slices {
            return Entry::None;
        }
        let frames = unit.messages.recovery_frames();
        if frames.is_some() {
            self.recovery_points_since_idr = self.recovery_points_since_idr.saturating_add(1);
        }
        let counts = !self.has_idr || self.recovery_points_since_idr >= ENOUGH_RECOVERY_POINTS;
        match frames.filter(|_| counts) {
            Some(0) => Entry::Signalled,
            Some(_) => Entry::Made,
            None if !self.has_idr && unit.is_intra => Entry::Made,
            _ => Entry::None,
        }
    }

    /// At a keyframe: the configuration follows the sets, and the SPS that the slices refer to.
    fn refresh(&mut self, unit: &Unit<'_>) -> Option<DecoderConfig> {
        let used = unit.pps_id.and_then(|id| pps_ids(&self.sets.get(NAL_PPS, id)?.nal)).map(|(_, sps)| sps);
        let used = used.filter(|id| self.sets.get(NAL_SPS, *id).is_some()).unwrap_or(self.active);
        if !self.stale && used == self.active {
            return None;
        }
        self.active = used;
        let config = self.build(None)?;
        self.stale = false;
        if self.config.as_ref() == Some(&config) {
            return None;
        }
        self.config = Some(config);
        self.config.clone()
    }

    fn build(&self, record: Option<Bytes>) -> Option<DecoderConfig> {
        let built = avc_record::build(&self.sets, self.active)?;
        let sps = Sps::parse(&self.sets.get(NAL_SPS, self.active)?.nal).ok()?;
        let [profile, constraints, level] = sps.profile;
        let level = LEVELS.into_iter().find(|known| *known >= level).unwrap_or(HIGHEST_LEVEL);
        Some(DecoderConfig {
            codec: Codec::Avc,
            codec_string: format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
            params: CodecParams::Video(VideoParams {
                reorder_depth: sps.reorder_depth,
                bit_depth: sps.bit_depth,
                colour: sps.colour,
                pixel: sps.pixel,
                ..VideoParams::of_size(sps.width, sps.height)
            }),
            description: record.unwrap_or(built),
        })
    }
}

/// How decoding can start at a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    None,
    /// As a decoder sees by itself.
    Signalled,
    /// With a recovery point put in front.
    Made,
}

/// What the NAL units of a packet say.
#[derive(Debug)]
struct Unit<'a> {
    sets: Vec<&'a [u8]>,
    messages: Messages,
    has_slices: bool,
    has_idr: bool,
    /// A slice of it is referred to by other pictures.
    is_reference: bool,
    /// All slices are I or SI.
    is_intra: bool,
    /// pic_parameter_set_id of the first slice.
    pps_id: Option<u32>,
}

impl Default for Unit<'_> {
    fn default() -> Self {
        Self {
            sets: Vec::new(),
            messages: Messages::default(),
            has_slices: false,
            has_idr: false,
            is_reference: false,
            is_intra: true,
            pps_id: None,
        }
    }
}

impl Unit<'_> {
    /// Types 2 to 4 are the partitions of a slice, and of them only the first has a slice header (7.3.2.9).
    fn slice(&mut self, kind: u8, nal: &[u8]) {
        self.has_slices = true;
        self.has_idr |= kind == NAL_IDR_SLICE;
        self.is_reference |= nal.first().is_some_and(|header| header & 0x60 != 0);
        if matches!(kind, 3 | 4) {
            return;
        }
        let header = slice_header(nal);
        // slice_type 2 and 4 are I and SI; 5 more says that all slices of the picture are (table 7-6).
        self.is_intra &= header.is_some_and(|(slice_type, _)| matches!(slice_type, 2 | 4 | 7 | 9));
        self.pps_id = self.pps_id.or(header.map(|(_, pps_id)| pps_id));
    }
}

/// slice_type and pic_parameter_set_id (7.3.3).
fn slice_header(nal: &[u8]) -> Option<(u32, u32)> {
    let mut r = BitReader::rbsp(nal.get(1..)?);
    r.ue()?; // first_mb_in_slice
    Some((r.ue()?, r.ue()?))
}

/// pic_parameter_set_id and seq_parameter_set_id of a PPS (7.3.2.2).
pub(super) fn pps_ids(nal: &[u8]) -> Option<(u32, u32)> {
    let mut r = BitReader::rbsp(nal.get(1..)?);
    Some((r.ue().filter(|id| *id <= 255)?, r.ue().filter(|id| *id <= 31)?))
}

pub(crate) fn nal_type(nal: &[u8]) -> Option<u8> {
    nal.first().map(|header| header & 0x1f)
}

/// forbidden_zero_bit is 0, and the type is one of those specified.
fn is_plausible(nal: &[u8]) -> bool {
    nal.first().is_some_and(|header| matches!(header & 0x9f, NAL_SLICE..=NAL_LAST))
}

#[cfg(test)]
#[path = "avc_tests.rs"]
mod tests;
