//! The networks and machines that sessions are played on.

use sailcast_media::Micros;

use crate::{
    link::{LinkModel, Neighbour, Stop, Stops},
    stream::StreamConfig,
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const S: fn(i64) -> Micros = Micros::from_secs;

#[derive(Clone, Debug)]
pub struct Trace {
    pub name: &'static str,
    /// For the reader of a table.
    pub what: &'static str,
    pub stream: StreamConfig,
    pub link: LinkModel,
    pub length: Micros,
    pub decode_time: Micros,
    /// Of the sessions of a run, how many are played on it.
    pub share: f64,
    pub targets: Targets,
}

/// What must hold on a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Stall ratio and drops are bounded.
    Smooth,
    /// As before, and the way back after each outage.
    SmoothAndBack,
    /// Bandwidth or decoder are below the stream: only that no other policy is better in both.
    NotDominated,
}

fn base(name: &'static str, what: &'static str) -> Trace {
    Trace {
        name,
        what,
        stream: StreamConfig::default(),
        link: LinkModel::default(),
        length: S(90),
        decode_time: MS(4),
        share: 1.0,
        targets: Targets::Smooth,
    }
}

/// Standstills of 10 ms and more anywhere in their span.
fn stops(what: Stop, every: Micros, chance: f64, shortest: Micros, longest: Micros) -> Stops {
    Stops { every, chance, shortest, longest, within: (Micros::ZERO, every - longest), what }
}

/// Every trace, in the order of the table.
pub fn all() -> Vec<Trace> {
    vec![
        Trace { ..base("clean", "20 Mbit/s, 40 ms round trip, half a millisecond of jitter") },
        Trace {
            link: LinkModel {
                rate: 12e6,
                spread: 0.4,
                round_trip: MS(30),
                jitter: MS(6),
                stops: vec![
                    stops(Stop::Link, S(3), 0.7, MS(20), MS(120)),
                    stops(Stop::Link, S(40), 0.5, MS(150), MS(300)),
                ],
                ..LinkModel::default()
            },
            stream: StreamConfig { sound: Some(44_100), ..StreamConfig::default() },
            ..base(
                "wifi",
                "12 Mbit/s that wander, 6 ms of jitter, the air taken for 20-120 ms most 3 s and for 150-300 ms now and then",
            )
        },
        Trace {
            link: LinkModel {
                rate: 8e6,
                spread: 0.5,
                wander: S(2),
                round_trip: MS(60),
                jitter: MS(8),
                stops: vec![stops(Stop::Link, S(15), 0.7, MS(60), MS(250))],
                ..LinkModel::default()
            },
            ..base(
                "lte",
                "8 Mbit/s that wander widely, 8 ms of jitter, handovers of 60-250 ms each 15 s or so",
            )
        },
        Trace {
            link: LinkModel {
                rate: 10e6,
                round_trip: MS(80),
                jitter: MS(3),
                stops: vec![
                    // Found by duplicate acknowledgements: about a round trip and a quarter.
                    stops(Stop::Lost, MS(1000), 0.6, MS(90), MS(120)),
                    // The retransmission is lost too, or was the last of a flight: a timer.
                    stops(Stop::Lost, S(12), 0.7, MS(300), MS(480)),
                ],
                ..LinkModel::default()
            },
            ..base(
                "lossy",
                "80 ms round trip; a lost segment holds all behind it for 90-120 ms, each 2 s, or 300-480 ms, each 17 s",
            )
        },
        Trace {
            link: LinkModel { rate: 1.92e6, spread: 0.15, patience: S(4), ..LinkModel::default() },
            targets: Targets::NotDominated,
            ..base(
                "starved",
                "0.9 of the stream's bitrate; the server leaves out what waits more than 4 s, up to a keyframe",
            )
        },
        Trace {
            link: LinkModel {
                rate: 8e6,
                stops: vec![Stops { within: (S(120), S(300)), ..stops(Stop::Link, S(420), 1.0, S(3), S(3)) }],
                ..LinkModel::default()
            },
            length: S(360),
            share: 0.4,
            targets: Targets::SmoothAndBack,
            ..base("outage", "8 Mbit/s; nothing at all for 3 s, once in 6 minutes")
        },
        Trace {
            link: LinkModel {
                rate: 4e6,
                neighbour: Some(Neighbour { every: S(25), length: S(9), fullest: MS(800) }),
                ..LinkModel::default()
            },
            length: S(120),
            ..base(
                "bufferbloat",
                "4 Mbit/s; a neighbour fills the queue up to 800 ms for 9 s of each 25 s, in saw teeth",
            )
        },
        Trace {
            link: LinkModel {
                rate: 8e6,
                stops: vec![Stops {
                    within: (S(9), S(9)),
                    ..stops(Stop::Link, S(10), 1.0, MS(500), MS(500))
                }],
                ..LinkModel::default()
            },
            length: S(150),
            ..base("interrupted", "8 Mbit/s; nothing for 500 ms each 10 s")
        },
        Trace {
            stream: StreamConfig {
                bitrate: 150e3,
                sound_bitrate: 32e3,
                // Half of the day before 2^32 ms.
                first_stamp_ms: (1i64 << 32) - 12 * 3_600_000,
                ..StreamConfig::default()
            },
            length: S(24 * 3600),
            share: 0.0,
            ..base("day", "24 hours over a clean link, the stamps wrapping at 2^32 ms in the middle")
        },
        Trace {
            stream: StreamConfig { clock_ppm: 200.0, ..StreamConfig::default() },
            length: S(900),
            share: 0.1,
            ..base("fast clock", "15 minutes, the encoder's clock 200 ppm fast")
        },
        Trace {
            stream: StreamConfig { clock_ppm: -200.0, ..StreamConfig::default() },
            length: S(900),
            share: 0.1,
            ..base("slow clock", "15 minutes, the encoder's clock 200 ppm slow")
        },
        Trace {
            decode_time: Micros(47_600),
            targets: Targets::NotDominated,
            ..base("slow decoder", "a decoder that does 21 pictures a second of 30, each needed by the next")
        },
        Trace {
            stream: StreamConfig { b_frames: true, ..StreamConfig::default() },
            decode_time: Micros(47_600),
            targets: Targets::NotDominated,
            ..base("slow decoder, B", "the same decoder, every second picture a B-frame")
        },
    ]
}

pub fn named(name: &str) -> Option<Trace> {
    all().into_iter().find(|trace| trace.name == name)
}
