//! H.265: what its configuration and its access units say.
//!
//! **Invariant:** profile, level and size come from the SPS that the slices refer to, keyframes from the NAL unit types; the
//! container is not asked. Packets come out with NAL lengths of four bytes, and so say their configurations. A picture that
//! refers to what came before the track's first one (RASL) does not come out.
//!
//! Layers above the base are passed on unread. A stream without IRAP pictures has no keyframes.

use bytes::Bytes;

use crate::{
    codec::{
        AccessUnit, ConfigError, Damage, Facts,
        hevc_record::{self, Record},
        hevc_sps::Sps,
        nal::{Framing, LENGTH_SIZE, Nals},
        sei::Messages,
        sets::ParameterSets,
    },
    packet::{Codec, CodecParams, DecoderConfig, VideoParams},
    read::BitReader,
};

// nal_unit_type (table 7-1).
const NAL_RASL_N: u8 = 8;
const NAL_RASL_R: u8 = 9;
/// The last of the pictures that are no IRAP pictures; even ones are sub-layer non-reference pictures.
const NAL_LAST_NON_IRAP: u8 = 15;
const NAL_BLA_W_LP: u8 = 16;
const NAL_BLA_N_LP: u8 = 18;
const NAL_LAST_IRAP: u8 = 23;
const NAL_LAST_VCL: u8 = 31;
pub(crate) const NAL_VPS: u8 = 32;
pub(crate) const NAL_SPS: u8 = 33;
pub(crate) const NAL_PPS: u8 = 34;
const NAL_END_OF_SEQUENCE: u8 = 36;
const NAL_END_OF_BITSTREAM: u8 = 37;
const NAL_PREFIX_SEI: u8 = 39;
const NAL_SUFFIX_SEI: u8 = 40;
/// Types past it are unspecified, but for two in use: metadata and the enhancement layer of Dolby Vision.
const NAL_LAST: u8 = 47;
const NAL_DOLBY_VISION: u8 = 62;

/// Of a packet of parameter sets that waits for its picture.
const MAX_AHEAD: usize = 64 << 10;

/// A track of H.265.
#[derive(Debug)]
pub struct Hevc {
    framing: Framing,
    /// The container's last, as it came.
    record: Option<Bytes>,
    sets: ParameterSets,
    /// sps_seq_parameter_set_id in use.
    active: u32,
    highest_sub_layer: u8,
    config: Option<DecoderConfig>,
    /// The sets are not those of `config`; it follows at the next keyframe.
    stale: bool,
    /// The next picture begins a coded video sequence: NoRaslOutputFlag (8.1.3) of an IRAP picture.
    begins: bool,
    /// RASL pictures of the last IRAP picture cannot be decoded.
    drops_rasl: bool,
    /// A packet of parameter sets that no picture came with yet.
    ahead: Option<Bytes>,
}

impl Default for Hevc {
    fn default() -> Self {
        Self {
            framing: Framing::new(is_plausible),
            record: None,
            sets: ParameterSets::default(),
            active: 0,
            highest_sub_layer: 0,
            config: None,
            stale: false,
            begins: true,
            drops_rasl: false,
            ahead: None,
        }
    }
}

impl Hevc {
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
        // Without a VPS the first keyframe may bring it.
        let config = if self.sets.has(NAL_VPS) { self.build(as_it_came) } else { None };
        self.stale = config.is_none();
        self.begins = true;
        let changed = config.is_some() && config != self.config;
        self.config = config;
        Ok(self.config.clone().filter(|_| changed))
    }

    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let data = self.framing.normalise(data)?;
        let mut unit = Unit::default();
        for nal in Nals::new(&data, LENGTH_SIZE).flatten().filter(|nal| layer_id(nal) == Some(0)) {
            match nal_type(nal) {
                Some(NAL_VPS | NAL_SPS | NAL_PPS) => unit.sets.push(nal),
                Some(NAL_PREFIX_SEI | NAL_SUFFIX_SEI) => {
                    unit.messages.read(nal.get(2..).unwrap_or_default());
                }
                Some(NAL_END_OF_SEQUENCE | NAL_END_OF_BITSTREAM) => unit.ends = true,
                Some(kind @ 0..=NAL_LAST_VCL) if unit.slice.is_none() => unit.slice(kind, nal),
                _ => {}
            }
        }
        self.take_sets(&unit.sets);
        let keyframe = unit.slice.is_some_and(|slice| slice.is_irap());
        let config = if keyframe { self.refresh(&unit) } else { None };
        let Unit { messages, slice, ends, .. } = unit;
        if slice.is_none() && self.stale && data.len() <= MAX_AHEAD {
            // A copy: a slice would keep the whole chunk that it came in.
            self.ahead = Some(Bytes::copy_from_slice(&data));
        }
        let mut facts = Facts { config, sei: messages.into_kept(), units: Vec::new() };
        if let Some(slice) = slice {
            if self.config.is_none() {
                return Err(Damage::NoConfig);
            }
            if keyframe {
                self.drops_rasl = self.begins || facts.config.is_some() || slice.is_bla();
                self.begins = false;
            }
            // A keyframe's configuration has the sets that came ahead of it; what comes between takes them along.
            let data = match self.ahead.take() {
                Some(ahead) if !keyframe => [ahead, data].concat().into(),
                _ => data,
            };
            if !(slice.is_rasl() && self.drops_rasl) {
                facts.units.push(AccessUnit::picture(data, keyframe, self.is_disposable(slice)));
            }
        }
        self.begins |= ends;
        Ok(facts)
    }

    fn take_sets(&mut self, nals: &[&[u8]]) {
        let mut fresh = ParameterSets::default();
        for nal in nals {
            // One that cannot be read changes nothing: the decoder may know better.
            let _ = hevc_record::insert(&mut fresh, nal);
        }
        self.stale |= self.sets.update(fresh, NAL_SPS, &[NAL_VPS, NAL_SPS, NAL_PPS]);
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

    fn build(&mut self, record: Option<Bytes>) -> Option<DecoderConfig> {
        let built = hevc_record::build(&self.sets, self.active)?;
        let sps = Sps::parse(&self.sets.get(NAL_SPS, self.active)?.nal).ok()?;
        self.highest_sub_layer = sps.highest_sub_layer;
        Some(DecoderConfig {
            codec: Codec::Hevc,
            codec_string: sps.profile.codec_string(),
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

    /// No picture of its own sub-layer refers to it, and there is none above.
    fn is_disposable(&self, slice: Slice) -> bool {
        slice.kind < NAL_LAST_NON_IRAP
            && slice.kind.is_multiple_of(2)
            && slice.temporal_id >= self.highest_sub_layer
    }
}

/// What the first slice's header says of the picture: its type is that of all (7.4.2.2).
#[derive(Clone, Copy, Debug)]
struct Slice {
    kind: u8,
    temporal_id: u8,
}

impl Slice {
    fn is_irap(self) -> bool {
        (NAL_BLA_W_LP..=NAL_LAST_IRAP).contains(&self.kind)
    }

    fn is_bla(self) -> bool {
        (NAL_BLA_W_LP..=NAL_BLA_N_LP).contains(&self.kind)
    }

    fn is_rasl(self) -> bool {
        matches!(self.kind, NAL_RASL_N | NAL_RASL_R)
    }
}

/// What the NAL units of a packet say.
#[derive(Debug, Default)]
struct Unit<'a> {
    sets: Vec<&'a [u8]>,
    messages: Messages,
    slice: Option<Slice>,
    /// slice_pic_parameter_set_id of the first slice.
    pps_id: Option<u32>,
    /// The coded video sequence ends behind it.
    ends: bool,
}

impl Unit<'_> {
    fn slice(&mut self, kind: u8, nal: &[u8]) {
        let temporal_id = nal.get(1).map_or(0, |byte| (byte & 7).saturating_sub(1));
        self.slice = Some(Slice { kind, temporal_id });
        self.pps_id = slice_pps_id(kind, nal);
    }
}

/// slice_pic_parameter_set_id (7.3.6.1).
fn slice_pps_id(kind: u8, nal: &[u8]) -> Option<u32> {
    let mut r = BitReader::rbsp(nal.get(2..)?);
    r.bit()?; // first_slice_segment_in_pic_flag
    if (NAL_BLA_W_LP..=NAL_LAST_IRAP).contains(&kind) {
        r.bit()?; // no_output_of_prior_pics_flag
    }
    r.ue()
}

/// pps_pic_parameter_set_id and pps_seq_parameter_set_id (7.3.2.3.1).
pub(super) fn pps_ids(nal: &[u8]) -> Option<(u32, u32)> {
    let mut r = BitReader::rbsp(nal.get(2..)?);
    Some((r.ue().filter(|id| *id <= 63)?, r.ue().filter(|id| *id <= 15)?))
}

pub(crate) fn nal_type(nal: &[u8]) -> Option<u8> {
    nal.first().map(|header| header >> 1 & 0x3f)
}

fn layer_id(nal: &[u8]) -> Option<u8> {
    let [first, second, ..] = nal else { return None };
    Some((first & 1) << 5 | second >> 3)
}

/// forbidden_zero_bit is 0, the type one of those specified, and nuh_temporal_id_plus1 not 0 (7.4.2.2).
fn is_plausible(nal: &[u8]) -> bool {
    let [first, second, ..] = nal else { return false };
    let kind = first >> 1;
    // The types have six bits: a greater one is the forbidden bit.
    second & 7 != 0 && (kind <= NAL_LAST || (NAL_DOLBY_VISION..=63).contains(&kind))
}

#[cfg(test)]
#[path = "hevc_tests.rs"]
pub(super) mod tests;
