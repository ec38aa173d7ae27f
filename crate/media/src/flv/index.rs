//! Where the keyframes of an FLV file are: what its metadata tells, and what reading it has shown.
//!
//! Metadata is a promise: [`Index::distrust`] takes it back, and what was read stays. Times are those of the tags.

use std::collections::BTreeMap;

use crate::{
    metadata::Value,
    time::{MediaTime, Micros},
};

/// More are not kept. A keyframe a second over 18 hours.
const MAX_KEYFRAMES: usize = 1 << 16;
/// A list that is off by more is of another file.
const EARLY: Micros = Micros::from_millis(200);

#[derive(Debug, Default)]
pub struct Index {
    told: BTreeMap<MediaTime, u64>,
    read: BTreeMap<MediaTime, u64>,
    /// The first packet of all.
    first: Option<(MediaTime, u64)>,
    /// The first keyframe has been compared with what was told of it.
    aligned: bool,
    /// Everything before this offset was read, and up to this time.
    until: (u64, MediaTime),
}

impl Index {
    /// Takes `keyframes` of `onMetaData` in place of those before: `times` in seconds and `filepositions` in bytes.
    pub fn tell(&mut self, keyframes: &Value) {
        self.told.clear();
        let Value::Object(fields) = keyframes else { return };
        let list = |name: &str| match fields.iter().find(|(key, _)| key == name) {
            Some((_, Value::Array(items))) => items.as_slice(),
            _ => &[],
        };
        let pairs = list("times").iter().zip(list("filepositions"));
        for (time, at) in pairs.take(MAX_KEYFRAMES) {
            if let (Value::Number(time), Value::Number(at)) = (time, at)
                && time.is_finite()
                && *at >= 0.0
            {
                // Of two of one time the first is the sequence header's: the picture is behind it.
                self.told.insert(MediaTime((time * 1e6) as i64), *at as u64);
            }
        }
    }

    /// What was told is wrong.
    pub fn distrust(&mut self) {
        self.told.clear();
    }

    /// The keyframe that was told to have this time has another one.
    pub fn correct(&mut self, told: MediaTime, time: MediaTime) {
        if let Some(at) = self.told.remove(&told) {
            self.told.insert(time, at);
        }
    }

    pub fn is_told(&self) -> bool {
        !self.told.is_empty()
    }

    /// A packet that is decoded `at` this time and shown `until` that one was read from the tag of these offsets.
    pub fn note(&mut self, (offset, end): (u64, u64), at: MediaTime, until: MediaTime) {
        self.first.get_or_insert((at, offset));
        let (read, latest) = self.until;
        if offset <= read && end > read {
            self.until = (end, latest.max(until));
        }
    }

    /// Playback can begin with the tag at `offset`. The first one that was told of says how early the list is: where the picture
    /// begins behind the sound, all of ffmpeg's is early by that.
    pub fn keyframe(&mut self, offset: u64, time: MediaTime) {
        let is_first = self.is_told() && !std::mem::replace(&mut self.aligned, true);
        if is_first
            && let Some(told) = self.told.iter().find(|(_, at)| **at == offset).map(|(told, _)| *told)
            && (time - told).abs() <= EARLY
        {
            self.told = std::mem::take(&mut self.told)
                .into_iter()
                .map(|(at, offset)| (at + (time - told), offset))
                .collect();
        }
        if self.read.len() < MAX_KEYFRAMES {
            self.read.insert(time, offset);
        }
    }

    /// Everything before this offset has been read, the header and metadata to begin with.
    pub fn begin(&mut self, offset: u64) {
        if self.until.0 < offset && self.read.is_empty() {
            self.until.0 = offset;
        }
    }

    /// The latest time of what was read without a gap.
    pub fn latest(&self) -> MediaTime {
        self.until.1
    }

    /// No keyframe is missing up to `at`.
    pub fn knows(&self, at: MediaTime) -> bool {
        self.is_told() || at <= self.until.1
    }

    /// The last keyframe at or before `at` that is known, or where the file begins.
    pub fn before(&self, at: MediaTime) -> Option<(MediaTime, u64)> {
        let last =
            |map: &BTreeMap<MediaTime, u64>| map.range(..=at).next_back().map(|(time, at)| (*time, *at));
        last(&self.read).max(last(&self.told)).or(self.first)
    }

    /// The first keyframe behind `at` that is known.
    pub fn behind(&self, at: MediaTime) -> Option<(MediaTime, u64)> {
        let next = |map: &BTreeMap<MediaTime, u64>| {
            map.range(at..).find(|(time, _)| **time > at).map(|(t, o)| (*t, *o))
        };
        [next(&self.read), next(&self.told)].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: i64) -> MediaTime {
        MediaTime::from_millis(s * 1000)
    }

    fn told(pairs: &[(f64, f64)]) -> Value {
        let array =
            |f: fn(&(f64, f64)) -> f64| Value::Array(pairs.iter().map(|p| Value::Number(f(p))).collect());
        Value::Object(vec![("times".into(), array(|p| p.0)), ("filepositions".into(), array(|p| p.1))])
    }

    #[test]
    fn what_was_told_is_complete_and_what_was_read_only_so_far() {
        let mut index = Index::default();
        index.begin(13);
        for (at, time) in [(13, 0), (100, 2), (900, 20)] {
            index.keyframe(at, seconds(time));
            index.note((at, at + 100), seconds(time), seconds(time));
        }
        assert!(index.knows(seconds(2)) && !index.knows(seconds(3)));
        assert_eq!(index.before(seconds(3)), Some((seconds(2), 100)));
        assert_eq!(index.behind(seconds(3)), Some((seconds(20), 900)));
        index.tell(&told(&[(0.0, 13.0), (2.0, 100.0), (4.0, 210.0), (f64::NAN, 3.0), (6.0, -1.0)]));
        assert!(index.knows(seconds(19)));
        assert_eq!(index.before(seconds(5)), Some((seconds(4), 210)));
        index.tell(&told(&[(0.0, 13.0), (3.0, 150.0)]));
        assert_eq!(index.before(seconds(5)), Some((seconds(3), 150)), "the last list counts");
        index.distrust();
        assert_eq!(index.before(seconds(5)), Some((seconds(2), 100)));
    }
}
