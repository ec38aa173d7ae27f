//! Wrapped counters to one line of time: FLV's 32-bit milliseconds, the 33-bit 90 kHz ticks of MPEG-TS.
//!
//! **Invariant:** the unwrapped value is congruent to the counter modulo 2^`BITS`, and never more than half of that from
//! the value before it. It does not judge: a publisher that begins anew is a step like any other.

/// Unwraps the counters of all tracks together, so that they cannot part by a whole turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwrapper<const BITS: u32> {
    last: Option<i64>,
}

impl<const BITS: u32> Unwrapper<BITS> {
    /// The bits of an `u64` above the counter.
    const ABOVE: u32 = {
        assert!(BITS > 0 && BITS <= u64::BITS);
        u64::BITS.saturating_sub(BITS)
    };

    /// The time of a packet, in ticks; later ones are unwrapped from here. Bits above the counter's are ignored.
    pub fn advance(&mut self, raw: u64) -> i64 {
        let ticks = self.near(raw);
        self.last = Some(ticks);
        ticks
    }

    /// The time of what says nothing of the packets behind it: servers stamp script data and configuration with 0 in
    /// mid-stream. Also of a second stamp of the same packet.
    pub fn near(&self, raw: u64) -> i64 {
        match self.last {
            // The difference as a signed number: a step back of more than half the range is a wrap forward.
            Some(last) => {
                let step = raw.wrapping_sub(last.cast_unsigned());
                last.saturating_add(step.wrapping_shl(Self::ABOVE).cast_signed().wrapping_shr(Self::ABOVE))
            }
            None => raw.wrapping_shl(Self::ABOVE).wrapping_shr(Self::ABOVE).cast_signed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TURN: i64 = 1 << 32;
    const TS_TURN: i64 = 1 << 33;

    fn unwrap_all<const BITS: u32>(raw: &[i64]) -> Vec<i64> {
        let mut clock = Unwrapper::<BITS>::default();
        raw.iter().map(|raw| clock.advance(raw.cast_unsigned())).collect()
    }

    #[test]
    fn a_step_back_over_half_the_range_is_a_wrap() {
        assert_eq!(
            unwrap_all::<32>(&[TURN - 10, 10, TURN - 1, 20]),
            [TURN - 10, TURN + 10, TURN - 1, TURN + 20]
        );
        assert_eq!(
            unwrap_all::<33>(&[TS_TURN - 3000, 600, TS_TURN - 900, 3600]),
            [TS_TURN - 3000, TS_TURN + 600, TS_TURN - 900, TS_TURN + 3600]
        );
    }

    #[test]
    fn a_smaller_step_back_stays_one() {
        assert_eq!(unwrap_all::<32>(&[5000, 0, 40]), [5000, 0, 40]);
        assert_eq!(unwrap_all::<33>(&[TURN - 1, 0, 3600]), [TURN - 1, 0, 3600]);
    }

    #[test]
    fn a_stamp_below_zero_is_before_the_first() {
        assert_eq!(unwrap_all::<32>(&[5, TURN - 1]), [5, -1]);
    }

    #[test]
    fn a_stamp_that_is_only_looked_at_changes_nothing() {
        let mut clock = Unwrapper::<32>::default();
        assert_eq!(clock.near(7), 7);
        clock.advance(90_000);
        assert_eq!(clock.near(0), 0);
        assert_eq!(clock.advance(90_040), 90_040);
    }

    #[test]
    fn turn_after_turn_goes_on() {
        let mut clock = Unwrapper::<33>::default();
        let step = 3003;
        for i in 0..20_000_000i64 {
            // Every 500th, so that a few turns take no time.
            let ticks = i * step * 500;
            if ticks > 3 * TS_TURN {
                break;
            }
            assert_eq!(clock.advance(ticks.cast_unsigned()), ticks);
        }
    }

    proptest! {
        #[test]
        fn any_counter_is_congruent_and_near(raw in prop::collection::vec(any::<u64>(), 1..50)) {
            fn check<const BITS: u32>(raw: &[u64]) -> Result<(), TestCaseError> {
                let mut clock = Unwrapper::<BITS>::default();
                let mut last: Option<i64> = None;
                for raw in raw {
                    let ticks = clock.advance(*raw);
                    let off = ticks.cast_unsigned().wrapping_sub(*raw);
                    prop_assert_eq!(off.checked_shl(64 - BITS).unwrap_or(0), 0);
                    if let Some(last) = last {
                        prop_assert!(i128::from(ticks) - i128::from(last) <= 1i128 << (BITS - 1));
                        prop_assert!(i128::from(last) - i128::from(ticks) <= 1i128 << (BITS - 1));
                    }
                    last = Some(ticks);
                }
                Ok(())
            }
            check::<1>(&raw)?;
            check::<16>(&raw)?;
            check::<32>(&raw)?;
            check::<33>(&raw)?;
        }

        #[test]
        fn full_counters_never_panic(raw in prop::collection::vec(any::<u64>(), 1..50)) {
            let mut clock = Unwrapper::<64>::default();
            for raw in raw {
                clock.advance(raw);
            }
        }
    }
}
