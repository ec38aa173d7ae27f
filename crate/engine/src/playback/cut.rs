//! Where the packets of a source do not go on where the last ones ended.

use sailcast_media::{MediaKind, MediaTime};

use super::Playback;
use crate::{feed::CutReason, io::Instant, outbox::Outbox, quality::DropCause};

impl Playback {
    /// `at`: as the source has it.
    pub(super) fn on_cut(&mut self, at: MediaTime, why: CutReason, now: Instant, out: &mut Outbox) {
        if why == CutReason::Seek
            && let Some(end) = self.end().filter(|_| self.turns.is_asked())
        {
            self.turns.turn(at, end);
            return;
        }
        let at = match self.is_paced() {
            true => self.turns.of_source(at),
            false => self.timeline.place_time(Some(MediaKind::Video), at),
        };
        let at = if let CutReason::Sound(_) = why { self.sound_goes_on_at(at) } else { at };
        self.recording.cut(at, why, now, out);
        match why {
            CutReason::Seek if self.seeks.is_awaiting() => self.arrive(at, now),
            CutReason::Seek => self.begin_at(at, now, out),
            // The decoder goes on up to there, and what it has of the rest already is not shown twice.
            CutReason::Rendition if !self.is_paced() => self.go_on_with_other(at, now),
            CutReason::Rendition => {
                let gone = self.video.stage.queue.cut_from(at);
                self.video.drops.add(DropCause::Skip, gone as u64);
                self.recording.joined(now);
            }
            CutReason::Gap => self.note_hole(at),
            CutReason::Sound(number) => self.change_sound(number, at, now, out),
        }
    }

    /// What the decoder has of the present sound is heard to its end.
    fn sound_goes_on_at(&self, at: MediaTime) -> MediaTime {
        let queue = &self.audio.stage.queue;
        let waits = queue.first_dts().or(queue.edge()).filter(|_| self.sound_runs());
        waits.map_or(at, |waits| waits.max(at))
    }

    fn sound_runs(&self) -> bool {
        self.clock.is_running() && !self.audio.disabled
    }

    /// Another sound goes on at `at`, in place of what waits; while nothing is heard, of what is decoded too.
    fn change_sound(&mut self, number: u8, at: MediaTime, now: Instant, out: &mut Outbox) {
        if !self.sound_runs() {
            self.audio.go_to(now, out);
        }
        self.audio.stage.queue.cut_from(at);
        self.audio_tracks.follow(number);
        self.sound_from = Some(at);
    }

    /// Another definition of a stream goes on from there, in place of what waits of the pictures, and of sound where there is none.
    fn go_on_with_other(&mut self, at: MediaTime, now: Instant) {
        self.repeated = self.video.stage.queue.last_dts();
        let gone = self.video.stage.queue.cut_from(at);
        self.video.drops.add(DropCause::Skip, gone as u64);
        self.timeline.step_back();
        self.video_tracks.joined(now);
        self.audio_tracks.joined(now);
        self.arrival.rebase();
        self.end_before = self.end();
    }

    /// The source begins at the keyframe `at`, to begin elsewhere than at its beginning.
    fn begin_at(&mut self, at: MediaTime, now: Instant, out: &mut Outbox) {
        let start = self.feed.as_ref().and_then(|feed| feed.extent(now).start).unwrap_or(at);
        if !self.clock.has_run() {
            self.video.go_to(start.max(at), out);
            (self.first_video, self.first_keyframe, self.first_sound) = (None, None, None);
        }
    }

    fn note_hole(&mut self, at: MediaTime) {
        self.video.stage.queue.break_reference();
        if let Some(edge) = self.edge().filter(|edge| *edge < at) {
            self.holes.push_back((edge, at));
        }
    }

    /// The playhead has come to where nothing could be had: it goes on behind it, or live where it was.
    pub(super) fn leave_hole(&mut self, now: Instant, out: &mut Outbox) {
        let playhead = self.clock.media(now);
        while let Some((from, to)) = self.holes.front().copied() {
            if playhead < from {
                return;
            }
            self.holes.pop_front();
            if playhead < to {
                let is_left_behind = self.live.follows
                    && self.live_place(now).is_some_and(|place| place - to > self.live.slack());
                return match is_left_behind {
                    true => self.catch_up(playhead, now, out),
                    false => self.skip_ahead(to, now, out),
                };
            }
        }
    }
}
