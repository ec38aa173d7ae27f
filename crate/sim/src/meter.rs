//! What a viewer sees, measured alike for every player: the age of the picture on the screen, and when it stands still.
//!
//! Latency is the time since the picture on the screen was captured, sampled ten times a second: encoding and upload take no
//! time here, everything else is in it. A picture that stands for more than [`FREEZE`] is a freeze of that length less one
//! picture's time.

use std::collections::VecDeque;

use sailcast_engine::Instant;
use sailcast_media::Micros;

use crate::stream::StreamConfig;

const SAMPLE: Micros = Micros::from_millis(100);
/// Three pictures of a stream at 30 a second.
const FREEZE: Micros = Micros::from_millis(100);
/// Pictures count as missing only after the start has settled: what a join leaves out was never live.
const SETTLED: Micros = Micros::from_secs(3);
/// After an outage a player must be back within this of its latency before.
const BACK_WITHIN: Micros = Micros::from_millis(500);
/// So many samples before an outage are the latency before.
const BEFORE: usize = 100;
/// It is back when it stays back for so many samples.
const STAYS: u32 = 5;

/// Latencies in steps of 5 ms.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    const STEP: i64 = 5_000;
    const LONGEST: usize = 12_000;

    pub fn add(&mut self, value: Micros) {
        let bin = ((value.0 / Self::STEP).max(0) as usize).min(Self::LONGEST);
        if self.counts.len() <= bin {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    /// The value below which `share` of the values lie; 0 without values.
    pub fn percentile(&self, share: f64) -> Micros {
        let total: u64 = self.counts.iter().sum();
        let wanted = (total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bin, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                return Micros(bin as i64 * Self::STEP + Self::STEP / 2);
            }
        }
        Micros::ZERO
    }
}

/// Sums over sessions.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub sessions: u64,
    /// Sessions that never showed a picture.
    pub dark: u64,
    pub first_frame: Histogram,
    pub latency: Histogram,
    /// Newest received data minus playhead.
    pub edge_latency: Histogram,
    pub watched: Micros,
    pub frozen: Micros,
    pub freezes: u64,
    /// Sound missing after it had begun.
    pub silent: Micros,
    pub altered_rate: Micros,
    pub pictures_due: u64,
    pub pictures_shown: u64,
    pub back_after: Histogram,
    /// Outages after which the session ended before the player was back.
    pub never_back: u64,
}

impl Figures {
    pub fn merge(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.dark += other.dark;
        self.first_frame.merge(&other.first_frame);
        self.latency.merge(&other.latency);
        self.edge_latency.merge(&other.edge_latency);
        self.watched += other.watched;
        self.frozen += other.frozen;
        self.freezes += other.freezes;
        self.silent += other.silent;
        self.altered_rate += other.altered_rate;
        self.pictures_due += other.pictures_due;
        self.pictures_shown += other.pictures_shown;
        self.back_after.merge(&other.back_after);
        self.never_back += other.never_back;
    }

    fn share(&self, part: Micros) -> f64 {
        part.as_secs_f64() / self.watched.as_secs_f64().max(1e-9)
    }

    /// Share of the time in which picture or sound stood: the worse of the two.
    pub fn stall_ratio(&self) -> f64 {
        self.frozen_ratio().max(self.silent_ratio())
    }

    pub fn frozen_ratio(&self) -> f64 {
        self.share(self.frozen)
    }

    pub fn silent_ratio(&self) -> f64 {
        self.share(self.silent)
    }

    pub fn stalls_per_100_s(&self) -> f64 {
        self.freezes as f64 / (self.watched.as_secs_f64() / 100.0).max(1e-9)
    }

    pub fn altered_ratio(&self) -> f64 {
        self.share(self.altered_rate)
    }

    pub fn dropped_ratio(&self) -> f64 {
        1.0 - self.pictures_shown.min(self.pictures_due) as f64 / self.pictures_due.max(1) as f64
    }
}

/// One session of one player.
pub struct Meter {
    stream: StreamConfig,
    /// World time at the browser's instant 0.
    offset: Micros,
    began: Instant,
    first: Option<Instant>,
    playing_since: Option<Instant>,
    last: Option<(Instant, u64)>,
    next_sample: Instant,
    rate_since: Option<Instant>,
    figures: Figures,
    settled_from: Option<u64>,
    outages: VecDeque<(Instant, Instant)>,
    recent: VecDeque<Micros>,
    recovering: Option<Recovery>,
    /// Latency over time, in steps of [`SAMPLE`] since `began`, when asked for.
    pub trail: Option<Vec<Option<Micros>>>,
}

struct Recovery {
    ended: Instant,
    bound: Micros,
    stays: u32,
}

impl Meter {
    /// `outages`: when nothing came, to see how each player gets back.
    pub fn new(stream: StreamConfig, offset: Micros, began: Instant, outages: &[(Instant, Instant)]) -> Self {
        Self {
            stream,
            offset,
            began,
            first: None,
            playing_since: None,
            last: None,
            next_sample: began,
            rate_since: None,
            figures: Figures { sessions: 1, ..Figures::default() },
            settled_from: None,
            outages: outages.iter().copied().collect(),
            recent: VecDeque::new(),
            recovering: None,
            trail: None,
        }
    }

    pub fn with_trail(mut self) -> Self {
        self.trail = Some(Vec::new());
        self
    }

    /// This picture is on the screen from `at` on. The same one again is no news.
    pub fn shown(&mut self, number: u64, at: Instant) {
        if self.last.is_some_and(|(_, last)| last == number) {
            return;
        }
        self.sample_until(at);
        match (self.first, self.last) {
            (None, _) | (_, None) => {
                self.first = Some(at);
                self.figures.first_frame.add(at - self.began);
            }
            (Some(first), Some((since, last))) => {
                self.freeze(since, at);
                if at - first >= SETTLED {
                    self.settled_from.get_or_insert(last);
                    self.figures.pictures_shown += 1;
                }
            }
        }
        self.last = Some((at, number));
    }

    /// Playback began: from here on a picture that stands is a stall. Before, it is a first picture.
    pub fn playing(&mut self, at: Instant) {
        self.playing_since.get_or_insert(at);
    }

    pub fn rate(&mut self, rate: f64, at: Instant) {
        if let Some(since) = self.rate_since.take() {
            self.figures.altered_rate += at - since;
        }
        self.rate_since = (rate != 1.0).then_some(at);
    }

    pub fn silent(&mut self, length: Micros) {
        self.figures.silent += length;
    }

    /// Newest data minus playhead.
    pub fn edge(&mut self, latency: Micros) {
        if self.first.is_some() {
            self.figures.edge_latency.add(latency);
        }
    }

    pub fn finish(mut self, at: Instant) -> (Figures, Option<Vec<Option<Micros>>>) {
        self.sample_until(at);
        self.rate(1.0, at);
        match (self.first, self.last) {
            (Some(first), Some((since, last))) => {
                self.freeze(since, at);
                self.figures.watched = at - first;
                self.figures.pictures_due = self.settled_from.map_or(0, |from| last.saturating_sub(from));
            }
            _ => self.figures.dark = 1,
        }
        if self.recovering.is_some() {
            self.figures.never_back += 1;
        }
        (self.figures, self.trail)
    }

    fn freeze(&mut self, since: Instant, until: Instant) {
        let Some(playing) = self.playing_since else { return };
        let stood = until - since.max(playing);
        if stood > FREEZE {
            self.figures.freezes += 1;
            self.figures.frozen += stood - Micros(1_000_000 / self.stream.fps);
        }
    }

    fn sample_until(&mut self, at: Instant) {
        while self.next_sample <= at {
            let now = self.next_sample;
            let age = self
                .last
                .map(|(_, number)| Micros(now.0 as i64) + self.offset - self.stream.captured(number));
            if let Some(age) = age {
                self.figures.latency.add(age);
                self.recovery(age, now);
            }
            if let Some(trail) = &mut self.trail {
                trail.push(age);
            }
            self.next_sample = now + SAMPLE;
        }
    }

    fn recovery(&mut self, age: Micros, now: Instant) {
        if let Some(recovery) = &mut self.recovering {
            recovery.stays = if age <= recovery.bound { recovery.stays + 1 } else { 0 };
            if recovery.stays >= STAYS {
                let took = now - recovery.ended - SAMPLE.scale(f64::from(STAYS - 1));
                self.figures.back_after.add(took.max(Micros::ZERO));
                self.recovering = None;
            }
        }
        match self.outages.front() {
            Some((_, end)) if now >= *end => {
                let mut before: Vec<Micros> = self.recent.drain(..).collect();
                before.sort();
                let median = before.get(before.len() / 2).copied();
                if let Some(median) = median {
                    self.recovering = Some(Recovery { ended: *end, bound: median + BACK_WITHIN, stays: 0 });
                }
                self.outages.pop_front();
            }
            Some((begin, _)) if now >= *begin => {}
            _ => {
                self.recent.push_back(age);
                if self.recent.len() > BEFORE {
                    self.recent.pop_front();
                }
            }
        }
    }
}
