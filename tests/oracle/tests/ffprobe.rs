//! Our packets equal ffprobe's: times, sizes, keyframes, and what the headers say of the tracks.

mod common;

use std::{path::Path, process::Command};

use common::{Ours, corpus, fixtures};
use sailcast_media::{CodecParams, MediaKind};
use serde_json::Value;

#[derive(Debug, PartialEq)]
struct Seen {
    is_video: bool,
    dts: i64,
    pts: i64,
    size: usize,
    key: bool,
}

fn probe(path: &Path) -> Value {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-show_packets", "-show_streams", "-of", "json"])
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
    let ours = Ours::of(path);
    let theirs = probe(path);
    let is_video = |index: u64| {
        let streams = theirs["streams"].as_array().expect("streams");
        streams.iter().any(|s| s["index"] == index && s["codec_type"] == "video")
    };
    let expected: Vec<_> = theirs["packets"]
        .as_array()
        .expect("packets")
        .iter()
        .map(|packet| Seen {
            is_video: is_video(number(&packet["stream_index"])),
            dts: micros(packet, "dts_time"),
            pts: micros(packet, "pts_time"),
            size: number(&packet["size"]) as usize,
            key: packet["flags"].as_str().is_some_and(|flags| flags.starts_with('K')),
        })
        .collect();
    let seen: Vec<_> = ours
        .packets
        .iter()
        .map(|packet| Seen {
            is_video: packet.track.kind == MediaKind::Video,
            dts: packet.dts.0,
            pts: packet.pts.0,
            size: packet.data.len(),
            key: packet.keyframe,
        })
        .collect();
    assert_eq!(seen.len(), expected.len(), "{}: number of packets", path.display());
    for (i, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
        assert_eq!(seen, expected, "{}: packet {i}", path.display());
    }
    for stream in theirs["streams"].as_array().expect("streams") {
        compare_track(path, &ours, stream);
    }
}

fn compare_track(path: &Path, ours: &Ours, stream: &Value) {
    let name = path.display();
    let kind = if stream["codec_type"] == "video" { MediaKind::Video } else { MediaKind::Audio };
    let track = ours.track(kind).unwrap_or_else(|| panic!("{name}: no {kind:?} track"));
    // Codecs whose packets say all have none.
    let extradata = stream.get("extradata_size").map_or(0, number);
    assert_eq!(track.config.description.len() as u64, extradata, "{name}: extradata");
    match track.config.params {
        CodecParams::Video(video) => {
            assert_eq!(u64::from(video.width), number(&stream["width"]), "{name}: width");
            assert_eq!(u64::from(video.height), number(&stream["height"]), "{name}: height");
            // ffprobe has it from the stream it saw, we from the headers, which may allow for more.
            let reorder = u64::from(video.reorder_depth);
            assert!(reorder >= number(&stream["has_b_frames"]), "{name}: reorder depth {reorder}");
        }
        CodecParams::Audio(audio) => {
            assert_eq!(u64::from(audio.sample_rate), number(&stream["sample_rate"]), "{name}: rate");
            assert_eq!(u64::from(audio.channels), number(&stream["channels"]), "{name}: channels");
        }
    }
}

#[test]
fn fixtures_agree() {
    for path in fixtures() {
        compare(&path);
    }
}

#[test]
fn clean_corpus_files_agree() {
    for path in corpus().iter().filter(|path| Ours::of(path).is_clean()) {
        println!("{}", path.display());
        compare(path);
    }
}
