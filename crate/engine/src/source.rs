//! One connection and its demuxer: bytes in, demux events and at most one end out.
//!
//! It judges what the network does (status, silence, breaks) and words it as an error; it does not know what the
//! packets are for.

use sailcast_media::{DemuxEvent, Demuxer, Micros, demux::SkipReason, flv::FlvDemuxer};

use crate::{
    error::{ErrorCode, SailcastError},
    io::{Instant, IoError, IoEvent, IoRequest, RequestId, Transport},
};

/// No response for this long: give up.
const CONNECT_TIMEOUT: Micros = Micros::from_secs(10);
/// No byte for this long on an open connection: give up.
const SILENCE_TIMEOUT: Micros = Micros::from_secs(10);

/// A deadline noticed so late was slept through (a frozen page, a closed lid): what came meanwhile waits to be read.
const FROZEN: Micros = Micros::from_secs(2);

/// How a source ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The server ended the stream in good order.
    Clean,
    /// To be reported once what was received has been played.
    Broken(SailcastError),
}

pub struct Source {
    pub id: RequestId,
    demuxer: FlvDemuxer,
    opened: bool,
    pub bytes: u64,
    last_activity: Instant,
    end: Option<End>,
    truncated: bool,
}

/// What became of the input.
pub enum Step {
    /// Poll for events.
    Go,
    /// Over at once: nothing that was received is worth playing on for.
    Fail(SailcastError),
}

/// The request for a URL, by its scheme.
pub fn request(url: &str) -> Result<IoRequest, SailcastError> {
    let scheme = url.split_once(':').map(|(s, _)| s.to_ascii_lowercase()).unwrap_or_default();
    let transport = match scheme.as_str() {
        "http" | "https" => Transport::Http,
        "ws" | "wss" => Transport::WebSocket,
        _ => return Err(fatal(ErrorCode::UrlUnsupported, format!("Cannot open \"{url}\"."))),
    };
    Ok(IoRequest { url: url.to_owned(), transport })
}

pub fn fatal(code: ErrorCode, what: String) -> SailcastError {
    SailcastError { code, fatal: true, what }
}

pub fn warning(code: ErrorCode, what: String) -> SailcastError {
    SailcastError { code, fatal: false, what }
}

impl Source {
    pub fn new(id: RequestId, now: Instant) -> Self {
        Self {
            id,
            demuxer: FlvDemuxer::new(),
            opened: false,
            bytes: 0,
            last_activity: now,
            end: None,
            truncated: false,
        }
    }

    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant) -> Step {
        if self.end.is_some() {
            return Step::Go;
        }
        self.last_activity = now;
        match event {
            IoEvent::Opened { status } if status == 101 || (200..300).contains(&status) => self.opened = true,
            IoEvent::Opened { status } => {
                let what = format!("The server answered with HTTP status {status}.");
                return Step::Fail(fatal(ErrorCode::HttpStatus, what));
            }
            IoEvent::Bytes(data) => {
                self.bytes = self.bytes.saturating_add(data.len() as u64);
                self.demuxer.push(data);
            }
            IoEvent::End => self.finish(End::Clean),
            IoEvent::Failed(IoError::Connect) => {
                let what = "No connection to the server.".to_owned();
                return Step::Fail(fatal(ErrorCode::ConnectionFailed, what));
            }
            IoEvent::Failed(IoError::Lost) => {
                let what = "The connection broke.".to_owned();
                self.finish(End::Broken(fatal(ErrorCode::ConnectionLost, what)));
            }
            IoEvent::Failed(IoError::Closed { code, reason }) => {
                let what = format!("The server closed the socket with code {code} \"{reason}\".");
                self.finish(End::Broken(fatal(ErrorCode::SocketClosed, what)));
            }
        }
        Step::Go
    }

    /// The next demux event; an error is final and ends the load.
    pub fn poll(&mut self) -> Result<Option<DemuxEvent>, SailcastError> {
        let event = self.demuxer.poll().map_err(|e| {
            fatal(ErrorCode::FormatUnrecognised, format!("The server sent something else: {e}."))
        })?;
        if let Some(DemuxEvent::Skipped { why: SkipReason::Truncated, at, .. }) = event {
            self.truncate(at);
        }
        Ok(event)
    }

    /// The network has been silent for too long.
    pub fn timed_out(&mut self, now: Instant) -> Option<SailcastError> {
        if self.end.is_some() || now < self.deadline() {
            return None;
        }
        if now - self.deadline() > FROZEN {
            self.last_activity = now;
            return None;
        }
        let what = if self.opened {
            format!("Nothing came from the server for {} s.", SILENCE_TIMEOUT.as_secs_f64())
        } else {
            format!("The server did not answer within {} s.", CONNECT_TIMEOUT.as_secs_f64())
        };
        Some(fatal(ErrorCode::Timeout, what))
    }

    pub fn deadline(&self) -> Instant {
        self.last_activity + if self.opened { SILENCE_TIMEOUT } else { CONNECT_TIMEOUT }
    }

    fn finish(&mut self, end: End) {
        // No bytes at all are not a wrong format: the end itself is the news.
        if self.bytes > 0 {
            self.demuxer.finish();
        }
        self.end = Some(end);
    }

    fn truncate(&mut self, at: u64) {
        if self.end == Some(End::Clean) && !self.truncated {
            self.truncated = true;
            let what = format!("The stream ended inside a tag at byte {at}.");
            self.end = Some(End::Broken(fatal(ErrorCode::StreamTruncated, what)));
        }
    }
}
