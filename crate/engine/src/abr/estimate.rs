//! What the link brings: from whole transfers, with more trust in the newer ones.
//!
//! **Invariant:** it believes the lower of a fast and a slow average, so that it falls in one transfer and rises in several. What was
//! sent no faster than it was made says only that the link is at least so fast.

use sailcast_media::Micros;

use super::Transfer;

/// Seconds of transfer after which an old value counts half.
const FAST_HALF: f64 = 2.0;
const SLOW_HALF: f64 = 8.0;
/// A transfer counts for at least so long: small ones come in one piece, and their time is chance.
const SHORTEST: f64 = 0.03;
/// And for no longer: one that hung says that it hung, once.
const LONGEST: f64 = 10.0;
/// Less says nothing of the link.
const LEAST_BYTES: u64 = 4_000;
/// Of the answer's delay, a new one counts for so much.
const DELAY_WEIGHT: f64 = 0.25;

/// A mean in which a value's weight halves with each `half` seconds of newer ones.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: f64, seconds: f64, half: f64) {
        let kept = 0.5f64.powf(seconds / half);
        self.value = self.value * kept + value * (1.0 - kept);
        self.weight = self.weight * kept + (1.0 - kept);
    }

    fn get(self) -> f64 {
        self.value / self.weight
    }
}

#[derive(Debug, Default)]
pub(super) struct Estimate {
    fast: Mean,
    slow: Mean,
    /// Seconds from asking to the first byte.
    delay: Option<f64>,
    transfers: u32,
}

impl Estimate {
    pub fn add(&mut self, transfer: &Transfer) {
        let seconds = |span: Micros| span.as_secs_f64().max(0.0);
        let body = seconds(transfer.done - transfer.first_byte);
        if !transfer.paced {
            let delay = seconds(transfer.first_byte - transfer.asked);
            self.delay = Some(self.delay.map_or(delay, |d| d + (delay - d) * DELAY_WEIGHT));
        }
        if transfer.bytes < LEAST_BYTES {
            return;
        }
        let bits = transfer.bytes as f64 * 8.0;
        let time = body.clamp(SHORTEST, LONGEST);
        let rate = bits / body.max(SHORTEST);
        if transfer.paced && self.get().is_some_and(|known| rate <= known) && body <= seconds(transfer.media)
        {
            return;
        }
        self.fast.add(rate, time, FAST_HALF);
        self.slow.add(rate, time, SLOW_HALF);
        self.transfers = self.transfers.saturating_add(1);
    }

    /// bit/s; `None` before the first transfer that says something.
    pub fn get(&self) -> Option<f64> {
        (self.transfers > 0).then(|| self.fast.get().min(self.slow.get()))
    }

    /// Seconds until the first byte of an answer.
    pub fn delay(&self) -> f64 {
        self.delay.unwrap_or_default()
    }
}
