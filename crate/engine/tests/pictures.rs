//! Video that comes and shows nothing is found out, while the sound plays; a stream that has no video any more is not.

use sailcast_engine::{
    DecoderChoice, ErrorCode, Event, Input, Instant, IoError, IoEvent, Load, Reason, State,
};
use sailcast_media::{
    Micros,
    flv::{
        TagClass,
        tag::{Tag, TagKind},
    },
};
use sailcast_sim::{Sim, choosing, feed, feed::Network, load};

const MS: fn(i64) -> Micros = Micros::from_millis;
const STREAM: &str = "counter-av.flv";
const LENGTH_MS: u32 = 16_000;

/// A long stream, of which each connection leaves some tags out.
fn stream(kept: impl Fn(&Tag) -> bool) -> Vec<Tag> {
    let mut tags = feed::looped(STREAM, LENGTH_MS, 5);
    tags.retain(kept);
    tags
}

fn no_keyframe(tag: &Tag) -> bool {
    tag.class() != TagClass::Keyframe
}

fn no_video(tag: &Tag) -> bool {
    tag.kind != TagKind::Video
}

/// The whole stream, joined at `from_ms`, for `seconds`, and then a break.
fn good(from_ms: u32, seconds: i64) -> Network {
    let mut network = feed::live_tags(&stream(|_| true), from_ms, 20);
    network.deliveries.retain(|(at, _)| *at < Micros::from_secs(seconds));
    network.then(IoEvent::Failed(IoError::Lost))
}

fn playing(servers: Vec<Network>) -> Sim {
    let mut sim = Sim::playing(400, servers);
    sim.sound_on(48_000, 20);
    sim
}

fn reasons(sim: &Sim) -> Vec<Reason> {
    let reason = |(_, e): &(Instant, Event)| match e {
        Event::Reconnecting { reason, .. } => Some(*reason),
        _ => None,
    };
    sim.events.iter().filter_map(reason).collect()
}

fn is_heard(sim: &Sim) -> bool {
    sim.heard.iter().rev().take(20).all(|(_, media)| media.is_some())
}

fn last_shown(sim: &Sim) -> Micros {
    sim.now - sim.shown.last().expect("pictures").0
}

#[test]
fn a_connection_with_sound_and_never_a_keyframe_is_replaced_while_the_sound_plays() {
    let barren = feed::live_tags(&stream(no_keyframe), 6_000, 20);
    let mut sim = playing(vec![good(2_000, 3), barren, good(16_500, 30)]);
    sim.run_ms(12_500);
    assert_eq!(reasons(&sim), [Reason::Lost], "not before its time");
    assert!(last_shown(&sim) > MS(8_000) && is_heard(&sim), "sound without pictures");
    sim.run_ms(2_500);
    assert_eq!(reasons(&sim), [Reason::Lost, Reason::NoPictures]);
    assert_eq!(sim.state(), State::Playing);
    assert!(last_shown(&sim) < MS(100), "the picture moves again");
    assert!(is_heard(&sim));
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
}

#[test]
fn a_stream_that_loses_its_keyframes_is_asked_for_anew() {
    let lost = |tag: &Tag| tag.timestamp < 4_000 || no_keyframe(tag) || tag.timestamp > 60_000;
    // The damage that makes them undecodable comes with the first loss.
    let mut network = feed::live_tags(&stream(lost), 2_000, 20);
    let (_, IoEvent::Bytes(chunk)) = &mut network.deliveries[150] else { panic!("bytes") };
    *chunk = vec![0xa5; chunk.len()].into();
    let mut sim = playing(vec![network, good(16_500, 30)]);
    sim.run_ms(15_000);
    assert_eq!(reasons(&sim), [Reason::NoPictures]);
    assert!(last_shown(&sim) < MS(100), "the picture moves again");
}

#[test]
fn video_without_its_configuration_is_replaced() {
    let bare = |tag: &Tag| tag.class() != TagClass::VideoConfig;
    let mut sim = playing(vec![good(2_000, 3), feed::live_tags(&stream(bare), 6_000, 20), good(16_500, 30)]);
    sim.run_ms(15_500);
    assert_eq!(reasons(&sim), [Reason::Lost, Reason::NoPictures]);
    assert!(last_shown(&sim) < MS(100), "the picture moves again");
}

#[test]
fn another_line_is_asked_for_the_pictures_that_one_does_not_bring() {
    let barren = feed::live_tags(&stream(no_keyframe), 6_000, 20);
    let mut sim = Sim::new(
        400,
        vec![("one", vec![good(2_000, 3)]), ("two", vec![barren]), ("three", vec![good(16_500, 30)])],
    );
    let lines = ["one", "two", "three"].map(|host| format!("http://{host}/s.flv")).to_vec();
    sim.input(Input::Load(Load { lines, resolve: false, ..Load::default() }));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(15_000);
    let urls: Vec<&str> = sim.requests.iter().map(|(_, url)| url.as_str()).collect();
    assert_eq!(urls, ["http://one/s.flv", "http://two/s.flv", "http://three/s.flv"]);
    assert!(last_shown(&sim) < MS(100));
}

#[test]
fn a_stream_that_turns_into_sound_alone_plays_on() {
    let mut sim = playing(vec![good(2_000, 3), feed::live_tags(&stream(no_video), 5_000, 20)]);
    sim.run_ms(50_000);
    assert_eq!(reasons(&sim), [Reason::Lost]);
    assert_eq!(sim.state(), State::Playing);
    assert!(is_heard(&sim));
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
}

#[test]
fn pictures_that_pause_and_come_back_cost_no_connection() {
    // Off for 20 s, and back in the middle of a GOP.
    let muted = |tag: &Tag| no_video(tag) || tag.timestamp < 6_000 || tag.timestamp > 26_500;
    let mut sim = playing(vec![feed::live_tags(&stream(muted), 2_000, 20)]);
    sim.run_ms(40_000);
    assert!(reasons(&sim).is_empty(), "{:?}", reasons(&sim));
    assert!(last_shown(&sim) < MS(100));
}

#[test]
fn out_of_sight_and_paused_no_picture_is_missed() {
    let mut sim = playing(vec![feed::live_tags(&stream(|_| true), 2_000, 20)]);
    sim.run_ms(1_000);
    sim.input(Input::Visible(false));
    sim.run_ms(15_000);
    sim.input(Input::Visible(true));
    sim.run_ms(1_000);
    sim.input(Input::Pause);
    sim.run_ms(15_000);
    sim.input(Input::Play);
    sim.run_ms(1_000);
    assert!(reasons(&sim).is_empty(), "{:?}", reasons(&sim));
    assert!(last_shown(&sim) < MS(100));
}

#[test]
fn what_no_try_brings_back_is_an_error_at_last() {
    let barren = feed::live_tags(&stream(no_keyframe), 2_000, 20);
    let mut sim = playing(vec![good(2_000, 3), barren]);
    sim.run_ms(300_000);
    let errors: Vec<_> = sim.errors().iter().map(|e| (e.code, e.fatal)).collect();
    assert_eq!(errors, [(ErrorCode::NoKeyframe, true)]);
    assert!(reasons(&sim).len() <= 15, "{:?}", reasons(&sim));
}

#[test]
fn a_decoder_that_takes_packets_and_gives_nothing_is_made_anew_and_then_tried_on_another_connection() {
    let servers = vec![good(2_000, 60), good(17_000, 60)];
    let mut sim = Sim::playing_with(choosing(DecoderChoice::WebCodecs, 400), servers);
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    let decoders = sim.decoders_made();
    sim.video_swallowed = true;
    while reasons(&sim).is_empty() {
        sim.run_ms(100);
        assert!(sim.now < Instant(20_000_000), "nothing notices");
    }
    assert!(sim.decoders_made() >= decoders + 2, "made anew {} times", sim.decoders_made() - decoders);
    assert!(is_heard(&sim), "the sound does not mind");
    sim.video_swallowed = false;
    sim.run_ms(2_500);
    assert!(last_shown(&sim) < MS(100), "the picture is back");
    assert!(sim.errors().iter().all(|e| !e.fatal), "{:?}", sim.errors());
}

#[test]
fn at_the_start_another_line_is_asked_before_there_is_an_error() {
    let only_video = |tag: &Tag| tag.kind == TagKind::Video && no_keyframe(tag);
    let barren = feed::live_tags(&stream(only_video), 2_000, 20);
    let mut sim = Sim::new(400, vec![("one", barren), ("two", good(14_000, 30))]);
    let lines = ["one", "two"].map(|host| format!("http://{host}/s.flv")).to_vec();
    sim.input(Input::Load(Load { lines, resolve: false, ..Load::default() }));
    sim.input(Input::Play);
    sim.run_ms(11_500);
    assert_eq!(reasons(&sim), [Reason::NoPictures]);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
    sim.serve(good(2_000, 30));
    sim.input(load("http://live/again.flv"));
    sim.run_ms(500);
    assert_eq!(sim.state(), State::Playing);
}
