//! Viewers of the site on seeded links: the player's own choice beside always the highest and always the lowest definition.

use sailcast_engine::{Event, Input, Load};
use sailcast_media::Micros;

use super::{HIGH, LOW, Site, definitions, turns};
use crate::{
    Sim,
    chance::Chance,
    link::{LinkModel, Stop, Stops},
    session::auto,
};

/// Who chooses.
pub const RULES: [(&str, Option<u32>); 3] =
    [("the player", None), ("always the highest", Some(HIGH)), ("always the lowest", Some(LOW))];
const LENGTH: Micros = Micros::from_secs(180);
const READ_MS: i64 = 1_000;

pub struct Trace {
    pub name: &'static str,
    pub what: &'static str,
    link: LinkModel,
}

/// Sums over sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    watched: Micros,
    waited: Micros,
    stalls: u64,
    changes: u64,
    /// Sums of what was read each second.
    reads: u64,
    bits: u64,
    latency: Micros,
}

pub fn all() -> Vec<Trace> {
    let varied = |name, what, rates: &[(i64, f64)]| {
        let link = LinkModel { turns: turns(rates), ..LinkModel::default() };
        Trace { name, what, link }
    };
    let stops = Stops {
        every: Micros::from_secs(10),
        chance: 1.0,
        shortest: Micros::from_millis(300),
        longest: Micros::from_millis(600),
        within: (Micros::ZERO, Micros::from_secs(9)),
        what: Stop::Link,
    };
    let wandering =
        LinkModel { rate: 3e6, spread: 0.4, wander: Micros::from_secs(8), ..LinkModel::default() };
    vec![
        varied("fast", "20 Mbit/s", &[(0, 20e6)]),
        varied("between", "1.5 Mbit/s: between two definitions", &[(0, 1.5e6)]),
        varied(
            "half",
            "6 Mbit/s, and 1.3 from the 60th to the 120th second",
            &[(0, 6e6), (60, 1.3e6), (120, 6e6)],
        ),
        varied(
            "weak",
            "6 Mbit/s, and 0.7 from the 60th to the 120th second",
            &[(0, 6e6), (60, 0.7e6), (120, 6e6)],
        ),
        Trace {
            name: "wandering",
            what: "3 Mbit/s in the mean, from less than 1.5 to more than 5",
            link: wandering,
        },
        Trace {
            name: "interrupted",
            what: "20 Mbit/s, and nothing for 0.3 to 0.6 s each 10 s",
            link: LinkModel { stops: vec![stops], ..LinkModel::default() },
        },
    ]
}

/// One row for each of [`RULES`]. The same seed gives the same figures.
pub fn run(trace: &Trace, sessions: u64, seed: u64) -> Vec<Figures> {
    let mut rows = vec![Figures::default(); RULES.len()];
    for session in 0..sessions {
        let chance = Chance(seed.wrapping_mul(1_000_003).wrapping_add(session));
        for (row, (_, rendition)) in rows.iter_mut().zip(RULES) {
            row.watch(trace, rendition, chance);
        }
    }
    rows
}

impl Figures {
    fn watch(&mut self, trace: &Trace, rendition: Option<u32>, chance: Chance) {
        let site = Site::new(trace.link.clone(), 60, |_, _| {}).with_chance(chance);
        let mut sim = Sim::with(auto(), site);
        sim.sound_divisor = 8;
        sim.sound_on(6_000, 20);
        sim.input(Input::Load(Load { definitions: definitions(), rendition, ..Load::default() }));
        sim.input(Input::Play);
        for _ in 0..LENGTH.0 / (READ_MS * 1_000) {
            sim.run_ms(READ_MS);
            let stats = sim.stats();
            let played = stats.rendition.and_then(|id| definitions().get(id as usize)?.bitrate);
            self.reads += 1;
            self.bits += played.unwrap_or_default();
            self.latency += stats.latency;
            sim.shown.clear();
            sim.shown_numbers.clear();
            sim.heard.clear();
            sim.heard_voices.clear();
        }
        let stats = sim.stats();
        self.watched += LENGTH;
        self.waited += stats.stalled;
        self.stalls += stats.stalls;
        self.changes += sim.count(|event| matches!(event, Event::RenditionChange { .. })) as u64 - 1;
    }

    /// Mean bit/s of what was played.
    pub fn bitrate(&self) -> f64 {
        self.bits as f64 / self.reads.max(1) as f64
    }

    pub fn stall_ratio(&self) -> f64 {
        self.waited.as_secs_f64() / self.watched.as_secs_f64().max(1e-9)
    }

    pub fn stalls_an_hour(&self) -> f64 {
        self.stalls as f64 / self.watched.as_secs_f64().max(1e-9) * 3_600.0
    }

    pub fn changes_a_minute(&self) -> f64 {
        self.changes as f64 / self.watched.as_secs_f64().max(1e-9) * 60.0
    }

    /// Mean of newest received data minus playhead.
    pub fn mean_latency(&self) -> f64 {
        self.latency.as_secs_f64() / self.reads.max(1) as f64
    }
}
