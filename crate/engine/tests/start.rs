//! From `load` to moving picture and sound.

use sailcast_engine::{Event, Input, State};
use sailcast_media::Micros;
use sailcast_sim::{Sim, feed, load};

#[test]
fn the_first_keyframe_is_shown_as_soon_as_it_is_decoded() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 5_500, 50));
    sim.run_ms(200);
    let (at, _) = sim.shown[0];
    assert!((at - sim.events[0].0) <= Micros::from_millis(60), "request at 0, bytes at 50 ms, decode 4 ms");
    assert_eq!(sim.count(|e| matches!(e, Event::FirstFrame)), 1);
}

#[test]
fn playback_is_at_target_latency_right_after_the_burst() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 5_500, 50));
    sim.run_ms(700);
    assert_eq!(sim.state(), State::Playing);
    let latency = sim.stats().latency;
    assert!((latency - Micros::from_millis(400)).abs() < Micros::from_millis(80), "{latency:?}");
    let stats = sim.stats();
    assert_eq!(stats.frames_dropped, 0, "what the start leaves out is not lost");
    assert!(stats.frames_skipped > 0);
}

#[test]
fn sound_is_heard_within_a_quarter_second_of_the_first_picture() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 5_500, 50));
    sim.sound_on(48_000, 20);
    sim.run_ms(1_000);
    let picture = sim.shown[0].0;
    let sound = sim.heard.iter().find(|(_, m)| m.is_some()).expect("sound").0;
    assert!(sound - picture < Micros::from_millis(250), "{:?}", sound - picture);
}

#[test]
fn without_a_cached_gop_it_starts_with_a_short_buffer_and_grows_to_the_target() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 0, 50));
    sim.run_ms(500);
    assert_eq!(sim.state(), State::Playing);
    sim.run_ms(12_000);
    assert_eq!(sim.stats().stalls, 0);
    assert!(sim.stats().latency > Micros::from_millis(250), "{:?}", sim.stats().latency);
}

#[test]
fn a_load_without_play_shows_the_first_picture_and_stays_paused() {
    let mut sim = Sim::new(400, feed::live("counter-av.flv", 5_500, 50));
    sim.input(load("http://live/stream.flv"));
    sim.run_ms(3_000);
    assert_eq!(sim.shown.len(), 1);
    assert_eq!(sim.state(), State::Paused);
    sim.input(Input::Play);
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.stats().latency < Micros::from_millis(550));
}

#[test]
fn sound_alone_plays() {
    let mut sim = Sim::playing(400, feed::live("audio-only.flv", 3_000, 50));
    sim.sound_on(44_100, 20);
    sim.run_ms(2_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.heard.iter().filter(|(_, m)| m.is_some()).count() > 80);
}

#[test]
fn picture_alone_plays() {
    let mut sim = Sim::playing(400, feed::live("video-only.flv", 3_000, 50));
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.shown.len() > 45, "{}", sim.shown.len());
}

#[test]
fn b_frames_are_shown_in_order_and_none_is_missing() {
    let mut sim = Sim::playing(400, feed::live("counter-bframes.flv", 3_000, 50));
    sim.sound_on(48_000, 20);
    sim.run_ms(3_500);
    let steady: Vec<_> =
        sim.shown.iter().filter(|(at, _)| *at > sim.events[0].0 + Micros::from_secs(1)).collect();
    for pair in steady.windows(2) {
        let step = pair[1].1 - pair[0].1;
        assert!(step < Micros::from_millis(36), "a picture is missing: {step:?}");
    }
}
