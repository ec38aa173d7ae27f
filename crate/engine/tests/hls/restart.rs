use bytes::Bytes;
use sailcast_engine::{Instant, IoRequest};
use sailcast_media::Micros;
use sailcast_sim::origin::{Container, Fault, Origin, Packager, Sound};

use crate::{MASTER, rig::Rig};

#[test]
fn a_packager_that_counts_from_nothing_again_goes_on_where_it_ended() {
    for dates in [false, true] {
        let low = Packager::low_latency().part;
        for (container, sound, part) in [
            (Container::Ts, Sound::Muxed, None),
            (Container::Mp4, Sound::Apart, None),
            (Container::Mp4, Sound::Apart, low),
        ] {
            let packager = Packager { restart: Some(57), dates, container, sound, part, ..Packager::live() };
            let mut rig = Rig::new(Origin::new(packager), MASTER);
            rig.run(60_000);
            let numbers = rig.numbers();
            assert!(
                numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
                "{dates} {container:?}: pictures are left out"
            );
            rig.assert_on_one_timeline();
            assert!(numbers.len() > 1300, "{}", numbers.len());
            assert!(rig.stalled < Micros::from_secs(4), "{:?}", rig.stalled);
            assert!(rig.fatal().is_none());
            rig.close();
        }
    }
}

#[test]
fn nothing_is_shown_before_a_keyframe_where_all_was_damaged_until_the_packager_began_anew() {
    let packager = Packager { restart: Some(51), container: Container::Mp4, ..Packager::low_latency() };
    for ms in (1_000..2_500).step_by(100) {
        let junk = move |request: &IoRequest, now: Instant| {
            let is_media = !request.url.contains(".m3u8") && now < Instant(ms * 1000);
            is_media.then(|| Fault::Body(Bytes::from_static(&[0; 100])))
        };
        // It asserts for each picture that a keyframe came before it.
        let mut rig = Rig::new(Origin::new(packager.clone()).fault(junk), MASTER);
        rig.run(12_000);
        assert!(rig.numbers().len() > 100, "damaged until {ms}");
        rig.close();
    }
}
