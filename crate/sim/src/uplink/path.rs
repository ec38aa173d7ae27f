//! From `WebSocket.send` to the server, and the acknowledgements' way back.
//!
//! Bytes wait in the socket (`bufferedAmount`), then in the system's buffer, which holds them until TCP has them acknowledged and
//! takes more only when a third of it is free, then before the bottleneck. TCP is ideal: it keeps the bottleneck's queue as full as
//! it may be and loses nothing. The weather's holes (no link, a lost segment) are the [`LinkModel`](crate::LinkModel)'s.

use std::collections::VecDeque;

use sailcast_media::Micros;

use super::trace::Trace;
use crate::{chance::Chance, link::Stop};

/// The server acknowledges no more often.
const ACK_EVERY: Micros = Micros::from_millis(100);
/// So often a buffer that is full grows, by half.
const GROWS_EVERY: Micros = Micros::from_millis(500);

/// Counts of bytes that arrive somewhere at a time.
#[derive(Debug, Default)]
struct Flight(VecDeque<(Micros, u64)>);

impl Flight {
    fn send(&mut self, count: u64, arrives: Micros) {
        // Nothing overtakes.
        let arrives = self.0.back().map_or(arrives, |(last, _)| arrives.max(*last));
        self.0.push_back((arrives, count));
    }

    fn arrived(&mut self, now: Micros) -> Option<u64> {
        let mut count = None;
        while self.0.front().is_some_and(|(at, _)| *at <= now) {
            count = self.0.pop_front().map(|(_, count)| count);
        }
        count
    }
}

pub struct Path {
    trace: Trace,
    chance: Chance,
    step: Micros,
    handed: u64,
    /// By the system.
    taken: u64,
    /// Before the bottleneck, and through it.
    queued: u64,
    passed: u64,
    credit: f64,
    received: u64,
    /// By TCP, which frees the system's buffer.
    freed: u64,
    acked: u64,
    capacity: u64,
    full_since: Option<Micros>,
    blocked: bool,
    to_server: Flight,
    tcp_acks: Flight,
    acks: Flight,
    last_ack: Micros,
    told: u64,
    /// What the link could have carried, in bits.
    pub could_carry: f64,
}

impl Path {
    pub fn new(trace: &Trace, chance: Chance, step: Micros) -> Self {
        Self {
            capacity: trace.hidden.0,
            trace: trace.clone(),
            chance,
            step,
            handed: 0,
            taken: 0,
            queued: 0,
            passed: 0,
            credit: 0.0,
            received: 0,
            freed: 0,
            acked: 0,
            full_since: None,
            blocked: false,
            to_server: Flight::default(),
            tcp_acks: Flight::default(),
            acks: Flight::default(),
            last_ack: Micros(-1_000_000),
            told: 0,
            could_carry: 0.0,
        }
    }

    pub fn send(&mut self, bytes: u64) {
        self.handed += bytes;
    }

    pub fn handed(&self) -> u64 {
        self.handed
    }

    pub fn buffered(&self) -> u64 {
        self.handed - self.taken
    }

    pub fn acked(&self) -> u64 {
        self.acked
    }

    /// Bytes the server has.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// One step of time; whether an acknowledgement came.
    pub fn advance(&mut self, now: Micros) -> bool {
        self.take(now);
        self.carry(now);
        if let Some(count) = self.to_server.arrived(now) {
            self.received = count;
            self.tcp_acks.send(count, now + self.back(now));
        }
        if self.received > self.told && now - self.last_ack >= ACK_EVERY {
            self.told = self.received;
            self.last_ack = now;
            self.acks.send(self.received, now + self.back(now));
        }
        if let Some(count) = self.tcp_acks.arrived(now) {
            self.freed = count;
        }
        let ack = self.acks.arrived(now);
        self.acked = ack.unwrap_or(self.acked);
        ack.is_some()
    }

    fn back(&self, now: Micros) -> Micros {
        self.trace.link.delay_at(self.chance.of(90), now) + self.trace.longer(now)
    }

    fn take(&mut self, now: Micros) {
        let used = self.taken - self.freed;
        if self.blocked && used * 3 > self.capacity * 2 {
            let since = *self.full_since.get_or_insert(now);
            if now - since >= GROWS_EVERY {
                self.capacity = (self.capacity * 3 / 2).min(self.trace.hidden.1.max(self.capacity));
                self.full_since = Some(now);
            }
            return;
        }
        self.taken += (self.handed - self.taken).min(self.capacity.saturating_sub(used));
        self.blocked = self.taken < self.handed;
        self.full_since = self.full_since.filter(|_| self.blocked);
    }

    fn carry(&mut self, now: Micros) {
        let room = self.trace.depth.saturating_sub(self.queued - self.passed);
        self.queued += (self.taken - self.queued).min(room);
        let moves = self.trace.link.moving(self.chance, Stop::Link, now) <= now;
        let weather = self.trace.link.rate_at(self.chance, now) / self.trace.link.rate;
        let bits = if moves { self.trace.planned(now) * weather * self.step.as_secs_f64() } else { 0.0 };
        self.could_carry += bits;
        self.credit += bits / 8.0;
        let passes = (self.queued - self.passed).min(self.credit as u64);
        self.passed += passes;
        self.credit -= passes as f64;
        if self.passed == self.queued {
            // An idle link saves nothing up.
            self.credit = self.credit.min(1.0);
        }
        if passes > 0 {
            let arrives = now + self.trace.link.delay_at(self.chance, now) + self.trace.longer(now);
            let arrives = self.trace.link.moving(self.chance, Stop::Lost, arrives);
            self.to_server.send(self.passed, arrives);
        }
    }
}
