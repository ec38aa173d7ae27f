//! What the lanes of a load have in common.

use super::{
    delivery::Delivery,
    init::Inits,
    keys::Keys,
    low_latency::{Debt, LowLatency},
    timeline::Timeline,
};
use crate::{backoff::Backoff, error::ErrorCode};

#[derive(Debug)]
pub struct Shared {
    pub timeline: Timeline,
    pub keys: Keys,
    pub inits: Inits,
    pub promises: LowLatency,
    /// Of parts that did not come, those that are announced and those that are listed.
    pub parts: Debt,
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
            parts: Debt::default(),
            delivery: Delivery::default(),
            backoff: Backoff::new(seed),
            online: true,
        }
    }

    /// A part did not come.
    pub fn miss_part(&mut self, why: &str) {
        if self.parts.strike() {
            self.give_up_low_latency(why);
        }
    }

    /// The server does not keep what it promises.
    pub fn give_up_low_latency(&mut self, why: &str) {
        if self.promises.give_up() {
            let what = format!("Low latency is given up: {why}.");
            self.delivery.warn(ErrorCode::LowLatencyLost, what);
        }
    }
}
