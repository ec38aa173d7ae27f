//! What the link carries, read from how fast bytes leave.
//!
//! Two figures, and neither is the rate that happens to be sent. While bytes wait, what leaves is what the link carries
//! ([`Link::busy_rate`]). And what was handed over at an instant and is there at another was carried in between, however
//! little was sent before ([`Link::carried`]): each keyframe tells of a link that is faster than the stream.
//!
//! *Left* is what the server has acknowledged. Where it does not, it is what the socket has passed on; below that the system
//! hides some 100 kB, so a slow link shows late, and a fast one not at all.

use std::collections::VecDeque;

use sailcast_media::Micros;

use super::SocketState;
use crate::{io::Instant, window::WindowMax};

/// Bytes that left so much later than the fastest ones have waited in a queue.
const BUSY: Micros = Micros::from_millis(80);
/// A socket is only looked at now and then.
const BUSY_UNACKED: Micros = Micros::from_millis(120);
/// The server speaks so often while bytes come.
const ACK_EVERY: Micros = Micros::from_millis(100);
/// What leaves is measured over no less than this, and no more.
const SHORTEST: Micros = Micros::from_millis(300);
const LONGEST: Micros = Micros::from_millis(600);
/// Enough to keep less in the socket.
const SUSPECTED: Micros = Micros::from_millis(90);
/// What was measured while bytes waited counts for so long, unless a burst was carried so much faster.
const KNOWN: Micros = Micros::from_secs(6);
const FASTER: f64 = 1.3;
/// The system takes from the socket in lumps.
const LONGEST_UNACKED: Micros = Micros::from_secs(4);
/// Nothing has left for so long: the link is down, or was never so slow.
const SILENCE: Micros = Micros::from_millis(500);
const SILENCE_UNACKED: Micros = Micros::from_millis(1500);
/// The shortest way counts for so long: routes change.
const BASE: WindowMax = WindowMax::new(Micros::from_secs(1), 10);
/// What a burst has shown counts over two usual GOPs.
const CARRIED: WindowMax<u64> = WindowMax::new(Micros::from_millis(500), 16);
/// A burst of fewer bytes says nothing.
const BURST: u64 = 5_000;
/// And none is measured more finely.
const FINEST: Micros = Micros::from_millis(100);
/// Acknowledgements wait for their turn: even the shortest way may not have been as short as it is.
const LUCK: Micros = Micros::from_millis(20);
/// What was handed over longer ago is forgotten.
const REMEMBERED: Micros = Micros::from_secs(2);
const MOST_SENDS: usize = 1024;
/// So much time of the link's is kept in the socket: more than acknowledgements come apart, less than the budget.
const IN_SOCKET: Micros = Micros::from_millis(200);
const IN_SOCKET_UNACKED: Micros = Micros::from_millis(100);
const LEAST_IN_SOCKET: f64 = 8_000.0;
/// On a new connection the old one's estimate counts so much.
const TRUST: f64 = 0.8;

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    from: u64,
    to: u64,
}

#[derive(Debug)]
pub struct Link {
    exact: bool,
    handed: u64,
    left: u64,
    /// What was handed over of late, or has not left.
    sends: VecDeque<Sent>,
    /// Where `left` stood when bytes left that had waited.
    waited: VecDeque<(Instant, u64)>,
    /// Where `left` stood, over two seconds.
    trail: VecDeque<(Instant, u64)>,
    /// The least time from handing over to leaving, negative.
    base: WindowMax,
    /// How much more than that the last ones took.
    late: Micros,
    moved: Instant,
    carried: WindowMax<u64>,
    /// Bursts from before are of no account.
    carried_since: Instant,
    estimate: Option<f64>,
    /// What was measured last while bytes waited.
    known: Option<(Instant, f64)>,
}

impl Link {
    pub fn new(now: Instant) -> Self {
        Self {
            exact: false,
            handed: 0,
            left: 0,
            sends: VecDeque::new(),
            waited: VecDeque::new(),
            trail: VecDeque::new(),
            base: BASE,
            late: Micros::ZERO,
            moved: now,
            carried: CARRIED,
            carried_since: now,
            estimate: None,
            known: None,
        }
    }

    /// Another connection: only the estimate stays.
    pub fn reopen(&mut self, now: Instant) {
        let estimate = self.estimate.map(|bits| bits * TRUST);
        *self = Self { estimate, ..Self::new(now) };
    }

    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// In the socket and, where that is known, on the way.
    pub fn outstanding(&self) -> u64 {
        self.handed.saturating_sub(self.left)
    }

    /// About so many bytes go to the socket now.
    pub fn hand(&mut self, bytes: u64, now: Instant) {
        let from = self.handed;
        self.handed = from.saturating_add(bytes);
        self.sends.push_back(Sent { at: now, from, to: self.handed });
        if self.sends.len() > MOST_SENDS {
            self.sends.pop_front();
        }
    }

    /// The socket as it stands.
    pub fn note(&mut self, state: SocketState, now: Instant) {
        self.count(state.handed, now);
        if state.acked.is_some() && !self.exact {
            // What was measured before was of another kind.
            self.exact = true;
            self.waited.clear();
            self.carried.clear();
            self.base.clear();
        }
        let left = match state.acked {
            Some(acked) => acked,
            None if self.exact => self.left,
            None => self.handed.saturating_sub(state.buffered),
        };
        let left = left.clamp(self.left, self.handed.max(self.left));
        if left > self.left {
            self.progress(left, now);
        }
        if self.outstanding() == 0 {
            self.late = Micros::ZERO;
        }
        self.forget(now);
    }

    /// The true count of what was handed over, muxed, in place of the guess.
    fn count(&mut self, handed: u64, now: Instant) {
        let handed = handed.max(self.left);
        match self.sends.back_mut() {
            Some(last) if last.from < handed => last.to = handed,
            // The guesses were too high by more than the last packet.
            Some(_) if handed < self.handed => {
                self.sends.retain(|sent| sent.from < handed);
                if let Some(last) = self.sends.back_mut() {
                    last.to = handed;
                }
            }
            _ if handed > self.handed => {
                self.sends.push_back(Sent { at: now, from: self.handed, to: handed })
            }
            _ => {}
        }
        self.handed = handed;
    }

    fn progress(&mut self, left: u64, now: Instant) {
        let first = self.taken(self.left.saturating_add(1), now);
        let last = self.taken(left, now);
        self.left = left;
        self.moved = now;
        self.trail.push_back((now, left));
        if !self.exact {
            self.late = last;
            if first > BUSY_UNACKED {
                self.waited.push_back((now, left));
            }
            return;
        }
        self.base.note(-last, now);
        self.late = (last - self.base()).max(Micros::ZERO);
        if self.late > BUSY {
            self.waited.push_back((now, left));
        } else {
            self.waited.clear();
        }
        self.note_burst(left, now);
    }

    /// How long the byte before this count took to leave.
    fn taken(&self, count: u64, now: Instant) -> Micros {
        let sent = self.sends.iter().find(|sent| sent.to >= count);
        sent.map_or(Micros::ZERO, |sent| now - sent.at)
    }

    /// The fastest of the ways to see what has arrived: from each handing over to now.
    fn note_burst(&mut self, left: u64, now: Instant) {
        let base = self.base();
        let rate = |sent: &Sent| {
            let bytes = left.saturating_sub(sent.from);
            let time = (now - sent.at - base + LUCK).max(FINEST);
            (bytes >= BURST && sent.at >= self.carried_since).then(|| bits_a_second(bytes, time) as u64)
        };
        let fastest = self.sends.iter().filter(|sent| sent.to <= left).filter_map(rate).max();
        if let Some(fastest) = fastest {
            self.carried.note(fastest, now);
            self.known = self.known.filter(|(_, rate)| (fastest as f64) < rate * FASTER);
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.sends.front().is_some_and(|s| s.to <= self.left && now - s.at > REMEMBERED) {
            self.sends.pop_front();
        }
        let longest = if self.exact { LONGEST } else { LONGEST_UNACKED };
        while self.waited.front().is_some_and(|(at, _)| now - *at > longest) {
            self.waited.pop_front();
        }
        while self.trail.front().is_some_and(|(at, _)| now - *at > REMEMBERED) {
            self.trail.pop_front();
        }
        for trail in [&mut self.waited, &mut self.trail] {
            if trail.len() > MOST_SENDS {
                trail.pop_front();
            }
        }
        self.carried.forget(now);
        self.base.forget(now);
        self.judge(now);
    }

    /// What is sent says nothing against an estimate: only what waits does.
    fn judge(&mut self, now: Instant) {
        if let Some(rate) = self.busy_rate().filter(|_| self.exact) {
            self.known = Some((now, rate));
        }
        let seen = self.carried().unwrap_or(0.0).max(self.recent(now));
        self.estimate = match (self.busy_rate(), self.estimate) {
            (Some(rate), _) => Some(rate),
            (None, Some(before)) => Some(before.max(seen)),
            (None, None) => Some(seen).filter(|seen| *seen > 0.0),
        };
    }

    /// The way has become longer: what seemed to wait is on it.
    pub fn rebase(&mut self) {
        let longer = self.base() + self.late;
        self.base.clear();
        self.base.note(-longer, self.moved);
        self.late = Micros::ZERO;
        self.waited.clear();
    }

    fn base(&self) -> Micros {
        self.base.max().map_or(Micros::ZERO, |shortest| -shortest)
    }

    /// What the link carries, in bit/s, if bytes have waited for it long enough to say so.
    pub fn busy_rate(&self) -> Option<f64> {
        self.rate_over(SHORTEST)
    }

    /// What the link has carried of late, no more and no less.
    pub fn known(&self, now: Instant) -> Option<f64> {
        self.known.filter(|(at, _)| now - *at <= KNOWN).map(|(_, rate)| rate)
    }

    fn rate_over(&self, shortest: Micros) -> Option<f64> {
        let ((began, from), (ended, to)) = self.waited.front().zip(self.waited.back())?;
        let time = *ended - *began;
        (time >= shortest).then(|| bits_a_second(to.saturating_sub(*from), time))
    }

    /// At least this was carried of late, in bit/s. Nothing is known without acknowledgements.
    pub fn carried(&self) -> Option<f64> {
        self.carried.max().map(|bits| bits as f64)
    }

    /// The link is not what it was.
    pub fn forget_bursts(&mut self, now: Instant) {
        self.carried.clear();
        self.carried_since = now;
    }

    pub fn estimate(&self) -> Option<f64> {
        self.estimate
    }

    /// What left over the last two seconds, in bit/s.
    pub fn recent(&self, now: Instant) -> f64 {
        let oldest = self.trail.iter().find(|(at, _)| now - *at <= REMEMBERED);
        oldest.map_or(0.0, |(_, from)| bits_a_second(self.left.saturating_sub(*from), REMEMBERED))
    }

    /// How much longer bytes are under way than they would be without a queue.
    pub fn excess(&self, now: Instant) -> Micros {
        self.late.max(self.overdue(now))
    }

    /// How long what should have left by now has been waiting for that.
    pub fn overdue(&self, now: Instant) -> Micros {
        let slack = if self.exact { ACK_EVERY } else { Micros::ZERO };
        let first = self.sends.iter().find(|sent| sent.to > self.left);
        first.map_or(Micros::ZERO, |sent| (now - sent.at - self.base() - slack).max(Micros::ZERO))
    }

    /// For how long nothing has left that should have, when that is no hiccup.
    pub fn silence(&self, now: Instant) -> Option<Micros> {
        let silent = self.overdue(now).min(now - self.moved);
        (silent > if self.exact { SILENCE } else { SILENCE_UNACKED }).then_some(silent)
    }

    /// What the link carries, where `total` is sent without complaint.
    fn rate(&self, total: f64) -> f64 {
        let known = self.busy_rate().unwrap_or_else(|| self.estimate.unwrap_or(0.0).max(total));
        known.max(8_000.0)
    }

    /// How long so many bytes are under way, at the link's rate.
    pub fn time_for(&self, bytes: u64, total: f64) -> Micros {
        Micros::from_secs(1).scale(bytes as f64 * 8.0 / self.rate(total))
    }

    /// How long what is handed over now will wait before others that have been.
    pub fn wait(&self, total: f64) -> Micros {
        // What has arrived and is not acknowledged yet waits no more.
        let arrived = if self.exact { self.base() + ACK_EVERY.scale(0.5) } else { Micros::ZERO };
        let waits = self.time_for(self.outstanding(), total) - arrived;
        waits.max(Micros::ZERO)
    }

    /// Whether another packet may go to the socket.
    pub fn has_room(&self, total: f64) -> bool {
        let time = if self.exact { self.base() + IN_SOCKET } else { IN_SOCKET_UNACKED };
        let rate = self.rate_over(SUSPECTED).unwrap_or_else(|| self.rate(total));
        let most = (rate / 8.0 * time.as_secs_f64()).max(LEAST_IN_SOCKET);
        (self.outstanding() as f64) < most
    }
}

fn bits_a_second(bytes: u64, time: Micros) -> f64 {
    bytes as f64 * 8.0 / time.as_secs_f64().max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(i64) -> Micros = Micros::from_millis;
    const WAY: i64 = 60;

    /// A link of so many bytes a millisecond, 60 ms there and back, acknowledged each 100 ms; or a socket, looked at each 50 ms.
    struct Wire {
        link: Link,
        rate: f64,
        acknowledges: bool,
        carried: Vec<f64>,
        handed: u64,
        ms: i64,
    }

    impl Wire {
        fn new(rate: f64, acknowledges: bool) -> Self {
            Self { link: Link::new(Instant(0)), rate, acknowledges, carried: vec![0.0], handed: 0, ms: 0 }
        }

        fn now(&self) -> Instant {
            Instant(0) + MS(self.ms)
        }

        /// For so long, `bytes(ms)` handed over at each millisecond.
        fn run(&mut self, ms: i64, bytes: impl Fn(i64) -> u64) {
            for _ in 0..ms {
                self.ms += 1;
                let more = bytes(self.ms);
                if more > 0 {
                    self.link.hand(more, self.now());
                    self.handed += more;
                }
                let last = self.carried[self.carried.len() - 1];
                self.carried.push((last + self.rate).min(self.handed as f64));
                if self.ms % if self.acknowledges { 100 } else { 50 } == 0 {
                    self.tell();
                }
            }
        }

        fn tell(&mut self) {
            let at = if self.acknowledges { self.ms - WAY } else { self.ms };
            let left = self.carried[at.max(0) as usize] as u64;
            let (buffered, acked) =
                if self.acknowledges { (0, Some(left)) } else { (self.handed - left, None) };
            let now = self.now();
            self.link.note(SocketState { handed: self.handed, buffered, acked }, now);
        }
    }

    /// So many bytes each 20 ms.
    fn each_20_ms(bytes: u64) -> impl Fn(i64) -> u64 {
        move |ms| if ms % 20 == 0 { bytes } else { 0 }
    }

    fn is_about(value: Option<f64>, wanted: f64) -> bool {
        value.is_some_and(|value| (value / wanted - 1.0).abs() < 0.05)
    }

    #[test]
    fn while_bytes_wait_what_leaves_is_what_the_link_carries() {
        for acknowledges in [true, false] {
            let mut wire = Wire::new(50.0, acknowledges);
            wire.run(1_000, each_20_ms(800));
            assert_eq!(wire.link.busy_rate(), None, "nothing waits");
            wire.run(1_500, each_20_ms(1_500));
            assert!(is_about(wire.link.busy_rate(), 400e3), "{:?}", wire.link.busy_rate());
            let now = wire.now();
            assert!(wire.link.excess(now) > MS(300));
        }
    }

    #[test]
    fn a_burst_tells_of_a_link_that_is_faster_than_the_stream() {
        let mut wire = Wire::new(250.0, true);
        wire.run(2_000, each_20_ms(500));
        let before = wire.link.carried().unwrap_or(0.0);
        wire.run(1_000, |ms| if ms == 2_500 { 40_000 } else { each_20_ms(500)(ms) });
        let after = wire.link.carried().unwrap_or(0.0);
        assert!(before < 500e3 && after > 1e6 && after <= 2.05e6, "{before} {after}");
    }

    #[test]
    fn sending_little_does_not_lower_the_estimate() {
        let mut wire = Wire::new(50.0, true);
        wire.run(2_000, each_20_ms(1_500));
        wire.run(20_000, each_20_ms(50));
        assert!(is_about(wire.link.estimate(), 400e3), "{:?}", wire.link.estimate());
        assert!(wire.link.recent(wire.now()) < 30e3);
    }

    #[test]
    fn a_link_that_is_down_is_silent() {
        let mut wire = Wire::new(50.0, true);
        wire.run(1_000, each_20_ms(500));
        assert_eq!(wire.link.silence(wire.now()), None);
        wire.rate = 0.0;
        wire.run(1_000, each_20_ms(500));
        assert!(wire.link.silence(wire.now()) > Some(SILENCE));
    }

    #[test]
    fn little_is_kept_in_the_socket() {
        let mut wire = Wire::new(50.0, true);
        wire.run(3_000, each_20_ms(1_500));
        assert!(!wire.link.has_room(400e3));
        wire.run(3_000, |_| 0);
        assert!(wire.link.has_room(400e3));
    }

    #[test]
    fn another_connection_keeps_a_part_of_the_estimate() {
        let mut wire = Wire::new(50.0, true);
        wire.run(2_000, each_20_ms(1_500));
        wire.link.reopen(wire.now());
        assert!(is_about(wire.link.estimate(), 320e3) && wire.link.outstanding() == 0);
    }
}
