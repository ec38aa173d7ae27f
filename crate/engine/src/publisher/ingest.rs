//! The connection for publishing through all its lives: lines tried side by side, the first that opens taken, lost, waited for, tried
//! again, and given up.
//!
//! **Invariant:** at most one connection is the stream's; others that were opened to find a better one are closed as soon as it is
//! found. Only events of connections that are known are heard.

use sailcast_media::Micros;

use crate::{
    error::{ErrorCode, SailcastError},
    io::{Instant, RequestId},
    publisher::{
        event::Event,
        io::{Line, LinkEvent, Output},
        lines::{HEALTHY_AFTER, Lines},
        outbox::Outbox,
        uplink::SocketState,
    },
};

/// A socket that has not opened by then does not.
const OPEN_WITHIN: Micros = Micros::from_secs(6);
/// The next line is tried beside one that takes so long.
const NEXT_AFTER: Micros = Micros::from_millis(700);
/// Lines that nothing is known of are tried side by side, so many at once.
const SIDE_BY_SIDE: usize = 3;
/// A connection that takes none of what waits for so long is dead...
const DEAD_AFTER: Micros = Micros::from_secs(10);
/// ...and sooner where there is a reason to think so: another network, a page that slept.
const SUSPECT_FOR: Micros = Micros::from_secs(2);
/// How long a server may take to close what is finished.
const GOODBYE: Micros = Micros::from_secs(2);
/// A line that carries too little for so long is left for another one...
const NARROW_AFTER: Micros = Micros::from_secs(10);
/// ...but not again at once.
const SWITCH_AGAIN: Micros = Micros::from_secs(60);

#[derive(Debug)]
struct Try {
    id: RequestId,
    line: usize,
    since: Instant,
}

/// The stream's connection.
#[derive(Debug)]
pub struct Open {
    pub id: RequestId,
    line: usize,
    pub since: Instant,
    handed: u64,
    buffered: u64,
    acked: Option<u64>,
    /// When it last took something, or had nothing to take.
    progress: Instant,
    /// Until then it must take something.
    suspect: Option<Instant>,
    proved: bool,
    narrow: Option<Instant>,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Idle,
    Connecting,
    Open(Open),
    /// The next try is due then; `None`: when there is a network.
    Waiting(Option<Instant>),
    /// Everything is sent, and the server has until then to close.
    Closing(RequestId, Instant),
}

#[derive(Debug)]
pub struct Ingest {
    phase: Phase,
    lines: Lines,
    tries: Vec<Try>,
    /// Still to be tried in this round.
    order: Vec<usize>,
    hurry: Option<Instant>,
    /// bit/s that should pass.
    pub wanted: u32,
    online: bool,
    published: bool,
    attempt: u32,
    switched: Option<Instant>,
    last_failure: Option<(String, bool)>,
    pub reconnects: u32,
}

/// What came of an event, for the publisher.
#[derive(Debug, PartialEq)]
pub enum News {
    None,
    /// This connection is the stream's from now on; an earlier one is gone.
    Opened(RequestId),
    /// The stream's connection is gone; another try is planned.
    Lost,
    /// Everything was sent and closed.
    Finished,
    /// All has been tried.
    Failed(SailcastError),
}

impl Ingest {
    pub fn new(lines: Vec<Line>, wanted: u32, seed: u64) -> Self {
        Self {
            phase: Phase::Idle,
            lines: Lines::new(lines, seed),
            tries: Vec::new(),
            order: Vec::new(),
            hurry: None,
            wanted,
            online: true,
            published: false,
            attempt: 0,
            switched: None,
            last_failure: None,
            reconnects: 0,
        }
    }

    pub fn connect(&mut self, now: Instant, out: &mut Outbox) {
        self.phase = Phase::Connecting;
        self.order = self.lines.ranked(self.wanted);
        self.order.reverse();
        // The first meeting is a measurement.
        let at_once = if self.lines.all_measured() { 1 } else { SIDE_BY_SIDE };
        for _ in 0..at_once {
            self.try_next(now, out);
        }
    }

    fn try_next(&mut self, now: Instant, out: &mut Outbox) {
        let Some(line) = self.order.pop() else { return };
        let id = out.request();
        out.push(Output::Open(id, self.lines.url(line).to_owned()));
        self.tries.push(Try { id, line, since: now });
        self.hurry = Some(now + NEXT_AFTER);
    }

    pub fn open(&self) -> Option<&Open> {
        if let Phase::Open(open) = &self.phase { Some(open) } else { None }
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting(_))
    }

    pub fn url(&self) -> &str {
        self.open().map_or("", |open| self.lines.url(open.line))
    }

    pub fn socket(&self) -> Option<SocketState> {
        let Open { handed, buffered, acked, .. } = self.open()?;
        Some(SocketState { handed: *handed, buffered: *buffered, acked: *acked })
    }

    /// So many bytes were handed to the open connection.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        if let Phase::Open(open) = &mut self.phase {
            if open.is_drained() {
                open.progress = now;
                open.suspect = open.suspect.map(|_| now + SUSPECT_FOR);
            }
            open.handed = open.handed.saturating_add(bytes as u64);
            open.buffered = open.buffered.saturating_add(bytes as u64);
        }
    }

    pub fn on_event(&mut self, id: RequestId, event: LinkEvent, now: Instant, out: &mut Outbox) -> News {
        match &mut self.phase {
            Phase::Open(open) if open.id == id => {
                return match event {
                    LinkEvent::Opened => News::None,
                    LinkEvent::Buffered(bytes) => {
                        open.note(bytes, open.acked, now);
                        News::None
                    }
                    LinkEvent::Acked(bytes) => {
                        let most = open.handed;
                        open.note(open.buffered, Some(bytes.min(most)), now);
                        News::None
                    }
                    LinkEvent::Closed { code, reason, .. } => self.lost(code, &reason, now, out),
                    LinkEvent::Refused(why) => self.lost(0, &why, now, out),
                };
            }
            Phase::Closing(closing, _) if *closing == id => {
                let over = matches!(event, LinkEvent::Closed { .. } | LinkEvent::Refused(_));
                return if over { self.finished() } else { News::None };
            }
            _ => {}
        }
        let Some(at) = self.tries.iter().position(|one| one.id == id) else { return News::None };
        match event {
            LinkEvent::Opened => self.take(at, now, out),
            LinkEvent::Closed { code, reason, .. } => self.try_failed(at, code, &reason, now, out),
            LinkEvent::Refused(why) => self.try_failed(at, 0, &why, now, out),
            LinkEvent::Buffered(_) | LinkEvent::Acked(_) => News::None,
        }
    }

    /// The first that opens is the stream's.
    fn take(&mut self, at: usize, now: Instant, out: &mut Outbox) -> News {
        let Try { id, line, since } = self.tries.swap_remove(at);
        self.lines.opened(line, now - since);
        self.tell(line, out);
        self.drop_tries(out);
        if let Phase::Open(before) = &self.phase {
            out.push(Output::Cancel(before.id));
            self.switched = Some(now);
        }
        self.phase = Phase::Open(Open::new(id, line, now));
        News::Opened(id)
    }

    fn try_failed(&mut self, at: usize, code: u16, reason: &str, now: Instant, out: &mut Outbox) -> News {
        let Try { line, .. } = self.tries.swap_remove(at);
        self.failed(line, code, reason, out);
        self.try_next(now, out);
        if !self.tries.is_empty() || !matches!(self.phase, Phase::Connecting) {
            return News::None;
        }
        self.plan(now, out)
    }

    /// The stream's connection is gone.
    fn lost(&mut self, code: u16, reason: &str, now: Instant, out: &mut Outbox) -> News {
        let Phase::Open(open) = std::mem::take(&mut self.phase) else { return News::None };
        self.failed(open.line, code, reason, out);
        self.drop_tries(out);
        match self.plan(now, out) {
            News::None => News::Lost,
            news => news,
        }
    }

    fn failed(&mut self, line: usize, code: u16, reason: &str, out: &mut Outbox) {
        let finally = is_final(code);
        self.lines.failed(line, finally);
        self.last_failure = Some((described(self.lines.url(line), code, reason), finally));
        self.tell(line, out);
    }

    fn plan(&mut self, now: Instant, out: &mut Outbox) -> News {
        let Some(plan) = self.lines.plan(self.published) else {
            self.phase = Phase::Idle;
            return News::Failed(self.error());
        };
        self.attempt = plan.attempt;
        self.reconnects = self.reconnects.saturating_add(1);
        self.phase = Phase::Waiting(self.online.then(|| now + plan.delay));
        let reason = self.last_failure.as_ref().map_or_else(String::new, |(what, _)| what.clone());
        out.push(Output::Event(Event::Reconnecting { attempt: plan.attempt, delay: plan.delay, reason }));
        News::None
    }

    fn error(&self) -> SailcastError {
        let (what, refused) = self.last_failure.clone().unwrap_or_default();
        let code = match (refused, self.published) {
            (true, _) => ErrorCode::IngestRefused,
            (false, true) => ErrorCode::IngestLost,
            (false, false) => ErrorCode::IngestFailed,
        };
        SailcastError { code, fatal: true, what }
    }

    /// What is due by the time. `narrow`: the lowest quality does not pass.
    pub fn advance(&mut self, narrow: bool, now: Instant, out: &mut Outbox) -> News {
        if let Some(at) = self.tries.iter().position(|one| now - one.since >= OPEN_WITHIN) {
            if let Some(one) = self.tries.get(at) {
                out.push(Output::Cancel(one.id));
            }
            return self.try_failed(at, 0, "no answer", now, out);
        }
        match &mut self.phase {
            Phase::Connecting if self.hurry.is_some_and(|at| now >= at) => {
                self.hurry = None;
                self.try_next(now, out);
                News::None
            }
            Phase::Waiting(Some(at)) if now >= *at => {
                self.connect(now, out);
                News::None
            }
            Phase::Open(open) if open.is_dead(now) => {
                out.push(Output::Cancel(open.id));
                self.lost(0, "it takes nothing any more", now, out)
            }
            Phase::Open(_) => {
                self.judge(narrow, now, out);
                News::None
            }
            Phase::Closing(id, until) if now >= *until => {
                out.push(Output::Cancel(*id));
                self.finished()
            }
            _ => News::None,
        }
    }

    /// Whether the line has proved itself, or carries too little.
    fn judge(&mut self, narrow: bool, now: Instant, out: &mut Outbox) {
        let Phase::Open(open) = &mut self.phase else { return };
        let line = open.line;
        if !open.proved && self.published && now - open.since >= HEALTHY_AFTER {
            open.proved = true;
            self.lines.healthy(line);
            self.tell(line, out);
            return;
        }
        if !narrow {
            open.narrow = None;
            return;
        }
        let since = *open.narrow.get_or_insert(now);
        let again = self.switched.is_none_or(|at| now - at >= SWITCH_AGAIN);
        if now - since < NARROW_AFTER || !again || !self.tries.is_empty() {
            return;
        }
        open.narrow = None;
        self.switched = Some(now);
        let better = self.lines.ranked(self.wanted).into_iter().find(|other| *other != line);
        if let Some(better) = better {
            // Beside the present one, which goes on until the other has opened.
            self.order = vec![better];
            self.try_next(now, out);
        }
    }

    /// The present line was seen to carry no more than this, bit/s.
    pub fn carries(&mut self, bitrate: u32, out: &mut Outbox) {
        if let Some(line) = self.open().map(|open| open.line) {
            self.lines.carries(line, bitrate);
            self.tell(line, out);
        }
    }

    /// The stream's first packet went out.
    pub fn has_published(&mut self) {
        self.published = true;
    }

    pub fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox) {
        self.online = online;
        if online {
            self.hope(now, out);
        }
    }

    /// There may be a way again: what waits is tried now, and what is open must show that it lives.
    pub fn hope(&mut self, now: Instant, out: &mut Outbox) {
        self.lines.forgive();
        match &mut self.phase {
            Phase::Waiting(_) => self.connect(now, out),
            Phase::Open(open) => open.suspect = Some(now + SUSPECT_FOR),
            _ => {}
        }
    }

    /// Closes once everything is sent. True if there is something to wait for.
    pub fn finish(&mut self, now: Instant, out: &mut Outbox) -> bool {
        self.drop_tries(out);
        let Phase::Open(open) = std::mem::take(&mut self.phase) else { return false };
        out.push(Output::Finish(open.id));
        self.phase = Phase::Closing(open.id, now + GOODBYE);
        true
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.drop_tries(out);
        match std::mem::take(&mut self.phase) {
            Phase::Open(Open { id, .. }) | Phase::Closing(id, _) => out.push(Output::Cancel(id)),
            _ => {}
        }
    }

    pub fn next_wake(&self) -> Option<Instant> {
        let tries = self.tries.iter().map(|one| one.since + OPEN_WITHIN).min();
        let phase = match &self.phase {
            Phase::Idle => None,
            Phase::Connecting => self.hurry.filter(|_| !self.order.is_empty()),
            Phase::Waiting(at) => *at,
            Phase::Open(open) => open.next_wake(self.published),
            Phase::Closing(_, until) => Some(*until),
        };
        [tries, phase].into_iter().flatten().min()
    }

    fn finished(&mut self) -> News {
        self.phase = Phase::Idle;
        News::Finished
    }

    fn drop_tries(&mut self, out: &mut Outbox) {
        for one in self.tries.drain(..) {
            out.push(Output::Cancel(one.id));
        }
        self.order.clear();
        self.hurry = None;
    }

    fn tell(&self, line: usize, out: &mut Outbox) {
        if let Some((url, record)) = self.lines.record(line) {
            out.push(Output::Event(Event::Line { url: url.to_owned(), record }));
        }
    }
}

impl Open {
    fn new(id: RequestId, line: usize, now: Instant) -> Self {
        Self {
            id,
            line,
            since: now,
            handed: 0,
            buffered: 0,
            acked: None,
            progress: now,
            suspect: None,
            proved: false,
            narrow: None,
        }
    }

    /// What it holds, and what the server has, as heard now.
    fn note(&mut self, buffered: u64, acked: Option<u64>, now: Instant) {
        // Acknowledgements tell the truth where there are some; else the socket must do.
        let moved = match acked {
            Some(_) => acked > self.acked,
            None => buffered < self.buffered,
        };
        (self.buffered, self.acked) = (buffered, self.acked.max(acked));
        if moved || self.is_drained() {
            self.progress = now;
            self.suspect = None;
        }
    }

    /// Nothing is on its way.
    fn is_drained(&self) -> bool {
        match self.acked {
            Some(acked) => acked >= self.handed,
            None => self.buffered == 0,
        }
    }

    fn deadline(&self) -> Instant {
        let dead = self.progress + DEAD_AFTER;
        self.suspect.map_or(dead, |at| at.min(dead))
    }

    fn is_dead(&self, now: Instant) -> bool {
        !self.is_drained() && now >= self.deadline()
    }

    fn next_wake(&self, published: bool) -> Option<Instant> {
        let proves = (published && !self.proved).then(|| self.since + HEALTHY_AFTER);
        let dies = (!self.is_drained()).then(|| self.deadline());
        let narrow = self.narrow.map(|since| since + NARROW_AFTER);
        [proves, dies, narrow].into_iter().flatten().min()
    }
}

/// Close codes are 4000 and the HTTP status that says the same, as our relay has them.
fn is_final(code: u16) -> bool {
    matches!(code, 4400 | 4401 | 4403 | 4404 | 4413)
}

fn described(url: &str, code: u16, reason: &str) -> String {
    // Signatures are nobody's business.
    let place = url.split(['?', '#']).next().unwrap_or_default();
    match (code, reason) {
        (0 | 1006, "") => format!("No connection to {place}."),
        (0 | 1006, reason) => format!("No connection to {place}: {reason}."),
        (code, "") => format!("{place} closed with code {code}."),
        (code, reason) => format!("{place} closed with code {code}: {reason}."),
    }
}
