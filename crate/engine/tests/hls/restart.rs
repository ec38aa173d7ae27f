use sailcast_media::Micros;
use sailcast_sim::origin::{Container, Origin, Packager, Sound};

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
