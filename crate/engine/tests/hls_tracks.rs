//! Of HLS one of the kinds comes late, or ends, or there never was another one: what there is goes on, without a stop.

use std::ops::Range;

use sailcast_engine::{Input, Instant, LatencyTarget, State};
use sailcast_media::Micros;
use sailcast_sim::{
    Sim, config, load,
    origin::{BASE, Container, Origin, Packager},
};

const MS: fn(i64) -> Micros = Micros::from_millis;
/// The turn: made 22 s after the world began.
const TURN: u64 = 60;
const ALL: Range<u64> = 0..u64::MAX;
const FROM: Range<u64> = TURN..u64::MAX;
const UNTIL: Range<u64> = 0..TURN;

fn forms() -> Vec<Packager> {
    let mut forms = Vec::new();
    for container in [Container::Ts, Container::Mp4] {
        for part in [None, Some(MS(500))] {
            for discontinuities in [Vec::new(), vec![TURN]] {
                forms.push(Packager { container, part, discontinuities, ..Packager::live() });
            }
        }
    }
    forms
}

fn played(seen: Range<u64>, heard: Range<u64>, form: Packager) -> (Sim, String) {
    let Packager { container, part, discontinuities, .. } = &form;
    let what = format!("{container:?} parts {part:?} {discontinuities:?} seen {seen:?} heard {heard:?}");
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(Packager { seen, heard, ..form }));
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(45_000);
    assert_eq!(sim.state(), State::Playing, "{what}: {:?}", sim.errors());
    assert_eq!((sim.stats().stalls, sim.stats().skips), (0, 0), "{what}");
    assert!(sim.errors().is_empty(), "{what}: {:?}", sim.errors());
    let off = sim.stats().latency - sim.stats().target_latency;
    assert!(off.abs() < MS(500), "{what}: {off:?} from the target");
    (sim, what)
}

/// The longest time that one picture stood, and that it was silent, of what came from then on.
fn holes(sim: &Sim, from: Instant) -> (Micros, Micros) {
    let shown: Vec<Instant> = sim.shown.iter().map(|(at, _)| *at).filter(|at| *at >= from).collect();
    let heard = sim.heard.iter().filter(|(at, time)| time.is_some() && *at >= from);
    let heard: Vec<Instant> = heard.map(|(at, _)| *at).collect();
    let longest = |at: Vec<Instant>| at.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(Micros(i64::MAX));
    (longest(shown), longest(heard))
}

fn beside(sim: &Sim, from: Instant) -> f64 {
    sim.av_offsets_ms(from).into_iter().map(f64::abs).fold(0.0, f64::max)
}

#[test]
fn sound_that_begins_late_or_ends_never_stops_the_picture() {
    for heard in [FROM, UNTIL] {
        for form in forms() {
            let (sim, what) = played(ALL, heard.clone(), form);
            let first = sim.shown.first().expect("pictures").0;
            // The very first one is shown while it is waited for the sound.
            let (still, _) = holes(&sim, first + MS(1_000));
            assert!(still < MS(110), "{what}: a picture stood for {still:?}");
            let (_, sound) =
                sim.heard.iter().find(|(_, time)| time.is_some()).zip(sim.heard.last()).expect("sound");
            assert_eq!(sound.1.is_some(), heard == FROM, "{what}: the sound");
            if heard == FROM {
                let apart = beside(&sim, sim.now + MS(-5_000));
                assert!(apart < 60.0, "{what}: {apart} ms apart");
            }
        }
    }
}

#[test]
fn pictures_that_begin_late_or_end_never_stop_the_sound() {
    for seen in [FROM, UNTIL] {
        for form in forms() {
            let (sim, what) = played(seen.clone(), ALL, form);
            let first = sim.heard.iter().find(|(_, time)| time.is_some()).expect("sound").0;
            let (_, silent) = holes(&sim, first);
            assert!(silent < MS(60), "{what}: it was silent for {silent:?}");
            let last = sim.shown.last().expect("pictures").0;
            assert_eq!(sim.now - last < MS(110), seen == FROM, "{what}: pictures up to {last:?}");
            if seen == FROM {
                let apart = beside(&sim, sim.now + MS(-5_000));
                assert!(apart < 60.0, "{what}: {apart} ms apart");
            }
        }
    }
}
