//! An open connection: what was handed to it, what it has passed on, and whether it still lives.

use sailcast_media::Micros;

use crate::{
    io::{Instant, RequestId},
    publisher::{lines::HEALTHY_AFTER, uplink::SocketState},
};

/// A connection that takes none of what waits for so long is dead...
const DEAD_AFTER: Micros = Micros::from_secs(10);
/// ...and sooner where there is a reason to think so: another network, a page that slept.
const SUSPECT_FOR: Micros = Micros::from_secs(2);

/// The stream's connection.
#[derive(Debug)]
pub struct Open {
    pub id: RequestId,
    pub line: usize,
    pub since: Instant,
    handed: u64,
    buffered: u64,
    acked: Option<u64>,
    /// When it last took something, or had nothing to take.
    progress: Instant,
    /// Until then it must take something.
    suspect: Option<Instant>,
    pub proved: bool,
    /// Since when the lowest quality does not pass.
    pub narrow: Option<Instant>,
}

impl Open {
    pub fn new(id: RequestId, line: usize, now: Instant) -> Self {
        Self {
            id,
            line,
            since: now,
            handed: 0,
            buffered: 0,
            acked: None,
            progress: now,
            suspect: None,
            proved: false,
            narrow: None,
        }
    }

    /// The server has taken something, and says so.
    pub fn has_acked(&self) -> bool {
        self.acked.is_some()
    }

    /// What it holds, as asked just now.
    pub fn holds(&mut self, buffered: u64, now: Instant) {
        self.note(buffered, self.acked, now);
    }

    /// What the server says that it has.
    pub fn acked(&mut self, bytes: u64, now: Instant) {
        self.note(self.buffered, Some(bytes.min(self.handed)), now);
    }

    fn note(&mut self, buffered: u64, acked: Option<u64>, now: Instant) {
        // Acknowledgements tell the truth where there are some; else the socket must do.
        let moved = match acked {
            Some(_) => acked > self.acked,
            None => buffered < self.buffered,
        };
        (self.buffered, self.acked) = (buffered, self.acked.max(acked));
        if moved || self.is_drained() {
            self.progress = now;
            self.suspect = None;
        }
    }

    /// So many bytes were handed over.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        if self.is_drained() {
            self.progress = now;
            self.suspect = self.suspect.map(|_| now + SUSPECT_FOR);
        }
        self.handed = self.handed.saturating_add(bytes as u64);
        self.buffered = self.buffered.saturating_add(bytes as u64);
    }

    /// What is open must show that it lives.
    pub fn doubt(&mut self, now: Instant) {
        self.suspect = Some(now + SUSPECT_FOR);
    }

    pub fn socket(&self) -> SocketState {
        SocketState { handed: self.handed, buffered: self.buffered, acked: self.acked }
    }

    /// Nothing is on its way.
    fn is_drained(&self) -> bool {
        match self.acked {
            Some(acked) => acked >= self.handed,
            None => self.buffered == 0,
        }
    }

    fn deadline(&self) -> Instant {
        let dead = self.progress + DEAD_AFTER;
        self.suspect.map_or(dead, |at| at.min(dead))
    }

    pub fn is_dead(&self, now: Instant) -> bool {
        !self.is_drained() && now >= self.deadline()
    }

    pub fn next_wake(&self, published: bool) -> Option<Instant> {
        let proves = (published && !self.proved).then(|| self.since + HEALTHY_AFTER);
        let dies = (!self.is_drained()).then(|| self.deadline());
        [proves, dies].into_iter().flatten().min()
    }
}
