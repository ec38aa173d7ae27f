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

macro_rules! on {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { meets_its_targets($name); })*
    };
}

on! {
    clean: "clean",
    wifi: "wifi",
    lte: "lte",
    starved: "starved",
    bufferbloat: "bufferbloat",
    interrupted: "interrupted",
    fast_clock: "fast clock",
    slow_clock: "slow clock",
    slow_decoder_with_b_frames: "slow decoder, B",
}
