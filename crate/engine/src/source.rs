//! One connection and its demuxer: bytes in, demux events and at most one end out.
//!
//! It judges what the network does (status, silence, breaks) and words it as a failure; it does not know what the
//! packets are for, nor what is tried next.

use std::fmt::Display;

use bytes::{Bytes, BytesMut};
use sailcast_media::{DemuxEvent, Demuxer, Micros, demux::SkipReason, flv::FlvDemuxer};

use crate::{
    error::{ErrorCode, SailcastError},
    feed::kind,
    io::{Instant, IoError, IoEvent, IoRequest, RequestId, Response, SourceKind, Transport},
    retry::{Failure, Reason},
};

/// No response for this long: give up.
pub const CONNECT_TIMEOUT: Micros = Micros::from_secs(10);
/// No byte for this long on an open connection: give up.
pub const SILENCE_TIMEOUT: Micros = Micros::from_secs(5);
/// The same for a connection that may have died with its network, or while the page was frozen.
pub const SUSPECT_TIMEOUT: Micros = Micros::from_millis(1500);
/// How long bytes may come without a single packet that can be played.
const MEDIA_TIMEOUT: Micros = Micros::from_secs(10);
/// A deadline noticed so late was slept through (a frozen page, a closed lid): what came meanwhile waits to be read.
pub const FROZEN: Micros = Micros::from_secs(2);

/// How a source ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The server ended the stream in good order. `finite`: it had said where, and no more is to come.
    Clean {
        finite: bool,
    },
    Failed(Failure),
}

pub struct Source {
    pub id: RequestId,
    demuxer: FlvDemuxer,
    opened: bool,
    finite: bool,
    pub bytes: u64,
    last_activity: Instant,
    silence: Micros,
    /// When bytes began to come, or a packet last came of them.
    fruitful: Option<Instant>,
    last_skip: Option<SkipReason>,
    end: Option<End>,
    /// What it is has not shown: the first bytes wait for that.
    unknown: Option<BytesMut>,
    response: Response,
    other: Option<Other>,
}

/// What is no stream, though it was asked for as one.
#[derive(Clone, Debug)]
pub struct Other {
    pub kind: SourceKind,
    pub id: RequestId,
    pub response: Response,
    /// From its beginning on.
    pub bytes: Bytes,
}

/// The request for a URL, by its scheme.
pub fn request(url: &str) -> Result<IoRequest, SailcastError> {
    let scheme = url.split_once(':').map(|(s, _)| s.to_ascii_lowercase()).unwrap_or_default();
    let transport = match scheme.as_str() {
        "http" | "https" => Transport::Http,
        "ws" | "wss" => Transport::WebSocket,
        _ => return Err(fatal(ErrorCode::UrlUnsupported, format!("Cannot open \"{url}\"."))),
    };
    Ok(IoRequest { url: url.to_owned(), transport, range: None, fresh: false })
}

pub fn fatal(code: ErrorCode, what: String) -> SailcastError {
    SailcastError { code, fatal: true, what }
}

pub fn warning(code: ErrorCode, what: String) -> SailcastError {
    SailcastError { code, fatal: false, what }
}

pub fn failure(reason: Reason, code: ErrorCode, what: String) -> Failure {
    Failure { reason, error: Some(fatal(code, what)), final_answer: false }
}

/// An HTTP status that is no success.
pub fn refused(status: u16) -> Failure {
    let what = format!("The server answered with HTTP status {status}.");
    // 408, 425 and 429 ask for another try (RFC 9110, RFC 8470, RFC 6585).
    let final_answer = (400..500).contains(&status) && !matches!(status, 408 | 425 | 429);
    Failure { final_answer, ..failure(Reason::Status, ErrorCode::HttpStatus, what) }
}

/// What the network says went wrong.
pub fn broken(error: IoError) -> Failure {
    match error {
        IoError::Connect => {
            let what = "No connection to the server.".to_owned();
            failure(Reason::Refused, ErrorCode::ConnectionFailed, what)
        }
        IoError::Lost => failure(Reason::Lost, ErrorCode::ConnectionLost, "The connection broke.".to_owned()),
        IoError::Closed { code, reason } => {
            let what = format!("The server closed the socket with code {code} \"{reason}\".");
            // By convention 4400 to 4499 stand for the HTTP status that a socket cannot carry.
            let final_answer = (4400..4500).contains(&code) && !matches!(code, 4408 | 4425 | 4429);
            Failure { final_answer, ..failure(Reason::Closed, ErrorCode::SocketClosed, what) }
        }
    }
}

/// Nothing came for so long, before the head of the response or after it.
pub fn silent(opened: bool, silence: Micros) -> Failure {
    let what = match opened {
        true => format!("Nothing came from the server for {} s.", seconds(silence)),
        false => format!("The server did not answer within {} s.", seconds(CONNECT_TIMEOUT)),
    };
    failure(Reason::Silent, ErrorCode::Timeout, what)
}

/// What came is not what was asked for.
pub fn unrecognised(why: impl Display) -> Failure {
    let what = format!("The server sent something else: {why}.");
    Failure { final_answer: true, ..failure(Reason::Format, ErrorCode::FormatUnrecognised, what) }
}

fn seconds(span: Micros) -> i64 {
    span.0.saturating_add(500_000) / 1_000_000
}

impl Source {
    /// `judges`: it may turn out to be no stream.
    pub fn new(id: RequestId, judges: bool, now: Instant) -> Self {
        Self {
            id,
            demuxer: FlvDemuxer::new(),
            opened: false,
            finite: false,
            bytes: 0,
            last_activity: now,
            silence: SILENCE_TIMEOUT,
            fruitful: None,
            last_skip: None,
            end: None,
            unknown: judges.then(BytesMut::new),
            response: Response::new(200, false),
            other: None,
        }
    }

    /// It is no stream.
    pub fn take_other(&mut self) -> Option<Other> {
        self.other.take()
    }

    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant) {
        if self.end.is_some() {
            return;
        }
        self.last_activity = now;
        match event {
            IoEvent::Opened(response) if response.is_success() => {
                self.opened = true;
                self.finite = response.finite;
                self.response = response;
            }
            IoEvent::Opened(Response { status, .. }) => self.finish(End::Failed(refused(status))),
            IoEvent::Bytes(data) => {
                self.silence = SILENCE_TIMEOUT;
                self.fruitful.get_or_insert(now);
                self.bytes = self.bytes.saturating_add(data.len() as u64);
                self.take(data);
            }
            IoEvent::End => self.finish(End::Clean { finite: self.finite }),
            IoEvent::Failed(error) => self.finish(End::Failed(broken(error))),
        }
    }

    fn take(&mut self, data: Bytes) {
        let Some(first) = &mut self.unknown else { return self.demuxer.push(data) };
        first.extend_from_slice(&data);
        // A live stream has no length.
        let is_file = self.finite && self.response.len.is_some();
        let Some(kind) = kind::by_bytes(first, is_file) else { return };
        let bytes = std::mem::take(first).freeze();
        self.unknown = None;
        match kind {
            SourceKind::Stream | SourceKind::Auto => self.demuxer.push(bytes),
            kind => {
                self.other = Some(Other { kind, id: self.id, response: self.response.clone(), bytes });
            }
        }
    }

    /// The next demux event.
    pub fn poll(&mut self, now: Instant) -> Option<DemuxEvent> {
        match self.demuxer.poll() {
            Ok(Some(event)) => {
                match &event {
                    DemuxEvent::Packet(_) => self.fruitful = Some(now),
                    DemuxEvent::Skipped { why: SkipReason::Truncated, at, .. } => self.truncate(*at),
                    DemuxEvent::Skipped { why, .. } => self.last_skip = Some(*why),
                    _ => {}
                }
                Some(event)
            }
            Ok(None) => None,
            Err(error) => {
                self.end = Some(End::Failed(unrecognised(error)));
                None
            }
        }
    }

    /// Gives up a network that has been silent, or a server that sends nothing to play, for too long.
    pub fn watch(&mut self, now: Instant) {
        if self.end.is_some() || now < self.deadline() {
            return;
        }
        if now - self.deadline() > FROZEN {
            self.suspect(now);
            return;
        }
        let error = if let Some(since) = self.fruitful.filter(|since| now - *since >= MEDIA_TIMEOUT) {
            let why = self.last_skip.map_or(String::new(), |why| format!(": {why}"));
            let what = format!("Nothing that can be played came for {} s{why}.", seconds(now - since));
            failure(Reason::NoMedia, ErrorCode::NoMedia, what)
        } else {
            silent(self.opened, self.silence)
        };
        self.end = Some(End::Failed(error));
    }

    /// This connection may be dead already: it has a short time to show that it is not.
    pub fn suspect(&mut self, now: Instant) {
        self.last_activity = now;
        self.fruitful = self.fruitful.map(|_| now);
        if self.opened {
            self.silence = SUSPECT_TIMEOUT;
        }
    }

    pub fn deadline(&self) -> Instant {
        let silent = self.last_activity + if self.opened { self.silence } else { CONNECT_TIMEOUT };
        self.fruitful.map_or(silent, |since| silent.min(since + MEDIA_TIMEOUT))
    }

    fn finish(&mut self, end: End) {
        // No bytes at all are not a wrong format: the end itself is the news.
        if self.bytes > 0 {
            if let Some(first) = self.unknown.take() {
                self.demuxer.push(first.freeze());
            }
            self.demuxer.finish();
        }
        self.end = Some(end);
    }

    fn truncate(&mut self, at: u64) {
        if matches!(self.end, Some(End::Clean { .. })) {
            let what = format!("The stream ended inside a tag at byte {at}.");
            self.end = Some(End::Failed(failure(Reason::Lost, ErrorCode::StreamTruncated, what)));
        }
    }
}
