//! PES packets and what stands in them: units, frames, and their times.

mod common;

use bytes::Bytes;
use common::ts::{
    A0, AUD, AUDIO, AVC_AAC, IDR, INTER, INTER_REST, Mux, PPS, SPS, V0, VIDEO, adts, annex_b, at, data,
    demux_segments, events, inter, keyframe, packet, packets, pes, reasons, sized, ticks,
};
use sailcast_media::{Demuxer, SkipReason, TsDemuxer};

const TURN: u64 = 1 << 33;

/// A frame of 1024 samples at 44.1 kHz, in ticks.
const FRAME: f64 = 1024.0 * 90_000.0 / 44_100.0;

#[test]
fn pictures_come_out_behind_lengths_with_their_times() {
    for bounded in [true, false] {
        let mut mux = Mux::with(AVC_AAC);
        for (times, unit) in
            [((3600, Some(0)), keyframe()), ((10_800, Some(3600)), inter()), ((7200, None), inter())]
        {
            mux.payload(VIDEO, &pes(VIDEO, Some(times), bounded, &unit));
        }
        let events = events(&mux.take());
        assert_eq!(ticks(&events, V0), [(0, 3600), (3600, 10_800), (7200, 7200)]);
        assert_eq!(
            data(&events, V0),
            [sized(&[AUD, SPS, PPS, IDR]), sized(&[AUD, INTER]), sized(&[AUD, INTER])]
        );
        assert_eq!(packets(&events).iter().map(|p| p.keyframe).collect::<Vec<_>>(), [true, false, false]);
    }
}

#[test]
fn a_flag_of_random_access_makes_no_keyframe() {
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(VIDEO, at(0), &keyframe());
    let unit = pes(VIDEO, at(3600), true, &inter());
    mux.out.extend(packet(VIDEO, 1, true, 0x40, &unit));
    assert_eq!(packets(&events(&mux.take())).iter().map(|p| p.keyframe).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn pictures_need_no_delimiter() {
    let mut mux = Mux::with(AVC_AAC);
    mux.open_pes(VIDEO, at(0), &annex_b(&[SPS, PPS, IDR]));
    mux.open_pes(VIDEO, at(3600), &annex_b(&[INTER, INTER_REST]));
    mux.open_pes(VIDEO, at(7200), &annex_b(&[INTER, INTER_REST]));
    let two = sized(&[INTER, INTER_REST]);
    assert_eq!(data(&events(&mux.take()), V0), [sized(&[SPS, PPS, IDR]), two.clone(), two]);
}

#[test]
fn several_pictures_of_one_pes_come_apart_and_follow_each_other() {
    for delimiter in [&[][..], &[AUD]] {
        let nals: Vec<_> = [delimiter, &[SPS, PPS, IDR], delimiter, &[INTER], delimiter, &[INTER]].concat();
        let mut mux = Mux::with(AVC_AAC);
        for group in 0..3 {
            mux.pes(VIDEO, at(group * 9000), &annex_b(&nals));
        }
        let times: Vec<_> = ticks(&events(&mux.take()), V0).iter().map(|(dts, _)| *dts).collect();
        // The distance is known once a second time told it.
        assert_eq!(times.len(), 9);
        assert_eq!(times[3..], [9000, 12_000, 15_000, 18_000, 21_000, 24_000]);
        assert!(times.is_sorted());
    }
}

#[test]
fn a_picture_over_several_pes_packets_is_one() {
    let unit = [keyframe(), vec![0x55; 900]].concat();
    let (head, tail) = unit.split_at(500);
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(VIDEO, at(0), head);
    mux.pes(VIDEO, None, tail);
    mux.pes(VIDEO, at(3600), &inter());
    let events = events(&mux.take());
    assert_eq!(ticks(&events, V0), [(0, 0), (3600, 3600)]);
    assert_eq!(data(&events, V0)[0].len(), sized(&[AUD, SPS, PPS, IDR]).len() + 900);
}

#[test]
fn a_start_code_may_be_split_over_packets() {
    for cut in 1..12 {
        let unit = [&pes(VIDEO, at(0), false, &keyframe())[..], &inter()].concat();
        let at = unit.len() - inter().len() - 2 + cut;
        let mut mux = Mux::with(AVC_AAC);
        mux.packet(VIDEO, true, &unit[..at]);
        mux.packet(VIDEO, false, &unit[at..]);
        assert_eq!(
            data(&events(&mux.take()), V0),
            [sized(&[AUD, SPS, PPS, IDR]), sized(&[AUD, INTER])],
            "{cut}"
        );
    }
}

#[test]
fn a_pes_header_may_be_split_over_packets() {
    let unit = pes(VIDEO, Some((7200, Some(3600))), true, &keyframe());
    for cut in 1..20 {
        let mut mux = Mux::with(AVC_AAC);
        mux.packet(VIDEO, true, &unit[..cut]);
        mux.packet(VIDEO, false, &unit[cut..]);
        assert_eq!(ticks(&events(&mux.take()), V0), [(3600, 7200)], "{cut}");
    }
}

#[test]
fn each_frame_of_sound_in_a_pes_has_its_own_time() {
    let frames: Vec<u8> = (0..20).flat_map(|n| adts(&[0x21, n])).collect();
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(AUDIO, at(90_000), &frames);
    let times = ticks(&events(&mux.take()), A0);
    assert_eq!(times.len(), 20);
    for (n, (dts, pts)) in times.iter().enumerate() {
        assert_eq!(dts, pts);
        assert!((*dts as f64 - 90_000.0 - n as f64 * FRAME).abs() < 1.0, "frame {n} at {dts}");
    }
}

#[test]
fn a_frame_over_two_pes_packets_has_the_time_of_the_first() {
    let frames = [adts(&[0x21; 50]), adts(&[0x22; 50]), adts(&[0x23; 50])].concat();
    let (head, tail) = frames.split_at(80);
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(AUDIO, at(0), head);
    // It is the time of the first frame that begins here.
    mux.pes(AUDIO, at(9000), tail);
    let events = events(&mux.take());
    assert_eq!(data(&events, A0), [[0x21; 50], [0x22; 50], [0x23; 50]]);
    assert_eq!(
        ticks(&events, A0).iter().map(|(dts, _)| *dts).collect::<Vec<_>>(),
        [0, FRAME.round() as i64, 9000]
    );
}

#[test]
fn sound_without_times_goes_on_by_its_own_duration() {
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(AUDIO, at(0), &adts(&[0x21, 1]));
    for _ in 0..1000 {
        mux.pes(AUDIO, None, &adts(&[0x21, 1]));
    }
    let times = ticks(&events(&mux.take()), A0);
    assert!((times[1000].0 as f64 - 1000.0 * FRAME).abs() < 1.0, "{:?}", times[1000]);
}

#[test]
fn what_has_no_time_yet_is_left_out_and_told() {
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(AUDIO, None, &adts(&[0x21, 1]));
    mux.pes(AUDIO, at(0), &adts(&[0x21, 2]));
    mux.pes(VIDEO, None, &keyframe());
    mux.pes(VIDEO, at(0), &keyframe());
    let events = events(&mux.take());
    assert_eq!((data(&events, A0), data(&events, V0).len()), (vec![vec![0x21, 2]], 1));
    assert_eq!(reasons(&events), [(Some(A0), SkipReason::NoTime), (Some(V0), SkipReason::NoTime)]);
}

#[test]
fn times_go_on_over_the_wrap_of_33_bits() {
    let mut mux = Mux::with(AVC_AAC);
    for n in 0..4 {
        let time = |ticks: u64| (TURN - 7200 + ticks) % TURN;
        let unit = if n == 0 { keyframe() } else { inter() };
        mux.pes(VIDEO, Some((time(n * 3600 + 3600), Some(time(n * 3600)))), &unit);
        mux.pes(AUDIO, at(time(n * 3600)), &adts(&[0x21, 1]));
    }
    let events = events(&mux.take());
    let begin = TURN as i64 - 7200;
    let expected: Vec<_> = (0..4).map(|n| (begin + n * 3600, begin + n * 3600 + 3600)).collect();
    assert_eq!(ticks(&events, V0), expected);
    assert_eq!(ticks(&events, A0), expected.iter().map(|(dts, _)| (*dts, *dts)).collect::<Vec<_>>());
}

#[test]
fn packets_of_an_adaptation_field_alone_do_not_count() {
    let unit = pes(VIDEO, at(0), true, &[keyframe(), vec![0x55; 300]].concat());
    let mut mux = Mux::with(AVC_AAC);
    for (n, part) in unit.chunks(184).enumerate() {
        mux.packet(VIDEO, n == 0, part);
        // With a PCR, as the counter stands.
        mux.out.extend(packet(VIDEO, n as u8, false, 0x10, &[]));
    }
    let events = events(&mux.take());
    assert_eq!((data(&events, V0).len(), reasons(&events).len()), (1, 0));
}

#[test]
fn sound_is_given_out_before_the_next_pes_begins() {
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(AUDIO, at(0), &[adts(&[0x21, 1]), adts(&[0x21, 2])].concat());
    mux.packet(0x1fff, false, &[0xff; 184]);
    mux.packet(0x1fff, false, &[0xff; 184]);
    let mut demuxer = TsDemuxer::new();
    demuxer.push(mux.take());
    let mut found = Vec::new();
    while let Some(event) = demuxer.poll().unwrap() {
        found.push(event);
    }
    assert_eq!(data(&found, A0).len(), 2);
}

#[test]
fn the_end_of_a_segment_completes_its_last_picture() {
    let segments: Vec<Bytes> = (0..3)
        .map(|n| {
            // As some packagers do: counters begin anew.
            let mut mux = Mux::with(AVC_AAC);
            mux.open_pes(VIDEO, at(n * 7200), &keyframe());
            mux.open_pes(VIDEO, at(n * 7200 + 3600), &inter());
            mux.pes(AUDIO, at(n * 7200), &adts(&[0x21, 1]));
            mux.take()
        })
        .collect();
    let events = demux_segments(&segments);
    let times: Vec<_> = ticks(&events, V0).iter().map(|(dts, _)| *dts).collect();
    assert_eq!(times, [0, 3600, 7200, 10_800, 14_400, 18_000]);
    assert_eq!((ticks(&events, A0).len(), reasons(&events)), (3, vec![]));
}

#[test]
fn a_segment_may_end_inside_a_frame_that_the_next_one_goes_on_with() {
    let unit = pes(AUDIO, at(0), true, &[adts(&[0x21; 60]), adts(&[0x22; 60]), adts(&[0x23; 60])].concat());
    let mut mux = Mux::with(AVC_AAC);
    mux.packet(AUDIO, true, &unit[..100]);
    let first = mux.take();
    mux.packet(AUDIO, false, &unit[100..]);
    let second = mux.take();
    let events = demux_segments(&[first, second]);
    assert_eq!((data(&events, A0).len(), reasons(&events)), (3, vec![]));
}

#[test]
fn a_segment_cut_short_does_not_spoil_the_next() {
    let segment = |time: u64, frame: &[u8]| {
        let mut mux = Mux::with(AVC_AAC);
        mux.set_counter(VIDEO, time as u8 & 3);
        mux.pes(VIDEO, at(time), &[keyframe(), vec![0x55; 500]].concat());
        mux.pes(AUDIO, at(time), frame);
        mux.take()
    };
    let long = adts(&[0x21; 100]);
    let first = segment(0, &long);
    // Inside the picture, and inside a packet.
    let cut = first.slice(..188 * 4 + 50);
    let events = demux_segments(&[cut, segment(7201, &long)]);
    assert_eq!((ticks(&events, V0), ticks(&events, A0)), (vec![(7201, 7201)], vec![(7201, 7201)]));
    assert_eq!(reasons(&events), [(None, SkipReason::Truncated), (Some(V0), SkipReason::Continuity)]);
}

#[test]
fn an_interlaced_frame_is_one_packet_of_both_fields() {
    // Main profile, 352x288, not frame_mbs_only, 4 bits of frame_num and of pic_order_cnt_lsb.
    let sps: &[u8] = &[0x67, 0x4d, 0x00, 0x1e, 0xf4, 0x16, 0x12, 0x64];
    let pps: &[u8] = &[0x68, 0xce, 0x38, 0x80];
    // first_mb 0, I or P, pps 0, frame_num, field_pic_flag 1, bottom_field_flag.
    let field = |idr: bool, frame_num: u8, bottom: bool| {
        let kind = if idr { "0001000" } else { "00110" };
        let bits = format!("1{kind}1{frame_num:04b}1{}10101010", u8::from(bottom));
        let bits = bits.into_bytes();
        let bytes =
            bits.chunks(8).map(|c| c.iter().enumerate().fold(0, |b, (i, bit)| b | (bit - b'0') << (7 - i)));
        [&[if idr { 0x65 } else { 0x41 }][..], &bytes.collect::<Vec<_>>()].concat()
    };
    let fields =
        [field(true, 0, false), field(false, 0, true), field(false, 1, false), field(false, 1, true)];
    let mut mux = Mux::with(AVC_AAC);
    mux.pes(VIDEO, at(0), &annex_b(&[AUD, sps, pps, &fields[0]]));
    mux.pes(VIDEO, at(1800), &annex_b(&[AUD, &fields[1]]));
    mux.pes(VIDEO, at(3600), &annex_b(&[AUD, &fields[2], AUD, &fields[3]]));
    // The other field of this one was lost.
    mux.pes(VIDEO, at(7200), &annex_b(&[AUD, &field(false, 2, false)]));
    mux.pes(VIDEO, at(10_800), &annex_b(&[AUD, &field(false, 3, false), AUD, &field(false, 3, true)]));
    let events = events(&mux.take());
    assert_eq!(ticks(&events, V0), [0, 3600, 7200, 10_800].map(|t| (t, t)));
    assert_eq!(data(&events, V0)[1], sized(&[AUD, &fields[2], AUD, &fields[3]]));
}
