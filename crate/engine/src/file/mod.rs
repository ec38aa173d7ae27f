//! A recording by HTTP: reads what is to be played next, in pieces, and goes anywhere.
//!
//! **Invariant:** the open request brings what the demuxer wants next. What is read ahead is bounded by [`AHEAD`] and
//! [`MOST_BYTES`] and one piece; of what nobody asked for little is read: pieces begin small and grow while playback goes on, and
//! a request for something else is taken back.
//!
//! A server that answers with the whole file in place of a piece is read on as it comes, as far as there is room. What was read of a
//! small file is kept, and read from there the next time.

mod kept;
mod piece;
mod requests;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use sailcast_media::{
    DemuxEvent, FileDemuxer, FlvFile, MediaTime, Micros, Mp4File,
    demux::{self, Format},
    hls::ByteRange,
};

use self::{kept::Kept, piece::News, requests::Requests};
use crate::{
    error::{ErrorCode, SailcastError},
    event::Event,
    feed::{CutReason, Extent, FeedEvent, Going, Paced, View, kind},
    io::{Begun, Instant, IoEvent, Load, RequestId, SourceKind},
    outbox::Outbox,
    source::{self, Other, warning},
};

/// So much is read ahead of the playhead...
const AHEAD: Micros = Micros::from_secs(30);
/// ...and no more than this.
const MOST_BYTES: u64 = 16 << 20;
/// Where the server gives the whole file or nothing, going on later costs all that was before once more.
const MOST_BYTES_WHOLE: u64 = 48 << 20;
/// The first piece: some keyframes, and of most files the whole index.
const FIRST_PIECE: u64 = 512 << 10;
const LARGEST_PIECE: u64 = 4 << 20;
/// Bytes that come anyway are passed over where asking anew would take as long.
const PASSED_OVER: u64 = 128 << 10;

pub struct File {
    requests: Requests,
    kept: Kept,
    /// Something of that was just read, and there may be room for more.
    rereads: bool,
    demuxer: Option<Box<dyn FileDemuxer>>,
    /// The first bytes, until they tell what it is.
    head: BytesMut,
    len: Option<u64>,
    /// The server gives parts.
    ranges: bool,
    /// How much is asked for next.
    piece: u64,
    start: MediaTime,
    /// What is here before anything is asked for.
    begun: Option<Begun>,
    /// Where to go as soon as the demuxer knows where that is.
    sought: Option<MediaTime>,
    /// Something to play was given.
    fruitful: bool,
    /// Everything from here to the end was given.
    ended: bool,
    duration: Option<Micros>,
    tells: VecDeque<FeedEvent>,
    /// It is a playlist of HLS.
    is_playlist: bool,
    bytes: u64,
}

impl File {
    /// Nothing is asked for before [`File::open`].
    pub fn new(load: Load, seed: u64) -> Self {
        let start = load.start.unwrap_or_default().max(MediaTime(0));
        Self {
            requests: Requests::new(load.lines, load.resolve, seed),
            kept: Kept::default(),
            rereads: false,
            demuxer: None,
            head: BytesMut::new(),
            len: None,
            ranges: true,
            piece: FIRST_PIECE,
            start,
            begun: load.begun,
            sought: Some(start).filter(|start| *start > MediaTime(0)),
            fruitful: false,
            ended: false,
            duration: None,
            tells: VecDeque::new(),
            is_playlist: false,
            bytes: 0,
        }
    }
}

impl Paced for File {
    fn kind(&self) -> SourceKind {
        SourceKind::File
    }

    fn open(&mut self, now: Instant, out: &mut Outbox) {
        match self.begun.take() {
            // What is wanted behind it is asked for in its turn.
            Some(Begun { len, bytes }) => {
                self.set_len(len);
                self.kept.add(0, bytes.clone());
                self.take(0, bytes, now, out);
            }
            None => self.ask(now, out),
        }
    }

    fn adopt(&mut self, other: Other, now: Instant, out: &mut Outbox) {
        self.requests.adopt(other.id, now);
        self.set_len(other.response.len);
        self.on_io(other.id, IoEvent::Bytes(other.bytes), now, out);
    }

    fn owns(&self, id: RequestId) -> bool {
        self.requests.owns(id)
    }

    fn on_io(&mut self, _id: RequestId, event: IoEvent, now: Instant, out: &mut Outbox) {
        if let IoEvent::Opened(response) = &event
            && response.is_success()
        {
            self.set_len(response.len);
        }
        match self.requests.on_io(event, self.len, self.fruitful, now, out) {
            News::None | News::Failed(_) => {}
            News::Whole => self.ranges = false,
            News::Bytes(at, data) => {
                self.bytes = self.bytes.saturating_add(data.len() as u64);
                self.kept.add(at, data.clone());
                self.take(at, data, now, out);
            }
            News::Done => self.piece = self.piece.saturating_mul(2).min(LARGEST_PIECE),
            News::EndsAt(len) => self.set_len(Some(len)),
        }
    }

    fn on_resolved(&mut self, _id: RequestId, url: Result<String, String>, now: Instant, out: &mut Outbox) {
        self.requests.on_resolved(url, self.fruitful, now, out);
    }

    fn take_playlist(&mut self) -> Option<Vec<String>> {
        std::mem::take(&mut self.is_playlist).then(|| self.requests.urls())
    }

    fn poll(&mut self, now: Instant, out: &mut Outbox) -> Option<FeedEvent> {
        self.find();
        if let Some(event) = self.tells.pop_front() {
            return Some(event);
        }
        let demuxer = self.demuxer.as_mut()?;
        let event = match demuxer.poll() {
            Ok(event) => event,
            Err(error) => {
                self.requests.fail(&source::unrecognised(error), self.fruitful, now, out);
                return None;
            }
        };
        self.ended = event.is_none() && demuxer.wants().is_none() && self.sought.is_none();
        self.duration = demuxer.duration();
        self.fruitful |= matches!(event, Some(DemuxEvent::Packet(_)));
        event.map(FeedEvent::Demuxed).or_else(|| self.tells.pop_front())
    }

    fn advance(&mut self, view: &View, now: Instant, out: &mut Outbox) {
        self.requests.advance(self.fruitful, now, out);
        self.rereads = false;
        let Some(wants) = self.wants() else { return };
        if let Some(piece) = self.requests.piece() {
            let passed = if self.ranges { PASSED_OVER } else { u64::MAX };
            let most = if self.ranges { MOST_BYTES } else { MOST_BYTES_WHOLE };
            let is_too_much = piece.is_whole() && view.buffered_bytes > most;
            if !piece.brings(wants, passed) || is_too_much {
                self.requests.cancel(out);
            }
        }
        let ahead = view.buffered_until.map_or(Micros::ZERO, |until| until - view.playhead);
        let has_room = ahead < AHEAD && view.buffered_bytes < MOST_BYTES;
        if !has_room || self.is_suspended() || self.error().is_some() {
            return;
        }
        if let Some(data) = self.kept.from(wants) {
            self.take(wants, data, now, out);
            self.rereads = self.wants() != Some(wants);
        } else if self.requests.is_idle() {
            self.ask(now, out);
        }
    }

    /// Nowhere, if the server lets nobody go there.
    fn seek(&mut self, to: MediaTime, _exact: bool, _now: Instant, _out: &mut Outbox) -> Going {
        let is_begin = to <= MediaTime(0);
        if !self.ranges && !is_begin {
            let what = "The server does not give parts of the file.".to_owned();
            let error = warning(ErrorCode::RangeUnsupported, what);
            self.tells.push_back(FeedEvent::Tell(Event::Error(error)));
            return Going::Nowhere;
        }
        self.sought = Some(to);
        self.ended = false;
        self.piece = FIRST_PIECE;
        self.requests.revive();
        self.find();
        Going::There
    }

    fn keyframes_around(&self, at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>) {
        self.demuxer.as_ref().map_or((None, None), |demuxer| demuxer.keyframes_around(at))
    }

    fn extent(&self, _now: Instant) -> Extent {
        let end = self.duration.map(|duration| MediaTime(0) + duration);
        Extent {
            live: false,
            seekable: end.filter(|_| self.ranges).map(|end| (MediaTime(0), end)),
            duration: self.duration,
            start: Some(self.start),
            ..Extent::default()
        }
    }

    fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        self.requests.set_online(online, now, out);
    }

    fn suspect(&mut self, now: Instant) {
        self.requests.suspect(now);
    }

    fn suspend(&mut self, out: &mut Outbox) {
        self.requests.suspend(out);
    }

    fn wake(&mut self, now: Instant, out: &mut Outbox) {
        self.requests.wake(self.bytes > 0, now, out);
    }

    fn is_suspended(&self) -> bool {
        self.requests.is_suspended()
    }

    fn close(&mut self, out: &mut Outbox) {
        self.requests.cancel(out);
    }

    fn deadline(&self, now: Instant) -> Option<Instant> {
        if self.rereads { Some(now) } else { self.requests.deadline() }
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn reconnects(&self) -> u64 {
        self.requests.reconnects
    }

    fn is_over(&self) -> bool {
        self.ended || self.error().is_some()
    }

    fn error(&self) -> Option<&SailcastError> {
        self.requests.error()
    }
}

impl File {
    /// The offset that is wanted next; `None` where nothing is.
    fn wants(&self) -> Option<u64> {
        match &self.demuxer {
            Some(demuxer) => demuxer.wants(),
            None => Some(self.head.len() as u64),
        }
    }

    fn ask(&mut self, now: Instant, out: &mut Outbox) {
        let Some(offset) = self.wants() else { return };
        let left = self.len.map_or(u64::MAX, |len| len.saturating_sub(offset));
        let range = ByteRange { offset, length: self.piece.min(left).min(self.kept.missing_from(offset)) };
        self.requests.ask(self.ranges.then_some(range), now, out);
    }

    fn set_len(&mut self, len: Option<u64>) {
        let Some(len) = len else { return };
        self.len = Some(len);
        self.kept.set_len(len);
        if let Some(demuxer) = &mut self.demuxer {
            demuxer.set_len(len);
        }
    }

    fn take(&mut self, at: u64, data: Bytes, now: Instant, out: &mut Outbox) {
        match &mut self.demuxer {
            Some(demuxer) => demuxer.push(at, data),
            None if at == self.head.len() as u64 => {
                self.head.extend_from_slice(&data);
                self.recognise(now, out);
            }
            None => {}
        }
    }

    /// What the first bytes are.
    fn recognise(&mut self, now: Instant, out: &mut Outbox) {
        let Some(kind) = kind::by_bytes(&self.head, true) else { return };
        if kind == SourceKind::Hls {
            self.is_playlist = true;
            return;
        }
        let bytes = self.head.clone().freeze();
        let mut demuxer: Box<dyn FileDemuxer> = match demux::probe(&bytes) {
            Some(Format::Flv) => Box::new(FlvFile::new()),
            Some(Format::Mp4) => Box::new(Mp4File::new()),
            _ => {
                let why = "no file of a format that can be read at any place";
                return self.requests.fail(&source::unrecognised(why), false, now, out);
            }
        };
        if let Some(len) = self.len {
            demuxer.set_len(len);
        }
        demuxer.push(0, bytes);
        self.demuxer = Some(demuxer);
    }

    /// Goes where it was asked to, once that can be found.
    fn find(&mut self) {
        let (Some(to), Some(demuxer)) = (self.sought, &mut self.demuxer) else { return };
        if let Some(at) = demuxer.seek(to) {
            self.sought = None;
            // Messages to the page stay true.
            self.tells.retain(|event| matches!(event, FeedEvent::Tell(_)));
            self.tells.push_back(FeedEvent::Cut { at, why: CutReason::Seek });
        }
    }
}
