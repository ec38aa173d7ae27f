//! Servers of the virtual browser and the way to them.

use std::collections::VecDeque;

use sailcast_engine::{Instant, publisher::LinkEvent};
use sailcast_media::Micros;

/// What a server and the way to it are like.
#[derive(Clone, Debug)]
pub struct Server {
    /// bit/s.
    pub rate: f64,
    pub connect: Micros,
    pub acks: bool,
    /// Refuses with this code.
    pub refuses: Option<u16>,
    /// Never closes what is finished.
    pub clings: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self { rate: 50e6, connect: Micros::from_millis(40), acks: false, refuses: None, clings: false }
    }
}

/// One connection as its server saw it.
#[derive(Debug, Default)]
pub struct Connection {
    pub url: String,
    pub opened: Option<Instant>,
    pub closed: Option<Instant>,
    /// In good order, by the publisher.
    pub finished: bool,
    pub bytes: Vec<u8>,
    pub asked: Instant,
    pub(super) handed: VecDeque<u8>,
    answered: bool,
    credit: f64,
    acked: u64,
}

impl Connection {
    pub(super) fn new(url: String, asked: Instant) -> Self {
        Self { url, asked, ..Self::default() }
    }

    pub fn is_open(&self) -> bool {
        self.opened.is_some() && self.closed.is_none()
    }

    /// A step of time on the way; what the browser hears of it.
    pub(super) fn step(&mut self, server: &Server, step: Micros, now: Instant) -> Option<LinkEvent> {
        if self.closed.is_some() {
            return None;
        }
        if !self.answered {
            return self.answer(server, now);
        }
        self.carry(server, step);
        if self.finished && self.handed.is_empty() && !server.clings {
            self.closed = Some(now);
            return Some(LinkEvent::Closed { opened: true, code: 1000, reason: String::new() });
        }
        let got = self.bytes.len() as u64;
        let speaks = server.acks && now.0.is_multiple_of(100_000) && got > self.acked;
        speaks.then(|| {
            self.acked = got;
            LinkEvent::Acked(got)
        })
    }

    fn answer(&mut self, server: &Server, now: Instant) -> Option<LinkEvent> {
        if now - self.asked < server.connect {
            return None;
        }
        self.answered = true;
        let Some(code) = server.refuses else {
            self.opened = Some(now);
            return Some(LinkEvent::Opened);
        };
        self.closed = Some(now);
        Some(LinkEvent::Closed { opened: false, code, reason: "no".to_owned() })
    }

    fn carry(&mut self, server: &Server, step: Micros) {
        let most = server.rate / 8.0 * 0.02 + 1500.0;
        self.credit = (self.credit + server.rate / 8.0 * step.as_secs_f64()).min(most);
        let moves = (self.credit as usize).min(self.handed.len());
        self.credit -= moves as f64;
        self.bytes.extend(self.handed.drain(..moves));
    }
}
