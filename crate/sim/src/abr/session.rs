//! One viewer on one link: pieces are loaded one after the other, and played as time passes.
//!
//! What is not modelled: the congestion window, playlists, decoding. Times are seconds.

use sailcast_engine::{
    Instant,
    abr::{Level, Progress, Situation, Transfer},
};
use sailcast_media::Micros;

use super::{
    rules::{Named, Rule},
    trace::{Course, Trace},
};
use crate::{chance::Chance, link::Stop};

/// How what is watched is made and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Segments of 4 s, 30 s of them buffered.
    Vod,
    /// Segments of 4 s, played 12 s behind the edge.
    Live,
    /// Parts of a third of a second in segments of 2 s, played 1.2 s behind the edge.
    LowLatency,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Vod, Self::Live, Self::LowLatency];

    pub fn name(self) -> &'static str {
        match self {
            Self::Vod => "recording",
            Self::Live => "live",
            Self::LowLatency => "low latency",
        }
    }

    fn piece(self) -> f64 {
        if self == Self::LowLatency { 1.0 / 3.0 } else { 4.0 }
    }

    /// After how many pieces the rendition may change.
    fn group(self) -> u64 {
        if self == Self::LowLatency { 6 } else { 1 }
    }

    fn hold_back(self) -> f64 {
        match self {
            Self::Vod => 30.0,
            Self::Live => 12.0,
            Self::LowLatency => 1.2,
        }
    }
}

const LADDER: [(u64, u32, u32); 5] = [
    (400_000, 426, 240),
    (800_000, 640, 360),
    (1_500_000, 960, 540),
    (2_800_000, 1280, 720),
    (5_000_000, 1920, 1080),
];
/// Of a session, watched or waited for.
pub const LENGTH: f64 = 180.0;
/// What a viewer sees first, of what is played.
const EARLY: f64 = 10.0;
const STEP: f64 = 0.01;
/// With so much of the stream playback begins.
const FIRST: f64 = 0.1;
/// How far a live stream has come when the viewer arrives.
const HAS_RUN: f64 = 60.0;

/// Sums over sessions; means are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub sessions: u64,
    pub played: f64,
    pub stalled: f64,
    pub stalls: u64,
    pub changes: u64,
    /// Bits of what was played.
    pub bits: f64,
    /// Of that, bits and time of the first [`EARLY`] seconds that were played.
    pub early_bits: f64,
    pub early: f64,
    pub start: f64,
    /// Behind the live edge at the end.
    pub latency: f64,
}

impl Figures {
    pub fn merge(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.played += other.played;
        self.stalled += other.stalled;
        self.stalls += other.stalls;
        self.changes += other.changes;
        self.bits += other.bits;
        self.early_bits += other.early_bits;
        self.early += other.early;
        self.start += other.start;
        self.latency += other.latency;
    }

    pub fn bitrate(&self) -> f64 {
        self.bits / self.played.max(0.001)
    }

    pub fn early_bitrate(&self) -> f64 {
        self.early_bits / self.early.max(0.001)
    }

    pub fn stall_ratio(&self) -> f64 {
        self.stalled / (self.played + self.stalled).max(0.001)
    }

    pub fn stalls_an_hour(&self) -> f64 {
        self.stalls as f64 * 3600.0 / (self.played + self.stalled).max(0.001)
    }

    pub fn changes_a_minute(&self) -> f64 {
        self.changes as f64 * 60.0 / self.played.max(0.001)
    }

    pub fn mean_start(&self) -> f64 {
        self.start / self.sessions.max(1) as f64
    }

    pub fn mean_latency(&self) -> f64 {
        self.latency / self.sessions.max(1) as f64
    }
}

/// One line of a session told as it happens.
#[derive(Clone, Debug)]
pub struct Line {
    pub at: f64,
    pub what: String,
}

pub struct Session<'a> {
    trace: &'a Trace,
    kind: Kind,
    chance: Chance,
    rule: Box<dyn Rule>,
    levels: Vec<Level>,
    now: f64,
    playhead: f64,
    /// The end of what is here.
    end: f64,
    runs: bool,
    begun: bool,
    asked_before: Option<f64>,
    current: Option<usize>,
    /// The renditions of what is here: up to where each goes.
    plays: Vec<(f64, usize)>,
    figures: Figures,
    lines: Vec<Line>,
}

impl<'a> Session<'a> {
    pub fn new(trace: &'a Trace, kind: Kind, rule: &Named, seed: u64) -> Self {
        let level = |&(bitrate, width, height): &(u64, u32, u32)| Level {
            bitrate,
            width: Some(width),
            height: Some(height),
            frame_rate: None,
            excluded: false,
        };
        Self {
            trace,
            kind,
            chance: Chance(seed),
            rule: (rule.make)(kind),
            levels: LADDER.iter().map(level).collect(),
            now: 0.0,
            playhead: 0.0,
            end: 0.0,
            runs: false,
            begun: false,
            asked_before: None,
            current: None,
            plays: Vec::new(),
            figures: Figures::default(),
            lines: Vec::new(),
        }
    }

    /// Plays it from beginning to end.
    pub fn run(mut self) -> (Figures, Vec<Line>) {
        let piece = self.kind.piece();
        let mut n = self.first_piece();
        self.end = n as f64 * piece;
        self.playhead = match self.kind {
            Kind::LowLatency => (self.edge() - self.kind.hold_back()).max(self.end),
            _ => self.end,
        };
        while self.now < LENGTH {
            self.wait_for(n);
            if self.now >= LENGTH {
                break;
            }
            let level = match self.current {
                Some(current) if !n.is_multiple_of(self.kind.group()) => current,
                _ => self.choose(),
            };
            self.load(n, level);
            n += 1;
        }
        self.figures.sessions = 1;
        self.figures.latency = self.edge() - self.playhead;
        (self.figures, self.lines)
    }

    fn first_piece(&self) -> u64 {
        let complete = (HAS_RUN / self.kind.piece()).floor() as u64;
        match self.kind {
            Kind::Vod => 0,
            Kind::Live => complete - 3,
            Kind::LowLatency => {
                let at = ((HAS_RUN - self.kind.hold_back()) / self.kind.piece()) as u64;
                at - at % self.kind.group()
            }
        }
    }

    /// What has been made of the stream.
    fn edge(&self) -> f64 {
        match self.kind {
            Kind::Vod => f64::INFINITY,
            _ => ((HAS_RUN + self.now + 1e-9) / self.kind.piece()).floor() * self.kind.piece(),
        }
    }

    fn buffered(&self) -> f64 {
        self.end - self.playhead
    }

    /// Until the piece is made, and there is room for it.
    fn wait_for(&mut self, n: u64) {
        let piece = self.kind.piece();
        while self.now < LENGTH
            && ((n + 1) as f64 * piece > self.edge() + 1e-6
                || (self.kind == Kind::Vod && self.buffered() >= self.kind.hold_back()))
        {
            self.pass();
        }
    }

    fn situation(&self) -> Situation {
        let seconds = |s: f64| Micros((s * 1e6) as i64);
        Situation {
            current: self.current,
            buffered: seconds(self.buffered().max(0.0)),
            attainable: seconds(self.kind.hold_back().max((self.edge() - self.playhead).min(30.0))),
            rate: 1.0,
            viewport: None,
            is_degraded: false,
            next: seconds(self.kind.piece()),
        }
    }

    fn choose(&mut self) -> usize {
        let level = self.rule.choose(&self.levels, &self.situation(), self.instant());
        if self.current.is_some_and(|current| current != level) {
            self.figures.changes += 1;
            self.tell(format!("{} kbit/s", self.levels[level].bitrate / 1000));
        }
        self.current = Some(level);
        level
    }

    /// Bytes of a piece: scenes differ, and the first part of a segment has the keyframe.
    fn bytes(&self, n: u64, level: usize) -> f64 {
        let scene = self.chance.of(7).between(n / self.kind.group(), 0.7, 1.15);
        let part = match (self.kind, n % self.kind.group()) {
            (Kind::LowLatency, 0) => 2.0,
            (Kind::LowLatency, _) => 0.8,
            _ => 1.0,
        };
        self.levels[level].bitrate as f64 * self.kind.piece() * scene * part / 8.0
    }

    fn load(&mut self, n: u64, mut level: usize) {
        let begin = n as f64 * self.kind.piece();
        loop {
            self.plays.push((begin + self.kind.piece(), level));
            let Some(other) = self.transfer(n, level) else { break };
            self.figures.changes += 1;
            self.tell(format!("given up for {} kbit/s", self.levels[other].bitrate / 1000));
            self.plays.pop();
            self.end = begin.max(self.playhead);
            self.current = Some(other);
            level = other;
        }
        self.end = begin + self.kind.piece();
        self.start_with_enough();
    }

    fn start_with_enough(&mut self) {
        let enough = if self.begun { self.kind.piece().min(1.0) } else { FIRST };
        if !self.runs && self.buffered() >= enough {
            if !self.begun {
                self.figures.start = self.now;
            }
            self.runs = true;
            self.begun = true;
        }
    }

    /// Loads a piece to its end, or up to where it is given up for another rendition.
    fn transfer(&mut self, n: u64, level: usize) -> Option<usize> {
        let asked = self.instant();
        let total = self.bytes(n, level);
        let until = self.answered(n);
        while self.now < until {
            self.pass();
        }
        let first_byte = self.instant();
        let mut got = 0.0;
        let mut ticks = 0u32;
        while got < total && self.now < LENGTH {
            got += self.rate() * STEP / 8.0;
            // What has come is played while the rest comes.
            self.end = self.end.max((n as f64 + (got / total).min(1.0)) * self.kind.piece());
            self.start_with_enough();
            self.pass();
            ticks += 1;
            // Between the parts of a segment the rendition cannot change.
            if ticks.is_multiple_of(10) && n.is_multiple_of(self.kind.group()) {
                let (bytes, total) = (got as u64, total as u64);
                let piece = Progress { bytes, total, asked, first_byte: Some(first_byte) };
                let other = self.rule.abandon(&self.levels, &self.situation(), &piece, self.instant());
                if let Some(other) = other.filter(|other| *other != level) {
                    return Some(other);
                }
            }
        }
        let media = Micros((self.kind.piece() * 1e6) as i64);
        self.rule.on_transfer(&Transfer {
            bytes: total as u64,
            asked,
            first_byte,
            done: self.instant(),
            media,
            paced: false,
        });
        None
    }

    /// When the first byte comes. A part is asked for while the one before it is on its way.
    fn answered(&mut self, n: u64) -> f64 {
        let round_trip = self.trace.link.round_trip.as_secs_f64();
        let ahead = self.asked_before.replace(self.now).filter(|_| self.kind == Kind::LowLatency);
        match ahead {
            None => self.now + round_trip,
            Some(asked) => {
                let made = (n + 1) as f64 * self.kind.piece() - HAS_RUN;
                (asked + round_trip).max(made + round_trip / 2.0)
            }
        }
    }

    fn rate(&self) -> f64 {
        let at = Micros((self.now * 1e6) as i64);
        if self.trace.link.moving(self.chance, Stop::Link, at) > at {
            return 0.0;
        }
        let link = &self.trace.link;
        let planned = match self.trace.course {
            Course::Steady => link.rate,
            Course::Step { low, down, up } if at >= down && at < up => low,
            Course::Step { .. } => link.rate,
            Course::Cells { low, every } => {
                let cell = (at.0 / every.0).max(0) as u64;
                low * (link.rate / low).powf(self.chance.of(9).unit(cell))
            }
        };
        planned * link.rate_at(self.chance, at) / link.rate
    }

    /// A step of time.
    fn pass(&mut self) {
        self.now += STEP;
        if !self.runs {
            if self.begun {
                self.figures.stalled += STEP;
            }
            return;
        }
        self.playhead += STEP;
        self.figures.played += STEP;
        let level =
            self.plays.iter().find(|(end, _)| *end >= self.playhead - STEP).map_or(0, |(_, level)| *level);
        let bits = self.levels[level].bitrate as f64 * STEP;
        self.figures.bits += bits;
        if self.figures.played <= EARLY {
            self.figures.early += STEP;
            self.figures.early_bits += bits;
        }
        while self.plays.len() > 1 && self.plays[0].0 < self.playhead - STEP {
            self.plays.remove(0);
        }
        if self.playhead >= self.end {
            self.runs = false;
            self.figures.stalls += 1;
            self.tell("stalls".to_owned());
        }
    }

    fn instant(&self) -> Instant {
        Instant((self.now * 1e6) as u64 + 1_000_000)
    }

    fn tell(&mut self, what: String) {
        let what = format!("{what} (buffered {:.2} s)", self.buffered());
        self.lines.push(Line { at: self.now, what });
    }
}
