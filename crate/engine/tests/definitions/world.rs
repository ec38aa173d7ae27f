//! A viewer of the site, and what he saw and heard.

use sailcast_engine::{Event, Input, Instant, LatencyTarget, Load, PlayerConfig};
use sailcast_media::Micros;
pub use sailcast_sim::site::{HIGH, LOW, MID, Site, definitions};
use sailcast_sim::{BEGIN, Server, Sim, config};

pub const MS: fn(i64) -> Micros = Micros::from_millis;
pub const S: fn(i64) -> Micros = Micros::from_secs;
/// A viewer with sound, who has chosen this definition or leaves it to the player.
pub fn watching(site: impl Server + 'static, config: PlayerConfig, rendition: Option<u32>) -> Sim {
    let mut sim = Sim::with(config, site);
    sim.sound_on(48_000, 20);
    sim.input(Input::Load(Load { definitions: definitions(), rendition, ..Load::default() }));
    sim.input(Input::Play);
    sim
}

/// The same at a fixed latency.
pub fn at(target_ms: i64) -> PlayerConfig {
    config(LatencyTarget::fixed(MS(target_ms)))
}

/// When the rendition changed, and to which.
pub fn changes(sim: &Sim) -> Vec<(Micros, u32)> {
    let change = |(at, event): &(Instant, Event)| match event {
        Event::RenditionChange { id, .. } => Some((*at - BEGIN, *id)),
        _ => None,
    };
    sim.events.iter().filter_map(change).collect()
}

/// The size of the picture, as last told.
pub fn size(sim: &Sim) -> Option<(u32, u32)> {
    let size = |(_, event): &(Instant, Event)| match event {
        Event::Resize { width, height, .. } => Some((*width, *height)),
        _ => None,
    };
    sim.events.iter().filter_map(size).last()
}

/// Longest time between two pictures after `from`.
pub fn longest_hold(sim: &Sim, from: Instant) -> Micros {
    let shown: Vec<Instant> = sim.shown.iter().map(|(at, _)| *at).filter(|at| *at >= from).collect();
    shown.windows(2).map(|w| w[1] - w[0]).max().expect("pictures")
}

/// Every picture after `from` is the one behind the last; how many are missing between them.
pub fn missing(sim: &Sim, from: Instant) -> u64 {
    let shown = sim.shown.iter().zip(&sim.shown_numbers).filter(|((at, _), _)| *at >= from);
    let numbers: Vec<u64> = shown.map(|(_, number)| number.expect("a numbered picture")).collect();
    for pair in numbers.windows(2) {
        assert!(pair[1] > pair[0], "picture {} after {}", pair[1], pair[0]);
    }
    numbers.windows(2).map(|pair| pair[1] - pair[0] - 1).sum()
}

/// The sound after `from` has no hole, and no step of more than so many ms.
pub fn assert_even_sound(sim: &Sim, from: Instant, most_ms: i64) {
    let heard: Vec<_> = sim.heard.iter().filter(|(at, _)| *at >= from && *at < sim.now).collect();
    for pair in heard.windows(2) {
        let ((t0, a), (t1, b)) = (pair[0], pair[1]);
        let (a, b) = (a.expect("sound"), b.expect("sound"));
        let step = (b - a) - (*t1 - *t0);
        assert!(step.abs() <= MS(most_ms), "a step of {step:?} at {t1:?}");
    }
    assert_eq!(sim.stats().sound.underruns, 0, "{:?}", sim.stats().sound);
}

/// The largest step between two samples that were recorded, in ms of the stream: sound of the sim rises with its time.
pub fn largest_step_ms(sim: &Sim) -> f64 {
    let steps = sim.recorded_sound().windows(2).map(|pair| f64::from((pair[1] - pair[0]).abs()));
    steps.fold(0.0, f64::max) * 64.0 * 1_000.0
}
