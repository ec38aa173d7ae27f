//! What to do when a connection is lost: which line next, after how long, and when to give up.
//!
//! Pure policy over what it is told: failures in, a plan out. A line that played well is preferred; one that failed is
//! left for another at once, and asked again with exponential back-off.

use sailcast_media::Micros;

use crate::{backoff::Backoff, error::SailcastError};

/// Tries in a row without a connection that played for [`HEALTHY_AFTER`]: more than a minute.
const ATTEMPTS: u32 = 15;
/// Tries before anything was ever received: somebody waits in front of an empty player.
const FIRST_ATTEMPTS: u32 = 3;
/// Tries that bring nothing new after the server ended the stream in good order: an encoder that restarts is back by then.
const END_ATTEMPTS: u32 = 4;
/// To a line that has not failed: only so much that viewers do not come all at once.
const OTHER_LINE: Micros = Micros::from_millis(100);
/// A connection that brings the stream for so long has proved its line.
pub const HEALTHY_AFTER: Micros = Micros::from_secs(10);

/// Why a connection is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The server ended the stream in good order.
    End,
    /// The connection broke.
    Lost,
    /// The socket was closed with an error code.
    Closed,
    /// No connection at all.
    Refused,
    /// An HTTP status that is no success.
    Status,
    /// No answer, or no more bytes.
    Silent,
    /// Bytes came, but nothing to play.
    NoMedia,
    /// Packets came, but no decoder made pictures of them.
    NoPictures,
    /// Something that is not the format.
    Format,
    /// The page gave no address.
    Unresolved,
    /// The page was frozen, put away, or hidden with `background: 'suspend'`.
    Wake,
}

impl Reason {
    pub const ALL: [Self; 11] = [
        Self::End,
        Self::Lost,
        Self::Closed,
        Self::Refused,
        Self::Status,
        Self::Silent,
        Self::NoMedia,
        Self::NoPictures,
        Self::Format,
        Self::Unresolved,
        Self::Wake,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Lost => "lost",
            Self::Closed => "closed",
            Self::Refused => "refused",
            Self::Status => "status",
            Self::Silent => "silent",
            Self::NoMedia => "noMedia",
            Self::NoPictures => "noPictures",
            Self::Format => "format",
            Self::Unresolved => "unresolved",
            Self::Wake => "wake",
        }
    }
}

/// How a connection failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub reason: Reason,
    /// What the user hears when nothing else is left to try; `None` for an end in good order.
    pub error: Option<SailcastError>,
    /// The same request will get the same answer.
    pub final_answer: bool,
}

/// The next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub attempt: u32,
    pub delay: Micros,
}

#[derive(Debug)]
struct Line {
    url: String,
    /// Since it last proved itself.
    failures: u32,
    /// It gave its final answer before anything was received.
    refused: bool,
}

#[derive(Debug)]
pub struct Retry {
    lines: Vec<Line>,
    current: usize,
    /// The line that played last.
    good: usize,
    attempt: u32,
    /// Tries since the server ended the stream in good order, if nothing new of it has come since.
    ended: Option<u32>,
    backoff: Backoff,
}

impl Retry {
    pub fn new(urls: Vec<String>, seed: u64) -> Self {
        let line = |url| Line { url, failures: 0, refused: false };
        let lines = urls.into_iter().map(line).collect();
        Self { lines, current: 0, good: 0, attempt: 0, ended: None, backoff: Backoff::new(seed) }
    }

    /// The line of the present try.
    pub fn url(&self) -> &str {
        self.lines.get(self.current).map_or("", |line| line.url.as_str())
    }

    /// All lines, the present one first.
    pub fn urls(&self) -> Vec<String> {
        let (before, from) = self.lines.split_at(self.current.min(self.lines.len()));
        from.iter().chain(before).map(|line| line.url.clone()).collect()
    }

    /// The connection has brought the stream for [`HEALTHY_AFTER`].
    pub fn healthy(&mut self) {
        self.attempt = 0;
        self.good = self.current;
        if let Some(line) = self.lines.get_mut(self.current) {
            line.failures = 0;
        }
    }

    /// Something new of the stream came: it had not ended.
    pub fn resumed(&mut self) {
        self.ended = None;
    }

    /// The server had ended the stream in good order, and nothing new of it has come since.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// The network is back: what was tried without one does not count.
    pub fn forgive(&mut self) {
        self.attempt = 0;
        self.ended = self.ended.map(|_| 0);
        for line in &mut self.lines {
            line.failures = 0;
        }
    }

    /// The present line failed; `None` when all has been tried. `played`: something of this stream was received.
    pub fn plan(&mut self, failure: &Failure, played: bool) -> Option<Plan> {
        if let Some(line) = self.lines.get_mut(self.current) {
            line.failures = line.failures.saturating_add(1);
            line.refused = failure.final_answer && !played;
        }
        if failure.reason == Reason::End {
            self.ended.get_or_insert(0);
        }
        let lines = self.lines.len() as u32;
        let limit = match failure.reason {
            _ if played => ATTEMPTS,
            // Each of these took long to show, and of the stream itself only another line has another.
            Reason::Silent | Reason::NoMedia => lines,
            Reason::NoPictures => lines.saturating_sub(1),
            _ => FIRST_ATTEMPTS.max(lines),
        };
        if self.attempt >= limit || self.ended.is_some_and(|tries| tries >= END_ATTEMPTS) {
            return None;
        }
        self.current = self.best()?;
        self.attempt = self.attempt.saturating_add(1);
        self.ended = self.ended.map(|tries| tries.saturating_add(1));
        let failures = self.lines.get(self.current).map_or(0, |line| line.failures);
        let delay = match failures {
            0 => self.backoff.some_of(OTHER_LINE),
            failures => self.backoff.delay(failures),
        };
        Some(Plan { attempt: self.attempt, delay })
    }

    /// The line that failed least; of equals the one that played last, then the preferred one.
    fn best(&self) -> Option<usize> {
        let left = self.lines.iter().enumerate().filter(|(_, line)| !line.refused);
        left.min_by_key(|(i, line)| (line.failures, *i != self.good, *i)).map(|(i, _)| i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: Failure = Failure { reason: Reason::Lost, error: None, final_answer: false };
    const NOT_FOUND: Failure = Failure { reason: Reason::Status, error: None, final_answer: true };

    fn retry(lines: &[&str]) -> Retry {
        Retry::new(lines.iter().map(|l| (*l).to_owned()).collect(), 7)
    }

    #[test]
    fn one_line_is_asked_again_ever_more_rarely_and_not_for_ever() {
        let mut r = retry(&["a"]);
        let plans: Vec<Plan> = std::iter::from_fn(|| r.plan(&LOST, true)).collect();
        assert_eq!(plans.len(), ATTEMPTS as usize);
        for (i, plan) in plans.iter().enumerate() {
            let longest = Backoff::longest(i as u32 + 1);
            assert!(plan.delay >= longest.scale(0.5) && plan.delay <= longest, "{i}: {plan:?}");
            assert_eq!(plan.attempt, i as u32 + 1);
        }
    }

    #[test]
    fn another_line_is_tried_at_once() {
        let mut r = retry(&["a", "b"]);
        let plan = r.plan(&LOST, true).expect("a plan");
        assert_eq!(r.url(), "b");
        assert!(plan.delay <= OTHER_LINE);
    }

    #[test]
    fn the_line_that_played_is_preferred_once_both_have_failed_alike() {
        let mut r = retry(&["a", "b"]);
        r.plan(&LOST, false);
        r.healthy();
        assert_eq!(r.url(), "b");
        r.plan(&LOST, true);
        assert_eq!(r.url(), "b", "the first line has failed no less");
        r.plan(&LOST, true);
        assert_eq!(r.url(), "a");
    }

    #[test]
    fn a_line_that_does_not_have_the_stream_is_not_asked_again_at_the_start() {
        let mut r = retry(&["a", "b"]);
        assert!(r.plan(&NOT_FOUND, false).is_some());
        assert_eq!(r.url(), "b");
        assert!(r.plan(&NOT_FOUND, false).is_none());
    }

    #[test]
    fn a_line_that_lost_the_stream_in_mid_play_is_asked_again() {
        let mut r = retry(&["a"]);
        r.healthy();
        assert!(r.plan(&NOT_FOUND, true).is_some());
    }

    #[test]
    fn after_a_healthy_time_the_count_begins_anew() {
        let mut r = retry(&["a"]);
        while r.plan(&LOST, true).is_some() {}
        r.healthy();
        assert_eq!(r.plan(&LOST, true).map(|p| p.attempt), Some(1));
    }

    #[test]
    fn an_end_counts_the_tries_that_bring_nothing_new() {
        const END: Failure = Failure { reason: Reason::End, error: None, final_answer: false };
        let mut r = retry(&["a"]);
        for _ in 0..5 {
            assert!(r.plan(&END, true).is_some());
            r.resumed();
        }
        assert!(r.plan(&END, true).is_some());
        let tries = std::iter::from_fn(|| r.plan(&LOST, true)).count();
        assert_eq!(tries as u32 + 1, END_ATTEMPTS);
        assert!(r.has_ended());
    }

    #[test]
    fn viewers_with_other_seeds_come_back_at_other_times() {
        let delays: std::collections::HashSet<i64> = (1..=50u64)
            .map(|seed| {
                Retry::new(vec!["a".into()], seed * 0x9e37_79b9).plan(&LOST, true).expect("a plan").delay.0
            })
            .collect();
        assert!(delays.len() > 45);
    }
}
