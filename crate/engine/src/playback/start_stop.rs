//! When the clock starts, stops and ends: start, stall, resume, end of stream.

use sailcast_media::{MediaTime, Micros};

use super::{Phase, Playback, watch::no_keyframe};
use crate::{
    error::{ErrorCode, SailcastError},
    event::{Event, State},
    feed::Feed,
    io::{Instant, Output},
    latency::{SKIP_ABOVE, TICK},
    outbox::Outbox,
    source::fatal,
};

/// Buffered time with which playback starts or resumes, if the target is not lower still...
pub(super) const START_WITH: Micros = Micros::from_millis(150);
/// ...and twice as much with each stall that follows another within this time: better one long wait than many short ones.
pub(super) const STALLS_TOGETHER: Micros = Micros::from_secs(15);
/// Doublings of it.
pub(super) const MOST_DOUBLINGS: u32 = 2;
/// A shorter stall leaves nothing to skip.
const BRIEF_STALL: Micros = Micros::from_millis(600);
/// A pause that leaves playback farther behind its target ends with a skip: a viewer who comes back wants to be live.
const RESUME_BEHIND: Micros = Micros::from_millis(250);
/// While nothing comes, a timer that goes off so rarely still tells waiting from sleep.
const BEAT: Micros = Micros::from_secs(1);
/// A picture is expected this long before sound starts alone.
const PICTURE_WAIT: Micros = Micros::from_secs(2);

impl Playback {
    pub(super) fn try_start(&mut self, now: Instant, out: &mut Outbox) {
        let (Some(edge), Some(start)) = (self.edge(), self.start_at()) else { return };
        let first_start = self.phase == Phase::Starting;
        if first_start && !self.picture_ready(now) {
            return;
        }
        let from = if first_start { start } else { self.clock.media(now) };
        let ended = self.has_ended();
        // What was here before is of no more interest to who comes back.
        if !ended && self.returning && self.end() <= self.end_before {
            return;
        }
        let usual = START_WITH.scale(f64::from(1u32 << self.stalls_together));
        let enough = self.latency.target.min(usual.max(self.audio.lead()));
        // After a long stall much comes at once, and where to go on shows only when it is here.
        let brief = matches!(self.phase, Phase::Stalled { since } if now - since < BRIEF_STALL);
        if !ended && (edge - from < enough || !(brief || self.arrival.burst_is_over(now))) {
            return;
        }
        if ended && edge <= from && !first_start {
            // Nothing is left to resume.
            return;
        }
        self.start_clock(from, now, out);
        if first_start {
            self.video.start_at(from, out);
            self.audio.stage.queue.drop_until(from);
            return out.push(Output::Event(Event::Playing));
        }
        let live = std::mem::take(&mut self.returning) || self.stalls_together > 0;
        let most = if live { RESUME_BEHIND } else { SKIP_ABOVE };
        if !ended && edge - from > self.latency.target + most {
            self.skip(now, out);
        }
        out.push(Output::Event(Event::Playing));
    }

    /// Plays from there on.
    pub(super) fn start_clock(&mut self, from: MediaTime, now: Instant, out: &mut Outbox) {
        if let Phase::Stalled { since } = self.phase {
            self.stats.stalled += now - since;
        }
        self.phase = Phase::Playing;
        self.video_tracks.settle();
        self.audio_tracks.settle();
        self.latency.restart();
        self.next_tick = now + TICK;
        self.set_rate(self.base_rate(), now, out);
        self.clock.start(from, now);
    }

    /// The first picture stands before the clock starts, unless none comes.
    pub(super) fn picture_ready(&self, now: Instant) -> bool {
        let is_late = || self.picture_late().is_some_and(|at| now >= at) && self.audio_edge().is_some();
        self.video.stands() || self.is_unseen() || self.video.disabled || is_late()
    }

    /// When the first picture will have been waited for long enough.
    pub(super) fn picture_late(&self) -> Option<Instant> {
        let expected = self.first_video.is_some() || (self.video.stage.is_known() && !self.video.disabled);
        let wait = if expected { PICTURE_WAIT } else { PICTURE_WAIT.scale(0.1) };
        self.arrival.first().map(|first| first + wait)
    }

    /// While the clock stands: when it may start, or the next picture be shown, with nothing that happens until then.
    pub(super) fn next_start(&self, now: Instant) -> Option<Instant> {
        if self.paused || self.is_suspended() {
            return None;
        }
        let playhead = self.playhead(now);
        let picture = self.video.next_due().filter(|(at, _)| *at <= playhead).map(|(_, earliest)| earliest);
        let late = self.picture_late().filter(|_| matches!(self.phase, Phase::Starting | Phase::Seeking));
        let burst = self.arrival.burst_ends().filter(|_| !self.is_paced());
        let alone = self.alone_until().filter(|_| self.phase == Phase::Starting);
        let due = [picture, late, burst, alone, Some(now + BEAT)];
        due.into_iter().flatten().filter(|at| *at > now).min()
    }

    pub(super) fn resume(&mut self, now: Instant, out: &mut Outbox) {
        let from = self.clock.media(now);
        self.latency.restart();
        self.set_rate(self.base_rate(), now, out);
        self.clock.start(from, now);
        if self.is_paced() {
            self.judge_following(now);
            return out.push(Output::Event(Event::Playing));
        }
        let behind = self.edge().map_or(Micros::ZERO, |edge| edge - from - self.latency.target);
        if behind > RESUME_BEHIND && !self.has_ended() {
            self.skip(now, out);
        }
        out.push(Output::Event(Event::Playing));
    }

    /// When the playhead has reached the end of everything: the end of the stream, or a stall.
    pub(super) fn run_dry(&mut self, now: Instant, out: &mut Outbox) {
        if self.phase == Phase::Ended {
            return;
        }
        let ended = self.has_ended();
        let no_picture = self.phase == Phase::Starting
            && self.video.stage.is_drained()
            && !self.video.has_shown()
            && self.video.is_empty()
            && self.audio_edge().is_none();
        if ended && (self.end().is_none() || no_picture) {
            self.end_without_media(now, out);
            return;
        }
        if self.paused || self.is_suspended() {
            return;
        }
        let Some(end) = self.dry_at() else { return };
        let past = self.clock.media(now) - end;
        if past < Micros::ZERO {
            return;
        }
        let stands = matches!(self.phase, Phase::Stalled { .. } | Phase::Seeking);
        if ended && stands && !self.seeks.is_under_way() {
            self.finish(now, out);
        }
        if self.phase != Phase::Playing {
            return;
        }
        if ended {
            let drained =
                self.video.stage.is_drained() && self.video.is_empty() && self.audio.is_played_out();
            if drained || past > Micros::from_secs(1) {
                self.finish(now, out);
            }
            return;
        }
        // Noticed late or not, playback stands where the data ends.
        self.clock.stop_at(end, now);
        self.phase = Phase::Stalled { since: now };
        let together = self.last_stall.is_some_and(|last| now - last < STALLS_TOGETHER);
        self.stalls_together =
            if together { self.stalls_together.saturating_add(1).min(MOST_DOUBLINGS) } else { 0 };
        self.last_stall = Some(now);
        self.stats.stalls = self.stats.stalls.saturating_add(1);
        self.arrival.restart();
        out.push(Output::Event(Event::Waiting));
    }

    fn finish(&mut self, now: Instant, out: &mut Outbox) {
        match self.feed.as_ref().and_then(Feed::error).cloned() {
            Some(error) => self.fail(error, now, out),
            None if self.is_paced() => self.stand_at_end(now, out),
            None => {
                self.clock.stop(now);
                self.phase = Phase::Over(State::Ended);
                self.recording.finish(now, out);
                out.push(Output::Event(Event::Ended));
            }
        }
    }

    fn end_without_media(&mut self, now: Instant, out: &mut Outbox) {
        let unsupported = self.unsupported.take().map(|(_, error)| error);
        let error = match unsupported.or_else(|| self.feed.as_ref().and_then(Feed::error).cloned()) {
            Some(error) => error,
            None if self.first_video.is_some() => no_keyframe(true),
            None => fatal(ErrorCode::NoMedia, "The stream ended with nothing to play.".to_owned()),
        };
        self.fail(error, now, out);
    }

    pub(super) fn fail(&mut self, error: SailcastError, now: Instant, out: &mut Outbox) {
        if self.is_over() {
            return;
        }
        self.clock.stop(now);
        self.phase = Phase::Over(State::Failed);
        self.recording.finish(now, out);
        out.push(Output::Event(Event::Error(error)));
    }

    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over(_))
    }
}
