//! One request for bytes of a file, from its first byte on, and what the response made of it.
//!
//! A server may answer a range with the whole file; what comes is placed by what the response says, never by what was asked.

use bytes::Bytes;
use sailcast_media::{Micros, hls::ByteRange};

use crate::{
    error::ErrorCode,
    io::{Instant, IoEvent, RequestId, Response},
    retry::{Failure, Reason},
    source::{self, CONNECT_TIMEOUT, FROZEN, SILENCE_TIMEOUT, SUSPECT_TIMEOUT},
};

#[derive(Debug)]
pub struct Piece {
    pub id: RequestId,
    asked: Option<ByteRange>,
    /// Offset of the byte that comes next.
    pub at: u64,
    /// Up to here it will come; `None`: to the end of the file.
    end: Option<u64>,
    opened: bool,
    last_activity: Instant,
    silence: Micros,
}

/// What an event of the request came to.
#[derive(Debug, PartialEq)]
pub enum News {
    None,
    /// The server gives the whole file in place of the range.
    Whole,
    Bytes(u64, Bytes),
    /// All of it came.
    Done,
    /// The file ends here.
    EndsAt(u64),
    Failed(Failure),
}

impl Piece {
    /// `asked`: `None` for the whole file.
    pub fn new(id: RequestId, asked: Option<ByteRange>, now: Instant) -> Self {
        let at = asked.map_or(0, |range| range.offset);
        let end = asked.map(|range| range.offset.saturating_add(range.length));
        Self { id, asked, at, end, opened: false, last_activity: now, silence: SILENCE_TIMEOUT }
    }

    /// A request for the whole file that was open already.
    pub fn adopted(id: RequestId, now: Instant) -> Self {
        Self { opened: true, ..Self::new(id, None, now) }
    }

    /// Nothing bounds it but the end of the file.
    pub fn is_whole(&self) -> bool {
        self.end.is_none()
    }

    /// It brings the byte at `offset`, and not much before it.
    pub fn brings(&self, offset: u64, patience: u64) -> bool {
        let ahead = offset.checked_sub(self.at);
        ahead.is_some_and(|ahead| ahead <= patience) && self.end.is_none_or(|end| offset < end)
    }

    /// `len`: of the file, as far as it is known.
    pub fn on_io(&mut self, event: IoEvent, len: Option<u64>, now: Instant) -> News {
        self.last_activity = now;
        self.silence = SILENCE_TIMEOUT;
        match event {
            IoEvent::Opened(response) => self.open(&response),
            IoEvent::Bytes(data) => {
                let at = self.at;
                self.at = at.saturating_add(data.len() as u64);
                News::Bytes(at, data)
            }
            IoEvent::End => self.finish(len),
            IoEvent::Failed(error) => News::Failed(source::broken(error)),
        }
    }

    fn open(&mut self, response: &Response) -> News {
        self.opened = true;
        match (response.status, self.asked) {
            // There is nothing behind the end.
            (416, Some(range)) if range.offset > 0 => News::EndsAt(range.offset),
            (206, _) => News::None,
            _ if !response.is_success() => News::Failed(source::refused(response.status)),
            (_, None) => News::None,
            (_, Some(_)) => {
                (self.at, self.end) = (0, None);
                News::Whole
            }
        }
    }

    fn finish(&self, len: Option<u64>) -> News {
        let end = match (self.end, len) {
            (Some(end), Some(len)) => Some(end.min(len)),
            (None, len) => len,
            // Of a range in a file of unknown length, what comes short is the end of it.
            (Some(_), None) => None,
        };
        match end {
            Some(end) if self.at < end => {
                let what = format!("The server ended the response at byte {} of {end}.", self.at);
                News::Failed(source::failure(Reason::Lost, ErrorCode::StreamTruncated, what))
            }
            None if self.end.is_none_or(|end| self.at < end) => News::EndsAt(self.at),
            _ => News::Done,
        }
    }

    /// The connection may be dead: it has a short time to show that it is not.
    pub fn suspect(&mut self, now: Instant) {
        self.last_activity = now;
        if self.opened {
            self.silence = SUSPECT_TIMEOUT;
        }
    }

    /// What has been silent for too long has failed.
    pub fn watch(&mut self, now: Instant) -> Option<Failure> {
        let late = now - self.deadline();
        if late > FROZEN {
            self.suspect(now);
            return None;
        }
        (late >= Micros::ZERO).then(|| source::silent(self.opened, self.silence))
    }

    pub fn deadline(&self) -> Instant {
        self.last_activity + if self.opened { self.silence } else { CONNECT_TIMEOUT }
    }
}
