//! Nothing to mend: what looks odd in a stream whose clock is good stays as it is.

use sailcast_engine::{Instant, timeline::Timeline};
use sailcast_media::MediaKind::{Audio, Video};

use crate::stream::{AUDIO_STEP, MS, SECOND, Stream, VIDEO_STEP, packet, plus, same};

#[test]
fn an_even_stream_stays_as_it_is() {
    let mut s = Stream::default();
    s.run(0, 20 * SECOND, plus(7 * SECOND), plus(7 * SECOND));
    assert!(s.placed.iter().all(|p| p.at == p.captured + 7 * SECOND));
    assert_eq!(s.jumps, []);
}

#[test]
fn composition_times_may_be_negative_and_not_absurd() {
    let mut t = Timeline::default();
    for (pts, placed) in [(960 * MS, 960 * MS), (7_200 * SECOND, SECOND), (-7_200 * SECOND, SECOND)] {
        let mut p = packet(SECOND, pts);
        assert_eq!(t.place(Video, &mut p, Instant(0)), None);
        assert_eq!((p.dts.0, p.pts.0), (SECOND, placed));
    }
}

#[test]
fn a_muted_microphone_is_a_gap() {
    let mut s = Stream::default();
    s.run(0, 60 * SECOND, same, |t| (!(10 * SECOND..40 * SECOND).contains(&t)).then_some(t));
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn a_sparse_picture_beside_sound_is_no_new_clock() {
    for seconds in [1, 4, 10] {
        let mut s = Stream::default();
        s.run(0, 100 * SECOND, |t| (t / VIDEO_STEP % (30 * seconds) == 0).then_some(t), same);
        assert!(s.placed.iter().all(|p| p.at == p.captured));
        assert_eq!(s.jumps, [], "a picture each {seconds} s");
    }
}

#[test]
fn a_steady_distance_in_the_order_of_arrival_is_a_habit_of_the_server() {
    for behind in [-2 * SECOND, -400 * MS, 400 * MS, 2 * SECOND] {
        let mut s = Stream::default();
        s.run(5 * SECOND, 65 * SECOND, same, plus(behind));
        assert!(s.placed.iter().all(|p| p.at == p.captured + if p.kind == Audio { behind } else { 0 }));
        assert_eq!(s.jumps, [], "{behind}");
    }
}

#[test]
fn tracks_that_come_by_turns_of_seconds_are_no_divergence() {
    let mut s = Stream::default();
    for i in 0..20 {
        let (from, to) = (i * 4 * SECOND, (i + 1) * 4 * SECOND);
        s.deliver(from, to, |_| to, |_| None, same);
        s.deliver(from, to, |_| to, same, |_| None);
    }
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn an_encoder_that_hangs_and_catches_up_is_no_divergence() {
    let mut s = Stream::default();
    s.run(0, 10 * SECOND, same, same);
    // Sound alone for a second, then the pictures of that time at once.
    s.run(10 * SECOND, 11 * SECOND, |_| None, same);
    s.deliver(10 * SECOND, 11 * SECOND, |_| 11 * SECOND, same, |_| None);
    s.run(11 * SECOND, 30 * SECOND, same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn a_server_that_drops_five_seconds_for_a_slow_reader_leaves_a_gap() {
    let mut s = Stream::default();
    s.run(0, 10 * SECOND, same, same);
    // The link stands; what had been sent comes late, and then what is captured now.
    s.deliver(10 * SECOND, 11 * SECOND, |_| 16 * SECOND, same, same);
    s.run(16 * SECOND, 30 * SECOND, same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured), "the live edge is where it was due");
    assert_eq!(s.jumps, []);
}

#[test]
fn one_wrong_stamp_is_passed_over() {
    for wrong in [0, 50 * SECOND, -(1 << 50)] {
        for kind in [Video, Audio] {
            let mut s = Stream::default();
            let one = |t: i64| Some(if t == 600 * VIDEO_STEP || t == 937 * AUDIO_STEP { wrong } else { t });
            let of = |k| move |t| if k == kind { one(t) } else { Some(t) };
            s.run(5 * SECOND, 40 * SECOND, of(Video), of(Audio));
            assert_eq!(s.jumps, []);
            let moved = s.placed.iter().filter(|p| p.at != p.captured).count();
            assert!(moved <= 1, "{moved} {kind:?} at {wrong}");
            let back = s.steps(kind).into_iter().min();
            assert!(back > Some(-50 * MS), "{back:?}");
        }
    }
}
