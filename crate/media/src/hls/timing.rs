//! Where and when things are in a media playlist, on a line that begins at 0 with its first segment.

use super::{Delta, MediaPlaylist, Part, Segment};
use crate::time::Micros;

/// A segment, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub sequence: u64,
    /// The part's index, where the segment has parts.
    pub part: Option<usize>,
    pub start: Micros,
}

impl MediaPlaylist {
    pub fn is_low_latency(&self) -> bool {
        self.part_target.is_some()
    }

    /// From the first segment's start to the end of the last one, or of its parts.
    pub fn duration(&self) -> Micros {
        self.segments.iter().fold(Micros::ZERO, |sum, segment| sum + segment.duration)
    }

    /// Each segment with its start.
    pub fn starts(&self) -> impl Iterator<Item = (Micros, &Segment)> {
        starts(&self.segments, |segment| segment.duration)
    }

    pub fn segment(&self, sequence: u64) -> Option<&Segment> {
        let first = self.segments.first()?.sequence;
        self.segments.get(usize::try_from(sequence.checked_sub(first)?).ok()?)
    }

    pub fn start_of(&self, sequence: u64) -> Option<Micros> {
        self.starts().find(|(_, segment)| segment.sequence == sequence).map(|(start, _)| start)
    }

    /// What plays at `time`; nothing before the first segment and at or behind the end.
    pub fn find(&self, time: Micros) -> Option<Place> {
        let inside = |start: Micros, duration: Micros| (start..start + duration).contains(&time);
        let (start, segment) = self.starts().find(|(start, segment)| inside(*start, segment.duration))?;
        let parts = segment.part_starts().map(|(within, part)| (start + within, part));
        let part = parts.enumerate().find(|(_, (start, part))| inside(*start, part.duration));
        Some(Place {
            sequence: segment.sequence,
            part: part.map(|(index, _)| index),
            start: part.map_or(start, |(_, (start, _))| start),
        })
    }

    /// The last segment, while it has only parts.
    pub fn incomplete(&self) -> Option<&Segment> {
        self.segments.last().filter(|segment| segment.uri.is_none())
    }

    /// The media sequence number of what will be added next and, at low latency, its part: what a blocking reload waits for (6.3.8).
    pub fn next(&self) -> (u64, Option<u64>) {
        if let Some(incomplete) = self.incomplete() {
            return (incomplete.sequence, Some(incomplete.parts.len() as u64));
        }
        let left_out = self.skip.as_ref().map_or(0, |skip| skip.segments);
        let first = self.media_sequence.saturating_add(left_out);
        let next = self.segments.last().map_or(first, |last| last.sequence.saturating_add(1));
        (next, self.part_target.map(|_| 0))
    }

    /// The delta updates that may be asked for (6.3.7).
    pub fn delta(&self) -> Option<Delta> {
        self.control.can_skip_until.filter(|_| !self.ended)?;
        Some(if self.control.can_skip_dateranges { Delta::DateRangesToo } else { Delta::Segments })
    }

    /// µs since 1970 of the segment's first sample: said of it, or counted on from the last segment before of which it is said, else back from
    /// the first one behind (4.4.4.6).
    pub fn program_date_time(&self, sequence: u64) -> Option<Micros> {
        let at = self.start_of(sequence)?;
        let dated = |(start, segment): (Micros, &Segment)| {
            segment.program_date_time.map(|time| (segment.sequence, time - start))
        };
        let before = self.starts().filter_map(dated).take_while(|(dated, _)| *dated <= sequence).last();
        let (_, zero) = before.or_else(|| self.starts().find_map(dated))?;
        Some(zero + at)
    }
}

impl Segment {
    /// Each part with its start in the segment.
    pub fn part_starts(&self) -> impl Iterator<Item = (Micros, &Part)> {
        starts(&self.parts, |part| part.duration)
    }
}

fn starts<T>(all: &[T], duration: impl Fn(&T) -> Micros) -> impl Iterator<Item = (Micros, &T)> {
    all.iter().scan(Micros::ZERO, move |end, one| {
        let start = *end;
        *end += duration(one);
        Some((start, one))
    })
}
