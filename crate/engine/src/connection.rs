//! The player's one connection through all its lives: opened, lost, waited for, tried again on this line or another, and
//! given up.
//!
//! **Invariant:** at most one request is open, and only events of the present one are heard. It does not know what is played:
//! its owner says whether anything of the stream has been received, and puts the new connection's packets in place.

use sailcast_media::{DemuxEvent, Micros};

use crate::{
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{Instant, IoEvent, Output, RequestId, ResolveRequest},
    outbox::Outbox,
    retry::{Failure, HEALTHY_AFTER, Plan, Reason, Retry},
    source::{self, End, Other, Source, fatal},
};

/// How long the page may take to find an address.
const RESOLVE_TIMEOUT: Micros = Micros::from_secs(10);

enum Link {
    Open(Box<Source>),
    /// The page was asked for the address.
    Resolving {
        id: RequestId,
        deadline: Instant,
    },
    /// The next try is due; `None` when something else must happen first.
    Waiting(Option<Instant>),
    /// No more will come; why, unless in good order.
    Over(Option<SailcastError>),
}

/// What has come of the stream, as its owner knows.
#[derive(Clone, Copy, Debug)]
pub struct Brought {
    /// Something, by any connection.
    pub any: bool,
    /// By the present one, something that was not here before.
    pub new: bool,
    /// By the present one, what it should.
    pub good: bool,
}

pub struct Connection {
    link: Link,
    retry: Retry,
    resolve: bool,
    /// It may turn out to be no stream.
    judges: bool,
    online: bool,
    suspended: bool,
    /// Nothing has been asked for.
    untried: bool,
    /// The address was given just now: a signature in it is good.
    fresh: bool,
    /// Of the present try; 0 for the first of the load.
    attempt: u32,
    reason: Reason,
    /// Bytes of the connections before this one.
    bytes_before: u64,
    /// When the present connection brought its first packet; `None` until then.
    fruitful_since: Option<Instant>,
    proved: bool,
    pub reconnects: u64,
}

impl Connection {
    /// To the first of `lines`, which have been checked to be addresses that can be opened. Let go of before it is opened:
    /// [`Connection::wake`] opens it.
    pub fn new(lines: Vec<String>, resolve: bool, judges: bool, seed: u64) -> Self {
        Self {
            link: Link::Waiting(None),
            retry: Retry::new(lines, seed),
            resolve,
            judges,
            online: true,
            suspended: false,
            untried: true,
            fresh: true,
            attempt: 0,
            reason: Reason::Wake,
            bytes_before: 0,
            fruitful_since: None,
            proved: false,
            reconnects: 0,
        }
    }

    /// Asks for the line that is next, or first for its address.
    pub fn open(&mut self, now: Instant, out: &mut Outbox) {
        let id = out.request();
        let url = self.retry.url().to_owned();
        self.untried = false;
        let fresh = std::mem::take(&mut self.fresh);
        if self.resolve && !fresh {
            let request = ResolveRequest { url, attempt: self.attempt, reason: self.reason };
            self.link = Link::Resolving { id, deadline: now + RESOLVE_TIMEOUT };
            out.push(Output::Resolve(id, request));
        } else {
            self.request(id, &url, now, out);
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        match &self.link {
            Link::Open(source) => source.id == id,
            Link::Resolving { id: asked, .. } => *asked == id,
            _ => false,
        }
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant) {
        if let Link::Open(source) = &mut self.link {
            source.on_io(event, now);
        }
    }

    pub fn on_resolved(&mut self, url: Result<String, String>, played: bool, now: Instant, out: &mut Outbox) {
        let Link::Resolving { id, .. } = self.link else { return };
        match url {
            Ok(url) => self.request(id, &url, now, out),
            Err(why) => self.unresolved(&why, played, now, out),
        }
    }

    /// The next demux event.
    pub fn poll(&mut self, now: Instant) -> Option<DemuxEvent> {
        match &mut self.link {
            Link::Open(source) => source.poll(now),
            _ => None,
        }
    }

    /// It is no stream: what it is, with the addresses from the present one on.
    pub fn take_other(&mut self) -> Option<(Other, Vec<String>)> {
        let Link::Open(source) = &mut self.link else { return None };
        Some((source.take_other()?, self.retry.urls()))
    }

    /// A packet came. True for the first of a connection that replaces another.
    pub fn is_replacement(&mut self, now: Instant, out: &mut Outbox) -> bool {
        if self.fruitful_since.is_some() {
            return false;
        }
        self.fruitful_since = Some(now);
        if self.attempt == 0 {
            return false;
        }
        self.reconnects = self.reconnects.saturating_add(1);
        out.push(Output::Event(Event::Reconnected { attempt: self.attempt }));
        true
    }

    /// Does what is due: deadlines, ends, tries.
    pub fn advance(&mut self, brought: Brought, now: Instant, out: &mut Outbox) {
        let played = brought.any;
        match &mut self.link {
            Link::Open(source) => {
                source.watch(now);
                if brought.new && self.fruitful_since.is_some() {
                    self.retry.resumed();
                }
                match source.end().cloned() {
                    None if brought.good => self.prove(now),
                    None => {}
                    Some(End::Clean { finite: true }) => self.end(None),
                    Some(End::Clean { finite: false }) => {
                        let failure = Failure { reason: Reason::End, error: None, final_answer: false };
                        self.lose(failure, played, now, out);
                    }
                    Some(End::Failed(failure)) => self.fail(failure, played, now, out),
                }
            }
            Link::Resolving { deadline, .. } if now >= *deadline => {
                self.unresolved("it did not answer", played, now, out);
            }
            Link::Waiting(Some(at)) if now >= *at && self.online => self.open(now, out),
            _ => {}
        }
    }

    /// What came is of no use, or nothing came: cancels the request, and plans the next try, unless that has been done.
    pub fn fail(&mut self, failure: Failure, played: bool, now: Instant, out: &mut Outbox) {
        if !matches!(self.link, Link::Open(_) | Link::Resolving { .. }) {
            return;
        }
        self.cancel(out);
        self.lose(failure, played, now, out);
    }

    pub fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        if std::mem::replace(&mut self.online, online) || !online {
            return;
        }
        self.retry.forgive();
        if let Link::Waiting(Some(_)) = self.link {
            self.open(now, out);
        }
    }

    /// The network is another one, or the page was frozen: the connection may be dead.
    pub fn suspect(&mut self, now: Instant) {
        if let Link::Open(source) = &mut self.link {
            source.suspect(now);
        }
    }

    /// Lets go of the connection until [`Connection::wake`].
    pub fn suspend(&mut self, out: &mut Outbox) {
        if matches!(self.link, Link::Over(_)) || std::mem::replace(&mut self.suspended, true) {
            return;
        }
        self.fresh = false;
        self.cancel(out);
        self.link = Link::Waiting(None);
    }

    pub fn wake(&mut self, now: Instant, out: &mut Outbox) {
        if !std::mem::take(&mut self.suspended) {
            return;
        }
        self.reason = Reason::Wake;
        if !self.untried {
            self.retry.forgive();
            self.attempt = 1;
            let (attempt, reason) = (self.attempt, self.reason);
            out.push(Output::Event(Event::Reconnecting { attempt, delay: Micros::ZERO, reason }));
        }
        self.open(now, out);
    }

    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// It is open and has brought something.
    pub fn is_fruitful(&self) -> bool {
        matches!(&self.link, Link::Open(source) if source.end().is_none()) && self.fruitful_since.is_some()
    }

    /// No more will come.
    pub fn is_over(&self) -> bool {
        matches!(self.link, Link::Over(_))
    }

    /// Why it is over, unless in good order.
    pub fn error(&self) -> Option<&SailcastError> {
        if let Link::Over(error) = &self.link { error.as_ref() } else { None }
    }

    pub fn bytes(&self) -> u64 {
        let present = if let Link::Open(source) = &self.link { source.bytes } else { 0 };
        self.bytes_before.saturating_add(present)
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.link {
            Link::Open(source) => Some(source.deadline()),
            Link::Resolving { deadline, .. } => Some(*deadline),
            Link::Waiting(at) => at.filter(|_| self.online),
            Link::Over(_) => None,
        }
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.cancel(out);
        self.end(None);
    }

    fn request(&mut self, id: RequestId, url: &str, now: Instant, out: &mut Outbox) {
        match source::request(url) {
            Ok(request) => {
                self.fruitful_since = None;
                self.proved = false;
                self.link = Link::Open(Box::new(Source::new(id, self.judges, now)));
                out.push(Output::Open(id, request));
            }
            Err(error) => self.end(Some(error)),
        }
    }

    fn unresolved(&mut self, why: &str, played: bool, now: Instant, out: &mut Outbox) {
        let what = format!("The page has no address for the stream: {}.", why.trim_end_matches('.'));
        let error = Some(fatal(ErrorCode::UrlUnresolved, what));
        self.fail(Failure { reason: Reason::Unresolved, error, final_answer: false }, played, now, out);
    }

    fn lose(&mut self, failure: Failure, played: bool, now: Instant, out: &mut Outbox) {
        self.bytes_before = self.bytes();
        let Some(Plan { attempt, delay }) = self.retry.plan(&failure, played) else {
            self.end(failure.error.filter(|_| !self.retry.has_ended()));
            return;
        };
        (self.attempt, self.reason) = (attempt, failure.reason);
        self.link = Link::Waiting(Some(now + delay));
        out.push(Output::Event(Event::Reconnecting { attempt, delay, reason: failure.reason }));
    }

    /// Takes back what is under way.
    fn cancel(&mut self, out: &mut Outbox) {
        match &self.link {
            Link::Open(source) if !matches!(source.end(), Some(End::Clean { .. })) => {
                out.push(Output::Cancel(source.id));
            }
            Link::Resolving { id, .. } => out.push(Output::Cancel(*id)),
            _ => {}
        }
        self.bytes_before = self.bytes();
        if let Link::Open(_) = self.link {
            self.link = Link::Waiting(None);
        }
    }

    fn prove(&mut self, now: Instant) {
        if !self.proved && self.fruitful_since.is_some_and(|since| now - since >= HEALTHY_AFTER) {
            self.proved = true;
            self.retry.healthy();
        }
    }

    fn end(&mut self, error: Option<SailcastError>) {
        self.bytes_before = self.bytes();
        self.link = Link::Over(error);
    }
}
