//! How a stream begins.

use sailcast_engine::publisher::{Event, Input, SourceState, State};
use sailcast_media::{MediaKind, Micros, flv::TagKind};
use sailcast_sim::studio::{self, EPOCH, Fate, Studio};

use crate::got::{Got, URL, acknowledged, got, live, number, tags};

#[test]
fn script_tag_both_sequence_headers_then_a_keyframe() {
    let mut studio = Studio::default();
    studio.run(Micros::from_secs(1));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(5));
    let got = got(&studio);
    let kinds: Vec<TagKind> = tags(&studio.connection().bytes).iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds[..3], [TagKind::Script, TagKind::Video, TagKind::Audio]);
    assert_eq!(got.scripts[0].0, "onMetaData");
    assert_eq!(got.tracks.len(), 2);
    let first = &got.packets[0];
    assert!(first.keyframe && first.track.kind == MediaKind::Video && first.dts.0 == 0, "{first:?}");
    let told = [State::Connecting, State::Publishing].map(Event::StateChange);
    assert!(told.iter().all(|told| studio.events.iter().any(|(_, event)| event == told)));
    assert_eq!(studio.named(|event| matches!(event, Event::Publishing { url } if url == URL)).len(), 1);
}

#[test]
fn the_script_tag_says_what_is_sent() {
    let studio = live();
    let got = got(&studio);
    let field = |key| number(&got.scripts[0].1, key);
    // The virtual encoder's configuration knows whole macroblocks only.
    assert_eq!((field("width"), field("height")), (Some(896.0), Some(512.0)));
    assert_eq!((field("framerate"), field("videodatarate")), (Some(15.0), Some(800.0)));
    assert_eq!((field("audiosamplerate"), field("audiodatarate")), (Some(48_000.0), Some(64.0)));
}

#[test]
fn the_clock_goes_out_each_second_and_tells_the_truth() {
    let mut studio = live();
    studio.run(Micros::from_secs(8));
    let bytes = &studio.connection().bytes;
    let got = Got::read(bytes);
    let clocks: Vec<f64> = got
        .scripts
        .iter()
        .filter(|(name, _)| name == "onWallClock")
        .filter_map(|(_, values)| number(values, "wallclock"))
        .collect();
    let stamps: Vec<u32> =
        tags(bytes).iter().filter(|(kind, _)| *kind == TagKind::Script).map(|(_, at)| *at).skip(1).collect();
    assert!((9..=11).contains(&clocks.len()) && clocks.len() == stamps.len(), "{stamps:?}");
    assert!(stamps.windows(2).all(|pair| (1000..1100).contains(&(pair[1] - pair[0]))), "{stamps:?}");
    // A picture of the stream's time 0 was captured when the first clock says, within its way through the browser.
    let captured = studio::captured(&got.packets[0].data).unwrap().0 as f64 / 1000.0;
    let late = clocks[0] - EPOCH - captured;
    assert!((0.0..40.0).contains(&late), "{late} ms");
    for (clock, stamp) in clocks.iter().zip(&stamps) {
        assert!((clock - clocks[0] - f64::from(stamp - stamps[0])).abs() <= 1.0, "{clocks:?} {stamps:?}");
    }
}

#[test]
fn pictures_come_at_the_rate_asked_for_and_sound_without_a_gap() {
    let mut studio = Studio::default();
    studio.start(&[URL]);
    studio.run(Micros::from_secs(11));
    let got = got(&studio);
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
    assert_eq!((studio.silence, studio.stats().silence), (0, Micros::ZERO));
}

#[test]
fn sound_alone_begins_at_once() {
    let mut studio = acknowledged(Studio::default(), URL);
    studio.camera = None;
    studio.send(Input::Source(MediaKind::Video, None));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(2));
    let got = got(&studio);
    assert!(got.video().is_empty() && got.tracks.len() == 1);
    let began = studio.named(|event| matches!(event, Event::Publishing { .. }))[0];
    assert!(began.0 < 1_500_000, "{began:?}");
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
}

#[test]
fn a_microphone_whose_format_comes_with_its_sound_is_waited_for() {
    let mut studio = Studio::empty();
    studio.camera = None;
    studio.send(Input::Settings(studio::settings()));
    studio.send(Input::Source(MediaKind::Audio, Some(SourceState::Live)));
    let microphone = studio.microphone.take().unwrap();
    studio.start(&[URL]);
    studio.run(Micros::from_millis(500));
    assert_eq!(studio.stats().state, State::Connecting);
    studio.plug_in(microphone);
    studio.run(Micros::from_secs(1));
    assert_eq!(studio.stats().state, State::Publishing);
    assert!(got(&studio).packets[0].dts.0 == 0);
}

#[test]
fn pictures_alone_begin_at_once() {
    let mut studio = acknowledged(Studio::default(), URL);
    studio.microphone = None;
    studio.send(Input::Source(MediaKind::Audio, None));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(2));
    let got = got(&studio);
    assert!(got.audio().is_empty() && got.video()[0].keyframe);
    let began = studio.named(|event| matches!(event, Event::Publishing { .. }))[0];
    assert!(began.0 < 1_300_000, "{began:?}");
}

#[test]
fn a_camera_that_gives_nothing_keeps_sound_waiting_for_two_seconds_and_comes_in_with_a_keyframe() {
    let mut studio = acknowledged(Studio::default(), URL);
    let camera = studio.camera.take();
    studio.start(&[URL]);
    studio.run(Micros::from_secs(6));
    let began = studio.named(|event| matches!(event, Event::Publishing { .. }))[0];
    assert!((3_000_000..3_300_000).contains(&began.0), "{began:?}");
    studio.camera = camera;
    studio.run(Micros::from_secs(3));
    let got = got(&studio);
    assert!(got.video()[0].keyframe, "{:?}", got.video()[0]);
    assert_eq!(got.configs(MediaKind::Video).len(), 1);
    assert!(got.packets[0].dts.0 < 30_000, "sound is left out: {:?}", got.packets[0].dts);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert!(got.apart(5) < Micros::from_millis(40), "{:?}", got.sync());
}

#[test]
fn a_camera_that_is_added_to_sound_comes_with_its_configuration() {
    let mut studio = Studio::default();
    let camera = studio.camera.take();
    studio.send(Input::Source(MediaKind::Video, None));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(3));
    studio.camera = camera;
    studio.send(Input::Source(MediaKind::Video, Some(SourceState::Live)));
    studio.run(Micros::from_secs(3));
    let got = got(&studio);
    assert!(got.video()[0].keyframe, "{:?}", got.video()[0]);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert_eq!(studio.connections.len(), 1);
}

#[test]
fn a_microphone_that_is_silent_from_the_start_is_silence() {
    let mut studio = Studio::default();
    studio.microphone = None;
    studio.start(&[URL]);
    studio.run(Micros::from_secs(4));
    let got = got(&studio);
    assert!(got.audio().len() > 100, "{}", got.audio().len());
    assert!(got.audio().iter().all(|packet| studio::captured(&packet.data).is_none()));
}

#[test]
fn nothing_to_publish_is_a_fatal_error_and_so_is_an_address_of_another_kind() {
    let failed = |studio: &Studio| {
        studio.named(|event| matches!(event, Event::Error(error) if error.fatal)).len() == 1
            && studio.stats().state == State::Failed
    };
    let mut studio = Studio::empty();
    studio.start(&[URL]);
    assert!(failed(&studio));
    let mut studio = Studio::default();
    studio.start(&["http://one/live/a"]);
    assert!(failed(&studio));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(2));
    assert_eq!(studio.stats().state, State::Publishing);
}

#[test]
fn a_second_start_ends_the_first() {
    let mut studio = live();
    studio.start(&["ws://two/live/a"]);
    studio.run(Micros::from_secs(2));
    assert_eq!(studio.named(|event| *event == Event::Ended).len(), 1);
    assert!(studio.connections[0].1.closed.is_some());
    assert!(got(&studio).packets[0].keyframe);
    assert_eq!(studio.stats().state, State::Publishing);
}

#[test]
fn what_failed_in_one_broadcast_is_tried_again_in_the_next() {
    let mut studio = Studio::default();
    studio.fates = Some(Box::new(|_| Fate::Refuses));
    studio.send(Input::Source(MediaKind::Audio, None));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(2));
    assert_eq!(studio.stats().state, State::Failed);
    studio.fates = None;
    studio.start(&[URL]);
    studio.run(Micros::from_secs(2));
    assert_eq!(studio.stats().state, State::Publishing);
}

#[test]
fn a_server_that_refuses_in_its_first_moments_is_not_published_to() {
    let mut studio = Studio::default();
    studio.start(&[URL]);
    for _ in 0..200 {
        studio.run(Micros::from_millis(100));
        let connection = studio.connection();
        let opened = connection.opened.filter(|_| connection.closed.is_none());
        if opened.is_some_and(|at| studio.now - at >= Micros::from_millis(500)) {
            // The name is taken.
            studio.cut(4409);
        }
    }
    assert!(studio.named(|event| matches!(event, Event::Publishing { .. })).is_empty());
    assert_eq!((studio.stats().state, studio.connections.len()), (State::Failed, 5));
}
