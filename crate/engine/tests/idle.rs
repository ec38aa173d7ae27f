//! Silence and then a burst: nothing that was well is declared broken, nothing is lost that came.

use sailcast_engine::{DecoderChoice, ErrorCode, Event, Input, IoEvent, State};
use sailcast_media::Micros;
use sailcast_sim::{Sim, choosing, feed};

#[test]
fn a_reordering_decoder_bears_an_outage() {
    let mut sim = Sim::playing(400, feed::live("counter-bframes.flv", 500, 20).outage(1_500, 4_000));
    sim.sound_on(48_000, 20);
    sim.run_ms(7_000);
    assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn a_reordering_decoder_bears_a_long_pause() {
    let mut sim = Sim::playing(400, feed::live("counter-bframes.flv", 500, 20));
    sim.run_ms(1_000);
    sim.input(Input::Pause);
    sim.run_ms(5_000);
    sim.video_decode_time = Micros::from_millis(20);
    sim.input(Input::Play);
    sim.run_ms(300);
    assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
    let last = sim.shown.last().expect("pictures").0;
    assert!(sim.now - last < Micros::from_millis(120), "the picture moves");
}

#[test]
fn a_silent_end_loses_nothing() {
    let mut network = feed::live("counter-bframes.flv", 500, 20);
    network.deliveries.truncate(60);
    let at = network.deliveries.last().expect("deliveries").0 + Micros::from_secs(4);
    network.deliveries.push((at, IoEvent::End));
    let mut sim = Sim::playing(400, network);
    sim.run_ms(9_000);
    assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
    assert_eq!(sim.state(), State::Ended);
    assert_eq!(sim.stats().frames_dropped, 0);
}

#[test]
fn a_decoder_that_takes_everything_and_gives_nothing_is_found() {
    let choice = choosing(DecoderChoice::WebCodecs, 400);
    let mut sim = Sim::playing_with(choice, feed::live("video-only.flv", 500, 20));
    sim.video_swallowed = true;
    sim.run_ms(6_000);
    assert_eq!(sim.errors().last().map(|e| (e.code, e.fatal)), Some((ErrorCode::VideoDecoderFailed, true)));
}

#[test]
fn a_sleeping_machine_does_not_cost_the_stream() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 500, 20));
    sim.run_ms(2_000);
    // The lid is closed: the first thing afterwards is the old timer, then what waited in the socket.
    sim.sleep(Micros::from_secs(600));
    sim.run_ms(15_000);
    assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
    assert_eq!(sim.state(), State::Ended, "what waited is played to its end");
}

#[test]
fn after_a_long_stall_nothing_old_is_played_before_the_skip() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 1_000, 50).outage(3_000, 4_000));
    sim.sound_on(48_000, 20);
    sim.run_ms(9_000);
    let playing =
        sim.events.iter().filter(|(_, e)| matches!(e, Event::Playing)).nth(1).expect("a resumption").0;
    let skip = sim.first(|e| matches!(e, Event::Skip { .. })).expect("a skip");
    assert!(skip - playing < Micros::from_millis(20), "{:?} of stale playback", skip - playing);
}

#[test]
fn a_pause_in_a_stall_is_no_stall() {
    let mut sim = Sim::playing(300, feed::live("counter-av.flv", 1_000, 50).outage(2_000, 6_000));
    sim.run_ms(3_500);
    assert_eq!(sim.state(), State::Waiting);
    let before = sim.stats().stalled;
    sim.input(Input::Pause);
    sim.run_ms(3_000);
    assert_eq!(sim.stats().stalled, before);
}
