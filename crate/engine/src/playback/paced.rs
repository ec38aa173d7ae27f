//! Playback of a source that loads ahead by itself, a recording or HLS: when the clock starts, stands and ends.
//!
//! Nothing is chased by what arrives: the playhead stands where it was put until there is enough to go on with.

use sailcast_media::{MediaKind, MediaTime, Micros};

use super::{
    Phase, Playback,
    start_stop::{MOST_DOUBLINGS, START_WITH},
};
use crate::{
    event::Event,
    feed::{Extent, Feed, View},
    io::{Instant, Output},
    latency::TICK,
    outbox::Outbox,
};

/// After a stall playback goes on with so much, and with twice as much after each that follows it soon.
const RESUME_WITH: Micros = Micros::from_secs(1);
/// Segments may have their pictures before their sound: one kind alone begins with so much, or after so long.
const ALONE_WITH: Micros = Micros::from_secs(2);
const ALONE_AFTER: Micros = Micros::from_millis(300);
/// So much of the latency that is aimed for may be missing after a stall.
const TOO_NEAR: f64 = 0.25;
/// At the live edge there is no more to be had than this part of the latency.
const ATTAINABLE: f64 = 0.7;

impl Playback {
    pub(super) fn is_paced(&self) -> bool {
        self.feed.as_ref().is_some_and(Feed::is_paced)
    }

    pub(super) fn view(&self, now: Instant) -> View {
        let playhead = self.playhead(now);
        View {
            playhead: self.turns.for_source(playhead),
            buffered_until: self.edge().map(|edge| self.turns.for_source(edge)),
            buffered_bytes: self.buffered_bytes(),
            rate: self.wishes.rate,
            is_running: self.clock.is_running(),
            is_degraded: self.pressure.is_degraded(),
            viewport: self.wishes.viewport,
            is_waiting: matches!(self.phase, Phase::Stalled { .. }) && !self.paused && !self.is_suspended(),
            raw: (!self.is_paced()).then(|| self.timeline.raw(MediaKind::Video, playhead)),
        }
    }

    /// Does whatever is due at `now`.
    pub(super) fn advance_paced(&mut self, now: Instant, out: &mut Outbox) {
        // What a seek or a request that failed has to tell.
        self.demux(now, out);
        self.reach_out(now, out);
        self.turn_over(now, out);
        self.pass_seam(now, out);
        self.go_on_seeking(now, out);
        self.watch(now, out);
        self.bound_buffers();
        self.follow_rate(now, out);
        self.play_on(now, out);
        self.decode_and_present(now, out);
        self.finish_seek(now, out);
        if self.phase != Phase::Playing {
            self.play_on(now, out);
            self.decode_and_present(now, out);
        }
        self.run_dry(now, out);
        self.tell_cues(now, out);
        self.recording.follow(self.playhead(now), now, out);
    }

    fn play_on(&mut self, now: Instant, out: &mut Outbox) {
        if self.paused || self.is_suspended() {
            return;
        }
        self.leave_window(now, out);
        match self.phase {
            Phase::Starting | Phase::Stalled { .. } | Phase::Seeking => self.try_start_paced(now, out),
            Phase::Playing => self.keep_on(now, out),
            Phase::Ended | Phase::Beyond | Phase::Over(_) => {}
        }
    }

    /// Takes over how far the source reaches.
    fn reach_out(&mut self, now: Instant, out: &mut Outbox) {
        let Some(feed) = &self.feed else { return };
        let before = std::mem::replace(&mut self.extent, feed.extent(now));
        if let Some(edge) = self.extent.live_edge {
            self.live.note(edge, now);
        }
        if self.extent.seekable.is_some() || self.end().is_some() {
            self.tell_source(self.extent.live, out);
        }
        if before.seekable.is_none() {
            self.stay_within(now, out);
        }
        if before.duration != self.extent.duration {
            let Extent { duration, seekable, .. } = self.extent;
            out.push(Output::Event(Event::DurationChange { duration, seekable }));
        }
    }

    /// What is played, once, and again when a live stream becomes a recording.
    pub(super) fn tell_source(&mut self, live: bool, out: &mut Outbox) {
        let Some(kind) = self.feed.as_ref().map(Feed::kind) else { return };
        if self.told_source.replace((kind, live)) != Some((kind, live)) {
            out.push(Output::Event(Event::Source { kind, live }));
        }
    }

    /// Where it begins.
    pub(super) fn paced_start(&self) -> Option<MediaTime> {
        let first = [self.first_keyframe, self.first_sound].into_iter().flatten().min();
        first.map(|first| self.extent.start.map_or(first, |start| start.max(first))).or(self.extent.start)
    }

    fn try_start_paced(&mut self, now: Instant, out: &mut Outbox) {
        if self.seeks.is_under_way() || !self.picture_ready(now) {
            return;
        }
        self.leave_hole(now, out);
        let Some(edge) = self.dry_at().filter(|_| !self.seeks.is_under_way()) else { return };
        let from = self.playhead(now);
        if !self.is_enough(edge - from, now) {
            return;
        }
        let is_first = self.phase == Phase::Starting;
        self.start_clock(from, now, out);
        if is_first {
            self.video.chase(from);
            self.audio.stage.queue.drop_until(from);
        }
        out.push(Output::Event(Event::Playing));
    }

    /// So much is here to go on with.
    fn is_enough(&self, here: Micros, now: Instant) -> bool {
        if self.has_ended() {
            return here > Micros::ZERO;
        }
        if self.phase == Phase::Starting && here < ALONE_WITH && self.may_lack_a_kind(now) {
            return false;
        }
        if matches!(self.phase, Phase::Stalled { .. }) && self.is_too_near_the_edge(now) {
            return false;
        }
        let rate = self.wishes.rate.max(1.0);
        let little = START_WITH.max(self.audio.lead());
        let wanted = match self.phase {
            Phase::Stalled { .. } => {
                RESUME_WITH.scale(f64::from(1u32 << self.stalls_together.min(MOST_DOUBLINGS)))
            }
            _ => little,
        };
        let attainable = self.live_edge(now).map(|edge| (edge - self.playhead(now)).scale(ATTAINABLE));
        here >= attainable.map_or(wanted, |most| wanted.min(most)).max(little).scale(rate)
    }

    /// Who stands anyway need not go on where he would soon stand again.
    fn is_too_near_the_edge(&self, now: Instant) -> bool {
        let near = self.live_place(now).map(|place| self.playhead(now) - place);
        self.live.follows && near.is_some_and(|near| near > self.live_target().scale(TOO_NEAR))
    }

    /// Only one kind has come so far, and the other one may be behind it.
    fn may_lack_a_kind(&self, now: Instant) -> bool {
        let is_alone = self.video_edge().is_some() != self.audio_edge().is_some();
        is_alone && self.alone_until().is_none_or(|until| now < until)
    }

    /// When the other kind will have had its time to come.
    pub(super) fn alone_until(&self) -> Option<Instant> {
        self.arrival.first().filter(|_| self.is_paced()).map(|first| first + ALONE_AFTER)
    }

    /// What is due ten times a second while it plays.
    fn keep_on(&mut self, now: Instant, out: &mut Outbox) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        self.tell_pressure(now, out);
        if self.is_unseen() {
            self.video.leave_out(self.clock.media(now));
        } else {
            self.leave_late_video(now, out);
        }
        self.leave_hole(now, out);
        self.keep_live(now, out);
    }

    /// The end was reached in good order.
    pub(super) fn stand_at_end(&mut self, now: Instant, out: &mut Outbox) {
        let end = self.end();
        self.clock.stop(now);
        if let Some(end) = end {
            self.clock.place(end.min(self.clock.media(now)), now);
        }
        self.stand(now, out);
    }

    /// It is over, and a seek goes on.
    pub(super) fn stand(&mut self, now: Instant, out: &mut Outbox) {
        if self.wishes.looping && !self.extent.live {
            return self.begin_again(now, out);
        }
        self.phase = Phase::Ended;
        self.audio.stage.close(out);
        self.recording.finish(now, out);
        out.push(Output::Event(Event::Ended));
    }

    /// From the beginning, after the end.
    pub(super) fn begin_again(&mut self, now: Instant, out: &mut Outbox) {
        self.seek(self.begin(), true, now, out);
    }

    /// Of a recording; also of one in which one can go nowhere else.
    pub(super) fn begin(&self) -> MediaTime {
        self.extent.seekable.map_or(MediaTime(0), |(begin, _)| begin)
    }

    /// Somebody wants to see it: what has ended begins again.
    pub fn play(&mut self, now: Instant, out: &mut Outbox) {
        if self.phase == Phase::Ended {
            self.begin_again(now, out);
        }
    }

    /// Awake again: what was in the decoders is gone, and the place is not.
    pub(super) fn return_to_place(&mut self, now: Instant, out: &mut Outbox) {
        let place = match self.phase {
            Phase::Ended | Phase::Beyond | Phase::Over(_) => return,
            // Nothing has come, and the source begins where it wants.
            Phase::Starting if self.end().is_none() => return,
            Phase::Starting => self.live_place(now),
            Phase::Playing | Phase::Stalled { .. } | Phase::Seeking => None,
        };
        let wanted = self.wanted().map(|to| self.within(to, now));
        let place = wanted.or(place).unwrap_or_else(|| self.turns.page(self.playhead(now)));
        self.go(place, true, wanted.is_some(), now, out);
    }
}
