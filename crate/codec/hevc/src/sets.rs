//! Parameter sets, 7.3.2: of each only what tells sizes, order and references. The decoder reads them for itself.
//!
//! **Invariant:** a set that is kept is within the limits of the standard and of [`MAX_AREA`] and [`MAX_SIDE`].

use crate::bits::Bits;
use crate::references::{ShortTerm, short_term_set};

/// Luma samples of the largest picture: 4096x2304.
pub const MAX_AREA: u32 = 4096 * 2304;
/// Of the longer side: such a picture may stand on end.
pub const MAX_SIDE: u32 = 4096;
/// 7.4.3.2.1: num_short_term_ref_pic_sets, num_long_term_ref_pics_sps.
const MAX_SHORT_TERM_SETS: u32 = 64;
const MAX_LONG_TERM: u32 = 32;

/// A sequence parameter set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    pub id: usize,
    pub separate_planes: bool,
    pub bit_depth: (u8, u8),
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
    /// `rbsp` is what follows the NAL's header. Says why not.
    pub fn read(rbsp: &[u8]) -> Result<Self, &'static str> {
        let mut bits = Bits::new(rbsp);
        let (sps, width, height) =
            sequence(&mut bits).ok_or("a sequence parameter set that cannot be read")?;
        let fits = width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_AREA;
        if fits { Ok(sps) } else { Err("pictures larger than 4096x2304") }
    }
}

/// The set, and the size of its pictures: below 2^16 each.
fn sequence(bits: &mut Bits<'_>) -> Option<(Sps, u32, u32)> {
    bits.skip(4)?;
    let max_sub_layers = bits.uint(3)?;
    bits.skip(1)?;
    profile_tier_level(bits, max_sub_layers)?;
    let id = bits.ue_up_to(15)? as usize;
    let chroma_format = bits.ue_up_to(3)?;
    let separate_planes = chroma_format == 3 && bits.flag()?;
    let width = bits.ue_up_to(0xffff)?;
    let height = bits.ue_up_to(0xffff)?;
    if bits.flag()? {
        for _window in 0..4 {
            bits.ue()?;
        }
    }
    let bit_depth = (8 + bits.ue_up_to(8)? as u8, 8 + bits.ue_up_to(8)? as u8);
    let log2_max_poc_lsb = 4 + bits.ue_up_to(12)?;
    let output = output_limits(bits, max_sub_layers)?;
    // Sizes of blocks and transforms.
    for _ in 0..6 {
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
    let count = bits.ue_up_to(MAX_SHORT_TERM_SETS)?;
    let mut short_term_sets = Vec::new();
    for _ in 0..count {
        let set = short_term_set(bits, &short_term_sets, false)?;
        short_term_sets.push(set);
    }
    let long_term = if bits.flag()? { Some(long_term(bits, log2_max_poc_lsb)?) } else { None };
    let sps = Sps { id, separate_planes, bit_depth, log2_max_poc_lsb, output, short_term_sets, long_term };
    Some((sps, width, height))
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
