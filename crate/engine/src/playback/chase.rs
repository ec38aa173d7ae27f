//! Carries out what the latency controller decides: rate, then skip.

use super::Playback;
use crate::{
    decode::Outbox,
    event::Event,
    io::{Instant, Output},
    latency::{Action, TICK},
};

impl Playback {
    pub(super) fn keep_latency(&mut self, now: Instant, out: &mut Outbox) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        let Some(edge) = self.edge() else { return };
        if self.source.has_ended() {
            // The rest is played as it is.
            self.set_rate(1.0, now, out);
            return;
        }
        match self.latency.tick(edge - self.clock.media(now)) {
            Action::Hold => {}
            Action::Rate(rate) => self.set_rate(rate, now, out),
            Action::Skip => self.skip(now, out),
        }
    }

    pub(super) fn set_rate(&mut self, rate: f64, now: Instant, out: &mut Outbox) {
        if self.clock.rate() != rate {
            self.clock.set_rate(rate, now);
            out.push(Output::Event(Event::RateChange { rate }));
        }
    }

    /// Frame chasing: on to the target latency, leaving out what lies between.
    pub(super) fn skip(&mut self, now: Instant, out: &mut Outbox) {
        let Some(edge) = self.edge() else { return };
        let from = self.clock.media(now);
        let to = edge - self.latency.target;
        if to <= from {
            return;
        }
        self.set_rate(1.0, now, out);
        self.clock.start(to, now);
        self.video.skip_to(to, out);
        self.audio.skip_to(to, now, out);
        self.stats.skips = self.stats.skips.saturating_add(1);
        out.push(Output::Event(Event::Skip { from, to }));
    }
}
