//! ffprobe, and the words that it has for packets and streams.

use std::{path::Path, process::Command};

use sailcast_media::CodecParams;
use serde_json::Value;

/// Packets and streams of a file; `hash` is of each packet's data.
pub fn probe(path: &Path, hash: Option<&str>) -> Value {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-show_packets", "-show_streams", "-of", "json"])
        .args(hash.into_iter().flat_map(|hash| ["-show_data_hash", hash]))
        .arg(path)
        .output()
        .unwrap_or_else(|e| {
            panic!("ffprobe cannot be run ({e}): install ffmpeg, or run `cargo xtask setup`")
        });
    serde_json::from_slice(&out.stdout).expect("JSON from ffprobe")
}

pub fn streams(probed: &Value) -> &[Value] {
    probed["streams"].as_array().expect("streams")
}

pub fn packets(probed: &Value) -> &[Value] {
    probed["packets"].as_array().expect("packets")
}

pub fn is_video(stream: &Value) -> bool {
    stream["codec_type"] == "video"
}

pub fn is_key(packet: &Value) -> bool {
    packet["flags"].as_str().is_some_and(|flags| flags.starts_with('K'))
}

pub fn micros(packet: &Value, field: &str) -> i64 {
    let seconds: f64 = packet[field].as_str().and_then(|s| s.parse().ok()).unwrap_or(f64::NAN);
    (seconds * 1e6).round() as i64
}

pub fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("no number: {value}"))
}

/// What both read of the headers.
pub fn assert_params(path: &Path, ours: CodecParams, stream: &Value) {
    let name = path.display();
    match ours {
        CodecParams::Video(video) => {
            assert_eq!(i64::from(video.width), number(&stream["width"]), "{name}: width");
            assert_eq!(i64::from(video.height), number(&stream["height"]), "{name}: height");
            // ffprobe has it from the stream it saw, we from the headers, which may allow for more.
            let reorder = i64::from(video.reorder_depth);
            assert!(reorder >= number(&stream["has_b_frames"]), "{name}: reorder depth {reorder}");
        }
        CodecParams::Audio(audio) => {
            assert_eq!(i64::from(audio.sample_rate), number(&stream["sample_rate"]), "{name}: rate");
            assert_eq!(i64::from(audio.channels), number(&stream["channels"]), "{name}: channels");
        }
    }
}
