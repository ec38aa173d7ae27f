//! Our packets equal ffprobe's: times, sizes, keyframes, and what the headers say of the tracks.

mod common;

use std::path::Path;

use common::{
    Ours, clean, corpus,
    ffprobe::{assert_params, is_key, is_video, micros, number, packets, probe, streams},
    fixtures,
};
use sailcast_media::MediaKind;
use serde_json::Value;

#[derive(Debug, PartialEq)]
struct Seen {
    is_video: bool,
    dts: i64,
    pts: i64,
    size: usize,
    key: bool,
}

fn compare(path: &Path) {
    let ours = Ours::of(path);
    let theirs = probe(path, None);
    let is_of_video =
        |packet: &Value| streams(&theirs).iter().any(|s| s["index"] == packet["stream_index"] && is_video(s));
    let expected: Vec<_> = packets(&theirs)
        .iter()
        .map(|packet| Seen {
            is_video: is_of_video(packet),
            dts: micros(packet, "dts_time"),
            pts: micros(packet, "pts_time"),
            size: number(&packet["size"]) as usize,
            key: is_key(packet),
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
    for stream in streams(&theirs) {
        compare_track(path, &ours, stream);
    }
}

fn compare_track(path: &Path, ours: &Ours, stream: &Value) {
    let name = path.display();
    let kind = if is_video(stream) { MediaKind::Video } else { MediaKind::Audio };
    let track = ours.track(kind).unwrap_or_else(|| panic!("{name}: no {kind:?} track"));
    // Codecs whose packets say all have none.
    let extradata = stream.get("extradata_size").map_or(0, number);
    assert_eq!(track.config.description.len() as i64, extradata, "{name}: extradata");
    assert_params(path, track.config.params, stream);
}

#[test]
fn fixtures_agree() {
    for path in fixtures() {
        compare(&path);
    }
}

#[test]
fn clean_corpus_files_agree() {
    clean(corpus()).for_each(|path| compare(&path));
}
