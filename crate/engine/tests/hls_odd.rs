//! Playlists that are odd in one thing and right in the rest: they play on, and ask for no more than others do.

use bytes::Bytes;
use sailcast_engine::{ErrorCode, Event, Input, Instant, IoEvent, IoRequest, LatencyTarget, State, Stats};
use sailcast_media::Micros;
use sailcast_sim::{
    Deliveries, Server, Sim, config, load,
    origin::{BASE, Container, Fault, Origin, Packager, Sound},
};

const MS: fn(i64) -> Micros = Micros::from_millis;

/// A packet of MPEG-TS that is there to fill (PID 8191).
const EMPTY_PACKET: [u8; 188] = {
    let mut packet = [0xff; 188];
    (packet[0], packet[1], packet[2], packet[3]) = (0x47, 0x1f, 0xff, 0x10);
    packet
};

/// An origin whose playlists are rewritten, line by line.
struct Rewritten {
    origin: Origin,
    line: fn(&str) -> String,
}

impl Server for Rewritten {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        let answer = self.origin.connect(request, now);
        if !request.url.contains(".m3u8") {
            return answer;
        }
        let mut text = Vec::new();
        let mut events = Vec::new();
        for (after, event) in answer {
            match event {
                IoEvent::Bytes(bytes) => text.extend(bytes),
                IoEvent::End => {
                    let text = String::from_utf8(std::mem::take(&mut text)).expect("a playlist");
                    let lines: Vec<String> = text.lines().map(self.line).collect();
                    events.push((after, IoEvent::Bytes(Bytes::from(lines.join("\n")))));
                    events.push((after, IoEvent::End));
                }
                event => events.push((after, event)),
            }
        }
        Box::new(events.into_iter())
    }
}

fn playing(packager: Packager, line: fn(&str) -> String) -> Sim {
    begun(Rewritten { origin: Origin::new(packager), line })
}

fn begun(server: Rewritten) -> Sim {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), server);
    sim.input(load(&format!("{BASE}master.m3u8")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

/// Plays for a minute; what happened in the last 40 seconds of it.
fn assert_plays(what: &str, packager: Packager, line: fn(&str) -> String) -> Stats {
    let is_low_latency = packager.part.is_some();
    let mut sim = playing(packager, line);
    sim.run_ms(20_000);
    let (from, before, asked) = (sim.now, sim.stats(), sim.requests.len());
    sim.run_ms(40_000);
    let stats = sim.stats();
    assert_eq!(stats.state, State::Playing, "{what}: {:?}", sim.errors());
    let moved = stats.position - before.position;
    assert!((moved - MS(40_000)).abs() < MS(3_000), "{what}: {moved:?} in 40 s");
    assert_eq!(stats.stalls, before.stalls, "{what}");
    let worst = sim.av_offsets_ms(from).into_iter().map(f64::abs).fold(0.0, f64::max);
    assert!(worst < 60.0, "{what}: {worst} ms apart");
    let made = sim.requests.len() - asked;
    let most = if is_low_latency { 40 * 12 } else { 40 * 6 };
    assert!(made < most, "{what}: {made} requests in 40 s");
    stats
}

fn with(line: &str, tag: &str, value: &str) -> String {
    if line.starts_with(tag) { format!("{tag}{value}") } else { line.to_owned() }
}

#[test]
fn a_target_duration_that_makes_no_sense() {
    for packager in [Packager::live(), Packager::low_latency()] {
        assert_plays("0", packager.clone(), |line| with(line, "#EXT-X-TARGETDURATION:", "0"));
        assert_plays("30 years", packager, |line| with(line, "#EXT-X-TARGETDURATION:", "1000000000"));
    }
}

#[test]
fn durations_of_nothing() {
    assert_plays("a recording", Packager::vod(100), |line| with(line, "#EXTINF:", "0,"));
    assert_plays("live", Packager::live(), |line| with(line, "#EXTINF:", "0,"));
}

#[test]
fn numbers_near_the_largest() {
    let far = |line: &str| match line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
        Some(number) => {
            let number: u64 = number.parse().expect("a number");
            format!("#EXT-X-MEDIA-SEQUENCE:{}", (1u64 << 62) - 1_000 + number)
        }
        None => line.to_owned(),
    };
    assert_plays("live", Packager::live(), far);
}

#[test]
fn ten_thousand_segments() {
    let age = Micros::from_secs(30_000);
    let packager = Packager { window: Some(10_000), age, ..Packager::live() };
    assert_plays("segments", packager.clone(), str::to_owned);
    let packager = Packager { part: Some(MS(500)), container: Container::Mp4, ..packager };
    assert_plays("parts", packager, str::to_owned);
}

#[test]
fn a_discontinuity_before_each_segment() {
    for (container, sound) in
        [(Container::Ts, Sound::Muxed), (Container::Mp4, Sound::Apart), (Container::Ts, Sound::Packed)]
    {
        let discontinuities: Vec<u64> = (40..200).collect();
        let packager = Packager { container, sound, discontinuities, ..Packager::live() };
        assert_plays(&format!("{container:?} {sound:?}"), packager, str::to_owned);
    }
}

#[test]
fn parts_of_a_tenth_of_a_second() {
    let packager = Packager { part: Some(MS(100)), ..Packager::low_latency() };
    let mut sim = playing(packager, str::to_owned);
    sim.run_ms(20_000);
    let asked = sim.requests.len();
    sim.run_ms(20_000);
    let made = sim.requests.len() - asked;
    assert!(made < 20 * 10 * 2 + 20, "{made} requests in 20 s");
    assert_eq!((sim.state(), sim.stats().stalls), (State::Playing, 0));
}

#[test]
fn the_clock_turns_in_mid_segment() {
    // 2^33 ticks of 90 kHz, reached 11 seconds after the load.
    let first_stamp = Micros(95_443_717_689) - Micros::from_secs(113);
    for sound in [Sound::Muxed, Sound::Apart, Sound::Packed] {
        let packager = Packager { first_stamp, sound, ..Packager::live() };
        assert_plays(&format!("{sound:?}"), packager, str::to_owned);
    }
}

#[test]
fn segments_of_no_duration_with_nothing_in_them_are_an_error_soon() {
    let origin = Origin::new(Packager::vod(20_000)).fault(|request, _| {
        let is_segment = request.url.contains("/s");
        is_segment.then(|| Fault::Body(Bytes::from(EMPTY_PACKET.repeat(20))))
    });
    let server = Rewritten { origin, line: |line| with(line, "#EXTINF:", "0,") };
    let mut sim = begun(server);
    sim.run_ms(120_000);
    assert_eq!(sim.state(), State::Failed);
    assert!(sim.requests.len() < 1_000, "{} requests", sim.requests.len());
}

#[test]
fn web_pages_in_place_of_all_segments_are_one_warning_and_the_error() {
    for (packager, most) in [(Packager::vod(60), 1), (Packager::live(), 2)] {
        let origin = Origin::new(packager).fault(|request, _| {
            request
                .url
                .contains("/s")
                .then(|| Fault::Body(Bytes::from_static(b"<!doctype html><title>Sorry")))
        });
        let mut sim = begun(Rewritten { origin, line: str::to_owned });
        sim.run_ms(30_000);
        assert_eq!(sim.state(), State::Failed);
        let errors = sim.errors();
        let (error, warnings) = errors.split_last().expect("errors");
        assert_eq!((error.code, error.fatal), (ErrorCode::FormatUnrecognised, true));
        assert!((1..=most).contains(&warnings.len()), "{warnings:?}");
    }
}

#[test]
fn a_server_that_always_has_something_new_is_not_asked_all_the_time() {
    // Each answer comes at once and has the part that was asked for, of a stream that runs faster than time.
    let fault = |request: &IoRequest, now: Instant| {
        let asked = request.url.split("_HLS_msn=").nth(1)?;
        let msn: i64 = asked.split('&').next()?.parse().ok()?;
        let age = Packager::low_latency().age.0;
        Some(Fault::AsAt(Instant((now.0 as i64).max((msn + 1) * 2_000_000 - age) as u64)))
    };
    let mut origin = Origin::new(Packager::low_latency()).fault(fault);
    origin.rtt = MS(2);
    let mut sim = begun(Rewritten { origin, line: str::to_owned });
    sim.run_ms(10_000);
    let lists = sim.requests.iter().filter(|(_, url)| url.contains(".m3u8")).count();
    assert!(lists < 120, "{lists} playlists in 10 s");
}

#[test]
fn a_network_that_is_gone_for_a_while_takes_no_keys_with_it() {
    let origin = Origin::new(Packager { key_every: Some(1), ..Packager::live() })
        .fault(|_, now| (10_000_000..22_000_000).contains(&now.0).then_some(Fault::Refused));
    let mut sim = begun(Rewritten { origin, line: str::to_owned });
    sim.run_ms(45_000);
    assert_eq!(sim.state(), State::Playing, "{:?}", sim.errors());
}

#[test]
fn windows_and_segments_of_any_length() {
    assert_plays("a window of one", Packager { window: Some(1), ..Packager::live() }, str::to_owned);
    assert_plays(
        "a window of one, parts",
        Packager { window: Some(1), ..Packager::low_latency() },
        str::to_owned,
    );
    for (seconds, what) in [(1, "1 s"), (30, "30 s")] {
        let packager = Packager {
            segment: Micros::from_secs(seconds),
            age: Micros::from_secs(1_000),
            ..Packager::live()
        };
        assert_plays(what, packager.clone(), str::to_owned);
        assert_plays(
            what,
            Packager { part: Some(MS(250)), container: Container::Mp4, ..packager },
            str::to_owned,
        );
    }
    let long = Packager { segment: Micros::from_secs(12), age: Micros::from_secs(300), ..Packager::live() };
    assert_plays("longer than they may be", long, |line| with(line, "#EXT-X-TARGETDURATION:", "2"));
}

#[test]
fn another_size_of_which_the_playlist_says_nothing() {
    let resized: Vec<u64> = (52..80).step_by(3).collect();
    for (container, sound) in
        [(Container::Ts, Sound::Muxed), (Container::Mp4, Sound::Muxed), (Container::Mp4, Sound::Apart)]
    {
        for part in [None, Some(MS(500))] {
            let packager = Packager { container, sound, part, resized: resized.clone(), ..Packager::live() };
            let what = format!("{container:?} {sound:?} parts {part:?}");
            assert_plays(&what, packager.clone(), str::to_owned);
            let mut sim = playing(packager, str::to_owned);
            sim.run_ms(30_000);
            let still = sim.longest_still(Instant(0));
            assert!(still < MS(110), "{what}: a picture stood for {still:?}");
            assert!(sim.count(|event| matches!(event, Event::Resize { .. })) >= 4, "{what}");
        }
    }
}

#[test]
fn gaps_at_the_live_edge_are_left_out_and_it_stays_where_it_was() {
    for packager in [Packager::live(), Packager::low_latency()] {
        let what = format!("parts {:?}", packager.part);
        let mut sim = playing(Packager { gaps: vec![55, 60, 61], ..packager }, str::to_owned);
        sim.run_ms(50_000);
        let stats = sim.stats();
        assert_eq!(stats.state, State::Playing, "{what}: {:?}", sim.errors());
        assert!((stats.latency - stats.target_latency).abs() < MS(500), "{what}: {:?}", stats.latency);
        assert!(sim.errors().iter().all(|error| !error.fatal), "{what}: {:?}", sim.errors());
        // Six seconds could not be had.
        assert!(stats.stalled < MS(7_000), "{what}: {stats:?}");
        let still = sim.longest_still(Instant(0));
        assert!(still < MS(6_000), "{what}: a picture stood for {still:?}");
    }
}

#[test]
fn what_is_being_made_becomes_a_recording_while_it_is_played() {
    for part in [None, Some(MS(500))] {
        let packager = Packager { part, event: true, window: None, total: Some(65), ..Packager::live() };
        let mut sim = playing(packager, str::to_owned);
        sim.run_ms(60_000);
        let stats = sim.stats();
        assert_eq!(
            (stats.state, stats.stalls, stats.skips),
            (State::Ended, 0, 0),
            "{part:?}: {:?}",
            sim.errors()
        );
        assert_eq!(stats.duration, Some(MS(130_000)));
        assert_eq!(sim.shown_numbers.last(), Some(&Some(65 * 50 - 1)), "{part:?}: up to the last picture");
        assert!(
            sim.events.iter().any(|(_, event)| matches!(event, Event::Source { live: false, .. })),
            "{part:?}"
        );
    }
}
