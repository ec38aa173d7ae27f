use sailcast_engine::{ErrorCode, feed::Paced};
use sailcast_media::Micros;
use sailcast_sim::origin::{Container, Origin, Packager};

use crate::{MEDIA, rig::Rig};

fn edge_latency(rig: &Rig) -> Micros {
    // What is captured now has this number.
    let newest = (rig.now.0 + 100_000_000) / 40_000;
    let have = rig.numbers().last().copied().unwrap_or(0);
    Micros((newest - have) as i64 * 40_000)
}

#[test]
fn parts_come_as_they_are_made() {
    for part_ranges in [false, true] {
        for container in [Container::Mp4, Container::Ts] {
            let packager = Packager { part_ranges, container, ..Packager::low_latency() };
            let mut rig = Rig::new(Origin::new(packager), MEDIA);
            rig.run(20_000);
            rig.assert_seamless();
            assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
            assert!(edge_latency(&rig) < Micros::from_millis(700), "{part_ranges}: {:?}", edge_latency(&rig));
            let extent = rig.hls.extent(rig.now);
            assert_eq!(extent.hold_back, Some(Micros::from_millis(1500)));
            assert!(rig.stalled < Micros::from_millis(100), "{:?}", rig.stalled);
            rig.close();
        }
    }
}

#[test]
fn one_playlist_request_is_always_held_back_by_the_server() {
    let mut rig = Rig::new(Origin::new(Packager::low_latency()), MEDIA);
    rig.run(2000);
    for _ in 0..50 {
        rig.run(97);
        let open = rig.asked.iter().filter(|asked| rig.open.contains(&asked.id));
        let playlists = open.filter(|asked| asked.request.url.contains("_HLS_msn")).count();
        assert_eq!(playlists, 1);
    }
    rig.close();
}

#[test]
fn delta_updates_are_asked_for_and_applied() {
    let packager = Packager { delta: true, window: Some(20), ..Packager::low_latency() };
    let mut rig = Rig::new(Origin::new(packager), MEDIA);
    rig.run(20_000);
    rig.assert_seamless();
    assert!(rig.count("_HLS_skip=YES") > 20);
    assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
    let (begins, end) = rig.hls.extent(rig.now).seekable.expect("a window");
    assert!(end - begins >= Micros::from_secs(40), "{:?}", end - begins);
    rig.close();
}

#[test]
fn a_group_of_pictures_longer_than_a_part_begins_at_its_independent_part() {
    let packager = Packager { independent_parts: 4, ..Packager::low_latency() };
    let mut rig = Rig::new(Origin::new(packager), MEDIA);
    rig.run(500);
    assert!(
        rig.packets.iter().find(|p| p.track.kind == sailcast_media::MediaKind::Video).expect("one").keyframe
    );
    rig.run(10_000);
    rig.assert_seamless();
    rig.close();
}

#[test]
fn an_origin_without_parts_is_no_loss() {
    let mut rig = Rig::new(Origin::new(Packager::live()), MEDIA);
    rig.run(10_000);
    assert!(rig.errors().iter().all(|error| error.code != ErrorCode::LowLatencyLost));
    rig.close();
}
