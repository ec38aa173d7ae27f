//! Damage is told with its place, costs no more than the units it touches, and never panics or hangs.

mod common;

use bytes::Bytes;
use common::{
    edits::{Edit, edited, edits},
    fixture, skips, split,
    ts::{
        A0, AUDIO, AVC_AAC, Mux, PACKET, V0, VIDEO, adts, at, data, demux_ts, demux_ts_chunks, events, inter,
        keyframe, packet, packets, pes, reasons, ticks,
    },
};
use proptest::prelude::*;
use sailcast_media::{DemuxError, DemuxEvent, Demuxer, SkipReason, TsDemuxer};

/// Tables, then this many pictures of three packets each, and a frame of sound behind each.
fn pictures(count: u64) -> Mux {
    let mut mux = Mux::with(AVC_AAC);
    for n in 0..count {
        let unit = if n == 0 { keyframe() } else { inter() };
        mux.pes(VIDEO, at(n * 3600), &[unit, vec![0x55; 400]].concat());
        mux.pes(AUDIO, at(n * 3600), &adts(&[0x21, n as u8]));
    }
    mux
}

fn times(events: &[DemuxEvent]) -> Vec<i64> {
    ticks(events, V0).iter().map(|(dts, _)| dts / 3600).collect()
}

/// Where the packets of a PID begin.
fn places(stream: &[u8], pid: u16) -> Vec<usize> {
    let is_its = |packet: &[u8]| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) == pid;
    (0..stream.len()).step_by(PACKET).filter(|at| is_its(&stream[*at..])).collect()
}

fn without(stream: &Bytes, at: usize) -> Bytes {
    [&stream[..at], &stream[at + PACKET..]].concat().into()
}

#[test]
fn a_lost_packet_costs_the_picture_it_was_of() {
    let stream = pictures(4).take();
    for (n, at) in places(&stream, VIDEO).into_iter().enumerate().skip(3) {
        let heard = events(&without(&stream, at));
        let lost = n as i64 / 3;
        let left: Vec<_> = (0..4).filter(|time| *time != lost).collect();
        assert_eq!(times(&heard), left, "packet {n}");
        // The last one of all is missed by nothing: its PES packet is too short.
        let why = if n == 11 { SkipReason::Truncated } else { SkipReason::Continuity };
        assert_eq!(reasons(&heard), [(Some(V0), why)], "packet {n}");
        assert_eq!(ticks(&heard, A0).len(), 4, "packet {n}");
    }
}

#[test]
fn a_gap_is_told_at_the_packet_that_shows_it() {
    let stream = pictures(3).take();
    let places = places(&stream, VIDEO);
    let heard = events(&without(&stream, places[4]));
    assert_eq!(skips(&heard)[0].0, places[5] as u64 - PACKET as u64);
}

#[test]
fn a_picture_that_was_whole_before_the_gap_is_not_lost() {
    let mut mux = pictures(2);
    mux.lose(VIDEO);
    mux.pes(VIDEO, at(4 * 3600), &keyframe());
    assert_eq!(times(&events(&mux.take())), [0, 1, 4]);
}

#[test]
fn of_pictures_without_a_length_the_one_before_a_gap_is_dropped() {
    let mut mux = Mux::with(AVC_AAC);
    mux.open_pes(VIDEO, at(0), &keyframe());
    mux.open_pes(VIDEO, at(3600), &inter());
    mux.lose(VIDEO);
    mux.open_pes(VIDEO, at(7200), &keyframe());
    let heard = events(&mux.take());
    assert_eq!(times(&heard), [0, 2]);
    assert_eq!(reasons(&heard), [(Some(V0), SkipReason::Continuity)]);
}

#[test]
fn sound_behind_a_gap_begins_at_the_next_time() {
    let frames: Vec<u8> = (0..20).flat_map(|n| adts(&[0x21 + n; 30])).collect();
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(AUDIO, at(0), &frames);
    mux.pes(AUDIO, at(90_000), &frames);
    let stream = mux.take();
    let heard = events(&without(&stream, places(&stream, AUDIO)[1]));
    let times: Vec<_> = ticks(&heard, A0).iter().map(|(dts, _)| *dts).collect();
    assert_eq!(times.iter().filter(|time| **time >= 90_000).count(), 20);
    assert!(times.iter().filter(|time| **time < 90_000).count() < 6);
}

#[test]
fn a_packet_sent_twice_counts_once() {
    let stream = pictures(3).take();
    let twice: Vec<u8> = stream.chunks(PACKET).flat_map(|packet| packet.repeat(2)).collect();
    let strip = |stream: &Bytes| events(stream);
    assert_eq!(strip(&twice.into()), strip(&stream));
}

#[test]
fn an_announced_jump_of_the_counter_is_no_loss() {
    let mut mux = pictures(2);
    mux.out.extend(packet(VIDEO, 13, true, 0x80, &pes(VIDEO, at(7200), true, &inter())));
    let heard = events(&mux.take());
    assert_eq!((times(&heard), reasons(&heard)), (vec![0, 1, 2], vec![]));
}

#[test]
fn a_jump_may_be_announced_by_a_packet_without_a_payload() {
    let mut mux = pictures(1);
    mux.open_pes(VIDEO, at(3600), &inter());
    // As ffmpeg writes the PCR behind a splice.
    mux.out.extend(packet(VIDEO, 12, false, 0x90, &[]));
    mux.out.extend(packet(VIDEO, 13, true, 0, &pes(VIDEO, at(7200), true, &inter())));
    let heard = events(&mux.take());
    assert_eq!((times(&heard), reasons(&heard)), (vec![0, 1, 2], vec![]));
}

#[test]
fn a_packet_that_says_it_is_damaged_is_a_lost_one() {
    let stream = pictures(3).take();
    let at = places(&stream, VIDEO)[4];
    let mut damaged = stream.to_vec();
    damaged[at + 1] |= 0x80;
    assert_eq!(times(&events(&damaged.into())), [0, 2]);
}

#[test]
fn scrambled_packets_are_told_once() {
    let mut stream = pictures(4).take().to_vec();
    for at in places(&stream, VIDEO) {
        stream[at + 3] |= 0x80;
    }
    let heard = events(&stream.into());
    assert_eq!((times(&heard), ticks(&heard, A0).len()), (vec![], 4));
    assert_eq!(reasons(&heard), [(Some(V0), SkipReason::Encrypted)]);
}

#[test]
fn what_stands_on_both_sides_of_scrambled_packets_is_not_joined() {
    let mut mux = pictures(1);
    let unit = pes(VIDEO, at(3600), true, &[inter(), vec![0x55; 500]].concat());
    mux.payload(VIDEO, &unit);
    mux.pes(VIDEO, at(7200), &keyframe());
    let mut stream = mux.take().to_vec();
    let second = places(&stream, VIDEO)[4];
    stream[second + 3] |= 0x80;
    let heard = events(&stream.into());
    assert_eq!((times(&heard), reasons(&heard)[0]), (vec![0, 2], (Some(V0), SkipReason::Encrypted)));
}

#[test]
fn a_damaged_sync_byte_costs_its_packet() {
    let stream = pictures(5).take();
    for at in places(&stream, AUDIO).into_iter().take(4) {
        let mut damaged = stream.to_vec();
        damaged[at] = 0x46;
        let heard = events(&damaged.into());
        assert_eq!(skips(&heard)[0], (at as u64, PACKET as u64, SkipReason::LostSync));
        assert_eq!(times(&heard), [0, 1, 2, 3, 4]);
    }
}

#[test]
fn bytes_that_are_missing_cost_no_more_than_the_units_around() {
    let stream = pictures(12).take();
    for cut in [1, 100, 187, 500] {
        let at = places(&stream, VIDEO)[10] + 30;
        let damaged = [&stream[..at], &stream[at + cut..]].concat().into();
        let heard = events(&damaged);
        let left = times(&heard);
        assert!(left.len() >= 10 && left.ends_with(&[6, 7, 8, 9, 10, 11]), "{cut}: {left:?}");
        assert!(reasons(&heard).contains(&(None, SkipReason::LostSync)), "{cut}");
    }
}

#[test]
fn garbage_before_the_first_packet_and_between_packets_is_passed_over() {
    let stream = pictures(12).take();
    let garbage = [&b"<html>G"[..], &[0x47; 9], &[0xff; 300]].concat();
    let heard = events(&[&garbage[..], &stream].concat().into());
    assert_eq!(skips(&heard), [(0, garbage.len() as u64, SkipReason::LostSync)]);
    assert_eq!(times(&heard).len(), 12);
    let at = places(&stream, VIDEO)[15];
    let heard = events(&[&stream[..at], &garbage, &stream[at..]].concat().into());
    assert!(times(&heard).len() >= 11);
}

#[test]
fn a_stream_that_begins_and_ends_inside_a_packet_is_read() {
    let stream = pictures(8).take();
    for from in [1, 4, 100, 187] {
        let mut late = stream.slice(from..).to_vec();
        // Its tables come again.
        late.extend(Mux::with(AVC_AAC).out);
        let (heard, failed) = demux_ts(&late.into());
        assert_eq!((failed, times(&heard).len()), (None, 8), "{from}");
    }
    let heard = events(&stream.slice(..stream.len() - 30));
    assert_eq!(reasons(&heard), [(None, SkipReason::Truncated)]);
}

#[test]
fn packets_of_192_and_204_bytes_are_read_alike() {
    let stream = pictures(6).take();
    let plain: Vec<_> = packets(&events(&stream)).into_iter().cloned().collect();
    let timed = stream.chunks(PACKET).flat_map(|packet| [&[0, 1, 0x47, 3], packet].concat());
    let guarded = stream.chunks(PACKET).flat_map(|packet| [packet, &[0x47; 16]].concat());
    for stream in [timed.collect::<Vec<u8>>(), guarded.collect()] {
        let heard = events(&stream.into());
        assert_eq!(packets(&heard).into_iter().cloned().collect::<Vec<_>>(), plain);
        assert_eq!(reasons(&heard), []);
    }
}

#[test]
fn what_is_no_transport_stream_is_refused() {
    for bytes in [&b"<!DOCTYPE html>"[..], &[0x47; 100], &[0; 5000], b"GGGG"] {
        let (heard, failed) = demux_ts(&Bytes::copy_from_slice(bytes));
        assert_eq!(
            (heard.len(), failed),
            (0, Some(DemuxError::NotTs { at: 0, searched: bytes.len() as u64 }))
        );
    }
    let endless = (0..1000).map(|_| Bytes::from_static(&[7; 1000]));
    let (_, failed) = demux_ts_chunks(endless);
    assert!(matches!(failed, Some(DemuxError::NotTs { at: 0, searched }) if searched < 300_000));
    assert_eq!(demux_ts(&Bytes::new()), (vec![], None));
    let mut demuxer = TsDemuxer::new();
    demuxer.push(Bytes::from_static(&[7; 300_000]));
    assert!(demuxer.poll().is_err(), "at once, not with the bytes after");
}

#[test]
fn a_picture_that_never_ends_is_left_out() {
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(VIDEO, at(0), &keyframe());
    mux.open_pes(VIDEO, at(3600), &inter());
    for _ in 0..50_000 {
        mux.packet(VIDEO, false, &[0x55; 184]);
    }
    mux.open_pes(VIDEO, at(7200), &keyframe());
    let heard = events(&mux.take());
    assert_eq!(times(&heard), [0, 2]);
    assert_eq!(reasons(&heard), [(Some(V0), SkipReason::BadPacket)]);
}

#[test]
fn damaged_sound_is_left_out_and_the_next_frame_found() {
    let mut bad = adts(&[0x21, 2]);
    bad[0] = 0;
    let mut mux = Mux::with(AVC_AAC);
    let frames =
        [adts(&[0x21, 0]), adts(&[0x21, 1]), bad.clone(), adts(&[0x21, 3]), adts(&[0x21, 4])].concat();
    mux.pes(AUDIO, at(0), &frames);
    let heard = events(&mux.take());
    assert_eq!(data(&heard, A0), [[0x21, 0], [0x21, 1], [0x21, 3], [0x21, 4]]);
    assert_eq!(skips(&heard)[0].1, bad.len() as u64);
}

/// The headers of packets are where structure is dense; the first kilobyte has the tables.
fn damage() -> impl Strategy<Value = Vec<Edit>> {
    let in_header = (0usize..400, 0usize..24).prop_map(|(n, byte)| n * PACKET + byte);
    let at = prop_oneof![any::<usize>(), 0usize..1024, in_header];
    edits(at, prop_oneof![1usize..3000, Just(PACKET)], 0x47)
}

proptest! {
    #![proptest_config(common::cases(300))]

    #[test]
    fn mutated_streams_read_alike_however_they_are_split(
        which in 0usize..6,
        edits in damage(),
        sizes in prop::collection::vec(1usize..3000, 1..6),
    ) {
        let names =
            ["ts-avc-aac.ts", "ts-open.ts", "ts-hevc-latm.ts", "ts-m2ts.m2ts", "ts-eac3.ts", "ts-opus.ts"];
        let bytes = edited(&fixture(names[which]), &edits);
        let heard = demux_ts(&bytes);
        prop_assert_eq!(&demux_ts_chunks(split(&bytes, &sizes)), &heard);
        for (at, len, _) in skips(&heard.0) {
            prop_assert!(at <= bytes.len() as u64 && len <= bytes.len() as u64 * 2);
        }
    }

    #[test]
    fn a_lost_packet_costs_little(which in any::<prop::sample::Index>()) {
        let stream = fixture("ts-avc-aac.ts");
        let at = 188 * which.index(stream.len() / 188);
        let (heard, failed) = demux_ts(&without(&stream, at));
        prop_assert_eq!(failed, None);
        let (whole, _) = demux_ts(&stream);
        let left = packets(&heard);
        let lost = packets(&whole).into_iter().filter(|packet| !left.contains(packet)).count();
        // The first keyframe brings the configuration of its group of pictures.
        prop_assert!(lost <= 30, "{} packets, at {}", lost, at);
    }
}
