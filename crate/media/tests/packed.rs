//! Packed audio of HLS: segments of sound with their time in an ID3 tag.

mod common;

use bytes::Bytes;
use common::{
    cases, fixture, hear, skips, split,
    ts::{A0, MOST_HELD, adts, data, packets, reasons, ticks},
};
use proptest::prelude::*;
use sailcast_media::{
    DemuxError, DemuxEvent, Demuxer, Message, PackedDemuxer, SkipReason,
    demux::{Format, probe},
};

const FIXTURES: [&str; 4] = ["packed-aac.aac", "packed-mp3.mp3", "packed-ac3.ac3", "packed-eac3.eac3"];
const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";

/// An ID3 tag with the time of what follows.
fn tag(ticks: u64) -> Vec<u8> {
    let frame = [b"PRIV\0\0\0\x35\0\0", OWNER, &ticks.to_be_bytes()].concat();
    [&b"ID3\x04\0\0\0\0\0\x3f"[..], &frame].concat()
}

fn frames(values: std::ops::Range<u8>) -> Vec<u8> {
    values.flat_map(|n| adts(&[0x21, n])).collect()
}

fn demux(chunks: impl IntoIterator<Item = Bytes>) -> common::Heard {
    hear(PackedDemuxer::new(), chunks, PackedDemuxer::buffered_bytes, MOST_HELD)
}

fn read(bytes: &[u8]) -> Vec<DemuxEvent> {
    let (events, failed) = demux([Bytes::copy_from_slice(bytes)]);
    assert_eq!(failed, None);
    events
}

/// The values of frames.
fn values(events: &[DemuxEvent]) -> Vec<u8> {
    data(events, A0).iter().map(|data| data[1]).collect()
}

#[test]
fn times_begin_where_the_tag_says_and_the_tag_is_told() {
    let segment = [tag(900_000), frames(0..3)].concat();
    let events = read(&segment);
    assert_eq!(
        ticks(&events, A0).iter().map(|(dts, _)| *dts).collect::<Vec<_>>(),
        [900_000, 902_090, 904_180]
    );
    let DemuxEvent::Metadata(told) = &events[0] else { panic!("{:?}", events[0]) };
    assert_eq!((told.time.0, &told.message), (10_000_000, &Message::Id3 { payload: tag(900_000).into() }));
}

#[test]
fn the_next_segment_has_its_own_time_over_the_wrap_too() {
    let turn = 1u64 << 33;
    let mut demuxer = PackedDemuxer::new();
    let mut events = Vec::new();
    for ticks in [turn - 900, 5000] {
        demuxer.push([tag(ticks), frames(0..2)].concat().into());
        demuxer.flush();
        while let Some(event) = demuxer.poll().unwrap() {
            events.push(event);
        }
    }
    let begin = turn as i64;
    let times: Vec<_> = ticks(&events, A0).iter().map(|(dts, _)| *dts - begin).collect();
    assert_eq!(times, [-900, 1190, 5000, 7090]);
}

#[test]
fn without_a_tag_times_begin_at_0_and_do_not_drift() {
    let events = read(&adts(&[0x21, 1]).repeat(44_100));
    // 1024 seconds, to the microsecond.
    assert_eq!(packets(&events)[44_100 - 1].dts.0, 1_024_000_000 - 23_220);
}

#[test]
fn every_format_is_known_by_its_first_bytes() {
    for name in FIXTURES {
        assert_eq!(probe(&fixture(name)[..2000]), Some(Format::PackedAudio), "{name}");
    }
    assert_eq!(probe(&tag(0)), Some(Format::PackedAudio));
    for name in ["ts-avc-aac.ts", "ts-m2ts.m2ts"] {
        assert_eq!(probe(&fixture(name)[..2000]), Some(Format::Ts), "{name}");
    }
    assert_eq!(probe(&fixture("ts-avc-aac.ts")[100..2000]), Some(Format::Ts), "from inside a packet");
    assert_eq!(probe(&fixture("audio-only.flv")), Some(Format::Flv));
    assert_eq!(probe(b"\0\0\0\x18ftypmp42"), Some(Format::Mp4));
    for other in [&b""[..], b"G", b"<html><body>Gone</body></html>", b"#EXTM3U", &[0; 3000]] {
        assert_eq!(probe(other), None, "{other:?}");
    }
}

#[test]
fn damage_costs_the_frames_it_touches() {
    let bytes = frames(0..8);
    let len = adts(&[0x21, 0]).len();
    let damaged = [&bytes[..len * 3], b"garbage \xff\xf1 ID3", &bytes[len * 3..]].concat();
    let events = read(&damaged);
    assert_eq!(values(&events), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(skips(&events), [(len as u64 * 3, 14, SkipReason::LostSync)]);
    let events = read(&[&bytes[..len * 3], &bytes[len * 3 + 4..]].concat());
    assert_eq!(values(&events), [0, 1, 2, 4, 5, 6, 7]);
}

#[test]
fn a_frame_cut_short_at_the_end_is_told() {
    let bytes = frames(0..3);
    let events = read(&bytes[..bytes.len() - 1]);
    assert_eq!((values(&events), reasons(&events)), (vec![0, 1], vec![(Some(A0), SkipReason::Truncated)]));
}

#[test]
fn a_segment_may_end_inside_a_frame() {
    let bytes = frames(0..4);
    let mut demuxer = PackedDemuxer::new();
    let mut events = Vec::new();
    // The second goes on where the first was cut; the third begins anew, though the second was cut too.
    for segment in [&bytes[..bytes.len() - 3], &bytes[bytes.len() - 3..], &bytes[..4], &bytes] {
        demuxer.push(Bytes::copy_from_slice(segment));
        demuxer.flush();
        while let Some(event) = demuxer.poll().unwrap() {
            events.push(event);
        }
    }
    assert_eq!(values(&events), [0, 1, 2, 3, 0, 1, 2, 3]);
    assert_eq!(skips(&events).iter().map(|(_, len, _)| *len).sum::<u64>(), 4);
}

#[test]
fn what_has_no_frames_is_refused() {
    let page = Bytes::from_static(b"<html><body>404 Not Found</body></html>");
    let len = page.len() as u64;
    assert_eq!(demux([page]), (vec![], Some(DemuxError::NoFrames { at: 0, searched: len })));
    let endless: Vec<_> = (0..100).map(|_| Bytes::from(vec![7; 1000])).collect();
    let whole = Bytes::from(endless.concat());
    assert_eq!(demux(endless), demux([whole.clone()]));
    assert_eq!(demux([whole]).1, Some(DemuxError::NoFrames { at: 0, searched: 65_536 }));
    assert_eq!(demux([]), (vec![], None));
}

#[test]
fn an_absurd_tag_does_not_swallow_the_sound() {
    let absurd = b"ID3\x04\0\0\x7f\x7f\x7f\x7f";
    let events = read(&[&absurd[..], &frames(0..3)].concat());
    assert_eq!(values(&events), [0, 1, 2]);
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn mutated_sound_reads_alike_however_it_is_split(
        which in 0..FIXTURES.len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        sizes in prop::collection::vec(1usize..2000, 1..6),
    ) {
        let mut bytes = [tag(900_000), fixture(FIXTURES[which]).to_vec(), tag(99)].concat();
        for (at, byte) in flips {
            *at.get_mut(&mut bytes) = byte;
        }
        bytes.drain(..cut.index(300));
        let bytes = Bytes::from(bytes);
        let heard = demux([bytes.clone()]);
        prop_assert_eq!(&demux(split(&bytes, &sizes)), &heard);
        let mut behind = 0;
        for (at, len, _) in skips(&heard.0) {
            prop_assert!(at >= behind && len > 0 && at + len <= bytes.len() as u64);
            behind = at + len;
        }
    }
}
