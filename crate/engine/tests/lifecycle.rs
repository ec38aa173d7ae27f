//! Pause, end, close, and one load after another.

use sailcast_engine::{Event, Input, IoEvent, Output, RequestId, State};
use sailcast_media::Micros;
use sailcast_sim::{Sim, feed, load};

#[test]
fn a_stream_that_ends_is_played_to_its_last_picture() {
    let length = feed::tags("counter-av.flv").last().expect("tags").timestamp;
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", length - 3_000, 50));
    sim.sound_on(48_000, 20);
    sim.run_ms(6_000);
    assert_eq!(sim.state(), State::Ended);
    assert_eq!(sim.count(|e| matches!(e, Event::Ended)), 1);
    assert_eq!(sim.errors().len(), 0);
    let last = sim.shown.last().expect("pictures").1;
    assert!(last.as_secs_f64() > f64::from(length) / 1000.0 - 0.06, "{last:?} of {length} ms");
    assert_eq!(sim.outstanding_frames(), 0);
    assert_eq!(sim.open_decoders(), 0);
}

#[test]
fn a_pause_holds_the_picture_and_play_goes_back_to_live() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 50));
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim.input(Input::Pause);
    let shown = sim.shown.len();
    sim.run_ms(4_000);
    assert_eq!(sim.shown.len(), shown);
    assert_eq!(sim.state(), State::Paused);
    sim.input(Input::Play);
    sim.run_ms(1_000);
    let step = sim.shown[shown].1 - sim.shown[shown - 1].1;
    assert!(step > Micros::from_secs(1), "no picture from before the skip: {step:?}");
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.stats().latency < Micros::from_millis(600), "{:?}", sim.stats().latency);
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn a_short_pause_goes_on_where_it_was() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 50));
    sim.run_ms(2_000);
    sim.input(Input::Pause);
    let last = sim.shown.last().expect("a picture").1;
    sim.run_ms(200);
    sim.input(Input::Play);
    sim.run_ms(100);
    let next = sim.shown.iter().find(|(_, pts)| *pts > last).expect("more pictures").1;
    assert!(next - last < Micros::from_millis(40));
}

#[test]
fn a_new_load_replaces_the_old_whole() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 50));
    sim.sound_on(48_000, 20);
    sim.run_ms(1_000);
    sim.serve(feed::live("counter-bframes.flv", 2_000, 50));
    sim.input(load("ws://live/other.flv"));
    assert_eq!(sim.cancelled, [RequestId(1)]);
    sim.run_ms(3_000);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.count(|e| matches!(e, Event::FirstFrame)), 2);
    assert!(sim.heard.iter().rev().take(20).any(|(_, m)| m.is_some()), "sound of the new load");
}

#[test]
fn loads_in_quick_succession_leave_only_the_last() {
    let mut sim = Sim::new(400, feed::live("counter-av.flv", 2_000, 50));
    sim.input(Input::Play);
    for _ in 0..5 {
        sim.input(load("http://live/stream.flv"));
        sim.run_ms(20);
    }
    sim.run_ms(2_000);
    assert_eq!(sim.cancelled.len(), 4);
    assert_eq!(sim.count(|e| matches!(e, Event::FirstFrame)), 1);
    assert_eq!(sim.open_decoders(), 1);
}

#[test]
fn after_close_nothing_comes_out_but_what_gives_back() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 50));
    sim.sound_on(48_000, 20);
    sim.run_ms(1_500);
    let events = sim.events.len();
    sim.input(Input::Close);
    for input in [Input::Play, load("http://x/y.flv"), Input::Timeout, Input::Close] {
        sim.player.handle(input, sim.now);
        assert_eq!(sim.player.poll_output(), Output::Wait(None));
    }
    sim.run_ms(2_000);
    assert_eq!(sim.events.len(), events);
    assert_eq!(sim.outstanding_frames(), 0);
    assert_eq!(sim.open_decoders(), 0);
}

#[test]
fn a_publisher_that_restarts_at_zero_plays_on() {
    let tags = feed::tags("counter-av.flv");
    let cut = tags.iter().position(|t| t.timestamp > 6_000).expect("a long fixture");
    let network = feed::live_tags(&tags[..cut], 3_000, 20).followed_by(feed::live_tags(&tags, 0, 0));
    let mut sim = Sim::playing(400, network);
    sim.sound_on(48_000, 20);
    sim.run_ms(10_000);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.count(|e| matches!(e, Event::Discontinuity(_))), 1);
    assert!(sim.stats().latency < Micros::from_millis(700), "{:?}", sim.stats().latency);
    assert!(sim.stats().stalls <= 1);
}

#[test]
fn the_rest_of_a_stream_that_ended_in_a_stall_is_played_whole() {
    let mut network = feed::live("counter-av.flv", 2_000, 50);
    network.deliveries.retain(|(at, _)| *at < Micros::from_secs(7));
    let mut sim = Sim::playing(400, network.outage(3_000, 4_000).then(IoEvent::End));
    sim.sound_on(48_000, 20);
    sim.run_ms(20_000);
    assert_eq!(sim.state(), State::Ended);
    assert_eq!(sim.stats().skips, 0, "there is no live edge to get back to");
}
