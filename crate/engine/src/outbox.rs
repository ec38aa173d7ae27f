//! What is to be done, in order, until the driver asks for it.

use std::collections::VecDeque;

use crate::io::{DecoderId, Output, RequestId};

/// Where outputs go, and the source of ids.
#[derive(Debug, Default)]
pub struct Outbox {
    pub queue: VecDeque<Output>,
    decoders: u32,
    requests: u32,
}

impl Outbox {
    pub fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub fn request(&mut self) -> RequestId {
        self.requests = self.requests.wrapping_add(1);
        RequestId(self.requests)
    }

    pub fn decoder(&mut self) -> DecoderId {
        self.decoders = self.decoders.wrapping_add(1);
        DecoderId(self.decoders)
    }
}
