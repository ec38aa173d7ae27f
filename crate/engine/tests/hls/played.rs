//! The same through the player: what the viewer sees and hears of it.

use sailcast_engine::{Event, Input, Instant, LatencyTarget, State, Stats};
use sailcast_media::Micros;
use sailcast_sim::{
    Sim, config, load,
    origin::{BASE, Container, Fault, Origin, Packager, Sound},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn playing(origin: Origin) -> Sim {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), origin);
    sim.input(load(&format!("{BASE}master.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

/// From then on the picture never stands, and the sound is beside it.
fn assert_steady(sim: &Sim, (from, before): (Instant, Stats), what: &str) {
    let shown: Vec<_> = sim.shown.iter().filter(|(at, _)| *at > from).collect();
    let longest = shown.windows(2).map(|pair| pair[1].0 - pair[0].0).max().expect("pictures");
    assert!(longest < MS(90), "{what}: a picture stood for {longest:?}");
    let worst = sim.av_offsets_ms(from).into_iter().map(f64::abs).fold(0.0, f64::max);
    assert!(worst < 45.0, "{what}: {worst} ms apart");
    let stats = sim.stats();
    assert_eq!((stats.stalls, stats.skips), (before.stalls, before.skips), "{what}: {:?}", sim.errors());
    assert_eq!(sim.errors().len(), 0, "{what}: {:?}", sim.errors());
    let sound = sim.heard.iter().filter(|(at, _)| *at > from);
    let silent = sound.filter(|(_, time)| time.is_none()).count();
    assert_eq!(silent, 0, "{what}: the sound has holes");
}

#[test]
fn a_window_slides_for_ten_minutes() {
    for packager in [Packager::live(), Packager::low_latency()] {
        let what = format!("parts {:?}", packager.part);
        let mut sim = playing(Origin::new(packager));
        sim.run_ms(8000);
        for _ in 0..10 {
            let from = (sim.now, sim.stats());
            sim.run_ms(60_000);
            assert_steady(&sim, from, &what);
            assert!(sim.stats().buffered < MS(14_000), "{what}: nothing grows");
            sim.forget();
        }
    }
}

#[test]
fn renditions_change_without_a_seam() {
    for (container, sound) in
        [(Container::Ts, Sound::Muxed), (Container::Mp4, Sound::Muxed), (Container::Mp4, Sound::Apart)]
    {
        for base in [Packager::live(), Packager::vod(60), Packager::low_latency()] {
            let what = format!("{container:?} {sound:?} parts {:?} of {:?}", base.part, base.total);
            let packager = Packager { container, sound, ..base.with_qualities() };
            let mut sim = playing(Origin::new(packager).bandwidth(30e6));
            sim.run_ms(8000);
            let from = (sim.now, sim.stats());
            for id in [0, 2, 1, 2] {
                sim.input(Input::SelectRendition(Some(id)));
                sim.run_ms(9000);
                let changed = |e: &Event| *e == Event::RenditionChange { id, auto: false };
                assert!(sim.count(changed) > 0, "{what}: {id}");
            }
            assert_steady(&sim, from, &what);
            assert!(sim.count(|e| matches!(e, Event::Resize { .. })) >= 3, "{what}");
        }
    }
}

#[test]
fn a_discontinuity_with_another_size_is_played_through() {
    for (container, sound) in
        [(Container::Ts, Sound::Muxed), (Container::Mp4, Sound::Muxed), (Container::Ts, Sound::Packed)]
    {
        let what = format!("{container:?} {sound:?}");
        let discontinuities = vec![54, 58];
        let mut sim =
            playing(Origin::new(Packager { container, sound, discontinuities, ..Packager::live() }));
        sim.run_ms(4000);
        let from = (sim.now, sim.stats());
        sim.run_ms(26_000);
        assert_steady(&sim, from, &what);
        assert_eq!(sim.count(|e| matches!(e, Event::Resize { .. })), 3, "{what}");
    }
}

#[test]
fn a_stream_under_keys_is_played() {
    let mut sim = playing(Origin::new(Packager { key_every: Some(2), ..Packager::live() }));
    sim.run_ms(4000);
    let from = (sim.now, sim.stats());
    sim.run_ms(20_000);
    assert_steady(&sim, from, "keys");
}

#[test]
fn a_missing_segment_is_jumped_over() {
    let origin = Origin::new(Packager::live())
        .fault(|request, _| request.url.contains("/s55.").then_some(Fault::Status(404)));
    let mut sim = playing(origin);
    sim.run_ms(40_000);
    assert_eq!(sim.state(), State::Playing);
    // Two seconds are not there; what is behind them is played.
    assert!(sim.shown.len() > 38 * 25 - 50 - 25, "{}", sim.shown.len());
    let last = sim.shown.last().expect("pictures").0;
    assert!(sim.now - last < MS(90));
}

#[test]
fn low_latency_that_is_lost_becomes_plain_playback() {
    let origin = Origin::new(Packager::low_latency())
        .fault(|request, _| request.url.contains("_HLS_msn").then_some(Fault::IgnoresDirectives));
    let mut sim = playing(origin);
    sim.run_ms(40_000);
    let from = sim.now;
    let stalls = sim.stats().stalls;
    sim.run_ms(30_000);
    assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, stalls), "{:?}", sim.errors());
    let shown = sim.shown.iter().filter(|(at, _)| *at > from).count();
    // A little slower than it comes, until it is as far behind as a plain playlist wants.
    assert!(shown > 28 * 25, "{shown}");
}
