//! The requests for a file, one at a time: asked for, lost, tried again after a while on this line or another, and given up.
//!
//! It does not know what the bytes are. **Invariant:** at most one request is open, and only its events are heard.

use sailcast_media::{Micros, hls::ByteRange};

use super::piece::{News, Piece};
use crate::{
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{Instant, IoEvent, IoRequest, Output, RequestId, ResolveRequest, Transport},
    outbox::Outbox,
    retry::{Failure, Plan, Reason, Retry},
    source::{self, fatal},
};

/// How long the page may take to find an address.
const RESOLVE_TIMEOUT: Micros = Micros::from_secs(10);

enum Link {
    /// Nothing is asked for.
    Idle,
    Open(Piece),
    /// The page was asked for the address.
    Resolving {
        id: RequestId,
        deadline: Instant,
    },
    /// The next try is due.
    Waiting(Instant),
    /// All tries were in vain.
    Over(SailcastError),
}

pub struct Requests {
    link: Link,
    retry: Retry,
    resolve: bool,
    /// The page's answer, in place of the line's own address.
    resolved: Option<String>,
    online: bool,
    suspended: bool,
    /// Of the present try; 0 when the last one went well.
    attempt: u32,
    reason: Reason,
    pub reconnects: u64,
}

impl Requests {
    pub fn new(lines: Vec<String>, resolve: bool, seed: u64) -> Self {
        Self {
            link: Link::Idle,
            retry: Retry::new(lines, seed),
            resolve,
            resolved: None,
            online: true,
            suspended: false,
            attempt: 0,
            reason: Reason::Wake,
            reconnects: 0,
        }
    }

    /// A request for the whole file that is open.
    pub fn adopt(&mut self, id: RequestId, now: Instant) {
        self.link = Link::Open(Piece::adopted(id, now));
    }

    /// One can be asked for.
    pub fn is_idle(&self) -> bool {
        matches!(self.link, Link::Idle) && !self.suspended
    }

    pub fn piece(&self) -> Option<&Piece> {
        if let Link::Open(piece) = &self.link { Some(piece) } else { None }
    }

    pub fn ask(&mut self, range: Option<ByteRange>, now: Instant, out: &mut Outbox) {
        let url = self.resolved.as_deref().unwrap_or_else(|| self.retry.url());
        match source::request(url) {
            Ok(request) if request.transport == Transport::Http => {
                let id = out.request();
                out.push(Output::Open(id, IoRequest { range, fresh: self.attempt > 0, ..request }));
                self.link = Link::Open(Piece::new(id, range, now));
            }
            Ok(_) => {
                let what = format!("A file cannot be read from \"{url}\".");
                self.link = Link::Over(fatal(ErrorCode::UrlUnsupported, what));
            }
            Err(error) => self.link = Link::Over(error),
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        match &self.link {
            Link::Open(piece) => piece.id == id,
            Link::Resolving { id: asked, .. } => *asked == id,
            _ => false,
        }
    }

    /// `len`: of the file, as far as it is known. `played`: something of it was received.
    pub fn on_io(
        &mut self,
        event: IoEvent,
        len: Option<u64>,
        played: bool,
        now: Instant,
        out: &mut Outbox,
    ) -> News {
        let Link::Open(piece) = &mut self.link else { return News::None };
        let news = piece.on_io(event, len, now);
        match &news {
            News::Failed(failure) => self.lose(failure, played, out, now),
            News::Bytes(..) => {
                let attempt = std::mem::take(&mut self.attempt);
                if attempt > 0 {
                    self.reconnects = self.reconnects.saturating_add(1);
                    out.push(Output::Event(Event::Reconnected { attempt }));
                }
            }
            News::Done | News::EndsAt(_) => {
                self.link = Link::Idle;
                self.retry.healthy();
            }
            News::None | News::Whole => {}
        }
        news
    }

    pub fn on_resolved(&mut self, url: Result<String, String>, played: bool, now: Instant, out: &mut Outbox) {
        if !matches!(self.link, Link::Resolving { .. }) {
            return;
        }
        match url {
            Ok(url) => {
                self.resolved = Some(url);
                self.link = Link::Idle;
            }
            Err(why) => self.unresolved(&why, played, now, out),
        }
    }

    /// Does what is due: deadlines and tries.
    pub fn advance(&mut self, played: bool, now: Instant, out: &mut Outbox) {
        match &mut self.link {
            Link::Open(piece) => {
                if let Some(failure) = piece.watch(now) {
                    self.fail(&failure, played, now, out);
                }
            }
            Link::Resolving { deadline, .. } if now >= *deadline => {
                self.unresolved("it did not answer", played, now, out);
            }
            Link::Waiting(at) if now >= *at && self.online => self.again(now, out),
            _ => {}
        }
    }

    /// What came is of no use.
    pub fn fail(&mut self, failure: &Failure, played: bool, now: Instant, out: &mut Outbox) {
        self.cancel(out);
        self.lose(failure, played, out, now);
    }

    /// Takes back what is under way.
    pub fn cancel(&mut self, out: &mut Outbox) {
        let id = match &self.link {
            Link::Open(piece) => piece.id,
            Link::Resolving { id, .. } => *id,
            _ => return,
        };
        out.push(Output::Cancel(id));
        self.link = Link::Idle;
    }

    /// Another place is wanted: what all tries left is tried once more.
    pub fn revive(&mut self) {
        if let Link::Over(_) = self.link {
            self.retry.forgive();
            self.link = Link::Idle;
        }
    }

    pub fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        if std::mem::replace(&mut self.online, online) || !online {
            return;
        }
        self.retry.forgive();
        if let Link::Waiting(_) = self.link {
            self.again(now, out);
        }
    }

    /// The network is another one, or the page was frozen: the connection may be dead.
    pub fn suspect(&mut self, now: Instant) {
        if let Link::Open(piece) = &mut self.link {
            piece.suspect(now);
        }
    }

    pub fn suspend(&mut self, out: &mut Outbox) {
        if !matches!(self.link, Link::Over(_)) {
            self.suspended = true;
            self.cancel(out);
            self.link = Link::Idle;
        }
    }

    pub fn wake(&mut self, asked_before: bool, now: Instant, out: &mut Outbox) {
        if std::mem::take(&mut self.suspended) {
            self.retry.forgive();
            self.reason = Reason::Wake;
            // A signature may not last for so long.
            if self.resolve && asked_before {
                self.again(now, out);
            }
        }
    }

    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    pub fn error(&self) -> Option<&SailcastError> {
        if let Link::Over(error) = &self.link { Some(error) } else { None }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.link {
            Link::Open(piece) => Some(piece.deadline()),
            Link::Resolving { deadline, .. } => Some(*deadline),
            Link::Waiting(at) => self.online.then_some(*at),
            Link::Idle | Link::Over(_) => None,
        }
    }

    /// All lines, the present one first.
    pub fn urls(&self) -> Vec<String> {
        self.retry.urls()
    }

    fn again(&mut self, now: Instant, out: &mut Outbox) {
        self.resolved = None;
        if !self.resolve {
            self.link = Link::Idle;
            return;
        }
        let id = out.request();
        let url = self.retry.url().to_owned();
        self.link = Link::Resolving { id, deadline: now + RESOLVE_TIMEOUT };
        let (attempt, reason) = (self.attempt, self.reason);
        out.push(Output::Resolve(id, ResolveRequest { url, attempt, reason }));
    }

    fn unresolved(&mut self, why: &str, played: bool, now: Instant, out: &mut Outbox) {
        let what = format!("The page has no address for the file: {}.", why.trim_end_matches('.'));
        let failure = source::failure(Reason::Unresolved, ErrorCode::UrlUnresolved, what);
        self.fail(&failure, played, now, out);
    }

    fn lose(&mut self, failure: &Failure, played: bool, out: &mut Outbox, now: Instant) {
        let Some(Plan { attempt, delay }) = self.retry.plan(failure, played) else {
            let unknown = || fatal(ErrorCode::ConnectionLost, "The connection broke.".to_owned());
            self.link = Link::Over(failure.error.clone().unwrap_or_else(unknown));
            return;
        };
        (self.attempt, self.reason) = (attempt, failure.reason);
        self.link = Link::Waiting(now + delay);
        out.push(Output::Event(Event::Reconnecting { attempt, delay, reason: failure.reason }));
    }
}
