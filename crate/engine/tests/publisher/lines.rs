//! Several places to publish to: the best is taken, and left for a better one.

use sailcast_engine::publisher::{Event, Input, Line, LineRecord, LinkEvent, State};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::{Server, Studio};

use crate::got::{AGAIN_AT, Got, acknowledged, got};

const SLOW: &str = "ws://slow/live/a";
const FAST: &str = "ws://fast/live/a";

fn server(connect: i64, rate: f64) -> Server {
    Server { connect: Micros::from_millis(connect), rate, acks: true, ..Server::default() }
}

fn record(connect: f64, throughput: f64) -> Option<LineRecord> {
    Some(LineRecord { connect, throughput, failures: 0.0 })
}

fn start(studio: &mut Studio, lines: &[(&str, Option<LineRecord>)]) {
    let lines = lines.iter().map(|(url, known)| Line { url: (*url).to_owned(), known: *known }).collect();
    studio.send(Input::Start { lines });
}

#[test]
fn the_fastest_of_unknown_ones_is_taken_and_the_others_are_closed() {
    let mut studio = Studio::default();
    studio.servers.insert(SLOW.to_owned(), server(300, 5e6));
    studio.servers.insert(FAST.to_owned(), server(40, 5e6));
    studio.start(&[SLOW, FAST]);
    studio.run(Micros::from_secs(3));
    assert_eq!(studio.connections.len(), 2);
    for (_, connection) in &studio.connections {
        assert_eq!(connection.is_open(), connection.url == FAST);
    }
    let told =
        |event: &Event| matches!(event, Event::Line { url, record } if url == FAST && record.connect > 0.03);
    assert_eq!(studio.named(told).len(), 1);
    assert_eq!(studio.named(|event| matches!(event, Event::Publishing { url } if url == FAST)).len(), 1);
}

#[test]
fn what_is_remembered_decides_and_the_others_are_not_asked() {
    let mut studio = Studio::default();
    start(&mut studio, &[(SLOW, record(0.5, 0.0)), (FAST, record(0.05, 0.0))]);
    studio.run(Micros::from_secs(2));
    assert_eq!(studio.connections.len(), 1);
    assert_eq!(studio.connection().url, FAST);
    // One that is fast to open but was seen to carry little is worse.
    let mut studio = Studio::default();
    start(&mut studio, &[(SLOW, record(0.3, 0.0)), (FAST, record(0.05, 100_000.0))]);
    studio.run(Micros::from_secs(2));
    assert_eq!(studio.connection().url, SLOW);
}

#[test]
fn a_line_that_does_not_answer_is_passed_by() {
    let mut studio = Studio::default();
    studio.servers.insert(FAST.to_owned(), server(60_000, 5e6));
    start(&mut studio, &[(SLOW, record(0.5, 0.0)), (FAST, record(0.05, 0.0))]);
    studio.run(Micros::from_secs(2));
    assert_eq!((studio.connection().url.as_str(), studio.stats().state), (SLOW, State::Publishing));
    assert!(studio.connections[0].1.closed.is_some());
}

#[test]
fn one_that_refuses_for_good_is_not_asked_again() {
    let mut studio = Studio::default();
    studio.servers.insert(FAST.to_owned(), Server { refuses: Some(4403), ..Server::default() });
    start(&mut studio, &[(SLOW, record(0.5, 0.0)), (FAST, record(0.05, 0.0))]);
    studio.run(Micros::from_secs(2));
    assert_eq!((studio.connection().url.as_str(), studio.stats().state), (SLOW, State::Publishing));
    studio.cut(1006);
    studio.run(Micros::from_secs(5));
    assert_eq!(studio.connections.iter().filter(|(_, connection)| connection.url == FAST).count(), 1);
}

#[test]
fn when_one_breaks_the_other_is_tried_at_once() {
    let mut studio = acknowledged(Studio::default(), SLOW);
    start(&mut studio, &[(SLOW, record(0.5, 0.0)), (FAST, record(0.05, 0.0))]);
    studio.run(Micros::from_secs(2));
    studio.cut(1006);
    studio.run(Micros::from_millis(200));
    assert_eq!((studio.connection().url.as_str(), studio.stats().state), (SLOW, State::Publishing));
}

#[test]
fn one_that_is_too_narrow_is_left_for_a_better_one_without_a_gap() {
    let mut studio = Studio::default();
    studio.servers.insert(FAST.to_owned(), server(40, 60_000.0));
    studio.servers.insert(SLOW.to_owned(), server(200, 5e6));
    start(&mut studio, &[(SLOW, record(0.5, 0.0)), (FAST, record(0.05, 0.0))]);
    studio.run(Micros::from_secs(60));
    assert_eq!(studio.connections.len(), 2, "{:?}", studio.events);
    let (old, new) = (&studio.connections[0].1, &studio.connections[1].1);
    assert_eq!((old.url.as_str(), new.url.as_str()), (FAST, SLOW));
    assert!(old.closed.unwrap() >= new.opened.unwrap());
    let got = got(&studio);
    assert!(got.packets[0].keyframe && got.packets[0].dts == AGAIN_AT);
    assert!(got.longest_gap(MediaKind::Audio) < Micros::from_millis(40));
    assert!(studio.named(|event| matches!(event, Event::Reconnecting { .. })).is_empty());
    assert!(studio.stats().target_bitrate > 400_000, "{:?}", studio.stats());
}

#[test]
fn where_every_line_is_narrow_it_is_not_changed_all_the_time() {
    let mut studio = Studio::default();
    studio.servers.insert(FAST.to_owned(), server(40, 60_000.0));
    studio.servers.insert(SLOW.to_owned(), server(200, 60_000.0));
    start(&mut studio, &[(SLOW, record(0.5, 0.0)), (FAST, record(0.05, 0.0))]);
    studio.run(Micros::from_secs(180));
    assert!(studio.connections.len() <= 4, "{}", studio.connections.len());
    for (_, connection) in &studio.connections {
        Got::read(&connection.bytes);
    }
}

#[test]
fn when_all_fail_it_is_over() {
    let mut studio = Studio::default();
    for url in [SLOW, FAST] {
        studio.servers.insert(url.to_owned(), Server { refuses: Some(1006), ..Server::default() });
    }
    studio.start(&[SLOW, FAST]);
    studio.run(Micros::from_secs(30));
    assert_eq!(studio.stats().state, State::Failed);
    let asked = |url| studio.connections.iter().filter(|(_, connection)| connection.url == url).count();
    assert!(asked(SLOW) >= 3 && asked(FAST) >= 3);
}

#[test]
fn an_address_that_the_browser_refuses_is_passed_by() {
    let mut studio = Studio::default();
    studio.servers.insert(FAST.to_owned(), server(60_000, 5e6));
    start(&mut studio, &[(SLOW, record(0.5, 0.0)), (FAST, record(0.05, 0.0))]);
    let id = studio.connections[0].0;
    studio.connections[0].1.closed = Some(studio.now);
    studio.send(Input::Link(id, LinkEvent::Refused("a port that is not allowed".to_owned())));
    studio.run(Micros::from_secs(1));
    assert_eq!((studio.connection().url.as_str(), studio.stats().state), (SLOW, State::Publishing));
}
