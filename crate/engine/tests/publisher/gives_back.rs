//! Close gives everything back.

use sailcast_engine::{
    FrameId,
    publisher::{CapturedFrame, Event, Input},
};
use sailcast_media::Micros;

use crate::got::live;

#[test]
fn pictures_encoders_and_connections_are_given_back_and_nothing_more_is_done() {
    let mut studio = live();
    assert_eq!(studio.held(), 1);
    studio.send(Input::Close);
    assert_eq!((studio.held(), studio.open_encoders()), (0, 0));
    assert!(studio.connections.iter().all(|(_, connection)| connection.closed.is_some()));
    let events = studio.events.len();
    studio.run(Micros::from_secs(2));
    assert_eq!((studio.held(), studio.events.len()), (0, events));
}

#[test]
fn one_picture_is_held_and_no_more() {
    let mut studio = live();
    for _ in 0..2000 {
        studio.run(Micros::from_millis(1));
        assert!(studio.held() <= 1);
    }
}

#[test]
fn pictures_of_any_size_and_time_are_taken() {
    let mut studio = live();
    studio.camera = None;
    for (taken, side) in [(i64::MIN, 0), (i64::MAX, u32::MAX), (0, 1), (-1, 1 << 31)] {
        studio.capture(CapturedFrame { id: FrameId(0), taken, width: side, height: 720 });
        studio.run(Micros::from_millis(100));
    }
    assert!(studio.named(|event| matches!(event, Event::Error(_))).is_empty());
    studio.send(Input::Close);
    assert_eq!(studio.held(), 0);
}
