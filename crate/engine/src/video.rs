//! Decoded pictures waiting for their moment.
//!
//! Each frame is rendered or released exactly once, in presentation order, never backwards; few wait at a time.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros, Turn};

use crate::{
    decode::{DecodeStage, Fault, Verdict, reorder_depth},
    io::{DecoderPath, FrameInfo, Instant, Output},
    ladder::Ladder,
    outbox::Outbox,
    quality::{DropCause, Drops},
    window::WindowMax,
};

/// Decoded frames kept ahead of the playhead: enough to ride out a late wake-up, few enough for decoders with small pools.
const FRAMES_AHEAD: usize = 4;
/// Packets inside the decoder beyond its reorder depth: room for its threads.
const DECODER_SLACK: usize = 6;
/// A software decoder takes one at a time: another one on the way to it, and one on the way back.
const SOFTWARE_SLACK: usize = 3;
/// The same when the decoder is slow: what it holds cannot be left out any more.
const LATE_SLACK: usize = 2;
/// The decoder is slow when the shown picture is so far behind the playhead.
const BEHIND: Micros = Micros::from_millis(100);
/// A frame is handed over this much before its time: the compositor shows it at its next refresh.
const RENDER_LEAD: Micros = Micros::from_millis(8);
/// A decoder that has not caught up with a moved playhead after this much of the stream is too slow: what it misses then is
/// lost.
const CHASE_ROOM: Micros = Micros::from_secs(1);
/// After a skip, pictures so far behind are not shown on the way: nothing rushes past the viewer.
const RUSH: Micros = Micros::from_millis(60);
/// While chasing, pictures are not handed over faster than a display can show them.
const MIN_INTERVAL: Micros = Micros::from_millis(12);
/// How late decoding made pictures is remembered for 10 s.
const LATE: WindowMax = WindowMax::new(Micros::from_millis(500), 20);
/// A disposable picture so late is not decoded any more.
const SHED_BEHIND: Micros = Micros::from_millis(40);

/// Disposable pictures so long before a place that was gone to are not decoded: what is shown there is newer.
const LANDS_WITHIN: Micros = Micros::from_millis(500);
/// Faster than this, more pictures are decoded than a display shows.
const FAST: f64 = 1.2;

/// What presenting did.
#[derive(Debug, Default, PartialEq)]
pub struct Presented {
    /// The picture handed over, if any.
    pub pts: Option<MediaTime>,
    /// It was the first of this load.
    pub first: bool,
    /// It, when its size is new, or its turn.
    pub resized: Option<FrameInfo>,
}

#[derive(Debug)]
pub struct Video {
    pub stage: DecodeStage,
    frames: VecDeque<FrameInfo>,
    /// The picture that stands there now, unless it is of another place.
    rendered: Option<MediaTime>,
    has_shown: bool,
    /// A place that was gone to: its picture, the last one at or before it, is shown as soon as it is known, and none before.
    landing: Option<MediaTime>,
    /// The picture that stood there when the place was gone to; it may be that of the place.
    stood: Option<MediaTime>,
    /// How fast the playhead moves.
    rate: f64,
    rendered_at: Option<Instant>,
    size: Option<(u32, u32, Turn)>,
    pub decoded: u64,
    pub shown: u64,
    pub drops: Drops,
    /// The playhead was moved ahead of the decoder: until a frame is early again, late ones before this are left out on
    /// purpose.
    chase_until: Option<MediaTime>,
    /// Where the stream goes on after a skip: frames from before it are not shown any more.
    hide_before: Option<MediaTime>,
    late: WindowMax,
    is_behind: bool,
    /// No decoder takes it: this load goes on without pictures.
    pub disabled: bool,
}

impl Video {
    pub fn new(ladder: Ladder) -> Self {
        Self {
            stage: DecodeStage::new(ladder),
            frames: VecDeque::new(),
            rendered: None,
            has_shown: false,
            landing: None,
            stood: None,
            rate: 1.0,
            rendered_at: None,
            size: None,
            decoded: 0,
            shown: 0,
            drops: Drops::default(),
            chase_until: None,
            hide_before: None,
            late: LATE,
            is_behind: false,
            disabled: false,
        }
    }

    pub fn decoder_limit(&self) -> usize {
        let depth = self.stage.config().map_or(0, reorder_depth);
        let slack = match self.stage.path() {
            _ if self.is_behind => LATE_SLACK,
            Some(DecoderPath::Wasm) => SOFTWARE_SLACK,
            _ => DECODER_SLACK,
        };
        slack.saturating_add(usize::from(depth))
    }

    pub fn feed(&mut self, ended: bool, playhead: MediaTime, now: Instant, out: &mut Outbox) {
        if self.frames.len() < FRAMES_AHEAD {
            self.is_behind = self.rendered.is_some_and(|shown| playhead - shown > self.span(BEHIND))
                && !self.is_chasing(playhead);
            let limit = self.decoder_limit();
            let landing = self.landing.map(|to| to - LANDS_WITHIN);
            let late = self.rendered.map(|_| playhead - self.span(SHED_BEHIND)).or(landing);
            let fed = self.stage.feed(limit, ended, late, now, out);
            self.drops.add(DropCause::NoKeyframe, fed.undecodable);
            let on_purpose = self.is_chasing(playhead) || self.landing.is_some();
            let cause = if on_purpose { DropCause::Skip } else { DropCause::Disposable };
            self.drops.add(cause, fed.late);
        }
    }

    /// The decoder is on its way to a playhead that was moved ahead of it.
    pub fn is_chasing(&self, playhead: MediaTime) -> bool {
        self.chase_until.is_some_and(|until| playhead < until)
    }

    /// How late decoding has made pictures of late, not counting those that a skip left behind.
    pub fn lateness(&mut self, now: Instant) -> Micros {
        self.late.forget(now);
        self.late.max().unwrap_or_default()
    }

    /// The decoder has failed.
    pub fn on_failed(&mut self, why: Fault<'_>, playhead: MediaTime) -> Verdict {
        let inside = self.stage.inside();
        let verdict = self.stage.on_failed(why);
        let replays = matches!(verdict, Verdict::Again { replays: true } | Verdict::Down { replays: true });
        self.replaced(inside, replays, playhead);
        verdict
    }

    /// The browser has taken the decoder away.
    pub fn on_reclaimed(&mut self, playhead: MediaTime) {
        let inside = self.stage.inside();
        let replays = self.stage.on_reclaimed();
        self.replaced(inside, replays, playhead);
    }

    /// Another decoder comes in place of one that held so much. What it is given again is not shown again, nor what is
    /// late by then: the picture stays until the next one in time.
    fn replaced(&mut self, inside: usize, replays: bool, playhead: MediaTime) {
        if !replays {
            self.drops.add(DropCause::Decoder, inside as u64);
        } else if self.rendered.is_some() {
            self.chase(playhead);
            self.hide_before = Some(playhead);
        }
    }

    /// This load goes on without pictures; the last one stays.
    pub fn disable(&mut self, out: &mut Outbox) {
        self.disabled = true;
        self.close(out);
        self.stage.queue.clear();
    }

    /// There is no decoder for what comes next. What comes in another configuration is here, or will be.
    pub fn leave_config(&mut self, out: &mut Outbox) {
        match self.stage.queue.skip_to_config() {
            true => self.close(out),
            false => self.disable(out),
        }
    }

    /// The pictures go on in place of what did not work.
    pub fn enable(&mut self) {
        if std::mem::take(&mut self.disabled) {
            self.stage.queue.clear();
            self.stage.forgive();
        }
    }

    /// The display left out a picture it had been given.
    pub fn not_shown(&mut self) {
        self.shown = self.shown.saturating_sub(1);
        self.drops.add(DropCause::Sink, 1);
    }

    /// Takes a decoded frame; one that comes too late for its place is released.
    pub fn on_frame(&mut self, frame: FrameInfo, now: Instant, out: &mut Outbox) {
        self.stage.on_output(frame.pts, now);
        self.decoded = self.decoded.saturating_add(1);
        let behind = self.rendered.is_some_and(|shown| frame.pts <= shown)
            || self.hide_before.is_some_and(|gap| frame.pts < gap && self.rendered.is_some());
        let at = self.frames.partition_point(|f| f.pts < frame.pts);
        if behind || self.frames.get(at).is_some_and(|f| f.pts == frame.pts) {
            // Left behind by a skip, or brought again by another connection.
            self.drops.add(DropCause::Skip, 1);
            out.push(Output::Release(frame.id));
            return;
        }
        self.frames.insert(at, frame);
    }

    pub fn has_shown(&self) -> bool {
        self.has_shown
    }

    /// A picture of the present place stands there.
    pub fn stands(&self) -> bool {
        self.rendered.is_some()
    }

    /// What of the stream passes in this time.
    fn span(&self, time: Micros) -> Micros {
        time.scale(self.rate)
    }

    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate.max(1.0);
    }

    /// On to another place of what waits: it is decoded up to there.
    pub fn go_on_to(&mut self, to: MediaTime) {
        self.leave_out(to);
        self.stood = self.rendered;
        self.stand_for(to);
    }

    /// To another place, of which nothing is here yet.
    pub fn go_to(&mut self, to: MediaTime, out: &mut Outbox) {
        for frame in self.frames.drain(..) {
            out.push(Output::Release(frame.id));
        }
        self.stage.leave(out);
        self.stood = None;
        self.stand_for(to);
    }

    fn stand_for(&mut self, to: MediaTime) {
        self.landing = Some(to);
        self.rendered = None;
        self.rendered_at = None;
        self.chase_until = None;
        self.hide_before = None;
        self.late.clear();
    }

    /// The place turned out to be another one.
    pub fn land_at(&mut self, to: MediaTime) {
        if self.landing.is_some() {
            self.landing = Some(to);
        }
    }

    /// Leaves out what lies before the picture of the place; false until that is known. `ended`: no more pictures will come.
    fn lands(&mut self, ended: bool, out: &mut Outbox) -> bool {
        let Some(to) = self.landing else { return true };
        let before = self.frames.partition_point(|f| f.pts <= to).saturating_sub(1);
        for frame in self.frames.drain(..before).collect::<Vec<_>>() {
            self.drops.add(DropCause::Skip, 1);
            out.push(Output::Release(frame.id));
        }
        let is_there = self.frames.front().is_some_and(|f| f.pts >= to);
        let is_last = ended && self.stage.is_drained() && (!self.frames.is_empty() || self.stood.is_some());
        if !(is_there || self.frames.len() > 1 || is_last) {
            return false;
        }
        self.landing = None;
        let is_new = self.frames.front().is_some_and(|f| f.pts <= to);
        self.rendered = self.stood.take().filter(|stood| !is_new && *stood <= to);
        true
    }

    /// Hands over the newest frame due at `playhead`. The very first frame is always due, and that of a place that was gone to.
    /// `ended`: no more will come.
    pub fn present(&mut self, ended: bool, playhead: MediaTime, now: Instant, out: &mut Outbox) -> Presented {
        let was_landing = self.landing.is_some();
        if !self.lands(ended, out) {
            return Presented::default();
        }
        if self.hide_before.is_some() && self.is_chasing(playhead) {
            self.drop_before(playhead - self.span(RUSH), out);
        }
        let due = self.frames.partition_point(|f| f.pts <= playhead + self.span(RENDER_LEAD));
        if due < self.frames.len() {
            self.chase_until = None;
        }
        let due = match self.rendered {
            None if was_landing => 1,
            None => due.max(1),
            Some(_) => due,
        };
        let too_soon = self.rendered_at.is_some_and(|at| now - at < MIN_INTERVAL);
        // The newest due frame waits a moment rather than vanish, unless a newer one is due as well.
        let keep = usize::from(too_soon && due > 0);
        let mut chosen = None;
        for _ in 0..due.saturating_sub(keep) {
            if let Some(older) = chosen.replace(self.frames.pop_front()).flatten() {
                self.drop_frame(older, out);
            }
        }
        let Some(frame) = chosen.flatten() else { return Presented::default() };
        if too_soon {
            self.drop_frame(frame, out);
            return Presented::default();
        }
        if self.rendered.is_some() && !self.is_chasing(playhead) {
            self.late.note(playhead - frame.pts, now);
        }
        out.push(Output::Render(frame.id));
        self.shown = self.shown.saturating_add(1);
        let first = !std::mem::replace(&mut self.has_shown, true);
        self.rendered = Some(frame.pts);
        self.rendered_at = Some(now);
        let size = (frame.width, frame.height, frame.turn);
        let resized = (self.size != Some(size)).then_some(frame);
        self.size = Some(size);
        Presented { pts: Some(frame.pts), first, resized }
    }

    /// When the next frame wants to be handed over, by the playhead, and not before the instant.
    pub fn next_due(&self) -> Option<(MediaTime, Instant)> {
        let frame = self.frames.front()?;
        let earliest = self.rendered_at.map_or(Instant(0), |at| at + MIN_INTERVAL);
        Some((frame.pts - self.span(RENDER_LEAD), earliest))
    }

    /// The time of the next picture.
    pub fn next_media(&self) -> Option<MediaTime> {
        self.frames.front().map(|f| f.pts).or_else(|| self.stage.next_time())
    }

    /// Releases every waiting frame and closes the decoder.
    pub fn close(&mut self, out: &mut Outbox) {
        self.stage.close(out);
        for frame in self.frames.drain(..) {
            out.push(Output::Release(frame.id));
        }
    }

    /// Frame chasing: leaves out what lies before the newest keyframe in reach of `to`; what lies between the two is
    /// decoded and not shown.
    pub fn skip_to(&mut self, to: MediaTime, out: &mut Outbox) {
        self.chase(to);
        self.leave_out(to);
        self.hide_until(to, out);
    }

    /// The clock starts at `to`. What the decoder is at is shown on the way there, as fast as the display shows it.
    pub fn start_at(&mut self, to: MediaTime, out: &mut Outbox) {
        self.chase(to);
        if self.leave_out(to) > 0
            && let Some(first) = self.stage.queue.first_dts()
        {
            self.hide_until(first, out);
        }
    }

    /// Packets before the newest keyframe in reach of `to` are not decoded any more.
    pub fn leave_out(&mut self, to: MediaTime) -> usize {
        let gone = self.stage.queue.skip_to_keyframe(to);
        self.drops.add(DropCause::Skip, gone as u64);
        gone
    }

    /// Lets go of waiting frames and of the decoder; the next keyframe gets a new one.
    pub fn rest(&mut self, out: &mut Outbox) {
        self.close(out);
        self.stage.rest(out);
    }

    /// The decoder is too slow: what lies before the newest keyframe in reach of `playhead` is lost. Where it goes on, if
    /// there is such a keyframe.
    pub fn leave_late(&mut self, playhead: MediaTime) -> Option<MediaTime> {
        let gone = self.stage.queue.skip_to_keyframe(playhead);
        if gone == 0 {
            return None;
        }
        self.drops.add(DropCause::Late, gone as u64);
        // What the decoder still holds is shown, late as it is: it would give nothing else for a while.
        self.stage.queue.first_dts()
    }

    /// Pictures from before a gap would be shown for an instant, behind everything; those on the way to where the
    /// stream goes on, in a rush.
    fn hide_until(&mut self, to: MediaTime, out: &mut Outbox) {
        self.hide_before = Some(to);
        self.drop_before(to, out);
    }

    fn drop_before(&mut self, to: MediaTime, out: &mut Outbox) {
        let hidden = self.frames.partition_point(|f| f.pts < to);
        for frame in self.frames.drain(..hidden).collect::<Vec<_>>() {
            self.drop_frame(frame, out);
        }
    }

    /// The playhead is now at `to`, which the decoder has yet to reach.
    pub fn chase(&mut self, to: MediaTime) {
        self.chase_until = Some(to + CHASE_ROOM);
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn drop_frame(&mut self, frame: FrameInfo, out: &mut Outbox) {
        let chased = self.chase_until.is_some_and(|until| frame.pts < until);
        // A display shows no more of them than that.
        let on_purpose = chased || self.rate > FAST;
        self.drops.add(if on_purpose { DropCause::Skip } else { DropCause::Late }, 1);
        out.push(Output::Release(frame.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::FrameId;

    fn frame(id: u64, ms: i64) -> FrameInfo {
        FrameInfo {
            id: FrameId(id),
            pts: MediaTime::from_millis(ms),
            width: 640,
            height: 360,
            turn: Turn::NONE,
        }
    }

    fn outputs(out: &mut Outbox) -> Vec<Output> {
        out.queue.drain(..).collect()
    }

    #[test]
    fn shows_the_first_frame_at_once_and_then_by_the_playhead() {
        let (mut v, mut out) = (Video::new(Ladder::default()), Outbox::default());
        for (id, ms) in [(1, 1000), (3, 1066), (2, 1033)] {
            v.on_frame(frame(id, ms), Instant(0), &mut out);
        }
        let p = v.present(false, MediaTime(0), Instant(0), &mut out);
        assert!(p.first && p.resized.is_some_and(|frame| (frame.width, frame.height) == (640, 360)));
        assert_eq!(outputs(&mut out), [Output::Render(FrameId(1))]);
        let p = v.present(false, MediaTime::from_millis(1020), Instant(20_000), &mut out);
        assert_eq!(p.pts, None);
        v.present(false, MediaTime::from_millis(1070), Instant(70_000), &mut out);
        assert_eq!(outputs(&mut out), [Output::Release(FrameId(2)), Output::Render(FrameId(3))]);
    }

    #[test]
    fn a_frame_older_than_the_shown_one_is_released() {
        let (mut v, mut out) = (Video::new(Ladder::default()), Outbox::default());
        v.on_frame(frame(1, 1000), Instant(0), &mut out);
        v.present(false, MediaTime(0), Instant(0), &mut out);
        v.on_frame(frame(2, 990), Instant(0), &mut out);
        assert_eq!(outputs(&mut out), [Output::Render(FrameId(1)), Output::Release(FrameId(2))]);
    }

    #[test]
    fn chasing_hands_over_no_faster_than_a_display_shows_and_loses_no_last_frame() {
        let (mut v, mut out) = (Video::new(Ladder::default()), Outbox::default());
        v.on_frame(frame(1, 0), Instant(0), &mut out);
        v.present(false, MediaTime(0), Instant(0), &mut out);
        v.on_frame(frame(2, 33), Instant(1000), &mut out);
        v.present(false, MediaTime::from_millis(500), Instant(1000), &mut out);
        assert_eq!(outputs(&mut out), [Output::Render(FrameId(1))]);
        v.present(false, MediaTime::from_millis(500), Instant(14_000), &mut out);
        assert_eq!(outputs(&mut out), [Output::Render(FrameId(2))]);
    }
}
