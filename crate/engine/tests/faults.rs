//! Every fault gives one typed error and leaves a player that can load again.

use bytes::Bytes;
use sailcast_engine::{DecoderPath, ErrorCode, Event, IoError, IoEvent, Response, State};
use sailcast_media::{MediaKind, Micros, flv::TagClass};
use sailcast_sim::{Sim, feed, feed::Network, load};

fn expect_one(network: Network, ms: i64, code: ErrorCode) -> Sim {
    let mut sim = Sim::playing(400, network);
    sim.sound_on(48_000, 20);
    sim.run_ms(ms);
    let errors = sim.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].code, code);
    assert!(errors[0].fatal);
    assert_eq!(sim.state(), State::Failed);
    assert_eq!(sim.outstanding_frames(), 0, "every frame is given back");
    assert_eq!(sim.open_decoders(), 0);
    sim.serve(feed::live("counter-av.flv", 3_000, 20));
    sim.input(load("http://live/good.flv"));
    sim.run_ms(2_000);
    assert_eq!(sim.state(), State::Playing, "the same player plays again");
    sim
}

#[test]
fn http_status() {
    let sim = expect_one(
        Network::only(vec![IoEvent::Opened(Response::new(404, true))]),
        1_000,
        ErrorCode::HttpStatus,
    );
    assert!(sim.errors()[0].to_string().contains("404"));
}

#[test]
fn a_server_that_fails_from_the_start_is_asked_as_often_whatever_it_is_to_give() {
    let fails = || Network::only(vec![IoEvent::Opened(Response::new(503, true))]);
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0.m3u8\n";
    let opened = IoEvent::Opened(Response::new(200, true));
    let list = Network::only(vec![opened, IoEvent::Bytes(master.into()), IoEvent::End]);
    let servers = vec![("master", list), ("http://", fails())];
    for name in ["live.flv", "film.mp4", "live.m3u8", "master.m3u8"] {
        let mut sim = Sim::playing(400, servers.clone());
        sim.input(load(&format!("http://live/{name}")));
        let begin = sim.now;
        while sim.state() != State::Failed && sim.now - begin < Micros::from_secs(20) {
            sim.run_ms(100);
        }
        let took = (sim.now - begin).as_secs_f64();
        // The playlist within the first one is asked for twice each time.
        assert!((1.7..if name == "master.m3u8" { 6.0 } else { 3.8 }).contains(&took), "{name}: {took} s");
        assert_eq!(sim.count(|e| matches!(e, Event::Reconnecting { .. })), 3, "{name}");
        assert_eq!(sim.errors().last().expect("an error").code, ErrorCode::HttpStatus, "{name}");
    }
}

#[test]
fn refused_connection() {
    let sim = expect_one(Network::refused(), 6_000, ErrorCode::ConnectionFailed);
    assert_eq!(sim.count(|e| matches!(e, Event::Reconnecting { .. })), 3);
}

#[test]
fn no_answer_at_all() {
    expect_one(Network { deliveries: vec![] }, 22_000, ErrorCode::Timeout);
}

#[test]
fn an_open_connection_that_falls_silent() {
    let mut network = feed::live("counter-av.flv", 3_000, 20);
    network.deliveries.truncate(60);
    expect_one(network, 260_000, ErrorCode::Timeout);
}

#[test]
fn html_instead_of_flv() {
    let page = Bytes::from_static(b"<!doctype html><title>Not here</title>");
    let network =
        Network::only(vec![IoEvent::Opened(Response::new(200, true)), IoEvent::Bytes(page), IoEvent::End]);
    expect_one(network, 1_000, ErrorCode::FormatUnrecognised);
}

#[test]
fn a_stream_cut_inside_a_tag_is_reported_after_what_came_was_played() {
    let mut network = feed::live("counter-av.flv", 3_000, 20);
    network.deliveries.truncate(100);
    let Some((_, IoEvent::Bytes(last))) = network.deliveries.last_mut() else { panic!("bytes") };
    last.truncate(last.len() / 2);
    let network = network.then(IoEvent::End);
    let sim = expect_one(network, 150_000, ErrorCode::StreamTruncated);
    assert!(sim.shown.len() > 30);
}

#[test]
fn a_broken_connection() {
    let mut network = feed::live("counter-av.flv", 3_000, 20);
    network.deliveries.truncate(100);
    expect_one(network.then(IoEvent::Failed(IoError::Lost)), 150_000, ErrorCode::ConnectionLost);
}

#[test]
fn a_socket_closed_with_a_reason() {
    let closed = IoError::Closed { code: 4404, reason: "no such stream".into() };
    let network = Network::only(vec![IoEvent::Opened(Response::new(101, true)), IoEvent::Failed(closed)]);
    let sim = expect_one(network, 1_000, ErrorCode::SocketClosed);
    assert!(sim.errors()[0].to_string().contains("no such stream"));
}

#[test]
fn no_keyframe_ever() {
    let mut tags = feed::looped("video-only.flv", 8_000, 2);
    tags.retain(|t| t.class() != TagClass::Keyframe);
    expect_one(feed::live_tags(&tags, 500, 20), 12_000, ErrorCode::NoKeyframe);
}

#[test]
fn an_empty_answer() {
    expect_one(
        Network::only(vec![IoEvent::Opened(Response::new(200, true)), IoEvent::End]),
        1_000,
        ErrorCode::NoMedia,
    );
}

#[test]
fn a_url_of_an_unknown_scheme() {
    let mut sim = Sim::new(400, Network::refused());
    sim.input(load("rtmp://live/stream"));
    assert_eq!(sim.errors()[0].code, ErrorCode::UrlUnsupported);
    assert_eq!(sim.state(), State::Failed);
}

#[test]
fn damage_in_mid_stream_is_a_warning_and_the_picture_resumes_at_a_keyframe() {
    let mut network = feed::live("counter-av.flv", 3_000, 20);
    let (_, IoEvent::Bytes(chunk)) = &mut network.deliveries[40] else { panic!("bytes") };
    *chunk = Bytes::from(vec![0xa5; 700]);
    let mut sim = Sim::playing(400, network);
    sim.sound_on(48_000, 20);
    sim.run_ms(6_000);
    assert_eq!(sim.errors().len(), 1);
    assert_eq!(sim.errors()[0].code, ErrorCode::DataDamaged);
    assert!(!sim.errors()[0].fatal);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.count(|e| matches!(e, Event::Waiting)), 0);
}

#[test]
fn a_packet_the_decoder_refuses_costs_a_warning_and_not_the_sound() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 3_000, 20));
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim.fail_decoder(MediaKind::Audio);
    sim.fail_decoder(MediaKind::Video);
    sim.run_ms(4_000);
    assert!(sim.errors().iter().all(|e| e.code == ErrorCode::DataDamaged && !e.fatal), "{:?}", sim.errors());
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.heard.iter().rev().take(20).all(|(_, m)| m.is_some()), "sound is back");
    let last = sim.shown.last().expect("pictures").0;
    assert!(sim.now - last < Micros::from_millis(100), "the picture is back");
}

#[test]
fn a_video_decoder_that_never_works_is_one_fatal_error() {
    let mut sim = Sim::playing(400, feed::live("video-only.flv", 3_000, 20));
    sim.break_path(MediaKind::Video, DecoderPath::WebCodecs);
    sim.break_path(MediaKind::Video, DecoderPath::Wasm);
    sim.run_ms(3_100);
    assert_eq!(sim.errors().len(), 1);
    assert_eq!(sim.errors()[0].code, ErrorCode::VideoDecoderFailed);
    assert_eq!(sim.state(), State::Failed);
}

#[test]
fn an_audio_decoder_that_never_works_leaves_the_picture() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 3_000, 20));
    sim.audio_broken = true;
    sim.sound_on(48_000, 20);
    sim.run_ms(4_000);
    let last = sim.errors().last().map(|e| (e.code, e.fatal));
    assert_eq!(last, Some((ErrorCode::AudioDecoderFailed, false)));
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.shown.len() > 100);
}

#[test]
fn sound_alone_that_cannot_be_decoded_is_one_fatal_error() {
    let mut sim = Sim::playing(400, feed::live("audio-only.flv", 500, 20));
    sim.audio_broken = true;
    sim.sound_on(48_000, 20);
    sim.run_ms(5_000);
    let fatal: Vec<_> = sim.errors().into_iter().filter(|e| e.fatal).map(|e| e.code).collect();
    assert_eq!(fatal, [ErrorCode::AudioDecoderFailed]);
    assert_eq!(sim.state(), State::Failed);
}
