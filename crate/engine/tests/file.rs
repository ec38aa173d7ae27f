//! A recording over HTTP: what is asked for, how far ahead, and what happens when the server does not do as it should.

use sailcast_engine::{DecoderChoice, ErrorCode, Event, Input, Instant, Load, Reason, SourceKind, State};
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::{
    Sim, choosing, feed,
    files::{Asked, Fault, FileServer, Requests},
    load,
    recording::Recording,
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const BEGIN: Instant = Instant(1_000_000);

fn playing_from(server: FileServer, url: &str) -> Sim {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), server);
    sim.input(load(url));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

fn playing(server: FileServer) -> Sim {
    playing_from(server, "http://vod/film.mp4")
}

fn asked(requests: &Requests) -> Vec<Asked> {
    requests.borrow().clone()
}

fn delivered(requests: &Requests) -> u64 {
    requests.borrow().iter().map(|asked| asked.delivered).sum()
}

#[test]
fn the_first_picture_takes_a_round_trip_and_it_plays_to_its_end() {
    for name in ["whole-first.mp4", "whole-last.mp4", "fragments.mp4", "counter-av.flv"] {
        let mut sim = playing(FileServer::new(feed::fixture(name)));
        sim.run_ms(200);
        let trips = if name == "whole-last.mp4" { 3 } else { 1 };
        let first = sim.shown.first().unwrap_or_else(|| panic!("{name} shows nothing")).0;
        assert!(first - BEGIN < MS(40 * trips + 60), "{name}: {:?}", first - BEGIN);
        sim.run_ms(20_000);
        assert_eq!(sim.state(), State::Ended, "{name}");
        let (stats, errors) = (sim.stats(), sim.errors());
        assert_eq!((stats.stalls, stats.frames_dropped, errors.len()), (0, 0, 0), "{name}: {errors:?}");
        let duration = stats.duration.unwrap_or_else(|| panic!("{name} says not how long it is"));
        let last = sim.shown.last().expect("pictures").1 - MediaTime(0);
        assert!((duration - last).abs() < MS(150), "{name}: {duration:?}, and the last picture at {last:?}");
        let is_file = |e: &Event| matches!(e, Event::Source { kind: SourceKind::File, live: false });
        assert_eq!(sim.count(is_file), 1, "{name}");
        let told = sim.events.iter().filter_map(|(_, event)| match event {
            Event::DurationChange { duration, seekable } => Some((*duration, *seekable)),
            _ => None,
        });
        assert_eq!(told.last(), Some((stats.duration, stats.seekable)), "{name}: with where one can go");
        assert_eq!(sim.count(|e| matches!(e, Event::Ended)), 1, "{name}");
    }
}

#[test]
fn what_it_is_shows_by_its_bytes_where_the_address_says_nothing() {
    for name in ["whole-first.mp4", "counter-av.flv"] {
        let server = FileServer::new(feed::fixture(name));
        let requests = server.asked.clone();
        let mut sim = playing_from(server, "http://vod/watch?v=1");
        sim.run_ms(2_000);
        assert_eq!(sim.count(|e| matches!(e, Event::Source { kind: SourceKind::File, .. })), 1, "{name}");
        assert_eq!(asked(&requests).len(), 1, "{name} is read on from the response that was open");
        assert_eq!(sim.state(), State::Playing);
        assert!(sim.stats().seekable.is_some());
    }
}

#[test]
fn a_file_that_is_to_be_read_as_a_stream_is() {
    let server = FileServer::new(Recording { seconds: 5, ..Recording::default() }.flv());
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), server);
    let lines = vec!["http://vod/film.flv".to_owned()];
    sim.input(Input::Load(Load { lines, kind: SourceKind::Stream, ..Load::default() }));
    sim.input(Input::Play);
    sim.run_ms(1_000);
    assert_eq!(sim.stats().seekable, None);
}

#[test]
fn no_more_is_read_ahead_than_half_a_minute() {
    let server = FileServer::new(Recording { seconds: 300, ..Recording::default() }.flv());
    let requests = server.asked.clone();
    let mut sim = playing(server);
    for _ in 0..60 {
        sim.run_ms(1_000);
        let stats = sim.stats();
        assert!(stats.buffered < MS(80_000), "{:?}", stats.buffered);
        assert!(stats.buffered_bytes < 21 << 20, "{}", stats.buffered_bytes);
    }
    assert!(sim.stats().buffered > MS(25_000), "{:?}", sim.stats().buffered);
    let delivered = delivered(&requests);
    assert!(delivered < 140_000 * (60 + 80), "{delivered} bytes for a minute");
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn a_pause_fills_the_buffer_and_no_more() {
    let server = FileServer::new(Recording { seconds: 300, ..Recording::default() }.flv());
    let requests = server.asked.clone();
    let mut sim = playing(server);
    sim.run_ms(2_000);
    sim.input(Input::Pause);
    sim.run_ms(30_000);
    let before = (asked(&requests).len(), delivered(&requests), sim.stats().position);
    sim.run_ms(600_000);
    assert_eq!((asked(&requests).len(), delivered(&requests), sim.stats().position), before);
    sim.input(Input::Play);
    sim.run_ms(100);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.stats().skips, 0, "nothing is left out after a pause");
}

#[test]
fn many_bytes_a_second_are_bounded_in_bytes() {
    let picture = 60_000;
    let server = FileServer {
        rate: 20_000_000,
        ..FileServer::new(Recording { seconds: 120, picture, ..Recording::default() }.flv())
    };
    let mut sim = playing(server);
    for _ in 0..30 {
        sim.run_ms(1_000);
        assert!(sim.stats().buffered_bytes < 21 << 20, "{}", sim.stats().buffered_bytes);
    }
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn on_a_network_that_is_too_slow_it_stalls_and_goes_on() {
    // 1.1 Mbit/s for a file of 0.9, and then half of it.
    let server = FileServer { rate: 80_000, ..FileServer::new(Recording::default().flv()) };
    let mut sim = playing(server);
    sim.run_ms(40_000);
    let stats = sim.stats();
    assert!((2..14).contains(&stats.stalls), "{}", stats.stalls);
    assert!(stats.position - MediaTime(0) > MS(20_000), "{:?}", stats.position);
    assert_eq!(stats.skips, 0, "nothing is left out");
}

#[test]
fn a_request_that_fails_is_made_again_from_where_it_broke() {
    let faults = [Fault::Breaks(100_000), Fault::Short(100_000), Fault::Status(503), Fault::Refused];
    for fault in faults {
        let data = Recording::default().flv();
        let server = FileServer { rate: 400_000, ..FileServer::new(data.clone()) }.fault(1, fault);
        let requests = server.asked.clone();
        let mut sim = playing(server);
        sim.run_ms(75_000);
        assert_eq!(sim.state(), State::Ended, "{fault:?}");
        assert_eq!(sim.stats().stalls, 0, "{fault:?}: it had enough");
        assert_eq!(sim.stats().reconnects, 1, "{fault:?}");
        assert_eq!(sim.count(|e| matches!(e, Event::Reconnecting { .. })), 1, "{fault:?}");
        assert_eq!(sim.errors().len(), 0, "{fault:?}: {:?}", sim.errors());
        let delivered = delivered(&requests);
        assert!(delivered < data.len() as u64 + 40_000, "{fault:?}: {delivered} of {}", data.len());
    }
}

#[test]
fn a_silent_server_is_asked_again() {
    let server = FileServer::new(Recording { seconds: 120, ..Recording::default() }.flv());
    let mut sim = playing(server.fault(1, Fault::Silent(50_000)));
    sim.run_ms(125_000);
    assert_eq!(sim.state(), State::Ended);
    let silent = |e: &Event| matches!(e, Event::Reconnecting { reason: Reason::Silent, .. });
    assert_eq!(sim.count(silent), 1);
}

#[test]
fn what_fails_for_good_is_told_when_all_that_was_read_was_played() {
    let mut server = FileServer::new(Recording::default().flv());
    server.faults = (1..40).map(|request| (request, Fault::Status(404))).collect();
    let mut sim = playing(server);
    sim.run_ms(200_000);
    assert_eq!(sim.state(), State::Failed);
    assert_eq!(sim.errors().last().expect("an error").code, ErrorCode::HttpStatus);
    assert!(sim.shown.last().expect("pictures").1 > MediaTime::from_millis(2_500), "{:?}", sim.shown.last());
}

#[test]
fn a_file_that_is_not_there_is_an_error_at_once() {
    let mut sim = playing(FileServer::new(Recording::default().flv()).fault(0, Fault::Status(404)));
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Failed);
    assert_eq!(sim.errors().last().expect("an error").code, ErrorCode::HttpStatus);
}

#[test]
fn something_else_is_named_as_such() {
    let mut sim = playing(FileServer::new(bytes::Bytes::from_static(b"<!DOCTYPE html><html></html>")));
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Failed);
    assert_eq!(sim.errors().last().expect("an error").code, ErrorCode::FormatUnrecognised);
}

#[test]
fn without_parts_it_plays_from_the_start_and_a_seek_is_refused_with_a_warning() {
    let server = FileServer { ranges: false, ..FileServer::new(Recording::default().flv()) };
    let mut sim = playing(server);
    sim.run_ms(3_000);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.stats().seekable, None);
    sim.input(Input::Seek { to: MediaTime::from_millis(100), exact: true });
    sim.run_ms(1_000);
    let errors = sim.errors();
    assert_eq!(
        errors.iter().map(|e| (e.code, e.fatal)).collect::<Vec<_>>(),
        [(ErrorCode::RangeUnsupported, false)]
    );
    assert_eq!(sim.state(), State::Playing);
    assert!((sim.stats().position - MediaTime(0) - MS(3_900)).abs() < MS(200), "{:?}", sim.stats().position);
    sim.run_ms(60_000);
    assert_eq!(sim.state(), State::Ended);
}

#[test]
fn where_nobody_says_how_long_it_is_it_ends_all_the_same() {
    let server = FileServer {
        tells_len: false,
        ..FileServer::new(Recording { seconds: 20, ..Recording::default() }.flv())
    };
    let mut sim = playing(server);
    sim.run_ms(22_000);
    assert_eq!(sim.state(), State::Ended);
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn away_nothing_is_read_and_back_it_goes_on_at_its_place() {
    let server = FileServer::new(Recording { seconds: 300, picture: 20_000, ..Recording::default() }.flv());
    let requests = server.asked.clone();
    let mut sim = playing(server);
    sim.run_ms(5_000);
    sim.input(Input::Suspend);
    let (count, place) = (asked(&requests).len(), sim.stats().position);
    sim.run_ms(60_000);
    assert_eq!((asked(&requests).len(), sim.stats().position), (count, place));
    sim.input(Input::Wake);
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Playing);
    let gone = sim.stats().position - place;
    assert!(gone > MS(600) && gone < MS(1_000), "{gone:?}");
    assert_eq!(sim.stats().frames_dropped, 0);
}

#[test]
fn a_large_file_that_comes_as_a_whole_is_bounded_as_well() {
    let data = Recording { seconds: 90, picture: 30_000, ..Recording::default() }.flv();
    for (ranges, most) in [(true, 18), (false, 50)] {
        let server = FileServer { ranges, rate: 40_000_000, ..FileServer::new(data.clone()) };
        let mut sim = playing_from(server, "http://vod/watch?v=1");
        for _ in 0..88 {
            sim.run_ms(1_000);
            assert!(sim.stats().buffered_bytes < most << 20, "{ranges}: {}", sim.stats().buffered_bytes);
        }
        assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0), "{ranges}");
        sim.run_ms(4_000);
        assert_eq!(sim.state(), State::Ended, "{ranges}");
        assert_eq!(sim.stats().frames_dropped, 0, "{ranges}");
    }
}

#[test]
fn another_address_of_the_same_file_is_tried_and_a_signature_is_asked_for_anew() {
    let data = Recording { seconds: 40, picture: 20_000, ..Recording::default() }.flv();
    let broken = FileServer { rate: 2_000_000, ..FileServer::new(data.clone()) }.fault(1, Fault::Status(403));
    let good = FileServer::new(data);
    let servers = vec![("a.test", broken), ("b.test", good)];
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), servers);
    let lines = vec!["http://a.test/film.mp4".to_owned(), "http://b.test/film.mp4".to_owned()];
    sim.input(Input::Load(Load { lines, resolve: true, ..Load::default() }));
    sim.input(Input::Play);
    sim.run_ms(42_000);
    assert_eq!((sim.state(), sim.stats().stalls), (State::Ended, 0), "{:?}", sim.errors());
    let asked: Vec<&str> = sim.resolved.iter().map(|r| r.url.as_str()).collect();
    assert_eq!(asked, ["http://b.test/film.mp4"]);
    assert!(sim.requests.iter().any(|(_, url)| url == "http://b.test/film.mp4?attempt=1"));
}

#[test]
fn put_away_before_it_was_played_it_begins_at_its_beginning() {
    let mut sim = Sim::with(
        choosing(DecoderChoice::Auto, 400),
        FileServer { rate: 400_000, ..FileServer::new(Recording::default().flv()) },
    );
    sim.input(load("http://vod/film.mp4"));
    sim.run_ms(130);
    sim.input(Input::Suspend);
    assert!(sim.stats().video_packets > 0, "it was put away too early");
    sim.run_ms(1_000);
    sim.input(Input::Wake);
    sim.input(Input::Play);
    sim.run_ms(2_000);
    let shown: Vec<_> = sim.shown.iter().map(|s| s.1).collect();
    assert!(shown.len() > 40 && shown.windows(2).all(|w| w[1] - w[0] <= MS(40)), "{shown:?}");
    assert!(shown[0] <= MediaTime(40_000), "{:?}", shown[0]);
}
