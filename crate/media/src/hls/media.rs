//! Media playlists: the tags that are about the whole (4.4.3, 4.4.5).

use std::collections::HashMap;

use super::{
    DateRange, MediaPlaylist, PlaylistError, PlaylistKind, PreloadHint, PreloadKind, RenditionReport,
    ServerControl, Skip,
    attributes::Attributes,
    caps::{MAX_DATE_RANGES, MAX_REPORTS, MAX_SEGMENTS, MAX_SEQUENCE},
    date,
    parse::Head,
    scope::Scope,
    segments::Segments,
    text::{Item, Text},
    value,
};
use crate::time::Micros;

pub(super) fn parse(text: Text, scope: Scope) -> Result<MediaPlaylist, PlaylistError> {
    let mut reader = Reader {
        scope,
        head: Head::new(),
        playlist: MediaPlaylist::default(),
        segments: Segments::default(),
        dates: HashMap::new(),
    };
    for line in text.lines() {
        let line = line?;
        match line.item() {
            Item::Uri(uri) => reader.segments.uri(line.number, uri, &mut reader.scope)?,
            Item::Tag(name, value) => reader.tag(line.number, name, value)?,
        }
    }
    reader.finish()
}

struct Reader<'a> {
    scope: Scope<'a>,
    head: Head,
    playlist: MediaPlaylist,
    segments: Segments,
    /// Where in the playlist's date ranges an ID is.
    dates: HashMap<String, usize>,
}

impl Reader<'_> {
    fn tag(&mut self, line: usize, name: &str, value: &str) -> Result<(), PlaylistError> {
        if self.segments.tag(line, name, value, &mut self.scope)?
            || self.head.tag(line, name, value, &mut self.scope)?
            || self.plain(name, value)
        {
            return Ok(());
        }
        let attributes = |value| Attributes::parse(line, value);
        match name {
            "EXT-X-SERVER-CONTROL" => self.playlist.control = control(&attributes(value)?),
            "EXT-X-PART-INF" => {
                let target = attributes(value)?.seconds("PART-TARGET");
                self.playlist.part_target = target.filter(|target| *target > Micros::ZERO);
            }
            "EXT-X-SKIP" => self.skip(&attributes(value)?)?,
            "EXT-X-PRELOAD-HINT" => self.hint(&attributes(value)?)?,
            "EXT-X-RENDITION-REPORT" => self.report(&attributes(value)?)?,
            "EXT-X-DATERANGE" => self.date_range(&attributes(value)?)?,
            "EXT-X-STREAM-INF" => {
                return Err(PlaylistError::BadTag { line, what: "a variant in a media playlist" });
            }
            _ => {}
        }
        Ok(())
    }

    /// Tags without attributes. What is no number is passed over, as if the tag were not there.
    fn plain(&mut self, name: &str, value: &str) -> bool {
        let playlist = &mut self.playlist;
        match name {
            "EXT-X-TARGETDURATION" => {
                let target = value::seconds(value).filter(|target| *target > Micros::ZERO);
                playlist.target_duration = target.unwrap_or(playlist.target_duration);
            }
            "EXT-X-MEDIA-SEQUENCE" => {
                playlist.media_sequence = sequence(value).unwrap_or(playlist.media_sequence);
            }
            "EXT-X-DISCONTINUITY-SEQUENCE" => {
                let first = sequence(value);
                playlist.discontinuity_sequence = first.unwrap_or(playlist.discontinuity_sequence);
            }
            "EXT-X-PLAYLIST-TYPE" => {
                playlist.kind = match value {
                    "VOD" => PlaylistKind::Vod,
                    "EVENT" => PlaylistKind::Event,
                    _ => playlist.kind,
                };
            }
            "EXT-X-ENDLIST" => playlist.ended = true,
            "EXT-X-I-FRAMES-ONLY" => playlist.i_frames_only = true,
            _ => return false,
        }
        true
    }

    fn skip(&mut self, attributes: &Attributes) -> Result<(), PlaylistError> {
        let segments = attributes.number("SKIPPED-SEGMENTS");
        let segments = segments.ok_or(attributes.bad("a skip without SKIPPED-SEGMENTS"))?;
        if segments > MAX_SEGMENTS as u64 {
            return Err(PlaylistError::TooMany { what: "segments left out", most: MAX_SEGMENTS });
        }
        if self.playlist.skip.is_some() || !self.segments.done.is_empty() {
            return Err(attributes.bad("a skip that is not before all segments"));
        }
        let removed = attributes.text("RECENTLY-REMOVED-DATERANGES", &mut self.scope)?;
        let removed =
            removed.map(|ids| ids.split('\t').filter(|id| !id.is_empty()).map(str::to_owned).collect());
        self.playlist.skip = Some(Skip { segments, removed_dateranges: removed, keys_end: None });
        self.segments.follow_others = true;
        Ok(())
    }

    /// Only the first of a type counts (6.3.8).
    fn hint(&mut self, attributes: &Attributes) -> Result<(), PlaylistError> {
        let kind = match attributes.raw("TYPE") {
            Some("PART") => PreloadKind::Part,
            Some("MAP") => PreloadKind::Map,
            _ => return Ok(()),
        };
        if self.playlist.preload_hints.iter().all(|hint| hint.kind != kind)
            && let Some(uri) = attributes.uri("URI", &mut self.scope)?
        {
            let start = attributes.number("BYTERANGE-START").unwrap_or_default();
            let length = attributes.number("BYTERANGE-LENGTH");
            if length.is_some_and(|length| value::range(start, length).is_none()) {
                return Err(attributes.bad("a bad byte range"));
            }
            self.playlist.preload_hints.push(PreloadHint { kind, uri, start, length });
        }
        Ok(())
    }

    fn report(&mut self, attributes: &Attributes) -> Result<(), PlaylistError> {
        let reports = &mut self.playlist.rendition_reports;
        if reports.len() >= MAX_REPORTS {
            return Err(PlaylistError::TooMany { what: "rendition reports", most: MAX_REPORTS });
        }
        reports.extend(attributes.uri("URI", &mut self.scope)?.map(|uri| RenditionReport {
            uri,
            last_msn: attributes.number("LAST-MSN"),
            last_part: attributes.number("LAST-PART"),
        }));
        Ok(())
    }

    /// Several tags with one ID are one range (4.4.5.1).
    fn date_range(&mut self, attributes: &Attributes) -> Result<(), PlaylistError> {
        let Some(range) = date_range(attributes, &mut self.scope)? else { return Ok(()) };
        let ranges = &mut self.playlist.date_ranges;
        if let Some(known) = self.dates.get(&range.id).and_then(|at| ranges.get_mut(*at)) {
            known.update(range);
            return Ok(());
        }
        if ranges.len() >= MAX_DATE_RANGES {
            return Err(PlaylistError::TooMany { what: "date ranges", most: MAX_DATE_RANGES });
        }
        self.dates.insert(range.id.clone(), ranges.len());
        ranges.push(range);
        Ok(())
    }

    fn finish(mut self) -> Result<MediaPlaylist, PlaylistError> {
        self.segments.finish()?;
        let Segments { mut done, lengthless, keys_end, .. } = self.segments;
        let mut playlist = self.playlist;
        if playlist.target_duration == Micros::ZERO {
            let longest = done.iter().map(|segment| segment.duration).max().unwrap_or_default();
            // The tag says whole seconds.
            playlist.target_duration = Micros::from_secs((longest + Micros(999_999)).0 / 1_000_000);
        }
        if playlist.target_duration == Micros::ZERO {
            return Err(PlaylistError::Missing("EXT-X-TARGETDURATION"));
        }
        for at in lengthless {
            if let Some(segment) = done.get_mut(at) {
                segment.duration = playlist.target_duration;
            }
        }
        if let Some(skip) = &mut playlist.skip {
            skip.keys_end = keys_end;
        }
        let left_out = playlist.skip.as_ref().map_or(0, |skip| skip.segments);
        let first = playlist.media_sequence.saturating_add(left_out);
        for segment in &mut done {
            segment.sequence = segment.sequence.saturating_add(first);
            segment.discontinuity = segment.discontinuity.saturating_add(playlist.discontinuity_sequence);
        }
        let parts = done.iter().flat_map(|segment| &segment.parts);
        let longest_part = parts.map(|part| part.duration).filter(|duration| *duration > Micros::ZERO).max();
        let Head { version, independent_segments, start } = self.head;
        Ok(MediaPlaylist {
            version,
            independent_segments,
            start,
            ended: playlist.ended || playlist.kind == PlaylistKind::Vod,
            part_target: playlist.part_target.or(longest_part),
            segments: done,
            ..playlist
        })
    }
}

fn sequence(text: &str) -> Option<u64> {
    value::number(text).filter(|sequence| *sequence <= MAX_SEQUENCE)
}

fn control(attributes: &Attributes) -> ServerControl {
    ServerControl {
        can_block_reload: attributes.yes("CAN-BLOCK-RELOAD"),
        can_skip_until: attributes.seconds("CAN-SKIP-UNTIL"),
        can_skip_dateranges: attributes.yes("CAN-SKIP-DATERANGES"),
        hold_back: attributes.seconds("HOLD-BACK"),
        part_hold_back: attributes.seconds("PART-HOLD-BACK"),
    }
}

/// The attributes of a date range that have fields of their own.
pub(super) const NAMED: [&str; 7] =
    ["ID", "CLASS", "START-DATE", "END-DATE", "DURATION", "PLANNED-DURATION", "END-ON-NEXT"];

/// `None` of one without an ID: nothing can be said of it later.
fn date_range(attributes: &Attributes, scope: &mut Scope) -> Result<Option<DateRange>, PlaylistError> {
    let Some(id) = attributes.text("ID", scope)? else { return Ok(None) };
    let mut range = DateRange {
        id,
        class: attributes.text("CLASS", scope)?,
        start: attributes.text("START-DATE", scope)?.as_deref().and_then(date::parse),
        end: attributes.text("END-DATE", scope)?.as_deref().and_then(date::parse),
        duration: attributes.seconds("DURATION"),
        planned_duration: attributes.seconds("PLANNED-DURATION"),
        end_on_next: attributes.yes("END-ON-NEXT"),
        attributes: Vec::new(),
    };
    for (name, _) in attributes.iter() {
        if !NAMED.contains(&name) {
            let value = attributes.text(name, scope)?.unwrap_or_default();
            range.attributes.push((name.to_owned(), value));
        }
    }
    Ok(Some(range))
}
