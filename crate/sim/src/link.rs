//! The way from server to viewer: one bottleneck with a queue before it, a propagation delay, and TCP's order behind it.
//!
//! The weather (rate, delay, standstills) is a function of seed and time, so that a second connection meets the same. What is
//! not modelled: the congestion window after its start, and the back-off of retransmission timers over an outage.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use sailcast_media::Micros;

use crate::chance::Chance;

/// The rate is looked up in steps of this.
const STEP: Micros = Micros::from_millis(10);
const INITIAL_WINDOW: f64 = 14_600.0;

/// Times at which nothing moves.
#[derive(Clone, Copy, Debug)]
pub struct Stops {
    /// One may begin in each such span.
    pub every: Micros,
    pub chance: f64,
    pub shortest: Micros,
    pub longest: Micros,
    /// Where in its span it begins: anywhere between these.
    pub within: (Micros, Micros),
    pub what: Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The link sends nothing; the queue grows.
    Link,
    /// What arrives is held back behind a lost segment, and then comes at once.
    Lost,
}

/// A neighbour's transfer through the same queue: the delay climbs, halves as his window does, and goes when he is done.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    pub every: Micros,
    pub length: Micros,
    /// The full queue's delay.
    pub fullest: Micros,
}

#[derive(Clone, Debug)]
pub struct LinkModel {
    /// Mean bits a second.
    pub rate: f64,
    /// From when on the mean is another.
    pub turns: Vec<(Micros, f64)>,
    /// Deviation of the rate's logarithm, and how fast it wanders.
    pub spread: f64,
    pub wander: Micros,
    pub round_trip: Micros,
    /// Mean of an exponential delay, new in each step.
    pub jitter: Micros,
    pub stops: Vec<Stops>,
    pub neighbour: Option<Neighbour>,
    /// The server leaves out what waits longer, up to a keyframe.
    pub patience: Micros,
    /// Connections of models that have the same one go through the same bottleneck.
    pub shared: Option<Bottleneck>,
}

/// What the connections through it have taken of a link: bits in each step.
#[derive(Clone, Debug, Default)]
pub struct Bottleneck(Arc<Mutex<BTreeMap<i64, f64>>>);

impl Bottleneck {
    /// What is left of a step that has room for so many bits.
    fn left(&self, step: i64, room: f64) -> f64 {
        let taken = self.0.lock().expect("no panic while it is held");
        (room - taken.get(&step).copied().unwrap_or_default()).max(0.0)
    }

    fn take(&self, step: i64, bits: f64) {
        const KEPT: i64 = 6_000;
        let mut taken = self.0.lock().expect("no panic while it is held");
        *taken.entry(step).or_default() += bits;
        while taken.first_key_value().is_some_and(|(first, _)| *first < step - KEPT) {
            taken.pop_first();
        }
    }
}

impl Default for LinkModel {
    fn default() -> Self {
        Self {
            rate: 20e6,
            turns: Vec::new(),
            spread: 0.0,
            wander: Micros::from_secs(1),
            round_trip: Micros::from_millis(40),
            jitter: Micros(500),
            stops: Vec::new(),
            neighbour: None,
            patience: Micros::from_secs(8),
            shared: None,
        }
    }
}

impl LinkModel {
    pub(crate) fn rate_at(&self, chance: Chance, at: Micros) -> f64 {
        let turned = self.turns.iter().rev().find(|(from, _)| at >= *from);
        let mean = turned.map_or(self.rate, |(_, rate)| *rate);
        if self.spread == 0.0 {
            return mean;
        }
        let x = at.as_secs_f64() / self.wander.as_secs_f64();
        // A lognormal's mean is above its median.
        mean * (self.spread * chance.of(1).wander(x) - self.spread * self.spread / 2.0).exp()
    }

    pub(crate) fn delay_at(&self, chance: Chance, at: Micros) -> Micros {
        let step = (at.0 / STEP.0).max(0) as u64;
        let jitter = chance.of(2).exponential(step, self.jitter.as_secs_f64());
        let queue = self.neighbour.map_or(0.0, |n| n.delay_at(chance.of(3), at));
        Micros(self.round_trip.0 / 2 + ((jitter + queue) * 1e6) as i64)
    }

    /// The standstills of kind `what` that touch `from..to`, each with its end.
    pub fn stops(&self, chance: Chance, what: Stop, from: Micros, to: Micros) -> Vec<(Micros, Micros)> {
        let mut found = Vec::new();
        for (k, stops) in self.stops.iter().enumerate().filter(|(_, s)| s.what == what) {
            let chance = chance.of(16 + k as u64);
            let slot = |t: Micros| t.0.max(0) / stops.every.0;
            for n in (slot(from) - 1).max(0)..=slot(to) {
                let Some((begin, end)) = stops.nth(chance, n) else { continue };
                if begin < to && end > from {
                    found.push((begin, end));
                }
            }
        }
        found.sort();
        found
    }

    /// The instant from `at` on at which things move.
    pub(crate) fn moving(&self, chance: Chance, what: Stop, mut at: Micros) -> Micros {
        if self.stops.iter().all(|s| s.what != what) {
            return at;
        }
        while let Some((_, end)) =
            self.stops(chance, what, at, at + Micros(1)).into_iter().max_by_key(|s| s.1)
        {
            at = end;
        }
        at
    }
}

impl Stops {
    fn nth(&self, chance: Chance, n: i64) -> Option<(Micros, Micros)> {
        let draw = |i: u64| chance.unit(n as u64 * 4 + i);
        if draw(0) >= self.chance {
            return None;
        }
        let length = self.shortest + (self.longest - self.shortest).scale(draw(1));
        let (first, last) = self.within;
        let begin = Micros(n * self.every.0) + first + (last - first).scale(draw(2));
        Some((begin, begin + length))
    }
}

impl Neighbour {
    /// In seconds.
    fn delay_at(&self, chance: Chance, at: Micros) -> f64 {
        const CLIMB: f64 = 2.0;
        const DRAIN: f64 = 0.5;
        let n = at.0.max(0) / self.every.0;
        let begin = Micros(n * self.every.0)
            + (self.every - self.length - Micros::from_secs(1)).scale(chance.unit(n as u64));
        let into = (at - begin).as_secs_f64();
        let length = self.length.as_secs_f64();
        let full = self.fullest.as_secs_f64() * chance.between(n as u64 + (1 << 40), 0.6, 1.0);
        let sawtooth = |t: f64| {
            if t < CLIMB { t / CLIMB } else { 0.5 + 0.5 * ((t - CLIMB) / CLIMB).fract() }
        };
        match into {
            t if t < 0.0 => 0.0,
            t if t < length => full * sawtooth(t),
            t => (full * sawtooth(length) * (1.0 - (t - length) / DRAIN)).max(0.0),
        }
    }
}

/// One TCP connection over the link.
pub struct Link {
    model: LinkModel,
    chance: Chance,
    opened: Micros,
    sent: f64,
    /// The bottleneck is busy until then.
    free: Micros,
    last: Micros,
}

impl Link {
    /// Asked for at `now`: the request is at the server one and a half round trips later, if the link moves.
    pub fn open(model: LinkModel, chance: Chance, now: Micros) -> Self {
        let asked = model.moving(chance, Stop::Link, now);
        let opened = asked + model.round_trip.scale(1.5);
        Self { model, chance, opened, sent: 0.0, free: opened, last: opened }
    }

    /// When the server has the request.
    pub fn opened(&self) -> Micros {
        self.opened
    }

    /// The response headers' arrival.
    pub fn answered(&mut self) -> Micros {
        self.send(300, self.opened)
    }

    /// How long what is sent at `at` will wait before the bottleneck.
    pub fn backlog(&self, at: Micros) -> Micros {
        (self.free - at).max(Micros::ZERO)
    }

    pub fn patience(&self) -> Micros {
        self.model.patience
    }

    /// The arrival of `bytes` sent at `at`; never before what was sent before.
    pub fn send(&mut self, bytes: usize, at: Micros) -> Micros {
        let mut bits = bytes as f64 * 8.0;
        let mut t = self.free.max(at).max(self.window_opens());
        while bits > 0.0 {
            let moving = self.model.moving(self.chance, Stop::Link, t);
            if moving > t {
                t = moving;
                continue;
            }
            let rate = self.model.rate_at(self.chance, t);
            let step_end = Micros((t.0 / STEP.0 + 1) * STEP.0);
            let within = rate * (step_end - t).as_secs_f64();
            let possible = self.left(t, rate).map_or(within, |left| left.min(within));
            if bits <= possible {
                self.take(t, bits);
                t += Micros((bits / rate * 1e6).ceil() as i64);
                break;
            }
            self.take(t, possible);
            bits -= possible;
            t = step_end;
        }
        self.sent += bytes as f64;
        self.free = t;
        let arrived = self.model.moving(self.chance, Stop::Lost, t + self.model.delay_at(self.chance, t));
        self.last = self.last.max(arrived);
        self.last
    }

    /// What other connections have left of the step.
    fn left(&self, at: Micros, rate: f64) -> Option<f64> {
        let bottleneck = self.model.shared.as_ref()?;
        Some(bottleneck.left(at.0 / STEP.0, rate * STEP.as_secs_f64()))
    }

    fn take(&self, at: Micros, bits: f64) {
        if let Some(bottleneck) = &self.model.shared {
            bottleneck.take(at.0 / STEP.0, bits);
        }
    }

    /// Slow start: the window doubles each round trip, from ten segments.
    fn window_opens(&self) -> Micros {
        let rounds = (self.sent / INITIAL_WINDOW + 1.0).log2().floor();
        self.opened + self.model.round_trip.scale(rounds)
    }
}
