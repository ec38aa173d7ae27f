//! How fast the viewer wants it, and what else holds for every load.

use sailcast_media::Micros;

use super::{Phase, Playback};
use crate::{io::Instant, outbox::Outbox};

const SLOWEST: f64 = 0.5;
const FASTEST: f64 = 3.0;
/// Sound of a rate that is no farther from this one is what is heard already.
const SAME: f64 = 1e-6;

/// What the page wants, of every load.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// 1 is normal. A stream that is read as it comes plays at 1.
    pub rate: f64,
    pub looping: bool,
    /// The picture's box in device pixels.
    pub viewport: Option<(u32, u32)>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { rate: 1.0, looping: false, viewport: None }
    }
}

impl Wishes {
    pub fn set_rate(&mut self, rate: f64) {
        if rate.is_finite() {
            self.rate = rate.clamp(SLOWEST, FASTEST);
        }
    }
}

impl Playback {
    /// The rate before anything is caught up.
    pub(super) fn base_rate(&self) -> f64 {
        if self.is_paced() { self.wishes.rate } else { 1.0 }
    }

    /// From now on sound is written at this rate; the playhead follows when it is heard, so that nothing of what was written
    /// before is left out or heard twice.
    pub(super) fn settle_rate(&mut self, rate: f64, now: Instant, out: &mut Outbox) {
        let present = self.rate_due.map_or(self.clock.rate(), |(_, rate)| rate);
        if (rate - present).abs() < SAME || self.phase != Phase::Playing {
            return;
        }
        let due = self.audio.heard_until(now);
        if due - now <= Micros::ZERO {
            return self.set_rate(rate, now, out);
        }
        self.rate_due = Some((due, rate));
    }

    pub(super) fn follow_rate(&mut self, now: Instant, out: &mut Outbox) {
        if let Some((_, rate)) = self.rate_due.filter(|(due, _)| now >= *due) {
            self.set_rate(rate, now, out);
        }
    }
}
