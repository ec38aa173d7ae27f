//! After anything that a page may do, and faults that end, HLS plays on: soon, with few requests, and nothing twice.

use std::collections::HashMap;

use proptest::{prelude::*, test_runner::RngSeed};
use sailcast_engine::{Event, Input, Instant, LatencyTarget, State};
use sailcast_media::{MediaTime, Micros, TrackId};
use sailcast_sim::{
    Sim, config, load,
    origin::{BASE, Container, Fault, Origin, Packager, Sound},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

#[derive(Clone, Debug)]
enum Op {
    Input(Box<Input>),
    Wait(i64),
}

/// What goes wrong with requests of a kind, from when to when, in ms: not before it plays, for what never worked is soon given up.
#[derive(Clone, Debug)]
struct Trouble {
    fault: Fault,
    what: &'static str,
    from: i64,
    length: i64,
}

fn op() -> impl Strategy<Value = Op> {
    let seek = (-20_000i64..60_000, any::<bool>())
        .prop_map(|(to, exact)| Input::Seek { to: MediaTime::from_millis(to), exact });
    let input = prop_oneof![
        2 => seek,
        1 => Just(Input::SeekLive),
        1 => Just(Input::Suspend),
        1 => Just(Input::Wake),
        1 => Just(Input::Play),
        1 => Just(Input::Pause),
        1 => any::<bool>().prop_map(Input::Visible),
        1 => any::<bool>().prop_map(Input::Online),
        1 => Just(Input::NetworkChanged),
        1 => prop::option::of(0u32..4).prop_map(Input::SelectRendition),
        2 => (0u8..4).prop_map(|number| Input::SelectTrack(TrackId::audio(number))),
        1 => prop::sample::select(vec![0.5, 1.0, 2.0]).prop_map(Input::Rate),
    ];
    prop_oneof![
        1 => input.prop_map(|input| Op::Input(Box::new(input))),
        1 => (0i64..6_000).prop_map(Op::Wait),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let fault = prop::sample::select(vec![
        Fault::Status(503),
        Fault::Status(404),
        Fault::Refused,
        Fault::LostAfter(500),
        Fault::EndsAfter(700),
        Fault::Silence,
        Fault::NoRanges,
        Fault::IgnoresDirectives,
    ]);
    let what = prop::sample::select(vec![".m3u8", "/s", "a/", "a1", "key", ".p", ""]);
    (fault, what, 3_000i64..30_000, 0i64..4_000).prop_map(|(fault, what, from, length)| Trouble {
        fault,
        what,
        from,
        length,
    })
}

fn packager() -> impl Strategy<Value = Packager> {
    let form = (
        prop::sample::select(vec![Container::Ts, Container::Mp4]),
        prop::sample::select(vec![Sound::Muxed, Sound::Apart, Sound::Packed]),
        any::<bool>(),
    );
    let low_latency =
        prop::option::of((any::<bool>(), any::<bool>(), prop::sample::select(vec![200i64, 500])));
    let extent = prop::sample::select(vec![(Some(6), None), (Some(20), None), (None, Some(30u64))]);
    let rest = (prop::option::of(2u64..5), any::<bool>(), 0i64..2);
    let dubs = prop::sample::select(vec![Vec::new(), vec!["fr"], vec!["fr", "de"]]);
    (form, low_latency, extent, rest, (dubs, any::<bool>())).prop_map(
        |((container, sound, many), low_latency, (window, total), rest, (dubs, groups))| {
            let (key_every, broken, dates) = rest;
            let base = if total.is_some() { Packager::vod(30) } else { Packager::live() };
            let discontinuities = if broken { vec![3, 55, 58] } else { Vec::new() };
            let mut made =
                Packager { container, sound, window, key_every, discontinuities, dates: dates > 0, ..base };
            made = Packager { dubs, groups, ..made };
            if let (Some((part_ranges, delta, part)), None) = (low_latency, total) {
                made = Packager { part: Some(MS(part)), part_ranges, delta, key_every: None, ..made };
            }
            if many { made.with_qualities() } else { made }
        },
    )
}

fn begun(packager: Packager, troubles: Vec<Trouble>) -> Sim {
    let origin = Origin::new(packager).fault(move |request, now: Instant| {
        let at = now.0 as i64 / 1_000;
        let path = request.url.strip_prefix(BASE).unwrap_or_default();
        let hit = |t: &&Trouble| path.contains(t.what) && (t.from..t.from + t.length).contains(&at);
        troubles.iter().find(hit).map(|trouble| trouble.fault.clone())
    });
    let mut sim = Sim::with(config(LatencyTarget::AUTO), origin);
    sim.input(load(&format!("{BASE}master.m3u8")));
    sim.sound_on(48_000, 20);
    sim
}

proptest! {
    // Each case is a minute of playback. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look farther.
    #![proptest_config(ProptestConfig { cases: 20, rng_seed: RngSeed::Fixed(6), ..ProptestConfig::default() })]

    #[test]
    fn after_all_that_it_plays_on(
        packager in packager(),
        troubles in prop::collection::vec(trouble(), 0..4),
        ops in prop::collection::vec(op(), 0..20),
    ) {
        let is_live = packager.total.is_none();
        let mut sim = begun(packager, troubles);
        for op in ops {
            match op {
                Op::Input(input) => sim.input(*input),
                Op::Wait(ms) => sim.run_ms(ms),
            }
        }
        for there in [Input::Visible(true), Input::Online(true), Input::Wake, Input::Rate(1.0)] {
            sim.input(there);
        }
        sim.run_ms((36_000 - sim.elapsed().0 / 1_000).max(0));
        prop_assert!(sim.state() != State::Failed, "{:?}", sim.errors());
        sim.input(Input::SelectRendition(None));
        sim.input(Input::Play);
        match is_live {
            true => sim.input(Input::SeekLive),
            false => sim.input(Input::Seek { to: MediaTime::from_millis(5_000), exact: true }),
        }
        sim.run_ms(20_000);
        let (from, before) = (sim.now, sim.stats());
        let (asked, cancelled) = (sim.requests.len(), sim.cancelled.len());
        sim.run_ms(20_000);
        let stats = sim.stats();
        let moved = stats.position - before.position;
        prop_assert!((moved - MS(20_000)).abs() < MS(1_500), "{moved:?} in 20 s: {stats:?} {:?}", sim.errors());
        prop_assert_eq!(stats.stalls, before.stalls);
        let pictures = sim.shown.iter().filter(|(at, _)| *at > from).count();
        prop_assert!(pictures > 480, "{pictures} pictures: {stats:?}");
        let worst = sim.av_offsets_ms(from).into_iter().map(f64::abs).fold(0.0, f64::max);
        prop_assert!(worst < 60.0, "{worst} ms apart");
        let silent = sim.heard.iter().filter(|(at, media)| *at > from && media.is_none()).count();
        prop_assert!(silent < 10, "{silent} turns of the sound card are silent: {:?}", sim.errors());
        if is_live {
            prop_assert!(stats.latency < MS(7_500), "{:?}", stats.latency);
        }
        prop_assert!(sim.open_requests() <= 5, "{} open requests", sim.open_requests());
        // Parts of 200 ms of two lanes, and their playlists.
        let made = sim.requests.len() - asked;
        prop_assert!(made < 20 * 5 * 2 * 2 + 60, "{made} requests in 20 s");
        prop_assert!(sim.cancelled.len() - cancelled < 12, "{} cancelled", sim.cancelled.len() - cancelled);
        let mut times = HashMap::new();
        for (_, url) in &sim.requests[asked..] {
            *times.entry(url.as_str()).or_insert(0) += 1;
        }
        let again = times.iter().filter(|(url, n)| **n > 3 && url.contains("/s"));
        let again: Vec<_> = again.collect();
        prop_assert!(again.is_empty() , "fetched again: {again:?}");
    }
}

#[test]
fn a_long_pause_costs_no_more_than_its_playlists() {
    let forms = [
        Packager::live(),
        Packager { sound: Sound::Apart, ..Packager::low_latency() },
        Packager { window: Some(1_800), ..Packager::live() },
        Packager::vod(3_000),
    ];
    for packager in forms {
        let what = format!("{:?} {:?} {:?}", packager.part, packager.window, packager.total);
        let mut sim = begun(packager, Vec::new());
        sim.input(Input::Play);
        sim.run_ms(20_000);
        sim.input(Input::Pause);
        sim.run_ms(60_000);
        let (asked, bytes) = (sim.requests.len(), sim.stats().buffered_bytes);
        sim.run_ms(900_000);
        let stats = sim.stats();
        assert!(stats.buffered_bytes <= bytes + 6_000_000, "{what}: {bytes} to {}", stats.buffered_bytes);
        let segments = sim.requests[asked..].iter().filter(|(_, url)| !url.contains(".m3u8")).count();
        assert!(segments <= 4, "{what}: {segments} segments");
        assert!(sim.open_requests() <= 4, "{what}: {} open requests", sim.open_requests());
        sim.input(Input::Play);
        sim.run_ms(15_000);
        let from = sim.now;
        sim.run_ms(5_000);
        assert_eq!(sim.state(), State::Playing, "{what}: {:?}", sim.errors());
        assert!(sim.shown.iter().filter(|(at, _)| *at > from).count() > 110, "{what}");
    }
}

#[test]
fn another_rendition_that_begins_with_a_segment_of_which_one_part_is_listed_begins_at_it() {
    let packager = Packager { sound: Sound::Apart, part: Some(MS(200)), ..Packager::live().with_qualities() };
    let lists_fail = Trouble { fault: Fault::Status(503), what: ".m3u8", from: 3_827, length: 380 };
    let mut sim = begun(packager, vec![lists_fail]);
    sim.input(Input::NetworkChanged);
    sim.run_ms(4_197);
    sim.input(Input::Play);
    sim.run_ms(31_803);
    sim.input(Input::SeekLive);
    let from = sim.now;
    sim.run_ms(45_000);
    let changes = |e: &Event| matches!(e, Event::RenditionChange { .. });
    assert!(sim.events.iter().any(|(at, e)| *at > from && changes(e)), "no rendition changed");
    let longest = sim.longest_still(from + MS(500));
    assert!(longest < MS(150), "a picture stood for {longest:?}");
}

#[test]
fn live_again_from_a_place_that_is_gone_is_where_the_edge_is_by_then() {
    let mut sim = begun(Packager::live(), Vec::new());
    sim.run_ms(11_324);
    sim.input(Input::Suspend);
    sim.run_ms(24_656);
    // What is known of the edge is old when it is gone to.
    for there in [Input::Wake, Input::Play, Input::SeekLive] {
        sim.input(there);
    }
    sim.run_ms(3_000);
    assert!((sim.stats().latency - MS(6_000)).abs() < MS(800), "{:?}", sim.stats().latency);
    let from = sim.now;
    sim.run_ms(20_000);
    assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0));
    assert!(sim.shown.iter().filter(|(at, _)| *at > from).count() > 480);
}

#[test]
fn sound_whose_playlist_failed_for_a_while_comes_back_whatever_rendition_the_picture_went_to() {
    let packager = Packager { sound: Sound::Apart, ..Packager::live().with_qualities() };
    let lists_fail = Trouble { fault: Fault::Status(503), what: ".m3u8", from: 3_082, length: 2_209 };
    let mut sim = begun(packager, vec![lists_fail]);
    sim.run_ms(35_000);
    sim.input(Input::Play);
    sim.input(Input::SeekLive);
    sim.run_ms(10_000);
    let from = sim.now;
    sim.run_ms(10_000);
    assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0), "{:?}", sim.errors());
    assert!(sim.shown.iter().filter(|(at, _)| *at > from).count() > 240);
}
