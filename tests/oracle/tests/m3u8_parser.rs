//! Our playlists say what m3u8-parser's tests expect of the same texts, as far as both have it.

use std::{fs, path::Path};

use sailcast_media::{
    Micros,
    hls::{
        ByteRange, Key, KeyMethod, Map, MediaPlaylist, MultivariantPlaylist, Part, Playlist, PlaylistKind,
        PreloadKind, RenditionKind, Segment, Variables, Variant, parse, resolve,
    },
};
use serde_json::{Value, json};

const URL: &str = "https://example.com/live/index.m3u8";

/// Where we read otherwise, and why. Each has to be found.
const OTHERWISE: [(&str, &str); 20] = [
    ("empty:", "it is no playlist"),
    ("start:", "it does not begin with #EXTM3U"),
    ("manifestNoExtM3u:", "it does not begin with #EXTM3U"),
    ("headerOnly:", "there is nothing to play"),
    ("zeroDuration.segments[0].duration", "nothing is added to a duration"),
    ("invalidTargetDuration.targetDuration", "it is that of the longest segment"),
    ("manifestExtTTargetdurationNegative.targetDuration", "it is that of the longest segment"),
    (
        "multipleTargetDurations.segments[0].duration",
        "the target duration is that of the playlist, also of what is before",
    ),
    (
        "multipleTargetDurations.segments[1].duration",
        "the target duration is that of the playlist, also of what is before",
    ),
    ("negativeMediaSequence.mediaSequence", "it is no number of the draft"),
    ("liveMissingSegmentDuration.endList", "what is VOD never changes"),
    ("llhls-delta-byte-range.endList", "what is VOD never changes"),
    ("llhls-delta-byte-range.partTargetDuration", "it is that of the longest part"),
    (
        "llhls-delta-byte-range.preloadSegment",
        "parts go on within their resource; a hint without BYTERANGE-START begins at 0 (4.4.5.3)",
    ),
    ("llhls-byte-range.segments[2].byterange.offset", "it is another resource than that of the range before"),
    ("llhls-byte-range.endList", "what is VOD never changes"),
    ("llhls-byte-range.partTargetDuration", "it is that of the longest part"),
    ("llhls-byte-range.preloadSegment", "hints of no known type are passed over"),
    ("byteRange.segments[2].byterange.offset", "it is another resource than that of the range before"),
    ("extinf.segments[1].title", "a title is behind a comma"),
];

#[test]
fn playlists_are_read_as_their_tests_expect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/corpus/m3u8-parser");
    let mut differences = Vec::new();
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("the corpus").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "m3u8") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read(&path).expect("a playlist");
        let expected = fs::read(path.with_extension("expected.json")).expect("what is expected of it");
        let expected: Value = serde_json::from_slice(&expected).expect("JSON");
        match parse(&text, URL, &Variables::default()) {
            Ok(playlist) => compare(&name, &ours(&playlist), &expected, &mut differences),
            Err(error) => differences.push(format!("{name}: {error}")),
        }
        read += 1;
    }
    assert_eq!(read, 60, "playlists");
    for (known, why) in OTHERWISE {
        let before = differences.len();
        differences.retain(|difference| !difference.starts_with(known));
        assert!(differences.len() < before, "{known} is as they have it: {why}");
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Everything that ours has must be theirs; what they leave out is null, false, zero or empty.
fn compare(at: &str, ours: &Value, theirs: &Value, differences: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(fields), Value::Object(_)) => {
            for (name, value) in fields {
                let theirs = theirs.get(name).unwrap_or(&Value::Null);
                let clean = match (name.as_str(), theirs) {
                    ("uri", Value::String(uri)) => json!(resolve(URL, uri)),
                    ("CODECS", Value::String(codecs)) => json!(codecs.replace(' ', "")),
                    ("AVERAGE-BANDWIDTH", Value::String(number)) => json!(number.parse::<u64>().unwrap()),
                    _ => theirs.clone(),
                };
                compare(&format!("{at}.{name}"), value, &clean, differences);
            }
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            for (n, (item, other)) in items.iter().zip(others).enumerate() {
                compare(&format!("{at}[{n}]"), item, other, differences);
            }
        }
        (Value::Number(ours), Value::Number(theirs)) => {
            let difference = ours.as_f64().unwrap() - theirs.as_f64().unwrap();
            if difference.abs() > 1e-6 * theirs.as_f64().unwrap().abs().max(1.0) {
                differences.push(format!("{at}: {ours}, theirs {theirs}"));
            }
        }
        _ if ours == theirs || (theirs.is_null() && is_nothing(ours)) => {}
        _ => differences.push(format!("{at}: {ours}, theirs {theirs}")),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
    }
}

fn ours(playlist: &Playlist) -> Value {
    match playlist {
        Playlist::Media(playlist) => media(playlist),
        Playlist::Multivariant(main) => multivariant(main),
    }
}

fn seconds(time: Micros) -> Value {
    json!(time.as_secs_f64())
}

fn range(range: Option<ByteRange>) -> Value {
    range.map_or(Value::Null, |range| json!({ "length": range.length, "offset": range.offset }))
}

fn key(key: &Key) -> Value {
    let words = key.iv.map(|iv| {
        let word = |n: usize| u32::from_be_bytes(iv[4 * n..4 * n + 4].try_into().expect("four bytes"));
        json!({ "0": word(0), "1": word(1), "2": word(2), "3": word(3) })
    });
    assert_eq!(key.method, KeyMethod::Aes128);
    json!({ "method": "AES-128", "uri": key.uri, "iv": words })
}

fn map(map: &Map) -> Value {
    json!({ "uri": map.uri, "byterange": range(map.range), "key": map.keys.first().map(|first| key(first)) })
}

fn part(part: &Part) -> Value {
    json!({
        "uri": part.uri,
        "duration": seconds(part.duration),
        "byterange": range(part.range),
        "independent": part.independent,
        "gap": part.gap,
    })
}

fn segment(playlist: &MediaPlaylist, segment: &Segment) -> Value {
    json!({
        "uri": segment.uri,
        "duration": seconds(segment.duration),
        "title": segment.title,
        "byterange": range(segment.range),
        "timeline": segment.discontinuity,
        "key": segment.keys.first().map(|first| key(first)),
        "map": segment.map.as_ref().map(|whole| map(whole)),
        "programDateTime": date(playlist, segment.sequence).map(|time| time.0 as f64 / 1e3),
        "parts": segment.parts.iter().map(part).collect::<Vec<_>>(),
    })
}

/// m3u8-parser counts on from the last segment that has a date, and back from the first.
fn date(playlist: &MediaPlaylist, sequence: u64) -> Option<Micros> {
    let mut start = Micros::ZERO;
    let starts: Vec<_> = playlist
        .segments
        .iter()
        .map(|segment| {
            let at = start;
            start += segment.duration;
            (at, segment)
        })
        .collect();
    let (at, _) = starts.iter().find(|(_, segment)| segment.sequence == sequence)?;
    let zero = |(start, segment): &(Micros, &Segment)| Some(segment.program_date_time? - *start);
    let before =
        starts.iter().take_while(|(_, segment)| segment.sequence <= sequence).filter_map(zero).last();
    before.or_else(|| starts.iter().find_map(zero)).map(|zero| zero + *at)
}

fn media(playlist: &MediaPlaylist) -> Value {
    let complete = playlist.segments.iter().filter(|segment| segment.uri.is_some());
    let hints = playlist.preload_hints.iter().map(|hint| {
        let kind = match hint.kind {
            PreloadKind::Part => "PART",
            PreloadKind::Map => "MAP",
        };
        let range = hint.length.map(|length| json!({ "length": length, "offset": hint.start }));
        json!({ "type": kind, "uri": hint.uri, "byterange": range })
    });
    let reports = playlist
        .rendition_reports
        .iter()
        .map(|report| json!({ "uri": report.uri, "lastMsn": report.last_msn, "lastPart": report.last_part }));
    let control = &playlist.control;
    json!({
        "version": Some(playlist.version).filter(|version| *version > 1),
        "targetDuration": seconds(playlist.target_duration),
        "mediaSequence": playlist.media_sequence,
        "discontinuitySequence": playlist.discontinuity_sequence,
        "playlistType": match playlist.kind {
            PlaylistKind::Live => Value::Null,
            PlaylistKind::Event => json!("EVENT"),
            PlaylistKind::Vod => json!("VOD"),
        },
        "endList": playlist.ended,
        "independentSegments": playlist.independent_segments,
        "iFramesOnly": playlist.i_frames_only,
        "start": playlist.start.map(|start| json!({ "timeOffset": seconds(start.offset), "precise": start.precise })),
        "partTargetDuration": playlist.part_target.map(seconds),
        "serverControl": {
            "canBlockReload": control.can_block_reload,
            "canSkipUntil": control.can_skip_until.map(seconds),
            "canSkipDateranges": control.can_skip_dateranges,
            "holdBack": control.hold_back.map(seconds),
            "partHoldBack": control.part_hold_back.map(seconds),
        },
        "skip": playlist.skip.as_ref().map(|skip| {
            json!({ "skippedSegments": skip.segments, "recentlyRemovedDateranges": skip.removed_dateranges })
        }),
        "segments": complete.map(|complete| segment(playlist, complete)).collect::<Vec<_>>(),
        "preloadSegment": {
            "parts": playlist.segments.last().filter(|last| last.uri.is_none()).map(|last| last.parts.iter().map(part).collect::<Vec<_>>()),
            "preloadHints": hints.collect::<Vec<_>>(),
        },
        "renditionReports": reports.collect::<Vec<_>>(),
    })
}

fn variant(variant: &Variant) -> Value {
    let size = variant.width.zip(variant.height);
    json!({
        "uri": variant.uri,
        "attributes": {
            "BANDWIDTH": variant.bandwidth,
            "AVERAGE-BANDWIDTH": variant.average_bandwidth,
            "CODECS": Some(variant.codecs.join(",")),
            "RESOLUTION": size.map(|(width, height)| json!({ "width": width, "height": height })),
            "FRAME-RATE": variant.frame_rate,
            "VIDEO-RANGE": variant.video_range,
            "NAME": variant.name,
            "AUDIO": variant.audio,
            "VIDEO": variant.video,
            "SUBTITLES": variant.subtitles,
        },
    })
}

fn multivariant(main: &MultivariantPlaylist) -> Value {
    let mut groups = json!({ "AUDIO": {}, "VIDEO": {}, "SUBTITLES": {}, "CLOSED-CAPTIONS": {} });
    for rendition in &main.renditions {
        let kind = match rendition.kind {
            RenditionKind::Audio => "AUDIO",
            RenditionKind::Video => "VIDEO",
            RenditionKind::Subtitles => "SUBTITLES",
            RenditionKind::ClosedCaptions => "CLOSED-CAPTIONS",
        };
        groups[kind][&rendition.group][&rendition.name] = json!({
            "uri": rendition.uri,
            "language": rendition.language,
            "default": rendition.is_default,
            "autoselect": rendition.autoselect,
            "characteristics": rendition.characteristics.join(","),
        });
    }
    json!({
        "version": Some(main.version).filter(|version| *version > 1),
        "independentSegments": main.independent_segments,
        "playlists": main.variants.iter().map(variant).collect::<Vec<_>>(),
        "iFramePlaylists": main.i_frame_variants.iter().map(variant).collect::<Vec<_>>(),
        "mediaGroups": groups,
    })
}
