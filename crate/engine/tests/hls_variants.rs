//! Variants of one HLS playlist that differ in more than their bitrate: each can be gone to, and away from.

use sailcast_engine::{ErrorCode, Event, Input, LatencyTarget, PlayerConfig, State};
use sailcast_media::{Codec, MediaTime, Micros};
use sailcast_sim::{
    Asked, Sim, Trouble, config, load,
    origin::{BASE, Container, Cut, Origin, Packager, Pictures, Quality, Sound},
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const LOW: Quality = Quality::new(400_000, 640, 368);
const HIGH: Quality = Quality::new(1_200_000, 1280, 720);

const THREE_SECONDS: Cut = Cut { segment: Some(Micros::from_millis(3_000)), numbers: 0 };

const fn numbered(numbers: u64) -> Cut {
    Cut { segment: None, numbers }
}

fn auto() -> PlayerConfig {
    config(LatencyTarget::AUTO)
}

fn begun(origin: Origin) -> Sim {
    let mut sim = Sim::with(auto(), origin);
    sim.input(load(&format!("{BASE}master.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

/// The forms of a stream in which variants may differ.
fn forms() -> Vec<(&'static str, Packager)> {
    let live = Packager { window: Some(8), ..Packager::live() };
    let parts = Packager { window: Some(8), ..Packager::low_latency() };
    vec![
        ("TS", live.clone()),
        ("TS with dates", Packager { dates: true, ..live.clone() }),
        ("fMP4", Packager { container: Container::Mp4, ..live.clone() }),
        ("sound apart", Packager { container: Container::Mp4, sound: Sound::Apart, ..live }),
        ("parts", parts.clone()),
        ("parts with dates", Packager { dates: true, ..parts }),
        ("recording", Packager::vod(60)),
    ]
}

/// To each of the variants, there and back: nothing is seen of it but what they differ in.
fn assert_seamless(of: &str, qualities: &[Quality], longest: Micros) {
    for (form, packager) in forms() {
        let what = format!("{of}, {form}");
        let mut sim = begun(Origin::new(Packager { qualities: qualities.to_vec(), ..packager }));
        sim.run_ms(8_000);
        let (from, before) = (sim.now, sim.stats());
        for id in [0, 1, 0] {
            sim.input(Input::SelectRendition(Some(id)));
            sim.run_ms(10_000);
            assert!(sim.count(|e| *e == Event::RenditionChange { id, auto: false }) > 0, "{what}: {id}");
        }
        let stats = sim.stats();
        assert_eq!(
            (stats.state, stats.stalls, stats.skips),
            (State::Playing, before.stalls, before.skips),
            "{what}: {:?}",
            sim.errors()
        );
        let moved = stats.position - before.position;
        assert!((moved - MS(30_000)).abs() < MS(600), "{what}: {moved:?} in 30 s");
        let still = sim.longest_still(from);
        assert!(still <= longest, "{what}: a picture stood for {still:?}");
        let apart = sim.av_offsets_ms(from).into_iter().map(f64::abs).fold(0.0, f64::max);
        assert!(apart < 60.0, "{what}: {apart} ms apart");
        assert!(sim.errors().is_empty(), "{what}: {:?}", sim.errors());
    }
}

#[test]
fn another_frame_rate() {
    assert_seamless("50 a second", &[LOW, Quality { fps: 50, ..HIGH }], MS(90));
}

#[test]
fn other_boundaries() {
    assert_seamless("3 s", &[LOW, Quality { cut: THREE_SECONDS, ..HIGH }], MS(90));
}

#[test]
fn other_numbers() {
    assert_seamless("from 1000", &[LOW, Quality { cut: numbered(1_000), ..HIGH }], MS(90));
    assert_seamless("one more", &[LOW, Quality { cut: numbered(1), ..HIGH }], MS(90));
}

#[test]
fn sound_under_other_numbers_or_with_other_boundaries_is_beside_the_picture_from_the_beginning() {
    let others = [THREE_SECONDS, numbered(1), numbered(1_000)];
    let cuts = others.iter().flat_map(|other| [(Cut::ALIKE, *other), (*other, Cut::ALIKE)]);
    for (cut, sound_cut) in cuts {
        for (form, packager) in forms() {
            let what = format!("{cut:?}, {sound_cut:?}, {form}");
            let qualities = vec![Quality { cut, ..LOW }];
            let packager = Packager { sound: Sound::Apart, sound_cut, qualities, ..packager };
            let mut sim = begun(Origin::new(packager));
            sim.run_ms(12_000);
            let stats = sim.stats();
            assert_eq!((stats.state, stats.stalls, stats.skips), (State::Playing, 0, 0), "{what}");
            assert!(sim.errors().is_empty(), "{what}: {:?}", sim.errors());
            let first = sim.first(|event| matches!(event, Event::Playing)).expect("it plays");
            let heard: Vec<_> = sim.heard.iter().filter(|(at, _)| *at > first + MS(100)).collect();
            let silent = heard.iter().filter(|(_, time)| time.is_none()).count();
            assert!(silent < 3, "{what}: {silent} of {} pieces of silence", heard.len());
            let shown: Vec<_> = sim.shown.iter().filter(|(at, _)| *at > first).collect();
            let still = shown.windows(2).map(|w| w[1].0 - w[0].0).max().expect("pictures");
            assert!(still < MS(110), "{what}: a picture stood for {still:?}");
            let apart = sim.av_offsets_ms(first + MS(500)).into_iter().map(f64::abs).fold(0.0, f64::max);
            assert!(apart < 60.0, "{what}: {apart} ms apart");
        }
    }
}

#[test]
fn one_of_sound_alone_is_not_gone_to_however_slow_the_network() {
    let sound = Quality { pictures: Pictures::None, ..Quality::new(1, 0, 0) };
    let packager = Packager { qualities: vec![sound, LOW, HIGH], ..Packager::live() };
    let mut sim = begun(Origin::new(packager).bandwidth(570_000.0));
    sim.run_ms(40_000);
    let names = sim
        .events
        .iter()
        .find_map(|(_, e)| if let Event::Renditions(all) = e { Some(all.len()) } else { None });
    assert_eq!(names, Some(2));
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
    let last = sim.shown.last().expect("pictures").0;
    assert!(sim.now - last < MS(3_000));
}

/// One that lacks a kind, of which the playlist says nothing.
#[test]
fn one_without_pictures_or_without_sound_is_played_and_left_again() {
    let untold = |quality: Quality| Quality { is_told: false, ..quality };
    for lacking in
        [Quality { pictures: Pictures::None, ..Quality::new(1, 0, 0) }, Quality { sound: false, ..LOW }]
    {
        for base in [Packager::live(), Packager::low_latency(), Packager::vod(60)] {
            let what = format!("{:?}, parts {:?} of {:?}", lacking.pictures, base.part, base.total);
            let mut sim =
                begun(Origin::new(Packager { qualities: vec![untold(lacking), untold(HIGH)], ..base }));
            sim.input(Input::SelectRendition(Some(1)));
            sim.run_ms(8_000);
            let before = sim.stats();
            for id in [0, 1] {
                sim.input(Input::SelectRendition(Some(id)));
                sim.run_ms(20_000);
                let stats = sim.stats();
                assert_eq!(
                    (stats.state, stats.stalls),
                    (State::Playing, before.stalls),
                    "{what} {id}: {:?}",
                    sim.errors()
                );
                assert!(sim.errors().is_empty(), "{what} {id}: {:?}", sim.errors());
            }
            let moved = sim.stats().position - before.position;
            assert!((moved - MS(40_000)).abs() < MS(1_000), "{what}: {moved:?} in 40 s");
            let last = sim.shown.last().expect("pictures").0;
            assert!(sim.now - last < MS(90), "{what}: pictures up to {last:?}");
            let from = sim.now + MS(-5_000);
            assert!(
                sim.heard.iter().filter(|(at, _)| *at > from).all(|(_, time)| time.is_some()),
                "{what}: silence"
            );
        }
    }
}

fn no_av1(asked: &Asked<'_>) -> Trouble {
    match asked.config.codec {
        Codec::Av1 => Trouble::Fail("NotSupportedError: Unsupported configuration"),
        _ => Trouble::None,
    }
}

#[test]
fn of_several_codecs_those_are_played_for_which_there_is_a_decoder() {
    let av1 = |bitrate| Quality { pictures: Pictures::Av1, ..Quality::new(bitrate, 638, 358) };
    for is_told in [true, false] {
        for base in [Packager::vod(60), Packager::live(), Packager::low_latency()] {
            let what = format!("told {is_told}, parts {:?} of {:?}", base.part, base.total);
            let qualities = vec![LOW, av1(300_000), HIGH, av1(2_000_000)];
            let qualities = qualities.into_iter().map(|quality| Quality { is_told, ..quality }).collect();
            let mut sim = begun(Origin::new(Packager { container: Container::Mp4, qualities, ..base }));
            sim.decoders_are.trouble = Box::new(no_av1);
            sim.run_ms(30_000);
            let from = sim.now;
            sim.run_ms(10_000);
            assert_eq!(sim.state(), State::Playing, "{what}: {:?}", sim.errors());
            let shown = sim.shown.iter().filter(|(at, _)| *at > from).count();
            assert!(shown > 245, "{what}: {shown} pictures in 10 s: {:?}", sim.errors());
            assert!(sim.errors().iter().all(|error| !error.fatal), "{what}: {:?}", sim.errors());
            let rendition = sim.stats().rendition;
            assert!([Some(0), Some(2)].contains(&rendition), "{what}: {rendition:?}");
            let first = sim.shown.first().expect("pictures").0;
            assert!(first - sailcast_sim::BEGIN < MS(4_000), "{what}: the first picture at {first:?}");
        }
    }
}

#[test]
fn the_viewers_choice_of_what_cannot_be_decoded_is_left_for_what_can() {
    let qualities = vec![LOW, Quality { pictures: Pictures::Av1, ..Quality::new(700_000, 638, 358) }];
    let mut sim = begun(Origin::new(Packager { container: Container::Mp4, qualities, ..Packager::vod(60) }));
    sim.decoders_are.trouble = Box::new(no_av1);
    sim.run_ms(5_000);
    sim.input(Input::SelectRendition(Some(1)));
    sim.run_ms(15_000);
    let from = sim.now;
    sim.run_ms(5_000);
    assert_eq!(sim.state(), State::Playing, "{:?}", sim.errors());
    assert!(sim.shown.iter().filter(|(at, _)| *at > from).count() > 120, "{:?}", sim.errors());
    assert!(sim.errors().iter().any(|error| error.code == ErrorCode::VideoDecoderFailed && !error.fatal));
}

#[test]
fn where_nothing_can_be_decoded_it_says_so() {
    let qualities = vec![Quality { pictures: Pictures::Av1, ..Quality::new(700_000, 638, 358) }; 2];
    let mut sim = begun(Origin::new(Packager { container: Container::Mp4, qualities, ..Packager::vod(60) }));
    sim.decoders_are.trouble = Box::new(no_av1);
    sim.run_ms(20_000);
    // The sound goes on.
    assert_eq!(sim.state(), State::Playing, "{:?}", sim.errors());
    assert_eq!(
        sim.errors().iter().filter(|error| error.code == ErrorCode::VideoDecoderFailed).count(),
        1,
        "{:?}",
        sim.errors()
    );
    assert!(sim.stats().position > MediaTime::from_millis(15_000));
}
