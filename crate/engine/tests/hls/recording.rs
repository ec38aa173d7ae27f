use sailcast_engine::feed::Paced;
use sailcast_media::{MediaKind, MediaTime, Micros};
use sailcast_sim::origin::{Container, Origin, Packager};

use crate::{MEDIA, rig::Rig};

#[test]
fn a_recording_is_played_from_its_beginning_to_its_end() {
    for container in [Container::Ts, Container::Mp4] {
        let mut rig = Rig::new(Origin::new(Packager { container, ..Packager::vod(10) }), MEDIA);
        rig.run(30_000);
        rig.assert_seamless();
        assert_eq!(rig.numbers(), (0..500).collect::<Vec<_>>());
        let extent = rig.hls.extent(rig.now);
        assert_eq!(extent.duration, Some(Micros::from_secs(20)));
        assert!(!extent.live && extent.live_edge.is_none());
        assert!(rig.hls.is_over() && rig.hls.error().is_none());
        assert_eq!(rig.count(".m3u8"), 1, "a recording does not change");
        rig.close();
    }
}

#[test]
fn no_more_is_loaded_than_some_time_ahead() {
    let mut rig = Rig::new(Origin::new(Packager::vod(100)), MEDIA);
    rig.run(10_000);
    let ahead = rig.buffered_until().expect("packets") - rig.playhead.expect("it plays");
    assert!(ahead > Micros::from_secs(27) && ahead < Micros::from_secs(33), "{ahead:?}");
    rig.paused = true;
    let before = rig.asked.len();
    rig.run(20_000);
    assert!(rig.asked.len() <= before + 1, "a paused player loads no more");
    rig.paused = false;
    rig.run(20_000);
    rig.assert_seamless();
    rig.close();
}

#[test]
fn one_can_go_anywhere() {
    let mut rig = Rig::new(Origin::new(Packager::vod(100)), MEDIA);
    rig.run(3000);
    for to in [150_000, 20_300, 199_000, 0] {
        rig.seek(to);
        assert_eq!(rig.packets.len(), 0);
        rig.run(3000);
        let video = rig.packets.iter().find(|packet| packet.track.kind == MediaKind::Video);
        let first = video.expect("pictures").pts;
        assert!(first <= MediaTime::from_millis(to), "{to}: {first:?}");
        assert!(first > MediaTime::from_millis(to - 2100), "{to}: {first:?}");
        rig.assert_seamless();
    }
    // What was here is asked for again only after a seek back to it.
    rig.twice.clear();
    rig.close();
}
