//! Sound and picture that were captured together are together in the stream, for hours.

use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::{Camera, Microphone, Studio};

use crate::got::{Got, URL, got};

fn run(camera: Camera, microphone: Microphone, span: Micros) -> (Studio, Got) {
    let mut studio = Studio::default();
    (studio.camera, studio.microphone) = (Some(camera), Some(microphone));
    studio.start(&[URL]);
    studio.run(span);
    let got = got(&studio);
    (studio, got)
}

#[test]
fn they_are_as_far_apart_as_their_ways_into_the_browser() {
    let (studio, got) = run(Camera::default(), Microphone::default(), Micros::from_secs(10));
    assert!(got.apart(1) < Micros::from_millis(20), "{:?}", got.sync());
    assert!(studio.stats().av_offset.unwrap().abs() < Micros::from_millis(5));
}

#[test]
fn a_sound_card_that_drifts_stays_in_sync_and_loses_no_sample() {
    for drift in [-200e-6, 200e-6] {
        let microphone = Microphone { drift, ..Microphone::default() };
        let (studio, got) = run(Camera::default(), microphone, Micros::from_secs(600));
        assert!(got.apart(1) < Micros::from_millis(20), "{drift}: {:?}", got.sync().last());
        assert_eq!((studio.silence, studio.stats().silence), (0, Micros::ZERO), "{drift}");
        // Before the connection there is nobody to hear.
        assert!(studio.thrown_away < 4800, "{drift}: {}", studio.thrown_away);
        let step = got.longest_gap(MediaKind::Audio);
        assert!(step < Micros::from_millis(23), "{drift}: {step:?}");
    }
}

#[test]
fn a_slow_camera_is_no_reason_for_sound_to_be_early() {
    let camera = Camera { fps: 10.0, delay: Micros::from_millis(30), ..Camera::default() };
    let (_, got) = run(camera, Microphone::default(), Micros::from_secs(10));
    assert!(got.apart(1) < Micros::from_millis(30), "{:?}", got.sync());
}
