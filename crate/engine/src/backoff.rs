//! How long to wait before the next try: longer each time, and not the same for everybody.
//!
//! Jitter comes from a seed, so that a thousand clients of a server that restarts do not come back in the same instant, and a
//! test gets the same delays each time.

use sailcast_media::Micros;

const FIRST: Micros = Micros::from_millis(500);
const LONGEST: Micros = Micros::from_secs(8);

#[derive(Debug)]
pub struct Backoff {
    state: u64,
}

impl Backoff {
    pub fn new(seed: u64) -> Self {
        // Xorshift knows no way out of 0.
        Self { state: seed.max(1) }
    }

    /// After so many failures in a row, at least one: half to all of a time that doubles up to [`LONGEST`].
    pub fn delay(&mut self, failures: u32) -> Micros {
        self.some_of(Self::longest(failures))
    }

    /// Half of it to all of it.
    pub fn some_of(&mut self, longest: Micros) -> Micros {
        longest.scale(0.5 + 0.5 * self.random())
    }

    /// The most that [`Backoff::delay`] gives.
    pub fn longest(failures: u32) -> Micros {
        FIRST.scale(f64::from(1u32 << failures.saturating_sub(1).min(10))).min(LONGEST)
    }

    /// Xorshift64, 0 to 1.
    fn random(&mut self) -> f64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as f64 / (1u64 << 53) as f64
    }
}
