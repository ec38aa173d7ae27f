//! PAT and PMT: wherever they stand, however they come, and when they change.

mod common;

use common::ts::{
    A0, AUDIO, AVC_AAC, DATA, Mux, PACKET, PMT, V0, VIDEO, adts, at, codecs, data, descriptor, events,
    keyframe, packets, pat, pmt, reasons, registration, section, ticks,
};
use sailcast_media::{CodecName, SkipReason, TrackId};

const V1: TrackId = TrackId::video(1);
const A1: TrackId = TrackId::audio(1);

/// A picture and a frame of sound.
fn media(mux: &mut Mux, time: u64) {
    mux.pes(VIDEO, at(time), &keyframe());
    mux.pes(AUDIO, at(time), &adts(&[0x21, 1]));
}

fn known(name: &'static str) -> SkipReason {
    SkipReason::UnsupportedCodec(CodecName::Known(name))
}

#[test]
fn the_tables_name_the_tracks() {
    let mut mux = Mux::with(AVC_AAC);
    media(&mut mux, 0);
    let events = events(&mux.take());
    assert_eq!(codecs(&events), [(V0, "avc1.64001e"), (A0, "mp4a.40.2")]);
    assert_eq!(packets(&events).len(), 2);
}

#[test]
fn what_comes_before_the_tables_waits_for_them() {
    let mut mux = Mux::default();
    media(&mut mux, 0);
    mux.section(PMT, &pmt(1, 0, &[], AVC_AAC));
    media(&mut mux, 3600);
    mux.section(0, &pat(0, &[(1, PMT)]));
    media(&mut mux, 7200);
    let events = events(&mux.take());
    assert_eq!(ticks(&events, V0), [(0, 0), (3600, 3600), (7200, 7200)]);
    assert_eq!(ticks(&events, A0), [(0, 0), (3600, 3600), (7200, 7200)]);
    assert_eq!(reasons(&events), []);
}

#[test]
fn a_stream_whose_tables_never_come_says_so() {
    let mut mux = Mux::default();
    for time in 0..6000 {
        mux.pes(VIDEO, at(time * 3600), &keyframe());
    }
    let events = events(&mux.take());
    assert_eq!(packets(&events).len(), 0);
    assert!(!events.is_empty() && events.len() < 10);
    assert!(reasons(&events).iter().all(|reason| *reason == (None, SkipReason::NoConfig)));
}

#[test]
fn repeated_tables_change_nothing() {
    let mut mux = Mux::with(AVC_AAC);
    for time in 0..5 {
        mux.section(0, &pat(0, &[(1, PMT)]));
        mux.section(PMT, &pmt(1, 0, &[], AVC_AAC));
        media(&mut mux, time * 3600);
    }
    let events = events(&mux.take());
    assert_eq!((codecs(&events).len(), packets(&events).len(), reasons(&events).len()), (2, 10, 0));
}

#[test]
fn a_table_may_take_several_packets_and_share_one_with_the_next() {
    let long = descriptor(0x80, &[7; 250]);
    let streams = [(0x1b, VIDEO, &long[..]), (0x0f, AUDIO, &long)];
    let mut mux = Mux::default();
    mux.section(0, &pat(0, &[(1, PMT)]));
    // A section that ends in the packet in which the next begins.
    let (first, second) = (pmt(9, 0, &[], &[]), pmt(1, 0, &[], &streams));
    let unit = [&[0], &first[..], &second].concat();
    let (head, tail) = unit.split_at(184);
    mux.packet(PMT, true, head);
    for rest in tail.chunks(100) {
        mux.packet(PMT, false, rest);
    }
    media(&mut mux, 0);
    assert_eq!(codecs(&events(&mux.take())).len(), 2);
}

#[test]
fn a_table_with_a_bad_checksum_or_of_the_future_is_not_believed() {
    let mut damaged = pmt(1, 1, &[], &[(0x1b, AUDIO, &[])]);
    *damaged.last_mut().unwrap() ^= 1;
    let mut next = pmt(1, 1, &[], &[(0x1b, AUDIO, &[])]);
    next[5] &= !1;
    let body = next[3..next.len() - 4].to_vec();
    let next = section(2, &body);
    let mut mux = Mux::with(AVC_AAC);
    for table in [damaged, next] {
        mux.section(PMT, &table);
        media(&mut mux, 0);
    }
    let events = events(&mux.take());
    assert_eq!((codecs(&events).len(), packets(&events).len()), (2, 4));
}

#[test]
fn new_pids_are_the_same_tracks() {
    let mut mux = Mux::with(AVC_AAC);
    media(&mut mux, 0);
    mux.section(PMT, &pmt(1, 1, &[], &[(0x1b, 0x200, &[]), (0x0f, 0x201, &[])]));
    mux.pes(0x200, at(3600), &keyframe());
    mux.pes(0x201, at(3600), &adts(&[0x21, 1]));
    let events = events(&mux.take());
    assert_eq!(ticks(&events, V0), [(0, 0), (3600, 3600)]);
    assert_eq!(ticks(&events, A0), [(0, 0), (3600, 3600)]);
    assert_eq!(reasons(&events), []);
}

#[test]
fn a_track_that_stays_keeps_its_number_and_its_state() {
    let mut mux = Mux::with(AVC_AAC);
    media(&mut mux, 0);
    // Another track of sound stands before it now.
    mux.section(PMT, &pmt(1, 1, &[], &[(0x0f, DATA, &[]), (0x0f, AUDIO, &[]), (0x1b, VIDEO, &[])]));
    mux.pes(DATA, at(0), &adts(&[0x21, 9]));
    media(&mut mux, 3600);
    let events = events(&mux.take());
    assert_eq!(codecs(&events), [(V0, "avc1.64001e"), (A0, "mp4a.40.2"), (A1, "mp4a.40.2")]);
    assert_eq!(data(&events, A1), [[0x21, 9]]);
    assert_eq!(data(&events, A0), [[0x21, 1]; 2]);
}

#[test]
fn a_new_stream_type_is_a_new_codec_of_the_track() {
    let mut mux = Mux::with(AVC_AAC);
    media(&mut mux, 0);
    mux.section(PMT, &pmt(1, 1, &[], &[(0x1b, VIDEO, &[]), (0x81, AUDIO, &[])]));
    let mut ac3 = vec![0x0b, 0x77, 0xa3, 0x62, 0x54, 0x40, 0x43, 0xe1];
    ac3.resize(834, 0);
    mux.pes(AUDIO, at(3600), &ac3);
    let events = events(&mux.take());
    assert_eq!(codecs(&events).last(), Some(&(A0, "ac-3")));
    assert_eq!(ticks(&events, A0), [(0, 0), (3600, 3600)]);
}

#[test]
fn the_last_picture_before_a_change_is_not_lost() {
    let mut mux = Mux::with(AVC_AAC);
    mux.open_pes(VIDEO, at(0), &keyframe());
    mux.section(PMT, &pmt(1, 1, &[], &[(0x24, VIDEO, &[])]));
    assert_eq!(data(&events(&mux.take()), V0).len(), 1);
}

#[test]
fn of_several_programs_the_first_with_media_is_played() {
    let mut mux = Mux::default();
    mux.section(0, &pat(0, &[(0, 0x10), (1, PMT), (2, PMT + 1), (3, PMT + 2)]));
    mux.section(PMT, &pmt(1, 0, &[], &[(0x05, DATA, &[])]));
    mux.section(PMT + 1, &pmt(2, 0, &[], AVC_AAC));
    mux.section(PMT + 2, &pmt(3, 0, &[], &[(0x1b, 0x300, &[])]));
    media(&mut mux, 0);
    mux.pes(0x300, at(99), &keyframe());
    let events = events(&mux.take());
    assert_eq!((ticks(&events, V0), ticks(&events, V1)), (vec![(0, 0)], vec![]));
}

#[test]
fn a_program_that_goes_makes_room_for_the_next() {
    // The table has a new version, or is of the next segment, whose muxer begins to count.
    for version in [1, 0] {
        let mut mux = Mux::with(AVC_AAC);
        media(&mut mux, 0);
        mux.section(0, &pat(version, &[(2, PMT + 1)]));
        mux.section(PMT + 1, &pmt(2, 0, &[], &[(0x1b, 0x300, &[])]));
        mux.pes(0x300, at(3600), &keyframe());
        assert_eq!(ticks(&events(&mux.take()), V0), [(0, 0), (3600, 3600)], "version {version}");
    }
}

#[test]
fn programs_of_several_sections_are_all_known() {
    let part = |number: u8, program: u16, pid: u16| {
        let body = [program.to_be_bytes(), (pid | 0xe000).to_be_bytes()].concat();
        section(0, &[&[0, 1, 0xc1, number, 1], &body[..]].concat())
    };
    let mut mux = Mux::default();
    mux.section(0, &part(0, 1, PMT));
    mux.section(0, &part(1, 2, PMT + 1));
    mux.section(PMT, &pmt(1, 0, &[], &[(0x05, DATA, &[])]));
    mux.section(PMT + 1, &pmt(2, 0, &[], AVC_AAC));
    media(&mut mux, 0);
    assert_eq!(ticks(&events(&mux.take()), V0), [(0, 0)]);
}

#[test]
fn what_is_not_read_is_named_once() {
    let dts = registration(b"DTS1");
    let av1 = registration(b"AV01");
    let streams: [(u8, u16, &[u8]); 6] = [
        (0x02, VIDEO, &[]),
        (0x06, AUDIO, &dts),
        (0x06, DATA, &av1),
        (0x06, 0x103, &descriptor(0x59, &[0; 8])),
        (0x9f, 0x104, &[]),
        (0xcf, 0x105, &[]),
    ];
    let mut mux = Mux::default();
    mux.section(0, &pat(0, &[(1, PMT)]));
    for version in 0..3 {
        mux.section(PMT, &pmt(1, version, &[], &streams));
        mux.pes(VIDEO, at(0), &[0, 0, 1, 0xb3]);
    }
    let number = SkipReason::UnsupportedCodec(CodecName::Number(0x9f));
    let expected = [
        (Some(V0), known("MPEG-2 video")),
        (Some(A0), known("DTS")),
        (Some(V0), known("AV1")),
        (Some(V0), number),
        (Some(A0), SkipReason::Encrypted),
    ];
    assert_eq!(reasons(&events(&mux.take())), expected);
}

#[test]
fn the_meaning_of_a_private_type_follows_the_program() {
    let hdmv = registration(b"HDMV");
    let mut mux = Mux::default();
    mux.section(0, &pat(0, &[(1, PMT)]));
    mux.section(PMT, &pmt(1, 0, &hdmv, &[(0x1b, VIDEO, &[]), (0x86, AUDIO, &[])]));
    assert_eq!(reasons(&events(&mux.take())), [(Some(A0), known("DTS"))]);
}

#[test]
fn tracks_are_bounded() {
    let streams: Vec<_> = (0..60).map(|n| (0x0f, 0x200 + n, &[][..])).collect();
    let mut mux = Mux::with(&streams);
    for n in 0..60 {
        mux.pes(0x200 + n, at(0), &adts(&[0x21, 1]));
    }
    let events = events(&mux.take());
    assert_eq!(codecs(&events).len(), 16);
    assert!(reasons(&events).iter().all(|(_, why)| *why == SkipReason::TooManyTracks));
}

#[test]
fn null_packets_and_unknown_pids_are_passed_over() {
    let mut mux = Mux::with(AVC_AAC);
    mux.packet(0x1fff, false, &[0xff; 184]);
    mux.pes(0x555, at(0), &keyframe());
    media(&mut mux, 0);
    let stream = mux.take();
    assert_eq!(stream.len() % PACKET, 0);
    let events = events(&stream);
    assert_eq!((packets(&events).len(), reasons(&events).len()), (2, 0));
}
