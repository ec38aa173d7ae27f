//! Another connection of the same stream: the same clock, or another?
//!
//! As a rule the same, beginning with the server's cached GOP, some seconds before what is already here or, after an outage,
//! behind it: then all stays where it is, and the outage is a gap. Some servers begin each connection at 0, and a publisher
//! may have restarted meanwhile: then the stream goes on behind what is here. The two differ in where the live edge
//! is due by now; where they do not, in whether the connection soon brings anything new.

use std::ops::RangeInclusive;

use sailcast_media::{MediaKind, MediaTime, Micros};

use super::{Clock, Jump, JumpKind, SEAM, Skew, Timeline};
use crate::io::Instant;

/// A server's cached GOP begins no farther before what is here.
const CACHE: Micros = Micros::from_secs(15);
/// Lines differ in how far they are behind the publisher.
const LINES: Micros = Micros::from_secs(10);
/// A connection that brings nothing new for so long, and will not within as long again, is of another clock, unless its
/// packets still come faster than time: then they are a cached GOP on a slow link, which is waited for.
/// Its pace is measured behind what the server sends at once.
const PATIENCE: Micros = Micros::from_secs(1);
const HEAD: Micros = Micros::from_millis(300);
const FASTER: f64 = 1.5;
const MOST_PATIENCE: Micros = Micros::from_secs(3);
/// Where the containers' counters wrap (MPEG-TS, FLV): bits and ticks a second. Each connection has its own demuxer, which
/// knows nothing of turns before it.
const TURNS: [(u32, u32); 2] = [(33, 90_000), (32, 1000)];

#[derive(Debug)]
pub(super) enum Join {
    Done,
    /// The next packet is the first of a new connection.
    Next,
    /// It has not brought anything new yet.
    Watch {
        before: MediaTime,
        began: Instant,
        /// When it was last looked at, and where it then stood.
        looked: Option<(Instant, MediaTime)>,
    },
}

impl Timeline {
    /// Another connection follows: its packets begin at a keyframe that may lie before those already here.
    pub fn reconnected(&mut self) {
        // Of a connection that brought nothing new, the one before still counts.
        if let Join::Watch { before, .. } = self.join {
            self.video.newest = Some(before);
        }
        if self.edge().is_some() {
            self.join = Join::Next;
        }
    }

    /// What follows is of the same clock, and begins before what is here.
    pub fn step_back(&mut self) {
        for track in [&mut self.video, &mut self.audio] {
            track.newest = None;
        }
        self.join = Join::Done;
        self.skew.begin();
    }

    pub(super) fn join_first(&mut self, kind: MediaKind, raw: MediaTime, now: Instant) -> Option<Jump> {
        let (Join::Next, Some(before)) = (&self.join, self.edge()) else { return None };
        let expected = self.due(now).map_or(before, |due| due.max(before));
        let next = before + self.track(kind).step.unwrap_or(SEAM);
        for track in [&mut self.video, &mut self.audio] {
            track.newest = None;
            track.before = track.clock;
        }
        self.skew.begin();
        let at = self.track(kind).clock.place(raw);
        let usual = before - CACHE..=expected + LINES;
        if let Some(turned) = turned(at, expected, &usual) {
            self.move_by(turned);
            self.join = Join::Watch { before, began: now, looked: None };
            return None;
        }
        self.join = Join::Done;
        let clock = Clock { offset: next - raw, shift: Micros::ZERO };
        for track in [&mut self.video, &mut self.audio] {
            (track.clock, track.before) = (clock, clock);
        }
        self.skew = Skew::default();
        self.begin_anew();
        Some(Jump { kind: JumpKind::Reconnect, delta: at - expected })
    }

    /// Gives up the old clock when the connection brings nothing new.
    pub(super) fn watch_join(&mut self, now: Instant) -> Option<Jump> {
        let (Join::Watch { before, began, looked }, Some(edge)) = (&self.join, self.edge()) else {
            return None;
        };
        let (before, began) = (*before, *began);
        if edge > before {
            self.join = Join::Done;
            return None;
        }
        let is_new = match looked {
            None => now - began >= HEAD,
            Some((at, _)) if now - *at < PATIENCE => false,
            Some((at, from)) => {
                let advance = edge - *from;
                let is_fast = advance > (now - *at).scale(FASTER) && now - began < MOST_PATIENCE;
                if !is_fast && before - edge > advance {
                    return Some(self.give_up(before, edge, now));
                }
                true
            }
        };
        if is_new {
            self.join = Join::Watch { before, began, looked: Some((now, edge)) };
        }
        None
    }

    /// It was another clock: what comes goes on behind what is here.
    fn give_up(&mut self, before: MediaTime, edge: MediaTime, now: Instant) -> Jump {
        self.join = Join::Done;
        let expected = self.due(now).map_or(before, |due| due.max(before));
        self.move_by(before + SEAM - edge);
        self.begin_anew();
        Jump { kind: JumpKind::Reconnect, delta: edge - expected }
    }

    /// Moves all that comes, and what came of this connection.
    fn move_by(&mut self, span: Micros) {
        for track in [&mut self.video, &mut self.audio] {
            for clock in [&mut track.clock, &mut track.before] {
                clock.offset += span;
            }
            track.newest = track.newest.map(|newest| newest + span);
        }
        self.told = (self.told.0 + span, self.told.1 + span);
    }

    fn begin_anew(&mut self) {
        self.told = (self.video.clock.offset, self.audio.clock.offset);
        self.jump = None;
        self.slew = Micros::ZERO;
        self.ahead.clear();
    }
}

/// By how much to move `at` for it to lie where another connection of the same clock usually does, around `expected`: not at all, or by
/// whole turns of a counter. `None`: it is of another clock.
fn turned(at: MediaTime, expected: MediaTime, usual: &RangeInclusive<MediaTime>) -> Option<Micros> {
    let turned = TURNS.iter().map(|(bits, rate)| turns(at, expected, *bits, *rate));
    std::iter::once(Micros::ZERO).chain(turned).find(|by| usual.contains(&(at + *by)))
}

/// The same for a stream that comes beside another one, and of which the live edge is due at `at`: of another clock, it is moved to
/// where that of the other one is.
pub fn aligned(at: MediaTime, expected: MediaTime, usual: &RangeInclusive<MediaTime>) -> Micros {
    turned(at, expected, usual).unwrap_or(expected - at)
}

/// The whole turns of a counter that bring `at` nearest to `expected`.
fn turns(at: MediaTime, expected: MediaTime, bits: u32, rate: u32) -> Micros {
    let turn = MediaTime::from_ticks(1i64.wrapping_shl(bits), rate).0;
    let half = turn.checked_div(2).unwrap_or_default();
    let n = (expected - at).0.saturating_add(half).checked_div_euclid(turn).unwrap_or_default();
    Micros(MediaTime::from_ticks(n.saturating_mul(1i64.wrapping_shl(bits)), rate).0)
}
