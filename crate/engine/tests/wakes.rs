//! How often the engine's timer goes off: each time costs a turn of the browser's event loop, in every player of a page.

use sailcast_engine::{Input, IoEvent, State};
use sailcast_media::{Micros, flv::tag::TagKind};
use sailcast_sim::{Sim, feed, feed::Network};

fn stream(kept: impl Fn(TagKind, u32) -> bool) -> Network {
    let mut tags = feed::looped("counter-av.flv", 16_000, 4);
    tags.retain(|tag| kept(tag.kind, tag.timestamp));
    feed::live_tags(&tags, 2_000, 20)
}

fn playing(network: impl Into<Vec<Network>>) -> Sim {
    let mut sim = Sim::playing(400, network.into());
    sim.sound_on(48_000, 20);
    sim.run_ms(3_000);
    sim
}

/// Turns a second, over the next few.
fn turns(sim: &mut Sim, seconds: i64) -> u64 {
    let before = sim.timer_turns;
    sim.run_ms(seconds * 1000);
    (sim.timer_turns - before) / seconds as u64
}

#[test]
fn while_it_plays_each_picture_and_each_piece_of_sound_has_one() {
    let mut sim = playing([stream(|_, _| true)]);
    let all = turns(&mut sim, 5);
    assert!(all <= 70, "30 pictures, 10 looks at the latency, and some for the sound: {all} a second");
    sim.sound_off();
    let silent = turns(&mut sim, 5);
    assert!(silent <= 45, "{silent} a second without sound");
    sim.input(Input::Visible(false));
    let unseen = turns(&mut sim, 5);
    assert!(unseen <= 15, "{unseen} a second with nothing to see or hear");
    sim.input(Input::Pause);
    assert_eq!(turns(&mut sim, 5), 0, "nothing is due in a pause");
}

#[test]
fn a_stall_waits_for_data_and_not_for_time() {
    let mut network = stream(|_, _| true);
    network.deliveries.retain(|(at, _)| *at < Micros::from_secs(2));
    let mut sim = playing([network, Network { deliveries: vec![] }]);
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Waiting);
    assert!(turns(&mut sim, 8) <= 2);
}

#[test]
fn sound_that_is_far_ahead_is_waited_for_at_rest() {
    // Sound that pauses for 8 s and is here again 3 s before it is due.
    let paused = stream(|kind, at| kind != TagKind::Audio || !(4_000..12_000).contains(&at));
    let mut sim = Sim::playing(3_000, paused);
    sim.sound_on(48_000, 20);
    sim.run_ms(9_000);
    let most = (0..8).map(|_| turns(&mut sim, 1)).max().expect("seconds");
    assert!(most <= 100, "{most} a second");
}

#[test]
fn an_output_that_stands_still_gets_no_more_and_costs_nothing() {
    let mut sim = playing([stream(|_, _| true)]);
    sim.card_stands = true;
    sim.run_ms(1_000);
    let (written, underruns) = (sim.ring_level(), sim.stats().sound.underruns);
    let all = turns(&mut sim, 10);
    assert!(all <= 45, "{all} a second");
    assert_eq!(sim.ring_level(), written, "what it has is enough");
    assert!(underruns <= 1 && sim.stats().sound.underruns == underruns, "standing is no underrun");
    sim.card_stands = false;
    sim.run_ms(1_000);
    let from = sim.now;
    sim.run_ms(2_000);
    assert!(
        sim.heard.iter().filter(|(at, _)| *at > from).all(|(_, media)| media.is_some()),
        "it is heard again"
    );
    let worst = sim.av_offsets_ms(from).into_iter().map(f64::abs).fold(0.0, f64::max);
    assert!(worst < 60.0, "{worst} ms from the picture");
}

#[test]
fn an_end_is_the_end() {
    let mut network = stream(|_, _| true);
    network.deliveries.retain(|(at, _)| *at < Micros::from_secs(2));
    let mut sim = playing([network.then(IoEvent::End)]);
    assert_eq!(sim.state(), State::Ended);
    assert_eq!(turns(&mut sim, 5), 0);
}
