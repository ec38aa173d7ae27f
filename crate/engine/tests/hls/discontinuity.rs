use sailcast_engine::feed::Paced;
use sailcast_media::{CodecParams, Micros};
use sailcast_sim::origin::{Container, Origin, Packager, Sound};

use crate::{MASTER, rig::Rig};

#[test]
fn other_stamps_and_another_size_go_on_on_the_same_timeline() {
    for sound in [Sound::Muxed, Sound::Apart, Sound::Packed] {
        for container in [Container::Ts, Container::Mp4] {
            let discontinuities = vec![52, 57, 60];
            for part in [None, Packager::low_latency().part] {
                let discontinuities = discontinuities.clone();
                let packager = Packager { sound, container, part, discontinuities, ..Packager::live() };
                let mut rig = Rig::new(Origin::new(packager), MASTER);
                rig.run(40_000);
                let numbers = rig.numbers();
                assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sound:?} {container:?}");
                rig.assert_on_one_timeline();
                let widths: Vec<u32> = rig
                    .tracks
                    .iter()
                    .filter_map(|track| match track.config.params {
                        CodecParams::Video(video) => Some(video.width),
                        CodecParams::Audio(_) => None,
                    })
                    .collect();
                assert_eq!(widths, [640, 656, 672, 688]);
                assert!(rig.stalled < Micros::from_millis(100));
                assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
                rig.close();
            }
        }
    }
}

#[test]
fn the_clock_of_mpeg_ts_turns() {
    // 2^33 ticks of 90 kHz, a minute and a half before the end of which the stream is joined.
    let first_stamp = Micros(95_443_717_689 - 120_000_000);
    for sound in [Sound::Muxed, Sound::Packed] {
        let packager = Packager { first_stamp, sound, ..Packager::live().with_qualities() };
        let mut rig = Rig::new(Origin::new(packager), MASTER);
        rig.run(15_000);
        rig.act(|hls, now, out| hls.select(Some(0), now, out));
        rig.run(30_000);
        rig.act(|hls, now, out| hls.select(Some(2), now, out));
        rig.run(15_000);
        rig.assert_seamless();
        rig.close();
    }
}
