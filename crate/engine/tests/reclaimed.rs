//! Decoders that the browser takes away, as it does with those it takes for idle: the next keyframe gets another one.

use sailcast_engine::{Event, Input, State};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::{Sim, feed};

const MS: fn(i64) -> Micros = Micros::from_millis;
/// Between the fixture's keyframes.
const GOP_MS: i64 = 2_000;

fn playing() -> Sim {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 1_000, 20));
    sim.sound_on(48_000, 20);
    sim.run_ms(2_300);
    sim
}

/// As if nothing had happened: no error, no stall, no other connection.
fn goes_on(sim: &Sim) {
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
    assert_eq!(
        sim.count(|e| matches!(e, Event::Waiting | Event::Reconnecting { .. } | Event::Skip { .. })),
        0
    );
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.stats().latency < MS(500), "{:?}", sim.stats().latency);
}

#[test]
fn the_picture_is_back_at_the_next_keyframe_and_the_sound_goes_on() {
    let mut sim = playing();
    let (heard, decoders) = (sim.heard.len(), sim.decoders_made());
    let lost = sim.now;
    sim.reclaim_decoder(MediaKind::Video);
    sim.run_ms(4_000);
    assert_eq!(sim.decoders_made(), decoders + 1);
    let longest = sim.shown.windows(2).map(|w| w[1].0 - w[0].0).max().expect("pictures");
    assert!(longest < MS(GOP_MS + 100), "the picture stood for {longest:?}");
    let after = sim.shown.iter().filter(|(at, _)| *at > lost).count();
    assert!(after > 60, "{after} pictures in 4 s");
    assert!(sim.heard[heard..].iter().all(|(_, media)| media.is_some()), "the sound has no gap");
    goes_on(&sim);
}

#[test]
fn the_sound_is_back_at_once_and_the_picture_goes_on() {
    let mut sim = playing();
    let (heard, shown) = (sim.heard.len(), sim.shown.len());
    sim.reclaim_decoder(MediaKind::Audio);
    sim.run_ms(4_000);
    let silent = sim.heard[heard..].iter().filter(|(_, media)| media.is_none()).count();
    assert!(silent <= 10, "{silent} quanta of silence");
    assert!(sim.shown.len() > shown + 110);
    goes_on(&sim);
}

#[test]
fn taken_away_again_and_again_it_comes_back_each_time() {
    let mut sim = playing();
    for _ in 0..5 {
        sim.reclaim_decoder(MediaKind::Video);
        sim.run_ms(2_200);
        assert!(sim.now - sim.shown.last().expect("pictures").0 < MS(100), "the picture moves");
    }
    goes_on(&sim);
}

#[test]
fn taken_away_while_paused_it_is_back_after_the_pause() {
    let mut sim = playing();
    sim.input(Input::Pause);
    sim.run_ms(3_000);
    sim.reclaim_decoder(MediaKind::Video);
    sim.run_ms(3_000);
    sim.input(Input::Play);
    sim.run_ms(GOP_MS + 200);
    assert!(sim.now - sim.shown.last().expect("pictures").0 < MS(100), "the picture moves");
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
    assert_eq!(sim.state(), State::Playing);
}
