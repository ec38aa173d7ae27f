//! A publisher with a wild clock, as the viewer sees and hears it: through the whole engine.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use sailcast_engine::{
    Event, Input, Instant, IoError, IoEvent, IoRequest, JumpKind, LatencyTarget, Output, Response, State,
};
use sailcast_media::{
    Micros,
    flv::{
        TagKind::{self, Audio, Video},
        tag::{TagEvent, TagReader, write_header, write_tag},
    },
};
use sailcast_sim::{
    Chance, Deliveries, Encoder, LiveServer, Server, Sim, StreamConfig, auto, config, load, percentile, trace,
};

const MS: fn(i64) -> Micros = Micros::from_millis;
/// How long the stream runs when the player comes.
const AGE: Micros = Micros::from_secs(20);
const RTT: Micros = Micros::from_millis(40);
/// The virtual browser's clock begins here.
const BEGIN: Instant = Instant(1_000_000);

/// What the publisher stamps on what was captured at a time after the player came, in ms, or that it is not sent; the
/// first argument counts the connections from 0.
type Stamps = dyn Fn(usize, TagKind, i64) -> Option<i64>;

#[derive(Clone)]
struct Publisher {
    stamps: Rc<Stamps>,
    connections: usize,
    /// The server is away from one time to the other, in ms after the player came.
    outage: Option<(i64, i64)>,
}

impl Publisher {
    fn new(stamps: impl Fn(usize, TagKind, i64) -> Option<i64> + 'static) -> Self {
        Self { stamps: Rc::new(stamps), connections: 0, outage: None }
    }

    fn away(self, from_ms: i64, to_ms: i64) -> Self {
        Self { outage: Some((from_ms, to_ms)), ..self }
    }

    fn stamped(&self, reader: &mut TagReader, unit: Bytes, at_ms: i64, connection: usize) -> Bytes {
        reader.push(unit);
        let mut out = BytesMut::new();
        while let Ok(Some(event)) = reader.poll() {
            match event {
                TagEvent::Header { .. } => write_header(&mut out, true, true),
                TagEvent::Tag(tag) => {
                    if let Some(stamp) = (self.stamps)(connection, tag.kind, at_ms) {
                        let stamp = stamp.rem_euclid(1 << 32) as u32;
                        write_tag(&mut out, tag.kind, stamp, &tag.body).expect("writable");
                    }
                }
                TagEvent::Skipped { .. } => panic!("the encoder is sound"),
            }
        }
        out.freeze()
    }
}

impl Server for Publisher {
    fn connect(&mut self, _: &IoRequest, now: Instant) -> Deliveries {
        let after = now - BEGIN;
        let lost = self.outage.filter(|(_, back)| after < MS(*back)).map(|(from, _)| MS(from));
        if lost.is_some_and(|lost| after >= lost) {
            return Box::new([(RTT, IoEvent::Failed(IoError::Connect))].into_iter());
        }
        let connection = self.connections;
        self.connections += 1;
        let publisher = self.clone();
        let mut reader = TagReader::new();
        let live = Encoder::joined(StreamConfig::default(), Chance(1), AGE + after)
            .map(move |unit| (unit.at - AGE, unit.bytes))
            .take_while(move |(at, _)| lost.is_none_or(|lost| *at < lost))
            .map(move |(at, unit)| {
                let bytes = publisher.stamped(&mut reader, unit, at.0 / 1000, connection);
                ((at - after).max(Micros::ZERO) + RTT, IoEvent::Bytes(bytes))
            });
        let opened = (RTT, IoEvent::Opened(Response::new(200, false)));
        let end = lost.map(|lost| (lost - after + RTT, IoEvent::Failed(IoError::Lost)));
        Box::new(std::iter::once(opened).chain(live).chain(end))
    }
}

struct Viewer(Sim);

impl Viewer {
    fn of(publisher: Publisher) -> Self {
        let mut sim = Sim::with(config(LatencyTarget::fixed(MS(400))), publisher);
        sim.input(load("http://live/stream.flv"));
        sim.input(Input::Play);
        sim.sound_on(48_000, 20);
        Self(sim)
    }

    fn run_to(mut self, ms: i64) -> Self {
        let left = BEGIN + MS(ms) - self.0.now;
        self.0.run_ms(left.0 / 1000);
        self
    }

    fn jumps(&self) -> Vec<JumpKind> {
        self.0
            .events
            .iter()
            .filter_map(|(_, e)| if let Event::Discontinuity(jump) = e { Some(jump.kind) } else { None })
            .collect()
    }

    /// Pictures and sound come evenly from one time to another: no hold of the picture nor silence longer than `hole_ms`,
    /// both together.
    fn assert_plays(&self, from_ms: i64, to_ms: i64, hole_ms: i64) -> &Self {
        let (from, to) = (BEGIN + MS(from_ms), BEGIN + MS(to_ms));
        let within = |at: Instant| at >= from && at < to;
        let shown: Vec<Instant> = self.0.shown.iter().map(|(at, _)| *at).filter(|at| within(*at)).collect();
        let heard: Vec<Instant> =
            self.0.heard.iter().filter(|(at, m)| within(*at) && m.is_some()).map(|(at, _)| *at).collect();
        for (what, of) in [("picture", shown), ("sound", heard)] {
            let times: Vec<Instant> = [from].into_iter().chain(of).chain([to]).collect();
            let hole = times.windows(2).map(|w| w[1] - w[0]).max().expect("two at least");
            assert!(hole <= MS(hole_ms), "no {what} for {} ms", hole.0 / 1000);
        }
        self
    }

    fn assert_in_sync(&self, from_ms: i64) -> &Self {
        let offsets: Vec<f64> = self.0.av_offsets_ms(BEGIN + MS(from_ms)).iter().map(|o| o.abs()).collect();
        assert!(offsets.len() > 50, "{} measurements", offsets.len());
        let worst = percentile(&offsets, 0.95);
        assert!(worst < 40.0, "{worst:.1} ms");
        self
    }

    fn assert_live(&self) -> &Self {
        assert_eq!(self.0.state(), State::Playing);
        let latency = self.0.stats().latency;
        assert!(latency < MS(700), "{latency:?} behind");
        self
    }

    fn stalls(&self) -> u64 {
        self.0.stats().stalls
    }
}

/// A stream on one connection whose stamps do something at 8 s, played for 20 s.
fn play(stamps: impl Fn(TagKind, i64) -> Option<i64> + 'static) -> Viewer {
    Viewer::of(Publisher::new(move |_, kind, t| stamps(kind, t))).run_to(20_000)
}

#[test]
fn a_restart_at_zero_is_not_noticed() {
    let v = play(|_, t| Some(if t < 8_000 { t + 50_000 } else { t - 8_000 }));
    assert_eq!(v.jumps(), [JumpKind::Restart]);
    v.assert_plays(3_000, 20_000, 120).assert_in_sync(3_000).assert_live();
    assert_eq!(v.stalls(), 0);
}

#[test]
fn a_clock_that_steps_ahead_is_not_noticed() {
    let v = play(|_, t| Some(if t < 8_000 { t + 50_000 } else { t + 700_000 }));
    assert_eq!(v.jumps(), [JumpKind::Ahead]);
    v.assert_plays(3_000, 20_000, 120).assert_in_sync(3_000).assert_live();
    assert_eq!(v.stalls(), 0);
}

#[test]
fn a_wrap_is_not_noticed_whichever_track_is_first() {
    for sound_ahead in [-120, 0, 120] {
        let begin = (1 << 32) - 8_000;
        let v = play(move |kind, t| Some(t + begin + if kind == Audio { sound_ahead } else { 0 }));
        assert_eq!(v.jumps(), []);
        v.assert_plays(3_000, 20_000, 120).assert_in_sync(3_000).assert_live();
        assert_eq!(v.stalls(), 0);
    }
}

#[test]
fn a_sound_clock_that_jumps_alone_costs_a_moment_at_most() {
    for by in [-30_000, -2_000, 700, 2_000, 30_000] {
        let v = play(move |kind, t| Some(t + 50_000 + if kind == Audio && t >= 8_000 { by } else { 0 }));
        assert_eq!(v.jumps(), [JumpKind::Divergence], "{by}");
        v.assert_plays(3_000, 20_000, 200).assert_in_sync(3_000).assert_live();
        assert_eq!(v.stalls(), 0, "{by}");
    }
}

#[test]
fn a_picture_clock_that_jumps_alone_costs_a_moment_at_most() {
    for by in [-30_000, -2_000, 700, 2_000, 30_000] {
        let v = play(move |kind, t| Some(t + 50_000 + if kind == Video && t >= 8_000 { by } else { 0 }));
        assert_eq!(v.jumps(), [JumpKind::Divergence], "{by}");
        v.assert_plays(3_000, 20_000, 200).assert_in_sync(3_000).assert_live();
        assert_eq!(v.stalls(), 0, "{by}");
    }
}

#[test]
fn a_sound_clock_that_runs_away_is_repaired_unseen_and_unheard() {
    for ppm in [-5_000, 5_000] {
        let v = Viewer::of(Publisher::new(move |_, kind, t| {
            Some(t + 50_000 + if kind == Audio { t * ppm / 1_000_000 } else { 0 })
        }))
        .run_to(150_000);
        let jumps = v.jumps();
        assert!((1..=3).contains(&jumps.len()), "{jumps:?}");
        assert!(jumps.iter().all(|kind| *kind == JumpKind::Divergence));
        v.assert_plays(3_000, 150_000, 200).assert_in_sync(3_000).assert_live();
        assert_eq!(v.stalls(), 0);
    }
}

#[test]
fn a_few_packets_stamped_zero_are_not_noticed() {
    let v = play(|kind, t| Some(if kind == Audio && (8_000..8_060).contains(&t) { 0 } else { t + 50_000 }));
    assert_eq!(v.jumps(), []);
    v.assert_plays(3_000, 20_000, 150).assert_in_sync(3_000).assert_live();
    assert_eq!(v.stalls(), 0);
}

#[test]
fn five_seconds_that_the_server_left_out_are_no_stall_of_five_seconds() {
    // Stamps step ahead with nothing sent in between and no time passed: the publisher's own hole.
    let v = play(|_, t| Some(if t < 8_000 { t + 50_000 } else { t + 55_000 }));
    v.assert_plays(3_000, 20_000, 150).assert_in_sync(3_000).assert_live();
    // And the server's, for a slow reader: the link stands, then what is captured now comes.
    let v = play(|_, t| (!(8_000..13_000).contains(&t)).then_some(t + 50_000));
    assert_eq!(v.jumps(), []);
    // Nothing came for 5 s; all is well half a second after something did.
    v.assert_plays(3_000, 8_300, 150).assert_plays(13_600, 20_000, 150).assert_in_sync(14_000).assert_live();
    assert_eq!(v.stalls(), 1);
}

#[test]
fn the_same_clock_goes_on_after_an_outage_of_any_length() {
    for (lost, back) in [(8_000, 8_100), (8_000, 11_000), (8_000, 38_000)] {
        let server = Publisher::new(|_, _, t| Some(t + 500_000)).away(lost, back);
        let v = Viewer::of(server).run_to(back + 20_000);
        assert_eq!(v.jumps(), [], "{back}");
        // The next try may come seconds after the server is back.
        let again = v.0.first(|e| matches!(e, Event::Reconnected { .. })).expect("reconnected") - BEGIN;
        let again = again.0 / 1000;
        v.assert_plays(3_000, lost + 300, 120)
            .assert_plays(again + 600, back + 20_000, 150)
            .assert_in_sync(again + 2_000)
            .assert_live();
        // The playhead is where the publisher is.
        let behind = MS(back + 20_000 + 500_000) - Micros(v.0.stats().position.0);
        assert!(behind.abs() < MS(700), "{behind:?}");
    }
}

fn begins_at_zero(lost: i64, back: i64) -> (Viewer, i64) {
    let begin = move |connection| if connection == 0 { -2_000 } else { back - 2_000 };
    let server = Publisher::new(move |c, _, t| Some((t - begin(c)).max(0))).away(lost, back);
    let v = Viewer::of(server).run_to(back + 20_000);
    let again = v.0.first(|e| matches!(e, Event::Reconnected { .. })).expect("reconnected") - BEGIN;
    (v, again.0 / 1000)
}

#[test]
fn a_server_that_begins_each_connection_at_zero_goes_on_at_once() {
    for (lost, back) in [(20_000, 20_100), (20_000, 23_000), (20_000, 50_000)] {
        let (v, again) = begins_at_zero(lost, back);
        assert_eq!(v.jumps(), [JumpKind::Reconnect], "{lost} to {back}");
        v.assert_plays(again + 600, back + 20_000, 150).assert_in_sync(again + 2_000).assert_live();
    }
}

#[test]
fn zero_that_could_be_the_cached_gop_goes_on_within_three_seconds() {
    for (lost, back) in [(5_000, 5_100), (5_000, 8_000), (8_000, 9_000)] {
        let (v, again) = begins_at_zero(lost, back);
        v.assert_plays(again + 3_000, back + 20_000, 150).assert_in_sync(again + 4_000).assert_live();
    }
}

#[test]
fn an_hour_of_restarts_wraps_and_lone_jumps_never_stops() {
    // Each minute something else; the engine's laws are checked by the virtual browser all along.
    let server = Publisher::new(|_, kind, t| {
        let minute = t.div_euclid(60_000);
        let sound = kind == Audio;
        Some(match minute % 4 {
            0 => t + (1 << 32) - 30_000,
            1 => t - minute * 60_000,
            2 => t + if sound { 90_000 } else { 0 },
            _ => t + if sound { 0 } else { 5_000_000 },
        })
    });
    let mut v = Viewer::of(server);
    v.0.sound_divisor = 8;
    for minute in 1..=60 {
        v = v.run_to(minute * 60_000);
        v.assert_plays((minute - 1) * 60_000 + 3_000, minute * 60_000, 400).assert_live();
        v.0.shown.clear();
        v.0.heard.clear();
    }
    assert!(v.stalls() == 0, "{} stalls", v.stalls());
    assert!(v.jumps().len() >= 59 && v.jumps().len() <= 180, "{}", v.jumps().len());
    assert!(matches!(v.0.player.poll_output(), Output::Wait(_)));
}

#[test]
fn a_bad_network_is_never_taken_for_a_wild_clock() {
    for trace in trace::all().into_iter().filter(|t| t.length <= Micros::from_secs(300)) {
        for seed in 1..=3 {
            let (stream, link) = (trace.stream, trace.link.clone());
            let mut sim = Sim::with(
                auto(),
                LiveServer { stream, link, chance: Chance(seed), offset: AGE + MS(seed as i64 * 700) },
            );
            sim.sound_divisor = if stream.sound.is_some_and(|rate| rate % 8_000 == 0) { 8 } else { 4 };
            if let Some(rate) = stream.sound {
                sim.sound_on(rate / sim.sound_divisor, 20);
            }
            sim.video_decode_time = trace.decode_time;
            sim.input(load("http://live/stream.flv"));
            sim.input(Input::Play);
            sim.run_ms(60_000);
            let jumps: Vec<_> =
                sim.events.iter().filter(|(_, e)| matches!(e, Event::Discontinuity(_))).collect();
            assert!(jumps.is_empty(), "{} with seed {seed}: {jumps:?}", trace.name);
        }
    }
}
