//! Our packets of MP4 files equal ffprobe's: times with the edits applied, bytes, keyframes, and what the tracks are.

mod common;

use std::path::Path;

use common::{
    Ours,
    ffprobe::{assert_params, is_key, micros, number, packets, probe, streams},
    mp4_corpus, mp4_fixtures, name,
};
use md5::{Digest, Md5};
use sailcast_media::{CodecParams, TrackId};
use serde_json::Value;

/// ffprobe rounds to microseconds, we down.
const ROUNDING: i64 = 1;

#[derive(Debug, PartialEq)]
struct Seen {
    dts: i64,
    pts: i64,
    key: bool,
    size: usize,
    md5: String,
}

fn compare(path: &Path) {
    let ours = Ours::of_file(path);
    assert!(ours.complaints.is_empty(), "{}: {:?}", path.display(), ours.complaints);
    let theirs = probe(path, Some("md5"));
    let mut numbers = [0u8; 2];
    for stream in streams(&theirs) {
        let (kind, id): (usize, fn(u8) -> TrackId) = match stream["codec_type"].as_str() {
            Some("video") => (0, TrackId::video),
            Some("audio") => (1, TrackId::audio),
            _ => continue,
        };
        let id = id(numbers[kind]);
        numbers[kind] += 1;
        compare_packets(path, &ours, id, &stream["index"], &theirs);
        compare_track(path, &ours, id, stream);
    }
}

fn compare_packets(path: &Path, ours: &Ours, id: TrackId, index: &Value, theirs: &Value) {
    let expected: Vec<_> = packets(theirs)
        .iter()
        .filter(|packet| packet["stream_index"] == *index)
        .map(|packet| Seen {
            dts: micros(packet, "dts_time"),
            pts: micros(packet, "pts_time"),
            key: is_key(packet),
            size: number(&packet["size"]) as usize,
            md5: packet["data_hash"].as_str().unwrap_or_default().trim_start_matches("MD5:").to_owned(),
        })
        .collect();
    let packets = ours.packets_of(id);
    assert_eq!(packets.len(), expected.len(), "{}: number of packets of {id}", path.display());
    for (i, (packet, expected)) in packets.iter().zip(expected).enumerate() {
        let near = |ours: i64, theirs: i64| if (ours - theirs).abs() <= ROUNDING { theirs } else { ours };
        let md5: String = Md5::digest(&packet.data).iter().map(|byte| format!("{byte:02x}")).collect();
        let seen = Seen {
            dts: near(packet.dts.0, expected.dts),
            pts: near(packet.pts.0, expected.pts),
            key: packet.keyframe,
            size: packet.data.len(),
            md5,
        };
        assert_eq!(seen, expected, "{}: packet {i} of {id}", path.display());
    }
}

fn compare_track(path: &Path, ours: &Ours, id: TrackId, stream: &Value) {
    let name = path.display();
    let track = ours.tracks.iter().find(|track| track.id == id).unwrap_or_else(|| panic!("{name}: no {id}"));
    assert_params(path, track.config.params, stream);
    if let CodecParams::Video(video) = track.config.params {
        let is_bt709 = stream["color_primaries"] == "bt709";
        assert_eq!(video.colour.primaries == 1, is_bt709, "{name}: colours");
    }
}

/// Where ffprobe does otherwise than the standard, or than we chose to.
fn is_comparable(path: &Path) -> bool {
    match name(path) {
        // It presents what has negative offsets later, by the largest of them, and has no edit list to say so.
        "fragments-negative.mp4" => false,
        // Its packets of G.711 have any number of samples.
        "whole-g711.mov" => false,
        _ => true,
    }
}

#[test]
fn fixtures_agree() {
    for path in mp4_fixtures().iter().filter(|path| is_comparable(path)) {
        compare(path);
    }
}

#[test]
fn clean_corpus_files_agree() {
    for path in mp4_corpus() {
        if !Ours::of_file(&path).packets.is_empty() {
            println!("{}", path.display());
            compare(&path);
        }
    }
}
