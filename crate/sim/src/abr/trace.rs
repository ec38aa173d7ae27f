//! The links that renditions are chosen on.

use sailcast_media::Micros;

use crate::link::{LinkModel, Stop, Stops};

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
    /// Another rate every `every`, evenly between the logarithms of `low` and of the link's rate.
    Cells {
        low: f64,
        every: Micros,
    },
}

#[derive(Clone, Debug)]
pub struct Trace {
    pub name: &'static str,
    /// For the reader of a table.
    pub what: &'static str,
    pub link: LinkModel,
    pub course: Course,
}

fn base(name: &'static str, rate: f64, what: &'static str) -> Trace {
    Trace { name, what, link: LinkModel { rate, ..LinkModel::default() }, course: Course::Steady }
}

fn wandering(trace: Trace, spread: f64, wander: Micros) -> Trace {
    Trace { link: LinkModel { spread, wander, ..trace.link }, ..trace }
}

/// Every trace, in the order of the table.
pub fn all() -> Vec<Trace> {
    vec![
        base("fast", 20e6, "20 Mbit/s: more than the highest rendition needs"),
        base("between", 2.2e6, "2.2 Mbit/s: between two renditions"),
        base("narrow", 0.7e6, "0.7 Mbit/s: between the two lowest"),
        Trace {
            course: Course::Step { low: 1e6, down: S(60), up: S(120) },
            ..base("step", 8e6, "8 Mbit/s, and 1 Mbit/s from 60 to 120 s")
        },
        wandering(base("wifi", 6e6, "6 Mbit/s that wander by half"), 0.5, S(4)),
        Trace {
            course: Course::Cells { low: 0.6e6, every: S(12) },
            ..wandering(base("mobile", 9e6, "another cell every 12 s, from 0.6 to 9 Mbit/s"), 0.3, S(1))
        },
        Trace {
            link: LinkModel {
                rate: 5e6,
                spread: 0.3,
                stops: vec![Stops {
                    every: S(45),
                    chance: 1.0,
                    shortest: S(3),
                    longest: S(6),
                    within: (Micros::ZERO, S(39)),
                    what: Stop::Link,
                }],
                ..LinkModel::default()
            },
            ..base("train", 5e6, "5 Mbit/s, and nothing for 3-6 s each 45 s")
        },
        Trace {
            link: LinkModel { rate: 6e6, round_trip: MS(400), ..LinkModel::default() },
            ..base("far", 6e6, "6 Mbit/s with a round trip of 400 ms")
        },
    ]
}

pub fn named(name: &str) -> Option<Trace> {
    all().into_iter().find(|trace| trace.name == name)
}
