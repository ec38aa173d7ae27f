//! Picture and sound together.

use sailcast_engine::{Event, Instant, IoEvent, State};
use sailcast_media::Micros;
use sailcast_sim::{Sim, feed, percentile};

fn worst_offset(sim: &Sim, after_ms: i64) -> f64 {
    let offsets: Vec<f64> = sim
        .av_offsets_ms(Instant(1_000_000) + Micros::from_millis(after_ms))
        .iter()
        .map(|o| o.abs())
        .collect();
    assert!(offsets.len() > 50, "too few measurements: {}", offsets.len());
    percentile(&offsets, 0.95)
}

#[test]
fn sound_and_picture_stay_within_40_ms() {
    for card_latency in [5, 60] {
        let mut sim = Sim::playing(400, feed::live("counter-av.flv", 5_500, 50));
        sim.sound_on(48_000, card_latency);
        sim.run_ms(8_000);
        let worst = worst_offset(&sim, 1_000);
        assert!(worst < 40.0, "card {card_latency} ms: {worst:.1} ms");
    }
}

#[test]
fn sound_switched_on_later_joins_in_sync() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 5_500, 50));
    sim.run_ms(3_000);
    sim.sound_on(48_000, 30);
    sim.run_ms(4_000);
    assert!(worst_offset(&sim, 3_500) < 40.0);
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn sound_switched_off_does_not_hold_the_picture() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 5_500, 50));
    sim.sound_on(48_000, 30);
    sim.run_ms(3_000);
    sim.sound_off();
    let before = sim.shown.len();
    sim.run_ms(2_000);
    assert!(sim.shown.len() - before > 55);
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn an_output_at_another_rate_than_the_streams_is_in_sync_too() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 5_500, 50));
    sim.sound_on(44_100, 20);
    sim.run_ms(8_000);
    let worst = worst_offset(&sim, 1_500);
    assert!(worst < 40.0, "{worst:.1} ms");
}

#[test]
fn sync_holds_while_catching_up() {
    // Half a second of nothing leaves the player behind; it works that off by rate.
    let network = feed::live("counter-av.flv", 2_500, 50).outage(2_000, 900);
    let mut sim = Sim::playing(400, network);
    sim.sound_on(48_000, 20);
    sim.run_ms(12_000);
    let worst = worst_offset(&sim, 4_000);
    assert!(worst < 40.0, "{worst:.1} ms");
}

#[test]
fn sound_is_whole_whatever_the_output_and_the_target() {
    for card_latency in [5, 60, 250] {
        for target in [50, 150, 400] {
            let mut sim = Sim::playing(target, feed::live("counter-av.flv", 3_000, 50));
            sim.sound_on(48_000, card_latency);
            sim.run_ms(2_500);
            let from = sim.now;
            sim.run_ms(5_000);
            let quanta: Vec<_> = sim.heard.iter().filter(|(at, _)| *at > from && *at < sim.now).collect();
            let silent = quanta.iter().filter(|(_, m)| m.is_none()).count();
            assert_eq!(
                silent,
                0,
                "output {card_latency} ms, target {target} ms: {silent} of {}",
                quanta.len()
            );
            assert_eq!(sim.stats().stalls, 0, "output {card_latency} ms, target {target} ms");
        }
    }
}

#[test]
fn a_picture_that_always_comes_a_second_after_the_sound_does_not_make_the_rate_restless() {
    for behind in [980, 1_020] {
        let mut network = feed::live_tags(&feed::looped("counter-av.flv", 16_000, 4), 2_000, 20);
        for (at, event) in &mut network.deliveries {
            if matches!(event, IoEvent::Bytes(bytes) if bytes.first() == Some(&9)) {
                let wobble = if (at.0 / 700_000) % 2 == 0 { 0 } else { 60 };
                *at += Micros::from_millis(behind + wobble);
            }
        }
        network.deliveries.sort_by_key(|(at, _)| *at);
        let mut sim = Sim::playing(400, network);
        sim.sound_on(48_000, 20);
        sim.run_ms(40_000);
        let rates = sim.count(|e| matches!(e, Event::RateChange { .. }));
        assert!(rates < 12, "{behind} ms: {rates} changes of the rate");
        assert_eq!((sim.stats().skips, sim.stats().stalls), (0, 0));
    }
}
