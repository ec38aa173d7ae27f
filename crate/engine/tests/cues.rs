//! Messages of the stream: told when they arrive, and again with the picture they belong to, in order, once, never early.

use sailcast_engine::{Background, Event, Input, Instant, IoError, IoEvent};
use sailcast_media::{MediaTime, Message, Metadata, Micros, Value};
use sailcast_sim::{
    Sim, choosing,
    feed::Network,
    synth::{self, Synth},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

/// The picture's time in ms, and a number.
fn payload(ms: i64, number: u8) -> Vec<u8> {
    format!("{ms}:{number}").into_bytes()
}

fn script(ms: i64) -> Metadata {
    let message = Message::Script { name: "onCuePoint".into(), values: vec![Value::Number(ms as f64)] };
    Metadata { time: MediaTime::from_millis(ms), track: None, message }
}

/// Two messages in each picture.
fn pictures(to_ms: i64) -> Synth {
    let at = (0..to_ms).step_by(40).enumerate();
    let packets = at.map(|(i, ms)| synth::picture(0, ms, i % 25 == 0, &[&payload(ms, 1), &payload(ms, 2)]));
    Synth::default().track(0, synth::avc(0, 640, 480)).packets(packets)
}

fn with_sound(synth: Synth, to_ms: i64) -> Synth {
    synth.track(0, synth::aac(0, 48_000, 2)).packets(synth::sound(0, 0, to_ms, 1024.0 / 0.048, &[0x21; 100]))
}

fn playing(network: Network) -> Sim {
    let mut sim = Sim::playing(400, network);
    sim.sound_on(48_000, 20);
    sim
}

/// When each cue was told, and its text.
fn cues(sim: &Sim) -> Vec<(Instant, MediaTime, String)> {
    let text = |message: &Message| match message {
        Message::Sei { payload, .. } => {
            let text = payload.get(16..).unwrap_or_default();
            String::from_utf8_lossy(text.strip_suffix(&[0x80]).unwrap_or(text)).into_owned()
        }
        Message::Script { values, .. } => format!("{values:?}"),
        _ => unreachable!("FLV has no other"),
    };
    let cue = |(at, e): &(Instant, Event)| match e {
        Event::Cue(m) => Some((*at, m.time, text(&m.message))),
        _ => None,
    };
    sim.events.iter().filter_map(cue).collect()
}

fn shown_at(sim: &Sim, pts: MediaTime) -> Option<Instant> {
    sim.shown.iter().find(|(_, shown)| *shown == pts).map(|(at, _)| *at)
}

/// Each picture's messages, both, in order.
fn assert_all_in_order(cues: &[(Instant, MediaTime, String)], to_ms: i64) {
    let texts: Vec<&str> = cues.iter().map(|(_, _, text)| text.as_str()).collect();
    let expected: Vec<String> =
        (0..to_ms).step_by(40).flat_map(|ms| [1, 2].map(|n| format!("{ms}:{n}"))).collect();
    assert_eq!(texts, expected);
}

#[test]
fn each_comes_with_its_picture_and_all_of_them_come() {
    let mut sim = playing(with_sound(pictures(6_000), 6_000).live(500));
    sim.run_ms(8_000);
    let cues = cues(&sim);
    assert_all_in_order(&cues, 6_000);
    let mut together = 0;
    for (at, time, text) in &cues {
        if let Some(shown) = shown_at(&sim, *time) {
            assert_eq!(*at, shown, "{text}");
            together += 1;
        }
    }
    assert!(together > 260, "{together}");
    assert_eq!(sim.count(|e| matches!(e, Event::Metadata(_))), cues.len(), "and on arrival");
    let arrived = sim.first(|e| matches!(e, Event::Metadata(m) if m.time == MediaTime::from_millis(4_000)));
    let cued = cues.iter().find(|(_, time, _)| *time == MediaTime::from_millis(4_000)).expect("a cue").0;
    let ahead = cued - arrived.expect("on arrival");
    assert!((ahead - MS(400)).abs() < MS(60), "{ahead:?} ahead of its picture");
}

#[test]
fn a_script_message_comes_with_the_first_picture_at_or_after_it() {
    let synth = [1_000, 1_010, 3_333].into_iter().fold(pictures(6_000), |s, ms| s.message(script(ms)));
    let mut sim = playing(with_sound(synth, 6_000).live(500));
    sim.run_ms(5_000);
    let scripts: Vec<_> = cues(&sim).into_iter().filter(|(_, _, text)| text.contains("Number")).collect();
    let expected = [1_000, 1_040, 3_360].map(|ms| shown_at(&sim, MediaTime::from_millis(ms)).expect("shown"));
    assert_eq!(scripts.iter().map(|(at, _, _)| *at).collect::<Vec<_>>(), expected);
}

#[test]
fn without_pictures_it_comes_when_its_sound_is_heard() {
    let synth = [2_000, 3_500].into_iter().fold(Synth::default(), |s, ms| s.message(script(ms)));
    let mut sim = playing(with_sound(synth, 6_000).live(500));
    sim.run_ms(5_000);
    let cues = cues(&sim);
    assert_eq!(cues.len(), 2, "{cues:?}");
    for (at, time, _) in cues {
        let heard = sim.heard.iter().rev().find_map(|(t, media)| media.filter(|_| *t <= at)).expect("sound");
        let late = heard - time;
        assert!((MS(-15)..MS(60)).contains(&late), "{late:?}");
    }
}

#[test]
fn without_pictures_and_without_an_output_the_playhead_tells_the_time() {
    let synth = Synth::default().message(script(2_000));
    let mut sim = Sim::playing(400, with_sound(synth, 6_000).live(500));
    sim.run_ms(4_000);
    let at = cues(&sim).first().expect("a cue").0;
    assert!(((at - Instant(1_000_000)) - MS(1_920)).abs() < MS(120), "{at:?}");
}

#[test]
fn those_of_pictures_that_were_skipped_come_with_the_next_one() {
    // Two seconds of nothing, and then all at once: playback skips.
    let mut sim = playing(with_sound(pictures(10_000), 10_000).live(500).outage(2_000, 2_500));
    sim.run_ms(12_000);
    assert!(sim.stats().frames_skipped > 20, "{:?}", sim.stats());
    assert_all_in_order(&cues(&sim), 10_000);
    for (at, time, text) in cues(&sim) {
        let shown = sim.shown.iter().find(|(_, pts)| *pts >= time).expect("a picture").0;
        assert_eq!(at, shown, "{text}");
    }
}

#[test]
fn those_of_a_hidden_page_come_in_time_and_those_of_a_pause_after_it() {
    let config = sailcast_engine::PlayerConfig {
        background: Background::Audio,
        ..choosing(sailcast_engine::DecoderChoice::Auto, 400)
    };
    let mut sim = Sim::playing_with(config, with_sound(pictures(12_000), 12_000).live(500));
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim.input(Input::Visible(false));
    let before = cues(&sim).len();
    sim.run_ms(2_000);
    assert!((cues(&sim).len() - before).abs_diff(100) < 8, "{}", cues(&sim).len() - before);
    sim.input(Input::Visible(true));
    sim.run_ms(500);
    sim.input(Input::Pause);
    let before = cues(&sim).len();
    sim.run_ms(2_000);
    assert!(cues(&sim).len() - before <= 2);
    sim.input(Input::Play);
    sim.run_ms(8_000);
    assert_all_in_order(&cues(&sim), 12_000);
}

#[test]
fn what_another_connection_brings_again_is_not_told_again() {
    let whole = with_sound(pictures(10_000), 10_000);
    let mut first = whole.clone().live(500);
    first.deliveries.retain(|(at, _)| *at < MS(3_000));
    let servers = vec![first.then(IoEvent::Failed(IoError::Lost)), whole.live(4_300)];
    let mut sim = Sim::playing(400, servers);
    sim.sound_on(48_000, 20);
    sim.run_ms(12_000);
    assert_eq!(sim.stats().reconnects, 1);
    assert_all_in_order(&cues(&sim), 10_000);
}

#[test]
fn a_new_load_begins_without_the_old_ones() {
    let mut sim = playing(with_sound(pictures(6_000), 6_000).live(3_000));
    sim.run_ms(300);
    let before = sim.events.len();
    sim.serve(with_sound(Synth::default().track(0, synth::avc(0, 640, 480)), 6_000).live(500));
    sim.input(sailcast_sim::load("http://live/other.flv"));
    sim.run_ms(5_000);
    assert!(!sim.events[before..].iter().any(|(_, e)| matches!(e, Event::Cue(_))));
}
