//! What AV1 temporal units become, by real headers of SVT-AV1; FFmpeg's `trace_headers` says the same of them.

use super::*;
use crate::packet::Colour;

const DELIMITER: &[u8] = &[0x12, 0x00];
/// 638x358, 8 bits, BT.709.
const SEQUENCE: &[u8] =
    &[0x0a, 0x0e, 0x00, 0x00, 0x00, 0x0c, 0xc4, 0xfb, 0x65, 0x12, 0xbe, 0x44, 0x04, 0x04, 0x04, 0x10];
/// 320x240, 10 bits, BT.2020 with PQ.
const SEQUENCE_10_BITS: &[u8] =
    &[0x0a, 0x0e, 0x00, 0x00, 0x00, 0x04, 0x3c, 0xff, 0xbc, 0x4a, 0xf9, 0x50, 0x91, 0x00, 0x90, 0x40];
// Frame OBUs, cut behind the head of their frame header.
const KEY: &[u8] = &[0x32, 0x06, 0x10, 0x00, 0x88, 0xa0, 0x80, 0xc3];
/// Not shown, refresh_frame_flags 1.
const HIDDEN: &[u8] = &[0x32, 0x06, 0x28, 0x04, 0x00, 0x24, 0x92, 0x49];
/// Shown, refresh_frame_flags 0.
const LAST: &[u8] = &[0x32, 0x06, 0x30, 0x03, 0x00, 0x09, 0x24, 0xdb];
/// Shown, refresh_frame_flags 8.
const SHOWN: &[u8] = &[0x32, 0x06, 0x30, 0x0a, 0x02, 0x00, 0x00, 0x49];
const SHOW_EXISTING: &[u8] = &[0x1a, 0x01, 0xb8];

fn unit(obus: &[&[u8]]) -> Bytes {
    obus.concat().into()
}

fn av1c(obus: &[&[u8]]) -> Bytes {
    [&[0x81, 0x01, 0x0c, 0x00], &obus.concat()[..]].concat().into()
}

fn configured() -> Av1 {
    let mut av1 = Av1::default();
    av1.configure(av1c(&[SEQUENCE])).unwrap().unwrap();
    av1
}

fn video(config: &DecoderConfig) -> VideoParams {
    let CodecParams::Video(video) = config.params else { panic!("video") };
    video
}

#[test]
fn the_sequence_header_of_the_record_makes_the_configuration() {
    let mut av1 = Av1::default();
    let config = av1.configure(av1c(&[SEQUENCE])).unwrap().unwrap();
    assert_eq!((config.codec_string.as_str(), config.description.len()), ("av01.0.01M.08", 0));
    let colour = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false };
    assert_eq!(video(&config), VideoParams { colour, ..VideoParams::of_size(638, 358) });
    assert_eq!(av1.configure(av1c(&[SEQUENCE])).unwrap(), None);
    let config = av1.configure(av1c(&[SEQUENCE_10_BITS])).unwrap().unwrap();
    assert_eq!(config.codec_string, "av01.0.00M.10.0.110.09.16.09.0");
    let colour = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };
    assert_eq!(video(&config), VideoParams { colour, bit_depth: 10, ..VideoParams::of_size(320, 240) });
}

#[test]
fn an_empty_configuration_waits_for_the_first_keyframe() {
    for record in [av1c(&[]), Bytes::new()] {
        let mut av1 = Av1::default();
        assert_eq!(av1.configure(record), Ok(None));
        assert_eq!(av1.packet(unit(&[DELIMITER, LAST])), Err(Damage::NoConfig));
        let facts = av1.packet(unit(&[DELIMITER, SEQUENCE, KEY])).unwrap();
        assert_eq!(facts.config.unwrap().codec_string, "av01.0.01M.08");
        assert!(facts.units[0].keyframe);
    }
}

#[test]
fn delimiters_and_padding_are_dropped_and_sizes_written() {
    let mut av1 = configured();
    let whole = unit(&[DELIMITER, SEQUENCE, KEY]);
    let data = av1.packet(whole.clone()).unwrap().units[0].data.clone();
    assert_eq!(data, unit(&[SEQUENCE, KEY]));
    assert_eq!(data.as_ptr(), whole[2..].as_ptr(), "a view");
    let padded = unit(&[DELIMITER, LAST, &[0x7a, 0x02, 0, 0x80]]);
    assert_eq!(av1.packet(padded).unwrap().units[0].data, LAST);
    // Without obu_has_size_field.
    let unsized_frame = unit(&[&[0x30], &LAST[2..]]);
    assert_eq!(av1.packet(unsized_frame).unwrap().units[0].data, LAST);
}

#[test]
fn a_keyframe_without_its_sequence_header_gets_it() {
    let facts = configured().packet(unit(&[DELIMITER, KEY])).unwrap();
    assert_eq!(facts.units[0].data, unit(&[SEQUENCE, KEY]));
}

#[test]
fn a_new_sequence_header_makes_a_new_configuration() {
    let mut av1 = configured();
    assert_eq!(av1.packet(unit(&[SEQUENCE, KEY])).unwrap().config, None);
    let config = av1.packet(unit(&[SEQUENCE_10_BITS, KEY])).unwrap().config.unwrap();
    assert_eq!(video(&config).width, 320);
}

#[test]
fn keyframes_and_disposable_frames_are_told_by_the_frame_headers() {
    let mut av1 = configured();
    let mut told = |obus: &[&[u8]]| {
        let unit = &av1.packet(unit(obus)).unwrap().units[0];
        (unit.keyframe, unit.disposable)
    };
    assert_eq!(told(&[SEQUENCE, KEY]), (true, false));
    assert_eq!(told(&[HIDDEN, HIDDEN, LAST]), (false, false));
    assert_eq!(told(&[LAST]), (false, true));
    assert_eq!(told(&[SHOWN]), (false, false));
    assert_eq!(told(&[SHOW_EXISTING]), (false, false));
}

#[test]
fn a_unit_without_frames_is_nothing() {
    assert_eq!(configured().packet(unit(&[DELIMITER])), Ok(Facts::default()));
}

#[test]
fn what_is_cut_is_damage() {
    let whole = unit(&[DELIMITER, SEQUENCE, KEY]);
    for len in 3..whole.len() {
        let read = Av1::default().packet(whole.slice(..len));
        assert!(read.is_err() || read.is_ok_and(|facts| facts.units.is_empty()), "{len}");
    }
    let record = av1c(&[SEQUENCE]);
    for len in 0..record.len() {
        assert!(!matches!(Av1::default().configure(record.slice(..len)), Ok(Some(_))), "{len}");
    }
    assert_eq!(configured().packet(unit(&[&[0x80, 0]])), Err(Damage::Invalid("OBU size")));
}
