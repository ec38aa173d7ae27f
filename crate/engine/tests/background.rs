//! While nobody can see the page.

use sailcast_engine::{Background, Event, Input, LatencyTarget, Load, PlayerConfig, Reason, State};
use sailcast_media::Micros;
use sailcast_sim::{Sim, config, feed, load};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn playing(background: Background) -> Sim {
    let config = PlayerConfig { background, ..config(LatencyTarget::fixed(MS(400))) };
    let mut sim = Sim::with(
        config,
        vec![feed::live("counter-av.flv", 1_000, 20), feed::live("counter-av.flv", 9_000, 20)],
    );
    sim.input(load("http://live/s.flv"));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim
}

#[test]
fn the_sound_goes_on_and_no_picture_is_decoded() {
    let mut sim = playing(Background::Audio);
    sim.input(Input::Visible(false));
    sim.run_ms(200);
    let before = sim.stats();
    let heard = sim.heard.len();
    sim.run_ms(6_000);
    assert_eq!(sim.stats().frames_decoded, before.frames_decoded);
    assert_eq!(sim.stats().frames_dropped, before.frames_dropped, "what nobody sees is not lost");
    assert!(sim.heard[heard..].iter().all(|(_, media)| media.is_some()), "the sound has no gap");
    assert!(sim.stats().buffered_bytes < 2_000_000, "{}", sim.stats().buffered_bytes);
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn back_in_view_the_newest_picture_comes_at_once_and_none_of_those_missed() {
    let mut sim = playing(Background::Audio);
    sim.input(Input::Visible(false));
    sim.run_ms(7_300);
    let (shown, back) = (sim.shown.len(), sim.now);
    sim.input(Input::Visible(true));
    sim.run_ms(1_000);
    let (at, first) = sim.shown[shown];
    assert!(at - back <= MS(300), "{:?} after it came back", at - back);
    let playhead = sim.stats().position - (sim.now - at);
    assert!((playhead - first).abs() < MS(80), "the newest picture: {first:?} at {playhead:?}");
    let rushed = sim.shown[shown..].windows(2).filter(|pair| pair[1].0 - pair[0].0 < MS(25)).count();
    assert!(rushed <= 3, "{rushed} pictures in a rush");
    assert!(sim.stats().latency < MS(900), "{:?}", sim.stats().latency);
}

#[test]
fn a_glance_away_costs_no_keyframe() {
    let mut sim = playing(Background::Audio);
    sim.input(Input::Visible(false));
    sim.run_ms(300);
    let (shown, back) = (sim.shown.len(), sim.now);
    sim.input(Input::Visible(true));
    sim.run_ms(400);
    assert!(sim.shown[shown].0 - back < MS(150), "it waits for no keyframe");
}

#[test]
fn keep_goes_on_with_everything() {
    let mut sim = playing(Background::Keep);
    let shown = sim.shown.len();
    sim.input(Input::Visible(false));
    sim.run_ms(2_000);
    assert!(sim.shown.len() >= shown + 55);
}

#[test]
fn suspend_closes_the_connection_until_somebody_looks_again() {
    let mut sim = playing(Background::Suspend);
    sim.input(Input::Visible(false));
    sim.run_ms(6_000);
    assert_eq!(sim.cancelled.len(), 1);
    let back = sim.now;
    sim.input(Input::Visible(true));
    sim.run_ms(1_000);
    assert_eq!(sim.requests.len(), 2);
    assert_eq!(sim.state(), State::Playing);
    let first = sim.shown.iter().find(|(at, _)| *at > back).expect("a picture").0;
    assert!(first - back < MS(300), "{:?}", first - back);
}

#[test]
fn a_load_out_of_sight_asks_for_nothing_until_somebody_looks() {
    for resolve in [false, true] {
        let config =
            PlayerConfig { background: Background::Suspend, ..config(LatencyTarget::fixed(MS(400))) };
        let mut sim = Sim::with(config, feed::live("counter-av.flv", 1_000, 20));
        sim.input(Input::Visible(false));
        sim.input(Input::Load(Load { lines: vec!["http://live/s.flv".into()], resolve, ..Load::default() }));
        sim.input(Input::Play);
        sim.sound_on(48_000, 20);
        sim.run_ms(60_000);
        assert_eq!((sim.requests.len(), sim.resolved.len()), (0, 0));
        let back = sim.now;
        sim.input(Input::Visible(true));
        sim.run_ms(1_000);
        assert_eq!(sim.state(), State::Playing);
        assert_eq!(sim.requests.len(), 1);
        assert!(sim.shown[0].0 - back < MS(300), "{:?}", sim.shown[0].0 - back);
        let again = |e: &Event| matches!(e, Event::Reconnecting { .. } | Event::Reconnected { .. });
        assert_eq!(sim.count(again), 0, "it is the first connection");
        assert_eq!(sim.stats().reconnects, 0);
        // A signature may not last for so long.
        let asked: Vec<_> = sim.resolved.iter().map(|r| (r.attempt, r.reason)).collect();
        assert_eq!(asked, if resolve { vec![(0, Reason::Wake)] } else { vec![] });
    }
}

#[test]
fn a_page_opened_out_of_sight_plays_its_sound_and_shows_its_picture_when_looked_at() {
    let config = PlayerConfig { background: Background::Audio, ..config(LatencyTarget::AUTO) };
    let mut sim = Sim::with(config, feed::live("counter-av.flv", 1_000, 20));
    sim.input(Input::Visible(false));
    sim.input(load("http://live/s.flv"));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(4_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.heard.iter().rev().take(20).all(|(_, media)| media.is_some()));
    assert_eq!(sim.count(|e| matches!(e, Event::FirstFrame)), 0);
    sim.input(Input::Visible(true));
    sim.run_ms(300);
    assert_eq!(sim.count(|e| matches!(e, Event::FirstFrame)), 1);
}
