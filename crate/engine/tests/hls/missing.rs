use sailcast_engine::{
    ErrorCode,
    feed::{CutReason, Paced},
};
use sailcast_media::Micros;
use sailcast_sim::origin::{Container, Fault, Origin, Packager, Sound};

use crate::{MASTER, MEDIA, rig::Rig};

#[test]
fn a_segment_that_is_not_there_is_left_out_and_told() {
    for container in [Container::Ts, Container::Mp4] {
        let origin = Origin::new(Packager { container, ..Packager::live() });
        let origin = origin.fault(|request, _| request.url.contains("/s55.").then_some(Fault::Status(404)));
        let mut rig = Rig::new(origin, MEDIA);
        rig.run(40_000);
        let numbers = rig.numbers();
        assert!(numbers.contains(&(55 * 50 - 1)) && numbers.contains(&(56 * 50)));
        assert!(!numbers.contains(&(55 * 50)));
        rig.assert_on_one_timeline();
        assert_eq!(rig.warnings(), [ErrorCode::SegmentUnavailable]);
        assert_eq!(rig.cuts.iter().filter(|(_, _, why)| *why == CutReason::Gap).count(), 1);
        assert!(rig.count("/s55.") >= 3, "it is tried again first");
        rig.close();
    }
}

#[test]
fn segments_that_are_all_missing_are_an_error() {
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(|request, _| request.url.contains("/s").then_some(Fault::Status(404)));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(60_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::SegmentUnavailable));
    assert!(rig.hls.is_over());
    rig.close();
}

#[test]
fn a_segment_that_the_playlist_calls_a_gap_is_not_asked_for() {
    let mut rig = Rig::new(Origin::new(Packager { gaps: vec![54, 55], ..Packager::live() }), MEDIA);
    rig.run(40_000);
    assert_eq!(rig.count("/s54.") + rig.count("/s55."), 0);
    assert!(rig.numbers().contains(&(56 * 50)) && !rig.numbers().contains(&(54 * 50)));
    rig.assert_on_one_timeline();
    assert_eq!(rig.cuts.iter().filter(|(_, _, why)| *why == CutReason::Gap).count(), 1);
    assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
    rig.close();
}

#[test]
fn a_segment_that_breaks_off_is_fetched_again_and_nothing_is_played_twice() {
    for container in [Container::Ts, Container::Mp4] {
        let mut times = 0;
        let origin = Origin::new(Packager { container, ..Packager::live() });
        let origin = origin.fault(move |request, _| {
            times += u32::from(request.url.contains("/s55."));
            (request.url.contains("/s55.") && times == 1).then_some(Fault::LostAfter(100_000))
        });
        let mut rig = Rig::new(origin, MEDIA);
        rig.run(30_000);
        assert_eq!(rig.count("/s55."), 2);
        rig.assert_seamless();
        rig.close();
    }
}

#[test]
fn a_segment_that_ends_too_early_costs_no_more_than_its_end() {
    for container in [Container::Ts, Container::Mp4] {
        let origin = Origin::new(Packager { container, ..Packager::live() });
        let origin =
            origin.fault(|request, _| request.url.contains("/s55.").then_some(Fault::EndsAfter(100_000)));
        let mut rig = Rig::new(origin, MEDIA);
        rig.run(30_000);
        assert!(rig.numbers().contains(&(56 * 50)), "{container:?}");
        rig.assert_on_one_timeline();
        assert!(rig.fatal().is_none());
        rig.close();
    }
}

#[test]
fn a_web_page_in_place_of_a_segment_is_left_out() {
    let page = Fault::Body("<!doctype html><title>Sorry</title>".repeat(200).into());
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(move |request, _| request.url.contains("/s55.").then_some(page.clone()));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(30_000);
    assert!(rig.numbers().contains(&(56 * 50)));
    assert!(!rig.numbers().contains(&(55 * 50)) && rig.fatal().is_none());
    rig.assert_on_one_timeline();
    rig.close();
}

#[test]
fn an_error_that_a_cache_keeps_is_met_once() {
    for what in ["/s55.", "/key28"] {
        let origin = Origin::new(Packager { key_every: Some(2), ..Packager::live() });
        let origin = origin.fault(move |request, _| {
            let is_hit = request.url.contains(what) && !request.fresh;
            is_hit.then_some(Fault::Status(503))
        });
        let mut rig = Rig::new(origin, MEDIA);
        rig.run(30_000);
        rig.assert_seamless();
        assert_eq!(rig.count(what), 2, "{what}");
        rig.close();
    }
}

#[test]
fn web_pages_in_place_of_all_segments_are_told_as_such_whatever_their_length() {
    for times in [1, 200] {
        let page = Fault::Body("<!doctype html><title>Sorry</title>".repeat(times).into());
        for packager in [Packager::live(), Packager::vod(60)] {
            let page = page.clone();
            let origin = Origin::new(packager)
                .fault(move |request, _| request.url.contains("/s").then_some(page.clone()));
            let mut rig = Rig::new(origin, MEDIA);
            rig.run(30_000);
            assert_eq!(rig.fatal(), Some(ErrorCode::FormatUnrecognised), "{times}");
            assert!(rig.warnings().len() < 5, "{:?}", rig.errors());
            rig.close();
        }
    }
}

#[test]
fn segments_with_nothing_to_play_are_an_error_and_are_not_all_loaded() {
    // Null packets of MPEG-TS (ISO/IEC 13818-1, 2.4.3.3).
    let null = [[0x47, 0x1f, 0xff, 0x10].as_slice(), &[0xff; 184]].concat().repeat(100);
    let origin = Origin::new(Packager::vod(500));
    let origin = origin
        .fault(move |request, _| request.url.contains("/s").then_some(Fault::Body(null.clone().into())));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(60_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::NoMedia));
    assert!(rig.count("/s") < 20, "{}", rig.count("/s"));
    rig.close();
}

#[test]
fn sound_that_is_missing_for_a_while_does_not_take_the_picture_with_it() {
    let origin = Origin::new(Packager { sound: Sound::Apart, ..Packager::live() });
    let origin = origin.fault(|request, _| request.url.contains("a/s55.").then_some(Fault::Status(404)));
    let mut rig = Rig::new(origin, MASTER);
    rig.run(30_000);
    let numbers = rig.numbers();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
    assert!(rig.stalled < Micros::from_millis(100));
    rig.close();
}

#[test]
fn sound_whose_playlist_is_missing_for_a_while_comes_back_though_the_picture_was_left_for_another_one() {
    let packager = Packager { sound: Sound::Apart, ..Packager::live().with_qualities() };
    let origin = Origin::new(packager).fault(|request, now| {
        let is_away = now.0 > 5_000_000 && now.0 < 8_000_000;
        (is_away && request.url.contains(".m3u8")).then_some(Fault::Status(503))
    });
    let mut rig = Rig::new(origin, MASTER);
    rig.run(40_000);
    let behind = rig.hls.extent(rig.now).live_edge.expect("live") - rig.buffered_until().expect("media");
    assert!(behind < Micros::from_secs(4), "{behind:?}");
    assert!(rig.fatal().is_none());
    rig.close();
}
