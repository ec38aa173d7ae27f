//! What the lanes brought, and what they cannot decide: pieces that cannot be had, playlists that are lost.

use super::{
    Hls,
    entry::Answer,
    lane::{Arrival, Lane, Trouble},
};
use crate::{
    io::Instant,
    outbox::Outbox,
    retry::{Failure, HEALTHY_AFTER},
};

use super::fetch::is_network;

impl Hls {
    pub(super) fn settle(&mut self, now: Instant, out: &mut Outbox) {
        if self.end.is_some() {
            return;
        }
        if let Some(error) = self.shared.keys.error.take() {
            if self.voice.change.is_none() {
                return self.fail(Some(error), out);
            }
            // Whether it is what is played that needs the key shows when it is asked for again.
            self.fail_sound_change(Some(error), now, out);
        }
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
        if main.is_some() {
            self.works(now);
            if let Some(main) = &self.main {
                self.date_ranges.note(&main.follow, &mut self.shared.delivery);
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
        if let Some(failure) = self.main.as_mut().and_then(|main| main.adrift.take())
            && !self.find_another_address(now, out)
        {
            self.lose(failure, now, out);
        }
        let Some(trouble) = take_trouble(self.main.as_mut()) else { return };
        match trouble {
            Trouble::Lost(failure) => self.lose(failure, now, out),
            Trouble::Piece(error) => {
                // What the viewer chose is left for no single segment.
                let stays = self.wanted.is_some() || !self.escape(now, out);
                if stays && let Some(main) = &mut self.main {
                    main.skip(error, &mut self.shared, out);
                    self.fail_if_fatal(out);
                }
            }
            Trouble::Fatal(error) => self.fail(Some(error), out),
            Trouble::Told => {}
        }
    }

    fn settle_sound(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(failure) = self.sound.as_mut().and_then(|sound| sound.adrift.take()) {
            let leaves = !is_network(&failure) && self.leave_sound(failure.error.as_ref());
            if !leaves {
                self.lose(failure, now, out);
            }
        }
        match take_trouble(self.sound.as_mut()) {
            Some(Trouble::Lost(failure)) => self.lose(failure, now, out),
            Some(Trouble::Piece(error)) => {
                let Some(sound) = &mut self.sound else { return };
                sound.skip(error.clone(), &mut self.shared, out);
                // A single one is left out; with more in a row, another sound is better than none.
                let leaves = sound.is_holed() && self.leave_sound(Some(&error));
                if !leaves {
                    self.fail_if_fatal(out);
                }
            }
            Some(Trouble::Fatal(error)) => {
                if !self.leave_sound(Some(&error)) {
                    self.fail(Some(error), out);
                }
            }
            Some(Trouble::Told) | None => {}
        }
    }

    fn fail_if_fatal(&mut self, out: &mut Outbox) {
        let error = self.lanes().find_map(|lane| match &lane.trouble {
            Some(Trouble::Fatal(error)) => Some(error.clone()),
            _ => None,
        });
        if error.is_some() {
            self.fail(error, out);
        }
    }

    /// The playlist, or the network: another rendition's may be better off, else all is tried again.
    fn lose(&mut self, failure: Failure, now: Instant, out: &mut Outbox) {
        if self.end.is_some() {
            return;
        }
        if !is_network(&failure) && self.escape(now, out) {
            self.wanted = None;
            return;
        }
        self.fruitful_since = None;
        let answer = self.entry.lose(failure, now);
        if let Some(Answer::Over(error)) = answer {
            self.fail(error, out);
        }
    }

    /// The next of the rendition's own addresses, once each until one of them brings something.
    fn find_another_address(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let qualities = self.qualities.as_mut();
        let quality = self.current.and_then(|at| qualities?.list.get_mut(at));
        let (Some(quality), Some(main)) = (quality, &mut self.main) else { return false };
        if quality.uris.len() < 2 || main.moves >= quality.uris.len() {
            return false;
        }
        quality.uris.rotate_left(1);
        main.moves = main.moves.saturating_add(1);
        let Some(uri) = quality.uris.first() else { return false };
        main.follow.relocate(uri.clone(), now, out);
        true
    }
}

fn take_trouble(lane: Option<&mut Lane>) -> Option<Trouble> {
    let lane = lane?;
    let trouble = lane.trouble.take()?;
    lane.trouble = Some(Trouble::Told);
    Some(trouble)
}
