//! The segments that viewers may ask for, and those that the playlist names.
//!
//! **Invariant:** numbers only grow, also when packaging begins anew after it stopped for want of viewers: they count on from
//! [`SEGMENTS_PER_SECOND`] for each second since 1970. No address ever means something else than it did. What is held is bounded in time and in
//! bytes; a segment that has left the playlist is held for as long as the playlist lasts, while the bytes allow it
//! (RFC 8216bis, 6.2.2).

use std::collections::VecDeque;

use bytes::Bytes;
use sailcast_media::Micros;

/// More than there are.
pub const SEGMENTS_PER_SECOND: u64 = 2;
/// What a part costs beside its bytes, so that empty ones count too.
const PART_OVERHEAD: usize = 256;
/// The newest segments of which the playlist always names so many (RFC 8216bis, 6.2.2).
const MIN_LISTED: usize = 3;

#[derive(Clone, Debug)]
pub struct Part {
    /// Counts on over all segments, so that the number of the next part is known whatever segment it falls into.
    pub number: u64,
    pub duration: Micros,
    pub independent: bool,
    pub bytes: Bytes,
}

#[derive(Clone, Debug)]
pub struct Segment {
    pub sequence: u64,
    pub discontinuity: u64,
    /// The init segment that it needs.
    pub map: Option<u64>,
    /// Since 1970, of its first sample.
    pub began: Option<Micros>,
    pub parts: Vec<Part>,
    pub complete: bool,
}

impl Segment {
    pub fn duration(&self) -> Micros {
        self.parts.iter().fold(Micros::ZERO, |sum, part| sum + part.duration)
    }

    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }

    fn cost(&self) -> usize {
        self.len() + self.parts.len() * PART_OVERHEAD
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Of what the playlist names.
    pub listed: Micros,
    /// Of all that is held.
    pub bytes: usize,
}

/// Where a stream stands: the segment under way, and how many of its parts are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub sequence: u64,
    pub parts: u64,
}

#[derive(Debug)]
pub struct Window {
    bounds: Bounds,
    epoch: u64,
    /// Oldest first; only the last one may be incomplete.
    segments: VecDeque<Segment>,
    /// How many of them the playlist does not name any more.
    unlisted: usize,
    next_sequence: u64,
    next_part: u64,
    discontinuity: u64,
    /// Init segments by their numbers.
    maps: VecDeque<(u64, Bytes)>,
    next_map: u64,
    runs: u64,
    ended: bool,
}

impl Window {
    /// `epoch`: seconds since 1970, now.
    pub fn new(epoch: u64, bounds: Bounds) -> Self {
        Self {
            bounds,
            epoch,
            segments: VecDeque::new(),
            unlisted: 0,
            next_sequence: epoch.saturating_mul(SEGMENTS_PER_SECOND),
            next_part: 0,
            discontinuity: 0,
            maps: VecDeque::new(),
            next_map: 0,
            runs: 0,
            ended: false,
        }
    }

    /// Tells this packaging from others of the stream.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What follows is of another timeline or configuration; no segment is under way.
    pub fn begin_run(&mut self, init: Option<Bytes>) {
        if self.runs > 0 {
            self.discontinuity += 1;
        }
        self.runs += 1;
        let used = |number: &u64| self.segments.iter().any(|segment| segment.map == Some(*number));
        self.maps.retain(|(number, _)| used(number));
        if let Some(init) = init {
            self.maps.push_back((self.next_map, init));
            self.next_map += 1;
        }
    }

    /// The next piece, of the segment under way or of a new one that `began` then.
    pub fn add(&mut self, bytes: Bytes, duration: Micros, independent: bool, began: Option<Micros>) {
        let part = Part { number: self.next_part, duration, independent, bytes };
        self.next_part += 1;
        match self.segments.back_mut().filter(|last| !last.complete) {
            Some(open) => open.parts.push(part),
            None => {
                self.segments.push_back(Segment {
                    sequence: self.next_sequence,
                    discontinuity: self.discontinuity,
                    map: self.maps.back().map(|(number, _)| *number),
                    began,
                    parts: vec![part],
                    complete: false,
                });
                self.next_sequence += 1;
            }
        }
        self.slide();
    }

    /// Completes the segment under way, if there is one.
    pub fn end_segment(&mut self) {
        if let Some(last) = self.segments.back_mut() {
            last.complete = true;
        }
        self.slide();
    }

    /// Nothing comes any more.
    pub fn end(&mut self) {
        self.end_segment();
        self.ended = true;
    }

    /// Of the segment under way, or of the next one.
    pub fn edge(&self) -> Edge {
        match self.segments.back().filter(|last| !last.complete) {
            Some(open) => Edge { sequence: open.sequence, parts: open.parts.len() as u64 },
            None => Edge { sequence: self.next_sequence, parts: 0 },
        }
    }

    /// What the playlist names, oldest first.
    pub fn listed(&self) -> impl DoubleEndedIterator<Item = &Segment> + ExactSizeIterator {
        self.segments.range(self.unlisted..)
    }

    /// The number that the next part will have.
    pub fn next_part(&self) -> u64 {
        self.next_part
    }

    /// A complete one that is held.
    pub fn segment(&self, sequence: u64) -> Option<&Segment> {
        let at = sequence.checked_sub(self.segments.front()?.sequence)?;
        self.segments.get(usize::try_from(at).ok()?).filter(|segment| segment.complete)
    }

    pub fn part(&self, number: u64) -> Option<&Part> {
        let first = |segment: &Segment| segment.parts.first().map_or(0, |part| part.number);
        let behind = self.segments.partition_point(|segment| first(segment) <= number);
        let segment = self.segments.get(behind.checked_sub(1)?)?;
        segment.parts.iter().find(|part| part.number == number)
    }

    pub fn map(&self, number: u64) -> Option<&Bytes> {
        self.maps.iter().find(|(known, _)| *known == number).map(|(_, init)| init)
    }

    /// Peak and mean, bit/s, over what the playlist names; of whole segments, if there is one.
    pub fn bit_rates(&self) -> (u64, u64) {
        let whole = self.listed().any(|segment| segment.complete);
        let judged = || self.listed().filter(move |segment| segment.complete || !whole);
        let rate = |bytes: usize, duration: Micros| {
            (bytes as f64 * 8.0 / duration.as_secs_f64().max(0.001)).ceil() as u64
        };
        let peak = judged().map(|segment| rate(segment.len(), segment.duration())).max().unwrap_or(0);
        let duration = judged().fold(Micros::ZERO, |sum, segment| sum + segment.duration());
        (peak, rate(judged().map(Segment::len).sum(), duration))
    }

    fn slide(&mut self) {
        let total = |segments: &mut dyn Iterator<Item = &Segment>| {
            segments.filter(|segment| segment.complete).fold(Micros::ZERO, |sum, one| sum + one.duration())
        };
        let mut listed = total(&mut self.listed());
        while self.listed().len() > MIN_LISTED {
            let first = self.segments[self.unlisted].duration();
            if listed - first < self.bounds.listed {
                break;
            }
            listed = listed - first;
            self.unlisted += 1;
        }
        let mut gone = total(&mut self.segments.range(..self.unlisted));
        let mut cost: usize = self.segments.iter().map(Segment::cost).sum();
        while let Some(first) = self.segments.front().filter(|first| first.complete) {
            let outlived = self.unlisted > 0 && gone - first.duration() > listed;
            if !outlived && cost <= self.bounds.bytes {
                break;
            }
            gone = gone - first.duration();
            cost -= first.cost();
            self.segments.pop_front();
            self.unlisted = self.unlisted.saturating_sub(1);
        }
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
