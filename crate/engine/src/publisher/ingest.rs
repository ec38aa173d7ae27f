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
        open::Open,
        outbox::Outbox,
        uplink::SocketState,
        words::short,
    },
};

/// A socket that has not opened by then does not.
const OPEN_WITHIN: Micros = Micros::from_secs(6);
/// The next line is tried beside one that takes so long.
const NEXT_AFTER: Micros = Micros::from_millis(700);
/// Lines that nothing is known of are tried side by side, so many at once.
const SIDE_BY_SIDE: usize = 3;
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
    switched: Option<Instant>,
    winding_up: bool,
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
            switched: None,
            winding_up: false,
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
        self.open().map(Open::socket)
    }

    /// So many bytes were handed to the open connection.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        if let Phase::Open(open) = &mut self.phase {
            open.sent(bytes, now);
        }
    }

    pub fn on_event(&mut self, id: RequestId, event: LinkEvent, now: Instant, out: &mut Outbox) -> News {
        match &mut self.phase {
            Phase::Open(open) if open.id == id => {
                return match event {
                    LinkEvent::Opened => News::None,
                    LinkEvent::Buffered(bytes) => {
                        open.holds(bytes, now);
                        News::None
                    }
                    LinkEvent::Acked(bytes) => {
                        open.acked(bytes, now);
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
        if self.winding_up {
            return self.finished();
        }
        let Some(plan) = self.lines.plan(self.published) else {
            self.phase = Phase::Idle;
            return News::Failed(self.error());
        };
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

    /// What is due by the time. `narrow`: the lowest quality does not pass, only so many bit/s.
    pub fn advance(&mut self, narrow: Option<u32>, now: Instant, out: &mut Outbox) -> News {
        while let Some(at) = self.tries.iter().position(|one| now - one.since >= OPEN_WITHIN) {
            if let Some(one) = self.tries.get(at) {
                out.push(Output::Cancel(one.id));
            }
            let news = self.try_failed(at, 0, "no answer", now, out);
            if news != News::None {
                return news;
            }
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
    fn judge(&mut self, narrow: Option<u32>, now: Instant, out: &mut Outbox) {
        let due = self.leaves_at();
        let Phase::Open(open) = &mut self.phase else { return };
        let line = open.line;
        if !open.proved && self.published && now - open.since >= HEALTHY_AFTER {
            open.proved = true;
            self.lines.healthy(line);
            self.tell(line, out);
            return;
        }
        let Some(carried) = narrow else {
            open.narrow = None;
            return;
        };
        open.narrow.get_or_insert(now);
        if due.is_none_or(|at| now < at) {
            return;
        }
        open.narrow = None;
        self.switched = Some(now);
        self.lines.carries(line, carried);
        let best = self.lines.ranked(self.wanted).into_iter().next();
        if let Some(better) = best.filter(|best| *best != line) {
            // Beside the present one, which goes on until the other has opened.
            self.order = vec![better];
            self.try_next(now, out);
        }
    }

    /// When a line that is too narrow is left.
    fn leaves_at(&self) -> Option<Instant> {
        let since = self.open().filter(|_| self.tries.is_empty())?.narrow?;
        let again = self.switched.map(|at| at + SWITCH_AGAIN);
        Some((since + NARROW_AFTER).max(again.unwrap_or_default()))
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
            Phase::Open(open) => open.doubt(now),
            _ => {}
        }
    }

    /// From now on nothing is looked for any more: the end of what is open is the end.
    pub fn wind_up(&mut self, out: &mut Outbox) {
        self.winding_up = true;
        match self.open() {
            Some(_) => self.drop_tries(out),
            None => self.close(out),
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
        [tries, phase, self.leaves_at()].into_iter().flatten().min()
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

/// Close codes are 4000 and the HTTP status that says the same, as our relay has them.
fn is_final(code: u16) -> bool {
    matches!(code, 4400 | 4401 | 4403 | 4404 | 4413)
}

fn described(url: &str, code: u16, reason: &str) -> String {
    // Signatures are nobody's business.
    let place = url.split(['?', '#']).next().unwrap_or_default();
    match (code, short(reason)) {
        (0 | 1006, "") => format!("No connection to {place}."),
        (0 | 1006, reason) => format!("No connection to {place}: {reason}."),
        (code, "") => format!("{place} closed with code {code}."),
        (code, reason) => format!("{place} closed with code {code}: {reason}."),
    }
}
