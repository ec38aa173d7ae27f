//! HLS of a packager that is not ours: `tests/fixtures/hls.mjs`.

use sailcast_engine::feed::Paced;
use std::path::PathBuf;

use bytes::Bytes;
use sailcast_media::{MediaKind, MediaTime, Micros};
use sailcast_sim::origin::{Fault, Origin, Packager};

use crate::rig::Rig;

const FOLDERS: [(&str, &str); 5] = [
    ("ts", "list.m3u8"),
    ("fmp4", "list.m3u8"),
    ("ranges", "list.m3u8"),
    ("encrypted", "list.m3u8"),
    ("apart", "master.m3u8"),
];

fn rig(folder: &str, list: &str) -> Rig {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/media/hls");
    let origin = Origin::new(Packager::vod(1)).fault(move |request, _| {
        let path = request.url.strip_prefix("http://origin/").expect("an address of ours");
        let Ok(body) = std::fs::read(root.join(path)) else { return Some(Fault::Status(404)) };
        let body = Bytes::from(body);
        Some(match request.range {
            Some(range) => {
                let end = range.offset + range.length;
                Fault::Range(body.slice(range.offset as usize..body.len().min(end as usize)))
            }
            None => Fault::Body(body),
        })
    });
    Rig::new(origin, &format!("http://origin/{folder}/{list}"))
}

/// The times at which packets of this kind are presented, in order.
fn times(rig: &Rig, kind: MediaKind) -> Vec<MediaTime> {
    let packets = rig.packets.iter().filter(|packet| packet.track.kind == kind);
    let mut times: Vec<MediaTime> = packets.map(|packet| packet.pts).collect();
    times.sort();
    times
}

fn assert_steady(times: &[MediaTime], step: f64) {
    for pair in times.windows(2) {
        let off = (pair[1] - pair[0]).0 as f64 - step;
        // A tick of 90 kHz, twice rounded.
        assert!(off.abs() < 25.0, "{off} at {:?}", pair[0]);
    }
}

#[test]
fn all_of_it_is_played_in_step() {
    for (folder, list) in FOLDERS {
        let mut rig = rig(folder, list);
        rig.run(10_000);
        let (video, audio) = (times(&rig, MediaKind::Video), times(&rig, MediaKind::Audio));
        assert_eq!(video.len(), 90, "{folder}");
        assert_eq!(video[0], MediaTime(0), "{folder}");
        assert_steady(&video, 1e6 / 15.0);
        assert_steady(&audio, 1024.0 * 1e6 / 44_100.0);
        assert!(audio[0].0.abs() < 30_000, "the encoder's delay: {:?}", audio[0]);
        assert_eq!(rig.hls.extent(rig.now).duration, Some(Micros::from_secs(6)), "{folder}");
        assert!(rig.hls.is_over() && rig.errors().is_empty(), "{folder}: {:?}", rig.errors());
        rig.close();
    }
}

#[test]
fn every_place_has_the_time_it_had_from_the_beginning() {
    for (folder, list) in FOLDERS {
        let mut rig = rig(folder, list);
        rig.run(3000);
        for (to, first) in [(4100, 4000), (2000, 2000), (100, 0)] {
            rig.seek(to);
            rig.run(3000);
            assert_eq!(times(&rig, MediaKind::Video)[0], MediaTime::from_millis(first), "{folder}");
        }
        rig.twice.clear();
        rig.close();
    }
}
