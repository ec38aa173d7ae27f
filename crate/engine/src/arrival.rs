//! How data arrives: a burst from the server's cache, the live edge itself, and how far behind its due the edge can fall.
//!
//! The *due* edge is where the newest data would stand if it all came as fast as the fastest did. How far the received edge
//! was behind it just before each arrival, its *lateness*, is what a buffer has to cover: playing so far behind the due
//! edge never runs dry. Memory is bounded by the windows.

use sailcast_media::{MediaTime, Micros};

use crate::{
    io::Instant,
    window::{WindowMax, sorted},
};

/// The edge has come no nearer for this long: the burst is over.
const QUIET: Micros = Micros::from_millis(40);
/// Coming nearer by less is jitter.
const JITTER: Micros = Micros::from_millis(8);
/// A burst that lasts longer is a server faster than real time; playback starts all the same.
const LONGEST_BURST: Micros = Micros::from_secs(1);
/// Lateness is remembered for a minute.
const LATE: WindowMax = WindowMax::new(Micros::from_millis(100), 600);
/// Of so many slices the worst one is not covered: the longest interruption of all is no measure for the next.
const ONE_IN: usize = 300;
/// The fastest arrival counts for a minute: clocks drift, and routes change.
const FASTEST: WindowMax = WindowMax::new(Micros::from_secs(1), 60);
/// An interruption longer than this is covered only once a second one has come: no viewer wants to be seconds behind for
/// what happened once.
const LONE: Micros = Micros::from_millis(900);
/// What is usual is what the last second brought.
const USUAL: WindowMax = WindowMax::new(Micros::from_millis(100), 10);
/// The window is looked through so often, and when something comes later than all before.
const JUDGE_EVERY: Micros = Micros::from_millis(100);
/// What goes beyond this is covered a little less: there a moment's stall costs less than the latency that would spare it.
const DEAR: Micros = Micros::from_millis(550);
const SPARED: f64 = 0.15;
/// Before so much was seen, what was measured says little.
const WARM_UP: Micros = Micros::from_secs(1);
/// A short time knows little of what is to come: until so much was seen, up to twice as much is covered...
const KNOWN_AFTER: Micros = Micros::from_secs(60);
/// ...but no more than this: who has met worse knows enough.
const GUESS: Micros = Micros::from_millis(300);
/// An interruption is over when data comes no later than this again.
const CAUGHT_UP: Micros = Micros::from_millis(150);

#[derive(Debug)]
pub struct Arrival {
    first: Option<Instant>,
    /// Smallest distance of the edge to the clock so far, and when it last shrank.
    best: Option<(i128, Instant)>,
    began: Option<Instant>,
    edge: Option<MediaTime>,
    /// How much time the edge and the clock have had since the first of both; the more, the faster it came.
    origin: Option<i128>,
    fastest: WindowMax,
    late: WindowMax,
    /// What is to be covered, and when that was found out: the whole window is looked through for it.
    judged: Option<(Instant, Micros)>,
    /// How little the edge was late right after an arrival, negative.
    usual: WindowMax,
    measured_since: Option<Instant>,
}

impl Default for Arrival {
    fn default() -> Self {
        Self {
            first: None,
            best: None,
            began: None,
            edge: None,
            origin: None,
            fastest: FASTEST,
            late: LATE,
            judged: None,
            usual: USUAL,
            measured_since: None,
        }
    }
}

impl Arrival {
    /// Data came of which nothing is to be measured.
    pub fn begin(&mut self, now: Instant) {
        self.first.get_or_insert(now);
    }

    /// The data of another place is waited for.
    pub fn begin_anew(&mut self) {
        self.first = None;
    }

    /// The edge stands at `edge` after bytes came.
    pub fn note(&mut self, edge: MediaTime, now: Instant) {
        self.first.get_or_insert(now);
        self.began.get_or_insert(now);
        let distance = distance(edge, now);
        let nearer = self.best.is_none_or(|(best, _)| distance < best.saturating_sub(i128::from(JITTER.0)));
        if nearer {
            self.best = Some((distance, now));
        }
        if self.edge.is_some_and(|before| edge <= before) {
            return;
        }
        if let Some(late) = self.lateness(now) {
            self.measured_since.get_or_insert(now);
            self.late.note(late, now);
            // What is later than all before counts at once.
            self.judged = self.judged.filter(|(_, worst)| late <= *worst);
        }
        self.edge = Some(edge);
        let ahead = self.ahead(edge, now);
        self.fastest.note(ahead, now);
        if let Some(late) = self.lateness(now) {
            self.usual.note(-late, now);
        }
    }

    /// How far `edge` at `now` is ahead of where the first edge would stand by now; of use only beside others.
    fn ahead(&mut self, edge: MediaTime, now: Instant) -> Micros {
        let distance = distance(edge, now);
        let origin = *self.origin.get_or_insert(distance);
        Micros(i64::try_from(origin.saturating_sub(distance)).unwrap_or(i64::MAX))
    }

    /// How far the received edge is behind its due at `now`.
    pub fn lateness(&self, now: Instant) -> Option<Micros> {
        let due = self.origin?.saturating_sub(i128::from(self.fastest.max()?.0));
        let late = distance(self.edge?, now).saturating_sub(due);
        Some(Micros(i64::try_from(late).unwrap_or(i64::MAX)).max(Micros::ZERO))
    }

    /// How much farther the received edge is behind now than it has usually been of late: between two arrivals, or in an
    /// interruption. A network that has become slow for good does not count.
    pub fn sag(&self, now: Instant) -> Micros {
        let usual = self.usual.max().map_or(Micros::ZERO, |least| -least);
        (self.lateness(now).unwrap_or_default() - usual).max(Micros::ZERO)
    }

    /// The lateness that a buffer should cover; `None` until enough was seen.
    pub fn jitter(&mut self, now: Instant) -> Option<Micros> {
        let measured = now - self.measured_since?;
        if measured < WARM_UP {
            return None;
        }
        if self.judged.is_none_or(|(at, _)| now - at >= JUDGE_EVERY) {
            self.late.forget(now);
            self.judged = self.worst().map(|worst| (now, worst));
        }
        let unknown = 1.0 - measured.as_secs_f64() / KNOWN_AFTER.as_secs_f64();
        let guessed = |worst: Micros| worst.scale(1.0 + unknown.max(0.0)).min(GUESS);
        self.judged.map(|(_, worst)| worst.max(guessed(worst)))
    }

    /// The percentile of the window's lateness that is to be covered, without an interruption that came alone.
    fn worst(&self) -> Option<Micros> {
        let mut usual: Vec<Micros> = Vec::new();
        let mut longest = Micros::ZERO;
        let mut interruptions = 0u32;
        let mut in_wake = false;
        for (_, late) in self.late.iter() {
            if late > LONE {
                interruptions = interruptions.saturating_add(u32::from(!in_wake));
                in_wake = true;
                longest = longest.max(late);
            } else {
                // What still comes late behind an interruption belongs to it.
                in_wake &= late > CAUGHT_UP;
                if !in_wake {
                    usual.push(late);
                }
            }
        }
        if interruptions >= 2 {
            return Some(longest);
        }
        let uncovered = usual.len().checked_div(ONE_IN)?;
        let last = usual.len().checked_sub(uncovered.saturating_add(1))?;
        let worst = *sorted(usual).get(last)?;
        Some(worst - (worst - DEAR).max(Micros::ZERO).scale(SPARED))
    }

    /// When the first data came.
    pub fn first(&self) -> Option<Instant> {
        self.first
    }

    pub fn burst_is_over(&self, now: Instant) -> bool {
        self.burst_ends().is_some_and(|at| now >= at)
    }

    /// When the burst will have been over, if the edge comes no nearer until then.
    pub fn burst_ends(&self) -> Option<Instant> {
        let quiet = self.best.map(|(_, at)| at + QUIET);
        let longest = self.began.map(|at| at + LONGEST_BURST);
        [quiet, longest].into_iter().flatten().min()
    }

    /// After a stall the backlog comes as another burst.
    pub fn restart(&mut self) {
        self.best = None;
        self.began = None;
    }

    /// Another connection or another clock: what was fastest is not comparable, and what lay between was no jitter.
    pub fn rebase(&mut self) {
        self.restart();
        self.edge = None;
        self.origin = None;
        self.fastest.clear();
        self.usual.clear();
    }
}

fn distance(edge: MediaTime, now: Instant) -> i128 {
    i128::from(now.0).saturating_sub(i128::from(edge.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(i64) -> Micros = Micros::from_millis;

    /// Packets of 20 ms for `seconds`, each `late(i)` ms after its due, in order.
    fn feed(arrival: &mut Arrival, seconds: i64, late: impl Fn(i64) -> i64) -> Instant {
        let mut now = Instant(0);
        for i in 0..seconds * 50 {
            now = now.max(Instant(1_000_000) + MS(i * 20 + late(i)));
            arrival.note(MediaTime::from_millis(i * 20), now);
        }
        now
    }

    #[test]
    fn a_clean_link_needs_one_packet_of_room() {
        let mut a = Arrival::default();
        let now = feed(&mut a, 70, |_| 0);
        assert_eq!(a.jitter(now), Some(MS(20)));
        let mut a = Arrival::default();
        let now = feed(&mut a, 5, |_| 0);
        assert!(a.jitter(now) > Some(MS(30)), "little is known yet");
    }

    #[test]
    fn jitter_is_covered_to_its_worst() {
        let mut a = Arrival::default();
        let now = feed(&mut a, 70, |i| i * 37 % 80);
        let jitter = a.jitter(now).expect("measured");
        assert!(jitter >= MS(79) && jitter <= MS(100), "{jitter:?}");
    }

    #[test]
    fn regular_interruptions_are_covered() {
        let mut a = Arrival::default();
        // Nothing for the last 500 ms of each 10 s.
        let now = feed(&mut a, 55, |i| if i % 500 >= 475 { (500 - i % 500) * 20 } else { 0 });
        let jitter = a.jitter(now).expect("measured");
        assert!(jitter >= MS(480) && jitter <= MS(540), "{jitter:?}");
    }

    #[test]
    fn a_long_interruption_counts_only_when_it_is_not_alone() {
        let outage = |at: i64| move |i: i64| if i >= at && i < at + 150 { (at + 150 - i) * 20 } else { 0 };
        let (first, second) = (outage(200), outage(700));
        let mut a = Arrival::default();
        let now = feed(&mut a, 10, first);
        assert!(a.jitter(now).expect("measured") <= LONE);
        let mut a = Arrival::default();
        let now = feed(&mut a, 20, |i| first(i) + second(i));
        assert!(a.jitter(now).expect("measured") >= MS(2900));
    }

    #[test]
    fn what_was_late_is_forgotten() {
        let mut a = Arrival::default();
        let now = feed(&mut a, 80, |i| if i < 250 { i * 37 % 300 } else { 0 });
        assert_eq!(a.jitter(now), Some(MS(20)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut a = Arrival::default();
        feed(&mut a, 3_600, |i| i * 37 % 80);
        assert!(a.late.iter().count() <= 601 && a.fastest.iter().count() <= 61);
    }
}
