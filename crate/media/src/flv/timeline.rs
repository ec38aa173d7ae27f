//! The timeline behind FLV's 32-bit milliseconds.
//!
//! **Invariant:** the unwrapped time is congruent to the tag's timestamp modulo 2^32 ms, and never more than half
//! of that from the time before it.

use crate::{
    demux::Discontinuity,
    time::{MediaTime, Micros},
};

/// The largest step forward that is still continuous: longer than any keyframe interval or silence that a live
/// encoder writes, shorter than a break that a player should wait out.
const MAX_STEP: Micros = Micros::from_secs(10);

/// Unwraps the timestamps of all tracks together, so that they cannot part by a whole turn.
#[derive(Debug, Default)]
pub(super) struct Unwrapper {
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    raw: u32,
    ms: i64,
}

impl Unwrapper {
    /// The time of a packet; later tags are unwrapped from here.
    pub(super) fn advance(&mut self, raw: u32) -> MediaTime {
        let ms = self.unwrapped(raw);
        self.last = Some(Last { raw, ms });
        MediaTime::from_millis(ms)
    }

    /// The time of a tag whose timestamp says nothing of the tags behind it: servers stamp script data and
    /// configuration with 0 in mid-stream.
    pub(super) fn near(&self, raw: u32) -> MediaTime {
        MediaTime::from_millis(self.unwrapped(raw))
    }

    fn unwrapped(&self, raw: u32) -> i64 {
        match self.last {
            // The difference as a signed number: a step back of more than half the range is a wrap forward.
            Some(last) => last.ms.saturating_add(i64::from(raw.wrapping_sub(last.raw).cast_signed())),
            None => i64::from(raw),
        }
    }
}

/// Watches one track's dts for jumps.
#[derive(Debug, Default)]
pub(super) struct Continuity {
    last: Option<MediaTime>,
}

impl Continuity {
    pub(super) fn check(&mut self, dts: MediaTime) -> Option<Discontinuity> {
        let from = self.last.replace(dts)?;
        let step = dts - from;
        (step < Micros::ZERO || step > MAX_STEP).then_some(Discontinuity { from, to: dts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwrap_all(raw: &[u32]) -> Vec<i64> {
        let mut clock = Unwrapper::default();
        raw.iter().map(|raw| clock.advance(*raw).0 / 1000).collect()
    }

    #[test]
    fn a_step_back_over_half_the_range_is_a_wrap() {
        let wrap = 1i64 << 32;
        assert_eq!(
            unwrap_all(&[u32::MAX - 9, 10, u32::MAX, 20]),
            [wrap - 10, wrap + 10, wrap - 1, wrap + 20]
        );
    }

    #[test]
    fn a_smaller_step_back_stays_one() {
        assert_eq!(unwrap_all(&[5000, 0, 40]), [5000, 0, 40]);
    }

    #[test]
    fn a_tag_below_zero_is_before_the_first() {
        assert_eq!(unwrap_all(&[5, u32::MAX]), [5, -1]);
    }

    #[test]
    fn only_steps_back_and_long_steps_are_discontinuities() {
        let mut track = Continuity::default();
        let at = MediaTime::from_millis;
        for ms in [100, 100, 10_100, 10_140] {
            assert_eq!(track.check(at(ms)), None);
        }
        assert_eq!(track.check(at(20_141)), Some(Discontinuity { from: at(10_140), to: at(20_141) }));
        assert_eq!(track.check(at(20_140)), Some(Discontinuity { from: at(20_141), to: at(20_140) }));
        assert_eq!(track.check(at(20_180)), None);
    }
}
