//! What publishing promises on each link, on few sessions; `cargo xtask sim --publish` plays many.

use sailcast_sim::uplink::{
    Policy,
    study::{self, Study},
    trace,
};

const SESSIONS: u64 = 8;
const SEED: u64 = 7;

fn study(name: &str) -> Study {
    let trace = trace::named(name).expect("a link of that name");
    study::run(&[trace], SESSIONS, SEED).pop().expect("a study of it")
}

fn meets_its_targets(name: &str) {
    let missed = study(name).missed();
    assert!(missed.is_empty(), "on {name}: {missed:#?}");
}

macro_rules! on {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { meets_its_targets($name); })*

        #[test]
        fn every_link_is_here() {
            let mut known = vec![$($name),*];
            let mut all: Vec<_> = trace::all().iter().map(|t| t.name).collect();
            known.sort();
            all.sort();
            assert_eq!(known, all);
        }
    };
}

on! {
    less_than_the_sound: "50k",
    hardly_more_than_the_sound: "120k",
    steady_300k: "300k",
    steady_500k: "500k",
    steady_800k: "800k",
    steady_1500k: "1.5M",
    more_than_is_needed: "5M",
    step: "step",
    step_over_a_growing_buffer: "step, growing",
    step_with_even_keyframes: "step, even",
    sawtooth: "sawtooth",
    outage_of_two_seconds: "outage 2 s",
    outage_of_five_seconds: "outage 5 s",
    bufferbloat: "bufferbloat",
    wifi: "wifi",
    lossy: "lossy",
    detour: "detour",
    still_picture: "still",
    neighbour: "neighbour",
}

#[test]
fn sound_has_the_room_that_there_is() {
    let (narrow, wider) = (study("50k"), study("120k"));
    let figures = narrow.of(Policy::Acknowledged);
    assert!(figures.audio_dropped > 0 && figures.fps() < 0.1, "{} pictures a second", figures.fps());
    let figures = wider.of(Policy::Acknowledged);
    assert!(figures.audio_dropped == 0 && figures.fps() > 1.0, "{} pictures a second", figures.fps());
}

#[test]
fn acknowledgements_and_the_own_queue_each_shorten_the_delay() {
    for name in ["300k", "800k", "step", "bufferbloat"] {
        let study = study(name);
        let late = |policy| study.of(policy).delay.percentile(0.95);
        let acknowledged = late(Policy::Acknowledged);
        assert!(acknowledged < late(Policy::Unacknowledged).min(late(Policy::Aimd)), "{name}");
    }
}

#[test]
fn the_same_seed_gives_the_same_session() {
    let session = || {
        let study = study("step");
        let figures = study.of(Policy::Acknowledged).clone();
        (figures.received, figures.changes, figures.video_dropped, figures.delay.percentile(0.99))
    };
    assert_eq!(session(), session());
}
