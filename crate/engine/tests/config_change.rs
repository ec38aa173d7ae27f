//! Another size, rate, number of channels or codec in mid-stream: no stale picture, no click, no stop.

use sailcast_engine::{DecoderPath, Event, Instant, State};
use sailcast_media::{Codec, Micros, Packet, TrackInfo};
use sailcast_sim::{
    Sim,
    synth::{self, Synth},
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const AAC_48: f64 = 1024.0 / 0.048;
const AAC_44: f64 = 1024.0 / 0.0441;

/// Pictures beside sound that changes at 4 s.
fn sound_to(track: TrackInfo, packets: Vec<Packet>) -> Sim {
    let network = Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .track(0, synth::aac(0, 48_000, 2))
        .packets(synth::pictures(0, 0, 9_000, 25))
        .packets(synth::sound(0, 0, 4_000, AAC_48, &[0x21; 100]))
        .track(4_000, track)
        .packets(packets)
        .live(500);
    let mut sim = Sim::playing(300, network);
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim.record_sound();
    sim.run_ms(5_000);
    sim
}

fn steepest(sim: &Sim) -> f32 {
    sim.recorded_sound().windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

fn holes(sim: &Sim) -> usize {
    sim.recorded_sound().iter().filter(|s| **s == 0.0).count()
}

fn assert_went_on(sim: &Sim) {
    assert_eq!(sim.state(), State::Playing);
    assert_eq!((sim.stats().stalls, sim.stats().skips), (0, 0));
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
    assert_eq!(sim.requests.len(), 1);
    let held = sim.longest_still(Instant(0));
    assert!(held < MS(100), "a picture stood for {held:?}");
}

#[test]
fn another_rate_and_another_number_of_channels_of_the_sound() {
    for (rate, channels, length) in [(44_100, 2, AAC_44), (48_000, 1, AAC_48), (48_000, 6, AAC_48)] {
        let sound = synth::sound(0, 4_000, 9_000, length, &[0x21; 100]);
        let sim = sound_to(synth::aac(0, rate, channels), sound);
        assert!(steepest(&sim) < 0.002, "{rate} Hz, {channels} channels: {}", steepest(&sim));
        assert!(holes(&sim) < 48 * 30, "{rate} Hz, {channels} channels: {} samples", holes(&sim));
        assert_went_on(&sim);
        let offsets = sim.av_offsets_ms(Instant(1_000_000) + MS(1_500));
        assert!(offsets.iter().all(|o| o.abs() < 40.0), "{rate} Hz, {channels} channels: {offsets:?}");
    }
}

#[test]
fn another_codec_of_the_sound_also_one_without_a_decoder() {
    // A loud, slow wave from where the AAC left off.
    let bytes: Vec<u8> = (0..160).map(|i| if i < 80 { 0xd5 - i / 8 } else { 0xcc + (i - 80) / 8 }).collect();
    let sim = sound_to(synth::g711(Codec::G711A), synth::sound(0, 4_000, 9_000, 20_000.0, &bytes));
    assert_went_on(&sim);
    assert!(steepest(&sim) < 0.01, "{}", steepest(&sim));
    assert_eq!(sim.stats().audio_decoder, Some(DecoderPath::Wasm));
    assert_eq!(sim.open_decoders(), 1);
    assert_eq!(sim.stats().sound.underruns, 0);
}

#[test]
fn another_size_of_the_picture_shows_every_picture_in_its_size_and_order() {
    let network = Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .packets(synth::pictures(0, 0, 4_000, 25))
        .track(4_000, synth::avc(0, 1280, 720))
        .packets(synth::pictures(0, 4_000, 9_000, 25))
        .live(500);
    let mut sim = Sim::playing(300, network);
    sim.run_ms(7_000);
    assert_went_on(&sim);
    let resized: Vec<_> = sim
        .events
        .iter()
        .filter_map(|(at, e)| if let Event::Resize { width, .. } = e { Some((*at, *width)) } else { None })
        .collect();
    assert_eq!(resized.iter().map(|(_, w)| *w).collect::<Vec<_>>(), [640, 1280]);
    let first_large = sim.shown.iter().find(|(at, _)| *at == resized[1].0).expect("a picture").1;
    assert_eq!(first_large.0, 4_000_000, "the last small picture was shown before it");
    assert_eq!(sim.stats().frames_dropped, 0);
    assert_eq!(sim.count(|e| matches!(e, Event::TrackSelected(_))), 1);
}

#[test]
fn the_same_configuration_again_resets_nothing() {
    let network = Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .packets(synth::pictures(0, 0, 9_000, 25))
        .track(3_000, synth::avc(0, 640, 480))
        .track(5_000, synth::avc(0, 640, 480))
        .live(500);
    let mut sim = Sim::playing(300, network);
    sim.run_ms(7_000);
    assert_went_on(&sim);
    assert_eq!(sim.decoders_made(), 1);
    assert_eq!(sim.count(|e| matches!(e, Event::Track(_))), 1);
}

#[test]
fn the_old_decoder_fails_while_it_gives_its_last() {
    let network = Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .packets(synth::pictures(0, 0, 4_000, 25))
        .track(4_000, synth::avc(0, 1280, 720))
        .packets(synth::pictures(0, 4_000, 9_000, 25))
        .live(500);
    let mut sim = Sim::playing(300, network);
    sim.decoders_are.trouble = Box::new(|asked| match (asked.packet, asked.config.params) {
        (Some(p), sailcast_media::CodecParams::Video(v)) if v.width == 640 && p.pts.0 == 3_960_000 => {
            sailcast_sim::Trouble::Fail("EncodingError")
        }
        _ => sailcast_sim::Trouble::None,
    });
    sim.run_ms(7_000);
    assert_eq!(sim.state(), State::Playing);
    let held = sim.longest_still(Instant(0));
    assert!(held < MS(500), "a picture stood for {held:?}");
}
