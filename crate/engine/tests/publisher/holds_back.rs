//! An encoder that gives nothing before it has seen seconds of what follows: it is drained, and the stream is late but whole.

use sailcast_engine::publisher::{Event, Input, Settings, State, VideoSettings};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::{self, Fate, Studio};

use crate::got::{Got, URL, got};

/// As x264 with its lookahead.
const LOOKAHEAD: usize = 41;

fn delayed(event: &Event) -> bool {
    matches!(event, Event::Degraded { what: "encoderDelay", .. })
}

fn holding(fps: f64) -> Studio {
    let mut studio = Studio::default();
    let settings = studio::settings();
    let video = VideoSettings { fps, ..settings.video };
    studio.send(Input::Settings(Settings { video, ..settings }));
    studio.fates = Some(Box::new(|_| Fate::HoldsBack(LOOKAHEAD)));
    studio.start(&[URL]);
    studio
}

fn is_whole(got: &Got, picture: Micros) {
    let gap = got.longest_gap(MediaKind::Video);
    assert!(gap < picture, "{gap:?}");
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert!(got.apart(1) < Micros::from_millis(30), "{:?}", got.sync());
}

#[test]
fn sound_and_pictures_are_whole_and_together_and_the_delay_is_told_once() {
    for (fps, picture) in [(15.0, 110), (24.0, 80), (60.0, 70)] {
        let mut studio = holding(fps);
        studio.run(Micros::from_secs(20));
        assert_eq!(studio.encodings.len(), 1, "{fps}");
        assert_eq!(studio.named(delayed).len(), 1, "{fps}");
        let got = got(&studio);
        is_whole(&got, Micros::from_millis(picture));
        let newest = got.packets.iter().filter_map(|packet| studio::captured(&packet.data)).max().unwrap();
        assert!(studio.now - newest < Micros::from_millis(1300), "{fps}: {:?}", studio.now - newest);
        let stats = studio.stats();
        assert_eq!((stats.dropped_video, stats.dropped_audio, stats.encoder_busy), (0, 0, 0), "{fps}");
    }
}

#[test]
fn what_it_gives_at_once_goes_to_the_network_one_by_one() {
    let mut studio = holding(15.0);
    studio.run(Micros::from_secs(10));
    for _ in 0..20 {
        let before = studio.stats().bytes_sent;
        studio.run(Micros::from_millis(200));
        let sent = studio.stats().bytes_sent - before;
        assert!((2_000..60_000).contains(&sent), "{sent}");
    }
}

#[test]
fn stop_brings_out_what_is_in_it() {
    for after in [4000, 4300, 4600, 5020, 5100] {
        let mut studio = holding(15.0);
        studio.run(Micros::from_millis(after));
        let stopped = studio.now;
        studio.send(Input::Stop);
        studio.run(Micros::from_secs(1));
        assert_eq!(studio.stats().state, State::Ended);
        let got = got(&studio);
        let newest =
            got.video().into_iter().filter_map(|packet| studio::captured(&packet.data)).max().unwrap();
        assert!(stopped - newest < Micros::from_millis(90), "{after}: {:?}", stopped - newest);
        is_whole(&got, Micros::from_millis(110));
    }
}

#[test]
fn another_connection_begins_as_soon() {
    let mut studio = holding(15.0);
    studio.run(Micros::from_secs(5));
    studio.cut(1006);
    studio.run(Micros::from_secs(6));
    assert_eq!((studio.connections.len(), studio.encodings.len()), (2, 1));
    is_whole(&got(&studio), Micros::from_millis(110));
}

#[test]
fn a_picture_that_stands_still_is_no_later() {
    let mut studio = holding(15.0);
    studio.run(Micros::from_secs(5));
    studio.camera = None;
    studio.run(Micros::from_secs(10));
    let got = got(&studio);
    assert!(got.longest_gap(MediaKind::Video) < Micros::from_millis(800));
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    let last = got.packets.last().unwrap().dts;
    let end = got.video().last().unwrap().dts;
    assert!(last - end < Micros::from_secs(1), "{:?}", last - end);
}

#[test]
fn one_that_only_begins_slowly_is_not_waited_for_afterwards() {
    let mut studio = Studio::default();
    studio.encode_delay = Micros::from_millis(1500);
    studio.start(&[URL]);
    studio.run(Micros::from_millis(200));
    studio.encode_delay = Micros::from_millis(20);
    studio.run(Micros::from_secs(8));
    assert_eq!((studio.named(delayed).len(), studio.encodings.len()), (0, 1));
    let got = got(&studio);
    is_whole(&got, Micros::from_millis(150));
    let newest = got.video().into_iter().filter_map(|packet| studio::captured(&packet.data)).max().unwrap();
    assert!(studio.now - newest < Micros::from_millis(150), "{:?}", studio.now - newest);
}
