//! Sound that is late, interrupted, short or off pace: the picture goes on, and the sound comes back in step.

use sailcast_engine::{Instant, IoEvent, State};
use sailcast_media::Micros;
use sailcast_sim::{
    Sim,
    feed::{self, Network},
    percentile,
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const AUDIO_TAG: u8 = 8;

/// A player of this stream, with sound.
fn playing(target_ms: i64, network: Network) -> Sim {
    let mut sim = Sim::playing(target_ms, network);
    sim.sound_on(48_000, 20);
    sim
}

/// Plays on for so long, and all of it is heard with the picture that belongs to it.
fn assert_in_step(sim: &mut Sim, ms: i64) {
    let from = sim.now;
    sim.run_ms(ms);
    let offsets: Vec<f64> = sim.av_offsets_ms(from).iter().map(|o| o.abs()).collect();
    assert!(offsets.len() > 20, "too few measurements: {}", offsets.len());
    let worst = percentile(&offsets, 0.95);
    assert!(worst < 40.0, "sound and picture are {worst} ms apart");
}

/// Turns of the sound card without sound, after `from`.
fn silent(sim: &Sim, from: Instant) -> usize {
    sim.heard.iter().filter(|(at, media)| *at > from && *at < sim.now && media.is_none()).count()
}

/// The stream with its sound packets changed: when each is delivered, or not at all.
fn with_sound(mut network: Network, change: impl Fn(Micros) -> Option<Micros>) -> Network {
    network.deliveries = std::mem::take(&mut network.deliveries)
        .into_iter()
        .filter_map(|(at, event)| match &event {
            IoEvent::Bytes(bytes) if bytes.first() == Some(&AUDIO_TAG) => Some((change(at)?, event)),
            _ => Some((at, event)),
        })
        .collect();
    network.deliveries.sort_by_key(|(at, _)| *at);
    network
}

/// Longest time between two pictures after `from`.
#[test]
fn a_ring_that_runs_dry_neither_holds_nor_pulls_back_the_picture() {
    let mut sim = playing(400, feed::live("counter-av.flv", 2_500, 50));
    sim.run_ms(3_000);
    let (from, before) = (sim.now, sim.stats());
    for _ in 0..4 {
        sim.block(MS(160));
        sim.run_ms(1_000);
    }
    let after = sim.stats();
    let off = (after.position - before.position) - (sim.now - from);
    // What little the joins are off by, the clock takes over.
    assert!(off.abs() < MS(35), "the playhead went {off:?} from its pace");
    assert!(after.sound.underruns >= 1, "{:?}", after.sound);
    assert_eq!((after.stalls, after.skips), (before.stalls, before.skips));
    let from = sim.now;
    assert_in_step(&mut sim, 2_000);
    assert_eq!(silent(&sim, from), 0);
}

#[test]
fn after_an_underrun_the_sound_is_back_in_step_at_once() {
    let mut sim = playing(400, feed::live("counter-av.flv", 2_500, 50));
    sim.run_ms(3_000);
    sim.block(MS(250));
    sim.run_ms(100);
    assert_in_step(&mut sim, 1_500);
}

#[test]
fn an_output_that_stood_still_is_caught_up_with() {
    let mut sim = playing(500, feed::live("counter-av.flv", 2_500, 50));
    sim.run_ms(3_000);
    sim.sleep(MS(120));
    sim.run_ms(1_500);
    assert_in_step(&mut sim, 3_000);
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn sound_packets_that_come_too_late_are_left_out() {
    // From 3 to 4.8 s all sound is held up; then it comes at once.
    let late = |at: Micros| Some(if at > MS(3_000) && at < MS(4_800) { MS(4_800) } else { at });
    let network = with_sound(feed::live("counter-av.flv", 2_500, 50), late);
    let mut sim = playing(300, network);
    sim.run_ms(3_000);
    let from = sim.now;
    sim.run_ms(3_500);
    let stats = sim.stats();
    assert!(sim.longest_still(from) < MS(120), "{:?}", sim.longest_still(from));
    assert!(stats.sound.dropped > 20, "{:?}", stats.sound);
    assert_eq!(stats.stalls, 0);
    let from = sim.now;
    assert_in_step(&mut sim, 3_000);
    assert_eq!(silent(&sim, from), 0);
}

#[test]
fn a_gap_in_the_sound_is_silence_of_its_length() {
    for gap in [60, 300, 900, 2_500] {
        let kept = |at: Micros| (at < MS(3_000) || at >= MS(3_000 + gap)).then_some(at);
        let network = with_sound(feed::live("counter-av.flv", 2_500, 50), kept);
        let mut sim = playing(300, network);
        sim.run_ms(3_000);
        let from = sim.now;
        sim.run_ms(gap + 1_500);
        let stats = sim.stats();
        let off = stats.sound.silence_filled - MS(gap);
        assert!(off.abs() < MS(50), "{gap} ms: {:?}", stats.sound);
        assert_eq!(stats.sound.underruns, 0, "{gap} ms: {:?}", stats.sound);
        assert!(sim.longest_still(from) < MS(120), "{gap} ms: {:?}", sim.longest_still(from));
        assert_in_step(&mut sim, 2_000);
    }
}

#[test]
fn sound_that_ends_or_never_comes_does_not_hold_the_picture() {
    for until in [0, 3_000] {
        let kept = |at: Micros| (at < MS(until)).then_some(at);
        let network = with_sound(feed::live("counter-av.flv", 2_500, 50), kept);
        let mut sim = playing(300, network);
        sim.run_ms(5_000);
        let from = sim.now;
        sim.run_ms(3_000);
        assert_eq!(sim.state(), State::Playing);
        assert!(sim.longest_still(from) < MS(60), "{until}: {:?}", sim.longest_still(from));
        assert!(sim.stats().latency < MS(500), "{until}: {:?}", sim.stats().latency);
    }
}

#[test]
fn a_picture_that_ends_does_not_hold_the_sound() {
    let mut network = feed::live("counter-av.flv", 2_500, 50);
    network.deliveries.retain(
        |(at, event)| !matches!(event, IoEvent::Bytes(b) if *at > MS(3_000) && b.first() == Some(&9)),
    );
    let mut sim = playing(300, network);
    sim.run_ms(5_000);
    let from = sim.now;
    sim.run_ms(3_000);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(silent(&sim, from), 0);
}

#[test]
fn a_punctual_worker_lets_the_sound_be_near() {
    let mut sim = playing(50, feed::live("counter-av.flv", 1_000, 50));
    sim.run_ms(8_000);
    let from = sim.now;
    sim.run_ms(5_000);
    assert!(sim.stats().target_latency <= MS(70), "{:?}", sim.stats().target_latency);
    assert_eq!(silent(&sim, from), 0);
    assert_eq!(sim.stats().sound.underruns, 0);
}

#[test]
fn a_worker_that_is_often_late_gets_a_deeper_ring_and_then_no_more_underruns() {
    let mut sim = playing(400, feed::live("counter-av.flv", 500, 50));
    for _ in 0..20 {
        sim.run_ms(200);
        sim.block(MS(70));
    }
    let before = sim.stats().sound.underruns;
    for _ in 0..20 {
        sim.run_ms(200);
        sim.block(MS(70));
    }
    assert_eq!(sim.stats().sound.underruns, before);
    assert!(before <= 4, "{before}");
}

#[test]
fn an_output_slower_than_the_target_is_heard_after_some_seconds_of_slower_playback() {
    let mut sim = Sim::playing(100, feed::live("counter-av.flv", 1_000, 50));
    sim.sound_on(48_000, 10);
    sim.run_ms(3_000);
    sim.sound_off();
    let from = sim.now;
    sim.sound_on(48_000, 250);
    sim.run_ms(6_000);
    assert!(sim.longest_still(from) < MS(60), "{:?}", sim.longest_still(from));
    let from = sim.now;
    assert_in_step(&mut sim, 3_000);
    assert_eq!(silent(&sim, from), 0);
}
