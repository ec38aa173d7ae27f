//! The rules that choose: the engine's, and that of hls.js as its documentation and code describe it.

use sailcast_engine::{
    Instant,
    abr::{Abr, Level, Progress, Situation, Transfer},
};

use super::session::Kind;

/// What a viewer asks.
pub trait Rule {
    fn on_transfer(&mut self, transfer: &Transfer);
    fn choose(&mut self, levels: &[Level], at: &Situation, now: Instant) -> usize;
    fn abandon(&mut self, levels: &[Level], at: &Situation, piece: &Progress, now: Instant) -> Option<usize>;
}

pub struct Named {
    pub name: &'static str,
    pub make: fn(Kind) -> Box<dyn Rule>,
}

/// The engine's first.
pub const RULES: [Named; 2] = [
    Named { name: "sailcast", make: |_| Box::new(Ours(Abr::new(None))) },
    Named { name: "hls.js", make: |kind| Box::new(HlsJs::new(kind)) },
];

struct Ours(Abr);

impl Rule for Ours {
    fn on_transfer(&mut self, transfer: &Transfer) {
        self.0.on_transfer(transfer);
    }

    fn choose(&mut self, levels: &[Level], at: &Situation, now: Instant) -> usize {
        self.0.choose(levels, at, now).expect("a ladder")
    }

    fn abandon(&mut self, levels: &[Level], at: &Situation, piece: &Progress, now: Instant) -> Option<usize> {
        self.0.abandon(levels, at, piece, now)
    }
}

/// A mean whose samples weigh less by half each `half` seconds of transfer.
#[derive(Clone, Copy, Debug, Default)]
struct Ewma {
    half: f64,
    value: f64,
    weight: f64,
}

impl Ewma {
    fn add(&mut self, seconds: f64, value: f64) {
        let kept = 0.5f64.powf(seconds / self.half);
        self.value = value * (1.0 - kept) + kept * self.value;
        self.weight += seconds;
    }

    fn get(&self) -> f64 {
        self.value / (1.0 - 0.5f64.powf(self.weight / self.half))
    }
}

/// Version 1.6 with its defaults: half-lives of 3 and 9 s, factors 0.95 and 0.7, the first fragment of the lowest level to test the
/// link where it is not live, 0.5 Mbit/s until then.
struct HlsJs {
    kind: Kind,
    fast: Ewma,
    slow: Ewma,
    /// Seconds that the test of the link took.
    tested: Option<f64>,
    forced: Option<usize>,
}

const DEFAULT_ESTIMATE: f64 = 500_000.0;
const MOST_STARVATION: f64 = 4.0;
const BANDWIDTH_FACTOR: f64 = 0.95;
const BANDWIDTH_UP_FACTOR: f64 = 0.7;

impl HlsJs {
    fn new(kind: Kind) -> Self {
        let ewma = |half| Ewma { half, ..Ewma::default() };
        Self { kind, fast: ewma(3.0), slow: ewma(9.0), tested: None, forced: None }
    }

    fn estimate(&self) -> f64 {
        if self.fast.weight >= 0.001 { self.fast.get().min(self.slow.get()) } else { DEFAULT_ESTIMATE }
    }

    fn best(&self, levels: &[Level], at: &Situation, most: f64, factors: (f64, f64)) -> Option<usize> {
        let piece = at.next.as_secs_f64();
        levels.iter().enumerate().rev().map(|(index, _)| index).find(|&index| {
            let up = at.current.is_none_or(|current| index > current);
            let link = self.estimate() * if up { factors.1 } else { factors.0 };
            let bitrate = levels[index].bitrate as f64;
            link > bitrate && (self.kind != Kind::Vod || bitrate * piece / link < most)
        })
    }
}

impl Rule for HlsJs {
    fn on_transfer(&mut self, transfer: &Transfer) {
        let seconds = (transfer.done - transfer.first_byte).as_secs_f64().max(0.05);
        let rate = transfer.bytes as f64 * 8.0 / seconds;
        self.fast.add(seconds, rate);
        self.slow.add(seconds, rate);
        let whole = (transfer.done - transfer.asked).as_secs_f64();
        self.tested = if self.tested.is_none() { Some(whole) } else { Some(0.0) };
        self.forced = None;
    }

    fn choose(&mut self, levels: &[Level], at: &Situation, _: Instant) -> usize {
        if let Some(forced) = self.forced {
            return forced;
        }
        if at.current.is_none() && self.kind == Kind::Vod {
            return 0;
        }
        let buffered = at.buffered.as_secs_f64() / at.rate;
        let usual = (BANDWIDTH_FACTOR, BANDWIDTH_UP_FACTOR);
        if let Some(best) = self.best(levels, at, buffered, usual) {
            return best;
        }
        let piece = at.next.as_secs_f64();
        let test = self.tested.filter(|test| buffered == 0.0 && *test > 0.0);
        let (most, factors) = match test {
            Some(test) => (piece.min(MOST_STARVATION) - test, (1.0, 1.0)),
            None => (piece.min(MOST_STARVATION), usual),
        };
        self.best(levels, at, buffered + most, factors).unwrap_or(0)
    }

    fn abandon(&mut self, levels: &[Level], at: &Situation, piece: &Progress, now: Instant) -> Option<usize> {
        let current = at.current?;
        let length = at.next.as_secs_f64();
        let elapsed = (now - piece.asked).as_secs_f64();
        if elapsed <= length / 2.0 || current == 0 {
            return None;
        }
        let rate = (piece.bytes as f64 * 8.0 / elapsed).max(1.0);
        let left = (piece.total.saturating_sub(piece.bytes)) as f64 * 8.0 / rate;
        let buffered = at.buffered.as_secs_f64() / at.rate;
        if buffered >= 2.0 * length || left <= buffered {
            return None;
        }
        let time = |level: usize| length * levels[level].bitrate as f64 / (0.8 * rate);
        let next = (0..current).rev().find(|level| time(*level) < buffered).unwrap_or(0);
        if time(next) >= left {
            return None;
        }
        self.forced = Some(next);
        self.fast.add(elapsed, rate);
        self.slow.add(elapsed, rate);
        Some(next)
    }
}
