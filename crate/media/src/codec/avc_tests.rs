//! What H.264 packets become, by real headers of x264.

use super::*;
use crate::packet::Colour;

/// x264, 320x240 Baseline level 1.2.
const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfa, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03,
    0x03, 0x20, 0xf1, 0x42, 0xa4, 0x80,
];
const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];
/// x264, 638x358 High level 3.0, one B-frame, BT.709 in full range.
const SPS_638: &[u8] = &[
    0x67, 0x64, 0x00, 0x1e, 0xac, 0xec, 0x0a, 0x02, 0xfe, 0xa6, 0x9b, 0x80, 0x80, 0x80, 0xa0, 0x00, 0x00,
    0x03, 0x00, 0x20, 0x00, 0x00, 0x06, 0x41, 0xe2, 0xc5, 0xa7,
];
const PPS_638: &[u8] = &[0x68, 0xea, 0xe3, 0xcb, 0x22, 0xc0];
/// x264, 320x240 High 10, BT.2020 with PQ.
const SPS_10_BITS: &[u8] = &[
    0x67, 0x6e, 0x00, 0x0d, 0xa6, 0xcd, 0x94, 0x14, 0x1f, 0xa6, 0xa1, 0x22, 0x01, 0x28, 0x00, 0x00, 0x03,
    0x00, 0x08, 0x00, 0x00, 0x03, 0x01, 0x90, 0x78, 0xa1, 0x4c, 0xb0,
];
const IDR: &[u8] = &[0x65, 0x88, 0x84, 0x0a, 0xbc];
const P: &[u8] = &[0x41, 0x9a, 0x38, 0x15, 0x78];
/// An I slice of a picture that is no IDR: first_mb 0, slice_type 7, PPS 0.
const I: &[u8] = &[0x41, 0x88, 0x84, 0x0a];
const AUD: &[u8] = &[0x09, 0xf0];

fn packet(nals: &[&[u8]]) -> Bytes {
    joined(nals, 4)
}

fn joined(nals: &[&[u8]], length_size: usize) -> Bytes {
    let mut out = Vec::new();
    for nal in nals {
        out.extend_from_slice(&(nal.len() as u32).to_be_bytes()[4 - length_size..]);
        out.extend_from_slice(nal);
    }
    out.into()
}

fn annex_b(nals: &[&[u8]]) -> Bytes {
    nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect::<Vec<_>>().into()
}

fn avcc(length_size: u8, sps: &[u8], pps: &[u8]) -> Bytes {
    let mut out = vec![1, sps[1], sps[2], sps[3], 0xfc | (length_size - 1), 0xe1, 0, sps.len() as u8];
    out.extend_from_slice(sps);
    out.extend_from_slice(&[1, 0, pps.len() as u8]);
    out.extend_from_slice(pps);
    out.into()
}

fn configured() -> Avc {
    let mut avc = Avc::default();
    avc.configure(avcc(4, SPS, PPS)).unwrap().unwrap();
    avc
}

fn video(config: &DecoderConfig) -> VideoParams {
    let CodecParams::Video(video) = config.params else { panic!("video") };
    video
}

fn keyframe(facts: Facts) -> bool {
    facts.units[0].keyframe
}

#[test]
fn a_configuration_is_told_once_and_again_when_it_changes() {
    let mut avc = Avc::default();
    let config = avc.configure(avcc(4, SPS, PPS)).unwrap().unwrap();
    assert_eq!(config.codec_string, "avc1.42c00d");
    assert_eq!(config.description, avcc(4, SPS, PPS));
    assert_eq!(video(&config), VideoParams::of_size(320, 240));
    assert_eq!(avc.configure(avcc(4, SPS, PPS)).unwrap(), None);
    let config = avc.configure(avcc(4, SPS_638, PPS_638)).unwrap().unwrap();
    let full = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: true };
    let expected = VideoParams { reorder_depth: 1, colour: full, ..VideoParams::of_size(638, 358) };
    assert_eq!((video(&config), config.codec_string.as_str()), (expected, "avc1.64001e"));
    let config = avc.configure(avcc(4, SPS_10_BITS, PPS_638)).unwrap().unwrap();
    let pq = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };
    assert_eq!((video(&config).bit_depth, video(&config).colour), (10, pq));
}

#[test]
fn lengths_of_other_sizes_come_out_as_four_bytes_in_packets_and_configuration() {
    for size in [1, 2, 3] {
        let mut avc = Avc::default();
        let config = avc.configure(avcc(size, SPS, PPS)).unwrap().unwrap();
        assert_eq!(config.description, avcc(4, SPS, PPS));
        let facts = avc.packet(joined(&[AUD, IDR], size.into())).unwrap();
        assert_eq!(facts.units[0].data, packet(&[AUD, IDR]));
        assert!(keyframe(facts));
    }
}

#[test]
fn start_codes_become_lengths() {
    let facts = configured().packet(annex_b(&[AUD, SPS, PPS, IDR])).unwrap();
    assert_eq!(facts.units[0].data, packet(&[AUD, SPS, PPS, IDR]));
    assert_eq!(facts.config, None, "the sets are those of the configuration");
    assert!(keyframe(facts));
    let mut avc = Avc::default();
    let config = avc.configure(annex_b(&[SPS, PPS])).unwrap().unwrap();
    assert_eq!(config.description, avcc(4, SPS, PPS), "also in place of the configuration");
}

#[test]
fn without_a_configuration_the_first_keyframe_with_sets_makes_one() {
    for packet in [packet(&[SPS, PPS, IDR]), annex_b(&[SPS, PPS, IDR]), joined(&[SPS, PPS, IDR], 2)] {
        let mut avc = Avc::default();
        assert_eq!(avc.packet(self::packet(&[P])), Err(Damage::NoConfig));
        let mut avc = Avc::default();
        let facts = avc.packet(packet).unwrap();
        assert_eq!(facts.config.as_ref().unwrap().description, avcc(4, SPS, PPS));
        assert!(keyframe(facts));
    }
    let mut avc = Avc::default();
    let facts = avc.packet(packet(&[SPS, PPS])).unwrap();
    assert_eq!((facts.config, facts.units.len()), (None, 0), "sets alone wait for their picture");
    assert!(avc.packet(packet(&[IDR])).unwrap().config.is_some());
}

#[test]
fn a_record_without_sets_waits_for_those_of_the_packets() {
    let mut avc = Avc::default();
    assert_eq!(avc.configure(Bytes::from_static(&[1, 66, 0, 13, 0xff, 0xe0, 0])), Ok(None));
    assert_eq!(avc.packet(packet(&[IDR])), Err(Damage::NoConfig));
    assert!(avc.packet(packet(&[SPS, PPS, IDR])).unwrap().config.is_some());
}

#[test]
fn sets_in_packets_that_differ_make_a_new_configuration_at_the_keyframe() {
    let mut avc = configured();
    assert!(avc.packet(packet(&[SPS, PPS, IDR])).unwrap().config.is_none());
    let config = avc.packet(packet(&[SPS_638, PPS_638, IDR])).unwrap().config.unwrap();
    assert_eq!((video(&config).width, config.codec_string.as_str()), (638, "avc1.64001e"));
    let mut expected = avcc(4, SPS_638, PPS_638).to_vec();
    expected.extend_from_slice(&[0xfd, 0xf8, 0xf8, 0]);
    assert_eq!(config.description, expected);
    assert!(avc.packet(packet(&[SPS_638, PPS_638, IDR])).unwrap().config.is_none());
    assert_eq!(avc.configure(avcc(4, SPS, PPS)).unwrap(), None, "the stale record again");
}

#[test]
fn sets_in_a_packet_of_their_own_reach_the_decoder() {
    let mut avc = configured();
    avc.packet(packet(&[IDR])).unwrap();
    let pps = &[0x68, 0xcb, 0x83, 0xcb, 0x21];
    assert!(avc.packet(packet(&[pps])).unwrap().units.is_empty());
    assert_eq!(avc.packet(packet(&[P])).unwrap().units[0].data, packet(&[pps, P]));
    assert_eq!(avc.packet(packet(&[P])).unwrap().units[0].data, packet(&[P]));
    assert!(avc.packet(packet(&[IDR])).unwrap().config.is_some());
}

#[test]
fn of_several_sps_the_one_that_the_slices_refer_to_counts() {
    // PPS 1, which refers to SPS 1.
    let (sps_1, pps_1) = (
        [
            &SPS_638[..4],
            &[
                0x4b, 0x3b, 0x02, 0x80, 0xbf, 0xa9, 0xa6, 0xe0, 0x20, 0x20, 0x28, 0x00, 0x00, 0x03, 0x00,
                0x08, 0x00, 0x00, 0x03, 0x01, 0x90, 0x78, 0xb1, 0x69, 0xc0,
            ],
        ]
        .concat(),
        [0x68, 0x4a, 0xe3, 0xcb, 0x22, 0xc0],
    );
    assert_eq!((Sps::parse(&sps_1).map(|sps| sps.id), pps_ids(&pps_1)), (Ok(1), Some((1, 1))));
    let mut avc = configured();
    let facts = avc.packet(packet(&[SPS, PPS, &sps_1, &pps_1, &[0x65, 0x88, 0x84]])).unwrap();
    assert_eq!(video(&facts.config.unwrap()).width, 320);
    // first_mb 0, slice_type 7, PPS 1.
    let facts = avc.packet(packet(&[&[0x65, 0x88, 0x48]])).unwrap();
    assert_eq!(video(&facts.config.unwrap()).width, 638);
}

#[test]
fn a_record_cut_anywhere_is_an_error_or_what_its_whole_sets_say() {
    let whole = avcc(4, SPS, PPS);
    for len in 0..whole.len() {
        let read = Avc::default().configure(whole.slice(..len));
        assert!(!matches!(read, Ok(Some(_))), "{len}");
    }
    let no_sps = Avc::default().configure(avcc(4, &[0x68, 0xcb, 0x83, 0xcb], PPS));
    assert_eq!(no_sps, Ok(None));
    let version = Avc::default().configure(Bytes::from_static(&[2, 0x64, 0, 40, 0xff, 0xe0, 0]));
    assert_eq!(version, Err(ConfigError::Invalid("avcC version")));
}

#[test]
fn an_idr_slice_makes_a_keyframe_whatever_comes_before_it() {
    let mut avc = configured();
    assert!(keyframe(avc.packet(packet(&[AUD, &[0x06, 5, 1, 0, 0x80], IDR])).unwrap()));
    assert!(!keyframe(avc.packet(packet(&[SPS, PPS, P])).unwrap()));
    assert!(!keyframe(avc.packet(packet(&[I])).unwrap()), "an I picture of a stream with IDR pictures");
}

#[test]
fn a_picture_is_disposable_when_none_of_its_slices_is_referred_to() {
    let mut avc = configured();
    let mut disposable = |nals| avc.packet(packet(nals)).unwrap().units[0].disposable;
    assert!(disposable(&[&[0x01, 0x9a], &[0x01, 0x9a]]));
    assert!(!disposable(&[&[0x01, 0x9a], &[0x21, 0x9a]]));
}

#[test]
fn messages_come_out_and_alone_they_make_no_picture() {
    let facts = configured().packet(packet(&[&[0x06, 5, 2, 1, 2, 4, 1, 9, 0x80]])).unwrap();
    assert_eq!(facts.units, []);
    let types: Vec<_> = facts.sei.iter().map(|sei| (sei.payload_type, sei.payload.to_vec())).collect();
    assert_eq!(types, [(5, vec![1, 2]), (4, vec![9])]);
}

#[test]
fn a_stream_without_idr_is_entered_at_its_recovery_points() {
    let exact: &[u8] = &[0x06, 6, 1, 0xc4, 0x80];
    let mut avc = configured();
    assert!(!keyframe(avc.packet(packet(&[P])).unwrap()));
    let facts = avc.packet(packet(&[exact, P])).unwrap();
    assert_eq!(facts.units[0].data, packet(&[exact, P]));
    assert!(keyframe(facts));
    // Gradual refresh: browsers ask for a recovery point of no frames.
    let gradual: &[u8] = &[0x06, 6, 2, 0x09, 0xc4, 0x80];
    let facts = avc.packet(packet(&[gradual, P])).unwrap();
    assert_eq!(facts.units[0].data, [&RECOVERY_POINT, &packet(&[gradual, P])[..]].concat());
    assert!(keyframe(facts));
    let facts = avc.packet(packet(&[I])).unwrap();
    assert_eq!(facts.units[0].data, [&RECOVERY_POINT, &packet(&[I])[..]].concat());
    assert!(keyframe(facts), "a picture of I slices");
    avc.packet(packet(&[IDR])).unwrap();
    assert!(!keyframe(avc.packet(packet(&[exact, P])).unwrap()), "there is an IDR picture");
}

#[test]
fn recovery_points_count_where_idr_pictures_have_stopped() {
    let exact: &[u8] = &[0x06, 6, 1, 0xc4, 0x80];
    let mut avc = configured();
    avc.packet(packet(&[IDR])).unwrap();
    let keys: Vec<_> = (0..6).map(|_| keyframe(avc.packet(packet(&[exact, I])).unwrap())).collect();
    assert_eq!(keys, [false, false, false, true, true, true]);
}

#[test]
fn gradual_recovery_points_count_where_idr_pictures_have_stopped() {
    let gradual: &[u8] = &[0x06, 6, 2, 0x09, 0xc4, 0x80];
    let mut avc = configured();
    avc.packet(packet(&[IDR])).unwrap();
    let keys: Vec<_> = (0..6).map(|_| keyframe(avc.packet(packet(&[gradual, P])).unwrap())).collect();
    assert_eq!(keys, [false, false, false, true, true, true]);
}

#[test]
fn a_record_with_a_profile_other_than_its_sps_is_made_anew() {
    let mut record = avcc(4, SPS, PPS).to_vec();
    record[1..4].fill(0);
    let config = Avc::default().configure(record.into()).unwrap().unwrap();
    assert_eq!(config.description, avcc(4, SPS, PPS));
}

#[test]
fn a_level_without_a_name_becomes_the_next_one_in_the_codec_string() {
    for (level, told) in [(0, "0a"), (9, "0a"), (14, "14"), (40, "28"), (43, "32"), (255, "3e")] {
        let mut sps = SPS.to_vec();
        sps[3] = level;
        let config = Avc::default().configure(avcc(4, &sps, PPS)).unwrap().unwrap();
        assert_eq!(config.codec_string, format!("avc1.42c0{told}"));
        assert_eq!(config.description, avcc(4, &sps, PPS), "the record stays");
    }
}

#[test]
fn sets_that_wait_for_their_picture_do_not_hold_the_chunk_they_came_in() {
    let mut avc = Avc::default();
    let chunk = packet(&[SPS, PPS]);
    avc.packet(chunk.clone()).unwrap();
    assert!(chunk.is_unique());
}
