//! Our packets of MPEG-TS equal ffprobe's: times to the tick, keyframes, and what the headers say of the tracks.

mod common;

use std::path::Path;

use common::{
    Ours, clean,
    ffprobe::{is_key, is_video, number, packets, probe, streams},
    ts_corpus, ts_fixtures,
};
use sailcast_media::{Codec, CodecParams, MediaKind, Packet};
use serde_json::Value;

/// Two ticks of 90 kHz: ffprobe rounds each frame of a PES packet from the one before.
const TOLERANCE_US: i64 = 23;
const ADTS_HEADER: usize = 7;

fn compare(path: &Path) {
    let name = path.display();
    let ours = Ours::of(path);
    let theirs = probe(path, None);
    for stream in streams(&theirs) {
        let kind = if is_video(stream) { MediaKind::Video } else { MediaKind::Audio };
        let of_stream = |packet: &&Value| packet["stream_index"] == stream["index"];
        let expected: Vec<_> = packets(&theirs).iter().filter(of_stream).collect();
        let seen: Vec<_> = ours.packets.iter().filter(|packet| packet.track.kind == kind).collect();
        assert_eq!(seen.len(), expected.len(), "{name}: {kind:?} packets");
        if seen.is_empty() {
            continue;
        }
        for (i, (seen, expected)) in seen.iter().zip(expected).enumerate() {
            compare_packet(&format!("{name}: {kind:?} packet {i}"), seen, expected, stream);
        }
        compare_track(path, &ours, kind, stream);
    }
}

fn compare_packet(at: &str, seen: &Packet, expected: &Value, stream: &Value) {
    for (ours, field) in [(seen.dts, "dts"), (seen.pts, "pts")] {
        let theirs = number(&expected[field]) * 1_000_000 / 90_000;
        assert!((ours.0 - theirs).abs() <= TOLERANCE_US, "{at}: {field} {} and {theirs}", ours.0);
    }
    assert_eq!(seen.keyframe, is_key(expected), "{at}: key");
    // Pictures have start codes of three or four bytes there, and LATM is left as it is.
    let header = match stream["codec_name"].as_str() {
        Some("aac") => ADTS_HEADER,
        Some("mp3" | "ac3" | "eac3" | "opus") => 0,
        _ => return,
    };
    assert_eq!((seen.data.len() + header) as i64, number(&expected["size"]), "{at}: size");
}

fn compare_track(path: &Path, ours: &Ours, kind: MediaKind, stream: &Value) {
    let name = path.display();
    let track = ours.track(kind).unwrap_or_else(|| panic!("{name}: no {kind:?} track"));
    let expected = match stream["codec_name"].as_str().unwrap() {
        "h264" => Codec::Avc,
        "hevc" => Codec::Hevc,
        "aac" | "aac_latm" => Codec::Aac,
        "mp3" => Codec::Mp3,
        "ac3" => Codec::Ac3,
        "eac3" => Codec::Eac3,
        "opus" => Codec::Opus,
        other => panic!("{name}: {other}"),
    };
    assert_eq!(track.config.codec, expected, "{name}");
    match track.config.params {
        CodecParams::Video(video) => {
            let size = (i64::from(video.width), i64::from(video.height));
            assert_eq!(size, (number(&stream["width"]), number(&stream["height"])), "{name}: size");
        }
        CodecParams::Audio(audio) => {
            assert_eq!(i64::from(audio.channels), number(&stream["channels"]), "{name}: channels");
            // SBR that no header tells doubles the rate of what is decoded.
            let (ours, theirs) = (i64::from(audio.sample_rate), number(&stream["sample_rate"]));
            let implied = expected == Codec::Aac && 2 * ours == theirs;
            assert!(ours == theirs || implied, "{name}: {ours} and {theirs} Hz");
        }
    }
}

#[test]
fn fixtures_agree() {
    for path in ts_fixtures() {
        compare(&path);
    }
}

#[test]
fn clean_corpus_files_agree() {
    clean(ts_corpus()).for_each(|path| compare(&path));
}
