//! `moof` (ISO/IEC 14496-12, 8.8): a fragment's samples, in runs that lie together in the file.
//!
//! **Invariant:** a run is walked where it stands in the box: nothing is allocated for a sample, and a run whose samples have
//! no size has none.

use bytes::Bytes;

use crate::{
    mp4::{
        boxes::{Boxes, Inner},
        movie::Defaults,
        sample::Sample,
    },
    read::ByteReader,
};

/// Runs read of a fragment. Real ones have one for each track and chunk of sound.
const MAX_RUNS: usize = 4096;

// Flags of tfhd (8.8.7) and trun (8.8.8).
const HAS_BASE: u32 = 0x1;
const HAS_ENTRY: u32 = 0x2;
const HAS_DEFAULT_DURATION: u32 = 0x8;
const HAS_DEFAULT_SIZE: u32 = 0x10;
const HAS_DEFAULT_FLAGS: u32 = 0x20;
const BASE_IS_MOOF: u32 = 0x2_0000;
const HAS_DATA_OFFSET: u32 = 0x1;
const HAS_FIRST_FLAGS: u32 = 0x4;
const HAS_DURATIONS: u32 = 0x100;
const HAS_SIZES: u32 = 0x200;
const HAS_FLAGS: u32 = 0x400;
const HAS_COMPOSITIONS: u32 = 0x800;
/// sample_is_non_sync_sample of a sample's flags.
const IS_NON_SYNC: u32 = 0x1_0000;

/// The samples of one track in a fragment.
#[derive(Debug)]
pub(super) struct TrackFragment {
    /// track_ID.
    pub number: u32,
    /// tfdt: when the first sample is decoded; `None`: where the fragment before ended.
    pub decode_time: Option<i64>,
    /// By their decoding order. Their dts count from the fragment's start.
    pub runs: Vec<Run>,
    /// In ticks.
    pub duration: i64,
}

/// What is common to the fragments of one box.
#[derive(Debug, Default)]
pub(super) struct Fragment {
    pub tracks: Vec<TrackFragment>,
    /// There are more runs than are read.
    pub is_cut: bool,
}

/// Samples that lie together. A lane walks it.
#[derive(Clone, Debug)]
pub(super) struct Run {
    at: u64,
    dts: i64,
    left: u32,
    fields: u32,
    rows: Bytes,
    defaults: Defaults,
    bundle: u32,
    pub starts_at_sync: bool,
    /// Where the run ends in the file.
    pub end: u64,
    /// The first byte that a later run of the track needs: it may lie before this one.
    pub later: u64,
}

/// Where the box stands, and what stands for a base that the file gives as an offset of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    pub moof: u64,
    /// Where the segment began that the box came in.
    pub segment: u64,
    /// Offsets are those of the file.
    pub is_file: bool,
}

/// Bases that are given as offsets are believed within so many bytes behind their box: in a stream that was entered in its
/// midst, or is cut into segments, they count from somewhere else.
const MAX_BASE_DISTANCE: u64 = 16 << 20;

impl Base {
    fn given(self, offset: u64) -> u64 {
        let near = self.moof..=self.moof.saturating_add(MAX_BASE_DISTANCE);
        let candidates = [offset, offset.saturating_add(self.segment)];
        match self.is_file {
            true => offset,
            false => candidates.into_iter().find(|at| near.contains(at)).unwrap_or(self.moof),
        }
    }
}

impl Fragment {
    /// Reads the contents of a `moof` box.
    pub fn read(moof: &Bytes, base: Base, defaults: &[Defaults]) -> Self {
        let mut fragment = Self::default();
        let mut reading = Reading { moof, base, data_end: base.moof, runs: 0, is_cut: false };
        for traf in Boxes::new(moof).filter(|inner| inner.kind == *b"traf") {
            fragment.tracks.extend(reading.track(&traf, defaults));
        }
        fragment.is_cut = reading.is_cut;
        fragment
    }
}

struct Reading<'a> {
    moof: &'a Bytes,
    base: Base,
    /// Where the data of the last track ended.
    data_end: u64,
    runs: usize,
    is_cut: bool,
}

impl Reading<'_> {
    fn track(&mut self, traf: &Inner<'_>, defaults: &[Defaults]) -> Option<TrackFragment> {
        let (_, flags, mut r) = traf.children().find(*b"tfhd")?.full()?;
        let number = r.u32()?;
        let told = defaults.iter().find(|d| d.number == number).copied();
        let mut defaults = told.unwrap_or(Defaults { number, entry: 1, ..Defaults::default() });
        // The first track of a fragment counts from its box, the others from where the one before ended (8.8.7.1).
        let mut base = if flags & BASE_IS_MOOF != 0 { self.base.moof } else { self.data_end };
        if flags & HAS_BASE != 0 {
            base = self.base.given(r.u64()?);
        }
        for (flag, field) in [
            (HAS_ENTRY, &mut defaults.entry),
            (HAS_DEFAULT_DURATION, &mut defaults.duration),
            (HAS_DEFAULT_SIZE, &mut defaults.size),
            (HAS_DEFAULT_FLAGS, &mut defaults.flags),
        ] {
            if flags & flag != 0 {
                *field = r.u32()?;
            }
        }
        let mut track = TrackFragment { number, decode_time: None, runs: Vec::new(), duration: 0 };
        let mut end = base;
        for inner in traf.children() {
            match &inner.kind {
                b"tfdt" => track.decode_time = decode_time(&inner),
                b"trun" if self.runs >= MAX_RUNS => self.is_cut = true,
                b"trun" => {
                    let Some(run) = self.run(&inner, base, end, defaults, track.duration) else { continue };
                    self.runs = self.runs.saturating_add(1);
                    let (bytes, ticks) = run.extent();
                    end = run.at.saturating_add(bytes);
                    track.duration = track.duration.saturating_add(ticks);
                    track.runs.push(Run { end, ..run });
                }
                _ => {}
            }
        }
        self.data_end = end;
        Some(track)
    }

    fn run(&self, trun: &Inner<'_>, base: u64, end: u64, defaults: Defaults, dts: i64) -> Option<Run> {
        let (_, fields, mut r) = trun.full()?;
        let left = r.u32()?;
        let at = match fields & HAS_DATA_OFFSET != 0 {
            true => base.saturating_add_signed(r.u32()?.cast_signed().into()),
            false => end,
        };
        let first_flags = if fields & HAS_FIRST_FLAGS != 0 { Some(r.u32()?) } else { None };
        let rows = self.moof.slice_ref(r.rest());
        let mut run = Run {
            at,
            dts,
            left,
            fields,
            rows,
            defaults,
            bundle: 1,
            starts_at_sync: false,
            end: at,
            later: u64::MAX,
        };
        let is_empty = fields & HAS_SIZES == 0 && defaults.size == 0;
        if is_empty {
            run.left = 0;
        }
        let flags = first_flags.or_else(|| run.row().map(|row| row.flags)).unwrap_or(defaults.flags);
        run.starts_at_sync = flags & IS_NON_SYNC == 0;
        Some(run)
    }
}

fn decode_time(tfdt: &Inner<'_>) -> Option<i64> {
    let (version, _, mut r) = tfdt.full()?;
    let ticks = if version == 0 { r.u32()?.into() } else { r.u64()? };
    Some(i64::try_from(ticks).unwrap_or(i64::MAX))
}

/// A sample's fields in a run.
#[derive(Clone, Copy, Debug)]
struct Row {
    duration: u32,
    size: u32,
    flags: u32,
    composition: i64,
    /// Of the row itself.
    len: usize,
}

impl Run {
    fn row(&self) -> Option<Row> {
        if self.left == 0 {
            return None;
        }
        let mut r = ByteReader::new(&self.rows);
        let mut field = |flag, default| if self.fields & flag != 0 { r.u32() } else { Some(default) };
        let duration = field(HAS_DURATIONS, self.defaults.duration)?;
        let size = field(HAS_SIZES, self.defaults.size)?;
        let flags = field(HAS_FLAGS, self.defaults.flags)?;
        // Unsigned in version 0, where writers put negative ones all the same.
        let composition = field(HAS_COMPOSITIONS, 0)?.cast_signed().into();
        let len = self.rows.len().saturating_sub(r.rest().len());
        Some(Row { duration, size, flags, composition, len })
    }

    /// Samples are all alike, there is nothing to read for each, and their number is only claimed.
    pub fn is_uniform(&self) -> bool {
        self.fields & (HAS_DURATIONS | HAS_SIZES | HAS_FLAGS | HAS_COMPOSITIONS) == 0
    }

    /// Bytes and ticks from here to its end.
    fn extent(&self) -> (u64, i64) {
        let mut walk = self.clone();
        if self.is_uniform() {
            let n = u64::from(self.left);
            let ticks = u64::from(self.defaults.duration).saturating_mul(n);
            let bytes = u64::from(self.defaults.size).saturating_mul(n);
            return (bytes, i64::try_from(ticks).unwrap_or(i64::MAX));
        }
        while walk.sample().is_some() {
            walk.advance();
        }
        (walk.at.saturating_sub(self.at), walk.dts.saturating_sub(self.dts))
    }

    /// The sample that comes next; `None` at the end.
    pub fn sample(&self) -> Option<Sample> {
        let row = self.row()?;
        let n = self.together();
        Some(Sample {
            at: self.at,
            size: row.size.saturating_mul(n),
            dts: self.dts,
            composition: row.composition,
            duration: i64::from(row.duration).saturating_mul(n.into()),
            entry: self.defaults.entry,
        })
    }

    fn together(&self) -> u32 {
        if self.is_uniform() { self.left.min(self.bundle).max(1) } else { 1 }
    }

    pub fn advance(&mut self) {
        let (Some(sample), Some(row)) = (self.sample(), self.row()) else { return };
        self.left = self.left.saturating_sub(self.together());
        self.at = sample.end();
        self.dts = self.dts.saturating_add(sample.duration);
        self.rows = self.rows.get(row.len..).map(|rest| self.rows.slice_ref(rest)).unwrap_or_default();
    }

    /// Over the samples that begin before `at`, as far as that is no work for each.
    pub fn advance_to(&mut self, at: u64) {
        if !self.is_uniform() {
            return self.advance();
        }
        let Defaults { size, duration, .. } = self.defaults;
        let before = at.saturating_sub(self.at).div_ceil(u64::from(size).max(1));
        let n = u32::try_from(before).unwrap_or(u32::MAX).clamp(1, self.left.max(1));
        self.left = self.left.saturating_sub(n);
        self.at = self.at.saturating_add(u64::from(size).saturating_mul(n.into()));
        self.dts = self.dts.saturating_add(i64::from(duration).saturating_mul(n.into()));
    }

    /// Its times count from `ticks` on, and so many samples are given as one where all are alike.
    pub fn starting_at(self, ticks: i64, bundle: u32) -> Self {
        Self { dts: self.dts.saturating_add(ticks), bundle, ..self }
    }

    pub fn at(&self) -> u64 {
        self.at
    }
}
