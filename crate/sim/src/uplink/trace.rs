//! The links that are published over.

use sailcast_media::Micros;

use crate::link::{LinkModel, Neighbour, Stop, Stops};

const MS: fn(i64) -> Micros = Micros::from_millis;
const S: fn(i64) -> Micros = Micros::from_secs;

/// How the link's rate changes by design, beside its weather.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Course {
    Steady,
    /// To `low` bit/s at `down`, and back at `up`.
    Step {
        low: f64,
        down: Micros,
        up: Micros,
    },
    /// Falls to `low` bit/s and climbs again, in `period`.
    Sawtooth {
        low: f64,
        period: Micros,
    },
}

#[derive(Clone, Debug)]
pub struct Trace {
    pub name: &'static str,
    /// For the reader of a table.
    pub what: &'static str,
    pub link: LinkModel,
    pub course: Course,
    /// The bottleneck's queue.
    pub depth: u64,
    /// What the system takes from the socket before anything has left, at first and at most.
    pub hidden: (u64, u64),
    pub length: Micros,
    /// How much larger than a delta a keyframe is.
    pub keyframes: (f64, f64),
    /// From when on the way is so much longer, there and back.
    pub detour: Option<(Micros, Micros)>,
    /// From when to when the picture stands still: an encoder makes little of it.
    pub still: Option<(Micros, Micros)>,
    /// The mean rate is below what the publisher may send, and nothing else happens: it should be used.
    pub steady: bool,
    /// The link carries the lowest bitrate all the time: the budget should be kept.
    pub sufficient: bool,
}

impl Trace {
    /// One way.
    pub fn longer(&self, at: Micros) -> Micros {
        self.detour.filter(|(from, _)| at >= *from).map_or(Micros::ZERO, |(_, more)| Micros(more.0 / 2))
    }

    /// Bit/s at an instant, without the weather's part.
    pub fn planned(&self, at: Micros) -> f64 {
        match self.course {
            Course::Steady => self.link.rate,
            Course::Step { low, down, up } => {
                if at >= down && at < up {
                    low
                } else {
                    self.link.rate
                }
            }
            Course::Sawtooth { low, period } => {
                let phase = (at.as_secs_f64() / period.as_secs_f64()).fract();
                let share = (2.0 * phase - 1.0).abs();
                low + (self.link.rate - low) * share
            }
        }
    }
}

fn base(name: &'static str, rate: f64, what: &'static str) -> Trace {
    Trace {
        name,
        what,
        link: LinkModel { rate, round_trip: MS(60), jitter: MS(3), ..LinkModel::default() },
        course: Course::Steady,
        depth: 64_000,
        hidden: (128 * 1024, 128 * 1024),
        length: S(90),
        keyframes: (3.0, 8.0),
        detour: None,
        still: None,
        steady: false,
        sufficient: true,
    }
}

fn stops(what: Stop, every: Micros, chance: f64, shortest: Micros, longest: Micros) -> Stops {
    Stops { every, chance, shortest, longest, within: (Micros::ZERO, every - longest), what }
}

fn outage(name: &'static str, length: Micros, what: &'static str) -> Trace {
    let mut trace = base(name, 2e6, what);
    let stop = stops(Stop::Link, S(90), 1.0, length, length);
    trace.link.stops = vec![Stops { within: (S(30), S(40)), ..stop }];
    trace.sufficient = false;
    trace
}

/// Every trace, in the order of the table.
pub fn all() -> Vec<Trace> {
    let steady = |name, rate, what| Trace { steady: true, ..base(name, rate, what) };
    let step = Course::Step { low: 300e3, down: S(30), up: S(60) };
    let mut wifi = base("wifi", 1.5e6, "");
    wifi.link.spread = 0.3;
    wifi.link.wander = S(2);
    wifi.link.jitter = MS(8);
    wifi.link.stops = vec![stops(Stop::Link, S(3), 0.7, MS(20), MS(120))];
    let mut lossy = base("lossy", 2e6, "");
    lossy.link.stops =
        vec![stops(Stop::Lost, S(1), 0.5, MS(80), MS(110)), stops(Stop::Lost, S(12), 0.7, MS(250), MS(480))];
    let mut neighbour = base("neighbour", 2e6, "");
    neighbour.link.neighbour = Some(Neighbour { every: S(25), length: S(9), fullest: MS(400) });
    vec![
        Trace { sufficient: false, ..base("50k", 50e3, "50 kbit/s, less than the sound alone") },
        Trace { sufficient: false, ..base("120k", 120e3, "120 kbit/s, the sound and hardly a picture") },
        steady("300k", 300e3, "300 kbit/s"),
        steady("500k", 500e3, "500 kbit/s"),
        steady("800k", 800e3, "800 kbit/s"),
        steady("1.5M", 1.5e6, "1.5 Mbit/s"),
        Trace { steady: false, ..base("5M", 5e6, "5 Mbit/s, more than the highest bitrate") },
        Trace {
            course: step,
            length: S(100),
            ..base("step", 2e6, "2 Mbit/s, 300 kbit/s from 30 to 60 s, and back")
        },
        Trace {
            course: step,
            length: S(100),
            hidden: (64 * 1024, 512 * 1024),
            ..base("step, growing", 2e6, "the same step over a system's buffer that grows from 64 to 512 KiB")
        },
        Trace {
            course: step,
            length: S(100),
            keyframes: (1.0, 1.5),
            ..base("step, even", 2e6, "the same step with keyframes that are hardly larger than deltas")
        },
        Trace {
            course: Course::Sawtooth { low: 400e3, period: S(30) },
            ..base("sawtooth", 2e6, "between 2 Mbit/s and 400 kbit/s, down in 15 s and up in 15 s")
        },
        outage("outage 2 s", S(2), "2 Mbit/s; nothing at all for 2 s, once"),
        outage("outage 5 s", S(5), "2 Mbit/s; nothing at all for 5 s, once"),
        Trace {
            course: step,
            length: S(100),
            depth: 1_000_000,
            hidden: (128 * 1024, 2 << 20),
            ..base(
                "bufferbloat",
                1.5e6,
                "1.5 Mbit/s, 300 kbit/s from 30 to 60 s; the bottleneck queues 1 MB, 27 s at 300 kbit/s",
            )
        },
        Trace {
            what: "1.5 Mbit/s that wander, 8 ms of jitter, the air taken for 20-120 ms most 3 s",
            ..wifi
        },
        Trace {
            what: "2 Mbit/s; a lost segment holds all behind it for 80-110 ms, each 2 s, or 250-480 ms, each 17 s",
            ..lossy
        },
        Trace {
            detour: Some((S(30), MS(250))),
            ..base("detour", 1.5e6, "1.5 Mbit/s; from 30 s on the round trip takes 310 ms in place of 60")
        },
        Trace {
            still: Some((S(30), S(60))),
            ..base(
                "still",
                1e6,
                "1 Mbit/s; the picture stands still from 30 to 60 s and takes a tenth of its bits",
            )
        },
        Trace {
            sufficient: false,
            what: "2 Mbit/s; a neighbour fills the queue up to 400 ms for 9 s of each 25 s, whatever this side sends",
            ..neighbour
        },
    ]
}

pub fn named(name: &str) -> Option<Trace> {
    all().into_iter().find(|trace| trace.name == name)
}
