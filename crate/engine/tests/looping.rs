//! A recording that begins again at its end.

use sailcast_engine::{DecoderChoice, Event, Input, Instant, LatencyTarget, State};
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::{
    Sim, choosing, config, feed,
    files::FileServer,
    load,
    origin::{BASE, Origin, Packager},
    recording::Recording,
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const AT: fn(i64) -> MediaTime = MediaTime::from_millis;

fn looping(server: impl sailcast_sim::Server + 'static, url: &str) -> Sim {
    let mut sim = Sim::with(choosing(DecoderChoice::Auto, 400), server);
    sim.input(Input::Loop(true));
    sim.input(load(url));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

fn film(seconds: i64) -> FileServer {
    FileServer::new(Recording { seconds, ..Recording::default() }.flv())
}

#[test]
fn it_begins_again_without_a_gap() {
    let sims = [
        ("FLV of 5 s", looping(film(5), "http://vod/film.mp4"), 5_000),
        ("FLV of 40 s", looping(film(40), "http://vod/film.mp4"), 40_000),
        ("MP4", looping(FileServer::new(feed::fixture("whole-first.mp4")), "http://vod/film.mp4"), 0),
        ("HLS", looping(Origin::new(Packager::vod(4)), &format!("{BASE}v0.m3u8")), 8_000),
    ];
    for (what, mut sim, length) in sims {
        sim.run_ms(1_000);
        let (from, length) =
            (sim.now, if length == 0 { sim.stats().duration.expect("known").0 / 1000 } else { length });
        sim.run_ms(length * 3);
        assert_eq!(sim.state(), State::Playing, "{what}: {:?}", sim.errors());
        let turns = sim.count(|e| matches!(e, Event::Seeked(at) if *at < AT(200)));
        assert_eq!(turns, 3, "{what}");
        let stats = sim.stats();
        assert_eq!((stats.stalls, stats.frames_dropped), (0, 0), "{what}");
        let longest = sim.longest_still(from);
        assert!(longest < MS(100), "{what}: a picture stood for {longest:?}");
        assert!(stats.position - MediaTime(0) < MS(length + 100), "{what}: {:?}", stats.position);
        let silence = sim.heard.iter().filter(|(at, media)| *at > from && media.is_none()).count();
        assert!(silence <= 12, "{what}: {silence} pieces of silence");
    }
}

#[test]
fn it_begins_again_where_the_server_lets_nobody_go_to_a_place() {
    let server = FileServer { ranges: false, ..film(5) };
    let mut sim = looping(server, "http://vod/film.mp4");
    sim.run_ms(18_000);
    assert_eq!(sim.state(), State::Playing, "{:?}", sim.errors());
    assert_eq!(sim.count(|e| matches!(e, Event::Seeked(at) if *at < AT(200))), 3);
    assert_eq!((sim.stats().stalls, sim.errors().len()), (0, 0));
}

#[test]
fn a_short_one_is_fetched_once_however_often_it_is_played() {
    // The one without a list of keyframes is searched, and its end looked at.
    let films = [
        ("FLV", Recording { seconds: 20, ..Recording::default() }.flv()),
        ("FLV of a second", Recording { seconds: 1, ..Recording::default() }.flv()),
        ("MP4", feed::fixture("whole-first.mp4")),
        ("MP4 with its index behind", feed::fixture("whole-last.mp4")),
        ("fragments", feed::fixture("fragments.mp4")),
    ];
    for (what, film) in films {
        let len = film.len() as u64;
        let server = FileServer::new(film);
        let asked = server.asked.clone();
        let mut sim = looping(server, "http://vod/film.mp4");
        for _ in 0..120 {
            sim.run_ms(1_000);
            assert!(sim.stats().buffered < MS(55_000), "{what}: {:?} ahead", sim.stats().buffered);
        }
        assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0), "{what}: {:?}", sim.errors());
        let delivered: u64 = asked.borrow().iter().map(|asked| asked.delivered).sum();
        assert!(delivered <= len + 64_000, "{what}: {delivered} bytes of {len}");
        let last = asked.borrow().last().expect("requests").at;
        assert!(last < Instant(40_000_000), "{what}: asked for at {last:?}");
    }
}

#[test]
fn without_it_the_end_is_the_end_also_when_it_is_put_off_late() {
    let mut sim = looping(film(5), "http://vod/film.mp4");
    sim.run_ms(7_000);
    sim.input(Input::Loop(false));
    sim.run_ms(6_000);
    assert_eq!(sim.state(), State::Ended);
    assert_eq!(sim.count(|e| matches!(e, Event::Ended)), 1);
    let stats = sim.stats();
    assert_eq!(Some(stats.position - MediaTime(0)), stats.duration, "it stands at its end");
    sim.input(Input::Play);
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Playing);
    assert!(sim.stats().position < AT(1_100));
}

#[test]
fn put_off_when_all_of_the_next_turn_is_here_it_ends_and_can_be_gone_to() {
    let mut sim = looping(film(20), "http://vod/film.mp4");
    sim.run_ms(8_000);
    sim.input(Input::Loop(false));
    sim.run_ms(30_000);
    assert_eq!(sim.state(), State::Ended, "{:?}", sim.errors());
    assert!(sim.stats().position > AT(19_900), "{:?}", sim.stats().position);
    sim.input(Input::Seek { to: AT(2_000), exact: true });
    sim.run_ms(1_000);
    assert_eq!(sim.state(), State::Playing, "{:?}", sim.errors());
}

#[test]
fn places_are_the_same_in_every_turn() {
    let mut sim = looping(film(20), "http://vod/film.mp4");
    sim.run_ms(46_000);
    assert!((sim.stats().position - AT(6_000)).abs() < MS(200), "{:?}", sim.stats().position);
    for to in [9_000, 3_000, 19_500, 12_345] {
        sim.input(Input::Seek { to: AT(to), exact: true });
        sim.run_ms(400);
        let position = sim.stats().position - AT(to);
        assert!(position > MS(100) && position < MS(420), "{to}: {position:?}");
        let (begin, end) = sim.stats().buffered_range.expect("something");
        assert!(begin >= AT(to) && end <= AT(20_100), "{to}: {begin:?} to {end:?}");
    }
    sim.run_ms(60_000);
    assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0));
}

#[test]
fn a_live_stream_does_not_begin_again() {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(Packager::live()));
    sim.input(Input::Loop(true));
    sim.input(load(&format!("{BASE}v0.m3u8")));
    sim.input(Input::Play);
    sim.run_ms(30_000);
    assert_eq!(sim.count(|e| matches!(e, Event::Seeking(_))), 0);
    assert_eq!(sim.state(), State::Playing);
}
