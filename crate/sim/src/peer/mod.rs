//! The policies of other players, by their published rules, on an idealised media element.
//!
//! Each is given the same arrivals as the engine. What a browser adds (transmuxing, appending, decoding before a seek's target,
//! a threshold that grows with each underrun) costs them nothing here: the figures are what the rule could reach at best.

mod element;
mod rules;

pub use element::Element;
pub use rules::{Fixed, LiveSync, Rule, SeekAbove, Sigmoid};

/// A policy and its name in tables.
pub struct Peer {
    pub name: &'static str,
    pub what: &'static str,
    pub rule: fn() -> Box<dyn Rule>,
}

pub const PEERS: &[Peer] = &[
    Peer {
        name: "fixed 1 s",
        what: "starts, and resumes after each stall, a second behind the newest data; nothing in between",
        rule: || Box::new(Fixed { buffer: 1.0 }),
    },
    Peer {
        name: "seek above 1.5 s",
        what: "mpegts.js `liveBufferLatencyChasing` at its defaults: more than 1.5 s buffered, and it seeks to 0.5 s",
        rule: || Box::new(SeekAbove { max: 1.5, remain: 0.5 }),
    },
    Peer {
        name: "rate 1.2",
        what: "mpegts.js `liveSync` at its defaults: above 1.2 s it plays at 1.2 until 0.8 s",
        rule: || Box::new(LiveSync { max: 1.2, target: 0.8, rate: 1.2 }),
    },
    Peer {
        name: "rate 1.5, tight",
        what: "mpegts.js `liveSync` tuned: above 0.5 s it plays at 1.5 until 0.3 s",
        rule: || Box::new(LiveSync { max: 0.5, target: 0.3, rate: 1.5 }),
    },
    Peer {
        name: "sigmoid 1.5",
        what: "hls.js' latency controller with a target of 1 s and `maxLiveSyncPlaybackRate` 1.5: the rate is a sigmoid of the \
               distance, only while more than a second is buffered; each stall adds a second to the target, once",
        rule: || Box::new(Sigmoid { target: 1.0, max_rate: 1.5, stalls: 0 }),
    },
];
