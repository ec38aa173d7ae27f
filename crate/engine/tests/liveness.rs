//! After anything that a page may do, and whatever the network made of it, playback comes to what was asked for last.

use proptest::prelude::*;
use sailcast_engine::{Background, DecoderChoice, Event, Input, PlayerConfig, State};
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::{Sim, choosing, feed, files::FileServer, load, recording::Recording};

const MS: fn(i64) -> Micros = Micros::from_millis;
const FRAME: Micros = Micros::from_millis(40);

/// What a page does, and the time that passes between.
#[derive(Clone, Debug)]
enum Op {
    Input(Box<Input>),
    Wait(i64),
}

fn op(length_ms: i64) -> impl Strategy<Value = Op> {
    let place = prop_oneof![0..length_ms, length_ms - 4_000..length_ms + 2_000];
    let input = prop_oneof![
        3 => (place, any::<bool>()).prop_map(|(to, exact)| seek(to, exact)),
        1 => Just(Input::Suspend),
        2 => Just(Input::Wake),
        1 => Just(Input::Play),
        1 => Just(Input::Pause),
        1 => any::<bool>().prop_map(Input::Visible),
        1 => any::<bool>().prop_map(Input::Online),
        1 => any::<bool>().prop_map(Input::Loop),
        1 => prop::sample::select(vec![0.5, 1.0, 3.0]).prop_map(Input::Rate),
    ];
    prop_oneof![
        3 => input.prop_map(|input| Op::Input(Box::new(input))),
        1 => (0i64..500).prop_map(Op::Wait),
        1 => (0i64..8_000).prop_map(Op::Wait),
    ]
}

fn seek(to_ms: i64, exact: bool) -> Input {
    Input::Seek { to: MediaTime::from_millis(to_ms), exact }
}

fn act(sim: &mut Sim, ops: Vec<Op>) {
    for op in ops {
        match op {
            Op::Input(input) => sim.input(*input),
            Op::Wait(ms) => sim.run_ms(ms),
        }
    }
    for there in [Input::Visible(true), Input::Online(true), Input::Wake] {
        sim.input(there);
    }
}

fn file(name: &str) -> (FileServer, i64) {
    match name {
        "flv" => (FileServer::new(Recording { seconds: 64, ..Recording::default() }.flv()), 64_000),
        name => (FileServer::new(feed::fixture(name)), 10_000),
    }
}

fn background() -> impl Strategy<Value = Background> {
    prop::sample::select(vec![Background::Audio, Background::Suspend, Background::Keep])
}

fn begun(server: FileServer, background: Background) -> Sim {
    let config = PlayerConfig { background, ..choosing(DecoderChoice::Auto, 400) };
    let mut sim = Sim::with(config, server);
    sim.input(load("http://vod/film.mp4"));
    sim.sound_on(48_000, 20);
    sim
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_file_shows_the_place_that_was_wanted_last(
        name in prop::sample::select(vec!["flv", "whole-first.mp4", "whole-last.mp4", "fragments.mp4"]),
        background in background(),
        (rtt, rate) in (5i64..400, 600_000u64..8_000_000),
        ops in prop::collection::vec(op(64_000), 1..30),
        to in 100i64..5_800,
        (pauses, wait) in (any::<bool>(), prop_oneof![Just(0i64), 0i64..5_000]),
    ) {
        let (server, _) = file(name);
        let mut sim = begun(FileServer { rtt: MS(rtt), rate, ..server }, background);
        act(&mut sim, ops);
        sim.run_ms(wait);
        sim.input(Input::Rate(1.0));
        sim.input(if pauses { Input::Pause } else { Input::Play });
        let from = sim.now;
        let to_ms = to;
        let to = MediaTime::from_millis(to);
        let stands = (sim.stats().position - to).abs() <= FRAME;
        sim.input(seek(to_ms, true));
        sim.run_ms(5_000);
        let duration = sim.stats().duration.expect("known");
        if pauses {
            let (at, shown) = *sim.shown.last().expect("a picture");
            // A recording that begins again does so on a timeline that goes on; and the picture of the place may have stood there already.
            let is_later_turn = shown >= MediaTime(0) + duration && (at >= from || stands);
            let is_there = is_later_turn || (to - shown).abs() <= FRAME;
            prop_assert!(is_there, "{shown:?} in place of {to:?}: {:?}", sim.stats());
            prop_assert!((sim.stats().position - to).abs() <= FRAME, "{:?} in place of {to:?}", sim.stats());
            let told = sim.events.iter().rev().find_map(|(_, e)| match e {
                Event::Seeked(at) => Some(*at),
                _ => None,
            });
            prop_assert_eq!(told, Some(to));
        }
        let before = sim.stats().position;
        sim.input(Input::Play);
        sim.run_ms(3_000);
        let stats = sim.stats();
        let moved = stats.position - before;
        let has_ended = stats.state == State::Ended;
        prop_assert!(has_ended || (moved.abs() > MS(1_000)), "{stats:?}");
        prop_assert!(sim.errors().is_empty(), "{:?}", sim.errors());
    }
}
