//! Edit lists (ISO/IEC 14496-12, 8.6.6): where a track's media stand on the presentation's timeline.
//!
//! **Invariant:** one shift for the whole track. The empty edits at the head and the media time of the first real one are applied;
//! further edits, which would cut the media or repeat them, are not: what they leave out is played.

use crate::{
    mp4::boxes::Inner,
    time::{MediaTime, Micros},
};

/// Edits read; real lists have one to three.
const MAX_EDITS: u32 = 64;
const EMPTY: i64 = -1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edits {
    /// How long nothing is presented at the start, in ticks of the movie.
    empty: i64,
    /// Where the media that are presented begin, in ticks of the track.
    media_time: i64,
}

impl Edits {
    /// Reads an `elst` box; what cannot be read shifts nothing.
    pub fn read(elst: &Inner<'_>) -> Self {
        Self::parse(elst).unwrap_or_default()
    }

    fn parse(elst: &Inner<'_>) -> Option<Self> {
        let (version, _, mut r) = elst.full()?;
        let mut edits = Self::default();
        for _ in 0..r.u32()?.min(MAX_EDITS) {
            let (duration, media_time) = match version {
                0 => (i64::from(r.u32()?), i64::from(r.u32()?.cast_signed())),
                _ => (r.u64()?.cast_signed(), r.u64()?.cast_signed()),
            };
            r.u32()?; // media_rate
            if media_time != EMPTY {
                edits.media_time = media_time.max(0);
                break;
            }
            edits.empty = edits.empty.saturating_add(duration.max(0));
        }
        Some(edits)
    }
}

/// What turns a track's ticks into times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    pub timescale: u32,
    pub movie_timescale: u32,
    pub edits: Edits,
}

impl Clock {
    /// The time of `ticks` of the track's media on the presentation's timeline.
    pub fn present(self, ticks: i64) -> MediaTime {
        let media = MediaTime::from_ticks(ticks.saturating_sub(self.edits.media_time), self.timescale);
        media + self.empty()
    }

    /// The last tick that is presented at `time` or before.
    pub fn ticks_at(self, time: MediaTime) -> i64 {
        let media = i128::from((time - self.empty()).0);
        // A time is rounded down from its tick: the tick of a time that came from `present` is that one.
        let scale = i128::from(self.timescale.max(1));
        let ticks = media.saturating_add(1).saturating_mul(scale).saturating_sub(1).div_euclid(1_000_000);
        let ticks = ticks.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        ticks.saturating_add(self.edits.media_time)
    }

    fn empty(self) -> Micros {
        MediaTime::from_ticks(self.edits.empty, self.movie_timescale) - MediaTime::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(version: u8, body: &[u8]) -> Edits {
        let body = [&[version, 0, 0, 0], body].concat();
        Edits::read(&Inner { kind: *b"elst", body: &body, at: 0, len: body.len() })
    }

    #[test]
    fn an_empty_edit_delays_and_a_media_time_advances() {
        let list = b"\0\0\0\x02\0\0\x01\xf4\xff\xff\xff\xff\0\x01\0\0\0\0\x10\0\0\0\x04\0\0\x01\0\0";
        let edits = edits(0, list);
        assert_eq!(edits, Edits { empty: 500, media_time: 1024 });
        let clock = Clock { timescale: 48_000, movie_timescale: 1000, edits };
        assert_eq!(clock.present(0), MediaTime(478_666));
        assert_eq!(clock.present(1024), MediaTime(500_000));
    }

    #[test]
    fn a_tick_is_found_again_by_its_time() {
        for timescale in [1, 25, 600, 44_100, 90_000, 1_000_000] {
            let clock = Clock { timescale, movie_timescale: 1000, edits: Edits { empty: 33, media_time: 7 } };
            for ticks in [-50, 0, 1, 7, 8, 1001, 123_457] {
                assert_eq!(clock.ticks_at(clock.present(ticks)), ticks, "{ticks} at {timescale}");
                assert_eq!(clock.ticks_at(clock.present(ticks) - Micros(1)), ticks - 1);
            }
        }
    }

    #[test]
    fn long_forms_and_lists_cut_short() {
        let list = b"\0\0\0\x01\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x07\0\x01\0\0";
        assert_eq!(edits(1, list), Edits { empty: 0, media_time: 7 });
        assert_eq!(edits(0, b"\0\0\xff\xff\0\0"), Edits::default());
    }
}
