//! Video usability information: the head that H.264 and H.265 have in common (annex E of both).

use crate::{packet::Colour, read::BitReader};

const EXTENDED_SAR: u32 = 255;

/// Reads aspect_ratio_info_present_flag to chroma_sample_loc_type_bottom_field; the colours of it.
pub fn colour(r: &mut BitReader<'_>) -> Option<Colour> {
    if r.bit()? && r.bits(8)? == EXTENDED_SAR {
        r.bits(32)?;
    }
    if r.bit()? {
        r.bit()?; // overscan_appropriate_flag
    }
    let mut colour = Colour::UNSPECIFIED;
    if r.bit()? {
        r.bits(3)?; // video_format
        colour.full_range = r.bit()?;
        if r.bit()? {
            colour = read_description(r, colour.full_range)?;
        }
    }
    if r.bit()? {
        r.ue()?; // chroma_sample_loc_type_top_field
        r.ue()?;
    }
    Some(colour)
}

/// Three code points of ITU-T H.273.
fn read_description(r: &mut BitReader<'_>, full_range: bool) -> Option<Colour> {
    let mut point = || r.bits(8).and_then(|point| u8::try_from(point).ok());
    Some(Colour { primaries: point()?, transfer: point()?, matrix: point()?, full_range })
}
