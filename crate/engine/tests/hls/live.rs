use sailcast_engine::feed::Paced;
use sailcast_media::Micros;
use sailcast_sim::origin::{Container, Origin, Packager, Sound};

use crate::{MASTER, MEDIA, rig::Rig};

#[test]
fn a_live_window_that_slides_is_played_without_a_gap() {
    for container in [Container::Ts, Container::Mp4] {
        let mut rig = Rig::new(Origin::new(Packager { container, ..Packager::live() }), MEDIA);
        rig.run(60_000);
        rig.assert_seamless();
        assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
        assert!(rig.stalled < Micros::from_millis(100), "{container:?}: {:?}", rig.stalled);
        // Sixty seconds of it, and what was there to begin with.
        assert!((1400..1700).contains(&rig.numbers().len()), "{container:?}: {}", rig.numbers().len());
        rig.close();
    }
}

#[test]
fn it_begins_three_target_durations_before_the_end() {
    let mut rig = Rig::new(Origin::new(Packager::live()), MEDIA);
    rig.run(1000);
    let extent = rig.hls.extent(rig.now);
    assert!(extent.live);
    assert_eq!(extent.hold_back, Some(Micros::from_secs(6)));
    let (begins, end) = extent.seekable.expect("a window");
    assert_eq!(end - begins, Micros::from_secs(12));
    assert_eq!(extent.start, Some(end - Micros::from_secs(6)));
    assert_eq!(rig.numbers().first(), Some(&(47 * 50)), "the segment that has it");
    rig.close();
}

#[test]
fn a_playlist_is_loaded_again_after_its_target_duration_and_sooner_where_nothing_was_new() {
    let mut rig = Rig::new(Origin::new(Packager::live()), MEDIA);
    rig.run(20_000);
    let times: Vec<u64> =
        rig.asked.iter().filter(|asked| asked.request.url == MEDIA).map(|asked| asked.at.0).collect();
    for pair in times.windows(2) {
        let after = pair[1] - pair[0];
        assert!((1_000_000..2_100_000).contains(&after), "{after}");
    }
    rig.close();
}

#[test]
fn sound_of_its_own_is_played_beside_the_picture() {
    for sound in [Sound::Apart, Sound::Packed] {
        for container in [Container::Ts, Container::Mp4] {
            let packager = Packager { sound, container, ..Packager::live() };
            let mut rig = Rig::new(Origin::new(packager), MASTER);
            rig.run(20_000);
            rig.assert_seamless();
            assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
            rig.close();
        }
    }
}
