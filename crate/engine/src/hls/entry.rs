//! The address that was loaded: its lines, the page that is asked for it, and when it is tried again.
//!
//! **Invariant:** one try at a time, planned as those of a connection are ([`Retry`]); each that was told to the page ends with
//! `Reconnected`, or with the error that ends the load.

use sailcast_media::Micros;

use super::{
    fetch::{ANSWER_TIMEOUT, failure},
    text::{Loaded, Text},
};
use crate::{
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{Instant, IoEvent, Output, RequestId, ResolveRequest},
    outbox::Outbox,
    retry::{Failure, Plan, Reason, Retry},
};

/// How long the page may take to find an address.
const RESOLVE_TIMEOUT: Micros = Micros::from_secs(10);

enum State {
    Idle,
    Resolving { id: RequestId, deadline: Instant },
    Loading(Text),
    Waiting(Instant),
}

/// What came of a try.
pub enum Answer {
    Text(Loaded),
    /// The address is the only one there is, and is known to be right: what failed is to be tried again.
    GoOn,
    Over(Option<SailcastError>),
}

pub struct Entry {
    retry: Retry,
    state: State,
    resolve: bool,
    /// There are other addresses.
    has_others: bool,
    /// The address was given just now: a signature in it is good.
    fresh: bool,
    /// Nothing has been asked for.
    untried: bool,
    /// A playlist has come of it.
    is_known: bool,
    /// Something to play has.
    pub has_played: bool,
    attempt: u32,
    reason: Reason,
    /// The page was told of a try.
    told: bool,
    /// What the page is to be told.
    pub events: Vec<Event>,
    pub reconnects: u64,
}

impl Entry {
    pub fn new(lines: Vec<String>, resolve: bool, seed: u64) -> Self {
        Self {
            has_others: lines.len() > 1,
            retry: Retry::new(lines, seed),
            state: State::Idle,
            resolve,
            fresh: true,
            untried: true,
            is_known: false,
            has_played: false,
            attempt: 0,
            reason: Reason::Wake,
            told: false,
            events: Vec::new(),
            reconnects: 0,
        }
    }

    /// Asks for the line that is next, or first for its address.
    pub fn open(&mut self, now: Instant, out: &mut Outbox) {
        self.cancel(out);
        self.untried = false;
        let url = self.retry.url().to_owned();
        if self.resolve && !std::mem::take(&mut self.fresh) {
            let id = out.request();
            let request = ResolveRequest { url, attempt: self.attempt, reason: self.reason };
            out.push(Output::Resolve(id, request));
            self.state = State::Resolving { id, deadline: now + RESOLVE_TIMEOUT };
        } else {
            self.state = State::Loading(Text::new(url, ANSWER_TIMEOUT, now));
        }
    }

    /// Something of the stream cannot be had any more: plans another try. What ends the load, if nothing is left to try.
    pub fn lose(&mut self, failure: Failure, now: Instant) -> Option<Answer> {
        if !matches!(self.state, State::Idle) {
            return None;
        }
        self.plan(failure, now)
    }

    /// Something of the stream came.
    pub fn works(&mut self) {
        if matches!(self.state, State::Idle) && std::mem::take(&mut self.told) {
            self.reconnects = self.reconnects.saturating_add(1);
            self.events.push(Event::Reconnected { attempt: self.attempt });
        }
    }

    /// It has come for a while.
    pub fn healthy(&mut self) {
        if matches!(self.state, State::Idle) {
            self.retry.healthy();
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        match &self.state {
            State::Resolving { id: asked, .. } => *asked == id,
            State::Loading(text) => text.owns(id),
            _ => false,
        }
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant, out: &mut Outbox) -> Option<Answer> {
        let State::Loading(text) = &mut self.state else { return None };
        let end = text.on_io(event, now, out)?;
        self.on_end(end, now)
    }

    pub fn on_resolved(&mut self, url: Result<String, String>, now: Instant) -> Option<Answer> {
        let State::Resolving { .. } = self.state else { return None };
        self.state = State::Idle;
        match url {
            Ok(url) => {
                self.state = State::Loading(Text::new(url, ANSWER_TIMEOUT, now));
                None
            }
            Err(why) => self.plan(unresolved(&why), now),
        }
    }

    pub fn advance(&mut self, online: bool, now: Instant, out: &mut Outbox) -> Option<Answer> {
        match &mut self.state {
            State::Waiting(at) if now >= *at && online => {
                if self.is_known && !self.has_others && !self.resolve {
                    self.state = State::Idle;
                    return Some(Answer::GoOn);
                }
                self.open(now, out);
                None
            }
            State::Resolving { deadline, .. } if now >= *deadline => {
                self.cancel(out);
                self.plan(unresolved("it did not answer"), now)
            }
            State::Loading(text) => {
                let end = text.advance(now, out)?;
                self.on_end(end, now)
            }
            _ => None,
        }
    }

    /// The text that came is of no use.
    pub fn reject(&mut self, failure: Failure, now: Instant) -> Option<Answer> {
        self.plan(failure, now)
    }

    pub fn accept(&mut self) {
        self.is_known = true;
    }

    /// The network is back, or the page: what was tried before does not count.
    pub fn hurry(&mut self, now: Instant) {
        self.retry.forgive();
        if let State::Waiting(at) = &mut self.state {
            *at = now.min(*at);
        }
    }

    pub fn wake(&mut self, now: Instant) {
        self.reason = Reason::Wake;
        self.fresh = false;
        if !self.untried {
            self.retry.forgive();
            self.attempt = 1;
            self.tell(Micros::ZERO);
        }
        self.state = State::Waiting(now);
    }

    pub fn suspect(&mut self, now: Instant) {
        if let State::Loading(text) = &mut self.state {
            text.suspect(now);
        }
    }

    pub fn deadline(&self, online: bool) -> Option<Instant> {
        match &self.state {
            State::Idle => None,
            State::Resolving { deadline, .. } => Some(*deadline),
            State::Loading(text) => text.deadline(),
            State::Waiting(at) => Some(*at).filter(|_| online),
        }
    }

    pub fn cancel(&mut self, out: &mut Outbox) {
        match &mut self.state {
            State::Loading(text) => text.cancel(out),
            State::Resolving { id, .. } => out.push(Output::Cancel(*id)),
            _ => {}
        }
        self.state = State::Idle;
    }

    fn on_end(&mut self, end: Result<Loaded, Failure>, now: Instant) -> Option<Answer> {
        self.state = State::Idle;
        match end {
            Ok(loaded) => Some(Answer::Text(loaded)),
            Err(failure) => self.plan(failure, now),
        }
    }

    fn plan(&mut self, failure: Failure, now: Instant) -> Option<Answer> {
        self.fresh = false;
        let Some(Plan { attempt, delay }) = self.retry.plan(&failure, self.has_played) else {
            return Some(Answer::Over(failure.error));
        };
        (self.attempt, self.reason) = (attempt, failure.reason);
        self.state = State::Waiting(now + delay);
        self.tell(delay);
        None
    }

    fn tell(&mut self, delay: Micros) {
        self.told = true;
        let (attempt, reason) = (self.attempt, self.reason);
        self.events.push(Event::Reconnecting { attempt, delay, reason });
    }
}

fn unresolved(why: &str) -> Failure {
    let what = format!("The page has no address for the stream: {}.", why.trim_end_matches('.'));
    failure(Reason::Unresolved, ErrorCode::UrlUnresolved, what)
}
