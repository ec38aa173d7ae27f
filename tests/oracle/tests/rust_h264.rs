//! The pictures that the H.264 module is held to (`tests/codec/expected/h264.json`, of ffmpeg) are those of a third decoder too.

mod common;

use common::{Ours, fixtures};
use md5::{Digest, Md5};
use rust_h264::{decoder::OrderedDecoder, nal::parse_annex_b};
use sailcast_media::MediaKind;
use serde_json::Value;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Length-prefixed NAL units, or those of an avcC behind two bytes of length each, with start codes.
fn annex_b(units: &[u8], length_size: usize, out: &mut Vec<u8>) {
    let mut rest = units;
    while rest.len() > length_size {
        let (length, behind) = rest.split_at(length_size);
        let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let (unit, behind) = behind.split_at(length);
        out.extend(START_CODE);
        out.extend(unit);
        rest = behind;
    }
}

fn sets(avcc: &[u8], out: &mut Vec<u8>) {
    let sps_end = 8 + usize::from(u16::from_be_bytes([avcc[6], avcc[7]]));
    annex_b(&avcc[6..sps_end], 2, out);
    let pps = sps_end + 1;
    let pps_end = pps + 2 + usize::from(u16::from_be_bytes([avcc[pps], avcc[pps + 1]]));
    annex_b(&avcc[pps..pps_end], 2, out);
}

fn sums(stream: &[u8]) -> Vec<String> {
    let mut decoder = OrderedDecoder::new();
    let mut frames = Vec::new();
    for nal in &parse_annex_b(stream) {
        frames.extend(decoder.decode_nal(nal).expect("a whole stream"));
    }
    frames.extend(decoder.flush());
    let sum = |frame: &rust_h264::decoder::Frame| {
        let mut md5 = Md5::new();
        [&frame.y, &frame.u, &frame.v].into_iter().for_each(|plane| md5.update(plane));
        md5.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    frames.iter().map(sum).collect()
}

#[test]
fn a_third_decoder_shows_the_expected_pictures() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../codec/expected/h264.json");
    let expected: Value = serde_json::from_slice(&std::fs::read(file).expect(file)).expect("JSON");
    let mut compared = 0;
    for path in fixtures() {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let Some(expected) = expected[name].as_array() else { continue };
        let ours = Ours::of(&path);
        let track = ours.track(MediaKind::Video).expect("a picture");
        let mut stream = Vec::new();
        sets(&track.config.description, &mut stream);
        for packet in ours.packets.iter().filter(|packet| packet.track.kind == MediaKind::Video) {
            annex_b(&packet.data, 4, &mut stream);
        }
        assert_eq!(&sums(&stream), expected, "{name}");
        compared += 1;
    }
    assert!(compared >= 3, "{compared} streams");
}
