//! How long to wait before a server is tried again.
//!
//! No clock, no randomness: both are arguments.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that lasted so long was a good one: the next wait is the first again.
const STEADY: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next wait after a connection that published for `lasted`: twice the one before, of which a random half
    /// is cut, so that many streams do not come back at once.
    pub fn next(&mut self, lasted: Duration, random: u64) -> Duration {
        if lasted >= STEADY {
            self.tries = 0;
        }
        let whole = FIRST.saturating_mul(2_u32.saturating_pow(self.tries)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        whole.mul_f64(0.5 + random as f64 / u64::MAX as f64 / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_begin_anew_after_a_good_connection() {
        let mut backoff = Backoff::default();
        let mut wait = |lasted: u64| backoff.next(Duration::from_secs(lasted), u64::MAX).as_millis();
        let waits: Vec<u128> = (0..8).map(|_| wait(0)).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        (0..100).for_each(|_| assert_eq!(wait(1), 30000));
        assert_eq!(wait(10), 500);
        assert_eq!(wait(0), 1000);
    }

    #[test]
    fn chance_cuts_up_to_a_half() {
        for (random, ms) in [(0, 250), (u64::MAX / 2, 375), (u64::MAX, 500)] {
            assert_eq!(Backoff::default().next(Duration::ZERO, random).as_millis(), ms);
        }
    }
}
