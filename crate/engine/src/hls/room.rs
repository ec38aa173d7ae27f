//! How far ahead to load: some time before the playhead, no more bytes than memory is worth, both kinds alike.

use sailcast_media::{MediaKind, MediaTime, Micros};

use super::{Hls, lane::Lane};
use crate::{feed::View, io::Instant, outbox::Outbox};

/// Of what is played.
const AHEAD: Micros = Micros::from_secs(30);
const MOST_BYTES: u64 = 64 << 20;
/// One kind waits for the other when it is so much ahead of it.
const BALANCE: Micros = Micros::from_secs(2);
/// How often it is looked whether there is room, where that cannot be known.
const LOOK: Micros = Micros::from_millis(500);
/// How often a piece under way is looked at: it may come too slowly.
const SLOW_LOOK: Micros = Micros::from_millis(250);

impl Hls {
    /// Lets the lanes do what is due, and load where there is room.
    pub(super) fn load(&mut self, now: Instant, out: &mut Outbox) {
        self.room_at = None;
        let ends = [&self.main, &self.sound].map(|lane| lane.as_ref().and_then(loads_until));
        let [main_end, sound_end] = ends;
        // A sound that is left holds nobody back.
        let sound_end = sound_end.filter(|_| !self.voice.is_lost());
        self.rejoin(out);
        let (main_goes_on, sound_goes_on) = self.may_go_on();
        let main_may = self.has_room(&[MediaKind::Video, MediaKind::Audio], main_end, sound_end, now);
        let sound_may = self.has_room(&[MediaKind::Audio], sound_end, main_end, now);
        if let Some(main) = &mut self.main {
            main.advance(main_may && main_goes_on, &mut self.shared, now, out);
        }
        if let Some(sound) = &mut self.sound {
            sound.advance(sound_may && sound_goes_on && !self.voice.is_lost(), &mut self.shared, now, out);
        }
        self.step_aside(true);
        if let Some(change) = &mut self.voice.change {
            change.lane.advance(true, &mut self.shared, now, out);
        }
        self.step_aside(true);
        if let Some(change) = &mut self.change {
            change.lane.advance(false, &mut self.shared, now, out);
        } else if self.levels.len() > 1 && self.main.as_ref().is_some_and(|main| !main.is_idle()) {
            self.look_again(SLOW_LOOK, now);
        }
    }

    /// How much can be ahead of the playhead at most.
    pub(super) fn bound(&self) -> Micros {
        let follow = self.main.as_ref().map(|main| &main.follow);
        let list = follow.and_then(|follow| follow.list.as_ref());
        let target = list.map_or(Micros::ZERO, |list| list.target_duration);
        let hold_back = follow.and_then(|follow| follow.hold_back(&self.shared)).unwrap_or_default();
        AHEAD.max(hold_back + target.scale(2.0))
    }

    /// Up to where both kinds have come.
    pub(super) fn whole(&self) -> Option<MediaTime> {
        let lanes = self.main.iter().chain(&self.sound).filter(|lane| !lane.is_over());
        lanes.map(|lane| lane.loaded_until().unwrap_or(MediaTime(i64::MIN))).min()
    }

    /// The playhead, or where it will begin.
    pub(super) fn playhead(&self) -> MediaTime {
        let playhead = self.view.map_or(MediaTime(i64::MIN), |view| view.playhead);
        self.begin.map_or(playhead, |begin| playhead.max(begin))
    }

    /// For a lane of `kinds` that has loaded up to `end`.
    fn has_room(
        &mut self,
        kinds: &[MediaKind],
        end: Option<MediaTime>,
        other: Option<MediaTime>,
        now: Instant,
    ) -> bool {
        let Some(end) = end else { return false };
        if other.is_some_and(|other| end > other + BALANCE) {
            return false;
        }
        // Behind what could not be had, less is here than lies between.
        let given = kinds.iter().find_map(|kind| self.shared.delivery.end(*kind));
        let Some(given) = given else { return true };
        let over = end.min(given) - self.playhead() - self.bound();
        if over >= Micros::ZERO {
            self.look_again(over, now);
            return false;
        }
        if self.view.is_some_and(|view| view.buffered_bytes >= MOST_BYTES) {
            self.look_again(LOOK, now);
            return false;
        }
        true
    }

    fn look_again(&mut self, over: Micros, now: Instant) {
        let Some(View { rate, .. }) = self.view.filter(|view| view.is_running) else { return };
        let at = now + over.scale(1.0 / rate.max(0.1)).max(Micros::from_millis(50));
        self.room_at = Some(self.room_at.map_or(at, |known| known.min(at)));
    }
}

/// A lane that has all of it holds nobody back.
fn loads_until(lane: &Lane) -> Option<MediaTime> {
    if lane.is_over() { None } else { lane.loaded_until() }
}
