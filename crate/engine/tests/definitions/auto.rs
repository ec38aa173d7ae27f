//! The player's own choice.

use sailcast_engine::{Event, Input, LatencyTarget, Load};
use sailcast_media::Micros;
use sailcast_sim::{BEGIN, LinkModel, Sim, Stop, Stops, config};

use crate::world::*;

/// A viewer who leaves it to the player, on a link of these bit/s from these seconds on.
fn on(rates: &[(i64, f64)]) -> Sim {
    watching(Site::narrow(rates), config(LatencyTarget::AUTO), None)
}

fn ids(sim: &Sim) -> Vec<u32> {
    changes(sim).into_iter().map(|(_, id)| id).collect()
}

#[test]
fn a_fast_link_gets_the_best_within_seconds_and_keeps_it() {
    let mut sim = on(&[(0, 20e6)]);
    sim.run_ms(120_000);
    assert_eq!(ids(&sim), [MID, HIGH]);
    let (at, _) = changes(&sim)[1];
    assert!(at < S(12), "{at:?}");
    assert_eq!(sim.stats().stalls, 0);
    assert_eq!(missing(&sim, BEGIN + S(3)), 0);
}

#[test]
fn a_link_that_narrows_to_half_is_left_downwards_before_it_is_seen_for_long() {
    let mut sim = on(&[(0, 6e6), (30, 1.3e6)]);
    sim.run_ms(29_900);
    assert_eq!(sim.stats().rendition, Some(HIGH));
    let narrow = sim.now;
    sim.run_ms(15_000);
    let (at, id) = changes(&sim)[2];
    assert_eq!(id, MID);
    assert!(at < S(34), "{at:?}");
    let stats = sim.stats();
    assert!(stats.stalled < S(2), "{:?}", stats.stalled);
    missing(&sim, narrow);
    let from = sim.now;
    sim.run_ms(60_000);
    assert_eq!(sim.stats().stalls, stats.stalls, "the smaller one fits");
    assert!(longest_hold(&sim, from) < MS(300), "{:?}", longest_hold(&sim, from));
}

#[test]
fn it_comes_back_when_the_link_does() {
    let mut sim = on(&[(0, 6e6), (20, 0.8e6), (40, 6e6)]);
    sim.run_ms(39_000);
    assert_eq!(sim.stats().rendition, Some(LOW));
    sim.run_ms(61_000);
    assert_eq!(sim.stats().rendition, Some(HIGH), "{:?}", changes(&sim));
}

#[test]
fn on_a_steady_link_nothing_is_seen_to_change_to_and_fro() {
    for rate in [0.75e6, 1.5e6, 2.3e6, 4e6] {
        let mut sim = on(&[(0, rate)]);
        sim.run_ms(60_000);
        let settled = changes(&sim).len();
        let stalled = sim.stats().stalled;
        sim.run_ms(300_000);
        let after = &changes(&sim)[settled..];
        assert!(after.is_empty(), "{rate}: {:?}", changes(&sim));
        assert!(sim.stats().stalled - stalled < S(1), "{rate}: {:?}", sim.stats().stalled - stalled);
    }
}

#[test]
fn what_comes_in_fits_and_starts_is_no_weak_link() {
    let stops = Stops {
        every: S(10),
        chance: 1.0,
        shortest: MS(300),
        longest: MS(600),
        within: (Micros::ZERO, S(9)),
        what: Stop::Link,
    };
    let link = LinkModel { stops: vec![stops], ..LinkModel::default() };
    let mut sim = watching(Site::new(link, 60, |_, _| {}), config(LatencyTarget::AUTO), None);
    sim.run_ms(180_000);
    assert!(ids(&sim).windows(2).all(|pair| pair[1] > pair[0]), "{:?}", changes(&sim));
}

#[test]
fn no_more_is_chosen_than_the_box_shows() {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Site::narrow(&[(0, 20e6)]));
    sim.input(Input::Viewport { width: 640, height: 352 });
    sim.input(Input::Load(Load { definitions: definitions(), ..Default::default() }));
    sim.input(Input::Play);
    sim.run_ms(60_000);
    assert_eq!(ids(&sim), [LOW]);
    sim.input(Input::Viewport { width: 1920, height: 1080 });
    sim.run_ms(30_000);
    assert_eq!(sim.stats().rendition, Some(HIGH));
    sim.input(Input::Viewport { width: 1280, height: 720 });
    sim.run_ms(6_000);
    assert_eq!(sim.stats().rendition, Some(MID));
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn who_chooses_is_the_viewer_until_he_leaves_it_to_the_player_again() {
    let mut sim = on(&[(0, 20e6)]);
    sim.run_ms(15_000);
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(60_000);
    assert_eq!(sim.stats().rendition, Some(LOW));
    assert_eq!(sim.count(|e| matches!(e, Event::RenditionChange { id: LOW, auto: false })), 1);
    sim.input(Input::SelectRendition(None));
    sim.run_ms(60_000);
    assert_eq!(sim.stats().rendition, Some(HIGH));
}

#[test]
fn a_machine_that_is_too_slow_gets_a_smaller_picture_for_a_while() {
    let mut sim = on(&[(0, 20e6)]);
    sim.run_ms(15_000);
    assert_eq!(sim.stats().rendition, Some(HIGH));
    sim.video_decode_time = MS(45);
    sim.run_ms(20_000);
    assert_ne!(sim.stats().rendition, Some(HIGH));
    sim.video_decode_time = MS(5);
    let smaller = changes(&sim).len();
    sim.run_ms(25_000);
    assert!(changes(&sim)[smaller..].iter().all(|(_, id)| *id != HIGH), "{:?}", changes(&sim));
    sim.run_ms(90_000);
    assert_eq!(sim.stats().rendition, Some(HIGH), "{:?}", changes(&sim));
}

#[test]
fn the_next_load_begins_with_what_the_link_was_seen_to_carry() {
    for (rate, first) in [(0.75e6, LOW), (20e6, HIGH)] {
        let mut sim = on(&[(0, rate)]);
        sim.run_ms(30_000);
        let before = changes(&sim).len();
        sim.input(Input::Load(Load { definitions: definitions(), ..Load::default() }));
        sim.run_ms(1_000);
        assert_eq!(changes(&sim)[before].1, first, "{rate}");
    }
}
