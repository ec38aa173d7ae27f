//! One fragment: a `moof` with a `traf` of one `trun` for each track, and the `mdat`.
//!
//! **Invariant:** within a run the samples' durations add up to the decode times, and composition offsets are counted from those
//! sums: a dts that goes back moves no pts.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    Mp4MuxError, Track,
    boxes::{put, put_full, ticks},
};
use crate::{packet::Packet, time::MediaTime};

/// Size and name of a box.
const BOX_HEADER: usize = 8;

// tf_flags of `tfhd` (ISO/IEC 14496-12, 8.8.7.1).
const DEFAULT_DURATION: u32 = 0x08;
const DEFAULT_SIZE: u32 = 0x10;
const DEFAULT_FLAGS: u32 = 0x20;
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

// tr_flags of `trun` (8.8.8.1).
const DATA_OFFSET: u32 = 0x001;
const FIRST_FLAGS: u32 = 0x004;
const DURATIONS: u32 = 0x100;
const SIZES: u32 = 0x200;
const FLAGS: u32 = 0x400;
const COMPOSITION: u32 = 0x800;

// Sample flags (8.8.3.1).
const DEPENDS_ON_NONE: u32 = 2 << 24;
const DEPENDS_ON_OTHERS: u32 = 1 << 24;
/// sample_is_depended_on 2.
const DISPOSABLE: u32 = 2 << 22;
const NON_SYNC: u32 = 1 << 16;

/// The samples of one track.
#[derive(Debug)]
pub struct Run<'a> {
    /// track_ID.
    pub track: u32,
    /// baseMediaDecodeTime.
    at: u64,
    /// Where the last sample ends.
    pub end: i64,
    samples: Vec<Sample<'a>>,
}

#[derive(Debug)]
struct Sample<'a> {
    data: &'a Bytes,
    duration: u32,
    flags: u32,
    composition: i32,
}

impl<'a> Run<'a> {
    /// What of the packets belongs to the track, if anything does.
    pub fn of(
        track: &Track,
        base: MediaTime,
        packets: &'a [Packet],
        following: &[Packet],
    ) -> Result<Option<Self>, Mp4MuxError> {
        let is_its_own = |packet: &&Packet| packet.track == track.id && !packet.data.is_empty();
        let mut its_own = packets.iter().filter(is_its_own).peekable();
        let Some(first) = its_own.peek() else { return Ok(None) };
        let start = track.decode_time(first.dts, base)?;
        let behind = following.iter().find(is_its_own).map(|packet| packet.dts);
        let ticks_of = |time: MediaTime| ticks(time - base, track.timescale);
        let mut at = i64::try_from(start).unwrap_or(i64::MAX);
        at = track.end.map_or(at, |due| track.snapped(at, due)).max(0);
        let mut run = Self { track: track.number, at: at.unsigned_abs(), end: at, samples: Vec::new() };
        let mut step = track.step;
        while let Some(packet) = its_own.next() {
            let next = its_own.peek().map(|next| next.dts).or(behind).map(ticks_of);
            let due = packet.duration.map(|duration| at.saturating_add(ticks(duration, track.timescale)));
            let end = match (next, due) {
                (Some(next), Some(due)) => Some(track.snapped(next, due)),
                (next, due) => next.or(due),
            };
            step = end.map_or(step, |end| end.saturating_sub(at));
            let duration = u32::try_from(step.max(0)).unwrap_or(u32::MAX);
            let composition = track.snapped(ticks_of(packet.pts), at).saturating_sub(at);
            let composition =
                i32::try_from(composition).map_err(|_| Mp4MuxError::CompositionTime(track.id))?;
            run.samples.push(Sample { data: &packet.data, duration, flags: flags(packet), composition });
            at = at.saturating_add(duration.into());
        }
        run.end = at;
        Ok(Some(run))
    }

    /// The duration of the last sample.
    pub fn last_step(&self) -> i64 {
        self.samples.last().map_or(0, |sample| sample.duration.into())
    }

    fn len(&self) -> usize {
        self.samples.iter().fold(0, |sum, sample| sum.saturating_add(sample.data.len()))
    }

    /// `traf`, whose data begins `data_at` bytes behind the start of the `moof`.
    fn write(&self, out: &mut BytesMut, data_at: u32) {
        let samples = || self.samples.iter();
        let duration = uniform(samples().map(|sample| sample.duration));
        let len = uniform(samples().map(|sample| size(sample.data)));
        let flags = uniform(samples().map(|sample| sample.flags));
        // Mostly a keyframe and then pictures of one kind.
        let rest = flags.or_else(|| uniform(samples().skip(1).map(|sample| sample.flags)));
        let first = samples().next().map_or(0, |sample| sample.flags);
        put_full(out, b"tfhd", 0, tfhd_flags(duration, len, rest), |out| {
            out.put_u32(self.track);
            [duration, len, rest].into_iter().flatten().for_each(|default| out.put_u32(default));
        });
        put_full(out, b"tfdt", 1, 0, |out| out.put_u64(self.at));
        let composed = samples().any(|sample| sample.composition != 0);
        let tr_flags = DATA_OFFSET
            | if flags.is_none() && rest.is_some() { FIRST_FLAGS } else { 0 }
            | if duration.is_none() { DURATIONS } else { 0 }
            | if len.is_none() { SIZES } else { 0 }
            | if rest.is_none() { FLAGS } else { 0 }
            | if composed { COMPOSITION } else { 0 };
        put_full(out, b"trun", 1, tr_flags, |out| {
            out.put_u32(u32::try_from(self.samples.len()).unwrap_or(u32::MAX));
            out.put_u32(data_at);
            if tr_flags & FIRST_FLAGS != 0 {
                out.put_u32(first);
            }
            for sample in &self.samples {
                let fields = [
                    (DURATIONS, sample.duration),
                    (SIZES, size(sample.data)),
                    (FLAGS, sample.flags),
                    (COMPOSITION, sample.composition.cast_unsigned()),
                ];
                fields.iter().filter(|(flag, _)| tr_flags & flag != 0).for_each(|(_, field)| {
                    out.put_u32(*field);
                });
            }
        });
    }
}

/// Writes the fragment whole, or nothing.
pub fn write(out: &mut BytesMut, sequence: u32, runs: &[Run<'_>]) -> Result<(), Mp4MuxError> {
    let payload = runs.iter().fold(0usize, |sum, run| sum.saturating_add(run.len()));
    // The offsets do not change its length: written once to know it.
    let mut moof = BytesMut::new();
    movie_fragment(&mut moof, sequence, runs, 0);
    let data_at = moof.len().saturating_add(BOX_HEADER);
    let len = data_at.saturating_add(payload);
    let fits = i32::try_from(len).is_ok();
    let Some(first_at) = u32::try_from(data_at).ok().filter(|_| fits) else {
        return Err(Mp4MuxError::FragmentTooLarge { len });
    };
    moof.clear();
    movie_fragment(&mut moof, sequence, runs, first_at);
    out.reserve(len);
    out.put_slice(&moof);
    put(out, b"mdat", |out| {
        runs.iter().flat_map(|run| &run.samples).for_each(|sample| out.put_slice(sample.data));
    });
    Ok(())
}

fn movie_fragment(out: &mut BytesMut, sequence: u32, runs: &[Run<'_>], first_at: u32) {
    put(out, b"moof", |out| {
        put_full(out, b"mfhd", 0, 0, |out| out.put_u32(sequence));
        let mut data_at = first_at;
        for run in runs {
            put(out, b"traf", |out| run.write(out, data_at));
            data_at = data_at.saturating_add(u32::try_from(run.len()).unwrap_or(u32::MAX));
        }
    });
}

fn tfhd_flags(duration: Option<u32>, size: Option<u32>, flags: Option<u32>) -> u32 {
    DEFAULT_BASE_IS_MOOF
        | duration.map_or(0, |_| DEFAULT_DURATION)
        | size.map_or(0, |_| DEFAULT_SIZE)
        | flags.map_or(0, |_| DEFAULT_FLAGS)
}

fn flags(packet: &Packet) -> u32 {
    let depends = if packet.keyframe { DEPENDS_ON_NONE } else { DEPENDS_ON_OTHERS | NON_SYNC };
    depends | if packet.disposable { DISPOSABLE } else { 0 }
}

/// A fragment's length is checked, so its samples' are.
fn size(data: &Bytes) -> u32 {
    u32::try_from(data.len()).unwrap_or(u32::MAX)
}

/// The one value that all have.
fn uniform(mut values: impl Iterator<Item = u32>) -> Option<u32> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}
