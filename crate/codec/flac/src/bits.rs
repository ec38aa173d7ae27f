//! Bits, the most significant first. Fast enough to read a residual sample by sample.

use sailcast_codec_face::Error;

pub struct Bits<'a> {
    data: &'a [u8],
    /// Of the next byte that is not in the cache.
    at: usize,
    /// What was read ahead, from the top.
    cache: u64,
    cached: u32,
}

fn cut_short() -> Error {
    "a frame of FLAC is cut short".to_owned()
}

impl<'a> Bits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, cache: 0, cached: 0 }
    }

    /// The whole bytes that were begun.
    pub fn bytes_read(&self) -> usize {
        self.at - self.cached as usize / 8
    }

    /// Up to what a byte begins with.
    pub fn align(&mut self) {
        self.drop(self.cached % 8);
    }

    fn drop(&mut self, count: u32) {
        // By at most 63: 64 bits are dropped in two steps.
        self.cache = self.cache << (count / 2) << (count - count / 2);
        self.cached -= count;
    }

    /// At least 57 bits in the cache, or all that there are.
    fn refill(&mut self) {
        while self.cached <= 56 {
            let Some(&byte) = self.data.get(self.at) else { return };
            self.cache |= u64::from(byte) << (56 - self.cached);
            self.cached += 8;
            self.at += 1;
        }
    }

    /// Up to 32 bits.
    pub fn read(&mut self, count: u32) -> Result<u32, Error> {
        if self.cached < count {
            self.refill();
            if self.cached < count {
                return Err(cut_short());
            }
        }
        if count == 0 {
            return Ok(0);
        }
        let value = (self.cache >> (64 - count)) as u32;
        self.drop(count);
        Ok(value)
    }

    /// Two's complement of up to 33 bits: what 32 are the sides of.
    pub fn signed(&mut self, count: u32) -> Result<i64, Error> {
        if count == 0 {
            return Ok(0);
        }
        let high = self.read(count - count / 2)?;
        let low = self.read(count / 2)?;
        let value = i64::from(high) << (count / 2) | i64::from(low);
        Ok(value << (64 - count) >> (64 - count))
    }

    /// How many zeros there are before a one.
    pub fn unary(&mut self) -> Result<u32, Error> {
        let mut zeros = 0;
        loop {
            let run = self.cache.leading_zeros();
            if run < self.cached {
                self.drop(run + 1);
                return Ok(zeros + run);
            }
            zeros += self.cached;
            self.drop(self.cached);
            self.refill();
            if self.cached == 0 {
                return Err(cut_short());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_most_significant_first() {
        let mut bits = Bits::new(&[0b1010_0000, 0xff, 0, 0, 0b0001_0000, 0x80, 0, 0, 0, 0]);
        assert_eq!(bits.read(3), Ok(5));
        assert_eq!(bits.read(0), Ok(0));
        assert_eq!(bits.unary(), Ok(5));
        assert_eq!(bits.signed(7), Ok(-1));
        assert_eq!(bits.bytes_read(), 2);
        bits.align();
        assert_eq!(bits.bytes_read(), 3 - 1);
        assert_eq!(bits.unary(), Ok(19));
        bits.align();
        assert_eq!(bits.signed(33), Ok(-(1 << 32)));
        assert_eq!(bits.read(8).ok(), None);
    }

    #[test]
    fn nothing_is_read_beyond_the_end() {
        assert!(Bits::new(&[]).read(1).is_err());
        assert!(Bits::new(&[0; 100]).unary().is_err());
        assert_eq!(Bits::new(&[1; 4]).read(32), Ok(0x0101_0101));
    }
}
