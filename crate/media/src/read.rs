//! Reading numbers and bits from bytes in memory; with `queue`, the only place that slices.
//!
//! **Invariant:** a read that would pass the end returns `None` and leaves the position where it was.

/// Big-endian numbers and runs of bytes, front to back.
#[derive(Clone, Copy, Debug)]
pub struct ByteReader<'a> {
    rest: &'a [u8],
}

impl<'a> ByteReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(|[b]| b)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_be_bytes)
    }

    /// A signed 24-bit number.
    pub fn i24(&mut self) -> Option<i32> {
        self.array().map(|[a, b, c]| i32::from_be_bytes([a, b, c, 0]) >> 8)
    }

    /// leb128() of AV1 (4.10.5).
    pub fn leb128(&mut self) -> Option<u32> {
        let before = *self;
        let mut value = 0u64;
        for shift in (0..56).step_by(7) {
            let Some(byte) = self.u8() else { break };
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
            if byte & 0x80 == 0 {
                let value = u32::try_from(value).ok();
                if value.is_none() {
                    *self = before;
                }
                return value;
            }
        }
        *self = before;
        None
    }

    /// An unsigned number of `n` bytes, at most four.
    pub fn uint(&mut self, n: usize) -> Option<u32> {
        if n > 4 {
            return None;
        }
        self.bytes(n).map(|bytes| bytes.iter().fold(0, |acc, &b| acc << 8 | u32::from(b)))
    }
}

/// Bits, most significant first, and the Exp-Golomb codes of H.264 (9.1).
#[derive(Clone, Copy, Debug)]
pub struct BitReader<'a> {
    rest: &'a [u8],
    byte: u8,
    /// Bits of `byte` not yet read.
    left: u32,
    /// Emulation prevention bytes (7.4.1) are in the data and left out of the reading.
    emulation: bool,
    /// Zero bytes read in a row, while they matter for emulation prevention.
    zeros: u8,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, byte: 0, left: 0, emulation: false, zeros: 0 }
    }

    /// Reads a NAL unit's payload: the 3 of each 0, 0, 3 is dropped.
    pub fn rbsp(bytes: &'a [u8]) -> Self {
        Self { emulation: true, ..Self::new(bytes) }
    }

    /// Bits not yet read, emulation prevention included.
    pub fn bits_left(&self) -> usize {
        self.rest.len().saturating_mul(u8::BITS as usize).saturating_add(self.left as usize)
    }

    /// `n` bits, the last byte filled up with zeros.
    pub fn bytes_of_bits(&mut self, n: usize) -> Option<Vec<u8>> {
        if n > self.bits_left() {
            return None;
        }
        let mut out = Vec::with_capacity(n.div_ceil(8));
        let mut left = n;
        while left > 0 {
            let now = u32::try_from(left.min(8)).ok()?;
            let byte = self.bits(now)?.checked_shl(8u32.saturating_sub(now))?;
            out.push(u8::try_from(byte).ok()?);
            left = left.saturating_sub(8);
        }
        Some(out)
    }

    pub fn bit(&mut self) -> Option<bool> {
        if self.left == 0 {
            self.next_byte()?;
        }
        self.left = self.left.saturating_sub(1);
        Some((self.byte >> self.left) & 1 == 1)
    }

    /// `n` bits, at most 32.
    pub fn bits(&mut self, n: u32) -> Option<u32> {
        if n > u32::BITS {
            return None;
        }
        let before = *self;
        let mut value = 0u32;
        for _ in 0..n {
            let Some(bit) = self.bit() else {
                *self = before;
                return None;
            };
            value = value << 1 | u32::from(bit);
        }
        Some(value)
    }

    pub fn skip(&mut self, n: u32) -> Option<()> {
        let before = *self;
        for _ in 0..n {
            if self.bit().is_none() {
                *self = before;
                return None;
            }
        }
        Some(())
    }

    /// ue(v).
    pub fn ue(&mut self) -> Option<u32> {
        let before = *self;
        let value = self.ue_or_end();
        if value.is_none() {
            *self = before;
        }
        value
    }

    /// se(v).
    pub fn se(&mut self) -> Option<i32> {
        let code = i64::from(self.ue()?);
        let magnitude = code.saturating_add(1) >> 1;
        i32::try_from(if code & 1 == 1 { magnitude } else { magnitude.saturating_neg() }).ok()
    }

    fn ue_or_end(&mut self) -> Option<u32> {
        let mut zeros = 0u32;
        while !self.bit()? {
            zeros = zeros.saturating_add(1);
            // 32 zeros would make a value past 2^32 - 2, the largest there is.
            if zeros >= u32::BITS {
                return None;
            }
        }
        let base = 1u32.checked_shl(zeros)?.checked_sub(1)?;
        base.checked_add(self.bits(zeros)?)
    }

    fn next_byte(&mut self) -> Option<()> {
        let (&first, rest) = self.rest.split_first()?;
        let (byte, rest) = match self.emulation && self.zeros >= 2 && first == 3 {
            true => {
                self.zeros = 0;
                let (&second, rest) = rest.split_first()?;
                (second, rest)
            }
            false => (first, rest),
        };
        self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
        self.rest = rest;
        self.byte = byte;
        self.left = u8::BITS;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_past_the_end_leaves_the_position() {
        let mut r = ByteReader::new(&[1, 2, 3]);
        assert_eq!(r.u32(), None);
        assert_eq!(r.u16(), Some(0x0102));
        let mut bits = BitReader::new(&[0b1010_0000]);
        assert_eq!(bits.bits(9), None);
        assert_eq!(bits.bits(3), Some(0b101));
        assert_eq!(bits.ue(), None);
        assert_eq!(bits.bits(5), Some(0));
        assert_eq!(bits.bit(), None);
    }

    #[test]
    fn composition_times_are_signed() {
        assert_eq!(ByteReader::new(&[0xff, 0xff, 0xff]).i24(), Some(-1));
        assert_eq!(ByteReader::new(&[0x80, 0, 0]).i24(), Some(-8_388_608));
        assert_eq!(ByteReader::new(&[0x7f, 0xff, 0xff]).i24(), Some(8_388_607));
    }

    #[test]
    fn leb128_numbers_are_read_and_bounded() {
        assert_eq!(ByteReader::new(&[0x7f]).leb128(), Some(127));
        assert_eq!(ByteReader::new(&[0xe5, 0x8e, 0x26]).leb128(), Some(624_485));
        assert_eq!(ByteReader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).leb128(), Some(u32::MAX));
        for bad in [&[0x80][..], &[0xff, 0xff, 0xff, 0xff, 0x1f], &[0x80; 9]] {
            let mut r = ByteReader::new(bad);
            assert_eq!((r.leb128(), r.rest().len()), (None, bad.len()));
        }
    }

    #[test]
    fn exp_golomb_codes_of_the_standard() {
        // Table 9-2: 1, 010, 011, 00100, 00101 are 0 to 4.
        let mut r = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([r.ue(), r.ue(), r.ue(), r.ue(), r.ue()], [0, 1, 2, 3, 4].map(Some));
        let mut r = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([r.se(), r.se(), r.se(), r.se(), r.se()], [0, 1, -1, 2, -2].map(Some));
        assert_eq!(BitReader::new(&[0; 9]).ue(), None);
        assert_eq!(BitReader::new(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]).ue(), Some(u32::MAX - 1));
    }

    #[test]
    fn emulation_prevention_bytes_are_left_out() {
        let mut r = BitReader::rbsp(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]);
        assert_eq!(r.bits(24), Some(1));
        assert_eq!(r.bits(32), Some(0));
        assert_eq!(r.bit(), None);
        assert_eq!(BitReader::new(&[0, 0, 3]).bits(24), Some(3));
    }
}
