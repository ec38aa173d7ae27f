//! Any split of the same bytes gives the same events.

mod common;

use bytes::{Bytes, BytesMut};
use common::{
    demux, fixture, hear, split,
    ts::{A0, MOST_HELD, V0, demux_segments, demux_ts, demux_ts_chunks, packets, reasons},
};
use proptest::prelude::*;
use sailcast_media::{DemuxEvent, PackedDemuxer, ts::mux::TsMuxer};

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
    hear(PackedDemuxer::new(), chunks, PackedDemuxer::buffered_bytes, MOST_HELD)
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

#[test]
fn segments_of_our_muxer_are_read_as_the_whole_they_are_of() {
    for name in ["counter-av.flv", "counter-bframes.flv", "counter-hevc-opus.flv", "counter-mp3.flv"] {
        let (events, _) = demux(&fixture(name));
        let tracks = events
            .iter()
            .filter_map(|e| if let DemuxEvent::Track(info) = e { Some(info.clone()) } else { None });
        let mut muxer = TsMuxer::new(&tracks.collect::<Vec<_>>()).unwrap();
        let segments = packets(&events)
            .chunks(61)
            .map(|packets| {
                let mut out = BytesMut::new();
                muxer.tables(&mut out);
                packets.iter().for_each(|packet| muxer.packet(&mut out, packet).unwrap());
                muxer.flush(&mut out);
                out.freeze()
            })
            .collect::<Vec<_>>();
        let (whole, _) = demux_ts(&segments.concat().into());
        same_packets(&demux_segments(&segments), &whole);
    }
}

/// Those of each track, as the tracks' order is that in which units end.
fn same_packets(events: &[DemuxEvent], expected: &[DemuxEvent]) {
    for track in [V0, A0] {
        let of =
            |events| packets(events).into_iter().filter(|p| p.track == track).cloned().collect::<Vec<_>>();
        assert_eq!(of(events), of(expected));
    }
    assert_eq!(reasons(events), []);
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
    fn segments_may_be_cut_between_any_packets(
        which in 0..TS.len(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let stream = fixture(TS[which]);
        let (stride, lead) = if TS[which].ends_with("m2ts") { (192, 4) } else { (188, 0) };
        // A picture without a length ends where a segment does: such are cut where one begins.
        let is_open = ["ts-open.ts", "ts-hevc-latm.ts", "ts-m2ts.m2ts"].contains(&TS[which]);
        let begins = |at: &usize| stream[at + lead + 1..][..2] == [0x41, 0];
        let places: Vec<_> = (0..stream.len()).step_by(stride).filter(|at| !is_open || begins(at)).collect();
        let mut places: Vec<_> = cuts.iter().map(|cut| *cut.get(&places)).collect();
        places.extend([0, stream.len()]);
        places.sort_unstable();
        let segments: Vec<_> = places.windows(2).map(|ends| stream.slice(ends[0]..ends[1])).collect();
        let (whole, _) = demux_ts(&stream);
        same_packets(&demux_segments(&segments), &whole);
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
