//! What the lanes of a load have in common.

use super::{delivery::Delivery, keys::Keys, low_latency::LowLatency, timeline::Timeline};
use crate::{backoff::Backoff, error::ErrorCode};

#[derive(Debug)]
pub struct Shared {
    pub timeline: Timeline,
    pub keys: Keys,
    pub promises: LowLatency,
    pub delivery: Delivery,
    pub backoff: Backoff,
    pub online: bool,
}

impl Shared {
    pub fn new(seed: u64) -> Self {
        Self {
            timeline: Timeline::default(),
            keys: Keys::new(seed.rotate_left(17)),
            promises: LowLatency::default(),
            delivery: Delivery::default(),
            backoff: Backoff::new(seed),
            online: true,
        }
    }

    /// The server broke a promise of low latency.
    pub fn strike(&mut self, why: &str) {
        if self.promises.strike() {
            let what = format!("Low latency is given up: {why}.");
            self.delivery.warn(ErrorCode::LowLatencyLost, what);
        }
    }
}
