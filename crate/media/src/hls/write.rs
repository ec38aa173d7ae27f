//! Playlists to text. What was read and is written is read as the same again.
//!
//! URIs are written as they are. What no playlist can say is left out: quotes and line ends within texts, dates past the year 9999.

use std::{fmt::Display, fmt::Write, sync::Arc};

use super::{
    ByteRange, DateRange, Key, KeyMethod, MediaPlaylist, MultivariantPlaylist, Part, PlaylistKind,
    PreloadHint, PreloadKind, Rendition, RenditionKind, RenditionReport, Segment, ServerControl, Skip, Start,
    Variant, caps::MAX_LINES, date, segments::put_key, value,
};
use crate::time::Micros;

pub fn write(playlist: &MediaPlaylist) -> String {
    let mut out = Out::new(playlist.version, playlist.independent_segments, playlist.start);
    out.line(format_args!("#EXT-X-TARGETDURATION:{}", Seconds(playlist.target_duration)));
    out.control(&playlist.control);
    if let Some(target) = playlist.part_target {
        out.tag("EXT-X-PART-INF").plain("PART-TARGET", Seconds(target));
        out.end();
    }
    out.line(format_args!("#EXT-X-MEDIA-SEQUENCE:{}", playlist.media_sequence));
    if playlist.discontinuity_sequence > 0 {
        out.line(format_args!("#EXT-X-DISCONTINUITY-SEQUENCE:{}", playlist.discontinuity_sequence));
    }
    match playlist.kind {
        PlaylistKind::Live => {}
        PlaylistKind::Event => out.line("#EXT-X-PLAYLIST-TYPE:EVENT"),
        PlaylistKind::Vod => out.line("#EXT-X-PLAYLIST-TYPE:VOD"),
    }
    if playlist.i_frames_only {
        out.line("#EXT-X-I-FRAMES-ONLY");
    }
    if let Some(skip) = &playlist.skip {
        out.skip(skip);
    }
    playlist.date_ranges.iter().for_each(|range| out.date_range(range));
    out.segments(playlist);
    playlist.preload_hints.iter().for_each(|hint| out.hint(hint));
    playlist.rendition_reports.iter().for_each(|report| out.report(report));
    if playlist.ended {
        out.line("#EXT-X-ENDLIST");
    }
    out.text
}

pub fn write_multivariant(playlist: &MultivariantPlaylist) -> String {
    let mut out = Out::new(playlist.version, playlist.independent_segments, playlist.start);
    for (name, value) in &playlist.variables.0 {
        out.tag("EXT-X-DEFINE").text("NAME", Some(name)).text("VALUE", Some(value));
        out.end();
    }
    playlist.renditions.iter().for_each(|rendition| out.rendition(rendition));
    for variant in &playlist.variants {
        out.variant("EXT-X-STREAM-INF", variant);
        out.end();
        out.line(one_line(&variant.uri));
    }
    for variant in &playlist.i_frame_variants {
        out.variant("EXT-X-I-FRAME-STREAM-INF", variant).text("URI", Some(&variant.uri));
        out.end();
    }
    out.text
}

/// Seconds, to the millisecond where that is all, and without decimals where there are none.
struct Seconds(Micros);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let sign = if self.0 < Micros::ZERO { "-" } else { "" };
        let micros = self.0.0.unsigned_abs();
        let (whole, fraction) = (micros / 1_000_000, micros % 1_000_000);
        match (fraction, fraction % 1000) {
            (0, _) => write!(f, "{sign}{whole}"),
            (_, 0) => write!(f, "{sign}{whole}.{:03}", fraction / 1000),
            _ => write!(f, "{sign}{whole}.{fraction:06}"),
        }
    }
}

struct Range(ByteRange);

impl Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}@{}", self.0.length, self.0.offset)
    }
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

struct Out {
    text: String,
    /// The tag has an attribute.
    listed: bool,
}

impl Out {
    fn new(version: u32, independent_segments: bool, start: Option<Start>) -> Self {
        let mut out = Self { text: String::new(), listed: false };
        out.line("#EXTM3U");
        if version > 1 {
            out.line(format_args!("#EXT-X-VERSION:{version}"));
        }
        if independent_segments {
            out.line("#EXT-X-INDEPENDENT-SEGMENTS");
        }
        if let Some(start) = start {
            out.tag("EXT-X-START").plain("TIME-OFFSET", Seconds(start.offset)).yes("PRECISE", start.precise);
            out.end();
        }
        out
    }

    fn line(&mut self, line: impl Display) {
        // A String takes all that is written to it.
        let _ = writeln!(self.text, "{line}");
    }

    /// A tag with attributes, to be ended.
    fn tag(&mut self, name: &str) -> &mut Self {
        let _ = write!(self.text, "#{name}");
        self.listed = false;
        self
    }

    fn end(&mut self) {
        self.text.push('\n');
    }

    fn plain(&mut self, name: &str, value: impl Display) -> &mut Self {
        let before = if self.listed { ',' } else { ':' };
        self.listed = true;
        let _ = write!(self.text, "{before}{name}={value}");
        self
    }

    fn plain_if(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.plain(name, value),
            None => self,
        }
    }

    fn yes(&mut self, name: &str, value: bool) -> &mut Self {
        self.plain_if(name, value.then_some("YES"))
    }

    fn text(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        let quoted = value.map(|value| format!("\"{}\"", one_line(value).replace('"', "")));
        self.plain_if(name, quoted)
    }

    fn list(&mut self, name: &str, values: &[String]) -> &mut Self {
        let joined = Some(values.join(",")).filter(|joined| !joined.is_empty());
        self.text(name, joined.as_deref())
    }

    fn control(&mut self, control: &ServerControl) {
        if *control == ServerControl::default() {
            return;
        }
        self.tag("EXT-X-SERVER-CONTROL")
            .yes("CAN-BLOCK-RELOAD", control.can_block_reload)
            .plain_if("CAN-SKIP-UNTIL", control.can_skip_until.map(Seconds))
            .yes("CAN-SKIP-DATERANGES", control.can_skip_dateranges)
            .plain_if("HOLD-BACK", control.hold_back.map(Seconds))
            .plain_if("PART-HOLD-BACK", control.part_hold_back.map(Seconds));
        self.end();
    }

    fn skip(&mut self, skip: &Skip) {
        let removed = skip.removed_dateranges.as_ref().map(|ids| {
            let ids: Vec<String> = ids.iter().map(|id| one_line(id).replace('"', "")).collect();
            format!("\"{}\"", ids.join("\t"))
        });
        self.tag("EXT-X-SKIP")
            .plain("SKIPPED-SEGMENTS", skip.segments)
            .plain_if("RECENTLY-REMOVED-DATERANGES", removed);
        self.end();
    }

    fn date_range(&mut self, range: &DateRange) {
        self.tag("EXT-X-DATERANGE")
            .text("ID", Some(&range.id))
            .text("CLASS", range.class.as_deref())
            .text("START-DATE", range.start.and_then(date::write).as_deref())
            .text("END-DATE", range.end.and_then(date::write).as_deref())
            .plain_if("DURATION", range.duration.map(Seconds))
            .plain_if("PLANNED-DURATION", range.planned_duration.map(Seconds));
        for (name, value) in &range.attributes {
            let hexadecimal = value.strip_prefix("0x").is_some_and(|digits| {
                !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            });
            match hexadecimal || value::decimal(value).is_some() {
                true => self.plain(name, value),
                false => self.text(name, Some(value)),
            };
        }
        self.yes("END-ON-NEXT", range.end_on_next);
        self.end();
    }

    fn segments(&mut self, playlist: &MediaPlaylist) {
        let mut state = State { discontinuity: playlist.discontinuity_sequence, ..State::default() };
        let keys_end = playlist.skip.as_ref().and_then(|skip| skip.keys_end);
        for (at, segment) in playlist.segments.iter().enumerate() {
            if keys_end == Some(at) {
                self.no_keys(&mut state.keys);
                // Said again, it is without the keys of the segments left out.
                state.map = None;
            }
            self.segment(segment, &mut state);
        }
        if keys_end == Some(playlist.segments.len()) {
            self.no_keys(&mut state.keys);
        }
    }

    fn segment<'a>(&mut self, segment: &'a Segment, state: &mut State<'a>) {
        for _ in (state.discontinuity..segment.discontinuity).take(MAX_LINES) {
            self.line("#EXT-X-DISCONTINUITY");
        }
        state.discontinuity = segment.discontinuity;
        if let Some(map) = segment.map.as_deref().filter(|map| state.map != Some(*map)) {
            self.keys(&mut state.keys, &map.keys);
            self.tag("EXT-X-MAP").text("URI", Some(&map.uri));
            self.text("BYTERANGE", map.range.map(|range| Range(range).to_string()).as_deref());
            self.end();
            state.map = Some(map);
        }
        self.keys(&mut state.keys, &segment.keys);
        if let Some(time) = segment.program_date_time.and_then(date::write) {
            self.line(format_args!("#EXT-X-PROGRAM-DATE-TIME:{time}"));
        }
        if segment.gap {
            self.line("#EXT-X-GAP");
        }
        if let Some(bitrate) = segment.bitrate.filter(|_| segment.bitrate != state.bitrate) {
            self.line(format_args!("#EXT-X-BITRATE:{}", bitrate / 1000));
            state.bitrate = segment.bitrate;
        }
        segment.parts.iter().for_each(|part| self.part(part));
        if let Some(uri) = &segment.uri {
            self.line(format_args!("#EXTINF:{},{}", Seconds(segment.duration), one_line(&segment.title)));
            if let Some(range) = segment.range {
                self.line(format_args!("#EXT-X-BYTERANGE:{}", Range(range)));
            }
            self.line(one_line(uri));
        }
    }

    fn part(&mut self, part: &Part) {
        self.tag("EXT-X-PART")
            .plain("DURATION", Seconds(part.duration))
            .text("URI", Some(&part.uri))
            .text("BYTERANGE", part.range.map(|range| Range(range).to_string()).as_deref())
            .yes("INDEPENDENT", part.independent)
            .yes("GAP", part.gap);
        self.end();
    }

    /// The tags that lead from the keys in force to the wanted ones.
    fn keys(&mut self, current: &mut Vec<Arc<Key>>, wanted: &[Arc<Key>]) {
        let mut after = current.clone();
        // What does not fit is more than a playlist may say.
        let _ = wanted.iter().try_for_each(|key| put_key(&mut after, key.clone()));
        if after != wanted {
            self.no_keys(current);
        }
        for key in wanted {
            if !current.contains(key) && put_key(current, key.clone()).is_ok() {
                self.key(key);
            }
        }
    }

    fn no_keys(&mut self, current: &mut Vec<Arc<Key>>) {
        self.line("#EXT-X-KEY:METHOD=NONE");
        current.clear();
    }

    fn key(&mut self, key: &Key) {
        let method = match &key.method {
            KeyMethod::Aes128 => "AES-128",
            KeyMethod::Other(name) => name,
        };
        self.tag("EXT-X-KEY")
            .plain("METHOD", method)
            .text("URI", Some(&key.uri))
            .plain_if("IV", key.iv.map(|iv| format!("0x{:032x}", u128::from_be_bytes(iv))))
            .text("KEYFORMAT", Some(&key.format).filter(|format| *format != "identity").map(String::as_str));
        self.end();
    }

    fn hint(&mut self, hint: &PreloadHint) {
        let kind = match hint.kind {
            PreloadKind::Part => "PART",
            PreloadKind::Map => "MAP",
        };
        self.tag("EXT-X-PRELOAD-HINT")
            .plain("TYPE", kind)
            .text("URI", Some(&hint.uri))
            .plain_if("BYTERANGE-START", Some(hint.start).filter(|start| *start > 0))
            .plain_if("BYTERANGE-LENGTH", hint.length);
        self.end();
    }

    fn report(&mut self, report: &RenditionReport) {
        self.tag("EXT-X-RENDITION-REPORT")
            .text("URI", Some(&report.uri))
            .plain_if("LAST-MSN", report.last_msn)
            .plain_if("LAST-PART", report.last_part);
        self.end();
    }

    fn rendition(&mut self, rendition: &Rendition) {
        let kind = match rendition.kind {
            RenditionKind::Audio => "AUDIO",
            RenditionKind::Video => "VIDEO",
            RenditionKind::Subtitles => "SUBTITLES",
            RenditionKind::ClosedCaptions => "CLOSED-CAPTIONS",
        };
        self.tag("EXT-X-MEDIA")
            .plain("TYPE", kind)
            .text("GROUP-ID", Some(&rendition.group))
            .text("NAME", Some(&rendition.name))
            .text("LANGUAGE", rendition.language.as_deref())
            .yes("DEFAULT", rendition.is_default)
            .yes("AUTOSELECT", rendition.autoselect)
            .list("CHARACTERISTICS", &rendition.characteristics)
            .text("CHANNELS", rendition.channels.as_deref())
            .text("URI", rendition.uri.as_deref());
        self.end();
    }

    fn variant(&mut self, tag: &str, variant: &Variant) -> &mut Self {
        let size = variant.width.zip(variant.height);
        self.tag(tag)
            .plain("BANDWIDTH", variant.bandwidth)
            .plain_if("AVERAGE-BANDWIDTH", variant.average_bandwidth)
            .plain_if("SCORE", variant.score)
            .list("CODECS", &variant.codecs)
            .list("SUPPLEMENTAL-CODECS", &variant.supplemental_codecs)
            .plain_if("RESOLUTION", size.map(|(width, height)| format!("{width}x{height}")))
            .plain_if("FRAME-RATE", variant.frame_rate)
            .plain_if("VIDEO-RANGE", variant.video_range.as_deref())
            .list("REQ-VIDEO-LAYOUT", &variant.video_layout)
            .text("NAME", variant.name.as_deref())
            .text("PATHWAY-ID", variant.pathway.as_deref())
            .text("AUDIO", variant.audio.as_deref())
            .text("VIDEO", variant.video.as_deref())
            .text("SUBTITLES", variant.subtitles.as_deref())
    }
}

/// What the tags so far have put in force.
#[derive(Default)]
struct State<'a> {
    discontinuity: u64,
    map: Option<&'a super::Map>,
    keys: Vec<Arc<Key>>,
    bitrate: Option<u64>,
}
