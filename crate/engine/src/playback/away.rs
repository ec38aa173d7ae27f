//! While the viewer or the network is away: a page that cannot be seen, one that is put away, no network at all.

use super::{Phase, Playback};
use crate::{feed::Feed, io::Instant, outbox::Outbox, player::Background};

impl Playback {
    pub fn set_visible(&mut self, visible: bool, now: Instant, out: &mut Outbox) {
        if visible != self.hidden {
            return;
        }
        self.hidden = !visible;
        match (self.background, visible) {
            (Background::Suspend, false) => self.suspend(now, out),
            (Background::Suspend, true) => self.wake(now, out),
            (Background::Audio, true) if self.clock.has_run() => self.look_again(now, out),
            _ => {}
        }
    }

    /// The newest picture at once, and none of those that were missed.
    fn look_again(&mut self, now: Instant, out: &mut Outbox) {
        let playhead = self.clock.media(now);
        if self.clock.is_running() || !self.is_paced() {
            self.video.skip_to(playhead, out);
        } else if self.video.next_media().is_some_and(|next| next <= playhead) {
            self.video.go_on_to(playhead);
        }
    }

    pub fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        if let Some(feed) = &mut self.feed {
            feed.set_online(online, now, out);
        }
    }

    /// Time has passed unnoticed, or the network is another one: is the connection still good?
    pub fn slept(&mut self, now: Instant) {
        if let Some(feed) = &mut self.feed {
            feed.suspect(now);
        }
        self.video.stage.slept(now);
        self.audio.stage.slept(now);
        self.forget_deadlines(now);
    }

    /// What was waited for without a network, or asleep, was not waited for.
    pub(super) fn forget_deadlines(&mut self, now: Instant) {
        if let Some((since, _)) = &mut self.unsupported {
            *since = now;
        }
        if self.first_keyframe.is_none() {
            self.first_video = None;
        }
    }

    /// Lets go of the connection and of the picture's decoder, and keeps the picture.
    pub(super) fn suspend(&mut self, now: Instant, out: &mut Outbox) {
        if self.is_over() || self.is_suspended() {
            return;
        }
        let Some(feed) = &mut self.feed else { return };
        feed.suspend(out);
        if !feed.is_suspended() {
            return;
        }
        if let Phase::Stalled { since } = self.phase
            && !self.paused
        {
            self.stats.stalled += now - since;
        }
        // A pause from before has no clock to go on with: it was stopped for another reason since.
        self.held = false;
        self.forget_deadlines(now);
        if self.phase == Phase::Ended {
            return;
        }
        if self.phase != Phase::Starting {
            self.clock.stop(now);
            self.phase = Phase::Stalled { since: now };
        }
        self.audio.silence(now, out);
        self.video.rest(out);
    }

    pub(super) fn wake(&mut self, now: Instant, out: &mut Outbox) {
        if self.is_put_away() || !self.is_suspended() {
            return;
        }
        if let Some(feed) = &mut self.feed {
            feed.wake(now, out);
        }
        self.forget_deadlines(now);
        if self.is_paced() {
            return self.return_to_place(now, out);
        }
        if let Phase::Stalled { since } = &mut self.phase {
            *since = now;
            self.returning = true;
            self.end_before = self.end();
        }
    }

    /// Hidden, and to do nothing until it is seen.
    pub(super) fn is_put_away(&self) -> bool {
        self.hidden && self.background == Background::Suspend
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.feed.as_ref().is_some_and(Feed::is_suspended)
    }

    /// Nobody can see a picture, and none is to be made.
    pub(super) fn is_unseen(&self) -> bool {
        self.hidden && self.background != Background::Keep
    }
}
