//! Whatever the stamps.

use proptest::prelude::*;
use sailcast_engine::{
    Instant,
    timeline::{STEP_BACK, Timeline},
};
use sailcast_media::{
    MediaKind::{Audio, Video},
    MediaTime, Micros,
};

use crate::stream::{MS, SECOND, Stream, packet, plus, same};

fn stamp() -> impl Strategy<Value = i64> {
    prop_oneof![
        0i64..100 * SECOND,
        0i64..SECOND,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        (0i64..4).prop_map(|i| i << 61),
    ]
}

/// A few packets of 20 ms from a stamp on, for one or both tracks.
fn pieces() -> impl Strategy<Value = Vec<(u8, i64, u8, u64)>> {
    prop::collection::vec((0u8..3, stamp(), 1u8..120, 0u64..3_000_000), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_track_goes_back_whatever_the_stamps(pieces in pieces()) {
        let mut t = Timeline::default();
        let mut now = 0u64;
        let mut newest: [Option<i64>; 2] = [None; 2];
        for (tracks, stamp, packets, pause) in pieces {
            now += pause;
            for i in 0..i64::from(packets) {
                now += 20_000;
                for (slot, kind) in [Video, Audio].into_iter().enumerate() {
                    if tracks != 2 && usize::from(tracks) != slot {
                        continue;
                    }
                    let mut p = packet(stamp.saturating_add(i * 20_000), stamp);
                    t.place(kind, &mut p, Instant(now));
                    if let Some(newest) = newest[slot] {
                        prop_assert!(p.dts.0 >= newest - STEP_BACK.0, "{kind:?}: {} after {newest}", p.dts.0);
                    }
                    newest[slot] = newest[slot].max(Some(p.dts.0));
                    prop_assert!((p.pts - p.dts).abs() <= Micros::from_secs(5));
                }
            }
        }
    }

    #[test]
    fn nothing_breaks_it(
        steps in prop::collection::vec((any::<bool>(), any::<bool>(), any::<i64>(), any::<i64>(), any::<u64>()), 1..200)
    ) {
        let mut t = Timeline::default();
        for (video, again, dts, pts, now) in steps {
            if again {
                t.reconnected();
            }
            let mut p = packet(dts, pts);
            t.place(if video { Video } else { Audio }, &mut p, Instant(now));
            t.place_time(None, MediaTime(pts));
        }
    }

    #[test]
    fn after_a_common_jump_the_tracks_keep_their_distance(
        to in prop_oneof![-(1i64 << 60)..-40 * SECOND, 0..15 * SECOND, 60 * SECOND..1 << 60],
        skew in -200i64 * MS..200 * MS,
        outage in 0i64..30 * SECOND,
    ) {
        let mut s = Stream::default();
        s.run(10 * SECOND, 20 * SECOND, same, plus(skew));
        let again = 20 * SECOND + outage;
        s.run(again, again + 10 * SECOND, plus(to - again), plus(to - again + skew));
        prop_assert_eq!(s.sound_after_picture(), skew);
        prop_assert_eq!(s.jumps.len(), 1);
    }
}
