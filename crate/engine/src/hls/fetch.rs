//! One resource through all its tries: asked for, judged, and asked for again when its owner says so.
//!
//! **Invariant:** at most one request is open, each ends or is cancelled, and the bytes of the body are given once and in order,
//! however many tries they take. What a failure means is decided by the owner.

use bytes::{Buf, Bytes};
use sailcast_media::{Micros, hls::ByteRange};

use crate::{
    abr::Transfer,
    backoff::Backoff,
    error::ErrorCode,
    io::{Instant, IoError, IoEvent, IoRequest, Output, RequestId, Response, Transport},
    outbox::Outbox,
    retry::{Failure, Reason},
    source::fatal,
};

/// No response for this long: give up.
pub const ANSWER_TIMEOUT: Micros = Micros::from_secs(10);
/// No byte for this long on an open connection: give up.
const SILENCE_TIMEOUT: Micros = Micros::from_secs(5);
/// The same for a connection that may have died with its network, or while the page was frozen.
const SUSPECT_TIMEOUT: Micros = Micros::from_millis(1500);
/// The same for an answer that has not begun, even if the server may hold it back.
const SUSPECT_ANSWER_TIMEOUT: Micros = Micros::from_secs(3);
/// A deadline noticed so late was slept through: what came meanwhile waits to be read.
const FROZEN: Micros = Micros::from_secs(2);
/// Tries of what the server does not give, and of what the network does not bring, before others are asked.
const TRIES: u32 = 3;
const LOST_TRIES: u32 = 2;
/// No resource of HLS is longer: a server that never ends its answer is left.
const MOST_BYTES: u64 = 1 << 30;

#[derive(Debug)]
enum State {
    /// Asked for at this time.
    Waiting(Instant),
    Open(Open),
    /// It failed, or was let go of.
    Over,
    /// All of it came.
    Done,
}

/// A request on its way.
#[derive(Debug)]
struct Open {
    id: RequestId,
    asked: Instant,
    /// A byte of the body has come.
    has_begun: bool,
    active: Instant,
    opened: bool,
    silence: Micros,
    /// Bytes of the body to pass over: those that an earlier try has brought, or before the range of a server that sends all.
    unwanted: u64,
    /// Bytes of the body that are still wanted, where that is known.
    left: Option<u64>,
    /// The server sends more than was asked for.
    sends_all: bool,
}

#[derive(Debug)]
pub struct Fetch {
    pub url: String,
    range: Option<ByteRange>,
    /// How long the answer may take: a server may hold it back until there is something.
    patience: Micros,
    state: State,
    /// Tries that failed.
    pub failures: u32,
    /// Bytes given.
    pub given: u64,
    /// Where redirects led.
    pub redirected: Option<String>,
    /// When the last try that brought anything was begun, and its first byte came.
    timing: Option<(Instant, Instant)>,
}

/// What an event brought.
#[derive(Debug, Default)]
pub struct Step {
    pub bytes: Option<Bytes>,
    pub end: Option<Result<(), Failure>>,
}

impl Fetch {
    pub fn new(url: String, range: Option<ByteRange>, patience: Micros, at: Instant) -> Self {
        Self {
            url,
            range,
            patience,
            state: State::Waiting(at),
            failures: 0,
            given: 0,
            redirected: None,
            timing: None,
        }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        matches!(&self.state, State::Open(open) if open.id == id)
    }

    /// Asks when it is time to, and gives up what takes too long.
    pub fn advance(&mut self, now: Instant, out: &mut Outbox) -> Step {
        match &mut self.state {
            State::Waiting(at) if now >= *at => self.ask(now, out),
            State::Open(open) if now >= open.deadline(self.patience) => {
                if now - open.deadline(self.patience) > FROZEN {
                    open.suspect(now);
                    return Step::default();
                }
                let failure = timeout(open, self.patience);
                let is_all = open.left == Some(0);
                out.push(Output::Cancel(open.id));
                return if is_all { self.complete() } else { self.failed(failure) };
            }
            _ => {}
        }
        Step::default()
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant, out: &mut Outbox) -> Step {
        let State::Open(open) = &mut self.state else { return Step::default() };
        open.active = now;
        match event {
            IoEvent::Opened(response) => self.on_head(response, out),
            IoEvent::Bytes(data) => self.on_bytes(data, now, out),
            IoEvent::End => {
                let missing = open.left.filter(|left| *left > 0 && *left < TO_THE_END / 2);
                match missing {
                    Some(left) => {
                        let what = format!("The answer ended {left} bytes too early.");
                        self.failed(failure(Reason::Lost, ErrorCode::StreamTruncated, what))
                    }
                    None => self.complete(),
                }
            }
            IoEvent::Failed(error) => self.failed(broken(error)),
        }
    }

    /// What has failed is asked for once more after a while, unless that was done often enough: true if it is.
    pub fn retry(&mut self, failure: &Failure, backoff: &mut Backoff, now: Instant) -> bool {
        let is_lost = is_network(failure);
        let tries = if is_lost { LOST_TRIES } else { TRIES };
        if failure.reason != Reason::Format && self.failures < tries {
            self.again(now + backoff.delay(self.failures));
            return true;
        }
        if is_lost {
            self.failures = 0;
        }
        false
    }

    /// Tries again at this time what has failed.
    pub fn again(&mut self, at: Instant) {
        if matches!(self.state, State::Over) {
            self.state = State::Waiting(at);
        }
    }

    /// What waits for its next try waits no longer.
    pub fn hurry(&mut self, now: Instant) {
        if let State::Waiting(at) = &mut self.state {
            *at = now.min(*at);
        }
    }

    /// The answer must begin within `patience` from now.
    pub fn limit(&mut self, patience: Micros, now: Instant) {
        self.patience = patience;
        if let State::Open(open) = &mut self.state {
            open.active = now;
        }
    }

    pub fn cancel(&mut self, out: &mut Outbox) {
        if let State::Open(open) = &self.state {
            out.push(Output::Cancel(open.id));
        }
        self.state = State::Over;
    }

    /// The network is another one, or the page was frozen: the request may be dead.
    pub fn suspect(&mut self, now: Instant) {
        let State::Open(open) = &mut self.state else { return };
        open.suspect(now);
        if !open.opened {
            self.patience = self.patience.min(SUSPECT_ANSWER_TIMEOUT);
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting(at) => Some(*at),
            State::Open(open) => Some(open.deadline(self.patience)),
            State::Over | State::Done => None,
        }
    }

    /// When the request under way was made, and its first byte came.
    pub fn times(&self) -> Option<(Instant, Option<Instant>)> {
        let State::Open(open) = &self.state else { return None };
        Some((open.asked, self.timing.map(|(_, first)| first).filter(|_| open.has_begun)))
    }

    /// What has come so far, as the choice of renditions wants to know it.
    pub fn transfer(&self, now: Instant, media: Micros, paced: bool) -> Option<Transfer> {
        let (asked, first_byte) = self.timing?;
        Some(Transfer { bytes: self.given, asked, first_byte, done: now, media, paced })
    }

    fn ask(&mut self, now: Instant, out: &mut Outbox) {
        let id = out.request();
        let left = self.range.map(|range| range.length.saturating_sub(self.given));
        self.state = State::Open(Open {
            id,
            asked: now,
            has_begun: false,
            active: now,
            opened: false,
            silence: SILENCE_TIMEOUT,
            unwanted: 0,
            left,
            sends_all: false,
        });
        let range = self.range.map(|range| ByteRange {
            offset: range.offset.saturating_add(self.given),
            length: range.length.saturating_sub(self.given),
        });
        out.push(Output::Open(id, IoRequest { url: self.url.clone(), transport: Transport::Http, range }));
    }

    fn on_head(&mut self, response: Response, out: &mut Outbox) -> Step {
        let State::Open(open) = &mut self.state else { return Step::default() };
        if !response.is_success() {
            out.push(Output::Cancel(open.id));
            return self.failed(refused(response.status));
        }
        open.opened = true;
        open.sends_all = response.status != 206;
        open.unwanted = match self.range {
            _ if !open.sends_all => 0,
            Some(range) => range.offset.saturating_add(self.given),
            None => self.given,
        };
        self.redirected = response.url;
        Step::default()
    }

    fn on_bytes(&mut self, mut data: Bytes, now: Instant, out: &mut Outbox) -> Step {
        let State::Open(open) = &mut self.state else { return Step::default() };
        open.silence = SILENCE_TIMEOUT;
        if !std::mem::replace(&mut open.has_begun, true) {
            self.timing = Some((open.asked, now));
        }
        let unwanted = open.unwanted.min(data.len() as u64);
        open.unwanted = open.unwanted.saturating_sub(unwanted);
        data.advance(unwanted as usize);
        let id = open.id;
        let mut is_all = false;
        if let Some(left) = &mut open.left {
            data.truncate((*left).min(data.len() as u64) as usize);
            *left = left.saturating_sub(data.len() as u64);
            is_all = *left == 0 && open.sends_all;
        }
        self.given = self.given.saturating_add(data.len() as u64);
        let mut step = Step { bytes: (!data.is_empty()).then_some(data), end: None };
        if self.given > MOST_BYTES {
            out.push(Output::Cancel(id));
            let what = format!("The answer is longer than {} MB.", MOST_BYTES >> 20);
            step.end = self.failed(final_failure(Reason::Format, ErrorCode::DataDamaged, what)).end;
        } else if is_all {
            out.push(Output::Cancel(id));
            step.end = self.complete().end;
        }
        step
    }

    fn complete(&mut self) -> Step {
        self.state = State::Done;
        Step { bytes: None, end: Some(Ok(())) }
    }

    fn failed(&mut self, failure: Failure) -> Step {
        self.failures = self.failures.saturating_add(1);
        self.state = State::Over;
        Step { bytes: None, end: Some(Err(failure)) }
    }
}

/// The length of a range that goes to the end of its resource: the largest that servers written in JavaScript read.
pub const TO_THE_END: u64 = 1 << 52;

impl Open {
    fn deadline(&self, patience: Micros) -> Instant {
        self.active + if self.opened { self.silence } else { patience }
    }

    fn suspect(&mut self, now: Instant) {
        self.active = now;
        self.silence = SUSPECT_TIMEOUT;
    }
}

fn timeout(open: &Open, patience: Micros) -> Failure {
    let what = if open.opened {
        "The server sent nothing more.".to_owned()
    } else {
        format!("The server did not answer within {} s.", patience.0.saturating_add(500_000) / 1_000_000)
    };
    failure(Reason::Silent, ErrorCode::Timeout, what)
}

fn refused(status: u16) -> Failure {
    let what = format!("The server answered with HTTP status {status}.");
    // 408, 425 and 429 ask for another try (RFC 9110, RFC 8470, RFC 6585).
    let final_answer = (400..500).contains(&status) && !matches!(status, 408 | 425 | 429);
    Failure { final_answer, ..failure(Reason::Status, ErrorCode::HttpStatus, what) }
}

fn broken(error: IoError) -> Failure {
    match error {
        IoError::Connect => {
            failure(Reason::Refused, ErrorCode::ConnectionFailed, "No connection to the server.".to_owned())
        }
        IoError::Lost => failure(Reason::Lost, ErrorCode::ConnectionLost, "The connection broke.".to_owned()),
        IoError::Closed { code, reason } => {
            let what = format!("The server closed the connection with code {code} \"{reason}\".");
            failure(Reason::Closed, ErrorCode::SocketClosed, what)
        }
    }
}

pub fn failure(reason: Reason, code: ErrorCode, what: String) -> Failure {
    Failure { reason, error: Some(fatal(code, what)), final_answer: false }
}

pub fn final_failure(reason: Reason, code: ErrorCode, what: String) -> Failure {
    Failure { final_answer: true, ..failure(reason, code, what) }
}

/// It is the network that failed, not the resource.
pub fn is_network(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::Refused | Reason::Lost | Reason::Silent | Reason::Closed)
}
