//! Messages of a recording: each with its picture, those of another place not at all, and again in the next turn.

use sailcast_engine::{DecoderChoice, Event, Input};
use sailcast_media::{MediaTime, Message, Micros};
use sailcast_sim::{
    Sim, choosing,
    files::FileServer,
    load,
    synth::{self, Synth},
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const AT: fn(i64) -> MediaTime = MediaTime::from_millis;

/// A message with each second's picture.
fn film(seconds: i64) -> FileServer {
    let at = (0..seconds * 1000).step_by(40);
    let packets = at.map(|ms| {
        let text = format!("{ms}");
        let messages: Vec<&[u8]> = if ms % 1000 == 0 { vec![text.as_bytes()] } else { Vec::new() };
        synth::picture(0, ms, ms % 2000 == 0, &messages)
    });
    let sound = synth::sound(0, 0, seconds * 1000, 1024.0 / 0.048, &[0x21; 100]);
    let synth = Synth::default().track(0, synth::avc(0, 640, 480)).packets(packets);
    FileServer::new(synth.track(0, synth::aac(0, 48_000, 2)).packets(sound).recording())
}

fn playing(server: FileServer) -> Sim {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), server);
    sim.input(load("http://vod/film.mp4"));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

fn cues(sim: &Sim) -> Vec<MediaTime> {
    let sei = |e: &Event| match e {
        Event::Cue(cue) if matches!(cue.message, Message::Sei { .. }) => Some(cue.time),
        _ => None,
    };
    sim.events.iter().filter_map(|(_, e)| sei(e)).collect()
}

#[test]
fn each_comes_with_its_picture() {
    let mut sim = playing(film(20));
    sim.run_ms(10_500);
    let cued = cues(&sim);
    assert_eq!(cued, (0..=10).map(|s| AT(s * 1000)).collect::<Vec<_>>());
    for (at, event) in &sim.events {
        let Event::Cue(cue) = event else { continue };
        let shown = sim.shown.iter().find(|(_, pts)| *pts == cue.time).expect("shown");
        assert_eq!(*at, shown.0);
    }
}

#[test]
fn after_a_seek_those_of_the_new_place_come_and_no_others() {
    let mut sim = playing(film(60));
    sim.run_ms(3_500);
    let mut expected: Vec<MediaTime> = (0..4).map(|s| AT(s * 1000)).collect();
    assert_eq!(cues(&sim), expected);
    for to in [10_500, 40_500, 5_500] {
        sim.input(Input::Seek { to: AT(to), exact: true });
        sim.run_ms(2_000);
        expected.extend([AT(to + 500), AT(to + 1_500)]);
        assert_eq!(cues(&sim), expected, "{to}");
        sim.run_ms(0);
    }
}

#[test]
fn each_turn_tells_them_at_the_page_s_times() {
    let mut sim = playing(film(3));
    sim.input(Input::Loop(true));
    sim.run_ms(8_600);
    let cued = cues(&sim);
    assert_eq!(cued.iter().map(|t| *t - MediaTime(0)).max(), Some(MS(2_000)), "{cued:?}");
    assert_eq!(cued.len(), 9, "{cued:?}");
}
