//! What the address brought: the lanes of a media playlist or of a multivariant one, and where they begin.

use sailcast_media::{
    MediaKind, MediaTime, Micros,
    hls::{MediaPlaylist, Playlist, Start, Variables},
};

use super::{
    Hls,
    entry::Answer,
    fetch::final_failure,
    fresh,
    lane::{HERE, Lane},
    multivariant::{Qualities, Quality},
    place::Place,
    playlist::unreadable,
    segment::Cursor,
    sound::{beside, sound_alone},
    sounds::Chosen,
    text::Loaded,
    track::{Gate, Kinds},
};
use crate::{abr::Situation, error::ErrorCode, event::Event, io::Instant, outbox::Outbox, retry::Reason};

impl Hls {
    pub(super) fn on_answer(&mut self, answer: Option<Answer>, now: Instant, out: &mut Outbox) {
        match answer {
            Some(Answer::Text(loaded)) => self.on_text(loaded, now, out),
            Some(Answer::GoOn) => self.resume(now, out),
            Some(Answer::Over(error)) => self.fail(error, out),
            None => {}
        }
        for event in self.entry.events.drain(..) {
            self.shared.delivery.tell(event);
        }
    }

    fn resume(&mut self, now: Instant, out: &mut Outbox) {
        self.shared.keys.resume();
        for lane in self.lanes_mut() {
            lane.resume(now, out);
        }
    }

    fn on_text(&mut self, loaded: Loaded, now: Instant, out: &mut Outbox) {
        let failure = match loaded.parse(&Variables::default(), false) {
            Ok(Playlist::Media(list)) => return self.on_media(loaded.asked, list, now, out),
            Ok(Playlist::Multivariant(list)) => {
                let qualities = Qualities::new(list, self.decodable);
                if !qualities.list.is_empty() {
                    return self.on_multivariant(qualities, now, out);
                }
                let what = "The playlist has no variants.".to_owned();
                final_failure(Reason::Format, ErrorCode::PlaylistInvalid, what)
            }
            Err(error) => unreadable(&error),
        };
        let answer = self.entry.reject(failure, now);
        self.on_answer(answer, now, out);
    }

    fn on_media(&mut self, url: String, list: MediaPlaylist, now: Instant, out: &mut Outbox) {
        self.entry.accept();
        (self.qualities, self.current) = (None, None);
        self.levels.clear();
        self.let_changes_go(out);
        if let Some(sound) = self.sound.take() {
            self.retire(sound, out);
        }
        self.voice.playing = None;
        let main = Lane::new(url, Variables::default(), Kinds::ALL, now);
        move_to(&mut self.main, Some(main), now, out);
        self.resume(now, out);
        if let Some(main) = &mut self.main {
            main.kinds = Kinds::ALL;
            if let Some(news) = main.follow.adopt(list, &mut self.shared, now) {
                main.on_news(news);
            }
        }
        self.settle(now, out);
    }

    fn on_multivariant(&mut self, qualities: Qualities, now: Instant, out: &mut Outbox) {
        self.entry.accept();
        let is_same = self.levels.len() == qualities.list.len();
        self.levels = qualities.levels();
        if !is_same || self.qualities.is_none() {
            self.excluded = vec![None; self.levels.len()];
            self.shared.delivery.tell(Event::Renditions(qualities.infos()));
            qualities.sounds.infos().for_each(|info| self.shared.delivery.tell(Event::Sound(info)));
        }
        let wanted = self.wanted.filter(|wanted| *wanted < self.levels.len());
        let current = self.current.filter(|_| is_same && self.main.is_some());
        let at = current
            .or(wanted)
            .or_else(|| self.abr.choose(&self.levels, &first_situation(self.viewport), now));
        let at = at.unwrap_or(0);
        let Some(quality) = qualities.list.get(at).cloned() else { return };
        self.current = Some(at);
        self.qualities = Some(qualities);
        self.let_changes_go(out);
        let preferred = self.voice.playing.or(self.voice.wanted);
        let to = self.sound_with(&quality, preferred);
        let (main, sound) = self.lanes_for(&quality, to.as_ref(), now);
        move_to(&mut self.main, Some(main), now, out);
        move_to(&mut self.sound, sound, now, out);
        self.voice.playing = to.map(|to| to.number);
        self.resume(now, out);
    }

    /// The lanes of a rendition: the picture's, and that of its sound where it has one.
    fn lanes_for(&self, quality: &Quality, to: Option<&Chosen>, now: Instant) -> (Lane, Option<Lane>) {
        let apart = to.and_then(|to| Some((to.uri.clone()?, sound_alone(to))));
        let url = quality.uris.first().cloned().unwrap_or_default();
        let main = self.lane(url, beside(to, apart.is_some()), now);
        (main, apart.map(|(url, kinds)| self.lane(url, kinds, now)))
    }

    /// One of a multivariant playlist.
    pub(super) fn lane(&self, url: String, kinds: Kinds, now: Instant) -> Lane {
        let variables = self.qualities.as_ref().map(|qualities| qualities.variables.clone());
        Lane::new(url, variables.unwrap_or_default(), kinds, now)
    }

    /// The main playlist is here: where to begin.
    pub(super) fn begin_main(&mut self, out: &mut Outbox) {
        let Some(main) = &mut self.main else { return };
        let Some(list) = &main.follow.list else { return };
        let of_all = self.qualities.as_ref().and_then(|qualities| qualities.start);
        let (begins, end) = (main.follow.place.begins(), main.follow.place.end());
        let live = main.follow.hold_back(&self.shared).map(|hold_back| end - hold_back);
        let told = list.start.or(of_all).map(|start| told_start(start, begins, end));
        let time = self.asked.or(told).or(live).unwrap_or(begins).min(end).max(begins);
        self.begin = Some(time);
        let rendition = self.current.and_then(|at| u32::try_from(at).ok());
        let rendition = rendition.map(|id| (id, self.wanted.is_none()));
        main.go_to(main.follow.cursor_at(time, &self.shared), Gate { rendition, ..fresh() }, out);
    }

    /// The playlist of the sound is here, and that of the picture: where it begins.
    pub(super) fn begin_sound(&mut self, out: &mut Outbox) {
        let (Some(main), Some(sound)) = (&self.main, &mut self.sound) else { return };
        let Some(list) = sound.follow.list.as_ref().filter(|_| main.cursor.is_some()) else { return };
        sound.follow.place = Place::begin(list, main.follow.align(list));
        (sound.follow.is_guess, sound.follow.era) = (true, main.follow.era);
        let here = self.shared.delivery.end(MediaKind::Audio);
        let time = here.or(self.begin).unwrap_or_default();
        let gate = Gate { sound_from: here.and(HERE), ..Gate::default() };
        let at = match here {
            Some(end) => sound.follow.cursor_after(end, &self.shared),
            None => sound.follow.cursor_at(time, &self.shared),
        };
        sound.go_to(Cursor { part: if here.is_some() { 0 } else { at.part }, ..at }, gate, out);
        sound.sought = Some(here.unwrap_or(time));
    }
}

fn told_start(start: Start, begins: MediaTime, end: MediaTime) -> MediaTime {
    if start.offset < Micros::ZERO { end + start.offset } else { begins + start.offset }
}

/// Nothing is known yet.
fn first_situation(viewport: Option<(u32, u32)>) -> Situation {
    Situation {
        current: None,
        buffered: Micros::ZERO,
        attainable: Micros::ZERO,
        rate: 1.0,
        viewport,
        is_degraded: false,
        next: Micros::ZERO,
    }
}

/// A lane that there is goes on at the other one's address.
fn move_to(lane: &mut Option<Lane>, other: Option<Lane>, now: Instant, out: &mut Outbox) {
    match (&mut *lane, other) {
        (Some(lane), Some(other)) => lane.move_to(other.follow.url().to_owned(), now, out),
        (None, Some(other)) => *lane = Some(other),
        (_, None) => {}
    }
}
