//! The sample tables of a track (ISO/IEC 14496-12, 8.6.1, 8.7): where each sample is and when.
//!
//! **Invariant:** they stay as the file has them, some ten bytes a sample, and are walked with a [`Cursor`]. A table that ends too
//! early, or says what cannot be, makes samples wrong or fewer, never a walk longer than the tables are.

use std::cmp::Ordering;

use bytes::Bytes;

use crate::{
    mp4::{
        boxes::{Boxes, Inner},
        sample::Sample,
    },
    read::{BitReader, ByteReader},
};

#[derive(Debug, Default)]
pub(super) struct Table {
    /// stts: so many samples of such a duration.
    durations: Rows<8>,
    /// ctts: so many samples with such an offset from decoding to presentation.
    compositions: Rows<8>,
    /// stsc: from such a chunk on so many samples each, of such an entry.
    chunks: Rows<12>,
    sizes: Sizes,
    places: Places,
    /// stss: the numbers of the samples where decoding can start; without it, or a row in it, all are.
    sync: Option<Rows<4>>,
}

/// A table of rows of N bytes.
#[derive(Debug, Default)]
struct Rows<const N: usize>(Bytes);

impl<const N: usize> Rows<N> {
    /// The rows behind their number, as many as there are; a copy, which does not hold the chunk it came in.
    fn read(mut r: ByteReader<'_>) -> Option<Self> {
        let count = r.u32()? as usize;
        let len = count.saturating_mul(N).min(r.rest().len());
        r.bytes(len).map(|rows| Self(Bytes::copy_from_slice(rows)))
    }

    fn len(&self) -> usize {
        self.0.len().checked_div(N).unwrap_or_default()
    }

    fn get(&self, row: usize) -> Option<[u8; N]> {
        self.0.get(row.checked_mul(N)?..)?.first_chunk().copied()
    }
}

impl Rows<8> {
    fn pair(&self, row: usize) -> Option<(u32, u32)> {
        let [a, b, c, d, e, f, g, h] = self.get(row)?;
        Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])))
    }
}

/// A row of stsc.
#[derive(Clone, Copy, Debug)]
struct ChunkRow {
    /// Counted from 0.
    first: u32,
    samples: u32,
    entry: u32,
}

impl Rows<12> {
    fn row(&self, row: usize) -> Option<ChunkRow> {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.get(row)?;
        Some(ChunkRow {
            first: u32::from_be_bytes([a, b, c, d]).saturating_sub(1),
            samples: u32::from_be_bytes([e, f, g, h]),
            entry: u32::from_be_bytes([i, j, k, l]),
        })
    }
}

impl Rows<4> {
    fn number(&self, row: usize) -> Option<u32> {
        self.get(row).map(u32::from_be_bytes)
    }
}

#[derive(Debug)]
enum Sizes {
    Same {
        size: u32,
        count: u32,
    },
    Each(Rows<4>),
    /// Of 4, 8 or 16 bits.
    Packed {
        bits: u32,
        count: u32,
        sizes: Bytes,
    },
}

impl Default for Sizes {
    fn default() -> Self {
        Self::Same { size: 0, count: 0 }
    }
}

impl Sizes {
    fn read(stsz: &Inner<'_>) -> Option<Self> {
        let (_, _, mut r) = stsz.full()?;
        match r.u32()? {
            0 => Rows::read(r).map(Self::Each),
            size => Some(Self::Same { size, count: r.u32()? }),
        }
    }

    fn read_packed(stz2: &Inner<'_>) -> Option<Self> {
        let (_, _, mut r) = stz2.full()?;
        let bits = r.u32()? & 0xff;
        let count = r.u32()?;
        if !matches!(bits, 4 | 8 | 16) {
            return None;
        }
        let there = r.rest().len().saturating_mul(8).checked_div(bits as usize)?;
        let count = count.min(u32::try_from(there).unwrap_or(u32::MAX));
        Some(Self::Packed { bits, count, sizes: Bytes::copy_from_slice(r.rest()) })
    }

    fn count(&self) -> u32 {
        match self {
            Self::Same { count, .. } | Self::Packed { count, .. } => *count,
            Self::Each(rows) => u32::try_from(rows.len()).unwrap_or(u32::MAX),
        }
    }

    fn get(&self, index: u32) -> Option<u32> {
        match self {
            Self::Same { size, count } => (index < *count).then_some(*size),
            Self::Each(rows) => rows.number(index as usize),
            Self::Packed { bits, count, sizes } => {
                let bit = u64::from(index.min(*count)).saturating_mul(u64::from(*bits));
                let mut r = BitReader::new(sizes.get(usize::try_from(bit >> 3).ok()?..)?);
                r.skip((bit & 7) as u32)?;
                r.bits(*bits).filter(|_| index < *count)
            }
        }
    }

    /// Of `n` samples from this one on.
    fn sum(&self, from: u32, n: u32) -> u64 {
        match self {
            Self::Same { size, .. } => u64::from(*size).saturating_mul(n.into()),
            _ => {
                let sizes = (from..from.saturating_add(n)).map_while(|index| self.get(index));
                sizes.fold(0, |sum, size| sum.saturating_add(size.into()))
            }
        }
    }
}

/// Where each chunk begins: stco, co64.
#[derive(Debug)]
enum Places {
    Short(Rows<4>),
    Long(Rows<8>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Short(Rows::default())
    }
}

impl Places {
    fn get(&self, chunk: u32) -> Option<u64> {
        match self {
            Self::Short(rows) => rows.number(chunk as usize).map(u64::from),
            Self::Long(rows) => rows.get(chunk as usize).map(u64::from_be_bytes),
        }
    }
}

impl Table {
    /// Reads the boxes inside an `stbl`.
    pub fn read(stbl: Boxes<'_>) -> Self {
        let mut table = Self::default();
        for inner in stbl {
            table.take(&inner);
        }
        table
    }

    fn take(&mut self, inner: &Inner<'_>) -> Option<()> {
        let (_, _, r) = inner.full()?;
        match &inner.kind {
            b"stts" => self.durations = Rows::read(r)?,
            b"ctts" => self.compositions = Rows::read(r)?,
            b"stsc" => self.chunks = Rows::read(r)?,
            b"stsz" => self.sizes = Sizes::read(inner)?,
            b"stz2" => self.sizes = Sizes::read_packed(inner)?,
            b"stco" => self.places = Places::Short(Rows::read(r)?),
            b"co64" => self.places = Places::Long(Rows::read(r)?),
            // One without rows would leave no place to begin at.
            b"stss" => self.sync = Rows::read(r).filter(|rows| rows.len() > 0),
            _ => {}
        }
        Some(())
    }

    pub fn is_empty(&self) -> bool {
        self.sizes.count() == 0
    }

    /// All samples have one size, and their number is only claimed.
    pub fn is_uniform(&self) -> bool {
        matches!(self.sizes, Sizes::Same { .. })
    }

    /// Of all samples, in ticks.
    pub fn duration(&self) -> i64 {
        self.place_in_time(self.sizes.count()).0
    }

    /// The last sample that is decoded at `ticks` or before: the first one where all are later.
    pub fn index_at(&self, ticks: i64) -> u32 {
        let (mut index, mut dts) = (0u32, 0i64);
        for row in 0..self.durations.len() {
            let Some((count, delta)) = self.durations.pair(row) else { break };
            let whole = dts.saturating_add(i64::from(count).saturating_mul(delta.into()));
            if whole > ticks {
                let steps = ticks.saturating_sub(dts).max(0).checked_div(delta.into()).unwrap_or_default();
                index = index.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
                break;
            }
            (index, dts) = (index.saturating_add(count), whole);
        }
        index.min(self.sizes.count().saturating_sub(1))
    }

    /// The sync samples around a time of presentation in ticks: the last one at or before it, and the first one behind it.
    pub fn sync_around(&self, ticks: i64) -> [Option<SyncSample>; 2] {
        let Some(sync) = &self.sync else {
            let index = self.index_at(ticks);
            let before = Some(self.sync_sample(index)).filter(|s| !self.is_empty() && s.time <= ticks);
            let next = if before.is_some() { index.saturating_add(1) } else { index };
            let after = (next < self.sizes.count()).then(|| self.sync_sample(next));
            return [before, after];
        };
        let mut walk = TimeWalk::default();
        let mut before = None;
        for row in 0..sync.len() {
            let Some(index) = sync.number(row).and_then(|number| number.checked_sub(1)) else { continue };
            if index >= self.sizes.count() || index < walk.index {
                continue;
            }
            walk.forward(self, index);
            let found = SyncSample { index, time: walk.dts.saturating_add(walk.composition(self)) };
            if found.time > ticks {
                return [before, Some(found)];
            }
            before = Some(found);
        }
        [before, None]
    }

    fn sync_sample(&self, index: u32) -> SyncSample {
        let (dts, composition) = self.place_in_time(index);
        SyncSample { index, time: dts.saturating_add(composition) }
    }

    /// dts and composition offset of a sample.
    fn place_in_time(&self, index: u32) -> (i64, i64) {
        let mut walk = TimeWalk::default();
        walk.forward(self, index);
        (walk.dts, walk.composition(self))
    }
}

/// A sample where decoding can start, and when it is presented, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyncSample {
    pub index: u32,
    pub time: i64,
}

/// A place in the tables of times: of the sample `index`.
#[derive(Clone, Copy, Debug, Default)]
struct TimeWalk {
    index: u32,
    dts: i64,
    duration_row: usize,
    /// Samples of that row that lie before.
    duration_used: u32,
    composition_row: usize,
    composition_used: u32,
}

impl TimeWalk {
    /// On to a sample that is not before this one.
    fn forward(&mut self, table: &Table, index: u32) {
        let mut left = index.saturating_sub(self.index);
        self.index = index;
        let mut skipped = left;
        loop {
            let (count, delta) =
                table.durations.pair(self.duration_row).unwrap_or((u32::MAX, self.last(table)));
            let now = count.saturating_sub(self.duration_used).min(left);
            self.dts = self.dts.saturating_add(i64::from(now).saturating_mul(delta.into()));
            self.duration_used = self.duration_used.saturating_add(now);
            left = left.saturating_sub(now);
            if self.duration_used < count || self.duration_row >= table.durations.len() {
                break;
            }
            (self.duration_row, self.duration_used) = (self.duration_row.saturating_add(1), 0);
        }
        while let Some((count, _)) = table.compositions.pair(self.composition_row) {
            let now = count.saturating_sub(self.composition_used).min(skipped);
            self.composition_used = self.composition_used.saturating_add(now);
            skipped = skipped.saturating_sub(now);
            if self.composition_used < count {
                break;
            }
            (self.composition_row, self.composition_used) = (self.composition_row.saturating_add(1), 0);
        }
    }

    fn duration(&self, table: &Table) -> u32 {
        table.durations.pair(self.duration_row).map_or_else(|| self.last(table), |(_, delta)| delta)
    }

    /// The samples behind the end of the table last as long as its last ones.
    fn last(&self, table: &Table) -> u32 {
        table.durations.len().checked_sub(1).and_then(|row| table.durations.pair(row)).map_or(0, |row| row.1)
    }

    /// Signed in version 1; writers of version 0 put negative numbers there as well.
    fn composition(&self, table: &Table) -> i64 {
        table.compositions.pair(self.composition_row).map_or(0, |(_, offset)| offset.cast_signed().into())
    }

    /// The samples from here on that last as long.
    fn alike(&self, table: &Table) -> u32 {
        let count = table.durations.pair(self.duration_row).map_or(u32::MAX, |(count, _)| count);
        count.saturating_sub(self.duration_used)
    }
}

/// A place in a track: the sample that comes next.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    time: TimeWalk,
    chunk_row: usize,
    chunk: u32,
    /// Samples of the chunk that lie before.
    in_chunk: u32,
    at: u64,
    /// Samples given as one, where all have the same size: those of G.711 have a byte each.
    bundle: u32,
}

impl Cursor {
    /// At a sample. Samples that belong together in every way are given as one, `bundle` at most.
    pub fn new(table: &Table, index: u32, bundle: u32) -> Self {
        let mut time = TimeWalk::default();
        time.forward(table, index);
        let mut cursor = Self { time, chunk_row: 0, chunk: 0, in_chunk: 0, at: 0, bundle };
        cursor.find_chunk(table, index);
        cursor.settle(table);
        cursor
    }

    fn find_chunk(&mut self, table: &Table, index: u32) {
        let mut left = index;
        while let Some(row) = table.chunks.row(self.chunk_row) {
            self.chunk = row.first;
            let next = table.chunks.row(self.chunk_row.saturating_add(1));
            let chunks = next.map_or(u32::MAX, |next| next.first.saturating_sub(row.first));
            let samples = u64::from(chunks).saturating_mul(row.samples.into());
            if u64::from(left) < samples || next.is_none() {
                let whole = left.checked_div(row.samples).unwrap_or_default();
                self.chunk = row.first.saturating_add(whole);
                self.in_chunk = left.checked_rem(row.samples).unwrap_or_default();
                break;
            }
            left = left.saturating_sub(u32::try_from(samples).unwrap_or(u32::MAX));
            self.chunk_row = self.chunk_row.saturating_add(1);
        }
        let before = table.sizes.sum(index.saturating_sub(self.in_chunk), self.in_chunk);
        self.at = table.places.get(self.chunk).unwrap_or_default().saturating_add(before);
    }

    /// On to the next chunk that has a sample left.
    fn settle(&mut self, table: &Table) {
        while let Some(row) = table.chunks.row(self.chunk_row) {
            if self.in_chunk < row.samples {
                return;
            }
            self.chunk = self.chunk.saturating_add(1);
            self.in_chunk = 0;
            let Some(at) = table.places.get(self.chunk) else { return };
            self.at = at;
            let next = table.chunks.row(self.chunk_row.saturating_add(1));
            if next.is_some_and(|next| next.first.cmp(&self.chunk) != Ordering::Greater) {
                self.chunk_row = self.chunk_row.saturating_add(1);
            }
        }
    }

    /// The sample that comes next, and how many of the table it stands for; `None` at the end.
    fn next(&self, table: &Table) -> Option<(Sample, u32)> {
        let index = self.time.index;
        let size = table.sizes.get(index)?;
        table.places.get(self.chunk)?;
        let row = table.chunks.row(self.chunk_row)?;
        let n = match table.sizes {
            Sizes::Same { count, .. } => {
                let alike = self.time.alike(table).min(row.samples.saturating_sub(self.in_chunk));
                self.bundle.min(alike).min(count.saturating_sub(index)).max(1)
            }
            _ => 1,
        };
        let sample = Sample {
            at: self.at,
            size: size.saturating_mul(n),
            dts: self.time.dts,
            composition: self.time.composition(table),
            duration: i64::from(self.time.duration(table)).saturating_mul(n.into()),
            entry: row.entry,
        };
        Some((sample, n))
    }

    pub fn sample(&self, table: &Table) -> Option<Sample> {
        self.next(table).map(|(sample, _)| sample)
    }

    pub fn advance(&mut self, table: &Table) {
        let Some((sample, n)) = self.next(table) else { return };
        self.pass(table, n, sample.size.into());
    }

    /// Over the samples that begin before `at`, as far as they lie together.
    pub fn advance_to(&mut self, table: &Table, at: u64) {
        let (Sizes::Same { size, .. }, Some(row)) = (&table.sizes, table.chunks.row(self.chunk_row)) else {
            return self.advance(table);
        };
        let before = at.saturating_sub(self.at).div_ceil(u64::from(*size).max(1));
        let here = row.samples.saturating_sub(self.in_chunk);
        let n = u32::try_from(before).unwrap_or(u32::MAX).min(here).max(1);
        self.pass(table, n, u64::from(*size).saturating_mul(n.into()));
    }

    fn pass(&mut self, table: &Table, samples: u32, bytes: u64) {
        self.time.forward(table, self.time.index.saturating_add(samples));
        self.in_chunk = self.in_chunk.saturating_add(samples);
        self.at = self.at.saturating_add(bytes);
        self.settle(table);
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
