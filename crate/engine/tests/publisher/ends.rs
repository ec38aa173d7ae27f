//! Stop: what was captured before it arrives, then the connection is closed.

use sailcast_engine::publisher::{Event, Input, State};
use sailcast_media::{MediaKind, Micros};
use sailcast_sim::studio::{self, Fate, Server, Studio};

use crate::got::{Got, URL, got, live};

fn ended(studio: &Studio) -> bool {
    studio.named(|event| *event == Event::Ended).len() == 1 && studio.stats().state == State::Ended
}

#[test]
fn all_that_was_captured_before_arrives_and_the_server_sees_a_good_end() {
    let mut studio = live();
    let stopped = studio.now;
    studio.send(Input::Stop);
    studio.run(Micros::from_secs(1));
    assert!(ended(&studio));
    assert!(studio.connection().finished && studio.connection().closed.is_some());
    let got = got(&studio);
    let newest = |kind| {
        let packets = got.packets.iter().filter(|packet| packet.track.kind == kind);
        packets.filter_map(|packet| studio::captured(&packet.data)).max().unwrap()
    };
    let ago = |kind| stopped - newest(kind);
    assert!(ago(MediaKind::Video) < Micros::from_millis(90), "{:?}", ago(MediaKind::Video));
    assert!(ago(MediaKind::Audio) < Micros::from_millis(90), "{:?}", ago(MediaKind::Audio));
    studio.run(Micros::from_secs(2));
    assert_eq!(studio.events.iter().filter(|(_, event)| *event == Event::Ended).count(), 1);
}

#[test]
fn a_second_stop_is_nothing() {
    let mut studio = live();
    studio.send(Input::Stop);
    studio.send(Input::Stop);
    studio.run(Micros::from_secs(1));
    studio.send(Input::Stop);
    studio.run(Micros::from_secs(1));
    assert!(ended(&studio));
}

#[test]
fn before_the_connection_opens_it_is_over_at_once() {
    let mut studio = Studio::default();
    studio.start(&[URL]);
    studio.run(Micros::from_millis(10));
    studio.send(Input::Stop);
    assert!(ended(&studio) && studio.connection().closed.is_some());
}

#[test]
fn while_it_waits_to_reconnect_it_is_over_at_once() {
    let mut studio = live();
    studio.cut(1006);
    studio.run(Micros::from_millis(100));
    studio.send(Input::Stop);
    assert!(ended(&studio));
    studio.run(Micros::from_secs(10));
    assert_eq!(studio.connections.len(), 1);
}

#[test]
fn a_connection_that_breaks_meanwhile_is_not_looked_for_again() {
    let mut studio = live();
    studio.send(Input::Stop);
    studio.cut(1006);
    studio.run(Micros::from_secs(5));
    assert!(ended(&studio) && studio.connections.len() == 1);
    assert!(studio.named(|event| matches!(event, Event::Reconnecting { .. })).is_empty());
}

#[test]
fn an_encoder_that_never_answers_is_waited_for_a_moment() {
    let mut studio = Studio::default();
    studio.fates = Some(Box::new(|_| Fate::Hangs(20)));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(2));
    studio.send(Input::Stop);
    studio.run(Micros::from_secs(1));
    assert!(!ended(&studio));
    studio.run(Micros::from_secs(1));
    assert!(ended(&studio) && studio.connection().finished);
}

#[test]
fn a_server_that_does_not_close_is_left() {
    let mut studio = Studio::default();
    studio.servers.insert(URL.to_owned(), Server { clings: true, ..Server::default() });
    studio.start(&[URL]);
    studio.run(Micros::from_secs(2));
    studio.send(Input::Stop);
    studio.run(Micros::from_secs(4));
    assert!(ended(&studio) && studio.connection().closed.is_some());
}

#[test]
fn afterwards_another_broadcast_begins_as_the_first_did() {
    let mut studio = live();
    studio.send(Input::Stop);
    studio.run(Micros::from_secs(30));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(3));
    let got = Got::read(&studio.connection().bytes);
    assert!(got.packets[0].keyframe && got.packets[0].dts.0 == 0);
    assert!(got.longest_gap(MediaKind::Video) < Micros::from_millis(100));
    assert!(got.apart(0) < Micros::from_millis(30), "{:?}", got.sync());
}
