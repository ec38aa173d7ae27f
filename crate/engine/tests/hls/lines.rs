use bytes::Bytes;
use sailcast_engine::{ErrorCode, Event, Instant, IoEvent, IoRequest, Load, feed::Paced};
use sailcast_media::Micros;
use sailcast_sim::{
    Deliveries, Server,
    origin::{BASE, Fault, Origin, Packager},
};

use crate::rig::Rig;

/// The same at two hosts, `http://a/` and `http://b/`: each playlist leads to its own.
struct Hosts {
    a: Origin,
    b: Origin,
}

impl Server for Hosts {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        let (host, rest) = request.url.split_at("http://a/".len());
        let origin = if host == "http://a/" { &mut self.a } else { &mut self.b };
        let there = IoRequest { url: format!("{BASE}{rest}"), ..request.clone() };
        let is_text = rest.contains(".m3u8");
        let host = host.to_owned();
        Box::new(origin.connect(&there, now).map(move |(at, event)| match event {
            IoEvent::Bytes(bytes) if is_text => {
                let text = String::from_utf8(bytes.to_vec()).expect("text");
                (at, IoEvent::Bytes(text.replace(BASE, &host).into()))
            }
            event => (at, event),
        }))
    }
}

fn two_lines() -> Load {
    let line = |query: &str| format!("http://origin/v0.m3u8?line={query}");
    Load { lines: vec![line("a"), line("b")], ..Load::default() }
}

#[test]
fn the_second_address_is_taken_when_the_first_does_not_have_it() {
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(|request, _| request.url.contains("line=a").then_some(Fault::Status(404)));
    let mut rig = Rig::with(origin, two_lines());
    rig.run(10_000);
    rig.assert_seamless();
    assert_eq!(rig.count("line=a"), 1);
    rig.close();
}

#[test]
fn a_line_that_is_lost_in_mid_play_is_left_for_the_other() {
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(|request, now| {
        (request.url.contains("line=a") && now.0 > 11_000_000).then_some(Fault::Status(404))
    });
    let mut rig = Rig::with(origin, two_lines());
    rig.run(40_000);
    rig.assert_seamless();
    assert!(rig.stalled < Micros::from_secs(1), "{:?}", rig.stalled);
    assert!(rig.told.iter().any(|(_, event)| matches!(event, Event::Reconnected { .. })));
    rig.close();
}

#[test]
fn the_page_is_asked_for_the_address_of_another_try() {
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(|request, now| {
        let is_old = !request.url.contains("signed=") && now.0 > 11_000_000;
        (request.url.contains(".m3u8") && is_old).then_some(Fault::Status(403))
    });
    let lines = vec!["http://origin/v0.m3u8".to_owned()];
    let mut rig = Rig::with(origin, Load { lines, resolve: true, ..Load::default() });
    rig.run(40_000);
    rig.assert_seamless();
    assert!(rig.count("signed=1") > 5, "the new address is loaded again and again");
    rig.close();
}

#[test]
fn an_address_that_nobody_answers_is_an_error() {
    let origin = Origin::new(Packager::live()).fault(|_, _| Some(Fault::Refused));
    let mut rig = Rig::with(origin, two_lines());
    rig.run(60_000);
    assert_eq!(rig.fatal(), Some(ErrorCode::ConnectionFailed));
    rig.close();
}

/// What a host fails to give, of all that there is to be had, and how.
fn failings() -> impl Iterator<Item = (&'static str, Fault)> {
    let faults = [Fault::Status(503), Fault::Status(404), Fault::Refused, Fault::Silence];
    [".m3u8", "/s", "key"].into_iter().flat_map(move |what| faults.clone().map(|fault| (what, fault)))
}

fn failing(packager: &Packager, what: &'static str, fault: Fault, from_s: u64) -> Hosts {
    let a = Origin::new(packager.clone()).fault(move |request, now| {
        let fails = request.url.contains(what) && now.0 > from_s * 1_000_000;
        fails.then(|| fault.clone())
    });
    Hosts { a, b: Origin::new(packager.clone()) }
}

#[test]
fn what_one_line_fails_to_give_is_had_from_the_other() {
    let packager = Packager { key_every: Some(2), ..Packager::vod(60) };
    for (what, fault) in failings() {
        for from_s in [0, 11] {
            let lines = ["a", "b"].map(|host| format!("http://{host}/v0.m3u8"));
            let load = Load { lines: lines.into(), ..Load::default() };
            let mut rig = Rig::with(failing(&packager, what, fault.clone(), from_s), load);
            rig.run(100_000);
            let case = format!("{what} {fault:?} from {from_s} s on");
            assert!(rig.fatal().is_none(), "{case}: {:?}", rig.hls.error());
            assert!(rig.numbers().len() > 1200, "{case}: {}", rig.numbers().len());
            assert!(rig.stalled < Micros::from_secs(25), "{case}: {:?}", rig.stalled);
            let is_played_on = rig.count("http://b/") > 10 || what == ".m3u8" && from_s > 0;
            assert!(is_played_on, "{case}");
            rig.assert_on_one_timeline();
            rig.close();
        }
    }
}

/// A rendition that both hosts have.
fn both() -> Bytes {
    let variant = "#EXT-X-STREAM-INF:BANDWIDTH=1000000,RESOLUTION=640x368\n";
    format!("#EXTM3U\n{variant}http://a/v0.m3u8\n{variant}http://b/v0.m3u8\n").into()
}

#[test]
fn what_one_address_of_a_rendition_fails_to_give_is_had_from_the_next() {
    let packager = Packager { key_every: Some(2), ..Packager::vod(60) };
    for (what, fault) in failings() {
        let mut hosts = failing(&packager, what, fault.clone(), 11);
        hosts.b = Origin::new(packager.clone())
            .fault(|request, _| request.url.contains("list.m3u8").then(|| Fault::Body(both())));
        let mut rig = Rig::new(hosts, "http://b/list.m3u8");
        rig.run(100_000);
        assert!(rig.fatal().is_none(), "{what} {fault:?}: {:?}", rig.hls.error());
        rig.assert_seamless();
        assert!(rig.stalled < Micros::from_secs(1), "{what} {fault:?}: {:?}", rig.stalled);
        assert_eq!(rig.count("list.m3u8"), 1, "{what} {fault:?}: it goes on at once");
        rig.close();
    }
}

#[test]
fn an_address_that_fails_for_a_while_is_waited_for_where_the_other_fails_too() {
    for packager in [Packager::vod(60), Packager { window: Some(60), ..Packager::live() }] {
        let mut hosts = failing(&packager, "/s", Fault::Status(503), 11);
        hosts.b = Origin::new(packager).fault(|request, now| {
            let is_out = request.url.contains("v0.m3u8") && now.0 < 30_000_000;
            let list = || request.url.contains("list.m3u8").then(|| Fault::Body(both()));
            is_out.then_some(Fault::Status(503)).or_else(list)
        });
        let mut rig = Rig::new(hosts, "http://b/list.m3u8");
        rig.run(100_000);
        assert!(rig.fatal().is_none(), "{:?}", rig.hls.error());
        assert!(rig.numbers().len() > 1500, "{}", rig.numbers().len());
        rig.assert_on_one_timeline();
        rig.close();
    }
}
