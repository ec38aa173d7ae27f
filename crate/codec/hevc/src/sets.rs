//! Parameter sets, 7.3.2: of each only what tells sizes, order and references. The decoder reads them for itself.
//!
//! **Invariant:** counts and indices of a set that was read are within the limits of the standard.

use crate::bits::Bits;
use crate::holes::Grid;
use crate::references::{ShortTerm, short_term_set};

/// Luma samples of the largest picture: 4096x2304.
pub const MAX_AREA: u32 = 4096 * 2304;
/// Of the longer side: such a picture may stand on end.
const MAX_SIDE: u32 = 4096;
/// What the standard's levels have is less; the product of two of them is no more than 32 bits hold.
const MAX_CODED_SIDE: u32 = 0xffff;
/// 7.4.3.2.1: num_short_term_ref_pic_sets, num_long_term_ref_pics_sps.
const MAX_SHORT_TERM_SETS: u32 = 64;
const MAX_LONG_TERM: u32 = 32;

/// A sequence parameter set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    pub id: usize,
    pub separate_planes: bool,
    pub bit_depth: (u8, u8),
    pub grid: Grid,
    pub log2_max_poc_lsb: u32,
    pub output: OutputLimits,
    pub short_term_sets: Vec<ShortTerm>,
    /// lt_ref_pic_poc_lsb_sps and used_by_curr_pic_lt_sps_flag, where long-term pictures may be referred to.
    pub long_term: Option<Vec<(u32, bool)>>,
}

/// When a picture that waits for its turn is put out, C.5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// sps_max_num_reorder_pics of the highest sub-layer.
    pub reorder: usize,
    /// SpsMaxLatencyPictures.
    pub latency: Option<u32>,
}

/// The head of a picture parameter set, as far as slice headers ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pps {
    pub id: usize,
    pub sps: usize,
    pub dependent_slices: bool,
    pub output_flag: bool,
    pub extra_slice_bits: u32,
}

impl Pps {
    /// `rbsp` is what follows the NAL's header.
    pub fn read(rbsp: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(rbsp);
        Some(Self {
            id: bits.ue_up_to(63)? as usize,
            sps: bits.ue_up_to(15)? as usize,
            dependent_slices: bits.flag()?,
            output_flag: bits.flag()?,
            extra_slice_bits: bits.uint(3)?,
        })
    }
}

impl Sps {
    /// `rbsp` is what follows the NAL's header.
    pub fn read(rbsp: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(rbsp);
        let bits = &mut bits;
        bits.skip(4)?;
        let max_sub_layers = bits.uint(3)?;
        bits.skip(1)?;
        profile_tier_level(bits, max_sub_layers)?;
        let id = bits.ue_up_to(15)? as usize;
        let chroma_format = bits.ue_up_to(3)?;
        let separate_planes = chroma_format == 3 && bits.flag()?;
        let (width, height) = (bits.ue_up_to(MAX_CODED_SIDE)?, bits.ue_up_to(MAX_CODED_SIDE)?);
        let (left, top) = conformance_window(bits, chroma_format)?;
        let bit_depth = (8 + bits.ue_up_to(8)? as u8, 8 + bits.ue_up_to(8)? as u8);
        let log2_max_poc_lsb = 4 + bits.ue_up_to(12)?;
        let output = output_limits(bits, max_sub_layers)?;
        let log2_ctb = 3 + bits.ue_up_to(3)? + bits.ue_up_to(3)?;
        // Sizes and depths of transforms.
        for _ in 0..4 {
            bits.ue()?;
        }
        if bits.flag()? && bits.flag()? {
            scaling_lists(bits)?;
        }
        // Asymmetric partitions, sample adaptive offset.
        bits.skip(2)?;
        if bits.flag()? {
            // Of PCM: depths, sizes, loop filter.
            bits.skip(8)?;
            bits.ue()?;
            bits.ue()?;
            bits.skip(1)?;
        }
        let short_term_sets = short_term_sets(bits)?;
        let long_term = if bits.flag()? { Some(long_term(bits, log2_max_poc_lsb)?) } else { None };
        Some(Self {
            id,
            separate_planes,
            bit_depth,
            grid: Grid { width, height, left, top, log2_ctb },
            log2_max_poc_lsb,
            output,
            short_term_sets,
            long_term,
        })
    }

    pub fn is_too_large(&self) -> bool {
        let Grid { width, height, .. } = self.grid;
        width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_AREA
    }
}

/// In luma samples, where the picture begins that is shown.
fn conformance_window(bits: &mut Bits<'_>, chroma_format: u32) -> Option<(u32, u32)> {
    if !bits.flag()? {
        return Some((0, 0));
    }
    let (left, _right, top, _bottom) = (bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?);
    let unit_x = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
    let unit_y = if chroma_format == 1 { 2 } else { 1 };
    Some((left.checked_mul(unit_x)?, top.checked_mul(unit_y)?))
}

fn short_term_sets(bits: &mut Bits<'_>) -> Option<Vec<ShortTerm>> {
    let count = bits.ue_up_to(MAX_SHORT_TERM_SETS)?;
    let mut sets = Vec::new();
    for _ in 0..count {
        let set = short_term_set(bits, &sets, false)?;
        sets.push(set);
    }
    Some(sets)
}

/// 7.3.3.
fn profile_tier_level(bits: &mut Bits<'_>, max_sub_layers: u32) -> Option<()> {
    const PROFILE: usize = 88;
    const LEVEL: usize = 8;
    bits.skip(PROFILE + LEVEL)?;
    let mut present = 0;
    for _ in 0..max_sub_layers {
        let (profile, level) = (bits.flag()?, bits.flag()?);
        present += usize::from(profile) * PROFILE + usize::from(level) * LEVEL;
    }
    if max_sub_layers > 0 {
        bits.skip(2 * (8 - max_sub_layers as usize))?;
    }
    bits.skip(present)
}

fn output_limits(bits: &mut Bits<'_>, max_sub_layers: u32) -> Option<OutputLimits> {
    let all_sub_layers = bits.flag()?;
    let mut limits = OutputLimits { reorder: 0, latency: None };
    // Only the last of them is asked for.
    for _ in if all_sub_layers { 0 } else { max_sub_layers }..=max_sub_layers {
        let _max_dec_pic_buffering = bits.ue_up_to(15)?;
        let reorder = bits.ue_up_to(15)?;
        let increase = bits.ue()?;
        let latency = increase.checked_sub(1).map(|more| reorder.saturating_add(more));
        limits = OutputLimits { reorder: reorder as usize, latency };
    }
    Some(limits)
}

/// 7.3.4.
fn scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4 {
        let coefficients = 64.min(1 << (4 + (size << 1)));
        for _matrix in 0..if size == 3 { 2 } else { 6 } {
            let coded = bits.flag()?;
            if !coded {
                let _from = bits.ue()?;
                continue;
            }
            if size > 1 {
                let _first = bits.se()?;
            }
            for _ in 0..coefficients {
                bits.se()?;
            }
        }
    }
    Some(())
}

fn long_term(bits: &mut Bits<'_>, lsb_width: u32) -> Option<Vec<(u32, bool)>> {
    let count = bits.ue_up_to(MAX_LONG_TERM)?;
    (0..count).map(|_| Some((bits.uint(lsb_width)?, bits.flag()?))).collect()
}
