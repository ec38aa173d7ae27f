use super::*;

const MS: fn(i64) -> Micros = Micros::from_millis;

fn ladder() -> Vec<Level> {
    let level = |bitrate, width, height| Level {
        bitrate,
        width: Some(width),
        height: Some(height),
        frame_rate: None,
        excluded: false,
    };
    vec![level(400_000, 426, 240), level(1_500_000, 960, 540), level(5_000_000, 1920, 1080)]
}

fn playing(current: Option<usize>, buffered: i64) -> Situation {
    Situation {
        current,
        buffered: MS(buffered),
        attainable: Micros::from_secs(30),
        rate: 1.0,
        viewport: None,
        is_degraded: false,
        next: Micros::from_secs(4),
    }
}

/// A megabyte at this rate, at `at` seconds.
fn transfer(rate: f64, at: u64) -> Transfer {
    let asked = Instant(at * 1_000_000);
    let first_byte = asked + MS(50);
    let done = first_byte + Micros((8e12 / rate) as i64);
    Transfer { bytes: 1_000_000, asked, first_byte, done, media: Micros::from_secs(4), paced: false }
}

fn knows(rate: f64) -> Abr {
    let mut abr = Abr::new(None);
    (0..5).for_each(|at| abr.on_transfer(&transfer(rate, at)));
    abr
}

const NOW: Instant = Instant(60_000_000);

#[test]
fn begins_low_while_nothing_is_known() {
    assert_eq!(Abr::new(None).choose(&ladder(), &playing(None, 0), NOW), Some(0));
    assert_eq!(Abr::new(None).estimate(), None);
}

#[test]
fn begins_with_what_the_link_carried_with_ease_before() {
    let first = |link| Abr::new(Some(link)).choose(&ladder(), &playing(None, 0), NOW);
    assert_eq!(first(20_000_000), Some(2));
    assert_eq!(first(8_000_000), Some(1));
    assert_eq!(first(300_000), Some(0));
}

#[test]
fn goes_as_high_as_the_link_carries() {
    assert_eq!(knows(20e6).choose(&ladder(), &playing(Some(0), 10_000), NOW), Some(2));
    assert_eq!(knows(3e6).choose(&ladder(), &playing(Some(0), 10_000), NOW), Some(1));
}

#[test]
fn does_not_go_up_on_an_almost_empty_buffer() {
    assert_eq!(knows(7e6).choose(&ladder(), &playing(Some(1), 2_000), NOW), Some(1));
}

#[test]
fn a_full_buffer_bridges_a_link_a_little_too_slow() {
    assert_eq!(knows(4.5e6).choose(&ladder(), &playing(Some(2), 28_000), NOW), Some(2));
    assert_eq!(knows(4.5e6).choose(&ladder(), &playing(Some(2), 6_000), NOW), Some(1));
}

#[test]
fn goes_down_at_once_and_not_up_again_at_once() {
    let mut abr = knows(20e6);
    assert_eq!(abr.choose(&ladder(), &playing(Some(0), 10_000), NOW), Some(2));
    (0..3).for_each(|at| abr.on_transfer(&transfer(2e6, at)));
    assert_eq!(abr.choose(&ladder(), &playing(Some(2), 4_000), NOW + MS(4_000)), Some(1));
    (0..40).for_each(|at| abr.on_transfer(&transfer(20e6, at)));
    assert_eq!(abr.choose(&ladder(), &playing(Some(1), 10_000), NOW + MS(6_000)), Some(1));
    assert_eq!(abr.choose(&ladder(), &playing(Some(1), 10_000), NOW + MS(20_000)), Some(2));
}

#[test]
fn a_rendition_that_failed_soon_is_left_alone_longer_each_time() {
    let mut abr = knows(20e6);
    let mut now = NOW;
    let mut rests = Vec::new();
    for _ in 0..3 {
        assert_eq!(abr.choose(&ladder(), &playing(Some(1), 10_000), now), Some(2));
        (0..9).for_each(|at| abr.on_transfer(&transfer(2e6, at)));
        assert_eq!(abr.choose(&ladder(), &playing(Some(2), 5_000), now), Some(1));
        (0..60).for_each(|at| abr.on_transfer(&transfer(20e6, at)));
        let left = now;
        while abr.choose(&ladder(), &playing(Some(1), 10_000), now) == Some(1) {
            now = now + MS(100);
        }
        rests.push(now - left);
        // The last choice was to go up: what follows begins there.
        abr.went_up = Some(now);
    }
    assert!(rests.windows(2).all(|pair| pair[1] > pair[0]), "{rests:?}");
}

#[test]
fn a_small_box_needs_no_large_picture() {
    let at = |width, height| Situation { viewport: Some((width, height)), ..playing(Some(0), 20_000) };
    assert_eq!(knows(50e6).choose(&ladder(), &at(320, 180), NOW), Some(0));
    assert_eq!(knows(50e6).choose(&ladder(), &at(960, 540), NOW), Some(1));
    assert_eq!(knows(50e6).choose(&ladder(), &at(961, 541), NOW), Some(2));
    assert_eq!(knows(50e6).choose(&ladder(), &at(3840, 2160), NOW), Some(2));
}

#[test]
fn a_machine_that_is_too_slow_gets_a_smaller_picture_for_a_while() {
    let mut abr = knows(50e6);
    let slow = Situation { is_degraded: true, ..playing(Some(2), 20_000) };
    let fine = playing(Some(1), 20_000);
    assert_eq!(abr.choose(&ladder(), &slow, NOW), Some(1));
    assert_eq!(abr.choose(&ladder(), &fine, NOW + Micros::from_secs(30)), Some(1));
    assert_eq!(abr.choose(&ladder(), &fine, NOW + Micros::from_secs(90)), Some(2));
}

#[test]
fn what_failed_is_not_chosen_unless_nothing_else_is_left() {
    let mut levels = ladder();
    levels[2].excluded = true;
    assert_eq!(knows(50e6).choose(&levels, &playing(Some(2), 20_000), NOW), Some(1));
    levels.iter_mut().for_each(|level| level.excluded = true);
    assert_eq!(knows(50e6).choose(&levels, &playing(Some(2), 20_000), NOW), Some(0));
    assert_eq!(knows(50e6).choose(&[], &playing(None, 0), NOW), None);
}

#[test]
fn playing_faster_needs_more_of_the_link() {
    let fast = Situation { rate: 2.0, ..playing(Some(1), 10_000) };
    assert_eq!(knows(8e6).choose(&ladder(), &playing(Some(1), 10_000), NOW), Some(2));
    assert_eq!(knows(8e6).choose(&ladder(), &fast, NOW), Some(1));
}

#[test]
fn a_piece_that_will_come_too_late_is_given_up_for_one_that_will_not() {
    let mut abr = knows(20e6);
    let asked = NOW;
    let piece = |bytes| Progress { bytes, total: 2_500_000, asked, first_byte: Some(asked + MS(50)) };
    let at = playing(Some(2), 3_000);
    let now = asked + MS(1_000);
    assert_eq!(abr.abandon(&ladder(), &at, &piece(2_000_000), now), None, "it comes fast");
    assert_eq!(abr.abandon(&ladder(), &playing(Some(2), 20_000), &piece(60_000), now), None);
    assert_eq!(abr.abandon(&ladder(), &playing(Some(0), 1_000), &piece(60_000), now), None);
    assert_eq!(abr.abandon(&ladder(), &at, &piece(60_000), now), Some(0));
}

#[test]
fn what_was_given_up_is_not_asked_for_again_at_once() {
    let mut abr = knows(20e6);
    let piece = Progress { bytes: 60_000, total: 2_500_000, asked: NOW, first_byte: Some(NOW + MS(50)) };
    let now = NOW + MS(1_000);
    assert_eq!(abr.abandon(&ladder(), &playing(Some(2), 3_000), &piece, now), Some(0));
    for s in 1..6 {
        let then = now + Micros::from_secs(s);
        assert_eq!(abr.choose(&ladder(), &playing(Some(0), 20_000), then), Some(0), "after {s} s");
    }
    assert_eq!(abr.choose(&ladder(), &playing(Some(0), 20_000), now + Micros::from_secs(7)), Some(2));
}

#[test]
fn parts_sent_as_they_are_made_do_not_lower_the_estimate() {
    let mut abr = knows(20e6);
    let before = abr.estimate();
    for at in 0..20 {
        let asked = Instant(at * 1_000_000);
        let done = asked + MS(330);
        let paced = Transfer { bytes: 60_000, asked, first_byte: asked, done, media: MS(333), paced: true };
        abr.on_transfer(&paced);
    }
    assert_eq!(abr.estimate(), before);
    let late = Transfer { done: Instant(3_000_000), ..transfer(1e6, 0) };
    abr.on_transfer(&Transfer { bytes: 60_000, media: MS(333), paced: true, ..late });
    assert!(abr.estimate() < before, "later than it was made, it says how slow the link is");
}
