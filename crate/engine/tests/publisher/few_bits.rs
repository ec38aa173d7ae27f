//! Sound of few bits, whose packets are long and late, and of another configuration.

use sailcast_engine::publisher::Input;
use sailcast_media::{CodecParams, MediaKind, Micros};
use sailcast_sim::studio::{self, Fate, Microphone, Studio};

use crate::got::{Got, URL, got};

/// Of the module's encoder, as the browser has none.
fn studio(bitrate: u32) -> Studio {
    let mut studio = Studio::default();
    studio.aac_in_browser = Fate::Refuses;
    tune(&mut studio, bitrate);
    studio
}

fn tune(studio: &mut Studio, bitrate: u32) {
    let mut settings = studio::settings();
    settings.audio.bitrate = bitrate;
    studio.send(Input::Settings(settings));
}

fn rates(got: &Got) -> Vec<u32> {
    let rate = |params: &CodecParams| match params {
        CodecParams::Audio(audio) => audio.sample_rate,
        CodecParams::Video(_) => 0,
    };
    got.configs(MediaKind::Audio).iter().map(|track| rate(&track.config.params)).collect()
}

#[test]
fn each_change_brings_its_configuration_and_no_gap() {
    let mut studio = studio(64_000);
    studio.start(&[URL]);
    studio.run(Micros::from_secs(5));
    for bitrate in [5000, 64_000] {
        tune(&mut studio, bitrate);
        studio.run(Micros::from_secs(5));
    }
    let got = got(&studio);
    assert_eq!(rates(&got), [48_000, 8000, 48_000]);
    let step = got.longest_gap(MediaKind::Audio);
    assert!((Micros::from_millis(128)..Micros::from_millis(130)).contains(&step), "{step:?}");
    assert!(got.apart(1) < Micros::from_millis(20), "{:?}", got.sync());
    assert_eq!((studio.connections.len(), studio.silence), (1, 0));
}

#[test]
fn pictures_wait_for_it_as_long_as_it_takes_and_it_keeps_its_time() {
    let mut studio = studio(5000);
    studio.start(&[URL]);
    studio.run(Micros::from_secs(3));
    for _ in 0..40 {
        studio.run(Micros::from_millis(50));
        let got = got(&studio);
        let (first, last) = (got.video()[0], *got.video().last().unwrap());
        let captured = |packet: &sailcast_media::Packet| studio::captured(&packet.data).unwrap();
        let late = studio.now - captured(last);
        // Two packets, a picture's interval, and the microphone's and the camera's own ways.
        assert!(late < Micros::from_millis(350), "{late:?}");
        assert_eq!(first.dts.0, 0);
    }
    let got = got(&studio);
    assert!(got.apart(1) < Micros::from_millis(20), "{:?}", got.sync());
    for pair in got.audio().windows(2) {
        let step = (pair[1].dts - pair[0].dts - Micros::from_millis(128)).abs();
        assert!(step <= Micros::from_millis(1), "{step:?}");
    }
}

#[test]
fn what_its_encoder_gives_before_the_first_sample_moves_nothing_that_follows() {
    let mut studio = studio(5000);
    studio.microphone = None;
    studio.send(Input::Source(MediaKind::Audio, None));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(3));
    studio.plug_in(Microphone::default());
    studio.run(Micros::from_secs(3));
    let got = got(&studio);
    let audio = got.audio();
    assert!(audio.len() > 18);
    for pair in audio[1..].windows(2) {
        let step = (pair[1].dts - pair[0].dts - Micros::from_millis(128)).abs();
        assert!(step <= Micros::from_millis(1), "{step:?}");
    }
}

#[test]
fn a_browser_that_encodes_aac_is_not_asked_for_few_bits() {
    let mut studio = Studio::default();
    studio.aac_in_browser = Fate::Works;
    studio.start(&[URL]);
    studio.run(Micros::from_secs(3));
    for bitrate in [5000, 64_000] {
        tune(&mut studio, bitrate);
        studio.run(Micros::from_secs(3));
    }
    assert_eq!(rates(&got(&studio))[..2], [48_000, 8000], "by the module");
    assert_eq!(studio.connections.len(), 1);
}
