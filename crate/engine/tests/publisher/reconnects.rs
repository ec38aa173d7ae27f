//! A lost connection: the next one, and a stream that begins anew on it.

use sailcast_engine::{
    ErrorCode,
    publisher::{Event, Input, LinkEvent, State},
};
use sailcast_media::{MediaKind, MediaTime, Micros};
use sailcast_sim::studio::{self, Server, Studio};

use crate::got::{AGAIN_AT, Got, URL, got, live};

fn error(studio: &Studio) -> Option<(ErrorCode, bool)> {
    studio.events.iter().find_map(|(_, event)| match event {
        Event::Error(error) => Some((error.code, error.fatal)),
        _ => None,
    })
}

#[test]
fn the_next_connection_begins_anew_with_a_keyframe_and_nothing_stale() {
    let mut studio = live();
    studio.cut(1006);
    let cut = studio.now;
    studio.run(Micros::from_secs(4));
    assert_eq!(studio.connections.len(), 2);
    let got = got(&studio);
    let first = &got.packets[0];
    assert!(first.keyframe && first.track.kind == MediaKind::Video && first.dts == AGAIN_AT, "{first:?}");
    assert_eq!(got.scripts[0].0, "onMetaData");
    assert_eq!(got.tracks.len(), 2);
    let captured = studio::captured(&first.data).unwrap();
    assert!(captured > cut, "{captured:?} of before {cut:?}");
    let opened = studio.connection().opened.unwrap();
    assert!(captured - opened < Micros::from_millis(200), "{:?}", captured - opened);
    assert!(got.apart(0) < Micros::from_millis(30), "{:?}", got.sync());
    assert_eq!(studio.stats().reconnects, 1);
    let states = [State::Reconnecting, State::Publishing]
        .map(|state| studio.named(|event| *event == Event::StateChange(state)));
    assert_eq!((states[0].len(), states[1].len()), (1, 2));
}

#[test]
fn tries_come_ever_more_rarely_and_end() {
    let mut studio = live();
    studio.servers.insert(URL.to_owned(), Server { refuses: Some(1006), ..Server::default() });
    studio.cut(1006);
    studio.run(Micros::from_secs(180));
    let delays: Vec<Micros> = studio
        .events
        .iter()
        .filter_map(
            |(_, event)| if let Event::Reconnecting { delay, .. } = event { Some(*delay) } else { None },
        )
        .collect();
    assert!(delays.len() >= 10 && delays[0] <= Micros::from_millis(500), "{delays:?}");
    assert!(delays[delays.len() - 1] >= Micros::from_secs(4), "{delays:?}");
    assert_eq!(error(&studio), Some((ErrorCode::IngestLost, true)));
    assert_eq!(studio.stats().state, State::Failed);
}

#[test]
fn without_a_network_it_waits_for_one() {
    let mut studio = live();
    studio.send(Input::Online(false));
    studio.cut(1006);
    studio.run(Micros::from_secs(300));
    assert_eq!((studio.connections.len(), studio.stats().state), (1, State::Reconnecting));
    studio.send(Input::Online(true));
    studio.run(Micros::from_secs(3));
    assert_eq!(studio.stats().state, State::Publishing);
    let got = got(&studio);
    assert!(got.packets[0].keyframe && got.apart(0) < Micros::from_millis(40), "{:?}", got.sync());
}

#[test]
fn a_start_without_a_network_waits_for_one() {
    let mut studio = Studio::default();
    studio.servers.insert(URL.to_owned(), Server { refuses: Some(1006), ..Server::default() });
    studio.send(Input::Online(false));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(60));
    assert_eq!(studio.connections.len(), 1);
    studio.servers.clear();
    studio.send(Input::Online(true));
    studio.run(Micros::from_secs(1));
    assert_eq!(studio.stats().state, State::Publishing);
}

#[test]
fn a_server_that_refuses_for_good_is_believed() {
    for code in [4400, 4401, 4403, 4404, 4413] {
        let mut studio = Studio::default();
        studio.servers.insert(URL.to_owned(), Server { refuses: Some(code), ..Server::default() });
        studio.start(&[URL]);
        studio.run(Micros::from_secs(20));
        assert_eq!(error(&studio), Some((ErrorCode::IngestRefused, true)), "{code}");
        assert_eq!(studio.connections.len(), 1, "{code}");
    }
}

#[test]
fn a_server_that_is_never_there_is_given_up_soon() {
    let mut studio = Studio::default();
    studio.servers.insert(URL.to_owned(), Server { refuses: Some(1006), ..Server::default() });
    studio.start(&[URL]);
    studio.run(Micros::from_secs(20));
    assert_eq!(error(&studio), Some((ErrorCode::IngestFailed, true)));
}

#[test]
fn a_socket_that_takes_nothing_any_more_is_dead() {
    let mut studio = live();
    studio.servers.insert(URL.to_owned(), Server { rate: 0.0, ..Server::default() });
    studio.run(Micros::from_secs(9));
    assert_eq!(studio.connections.len(), 1);
    studio.servers.clear();
    // What stood still does not move again.
    studio.servers.insert(URL.to_owned(), Server { rate: 0.0, ..Server::default() });
    studio.run(Micros::from_secs(3));
    assert!(studio.connections.len() >= 2);
}

#[test]
fn after_a_change_of_network_it_is_dead_sooner() {
    let mut studio = live();
    studio.servers.insert(URL.to_owned(), Server { rate: 0.0, ..Server::default() });
    studio.run(Micros::from_millis(200));
    studio.send(Input::NetworkChanged);
    studio.run(Micros::from_secs(3));
    assert!(studio.connections.len() >= 2);
}

#[test]
fn a_change_of_network_that_changes_nothing_costs_nothing() {
    let mut studio = live();
    for _ in 0..10 {
        studio.send(Input::NetworkChanged);
        studio.send(Input::Wake);
        studio.run(Micros::from_secs(1));
    }
    assert_eq!(studio.connections.len(), 1);
    assert!(got(&studio).longest_gap(MediaKind::Video) < Micros::from_millis(100));
}

#[test]
fn long_words_of_a_server_are_cut() {
    let mut studio = live();
    let (id, _) = *studio.connections.last().map(|(id, c)| (*id, c.opened)).as_ref().unwrap();
    let reason = "\u{20ac}".repeat(1_000_000);
    studio.send(Input::Link(id, LinkEvent::Closed { opened: true, code: 1011, reason }));
    let words = studio.events.iter().find_map(|(_, event)| match event {
        Event::Reconnecting { reason, .. } => Some(reason.len()),
        _ => None,
    });
    assert!(words.unwrap() < 300, "{words:?}");
}

#[test]
fn encoders_rest_while_nothing_takes_what_they_make() {
    let mut studio = live();
    studio.send(Input::Online(false));
    studio.cut(1006);
    studio.run(Micros::from_millis(200));
    let before = studio.stats().frames_encoded;
    studio.run(Micros::from_secs(5));
    assert_eq!(studio.stats().frames_encoded, before);
}

#[test]
fn each_connection_is_a_stream_of_its_own() {
    let mut studio = live();
    for _ in 0..5 {
        studio.cut(1006);
        studio.run(Micros::from_secs(12));
    }
    assert_eq!(studio.connections.len(), 6);
    for (at, (_, connection)) in studio.connections.iter().enumerate() {
        let got = Got::read(&connection.bytes);
        let begins = if at == 0 { MediaTime(0) } else { AGAIN_AT };
        assert!(got.packets[0].keyframe && got.packets[0].dts == begins);
    }
}
