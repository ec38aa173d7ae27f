//! From `load` to moving picture of sources that load ahead: HLS live and recorded, and files.

use sailcast_engine::{DecoderChoice, Event, Input, Instant, LatencyTarget, SourceKind, State};
use sailcast_media::Micros;
use sailcast_sim::{
    Sim, choosing, config,
    files::FileServer,
    load,
    origin::{BASE, Container, Origin, Packager, Sound},
    recording::Recording,
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const BEGIN: Instant = Instant(1_000_000);

fn playing(packager: Packager, list: &str) -> Sim {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(packager));
    sim.input(load(&format!("{BASE}{list}")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

fn assert_steady(sim: &Sim, from: Instant, what: &str) {
    let longest = sim.longest_still(from);
    assert!(longest < MS(90), "{what}: a picture stood for {longest:?}");
    let worst = sim.av_offsets_ms(from).into_iter().map(f64::abs).fold(0.0, f64::max);
    assert!(worst < 45.0, "{what}: {worst} ms apart");
}

#[test]
fn a_live_stream_begins_as_far_behind_the_edge_as_the_server_wants_and_stays_there() {
    for (container, sound) in [
        (Container::Ts, Sound::Muxed),
        (Container::Mp4, Sound::Muxed),
        (Container::Mp4, Sound::Apart),
        (Container::Ts, Sound::Packed),
    ] {
        let what = format!("{container:?}, sound {sound:?}");
        let list = if sound == Sound::Muxed { "v0.m3u8" } else { "master.m3u8" };
        let mut sim = playing(Packager { container, sound, ..Packager::live() }, list);
        sim.run_ms(1_000);
        let first =
            sim.shown.first().unwrap_or_else(|| panic!("{what}: nothing is shown, {:?}", sim.errors())).0;
        assert!(first - BEGIN < MS(400), "{what}: {:?}", first - BEGIN);
        assert_eq!(sim.state(), State::Playing, "{what}");
        sim.run_ms(5_000);
        let from = sim.now;
        sim.run_ms(30_000);
        let stats = sim.stats();
        assert_eq!((stats.stalls, stats.skips, stats.frames_dropped), (0, 0, 0), "{what}");
        assert_eq!(sim.errors().len(), 0, "{what}: {:?}", sim.errors());
        // Three segments of two seconds.
        assert!((stats.latency - MS(6_000)).abs() < MS(900), "{what}: {:?}", stats.latency);
        assert_eq!(stats.target_latency, MS(6_000), "{what}");
        let live = |e: &Event| matches!(e, Event::Source { kind: SourceKind::Hls, live: true });
        assert_eq!(sim.count(live), 1, "{what}");
        assert!(stats.seekable.is_some() && stats.live_edge.is_some() && stats.duration.is_none(), "{what}");
        assert_steady(&sim, from, &what);
    }
}

#[test]
fn of_low_latency_it_plays_near_the_edge() {
    let mut sim = playing(Packager::low_latency(), "v0.m3u8");
    sim.run_ms(8_000);
    let from = sim.now;
    sim.run_ms(30_000);
    let stats = sim.stats();
    assert_eq!((stats.stalls, stats.skips), (0, 0), "{:?}", sim.errors());
    assert!(stats.latency < MS(2_000), "{:?}, {:?} aimed for", stats.latency, stats.target_latency);
    assert_steady(&sim, from, "low latency");
}

#[test]
fn a_recording_begins_at_its_beginning_and_ends_at_its_end() {
    let mut sim = playing(Packager::vod(10), "v0.m3u8");
    sim.run_ms(25_000);
    assert_eq!(sim.state(), State::Ended, "{:?}", sim.errors());
    let stats = sim.stats();
    assert_eq!((stats.stalls, stats.skips, stats.frames_dropped), (0, 0, 0));
    let duration = stats.duration.expect("of a recording");
    assert!((duration - MS(20_000)).abs() < MS(100), "{duration:?}");
    assert!(stats.frames_rendered as i64 >= 20 * 25 - 2, "{}", stats.frames_rendered);
}

#[test]
fn a_playlist_is_known_by_its_first_line() {
    struct Renamed(Origin);
    impl sailcast_sim::Server for Renamed {
        fn connect(
            &mut self,
            request: &sailcast_engine::IoRequest,
            now: Instant,
        ) -> sailcast_sim::Deliveries {
            let url = request.url.replace("live/stream", "v0.m3u8");
            self.0.connect(&sailcast_engine::IoRequest { url, ..request.clone() }, now)
        }
    }
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Renamed(Origin::new(Packager::live())));
    sim.input(load(&format!("{BASE}live/stream")));
    sim.input(Input::Play);
    sim.run_ms(3_000);
    assert_eq!(sim.count(|e| matches!(e, Event::Source { kind: SourceKind::Hls, live: true })), 1);
}

#[test]
fn paused_it_shows_its_first_picture_and_waits() {
    let server = FileServer::new(Recording::default().flv());
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), server);
    sim.input(load("http://vod/film.mp4"));
    sim.run_ms(5_000);
    assert_eq!((sim.shown.len(), sim.state()), (1, State::Paused));
    sim.input(Input::Play);
    let from = sim.now;
    sim.run_ms(300);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.shown[1].0 - from < MS(80));
}

#[test]
fn what_the_page_asks_for_is_how_far_behind_it_plays() {
    let fixed = LatencyTarget::fixed(MS(4_000));
    let mut sim = Sim::with(config(fixed), Origin::new(Packager::live()));
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim.run_ms(40_000);
    let stats = sim.stats();
    assert!((stats.latency - MS(4_000)).abs() < MS(700), "{:?}", stats.latency);
    assert_eq!(stats.stalls, 0);
}
