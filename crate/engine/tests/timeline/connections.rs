//! Another connection: of the same clock, or of another.

use sailcast_engine::JumpKind;
use sailcast_media::{MediaKind::Video, MediaTime};

use crate::stream::{MS, SECOND, Stream, plus, same};

/// 30 s of a stream whose stamps began `age` before, an outage, and the stream again from 2 s before.
fn reconnect(age: i64, outage: i64, again: impl Fn(i64) -> Option<i64> + Copy) -> Stream {
    let mut s = Stream::default();
    let loss = age + 30 * SECOND;
    s.run(age, loss, same, same);
    s.timeline.reconnected();
    let back = loss + outage;
    s.deliver(back - 2 * SECOND, back + 20 * SECOND, |t| t.max(back), again, again);
    s
}

#[test]
fn the_same_clock_on_a_new_connection_is_kept_whatever_the_outage() {
    for outage in [0, 500 * MS, 3 * SECOND, 60 * SECOND, 1800 * SECOND] {
        for age in [100 * SECOND, SECOND] {
            let s = reconnect(age, outage, same);
            assert!(s.placed.iter().all(|p| p.at == p.captured), "{outage}");
            assert_eq!(s.jumps, []);
        }
    }
}

#[test]
fn the_same_clock_behind_a_long_cached_gop_is_kept() {
    let mut s = Stream::default();
    s.run(0, 30 * SECOND, same, same);
    s.timeline.reconnected();
    // Eight seconds over a link of three times the bitrate.
    s.deliver(23 * SECOND, 60 * SECOND, |t| t.max(31 * SECOND + (t - 23 * SECOND) / 3), same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn a_connection_that_begins_at_zero_goes_on_behind_what_is_here() {
    for outage in [0, SECOND, 60 * SECOND] {
        let zero = 130 * SECOND + outage - 2 * SECOND;
        let s = reconnect(100 * SECOND, outage, move |t| Some(t - zero));
        assert_eq!(s.kinds(), [JumpKind::Reconnect]);
        let first = s.placed.iter().position(|p| p.captured >= 130 * SECOND + outage).expect("packets");
        assert!(s.placed[first..].iter().all(|p| p.at > 129 * SECOND));
        s.assert_even(80 * MS);
        s.assert_together(0);
    }
}

#[test]
fn zero_that_could_be_the_cached_gop_is_found_out_soon() {
    let mut s = Stream::default();
    // The publisher began eight seconds before it was lost.
    s.run(0, 8 * SECOND, same, same);
    s.timeline.reconnected();
    let zero = 7 * SECOND;
    s.deliver(7 * SECOND, 30 * SECOND, |t| t.max(9 * SECOND), plus(-zero), plus(-zero));
    assert_eq!(s.kinds(), [JumpKind::Reconnect]);
    let went_on = s.placed.iter().find(|p| p.captured > 8 * SECOND && p.at > 8 * SECOND).expect("goes on");
    assert!(went_on.captured <= 10_500 * MS, "{went_on:?}");
    s.assert_together(0);
}

#[test]
fn a_publisher_that_restarted_during_the_outage_goes_on() {
    let s = reconnect(3600 * SECOND, 10 * SECOND, |t| Some(t - 3_635 * SECOND));
    assert_eq!(s.kinds(), [JumpKind::Reconnect]);
    s.assert_even(80 * MS);
}

#[test]
fn a_line_some_seconds_behind_or_ahead_is_the_same_clock() {
    for behind in [-6 * SECOND, 600 * MS] {
        let mut s = Stream::default();
        s.run(0, 30 * SECOND, same, same);
        s.timeline.reconnected();
        s.run(30 * SECOND, 60 * SECOND, plus(-behind), plus(-behind));
        assert_eq!(s.jumps, [], "{behind}");
        assert_eq!(s.placed.last().map(|p| p.at - p.captured), Some(-behind));
    }
}

#[test]
fn a_connection_after_a_wrap_is_the_same_clock() {
    for (bits, rate) in [(32, 1000), (33, 90_000)] {
        let turn = MediaTime::from_ticks(1 << bits, rate).0;
        let s = reconnect(turn - 20 * SECOND, 3 * SECOND, |t| Some(t - turn));
        assert_eq!(s.jumps, []);
        assert!(s.placed.iter().all(|p| (p.at - p.captured).abs() <= 1));
    }
}

#[test]
fn connections_that_bring_a_packet_each_lose_nothing() {
    let mut s = Stream::default();
    s.run(0, 30 * SECOND, same, same);
    for i in 0..10 {
        s.timeline.reconnected();
        s.put(Video, 28 * SECOND, 28 * SECOND, (31 + i) * SECOND);
    }
    s.timeline.reconnected();
    s.run(45 * SECOND, 60 * SECOND, same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn a_first_connection_that_brought_nothing_leaves_no_trace() {
    let mut s = Stream::default();
    s.timeline.reconnected();
    s.run(100 * SECOND, 110 * SECOND, same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}
