//! The publisher's clock jumps: the stream goes on where it was, with one offset for both tracks.

use sailcast_engine::JumpKind;
use sailcast_media::MediaKind::{Audio, Video};

use crate::stream::{MS, SECOND, Stream, plus, same};

#[test]
fn a_restarted_publisher_goes_on_with_one_offset_for_both_tracks() {
    for outage in [0, 5 * SECOND, 60 * SECOND] {
        let mut s = Stream::default();
        s.run(60 * SECOND, 90 * SECOND, same, same);
        let again = 90 * SECOND + outage;
        s.run(again, again + 30 * SECOND, plus(-again), plus(-again));
        assert_eq!(s.kinds(), [JumpKind::Restart]);
        s.assert_even(80 * MS);
        s.assert_together(0);
    }
}

#[test]
fn packets_of_the_old_clock_in_flight_stay_on_it() {
    let mut s = Stream::default();
    s.run(60 * SECOND, 70 * SECOND, same, same);
    // Pictures of the new clock already, sound of the old one still, then both interleaved.
    for i in 0..20 {
        let t = 70 * SECOND + i * 20 * MS;
        s.put(Video, t, i * 20 * MS, t);
        s.put(Audio, t, t, t);
        s.put(Video, t, t, t);
    }
    s.run(71 * SECOND, 90 * SECOND, plus(-70_600 * MS), plus(-70_600 * MS));
    assert_eq!(s.kinds(), [JumpKind::Restart]);
    for kind in [Video, Audio] {
        let steps = s.steps(kind);
        assert!(steps.iter().all(|s| *s >= -100 * MS && *s <= 100 * MS), "{kind:?} {steps:?}");
    }
    s.assert_together(0);
}

#[test]
fn a_clock_that_runs_ahead_of_time_goes_on_where_it_was() {
    for ahead in [4 * SECOND, 600 * SECOND, 1 << 50] {
        let mut s = Stream::default();
        s.run(0, 30 * SECOND, same, same);
        s.run(30 * SECOND, 60 * SECOND, plus(ahead), plus(ahead));
        assert_eq!(s.kinds(), [JumpKind::Ahead]);
        assert!((s.jumps[0].delta.0 - ahead).abs() < 100 * MS);
        s.assert_even(80 * MS);
        s.assert_together(0);
    }
}

#[test]
fn what_an_outage_explained_explains_no_later_jump() {
    for connects in [false, true] {
        let mut s = Stream::default();
        s.run(60 * SECOND, 90 * SECOND, same, same);
        if connects {
            s.timeline.reconnected();
        }
        s.run(120 * SECOND, 130 * SECOND, plus(-120 * SECOND), plus(-120 * SECOND));
        s.run(130 * SECOND, 140 * SECOND, plus(-115 * SECOND), plus(-115 * SECOND));
        let first = if connects { JumpKind::Reconnect } else { JumpKind::Restart };
        assert_eq!(s.kinds(), [first, JumpKind::Ahead]);
        s.assert_even(80 * MS);
    }
}

#[test]
fn a_lone_track_that_jumps_is_told_at_once() {
    for kind in [Video, Audio] {
        let mut s = Stream::default();
        let only = |k, by: i64| move |t: i64| (k == kind).then_some(t + by);
        s.run(0, 30 * SECOND, only(Video, 0), only(Audio, 0));
        s.run(30 * SECOND, 30 * SECOND + 50 * MS, only(Video, -20 * SECOND), only(Audio, -20 * SECOND));
        assert_eq!(s.kinds(), [JumpKind::Restart]);
        s.run(31 * SECOND, 40 * SECOND, only(Video, 99 * SECOND), only(Audio, 99 * SECOND));
        assert_eq!(s.kinds(), [JumpKind::Restart, JumpKind::Ahead]);
    }
}

#[test]
fn a_restart_while_the_microphone_is_muted_moves_both() {
    let mut s = Stream::default();
    s.run(60 * SECOND, 70 * SECOND, same, same);
    s.run(70 * SECOND, 80 * SECOND, same, |_| None);
    s.run(80 * SECOND, 90 * SECOND, plus(-80 * SECOND), |_| None);
    s.run(90 * SECOND, 100 * SECOND, plus(-80 * SECOND), plus(-80 * SECOND));
    assert_eq!(s.kinds(), [JumpKind::Restart]);
    s.assert_together(0);
}

#[test]
fn restart_after_restart_is_one_jump_each() {
    let mut s = Stream::default();
    for i in 0..50 {
        let begin = i * 10 * SECOND;
        s.run(begin, begin + 8 * SECOND, plus(-begin), plus(-begin));
    }
    assert_eq!(s.kinds(), [JumpKind::Restart; 49]);
    s.assert_even(80 * MS);
    s.assert_together(0);
}
