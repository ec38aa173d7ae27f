//! The playlists as they are at a time.

use std::sync::Arc;

use sailcast_engine::Instant;
use sailcast_media::{
    Micros,
    hls::{
        self, ByteRange, DateRange, Key, KeyMethod, Map, MediaPlaylist, MultivariantPlaylist, Part,
        PlaylistKind, PreloadHint, PreloadKind, Rendition, RenditionKind, RenditionReport, Segment,
        ServerControl, Skip, Variables, Variant,
    },
};

use super::{BASE, Container, Packager, Pictures, Sound, media::Name};

/// What µs since 1970 the stream's zero is.
pub const EPOCH: Micros = Micros(1_700_000_000_000_000);
/// Parts stay listed for so many segments.
const LISTED: u64 = 3;
const CANNOT_WAIT: Micros = Micros::from_secs(30);

impl Packager {
    pub(super) fn multivariant(&self) -> String {
        let is_apart = self.sound != Sound::Muxed || !self.dubs.is_empty();
        let group = |n: usize| if self.groups { format!("sound{n}") } else { "sound".to_owned() };
        let variants = self.qualities.iter().enumerate().map(|(n, quality)| {
            let of_pictures = quality.is_told && quality.pictures != Pictures::None;
            Variant {
                uri: format!("{BASE}v{n}.m3u8"),
                bandwidth: quality.bitrate + 130_000,
                codecs: if quality.is_told { quality.codecs(self.sound) } else { Vec::new() },
                width: of_pictures.then_some(quality.width),
                height: of_pictures.then_some(quality.height),
                frame_rate: of_pictures.then_some(quality.fps as f64),
                audio: is_apart.then(|| group(n)),
                ..Variant::default()
            }
        });
        let voices = if is_apart { self.dubs.len() + 1 } else { 0 };
        let groups = if self.groups { self.qualities.len() } else { 1 };
        let all = (0..groups).flat_map(|n| (0..voices).map(move |voice| (n, voice)));
        let renditions = all.map(|(n, voice)| {
            let dub = voice.checked_sub(1).map(|dub| self.dubs[dub]);
            let of_group = if self.groups { format!("g{n}") } else { String::new() };
            let of_voice = if voice > 0 { voice.to_string() } else { String::new() };
            let uri = format!("{BASE}{of_group}a{of_voice}.m3u8");
            Rendition {
                kind: RenditionKind::Audio,
                group: group(n),
                name: dub.map_or("Main".into(), |dub| format!("In {dub}")),
                language: dub.map(str::to_owned),
                uri: (dub.is_some() || self.sound != Sound::Muxed).then_some(uri),
                is_default: dub.is_none(),
                autoselect: true,
                channels: None,
                characteristics: Vec::new(),
            }
        });
        hls::write_multivariant(&MultivariantPlaylist {
            version: 6,
            variants: variants.collect(),
            renditions: renditions.collect(),
            variables: Variables::default(),
            ..MultivariantPlaylist::default()
        })
    }

    /// The text, and when it is sent: a directive may ask for what is yet to come.
    pub(super) fn media_playlist(&self, name: &str, query: &str, now: Instant) -> Option<(Instant, String)> {
        let own = self.of(name);
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let mut at = now;
        if let (Some(msn), true) = (value("_HLS_msn"), self.part.is_some()) {
            let msn: u64 = msn.parse().ok()?;
            let part = value("_HLS_part").and_then(|part| part.parse().ok());
            let restarted = own.restart.filter(|restart| now >= own.ready(*restart, 0));
            let sequence = restarted.map_or(msn.saturating_sub(own.first_number), |restart| msn + restart);
            at = at.max(own.ready(sequence, part.unwrap_or(own.parts() - 1)));
            if at - now > CANNOT_WAIT {
                return None;
            }
        }
        let mut list = MediaPlaylist { rendition_reports: self.reports(name, at), ..own.list(name, at) };
        let can_skip = self.delta && value("_HLS_skip").is_some();
        if can_skip && list.segments.len() as u64 > 2 * LISTED {
            let skipped = list.segments.len() - 2 * LISTED as usize;
            list.segments.drain(..skipped);
            list.skip = Some(Skip { segments: skipped as u64, removed_dateranges: None, keys_end: None });
        }
        Some((at, hls::write(&list)))
    }

    fn list(&self, name: &str, at: Instant) -> MediaPlaylist {
        let complete = self.complete(at);
        let restarted = self.restart.filter(|restart| at >= self.ready(*restart, 0));
        let oldest = restarted.unwrap_or(0);
        let first = self.window.map_or(oldest, |window| complete.saturating_sub(window).max(oldest));
        let mut segments: Vec<Segment> =
            (first..complete).map(|sequence| self.segment(name, sequence, complete)).collect();
        let ended = self.total.is_some_and(|total| complete >= total);
        segments.extend(self.incomplete(name, complete, at).filter(|_| !ended));
        let control = ServerControl {
            can_block_reload: self.part.is_some(),
            part_hold_back: self.part.map(|part| part.scale(3.0)),
            can_skip_until: self.delta.then(|| self.segment.scale(6.0)),
            ..ServerControl::default()
        };
        MediaPlaylist {
            version: if self.delta { 9 } else { 6 },
            target_duration: self.segment,
            media_sequence: self.numbered(first),
            discontinuity_sequence: self.discontinuity(first),
            kind: match (self.event, ended) {
                (true, true) => PlaylistKind::Vod,
                (true, false) => PlaylistKind::Event,
                (false, _) => PlaylistKind::Live,
            },
            ended,
            control,
            part_target: self.part.filter(|_| !ended),
            preload_hints: self.hint(name, at).filter(|_| !ended).into_iter().collect(),
            date_ranges: self.date_ranges(first, complete),
            segments,
            ..MediaPlaylist::default()
        }
    }

    /// Segments that are complete.
    fn complete(&self, at: Instant) -> u64 {
        let age = (at.0 as i64 + self.age.0).max(0);
        let complete = (self.made_in(age) / self.segment.0) as u64;
        self.total.map_or(complete, |total| complete.min(total))
    }

    fn segment(&self, name: &str, sequence: u64, complete: u64) -> Segment {
        let extension = self.extension(name);
        let listed = self.part.is_some() && sequence + LISTED >= complete;
        let parts = if listed { self.parts() } else { 0 };
        Segment {
            sequence: self.numbered(sequence),
            discontinuity: self.discontinuity(sequence),
            uri: Some(format!("{BASE}{name}/s{sequence}.{extension}")),
            range: None,
            duration: self.segment,
            title: String::new(),
            map: self.map(name, sequence),
            keys: self.keys(name, sequence),
            program_date_time: self.dates.then(|| EPOCH + self.segment.scale(sequence as f64)),
            gap: self.gaps.contains(&sequence),
            bitrate: None,
            parts: (0..parts).map(|part| self.part_of(name, sequence, part)).collect(),
        }
    }

    fn incomplete(&self, name: &str, sequence: u64, at: Instant) -> Option<Segment> {
        self.part?;
        let parts = (0..self.parts()).take_while(|part| self.ready(sequence, *part) <= at);
        let parts: Vec<Part> = parts.map(|part| self.part_of(name, sequence, part)).collect();
        let duration = parts.iter().fold(Micros::ZERO, |sum, part| sum + part.duration);
        let begun = Segment { uri: None, duration, parts, ..self.segment(name, sequence, 0) };
        (!begun.parts.is_empty()).then_some(begun)
    }

    fn part_of(&self, name: &str, sequence: u64, part: u64) -> Part {
        let (uri, start) = self.part_at(name, sequence, part);
        let length = || self.part_len(name, sequence, part);
        Part {
            uri,
            range: start.map(|offset| ByteRange { offset, length: length() }),
            duration: self.part.unwrap_or(self.segment),
            independent: part.is_multiple_of(self.independent_parts),
            gap: self.gaps.contains(&sequence),
        }
    }

    /// Its address, and where it begins there.
    fn part_at(&self, name: &str, sequence: u64, part: u64) -> (String, Option<u64>) {
        let extension = self.extension(name);
        if !self.part_ranges {
            return (format!("{BASE}{name}/s{sequence}.p{part}.{extension}"), None);
        }
        let start = (0..part).map(|before| self.part_len(name, sequence, before)).sum();
        (format!("{BASE}{name}/s{sequence}.{extension}"), Some(start))
    }

    fn hint(&self, name: &str, at: Instant) -> Option<PreloadHint> {
        self.part?;
        let complete = self.complete(at);
        if self.gaps.contains(&complete) {
            return None;
        }
        let next = (0..self.parts()).find(|part| self.ready(complete, *part) > at)?;
        let (uri, start) = self.part_at(name, complete, next);
        Some(PreloadHint { kind: PreloadKind::Part, uri, start: start.unwrap_or(0), length: None })
    }

    fn reports(&self, name: &str, at: Instant) -> Vec<RenditionReport> {
        let others = (0..self.qualities.len()).map(|n| format!("v{n}")).filter(|other| other != name);
        let report = |other: String| {
            let of = self.of(&other);
            RenditionReport {
                uri: format!("{BASE}{other}.m3u8"),
                last_msn: Some(of.numbered(of.complete(at)).saturating_sub(1)),
                last_part: Some(of.parts() - 1),
            }
        };
        others.filter(|_| self.part.is_some()).map(report).collect()
    }

    /// Of a playlist of these segments.
    fn date_ranges(&self, first: u64, end: u64) -> Vec<DateRange> {
        let range = |id: String, start: Micros| DateRange {
            id,
            class: Some("test".into()),
            start: Some(EPOCH + start),
            end: None,
            duration: Some(Micros::from_secs(5)),
            planned_duration: None,
            end_on_next: false,
            attributes: vec![("X-COLOUR".into(), "red".into())],
        };
        if !self.dates {
            return Vec::new();
        }
        let one = range("advert".into(), self.age + Micros::from_secs(10));
        let every = self.adverts.unwrap_or(Micros(i64::MAX)).0;
        let (first, end) = (first as i64 * self.segment.0, end as i64 * self.segment.0);
        let adverts = (first / every..=end / every).map(|n| (n, n.saturating_mul(every)));
        let listed = adverts.filter(|(_, start)| self.adverts.is_some() && (first..end).contains(start));
        std::iter::once(one)
            .chain(listed.map(|(n, start)| range(format!("advert{n}"), Micros(start))))
            .collect()
    }

    fn map(&self, name: &str, sequence: u64) -> Option<Arc<Map>> {
        let uri = format!("{BASE}{name}/init{}.mp4", self.configured(sequence));
        let map = Map { uri, range: None, keys: Vec::new() };
        (self.extension(name) == "mp4").then(|| Arc::new(map))
    }

    fn keys(&self, name: &str, sequence: u64) -> Vec<Arc<Key>> {
        // Those of a dub have addresses of their own.
        let is_dub = matches!(Name::parse(name), Some(Name::Sound(voice)) if voice > 0);
        let of = if is_dub { format!("?of={name}") } else { String::new() };
        let key = |every| Key {
            method: KeyMethod::Aes128,
            uri: format!("{BASE}key{}{of}", sequence / every),
            iv: None,
            format: "identity".into(),
        };
        self.key_every.map(|every| Arc::new(key(every))).into_iter().collect()
    }

    fn discontinuity(&self, sequence: u64) -> u64 {
        let begun =
            self.restart.filter(|restart| sequence >= *restart).map_or(0, |restart| self.era(restart));
        self.era(sequence) - begun
    }

    fn extension(&self, name: &str) -> &'static str {
        match self.container {
            _ if self.sound == Sound::Packed && !name.starts_with('v') => "aac",
            Container::Ts => "ts",
            Container::Mp4 => "mp4",
        }
    }
}
