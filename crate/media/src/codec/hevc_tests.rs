//! What H.265 packets become, by real headers of x265.

use super::*;
use crate::packet::Colour;

/// x265, 638x358 Main, B-frames, BT.709.
pub const VPS: &[u8] = &[
    0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
    0x00, 0x03, 0x00, 0x3f, 0x95, 0x90, 0x09,
];
pub const SPS: &[u8] = &[
    0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
    0x3f, 0xa0, 0x05, 0x02, 0x01, 0x69, 0xd5, 0x65, 0x95, 0x92, 0x49, 0x32, 0xb9, 0xa8, 0x08, 0x08, 0x08,
    0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21,
];
pub const PPS: &[u8] = &[0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40];
/// x265, 320x240 Main 10, three sub-layers, BT.2020 with PQ.
pub const VPS_10_BITS: &[u8] = &[
    0x40, 0x01, 0x0c, 0x04, 0xff, 0xff, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
    0x00, 0x03, 0x00, 0x3c, 0x00, 0x00, 0x95, 0x94, 0xac, 0xa5, 0x65, 0x02, 0x40,
];
pub const SPS_10_BITS: &[u8] = &[
    0x42, 0x01, 0x04, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
    0x3c, 0x00, 0x00, 0xa0, 0x0a, 0x08, 0x0f, 0x13, 0x65, 0x95, 0x94, 0xac, 0xa5, 0x65, 0x92, 0x4c, 0xae,
    0x6a, 0x12, 0x20, 0x12, 0x08, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x40,
];
pub const PPS_10_BITS: &[u8] = &[0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40];
/// Mastering display and content light level of x265.
const SEI_LIGHT: &[u8] = &[0x4e, 0x01, 0x90, 0x04, 0x03, 0xe8, 0x01, 0x90, 0x80];
const IDR: &[u8] = &[0x28, 0x01, 0xaf, 0x1d];
const CRA: &[u8] = &[0x2a, 0x01, 0xaf, 0x1d];
const TRAIL_N: &[u8] = &[0x00, 0x01, 0xe0];
const TRAIL_R: &[u8] = &[0x02, 0x01, 0xd0];
const RASL_N: &[u8] = &[0x10, 0x01, 0xe0];
const RASL_R: &[u8] = &[0x12, 0x01, 0xe0];
const RADL_R: &[u8] = &[0x0e, 0x01, 0xe0];

fn packet(nals: &[&[u8]]) -> Bytes {
    let mut out = Vec::new();
    for nal in nals {
        out.extend_from_slice(&(nal.len() as u32).to_be_bytes());
        out.extend_from_slice(nal);
    }
    out.into()
}

fn hvcc(profile: [u8; 12], nals: &[&[u8]]) -> Bytes {
    let mut out = vec![1];
    out.extend_from_slice(&profile);
    out.extend_from_slice(&[0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, nals.len() as u8]);
    for nal in nals {
        out.extend_from_slice(&[0x80 | nal[0] >> 1, 0, 1, 0, nal.len() as u8]);
        out.extend_from_slice(nal);
    }
    out.into()
}

const PROFILE: [u8; 12] = [1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 63];

fn configured() -> Hevc {
    let mut hevc = Hevc::default();
    hevc.configure(hvcc(PROFILE, &[VPS, SPS, PPS])).unwrap().unwrap();
    hevc
}

fn video(config: &DecoderConfig) -> VideoParams {
    let CodecParams::Video(video) = config.params else { panic!("video") };
    video
}

#[test]
fn a_configuration_is_told_as_it_came() {
    let mut hevc = Hevc::default();
    let record = hvcc(PROFILE, &[VPS, SPS, PPS]);
    let config = hevc.configure(record.clone()).unwrap().unwrap();
    assert_eq!((config.codec_string.as_str(), &config.description), ("hvc1.1.6.L63.90", &record));
    let colour = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false };
    let expected = VideoParams { reorder_depth: 2, colour, ..VideoParams::of_size(638, 358) };
    assert_eq!(video(&config), expected);
    assert_eq!(hevc.configure(record).unwrap(), None);
}

#[test]
fn a_record_with_a_zero_profile_is_built_anew() {
    let mut hevc = Hevc::default();
    let config = hevc.configure(hvcc([0; 12], &[VPS, SPS, PPS])).unwrap().unwrap();
    assert_eq!(config.codec_string, "hvc1.1.6.L63.90");
    assert_eq!(config.description[..23], hvcc(PROFILE, &[VPS, SPS, PPS])[..23]);
    assert_eq!(Hevc::default().configure(config.description.clone()).unwrap(), Some(config));
}

#[test]
fn a_record_without_sets_waits_for_those_of_the_packets() {
    for record in [hvcc([0; 12], &[]), hvcc(PROFILE, &[SPS, PPS])] {
        let mut hevc = Hevc::default();
        assert_eq!(hevc.configure(record), Ok(None));
        let config = hevc.packet(packet(&[VPS, SPS, PPS, IDR])).unwrap().config.unwrap();
        assert_eq!(config.codec_string, "hvc1.1.6.L63.90");
    }
    assert_eq!(Hevc::default().packet(packet(&[IDR])), Err(Damage::NoConfig));
    let mut hevc = Hevc::default();
    hevc.configure(hvcc(PROFILE, &[SPS, PPS])).unwrap();
    assert!(hevc.packet(packet(&[IDR])).unwrap().config.is_some(), "no VPS at all");
}

#[test]
fn start_codes_become_lengths_and_make_a_configuration() {
    let annex_b =
        |nals: &[&[u8]]| nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect::<Bytes>();
    let facts = Hevc::default().packet(annex_b(&[VPS, SPS, PPS, IDR])).unwrap();
    assert_eq!(facts.units[0].data, packet(&[VPS, SPS, PPS, IDR]));
    assert!(facts.units[0].keyframe);
    let in_place = Hevc::default().configure(annex_b(&[VPS, SPS, PPS])).unwrap();
    assert_eq!(facts.config, in_place);
}

#[test]
fn sets_in_packets_that_differ_make_a_new_configuration_at_the_keyframe() {
    let mut hevc = configured();
    assert!(hevc.packet(packet(&[VPS, SPS, PPS, IDR])).unwrap().config.is_none());
    let facts = hevc.packet(packet(&[VPS_10_BITS, SPS_10_BITS, PPS_10_BITS, SEI_LIGHT, IDR])).unwrap();
    let config = facts.config.unwrap();
    let colour = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };
    assert_eq!((video(&config).bit_depth, video(&config).colour), (10, colour));
    assert_eq!(config.codec_string, "hvc1.2.4.L60.90");
    assert_eq!(config.description[21], 3 << 3 | 3, "three sub-layers, lengths of four bytes");
    assert_eq!((facts.sei[0].payload_type, &facts.sei[0].payload[..]), (144, &[3, 0xe8, 1, 0x90][..]));
}

#[test]
fn irap_pictures_are_keyframes() {
    let keyframe = |nal| configured().packet(packet(&[nal])).unwrap().units[0].keyframe;
    assert!(keyframe(IDR) && keyframe(CRA) && keyframe(&[0x20, 0x01, 0xaf]));
    assert!(!keyframe(TRAIL_R) && !keyframe(RADL_R));
}

#[test]
fn pictures_that_refer_to_what_came_before_the_start_are_left_out() {
    let mut hevc = configured();
    let mut units = |nal| hevc.packet(packet(&[nal])).unwrap().units.len();
    let sent = [CRA, RASL_N, RASL_R, RADL_R, TRAIL_R, CRA, RASL_R, TRAIL_N];
    assert_eq!(sent.map(&mut units), [1, 0, 0, 1, 1, 1, 1, 1]);
    // End of sequence.
    assert_eq!([&[0x48, 0x01][..], CRA, RASL_R, IDR, CRA, RASL_R].map(units), [0, 1, 0, 1, 1, 1]);
}

#[test]
fn a_picture_is_disposable_when_nothing_refers_to_it() {
    let mut hevc = configured();
    let mut disposable = |nal| hevc.packet(packet(&[nal])).unwrap().units[0].disposable;
    assert!(!disposable(IDR) && disposable(TRAIL_N) && !disposable(TRAIL_R));
    let mut hevc = Hevc::default();
    hevc.packet(packet(&[VPS_10_BITS, SPS_10_BITS, PPS_10_BITS, IDR])).unwrap();
    let mut disposable = |nal| hevc.packet(packet(&[nal])).unwrap().units[0].disposable;
    assert!(!disposable(TRAIL_N), "there are sub-layers above");
    assert!(disposable(&[0x00, 0x03, 0xe0]));
}

#[test]
fn a_record_cut_anywhere_is_no_configuration() {
    let whole = hvcc(PROFILE, &[VPS, SPS, PPS]);
    for len in 0..whole.len() {
        assert!(!matches!(Hevc::default().configure(whole.slice(..len)), Ok(Some(_))), "{len}");
    }
}

#[test]
fn units_of_dolby_vision_may_stand_behind_start_codes() {
    let nals: [&[u8]; 5] = [VPS, SPS, PPS, IDR, &[0x7c, 0x01, 0x19]];
    let annex_b: Vec<u8> = nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect();
    let facts = Hevc::default().packet(annex_b.into()).unwrap();
    assert_eq!(facts.units[0].data, packet(&nals));
}
