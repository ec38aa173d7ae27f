//! A decoder that says what it leaves out goes on at the next keyframe, and nobody takes it for broken.

use sailcast_engine::{DecoderChoice, ErrorCode, State, io::DecoderPath};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::{Sim, Trouble, choosing, feed};

const MS: fn(i64) -> Micros = Micros::from_millis;

fn playing() -> Sim {
    let network = feed::live_tags(&feed::looped("counter-av.flv", 16_000, 3), 1_500, 20);
    let mut sim = Sim::playing_with(choosing(DecoderChoice::Wasm, 400), network);
    sim.sound_on(48_000, 20);
    sim
}

#[test]
fn damage_costs_the_rest_of_its_gop_and_no_decoder() {
    let mut sim = playing();
    sim.run_ms(3_000);
    let (made, shown) = (sim.decoders_are.asked.len(), sim.shown.len());
    let from = sim.now;
    // As the H.264 module does: nothing until the next keyframe.
    sim.decoders_are.trouble = Box::new(move |asked| match asked.packet {
        Some(packet) if asked.kind == MediaKind::Video && !packet.keyframe && packet.pts.0 < 6_000_000 => {
            Trouble::LeaveOut
        }
        _ => Trouble::None,
    });
    sim.run_ms(6_000);
    assert_eq!(sim.decoders_are.asked.len(), made, "the same decoder all along");
    assert_eq!(sim.stats().video_decoder, Some(DecoderPath::Wasm));
    let held = sim.shown.windows(2).map(|w| w[1].0 - w[0].0).max();
    assert!(held.is_some_and(|held| held > MS(500) && held < MS(2_200)), "{held:?}");
    assert!(sim.shown.len() - shown > 60, "pictures again");
    let errors: Vec<_> = sim.errors().iter().map(|e| (e.code, e.fatal)).collect();
    assert!(errors.iter().all(|error| *error == (ErrorCode::DataDamaged, false)) && !errors.is_empty());
    assert!(sim.heard.iter().filter(|(at, _)| *at > from).all(|(_, media)| media.is_some()));
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn a_decoder_that_leaves_out_everything_has_failed() {
    let mut sim = playing();
    sim.decoders_are.trouble =
        Box::new(|asked| match asked.kind == MediaKind::Video && asked.packet.is_some() {
            true => Trouble::LeaveOut,
            false => Trouble::None,
        });
    sim.run_ms(9_000);
    let last = sim.errors().last().map(|e| (e.code, e.fatal));
    assert_eq!(last, Some((ErrorCode::VideoDecoderFailed, false)));
    assert_eq!(sim.state(), State::Playing, "the sound goes on");
}
