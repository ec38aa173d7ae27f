//! Several tracks of a kind: one of them is played, another one on request, and one in place of what stops or fails.

use sailcast_engine::{DecoderPath, Event, Input, Instant, State};
use sailcast_media::{MediaKind, Micros, TrackId};
use sailcast_sim::{
    Sim, Trouble,
    synth::{self, Synth},
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const AAC: f64 = 1024.0 / 0.048;

/// Two pictures of different sizes and two sounds, the second of each kind only up to `second_until`.
fn stream(second_until: i64) -> Synth {
    Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .track(0, synth::avc(1, 1280, 720))
        .track(0, synth::aac(0, 48_000, 2))
        .track(0, synth::aac(1, 44_100, 2))
        .packets(synth::pictures(0, 0, 20_000, 25))
        .packets(synth::pictures(1, 0, second_until, 25))
        .packets(synth::sound(0, 0, 20_000, AAC, &[0x21; 100]))
        .packets(synth::sound(1, 0, second_until, 1024.0 / 0.0441, &[0x21; 100]))
}

fn playing(synth: Synth) -> Sim {
    let mut sim = Sim::playing(300, synth.live(500));
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim
}

fn selected(sim: &Sim) -> Vec<TrackId> {
    let id = |(_, e): &(Instant, Event)| match e {
        Event::TrackSelected(track) => Some(track.id),
        _ => None,
    };
    sim.events.iter().filter_map(id).collect()
}

fn sizes(sim: &Sim) -> Vec<u32> {
    let width = |(_, e): &(Instant, Event)| match e {
        Event::Resize { width, .. } => Some(*width),
        _ => None,
    };
    sim.events.iter().filter_map(width).collect()
}

fn longest_hold(sim: &Sim, from: Instant) -> Micros {
    let shown: Vec<Instant> = sim.shown.iter().map(|(at, _)| *at).filter(|at| *at >= from).collect();
    shown.windows(2).map(|w| w[1] - w[0]).max().expect("pictures")
}

fn silent(sim: &Sim, from: Instant) -> usize {
    sim.heard.iter().filter(|(at, media)| *at > from && *at < sim.now && media.is_none()).count()
}

#[test]
fn all_are_announced_and_the_first_of_each_kind_is_played() {
    let sim = playing(stream(20_000));
    assert_eq!(sim.count(|e| matches!(e, Event::Track(_))), 4);
    assert_eq!(selected(&sim), [TrackId::video(0), TrackId::audio(0)]);
    assert_eq!(sizes(&sim), [640]);
    assert_eq!(sim.decoders_made(), 2);
    assert_eq!(sim.stats().video_packets, 63, "of the other one, none is kept");
}

#[test]
fn another_one_is_played_from_its_next_keyframe_on_and_the_picture_never_stands() {
    let mut sim = playing(stream(20_000));
    let from = sim.now;
    sim.input(Input::SelectTrack(TrackId::video(1)));
    sim.run_ms(2_000);
    assert_eq!(sizes(&sim), [640, 1280]);
    assert_eq!(selected(&sim).last(), Some(&TrackId::video(1)));
    assert!(longest_hold(&sim, from) < MS(100), "{:?}", longest_hold(&sim, from));
    assert_eq!(silent(&sim, from), 0);
    sim.input(Input::SelectTrack(TrackId::video(0)));
    sim.run_ms(2_000);
    assert_eq!(sizes(&sim), [640, 1280, 640]);
    assert!(longest_hold(&sim, from) < MS(100), "{:?}", longest_hold(&sim, from));
    assert_eq!((sim.stats().stalls, sim.stats().skips), (0, 0));
}

#[test]
fn from_one_sound_to_the_other_there_is_no_click_and_no_gap() {
    let mut sim = playing(stream(20_000));
    let from = sim.now;
    sim.record_sound();
    sim.input(Input::SelectTrack(TrackId::audio(1)));
    sim.run_ms(2_000);
    assert_eq!(selected(&sim).last(), Some(&TrackId::audio(1)));
    assert_eq!(silent(&sim, from), 0);
    let steepest = sim.recorded_sound().windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.002, "{steepest}");
    let offsets = sim.av_offsets_ms(from);
    assert!(offsets.iter().all(|o| o.abs() < 40.0), "{offsets:?}");
    assert!(longest_hold(&sim, from) < MS(100));
}

#[test]
fn one_that_is_not_there_yet_is_played_when_it_comes() {
    let late = stream(0).track(5_000, synth::avc(3, 320, 240)).packets(synth::pictures(3, 5_000, 20_000, 25));
    let mut sim = playing(late);
    sim.input(Input::SelectTrack(TrackId::video(3)));
    sim.run_ms(2_000);
    assert_eq!(sizes(&sim), [640]);
    sim.run_ms(3_000);
    assert_eq!(sizes(&sim), [640, 320]);
}

#[test]
fn one_that_stops_coming_gives_way_to_the_default() {
    let mut sim = playing(stream(5_000));
    sim.input(Input::SelectTrack(TrackId::video(1)));
    sim.input(Input::SelectTrack(TrackId::audio(1)));
    sim.run_ms(2_000);
    assert_eq!(selected(&sim)[2..], [TrackId::audio(1), TrackId::video(1)]);
    sim.run_ms(9_000);
    let back = &selected(&sim)[4..];
    assert!(back.contains(&TrackId::video(0)) && back.contains(&TrackId::audio(0)), "{back:?}");
    assert_eq!(back.len(), 2);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.now - sim.shown.last().expect("pictures").0 < MS(100));
    assert!(sim.heard.iter().rev().take(50).all(|(_, media)| media.is_some()));
    assert!(sim.stats().latency < MS(500), "{:?}", sim.stats().latency);
}

#[test]
fn one_that_no_decoder_takes_gives_way_to_the_next() {
    let mut sim = Sim::playing(300, stream(20_000).live(500));
    sim.sound_on(48_000, 20);
    sim.decoders_are.trouble = Box::new(|asked| {
        let is_first = matches!(asked.config.params, sailcast_media::CodecParams::Video(v) if v.width == 640);
        match asked.kind == MediaKind::Video && is_first {
            true => Trouble::Fail("NotSupportedError"),
            false => Trouble::None,
        }
    });
    sim.run_ms(5_000);
    assert_eq!(sizes(&sim), [1280]);
    assert_eq!(sim.errors().iter().filter(|e| e.fatal).count(), 0, "{:?}", sim.errors());
    assert_eq!(sim.errors().len(), 1, "{:?}", sim.errors());
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.stats().video_decoder, Some(DecoderPath::WebCodecs), "the ladder begins anew");
}

#[test]
fn a_choice_is_forgotten_with_the_load() {
    let mut sim = playing(stream(20_000));
    sim.input(Input::SelectTrack(TrackId::video(1)));
    sim.run_ms(1_500);
    sim.input(sailcast_sim::load("http://live/again.flv"));
    sim.run_ms(1_500);
    assert_eq!(selected(&sim).iter().rev().take(2).max(), Some(&TrackId::audio(0)));
    assert_eq!(sizes(&sim).last(), Some(&640));
}
