//! The other end of a connection: asked once for each request, it says what will come and when.
//!
//! Events are pulled one at a time, so that a day of stream takes no memory. A server knows nothing of the player.

use sailcast_engine::{Instant, IoEvent, IoRequest};
use sailcast_media::Micros;

use crate::feed::Network;

/// What one connection delivers: each event at its time after the request, times never falling.
pub type Deliveries = Box<dyn Iterator<Item = (Micros, IoEvent)>>;

pub trait Server {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries;
}

/// Every connection gets the same.
impl Server for Network {
    fn connect(&mut self, _: &IoRequest, _: Instant) -> Deliveries {
        Box::new(self.deliveries.clone().into_iter())
    }
}

/// Each connection gets the next; the last one stays.
impl Server for Vec<Network> {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        if self.len() > 1 {
            return Box::new(self.remove(0).deliveries.into_iter());
        }
        match self.first_mut() {
            Some(last) => last.connect(request, now),
            None => Network::refused().connect(request, now),
        }
    }
}

/// By URL: the first whose key is part of it answers; no such host otherwise.
impl<S: Server> Server for Vec<(&'static str, S)> {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        match self.iter_mut().find(|(key, _)| request.url.contains(key)) {
            Some((_, server)) => server.connect(request, now),
            None => Network::refused().connect(request, now),
        }
    }
}
