//! One media playlist, what of it comes next, and its demuxer: the picture with or without its sound, or sound of its own.
//!
//! **Invariant:** one piece at a time, in order; nothing is fetched twice that is here. Whether there is room for more is decided
//! outside, and so is what to do when something cannot be had: a lane in trouble waits.

use bytes::{Bytes, BytesMut};
use sailcast_media::{MediaKind, MediaTime, Micros, hls::Variables};

use super::{
    body::Body,
    fetch::{ANSWER_TIMEOUT, Fetch, Step, is_network},
    init::Init,
    keys::lock,
    low_latency::Promise,
    playlist::{Follow, News},
    segment::{self, Cursor, Next, Piece, PieceKind},
    shared::Shared,
    timeline::Domain,
    track::{Gate, Kinds, Run, Unplayable},
};
use crate::{
    abr::{Progress, Transfer},
    error::{ErrorCode, SailcastError},
    feed::CutReason,
    io::{Instant, IoEvent, RequestId},
    outbox::Outbox,
    retry::{Failure, Reason},
    source::fatal,
};

/// Tries of a piece that the server does not have, and of one that the network does not bring, before others are asked.
const TRIES: u32 = 3;
const LOST_TRIES: u32 = 2;
/// Pieces in a row that cannot be had before it is an error.
const MOST_SKIPPED: u32 = 5;
/// Holes and passed segments in a row that are looked at in one turn; the next turn goes on.
const MOST_HOPS: u32 = 1000;
/// A part that is listed has been sent by then, if the hint is worth anything.
const HINT_GRACE: Micros = Micros::from_millis(700);
/// How long a server may hold back a part that it has hinted at.
const HINT_PATIENCE: Micros = Micros::from_secs(60);
/// Sound of two renditions overlaps by less than a packet.
const OVERLAP: Micros = Micros::from_millis(5);

/// What a lane cannot decide.
#[derive(Debug)]
pub enum Trouble {
    /// The address, or the network, fails.
    Lost(Failure),
    /// A piece cannot be had.
    Piece(SailcastError),
    Fatal(SailcastError),
    /// Somebody is on it.
    Told,
}

#[derive(Debug)]
struct Loading {
    piece: Piece,
    body: Body,
    /// What came before its initialization section.
    held: BytesMut,
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
    /// A resource of parts, of which everything before this offset is here.
    covered: Option<(String, u64)>,
    /// A hint that came to nothing.
    refused: Option<Cursor>,
    /// A segment whose parts cannot be had.
    whole: Option<u64>,
    skipped: u32,
    pub trouble: Option<Trouble>,
    /// What was received since it was asked last.
    pub transfers: Vec<Transfer>,
    pub bytes: u64,
    /// The playlist cannot be had; what it has listed still can.
    pub adrift: Option<Failure>,
    /// What the playlist brought since it was asked last.
    pub news: Option<Arrival>,
    /// Addresses that were tried since one of them brought something.
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
            covered: None,
            refused: None,
            whole: None,
            skipped: 0,
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
        self.skipped = 0;
    }

    /// Goes on at `at`, where nothing is here; what was to be told is told there.
    pub fn seek(&mut self, at: Cursor, out: &mut Outbox) {
        let begun = self.run.take().map(Run::into_gate);
        let rendition = self.gate.take().or(begun).and_then(|gate| gate.rendition);
        self.go_to(at, Gate { keyframe: true, rendition, ..Gate::default() }, out);
    }

    /// Lets go of the piece under way.
    pub fn stop(&mut self, out: &mut Outbox) {
        if let Some(mut loading) = self.loading.take() {
            loading.body.cancel(out);
            // What of it was demuxed already is there; the rest is not.
            let rest = self.run.take().map(Run::into_gate).unwrap_or_default();
            self.gate.get_or_insert(Gate { video_after: HERE, sound_from: HERE, ..rest });
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

    /// What waited for the network is tried again.
    pub fn resume(&mut self, now: Instant, out: &mut Outbox) {
        self.trouble = None;
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

    pub fn owns(&self, id: RequestId) -> bool {
        self.follow.owns(id)
            || self.init.owns(id)
            || self.loading.as_ref().is_some_and(|loading| loading.body.owns(id))
    }

    pub fn is_idle(&self) -> bool {
        self.loading.is_none()
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
        self.go_on(shared, now, out);
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
        self.go_on(shared, now, out);
    }

    /// Does what is due. `may_load`: there is room for another piece.
    pub fn advance(&mut self, may_load: bool, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        if let Some(news) = self.follow.advance(shared, now, out) {
            self.on_news(news);
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
        self.go_on(shared, now, out);
    }

    pub fn deadline(&mut self, shared: &Shared) -> Option<Instant> {
        let fetches = self.loading.as_ref().and_then(|loading| loading.body.fetch.deadline());
        let inits = self.init.fetch().and_then(|fetch| fetch.deadline());
        let pieces = [fetches, inits].into_iter().flatten().min();
        let pieces = pieces.filter(|_| self.trouble.is_none() && shared.online);
        [pieces, self.follow.deadline(shared)].into_iter().flatten().min()
    }

    /// Goes on behind the piece that cannot be had.
    pub fn skip(&mut self, error: SailcastError, shared: &mut Shared, out: &mut Outbox) {
        self.trouble = None;
        self.skipped = self.skipped.saturating_add(1);
        if self.skipped >= MOST_SKIPPED {
            self.trouble = Some(Trouble::Fatal(SailcastError { fatal: true, ..error }));
            return;
        }
        let after = self.loading.as_ref().map(|loading| loading.piece.after);
        self.stop(out);
        self.cursor = after.or(self.cursor);
        self.break_off();
        let what = format!("A segment is left out. {}", error.what);
        shared.delivery.warn(ErrorCode::SegmentUnavailable, what);
    }

    pub fn on_news(&mut self, news: News) {
        if !matches!(news, News::Failed(_)) {
            self.moves = 0;
        }
        match news {
            News::Began => self.news = Some(Arrival::First),
            News::Changed => self.news = self.news.or(Some(Arrival::More)),
            News::Restarted => self.news = Some(Arrival::Restart),
            News::Failed(failure) => self.adrift = Some(failure),
        }
    }

    /// What follows does not go on where the last piece ended.
    fn break_off(&mut self) {
        let rest = self.run.take().map(Run::into_gate).unwrap_or_default();
        let gate = self.gate.get_or_insert(rest);
        gate.keyframe = true;
        // Sound beside a picture is not worth a cut.
        if self.kinds.video {
            gate.cut.get_or_insert(CutReason::Gap);
        }
    }

    fn uses_parts(&self, shared: &Shared) -> (bool, bool) {
        let Some(list) = &self.follow.list else { return (false, false) };
        let parts = shared.promises.has_parts(list) && self.whole != self.cursor.map(|at| at.sequence);
        (parts, parts && self.refused != self.cursor)
    }

    fn next(&self, shared: &Shared) -> Option<Next> {
        let (parts, hints) = self.uses_parts(shared);
        Some(segment::next(self.follow.list.as_ref()?, self.cursor?, parts, hints))
    }

    fn load_next(&mut self, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        for _ in 0..MOST_HOPS {
            match self.next(shared) {
                Some(Next::Piece(piece)) => {
                    if self.is_covered(&piece) {
                        self.cursor = Some(piece.after);
                        continue;
                    }
                    return self.load(piece, shared, now, out);
                }
                Some(Next::Hole(after)) => {
                    self.cursor = Some(after);
                    self.break_off();
                }
                Some(Next::Passed(after)) => {
                    self.cursor = Some(after);
                    self.end_segment(shared);
                }
                Some(Next::Gone) => {
                    // The oldest one goes next: a little farther on there is time to load.
                    let first = self.follow.list.as_ref().map_or(0, |list| list.media_sequence);
                    let len = self.follow.list.as_ref().map_or(0, |list| list.segments.len());
                    self.cursor = Some(Cursor::segment(first.saturating_add(u64::from(len > 2))));
                    self.break_off();
                }
                Some(Next::Wait | Next::End) | None => return,
            }
        }
    }

    /// It came with a part before it, as the rest of their resource.
    fn is_covered(&self, piece: &Piece) -> bool {
        let Some((_, until)) = self.covered.as_ref().filter(|(uri, _)| *uri == piece.uri) else {
            return false;
        };
        let start = piece.range.map_or(0, |range| range.offset);
        piece.kind != PieceKind::Segment && start < *until
    }

    fn load(&mut self, piece: Piece, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        let domain = Domain { era: self.follow.era, discontinuity: piece.discontinuity };
        let number = piece.at.sequence;
        let lock = match lock(&piece.keys, number) {
            Ok(lock) => lock,
            Err(error) => return self.fail(error),
        };
        if piece.kind == PieceKind::Segment && self.cursor.is_some_and(|at| at.part > 0) {
            self.gate.get_or_insert(Gate { video_after: HERE, sound_from: HERE, ..Gate::default() });
        }
        self.begin_run(domain, &piece, shared);
        if let Some(map) = &piece.map
            && shared.inits.get(map).is_none()
            && let Err(error) = self.init.want(map, now, out)
        {
            return self.fail(error);
        }
        let expected = self.expected(&piece, shared);
        if let Some(run) = &mut self.run {
            run.begin(expected);
        }
        let patience = match piece.kind {
            PieceKind::Hint => HINT_PATIENCE,
            _ => ANSWER_TIMEOUT,
        };
        let fetch = Fetch::new(piece.uri.clone(), piece.range, patience, now);
        let is_sure = piece.kind != PieceKind::Hint;
        let body = Body::new(fetch, lock, is_sure);
        let held = BytesMut::new();
        self.loading = Some(Loading { piece, body, held, is_complete: false, is_listed: false });
    }

    fn fail(&mut self, error: SailcastError) {
        self.trouble = Some(Trouble::Fatal(error));
    }

    /// The run that the piece goes on with, or its own.
    fn begin_run(&mut self, domain: Domain, piece: &Piece, shared: &Shared) {
        let goes_on = self.run.as_ref().is_some_and(|run| run.domain == domain && run.map == piece.map);
        if goes_on && self.gate.is_none() {
            return;
        }
        let mut gate = self.gate.take().unwrap_or(Gate { keyframe: true, ..Gate::default() });
        if gate.video_after.is_some() {
            // Filled in now, for what was under way has come meanwhile.
            gate.video_after = shared.delivery.last(MediaKind::Video);
        }
        if gate.sound_from.is_some() {
            gate.sound_from = shared.delivery.end(MediaKind::Audio).map(|end| end - OVERLAP);
        }
        self.run = Some(Run::new(domain, piece.map.clone(), self.kinds, gate));
    }

    /// Where the piece should begin: where the last one ended, if the playlist does not say otherwise by far.
    fn expected(&self, piece: &Piece, shared: &Shared) -> MediaTime {
        let listed = self.follow.time_of(piece.at).unwrap_or_else(|| self.follow.place.end());
        let kind = if self.kinds.video { MediaKind::Video } else { MediaKind::Audio };
        let ended = shared.delivery.end(kind).or(shared.delivery.end(MediaKind::Audio));
        ended.filter(|end| (*end - listed).abs() < Micros::from_millis(500)).unwrap_or(listed)
    }

    fn on_init(&mut self, failure: Option<Failure>, shared: &mut Shared, now: Instant) {
        let Some(failure) = failure else { return };
        let Some(fetch) = self.init.fetch() else {
            self.trouble = Some(Trouble::Piece(piece_error(failure)));
            return;
        };
        self.trouble = judge(fetch, failure, shared, now);
    }

    fn on_step(&mut self, step: Step, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        if let Some(bytes) = step.bytes
            && let Some(loading) = &mut self.loading
        {
            loading.held.extend_from_slice(&bytes);
        }
        match step.end {
            Some(Ok(())) => {
                if let Some(loading) = &mut self.loading {
                    loading.is_complete = true;
                    let (duration, paced) = (loading.piece.duration, is_paced(&loading.piece));
                    self.transfers.extend(loading.body.fetch.transfer(now, duration, paced));
                }
            }
            Some(Err(failure)) => self.on_piece_failure(failure, shared, now, out),
            None => {}
        }
    }

    fn on_piece_failure(&mut self, failure: Failure, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        let Some(loading) = &mut self.loading else { return };
        match loading.piece.kind {
            PieceKind::Hint if !is_network(&failure) || loading.is_listed => {
                shared.strike(Promise::Parts, "a part that was announced did not come");
                self.drop_hint(out);
            }
            PieceKind::Part if !is_network(&failure) && loading.body.fetch.failures >= LOST_TRIES => {
                shared.strike(Promise::Parts, "a part that is listed cannot be had");
                self.whole = Some(loading.piece.at.sequence);
                self.stop(out);
            }
            _ => self.trouble = judge(&mut loading.body.fetch, failure, shared, now),
        }
    }

    /// The part is taken from the list when it is there.
    fn drop_hint(&mut self, out: &mut Outbox) {
        self.refused = self.loading.as_ref().map(|loading| loading.piece.at);
        self.stop(out);
    }

    /// What was hinted at becomes a part, or something else comes in its place.
    fn check_hint(&mut self, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        let Some(loading) = self
            .loading
            .as_ref()
            .filter(|loading| matches!(loading.piece.kind, PieceKind::Hint) && !loading.is_listed)
        else {
            return;
        };
        let hinted = &loading.piece;
        let start = |piece: &Piece| piece.range.map_or(0, |range| range.offset);
        let is_it = |piece: &Piece| {
            piece.uri == hinted.uri
                && start(piece) == start(hinted)
                && piece.map == hinted.map
                && piece.discontinuity == hinted.discontinuity
        };
        match self.next(shared) {
            Some(Next::Piece(piece)) if is_it(&piece) => {
                if piece.kind == PieceKind::Part
                    && let Some(loading) = &mut self.loading
                {
                    loading.is_listed = true;
                    loading.piece.duration = piece.duration;
                    // Which key it has was not known before.
                    match lock(&piece.keys, piece.at.sequence) {
                        Ok(lock) => loading.body.lock_with(lock),
                        Err(error) => return self.fail(error),
                    }
                    loading.body.fetch.limit(HINT_GRACE, now);
                }
            }
            _ => self.stop(out),
        }
    }

    /// Gives the demuxer what can be given, and goes behind the piece when it is all there.
    fn go_on(&mut self, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        let Some(loading) = &mut self.loading else { return };
        let init = match &loading.piece.map {
            Some(map) => shared.inits.get(map),
            None => Some(Bytes::new()),
        };
        let (Some(init), Some(run)) = (init, &mut self.run) else { return };
        let mut result = Ok(());
        if !run.is_initialised() {
            result = run.initialise(init, &mut shared.timeline, &mut shared.delivery);
        }
        if result.is_ok() && !loading.held.is_empty() {
            let data = loading.held.split().freeze();
            result = run.push(data, &mut shared.timeline, &mut shared.delivery);
        }
        let is_complete = loading.is_complete;
        match result {
            Err(unplayable) => self.on_unplayable(unplayable, out),
            Ok(()) if is_complete => self.finish_piece(shared, now),
            Ok(()) => {}
        }
    }

    fn on_unplayable(&mut self, Unplayable { code, what }: Unplayable, out: &mut Outbox) {
        if let Some(loading) = &mut self.loading {
            loading.body.cancel(out);
        }
        self.run = None;
        let error = fatal(code, what);
        self.trouble = Some(match code {
            ErrorCode::EncryptionUnsupported => Trouble::Fatal(error),
            _ => Trouble::Piece(error),
        });
    }

    fn finish_piece(&mut self, shared: &mut Shared, _now: Instant) {
        let Some(Loading { piece, body, .. }) = self.loading.take() else { return };
        self.skipped = 0;
        self.cursor = Some(piece.after);
        if piece.kind != PieceKind::Segment {
            shared.promises.kept(Promise::Parts);
        }
        if piece.kind == PieceKind::Hint {
            // Parts behind it may have come with it, if their resource is one.
            let start = piece.range.map_or(0, |range| range.offset);
            self.covered = Some((piece.uri, start.saturating_add(body.fetch.given)));
        }
        if let Some(first) = self.run.as_ref().and_then(Run::first).filter(|_| piece.at.part == 0) {
            self.follow.place.correct(piece.at.sequence, first);
        }
        if piece.kind == PieceKind::Segment {
            self.end_segment(shared);
        }
    }

    fn end_segment(&mut self, shared: &mut Shared) {
        let Some(run) = &mut self.run else { return };
        if let Err(Unplayable { code, what }) = run.flush(&mut shared.timeline, &mut shared.delivery) {
            self.run = None;
            self.break_off();
            shared.delivery.warn(code, what);
        }
    }
}

/// What is here already is passed over: up to which time shows when the run begins.
pub const HERE: Option<MediaTime> = Some(MediaTime(0));

fn is_paced(piece: &Piece) -> bool {
    matches!(piece.kind, PieceKind::Hint)
}

fn judge(fetch: &mut Fetch, failure: Failure, shared: &mut Shared, now: Instant) -> Option<Trouble> {
    let is_lost = is_network(&failure);
    let tries = if is_lost { LOST_TRIES } else { TRIES };
    if failure.reason != Reason::Format && fetch.failures < tries {
        let after = shared.backoff.delay(fetch.failures);
        fetch.again(now + after);
        return None;
    }
    if is_lost {
        fetch.failures = 0;
        return Some(Trouble::Lost(failure));
    }
    Some(Trouble::Piece(piece_error(failure)))
}

/// What a failure means of a segment.
fn piece_error(failure: Failure) -> SailcastError {
    match failure.error {
        Some(error) if error.code == ErrorCode::HttpStatus => {
            SailcastError { code: ErrorCode::SegmentUnavailable, ..error }
        }
        Some(error) => error,
        None => fatal(ErrorCode::SegmentUnavailable, "A segment cannot be had.".to_owned()),
    }
}
