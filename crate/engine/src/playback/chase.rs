//! Carries out what the latency controller decides: rate, then skip.

use sailcast_media::Micros;

use super::Playback;
use crate::{
    decode::Outbox,
    event::Event,
    io::{Instant, Output},
    latency::{Action, TICK},
};

/// Undecoded pictures so far behind the playhead are given up, where a keyframe allows it.
const VIDEO_BEHIND: Micros = Micros::from_millis(600);

impl Playback {
    pub(super) fn keep_latency(&mut self, now: Instant, out: &mut Outbox) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        let Some(edge) = self.edge() else { return };
        if self.source.has_ended() {
            // The rest is played as it is.
            self.latency.restart();
            self.set_rate(1.0, now, out);
            return;
        }
        self.leave_late_video(now, out);
        match self.latency.tick(edge - self.clock.media(now)) {
            Action::Hold => {}
            Action::Rate(rate) => self.set_rate(rate, now, out),
            Action::Skip => self.skip(now, out),
        }
    }

    /// A decoder slower than real time: the picture must not fall behind the sound for good. It goes on at the newest
    /// keyframe that is due.
    fn leave_late_video(&mut self, now: Instant, out: &mut Outbox) {
        let playhead = self.clock.media(now);
        let Some(from) = self.video.stage.queue.first_dts().filter(|first| playhead - *first > VIDEO_BEHIND)
        else {
            return;
        };
        if let Some(to) = self.video.leave_late(playhead, out) {
            self.stats.skips = self.stats.skips.saturating_add(1);
            out.push(Output::Event(Event::Skip { from, to }));
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
