//! HEVCDecoderConfigurationRecord, the hvcC of H.265 (ISO/IEC 14496-15, 8.3.3.1).
//!
//! **Invariant:** what is read is the parameter sets and the length size. A record whose profile is not that of its SPS, as of
//! encoders that leave it zero, is not usable as it came.

use bytes::Bytes;

use crate::{
    codec::{
        ConfigError,
        hevc::{NAL_PPS, NAL_SPS, NAL_VPS, nal_type, pps_ids},
        hevc_sps::Sps,
        nal::{AnnexB, LENGTH_SIZE, starts_with_start_code, without_trailing_zeros},
        sets::ParameterSets,
    },
    read::ByteReader,
};

const VERSION: u8 = 1;
/// Arrays read of a record; there are five types of NAL units that may have one.
const MAX_ARRAYS: u8 = 16;

#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    pub length_size: usize,
    pub sets: ParameterSets,
    /// A decoder can take the record as it came.
    pub is_usable: bool,
}

impl Record {
    /// Reads hvcC, or the same parameter sets behind start codes, as some encoders send them in its place. Of a record that ends
    /// too early what came is kept, where an SPS did.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let mut record = Self { length_size: LENGTH_SIZE, sets: ParameterSets::default(), is_usable: false };
        if starts_with_start_code(bytes) {
            for nal in AnnexB::new(bytes) {
                insert(&mut record.sets, nal)?;
            }
            return if record.sets.has(NAL_SPS) { Ok(record) } else { Err(ConfigError::Invalid("no SPS")) };
        }
        let mut r = ByteReader::new(bytes);
        let version = r.u8().ok_or(ConfigError::Short)?;
        // Version 0 was that of drafts, with the same layout.
        if version > VERSION {
            return Err(ConfigError::Invalid("hvcC version"));
        }
        let profile: [u8; 12] = r.array().ok_or(ConfigError::Short)?;
        // min_spatial_segmentation_idc to avgFrameRate.
        r.bytes(8).ok_or(ConfigError::Short)?;
        let lengths = r.u8().ok_or(ConfigError::Short)?;
        record.length_size = usize::from(lengths & 3).saturating_add(1);
        let is_whole = match record.read_arrays(&mut r) {
            Err(ConfigError::Short) if record.sets.has(NAL_SPS) => false,
            read => read.map(|()| true)?,
        };
        let has_all = [NAL_VPS, NAL_SPS, NAL_PPS].into_iter().all(|kind| record.sets.has(kind));
        let sps = record.sets.of_kind(NAL_SPS).next().and_then(|set| Sps::parse(&set.nal).ok());
        record.is_usable = is_whole
            && has_all
            && version == VERSION
            && record.length_size == LENGTH_SIZE
            && sps.is_some_and(|sps| sps.profile.0 == profile);
        Ok(record)
    }

    fn read_arrays(&mut self, r: &mut ByteReader<'_>) -> Result<(), ConfigError> {
        for _ in 0..r.u8().ok_or(ConfigError::Short)?.min(MAX_ARRAYS) {
            let _kind = r.u8().ok_or(ConfigError::Short)?;
            for _ in 0..r.u16().ok_or(ConfigError::Short)? {
                let len = r.u16().ok_or(ConfigError::Short)?;
                let nal = r.bytes(usize::from(len)).ok_or(ConfigError::Short)?;
                insert(&mut self.sets, nal)?;
            }
        }
        Ok(())
    }
}

/// Stores a parameter set where it is one; true where it changes what is known.
pub fn insert(sets: &mut ParameterSets, nal: &[u8]) -> Result<bool, ConfigError> {
    let nal = without_trailing_zeros(nal);
    Ok(match nal_type(nal) {
        Some(kind @ NAL_VPS) => {
            // vps_video_parameter_set_id.
            let id = nal.get(2).ok_or(ConfigError::Short)? >> 4;
            sets.insert(kind, id.into(), nal)
        }
        Some(kind @ NAL_SPS) => sets.insert(kind, Sps::parse(nal)?.id, nal),
        Some(kind @ NAL_PPS) => sets.insert(kind, pps_ids(nal).ok_or(ConfigError::Short)?.0, nal),
        _ => false,
    })
}

/// Writes hvcC with lengths of four bytes, the SPS in use first. `None` where there is no such SPS, or no PPS.
pub fn build(sets: &ParameterSets, sps_id: u32) -> Option<Bytes> {
    let sps = Sps::parse(&sets.get(NAL_SPS, sps_id)?.nal).ok()?;
    sets.has(NAL_PPS).then_some(())?;
    let mut out = vec![VERSION];
    out.extend_from_slice(&sps.profile.0);
    let depth = |bits: u8| bits.saturating_sub(8) & 7;
    let layers = sps.highest_sub_layer.saturating_add(1) & 7;
    out.extend_from_slice(&[
        0xf0, // min_spatial_segmentation_idc: 0, not known
        0,
        0xfc, // parallelismType: 0, not known
        0xfc | sps.chroma_format_idc,
        0xf8 | depth(sps.bit_depth),
        0xf8 | depth(sps.bit_depth_chroma),
        0, // avgFrameRate: 0, not known
        0,
        layers << 3 | u8::from(sps.temporal_id_nesting) << 2 | 3,
    ]);
    let kinds = [NAL_VPS, NAL_SPS, NAL_PPS].into_iter().filter(|kind| sets.has(*kind));
    out.push(u8::try_from(kinds.clone().count()).ok()?);
    for kind in kinds {
        let first = if kind == NAL_SPS { sps_id } else { 0 };
        let chosen = sets.with_first(kind, first);
        // array_completeness stays 0: sets may come in packets too.
        out.push(kind);
        out.extend_from_slice(&u16::try_from(chosen.clone().count()).ok()?.to_be_bytes());
        for set in chosen {
            out.extend_from_slice(&u16::try_from(set.nal.len()).ok()?.to_be_bytes());
            out.extend_from_slice(&set.nal);
        }
    }
    Some(out.into())
}
