//! Any split of the same bytes gives the same events.

mod common;

use bytes::Bytes;
use common::{
    fixture, split,
    ts::{demux_ts, demux_ts_chunks, hear, packets},
};
use proptest::prelude::*;
use sailcast_media::{DemuxEvent, PackedDemuxer};

const TS: [&str; 9] = [
    "ts-avc-aac.ts",
    "ts-open.ts",
    "ts-hevc-latm.ts",
    "ts-m2ts.m2ts",
    "ts-mp3.ts",
    "ts-ac3.ts",
    "ts-eac3.ts",
    "ts-opus.ts",
    "ts-opus-5.1.ts",
];
const PACKED: [&str; 4] = ["packed-aac.aac", "packed-mp3.mp3", "packed-ac3.ac3", "packed-eac3.eac3"];

fn demux_packed(chunks: impl IntoIterator<Item = Bytes>) -> common::Heard {
    hear(PackedDemuxer::new(), chunks, PackedDemuxer::buffered_bytes)
}

#[test]
fn real_streams_come_whole_and_without_complaint() {
    let heard = TS.iter().map(|name| (name, demux_ts(&fixture(name))));
    let packed = PACKED.iter().map(|name| (name, demux_packed([fixture(name)])));
    for (name, (events, failed)) in heard.chain(packed) {
        assert_eq!(failed, None, "{name}");
        assert!(packets(&events).len() > 30, "{name}");
        assert!(events.iter().all(|event| !matches!(event, DemuxEvent::Skipped { .. })), "{name}");
    }
}

#[test]
fn byte_by_byte_is_as_good_as_at_once() {
    for name in TS {
        let stream = fixture(name);
        assert_eq!(demux_ts_chunks(split(&stream, &[1])), demux_ts(&stream), "{name}");
    }
    for name in PACKED {
        let stream = fixture(name);
        assert_eq!(demux_packed(split(&stream, &[1])), demux_packed([stream]), "{name}");
    }
}

proptest! {
    #![proptest_config(common::cases(48))]

    #[test]
    fn any_chunking_gives_the_same_events(
        which in 0..TS.len(),
        packed in 0..PACKED.len(),
        sizes in prop::collection::vec(prop_oneof![1usize..40, 1usize..5000, 5000usize..70_000], 1..20),
    ) {
        let stream = fixture(TS[which]);
        prop_assert_eq!(demux_ts_chunks(split(&stream, &sizes)), demux_ts(&stream));
        let stream = fixture(PACKED[packed]);
        prop_assert_eq!(demux_packed(split(&stream, &sizes)), demux_packed([stream]));
    }

    #[test]
    fn a_viewer_who_comes_late_begins_at_the_next_packet(which in 0..TS.len(), from in any::<prop::sample::Index>()) {
        let whole = fixture(TS[which]);
        let late = whole.slice(from.index(whole.len() * 2 / 3)..);
        let (events, failed) = demux_ts(&late);
        prop_assert_eq!(failed, None);
        // All of it was there before, at the same times.
        let (before, _) = demux_ts(&whole);
        let before = packets(&before);
        for packet in packets(&events) {
            prop_assert!(before.contains(&packet), "{:?}", packet);
        }
    }
}
