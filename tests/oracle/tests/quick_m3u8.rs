//! quick-m3u8 reads the same tags in the same texts, and in what we write of them.
//!
//! It knows lines and nothing between them: what goes on from one segment to the next is counted here.

use std::{fs, path::Path};

use quick_m3u8::{
    HlsLine, Reader,
    config::ParsingOptionsBuilder,
    date::DateTime,
    tag::{KnownTag, hls::Tag},
};
use sailcast_media::hls::{
    Key, KeyMethod, Playlist, RenditionKind, Variables, parse, resolve, write, write_multivariant,
};

const URL: &str = "https://example.com/live/index.m3u8";

/// What is in a text, in its order. Times are in µs.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    segments: Vec<Segment>,
    parts: Vec<Part>,
    variants: Vec<Variant>,
    renditions: Vec<Rendition>,
    /// URI, start and length.
    hints: Vec<(String, u64, Option<u64>)>,
    /// URI, media sequence number and part.
    reports: Vec<(String, Option<u64>, Option<u64>)>,
    skipped: u64,
    /// CAN-SKIP-UNTIL, HOLD-BACK, PART-HOLD-BACK.
    holds: [Option<u64>; 3],
    date_ranges: Vec<String>,
}

#[derive(Debug, PartialEq)]
struct Segment {
    uri: String,
    duration: u64,
    range_length: Option<u64>,
    keys: Vec<String>,
    map: Option<String>,
    date: Option<i64>,
    discontinuities: u64,
}

#[derive(Debug, PartialEq)]
struct Part {
    uri: String,
    duration: u64,
    range_length: Option<u64>,
    independent: bool,
    gap: bool,
}

#[derive(Debug, PartialEq)]
struct Variant {
    uri: String,
    bandwidth: u64,
    codecs: String,
    size: Option<(u64, u64)>,
    audio: Option<String>,
}

#[derive(Debug, PartialEq)]
struct Rendition {
    kind: String,
    group: String,
    name: String,
    language: Option<String>,
    uri: Option<String>,
    is_default: bool,
}

#[test]
fn every_tag_is_read_and_written_alike() {
    let mut read = 0;
    for parser in ["hls-parser", "m3u8-parser"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/corpus").join(parser);
        for entry in fs::read_dir(folder).expect("the corpus").flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "m3u8") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a playlist");
            let Ok(playlist) = parse(text.as_bytes(), URL, &Variables::default()) else { continue };
            let ours = ours(&playlist);
            let written = match &playlist {
                Playlist::Media(playlist) => write(playlist),
                Playlist::Multivariant(main) => write_multivariant(main),
            };
            assert_eq!(theirs(&written), Some(ours), "what we write of {}", path.display());
            if let Some(theirs) = theirs(&tidy(&text)) {
                assert_eq!(theirs, self::ours(&playlist), "{}", path.display());
                read += 1;
            }
        }
    }
    assert!(read >= 60, "{read} playlists");
}

/// It takes no space behind a comma, no range of a part without quotes, and no sign without an offset.
fn tidy(text: &str) -> String {
    let text = text.replace("@\n", "\n");
    let mut ranges = text.split(",BYTERANGE=");
    let mut out = ranges.next().unwrap_or_default().replace(", ", ",");
    for rest in ranges {
        let end = rest.find([',', '\n']).unwrap_or(rest.len());
        out += &format!(",BYTERANGE=\"{}\"{}", rest[..end].trim_matches('"'), rest[end..].replace(", ", ","));
    }
    out
}

fn microseconds(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

fn ours(playlist: &Playlist) -> Seen {
    let mut seen = Seen::default();
    match playlist {
        Playlist::Media(playlist) => {
            for segment in &playlist.segments {
                if let Some(uri) = &segment.uri {
                    seen.segments.push(Segment {
                        uri: uri.clone(),
                        duration: segment.duration.0 as u64,
                        range_length: segment.range.map(|range| range.length),
                        keys: segment.keys.iter().map(|key| key_text(key)).collect(),
                        map: segment.map.as_ref().map(|map| map.uri.clone()),
                        date: segment.program_date_time.map(|time| time.0),
                        discontinuities: segment.discontinuity - playlist.discontinuity_sequence,
                    });
                }
                seen.parts.extend(segment.parts.iter().map(|part| Part {
                    uri: part.uri.clone(),
                    duration: part.duration.0 as u64,
                    range_length: part.range.map(|range| range.length),
                    independent: part.independent,
                    gap: part.gap,
                }));
            }
            seen.hints.extend(
                playlist.preload_hints.iter().map(|hint| (hint.uri.clone(), hint.start, hint.length)),
            );
            let reports = playlist.rendition_reports.iter();
            seen.reports
                .extend(reports.map(|report| (report.uri.clone(), report.last_msn, report.last_part)));
            seen.skipped = playlist.skip.as_ref().map_or(0, |skip| skip.segments);
            let control = &playlist.control;
            let holds = [control.can_skip_until, control.hold_back, control.part_hold_back];
            seen.holds = holds.map(|time| time.map(|time| time.0 as u64));
            seen.date_ranges.extend(playlist.date_ranges.iter().map(|range| range.id.clone()));
        }
        Playlist::Multivariant(main) => {
            for variant in &main.variants {
                let size = variant.width.zip(variant.height);
                seen.variants.push(Variant {
                    uri: variant.uri.clone(),
                    bandwidth: variant.bandwidth,
                    codecs: variant.codecs.join(","),
                    size: size.map(|(width, height)| (width.into(), height.into())),
                    audio: variant.audio.clone(),
                });
            }
            for rendition in &main.renditions {
                let kind = match rendition.kind {
                    RenditionKind::Audio => "AUDIO",
                    RenditionKind::Video => "VIDEO",
                    RenditionKind::Subtitles => "SUBTITLES",
                    RenditionKind::ClosedCaptions => "CLOSED-CAPTIONS",
                };
                seen.renditions.push(Rendition {
                    kind: kind.to_owned(),
                    group: rendition.group.clone(),
                    name: rendition.name.clone(),
                    language: rendition.language.clone(),
                    uri: rendition.uri.clone(),
                    is_default: rendition.is_default,
                });
            }
        }
    }
    seen
}

fn key_text(key: &Key) -> String {
    let method = match &key.method {
        KeyMethod::Aes128 => "AES-128",
        KeyMethod::Other(name) => name,
    };
    let iv = key.iv.map(u128::from_be_bytes);
    format!("{method} {} {iv:?} {}", key.uri, key.format)
}

/// `None` when it does not know a tag for what it is: ours is more lenient.
fn theirs(text: &str) -> Option<Seen> {
    let options = ParsingOptionsBuilder::new().with_parsing_for_all_tags().build();
    let mut reader = Reader::from_str(text, options);
    let mut seen = Seen::default();
    let mut duration = None;
    let mut range_length = None;
    let mut date = None;
    let mut map = None;
    let mut discontinuities = 0;
    let mut keys: Vec<(String, String)> = Vec::new();
    let mut variant: Option<Variant> = None;
    while let Some(line) = reader.read_line().ok()? {
        let tag = match line {
            HlsLine::Uri(uri) if uri.trim().is_empty() => continue,
            HlsLine::Uri(uri) => {
                let uri = resolve(URL, uri.trim());
                if let Some(variant) = variant.take() {
                    seen.variants.push(Variant { uri, ..variant });
                } else {
                    seen.segments.push(Segment {
                        uri,
                        duration: duration.take()?,
                        range_length: range_length.take(),
                        keys: keys.iter().map(|(_, key)| key.clone()).collect(),
                        map: map.clone(),
                        date: date.take(),
                        discontinuities,
                    });
                }
                continue;
            }
            HlsLine::KnownTag(KnownTag::Hls(tag)) => tag,
            HlsLine::UnknownTag(tag) if tag.name() == "EXTINF" => return None,
            _ => continue,
        };
        match tag {
            Tag::Inf(inf) => duration = Some(microseconds(inf.duration())),
            Tag::Byterange(bytes) => range_length = Some(bytes.length()),
            Tag::Discontinuity(_) => discontinuities += 1,
            Tag::ProgramDateTime(tag) => date = Some(unix(&tag.program_date_time())),
            Tag::Map(tag) => map = Some(resolve(URL, tag.uri())),
            Tag::Key(tag) => {
                let method = tag.method().to_string();
                if method == "NONE" {
                    keys.clear();
                    continue;
                }
                let iv = tag.iv().map(|iv| u128::from_str_radix(&iv[2..], 16).expect("an IV"));
                let format = tag.keyformat().to_owned();
                let text = format!("{method} {} {iv:?} {format}", resolve(URL, tag.uri()?));
                match keys.iter_mut().find(|(known, _)| *known == format) {
                    Some((_, known)) => *known = text,
                    None => keys.push((format, text)),
                }
            }
            Tag::Part(part) => seen.parts.push(Part {
                uri: resolve(URL, part.uri()),
                duration: microseconds(part.duration()),
                range_length: part.byterange().map(|range| range.length),
                independent: part.independent(),
                gap: part.gap(),
            }),
            Tag::StreamInf(tag) => {
                variant = Some(Variant {
                    uri: String::new(),
                    bandwidth: tag.bandwidth(),
                    codecs: tag.codecs().unwrap_or_default().replace(' ', ""),
                    size: tag.resolution().map(|size| (size.width, size.height)),
                    audio: tag.audio().map(str::to_owned),
                });
            }
            Tag::Media(tag) => seen.renditions.push(Rendition {
                kind: tag.media_type().to_string(),
                group: tag.group_id().to_owned(),
                name: tag.name().to_owned(),
                language: tag.language().map(str::to_owned),
                uri: tag.uri().map(|uri| resolve(URL, uri)),
                is_default: tag.default(),
            }),
            Tag::PreloadHint(tag) if matches!(tag.hint_type().to_string().as_str(), "PART" | "MAP") => {
                seen.hints.push((resolve(URL, tag.uri()), tag.byterange_start(), tag.byterange_length()));
            }
            Tag::RenditionReport(tag) => {
                seen.reports.push((resolve(URL, tag.uri()), Some(tag.last_msn()), tag.last_part()));
            }
            Tag::Skip(tag) => seen.skipped = tag.skipped_segments(),
            Tag::ServerControl(tag) => {
                let holds = [tag.can_skip_until(), tag.hold_back(), tag.part_hold_back()];
                seen.holds = holds.map(|seconds| seconds.map(microseconds));
            }
            Tag::Daterange(tag) if !seen.date_ranges.iter().any(|id| id == tag.id()) => {
                seen.date_ranges.push(tag.id().to_owned())
            }
            _ => {}
        }
    }
    Some(seen)
}

/// Day by day, so that it is not the arithmetic that it is to check.
fn unix(time: &DateTime) -> i64 {
    let is_leap =
        |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if is_leap(time.date_fullyear) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..time.date_fullyear).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let before: i64 = months[..usize::from(time.date_month) - 1].iter().sum();
    let offset = &time.timezone_offset;
    let hours = (years + before + i64::from(time.date_mday) - 1) * 24 + i64::from(time.time_hour);
    let east = i64::from(offset.time_hour) * 60
        + i64::from(offset.time_hour.signum()) * i64::from(offset.time_minute);
    let minutes = hours * 60 + i64::from(time.time_minute) - east;
    minutes * 60_000_000 + microseconds(time.time_second) as i64
}
