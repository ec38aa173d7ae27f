//! Our packets of MP4 files equal ffprobe's: times with the edits applied, bytes, keyframes, and what the tracks are.

mod common;

use std::{path::Path, process::Command};

use common::{Ours, mp4_corpus, mp4_fixtures, name};
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

fn probe(path: &Path) -> Value {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-show_packets", "-show_streams", "-show_data_hash", "md5", "-of", "json"])
        .arg(path)
        .output()
        .unwrap_or_else(|e| {
            panic!("ffprobe cannot be run ({e}): install ffmpeg, or run `cargo xtask setup`")
        });
    serde_json::from_slice(&out.stdout).expect("JSON from ffprobe")
}

fn micros(packet: &Value, field: &str) -> i64 {
    let seconds: f64 = packet[field].as_str().and_then(|s| s.parse().ok()).unwrap_or(f64::NAN);
    (seconds * 1e6).round() as i64
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("no number: {value}"))
}

fn compare(path: &Path) {
    let ours = Ours::of_file(path);
    assert!(ours.complaints.is_empty(), "{}: {:?}", path.display(), ours.complaints);
    let theirs = probe(path);
    let mut numbers = [0u8; 2];
    for stream in theirs["streams"].as_array().expect("streams") {
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
    let packets = theirs["packets"].as_array().expect("packets").iter();
    let expected: Vec<_> = packets
        .filter(|packet| packet["stream_index"] == *index)
        .map(|packet| Seen {
            dts: micros(packet, "dts_time"),
            pts: micros(packet, "pts_time"),
            key: packet["flags"].as_str().is_some_and(|flags| flags.starts_with('K')),
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
    match track.config.params {
        CodecParams::Video(video) => {
            assert_eq!(u64::from(video.width), number(&stream["width"]), "{name}: width");
            assert_eq!(u64::from(video.height), number(&stream["height"]), "{name}: height");
            let reorder = u64::from(video.reorder_depth);
            assert!(reorder >= number(&stream["has_b_frames"]), "{name}: reorder depth {reorder}");
            let is_bt709 = stream["color_primaries"] == "bt709";
            assert_eq!(video.colour.primaries == 1, is_bt709, "{name}: colours");
            let shape = stream["sample_aspect_ratio"].as_str().unwrap_or("1:1");
            let (width, height) = video.pixel.parts();
            assert_eq!(format!("{width}:{height}"), shape, "{name}: shape of a pixel");
            let side_data = stream["side_data_list"].as_array().map_or(&[][..], Vec::as_slice);
            let rotation = side_data.iter().find_map(|data| data["rotation"].as_i64()).unwrap_or_default();
            // Counterclockwise.
            assert_eq!(i64::from(video.turn.rotation), (-rotation).rem_euclid(360), "{name}: rotation");
        }
        CodecParams::Audio(audio) => {
            assert_eq!(u64::from(audio.sample_rate), number(&stream["sample_rate"]), "{name}: rate");
            assert_eq!(u64::from(audio.channels), number(&stream["channels"]), "{name}: channels");
        }
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
