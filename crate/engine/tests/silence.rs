//! An empty packet of sound is silence of its length: no decoder is fed with it, nothing clicks, and the rest is in step.

use bytes::Bytes;
use sailcast_engine::{Event, State};
use sailcast_media::{MediaKind, Packet};
use sailcast_sim::{
    Sim, Trouble, percentile,
    synth::{self, Synth},
};

const RATE: u32 = 48_000;

/// AAC beside pictures, whose packets of these times are empty.
fn playing(empty: impl Fn(i64) -> bool) -> Sim {
    let silent = |p: Packet| match empty(p.dts.0 / 1000) {
        true => Packet { data: Bytes::new(), ..p },
        false => p,
    };
    let sound: Vec<_> =
        synth::sound(0, 0, 12_000, 1024.0 / 0.048, &[0x21; 100]).into_iter().map(silent).collect();
    let network = Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .track(0, synth::aac(0, RATE, 2))
        .packets(synth::pictures(0, 0, 12_000, 25))
        .packets(sound)
        .live(500);
    let mut sim = Sim::playing(300, network);
    sim.decoders_are.trouble = Box::new(|asked| {
        let is_empty = asked.packet.is_some_and(|p| p.data.is_empty());
        assert!(!is_empty, "an empty packet for a decoder of {:?}", asked.kind);
        Trouble::None
    });
    sim.sound_on(RATE, 20);
    sim.run_ms(1_500);
    sim
}

/// The steepest step from one sample to the next.
fn steepest(samples: &[f32]) -> f32 {
    samples.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

/// Within 40 ms, but for this share of the measurements: at a faded edge the virtual sound says a wrong time.
fn assert_mostly_in_step(sim: &mut Sim, ms: i64, but: f64) {
    let from = sim.now;
    sim.run_ms(ms);
    let offsets: Vec<f64> = sim.av_offsets_ms(from).iter().map(|o| o.abs()).collect();
    assert!(offsets.len() > 20, "too few measurements: {}", offsets.len());
    let worst = percentile(&offsets, 1.0 - but);
    assert!(worst < 40.0, "{worst} ms apart");
}

fn assert_in_step(sim: &mut Sim, ms: i64) {
    assert_mostly_in_step(sim, ms, 0.05);
}

#[test]
fn a_second_of_it_is_a_second_without_a_click_and_without_an_underrun() {
    let mut sim = playing(|ms| (3_000..4_000).contains(&ms));
    sim.record_sound();
    sim.run_ms(4_500);
    let samples = sim.recorded_sound();
    let zeros = samples.iter().filter(|s| **s == 0.0).count() as f64 / f64::from(RATE);
    assert!((0.95..1.05).contains(&zeros), "{zeros} s of silence");
    assert!(steepest(samples) < 0.002, "{}", steepest(samples));
    let sound = sim.stats().sound;
    assert_eq!((sound.underruns, sound.dropped), (0, 0), "{sound:?}");
    assert_eq!(sound.silence_filled.0, 0, "the stream left nothing out: {sound:?}");
    assert_in_step(&mut sim, 2_000);
    assert_eq!(sim.count(|e| matches!(e, Event::Waiting | Event::Error(_))), 0);
}

#[test]
fn single_empty_packets_do_not_shift_what_follows() {
    let mut sim = playing(|ms| ms > 2_000 && (ms / 21) % 10 == 0);
    sim.record_sound();
    sim.run_ms(3_000);
    let samples = sim.recorded_sound();
    let zeros = samples.iter().filter(|s| **s == 0.0).count() as f64 / samples.len() as f64;
    assert!((0.05..0.15).contains(&zeros), "{zeros} of it is silence");
    assert!(steepest(samples) < 0.002, "{}", steepest(samples));
    assert_mostly_in_step(&mut sim, 3_000, 0.2);
    assert_eq!(sim.stats().sound.underruns, 0);
}

#[test]
fn sound_that_is_silent_from_the_first_on_begins_when_it_begins() {
    let mut sim = playing(|ms| ms < 5_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.heard.iter().all(|(_, media)| media.is_none()));
    sim.run_ms(5_000);
    assert_in_step(&mut sim, 2_000);
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
}

#[test]
fn a_decoder_that_fails_in_silence_is_made_anew() {
    let mut sim = playing(|ms| (3_000..4_000).contains(&ms));
    sim.run_ms(2_000);
    sim.fail_decoder(MediaKind::Audio);
    sim.run_ms(1_500);
    assert_in_step(&mut sim, 2_000);
}
