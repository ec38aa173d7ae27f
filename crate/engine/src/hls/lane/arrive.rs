//! What comes of a lane's requests: to the demuxer, or to trouble.

use bytes::Bytes;
use sailcast_media::Micros;

use super::{Lane, Loading, Trouble, is_paced};
use crate::{
    error::{ErrorCode, SailcastError},
    hls::{
        fetch::{Fetch, Step, is_network},
        low_latency::Promise,
        segment::PieceKind,
        shared::Shared,
        track::{Run, Unplayable},
    },
    io::Instant,
    outbox::Outbox,
    retry::{Failure, Reason},
    source::fatal,
};

/// Tries of a piece that the server does not have, and of one that the network does not bring, before others are asked.
const TRIES: u32 = 3;
const LOST_TRIES: u32 = 2;
/// So much of a stream without a single packet that can be played is an error.
const MOST_BARREN: Micros = Micros::from_secs(30);
/// What a piece counts at least, for the playlist may say that it has none.
const LEAST_BARREN: Micros = Micros::from_millis(100);

impl Lane {
    pub(super) fn on_init(&mut self, failure: Option<Failure>, shared: &mut Shared, now: Instant) {
        let Some(failure) = failure else { return };
        let Some(fetch) = self.init.fetch() else {
            self.trouble = Some(Trouble::Piece(piece_error(failure)));
            return;
        };
        self.trouble = judge(fetch, failure, shared, now);
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

    /// Gives the demuxer what can be given, and goes behind the piece when it is all there.
    pub(super) fn go_on(&mut self, shared: &mut Shared, out: &mut Outbox) {
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
        for data in loading.held.drain(..) {
            result = result.and_then(|()| run.push(data, &mut shared.timeline, &mut shared.delivery));
        }
        let is_complete = loading.is_complete;
        match result {
            Err(unplayable) => self.on_unplayable(unplayable, out),
            Ok(()) if is_complete => self.finish_piece(shared),
            Ok(()) => {}
        }
    }

    fn on_unplayable(&mut self, Unplayable { code, what }: Unplayable, out: &mut Outbox) {
        if let Some(loading) = &mut self.loading {
            loading.body.cancel(out);
        }
        self.gate = Some(self.end_run());
        let error = fatal(code, what);
        self.trouble = Some(match code {
            ErrorCode::EncryptionUnsupported => Trouble::Fatal(error),
            _ => Trouble::Piece(error),
        });
    }

    fn finish_piece(&mut self, shared: &mut Shared) {
        let Some(Loading { piece, body, .. }) = self.loading.take() else { return };
        self.skipped = 0;
        self.cursor = Some(piece.after);
        if piece.kind != PieceKind::Segment {
            shared.promises.kept(Promise::Parts);
        }
        if piece.kind == PieceKind::Hint {
            // Parts behind it may have come with it, if their resource is one.
            let start = piece.range.map_or(0, |range| range.offset);
            self.covered = Some((piece.uri.clone(), start.saturating_add(body.fetch.given)));
        }
        if let Some(first) = self.run.as_ref().and_then(Run::first).filter(|_| piece.at.part == 0) {
            self.follow.place.correct(piece.at.sequence, first);
        }
        if piece.kind == PieceKind::Segment {
            self.end_segment(shared);
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

    /// What its demuxer still holds is given.
    pub fn end_segment(&mut self, shared: &mut Shared) {
        let Some(run) = &mut self.run else { return };
        if let Err(Unplayable { code, what }) = run.flush(&mut shared.timeline, &mut shared.delivery) {
            self.break_off();
            shared.delivery.warn(code, what);
        }
    }
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
