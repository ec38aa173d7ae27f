//! The sequence parameter set of H.264 (7.3.2.1.1): picture size, bit depth, colours, the shape of a pixel and
//! reorder depth.
//!
//! **Invariant:** every count read is checked against its range in the standard before it is used. A damaged VUI
//! costs only what it would have told.

use crate::{
    codec::{ConfigError, vui},
    packet::{Colour, PixelShape},
    read::BitReader,
};

/// What is used of an SPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// seq_parameter_set_id.
    pub id: u32,
    /// profile_idc, the constraint flags, level_idc: the digits of the codec string.
    pub profile: [u8; 3],
    /// Visible size in pixels.
    pub width: u32,
    pub height: u32,
    pub chroma_format_idc: u8,
    pub bit_depth: u8,
    pub bit_depth_chroma: u8,
    pub pixel: PixelShape,
    pub colour: Colour,
    /// max_num_reorder_frames, read or inferred (E.2.1).
    pub reorder_depth: u8,
    /// frame_mbs_only_flag: no picture is a field.
    pub frame_mbs_only: bool,
    /// log2_max_frame_num: bits of frame_num in a slice header.
    pub frame_num_bits: u32,
    /// separate_colour_plane_flag: slice headers say which plane they are of.
    pub separate_planes: bool,
}

const PROFILE_BASELINE: u8 = 66;
const PROFILE_MAIN: u8 = 77;
const PROFILE_EXTENDED: u8 = 88;
const CONSTRAINT_SET3: u8 = 0x10;

/// Sqrt(MaxFS * 8) of level 6.2: no picture is wider or higher in macroblocks (A.3.1).
const MAX_MBS_ACROSS: u32 = 1055;
/// MaxDpbFrames never exceeds it (A.3.1).
const MAX_DPB_FRAMES: u32 = 16;

struct Chroma {
    format_idc: u8,
    /// ChromaArrayType.
    array_type: u32,
    bit_depths: [u8; 2],
}

struct Frame {
    profile: [u8; 3],
    poc_type: u32,
    /// max_num_ref_frames.
    references: u32,
    mbs: u32,
}

impl Sps {
    /// Reads a NAL unit of type 7, header included.
    pub fn parse(nal: &[u8]) -> Result<Self, ConfigError> {
        let (_header, payload) = nal.split_first().ok_or(ConfigError::Short)?;
        let mut r = BitReader::rbsp(payload);
        let mut byte = || r.bits(8).and_then(|b| u8::try_from(b).ok()).ok_or(ConfigError::Short);
        let profile = [byte()?, byte()?, byte()?];
        read(&mut r, profile)
    }
}

fn read(r: &mut BitReader<'_>, profile: [u8; 3]) -> Result<Sps, ConfigError> {
    let id = ue_to(r, 31, "seq_parameter_set_id")?;
    let chroma = match has_chroma_format(profile) {
        true => chroma_format(r)?,
        false => Chroma { format_idc: 1, array_type: 1, bit_depths: [8; 2] },
    };
    let frame_num_bits = ue_to(r, 12, "log2_max_frame_num_minus4")?.saturating_add(4);
    let poc_type = ue_to(r, 2, "pic_order_cnt_type")?;
    match poc_type {
        0 => {
            ue_to(r, 12, "log2_max_pic_order_cnt_lsb_minus4")?;
        }
        1 => {
            flag(r)?;
            se(r)?;
            se(r)?;
            for _ in 0..ue_to(r, 255, "num_ref_frames_in_pic_order_cnt_cycle")? {
                se(r)?;
            }
        }
        _ => {}
    }
    let references = ue_to(r, MAX_DPB_FRAMES, "max_num_ref_frames")?;
    flag(r)?;
    let mbs_wide = ue_to(r, MAX_MBS_ACROSS, "pic_width_in_mbs_minus1")?.saturating_add(1);
    let map_units_high = ue_to(r, MAX_MBS_ACROSS, "pic_height_in_map_units_minus1")?.saturating_add(1);
    let frame_mbs_only = flag(r)?;
    if !frame_mbs_only {
        flag(r)?;
    }
    flag(r)?;
    let fields: u32 = if frame_mbs_only { 1 } else { 2 };
    let mbs_high = map_units_high.saturating_mul(fields);

    let (crop_x, crop_y) = if flag(r)? { cropping(r, chroma.array_type, fields)? } else { (0, 0) };
    let width = mbs_wide.saturating_mul(16).checked_sub(crop_x).filter(|w| *w > 0);
    let height = mbs_high.saturating_mul(16).checked_sub(crop_y).filter(|h| *h > 0);
    let (Some(width), Some(height)) = (width, height) else { return Err(ConfigError::Invalid("cropping")) };

    let (mut head, mut signalled) = (vui::Head::SILENT, None);
    // A VUI that the SPS promises and then ends before costs nothing else.
    if r.bit() == Some(true) {
        head = vui::head(r).unwrap_or(vui::Head::SILENT);
        signalled = vui_reorder_frames(r);
    }
    let frame = Frame { profile, poc_type, references, mbs: mbs_wide.saturating_mul(mbs_high) };
    let [bit_depth, bit_depth_chroma] = chroma.bit_depths;
    Ok(Sps {
        id,
        profile,
        width,
        height,
        chroma_format_idc: chroma.format_idc,
        bit_depth,
        bit_depth_chroma,
        pixel: head.pixel,
        colour: head.colour,
        reorder_depth: reorder_depth(&frame, signalled),
        frame_mbs_only,
        frame_num_bits,
        separate_planes: chroma.format_idc == 3 && chroma.array_type == 0,
    })
}

/// The profiles whose SPS, and configuration record, tell the chroma format.
pub fn has_chroma_format([profile, ..]: [u8; 3]) -> bool {
    matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

/// chroma_format_idc up to the scaling matrix.
fn chroma_format(r: &mut BitReader<'_>) -> Result<Chroma, ConfigError> {
    let idc = ue_to(r, 3, "chroma_format_idc")?;
    let separate_planes = idc == 3 && flag(r)?;
    let mut bit_depth = |name| {
        let over_8 = ue_to(r, 6, name)?;
        Ok::<_, ConfigError>(u8::try_from(over_8).unwrap_or_default().saturating_add(8))
    };
    let bit_depths = [bit_depth("bit_depth_luma_minus8")?, bit_depth("bit_depth_chroma_minus8")?];
    flag(r)?; // qpprime_y_zero_transform_bypass_flag
    if flag(r)? {
        for list in 0..if idc == 3 { 12 } else { 8 } {
            if flag(r)? {
                scaling_list(r, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    let array_type = if separate_planes { 0 } else { idc };
    Ok(Chroma { format_idc: u8::try_from(idc).unwrap_or_default(), array_type, bit_depths })
}

fn scaling_list(r: &mut BitReader<'_>, len: usize) -> Result<(), ConfigError> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..len {
        if next != 0 {
            next = last.saturating_add(se(r)?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Ok(())
}

/// Pixels cut from width and height (7-19 to 7-22).
fn cropping(r: &mut BitReader<'_>, chroma_array_type: u32, fields: u32) -> Result<(u32, u32), ConfigError> {
    let mut sum = || Ok(ue(r)?.saturating_add(ue(r)?));
    let (across, down) = (sum()?, sum()?);
    let unit_x = if matches!(chroma_array_type, 1 | 2) { 2 } else { 1 };
    let unit_y: u32 = if chroma_array_type == 1 { 2 } else { 1 };
    Ok((across.saturating_mul(unit_x), down.saturating_mul(unit_y.saturating_mul(fields))))
}

/// max_num_reorder_frames of the VUI (E.1.1) behind its colours, if it is there.
fn vui_reorder_frames(r: &mut BitReader<'_>) -> Option<u32> {
    if r.bit()? {
        r.bits(32)?; // num_units_in_tick
        r.bits(32)?; // time_scale
        r.bit()?;
    }
    let nal_hrd = r.bit()?;
    if nal_hrd {
        skip_hrd(r)?;
    }
    let vcl_hrd = r.bit()?;
    if vcl_hrd {
        skip_hrd(r)?;
    }
    if nal_hrd || vcl_hrd {
        r.bit()?; // low_delay_hrd_flag
    }
    r.bit()?; // pic_struct_present_flag
    if !r.bit()? {
        return None;
    }
    r.bit()?; // motion_vectors_over_pic_boundaries_flag
    for _ in 0..4 {
        r.ue()?; // max_bytes_per_pic_denom to log2_max_mv_length_vertical
    }
    r.ue().filter(|frames| *frames <= MAX_DPB_FRAMES)
}

/// hrd_parameters (E.1.2).
fn skip_hrd(r: &mut BitReader<'_>) -> Option<()> {
    let cpbs = r.ue().filter(|n| *n < 32)?;
    r.bits(8)?;
    for _ in 0..=cpbs {
        r.ue()?;
        r.ue()?;
        r.bit()?;
    }
    r.bits(20).map(|_| ())
}

/// What the stream says. Baseline has no B slices, and with pic_order_cnt_type 2 output order is decoding order (8.2.1.3).
///
/// Where it says nothing, E.2.1 infers all that the level has room for, which encoders of phones with their one reference would
/// pay for. No encoder decodes a picture before its time but to refer to it, from a picture between that one and another.
fn reorder_depth(frame: &Frame, signalled: Option<u32>) -> u8 {
    let [profile, constraints, _] = frame.profile;
    let intra_only = constraints & CONSTRAINT_SET3 != 0 && matches!(profile, 44 | 86 | 100 | 110 | 122 | 244);
    if profile == PROFILE_BASELINE || frame.poc_type == 2 || intra_only {
        return 0;
    }
    let frames = signalled.unwrap_or_else(|| match frame.references {
        0 | 1 => 0,
        references => references.min(max_dpb_frames(frame)),
    });
    u8::try_from(frames.min(MAX_DPB_FRAMES)).unwrap_or(u8::MAX)
}

/// MaxDpbFrames: MaxDpbMbs of the level (table A-1) over the frame's macroblocks.
fn max_dpb_frames(frame: &Frame) -> u32 {
    let [profile, constraints, level] = frame.profile;
    let is_1b = constraints & CONSTRAINT_SET3 != 0
        && matches!(profile, PROFILE_BASELINE | PROFILE_MAIN | PROFILE_EXTENDED);
    let max_dpb_mbs: u32 = match level {
        11 if is_1b => 396,
        9 | 10 => 396,
        11 => 900,
        12 | 13 | 20 => 2376,
        21 => 4752,
        22 | 30 => 8100,
        31 => 18_000,
        32 => 20_480,
        40 | 41 => 32_768,
        42 => 34_816,
        50 => 110_400,
        51 | 52 => 184_320,
        60..=62 => 696_320,
        _ => return MAX_DPB_FRAMES,
    };
    max_dpb_mbs.checked_div(frame.mbs).unwrap_or(MAX_DPB_FRAMES).min(MAX_DPB_FRAMES)
}

fn flag(r: &mut BitReader<'_>) -> Result<bool, ConfigError> {
    r.bit().ok_or(ConfigError::Short)
}

fn ue(r: &mut BitReader<'_>) -> Result<u32, ConfigError> {
    r.ue().ok_or(ConfigError::Short)
}

fn ue_to(r: &mut BitReader<'_>, max: u32, name: &'static str) -> Result<u32, ConfigError> {
    let value = ue(r)?;
    if value > max { Err(ConfigError::Invalid(name)) } else { Ok(value) }
}

fn se(r: &mut BitReader<'_>) -> Result<i32, ConfigError> {
    r.se().ok_or(ConfigError::Short)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIGH_31: [u8; 3] = [100, 0, 31];

    fn depth(references: u32, signalled: Option<u32>) -> u8 {
        reorder_depth(&Frame { profile: HIGH_31, poc_type: 0, references, mbs: 80 * 45 }, signalled)
    }

    #[test]
    fn a_stream_that_says_nothing_reorders_no_more_than_it_refers_to() {
        assert_eq!([1, 2, 4].map(|references| depth(references, None)), [0, 2, 4]);
        assert_eq!(depth(16, None), 5, "no more than the level has room for");
    }

    #[test]
    fn what_the_stream_says_holds() {
        assert_eq!([depth(1, Some(1)), depth(4, Some(0))], [1, 0]);
    }
}
