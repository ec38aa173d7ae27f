//! A software decoder slower than the stream: the sound goes on, the pictures come at an even pace, and it is told once.

use sailcast_engine::{DecoderChoice, Event, Input, Instant, State};
use sailcast_media::Micros;
use sailcast_sim::{Chance, LinkModel, LiveServer, Sim, StreamConfig, choosing, feed, load, percentile};

const MS: fn(i64) -> Micros = Micros::from_millis;
/// Pictures a second of the stream, and of the decoder.
const STREAM: i64 = 30;
const DECODER: i64 = 20;

fn playing(stream: StreamConfig, decoder_fps: i64) -> Sim {
    let server = LiveServer { stream, link: LinkModel::default(), chance: Chance(1), offset: MS(20_500) };
    let mut sim = Sim::with(choosing(DecoderChoice::Wasm, 400), server);
    sim.decoders_are.software_decode_time = Micros(1_000_000 / decoder_fps);
    sim.sound_divisor = 8;
    sim.sound_on(48_000 / 8, 20);
    sim.input(load("http://live/stream.flv"));
    sim.input(Input::Play);
    sim
}

fn baseline(gop: i64) -> StreamConfig {
    StreamConfig { fps: STREAM, gop, ..StreamConfig::default() }
}

/// Plays on for so long; how far the shown picture was behind the playhead, ten times a second, in ms.
fn lags(sim: &mut Sim, seconds: i64) -> Vec<f64> {
    let lag = |sim: &Sim| (sim.stats().position - sim.shown.last().expect("pictures").1).as_secs_f64() * 1e3;
    (0..seconds * 10)
        .map(|_| {
            sim.run_ms(100);
            lag(sim)
        })
        .collect()
}

fn told(sim: &Sim) -> (usize, usize) {
    (sim.count(|e| matches!(e, Event::Degraded)), sim.count(|e| matches!(e, Event::Recovered)))
}

/// Between two pictures that were shown after `from`, in ms.
fn steps(sim: &Sim, from: Instant) -> Vec<f64> {
    let shown: Vec<Instant> = sim.shown.iter().map(|(at, _)| *at).filter(|at| *at >= from).collect();
    shown.windows(2).map(|w| (w[1] - w[0]).as_secs_f64() * 1e3).collect()
}

/// As many pictures as the decoder can, none of them rushed or held; and nothing else suffers.
fn assert_watchable(sim: &Sim, from: Instant) {
    let steps = steps(sim, from);
    let one = 1e3 / DECODER as f64;
    assert!(percentile(&steps, 0.01) > one * 0.6, "rushed: {} ms", percentile(&steps, 0.01));
    assert!(percentile(&steps, 1.0) < one * 1.7, "held: {} ms", percentile(&steps, 1.0));
    let seconds = (sim.now - from).as_secs_f64();
    assert!(steps.len() as f64 > seconds * DECODER as f64 * 0.95, "{} in {seconds} s", steps.len());
    let silent = sim.heard.iter().filter(|(at, m)| *at > from && *at < sim.now && m.is_none()).count();
    assert_eq!(silent, 0, "quanta of silence");
    assert_eq!((sim.stats().stalls, sim.state()), (0, State::Playing));
    assert!(sim.stats().latency < MS(500), "{:?}", sim.stats().latency);
    assert!(sim.max_outstanding <= 8, "{} frames are held", sim.max_outstanding);
}

#[test]
fn pictures_that_no_other_needs_are_left_out_and_the_rest_is_in_time() {
    let mut sim = playing(StreamConfig { b_frames: true, ..baseline(60) }, DECODER);
    sim.run_ms(5_000);
    let from = sim.now;
    let lags = lags(&mut sim, 40);
    assert_watchable(&sim, from);
    assert!(percentile(&lags, 0.95) < 250.0, "{} ms behind the sound", percentile(&lags, 0.95));
    assert!(sim.stats().frames_shed > 300, "{:?}", sim.stats());
    assert_eq!(told(&sim), (1, 0));
}

#[test]
fn where_each_is_needed_it_goes_on_at_each_keyframe_and_shows_all_it_can_between() {
    for gop in [60, 120, 300] {
        let mut sim = playing(baseline(gop), DECODER);
        sim.run_ms(15_000);
        let from = sim.now;
        let lags = lags(&mut sim, 45);
        assert_watchable(&sim, from);
        let left_behind = (gop * 1000 / STREAM) as f64 * (1.0 - DECODER as f64 / STREAM as f64);
        let worst = percentile(&lags, 1.0);
        assert!(worst < left_behind + 250.0, "GOP of {gop}: {worst} ms behind the sound");
        assert_eq!(told(&sim), (1, 0), "GOP of {gop}");
        assert!(sim.first(|e| matches!(e, Event::Degraded)) < Some(Instant(11_600_000)), "GOP of {gop}");
    }
}

#[test]
fn when_it_can_again_it_is_in_time_again_and_says_so_once() {
    for b_frames in [false, true] {
        let mut sim = playing(StreamConfig { b_frames, ..baseline(60) }, DECODER);
        sim.run_ms(20_000);
        sim.decoders_are.software_decode_time = MS(8);
        sim.run_ms(3_000);
        let lags = lags(&mut sim, 27);
        assert!(percentile(&lags, 1.0) < 60.0, "{} ms behind", percentile(&lags, 1.0));
        assert_eq!(told(&sim), (1, 1));
    }
}

#[test]
fn one_that_keeps_up_with_little_to_spare_is_not_called_slow() {
    let mut sim = playing(baseline(60), 36);
    sim.run_ms(5_000);
    let at_the_start = sim.stats().frames_dropped;
    sim.run_ms(35_000);
    assert_eq!(told(&sim), (0, 0));
    assert_eq!(sim.stats().frames_dropped, at_the_start);
}

#[test]
fn a_lot_of_data_at_once_after_an_outage_is_no_slowness() {
    let mut sim = Sim::playing(
        400,
        feed::live_tags(&feed::looped("counter-av.flv", 16_000, 3), 1_500, 20).outage(4_000, 2_500),
    );
    sim.sound_on(48_000, 20);
    sim.run_ms(20_000);
    assert_eq!(told(&sim), (0, 0));
}
