//! A live server behind a link: gives each viewer its cached GOP and then what is captured, as fast as the link takes it.

use std::collections::VecDeque;

use bytes::Bytes;
use sailcast_engine::{Instant, IoEvent, IoRequest, Response};
use sailcast_media::Micros;

use crate::{
    chance::Chance,
    link::{Link, LinkModel},
    server::{Deliveries, Server},
    stream::{Encoder, StreamConfig, Unit},
};

/// No more than this comes in one piece.
const CHUNK: usize = 16 * 1024;

#[derive(Clone, Debug)]
pub struct LiveServer {
    pub stream: StreamConfig,
    pub link: LinkModel,
    pub chance: Chance,
    /// The world's time at the virtual browser's instant 0: how long the stream had run.
    pub offset: Micros,
}

impl LiveServer {
    /// World time of an instant of the browser.
    pub fn world(&self, at: Instant) -> Micros {
        Micros(at.0 as i64) + self.offset
    }

    /// What a connection asked for at world time `now` delivers, by world time.
    pub fn connection(&self, now: Micros) -> impl Iterator<Item = (Micros, IoEvent)> + use<> {
        let mut link = Link::open(self.link.clone(), self.chance, now);
        let encoder = Encoder::joined(self.stream, self.chance.of(100), link.opened());
        let opened = (link.answered(), IoEvent::Opened(Response::new(200, false)));
        let rest = Connection { link, encoder, waiting: VecDeque::new(), leaving_out: false };
        std::iter::once(opened).chain(rest)
    }
}

impl Server for LiveServer {
    fn connect(&mut self, _: &IoRequest, now: Instant) -> Deliveries {
        let world = self.world(now);
        Box::new(self.connection(world).map(move |(at, event)| (at - world, event)))
    }
}

struct Connection {
    link: Link,
    encoder: Encoder,
    waiting: VecDeque<(Micros, Bytes)>,
    leaving_out: bool,
}

impl Connection {
    fn send(&mut self, unit: Unit) {
        let at = unit.at.max(self.link.opened());
        let mut rest = unit.bytes;
        while !rest.is_empty() {
            let chunk = rest.split_to(rest.len().min(CHUNK));
            let arrival = self.link.send(chunk.len(), at);
            self.waiting.push_back((arrival, chunk));
        }
    }

    /// A server does not queue for ever: it goes on at the next keyframe once the viewer is that far behind.
    fn is_left_out(&mut self, unit: &Unit) -> bool {
        let late = self.link.backlog(unit.at) > self.link.patience();
        if unit.keyframe && unit.picture {
            self.leaving_out = late;
        } else if late {
            self.leaving_out = true;
        }
        self.leaving_out
    }
}

impl Iterator for Connection {
    type Item = (Micros, IoEvent);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((at, chunk)) = self.waiting.pop_front() {
                return Some((at, IoEvent::Bytes(chunk)));
            }
            let unit = self.encoder.next()?;
            if !self.is_left_out(&unit) {
                self.send(unit);
            }
        }
    }
}
