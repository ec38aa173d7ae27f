//! The sound card: takes from the ring at its own pace and tells its count as the worklet does.
//!
//! Sound carries its own media time in its samples, so that what is heard can be compared with what is seen, and above that which of
//! several sounds it is.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros};

/// At the full rate; fewer frames where the decoders give a fraction of the rate, so that the pace is the same.
const QUANTUM: u64 = 512;
/// Total frames are told when so many more were taken, or the ring is empty, as worklet.ts does.
const REPORT_FRAMES: u64 = 1024;
/// Sample value = seconds / SCALE, of the seconds within one CYCLE: a sample stays in range and exact for days.
const SCALE: f64 = 64.0;
const CYCLE: i64 = 60_000_000;

/// The sample that stands for this media time of this sound.
pub fn sample_of(time: MediaTime, voice: u8) -> f32 {
    (f64::from(voice) + time.0.rem_euclid(CYCLE) as f64 / 1e6 / SCALE) as f32
}

pub struct Card {
    pub sample_rate: u32,
    pub latency: Micros,
    pub ring: VecDeque<f32>,
    /// Media time of the newest sound decoded: tells one cycle from another.
    pub near: MediaTime,
    /// How much faster than its rate it runs, in millionths.
    pub ppm: i64,
    /// What was heard since [`Card::record`], on the left.
    recorded: Option<Vec<f32>>,
    taken: u64,
    told: u64,
    quantum: u64,
    report: u64,
    /// Nanoseconds left over from whole microseconds.
    rest: u64,
}

/// What one turn of the card took.
pub struct Turn {
    /// Media time of the first sample; `None` is silence.
    pub heard: Option<MediaTime>,
    /// Which sound that is of.
    pub voice: u8,
    /// The count to tell the engine, when it is due.
    pub tell: Option<u64>,
}

impl Card {
    /// `divisor`: what fraction of the real rate `sample_rate` is.
    pub fn new(sample_rate: u32, latency: Micros, divisor: u32) -> Self {
        Self {
            sample_rate,
            latency,
            ring: VecDeque::new(),
            near: MediaTime(0),
            ppm: 0,
            recorded: None,
            taken: 0,
            told: 0,
            rest: 0,
            quantum: (QUANTUM / u64::from(divisor.max(1))).max(1),
            report: (REPORT_FRAMES / u64::from(divisor.max(1))).max(1),
        }
    }

    /// Until the next turn; exact in the long run.
    pub fn period(&mut self) -> Micros {
        let nanos = self.quantum as f64 * 1e9 / f64::from(self.sample_rate) / (1.0 + self.ppm as f64 / 1e6);
        let all = nanos.round() as u64 + self.rest;
        self.rest = all % 1000;
        Micros((all / 1000) as i64)
    }

    /// Stereo samples; the left ones are heard.
    pub fn write(&mut self, stereo: &[f32]) {
        self.ring.extend(stereo.chunks(2).map(|c| c[0]));
    }

    /// Keeps every sample heard from now on.
    pub fn record(&mut self) {
        self.recorded = Some(Vec::new());
    }

    pub fn recorded(&self) -> &[f32] {
        self.recorded.as_deref().unwrap_or_default()
    }

    pub fn clear(&mut self) {
        self.taken += self.ring.len() as u64;
        self.ring.clear();
    }

    pub fn turn(&mut self) -> Turn {
        let n = self.ring.len().min(self.quantum as usize);
        let first = self.ring.front().copied().filter(|v| *v > 0.0);
        let heard = first.map(|v| self.time_of(v.fract()));
        let voice = first.unwrap_or_default() as u8;
        let played = self.ring.drain(..n);
        if let Some(recorded) = &mut self.recorded {
            recorded.extend(played);
            recorded.resize(recorded.len() + self.quantum as usize - n, 0.0);
        } else {
            drop(played);
        }
        self.taken += n as u64;
        let due = n > 0 && (self.ring.is_empty() || self.taken - self.told >= self.report);
        let tell = due.then_some(self.taken);
        self.told = tell.unwrap_or(self.told);
        Turn { heard, voice, tell }
    }

    fn time_of(&self, sample: f32) -> MediaTime {
        let within = (f64::from(sample) * SCALE * 1e6) as i64;
        let cycles = (self.near.0 - within + CYCLE / 2).div_euclid(CYCLE);
        MediaTime(within + cycles * CYCLE)
    }
}
