use super::*;

const MS: fn(i64) -> Micros = Micros::from_millis;
const S: fn(i64) -> Micros = Micros::from_secs;

const DOWN_TO_MID: Step = Step { to: 1, is_escape: true, is_try: false };

fn to(to: usize) -> Step {
    Step { to, is_escape: false, is_try: false }
}

fn try_of(to: usize) -> Step {
    Step { to, is_escape: false, is_try: true }
}

fn ladder() -> Vec<Level> {
    let level = |bitrate, width, height| Level {
        bitrate,
        width: Some(width),
        height: Some(height),
        frame_rate: None,
        excluded: false,
    };
    vec![level(500_000, 640, 360), level(1_000_000, 1280, 720), level(2_000_000, 1920, 1080)]
}

/// A viewer of one definition after another: the rule, and what it sees.
struct Viewer {
    rule: StreamAbr,
    sight: Sight,
    now: Instant,
}

impl Viewer {
    fn of(current: usize) -> Self {
        let sight = Sight {
            current,
            bytes: 0,
            late: Some(Micros::ZERO),
            ahead: MS(300),
            is_waiting: false,
            viewport: None,
            is_degraded: false,
        };
        Self { rule: StreamAbr::default(), sight, now: Instant(1_000_000) }
    }

    /// So much time on a link of `rate`, or until the rule wants another one.
    fn watches(&mut self, span: Micros, rate: f64) -> Option<Step> {
        let end = self.now + span;
        while self.now < end {
            self.now = self.now + TICK;
            let bitrate = ladder()[self.sight.current].bitrate as f64;
            let comes = rate.min(bitrate);
            self.sight.bytes += (comes * TICK.as_secs_f64() / 8.0) as u64;
            let late = self.sight.late.unwrap_or_default() + TICK.scale(1.0 - rate / bitrate);
            let late = late.max(Micros::ZERO);
            self.sight.late = Some(late);
            self.sight.is_waiting = late > MS(300);
            let step = self.rule.choose(&ladder(), &self.sight, self.now);
            if step.is_some() {
                return step;
            }
        }
        None
    }

    fn changes_to(&mut self, step: Step) {
        let is_up = step.to > self.sight.current;
        self.sight = Sight { current: step.to, late: Some(Micros::ZERO), is_waiting: false, ..self.sight };
        self.rule.on_change(is_up, self.now);
    }
}

fn first(viewport: Option<(u32, u32)>, link: Option<u64>) -> Option<usize> {
    StreamAbr::first(&ladder(), viewport, link)
}

#[test]
fn begins_with_what_most_links_carry_or_what_this_one_did() {
    assert_eq!(first(None, None), Some(1));
    assert_eq!(first(None, Some(9_000_000)), Some(2));
    assert_eq!(first(None, Some(300_000)), Some(0));
    assert_eq!(first(Some((640, 360)), Some(9_000_000)), Some(0));
    assert_eq!(StreamAbr::first(&[], None, None), None);
}

#[test]
fn a_link_of_half_the_bitrate_is_noticed_within_two_seconds_and_fitted() {
    let mut viewer = Viewer::of(2);
    assert_eq!(viewer.watches(S(3), 5e6), None);
    let narrow = viewer.now;
    assert_eq!(viewer.watches(S(5), 1.25e6), Some(DOWN_TO_MID));
    assert!(viewer.now - narrow <= S(2), "{:?}", viewer.now - narrow);
    let estimate = viewer.rule.estimate().expect("an estimate");
    assert!((1_200_000..1_400_000).contains(&estimate), "{estimate}");
}

#[test]
fn a_link_a_little_too_narrow_is_noticed_too() {
    let mut viewer = Viewer::of(2);
    let step = viewer.watches(S(20), 1.85e6);
    assert_eq!(step, Some(DOWN_TO_MID));
}

#[test]
fn an_outage_is_no_reason() {
    let mut viewer = Viewer::of(2);
    viewer.watches(S(3), 5e6);
    viewer.sight = Sight { late: None, is_waiting: true, ..viewer.sight };
    for _ in 0..80 {
        viewer.now = viewer.now + TICK;
        assert_eq!(viewer.rule.choose(&ladder(), &viewer.sight, viewer.now), None);
    }
}

#[test]
fn goes_up_after_a_time_without_trouble() {
    let mut viewer = Viewer::of(0);
    let begin = viewer.now;
    assert_eq!(viewer.watches(S(20), 5e6), Some(try_of(1)));
    assert!(viewer.now - begin <= S(5));
    let step = to(1);
    viewer.changes_to(step);
    viewer.watches(S(40), 5e6);
    viewer.changes_to(to(2));
    assert_eq!(viewer.watches(S(400), 5e6), None, "there is nothing above");
}

#[test]
fn goes_as_far_up_as_a_burst_has_shown_and_not_beyond_it() {
    let mut viewer = Viewer::of(0);
    viewer.rule.on_burst(8e6, viewer.now);
    assert_eq!(viewer.watches(S(10), 8e6), Some(to(2)));
    let mut viewer = Viewer::of(0);
    viewer.rule.on_burst(1.1e6, viewer.now);
    assert_eq!(viewer.watches(S(15), 1.1e6), None);
}

#[test]
fn a_step_up_in_vain_is_tried_again_ever_more_rarely() {
    let mut viewer = Viewer::of(1);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let begin = viewer.now;
        let up = viewer.watches(S(1_000), 1.4e6).expect("a try");
        waits.push((viewer.now - begin).0 / 1_000_000);
        assert_eq!(up.to, 2);
        viewer.changes_to(up);
        let down = viewer.watches(S(20), 1.4e6).expect("it is too much");
        assert_eq!(down, DOWN_TO_MID);
        viewer.changes_to(down);
    }
    assert!(waits.windows(2).all(|pair| pair[1] >= pair[0]), "{waits:?}");
    assert!(waits[1] >= 10 && waits[6] >= 299 && waits[6] <= 301, "{waits:?}");
}

#[test]
fn a_smaller_box_or_a_slow_machine_gets_a_smaller_picture_without_haste() {
    let mut viewer = Viewer::of(2);
    viewer.sight.viewport = Some((640, 360));
    assert_eq!(viewer.watches(S(1), 5e6), Some(to(0)));
    let mut viewer = Viewer::of(2);
    viewer.sight.is_degraded = true;
    assert_eq!(viewer.watches(S(1), 5e6), Some(to(1)));
    viewer.sight.is_degraded = false;
    viewer.changes_to(to(1));
    assert_eq!(viewer.watches(S(50), 5e6), None, "it would be too slow again");
    assert_eq!(viewer.watches(S(20), 5e6), Some(try_of(2)));
}

#[test]
fn the_lowest_is_kept_whatever_comes() {
    let mut viewer = Viewer::of(0);
    assert_eq!(viewer.watches(S(30), 0.2e6), None);
}
