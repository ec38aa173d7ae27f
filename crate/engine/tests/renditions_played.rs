//! From one rendition to another while it plays: no picture stands, none is lost or shown twice, and the sound has no seam.

use sailcast_engine::{Event, Input, Instant, LatencyTarget, State};
use sailcast_media::Micros;
use sailcast_sim::{
    Sim, config, load,
    origin::{BASE, Container, Origin, Packager, Sound},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn playing(packager: Packager) -> Sim {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(packager.with_qualities()));
    sim.input(load(&format!("{BASE}master.m3u8")));
    sim.input(Input::SelectRendition(Some(0)));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(8_000);
    sim
}

fn widths(sim: &Sim) -> Vec<u32> {
    sim.events
        .iter()
        .filter_map(|(_, e)| if let Event::Resize { width, .. } = e { Some(*width) } else { None })
        .collect()
}

fn assert_seamless(sim: &Sim, from: Instant, what: &str) {
    let longest = sim.longest_still(from);
    assert!(longest < MS(70), "{what}: a picture stood for {longest:?}");
    let missing = sim.longest_step(from);
    assert!(missing <= MS(41), "{what}: pictures are missing for {missing:?}");
    let silent = sim.heard.iter().filter(|(at, media)| *at > from && media.is_none()).count();
    assert_eq!(silent, 0, "{what}: the sound has a gap");
    let stats = sim.stats();
    assert_eq!((stats.stalls, stats.sound.underruns, stats.sound.cut), (0, 0, Micros::ZERO), "{what}");
    assert_eq!(sim.errors().len(), 0, "{what}: {:?}", sim.errors());
}

#[test]
fn a_choice_is_followed_without_a_seam() {
    for (container, sound) in [
        (Container::Ts, Sound::Muxed),
        (Container::Mp4, Sound::Muxed),
        (Container::Mp4, Sound::Apart),
        (Container::Ts, Sound::Packed),
    ] {
        for packager in [Packager::live(), Packager::vod(60)] {
            let what = format!("{container:?}, sound {sound:?}, window {:?}", packager.window);
            let mut sim = playing(Packager { container, sound, ..packager });
            let from = sim.now;
            assert_eq!(sim.state(), State::Playing, "{what}: {:?}", sim.errors());
            for (wanted, width) in [(2, 1920), (1, 1280), (0, 640)] {
                sim.input(Input::SelectRendition(Some(wanted)));
                sim.run_ms(12_000);
                assert_eq!(sim.stats().rendition, Some(wanted), "{what}");
                assert_eq!(widths(&sim).last(), Some(&width), "{what}: {:?}", widths(&sim));
            }
            assert_seamless(&sim, from, &what);
            let times = |is: fn(&Event) -> bool| {
                let told = sim.events.iter().filter(|(at, e)| *at > from && is(e));
                told.map(|(at, _)| *at).collect::<Vec<_>>()
            };
            let changed = times(|e| matches!(e, Event::RenditionChange { auto: false, .. }));
            assert!(changed.len() >= 3, "{what}");
            assert_eq!(
                changed,
                times(|e| matches!(e, Event::Resize { .. })),
                "{what}: told when it is shown"
            );
        }
    }
}

#[test]
fn a_network_that_fails_to_carry_it_is_given_less_before_anything_stands() {
    // 5 Mbit/s, of which the player takes the best, and then a tenth of it.
    let origin = Origin::new(Packager { container: Container::Mp4, ..Packager::vod(200) }.with_qualities());
    let mut sim = Sim::with(config(LatencyTarget::AUTO), origin.bandwidth(7e6));
    sim.input(load(&format!("{BASE}master.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(40_000);
    assert_eq!(sim.stats().rendition, Some(2), "{:?}", sim.stats().estimate);
    let slow = Packager { container: Container::Mp4, ..Packager::vod(200) }.with_qualities();
    sim.serve(Origin::new(slow).bandwidth(1.2e6));
    sim.run_ms(120_000);
    assert_eq!(sim.stats().rendition, Some(0), "{:?}", sim.stats().estimate);
    assert_eq!(sim.stats().stalls, 0);
}
