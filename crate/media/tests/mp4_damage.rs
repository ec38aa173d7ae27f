//! Damaged, hostile and foreign bytes: told where, stepped over, and never waited for.

mod common;

use bytes::Bytes;
use common::{
    fixture,
    mp4::{
        BASE_IS_MOOF, Reading, av_movie, bx, demux, demux_chunks, full, idr, inter, moof, reasons, times,
        traf, trak, trun,
    },
    skips,
};
use proptest::prelude::*;
use sailcast_media::{
    DemuxError, DemuxEvent, Demuxer, FileDemuxer, MediaKind, MediaTime, Mp4Demuxer, SkipReason,
};

/// A segment of two pictures of 100 bytes.
fn segment(time: u32) -> Vec<u8> {
    let fragment = moof(|at| traf(1, Some(time), &trun(at, &[(40, 100), (40, 100)])));
    [bx(b"styp", &[b"msdh\0\0\0\0msdh"]), fragment, bx(b"mdat", &[&idr(100), &inter(100)])].concat()
}

fn shown(events: &[DemuxEvent]) -> Vec<i64> {
    times(events, MediaKind::Video).into_iter().map(|(dts, ..)| dts).collect()
}

#[test]
fn a_segment_cut_short_costs_no_more_than_itself() {
    let mut demuxer = Mp4Demuxer::new();
    let mut events = Vec::new();
    let (init, cut, next) = (av_movie(), segment(0), segment(1000));
    let at = init.len() + cut.len() - 100;
    for part in [&init[..], &cut[..cut.len() - 30], &next] {
        demuxer.push(Bytes::copy_from_slice(part));
        demuxer.flush();
        while let Some(event) = demuxer.poll().unwrap() {
            events.push(event);
        }
    }
    assert_eq!(shown(&events), [0, 1000, 1040]);
    assert_eq!(skips(&events), [(at as u64, 70, SkipReason::Truncated)]);
}

#[test]
fn a_stream_that_ends_between_two_samples_is_truncated_too() {
    let (init, cut) = (av_movie(), segment(0));
    let whole = [&init[..], &cut].concat();
    assert_eq!(reasons(&demux(&whole).0), []);
    for missing in [100, 200, 208] {
        let (events, _) = demux(&whole[..whole.len() - missing]);
        let lost = (whole.len() as u64 - missing.clamp(100, 200) as u64, 100, SkipReason::Truncated);
        assert_eq!(skips(&events), [lost], "{missing} bytes are missing");
    }
}

#[test]
fn a_segment_cut_short_that_nobody_tells_of_costs_what_it_swallows() {
    let cut = segment(0);
    let stream = [av_movie(), cut[..cut.len() - 30].to_vec(), segment(1000), segment(2000)].concat();
    let (events, failed) = demux(&stream);
    assert_eq!(failed, None);
    // The head of the second one was taken for the rest of a picture.
    assert_eq!((shown(&events), reasons(&events)), (vec![0, 40, 2000, 2040], vec![SkipReason::LostSync]));
}

#[test]
fn garbage_between_segments_is_searched_through() {
    let garbage: Vec<u8> = (0..5000u32).map(|i| (i * 37 % 251) as u8).collect();
    let begin = [av_movie(), segment(0)].concat();
    let stream = [begin.clone(), garbage.clone(), segment(1000)].concat();
    let (events, _) = demux(&stream);
    assert_eq!(shown(&events), [0, 40, 1000, 1040]);
    assert_eq!(skips(&events), [(begin.len() as u64, 5000, SkipReason::LostSync)]);
    let page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    let (events, _) = demux(&[begin, page.to_vec(), segment(1000)].concat());
    assert_eq!(shown(&events), [0, 40, 1000, 1040]);
}

#[test]
fn media_that_claim_too_much_end_at_the_next_segment() {
    let mut broken = segment(0);
    let mdat = broken.len() - 208;
    broken[mdat..mdat + 4].copy_from_slice(&1_000_000u32.to_be_bytes());
    let stream = [av_movie(), broken, segment(1000)].concat();
    let (events, _) = demux(&stream);
    assert_eq!((shown(&events), reasons(&events)), (vec![0, 40, 1000, 1040], vec![]));
}

#[test]
fn media_that_claim_too_little_lose_what_is_behind() {
    let mut broken = segment(0);
    let mdat = broken.len() - 208;
    broken[mdat..mdat + 4].copy_from_slice(&150u32.to_be_bytes());
    let stream = [av_movie(), broken, segment(1000)].concat();
    let (events, _) = demux(&stream);
    assert_eq!(shown(&events), [0, 1000, 1040]);
    assert_eq!(reasons(&events), [SkipReason::BadPacket, SkipReason::LostSync]);
}

#[test]
fn a_bad_movie_in_mid_stream_leaves_the_tracks_as_they_were() {
    let bad = bx(b"moov", &[&[0xff; 60]]);
    let begin = [av_movie(), segment(0)].concat();
    let (events, _) = demux(&[begin.clone(), bad.clone(), segment(1000)].concat());
    assert_eq!(shown(&events), [0, 40, 1000, 1040]);
    assert_eq!(skips(&events), [(begin.len() as u64, 68, SkipReason::BadConfig)]);
    assert_eq!(demux(&bad).1, Some(DemuxError::BadBox { at: 0, name: *b"moov" }));
}

#[test]
fn boxes_and_samples_past_their_caps_are_stepped_over() {
    let large = [&(5u32 << 20).to_be_bytes()[..], b"moof", &vec![0; (5 << 20) - 8]].concat();
    let (events, _) = demux(&[av_movie(), large, segment(0)].concat());
    assert_eq!((shown(&events), reasons(&events)), (vec![0, 40], vec![SkipReason::BadPacket]));
    // A sample of 20 MB before one that is right.
    let size = 20 << 20;
    let fragment = moof(|at| traf(1, Some(0), &trun(at, &[(40, size), (40, 100)])));
    let mdat = [&(size as u32 + 108).to_be_bytes()[..], b"mdat"].concat();
    let mut demuxer = Mp4Demuxer::new();
    demuxer.push([av_movie(), fragment, mdat].concat().into());
    let mut events = Vec::new();
    for _ in 0..20 {
        demuxer.push(vec![0; 1 << 20].into());
        events.extend(std::iter::from_fn(|| demuxer.poll().unwrap()));
        assert!(demuxer.buffered_bytes() <= 1 << 20);
    }
    demuxer.push(idr(100).into());
    events.extend(std::iter::from_fn(|| demuxer.poll().unwrap()));
    assert_eq!((shown(&events), reasons(&events)), (vec![40], vec![SkipReason::BadPacket]));
}

#[test]
fn counts_that_cannot_be_are_no_work() {
    let endless = |flags: u32, size: u32| {
        moof(move |at| {
            let tfhd = full(b"tfhd", 0, BASE_IS_MOOF | 0x10, &[1, size]);
            let trun = full(b"trun", 0, flags, &[u32::MAX, at]);
            bx(b"traf", &[&tfhd, &trun])
        })
    };
    for (flags, size) in [(1, 0), (1, 1), (1, u32::MAX), (0x301, 0), (0xf01, 100)] {
        let stream = [av_movie(), endless(flags, size), bx(b"mdat", &[&[0; 100]]), segment(1000)].concat();
        let (events, failed) = demux(&stream);
        assert_eq!((shown(&events), failed), (vec![1000, 1040], None), "{flags:x} {size}");
    }
    let tables = [
        full(b"stts", 0, 0, &[u32::MAX, u32::MAX, u32::MAX]),
        full(b"stsc", 0, 0, &[2, 1, 0, 1, 1, u32::MAX, 1]),
        full(b"stsz", 0, 0, &[u32::MAX, u32::MAX]),
        full(b"stco", 0, 0, &[u32::MAX, 0, 0]),
        full(b"stss", 0, 0, &[3, u32::MAX, 1, 0]),
    ];
    let video = trak(1, b"vide", &common::mp4::avc_entry(), &[], &tables.concat());
    let file = bx(b"moov", &[&full(b"mvhd", 0, 0, &[0, 0, 1000, 0]), &video]);
    let mut reading = Reading::new(file.into()).read(&[100]);
    assert_eq!(reading.failed, None);
    for at in [i64::MIN, 0, 1 << 50, i64::MAX] {
        reading.demuxer.keyframes_around(MediaTime(at));
        reading.demuxer.seek(MediaTime(at));
        while reading.step(100) {}
    }
}

#[test]
fn samples_that_are_only_claimed_are_passed_over_together() {
    // Each run is of 2^32 - 1 samples of a byte that lie before the media, or of samples that are too large.
    for (offset, size) in [(1u32 << 31, 1), (0, 1 << 30)] {
        let fragment = moof(|at| {
            let tfhd = full(b"tfhd", 0, BASE_IS_MOOF | 0x10, &[1, size]);
            let run = full(b"trun", 0, 1, &[u32::MAX, at.wrapping_sub(offset)]);
            bx(b"traf", &[&tfhd, &run.repeat(4000)])
        });
        let stream = [av_movie(), fragment, bx(b"mdat", &[&[0; 100]]), segment(1000)].concat();
        let (events, _) = demux(&stream);
        assert_eq!(shown(&events), [1000, 1040]);
    }
    let places: Vec<u32> = std::iter::once(100_000).chain(std::iter::repeat_n(0, 100_000)).collect();
    let tables = [
        full(b"stts", 0, 0, &[1, u32::MAX, 1]),
        full(b"stsc", 0, 0, &[1, 1, 10_000_000, 1]),
        full(b"stsz", 0, 0, &[1, u32::MAX]),
        full(b"stco", 0, 0, &places),
    ];
    let video = trak(1, b"vide", &common::mp4::avc_entry(), &[], &tables.concat());
    let init = bx(b"moov", &[&full(b"mvhd", 0, 0, &[0, 0, 1000, 0]), &video]);
    let (events, failed) = demux(&[init, bx(b"mdat", &[&[0; 100]])].concat());
    assert_eq!((shown(&events), failed), (vec![], None));
}

#[test]
fn a_run_too_far_before_its_track_is_dropped_and_not_waited_for() {
    // The second run lies 20 MB before the first.
    let far = 20 << 20;
    let fragment = moof(|at| {
        let runs = [trun(at + far, &[(40, 100)]), trun(at, &[(40, 100)]), trun(at + far + 100, &[(40, 100)])];
        traf(1, Some(0), &runs.concat())
    });
    let mut demuxer = Mp4Demuxer::new();
    let mdat = [&(far + 208).to_be_bytes()[..], b"mdat"].concat();
    demuxer.push([av_movie(), fragment, mdat].concat().into());
    let mut events = Vec::new();
    for _ in 0..20 {
        demuxer.push(vec![0; 1 << 20].into());
        events.extend(std::iter::from_fn(|| demuxer.poll().unwrap()));
        assert!(demuxer.buffered_bytes() <= 1 << 20);
    }
    demuxer.push([idr(100), inter(100)].concat().into());
    events.extend(std::iter::from_fn(|| demuxer.poll().unwrap()));
    assert_eq!((shown(&events), reasons(&events)), (vec![0, 80], vec![SkipReason::BadPacket]));
}

#[test]
fn fragments_without_their_media_do_not_pile_up() {
    let samples: Vec<_> = (0..1000).map(|_| (40, 100)).collect();
    let mut demuxer = Mp4Demuxer::new();
    demuxer.push(av_movie().into());
    let mut told = 0;
    for i in 0..500 {
        demuxer.push(moof(|at| traf(1, Some(i), &trun(at, &samples))).into());
        told += std::iter::from_fn(|| demuxer.poll().unwrap()).count();
    }
    assert!((499..=510).contains(&told), "{told}");
    assert_eq!(demuxer.buffered_bytes(), 0);
}

const FIXTURES: [&str; 8] = [
    "whole-first.mp4",
    "whole-last.mp4",
    "whole-g711.mov",
    "fragments.mp4",
    "fragments-offsets.mp4",
    "fragments-sidx.mp4",
    "fragments-prft.mp4",
    "fragments-vp9-opus.mp4",
];

/// Changes at places near the head of a file, where its boxes are, or anywhere.
fn changes() -> impl Strategy<Value = Vec<(usize, u8)>> {
    let at = prop_oneof![0usize..4000, 0usize..100_000];
    prop::collection::vec((at, prop_oneof![Just(0u8), Just(0xff), any::<u8>()]), 1..12)
}

fn damaged(which: usize, changes: &[(usize, u8)], cut: Option<usize>) -> Bytes {
    let mut bytes = fixture(FIXTURES[which]).to_vec();
    let len = bytes.len();
    for (at, byte) in changes {
        bytes[at % len] = *byte;
    }
    bytes.truncate(cut.map_or(len, |cut| cut % len));
    bytes.into()
}

proptest! {
    #![proptest_config(common::cases(400))]

    #[test]
    fn damaged_streams_come_to_an_end_and_split_alike(
        which in 0..FIXTURES.len(),
        changes in changes(),
        cut in prop::option::of(any::<usize>()),
        size in 1usize..5000,
    ) {
        let stream = damaged(which, &changes, cut);
        let whole = demux_chunks([stream.clone()]);
        let split = demux_chunks(stream.chunks(size).map(Bytes::copy_from_slice));
        prop_assert_eq!(whole, split);
    }

    #[test]
    fn damaged_files_come_to_an_end_and_can_be_sought_in(
        which in 0..FIXTURES.len(),
        changes in changes(),
        cut in prop::option::of(any::<usize>()),
        to in -1_000_000i64..9_000_000,
    ) {
        let file = damaged(which, &changes, cut);
        let whole = Reading::new(file.clone()).read(&[1 << 20]);
        let mut pieces = Reading::new(file).read(&[3000]);
        prop_assert_eq!(&whole.events, &pieces.events);
        prop_assert_eq!(whole.failed, pieces.failed);
        pieces.demuxer.keyframes_around(MediaTime(to));
        pieces.demuxer.seek(MediaTime(to));
        pieces.read(&[3000]);
    }
}
