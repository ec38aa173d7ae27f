//! The source of one load, whichever kind it is.
//!
//! A load begins as what its address says and goes over to what its bytes are: a stream that is a file is read on as one from
//! the same response.

use bytes::Bytes;
use sailcast_media::MediaTime;

use super::{Extent, FeedEvent, View, kind};
use crate::{
    connection::{Brought, Connection},
    definitions::{Definitions, Setting},
    error::SailcastError,
    file::File,
    hls::{self, Hls},
    io::{Instant, IoEvent, Load, Output, RequestId, SourceKind},
    outbox::Outbox,
    retry::Failure,
};

enum Source {
    Stream(Box<Connection>),
    Definitions(Box<Definitions>),
    File(Box<File>),
    Hls(Box<Hls>),
}

pub struct Feed {
    source: Source,
    load: Load,
    setting: Setting,
    seed: u64,
}

impl Source {
    fn new(kind: SourceKind, load: Load, setting: Setting, seed: u64) -> Self {
        let Load { resolve, start, .. } = load;
        match kind {
            SourceKind::Hls => Self::Hls(Box::new(Hls::new(load, hls::decodable, seed))),
            SourceKind::File => Self::File(Box::new(File::new(load.lines, resolve, start, seed))),
            SourceKind::Auto | SourceKind::Stream if !load.definitions.is_empty() => {
                Self::Definitions(Box::new(Definitions::new(load, setting, seed)))
            }
            SourceKind::Auto | SourceKind::Stream => {
                let judges = kind == SourceKind::Auto;
                Self::Stream(Box::new(Connection::new(load.lines, resolve, judges, seed)))
            }
        }
    }
}

/// What becomes of a seek.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// The place comes behind a cut.
    There,
    /// It will begin there: nothing has come yet.
    Begins,
    /// It cannot go anywhere.
    Nowhere,
}

impl Feed {
    /// Its addresses have been checked to be such that can be opened.
    pub fn new(load: Load, setting: Setting, seed: u64) -> Self {
        let by_address = || load.lines.first().and_then(|url| kind::by_address(url)).unwrap_or_default();
        let kind = if load.kind == SourceKind::Auto { by_address() } else { load.kind };
        Self { source: Source::new(kind, load.clone(), setting, seed), load, setting, seed }
    }

    pub fn kind(&self) -> SourceKind {
        match self.source {
            Source::Stream(_) | Source::Definitions(_) => SourceKind::Stream,
            Source::File(_) => SourceKind::File,
            Source::Hls(_) => SourceKind::Hls,
        }
    }

    /// It loads ahead of the playhead by itself, and has one timeline.
    pub fn is_paced(&self) -> bool {
        !matches!(self.source, Source::Stream(_) | Source::Definitions(_))
    }

    pub fn open(&mut self, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.open(now, out),
            Source::Definitions(definitions) => definitions.open(now, out),
            Source::File(file) => file.open(now, out),
            Source::Hls(hls) => hls.open(now, out),
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.owns(id),
            Source::Definitions(definitions) => definitions.owns(id),
            Source::File(file) => file.owns(id),
            Source::Hls(hls) => hls.owns(id),
        }
    }

    pub fn on_io(&mut self, id: RequestId, event: IoEvent, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.on_io(event, now),
            Source::Definitions(definitions) => definitions.on_io(id, event, now),
            Source::File(file) => file.on_io(event, now, out),
            Source::Hls(hls) => hls.on_io(id, event, now, out),
        }
        self.turn(now, out);
    }

    /// Goes over to what the bytes are.
    fn turn(&mut self, now: Instant, out: &mut Outbox) {
        let (other, lines) = match &mut self.source {
            Source::Stream(connection) => match connection.take_other() {
                Some((other, lines)) => (Some(other), lines),
                None => return,
            },
            Source::File(file) => match file.take_playlist() {
                Some(lines) => (None, lines),
                None => return,
            },
            Source::Definitions(_) | Source::Hls(_) => return,
        };
        let load = Load { lines, ..self.load.clone() };
        match other {
            Some(other) if other.kind == SourceKind::File => {
                let mut file = File::new(load.lines, load.resolve, load.start, self.seed);
                file.adopt(other, now, out);
                self.source = Source::File(Box::new(file));
            }
            // A playlist is short: it is asked for anew, as what it is.
            other => {
                if let Some(other) = other {
                    out.push(Output::Cancel(other.id));
                }
                self.close(out);
                self.source = Source::new(SourceKind::Hls, load, self.setting, self.seed);
                self.open(now, out);
            }
        }
    }

    pub fn on_resolved(
        &mut self,
        id: RequestId,
        url: Result<String, String>,
        played: bool,
        now: Instant,
        out: &mut Outbox,
    ) {
        match &mut self.source {
            Source::Stream(connection) => connection.on_resolved(url, played, now, out),
            Source::Definitions(definitions) => definitions.on_resolved(id, url, played, now, out),
            Source::File(file) => file.on_resolved(url, now, out),
            Source::Hls(hls) => hls.on_resolved(id, url, now, out),
        }
    }

    pub fn on_decrypted(
        &mut self,
        id: RequestId,
        clear: Result<Bytes, String>,
        now: Instant,
        out: &mut Outbox,
    ) {
        if let Source::Hls(hls) = &mut self.source {
            hls.on_decrypted(id, clear, now, out);
        }
    }

    pub fn poll(&mut self, now: Instant, out: &mut Outbox) -> Option<FeedEvent> {
        match &mut self.source {
            Source::Stream(connection) => connection.poll(now).map(FeedEvent::Demuxed),
            Source::Definitions(definitions) => definitions.poll(now, out),
            Source::File(file) => file.poll(now, out),
            Source::Hls(hls) => hls.poll(now),
        }
    }

    /// A packet came. True for the first of a stream's connection that replaces another.
    pub fn is_replacement(&mut self, now: Instant, out: &mut Outbox) -> bool {
        match &mut self.source {
            Source::Stream(connection) => connection.is_replacement(now, out),
            Source::Definitions(definitions) => definitions.is_replacement(now, out),
            Source::File(_) | Source::Hls(_) => false,
        }
    }

    pub fn advance(&mut self, brought: Brought, view: &View, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.advance(brought, now, out),
            Source::Definitions(definitions) => definitions.advance(brought, view, now, out),
            Source::File(file) => file.advance(view, now, out),
            Source::Hls(hls) => hls.advance(view, now, out),
        }
    }

    /// There is something to poll without anything that came.
    pub fn has_news(&self) -> bool {
        matches!(&self.source, Source::Definitions(definitions) if definitions.has_news())
    }

    /// What comes of a stream is of no use; false where there is no other one to ask for.
    pub fn fail(&mut self, failure: Failure, played: bool, now: Instant, out: &mut Outbox) -> bool {
        match &mut self.source {
            Source::Stream(connection) => connection.fail(failure, played, now, out),
            Source::Definitions(definitions) => definitions.fail(failure, played, now, out),
            Source::File(_) | Source::Hls(_) => return false,
        }
        true
    }

    /// Goes to another place: exactly there, or to where it is quicker to begin near it.
    pub fn seek(&mut self, to: MediaTime, exact: bool, now: Instant, out: &mut Outbox) -> Going {
        match &mut self.source {
            Source::Stream(_) | Source::Definitions(_) => Going::Nowhere,
            Source::File(file) => {
                if file.seek(to) {
                    Going::There
                } else {
                    Going::Nowhere
                }
            }
            Source::Hls(hls) => {
                hls.seek(to, exact, now, out);
                match hls.extent(now).seekable {
                    _ if hls.error().is_some() => Going::Nowhere,
                    Some(_) => Going::There,
                    None => Going::Begins,
                }
            }
        }
    }

    /// Plays this rendition; `None`: the player chooses.
    pub fn select(&mut self, rendition: Option<u32>, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Definitions(definitions) => definitions.select(rendition, now, out),
            Source::Hls(hls) => hls.select(rendition, now, out),
            Source::Stream(_) | Source::File(_) => {}
        }
    }

    /// As far as an index tells.
    pub fn keyframes_around(&self, at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>) {
        match &self.source {
            Source::File(file) => file.keyframes_around(at),
            Source::Stream(_) | Source::Definitions(_) | Source::Hls(_) => (None, None),
        }
    }

    pub fn extent(&self, now: Instant) -> Extent {
        match &self.source {
            Source::Stream(_) => Extent::default(),
            Source::Definitions(definitions) => definitions.extent(now),
            Source::File(file) => file.extent(),
            Source::Hls(hls) => hls.extent(now),
        }
    }

    pub fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.set_online(online, now, out),
            Source::Definitions(definitions) => definitions.set_online(online, now, out),
            Source::File(file) => file.set_online(online, now, out),
            Source::Hls(hls) => hls.set_online(online, now, out),
        }
    }

    pub fn suspect(&mut self, now: Instant) {
        match &mut self.source {
            Source::Stream(connection) => connection.suspect(now),
            Source::Definitions(definitions) => definitions.suspect(now),
            Source::File(file) => file.suspect(now),
            Source::Hls(hls) => hls.suspect(now),
        }
    }

    pub fn suspend(&mut self, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.suspend(out),
            Source::Definitions(definitions) => definitions.suspend(out),
            Source::File(file) => file.suspend(out),
            Source::Hls(hls) => hls.suspend(out),
        }
    }

    pub fn wake(&mut self, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.wake(now, out),
            Source::Definitions(definitions) => definitions.wake(now, out),
            Source::File(file) => file.wake(now, out),
            Source::Hls(hls) => hls.wake(now, out),
        }
    }

    pub fn is_suspended(&self) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.is_suspended(),
            Source::Definitions(definitions) => definitions.is_suspended(),
            Source::File(file) => file.is_suspended(),
            Source::Hls(hls) => hls.is_suspended(),
        }
    }

    /// No more will come, from where it is to the end.
    pub fn is_over(&self) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.is_over(),
            Source::Definitions(definitions) => definitions.is_over(),
            Source::File(file) => file.is_over(),
            Source::Hls(hls) => hls.is_over(),
        }
    }

    /// Why it is over, unless in good order.
    pub fn error(&self) -> Option<&SailcastError> {
        match &self.source {
            Source::Stream(connection) => connection.error(),
            Source::Definitions(definitions) => definitions.error(),
            Source::File(file) => file.error(),
            Source::Hls(hls) => hls.error(),
        }
    }

    pub fn bytes(&self) -> u64 {
        match &self.source {
            Source::Stream(connection) => connection.bytes(),
            Source::Definitions(definitions) => definitions.bytes(),
            Source::File(file) => file.bytes(),
            Source::Hls(hls) => hls.bytes(),
        }
    }

    pub fn reconnects(&self) -> u64 {
        match &self.source {
            Source::Stream(connection) => connection.reconnects,
            Source::Definitions(definitions) => definitions.reconnects(),
            Source::File(file) => file.reconnects(),
            Source::Hls(hls) => hls.reconnects(),
        }
    }

    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        match &mut self.source {
            Source::Stream(connection) => connection.deadline(),
            Source::Definitions(definitions) => definitions.deadline(),
            Source::File(file) => file.deadline(),
            Source::Hls(hls) => hls.deadline(now),
        }
    }

    pub fn close(&mut self, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.close(out),
            Source::Definitions(definitions) => definitions.close(out),
            Source::File(file) => file.close(out),
            Source::Hls(hls) => hls.close(out),
        }
    }
}
