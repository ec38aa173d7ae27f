//! From one track to another, and what becomes of a kind of which none can be played.

use sailcast_media::{MediaKind, TrackId, TrackInfo};

use super::Playback;
use crate::{
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{Instant, Output},
    outbox::Outbox,
    source::fatal,
    tracks::Tracks,
};

impl Playback {
    pub(super) fn tracks(&mut self, kind: MediaKind) -> &mut Tracks {
        match kind {
            MediaKind::Video => &mut self.video_tracks,
            MediaKind::Audio => &mut self.audio_tracks,
        }
    }

    /// The page wants this one: a source that gives one sound of several is told.
    pub(super) fn select_track(&mut self, id: TrackId, now: Instant, out: &mut Outbox) {
        self.tracks(id.kind).select(id.number);
        if let Some(feed) = self.feed.as_mut().filter(|_| id.kind == MediaKind::Audio) {
            feed.select_sound(id.number, now, out);
        }
    }

    pub(super) fn on_track(&mut self, track: TrackInfo, now: Instant, out: &mut Outbox) {
        if !self.is_paced() {
            self.seeks.forget();
            self.tell_source(true, out);
        }
        let kind = track.kind();
        let playable = match kind {
            // Where there are others, it is left when its turn comes.
            MediaKind::Video => self.video.stage.can_decode(&track.config) || self.leave(&track, now, out),
            MediaKind::Audio => self.audio.stage.can_decode(&track.config),
        };
        // Another connection of the same stream says it again.
        if !self.tracks(kind).announce(&track, playable, now) {
            return;
        }
        out.push(Output::Event(Event::Track(track.clone())));
        let is_playing = self.tracks(kind).is_playing(track.id.number);
        if !playable {
            let codec = &track.config.codec_string;
            let what = format!("There is no decoder for the {} track in {codec}.", kind.as_str());
            let error = fatal(ErrorCode::CodecUnsupported, what);
            return match is_playing {
                true => self.lose_track(kind, error, now, out),
                false if self.refuse(track.id, now, out) => self.warn(error, out),
                false => self.cannot_play(error, now, out),
            };
        }
        if let Some((_, error)) = self.unsupported.take() {
            self.warnings.raise(SailcastError { fatal: false, ..error }, now, out);
        }
        if is_playing {
            self.push_config(track);
        } else if let Some(first) = self.tracks(kind).begin() {
            self.switch(first, out);
        }
    }

    /// From here on this track is played.
    pub(super) fn switch(&mut self, track: TrackInfo, out: &mut Outbox) {
        out.push(Output::Event(Event::TrackSelected(track.clone())));
        self.push_config(track);
    }

    fn push_config(&mut self, track: TrackInfo) {
        self.recording.config(&track);
        match track.kind() {
            MediaKind::Video => {
                self.video.enable();
                self.video.stage.push_config(track);
            }
            MediaKind::Audio => {
                self.audio.enable();
                self.audio.stage.push_config(track);
            }
        }
    }

    /// What is played of this kind cannot be decoded: another track, or the other kind, goes on.
    pub(super) fn lose_track(
        &mut self,
        kind: MediaKind,
        error: SailcastError,
        now: Instant,
        out: &mut Outbox,
    ) {
        let pictures = self.video.stage.config().filter(|_| kind == MediaKind::Video).cloned();
        if pictures.is_some_and(|pictures| self.leave(&pictures, now, out)) {
            self.video.leave_config(out);
            return self.warn(error, out);
        }
        match kind {
            MediaKind::Video => {
                self.video.disable(out);
                self.first_video = None;
                self.barren.clear();
            }
            MediaKind::Audio => {
                self.audio.disable(now, out);
                self.clock.forget_sound();
            }
        }
        let other = self.tracks(kind).fail();
        let other = self.tracks(kind).played().is_some_and(|lost| self.refuse(lost, now, out)) || other;
        match other {
            true => self.warn(error, out),
            false => self.cannot_play(error, now, out),
        }
    }

    /// The source has pictures for which there is a decoder, and they come.
    fn leave(&mut self, pictures: &TrackInfo, now: Instant, out: &mut Outbox) -> bool {
        self.feed.as_mut().is_some_and(|feed| feed.leave(pictures, now, out))
    }

    fn warn(&self, error: SailcastError, out: &mut Outbox) {
        out.push(Output::Event(Event::Error(SailcastError { fatal: false, ..error })));
    }

    /// A source that gives one sound of several is told that this one cannot be played. Whether it gives another one.
    fn refuse(&mut self, id: TrackId, now: Instant, out: &mut Outbox) -> bool {
        let feed = self.feed.as_mut().filter(|_| id.kind == MediaKind::Audio);
        feed.is_some_and(|feed| feed.refuse_sound(id.number, now, out))
    }

    /// A kind cannot be played. Nothing else yet: perhaps it comes.
    pub(super) fn cannot_play(&mut self, error: SailcastError, now: Instant, out: &mut Outbox) {
        let video = !self.video.disabled && (self.video.stage.is_known() || self.first_video.is_some());
        let audio = !self.audio.disabled && self.audio.stage.is_known();
        if video || audio {
            self.warnings.raise(SailcastError { fatal: false, ..error }, now, out);
            return;
        }
        // Counted from the first data: what has not come by now will hardly come.
        self.unsupported.get_or_insert((self.arrival.first().unwrap_or(now), error));
    }
}
