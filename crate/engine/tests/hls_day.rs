//! A day of live HLS: nothing stands, nothing drifts, nothing grows.
//!
//! Three hours with few pictures, and clocks that are as far apart as those of a bad day; `SAILCAST_HOURS` looks farther.
#![allow(unsafe_code, reason = "an allocator is unsafe by nature")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use sailcast_engine::{Event, Input, LatencyTarget, State};
use sailcast_media::Micros;
use sailcast_sim::{
    BEGIN, Sim, config, load,
    origin::{BASE, EPOCH, Origin, Packager, Quality},
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const HOURS: i64 = 3;
const FPS: i64 = 5;
const SOUND_RATE: i64 = 8_000;
const FRAME: Micros = Micros(1_000_000 / FPS);
/// It is looked at once in so long, for so long.
const ROUND_MS: i64 = 20 * 60_000;
const LOOK_MS: i64 = 10_000;
/// 2^33 ticks of 90 kHz.
const TURN: Micros = Micros(95_443_717_689);
const ADVERTS: Micros = Micros::from_secs(60);

/// Counts what each thread has allocated and not given back: a test has its own.
struct Counting;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
}

fn held(change: i64) {
    HELD.set(HELD.get() + change);
}

// SAFETY: `System` does it all.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        held(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        held(-(layout.size() as i64));
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn hours() -> i64 {
    std::env::var("SAILCAST_HOURS").ok().and_then(|hours| hours.parse().ok()).unwrap_or(HOURS)
}

/// Few pictures, small ones; numbers beyond 32 bits, and dates.
fn thin(packager: Packager) -> Packager {
    Packager {
        qualities: vec![Quality { fps: FPS, ..Quality::new(20_000, 640, 368) }],
        sound_rate: SOUND_RATE,
        first_number: (1 << 32) - 3_000,
        dates: true,
        adverts: Some(ADVERTS),
        ..packager
    }
}

/// How far behind the encoder the newest picture was shown, by its own number.
fn behind(sim: &Sim, packager: &Packager) -> Micros {
    let ((at, _), number) = sim.shown.last().zip(sim.shown_numbers.last()).expect("pictures");
    let picture = FRAME.scale(number.expect("a number") as f64);
    let age = Micros(at.0 as i64) + packager.age;
    age.scale(1.0 + packager.ppm as f64 / 1e6) - picture
}

fn watch(packager: Packager, card_ppm: i64) {
    let what = format!("parts {:?}, {} ppm", packager.part, packager.ppm);
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(packager.clone()));
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(SOUND_RATE as u32, 20);
    sim.sound_drifts(card_ppm);
    sim.run_ms(60_000);
    let (begun, distance) = (sim.stats(), behind(&sim, &packager));
    sim.forget();
    let mut adverts = 0;
    // Playlists come in steps, and where between two of them the newest media is nobody knows.
    let step = packager.part.unwrap_or(packager.segment);
    let (mut memory, mut beside) = (None, None);
    for round in 1..=hours() * 3_600_000 / ROUND_MS {
        for _ in 0..10 {
            adverts += sim.count(|event| matches!(event, Event::Cue(_)));
            sim.forget();
            sim.run_ms((ROUND_MS - LOOK_MS) / 10);
        }
        adverts += sim.count(|event| matches!(event, Event::Cue(_)));
        assert_eq!(sim.errors().len(), 0, "{what}: {:?}", sim.errors());
        sim.forget();
        let from = sim.now;
        sim.run_ms(LOOK_MS);
        let what = format!("{what}, {:.1} h", sim.elapsed().as_secs_f64() / 3_600.0);
        let stats = sim.stats();
        assert_eq!((stats.state, stats.stalls, stats.skips), (State::Playing, 0, begun.skips), "{what}");
        assert_eq!(stats.sound.underruns, begun.sound.underruns, "{what}");
        assert!(sim.shown.len() as i64 >= LOOK_MS / 1000 * FPS - 1, "{what}: {} pictures", sim.shown.len());
        let off = stats.latency - stats.target_latency;
        assert!(off.abs() < stats.target_latency.scale(0.1), "{what}: {off:?} from the target");
        let moved = behind(&sim, &packager) - distance;
        assert!(moved.abs() < step, "{what}: {moved:?} from where it was at the beginning");
        let apart = sim.av_offsets_ms(from).into_iter().map(f64::abs).fold(0.0, f64::max);
        let beside = *beside.get_or_insert(apart);
        assert!((apart - beside).abs() < 20.0, "{what}: {apart} ms apart, and {beside} to begin with");
        let ((at, _), number) = sim.shown.last().zip(sim.shown_numbers.last()).expect("pictures");
        let date = EPOCH + FRAME.scale(number.expect("a number") as f64) + (sim.now - *at);
        let told = stats.wall_clock.expect("dates") - date;
        assert!(told.abs() < MS(50), "{what}: the time of day is {told:?} off");
        adverts += sim.count(|event| matches!(event, Event::Cue(_)));
        sim.forget();
        let grown = HELD.get() - *memory.get_or_insert(HELD.get());
        if std::env::var("SAILCAST_HOURS").is_ok() {
            println!("{what}: {moved:?} {off:?} {apart:.1} ms, {told:?}, {grown} bytes");
        }
        assert!(grown < 300_000, "{what}: {grown} bytes more than at the beginning, round {round}");
    }
    let expected = (sim.now - BEGIN).0 / ADVERTS.0;
    assert!((adverts as i64 - expected).abs() < 4, "{what}: {adverts} adverts of {expected}");
}

#[test]
fn of_segments_with_an_encoder_that_runs_fast() {
    let half = Micros::from_secs(hours() * 1_800);
    let live = Packager::live();
    let first_stamp = TURN - half - live.age;
    watch(thin(Packager { ppm: 200, first_stamp, ..live }), -50);
}

#[test]
fn of_segments_with_an_encoder_that_runs_slow() {
    watch(thin(Packager { ppm: -200, ..Packager::live() }), 50);
}

#[test]
fn of_parts_with_discontinuities() {
    let discontinuities = (1..hours() as u64 * 6).map(|n| n * 300).collect();
    let parts = Packager { delta: true, window: Some(20), discontinuities, ..Packager::low_latency() };
    watch(thin(Packager { ppm: -200, ..parts }), 50);
}
