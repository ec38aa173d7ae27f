//! One media playlist, what of it comes next, and its demuxer: the picture with or without its sound, or sound of its own.
//!
//! **Invariant:** one piece at a time, in order; nothing is fetched twice that is here. Whether there is room for more is decided
//! outside, and so is what to do when something cannot be had: a lane in trouble waits.

mod arrive;
mod piece;

use bytes::Bytes;
use sailcast_media::{MediaKind, MediaTime, Micros, hls::Variables};

use super::{
    body::Body,
    init::Init,
    playlist::{Follow, News},
    segment::{Cursor, Next, Piece, PieceKind},
    shared::Shared,
    track::{Gate, Kinds, Run},
};
use crate::{
    abr::{Progress, Transfer},
    error::{ErrorCode, SailcastError},
    feed::CutReason,
    io::{Instant, IoEvent, RequestId},
    outbox::Outbox,
    retry::Failure,
};

/// Pieces in a row that are left out because the server does not have them, and because it fails to give them: that may pass.
const MOST_MISSING: u32 = 4;
const MOST_FAILED: u32 = 1;

/// What a lane cannot decide.
#[derive(Debug)]
pub enum Trouble {
    /// The address, the network or a key fails.
    Lost(Failure),
    /// A piece cannot be had.
    Piece(Failure),
    Fatal(SailcastError),
    /// Somebody is on it.
    Told,
    /// It is to come from another address, whose list is not here yet.
    Moving,
}

#[derive(Debug)]
struct Loading {
    piece: Piece,
    body: Body,
    /// What came before its initialization section.
    held: Vec<Bytes>,
    /// What came of it before it was known where it begins, if that is a guess.
    head: Vec<Bytes>,
    /// The body is here.
    is_complete: bool,
    /// The playlist has the part that was hinted at.
    is_listed: bool,
}

pub struct Lane {
    pub kinds: Kinds,
    pub follow: Follow,
    pub cursor: Option<Cursor>,
    loading: Option<Loading>,
    init: Init,
    run: Option<Run>,
    /// How the next run begins; without one the present run goes on.
    gate: Option<Gate>,
    /// What came last.
    last: Option<Piece>,
    /// A resource of parts, of which everything before this offset is here.
    covered: Option<(String, u64)>,
    /// A hint that came to nothing.
    refused: Option<Cursor>,
    /// A segment whose parts cannot be had.
    whole: Option<u64>,
    skipped: u32,
    /// Where it is to go on, as long as it is a guess which segment has that.
    pub sought: Option<MediaTime>,
    /// How much has come of which nothing can be played.
    barren: Micros,
    pub trouble: Option<Trouble>,
    /// What was received since it was asked last.
    pub transfers: Vec<Transfer>,
    pub bytes: u64,
    /// The playlist cannot be had; what it has listed still can.
    pub adrift: Option<Failure>,
    /// What the playlist brought since it was asked last.
    pub news: Option<Arrival>,
    /// Addresses that have failed since one of them brought a piece.
    pub moves: usize,
}

/// What a playlist brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    First,
    More,
    /// The numbering began anew.
    Restart,
}

impl Lane {
    pub fn new(url: String, imported: Variables, kinds: Kinds, now: Instant) -> Self {
        Self {
            kinds,
            follow: Follow::new(url, imported, now),
            cursor: None,
            loading: None,
            init: Init::default(),
            run: None,
            gate: Some(Gate { keyframe: true, ..Gate::default() }),
            last: None,
            covered: None,
            refused: None,
            whole: None,
            skipped: 0,
            sought: None,
            barren: Micros::ZERO,
            trouble: None,
            transfers: Vec::new(),
            bytes: 0,
            adrift: None,
            news: None,
            moves: 0,
        }
    }

    /// Goes on at `at`; what was under way is let go of.
    pub fn go_to(&mut self, at: Cursor, gate: Gate, out: &mut Outbox) {
        self.stop(out);
        self.cursor = Some(at);
        self.gate = Some(gate);
        self.run = None;
        (self.covered, self.refused, self.whole, self.trouble) = (None, None, None, None);
        (self.skipped, self.sought) = (0, None);
    }

    /// The packager began anew: goes on where it ended.
    pub fn begin_anew(&mut self, shared: &Shared, out: &mut Outbox) {
        let kind = if self.kinds.video { MediaKind::Video } else { MediaKind::Audio };
        let here = shared.delivery.end(kind).or(shared.delivery.end(MediaKind::Audio));
        let end = here.unwrap_or_else(|| self.follow.place.end());
        let at = self.follow.begin_anew(end, self.last.as_ref(), shared);
        // A part in the middle of a segment goes on with the one before it, where that came.
        let keyframe = at.part == 0 || self.end_run().keyframe;
        self.go_to(at, Gate { keyframe, ..Gate::default() }, out);
    }

    /// Goes on at `at`, which should have this time, where nothing is here; what was to be told is told there.
    pub fn seek(&mut self, at: Cursor, time: MediaTime, out: &mut Outbox) {
        let rendition = self.end_run().rendition;
        self.go_to(at, Gate { keyframe: true, rendition, ..Gate::default() }, out);
        self.sought = Some(time).filter(|_| self.follow.is_guess);
    }

    /// Lets go of the piece under way.
    pub fn stop(&mut self, out: &mut Outbox) {
        if let Some(mut loading) = self.loading.take() {
            loading.body.cancel(out);
            // What of it was demuxed already is there; the rest is not.
            if self.gate.is_none() {
                let rest = self.end_run();
                self.gate = Some(Gate { video_after: HERE, sound_from: HERE, ..rest });
            }
        }
        self.init.cancel(out);
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.stop(out);
        self.follow.suspend(out);
    }

    pub fn suspect(&mut self, now: Instant) {
        self.follow.suspect(now);
        if let Some(loading) = &mut self.loading {
            loading.body.fetch.suspect(now);
        }
        if let Some(fetch) = self.init.fetch() {
            fetch.suspect(now);
        }
    }

    /// Goes on at another address of the same playlist; what failed at this one comes from there.
    pub fn move_to(&mut self, url: String, now: Instant, out: &mut Outbox) {
        if self.trouble.is_some() && url != self.follow.url() {
            self.stop(out);
            self.trouble = Some(Trouble::Moving);
        }
        self.follow.relocate(url, now, out);
    }

    /// What waited for the network is tried again.
    pub fn resume(&mut self, now: Instant, out: &mut Outbox) {
        self.moves = 0;
        self.trouble = self.trouble.take().filter(|trouble| matches!(trouble, Trouble::Moving));
        if let Some(loading) = &mut self.loading {
            loading.body.fetch.again(now);
            loading.body.fetch.hurry(now);
        }
        if let Some(fetch) = self.init.fetch() {
            fetch.again(now);
            fetch.hurry(now);
        }
        self.follow.reload(now, out);
    }

    /// It waits to be resumed.
    pub fn is_left(&self) -> bool {
        matches!(self.trouble, Some(Trouble::Told)) || self.follow.is_left()
    }

    pub fn owns(&self, id: RequestId) -> bool {
        self.follow.owns(id)
            || self.init.owns(id)
            || self.loading.as_ref().is_some_and(|loading| loading.body.owns(id))
    }

    /// The rendition's first packet has come.
    pub fn has_begun(&self) -> bool {
        let waits = |gate: &Gate| gate.rendition.is_some();
        !self.gate.as_ref().is_some_and(waits) && self.run.as_ref().is_some_and(|run| !waits(run.gate()))
    }

    pub fn is_idle(&self) -> bool {
        self.loading.is_none()
    }

    /// What is played of what comes from here on; the sound begins where what is here ends.
    pub fn set_kinds(&mut self, kinds: Kinds) {
        let gains_sound = kinds.audio && !self.kinds.audio;
        self.kinds = kinds;
        if gains_sound && self.run.is_some() {
            let rest = self.end_run();
            self.gate = Some(Gate { video_after: HERE, sound_from: HERE, ..rest });
        } else if let Some(run) = &mut self.run {
            run.set_kinds(kinds);
        }
    }

    /// It has all that its playlist lists behind its place.
    pub fn has_caught_up(&self, shared: &Shared) -> bool {
        match &self.loading {
            Some(loading) => loading.piece.kind == PieceKind::Hint && !loading.is_listed,
            None => matches!(self.next(shared), Some(Next::Wait | Next::End)),
        }
    }

    /// A segment has been loaded, and nothing of the next one.
    pub fn is_between_segments(&self, shared: &Shared) -> bool {
        let is_behind_last_part = || matches!(self.next(shared), Some(Next::Passed(_)));
        self.is_idle() && self.cursor.is_some_and(|at| at.part == 0 || is_behind_last_part())
    }

    /// How the piece under way comes, where it is one of `bitrate` that the server has already.
    pub fn progress(&self, bitrate: u64) -> Option<Progress> {
        let loading = self.loading.as_ref().filter(|loading| !is_paced(&loading.piece))?;
        let (asked, first_byte) = loading.body.fetch.times()?;
        let total = loading.piece.duration.as_secs_f64() * bitrate as f64 / 8.0;
        let bytes = loading.body.fetch.given;
        Some(Progress { bytes, total: bytes.max(total as u64), asked, first_byte })
    }

    /// Up to where it has loaded.
    pub fn loaded_until(&self) -> Option<MediaTime> {
        let at = self.cursor?;
        let place = &self.follow.place;
        let outside = || if at.sequence < place.first() { place.begins() } else { place.end() };
        Some(self.follow.time_of(at).unwrap_or_else(outside))
    }

    /// Nothing more will come.
    pub fn is_over(&self) -> bool {
        let ended = self.follow.list.as_ref().filter(|list| list.ended);
        let behind = ended.map(|list| list.media_sequence.saturating_add(list.segments.len() as u64));
        behind.zip(self.cursor).is_some_and(|(behind, at)| at.sequence >= behind) && self.is_idle()
    }

    pub fn on_io(
        &mut self,
        id: RequestId,
        event: IoEvent,
        shared: &mut Shared,
        now: Instant,
        out: &mut Outbox,
    ) {
        if let IoEvent::Bytes(data) = &event {
            self.bytes = self.bytes.saturating_add(data.len() as u64);
        }
        if self.follow.owns(id) {
            if let Some(news) = self.follow.on_io(event, shared, now, out) {
                self.on_news(news);
            }
        } else if self.init.owns(id) {
            let failure = self.init.on_io(event, shared, now, out);
            self.on_init(failure, shared, now);
        } else if let Some(loading) = &mut self.loading {
            let step = loading.body.on_io(event, now, out);
            self.on_step(step, shared, now, out);
        }
        self.go_on(shared, out);
    }

    pub fn on_decrypted(
        &mut self,
        id: RequestId,
        clear: Result<Bytes, String>,
        shared: &mut Shared,
        now: Instant,
        out: &mut Outbox,
    ) {
        if self.init.owns(id) {
            let failure = self.init.on_decrypted(clear, shared, out);
            self.on_init(failure, shared, now);
        } else if let Some(loading) = &mut self.loading {
            let step = loading.body.on_decrypted(clear);
            self.on_step(step, shared, now, out);
        }
        self.go_on(shared, out);
    }

    /// Does what is due. `may_load`: there is room for another piece.
    pub fn advance(&mut self, may_load: bool, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        if let Some(news) = self.follow.advance(shared, now, out) {
            self.on_news(news);
        }
        if !self.follow.is_of_another && matches!(self.trouble, Some(Trouble::Moving)) {
            self.trouble = None;
        }
        self.check_hint(shared, now, out);
        if may_load && self.loading.is_none() && self.trouble.is_none() {
            self.load_next(shared, now, out);
        }
        if self.trouble.is_none() && shared.online {
            let failure = self.init.advance(shared, now, out);
            self.on_init(failure, shared, now);
            if let Some(loading) = &mut self.loading {
                let step = loading.body.advance(&mut shared.keys, now, out);
                self.on_step(step, shared, now, out);
            }
        }
        self.go_on(shared, out);
    }

    pub fn deadline(&self, shared: &Shared) -> Option<Instant> {
        let piece = self.loading.as_ref().and_then(|loading| loading.body.fetch.deadline());
        let pieces = [piece, self.init.deadline()].into_iter().flatten().min();
        let pieces = pieces.filter(|_| self.trouble.is_none() && shared.online);
        [pieces, self.follow.deadline(shared)].into_iter().flatten().min()
    }

    /// Pieces in a row could not be had.
    pub fn is_holed(&self) -> bool {
        self.skipped > 1
    }

    /// Goes on behind the piece that cannot be had; unless too many before it could not either: what is to be made of that.
    pub fn skip(&mut self, failure: Failure, shared: &mut Shared, out: &mut Outbox) -> Option<Failure> {
        let most = if failure.final_answer { MOST_MISSING } else { MOST_FAILED };
        if self.skipped >= most {
            return Some(failure);
        }
        self.trouble = None;
        self.skipped = self.skipped.saturating_add(1);
        let after = self.loading.as_ref().map(|loading| loading.piece.after);
        self.stop(out);
        self.cursor = after.or(self.cursor);
        self.break_off();
        let why = failure.error.as_ref().map_or("It cannot be had.", |error| error.what.as_str());
        shared.delivery.warn(ErrorCode::SegmentUnavailable, format!("A segment is left out. {why}"));
        None
    }

    pub fn on_news(&mut self, news: News) {
        match news {
            News::Began => self.news = Some(Arrival::First),
            News::Changed => self.news = self.news.or(Some(Arrival::More)),
            News::Restarted => self.news = Some(Arrival::Restart),
            News::Failed(failure) => self.adrift = Some(failure),
        }
    }

    /// What follows does not go on where the last piece ended.
    fn break_off(&mut self) {
        let gate = self.end_run();
        // Sound beside a picture is not worth a cut.
        let cut = gate.cut.or(self.kinds.video.then_some(CutReason::Gap));
        self.gate = Some(Gate { keyframe: true, cut, ..gate });
    }

    /// Another run comes; what has not passed the gate of this one.
    fn end_run(&mut self) -> Gate {
        let begun = self.run.take().map(Run::into_gate);
        self.gate.take().or(begun).unwrap_or_default()
    }

    fn fail(&mut self, error: SailcastError) {
        self.trouble = Some(Trouble::Fatal(error));
    }
}

/// What is here already is passed over: up to which time shows when the run begins.
pub const HERE: Option<MediaTime> = Some(MediaTime(0));

fn is_paced(piece: &Piece) -> bool {
    matches!(piece.kind, PieceKind::Hint)
}
