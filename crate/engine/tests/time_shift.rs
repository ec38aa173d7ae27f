//! A live stream with a window: back in it, paused in it, out of it, and to its edge again.

use sailcast_engine::{Event, Input, Instant, LatencyTarget, State};
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::{
    Sim, config, load,
    origin::{BASE, Origin, Packager},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn playing(window: u64) -> Sim {
    let packager = Packager { window: Some(window), ..Packager::live() };
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(packager));
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(8_000);
    sim
}

fn window(sim: &Sim) -> (MediaTime, MediaTime) {
    sim.stats().seekable.expect("a window")
}

fn shown_after(sim: &Sim, from: Instant) -> (Instant, MediaTime) {
    *sim.shown.iter().find(|(at, _)| *at > from).expect("a picture")
}

#[test]
fn who_goes_back_stays_there_until_he_wants_to_be_live() {
    let mut sim = playing(30);
    let (begin, end) = window(&sim);
    assert!(end - begin > MS(50_000), "{:?}", end - begin);
    let to = end - MS(40_000);
    sim.input(Input::Seek { to, exact: true });
    let from = sim.now;
    sim.run_ms(1_500);
    assert!((shown_after(&sim, from).1 - to).abs() < MS(60));
    sim.run_ms(20_000);
    let stats = sim.stats();
    assert_eq!((stats.stalls, stats.skips, stats.rate, sim.state()), (0, 0, 1.0, State::Playing));
    assert!(stats.latency > MS(38_000), "{:?}", stats.latency);
    sim.input(Input::SeekLive);
    let from = sim.now;
    sim.run_ms(2_000);
    assert!(shown_after(&sim, from).0 - from < MS(600));
    sim.run_ms(15_000);
    let latency = sim.stats().latency;
    assert!((latency - MS(6_000)).abs() < MS(900), "{latency:?}");
}

#[test]
fn after_a_pause_it_goes_on_where_it_was() {
    let mut sim = playing(30);
    sim.input(Input::Pause);
    let place = sim.stats().position;
    sim.run_ms(20_000);
    assert_eq!(sim.stats().position, place);
    sim.input(Input::Play);
    sim.run_ms(3_000);
    let gone = sim.stats().position - place;
    assert!(gone > MS(2_500) && gone < MS(3_050), "{gone:?}");
    sim.run_ms(10_000);
    assert_eq!((sim.stats().skips, sim.stats().rate), (0, 1.0));
    assert!(sim.stats().latency > MS(24_000));
}

#[test]
fn who_falls_out_of_the_window_goes_on_live() {
    let mut sim = playing(6);
    sim.input(Input::Pause);
    sim.run_ms(120_000);
    sim.input(Input::Play);
    sim.run_ms(15_000);
    assert_eq!(sim.state(), State::Playing, "{:?}", sim.errors());
    assert_eq!(sim.count(|e| matches!(e, Event::Skip { .. })), 1);
    let latency = sim.stats().latency;
    assert!((latency - MS(6_000)).abs() < MS(1_500), "{latency:?}");
}

#[test]
fn beyond_the_window_a_seek_goes_to_its_ends() {
    let mut sim = playing(30);
    let (begin, end) = window(&sim);
    sim.input(Input::Seek { to: begin - MS(60_000), exact: true });
    sim.run_ms(2_500);
    let position = sim.stats().position;
    assert!(position - begin < MS(4_000), "{:?} behind the beginning", position - begin);
    sim.input(Input::Seek { to: end + MS(600_000), exact: true });
    sim.run_ms(8_000);
    let stats = sim.stats();
    assert!((stats.latency - MS(6_000)).abs() < MS(900), "live: {:?}", stats.latency);
    assert_eq!(stats.stalls, 0);
}

#[test]
fn faster_than_the_stream_it_comes_to_the_edge_and_no_farther() {
    let mut sim = playing(30);
    let (_, end) = window(&sim);
    sim.input(Input::Seek { to: end - MS(20_000), exact: true });
    sim.input(Input::Rate(2.0));
    sim.run_ms(8_000);
    assert_eq!(sim.stats().rate, 2.0);
    sim.run_ms(30_000);
    let stats = sim.stats();
    assert_eq!(stats.rate, 1.0);
    assert!((stats.latency - MS(6_000)).abs() < MS(900), "{:?}", stats.latency);
    assert_eq!(stats.stalls, 0);
}

#[test]
fn who_stalled_comes_back_to_the_edge_gently() {
    let packager = Packager { window: Some(30), ..Packager::live() };
    let stop = Instant(20_000_000)..Instant(25_400_000);
    let origin = Origin::new(packager).fault(move |request, now| {
        let is_segment = !request.url.contains(".m3u8");
        (is_segment && stop.contains(&now)).then_some(sailcast_sim::origin::Fault::Status(503))
    });
    let mut sim = Sim::with(config(LatencyTarget::AUTO), origin);
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(150_000);
    assert_eq!(sim.state(), State::Playing);
    let stats = sim.stats();
    assert_eq!(stats.stalls, 1);
    assert!((stats.latency - MS(6_000)).abs() < MS(900), "{:?}", stats.latency);
    let rates = sim
        .events
        .iter()
        .filter_map(|(_, e)| if let Event::RateChange { rate } = e { Some(*rate) } else { None });
    assert!(rates.fold(1.0, f64::max) <= 1.1);
}

#[test]
fn of_a_stream_that_has_failed_what_is_here_is_played_and_nothing_is_jumped_over() {
    let packager = Packager { key_every: Some(1), ..Packager::live() };
    let origin = Origin::new(packager).fault(|request, now| {
        let fails = request.url.contains("/key") && now.0 > 20_000_000;
        fails.then_some(sailcast_sim::origin::Fault::Status(403))
    });
    let mut sim = Sim::with(config(LatencyTarget::AUTO), origin);
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.run_ms(140_000);
    sim.input(Input::Play);
    sim.run_ms(30_000);
    assert_eq!((sim.state(), sim.stats().skips), (State::Failed, 0), "{:?}", sim.errors());
    assert!(sim.shown.len() > 100, "{} pictures", sim.shown.len());
}
