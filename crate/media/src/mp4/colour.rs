//! `colr` (ISO/IEC 14496-12, 12.1.5): what the container says of a picture's colours.
//!
//! **Invariant:** what it leaves unspecified, or says in numbers that H.273 does not have, stays as the bitstream has it. Profiles
//! of the ICC are not read.

use crate::{packet::Colour, read::ByteReader};

const NCLX: [u8; 4] = *b"nclx";
/// QuickTime's, without the range.
const NCLC: [u8; 4] = *b"nclc";
const UNSPECIFIED: u16 = 2;

/// A colour description in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ContainerColour {
    primaries: Option<u8>,
    transfer: Option<u8>,
    matrix: Option<u8>,
    full_range: bool,
}

impl ContainerColour {
    /// Reads the contents of the box.
    pub fn read(colr: &[u8]) -> Self {
        Self::parse(colr).unwrap_or_default()
    }

    fn parse(colr: &[u8]) -> Option<Self> {
        let mut r = ByteReader::new(colr);
        let kind = r.array()?;
        if kind != NCLX && kind != NCLC {
            return None;
        }
        let mut code = || Some(r.u16()?).map(|n| u8::try_from(n).ok().filter(|_| n != UNSPECIFIED));
        let (primaries, transfer, matrix) = (code()?, code()?, code()?);
        let full_range = kind == NCLX && r.u8()? & 0x80 != 0;
        Some(Self { primaries, transfer, matrix, full_range })
    }

    pub fn over(self, bitstream: Colour) -> Colour {
        Colour {
            primaries: self.primaries.unwrap_or(bitstream.primaries),
            transfer: self.transfer.unwrap_or(bitstream.transfer),
            matrix: self.matrix.unwrap_or(bitstream.matrix),
            full_range: self.full_range || bitstream.full_range,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BT709: Colour = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false };

    #[test]
    fn what_is_said_replaces_the_bitstreams_and_the_rest_stays() {
        let pq = ContainerColour::read(b"nclx\0\x09\0\x10\0\x02\x80");
        assert_eq!(pq.over(BT709), Colour { primaries: 9, transfer: 16, matrix: 1, full_range: true });
        let quicktime = ContainerColour::read(b"nclc\0\x06\0\x01\0\x06");
        assert_eq!(quicktime.over(BT709), Colour { primaries: 6, transfer: 1, matrix: 6, full_range: false });
    }

    #[test]
    fn profiles_and_boxes_cut_short_say_nothing() {
        for colr in
            [&b"prof\0\0\0\0\0\0\0"[..], b"nclx\0\x09\0\x10\0\x09", b"nc", b"nclx\x01\x09\x01\x10\x01\x09\0"]
        {
            assert_eq!(ContainerColour::read(colr).over(BT709), BT709);
        }
    }
}
