//! Video usability information: the head that H.264 and H.265 have in common (annex E of both).

use crate::{
    packet::{Colour, PixelShape},
    read::BitReader,
};

const EXTENDED_SAR: u32 = 255;
/// By aspect_ratio_idc, from 1 on.
const SHAPES: [(u32, u32); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// What is used of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub pixel: PixelShape,
    pub colour: Colour,
}

impl Head {
    /// Of a stream that says nothing.
    pub const SILENT: Self = Self { pixel: PixelShape::SQUARE, colour: Colour::UNSPECIFIED };
}

/// Reads aspect_ratio_info_present_flag to chroma_sample_loc_type_bottom_field.
pub fn head(r: &mut BitReader<'_>) -> Option<Head> {
    let mut head = Head::SILENT;
    if r.bit()? {
        head.pixel = pixel(r)?;
    }
    if r.bit()? {
        r.bit()?; // overscan_appropriate_flag
    }
    if r.bit()? {
        r.bits(3)?; // video_format
        head.colour.full_range = r.bit()?;
        if r.bit()? {
            head.colour = read_description(r, head.colour.full_range)?;
        }
    }
    if r.bit()? {
        r.ue()?; // chroma_sample_loc_type_top_field
        r.ue()?;
    }
    Some(head)
}

fn pixel(r: &mut BitReader<'_>) -> Option<PixelShape> {
    let (width, height) = match r.bits(8)? {
        EXTENDED_SAR => (r.bits(16)?, r.bits(16)?),
        idc => {
            let index = idc.checked_sub(1).and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| SHAPES.get(index)).copied().unwrap_or((1, 1))
        }
    };
    Some(PixelShape::new(width, height))
}

/// Three code points of ITU-T H.273.
fn read_description(r: &mut BitReader<'_>, full_range: bool) -> Option<Colour> {
    let mut point = || r.bits(8).and_then(|point| u8::try_from(point).ok());
    Some(Colour { primaries: point()?, transfer: point()?, matrix: point()?, full_range })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_a_pixel_has_a_number_or_two_sides() {
        let shape = |bytes: &[u8]| head(&mut BitReader::new(bytes)).map(|head| head.pixel.parts());
        assert_eq!(shape(&[0x80 | 14 >> 1, 0]), Some((4, 3)));
        assert_eq!(shape(&[0xff, 0x80, 0x01, 0x80, 0x02, 0]), Some((3, 4)));
        assert_eq!(shape(&[0x80 | 100 >> 1, 0]), Some((1, 1)), "reserved");
        assert_eq!(shape(&[0, 0]), Some((1, 1)), "unsaid");
    }
}
