//! A build that plays streams only: what is none is handed on, without an error.

use bytes::Bytes;
use sailcast_engine::{
    Container, Event, Input, LatencyTarget, Load, PlayerConfig, SourceKind, Sources, State,
};
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::{
    Server, Sim, config,
    feed::{self, Network},
    files::FileServer,
    load,
};

fn live() -> Network {
    feed::live("counter-av.flv", 500, 20)
}

fn loaded(server: impl Server + 'static, load: Input) -> Sim {
    let latency = LatencyTarget::fixed(Micros::from_millis(400));
    let mut sim = Sim::with(PlayerConfig { sources: Sources::STREAMS, ..config(latency) }, server);
    sim.input(load);
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(2_000);
    sim
}

fn hands_on(sim: &Sim) -> bool {
    let said = sim.count(|e| matches!(e, Event::NeedsAll));
    said == 1 && sim.errors().is_empty() && sim.shown.is_empty() && sim.state() == State::Connecting
}

#[test]
fn it_plays_a_live_stream() {
    let sim = loaded(live(), load("http://live/stream.flv"));
    assert_eq!((sim.state(), sim.count(|e| matches!(e, Event::NeedsAll))), (State::Playing, 0));
}

#[test]
fn what_turns_out_to_be_no_stream_is_handed_on_and_its_request_taken_back() {
    let playlist = Bytes::from_static(b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
    for data in [feed::fixture("counter-av.flv"), feed::fixture("whole-first.mp4"), playlist] {
        let mut sim = loaded(FileServer::new(data), load("http://live/stream.flv"));
        assert!(hands_on(&sim), "{:?}", sim.events);
        sim.input(Input::Close);
        assert_eq!((sim.requests.len(), sim.open_requests()), (1, 0));
    }
}

#[test]
fn what_came_of_a_recording_goes_with_it_and_is_not_asked_for_again() {
    for name in ["counter-av.flv", "whole-first.mp4"] {
        let data = feed::fixture(name);
        let far = FileServer { rate: 20_000, ..FileServer::new(data.clone()) };
        let streams = loaded(far, load("http://live/stream.flv"));
        let begun = streams.player.begun().cloned().expect("it was begun");
        let came = begun.bytes.len() as u64;
        assert_eq!(begun.len, Some(data.len() as u64));
        assert!(came > 0 && data.starts_with(&begun.bytes));

        let server = FileServer::new(data);
        let asked = server.asked.clone();
        let mut all = Sim::new(400, server);
        let lines = vec!["http://live/stream.flv".to_owned()];
        let kind = SourceKind::File;
        all.input(Input::Load(Load { lines, kind, begun: Some(begun), ..Load::default() }));
        all.input(Input::Play);
        all.run_ms(2_000);
        assert_eq!(all.state(), State::Playing, "{name}");
        assert_eq!(asked.borrow().first().map(|asked| asked.offset), Some(came), "{name}");
        all.input(Input::Seek { to: MediaTime(0), exact: true });
        all.run_ms(1_000);
        assert_eq!(all.state(), State::Playing, "{name}");
        assert!(asked.borrow().iter().all(|asked| asked.offset >= came), "{name}: when gone back in");
    }
}

#[test]
fn a_page_that_is_put_away_meanwhile_reads_no_more_of_it() {
    let far = FileServer { rate: 20_000, ..FileServer::new(feed::fixture("counter-av.flv")) };
    let mut sim = loaded(far, load("http://live/stream.flv"));
    sim.input(Input::Suspend);
    let came = sim.player.begun().cloned();
    sim.input(Input::Wake);
    sim.run_ms(2_000);
    assert!(hands_on(&sim), "{:?}", sim.events);
    assert_eq!((sim.requests.len(), sim.open_requests()), (1, 0));
    assert_eq!(sim.player.begun(), came.as_ref());
}

#[test]
fn no_more_of_it_is_read_than_is_of_use() {
    let data = Bytes::from([feed::fixture("counter-av.flv"), Bytes::from(vec![0; 4 << 20])].concat());
    let sim = loaded(FileServer::new(data), load("http://live/stream.flv"));
    let came = sim.player.begun().map_or(0, |begun| begun.bytes.len());
    assert!((512 << 10..1 << 20).contains(&came), "{came}");
    assert_eq!(sim.cancelled.len(), 1);
}

#[test]
fn what_is_known_to_be_no_stream_is_not_asked_for() {
    let lines = vec!["http://vod/film".to_owned()];
    let named = Input::Load(Load { lines, kind: SourceKind::File, ..Load::default() });
    for input in [load("http://vod/film.m3u8"), named] {
        let sim = loaded(FileServer::new(feed::fixture("counter-av.flv")), input);
        assert!(hands_on(&sim), "{:?}", sim.events);
        assert_eq!(sim.requests.len(), 0);
    }
}

#[test]
fn another_stream_can_be_loaded_after_it() {
    let mut sim = loaded(FileServer::new(feed::fixture("counter-av.flv")), load("http://live/stream.flv"));
    sim.serve(live());
    sim.input(load("http://live/stream.flv"));
    sim.run_ms(2_000);
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn it_says_that_it_does_not_record() {
    let mut sim = loaded(live(), load("http://live/stream.flv"));
    sim.input(Input::Record(Some(Container::Flv)));
    assert_eq!(sim.count(|e| matches!(e, Event::RecordingFailed(_))), 1);
    assert!(sim.recorded.iter().all(Bytes::is_empty));
}
