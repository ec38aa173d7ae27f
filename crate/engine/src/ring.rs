//! The engine's picture of the PCM ring: what was written, what was taken, and which media time each frame carries.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros};

use crate::io::Instant;

#[derive(Debug)]
struct Span {
    start: u64,
    frames: u64,
    media: MediaTime,
    length: Micros,
}

impl Span {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.frames)
    }
}

#[derive(Debug, Default)]
pub struct Ring {
    written: u64,
    played: u64,
    played_at: Instant,
    /// What the output itself has said that it took, or was told to drop.
    told: u64,
    cleared: u64,
    /// Newest last; those already heard are dropped.
    spans: VecDeque<Span>,
}

impl Ring {
    /// Frames written and, as far as can be told, not yet taken at `now`.
    pub fn level(&self, now: Instant, sample_rate: u32) -> u64 {
        let since = (now - self.played_at).as_secs_f64().max(0.0) * f64::from(sample_rate);
        self.written.saturating_sub(self.played).saturating_sub(since as u64)
    }

    /// Frames written and not taken, as far as can be told without looking at the time.
    fn outstanding(&self) -> u64 {
        self.written.saturating_sub(self.played)
    }

    /// Frames written of which the output has said nothing, even if it should have taken them long ago.
    pub fn untold(&self) -> u64 {
        self.written.saturating_sub(self.told)
    }

    /// The output, at its pace, should have run out this long ago. Beyond its own pieces and late reports, it has.
    pub fn overdue(&self, now: Instant, sample_rate: u32) -> Micros {
        let left = Micros(MediaTime::from_ticks(self.outstanding() as i64, sample_rate).0);
        (now - self.played_at) - left
    }

    /// Takes it for dry before the report is here.
    pub fn presume_dry(&mut self, now: Instant) {
        self.played = self.written;
        self.played_at = now;
    }

    /// Everything written has surely been taken.
    pub fn is_dry(&self) -> bool {
        self.played >= self.written
    }

    /// Records `frames` written that carry `length` of the stream from `media` on.
    pub fn write(&mut self, frames: u64, media: MediaTime, length: Micros, now: Instant) {
        if self.is_dry() {
            self.played_at = now;
        }
        self.spans.push_back(Span { start: self.written, frames, media, length });
        self.written = self.written.saturating_add(frames);
    }

    /// The output has taken `total` frames, and what it took `behind` frames ago is audible now: the media time of that, if it is
    /// known.
    pub fn taken(&mut self, total: u64, behind: u64, now: Instant) -> Option<MediaTime> {
        self.played = total.max(self.cleared).min(self.written);
        self.told = self.played;
        self.played_at = now;
        if total <= self.cleared {
            return None;
        }
        let audible = total.saturating_sub(behind);
        while self.spans.len() > 1 && self.spans.front().is_some_and(|s| s.end() < audible) {
            self.spans.pop_front();
        }
        let span = self.spans.iter().find(|s| audible <= s.end()).filter(|_| total <= self.written)?;
        // Before the first one nothing is heard yet: it counts as if it went on backwards.
        let into = (audible as f64 - span.start as f64) / span.frames.max(1) as f64;
        Some(span.media + span.length.scale(into))
    }

    /// The ring was told to drop what it holds.
    pub fn clear(&mut self, now: Instant) {
        self.cleared = self.written;
        self.played = self.written;
        self.told = self.written;
        self.played_at = now;
        self.spans.clear();
    }
}
