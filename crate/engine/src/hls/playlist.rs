//! One media playlist for as long as it is followed: when to load it again, and what a new version says.
//!
//! **Invariant:** at most one request for it is on its way; where the server holds back its answers there always is one. A version
//! is applied whole or not at all, and an older one from a cache changes nothing.

use sailcast_media::{
    MediaTime, Micros,
    hls::{self, Delta, MediaPlaylist, Playlist, PlaylistError, PlaylistKind, Variables},
};

use super::{
    edge::Edge,
    fetch::{ANSWER_TIMEOUT, failure, final_failure, is_network},
    low_latency::Debt,
    place::Place,
    segment::Cursor,
    shared::Shared,
    text::{Loaded, Text},
    versions::{has, is_older, is_same, last, mend_discontinuities, wanted},
};
use crate::{
    error::ErrorCode,
    io::{Instant, IoEvent, RequestId},
    outbox::Outbox,
    retry::{Failure, Reason},
};

/// Tries of the same address before others are asked.
const TRIES: u32 = 2;
/// A target duration is not believed to be shorter...
const SHORTEST: Micros = Micros::from_millis(500);
/// ...nor longer than so many of the longest segment: nobody would load the playlist again.
const MOST_SEGMENTS: f64 = 4.0;
/// Unchanged for so many target durations, and at least so long: the packager has stopped, or a cache has.
const STALE_TARGETS: f64 = 3.0;
const STALE: Micros = Micros::from_secs(8);
/// The same when it is given up, with nothing left to play: an encoder that restarts is back by then.
const STUCK_TARGETS: f64 = 5.0;
const STUCK: Micros = Micros::from_secs(30);
/// Where answers are held back the next request follows the one before no sooner than after this part of what is waited for: who
/// always has something new is not asked all the time.
const HURRY: f64 = 0.25;
/// Requests without directives after one that was refused for them: what fails for a moment is back by then.
const PLAIN: u32 = 4;
/// A held back answer comes within this many target durations (6.2.5.2).
const BLOCKED_TARGETS: f64 = 3.0;

/// What became of a version.
#[derive(Debug)]
pub enum News {
    /// The first one.
    Began,
    Changed,
    /// The packager began anew: the numbers mean other segments.
    Restarted,
    /// It cannot be had, or has not changed for too long.
    Failed(Failure),
}

#[derive(Debug)]
struct Asked {
    text: Text,
    at: Instant,
    /// What the answer must have, where it was to be held back until then.
    wants: Option<Cursor>,
    /// The address has directives, which a server may refuse.
    is_directed: bool,
}

#[derive(Debug)]
pub struct Follow {
    url: String,
    imported: Variables,
    pub list: Option<MediaPlaylist>,
    /// It came from another address than the present one.
    pub is_of_another: bool,
    pub place: Place,
    /// Where that is was told by another playlist, and nothing of this one has come.
    pub is_guess: bool,
    pub edge: Edge,
    /// How often the packager has begun anew.
    pub era: u32,
    asked: Option<Asked>,
    due: Option<Instant>,
    changed: Instant,
    /// When the version here came, whether it was new or not.
    loaded: Instant,
    failures: u32,
    /// So many requests from here on have no directives.
    plain: u32,
    /// Why one with directives came to nothing: whether that was for them shows without.
    refused: Option<String>,
    /// Of answers that were not held back until there was something new; one that was makes up for all.
    debt: Debt,
    /// The server ends the last line too.
    terminates: bool,
    /// What a report of another playlist says that there is.
    reported: Option<Cursor>,
    /// An earlier media sequence number was seen once: a cache, or a packager that began anew.
    went_back: bool,
    /// What time it was before the packager began anew.
    pub clock_before: Option<(MediaTime, Micros)>,
}

impl Follow {
    pub fn new(url: String, imported: Variables, now: Instant) -> Self {
        Self {
            url,
            imported,
            list: None,
            is_of_another: false,
            place: Place::default(),
            is_guess: false,
            edge: Edge::default(),
            era: 0,
            asked: None,
            due: Some(now),
            changed: now,
            loaded: now,
            failures: 0,
            plain: 0,
            refused: None,
            debt: Debt::default(),
            terminates: false,
            reported: None,
            went_back: false,
            clock_before: None,
        }
    }

    /// The rendition has come so far, another one's playlist says (6.2.5.2).
    pub fn report(&mut self, last_msn: u64, last_part: Option<u64>) {
        let part = last_part.map_or(usize::MAX, |part| usize::try_from(part).unwrap_or(usize::MAX));
        self.reported = Some(Cursor { sequence: last_msn, part });
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Goes on at another address of the same playlist.
    pub fn relocate(&mut self, url: String, now: Instant, out: &mut Outbox) {
        if self.url != url {
            // What has changed since the list here is of no use.
            (self.url, self.is_of_another, self.plain) = (url, true, 1);
        }
        self.reload(now, out);
    }

    /// Loads it as soon as possible, unless it can have changed no more.
    pub fn reload(&mut self, now: Instant, out: &mut Outbox) {
        self.suspend(out);
        self.failures = 0;
        if self.is_of_another || self.list.as_ref().is_none_or(|list| !list.ended) {
            self.due = Some(now);
        }
    }

    /// Lets go of the request until [`Follow::reload`].
    pub fn suspend(&mut self, out: &mut Outbox) {
        if let Some(mut asked) = self.asked.take() {
            asked.text.cancel(out);
        }
        self.due = None;
    }

    /// It is not loaded again until [`Follow::reload`].
    pub fn is_left(&self) -> bool {
        self.asked.is_none() && self.due.is_none() && self.list.as_ref().is_none_or(|list| !list.ended)
    }

    pub fn suspect(&mut self, now: Instant) {
        if let Some(asked) = &mut self.asked {
            asked.text.suspect(now);
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.text.owns(id))
    }

    pub fn advance(&mut self, shared: &mut Shared, now: Instant, out: &mut Outbox) -> Option<News> {
        if self.asked.is_none() && self.due.is_some_and(|due| now >= due) && shared.online {
            self.due = None;
            self.ask(shared, now);
        }
        let end = self.asked.as_mut()?.text.advance(now, out)?;
        self.on_end(end, shared, now)
    }

    pub fn on_io(
        &mut self,
        event: IoEvent,
        shared: &mut Shared,
        now: Instant,
        out: &mut Outbox,
    ) -> Option<News> {
        let end = self.asked.as_mut()?.text.on_io(event, now, out)?;
        self.on_end(end, shared, now)
    }

    pub fn deadline(&self, shared: &Shared) -> Option<Instant> {
        match &self.asked {
            Some(asked) => asked.text.deadline(),
            None => self.due.filter(|_| shared.online),
        }
    }

    /// Takes a version that came from elsewhere.
    pub fn adopt(&mut self, list: MediaPlaylist, shared: &mut Shared, now: Instant) -> Option<News> {
        (self.failures, self.is_of_another) = (0, false);
        let news = self.apply(list, now);
        self.plan(now, now, news.is_some(), shared);
        news
    }

    pub fn is_live(&self) -> bool {
        self.list.as_ref().is_some_and(|list| !list.ended && list.kind != PlaylistKind::Vod)
    }

    fn ask(&mut self, shared: &Shared, now: Instant) {
        let plainly = self.plain > 0;
        self.plain = self.plain.saturating_sub(1);
        let blocking = self.list.as_ref().filter(|list| !plainly && shared.promises.blocks(list));
        let wants = match &self.list {
            None => self.reported.take(),
            Some(_) => blocking.map(|list| wanted(list, shared.promises.has_parts(list))),
        };
        let delta = self.list.as_ref().filter(|_| !plainly).and_then(|list| self.delta(list, shared, now));
        let part = wants.and_then(|wants| u64::try_from(wants.part).ok()).filter(|part| *part < u64::MAX);
        let has_parts = self.list.as_ref().is_none_or(|list| shared.promises.has_parts(list));
        let msn = wants.map(|wants| wants.sequence);
        let url = hls::with_directives(&self.url, msn, part.filter(|_| has_parts), delta);
        let target = self.list.as_ref().map_or(Micros::ZERO, |list| list.target_duration);
        let patience = match wants {
            Some(_) => ANSWER_TIMEOUT.max(target.scale(BLOCKED_TARGETS)),
            None => ANSWER_TIMEOUT,
        };
        let text = Text::new(url, patience, now);
        let is_directed = wants.is_some() || delta.is_some();
        self.asked = Some(Asked { text, at: now, wants: wants.filter(|_| self.list.is_some()), is_directed });
    }

    /// Whether to ask for a delta update: the version here must be young enough (6.2.5.1).
    fn delta(&self, list: &MediaPlaylist, shared: &Shared, now: Instant) -> Option<Delta> {
        let until = list.control.can_skip_until.filter(|_| shared.promises.may_delta())?;
        let is_young = now - self.loaded <= until.scale(0.5);
        list.delta().filter(|_| is_young)
    }

    fn on_end(&mut self, end: Result<Loaded, Failure>, shared: &mut Shared, now: Instant) -> Option<News> {
        let asked = self.asked.take()?;
        let list = match end.and_then(|loaded| self.read(&loaded)) {
            Ok(list) => list,
            Err(failure) => return self.on_failure(failure, &asked, shared, now),
        };
        (self.failures, self.is_of_another) = (0, false);
        let is_kept = asked.wants.is_none_or(|wants| has(&list, wants));
        let Some(list) = self.whole(list) else {
            // Segments that are not here were left out: everything is asked for.
            self.plain = 1;
            self.due = Some(now);
            return None;
        };
        let news = self.apply(list, now);
        if asked.wants.is_some() && is_kept {
            self.debt.forgive_all();
        }
        self.plan(asked.at, now, news.is_some(), shared);
        if let Some(why) = self.refused.take() {
            self.strike(&why, PLAIN, shared);
        }
        if !is_kept {
            self.strike("the server answered before there was anything new", 1, shared);
        }
        if self.plain > 0 {
            self.due = self.due.map(|due| due.max(asked.at + self.pause(shared)));
        }
        news.or_else(|| self.stale(now))
    }

    /// The server broke its word; `plain` requests do without it.
    fn strike(&mut self, why: &str, plain: u32, shared: &mut Shared) {
        self.plain = plain;
        if self.debt.strike() {
            shared.give_up_low_latency(why);
        }
    }

    fn on_failure(
        &mut self,
        failure: Failure,
        asked: &Asked,
        shared: &mut Shared,
        now: Instant,
    ) -> Option<News> {
        self.plain = 1;
        if asked.is_directed && (!is_network(&failure) || failure.reason == Reason::Silent) {
            // Without directives it may be had.
            let what = failure.error.as_ref().map_or("", |error| error.what.as_str());
            self.refused = Some(what.trim_end_matches('.').to_owned());
            self.due = Some(now);
            return None;
        }
        // It was not for the directives.
        self.refused = None;
        self.failures = self.failures.saturating_add(1);
        if self.failures >= TRIES || (failure.final_answer && self.list.is_none()) {
            self.failures = 0;
            return Some(News::Failed(failure));
        }
        self.due = Some(now + shared.backoff.delay(self.failures));
        None
    }

    fn read(&mut self, loaded: &Loaded) -> Result<MediaPlaylist, Failure> {
        match loaded.parse(&self.imported, self.terminates) {
            Ok(Playlist::Media(list)) => {
                self.terminates |= loaded.is_terminated();
                Ok(list)
            }
            Ok(Playlist::Multivariant(_)) => {
                let what = "A playlist of segments was expected, and one of variants came.".to_owned();
                Err(final_failure(Reason::Format, ErrorCode::PlaylistInvalid, what))
            }
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// The whole playlist, where only what has changed came; `None` if it cannot be made.
    fn whole(&self, list: MediaPlaylist) -> Option<MediaPlaylist> {
        if list.skip.is_none() {
            return Some(list);
        }
        list.merge_delta(self.list.as_ref()?).ok()
    }

    /// `None` where nothing is new.
    fn apply(&mut self, mut list: MediaPlaylist, now: Instant) -> Option<News> {
        list.target_duration = believable_target(&list);
        self.loaded = now;
        let Some(old) = &self.list else {
            self.place = Place::begin(&list, self.place.begins());
            self.changed = now;
            self.list = Some(list);
            return Some(News::Began);
        };
        if list.media_sequence < old.media_sequence && last(&list) < last(old) {
            let was_back = std::mem::replace(&mut self.went_back, true);
            if !was_back || is_older(old, &list) {
                return None;
            }
            self.went_back = false;
            self.clock_before = self.wall_clock();
            self.era = self.era.saturating_add(1);
            self.changed = now;
            self.edge.forget();
            self.list = Some(list);
            return Some(News::Restarted);
        }
        self.went_back = false;
        if is_same(old, &list) {
            self.list = Some(list);
            return None;
        }
        mend_discontinuities(old, &mut list);
        self.place.update(&list);
        self.changed = now;
        self.list = Some(list);
        Some(News::Changed)
    }

    /// When to load it next (6.3.4).
    fn plan(&mut self, asked_at: Instant, now: Instant, is_new: bool, shared: &Shared) {
        let Some(list) = &self.list else { return };
        if list.ended || list.kind == PlaylistKind::Vod {
            self.due = None;
            return;
        }
        let target = list.target_duration.max(SHORTEST);
        let parts = list.part_target.filter(|_| shared.promises.has_parts(list));
        if is_new && !self.is_guess {
            self.edge.note(self.place.end(), parts.unwrap_or(target), now);
        }
        self.due = Some(match is_new {
            _ if shared.promises.blocks(list) => asked_at + parts.unwrap_or(target).scale(HURRY),
            true => asked_at + target,
            false => asked_at + target.scale(0.5),
        });
        self.due = self.due.map(|due| due.max(now));
    }

    /// How long a server that broke its word is left alone.
    fn pause(&self, shared: &Shared) -> Micros {
        let Some(list) = &self.list else { return SHORTEST };
        let parts = list.part_target.filter(|_| shared.promises.has_parts(list));
        parts.unwrap_or(list.target_duration.scale(0.5)).max(Micros::from_millis(100))
    }

    /// It has not changed for so long that it will not, if there is nothing left to play.
    pub fn is_stuck(&self, now: Instant) -> bool {
        self.has_stood_for(STUCK_TARGETS, STUCK, now)
    }

    fn has_stood_for(&self, targets: f64, least: Micros, now: Instant) -> bool {
        let live = self.list.as_ref().filter(|_| self.is_live());
        live.is_some_and(|list| now - self.changed >= list.target_duration.scale(targets).max(least))
    }

    fn stale(&self, now: Instant) -> Option<News> {
        if !self.has_stood_for(STALE_TARGETS, STALE, now) {
            return None;
        }
        let seconds = (now - self.changed).0 / 1_000_000;
        let what = format!("The playlist has not changed for {seconds} s.");
        Some(News::Failed(failure(Reason::Silent, ErrorCode::PlaylistStale, what)))
    }
}

/// It is a playlist that does not change.
pub fn is_stale(failure: &Failure) -> bool {
    failure.error.as_ref().is_some_and(|error| error.code == ErrorCode::PlaylistStale)
}

/// The target duration, as far as its segments let it be believed: it is not less than any of them (4.4.3.1).
fn believable_target(list: &MediaPlaylist) -> Micros {
    let longest = list.segments.iter().map(|segment| segment.duration).max().unwrap_or_default();
    match longest > Micros::ZERO {
        true => list.target_duration.clamp(longest, longest.scale(MOST_SEGMENTS).max(SHORTEST)),
        false => list.target_duration,
    }
}

/// Why a text is of no use, as a failure.
pub fn unreadable(error: &PlaylistError) -> Failure {
    match error {
        PlaylistError::NotM3u => {
            let what = "The server sent something else: no playlist.".to_owned();
            final_failure(Reason::Format, ErrorCode::FormatUnrecognised, what)
        }
        error => {
            let what = format!("The playlist cannot be read: {error}.");
            final_failure(Reason::Format, ErrorCode::PlaylistInvalid, what)
        }
    }
}
