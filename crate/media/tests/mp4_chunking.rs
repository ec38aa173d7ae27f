//! Any split of the same bytes gives the same events, and a sample comes as soon as it is here.

mod common;

use bytes::Bytes;
use common::{
    fixture,
    mp4::{Reading, av_movie, demux_chunks, idr, moof, packets, times, traf, trun},
    split,
};
use proptest::prelude::*;
use sailcast_media::{DemuxEvent, Demuxer, MediaKind, Mp4Demuxer};

const STREAMS: [&str; 7] = [
    "whole-first.mp4",
    "fragments.mp4",
    "fragments-offsets.mp4",
    "fragments-dash.mp4",
    "fragments-prft.mp4",
    "fragments-av1-flac.mp4",
    "fragments-behind.mp4",
];
const FILES: [&str; 6] = [
    "whole-last.mp4",
    "whole-g711.mov",
    "whole-hevc-opus.mp4",
    "fragments-sidx.mp4",
    "fragments-separate.mp4",
    "fragments-behind.mp4",
];

#[test]
fn real_streams_come_whole_and_without_complaint() {
    for name in &STREAMS[..6] {
        let (events, failed) = demux_chunks([fixture(name)]);
        assert_eq!(failed, None, "{name}");
        assert_eq!(common::skips(&events), [], "{name}");
        assert!(packets(&events).len() > 50, "{name}");
    }
}

#[test]
fn byte_by_byte_is_as_good_as_at_once() {
    for name in ["whole-first.mp4", "fragments.mp4"] {
        let stream = fixture(name);
        assert_eq!(demux_chunks(split(&stream, &[1])), demux_chunks([stream]), "{name}");
    }
    let file = fixture("fragments.mp4");
    assert_eq!(Reading::new(file.clone()).read(&[1]).events, Reading::new(file).read(&[1 << 20]).events);
}

#[test]
fn a_sample_is_given_out_before_its_box_is_here() {
    let fragment = moof(|at| traf(1, Some(0), &trun(at, &[(40, 100), (40, 100)])));
    let mdat = common::mp4::bx(b"mdat", &[&idr(100), &idr(100)]);
    let mut demuxer = Mp4Demuxer::new();
    demuxer.push([av_movie(), fragment, mdat[..8 + 99].to_vec()].concat().into());
    let poll = |demuxer: &mut Mp4Demuxer| std::iter::from_fn(|| demuxer.poll().unwrap()).collect::<Vec<_>>();
    assert!(poll(&mut demuxer).iter().all(|event| matches!(event, DemuxEvent::Track(_))));
    demuxer.push(Bytes::copy_from_slice(&mdat[8 + 99..8 + 100]));
    assert_eq!(times(&poll(&mut demuxer), MediaKind::Video), [(0, 0, 100)]);
}

#[test]
fn a_large_box_of_media_is_never_held_as_a_whole() {
    let samples: Vec<_> = (0..2000).map(|_| (10, 5000)).collect();
    let fragment = moof(|at| traf(1, Some(0), &trun(at, &samples)));
    let mut demuxer = Mp4Demuxer::new();
    demuxer
        .push([av_movie(), fragment, 10_000_008u32.to_be_bytes().to_vec(), b"mdat".to_vec()].concat().into());
    let mut seen = 0;
    for _ in 0..2000 {
        demuxer.push(idr(5000).into());
        while let Some(event) = demuxer.poll().unwrap() {
            seen += usize::from(matches!(event, DemuxEvent::Packet(_)));
        }
        assert!(demuxer.buffered_bytes() < 5000);
    }
    assert_eq!(seen, 2000);
}

#[test]
fn an_empty_sample_before_one_that_is_too_large_says_nothing_too_early() {
    let fragment = moof(|at| traf(1, Some(0), &trun(at, &[(40, 100), (40, 0), (40, 1 << 30), (40, 100)])));
    let garbage = vec![0x6d; 300];
    let mdat = common::mp4::bx(b"mdat", &[&idr(100), &garbage]);
    let stream: Bytes = [av_movie(), fragment, mdat, av_movie()].concat().into();
    for size in [1, 50, 150] {
        assert_eq!(demux_chunks(split(&stream, &[size])), demux_chunks([stream.clone()]), "{size}");
    }
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1usize..40, 1usize..5000, 5000usize..70_000], 1..20)
}

proptest! {
    #![proptest_config(common::cases(32))]

    #[test]
    fn any_chunking_of_a_stream_gives_the_same_events(which in 0..STREAMS.len(), sizes in sizes()) {
        let stream = fixture(STREAMS[which]);
        prop_assert_eq!(demux_chunks(split(&stream, &sizes)), demux_chunks([stream]));
    }

    #[test]
    fn any_pieces_of_a_file_give_the_same_events(which in 0..FILES.len(), sizes in sizes()) {
        let file = fixture(FILES[which]);
        let whole = Reading::new(file.clone()).read(&[1 << 20]);
        let pieces = Reading::new(file).read(&sizes);
        prop_assert_eq!(pieces.events, whole.events);
        prop_assert_eq!(pieces.failed, None);
    }
}
