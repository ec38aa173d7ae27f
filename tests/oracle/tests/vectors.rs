//! The conformance vectors of `tests/fixtures/vectors`: each stream gives the events that it was made for, in their order.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use md5::{Digest, Md5};
use sailcast_media::{CodecParams, DemuxEvent, Demuxer, FlvDemuxer, Message, Metadata, TrackInfo, Value};
use serde_json::{Map, Value as Json, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vectors")
}

/// All events, in the words of the expectations.
fn seen(data: &[u8], chunk: usize) -> Vec<Json> {
    let mut demuxer = FlvDemuxer::new();
    let mut events = Vec::new();
    let mut poll = |demuxer: &mut FlvDemuxer| {
        loop {
            match demuxer.poll() {
                Ok(Some(event)) => events.push(words(&event)),
                Ok(None) => return true,
                Err(_) => {
                    events.push(json!({ "kind": "error" }));
                    return false;
                }
            }
        }
    };
    for piece in data.chunks(chunk) {
        demuxer.push(Bytes::copy_from_slice(piece));
        if !poll(&mut demuxer) {
            return events;
        }
    }
    demuxer.finish();
    poll(&mut demuxer);
    events
}

fn words(event: &DemuxEvent) -> Json {
    match event {
        DemuxEvent::Track(track) => track_words(track),
        DemuxEvent::Packet(packet) => json!({
            "kind": "packet",
            "track": packet.track.to_string(),
            "dts": packet.dts.0,
            "pts": packet.pts.0,
            "key": packet.keyframe,
            "size": packet.data.len(),
            "md5": hex(&Md5::digest(&packet.data)),
        }),
        DemuxEvent::Metadata(Metadata { time, message: Message::Script { name, values }, .. }) => json!({
            "kind": "metadata",
            "time": time.0,
            "name": name,
            "values": values.iter().map(value_words).collect::<Vec<_>>(),
        }),
        DemuxEvent::Metadata(Metadata { time, message: Message::Sei { payload_type, payload }, .. }) => {
            json!({
                "kind": "sei",
                "time": time.0,
                "type": payload_type,
                "payload": hex(payload),
            })
        }
        DemuxEvent::Skipped { why, .. } => json!({ "kind": "skipped", "why": why.as_str() }),
        DemuxEvent::Metadata(other) => unreachable!("FLV has no {other:?}"),
    }
}

fn track_words(track: &TrackInfo) -> Json {
    let mut words = json!({
        "kind": "track",
        "track": track.id.to_string(),
        "codec": track.config.codec_string,
    });
    match track.config.params {
        CodecParams::Video(video) => {
            let colour = video.colour;
            words["width"] = video.width.into();
            words["height"] = video.height.into();
            words["colour"] = json!([colour.primaries, colour.transfer, colour.matrix, colour.full_range]);
        }
        CodecParams::Audio(audio) => {
            words["sample_rate"] = audio.sample_rate.into();
            words["channels"] = audio.channels.into();
        }
    }
    words
}

fn value_words(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) | Value::Date(number) => (*number).into(),
        Value::String(text) => text.as_str().into(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), value_words(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(value_words).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A codec is expected by the beginning of its string, all else as it stands.
fn fits(expected: &Json, seen: &Json) -> bool {
    expected.as_object().is_some_and(|fields| {
        fields.iter().all(|(key, value)| match (key.as_str(), value.as_str(), seen[key].as_str()) {
            ("codec", Some(begin), Some(whole)) => whole.starts_with(begin),
            _ => seen[key] == *value,
        })
    })
}

/// What is wrong, if something is.
fn verdict(name: &str) -> Option<String> {
    let data = std::fs::read(folder().join(format!("flv/{name}.flv"))).expect("the vector");
    let lines = std::fs::read_to_string(folder().join(format!("expected/{name}.jsonl"))).expect("its lines");
    let expected: Vec<Json> =
        lines.lines().map(|line| serde_json::from_str(line).expect("an event a line")).collect();
    let seen_whole = seen(&data, data.len());
    if seen(&data, 1) != seen_whole || seen(&data, 7) != seen_whole {
        return Some("another split gives other events".into());
    }
    for at in 0..expected.len().max(seen_whole.len()) {
        let (expected, seen) = (expected.get(at), seen_whole.get(at));
        if !matches!((expected, seen), (Some(expected), Some(seen)) if fits(expected, seen)) {
            let word = |event: Option<&Json>| event.map_or("nothing".to_owned(), ToString::to_string);
            return Some(format!("event {at}: expected {}\n      seen {}", word(expected), word(seen)));
        }
    }
    None
}

#[test]
fn every_vector_gives_what_it_was_made_for() {
    let list = std::fs::read(folder().join("vectors.json")).expect("vectors.json");
    let list: Vec<Json> = serde_json::from_slice(&list).expect("a list");
    assert!(list.len() > 80, "{} vectors", list.len());
    let wrong: Vec<String> = list
        .iter()
        .filter_map(|vector| {
            let name = vector["name"].as_str().expect("a name");
            verdict(name).map(|why| format!("{name}: {why}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), list.len(), wrong.join("\n"));
}
