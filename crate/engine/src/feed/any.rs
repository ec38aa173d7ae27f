//! The source of one load, whichever kind it is.
//!
//! A load begins as what its address says and goes over to what its bytes are: a stream that is a file is read on as one from
//! the same response.

use bytes::Bytes;
use sailcast_media::{MediaTime, TrackInfo};

use super::{Extent, FeedEvent, Going, Paced, View, kind};
use crate::{
    connection::{Brought, Connection},
    definitions::{Definitions, Setting},
    error::SailcastError,
    io::{Begun, Instant, IoEvent, Load, RequestId, SourceKind},
    outbox::Outbox,
    retry::Failure,
    source::Other,
    sources::MakePaced,
};

/// So much is read of a file that is to be handed on, as of one that is played from here.
const MOST_BEGUN: usize = 512 << 10;

enum Source {
    Stream(Box<Connection>),
    Definitions(Box<Definitions>),
    Paced(Box<dyn Paced>),
}

pub struct Feed {
    source: Source,
    load: Load,
    setting: Setting,
    seed: u64,
    make: Option<MakePaced>,
    is_beyond: bool,
    begun: Option<Begun>,
}

impl Feed {
    /// Its addresses have been checked to be such that can be opened.
    pub fn new(load: Load, setting: Setting, make: Option<MakePaced>, seed: u64) -> Self {
        let by_address = || load.lines.first().and_then(|url| kind::by_address(url)).unwrap_or_default();
        let kind = if load.kind == SourceKind::Auto { by_address() } else { load.kind };
        let is_stream = matches!(kind, SourceKind::Auto | SourceKind::Stream);
        let source = match make {
            Some(make) if !is_stream => Source::Paced(make(kind, load.clone(), setting, seed)),
            _ if !load.definitions.is_empty() => {
                Source::Definitions(Box::new(Definitions::new(load.clone(), setting, seed)))
            }
            _ => {
                let judges = kind == SourceKind::Auto;
                let connection = Connection::new(load.lines.clone(), load.resolve, judges, seed);
                Source::Stream(Box::new(connection))
            }
        };
        Self { source, load, setting, seed, make, is_beyond: !is_stream && make.is_none(), begun: None }
    }

    pub fn kind(&self) -> SourceKind {
        match &self.source {
            Source::Stream(_) | Source::Definitions(_) => SourceKind::Stream,
            Source::Paced(paced) => paced.kind(),
        }
    }

    /// It loads ahead of the playhead by itself, and has one timeline.
    pub fn is_paced(&self) -> bool {
        matches!(self.source, Source::Paced(_))
    }

    /// It is of a kind that this build has no source for. What is left to do is to hand it on.
    pub fn is_beyond(&self) -> bool {
        self.is_beyond
    }

    /// What has come of the file that it is.
    pub fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    pub fn open(&mut self, now: Instant, out: &mut Outbox) {
        if self.is_beyond {
            return;
        }
        match &mut self.source {
            Source::Stream(connection) => connection.open(now, out),
            Source::Definitions(definitions) => definitions.open(now, out),
            Source::Paced(paced) => paced.open(now, out),
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.owns(id),
            Source::Definitions(definitions) => definitions.owns(id),
            Source::Paced(paced) => paced.owns(id),
        }
    }

    pub fn on_io(&mut self, id: RequestId, event: IoEvent, now: Instant, out: &mut Outbox) {
        if let (Some(begun), IoEvent::Bytes(data)) = (&mut self.begun, &event) {
            begun.extend(data);
            if begun.bytes.len() >= MOST_BEGUN {
                self.close(out);
            }
            return;
        }
        match &mut self.source {
            Source::Stream(connection) => connection.on_io(event, now),
            Source::Definitions(definitions) => definitions.on_io(id, event, now),
            Source::Paced(paced) => paced.on_io(id, event, now, out),
        }
        self.turn(now, out);
    }

    /// Goes over to what the bytes are.
    fn turn(&mut self, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => {
                if let Some((other, lines)) = connection.take_other() {
                    self.go_over(other.kind, lines, Some(other), now, out);
                }
            }
            Source::Paced(paced) => {
                if let Some(lines) = paced.take_playlist() {
                    paced.close(out);
                    self.go_over(SourceKind::Hls, lines, None, now, out);
                }
            }
            Source::Definitions(_) => {}
        }
    }

    fn go_over(
        &mut self,
        kind: SourceKind,
        lines: Vec<String>,
        other: Option<Other>,
        now: Instant,
        out: &mut Outbox,
    ) {
        let Some(make) = self.make else {
            self.is_beyond = true;
            match other.filter(|other| other.kind == SourceKind::File) {
                Some(file) => self.begun = Some(Begun { len: file.response.len, bytes: file.bytes }),
                // A playlist is short: it is asked for anew.
                None => self.close(out),
            }
            return;
        };
        let mut paced = make(kind, Load { lines, ..self.load.clone() }, self.setting, self.seed);
        match other {
            Some(other) => paced.adopt(other, now, out),
            None => paced.open(now, out),
        }
        self.source = Source::Paced(paced);
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
            Source::Paced(paced) => paced.on_resolved(id, url, now, out),
        }
    }

    pub fn on_decrypted(
        &mut self,
        id: RequestId,
        clear: Result<Bytes, String>,
        now: Instant,
        out: &mut Outbox,
    ) {
        if let Source::Paced(paced) = &mut self.source {
            paced.on_decrypted(id, clear, now, out);
        }
    }

    pub fn poll(&mut self, now: Instant, out: &mut Outbox) -> Option<FeedEvent> {
        match &mut self.source {
            Source::Stream(connection) => connection.poll(now).map(FeedEvent::Demuxed),
            Source::Definitions(definitions) => definitions.poll(now, out),
            Source::Paced(paced) => paced.poll(now, out),
        }
    }

    /// A packet came. True for the first of a stream's connection that replaces another.
    pub fn is_replacement(&mut self, now: Instant, out: &mut Outbox) -> bool {
        match &mut self.source {
            Source::Stream(connection) => connection.is_replacement(now, out),
            Source::Definitions(definitions) => definitions.is_replacement(now, out),
            Source::Paced(_) => false,
        }
    }

    pub fn advance(&mut self, brought: Brought, view: &View, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.advance(brought, now, out),
            Source::Definitions(definitions) => definitions.advance(brought, view, now, out),
            Source::Paced(paced) => paced.advance(view, now, out),
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
            Source::Paced(_) => return false,
        }
        true
    }

    /// Goes to another place: exactly there, or to where it is quicker to begin near it.
    pub fn seek(&mut self, to: MediaTime, exact: bool, now: Instant, out: &mut Outbox) -> Going {
        match &mut self.source {
            Source::Stream(_) | Source::Definitions(_) => Going::Nowhere,
            Source::Paced(paced) => paced.seek(to, exact, now, out),
        }
    }

    /// Plays this rendition; `None`: the player chooses.
    pub fn select(&mut self, rendition: Option<u32>, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(_) => {}
            Source::Definitions(definitions) => definitions.select(rendition, now, out),
            Source::Paced(paced) => paced.select(rendition, now, out),
        }
    }

    /// There is no decoder for these pictures: true where the source has others, which come.
    pub fn leave(&mut self, pictures: &TrackInfo, now: Instant, out: &mut Outbox) -> bool {
        match &mut self.source {
            Source::Stream(_) | Source::Definitions(_) => false,
            Source::Paced(paced) => paced.leave(pictures, now, out),
        }
    }

    /// Gives this track of the sound, where it gives one of several.
    pub fn select_sound(&mut self, number: u8, now: Instant, out: &mut Outbox) {
        // What is read as a stream may turn out to be a playlist.
        self.load.sound = Some(number);
        if let Source::Paced(paced) = &mut self.source {
            paced.select_sound(number, now, out);
        }
    }

    /// This track of the sound cannot be played. Whether another one comes in its place.
    pub fn refuse_sound(&mut self, number: u8, now: Instant, out: &mut Outbox) -> bool {
        match &mut self.source {
            Source::Stream(_) | Source::Definitions(_) => false,
            Source::Paced(paced) => paced.refuse_sound(number, now, out),
        }
    }

    /// As far as an index tells.
    pub fn keyframes_around(&self, at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>) {
        match &self.source {
            Source::Stream(_) | Source::Definitions(_) => (None, None),
            Source::Paced(paced) => paced.keyframes_around(at),
        }
    }

    pub fn extent(&self, now: Instant) -> Extent {
        match &self.source {
            Source::Stream(_) => Extent::default(),
            Source::Definitions(definitions) => definitions.extent(now),
            Source::Paced(paced) => paced.extent(now),
        }
    }

    pub fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.set_online(online, now, out),
            Source::Definitions(definitions) => definitions.set_online(online, now, out),
            Source::Paced(paced) => paced.set_online(online, now, out),
        }
    }

    pub fn suspect(&mut self, now: Instant) {
        match &mut self.source {
            Source::Stream(connection) => connection.suspect(now),
            Source::Definitions(definitions) => definitions.suspect(now),
            Source::Paced(paced) => paced.suspect(now),
        }
    }

    pub fn suspend(&mut self, out: &mut Outbox) {
        if self.is_beyond {
            return self.close(out);
        }
        match &mut self.source {
            Source::Stream(connection) => connection.suspend(out),
            Source::Definitions(definitions) => definitions.suspend(out),
            Source::Paced(paced) => paced.suspend(out),
        }
    }

    pub fn wake(&mut self, now: Instant, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.wake(now, out),
            Source::Definitions(definitions) => definitions.wake(now, out),
            Source::Paced(paced) => paced.wake(now, out),
        }
    }

    pub fn is_suspended(&self) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.is_suspended(),
            Source::Definitions(definitions) => definitions.is_suspended(),
            Source::Paced(paced) => paced.is_suspended(),
        }
    }

    /// No more will come, from where it is to the end.
    pub fn is_over(&self) -> bool {
        match &self.source {
            Source::Stream(connection) => connection.is_over(),
            Source::Definitions(definitions) => definitions.is_over(),
            Source::Paced(paced) => paced.is_over(),
        }
    }

    /// Why it is over, unless in good order.
    pub fn error(&self) -> Option<&SailcastError> {
        match &self.source {
            Source::Stream(connection) => connection.error(),
            Source::Definitions(definitions) => definitions.error(),
            Source::Paced(paced) => paced.error(),
        }
    }

    pub fn bytes(&self) -> u64 {
        match &self.source {
            Source::Stream(connection) => connection.bytes(),
            Source::Definitions(definitions) => definitions.bytes(),
            Source::Paced(paced) => paced.bytes(),
        }
    }

    pub fn reconnects(&self) -> u64 {
        match &self.source {
            Source::Stream(connection) => connection.reconnects,
            Source::Definitions(definitions) => definitions.reconnects(),
            Source::Paced(paced) => paced.reconnects(),
        }
    }

    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        match &mut self.source {
            Source::Stream(connection) => connection.deadline(),
            Source::Definitions(definitions) => definitions.deadline(),
            Source::Paced(paced) => paced.deadline(now),
        }
    }

    pub fn close(&mut self, out: &mut Outbox) {
        match &mut self.source {
            Source::Stream(connection) => connection.close(out),
            Source::Definitions(definitions) => definitions.close(out),
            Source::Paced(paced) => paced.close(out),
        }
    }
}
