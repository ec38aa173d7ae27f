//! G.711 is decoded by the engine itself: no decoder is asked for, and the sound is there, whole and in step.

use bytes::Bytes;
use sailcast_engine::{DecoderPath, Input, State};
use sailcast_media::{Codec, Packet};
use sailcast_sim::{
    Sim,
    synth::{self, Synth},
};

/// 20 ms of a tone of 400 Hz in µ-law, which is the same in each packet.
const PACKET: usize = 160;

/// A µ-law byte for a sample of ±1 (ITU-T G.711, table 2).
fn mu_law(sample: f64) -> u8 {
    let value = ((sample.abs() * 32_635.0) as i32).min(32_635) + 0x84;
    let exponent = (7 - (value as u32).leading_zeros().saturating_sub(17) as i32).clamp(0, 7);
    let mantissa = (value >> (exponent + 3)) & 0x0f;
    let sign = if sample < 0.0 { 0x80 } else { 0 };
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

fn tone() -> Bytes {
    let wave = (0..PACKET).map(|i| (i as f64 * 400.0 / 8_000.0 * std::f64::consts::TAU).sin() * 0.5);
    wave.map(mu_law).collect()
}

fn stream(with_picture: bool) -> Synth {
    let sound = synth::sound(0, 0, 8_000, 20_000.0, &tone());
    let synth = Synth::default().track(0, synth::g711(Codec::G711U)).packets(sound);
    if !with_picture {
        return synth;
    }
    synth.track(0, synth::avc(0, 640, 480)).packets(synth::pictures(0, 0, 8_000, 25))
}

fn recorded(rate: u32, with_picture: bool) -> (Sim, Vec<f32>) {
    let mut sim = Sim::playing(300, stream(with_picture).live(500));
    sim.sound_on(rate, 20);
    sim.run_ms(2_000);
    sim.record_sound();
    sim.run_ms(3_000);
    let samples = sim.recorded_sound().to_vec();
    (sim, samples)
}

/// Times per second that the wave rises through zero.
fn pitch(samples: &[f32], rate: u32) -> f64 {
    let rises = samples.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
    rises as f64 * f64::from(rate) / samples.len() as f64
}

#[test]
fn it_sounds_without_a_decoder_at_any_rate_of_the_output() {
    for rate in [8_000, 44_100, 48_000] {
        let (sim, samples) = recorded(rate, true);
        let hz = pitch(&samples, rate);
        assert!((hz - 400.0).abs() < 2.0, "{hz} Hz at {rate}");
        let loudest = samples.iter().fold(0.0f32, |a, b| a.max(b.abs()));
        assert!((0.48..0.52).contains(&loudest), "{loudest} at {rate}");
        let longest = samples.split(|s| *s != 0.0).map(<[f32]>::len).max().unwrap_or_default();
        assert!(longest < rate as usize / 500, "a hole of {longest} samples at {rate}");
        assert_eq!(sim.open_decoders(), 1, "that of the picture");
        assert_eq!(sim.stats().audio_decoder, Some(DecoderPath::Wasm));
        assert!(sim.errors().is_empty(), "{:?}", sim.errors());
        assert_eq!(sim.stats().sound.underruns, 0);
    }
}

#[test]
fn alone_it_plays_to_its_end() {
    let (mut sim, samples) = recorded(8_000, false);
    assert!((pitch(&samples, 8_000) - 400.0).abs() < 2.0);
    assert_eq!(sim.decoders_made(), 0);
    sim.input(Input::Pause);
    assert_eq!(sim.state(), State::Paused);
    sim.input(Input::Play);
    assert_eq!(sim.state(), State::Playing);
    sim.run_ms(6_000);
    assert_eq!(sim.state(), State::Ended);
}

#[test]
fn the_sound_belongs_to_the_picture() {
    // Silence but for one packet each second, on the second.
    let beep = |p: Packet| {
        let is_beep = p.dts.0 % 1_000_000 == 0;
        let data = if is_beep { tone() } else { Bytes::from(vec![0xff; PACKET]) };
        Packet { data, ..p }
    };
    let sound: Vec<_> = synth::sound(0, 0, 8_000, 20_000.0, &[0]).into_iter().map(beep).collect();
    let network = Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .track(0, synth::g711(Codec::G711U))
        .packets(sound)
        .packets(synth::pictures(0, 0, 8_000, 25))
        .live(500);
    let mut sim = Sim::playing(300, network);
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    let from = sim.now;
    sim.record_sound();
    sim.run_ms(3_000);
    let loud = sim.recorded_sound().iter().position(|s| s.abs() > 0.2).expect("a beep") as f64 / 48.0;
    let beep = sim.shown.iter().find(|(at, pts)| *at > from && pts.0 % 1_000_000 == 0).expect("a picture").0;
    let off = loud + 20.0 - (beep - from).as_secs_f64() * 1000.0;
    assert!(off.abs() < 40.0, "{off} ms apart");
}
