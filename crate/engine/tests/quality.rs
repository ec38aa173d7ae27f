//! Quality as the whole player tells it: of a clean stream, of an outage, of a connection that is lost.

use sailcast_engine::{
    Input, IoError, IoEvent,
    quality::{Quality, StallCause},
};
use sailcast_media::Micros;
use sailcast_sim::{Sim, feed, feed::Network};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn played(network: impl Into<Vec<Network>>, ms: i64) -> Sim {
    let mut sim = Sim::playing(400, network.into());
    sim.sound_on(48_000, 20);
    sim.run_ms(ms);
    sim
}

fn quality(sim: &Sim) -> Quality {
    sim.player.quality(sim.now).expect("a load")
}

#[test]
fn a_clean_stream_has_no_stall_and_the_latency_that_was_asked_for() {
    let sim = played([feed::live("counter-av.flv", 2_000, 50)], 8_000);
    let quality = quality(&sim);
    assert_eq!(quality.stalls.count, 0);
    assert_eq!(quality.stall_ratio(), 0.0);
    assert!(quality.played > MS(7_000), "{:?}", quality.played);
    let p50 = quality.latency.p50.expect("samples");
    assert!((p50 - MS(400)).abs() < MS(80), "{p50:?}");
    for fps in [quality.rates.received_fps, quality.rates.decoded_fps, quality.rates.shown_fps] {
        assert!((fps.expect("a rate") - 30.0).abs() < 1.5, "{:?}", quality.rates);
    }
    assert!(quality.rates.bitrate.expect("a rate") > 50_000.0);
    assert!(quality.video.is_some_and(|codec| codec.starts_with("avc1.")));
    assert_eq!(quality.audio.as_deref(), Some("mp4a.40.2"));

    let start = quality.start_up;
    let steps = [
        start.connected,
        start.first_byte,
        start.first_tag,
        start.first_keyframe,
        start.decoded,
        start.shown,
    ];
    assert!(steps.iter().all(Option::is_some), "{start:?}");
    assert!(steps.is_sorted(), "{start:?}");
}

#[test]
fn an_outage_is_one_silent_stall_of_its_length() {
    let sim = played([feed::live("counter-av.flv", 2_000, 20).outage(3_000, 2_000)], 8_000);
    let stalls = quality(&sim).stalls;
    assert_eq!(stalls.count, 1);
    let stall = stalls.recent[0];
    assert_eq!(stall.cause, StallCause::Silent);
    // 2 s of silence, of which the buffer bridges 0.4 s.
    assert!((stall.length - MS(1_600)).abs() < MS(300), "{stall:?}");
    assert_eq!(stalls.histogram, [0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(stalls.count, sim.stats().stalls);
    assert!((stalls.total - sim.stats().stalled).abs() < MS(50), "{:?}", sim.stats().stalled);
}

#[test]
fn a_stall_in_which_nothing_happens_counts_whole() {
    let sim = played([feed::live("counter-av.flv", 2_000, 20).outage(3_000, 4_500)], 9_000);
    let stalls = quality(&sim).stalls;
    assert_eq!(stalls.count, 1);
    assert!((stalls.total - MS(4_100)).abs() < MS(300), "{stalls:?}");
    assert!((stalls.total - sim.stats().stalled).abs() < MS(50), "{:?}", sim.stats().stalled);
}

#[test]
fn a_lost_connection_is_told_by_its_reason() {
    let mut first = feed::live("counter-av.flv", 2_000, 20);
    first.deliveries.truncate(100);
    let servers = [first.then(IoEvent::Failed(IoError::Lost)), feed::live("counter-av.flv", 4_500, 20)];
    let sim = played(servers, 7_000);
    let quality = quality(&sim);
    assert_eq!(quality.reconnects, [("lost", 1)]);
    assert!(
        quality.stalls.recent.iter().all(|stall| stall.cause == StallCause::Lost),
        "{:?}",
        quality.stalls
    );
    let logged: Vec<_> = sim.player.log().entries().map(|entry| entry.what.name()).collect();
    for name in ["load", "open", "connected", "track", "firstframe", "lost", "reconnecting", "reconnected"] {
        assert!(logged.contains(&name), "{name} in {logged:?}");
    }
    assert_eq!(logged.iter().filter(|name| **name == "open").count(), 2);
}

#[test]
fn a_pause_counts_for_nothing() {
    let mut sim = played([feed::live("counter-av.flv", 2_000, 20)], 3_000);
    let before = quality(&sim).played;
    sim.input(Input::Pause);
    sim.run_ms(5_000);
    assert_eq!(quality(&sim).played, before);
    sim.input(Input::Play);
    sim.run_ms(1_000);
    let after = quality(&sim);
    assert!(after.played > before + MS(800), "{:?}", after.played);
    assert_eq!(after.stalls.count, 0);
}
