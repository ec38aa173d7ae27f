//! Media time. All arithmetic saturates: a hostile timestamp can be wrong, never a panic.

use std::ops::{Add, AddAssign, Neg, Sub};

/// A signed span of microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

/// A point on the stream's own unwrapped timeline, in microseconds. Converted from absolute ticks, never
/// accumulated, so it does not drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaTime(pub i64);

impl Micros {
    pub const ZERO: Self = Self(0);

    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The span times `factor`, rounded towards zero.
    pub fn scale(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor) as i64)
    }

    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

impl MediaTime {
    /// The time of `ticks` at `timescale` ticks a second; a timescale of 0 counts as 1.
    pub fn from_ticks(ticks: i64, timescale: u32) -> Self {
        let scale = i64::from(timescale.max(1));
        let seconds = ticks.div_euclid(scale).saturating_mul(1_000_000);
        // Below 2^32 * 10^6.
        let rest = ticks.rem_euclid(scale).saturating_mul(1_000_000).div_euclid(scale);
        Self(seconds.saturating_add(rest))
    }

    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign for Micros {
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

impl Sub for Micros {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self(self.0.saturating_sub(rhs.0))
    }
}

impl Neg for Micros {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Add<Micros> for MediaTime {
    type Output = Self;
    fn add(self, rhs: Micros) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl Sub<Micros> for MediaTime {
    type Output = Self;
    fn sub(self, rhs: Micros) -> Self {
        Self(self.0.saturating_sub(rhs.0))
    }
}

impl Sub for MediaTime {
    type Output = Micros;
    fn sub(self, rhs: Self) -> Micros {
        Micros(self.0.saturating_sub(rhs.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_convert_from_the_absolute_value() {
        assert_eq!(MediaTime::from_ticks(90_000, 90_000), MediaTime(1_000_000));
        assert_eq!(MediaTime::from_ticks(1, 3), MediaTime(333_333));
        assert_eq!(MediaTime::from_ticks(-1, 1000), MediaTime(-1000));
        assert_eq!(MediaTime::from_ticks(i64::MAX, 0), MediaTime(i64::MAX));
    }
}
