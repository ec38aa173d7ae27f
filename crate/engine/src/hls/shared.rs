//! What the lanes of a load have in common.

use super::{
    delivery::Delivery,
    init::Inits,
    keys::Keys,
    low_latency::{LowLatency, Promise},
    timeline::Timeline,
};
use crate::{backoff::Backoff, error::ErrorCode};

#[derive(Debug)]
pub struct Shared {
    pub timeline: Timeline,
    pub keys: Keys,
    pub inits: Inits,
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
            inits: Inits::default(),
            promises: LowLatency::default(),
            delivery: Delivery::default(),
            backoff: Backoff::new(seed),
            online: true,
        }
    }

    /// The server broke a promise of low latency.
    pub fn strike(&mut self, promise: Promise, why: &str) {
        if self.promises.strike(promise) {
            let what = format!("Low latency is given up: {why}.");
            self.delivery.warn(ErrorCode::LowLatencyLost, what);
        }
    }
}
