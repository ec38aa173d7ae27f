//! The text of a playlist on its way here.

use bytes::{Bytes, BytesMut};
use sailcast_media::{
    Micros,
    hls::{self, Playlist, PlaylistError, Variables, caps::MAX_TEXT},
};

use super::fetch::{Fetch, Step, final_failure};
use crate::{
    error::ErrorCode,
    io::{Instant, IoEvent, RequestId},
    outbox::Outbox,
    retry::{Failure, Reason},
};

pub struct Loaded {
    pub text: Bytes,
    /// As it was asked for.
    pub asked: String,
    /// Where it came from: redirects may have led elsewhere.
    pub url: String,
}

impl Loaded {
    /// Its last line is complete.
    pub fn is_terminated(&self) -> bool {
        self.text.ends_with(b"\n")
    }

    /// What it says. One that was cut in its last line says what the others do; `terminates`: the server ends each line, and an
    /// address without an end has lost some of it.
    pub fn parse(&self, imported: &Variables, terminates: bool) -> Result<Playlist, PlaylistError> {
        let end = self.text.iter().rposition(|byte| *byte == b'\n');
        let (lines, last) =
            self.text.split_at_checked(end.map_or(0, |end| end.saturating_add(1))).unwrap_or_default();
        let is_cut = terminates && last.first().is_some_and(|byte| *byte != b'#');
        match hls::parse(&self.text, &self.url, imported) {
            Ok(playlist) if !is_cut => Ok(playlist),
            whole => hls::parse(lines, &self.url, imported).or(whole),
        }
    }
}

#[derive(Debug)]
pub struct Text {
    fetch: Fetch,
    body: BytesMut,
}

impl Text {
    pub fn new(url: String, patience: Micros, at: Instant) -> Self {
        Self { fetch: Fetch::new(url, None, patience, at), body: BytesMut::new() }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        self.fetch.owns(id)
    }

    pub fn advance(&mut self, now: Instant, out: &mut Outbox) -> Option<Result<Loaded, Failure>> {
        let step = self.fetch.advance(now, out);
        self.take(step, out)
    }

    pub fn on_io(
        &mut self,
        event: IoEvent,
        now: Instant,
        out: &mut Outbox,
    ) -> Option<Result<Loaded, Failure>> {
        let step = self.fetch.on_io(event, now, out);
        self.take(step, out)
    }

    pub fn suspect(&mut self, now: Instant) {
        self.fetch.suspect(now);
    }

    pub fn cancel(&mut self, out: &mut Outbox) {
        self.fetch.cancel(out);
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.fetch.deadline()
    }

    fn take(&mut self, step: Step, out: &mut Outbox) -> Option<Result<Loaded, Failure>> {
        if let Some(bytes) = step.bytes {
            self.body.extend_from_slice(&bytes);
        }
        if self.body.len() > MAX_TEXT {
            self.fetch.cancel(out);
            let what = format!("The playlist is longer than {} MB.", MAX_TEXT >> 20);
            return Some(Err(final_failure(Reason::Format, ErrorCode::PlaylistInvalid, what)));
        }
        let asked = self.fetch.url.clone();
        let url = self.fetch.redirected.clone().unwrap_or_else(|| asked.clone());
        let end = step.end?;
        Some(end.map(|()| Loaded { text: self.body.split().freeze(), asked, url }))
    }
}
