//! The live edge of a paced source, and how far behind it to play.
//!
//! Who plays at the edge is kept there, gently; who went back or paused stays where he is until he asks to be live again, or what
//! he watches is taken away.

use sailcast_media::{MediaTime, Micros};

use super::{Phase, Playback};
use crate::{
    event::Event,
    io::{Instant, Output},
    latency::{Action, SKIP_ABOVE},
    outbox::Outbox,
    window::WindowMax,
};

/// The edge may come in steps, and is where the most advanced of them was due within this time.
const EDGE: WindowMax<i64> = WindowMax::new(Micros::from_secs(1), 30);
/// Where nobody says how far behind the edge to play.
const USUAL_HOLD_BACK: Micros = Micros::from_secs(6);
/// So near to where he would be, a viewer counts as live.
const SLACK: Micros = Micros::from_millis(1_500);
/// Playback is not made faster with less than this part of the latency at hand.
const AT_HAND: f64 = 0.3;

#[derive(Debug)]
pub(super) struct Live {
    /// How far the edge is ahead of the driver's clock.
    ahead: WindowMax<i64>,
    target: Micros,
    /// The viewer is live, and kept there.
    pub follows: bool,
}

impl Default for Live {
    fn default() -> Self {
        Self { ahead: EDGE, target: USUAL_HOLD_BACK, follows: true }
    }
}

impl Live {
    pub fn note(&mut self, edge: MediaTime, now: Instant) {
        self.ahead.note(edge.0.saturating_sub_unsigned(now.0), now);
    }

    fn edge(&self, now: Instant) -> Option<MediaTime> {
        self.ahead.max().map(|ahead| MediaTime(ahead.saturating_add_unsigned(now.0)))
    }

    pub fn slack(&self) -> Micros {
        SLACK.max(self.target.scale(0.5))
    }
}

impl Playback {
    /// Where the newest media there is ends by now.
    pub(super) fn live_edge(&self, now: Instant) -> Option<MediaTime> {
        self.live.edge(now).filter(|_| self.extent.live)
    }

    /// Where a live viewer is.
    pub(super) fn live_place(&self, now: Instant) -> Option<MediaTime> {
        self.live_edge(now).map(|edge| edge - self.live_target())
    }

    /// What the page asked for, if it did, or what the server wants.
    pub(super) fn live_target(&self) -> Micros {
        match self.aim.fixed() {
            Some(asked) => asked,
            None => self.extent.hold_back.unwrap_or(USUAL_HOLD_BACK),
        }
    }

    pub(super) fn seek_live(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(place) = self.live_place(now) {
            self.seek(place, true, now, out);
            self.live.follows = true;
        }
    }

    /// After a pause: whether the viewer is still live.
    pub(super) fn judge_following(&mut self, now: Instant) {
        let playhead = self.playhead(now);
        self.live.follows = self.live_place(now).is_some_and(|place| place - playhead <= self.live.slack());
    }

    /// Holds the latency of who is live.
    pub(super) fn keep_live(&mut self, now: Instant, out: &mut Outbox) {
        // Of a source that has failed the edge is out of reach: what is here is played.
        let Some(edge) = self.live_edge(now).filter(|_| !self.has_ended()) else {
            return self.settle_rate(self.base_rate(), now, out);
        };
        self.live.target = self.live_target();
        self.latency.target = self.live.target;
        self.latency.skip_above = SKIP_ABOVE.max(self.live.target);
        self.tell_target(out);
        let playhead = self.clock.media(now);
        let latency = edge - playhead;
        if !self.live.follows || self.wishes.rate < 1.0 {
            // Faster than the stream only as far as there is something.
            let at_edge = latency <= self.live.target && self.wishes.rate > 1.0;
            self.live.follows |= at_edge;
            let rate = if at_edge { 1.0 } else { self.base_rate() };
            return self.settle_rate(rate, now, out);
        }
        let at_hand = self.edge().map_or(Micros::ZERO, |received| received - playhead);
        let has_enough = at_hand >= self.live.target.scale(AT_HAND);
        match self.latency.tick(latency) {
            Action::Rate(rate) if rate <= 1.0 || has_enough => self.set_rate(rate, now, out),
            Action::Rate(_) => self.latency.refuse(),
            Action::Hold => {}
            Action::Skip => self.catch_up(playhead, now, out),
        }
        if !has_enough && self.clock.rate() > 1.0 {
            self.latency.restart();
            self.set_rate(1.0, now, out);
        }
    }

    /// What would come next is not to be had any more: a live viewer is at the edge.
    pub(super) fn leave_window(&mut self, now: Instant, out: &mut Outbox) {
        let Some((begin, _)) = self.extent.seekable.filter(|_| self.extent.live) else { return };
        let playhead = self.playhead(now);
        let is_out = playhead < begin && self.edge().is_none_or(|edge| begin - edge > self.live.slack());
        let stands = matches!(self.phase, Phase::Playing | Phase::Stalled { .. });
        if is_out && stands && !self.has_ended() && !self.seeks.is_under_way() {
            self.catch_up(playhead, now, out);
        }
    }

    /// To the live edge, which nobody asked for.
    pub(super) fn catch_up(&mut self, from: MediaTime, now: Instant, out: &mut Outbox) {
        let Some(to) = self.live_place(now) else { return };
        self.stats.skips = self.stats.skips.saturating_add(1);
        out.push(Output::Event(Event::Skip { from, to }));
        self.go(to, true, false, now, out);
        self.live.follows = true;
    }
}
