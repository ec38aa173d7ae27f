//! Chance as a function: the same seed, question and moment give the same answer, in whatever order they are asked.
//!
//! So a network's weather can be looked up at any instant, by any connection, without a history.

/// Whose chance: a session's seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(pub u64);

impl Chance {
    /// An independent source of the same seed.
    pub fn of(self, what: u64) -> Self {
        Self(mix(self.0 ^ mix(what.wrapping_add(1))))
    }

    /// Uniform in 0..1 for the `n`th occasion.
    pub fn unit(self, n: u64) -> f64 {
        (mix(self.0.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(self, n: u64, low: f64, high: f64) -> f64 {
        low + self.unit(n) * (high - low)
    }

    /// Exponentially distributed with this mean.
    pub fn exponential(self, n: u64, mean: f64) -> f64 {
        -mean * (1.0 - self.unit(n)).ln()
    }

    /// About normal, mean 0 and deviation 1, wandering smoothly: independent after one unit of `x`.
    pub fn wander(self, x: f64) -> f64 {
        let cell = x.floor();
        let t = x - cell;
        let ease = t * t * (3.0 - 2.0 * t);
        let (a, b) = (self.normal(cell as u64), self.normal(cell as u64 + 1));
        let value = a + (b - a) * ease;
        // Between the cells the mean of two has less deviation than one.
        value / (ease * ease + (1.0 - ease) * (1.0 - ease)).sqrt()
    }

    fn normal(self, n: u64) -> f64 {
        // The sum of twelve uniforms less six has deviation 1 (Irwin-Hall).
        (0..12).map(|i| self.unit(n * 12 + i)).sum::<f64>() - 6.0
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_uniform_and_wandering_is_normal() {
        let chance = Chance(7).of(3);
        let mean = |f: &dyn Fn(u64) -> f64| (0..20_000).map(f).sum::<f64>() / 20_000.0;
        assert!((mean(&|n| chance.unit(n)) - 0.5).abs() < 0.01);
        assert!((mean(&|n| chance.exponential(n, 3.0)) - 3.0).abs() < 0.1);
        assert!(mean(&|n| chance.wander(n as f64 * 0.37)).abs() < 0.05);
        let variance = mean(&|n| chance.wander(n as f64 * 0.37).powi(2));
        assert!((variance - 1.0).abs() < 0.1, "{variance}");
    }
}
