//! A driver that gets no time: the page stands still or sleeps, and what was captured meanwhile comes late and at once.

use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::Microphone;

use crate::got::{got, live};

#[test]
fn sound_that_waited_for_a_moment_keeps_its_place() {
    let mut studio = live();
    studio.asleep = true;
    studio.run(Micros::from_millis(350));
    studio.asleep = false;
    studio.run(Micros::from_secs(4));
    let got = got(&studio);
    assert_eq!(studio.silence, 0);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert!(got.apart(0) < Micros::from_millis(40), "{:?}", got.sync());
}

#[test]
fn after_a_second_sound_and_picture_are_together_again_at_once() {
    let mut studio = live();
    studio.asleep = true;
    studio.run(Micros::from_millis(1000));
    studio.asleep = false;
    studio.run(Micros::from_secs(4));
    let got = got(&studio);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(25));
    assert!(got.apart(4) < Micros::from_millis(30), "{:?}", got.sync());
}

#[test]
fn after_an_hour_the_stream_goes_on_where_the_time_is() {
    let mut studio = live();
    studio.sleep(Micros::from_secs(3600));
    studio.run(Micros::from_secs(5));
    let got = got(&studio);
    let last = |kind| {
        got.packets.iter().filter(|packet| packet.track.kind == kind).map(|packet| packet.dts).max().unwrap()
    };
    assert!((last(MediaKind::Video) - last(MediaKind::Audio)).abs() < Micros::from_millis(150));
    assert!(studio.stats().silence < Micros::from_secs(3), "{:?}", studio.stats().silence);
    assert!(got.apart(3604) < Micros::from_millis(40), "{:?}", got.sync().last());
}

#[test]
fn a_microphone_whose_clock_stood_still_for_a_moment_is_heard_again_soon() {
    for stood in [150, 300, 420, 460, 490, 600, 1000] {
        let mut studio = live();
        studio.run(Micros::from_secs(8));
        let delay = Micros::from_millis(25 + stood);
        studio.microphone = Some(Microphone { delay, ..Microphone::default() });
        studio.run(Micros::from_secs(10));
        let silence = studio.stats().silence;
        assert!(silence < Micros::from_millis(stood + 1000), "{stood}: {silence:?}");
        assert!(got(&studio).longest_gap(MediaKind::Audio) < Micros::from_millis(25), "{stood}");
    }
}
