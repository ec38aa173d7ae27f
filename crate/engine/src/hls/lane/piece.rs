//! Which piece a lane fetches next, and what was hinted at of it.

use sailcast_media::{MediaKind, MediaTime, Micros};

use super::{Arrival, HERE, Lane, Loading};
use crate::{
    hls::{
        body::Body,
        fetch::{ANSWER_TIMEOUT, Fetch},
        keys::lock,
        segment::{self, Cursor, Next, Piece, PieceKind},
        shared::Shared,
        timeline::Domain,
        track::{Gate, Run},
    },
    io::Instant,
    outbox::Outbox,
};

/// A part that is listed has been sent by then, if the hint is worth anything.
const HINT_GRACE: Micros = Micros::from_millis(700);
/// How long a server may hold back a part that it has hinted at.
const HINT_PATIENCE: Micros = Micros::from_secs(60);
/// Sound of two renditions overlaps by less than a packet.
const OVERLAP: Micros = Micros::from_millis(5);
/// A piece is taken to begin where the last one ended, if the playlist does not have it farther off than this.
const ADJACENT: Micros = Micros::from_millis(500);

impl Lane {
    fn uses_parts(&self, shared: &Shared) -> (bool, bool) {
        let Some(list) = &self.follow.list else { return (false, false) };
        let parts = shared.promises.has_parts(list) && self.whole != self.cursor.map(|at| at.sequence);
        (parts, parts && self.refused != self.cursor)
    }

    pub(super) fn next(&self, shared: &Shared) -> Option<Next> {
        let (parts, hints) = self.uses_parts(shared);
        Some(segment::next(self.follow.list.as_ref()?, self.cursor?, parts, hints))
    }

    pub(super) fn load_next(&mut self, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        // The place only ever goes ahead, and the playlist has an end.
        loop {
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
                Some(Next::Gone) if !shared.delivery.has_given() => {
                    // Nothing has been played: it begins where it would now.
                    self.cursor = None;
                    self.news = Some(Arrival::First);
                    return;
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
            // Its first parts are here; behind one that could not be had a keyframe is still waited for.
            let gate = self.gate.take().unwrap_or_default();
            self.gate = Some(Gate { video_after: HERE, sound_from: HERE, ..gate });
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
            run.begin(expected, self.sought.is_some());
        }
        let patience = match piece.kind {
            PieceKind::Hint => HINT_PATIENCE,
            _ => ANSWER_TIMEOUT,
        };
        let fetch = Fetch::new(piece.uri.clone(), piece.range, patience, now);
        let is_sure = piece.kind != PieceKind::Hint;
        let body = Body::new(fetch, lock, is_sure);
        let (held, head) = (Vec::new(), Vec::new());
        self.loading = Some(Loading { piece, body, held, head, is_complete: false, is_listed: false });
    }

    /// The run that the piece goes on with, or its own.
    fn begin_run(&mut self, domain: Domain, piece: &Piece, shared: &Shared) {
        let goes_on = self.run.as_ref().is_some_and(|run| run.domain == domain && run.map == piece.map);
        if goes_on && self.gate.is_none() {
            return;
        }
        let mut gate = match self.gate {
            Some(_) => self.end_run(),
            None => Gate { keyframe: true, ..self.end_run() },
        };
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
        ended.filter(|end| (*end - listed).abs() < ADJACENT).unwrap_or(listed)
    }

    /// The part is taken from the list when it is there.
    pub(super) fn drop_hint(&mut self, out: &mut Outbox) {
        self.refused = self.loading.as_ref().map(|loading| loading.piece.at);
        self.stop(out);
    }

    /// What was hinted at becomes a part, or something else comes in its place.
    pub(super) fn check_hint(&mut self, shared: &mut Shared, now: Instant, out: &mut Outbox) {
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
}
