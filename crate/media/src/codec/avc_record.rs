//! AVCDecoderConfigurationRecord, the avcC of H.264 (ISO/IEC 14496-15, 5.3.3.1).
//!
//! **Invariant:** what is read is the parameter sets and the length size; profile and level of a record are never believed, as
//! the SPS has them, and a record that has them otherwise is not usable as it came.

use bytes::Bytes;

use crate::{
    codec::{
        ConfigError,
        avc::{NAL_PPS, NAL_SPS, nal_type, pps_ids},
        avc_sps::{Sps, has_chroma_format},
        nal::{AnnexB, LENGTH_SIZE, starts_with_start_code, without_trailing_zeros},
        sets::{ParameterSet, ParameterSets},
    },
    read::ByteReader,
};

const VERSION: u8 = 1;
/// numOfSequenceParameterSets has five bits.
const MAX_SPS: usize = 31;

#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    pub length_size: usize,
    pub sets: ParameterSets,
    /// A decoder can take the record as it came.
    pub is_usable: bool,
}

impl Record {
    /// Reads avcC, or the same parameter sets behind start codes, as some encoders send them in its place. Of a record that ends
    /// too early what came is kept, where an SPS did.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let mut record = Self { length_size: LENGTH_SIZE, sets: ParameterSets::default(), is_usable: false };
        if starts_with_start_code(bytes) {
            for nal in AnnexB::new(bytes) {
                insert(&mut record.sets, nal)?;
            }
            return if record.has_sps() { Ok(record) } else { Err(ConfigError::Invalid("no SPS")) };
        }
        let mut r = ByteReader::new(bytes);
        let [version, profile @ .., lengths] = r.array::<5>().ok_or(ConfigError::Short)?;
        if version != VERSION {
            return Err(ConfigError::Invalid("avcC version"));
        }
        record.length_size = usize::from(lengths & 3).saturating_add(1);
        match record.read_sets(&mut r) {
            Err(ConfigError::Short) if record.has_sps() => {}
            read => read?,
        }
        let sps = record.sets.of_kind(NAL_SPS).next();
        record.is_usable &= record.length_size == LENGTH_SIZE
            && sps.is_some_and(|sps| sps.nal.get(1..4) == Some(&profile[..]));
        Ok(record)
    }

    fn read_sets(&mut self, r: &mut ByteReader<'_>) -> Result<(), ConfigError> {
        let sps_count = r.u8().ok_or(ConfigError::Short)? & 0x1f;
        for _ in 0..sps_count {
            insert(&mut self.sets, sized_nal(r)?)?;
        }
        for _ in 0..r.u8().ok_or(ConfigError::Short)? {
            insert(&mut self.sets, sized_nal(r)?)?;
        }
        self.is_usable = true;
        Ok(())
    }

    fn has_sps(&self) -> bool {
        self.sets.has(NAL_SPS)
    }
}

fn sized_nal<'a>(r: &mut ByteReader<'a>) -> Result<&'a [u8], ConfigError> {
    let len = r.u16().ok_or(ConfigError::Short)?;
    r.bytes(usize::from(len)).ok_or(ConfigError::Short)
}

/// Stores a parameter set where it is one; true where it changes what is known.
pub fn insert(sets: &mut ParameterSets, nal: &[u8]) -> Result<bool, ConfigError> {
    let nal = without_trailing_zeros(nal);
    Ok(match nal_type(nal) {
        Some(kind @ NAL_SPS) => sets.insert(kind, Sps::parse(nal)?.id, nal),
        Some(kind @ NAL_PPS) => sets.insert(kind, pps_ids(nal).ok_or(ConfigError::Short)?.0, nal),
        _ => false,
    })
}

/// Writes avcC with lengths of four bytes, the SPS in use first. `None` where there is no SPS of that id, or no PPS.
pub fn build(sets: &ParameterSets, sps_id: u32) -> Option<Bytes> {
    let sps = Sps::parse(&sets.get(NAL_SPS, sps_id)?.nal).ok()?;
    let [profile, constraints, level] = sps.profile;
    let mut out = vec![VERSION, profile, constraints, level, 0xff];
    sets.has(NAL_PPS).then_some(())?;
    put_sets(&mut out, 0xe0, sets.with_first(NAL_SPS, sps_id).take(MAX_SPS))?;
    put_sets(&mut out, 0, sets.of_kind(NAL_PPS))?;
    if has_chroma_format(sps.profile) {
        let depth = |bits: u8| bits.saturating_sub(8) & 7;
        out.extend_from_slice(&[
            0xfc | sps.chroma_format_idc,
            0xf8 | depth(sps.bit_depth),
            0xf8 | depth(sps.bit_depth_chroma),
            0,
        ]);
    }
    Some(out.into())
}

fn put_sets<'a>(
    out: &mut Vec<u8>,
    reserved_bits: u8,
    sets: impl Iterator<Item = &'a ParameterSet> + Clone,
) -> Option<()> {
    out.push(reserved_bits | u8::try_from(sets.clone().count()).ok()?);
    for set in sets {
        out.extend_from_slice(&u16::try_from(set.nal.len()).ok()?.to_be_bytes());
        out.extend_from_slice(&set.nal);
    }
    Some(())
}
