//! From one sound to another, while the picture goes on.
//!
//! The other one is loaded beside the present one, from the playhead on, and held until there is enough of it to go on with: until
//! then the present one is played. **Invariant:** the sound that is given ends with a cut at which the other one begins; what
//! cannot be had is told and left, and never leaves silence where there is another one.

use sailcast_media::{MediaKind, Micros};

use super::{
    Hls,
    delivery::Delivery,
    fetch::is_network,
    lane::{Lane, Trouble},
    multivariant::Quality,
    place::Place,
    sounds::Chosen,
    track::{Gate, Kinds},
};
use crate::{
    error::{ErrorCode, SailcastError},
    feed::CutReason,
    io::{Instant, RequestId},
    outbox::Outbox,
    source::fatal,
};

/// With so much behind the playhead the other sound takes over, or with all that there is.
const ENOUGH: Micros = Micros::from_secs(2);
/// Sound from so long before the playhead is given: where that is now is not known exactly.
const BEFORE: Micros = Micros::from_millis(100);
/// For so long a network that fails is tried again.
const PATIENCE: Micros = Micros::from_secs(20);
/// More of what nothing is made of is not received.
const MOST_BYTES: u64 = 64 << 20;
/// The picture waits for its sound to catch up while so much of it is ahead of the playhead, or the sound is so near.
const SPARE: Micros = Micros::from_secs(4);
const NEAR: Micros = Micros::from_secs(1);

#[derive(Default)]
pub struct Voice {
    /// What the viewer chose.
    pub wanted: Option<u8>,
    /// What is given.
    pub playing: Option<u8>,
    /// Those that could not be had since they were chosen last.
    failed: Vec<u8>,
    pub change: Option<SoundChange>,
}

impl Voice {
    pub fn new(wanted: Option<u8>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// What is given is given up.
    pub fn is_lost(&self) -> bool {
        self.playing.is_some_and(|playing| self.failed.contains(&playing))
    }

    /// The request is one of the sound that is to come.
    pub fn owns(&self, id: RequestId) -> bool {
        self.change.as_ref().is_some_and(|change| change.lane.owns(id))
    }

    fn give_up(&mut self, number: u8) {
        self.failed.push(number);
        self.wanted = self.wanted.filter(|wanted| *wanted != number);
    }
}

pub struct SoundChange {
    to: Chosen,
    pub lane: Lane,
    /// What came of it.
    held: Delivery,
    since: Instant,
}

impl SoundChange {
    /// Begins anew, elsewhere.
    pub fn restart(&mut self, out: &mut Outbox) {
        self.lane.stop(out);
        self.lane.cursor = None;
        self.held = Delivery::default();
    }
}

impl Hls {
    /// What comes is held for the sound that is to come, until this is called once more.
    pub(super) fn step_aside(&mut self, is_aside: bool) {
        if let Some(change) = self.voice.change.as_mut().filter(|_| is_aside) {
            std::mem::swap(&mut change.held, &mut self.shared.delivery);
        }
    }

    pub(super) fn pick_sound(&mut self, number: u8, now: Instant, out: &mut Outbox) {
        let sounds = self.qualities.as_ref().map(|qualities| &qualities.sounds);
        if sounds.is_some_and(|sounds| !sounds.has(number)) {
            return;
        }
        self.voice.wanted = Some(number);
        self.voice.failed.retain(|failed| *failed != number);
        self.turn(now, out);
    }

    /// What is heard with a rendition of the picture by whoever wants this one; `None` where there is no choice.
    pub(super) fn sound_with(&self, quality: &Quality, wanted: Option<u8>) -> Option<Chosen> {
        let sounds = self.qualities.as_ref().map(|qualities| &qualities.sounds);
        let sounds = sounds.filter(|sounds| !sounds.is_empty())?;
        let group = quality.sounds.as_deref();
        let chosen = group.and_then(|group| sounds.choose(group, wanted, &self.voice.failed));
        // One without a group brings a sound of its own, whichever that is.
        let own = || Chosen { number: self.voice.playing.unwrap_or_default(), uri: None };
        Some(chosen.unwrap_or_else(own))
    }

    fn sound_now(&self, wanted: Option<u8>) -> Option<Chosen> {
        let list = &self.qualities.as_ref()?.list;
        self.sound_with(list.get(self.current?)?, wanted)
    }

    /// Begins a change, if another sound should be played.
    pub(super) fn choose_sound(&mut self, now: Instant, out: &mut Outbox) {
        let to = self.sound_now(self.voice.wanted);
        let Some(to) = to.filter(|to| Some(to.number) != self.voice.playing) else {
            return self.drop_sound_change(out);
        };
        if self.voice.change.as_ref().is_some_and(|change| change.to == to) {
            return;
        }
        self.drop_sound_change(out);
        let Some(main) = &self.main else { return };
        let uri = to.uri.clone().unwrap_or_else(|| main.follow.url().to_owned());
        let mut lane = self.lane(uri, sound_alone(&to), now);
        self.prepare(&mut lane);
        self.voice.change = Some(SoundChange { to, lane, held: Delivery::default(), since: now });
    }

    fn drop_sound_change(&mut self, out: &mut Outbox) {
        if let Some(change) = self.voice.change.take() {
            self.retire(change.lane, out);
        }
    }

    /// The sound goes on with another rendition of the picture, whose lane has just taken over.
    pub(super) fn switch_sound(&mut self, now: Instant, out: &mut Outbox) {
        let to = self.sound_now(self.voice.playing);
        // In the segments of the picture it goes on where it was: what is missing between is loaded apart from it.
        let apart = self.sound.is_some() || to.as_ref().is_some_and(|to| to.uri.is_some());
        let Some(main) = &mut self.main else { return };
        main.set_kinds(beside(to.as_ref(), apart));
        let uri = to.as_ref().and_then(|to| to.uri.clone()).unwrap_or_else(|| main.follow.url().to_owned());
        if let Some(to) = to.as_ref().filter(|to| self.voice.playing.replace(to.number) != Some(to.number)) {
            let end = self.shared.delivery.end(MediaKind::Audio).or(self.begin).unwrap_or_default();
            self.shared.delivery.cut(end, CutReason::Sound(to.number));
        }
        if let Some(sound) = self.sound.as_mut().filter(|sound| sound.follow.url() == uri) {
            // What it could not do may have been why the picture was left.
            if sound.is_left() {
                sound.resume(now, out);
            }
            return;
        }
        let kinds = to.as_ref().map_or(Kinds { video: false, ..Kinds::ALL }, sound_alone);
        let sound = apart.then(|| self.lane(uri, kinds, now));
        if let Some(old) = std::mem::replace(&mut self.sound, sound) {
            self.retire(old, out);
        }
    }

    /// What came of the other one.
    pub(super) fn settle_sound_change(&mut self, now: Instant, out: &mut Outbox) {
        let from = self.playhead();
        let (Some(change), Some(main)) = (&mut self.voice.change, &self.main) else { return };
        let lane = &mut change.lane;
        lane.news = None;
        if lane.cursor.is_none()
            && let Some(list) = lane.follow.list.as_ref().filter(|_| main.cursor.is_some())
        {
            lane.follow.place = Place::begin(list, main.follow.align(list));
            lane.follow.era = main.follow.era;
            let at = lane.follow.cursor_at(from, &self.shared);
            lane.go_to(at, Gate::default(), out);
        }
        let failure = match (lane.adrift.take(), lane.trouble.take()) {
            (Some(failure), _) | (_, Some(Trouble::Lost(failure))) => {
                if is_network(&failure) && now - change.since < PATIENCE {
                    return lane.resume(now, out);
                }
                failure.error
            }
            (_, Some(Trouble::Piece(failure))) => failure.error,
            (_, Some(Trouble::Fatal(error))) => Some(error),
            _ => {
                let end = change.held.end(MediaKind::Audio);
                let is_enough = |end| end >= from + ENOUGH || end > from && lane.has_caught_up(&self.shared);
                if end.is_some_and(is_enough) {
                    return self.take_over(out);
                }
                let is_barren =
                    end.is_none() && lane.loaded_until().is_some_and(|until| until > from + ENOUGH);
                if !is_barren && lane.bytes < MOST_BYTES {
                    return;
                }
                Some(fatal(ErrorCode::NoMedia, "Nothing of it can be played here.".to_owned()))
            }
        };
        self.fail_sound_change(failure, now, out);
    }

    fn take_over(&mut self, out: &mut Outbox) {
        let from = self.playhead() - BEFORE;
        let Some(SoundChange { to, lane, held, .. }) = self.voice.change.take() else { return };
        self.shared.delivery.take_over(to.number, held, from);
        self.voice.playing = Some(to.number);
        if let Some(main) = &mut self.main {
            main.set_kinds(beside(Some(&to), true));
        }
        if let Some(old) = self.sound.replace(lane) {
            self.retire(old, out);
        }
    }

    pub(super) fn fail_sound_change(&mut self, why: Option<SailcastError>, now: Instant, out: &mut Outbox) {
        let Some(change) = self.voice.change.take() else { return };
        self.voice.give_up(change.to.number);
        self.tell_lost(change.to.number, why);
        self.retire(change.lane, out);
        if !self.voice.is_lost() {
            return;
        }
        // What the present one could not do is tried again there.
        self.voice.failed.retain(|failed| Some(*failed) != self.voice.playing);
        if let Some(sound) = &mut self.sound {
            sound.resume(now, out);
        }
    }

    fn tell_lost(&mut self, number: u8, why: Option<SailcastError>) {
        let label = self.qualities.as_ref().map_or("", |qualities| qualities.sounds.label(number));
        let why = why.map_or(String::new(), |why| why.what);
        let what = format!("The sound \"{label}\" cannot be had. {why}");
        self.shared.delivery.warn(ErrorCode::TrackUnavailable, what.trim_end().to_owned());
    }

    /// Away from a sound that cannot be had any more, if there is another one; the next turn goes there.
    pub(super) fn leave_sound(&mut self, why: Option<&SailcastError>) -> bool {
        let Some(playing) = self.voice.playing else { return false };
        if self.voice.is_lost() {
            return true;
        }
        let wanted = self.voice.wanted;
        self.voice.give_up(playing);
        let has_other = self.sound_now(self.voice.wanted).is_some_and(|to| to.number != playing);
        if !has_other {
            self.voice.failed.retain(|failed| *failed != playing);
            self.voice.wanted = wanted;
            return false;
        }
        if why.is_some() {
            self.tell_lost(playing, why.cloned());
        }
        true
    }

    /// The sound is in the segments of the picture, and is loaded apart from it until both are at the same place.
    pub(super) fn rejoin(&mut self, out: &mut Outbox) {
        let (Some(main), Some(sound)) = (&mut self.main, &mut self.sound) else { return };
        let is_twin = !sound.kinds.messages;
        if is_twin && main.is_between_segments(&self.shared) && sound.is_idle() && main.cursor == sound.cursor
        {
            let kinds = Kinds { video: true, messages: true, ..sound.kinds };
            for lane in [&mut *main, sound] {
                lane.end_segment(&mut self.shared);
            }
            main.set_kinds(kinds);
            if let Some(sound) = self.sound.take() {
                self.retire(sound, out);
            }
        }
    }

    /// Whether picture and sound may load on: they wait for each other where they are to go on as one.
    pub(super) fn may_go_on(&self) -> (bool, bool) {
        let (Some(main), Some(sound)) = (&self.main, &self.sound) else { return (true, true) };
        let (Some(main_end), Some(sound_end)) = (main.loaded_until(), sound.loaded_until()) else {
            return (true, true);
        };
        if sound.kinds.messages {
            return (true, true);
        }
        let can_wait = main_end - self.playhead() > SPARE || main_end - sound_end < NEAR;
        (!(can_wait && main.is_between_segments(&self.shared)), sound.cursor < main.cursor)
    }
}

/// What is played of a sound's lane. That of the picture has told the messages of its own segments.
pub fn sound_alone(to: &Chosen) -> Kinds {
    Kinds { video: false, audio: true, messages: to.uri.is_some(), number: Some(to.number) }
}

/// What is played of the picture's lane.
pub fn beside(to: Option<&Chosen>, has_lane: bool) -> Kinds {
    Kinds { video: true, audio: !has_lane, messages: true, number: to.map(|to| to.number) }
}
