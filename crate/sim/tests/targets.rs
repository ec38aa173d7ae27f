//! What the engine promises on each network, on few sessions; `cargo xtask sim` plays many.

use sailcast_sim::{study, trace};

const SESSIONS: usize = 12;
const SEED: u64 = 1;

fn meets_its_targets(name: &str) {
    let trace = trace::named(name).expect("a trace of that name");
    for study in study::run(&[trace], SESSIONS, SEED) {
        let missed = study.missed();
        assert!(missed.is_empty(), "on {name}: {missed:#?}");
    }
}

/// The day takes a minute without optimisation: `cargo xtask sim` plays it.
const NOT_HERE: [&str; 1] = ["day"];

macro_rules! on {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { meets_its_targets($name); })*

        #[test]
        fn every_trace_is_here_or_said_not_to_be() {
            let known = [$($name),*].into_iter().chain(NOT_HERE);
            let mut known: Vec<_> = known.collect();
            let mut all: Vec<_> = trace::all().iter().map(|t| t.name).collect();
            known.sort();
            all.sort();
            assert_eq!(known, all);
        }
    };
}

on! {
    clean: "clean",
    wifi: "wifi",
    lte: "lte",
    lossy: "lossy",
    starved: "starved",
    outage: "outage",
    bufferbloat: "bufferbloat",
    interrupted: "interrupted",
    fast_clock: "fast clock",
    slow_clock: "slow clock",
    slow_decoder: "slow decoder",
    slow_decoder_with_b_frames: "slow decoder, B",
}
