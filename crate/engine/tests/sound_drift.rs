//! The encoder's clock and the sound card's, each a little wrong, for an hour.

use sailcast_media::Micros;
use sailcast_sim::{Chance, LinkModel, LiveServer, Sim, StreamConfig, percentile};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn hour(encoder_ppm: f64, card_ppm: i64) {
    let stream = StreamConfig { clock_ppm: encoder_ppm, ..StreamConfig::default() };
    let mut sim = Sim::playing(
        400,
        LiveServer { stream, link: LinkModel::default(), chance: Chance(1), offset: Micros::ZERO },
    );
    sim.sound_divisor = 16;
    sim.sound_on(48_000 / 16, 20);
    sim.sound_drifts(card_ppm);
    sim.run_ms(20_000);
    let mut offsets = Vec::new();
    for minute in 0..60 {
        let from = sim.now;
        sim.forget();
        sim.run_ms(60_000);
        offsets.extend(sim.av_offsets_ms(from).iter().map(|o| o.abs()));
        let stats = sim.stats();
        let off = stats.latency - stats.target_latency;
        assert!(off.abs() < MS(200), "minute {minute}: {off:?} from the target");
    }
    let stats = sim.stats();
    let what = format!("encoder {encoder_ppm} ppm, card {card_ppm} ppm: {:?}", stats.sound);
    assert!(offsets.len() > 50_000, "{what}: {} measurements", offsets.len());
    let worst = percentile(&offsets, 0.95);
    assert!(worst < 40.0, "{what}: {worst:.1} ms");
    assert_eq!((stats.stalls, stats.skips, stats.sound.underruns), (0, 0, 0), "{what}");
    assert_eq!(stats.sound.silence_filled, Micros::ZERO, "{what}");
}

#[test]
fn an_encoder_that_runs_fast_and_a_card_that_runs_slow() {
    hour(200.0, -200);
}

#[test]
fn an_encoder_that_runs_slow_and_a_card_that_runs_fast() {
    hour(-200.0, 200);
}
