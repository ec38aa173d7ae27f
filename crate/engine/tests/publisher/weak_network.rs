//! A network that becomes weak and strong again, end to end: what arrives can be decoded, sound is whole, and both are in sync.

use sailcast_engine::publisher::Event;
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::{Server, Studio};

use crate::got::{URL, got};

fn carry(studio: &mut Studio, rate: f64, acks: bool, seconds: i64) {
    studio.servers.insert(URL.to_owned(), Server { rate, acks, ..Server::default() });
    studio.run(Micros::from_secs(seconds));
}

fn runs(acks: bool) -> Studio {
    let mut studio = Studio::default();
    studio.servers.insert(URL.to_owned(), Server { rate: 2e6, acks, ..Server::default() });
    studio.start(&[URL]);
    carry(&mut studio, 2e6, acks, 15);
    carry(&mut studio, 300e3, acks, 30);
    carry(&mut studio, 2e6, acks, 40);
    studio
}

#[test]
fn two_megabits_then_300_kilobits_and_back() {
    let studio = runs(true);
    assert_eq!(studio.connections.len(), 1);
    let got = got(&studio);
    assert!(
        got.longest_gap(MediaKind::Audio) < Micros::from_millis(45),
        "{:?}",
        got.longest_gap(MediaKind::Audio)
    );
    assert_eq!(studio.stats().dropped_audio, 0);
    assert!(
        got.longest_gap(MediaKind::Video) < Micros::from_secs(2),
        "{:?}",
        got.longest_gap(MediaKind::Video)
    );
    assert!(got.apart(1) < Micros::from_millis(60), "{:?}", got.sync());
    let lowest = studio.tuned.iter().map(|encoding| encoding.bitrate).min().unwrap();
    assert!(lowest < 300_000, "{lowest}");
    assert!(studio.stats().target_bitrate > 700_000, "{:?}", studio.stats());
    assert!(!studio.named(|event| matches!(event, Event::Congestion { congested: true, .. })).is_empty());
    assert!(!studio.named(|event| matches!(event, Event::Congestion { congested: false, .. })).is_empty());
}

#[test]
fn the_same_without_acknowledgements() {
    let studio = runs(false);
    assert_eq!(studio.connections.len(), 1);
    let got = got(&studio);
    assert_eq!(studio.stats().dropped_audio, 0);
    assert!(got.apart(1) < Micros::from_millis(60), "{:?}", got.sync());
    assert!(studio.stats().target_bitrate > 600_000, "{:?}", studio.stats());
}

#[test]
fn a_camera_that_stands_still_on_a_weak_network_wakes_nobody_in_vain() {
    let mut studio = Studio::default();
    studio.servers.insert(URL.to_owned(), Server { rate: 40e3, acks: true, ..Server::default() });
    studio.start(&[URL]);
    studio.run(Micros::from_secs(5));
    studio.camera = None;
    studio.run(Micros::from_secs(20));
    assert!(studio.stats().not_encoded < 500, "{:?}", studio.stats());
}
