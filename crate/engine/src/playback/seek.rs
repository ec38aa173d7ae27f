//! To another place of a paced source: on through what is here, or away to what has to be asked for.
//!
//! **Invariant:** one seek is under way at a time. One that comes meanwhile waits a moment for the picture of the one before, so that
//! who drags along the timeline sees where he is; of several that wait the last one counts.

use sailcast_media::{MediaKind, MediaTime, Micros, Packet};

use super::{Phase, Playback};
use crate::{
    cues::Cues,
    event::Event,
    feed::{CutReason, Going},
    io::{Instant, Output},
    outbox::Outbox,
};

/// So long the next seek waits for the picture of the one before.
const HURRY: Micros = Micros::from_millis(250);
/// Sound that ends so long before the place is not kept.
const SOUND_BEFORE: Micros = Micros::from_millis(100);

#[derive(Clone, Copy, Debug)]
struct Seek {
    to: MediaTime,
    exact: bool,
    begun: Instant,
    /// The source has yet to come to the place.
    awaiting: bool,
    /// The page was told of it.
    told: bool,
}

#[derive(Debug, Default)]
pub(super) struct Seeks {
    present: Option<Seek>,
    next: Option<(MediaTime, bool)>,
}

impl Seeks {
    pub fn is_under_way(&self) -> bool {
        self.present.is_some()
    }

    pub fn is_awaiting(&self) -> bool {
        self.present.is_some_and(|seek| seek.awaiting)
    }

    /// It is a stream, which has one place.
    pub fn forget(&mut self) {
        self.next = None;
    }

    /// When a seek that waits does so no longer.
    pub fn deadline(&self) -> Option<Instant> {
        self.present.filter(|_| self.next.is_some()).map(|seek| seek.begun + HURRY)
    }
}

impl Playback {
    /// Where the page wants to be, in its own time.
    pub(super) fn wanted(&self) -> Option<MediaTime> {
        let present = self.seeks.present.map(|seek| self.turns.page(seek.to));
        self.seeks.next.map(|(to, _)| to).or(present)
    }

    pub(super) fn seek(&mut self, to: MediaTime, exact: bool, now: Instant, out: &mut Outbox) {
        if self.is_over() {
            return;
        }
        if !self.is_paced() {
            // It may turn out to be a file.
            self.seeks.next = Some((to, exact)).filter(|_| self.end().is_none());
            return;
        }
        let to = self.within(to, now);
        out.push(Output::Event(Event::Seeking(to)));
        let hurries = self.seeks.present.is_some_and(|seek| seek.told && now - seek.begun < HURRY);
        if hurries && !self.is_unseen() {
            self.seeks.next = Some((to, exact));
        } else {
            self.go(to, exact, true, now, out);
        }
    }

    /// The next seek has waited long enough, or was asked for before it was known that there is a place to go to.
    pub(super) fn go_on_seeking(&mut self, now: Instant, out: &mut Outbox) {
        if self.seeks.deadline().is_some_and(|at| now < at) {
            return;
        }
        let is_first = self.seeks.present.is_none();
        let Some((to, exact)) = self.seeks.next.take() else { return };
        match is_first {
            true => self.seek(to, exact, now, out),
            false => self.go(to, exact, true, now, out),
        }
    }

    /// The ends are known from now on: what was wanted beyond them is wanted there.
    pub(super) fn stay_within(&mut self, now: Instant, out: &mut Outbox) {
        let Some(to) = self.wanted() else { return };
        let place = self.within(to, now);
        if place != to {
            self.go(place, true, true, now, out);
        }
    }

    /// Between the ends; at the live edge as far behind it as is aimed for.
    pub(super) fn within(&self, to: MediaTime, now: Instant) -> MediaTime {
        let Some((begin, end)) = self.extent.seekable else { return to.max(MediaTime(0)) };
        let end = self.live_place(now).map_or(end, |place| place.min(end));
        to.min(end).max(begin)
    }

    /// `to` in the page's time. `told`: the page wants it, and may find all that it needs here.
    pub(super) fn go(&mut self, to: MediaTime, exact: bool, told: bool, now: Instant, out: &mut Outbox) {
        // What waited is older than this.
        self.seeks.next = None;
        let nearest = if exact { None } else { self.nearest_keyframe(to, now) };
        let (to, exact) = (nearest.unwrap_or(to), exact || nearest.is_some());
        let here = self.turns.here(to, self.playhead(now));
        let is_here = self.is_here(here, now) && told;
        let going = match &mut self.feed {
            Some(feed) if !is_here => feed.seek(to, exact, now, out),
            _ => Going::Begins,
        };
        if going == Going::Nowhere {
            self.seeks.present = None;
            let position = self.turns.page(self.playhead(now));
            return out.push(Output::Event(Event::Seeked(position)));
        }
        if !is_here {
            self.turns.leave();
        }
        let to = if is_here { here } else { self.turns.of_source(to) };
        self.seeks.present = Some(Seek { to, exact, begun: now, awaiting: going == Going::There, told });
        self.held = false;
        if let Phase::Stalled { since } = self.phase
            && !self.paused
        {
            self.stats.stalled += now - since;
        }
        if self.phase != Phase::Starting {
            self.phase = Phase::Seeking;
        }
        self.clock.place(to, now);
        self.live.follows = self.live_place(now).is_some_and(|place| place - to <= self.live.slack());
        self.arrival.begin_anew();
        match is_here {
            true => {
                self.arrival.begin(now);
                self.video.go_on_to(to);
                self.recording.skip_to(to, now);
                self.audio.skip_to(to, now, out);
                self.cues.forget_before(to);
            }
            false => self.leave_place(to, now, out),
        }
        self.barren.clear();
        // Of a file the place may be known at once.
        self.demux(now, out);
        // While paused nothing else may be due that would ask for it.
        self.advance_feed(now, out);
    }

    /// What is here is of another place.
    pub(super) fn leave_place(&mut self, to: MediaTime, now: Instant, out: &mut Outbox) {
        self.video.go_to(to, out);
        self.audio.go_to(now, out);
        self.clock.forget_sound();
        self.recording.cut(to, CutReason::Seek, now, out);
        self.cues = Cues::default();
        self.renditions.skip();
        self.sei.clear();
        self.holes.clear();
        (self.first_video, self.first_keyframe, self.first_sound) = (None, None, None);
        self.apart = false;
    }

    /// All up to `to` waits here: decoding goes on to there.
    fn is_here(&self, to: MediaTime, now: Instant) -> bool {
        let from = self.playhead(now);
        let reached = match self.has_ended() {
            true => self.end().is_some_and(|end| to <= end),
            false => self.edge().is_some_and(|edge| to < edge),
        };
        let is_ready = self.phase != Phase::Ended && !self.seeks.is_under_way() && self.holes.is_empty();
        is_ready && to >= from && reached && !self.is_unseen()
    }

    fn nearest_keyframe(&self, to: MediaTime, now: Instant) -> Option<MediaTime> {
        let around = self.feed.as_ref().map_or((None, None), |feed| feed.keyframes_around(to));
        let (before, behind) = match around {
            (None, None) => return self.nearest_waiting(to, now),
            around => around,
        };
        nearer(before, behind, to).or(before)
    }

    /// The same of what waits here.
    fn nearest_waiting(&self, to: MediaTime, now: Instant) -> Option<MediaTime> {
        let here = self.turns.here(to, self.playhead(now));
        let (before, behind) = self.video.stage.queue.keyframes_around(here);
        nearer(before, behind, here).map(|at| self.turns.page(at))
    }

    /// What a source gives before it has come to the place, and sound from before it.
    pub(super) fn is_unwanted(&self, packet: &Packet) -> bool {
        let Some(seek) = &self.seeks.present else { return false };
        let is_sound = packet.track.kind == MediaKind::Audio;
        seek.awaiting || is_sound && seek.exact && packet.pts < seek.to - SOUND_BEFORE
    }

    /// The source has come to the place.
    pub(super) fn arrive(&mut self, at: MediaTime, now: Instant) {
        let Some(seek) = &mut self.seeks.present else { return };
        seek.awaiting = false;
        if !seek.exact {
            seek.to = at;
            self.clock.place(at, now);
            self.video.land_at(at);
        }
    }

    /// The first keyframe of a place that is not exact is the place.
    pub(super) fn land_on_keyframe(&mut self, pts: MediaTime, now: Instant) {
        if let Some(seek) = self.seeks.present.as_mut().filter(|seek| !seek.exact) {
            (seek.to, seek.exact) = (pts, true);
            self.clock.place(pts, now);
            self.video.land_at(pts);
        }
    }

    /// The picture of the place stands, or its sound is here where there is none.
    pub(super) fn finish_seek(&mut self, now: Instant, out: &mut Outbox) {
        let Some(seek) = self.seeks.present.filter(|seek| !seek.awaiting) else { return };
        let has_pictures = self.video.stage.is_known() && !self.video.disabled && !self.is_unseen();
        let is_ready = match has_pictures {
            true => self.video.stands() || self.picture_late().is_some_and(|at| now >= at),
            false => self.edge().is_some_and(|edge| edge > seek.to) || self.has_ended(),
        };
        if !is_ready {
            return;
        }
        self.seeks.present = None;
        if let Some((to, exact)) = self.seeks.next.take() {
            return self.go(to, exact, true, now, out);
        }
        if self.paused && self.phase == Phase::Seeking {
            self.phase = Phase::Stalled { since: now };
        }
        if seek.told {
            out.push(Output::Event(Event::Seeked(self.turns.page(seek.to))));
        }
    }
}

/// Only between two that are known it is known which one is nearer.
fn nearer(before: Option<MediaTime>, behind: Option<MediaTime>, to: MediaTime) -> Option<MediaTime> {
    let (before, behind) = before.zip(behind)?;
    Some(if to - before <= behind - to { before } else { behind })
}
