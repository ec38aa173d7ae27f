//! What a viewer of HLS sees where the stream is not even: holes, other stamps and sizes, keys, a packager that begins anew.

use sailcast_engine::{Event, Input, Instant, LatencyTarget, State};
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::{
    Sim, config, load,
    origin::{BASE, Container, Origin, Packager},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn playing(packager: Packager) -> Sim {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(packager));
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

#[test]
fn behind_a_hole_it_goes_on_at_once() {
    for container in [Container::Ts, Container::Mp4] {
        let mut sim = playing(Packager { container, gaps: vec![4, 5], ..Packager::vod(12) });
        sim.run_ms(25_000);
        assert_eq!(sim.state(), State::Ended, "{container:?}: {:?}", sim.errors());
        assert_eq!(sim.stats().stalls, 0, "{container:?}");
        assert!(
            sim.longest_still(Instant(0)) < MS(250),
            "{container:?}: {:?}",
            sim.longest_still(Instant(0))
        );
        let hole = sim.shown.windows(2).map(|w| w[1].1 - w[0].1).max().expect("pictures");
        assert!((hole - MS(4_040)).abs() < MS(100), "{container:?}: {hole:?} are left out");
        assert_eq!(sim.count(|e| matches!(e, Event::Skip { .. })), 1, "{container:?}");
    }
}

#[test]
fn other_stamps_and_another_size_are_no_seam() {
    for container in [Container::Ts, Container::Mp4] {
        let mut sim = playing(Packager { container, discontinuities: vec![3, 6], ..Packager::vod(10) });
        sim.run_ms(22_000);
        assert_eq!(sim.state(), State::Ended, "{container:?}: {:?}", sim.errors());
        let stats = sim.stats();
        assert_eq!((stats.stalls, stats.skips), (0, 0), "{container:?}");
        assert!(
            sim.longest_still(Instant(0)) < MS(110),
            "{container:?}: {:?}",
            sim.longest_still(Instant(0))
        );
        assert!(sim.count(|e| matches!(e, Event::Resize { .. })) >= 3, "{container:?}");
        let last = sim.shown.last().expect("pictures").1;
        assert!((last - MediaTime(0) - MS(19_960)).abs() < MS(150), "{container:?}: {last:?}");
    }
}

#[test]
fn encrypted_segments_are_played_and_gone_to() {
    let mut sim = playing(Packager { key_every: Some(3), ..Packager::vod(30) });
    sim.run_ms(10_000);
    assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0), "{:?}", sim.errors());
    sim.input(Input::Seek { to: MediaTime::from_millis(41_000), exact: true });
    sim.run_ms(3_000);
    let gone = sim.stats().position - MediaTime::from_millis(41_000);
    assert!(gone > MS(2_300) && gone < MS(3_000), "{gone:?}");
    assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
}

#[test]
fn a_packager_that_begins_anew_is_followed() {
    let mut sim = playing(Packager { restart: Some(58), ..Packager::live() });
    sim.run_ms(60_000);
    assert_eq!(sim.state(), State::Playing, "{:?}", sim.errors());
    assert!(sim.stats().stalls <= 1);
    let late = sim.shown.iter().filter(|(at, _)| sim.now - *at < MS(5_000)).count();
    assert!(late > 110, "{late} pictures in the last five seconds");
}

#[test]
fn a_later_load_begins_with_what_the_link_carries_and_no_larger_than_the_box() {
    let url = format!("{BASE}master.m3u8");
    let origin = Origin::new(Packager::vod(20).with_qualities()).bandwidth(20e6);
    let mut sim = Sim::with(config(LatencyTarget::AUTO), origin);
    sim.input(Input::Play);
    let first = |sim: &mut Sim| {
        sim.input(load(&url));
        let before = sim.events.len();
        sim.run_ms(6_000);
        let mut came = sim.events.iter().skip(before);
        came.find_map(|(_, event)| match event {
            Event::RenditionChange { id, .. } => Some(*id),
            _ => None,
        })
    };
    assert_eq!([first(&mut sim), first(&mut sim)], [Some(0), Some(2)]);
    sim.input(Input::Viewport { width: 640, height: 360 });
    assert_eq!(first(&mut sim), Some(0));
}

#[test]
fn a_paused_recording_wakes_nobody() {
    let mut sim = playing(Packager::vod(200));
    sim.run_ms(5_000);
    sim.input(Input::Pause);
    sim.run_ms(60_000);
    let before = sim.timer_turns;
    sim.run_ms(600_000);
    assert!(sim.timer_turns - before < 20, "{} turns in ten minutes", sim.timer_turns - before);
}
