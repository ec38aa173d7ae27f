//! What the lanes brought, and what they cannot decide: pieces that cannot be had, playlists that are lost.

use sailcast_media::Micros;

use super::{
    Hls,
    entry::Answer,
    fetch::is_network,
    lane::{Arrival, Lane, Trouble},
    playlist::is_stale,
};
use crate::{
    io::Instant,
    outbox::Outbox,
    retry::{Failure, HEALTHY_AFTER},
};

/// Of a playlist that stands still: with no more than this left another one is looked for, and without any it is over.
const LITTLE: Micros = Micros::from_secs(4);
const DRY: Micros = Micros::from_millis(500);

impl Hls {
    pub(super) fn settle(&mut self, now: Instant, out: &mut Outbox) {
        if self.end.is_some() {
            return;
        }
        self.entry.has_played = self.shared.delivery.has_given();
        self.settle_news(now, out);
        self.settle_transfers(now);
        self.settle_main(now, out);
        self.settle_sound(now, out);
        self.settle_change(now, out);
        self.settle_sound_change(now, out);
        for event in self.entry.events.drain(..) {
            self.shared.delivery.tell(event);
        }
    }

    fn settle_news(&mut self, now: Instant, out: &mut Outbox) {
        let main = self.main.as_mut().and_then(|main| main.news.take());
        match main {
            Some(Arrival::First) => self.begin_main(out),
            Some(Arrival::Restart) => {
                if let Some(main) = &mut self.main {
                    main.begin_anew(&self.shared, out);
                }
            }
            _ => {}
        }
        if main.is_some()
            && let Some(main) = &self.main
        {
            self.date_ranges.note(&main.follow, &mut self.shared.delivery);
            // Of a playlist alone nobody sees anything.
            if main.is_idle() {
                self.works(now);
            }
        }
        let is_waiting = self.sound.as_ref().is_some_and(|sound| sound.cursor.is_none());
        match self.sound.as_mut().and_then(|sound| sound.news.take()) {
            Some(Arrival::Restart) => {
                if let Some(sound) = &mut self.sound {
                    sound.begin_anew(&self.shared, out);
                }
            }
            _ if is_waiting => self.begin_sound(out),
            _ => {}
        }
    }

    fn settle_transfers(&mut self, now: Instant) {
        if self.main.as_ref().is_some_and(|main| !main.transfers.is_empty()) {
            self.works(now);
        }
        let transfers: Vec<_> = self.lanes_mut().flat_map(|lane| lane.transfers.drain(..)).collect();
        for transfer in transfers {
            self.abr.on_transfer(&transfer);
        }
    }

    /// Something of the stream came.
    fn works(&mut self, now: Instant) {
        self.entry.works();
        let since = *self.fruitful_since.get_or_insert(now);
        if now - since >= HEALTHY_AFTER {
            self.entry.healthy();
        }
    }

    fn settle_main(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(failure) = self.main.as_mut().and_then(|main| main.adrift.take()) {
            self.lose_main(failure, now, out);
        }
        let Some(trouble) = take_trouble(self.main.as_mut()) else { return };
        match trouble {
            Trouble::Lost(failure) => self.lose_main(failure, now, out),
            Trouble::Piece(failure) => {
                // What the viewer chose is left for no single segment.
                if self.find_another_address(now, out) || self.wanted.is_none() && self.escape(now, out) {
                    return;
                }
                let shared = &mut self.shared;
                let left = self.main.as_mut().and_then(|main| main.skip(failure, shared, out));
                if let Some(failure) = left {
                    self.lose(failure, now, out);
                }
            }
            Trouble::Fatal(error) => self.fail(Some(error), out),
            Trouble::Told | Trouble::Moving => {}
        }
    }

    fn settle_sound(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(failure) = self.sound.as_mut().and_then(|sound| sound.adrift.take()) {
            let leaves = !is_network(&failure) && self.leave_sound(failure.error.as_ref());
            if !leaves {
                self.try_again(failure, now, out);
            }
        }
        let Some(trouble) = take_trouble(self.sound.as_mut()) else { return };
        match trouble {
            Trouble::Lost(failure) => self.try_again(failure, now, out),
            Trouble::Piece(failure) => {
                let Some(sound) = &mut self.sound else { return };
                let error = failure.error.clone();
                let left = sound.skip(failure, &mut self.shared, out);
                // A single one is left out; with more in a row, another sound is better than none.
                let leaves = sound.is_holed() && self.leave_sound(error.as_ref());
                if let Some(failure) = left.filter(|_| !leaves) {
                    self.try_again(failure, now, out);
                }
            }
            Trouble::Fatal(error) => {
                if !self.leave_sound(Some(&error)) {
                    self.fail(Some(error), out);
                }
            }
            Trouble::Told | Trouble::Moving => {}
        }
    }

    fn lose_main(&mut self, failure: Failure, now: Instant, out: &mut Outbox) {
        if !self.find_another_address(now, out) {
            self.lose(failure, now, out);
        }
    }

    /// The playlist, the network, a key or too many segments: another rendition's may be better off, else all is tried again.
    fn lose(&mut self, failure: Failure, now: Instant, out: &mut Outbox) {
        if self.end.is_none() && !is_network(&failure) && self.escape(now, out) {
            self.wanted = None;
            return;
        }
        self.try_again(failure, now, out);
    }

    /// With the next line, or the same after a while: all of it.
    fn try_again(&mut self, failure: Failure, now: Instant, out: &mut Outbox) {
        if self.end.is_some() {
            return;
        }
        if is_stale(&failure) {
            let left = self.left_to_play();
            // What is listed can be played, and may be more by then.
            if left > LITTLE {
                return;
            }
            let is_stuck = self.lanes().any(|lane| lane.follow.is_stuck(now));
            if is_stuck && (left <= DRY || self.view.is_some_and(|view| view.is_waiting)) {
                return self.fail(failure.error, out);
            }
        }
        self.fruitful_since = None;
        let answer = self.entry.lose(failure, now);
        if let Some(Answer::Over(error)) = answer {
            self.fail(error, out);
        }
    }

    /// How much of what the playlists list lies before the playhead.
    fn left_to_play(&self) -> Micros {
        let ends = self.main.iter().chain(&self.sound).map(|lane| lane.follow.place.end());
        ends.min().map_or(Micros::ZERO, |end| end - self.playhead())
    }

    /// The next of the rendition's own addresses, once each until one of them brings a piece.
    fn find_another_address(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let qualities = self.qualities.as_mut();
        let quality = self.current.and_then(|at| qualities?.list.get_mut(at));
        let (Some(quality), Some(main)) = (quality, &mut self.main) else { return false };
        main.moves = main.moves.saturating_add(1);
        if main.moves >= quality.uris.len() {
            return false;
        }
        quality.uris.rotate_left(1);
        let Some(uri) = quality.uris.first() else { return false };
        main.move_to(uri.clone(), now, out);
        true
    }
}

fn take_trouble(lane: Option<&mut Lane>) -> Option<Trouble> {
    match &mut lane?.trouble {
        None | Some(Trouble::Moving) => None,
        trouble => trouble.replace(Trouble::Told),
    }
}
