//! How a broadcast begins.

use sailcast_engine::publisher::{Event, State};
use sailcast_media::{MediaKind, Micros, flv::TagKind};
use sailcast_sim::studio::Studio;

use crate::got::{Got, tags};

const URL: &str = "ws://one/live/a";

#[test]
fn script_tag_both_sequence_headers_then_a_keyframe() {
    let mut studio = Studio::default();
    studio.run(Micros::from_secs(1));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(5));
    let got = Got::read(&studio.connection().bytes);
    let kinds: Vec<TagKind> = tags(&studio.connection().bytes).iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds[..3], [TagKind::Script, TagKind::Video, TagKind::Audio]);
    assert_eq!(got.scripts[0].0, "onMetaData");
    assert_eq!(got.tracks.len(), 2);
    let first = &got.packets[0];
    assert!(first.keyframe && first.track.kind == MediaKind::Video && first.dts.0 == 0, "{first:?}");
    assert!(studio.events.iter().any(|(_, event)| *event == Event::StateChange(State::Publishing)));
}

#[test]
fn pictures_come_at_the_rate_asked_for_and_sound_without_a_gap() {
    let mut studio = Studio::default();
    studio.start(&[URL]);
    studio.run(Micros::from_secs(11));
    let got = Got::read(&studio.connection().bytes);
    let (video, audio) = (got.video(), got.audio());
    let span = (video.last().unwrap().dts - video[0].dts).as_secs_f64();
    let fps = (video.len() - 1) as f64 / span;
    assert!((fps - 15.0).abs() < 0.2, "{fps}");
    for pair in audio.windows(2) {
        let step = (pair[1].dts - pair[0].dts).0;
        assert!((20_000..=23_000).contains(&step), "{step}");
    }
    let keys: Vec<f64> = video.iter().filter(|p| p.keyframe).map(|p| p.dts.as_secs_f64()).collect();
    assert!(keys.windows(2).all(|k| (k[1] - k[0] - 4.0).abs() < 0.1), "{keys:?}");
    assert!(got.packets.windows(2).all(|p| p[0].dts <= p[1].dts), "dts goes back");
    assert_eq!(studio.silence, 0);
}

#[test]
fn picture_and_sound_that_were_captured_together_have_the_same_time() {
    let mut studio = Studio::default();
    studio.start(&[URL]);
    studio.run(Micros::from_secs(10));
    let offset = studio.stats().av_offset.unwrap();
    assert!(offset.abs() < Micros::from_millis(5), "{offset:?}");
    let got = Got::read(&studio.connection().bytes);
    let (video, audio) = (got.video(), got.audio());
    let end = |packets: &[&sailcast_media::Packet]| packets.last().unwrap().dts;
    assert!((end(&video) - end(&audio)).abs() < Micros::from_millis(90));
}
