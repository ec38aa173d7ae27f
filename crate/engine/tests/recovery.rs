//! A connection that is lost comes back by itself: from where, when, how often, and what the viewer sees meanwhile.

use sailcast_engine::{
    DecoderChoice, ErrorCode, Event, Input, IoError, IoEvent, LatencyTarget, Load, Reason, Response, State,
};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::{Sim, choosing, config, feed, feed::Network, load};

const MS: fn(i64) -> Micros = Micros::from_millis;

/// The stream from `join_ms` on, until it breaks `after` deliveries later.
fn broken(join_ms: u32, after: usize, how: IoEvent) -> Network {
    let mut network = feed::live("counter-av.flv", join_ms, 20);
    network.deliveries.truncate(after);
    network.then(how)
}

fn playing(servers: Vec<Network>) -> Sim {
    let mut sim = Sim::playing(400, servers);
    sim.sound_on(48_000, 20);
    sim
}

fn reasons(sim: &Sim) -> Vec<(u32, Reason)> {
    sim.events
        .iter()
        .filter_map(|(_, e)| match e {
            Event::Reconnecting { attempt, reason, .. } => Some((*attempt, *reason)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_broken_connection_is_opened_again_and_the_picture_goes_on() {
    let mut sim = playing(vec![
        broken(2_000, 100, IoEvent::Failed(IoError::Lost)),
        feed::live("counter-av.flv", 4_000, 20),
    ]);
    sim.run_ms(6_000);
    assert_eq!(reasons(&sim), [(1, Reason::Lost)]);
    assert_eq!(sim.count(|e| matches!(e, Event::Reconnected { attempt: 1 })), 1);
    assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.stats().reconnects, 1);
    let longest = sim.shown.windows(2).map(|w| w[1].0 - w[0].0).max().expect("pictures");
    assert!(longest < MS(1_200), "the picture stood for {longest:?}");
    assert!(sim.shown.windows(2).all(|w| w[0].1 < w[1].1), "no picture is shown twice");
    assert!(sim.stats().latency < MS(700), "{:?}", sim.stats().latency);
}

#[test]
fn what_is_buffered_is_played_while_another_connection_is_opened() {
    let mut sim = Sim::playing(
        2_000,
        vec![broken(3_000, 100, IoEvent::Failed(IoError::Lost)), feed::live("counter-av.flv", 5_000, 20)],
    );
    sim.sound_on(48_000, 20);
    sim.run_ms(5_000);
    assert_eq!(sim.stats().stalls, 0, "two seconds of buffer cover a second without a connection");
    assert_eq!(sim.stats().reconnects, 1);
}

#[test]
fn another_line_takes_over_at_once() {
    let mut sim = Sim::new(
        400,
        vec![
            ("one", broken(2_000, 80, IoEvent::Failed(IoError::Lost))),
            ("two", feed::live("counter-av.flv", 3_500, 20)),
        ],
    );
    let lines = vec!["http://one/s.flv".to_owned(), "http://two/s.flv".to_owned()];
    sim.input(Input::Load(Load { lines, resolve: false, ..Load::default() }));
    sim.input(Input::Play);
    sim.run_ms(5_000);
    let urls: Vec<&str> = sim.requests.iter().map(|(_, url)| url.as_str()).collect();
    assert_eq!(urls, ["http://one/s.flv", "http://two/s.flv"]);
    assert_eq!(sim.state(), State::Playing);
    let stalled = sim.stats().stalled;
    assert!(stalled < MS(300), "{stalled:?}");
}

#[test]
fn the_page_is_asked_for_a_signed_address_of_each_further_try() {
    let mut sim = Sim::new(
        400,
        vec![
            broken(2_000, 60, IoEvent::Failed(IoError::Lost)),
            Network::refused(),
            feed::live("counter-av.flv", 4_000, 20),
        ],
    );
    sim.input(Input::Load(Load {
        lines: vec!["http://live/s.flv".into()],
        resolve: true,
        ..Load::default()
    }));
    sim.input(Input::Play);
    sim.run_ms(6_000);
    let asked: Vec<(u32, Reason)> = sim.resolved.iter().map(|r| (r.attempt, r.reason)).collect();
    assert_eq!(asked, [(1, Reason::Lost), (2, Reason::Refused)]);
    assert_eq!(sim.requests.last().map(|(_, url)| url.as_str()), Some("http://live/s.flv?attempt=2"));
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn a_page_without_an_address_is_one_documented_error() {
    let mut sim = Sim::new(400, vec![Network::refused()]);
    sim.input(Input::Load(Load {
        lines: vec!["http://live/s.flv".into()],
        resolve: true,
        ..Load::default()
    }));
    let mut asked = 0;
    for _ in 0..1_000 {
        sim.run_ms(10);
        if sim.resolved.len() > asked {
            asked = sim.resolved.len();
            let id = sim.resolving().expect("a question");
            sim.input(Input::Resolved(id, Err("signed out".into())));
        }
    }
    assert_eq!(sim.errors().last().map(|e| e.code), Some(ErrorCode::UrlUnresolved));
    assert!(sim.errors()[0].to_string().contains("signed out"));
}

#[test]
fn a_silent_connection_is_given_up_and_replaced() {
    let mut silent = feed::live("counter-av.flv", 2_000, 20);
    silent.deliveries.truncate(100);
    let mut sim = playing(vec![silent, feed::live("counter-av.flv", 9_000, 20)]);
    sim.run_ms(12_000);
    assert_eq!(reasons(&sim), [(1, Reason::Silent)]);
    assert_eq!(sim.cancelled.len(), 1, "the silent request is cancelled");
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.stats().stalls, 1);
}

#[test]
fn a_server_that_answers_with_an_error_in_mid_play_is_asked_again() {
    let gone = Network::only(vec![IoEvent::Opened(Response::new(404, true))]);
    let mut sim = playing(vec![
        broken(2_000, 80, IoEvent::End),
        gone.clone(),
        gone,
        feed::live("counter-av.flv", 5_000, 20),
    ]);
    // A live response does not say how long it is.
    sim.run_ms(9_000);
    assert_eq!(sim.state(), State::Ended, "a response with a length is whole: {:?}", reasons(&sim));

    let gone = Network::only(vec![IoEvent::Opened(Response::new(404, true))]);
    let mut sim = playing(vec![
        broken(2_000, 80, IoEvent::End).endless(),
        gone.clone(),
        gone.clone(),
        feed::live("counter-av.flv", 5_000, 20),
    ]);
    sim.run_ms(9_000);
    assert_eq!(reasons(&sim), [(1, Reason::End), (2, Reason::Status), (3, Reason::Status)]);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.errors().len(), 0);

    let mut sim = playing(vec![broken(2_000, 80, IoEvent::End).endless(), gone]);
    sim.run_ms(15_000);
    assert_eq!(sim.state(), State::Ended, "an end in good order that lasts is no error");
    assert_eq!(sim.errors().len(), 0, "{:?}", sim.errors());
}

/// What a server gives that ends each connection in good order after `seconds`, the next one joining where it is then.
fn again_and_again(seconds: i64, turns: usize) -> Vec<Network> {
    let tags = feed::looped("counter-av.flv", 16_000, 20);
    let connection = |turn: usize| {
        let mut network = feed::live_tags(&tags, 2_000 + turn as u32 * 8_000, 20);
        network.deliveries.retain(|(at, _)| *at < Micros::from_secs(seconds));
        network.then(IoEvent::End).endless()
    };
    (0..turns).map(connection).collect()
}

#[test]
fn a_server_that_ends_each_connection_but_brings_the_stream_has_not_ended_it() {
    let mut servers = again_and_again(3, 8);
    servers.push(feed::live_tags(&feed::looped("counter-av.flv", 16_000, 20), 120_000, 20));
    let mut sim = playing(servers);
    sim.run_ms(85_000);
    let ends: Vec<(u32, Reason)> = (1..=8).map(|attempt| (attempt, Reason::End)).collect();
    assert_eq!(reasons(&sim), ends);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
}

#[test]
fn a_server_that_only_ever_ends_connections_is_not_asked_for_ever() {
    let mut sim = playing(again_and_again(3, 40));
    sim.run_ms(300_000);
    assert_eq!(reasons(&sim).len(), 15);
    assert_eq!(sim.state(), State::Ended);
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
}

#[test]
fn an_ended_stream_whose_last_pictures_the_server_gives_again_has_ended() {
    let mut cached = broken(2_000, 80, IoEvent::End).endless();
    cached.deliveries.truncate(2);
    let mut sim = playing(vec![broken(2_000, 80, IoEvent::End).endless(), cached.then(IoEvent::End)]);
    sim.run_ms(15_000);
    assert_eq!(reasons(&sim).len(), 4);
    assert_eq!(sim.state(), State::Ended);
    assert!(sim.errors().is_empty(), "{:?}", sim.errors());
}

#[test]
fn no_try_is_wasted_while_there_is_no_network() {
    let mut sim = playing(vec![
        broken(2_000, 80, IoEvent::Failed(IoError::Lost)),
        feed::live("counter-av.flv", 9_000, 20),
    ]);
    sim.run_ms(1_000);
    sim.input(Input::Online(false));
    sim.run_ms(60_000);
    assert_eq!(sim.requests.len(), 1, "nothing is asked for without a network");
    assert_eq!(sim.errors().len(), 0);
    sim.input(Input::Online(true));
    sim.run_ms(1_500);
    assert_eq!(sim.requests.len(), 2);
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn another_network_shows_soon_that_the_old_connection_is_dead() {
    let mut dead = feed::live("counter-av.flv", 2_000, 20);
    dead.deliveries.truncate(100);
    let mut sim = playing(vec![dead, feed::live("counter-av.flv", 5_000, 20)]);
    sim.run_ms(3_000);
    sim.input(Input::NetworkChanged);
    sim.run_ms(3_500);
    assert_eq!(reasons(&sim), [(1, Reason::Silent)]);
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn another_network_does_not_hurt_a_connection_that_lives() {
    let mut sim = playing(vec![feed::live("counter-av.flv", 1_000, 20)]);
    sim.run_ms(2_000);
    sim.input(Input::NetworkChanged);
    sim.run_ms(5_000);
    assert_eq!(sim.requests.len(), 1);
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn a_page_put_away_lets_go_and_comes_back_live() {
    let mut sim =
        playing(vec![feed::live("counter-av.flv", 1_000, 20), feed::live("counter-av.flv", 9_000, 20)]);
    sim.run_ms(2_000);
    sim.input(Input::Suspend);
    assert_eq!(sim.cancelled.len(), 1);
    assert_eq!(sim.open_decoders(), 1, "the sound's; the picture's is given back");
    let shown = sim.shown.len();
    sim.run_ms(6_000);
    assert_eq!(sim.shown.len(), shown);
    sim.input(Input::Wake);
    for _ in 0..30 {
        sim.run_ms(20);
        let latency = sim.stats().latency;
        assert!(sim.state() != State::Playing || latency < MS(700), "live at once or not yet: {latency:?}");
    }
    assert_eq!(reasons(&sim), [(1, Reason::Wake)]);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.stats().latency < MS(700), "{:?}", sim.stats().latency);
    assert!(sim.stats().stalled < MS(600), "being away is no stall: {:?}", sim.stats().stalled);
}

#[test]
fn a_decoder_that_stops_working_in_mid_play_is_tried_on_another_connection() {
    let servers = vec![feed::live("counter-av.flv", 1_000, 20), feed::live("counter-av.flv", 13_000, 20)];
    let mut sim = Sim::playing_with(choosing(DecoderChoice::WebCodecs, 400), servers);
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim.video_swallowed = true;
    for _ in 0..200 {
        sim.run_ms(100);
        if !reasons(&sim).is_empty() {
            sim.video_swallowed = false;
            break;
        }
    }
    assert_eq!(reasons(&sim), [(1, Reason::NoPictures)]);
    sim.run_ms(3_300);
    assert_eq!(sim.state(), State::Playing);
    let last = sim.shown.last().expect("pictures").0;
    assert!(sim.now - last < MS(100), "the picture is back");
}

#[test]
fn a_decoder_that_fails_now_and_then_is_replaced_however_often() {
    let mut sim = playing(vec![feed::live("counter-av.flv", 1_000, 20)]);
    for _ in 0..5 {
        sim.run_ms(2_200);
        sim.fail_decoder(MediaKind::Video);
    }
    sim.run_ms(1_500);
    assert!(reasons(&sim).is_empty());
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn an_answer_that_comes_too_late_is_nobodys() {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), vec![feed::live("counter-av.flv", 1_000, 20)]);
    sim.input(load("http://live/s.flv"));
    let old = sim.requests[0].0;
    sim.input(load("http://live/s.flv"));
    sim.input(Input::Play);
    sim.run_ms(1_000);
    sim.input(Input::Io(old, IoEvent::Failed(IoError::Lost)));
    sim.input(Input::Resolved(old, Ok("http://live/other.flv".into())));
    sim.run_ms(500);
    assert!(reasons(&sim).is_empty());
    assert_eq!(sim.state(), State::Playing);
}
