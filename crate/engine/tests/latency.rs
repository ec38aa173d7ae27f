//! Holding the target, and getting back to it.

use sailcast_engine::{Event, Input, LatencyTarget, State};
use sailcast_media::Micros;
use sailcast_sim::{
    Sim, config, feed, load,
    origin::{BASE, Origin, Packager},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

#[test]
fn steady_playback_neither_skips_nor_drops_nor_stalls() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 3_000, 50).jitter(60));
    sim.sound_on(48_000, 20);
    sim.run_ms(1_000);
    let before = sim.stats();
    sim.run_ms(11_000);
    let after = sim.stats();
    assert_eq!(after.skips, 0);
    assert_eq!(after.stalls, 0);
    assert!(after.frames_dropped - before.frames_dropped <= 1);
    assert!((after.latency - MS(400)).abs() < MS(120), "{:?}", after.latency);
}

#[test]
fn after_a_short_outage_the_rate_brings_it_back() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 1_000, 50).outage(2_000, 800));
    sim.sound_on(48_000, 20);
    sim.run_ms(3_500);
    assert_eq!(sim.stats().stalls, 1);
    assert!(sim.stats().latency > MS(550), "{:?}", sim.stats().latency);
    sim.run_ms(12_000);
    assert_eq!(sim.stats().skips, 0);
    assert!(sim.stats().latency < MS(500), "{:?}", sim.stats().latency);
    assert_eq!(sim.stats().rate, 1.0);
}

#[test]
fn after_a_long_outage_it_skips_to_the_target_at_once() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 1_000, 50).outage(3_000, 4_000));
    sim.sound_on(48_000, 20);
    sim.run_ms(6_000);
    assert_eq!(sim.state(), State::Waiting);
    sim.run_ms(2_500);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.count(|e| matches!(e, Event::Skip { .. })), 1);
    assert!(sim.stats().latency < MS(550), "{:?}", sim.stats().latency);
}

#[test]
fn a_stall_is_announced_and_ends_by_itself() {
    let mut sim = Sim::playing(300, feed::live("counter-av.flv", 1_000, 50).outage(2_000, 1_000));
    sim.run_ms(6_000);
    assert_eq!(sim.count(|e| matches!(e, Event::Waiting)), 1);
    assert_eq!(sim.count(|e| matches!(e, Event::Playing)), 2);
    let stalled = sim.stats().stalled;
    assert!(stalled > MS(400) && stalled < MS(1_000), "{stalled:?}");
}

#[test]
fn a_slow_decoder_shows_the_newest_picture_it_has() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 1_000, 50));
    sim.video_decode_time = MS(45);
    sim.sound_on(48_000, 20);
    sim.run_ms(10_000);
    assert_eq!(sim.errors().len(), 0);
    assert!(sim.shown.len() > 100, "{}", sim.shown.len());
    assert!(sim.max_outstanding <= 16, "{}", sim.max_outstanding);
    let behind = sim.stats().position - sim.shown.last().expect("pictures").1;
    assert!(behind < MS(2_300), "one GOP and a little at worst: {behind:?}");
    assert!(sim.stats().frames_dropped > 0, "what a slow decoder misses is lost, and counted");
}

#[test]
fn of_hls_that_began_too_far_behind_with_little_at_hand_the_rate_brings_it_back() {
    // What came to begin with lasts for no more than the next segment takes to come.
    let mut origin = Origin::new(Packager::live()).bandwidth(2.5e6);
    origin.rtt = MS(500);
    let mut sim = Sim::with(config(LatencyTarget::AUTO), origin);
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(3_000);
    let far = sim.stats().latency - sim.stats().target_latency;
    assert!(far > MS(500), "{far:?} too far behind to begin with");
    sim.run_ms(40_000);
    let far = sim.stats().latency - sim.stats().target_latency;
    assert!(far < MS(400), "{far:?} too far behind");
    assert_eq!((sim.stats().stalls, sim.stats().skips), (0, 0));
}
