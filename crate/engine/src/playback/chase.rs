//! Frame chasing: which latency to hold, and what is done to hold it. First the rate, then pictures that no other needs,
//! then a skip.

use sailcast_media::{MediaTime, Micros};

use super::{Phase, Playback};
use crate::{
    event::Event,
    io::{Instant, Output},
    latency::{Action, TICK},
    outbox::Outbox,
    pressure::Change,
};

/// A slow decoder reaches a keyframe only after a while: it may begin with it before it is due.
const SOON_DUE: Micros = Micros::from_millis(80);
/// A longer time without anything to play is left out.
const GAP: Micros = Micros::from_millis(500);
/// A picture must be here so long before it is shown.
const VIDEO_LEAD: Micros = Micros::from_millis(20);
/// What decoding may add to the target; a machine that needs more is too slow, which waiting does not mend.
const MOST_FOR_DECODING: Micros = Micros::from_millis(150);
/// Changes of the target that are told.
const TELL: Micros = Micros::from_millis(20);
/// Lateness that counts as jitter before any was measured.
const USUAL_JITTER: Micros = Micros::from_millis(100);

/// Undecoded pictures so far behind the playhead are given up, where a keyframe allows it.
const VIDEO_BEHIND: Micros = Micros::from_millis(250);

impl Playback {
    /// Sets the target: what the network and this machine need, within what was asked for. Sound must be decoded before
    /// it is heard, and with a slow output no lower latency can be held than that takes.
    pub(super) fn aim(&mut self, now: Instant) {
        let sound = if self.audio_edge().is_some() { self.audio.lead() } else { Micros::ZERO };
        let decoding = self.video.lateness(now).min(MOST_FOR_DECODING);
        let lead = sound.max(VIDEO_LEAD + decoding);
        let needed = self.arrival.jitter(now).map(|jitter| jitter + lead);
        let asked = self.extent.hold_back.unwrap_or_default();
        self.latency.target = self.aim.update(needed, now).max(sound).max(asked);
    }

    pub(super) fn tell_target(&mut self, out: &mut Outbox) {
        let target = self.latency.target;
        if (target - self.told_target).abs() >= TELL {
            self.told_target = target;
            out.push(Output::Event(Event::TargetChange { target }));
        }
    }

    pub(super) fn tell_pressure(&mut self, now: Instant, out: &mut Outbox) {
        if self.is_unseen() || self.phase != Phase::Playing {
            return;
        }
        let lost = self.video.drops.lost().saturating_add(self.video.drops.disposable);
        let is_behind = self.late_video(self.clock.media(now)).is_some();
        match self.pressure.tick(self.video.shown, lost, is_behind, now) {
            Some(Change::Degraded) => out.push(Output::Event(Event::Degraded)),
            Some(Change::Recovered) => out.push(Output::Event(Event::Recovered)),
            None => {}
        }
    }

    pub(super) fn keep_latency(&mut self, now: Instant, out: &mut Outbox) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        self.tell_target(out);
        self.tell_pressure(now, out);
        let Some(edge) = self.edge() else { return };
        if self.has_ended() {
            // The rest is played as it is.
            self.latency.restart();
            self.set_rate(1.0, now, out);
            return;
        }
        if self.is_unseen() {
            self.video.leave_out(self.clock.media(now));
        } else {
            self.leave_late_video(now, out);
        }
        self.leave_gap(now, out);
        let received = edge - self.clock.media(now);
        // Between two arrivals, and in a short interruption, the edge is where it is due.
        let due = self.arrival.sag(now).min(self.arrival.jitter(now).unwrap_or(USUAL_JITTER));
        match self.latency.tick(received + due) {
            Action::Hold => {}
            Action::Rate(rate) => self.set_rate(rate, now, out),
            Action::Skip => self.skip(now, out),
        }
    }

    /// Nothing to see or hear for a while, and then more: a server leaves out what a slow network cannot take. Waiting
    /// through it would only add to the latency.
    fn leave_gap(&mut self, now: Instant, out: &mut Outbox) {
        let heard = if self.audio.is_wanted() { self.audio.next_media() } else { None };
        let next = [self.video.next_media(), heard].into_iter().flatten().min();
        // Slow pictures are no gaps.
        let gap = GAP.max(self.video.stage.queue.frame().scale(2.0));
        if let Some(next) = next.filter(|next| *next - self.clock.media(now) > gap) {
            self.skip_ahead(next, now, out);
        }
    }

    /// A decoder slower than real time: the picture must not fall behind the sound for good. It goes on at the newest
    /// keyframe that is due.
    pub(super) fn leave_late_video(&mut self, now: Instant, out: &mut Outbox) {
        let playhead = self.clock.media(now);
        let Some(from) = self.late_video(playhead) else { return };
        if let Some(to) = self.video.leave_late(playhead + SOON_DUE) {
            self.stats.skips = self.stats.skips.saturating_add(1);
            out.push(Output::Event(Event::Skip { from, to }));
        }
    }

    /// Where the pictures are that should have been decoded long ago, if there are such.
    fn late_video(&self, playhead: MediaTime) -> Option<MediaTime> {
        self.video
            .stage
            .queue
            .first_dts()
            .filter(|first| playhead - *first > VIDEO_BEHIND.scale(self.clock.rate().max(1.0)))
    }

    pub(super) fn set_rate(&mut self, rate: f64, now: Instant, out: &mut Outbox) {
        self.rate_due = None;
        if self.clock.rate() != rate {
            self.clock.set_rate(rate, now);
            out.push(Output::Event(Event::RateChange { rate }));
        }
    }

    /// Frame chasing: on to the target latency, leaving out what lies between.
    pub(super) fn skip(&mut self, now: Instant, out: &mut Outbox) {
        let Some(edge) = self.edge() else { return };
        let to = edge - self.latency.target;
        if to > self.clock.media(now) {
            self.skip_ahead(to, now, out);
        }
    }

    pub(super) fn skip_ahead(&mut self, to: MediaTime, now: Instant, out: &mut Outbox) {
        let from = self.clock.media(now);
        self.set_rate(self.base_rate(), now, out);
        match self.clock.is_running() || !self.is_paced() {
            true => self.clock.start(to, now),
            false => self.clock.place(to, now),
        }
        self.video.skip_to(to, out);
        self.audio.skip_to(to, now, out);
        self.stats.skips = self.stats.skips.saturating_add(1);
        out.push(Output::Event(Event::Skip { from, to }));
    }
}
