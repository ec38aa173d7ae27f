//! What the viewer asks for.

use sailcast_engine::{Event, Input, Load, State};
use sailcast_sim::{LinkModel, Sim, StreamConfig};

use crate::world::*;

#[test]
fn from_one_to_another_nothing_is_missing_seen_twice_or_waited_for() {
    for (from, to) in [(HIGH, LOW), (LOW, HIGH)] {
        let mut sim = watching(Site::fast(60), at(400), Some(from));
        sim.run_ms(4_000);
        let begin = sim.now;
        sim.input(Input::SelectRendition(Some(to)));
        sim.run_ms(6_000);
        assert_eq!(changes(&sim).last().map(|(_, id)| *id), Some(to));
        assert_eq!(sim.stats().rendition, Some(to));
        assert_eq!(missing(&sim, begin), 0, "{from} to {to}");
        assert!(longest_hold(&sim, begin) < MS(60), "{from} to {to}: {:?}", longest_hold(&sim, begin));
        assert_even_sound(&sim, begin, 12);
        assert_eq!(sim.stats().stalls, 0);
        assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
        assert_eq!(size(&sim), Some(if to == LOW { (640, 352) } else { (1920, 1088) }));
        assert_eq!(sim.cancelled.len(), 1, "the old connection is closed");
        assert_eq!(sim.state(), State::Playing);
        assert_eq!(sim.count(|e| matches!(e, Event::Reconnecting { .. } | Event::Discontinuity(_))), 0);
    }
}

/// Plays `from`, asks for `to`, and expects no seam, whatever its stream is like.
fn assert_seamless(site: Site, target_ms: i64, from: u32, to: u32, sound_step_ms: i64) -> Sim {
    let mut sim = watching(site, at(target_ms), Some(from));
    sim.run_ms(4_000);
    let begin = sim.now;
    sim.record_sound();
    sim.input(Input::SelectRendition(Some(to)));
    sim.run_ms(8_000);
    assert_eq!(sim.stats().rendition, Some(to), "{:?}", sim.errors());
    assert!(largest_step_ms(&sim) <= sound_step_ms as f64, "a click: {} ms", largest_step_ms(&sim));
    assert!(missing(&sim, begin) <= 1, "{}", missing(&sim, begin));
    assert!(longest_hold(&sim, begin) < MS(105), "{:?}", longest_hold(&sim, begin));
    assert_even_sound(&sim, begin, sound_step_ms);
    assert_eq!(sim.stats().stalls, 0);
    sim
}

#[test]
fn with_little_latency_there_is_no_seam_either() {
    for target in [120, 200, 2_000] {
        assert_seamless(Site::fast(60), target, HIGH, LOW, 12);
    }
}

#[test]
fn a_transcoder_with_a_clock_of_its_own_is_found_by_the_live_edge() {
    for stamp in [0, 500_000, (1 << 32) - 15_000] {
        let own = |id: u32, stream: &mut StreamConfig| {
            if id == LOW {
                stream.first_stamp_ms = stamp;
            }
        };
        let sim = assert_seamless(Site::new(LinkModel::default(), 60, own), 400, HIGH, LOW, 40);
        assert_eq!(sim.count(|e| matches!(e, Event::Discontinuity(_))), 0);
    }
}

#[test]
fn a_transcoder_that_is_a_little_behind_is_waited_for_by_playing_slower() {
    for (target, behind) in [(400, 300), (200, 300), (1_500, 1_200)] {
        let sim = assert_seamless(Site::fast(60).behind(LOW, MS(behind)), target, HIGH, LOW, 12);
        assert_eq!(sim.stats().skips, 0);
    }
}

#[test]
fn of_one_that_is_far_behind_some_is_seen_again_but_nothing_stands() {
    let mut sim = watching(Site::fast(60).behind(LOW, S(3)), at(400), Some(HIGH));
    sim.run_ms(4_000);
    let begin = sim.now;
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(8_000);
    assert_eq!(sim.stats().rendition, Some(LOW));
    assert!(longest_hold(&sim, begin) < MS(105), "{:?}", longest_hold(&sim, begin));
    assert_even_sound(&sim, begin, 40);
}

#[test]
fn pictures_that_are_reordered_go_on_where_they_were() {
    let b_frames = |_: u32, stream: &mut StreamConfig| stream.b_frames = true;
    assert_seamless(Site::new(LinkModel::default(), 60, b_frames), 400, HIGH, LOW, 12);
}

#[test]
fn sound_of_another_configuration_goes_on_too() {
    let other = |id: u32, stream: &mut StreamConfig| {
        if id == LOW {
            stream.sound = Some(44_100);
        }
    };
    assert_seamless(Site::new(LinkModel::default(), 60, other), 400, HIGH, LOW, 30);
}

#[test]
fn the_last_one_asked_for_is_played() {
    let mut sim = watching(Site::fast(60), at(400), Some(HIGH));
    sim.run_ms(4_000);
    sim.input(Input::SelectRendition(Some(MID)));
    sim.run_ms(120);
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(5_000);
    let ids: Vec<u32> = changes(&sim).into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, [HIGH, LOW]);
    assert_eq!(sim.requests.len() - sim.cancelled.len(), 1, "one connection is left");
    // And what is played already is no change.
    sim.input(Input::SelectRendition(Some(MID)));
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(5_000);
    assert_eq!(sim.stats().rendition, Some(LOW));
    assert_eq!(sim.requests.len() - sim.cancelled.len(), 1);
}

#[test]
fn before_anything_has_come_it_is_asked_for_in_place_of_the_first() {
    let mut sim = watching(Site::fast(60), at(400), Some(HIGH));
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(3_000);
    assert_eq!(
        sim.requests.iter().map(|(_, url)| url.as_str()).collect::<Vec<_>>(),
        ["http://live/high.flv", "http://live/low.flv"]
    );
    assert_eq!(size(&sim), Some((640, 352)));
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn the_page_is_asked_for_an_address_that_may_have_lost_its_signature() {
    let mut sim = Sim::with(at(400), Site::fast(60));
    let load = Load { definitions: definitions(), resolve: true, rendition: Some(HIGH), ..Load::default() };
    sim.input(Input::Load(load));
    sim.input(Input::Play);
    sim.run_ms(4_000);
    assert_eq!(sim.resolved.len(), 0, "the first one was given just now");
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(4_000);
    let asked: Vec<_> = sim.resolved.iter().map(|asked| (asked.url.as_str(), asked.attempt)).collect();
    assert_eq!(asked, [("http://live/low.flv", 0)]);
    assert_eq!(sim.stats().rendition, Some(LOW));
}
