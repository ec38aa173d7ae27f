//! Delta updates (6.2.5.1): a playlist that leaves out what the client has, onto the one before it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    DateRange, Delta, Key, Map, MediaPlaylist, PlaylistError, Segment, Skip,
    caps::{MAX_ATTRIBUTES, MAX_DATE_RANGES, MAX_SEGMENTS},
    media::NAMED,
    segments::put_key,
};

impl MediaPlaylist {
    /// The delta updates that may be asked for (6.3.7).
    pub fn delta(&self) -> Option<Delta> {
        self.control.can_skip_until.filter(|_| !self.ended)?;
        Some(if self.control.can_skip_dateranges { Delta::DateRangesToo } else { Delta::Segments })
    }

    /// The whole playlist: a delta update with what it leaves out from `previous`. A playlist that leaves out nothing stays as it is. On
    /// an error the playlist has to be loaded whole (6.3.7).
    pub fn merge_delta(mut self, previous: &MediaPlaylist) -> Result<MediaPlaylist, PlaylistError> {
        let Some(skip) = self.skip.take() else { return Ok(self) };
        let mut segments = left_out(&skip, self.media_sequence, previous)?;
        if segments.len().saturating_add(self.segments.len()) > MAX_SEGMENTS {
            return Err(PlaylistError::TooMany { what: "segments", most: MAX_SEGMENTS });
        }
        if let Some(last) = segments.last() {
            let mut until = previous.segments.iter().rev().skip_while(|known| known.sequence > last.sequence);
            let before = Before {
                discontinuity: last.discontinuity.saturating_sub(self.discontinuity_sequence),
                map: last.map.clone(),
                keys: last.keys.clone(),
                keys_end: skip.keys_end.unwrap_or(usize::MAX),
                bitrate: until.find(|known| known.range.is_none()).and_then(|known| known.bitrate),
            };
            before.go_on(&mut self.segments)?;
        }
        segments.append(&mut self.segments);
        let date_ranges = match skip.removed_dateranges {
            None => self.date_ranges,
            Some(removed) => merge_ranges(&previous.date_ranges, &removed, self.date_ranges)?,
        };
        Ok(MediaPlaylist { segments, date_ranges, ..self })
    }
}

/// Parts go: those left out are older than a server keeps any (6.2.2).
fn left_out(skip: &Skip, first: u64, previous: &MediaPlaylist) -> Result<Vec<Segment>, PlaylistError> {
    let from = previous.segments.iter().skip_while(|segment| segment.sequence < first);
    let known = from.zip(first..skip.segments.saturating_add(first));
    let known: Vec<Segment> = known
        .take_while(|(segment, sequence)| segment.sequence == *sequence && segment.uri.is_some())
        .map(|(segment, _)| Segment { parts: Vec::new(), ..segment.clone() })
        .collect();
    match known.len() as u64 == skip.segments {
        true => Ok(known),
        false => Err(PlaylistError::Gap { skipped: skip.segments, known: known.len() as u64 }),
    }
}

/// What was in force at the end of the segments that are left out.
struct Before {
    /// Discontinuities within them.
    discontinuity: u64,
    map: Option<Arc<Map>>,
    keys: Vec<Arc<Key>>,
    keys_end: usize,
    bitrate: Option<u64>,
}

impl Before {
    fn go_on(mut self, segments: &mut [Segment]) -> Result<(), PlaylistError> {
        // The map of the segment before, as the update has it and with all its keys.
        let mut mapped: Option<(Arc<Map>, Arc<Map>)> = None;
        for (at, segment) in segments.iter_mut().enumerate() {
            segment.discontinuity = segment.discontinuity.saturating_add(self.discontinuity);
            if segment.range.is_none() {
                self.bitrate = segment.bitrate.or(self.bitrate);
                segment.bitrate = self.bitrate;
            }
            if at < self.keys_end {
                segment.keys = with_keys(&self.keys, &segment.keys)?;
            }
            segment.map = match (segment.map.take(), &mapped) {
                (None, _) => self.map.clone(),
                (Some(map), Some((own, whole))) if Arc::ptr_eq(&map, own) => Some(whole.clone()),
                (Some(map), _) => {
                    let keys = match at < self.keys_end {
                        true => with_keys(&self.keys, &map.keys)?,
                        false => map.keys.clone(),
                    };
                    let whole = Arc::new(Map { keys, ..Map::clone(&map) });
                    mapped = Some((map, whole.clone()));
                    Some(whole)
                }
            };
        }
        Ok(())
    }
}

fn with_keys(before: &[Arc<Key>], own: &[Arc<Key>]) -> Result<Vec<Arc<Key>>, PlaylistError> {
    let mut keys = before.to_vec();
    own.iter().try_for_each(|key| put_key(&mut keys, key.clone()))?;
    Ok(keys)
}

fn merge_ranges(
    previous: &[DateRange],
    removed: &[String],
    update: Vec<DateRange>,
) -> Result<Vec<DateRange>, PlaylistError> {
    let removed: HashSet<&String> = removed.iter().collect();
    let mut ranges: Vec<DateRange> =
        previous.iter().filter(|range| !removed.contains(&range.id)).cloned().collect();
    let known: HashMap<String, usize> =
        ranges.iter().enumerate().map(|(at, range)| (range.id.clone(), at)).collect();
    for range in update {
        match known.get(&range.id).and_then(|at| ranges.get_mut(*at)) {
            Some(known) => known.update(range),
            None => ranges.push(range),
        }
    }
    match ranges.len() > MAX_DATE_RANGES {
        true => Err(PlaylistError::TooMany { what: "date ranges", most: MAX_DATE_RANGES }),
        false => Ok(ranges),
    }
}

impl DateRange {
    /// Takes over what a later tag with the same ID says.
    pub(super) fn update(&mut self, later: DateRange) {
        self.class = later.class.or(self.class.take());
        self.start = later.start.or(self.start);
        self.end = later.end.or(self.end);
        self.duration = later.duration.or(self.duration);
        self.planned_duration = later.planned_duration.or(self.planned_duration);
        self.end_on_next |= later.end_on_next;
        self.attributes.retain(|(name, _)| later.attributes.iter().all(|(later, _)| later != name));
        self.attributes.extend(later.attributes);
        self.attributes.truncate(MAX_ATTRIBUTES.saturating_sub(NAMED.len()));
    }
}
