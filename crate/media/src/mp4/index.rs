//! Where the fragments of a file begin, and when: by `sidx` (ISO/IEC 14496-12, 8.16.3), by `mfra` (8.8.9), and by those read.
//!
//! **Invariant:** entries are in the order of the file, one for a place, and capped. Their times are those of a keyframe, or earlier.

use crate::{
    mp4::boxes::{Boxes, Inner},
    time::{MediaTime, Micros},
};

/// Fragments of two seconds for a day and a half.
const MAX_ENTRIES: usize = 1 << 16;
/// What may stand behind the fragments that an index tells of: another index, and boxes that nobody plays.
const MAX_BEHIND: u64 = 256 << 10;

#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
    /// Where what the index tells of ends.
    until: Option<MediaTime>,
    /// The file itself told of its fragments: what is not here is not there.
    pub is_whole: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub time: MediaTime,
    pub at: u64,
}

impl Index {
    /// Takes a fragment.
    pub fn add(&mut self, entry: Entry) {
        if let Err(place) = self.entries.binary_search_by_key(&entry.at, |entry| entry.at)
            && self.entries.len() < MAX_ENTRIES
        {
            self.entries.insert(place, entry);
        }
    }

    /// Takes a `sidx` box that ends at `end`, of a file of `len` bytes, where that is known.
    pub fn sidx(&mut self, inner: &Inner<'_>, end: u64, len: Option<u64>) -> Option<()> {
        let (version, _, mut r) = inner.full()?;
        r.u32()?; // reference_ID
        let timescale = r.u32()?;
        let (mut ticks, offset) = match version {
            0 => (u64::from(r.u32()?), u64::from(r.u32()?)),
            _ => (r.u64()?, r.u64()?),
        };
        let mut at = end.saturating_add(offset);
        r.u16()?;
        let count = r.u16()?;
        let time = |ticks: u64| MediaTime::from_ticks(i64::try_from(ticks).unwrap_or(i64::MAX), timescale);
        for _ in 0..count {
            let [size, duration, _] = [r.u32()?, r.u32()?, r.u32()?];
            self.push(Entry { time: time(ticks), at });
            // The upper bit says that it is an index again, which is read when its place is come to.
            at = at.saturating_add((size & 0x7fff_ffff).into());
            ticks = ticks.saturating_add(duration.into());
        }
        self.sort();
        self.until = self.until.max(Some(time(ticks)));
        // One reference is what writers put before each fragment, and some are those of a segment with others behind it.
        let is_of_all = len.is_none_or(|len| at.saturating_add(MAX_BEHIND) >= len);
        self.is_whole |= count > 1 && is_of_all;
        Some(())
    }

    /// Takes an `mfra` box: of the track `number`, whose ticks are such.
    pub fn mfra(&mut self, mfra: Boxes<'_>, number: u32, timescale: u32) {
        for inner in mfra.filter(|inner| inner.kind == *b"tfra") {
            if self.tfra(&inner, number, timescale).is_some() {
                self.is_whole = true;
            }
        }
        self.sort();
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(entry);
        }
    }

    fn sort(&mut self) {
        // As they mostly are.
        if self.entries.is_sorted_by(|a, b| a.at < b.at) {
            return;
        }
        self.entries.sort_by_key(|entry| entry.at);
        self.entries.dedup_by_key(|entry| entry.at);
    }

    fn tfra(&mut self, tfra: &Inner<'_>, number: u32, timescale: u32) -> Option<()> {
        let (version, _, mut r) = tfra.full()?;
        if r.u32()? != number {
            return None;
        }
        let lengths = r.u32()?;
        let length = |shift: u32| (lengths >> shift & 3).saturating_add(1);
        let numbers = length(4).saturating_add(length(2)).saturating_add(length(0));
        let count = r.u32()?;
        for _ in 0..count {
            let (ticks, at) = match version {
                0 => (u64::from(r.u32()?), u64::from(r.u32()?)),
                _ => (r.u64()?, r.u64()?),
            };
            r.bytes(numbers as usize)?;
            let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
            self.push(Entry { time: MediaTime::from_ticks(ticks, timescale), at });
        }
        Some(())
    }

    /// The last entry at or before a time, or the first one; and the one behind it.
    pub fn around(&self, to: MediaTime) -> (Option<Entry>, Option<Entry>) {
        let behind = self.entries.partition_point(|entry| entry.time <= to);
        let before = behind.checked_sub(1).and_then(|i| self.entries.get(i)).copied();
        (before, self.entries.get(behind).copied())
    }

    /// Whether the last entry before this time is known to be the last one there is.
    pub fn covers(&self, to: MediaTime) -> bool {
        let is_within_last = self.around(to).1.is_none() && self.until.is_some_and(|until| to < until);
        self.is_whole || is_within_last
    }

    pub fn first(&self) -> Option<Entry> {
        self.entries.first().copied()
    }

    pub fn last(&self) -> Option<Entry> {
        self.entries.last().copied()
    }

    /// The last fragment ends here.
    pub fn ends(&mut self, end: MediaTime) {
        self.until = self.until.max(Some(end));
    }

    pub fn duration(&self) -> Option<Micros> {
        let until = self.until.filter(|_| self.is_whole)?;
        self.first().map(|_| until - MediaTime::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner<'a>(kind: [u8; 4], body: &'a [u8]) -> Inner<'a> {
        Inner { kind, body, at: 0, len: body.len() }
    }

    #[test]
    fn references_of_a_segment_index_follow_each_other() {
        let body = b"\0\0\0\0\0\0\0\x01\0\0\x03\xe8\0\0\0\x64\0\0\0\x08\0\0\0\x02\
            \0\0\x01\0\0\0\x07\xd0\x90\0\0\0\0\0\x02\0\0\0\x03\xe8\x90\0\0\0";
        let mut index = Index::default();
        index.sidx(&inner(*b"sidx", body), 1000, Some(1776)).unwrap();
        let second = Entry { time: MediaTime::from_millis(2100), at: 1264 };
        assert_eq!(index.first(), Some(Entry { time: MediaTime::from_millis(100), at: 1008 }));
        assert_eq!(index.around(MediaTime::from_millis(2099)), (index.first(), Some(second)));
        assert_eq!(index.around(MediaTime::from_millis(2100)), (Some(second), None));
        assert_eq!(index.duration(), Some(Micros::from_millis(3100)));
        assert!(index.is_whole);
        let mut index = Index::default();
        index.sidx(&inner(*b"sidx", body), 1000, Some(1 << 20)).unwrap();
        assert_eq!((index.is_whole, index.duration()), (false, None), "of one segment of several");
    }

    #[test]
    fn random_access_counts_for_its_track_alone() {
        let tfra = b"\0\0\0\x2etfra\x01\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x03\xe8\0\0\0\0\0\0\0\x64\x01\x01\x01";
        let mut index = Index::default();
        index.mfra(Boxes::new(tfra), 1, 1000);
        assert!(index.first().is_none() && !index.is_whole);
        index.mfra(Boxes::new(tfra), 2, 1000);
        assert_eq!(index.first(), Some(Entry { time: MediaTime::from_millis(1000), at: 100 }));
    }
}
