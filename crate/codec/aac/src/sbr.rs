//! Packets whose SBR cannot be read yet: its header comes about twice a second, and syom refuses all before the first one, the sound
//! of the core with it.
//!
//! SBR stands in a fill element (ISO/IEC 14496-3 4.4.2.7) at the end of a packet, behind one or two channels. Where it begins is
//! known only to who has decoded those, so it is looked for: a fill element that says SBR and, with what may follow, ends where the
//! packet ends. One in a hundred packets has another place that looks like it.

const FIL: u32 = 0b110;
const END: u32 = 0b111;
const SBR_DATA: u32 = 0b1101;
const SBR_DATA_CRC: u32 = 0b1110;

/// The bits of a packet; zeros behind its end.
#[derive(Clone, Copy)]
struct Bits<'a>(&'a [u8]);

impl Bits<'_> {
    /// Up to 16 bits.
    fn at(self, at: usize, count: usize) -> u32 {
        let byte = |offset| u32::from(self.0.get(at / 8 + offset).copied().unwrap_or(0));
        let bits = byte(0) << 24 | byte(1) << 16 | byte(2) << 8;
        bits << (at % 8) >> (32 - count)
    }

    /// What a fill element holds that begins there: its first bit and its bits.
    fn fill(self, at: usize) -> Option<(usize, usize)> {
        if self.at(at, 3) != FIL {
            return None;
        }
        Some(match self.at(at + 3, 4) as usize {
            // The count goes on, from 14 on.
            15 => (at + 15, (self.at(at + 7, 8) as usize + 14) * 8),
            count => (at + 7, count * 8),
        })
    }

    /// Whether the packet ends there, but for another fill element.
    fn ends(self, at: usize) -> bool {
        let end = |at: usize| at + 3 == self.last_one() && self.at(at, 3) == END;
        end(at) || self.fill(at).is_some_and(|(start, len)| end(start + len))
    }

    /// One behind the last bit that is set: behind the end there are only zeros.
    fn last_one(self) -> usize {
        let last = self.0.iter().rposition(|byte| *byte != 0);
        last.map_or(0, |at| at * 8 + 8 - self.0[at].trailing_zeros() as usize)
    }
}

/// The packet with SBR that brings no header taken for padding; one for each place that looks like it.
pub fn without_unreadable(packet: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let bits = Bits(packet);
    let starts = (0..packet.len() * 8).filter_map(move |at| {
        let (start, len) = bits.fill(at)?;
        let flag = match bits.at(start, 4) {
            SBR_DATA => start + 4,
            // A checksum of 10 bits comes first.
            SBR_DATA_CRC => start + 14,
            _ => return None,
        };
        let has_header = bits.at(flag, 1) == 1;
        (len > 0 && !has_header && bits.ends(start + len)).then_some(start)
    });
    starts.map(|start| {
        // Extension type 0, EXT_FILL.
        let mut packet = packet.to_vec();
        for at in start..start + 4 {
            if let Some(byte) = packet.get_mut(at / 8) {
                *byte &= !(0x80 >> (at % 8));
            }
        }
        packet
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits, as zeros and ones with any spaces between them.
    fn packet(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        let byte = |bits: &[u8]| bits.iter().enumerate().fold(0, |sum, (at, bit)| sum | bit << (7 - at));
        bits.chunks(8).map(byte).collect()
    }

    fn of(bits: &str) -> Vec<Vec<u8>> {
        without_unreadable(&packet(bits)).collect()
    }

    #[test]
    fn sbr_without_a_header_becomes_padding() {
        assert_eq!(
            of("00000 110 0010 1101 0 10101010101 111"),
            [packet("00000 110 0010 0000 0 10101010101 111")]
        );
        assert_eq!(
            of("00 110 0011 1110 1111111111 0 010101010 111"),
            [packet("00 110 0011 0000 1111111111 0 010101010 111")]
        );
        // With padding behind it.
        assert_eq!(
            of("110 0001 1101 0000 110 0001 00000000 111"),
            [packet("110 0001 0000 0000 110 0001 00000000 111")]
        );
    }

    #[test]
    fn long_ones_have_a_longer_count() {
        let rest = "01".repeat(61) + "0";
        assert_eq!(of(&format!("110 1111 00000010 1101 0 {rest} 111")).len(), 1);
    }

    #[test]
    fn all_else_is_left_alone() {
        for (bits, why) in [
            ("00000 110 0010 1101 1 10101010101 111", "a header"),
            ("110 0001 0000 0000 111", "padding"),
            ("110 0010 1101 0000 111", "a wrong length"),
            ("110 0001 1101 0000 000", "no end"),
            ("", "nothing"),
        ] {
            assert!(of(bits).is_empty(), "{why}");
        }
    }
}
