//! What the fragments of the MP4 muxer say, box by box.

mod common;

use bytes::{Bytes, BytesMut};
use common::avc_and_aac;
use proptest::prelude::*;
use sailcast_media::{
    Codec, MediaTime, Micros, Packet, TrackId, TrackInfo,
    mp4::mux::{FragmentMuxer, Mp4MuxError, SNAP},
};

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);
/// An hour.
const MAX_TIME: i64 = 3_600_000_000;

fn packet(track: TrackId, dts: i64, pts: i64) -> Packet {
    Packet {
        track,
        dts: MediaTime(dts),
        pts: MediaTime(pts),
        duration: None,
        keyframe: true,
        disposable: false,
        data: Bytes::from_static(&[1, 2, 3]),
    }
}

/// A box's contents; a path through boxes of boxes, the first of each name.
fn find<'a>(mut bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    for name in path {
        bytes = boxes(bytes).into_iter().find(|(found, _)| found == *name)?.1;
    }
    Some(bytes)
}

/// The boxes in a row, to the last byte.
fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = number(bytes, 0) as usize;
        found.push((bytes[4..8].try_into().unwrap(), &bytes[8..size]));
        bytes = &bytes[size..];
    }
    found
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    dts: i64,
    pts: i64,
    duration: u32,
    size: u32,
    flags: u32,
}

/// The samples of a `traf`, in ticks, by ISO/IEC 14496-12, 8.8.7, 8.8.8 and 8.8.12.
fn samples(traf: &[u8]) -> Vec<Sample> {
    let tfhd = find(traf, &[b"tfhd"]).unwrap();
    let (mut at, has) = (8, number(tfhd, 0));
    let mut default = |flag: u32| {
        let there = has & flag != 0;
        at += if there { 4 } else { 0 };
        if there { number(tfhd, at - 4) } else { 0 }
    };
    let (duration, size, flags) = (default(8), default(16), default(32));
    let tfdt = find(traf, &[b"tfdt"]).unwrap();
    let mut dts = i64::from(number(tfdt, 4)) << 32 | i64::from(number(tfdt, 8));
    let trun = find(traf, &[b"trun"]).unwrap();
    let has = number(trun, 0);
    let mut at = 12;
    let mut next = |there: bool, default: u32| {
        at += if there { 4 } else { 0 };
        if there { number(trun, at - 4) } else { default }
    };
    let first = next(has & 4 != 0, flags);
    (0..number(trun, 4))
        .map(|i| {
            let duration = next(has & 0x100 != 0, duration);
            let size = next(has & 0x200 != 0, size);
            let flags = next(has & 0x400 != 0, if i == 0 { first } else { flags });
            let composition = next(has & 0x800 != 0, 0) as i32;
            let sample = Sample { dts, pts: dts + i64::from(composition), duration, size, flags };
            dts += i64::from(duration);
            sample
        })
        .collect()
}

/// Of the fragment's tracks, in the order of the file.
fn runs(fragment: &[u8]) -> Vec<Vec<Sample>> {
    let moof = find(fragment, &[b"moof"]).unwrap();
    boxes(moof).iter().filter(|(name, _)| name == b"traf").map(|(_, traf)| samples(traf)).collect()
}

fn fragment(packets: &[Packet], following: &[Packet]) -> BytesMut {
    let mut muxer = FragmentMuxer::new(&avc_and_aac()).unwrap();
    let mut out = BytesMut::new();
    muxer.fragment(&mut out, packets, following).unwrap();
    out
}

#[test]
fn a_sample_lasts_up_to_the_next_and_the_last_as_long_as_is_known() {
    let two = [packet(VIDEO, 0, 0), packet(VIDEO, 40_000, 40_000)];
    let lasts = |packets: &[Packet], following: &[Packet]| {
        runs(&fragment(packets, following))[0].last().unwrap().duration
    };
    assert_eq!(lasts(&two, &[packet(AUDIO, 50_000, 0), packet(VIDEO, 100_000, 0)]), 5400, "what follows");
    let told = Packet { duration: Some(Micros(20_000)), ..two[1].clone() };
    assert_eq!(lasts(&[two[0].clone(), told], &[]), 1800, "its own");
    assert_eq!(lasts(&two, &[]), 3600, "as the one before it");
    assert_eq!(lasts(&two[..1], &[]), 3600, "a usual one");
}

#[test]
fn the_step_is_known_from_the_fragment_before() {
    let mut muxer = FragmentMuxer::new(&avc_and_aac()).unwrap();
    let mut out = BytesMut::new();
    muxer.fragment(&mut out, &[packet(VIDEO, 0, 0), packet(VIDEO, 20_000, 20_000)], &[]).unwrap();
    out.clear();
    muxer.fragment(&mut out, &[packet(VIDEO, 40_000, 40_000)], &[]).unwrap();
    assert_eq!(runs(&out)[0][0].duration, 1800);
}

#[test]
fn sound_of_whole_milliseconds_is_one_piece_and_does_not_drift() {
    // 1024 samples of 48 kHz, by a clock that is 100 ppm slow.
    let exact = |i: i64| i * 64_000 * 10_001 / 3 / 10_000;
    let stamped = |i: i64| exact(i) / 1000 * 1000;
    let frame = |i| Packet { duration: Some(Micros(21_333)), ..packet(AUDIO, stamped(i), stamped(i)) };
    let frames: Vec<_> = (0..4000).map(frame).collect();
    let mut muxer = FragmentMuxer::new(&avc_and_aac()).unwrap();
    let (mut seen, mut at) = (Vec::new(), 0);
    for chunk in frames.chunks(25) {
        at += chunk.len();
        let mut out = BytesMut::new();
        muxer.fragment(&mut out, chunk, &frames[at..]).unwrap();
        seen.extend(runs(&out).remove(0));
    }
    let seams = seen.windows(2).filter(|w| w[0].dts + 1024 != w[1].dts).count();
    assert!(seams < 10, "{seams} seams in {} s", exact(4000) / 1_000_000);
    assert!(seen.windows(2).all(|w| w[0].dts + i64::from(w[0].duration) == w[1].dts));
    for (i, sample) in seen.iter().enumerate() {
        let off = MediaTime::from_ticks(sample.pts, 48_000).0 - exact(i as i64);
        assert!(off.abs() <= 2_500, "frame {i} is {off} µs off");
    }
    let gap = [frame(0), packet(AUDIO, 60_000, 60_000)];
    assert_eq!(runs(&fragment(&gap, &[]))[0][1].dts, 2880, "a gap stays one");
}

#[test]
fn flags_tell_keyframes_and_what_may_be_dropped() {
    let key = packet(VIDEO, 0, 0);
    let inter = Packet { keyframe: false, ..packet(VIDEO, 40_000, 40_000) };
    let disposable = Packet { disposable: true, ..inter.clone() };
    for (rest, flags) in [
        ([inter.clone(), inter.clone()], [0x0101_0000, 0x0101_0000]),
        ([inter.clone(), disposable.clone()], [0x0101_0000, 0x0181_0000]),
        ([disposable.clone(), disposable], [0x0181_0000, 0x0181_0000]),
    ] {
        let written = fragment(&[&[key.clone()][..], &rest].concat(), &[]);
        let seen: Vec<_> = runs(&written)[0].iter().map(|sample| sample.flags).collect();
        assert_eq!(seen, [&[0x0200_0000][..], &flags].concat());
    }
}

#[test]
fn data_lies_where_each_run_says() {
    let mut sound = packet(AUDIO, 10_000, 10_000);
    sound.data = Bytes::from_static(&[9; 5]);
    let written = fragment(&[packet(VIDEO, 0, 0), sound, packet(VIDEO, 40_000, 40_000)], &[]);
    let moof = find(&written, &[b"moof"]).unwrap();
    let offsets: Vec<_> = boxes(moof)
        .iter()
        .filter(|(name, _)| name == b"traf")
        .map(|(_, traf)| number(find(traf, &[b"trun"]).unwrap(), 8) as usize)
        .collect();
    assert_eq!(written[offsets[0]..][..6], [1, 2, 3, 1, 2, 3]);
    assert_eq!(written[offsets[1]..], [9; 5]);
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_no_trace() {
    let mut muxer = FragmentMuxer::new(&avc_and_aac()).unwrap().with_base(MediaTime(0));
    let mut out = BytesMut::new();
    let stranger = TrackId::audio(3);
    let refused = |muxer: &mut FragmentMuxer, out: &mut BytesMut, bad: Packet| {
        muxer.fragment(out, &[packet(VIDEO, 0, 0), bad], &[]).unwrap_err()
    };
    assert_eq!(refused(&mut muxer, &mut out, packet(stranger, 0, 0)), Mp4MuxError::NoConfig(stranger));
    let early = Mp4MuxError::BeforeBase { track: AUDIO, by: Micros(1000) };
    assert_eq!(refused(&mut muxer, &mut out, packet(AUDIO, -1000, 0)), early);
    let far = packet(VIDEO, 40_000, i64::MAX);
    assert_eq!(refused(&mut muxer, &mut out, far), Mp4MuxError::CompositionTime(VIDEO));
    assert!(out.is_empty());
}

#[test]
fn only_another_entry_needs_another_init_segment() {
    let mut tracks = avc_and_aac();
    let mut muxer = FragmentMuxer::new(&tracks).unwrap();
    assert_eq!(muxer.config(&tracks[0]), Ok(false));
    tracks[0].config.codec_string = "as long as the record is the same".into();
    assert_eq!(muxer.config(&tracks[0]), Ok(false));
    tracks[1].config.description = Bytes::from_static(&[0x12, 0x10]);
    assert_eq!(muxer.config(&tracks[1]), Ok(true));
    assert_eq!(muxer.config(&tracks[1]), Ok(false));
    let second = TrackInfo { id: TrackId::audio(1), ..tracks[1].clone() };
    assert_eq!(muxer.config(&second), Ok(true));
    let mixed = TrackInfo { id: VIDEO, ..tracks[1].clone() };
    assert_eq!(muxer.config(&mixed), Err(Mp4MuxError::NoEntry { track: VIDEO, codec: Codec::Aac }));
    tracks[0].config.description = Bytes::new();
    assert_eq!(muxer.config(&tracks[0]), Err(Mp4MuxError::NoRecord(VIDEO)));
}

#[test]
fn one_track_is_a_cmaf_track() {
    let brands = |tracks: &[TrackInfo]| {
        let mut out = BytesMut::new();
        FragmentMuxer::new(tracks).unwrap().init(&mut out);
        let has_brand = find(&out, &[b"ftyp"]).unwrap().chunks(4).any(|brand| brand == b"cmf2");
        assert!(find(&out, &[b"moov", b"mvex", b"trex"]).is_some());
        has_brand
    };
    assert!(brands(&avc_and_aac()[..1]));
    assert!(!brands(&avc_and_aac()));
}

#[test]
fn the_producers_time_is_that_of_ntp() {
    let muxer = FragmentMuxer::new(&avc_and_aac()).unwrap().with_base(MediaTime(1_000_000));
    let mut out = BytesMut::new();
    let unix = Micros(1_700_000_000_500_000);
    muxer.producer_time(&mut out, AUDIO, MediaTime(3_000_000), unix).unwrap();
    let prft = find(&out, &[b"prft"]).unwrap();
    let numbers: Vec<_> = (0..6).map(|i| number(prft, i * 4)).collect();
    assert_eq!(numbers, [0x0100_0008, 2, (1_700_000_000u64 + 2_208_988_800) as u32, 1 << 31, 0, 96_000]);
}

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn times_survive_whatever_they_are(
        start in -MAX_TIME..MAX_TIME,
        specs in prop::collection::vec((any::<bool>(), -100_000i64..500_000, -900_000i64..900_000), 1..60),
    ) {
        let mut dts = start;
        let packets: Vec<_> = specs
            .iter()
            .map(|(is_video, step, composition)| {
                dts += step;
                packet(if *is_video { VIDEO } else { AUDIO }, dts, dts + composition)
            })
            .collect();
        let base = packets.iter().map(|packet| packet.dts).min().unwrap();
        let mut muxer = FragmentMuxer::new(&avc_and_aac()).unwrap().with_base(base);
        let mut out = BytesMut::new();
        muxer.fragment(&mut out, &packets, &[]).unwrap();
        let mut runs = runs(&out).into_iter();
        for (id, scale, within) in [(VIDEO, 90_000, Micros(12)), (AUDIO, 48_000, SNAP)] {
            let its_own: Vec<_> = packets.iter().filter(|packet| packet.track == id).collect();
            let run = if its_own.is_empty() { Vec::new() } else { runs.next().unwrap() };
            prop_assert_eq!(run.len(), its_own.len());
            let mut latest = i64::MIN;
            for (sample, packet) in run.iter().zip(its_own) {
                let near = |ticks: i64, time: MediaTime| {
                    (MediaTime::from_ticks(ticks, scale) - MediaTime((time - base).0)).abs() <= within
                };
                prop_assert!(near(sample.pts, packet.pts), "{:?} of {:?}", sample, packet);
                let goes_back = packet.dts.0 < latest;
                prop_assert!(near(sample.dts, packet.dts) || goes_back, "{:?} of {:?}", sample, packet);
                latest = latest.max(packet.dts.0);
            }
        }
    }

    #[test]
    fn no_packet_is_too_much(
        base in any::<i64>(),
        specs in prop::collection::vec((0u8..3, any::<i64>(), any::<i64>(), any::<Option<i64>>()), 0..20),
    ) {
        let packets: Vec<_> = specs
            .iter()
            .map(|(track, dts, pts, duration)| Packet {
                duration: duration.map(Micros),
                ..packet([VIDEO, AUDIO, TrackId::audio(9)][usize::from(*track)], *dts, *pts)
            })
            .collect();
        let mut muxer = FragmentMuxer::new(&avc_and_aac()).unwrap().with_base(MediaTime(base));
        let mut out = BytesMut::new();
        for (i, packet) in packets.iter().enumerate() {
            let before = out.len();
            if muxer.fragment(&mut out, std::slice::from_ref(packet), &packets[i..]).is_err() {
                prop_assert_eq!(out.len(), before);
            }
        }
    }
}
