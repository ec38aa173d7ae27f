//! Which size is encoded, and what follows when it changes.

use sailcast_engine::publisher::{Input, Settings, VideoSettings};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::{self, Camera, Studio};

use crate::got::{URL, got, live};

fn size_of(width: u32, height: u32) -> (u32, u32) {
    let mut studio = Studio::default();
    studio.camera = Some(Camera { width, height, ..Camera::default() });
    studio.start(&[URL]);
    studio.run(Micros::from_secs(1));
    let stats = studio.stats();
    (stats.width, stats.height)
}

#[test]
fn the_shorter_side_is_504_and_what_is_smaller_stays() {
    assert_eq!(size_of(1280, 720), (896, 504));
    assert_eq!(size_of(720, 1280), (504, 896));
    assert_eq!(size_of(1920, 1080), (896, 504));
    assert_eq!(size_of(640, 480), (640, 480));
    assert_eq!(size_of(1024, 768), (672, 504));
    assert_eq!(size_of(353, 289), (352, 288));
    assert_eq!(size_of(0, 0), (2, 2));
}

#[test]
fn a_phone_that_is_turned_brings_a_configuration_and_a_keyframe() {
    let mut studio = live();
    studio.camera = Some(Camera { width: 720, height: 1280, ..studio.camera.unwrap() });
    studio.run(Micros::from_secs(3));
    let got = got(&studio);
    assert_eq!(got.configs(MediaKind::Video).len(), 2);
    let last = studio.encodings.last().unwrap();
    assert_eq!((last.width, last.height), (504, 896));
    let keys: Vec<f64> = got.video().iter().filter(|p| p.keyframe).map(|p| p.dts.as_secs_f64()).collect();
    assert!(keys.len() >= 2 && keys[1] > 1.8 && keys[1] < 2.2, "{keys:?}");
    assert!(got.longest_gap(MediaKind::Video) < Micros::from_millis(200));
}

#[test]
fn another_side_is_another_size_at_once_where_it_is_smaller() {
    let mut studio = live();
    let settings = studio::settings();
    for (side, size, seconds) in [(360, (640, 360), 1), (720, (1280, 720), 15), (504, (896, 504), 1)] {
        let video = VideoSettings { side, ..settings.video };
        studio.send(Input::Settings(Settings { video, ..settings }));
        studio.run(Micros::from_secs(seconds));
        let stats = studio.stats();
        assert_eq!((stats.width, stats.height), size);
    }
    got(&studio);
    assert_eq!(studio.connections.len(), 1);
}
