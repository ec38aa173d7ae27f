//! Tracks that part are brought together again.

use sailcast_engine::JumpKind;
use sailcast_media::MediaKind::{Audio, Video};

use crate::stream::{MS, SECOND, Stream, plus, same};

#[test]
fn a_track_whose_clock_jumps_alone_is_brought_back_and_told_once() {
    for by in [-40 * SECOND, -2 * SECOND, 700 * MS, 2 * SECOND, 40 * SECOND] {
        for kind in [Video, Audio] {
            let mut s = Stream::default();
            s.run(60 * SECOND, 80 * SECOND, same, same);
            let of = |k| plus(if k == kind { by } else { 0 });
            s.run(80 * SECOND, 82 * SECOND + 500 * MS, of(Video), of(Audio));
            assert_eq!(s.kinds(), [JumpKind::Divergence], "{kind:?} by {by}");
            assert!((s.jumps[0].delta.0 - by).abs() < 100 * MS, "{:?}", s.jumps);
            s.run(82 * SECOND + 500 * MS, 120 * SECOND, of(Video), of(Audio));
            assert_eq!(s.jumps.len(), 1);
            s.assert_together(25 * MS);
            s.assert_even(100 * MS);
        }
    }
}

#[test]
fn a_habit_of_the_server_survives_a_divergence() {
    let mut s = Stream::default();
    s.run(60 * SECOND, 80 * SECOND, same, plus(-500 * MS));
    s.run(80 * SECOND, 120 * SECOND, same, plus(9_500 * MS));
    assert_eq!(s.kinds(), [JumpKind::Divergence]);
    assert!((s.sound_after_picture() + 500 * MS).abs() < 30 * MS, "{}", s.sound_after_picture());
}

#[test]
fn a_sound_clock_that_runs_away_for_a_day_is_kept_beside_the_picture() {
    for ppm in [-200, 200] {
        let mut s = Stream::default();
        let mut worst = 0;
        for hour in 0..24 {
            let (from, to) = (hour * 3600 * SECOND, (hour + 1) * 3600 * SECOND);
            s.run(from, to, same, |t| Some(t + t / 1_000_000 * ppm));
            worst = worst.max(s.sound_after_picture().abs());
            s.assert_even(100 * MS);
            s.placed.clear();
        }
        assert!(worst < 400 * MS, "{worst}");
        // 17 s in a day, by a third of a second each.
        assert!((45..=65).contains(&s.jumps.len()), "{}", s.jumps.len());
        assert!(s.jumps.iter().all(|j| j.kind == JumpKind::Divergence));
    }
}

#[test]
fn a_publisher_clock_that_drifts_as_a_whole_is_left_alone_for_a_day() {
    let mut s = Stream::default();
    for hour in 0..24 {
        let (from, to) = (hour * 3600 * SECOND, (hour + 1) * 3600 * SECOND);
        let drift = |t: i64| Some(t + t / 1_000_000 * 300);
        s.run(from, to, drift, drift);
        assert!(s.placed.iter().all(|p| Some(p.at) == drift(p.captured)));
        s.placed.clear();
    }
    assert_eq!(s.jumps, []);
}

#[test]
fn a_restart_after_a_day_of_repairs_is_one_jump() {
    let mut s = Stream::default();
    let hour = 3600 * SECOND;
    s.run(0, 2 * hour, same, |t| Some(t + t / 10_000));
    let repairs = s.jumps.len();
    assert!(repairs >= 2);
    s.run(2 * hour, 2 * hour + 20 * SECOND, plus(-2 * hour), plus(-2 * hour));
    assert_eq!(s.kinds()[repairs..], [JumpKind::Restart]);
    s.assert_together(0);
    s.assert_even(600 * MS);
}
