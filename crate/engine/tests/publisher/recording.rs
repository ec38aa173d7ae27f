//! What is sent, as a file.

use sailcast_engine::publisher::{Input, State};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::Studio;

use crate::got::{Got, URL, live};

#[test]
fn it_begins_at_a_keyframe_soon_and_holds_what_is_sent() {
    let mut studio = live();
    studio.send(Input::Record(true));
    studio.run(Micros::from_secs(5));
    let got = Got::read(&studio.recorded);
    let first = &got.packets[0];
    assert!(first.keyframe && first.track.kind == MediaKind::Video && first.dts.0 == 0);
    assert!(got.packets.last().unwrap().dts.as_secs_f64() > 4.7, "{:?}", got.packets.last());
    assert_eq!(got.tracks.len(), 2);
    studio.send(Input::Record(false));
    let size = studio.recorded.len();
    studio.run(Micros::from_secs(1));
    assert_eq!(studio.recorded.len(), size);
}

#[test]
fn it_goes_on_while_the_connection_is_lost() {
    let mut studio = live();
    studio.send(Input::Record(true));
    studio.run(Micros::from_secs(3));
    studio.send(Input::Online(false));
    studio.cut(1006);
    studio.run(Micros::from_secs(5));
    studio.send(Input::Online(true));
    studio.run(Micros::from_secs(5));
    assert_eq!((studio.stats().state, studio.connections.len()), (State::Publishing, 2));
    let got = Got::read(&studio.recorded);
    assert!(got.packets.last().unwrap().dts.as_secs_f64() > 12.0);
    assert!(
        got.longest_gap(MediaKind::Video) < Micros::from_millis(110),
        "{:?}",
        got.longest_gap(MediaKind::Video)
    );
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    // No more than the rate that was asked for.
    assert!(got.video().len() < 13 * 16, "{}", got.video().len());
}

#[test]
fn stop_ends_it_with_what_is_in_the_encoders() {
    let mut studio = live();
    studio.encode_delay = Micros::from_millis(150);
    studio.send(Input::Record(true));
    studio.send(Input::Online(false));
    studio.cut(1006);
    studio.run(Micros::from_secs(5));
    let before = Got::read(&studio.recorded).packets.len();
    studio.send(Input::Stop);
    studio.run(Micros::from_secs(1));
    assert_eq!(studio.stats().state, State::Ended);
    assert!(Got::read(&studio.recorded).packets.len() > before);
}

#[test]
fn without_pictures_it_is_sound() {
    let mut studio = Studio::default();
    studio.camera = None;
    studio.send(Input::Record(true));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(5));
    let got = Got::read(&studio.recorded);
    assert!(got.video().is_empty() && got.audio().len() > 80, "{}", got.audio().len());
}
