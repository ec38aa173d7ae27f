//! The head of a slice header, 7.3.6.1, up to the pictures it refers to.

use crate::bits::{Bits, width_of};
use crate::references::{Reference, long_term, short_term_set};
use crate::sets::{Pps, Sps};

/// nal_unit_type, table 7-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NalType(pub u8);

impl NalType {
    pub const SPS: Self = Self(33);
    pub const PPS: Self = Self(34);
    pub const END_OF_SEQUENCE: Self = Self(36);
    const CRA: Self = Self(21);

    /// Slices that are not reserved.
    pub fn is_slice(self) -> bool {
        matches!(self.0, 0..=9 | 16..=21)
    }

    pub fn is_irap(self) -> bool {
        matches!(self.0, 16..=23)
    }

    pub fn is_idr(self) -> bool {
        matches!(self.0, 19 | 20)
    }

    pub fn is_cra(self) -> bool {
        self == Self::CRA
    }

    /// Leading pictures that may refer to what comes before their IRAP picture.
    pub fn is_rasl(self) -> bool {
        matches!(self.0, 8 | 9)
    }

    /// Not a sub-layer non-reference picture: those have the even numbers of the trailing and leading ones.
    pub fn is_referenced(self) -> bool {
        self.is_irap() || self.0 % 2 == 1
    }

    /// Whether the POC of a picture of the lowest sub-layer counts for the next ones, 8.3.1.
    pub fn anchors_poc(self) -> bool {
        self.is_referenced() && !matches!(self.0, 6..=9)
    }
}

/// Which parameter sets a slice names.
pub struct Head<'a> {
    bits: Bits<'a>,
    pub first_of_picture: bool,
    pub pps: usize,
}

impl<'a> Head<'a> {
    /// `rbsp` is what follows the NAL's header.
    pub fn read(rbsp: &'a [u8], kind: NalType) -> Option<Self> {
        let mut bits = Bits::new(rbsp);
        let first_of_picture = bits.flag()?;
        if kind.is_irap() {
            let _no_output_of_prior_pics = bits.flag()?;
        }
        let pps = bits.ue_up_to(63)? as usize;
        Some(Self { bits, first_of_picture, pps })
    }

    /// slice_segment_address, of a slice that is not the first.
    pub fn address(mut self, sps: &Sps, pps: &Pps) -> Option<u32> {
        if pps.dependent_slices {
            self.bits.skip(1)?;
        }
        self.bits.uint(width_of(sps.grid.blocks()))
    }
}

/// What the first slice says of its picture.
#[derive(Debug, PartialEq, Eq)]
pub struct PictureHeader {
    pub poc: i32,
    /// pic_output_flag.
    pub output: bool,
    pub references: Vec<Reference>,
}

impl PictureHeader {
    /// Goes on where the head of a picture's first slice ended. `previous` is the POC it counts from, or none where a sequence
    /// begins.
    pub fn read(head: Head<'_>, kind: NalType, sps: &Sps, pps: &Pps, previous: Option<i32>) -> Option<Self> {
        let mut bits = head.bits;
        bits.skip(pps.extra_slice_bits as usize)?;
        let _slice_type = bits.ue_up_to(2)?;
        let output = !pps.output_flag || bits.flag()?;
        if sps.separate_planes {
            bits.skip(2)?;
        }
        if kind.is_idr() {
            return Some(Self { poc: 0, output, references: Vec::new() });
        }
        let lsb = bits.uint(sps.log2_max_poc_lsb)? as i32;
        let poc = order_count(lsb, 1 << sps.log2_max_poc_lsb, previous);
        let sets = &sps.short_term_sets;
        let from_sps = bits.flag()?;
        let mut references: Vec<Reference> = if from_sps {
            let at = bits.uint(width_of(sets.len() as u32))? as usize;
            sets.get(at)?.references(poc).collect()
        } else {
            short_term_set(&mut bits, sets, true)?.references(poc).collect()
        };
        references.extend(long_term(&mut bits, sps, poc)?);
        Some(Self { poc, output, references })
    }
}

/// 8.3.1.
fn order_count(lsb: i32, modulo: i32, previous: Option<i32>) -> i32 {
    let Some(previous) = previous else { return lsb };
    let previous_lsb = previous.rem_euclid(modulo);
    let msb = previous.wrapping_sub(previous_lsb);
    let half = modulo / 2;
    let carry = if lsb < previous_lsb && previous_lsb - lsb >= half {
        modulo
    } else if lsb > previous_lsb && lsb - previous_lsb > half {
        -modulo
    } else {
        0
    };
    msb.wrapping_add(carry).wrapping_add(lsb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_count_goes_on_where_its_lowest_bits_wrap() {
        assert_eq!(order_count(2, 16, None), 2);
        assert_eq!(order_count(2, 16, Some(15)), 18);
        assert_eq!(order_count(14, 16, Some(17)), 14);
        assert_eq!(order_count(5, 16, Some(33)), 37);
        assert_eq!(order_count(15, 16, Some(0)), -1);
    }
}
