//! What a bug report needs: the last things that happened to a player, each with its instant.
//!
//! A ring of [`CAPACITY`] entries whose texts are cut at [`TEXT`] characters, so that its memory has a bound. Changes of rate
//! and target come many at a time, and share an entry of each kind. It outlives a load, and holds no part of an address that may be secret.

use std::collections::VecDeque;

use sailcast_media::Micros;

use super::stalls::Stall;
use crate::{event::State, io::Instant, text};

pub const CAPACITY: usize = 300;
/// Characters kept of a text from outside.
pub const TEXT: usize = 200;

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A load of this address; see [`address`].
    Load {
        address: String,
    },
    /// A connection was asked for.
    Open {
        address: String,
    },
    /// It answered.
    Connected {
        status: u16,
    },
    State(State),
    Track {
        codec: String,
    },
    /// A decoder gave up, and why.
    Decoder {
        why: String,
    },
    DecoderChange {
        kind: &'static str,
        to: &'static str,
        reason: &'static str,
    },
    FirstFrame {
        after: Micros,
    },
    /// One that has ended.
    Stalled(Stall),
    Skip {
        length: Micros,
    },
    /// The rate moved within these bounds, so many times; now it is `rate`.
    Rate {
        rate: f64,
        lowest: f64,
        highest: f64,
        changes: u32,
    },
    /// The same of the target latency.
    Target {
        latency: Micros,
        lowest: Micros,
        highest: Micros,
        changes: u32,
    },
    Discontinuity {
        kind: &'static str,
        delta: Micros,
    },
    Reconnecting {
        attempt: u32,
        delay: Micros,
        reason: &'static str,
    },
    Reconnected {
        attempt: u32,
    },
    Error {
        code: u16,
        fatal: bool,
        what: String,
    },
    /// Something with a name and no more to say: `paused`, `online`, `hidden`, ...
    Note(&'static str),
}

/// A value in [`What::fields`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    Text(&'a str),
    Number(f64),
    Flag(bool),
    Span(Micros),
}

impl What {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Load { .. } => "load",
            Self::Open { .. } => "open",
            Self::Connected { .. } => "connected",
            Self::State(_) => "state",
            Self::Track { .. } => "track",
            Self::Decoder { .. } => "decoder",
            Self::DecoderChange { .. } => "decoderchange",
            Self::FirstFrame { .. } => "firstframe",
            Self::Stalled(_) => "stall",
            Self::Skip { .. } => "skip",
            Self::Rate { .. } => "rate",
            Self::Target { .. } => "target",
            Self::Discontinuity { .. } => "discontinuity",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Reconnected { .. } => "reconnected",
            Self::Error { .. } => "error",
            Self::Note(name) => name,
        }
    }

    /// Says every field with its name, for whoever writes it down.
    pub fn fields(&self, mut say: impl FnMut(&'static str, Field<'_>)) {
        match self {
            Self::Load { address } | Self::Open { address } => say("url", Field::Text(address)),
            Self::Connected { status } => say("status", Field::Number(f64::from(*status))),
            Self::State(state) => say("state", Field::Text(state.as_str())),
            Self::Track { codec } => say("codec", Field::Text(codec)),
            Self::Decoder { why } => say("why", Field::Text(why)),
            Self::DecoderChange { kind, to, reason } => {
                say("kind", Field::Text(kind));
                say("to", Field::Text(to));
                say("reason", Field::Text(reason));
            }
            Self::FirstFrame { after } => say("after", Field::Span(*after)),
            Self::Stalled(stall) => {
                say("cause", Field::Text(stall.cause.as_str()));
                say("length", Field::Span(stall.length));
            }
            Self::Skip { length } => say("length", Field::Span(*length)),
            Self::Rate { rate, lowest, highest, changes } => {
                say("rate", Field::Number(*rate));
                say("lowest", Field::Number(*lowest));
                say("highest", Field::Number(*highest));
                say("changes", Field::Number(f64::from(*changes)));
            }
            Self::Target { latency, lowest, highest, changes } => {
                say("latency", Field::Span(*latency));
                say("lowest", Field::Span(*lowest));
                say("highest", Field::Span(*highest));
                say("changes", Field::Number(f64::from(*changes)));
            }
            Self::Discontinuity { kind, delta } => {
                say("kind", Field::Text(kind));
                say("delta", Field::Span(*delta));
            }
            Self::Reconnecting { attempt, delay, reason } => {
                say("attempt", Field::Number(f64::from(*attempt)));
                say("delay", Field::Span(*delay));
                say("reason", Field::Text(reason));
            }
            Self::Reconnected { attempt } => say("attempt", Field::Number(f64::from(*attempt))),
            Self::Error { code, fatal, what } => {
                say("code", Field::Number(f64::from(*code)));
                say("fatal", Field::Flag(*fatal));
                say("what", Field::Text(what));
            }
            Self::Note(_) => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub at: Instant,
    pub what: What,
}

#[derive(Debug, Default)]
pub struct SessionLog {
    entries: VecDeque<Entry>,
    lost: u64,
}

impl SessionLog {
    /// Oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many older ones had to go.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) fn add(&mut self, what: What, now: Instant) {
        if self.entries.len() >= CAPACITY {
            self.entries.pop_front();
            self.lost = self.lost.saturating_add(1);
        }
        self.entries.push_back(Entry { at: now, what });
    }

    pub(super) fn rate(&mut self, new: f64, now: Instant) {
        for what in self.steering() {
            if let What::Rate { rate, lowest, highest, changes } = what {
                *rate = new;
                (*lowest, *highest) = (lowest.min(new), highest.max(new));
                *changes = changes.saturating_add(1);
                return;
            }
        }
        self.add(What::Rate { rate: new, lowest: new, highest: new, changes: 1 }, now);
    }

    pub(super) fn target(&mut self, new: Micros, now: Instant) {
        for what in self.steering() {
            if let What::Target { latency, lowest, highest, changes } = what {
                *latency = new;
                (*lowest, *highest) = (new.min(*lowest), new.max(*highest));
                *changes = changes.saturating_add(1);
                return;
            }
        }
        self.add(What::Target { latency: new, lowest: new, highest: new, changes: 1 }, now);
    }

    /// The entries since something else happened: at most one of each kind.
    fn steering(&mut self) -> impl Iterator<Item = &mut What> {
        let whats = self.entries.iter_mut().rev().map(|entry| &mut entry.what);
        whats.take_while(|what| matches!(what, What::Rate { .. } | What::Target { .. }))
    }
}

/// The first [`TEXT`] characters.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(TEXT).collect()
}

/// A message, cut as well, in which addresses keep no more than [`address`] leaves of them.
pub(super) fn message(text: &str) -> String {
    let mut public = String::new();
    for word in text.split(' ') {
        if public.len() > TEXT.saturating_mul(4) {
            break;
        }
        if !public.is_empty() {
            public.push(' ');
        }
        public.push_str(&if text::contains(word, "://") { address(word) } else { cut(word) });
    }
    cut(&public)
}

/// An address without what may be secret in it: user, password, query and fragment.
pub(super) fn address(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (bare, rest) = url.split_at_checked(end).unwrap_or((url, ""));
    let public = match text::split_once(bare, "://") {
        Some((scheme, place)) => {
            let (host, path) = place.split_once('/').map_or((place, None), |(host, path)| (host, Some(path)));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
        }
        None => bare.to_owned(),
    };
    let mut public = cut(&public);
    if rest.starts_with('?') {
        public.push_str("?…");
    }
    public
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_no_secret() {
        for (url, public) in [
            (
                "https://cdn.example.com/live/room.flv?sign=abc&t=1#x",
                "https://cdn.example.com/live/room.flv?…",
            ),
            ("wss://user:pass@example.com:8443/a@b/c.flv", "wss://example.com:8443/a@b/c.flv"),
            ("http://me@host", "http://host"),
            ("http://host/room#secret", "http://host/room"),
            ("https://user:p?a@ss/", "https://user:p?…"),
            ("nonsense?token=1", "nonsense?…"),
            ("", ""),
        ] {
            assert_eq!(address(url), public);
        }
        assert!(address(&format!("http://h/{}", "é".repeat(5000))).chars().count() <= TEXT);
    }

    #[test]
    fn a_message_that_quotes_an_address_keeps_its_secret_out() {
        let text = message("\"ftp://me:pass@host/a.flv?key=1\" cannot be opened.");
        assert_eq!(text, "\"ftp://host/a.flv?… cannot be opened.");
    }

    #[test]
    fn the_ring_is_bounded_and_keeps_the_newest() {
        let mut log = SessionLog::default();
        for i in 0..1000 {
            log.add(What::Connected { status: i }, Instant(u64::from(i)));
        }
        assert_eq!(log.entries().count(), CAPACITY);
        assert_eq!(log.lost(), 700);
        assert_eq!(log.entries().last().unwrap().what, What::Connected { status: 999 });
    }

    #[test]
    fn rate_changes_share_an_entry_until_something_else_happens() {
        let mut log = SessionLog::default();
        for (i, rate) in [1.05, 1.08, 0.96, 1.0].into_iter().enumerate() {
            log.rate(rate, Instant(i as u64));
        }
        log.add(What::Note("hidden"), Instant(9));
        log.rate(1.02, Instant(10));
        let all: Vec<_> = log.entries().map(|entry| entry.what.clone()).collect();
        assert_eq!(all[0], What::Rate { rate: 1.0, lowest: 0.96, highest: 1.08, changes: 4 });
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn a_target_that_moves_with_the_rate_shares_an_entry_as_well() {
        let mut log = SessionLog::default();
        for i in 1..=1000 {
            log.target(Micros(100 + i % 7), Instant(i as u64));
            log.rate(1.0 + (i % 3) as f64 / 100.0, Instant(i as u64));
        }
        let all: Vec<_> = log.entries().map(|entry| entry.what.clone()).collect();
        assert_eq!(all.len(), 2);
        let (lowest, highest) = (Micros(100), Micros(106));
        assert_eq!(all[0], What::Target { latency: Micros(106), lowest, highest, changes: 1000 });
    }

    #[test]
    fn every_field_is_said_with_its_name() {
        let mut said = Vec::new();
        What::Error { code: 1001, fatal: true, what: "It broke.".to_owned() }
            .fields(|name, field| said.push(format!("{name} {field:?}")));
        assert_eq!(said, ["code Number(1001.0)", "fatal Flag(true)", "what Text(\"It broke.\")"]);
    }
}
