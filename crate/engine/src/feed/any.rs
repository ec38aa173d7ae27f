//! The source of one load, whichever kind it is.
//!
//! A load begins as what its address says and goes over to what its bytes are: a stream that is a file is read on as one from
//! the same response.

use sailcast_media::MediaTime;

use super::{Extent, FeedEvent, View, kind};
use crate::{
    connection::{Brought, Connection},
    error::SailcastError,
    file::File,
    io::{Instant, IoEvent, Load, RequestId, SourceKind},
    outbox::Outbox,
    retry::Failure,
};

enum Source {
    Stream(Box<Connection>),
    File(Box<File>),
}

pub struct Feed {
    source: Source,
    resolve: bool,
    start: Option<MediaTime>,
    seed: u64,
}

impl Feed {
    /// Its addresses have been checked to be such that can be opened.
    pub fn new(load: Load, seed: u64) -> Self {
        let Load { lines, resolve, start, kind, .. } = load;
        let by_address = || lines.first().and_then(|url| kind::by_address(url)).unwrap_or_default();
        let source = match if kind == SourceKind::Auto { by_address() } else { kind } {
            SourceKind::File => Source::File(Box::new(File::new(lines, resolve, start, seed))),
            SourceKind::Auto => Source::Stream(Box::new(Connection::new(lines, resolve, true, seed))),
            SourceKind::Stream | SourceKind::Hls => {
                Source::Stream(Box::new(Connection::new(lines, resolve, false, seed)))
            }
        };
        Self { source, resolve, start, seed }
    }

    /// It loads ahead of the playhead by itself, and has one timeline.
    pub fn is_paced(&self) -> bool {
        !matches!(self.source, Source::Stream(_))
    }

    pub fn open(&mut self, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.open(now, out),
            Source::File(file) => file.open(now, out),
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.owns(id),
            Source::File(file) => file.owns(id),
        }
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.on_io(event, now),
            Source::File(file) => file.on_io(event, now, out),
        }
        self.turn(now, out);
    }

    /// Goes over to what the bytes are.
    fn turn(&mut self, now: Instant, out: &mut Outbox) {
        let Source::Stream(connection) = &mut self.source else { return };
        let Some((other, lines)) = connection.take_other() else { return };
        let mut file = File::new(lines, self.resolve, self.start, self.seed);
        file.adopt(other, now, out);
        self.source = Source::File(Box::new(file));
    }

    pub fn on_resolved(&mut self, url: Result<String, String>, played: bool, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.on_resolved(url, played, now, out),
            Source::File(file) => file.on_resolved(url, now, out),
        }
    }

    pub fn poll(&mut self, now: Instant, out: &mut Outbox) -> Option<FeedEvent> {
        match &mut self.source {
            Source::Stream(connection) => connection.poll(now).map(FeedEvent::Demuxed),
            Source::File(file) => file.poll(now, out),
        }
    }

    /// A packet came. True for the first of a stream's connection that replaces another.
    pub fn is_replacement(&mut self, now: Instant, out: &mut Outbox) -> bool {
        match &mut self.source {
            Source::Stream(connection) => connection.is_replacement(now, out),
            Source::File(_) => false,
        }
    }

    pub fn advance(&mut self, brought: Brought, view: &View, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.advance(brought, now, out),
            Source::File(file) => file.advance(view, now, out),
        }
    }

    /// What comes of a stream is of no use; false where there is no other one to ask for.
    pub fn fail(&mut self, failure: Failure, played: bool, now: Instant, out: &mut Outbox) -> bool {
        if let Source::Stream(connection) = &mut self.source {
            connection.fail(failure, played, now, out);
            return true;
        }
        false
    }

    /// Goes to another place; false where that is not possible.
    pub fn seek(&mut self, to: MediaTime) -> bool {
        match &mut self.source {
            Source::Stream(_) => false,
            Source::File(file) => file.seek(to),
        }
    }

    /// As far as an index tells.
    pub fn keyframes_around(&self, at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>) {
        match &self.source {
            Source::Stream(_) => (None, None),
            Source::File(file) => file.keyframes_around(at),
        }
    }

    pub fn extent(&self) -> Extent {
        match &self.source {
            Source::Stream(_) => Extent::default(),
            Source::File(file) => file.extent(),
        }
    }

    pub fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.set_online(online, now, out),
            Source::File(file) => file.set_online(online, now, out),
        }
    }

    pub fn suspect(&mut self, now: Instant) {
        match &mut self.source {
            Source::Stream(connection) => connection.suspect(now),
            Source::File(file) => file.suspect(now),
        }
    }

    pub fn suspend(&mut self, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.suspend(out),
            Source::File(file) => file.suspend(out),
        }
    }

    pub fn wake(&mut self, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.wake(now, out),
            Source::File(file) => file.wake(now, out),
        }
    }

    pub fn is_suspended(&self) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.is_suspended(),
            Source::File(file) => file.is_suspended(),
        }
    }

    /// No more will come, from where it is to the end.
    pub fn is_over(&self) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.is_over(),
            Source::File(file) => file.is_over(),
        }
    }

    /// Why it is over, unless in good order.
    pub fn error(&self) -> Option<&SailcastError> {
        match &self.source {
            Source::Stream(connection) => connection.error(),
            Source::File(file) => file.error(),
        }
    }

    pub fn bytes(&self) -> u64 {
        match &self.source {
            Source::Stream(connection) => connection.bytes(),
            Source::File(file) => file.bytes(),
        }
    }

    pub fn reconnects(&self) -> u64 {
        match &self.source {
            Source::Stream(connection) => connection.reconnects,
            Source::File(file) => file.reconnects(),
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.source {
            Source::Stream(connection) => connection.deadline(),
            Source::File(file) => file.deadline(),
        }
    }

    pub fn close(&mut self, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.close(out),
            Source::File(file) => file.close(out),
        }
    }
}
