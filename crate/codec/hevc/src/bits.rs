//! Bits of a payload whose emulation prevention is gone. **Invariant:** reads end at the end of the bytes, with `None`.

/// Where in the payload the next bit is.
#[derive(Clone)]
pub struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    pub fn flag(&mut self) -> Option<bool> {
        let byte = self.data.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit != 0)
    }

    /// u(n), up to 32.
    pub fn uint(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..bits {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// ue(v), 9.2; below 2^31, which all of HEVC's are.
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 30 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.uint(zeros)?)
    }

    /// se(v), 9.2.2.
    pub fn se(&mut self) -> Option<i32> {
        let code = self.ue()?;
        let size = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 1 { size } else { -size })
    }

    /// ue(v) of an index or a count that has a bound.
    pub fn ue_up_to(&mut self, most: u32) -> Option<u32> {
        self.ue().filter(|value| *value <= most)
    }

    pub fn skip(&mut self, bits: usize) -> Option<()> {
        let at = self.at.checked_add(bits)?;
        self.at = (at <= self.data.len().checked_mul(8)?).then_some(at)?;
        Some(())
    }
}

/// How many bits tell one of `count` apart.
pub fn width_of(count: u32) -> u32 {
    u32::BITS - count.saturating_sub(1).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_are_read_to_the_last_bit_and_not_beyond() {
        // 1 | 010 | 011 | 00100 | 00101, then the end.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!(bits.ue(), Some(0));
        assert_eq!(bits.ue(), Some(1));
        assert_eq!(bits.se(), Some(-1));
        assert_eq!(bits.se(), Some(2));
        assert_eq!(bits.se(), Some(-2));
        assert_eq!(bits.skip(7), Some(()));
        assert_eq!(bits.flag(), None);
        assert_eq!(Bits::new(&[0; 8]).ue(), None);
        assert_eq!(Bits::new(&[0]).skip(9), None);
    }

    #[test]
    fn a_width_is_that_of_the_largest_index() {
        assert_eq!([0, 1, 2, 3, 4, 5].map(width_of), [0, 0, 1, 2, 2, 3]);
    }
}
