//! Counters that wrap in mid-play.

use sailcast_media::{MediaKind::Audio, MediaTime, Unwrapper};

use crate::stream::{MS, SECOND, Stream};

#[test]
fn a_32_bit_wrap_in_mid_play_changes_nothing_whichever_track_is_first() {
    wraps::<32>(1000, MS);
}

#[test]
fn a_33_bit_wrap_in_mid_play_changes_nothing_whichever_track_is_first() {
    wraps::<33>(90_000, 12);
}

fn wraps<const BITS: u32>(rate: i64, tick: i64) {
    for sound_ahead in [-150 * MS, 0, 150 * MS] {
        let first = (1 << BITS) - 10 * rate;
        let stamp = wrapped::<BITS>(rate, first);
        let clock = std::cell::RefCell::new(Unwrapper::<BITS>::default());
        let time = |t: i64| {
            let ticks = clock.borrow_mut().advance(stamp(t));
            Some(MediaTime::from_ticks(ticks, rate as u32).0)
        };
        let mut s = Stream::default();
        s.run(0, 20 * SECOND, time, |t| time(t + sound_ahead));
        assert_eq!(s.jumps, []);
        let begin = MediaTime::from_ticks(first, rate as u32).0;
        for p in &s.placed {
            let right = begin + p.captured + if p.kind == Audio { sound_ahead } else { 0 };
            assert!((p.at - right).abs() <= tick, "{p:?}, {right}");
        }
    }
}

fn wrapped<const BITS: u32>(bits_rate: i64, first: i64) -> impl Fn(i64) -> u64 {
    move |t| {
        let ticks = (i128::from(t) * i128::from(bits_rate) / 1_000_000) as i64 + first;
        (ticks as u64) & ((1u64 << BITS) - 1)
    }
}
