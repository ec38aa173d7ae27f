//! An encoder that is slower than the camera: pictures are left out before it, and that is said.

use sailcast_engine::publisher::Event;
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::Studio;

use crate::got::{URL, got};

#[test]
fn pictures_are_left_out_and_nothing_piles_up() {
    let mut studio = Studio::default();
    studio.encode_delay = Micros::from_millis(600);
    studio.start(&[URL]);
    studio.run(Micros::from_secs(30));
    let stats = studio.stats();
    assert!(stats.encoder_busy > 100, "{stats:?}");
    assert!((4.0..9.0).contains(&stats.encoded_fps), "{stats:?}");
    assert!(stats.encode_time > Micros::from_millis(400), "{stats:?}");
    assert_eq!(studio.named(|event| matches!(event, Event::Degraded { what: "encoderSlow", .. })).len(), 1);
    let got = got(&studio);
    // Sound does not wait for it for long.
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert_eq!(stats.dropped_audio, 0);
}
