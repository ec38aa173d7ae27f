//! `auto` latency: as low as the network allows, and no lower.

use sailcast_engine::{Event, LatencyTarget};
use sailcast_media::Micros;
use sailcast_sim::{Sim, config, feed, feed::Network, load};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn auto(network: Network) -> Sim {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), network);
    sim.input(load("http://live/s.flv"));
    sim.input(sailcast_engine::Input::Play);
    sim.sound_on(48_000, 10);
    sim
}

#[test]
fn on_a_clean_link_it_is_near_the_floor() {
    let mut sim = auto(feed::live("counter-av.flv", 1_000, 20));
    sim.run_ms(5_000);
    assert!(sim.stats().latency <= MS(150), "{:?}", sim.stats().latency);
    sim.run_ms(5_000);
    assert!(sim.stats().latency <= MS(110), "{:?}", sim.stats().latency);
    assert_eq!(sim.stats().stalls, 0);
    assert_eq!(sim.stats().rate, 1.0);
}

#[test]
fn without_sound_it_is_nearer_still() {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), feed::live("video-only.flv", 1_000, 20));
    sim.input(load("http://live/s.flv"));
    sim.input(sailcast_engine::Input::Play);
    sim.run_ms(6_500);
    assert!(sim.stats().latency <= MS(110), "{:?}", sim.stats().latency);
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn jitter_raises_it_so_far_that_nothing_stalls() {
    let mut sim = auto(feed::live("counter-av.flv", 1_000, 20).jitter(200));
    sim.run_ms(4_000);
    let learnt = sim.stats();
    sim.run_ms(9_000);
    assert_eq!(sim.stats().stalls - learnt.stalls, 0);
    let target = sim.stats().target_latency;
    assert!(target > MS(180) && target < MS(450), "{target:?}");
    assert!(sim.count(|e| matches!(e, Event::TargetChange { .. })) >= 1);
}

#[test]
fn an_interruption_is_learnt_by_the_first_stall_and_covered_from_then_on() {
    let network = feed::live("counter-av.flv", 1_000, 20);
    let network = network.outage(4_000, 500).outage(9_000, 500).outage(12_000, 500);
    let mut sim = auto(network);
    sim.run_ms(7_000);
    assert_eq!(sim.stats().stalls, 1);
    sim.run_ms(7_000);
    assert_eq!(sim.stats().stalls, 1, "the second and third are covered");
    assert!(sim.stats().latency < MS(800), "{:?}", sim.stats().latency);
}

#[test]
fn a_fixed_latency_is_kept_whatever_the_network_does() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 1_000, 20).jitter(150));
    sim.sound_on(48_000, 10);
    sim.run_ms(8_000);
    assert_eq!(sim.stats().target_latency, MS(400));
    assert_eq!(sim.count(|e| matches!(e, Event::TargetChange { .. })), 0);
}

#[test]
fn bounds_are_kept() {
    let bounds = LatencyTarget { start: MS(300), min: MS(250), max: MS(350) };
    let mut sim = Sim::with(config(bounds), feed::live("counter-av.flv", 1_000, 20));
    sim.input(load("http://live/s.flv"));
    sim.input(sailcast_engine::Input::Play);
    sim.run_ms(6_000);
    assert_eq!(sim.stats().target_latency, MS(250));
    let mut sim = Sim::with(config(bounds), feed::live("counter-av.flv", 1_000, 20).outage(4_000, 700));
    sim.input(load("http://live/s.flv"));
    sim.input(sailcast_engine::Input::Play);
    sim.run_ms(8_000);
    assert_eq!(sim.stats().target_latency, MS(350));
}
