//! What is to be done, in order, until the driver asks for it; and the source of ids.

use std::collections::VecDeque;

use crate::{
    io::RequestId,
    publisher::io::{EncoderId, Output},
};

#[derive(Debug, Default)]
pub struct Outbox {
    pub queue: VecDeque<Output>,
    encoders: u32,
    requests: u32,
}

impl Outbox {
    pub fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub fn encoder(&mut self) -> EncoderId {
        self.encoders = self.encoders.wrapping_add(1);
        EncoderId(self.encoders)
    }

    pub fn request(&mut self) -> RequestId {
        self.requests = self.requests.wrapping_add(1);
        RequestId(self.requests)
    }
}
