//! What comes of a lane's requests: to the demuxer, or to trouble.

use bytes::Bytes;
use sailcast_media::{MediaTime, Micros};

use super::{Lane, Loading, Trouble, is_paced};
use crate::{
    error::ErrorCode,
    hls::{
        fetch::{Fetch, Step, final_failure, is_network},
        keys::is_key,
        segment::{Cursor, PieceKind},
        shared::Shared,
        track::{Run, Unplayable},
    },
    io::Instant,
    outbox::Outbox,
    retry::{Failure, Reason},
    source::fatal,
};

/// Tries of a part that the server does not give: its segment may be had.
const PART_TRIES: u32 = 2;
/// So much of a stream without a single packet that can be played is an error.
const MOST_BARREN: Micros = Micros::from_secs(30);
/// What a piece counts at least, for the playlist may say that it has none.
const LEAST_BARREN: Micros = Micros::from_millis(100);

impl Lane {
    pub(super) fn on_init(&mut self, failure: Option<Failure>, shared: &mut Shared, now: Instant) {
        let Some(failure) = failure else { return };
        let Some(fetch) = self.init.fetch() else {
            self.trouble = Some(Trouble::Piece(of_piece(failure)));
            return;
        };
        let trouble = judge(fetch, failure, shared, now);
        self.trouble = trouble.or(self.trouble.take());
    }

    pub(super) fn on_step(&mut self, step: Step, shared: &mut Shared, now: Instant, out: &mut Outbox) {
        if let Some(bytes) = step.bytes
            && let Some(loading) = &mut self.loading
        {
            loading.held.push(bytes);
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
            _ if is_key(&failure) => self.trouble = Some(Trouble::Lost(failure)),
            PieceKind::Hint if !is_network(&failure) || loading.is_listed => {
                shared.miss_part("a part that was announced did not come");
                self.drop_hint(out);
            }
            PieceKind::Part if !is_network(&failure) && loading.body.fetch.failures >= PART_TRIES => {
                shared.miss_part("a part that is listed cannot be had");
                self.whole = Some(loading.piece.at.sequence);
                self.stop(out);
            }
            _ => {
                let trouble = judge(&mut loading.body.fetch, failure, shared, now);
                self.trouble = trouble.or(self.trouble.take());
            }
        }
    }

    /// Gives the demuxer what can be given, and goes behind the piece when it is all there.
    pub(super) fn go_on(&mut self, shared: &mut Shared, out: &mut Outbox) {
        let Some(loading) = &mut self.loading else { return };
        let init = match &loading.piece.map {
            Some(map) => shared.inits.get(map),
            None => Some(Bytes::new()),
        };
        let (Some(init), Some(run)) = (init, &mut self.run) else { return };
        // Whose place is a guess does not say where the others are: it waits for the picture.
        if self.sought.is_some() && !self.kinds.video && !shared.timeline.knows(run.domain) {
            return;
        }
        let mut result = Ok(());
        if !run.is_initialised() {
            result = run.initialise(init, &mut shared.timeline, &mut shared.delivery);
        }
        let held = std::mem::take(&mut loading.held);
        if self.sought.is_some() && run.first().is_none() {
            loading.head.extend(held.iter().cloned());
        }
        for data in held {
            result = result.and_then(|()| run.push(data, &mut shared.timeline, &mut shared.delivery));
        }
        let is_complete = loading.is_complete;
        if let Some(begins) = run.strayed() {
            return self.seek_again(begins, shared, out);
        }
        match result {
            Err(unplayable) => self.on_unplayable(unplayable, out),
            Ok(()) if is_complete => self.finish_piece(shared),
            Ok(()) => {}
        }
    }

    /// The piece begins elsewhere than was thought, and so do the others of its playlist.
    fn seek_again(&mut self, begins: MediaTime, shared: &mut Shared, out: &mut Outbox) {
        let (Some(loading), Some(sought)) = (&mut self.loading, self.sought.take()) else { return };
        let number = loading.piece.at.sequence;
        self.follow.correct(number, begins);
        let at = self.follow.cursor_after(sought, shared);
        if at.sequence != number {
            let gate = self.end_run();
            return self.go_to(Cursor { part: 0, ..at }, gate, out);
        }
        // It is this one all the same.
        loading.held.append(&mut loading.head);
        if let Some(run) = self.run.take() {
            self.run = Some(run.anew(begins));
        }
        self.go_on(shared, out);
    }

    fn on_unplayable(&mut self, Unplayable { code, what }: Unplayable, out: &mut Outbox) {
        if let Some(loading) = &mut self.loading {
            loading.body.cancel(out);
        }
        self.gate = Some(self.end_run());
        self.trouble = Some(match code {
            ErrorCode::EncryptionUnsupported => Trouble::Fatal(fatal(code, what)),
            _ => Trouble::Piece(final_failure(Reason::Format, code, what)),
        });
    }

    fn finish_piece(&mut self, shared: &mut Shared) {
        let Some(Loading { piece, body, .. }) = self.loading.take() else { return };
        (self.skipped, self.moves, self.sought) = (0, 0, None);
        self.cursor = Some(piece.after);
        if piece.kind != PieceKind::Segment {
            shared.parts.forgive_some();
        }
        if piece.kind == PieceKind::Hint {
            // Parts behind it may have come with it, if their resource is one.
            let start = piece.range.map_or(0, |range| range.offset);
            self.covered = Some((piece.uri.clone(), start.saturating_add(body.fetch.given)));
        }
        if let Some(first) = self.run.as_ref().and_then(Run::first).filter(|_| piece.at.part == 0) {
            self.follow.correct(piece.at.sequence, first);
        }
        if piece.kind == PieceKind::Segment {
            self.end_segment(shared);
        } else if let Some(run) = &mut self.run {
            run.release(&mut shared.timeline, &mut shared.delivery);
        }
        self.watch_for_media(piece.duration, shared);
        self.last = Some(piece);
    }

    /// Segments may be whole, and have nothing that is read here.
    fn watch_for_media(&mut self, duration: Micros, shared: &Shared) {
        self.barren += if shared.delivery.has_given() { Micros::ZERO } else { duration.max(LEAST_BARREN) };
        if self.barren >= MOST_BARREN {
            let seconds = self.barren.0 / 1_000_000;
            let what = format!("Nothing that can be played came in {seconds} s of the stream.");
            self.fail(fatal(ErrorCode::NoMedia, what));
        }
    }

    pub(super) fn end_segment(&mut self, shared: &mut Shared) {
        let Some(run) = &mut self.run else { return };
        if let Err(Unplayable { code, what }) = run.flush(&mut shared.timeline, &mut shared.delivery) {
            self.break_off();
            shared.delivery.warn(code, what);
        }
    }
}

/// What a failure means that is not tried again at once; `None`: it is.
fn judge(fetch: &mut Fetch, failure: Failure, shared: &mut Shared, now: Instant) -> Option<Trouble> {
    if is_key(&failure) {
        return Some(Trouble::Lost(failure));
    }
    if fetch.retry(&failure, &mut shared.backoff, now) {
        return None;
    }
    let is_lost = is_network(&failure);
    Some(if is_lost { Trouble::Lost(failure) } else { Trouble::Piece(of_piece(failure)) })
}

/// What a failure means of a segment.
fn of_piece(mut failure: Failure) -> Failure {
    if let Some(error) = failure.error.as_mut().filter(|error| error.code == ErrorCode::HttpStatus) {
        error.code = ErrorCode::SegmentUnavailable;
    }
    failure
}
