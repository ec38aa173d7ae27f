//! Cameras and microphones that go, fall silent and come back: the stream stays alive.

use sailcast_engine::publisher::{Event, Input, SourceState};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::{self, Camera, Microphone};

use crate::got::{got, live};

#[test]
fn a_camera_that_is_lost_leaves_its_last_picture_and_comes_back() {
    let mut studio = live();
    let camera = studio.camera.take();
    studio.send(Input::Source(MediaKind::Video, Some(SourceState::Lost)));
    studio.run(Micros::from_secs(10));
    let lost = Event::SourceLost { kind: MediaKind::Video, muted: false };
    assert_eq!(studio.named(|event| *event == lost).len(), 1);
    assert!(
        got(&studio).longest_gap(MediaKind::Video) < Micros::from_millis(560),
        "{:?}",
        got(&studio).longest_gap(MediaKind::Video)
    );
    assert!((17..=21).contains(&studio.stats().frames_repeated), "{:?}", studio.stats());
    studio.camera = camera;
    studio.send(Input::Source(MediaKind::Video, Some(SourceState::Live)));
    studio.run(Micros::from_secs(5));
    let back = Event::SourceRecovered { kind: MediaKind::Video };
    assert_eq!(studio.named(|event| *event == back).len(), 1);
    let got = got(&studio);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert!(got.apart(14) < Micros::from_millis(30), "{:?}", got.sync());
    assert_eq!(studio.connections.len(), 1);
}

#[test]
fn a_camera_with_another_clock_takes_over() {
    let mut studio = live();
    studio.camera = Some(Camera { clock: -5_000_000, delay: Micros::from_millis(40), ..Camera::default() });
    studio.send(Input::Source(MediaKind::Video, Some(SourceState::Live)));
    studio.run(Micros::from_secs(5));
    let got = got(&studio);
    assert!(got.longest_gap(MediaKind::Video) < Micros::from_millis(140));
    assert!(got.apart(3) < Micros::from_millis(50), "{:?}", got.sync());
}

#[test]
fn a_muted_microphone_is_silence_and_comes_back_in_sync() {
    let mut studio = live();
    let microphone = studio.microphone.take();
    studio.send(Input::Source(MediaKind::Audio, Some(SourceState::Muted)));
    studio.run(Micros::from_secs(5));
    let muted = Event::SourceLost { kind: MediaKind::Audio, muted: true };
    assert_eq!(studio.named(|event| *event == muted).len(), 1);
    let so_far = got(&studio);
    assert!(
        so_far.longest_gap(MediaKind::Audio) < Micros::from_millis(25),
        "{:?}",
        so_far.longest_gap(MediaKind::Audio)
    );
    let end = |kind| {
        so_far.packets.iter().filter(|packet| packet.track.kind == kind).map(|packet| packet.dts).max()
    };
    let behind = end(MediaKind::Video).unwrap() - end(MediaKind::Audio).unwrap();
    assert!(behind < Micros::from_millis(250), "{behind:?}");
    let silence = studio.stats().silence;
    assert!((silence - Micros::from_secs(5)).abs() < Micros::from_millis(200), "{silence:?}");
    studio.microphone = microphone;
    studio.send(Input::Source(MediaKind::Audio, Some(SourceState::Live)));
    studio.run(Micros::from_secs(5));
    let got = got(&studio);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert!(got.apart(8) < Micros::from_millis(30), "{:?}", got.sync());
}

#[test]
fn another_microphone_with_another_rate_brings_its_configuration() {
    let mut studio = live();
    studio.plug_in(Microphone { sample_rate: 44_100, ..Microphone::default() });
    studio.run(Micros::from_secs(5));
    let got = got(&studio);
    assert_eq!(got.configs(MediaKind::Audio).len(), 2);
    assert!(
        got.longest_gap(MediaKind::Audio) < Micros::from_millis(150),
        "{:?}",
        got.longest_gap(MediaKind::Audio)
    );
    assert!(got.apart(4) < Micros::from_millis(30), "{:?}", got.sync());
    assert_eq!(studio.connections.len(), 1);
}

#[test]
fn a_format_of_nonsense_is_no_sound() {
    for sample_rate in [0, 1, u32::MAX] {
        let mut studio = live();
        studio.send(Input::SoundFormat { sample_rate, channels: 0 });
        studio.run(Micros::from_secs(2));
        assert_eq!(studio.sounds.len(), 2, "{sample_rate}");
        assert!(got(&studio).longest_gap(MediaKind::Video) < Micros::from_millis(140));
    }
}

#[test]
fn a_source_that_the_page_takes_away_is_no_track_any_more() {
    let mut studio = live();
    studio.send(Input::Source(MediaKind::Audio, None));
    studio.run(Micros::from_secs(3));
    let so_far = got(&studio);
    let ends = so_far.audio().last().unwrap().dts;
    assert!(so_far.packets.last().unwrap().dts - ends > Micros::from_secs(2));
    assert!(so_far.longest_gap(MediaKind::Video) < Micros::from_millis(100));
    studio.send(Input::Source(MediaKind::Audio, Some(SourceState::Live)));
    studio.send(Input::Source(MediaKind::Video, None));
    assert_eq!(studio.held(), 0);
    studio.camera = None;
    studio.run(Micros::from_secs(3));
    let got = got(&studio);
    let last = got.packets.last().unwrap();
    assert!(last.track.kind == MediaKind::Audio && studio::captured(&last.data).is_some());
    assert!(last.dts - got.video().last().unwrap().dts > Micros::from_secs(2));
}

#[test]
fn a_hole_in_the_sound_is_filled_and_what_comes_after_it_is_in_place() {
    let mut studio = live();
    let microphone = studio.microphone.take();
    studio.run(Micros::from_millis(300));
    studio.microphone = microphone;
    studio.run(Micros::from_secs(3));
    let got = got(&studio);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert!(got.apart(4) < Micros::from_millis(30), "{:?}", got.sync());
}
