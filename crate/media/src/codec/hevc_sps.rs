//! The sequence parameter set of H.265 (7.3.2.2.1): profile, picture size, bit depth, colours and reorder depth.
//!
//! **Invariant:** every count read is checked against its range in the standard before it is used. Damage behind the reorder
//! depth costs only the colours.

use crate::{
    codec::{ConfigError, vui},
    packet::{Colour, PixelShape},
    read::BitReader,
};

/// What is used of an SPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// sps_seq_parameter_set_id.
    pub id: u32,
    pub profile: Profile,
    /// TemporalId of the highest sub-layer: sps_max_sub_layers_minus1.
    pub highest_sub_layer: u8,
    pub temporal_id_nesting: bool,
    pub chroma_format_idc: u8,
    /// Visible size in pixels.
    pub width: u32,
    pub height: u32,
    pub bit_depth: u8,
    pub bit_depth_chroma: u8,
    /// sps_max_num_reorder_pics of the highest sub-layer.
    pub reorder_depth: u8,
    pub pixel: PixelShape,
    pub colour: Colour,
}

/// The general part of profile_tier_level (7.3.3), as its bytes: general_profile_space to general_level_idc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile(pub [u8; 12]);

impl Profile {
    /// The codec string of ISO/IEC 14496-15, annex E.
    pub fn codec_string(&self) -> String {
        let [first, c0, c1, c2, c3, constraints @ .., level] = self.0;
        let space = match first >> 6 {
            0 => "",
            1 => "A",
            2 => "B",
            _ => "C",
        };
        let tier = if first & 0x20 == 0 { 'L' } else { 'H' };
        let compatibility = u32::from_be_bytes([c0, c1, c2, c3]).reverse_bits();
        let mut out = format!("hvc1.{space}{}.{compatibility:X}.{tier}{level}", first & 0x1f);
        let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        for byte in constraints.iter().take(used) {
            out.push_str(&format!(".{byte:X}"));
        }
        out
    }
}

/// Level 7.2 allows no picture wider or higher (A.4.2).
const MAX_SIZE: u32 = 33_776;
/// MaxDpbSize never exceeds it (A.4.2).
const MAX_DPB_SIZE: u32 = 16;
const MAX_SHORT_TERM_SETS: u32 = 64;
const MAX_LONG_TERM_PICTURES: u32 = 32;

impl Sps {
    /// Reads a NAL unit of type 33, header included.
    pub fn parse(nal: &[u8]) -> Result<Self, ConfigError> {
        read(&mut BitReader::rbsp(nal.get(2..).ok_or(ConfigError::Short)?))
    }
}

fn read(r: &mut BitReader<'_>) -> Result<Sps, ConfigError> {
    bits(r, 4)?; // sps_video_parameter_set_id
    let sub_layers = bits(r, 3)?;
    if sub_layers > 6 {
        return Err(ConfigError::Invalid("sps_max_sub_layers_minus1"));
    }
    let temporal_id_nesting = bits(r, 1)? == 1;
    let profile = profile_tier_level(r, sub_layers)?;
    let id = ue_to(r, 15, "sps_seq_parameter_set_id")?;
    let chroma_format_idc = ue_to(r, 3, "chroma_format_idc")?;
    if chroma_format_idc == 3 {
        bits(r, 1)?; // separate_colour_plane_flag
    }
    let coded_width = ue_to(r, MAX_SIZE, "pic_width_in_luma_samples")?;
    let coded_height = ue_to(r, MAX_SIZE, "pic_height_in_luma_samples")?;
    let window = if bits(r, 1)? == 1 { Some([ue(r)?, ue(r)?, ue(r)?, ue(r)?]) } else { None };
    let [left, right, top, bottom] = window.unwrap_or_default();
    // SubWidthC and SubHeightC (table 6-1).
    let (unit_x, unit_y) = match chroma_format_idc {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let cut = |size: u32, a: u32, b: u32, unit: u32| {
        size.checked_sub(a.saturating_add(b).saturating_mul(unit)).filter(|left| *left > 0)
    };
    let width = cut(coded_width, left, right, unit_x).ok_or(ConfigError::Invalid("conformance window"))?;
    let height = cut(coded_height, top, bottom, unit_y).ok_or(ConfigError::Invalid("conformance window"))?;
    let bit_depth = ue_to(r, 8, "bit_depth_luma_minus8")?.saturating_add(8);
    let bit_depth_chroma = ue_to(r, 8, "bit_depth_chroma_minus8")?.saturating_add(8);
    let poc_lsb_bits = ue_to(r, 12, "log2_max_pic_order_cnt_lsb_minus4")?.saturating_add(4);
    let first_sub_layer = if bits(r, 1)? == 1 { 0 } else { sub_layers };
    let mut reorder = 0;
    for _ in first_sub_layer..=sub_layers {
        ue(r)?; // sps_max_dec_pic_buffering_minus1
        reorder = ue_to(r, MAX_DPB_SIZE, "sps_max_num_reorder_pics")?;
        ue(r)?; // sps_max_latency_increase_plus1
    }
    let head = vui_head(r, poc_lsb_bits).unwrap_or(vui::Head::SILENT);
    Ok(Sps {
        id,
        profile,
        highest_sub_layer: byte(sub_layers),
        temporal_id_nesting,
        chroma_format_idc: byte(chroma_format_idc),
        width,
        height,
        bit_depth: byte(bit_depth),
        bit_depth_chroma: byte(bit_depth_chroma),
        reorder_depth: byte(reorder),
        pixel: head.pixel,
        colour: head.colour,
    })
}

fn profile_tier_level(r: &mut BitReader<'_>, sub_layers: u32) -> Result<Profile, ConfigError> {
    let mut general = [0; 12];
    for place in &mut general {
        *place = byte(bits(r, 8)?);
    }
    if sub_layers > 0 {
        let mut present = [(false, false); 6];
        for place in present.iter_mut().take(sub_layers as usize) {
            *place = (bits(r, 1)? == 1, bits(r, 1)? == 1);
        }
        for _ in sub_layers..8 {
            bits(r, 2)?;
        }
        for (profile, level) in present.into_iter().take(sub_layers as usize) {
            if profile {
                skip(r, 88)?;
            }
            if level {
                bits(r, 8)?;
            }
        }
    }
    Ok(Profile(general))
}

/// Reads from log2_min_luma_coding_block_size_minus3 to the head of the VUI; `None` where there is none.
fn vui_head(r: &mut BitReader<'_>, poc_lsb_bits: u32) -> Option<vui::Head> {
    for _ in 0..6 {
        r.ue()?; // log2_min_luma_coding_block_size_minus3 to max_transform_hierarchy_depth_intra
    }
    if r.bit()? && r.bit()? {
        scaling_list_data(r)?;
    }
    r.bits(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if r.bit()? {
        r.bits(8)?; // pcm_sample_bit_depth_luma_minus1 and _chroma_minus1
        r.ue()?;
        r.ue()?;
        r.bit()?;
    }
    let sets = r.ue().filter(|n| *n <= MAX_SHORT_TERM_SETS)?;
    let mut pictures = 0;
    for index in 0..sets {
        pictures = short_term_set(r, index, pictures)?;
    }
    if r.bit()? {
        for _ in 0..r.ue().filter(|n| *n <= MAX_LONG_TERM_PICTURES)? {
            r.bits(poc_lsb_bits)?;
            r.bit()?;
        }
    }
    r.bits(2)?; // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if r.bit()? { vui::head(r) } else { None }
}

/// 7.3.4.
fn scaling_list_data(r: &mut BitReader<'_>) -> Option<()> {
    for size in 0..4u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !r.bit()? {
                r.ue()?; // scaling_list_pred_matrix_id_delta
                continue;
            }
            if size > 1 {
                r.se()?; // scaling_list_dc_coef_minus8
            }
            for _ in 0..if size == 0 { 16 } else { 64 } {
                r.se()?;
            }
        }
    }
    Some(())
}

/// st_ref_pic_set (7.3.7) of an SPS; takes and gives the number of pictures, NumDeltaPocs, of the set before and of this one.
fn short_term_set(r: &mut BitReader<'_>, index: u32, before: u32) -> Option<u32> {
    if index > 0 && r.bit()? {
        r.bit()?; // delta_rps_sign
        r.ue()?; // abs_delta_rps_minus1
        let mut pictures = 0u32;
        for _ in 0..=before {
            // used_by_curr_pic_flag, use_delta_flag
            if r.bit()? || r.bit()? {
                pictures = pictures.saturating_add(1);
            }
        }
        return Some(pictures).filter(|n| *n <= MAX_DPB_SIZE);
    }
    let pictures = r.ue()?.checked_add(r.ue()?).filter(|n| *n <= MAX_DPB_SIZE)?;
    for _ in 0..pictures {
        r.ue()?; // delta_poc_minus1
        r.bit()?;
    }
    Some(pictures)
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn bits(r: &mut BitReader<'_>, n: u32) -> Result<u32, ConfigError> {
    r.bits(n).ok_or(ConfigError::Short)
}

fn skip(r: &mut BitReader<'_>, n: u32) -> Result<(), ConfigError> {
    r.skip(n).ok_or(ConfigError::Short)
}

fn ue(r: &mut BitReader<'_>) -> Result<u32, ConfigError> {
    r.ue().ok_or(ConfigError::Short)
}

fn ue_to(r: &mut BitReader<'_>, max: u32, name: &'static str) -> Result<u32, ConfigError> {
    let value = ue(r)?;
    if value > max { Err(ConfigError::Invalid(name)) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hevc::tests::{SPS, SPS_10_BITS};

    #[test]
    fn size_profile_reorder_depth_and_colours_are_read() {
        let sps = Sps::parse(SPS).unwrap();
        assert_eq!((sps.width, sps.height, sps.bit_depth, sps.reorder_depth), (638, 358, 8, 2));
        assert_eq!(sps.colour, Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false });
        assert_eq!(sps.profile.codec_string(), "hvc1.1.6.L63.90");
    }

    #[test]
    fn sub_layers_are_passed_over() {
        let sps = Sps::parse(SPS_10_BITS).unwrap();
        assert_eq!((sps.width, sps.height, sps.bit_depth, sps.bit_depth_chroma), (320, 240, 10, 10));
        assert_eq!(sps.colour, Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false });
        assert_eq!(sps.profile.codec_string(), "hvc1.2.4.L60.90");
    }

    #[test]
    fn the_codec_string_is_that_of_annex_e() {
        let mut profile = [0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(Profile(profile).codec_string(), "hvc1.1.6.L93.B0");
        profile[0] = 0x41 | 0x20;
        profile[10] = 0x08;
        assert_eq!(Profile(profile).codec_string(), "hvc1.A1.6.H93.B0.0.0.0.0.8");
        assert_eq!(Profile([0; 12]).codec_string(), "hvc1.0.0.L0");
    }

    #[test]
    fn an_sps_cut_anywhere_is_an_error_or_loses_its_colours() {
        for len in 0..SPS.len() {
            if let Ok(sps) = Sps::parse(&SPS[..len]) {
                assert_eq!((sps.width, sps.height, sps.reorder_depth), (638, 358, 2), "{len}");
            }
        }
    }
}
