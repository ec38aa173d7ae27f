//! The recorder as the player's door sees it, in virtual time.

use sailcast_media::{
    Codec, CodecParams, DecoderConfig, MediaTime, Micros, Packet, TrackId, Turn, VideoParams,
};

use super::*;
use crate::{
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{
        DecoderMode, DecoderPath, FrameId, FrameInfo, Input, IoError, IoEvent, IoRequest, Load, Output,
        Response, Transport,
    },
    retry::Reason,
};

struct Door {
    recorder: Recorder,
    now: u64,
}

impl Door {
    fn new() -> Self {
        Self { recorder: Recorder::default(), now: 5_000_000 }
    }

    fn wait(&mut self, ms: u64) {
        self.now += ms * 1000;
    }

    fn input(&mut self, input: Input) {
        self.recorder.on_input(&input, Instant(self.now));
    }

    fn output(&mut self, output: Output) {
        self.recorder.on_output(&output, Instant(self.now));
    }

    fn event(&mut self, event: Event) {
        self.output(Output::Event(event));
    }

    fn state(&mut self, state: State) {
        self.event(Event::StateChange(state));
    }

    fn load(&mut self, request: u32) {
        let url = "https://example.com/live.flv?sign=secret".to_owned();
        self.input(Input::Load(Load { lines: vec![url.clone()], resolve: false, ..Load::default() }));
        self.output(Output::Open(
            RequestId(request),
            IoRequest { url, transport: Transport::Http, range: None, fresh: false },
        ));
        self.state(State::Connecting);
    }

    fn io(&mut self, request: u32, event: IoEvent) {
        self.input(Input::Io(RequestId(request), event));
    }

    fn bytes(&mut self, request: u32) {
        self.io(request, IoEvent::Bytes(vec![0; 100].into()));
    }

    fn quality(&self) -> Quality {
        self.recorder.quality(Counters::default(), Instant(self.now)).unwrap()
    }

    fn logged(&self) -> Vec<What> {
        self.recorder.log().entries().map(|entry| entry.what.clone()).collect()
    }
}

fn config() -> DecoderConfig {
    DecoderConfig {
        codec: Codec::Avc,
        codec_string: "avc1.64001f".to_owned(),
        description: Default::default(),
        params: CodecParams::Video(VideoParams::of_size(640, 360)),
    }
}

fn keyframe() -> Packet {
    Packet {
        track: TrackId::audio(0),
        dts: MediaTime(0),
        pts: MediaTime(0),
        duration: None,
        keyframe: true,
        disposable: false,
        data: vec![0; 10].into(),
    }
}

fn frame() -> FrameInfo {
    FrameInfo { id: FrameId(1), pts: MediaTime(0), width: 640, height: 360, turn: Turn::NONE }
}

#[test]
fn each_step_of_a_start_is_counted_from_the_load() {
    let mut door = Door::new();
    door.load(1);
    door.wait(40);
    door.io(1, IoEvent::Opened(Response::new(200, false)));
    door.wait(10);
    door.bytes(1);
    door.wait(5);
    door.output(Output::Configure(
        DecoderId(1),
        config(),
        DecoderMode { low_delay: true, path: DecoderPath::WebCodecs },
    ));
    door.wait(15);
    door.output(Output::Decode(DecoderId(1), keyframe()));
    door.wait(20);
    door.input(Input::FrameDecoded(DecoderId(1), frame()));
    door.wait(2);
    door.output(Output::Render(FrameId(1)));
    door.event(Event::FirstFrame);
    // Later ones change nothing.
    door.wait(500);
    door.bytes(1);
    door.output(Output::Render(FrameId(2)));
    let [connected, first_byte, first_tag, first_keyframe, decoded, shown] =
        [40, 50, 55, 70, 90, 92].map(|ms| Some(Micros::from_millis(ms)));
    let steps = StartUp { connected, first_byte, first_tag, first_keyframe, decoded, shown };
    assert_eq!(door.quality().start_up, steps);
    assert!(door.logged().contains(&What::FirstFrame { after: Micros::from_millis(92) }));
}

#[test]
fn an_earlier_load_says_nothing_of_the_present_one() {
    let mut door = Door::new();
    door.load(1);
    door.state(State::Playing);
    door.wait(10_000);
    door.load(2);
    door.wait(100);
    door.io(1, IoEvent::Opened(Response::new(200, false)));
    door.bytes(1);
    let quality = door.quality();
    assert_eq!((quality.start_up, quality.played), (StartUp::default(), Micros::ZERO));
    assert_eq!(quality.loaded, Instant(15_000_000));
    // The log goes on.
    assert_eq!(door.logged().iter().filter(|what| what.name() == "load").count(), 2);
}

#[test]
fn the_stall_ratio_is_of_the_time_that_should_have_been_playing() {
    let mut door = Door::new();
    door.load(1);
    door.wait(3000);
    // Waiting before anything has played is still the start.
    door.state(State::Waiting);
    door.wait(500);
    door.state(State::Playing);
    door.wait(9000);
    door.state(State::Waiting);
    door.wait(1000);
    assert_eq!(door.quality().stalls.present.unwrap().length, Micros::from_secs(1));
    door.state(State::Playing);
    door.state(State::Paused);
    door.wait(600_000);
    let quality = door.quality();
    assert_eq!(quality.played, Micros::from_secs(9));
    assert_eq!(quality.stall_ratio(), 0.1);
    assert_eq!(quality.stalls_per_100s(), 10.0);
    assert_eq!(quality.stalls.histogram, [0, 0, 1, 0, 0, 0, 0]);
}

#[test]
fn a_lost_connection_is_the_cause_of_its_stall_and_counted_by_reason() {
    let mut door = Door::new();
    door.load(1);
    door.state(State::Playing);
    door.wait(1000);
    door.io(1, IoEvent::Failed(IoError::Lost));
    for attempt in 1..=2 {
        door.event(Event::Reconnecting { attempt, delay: Micros::from_millis(500), reason: Reason::Lost });
    }
    door.event(Event::Reconnecting { attempt: 3, delay: Micros::ZERO, reason: Reason::Silent });
    door.wait(300);
    door.state(State::Waiting);
    door.wait(700);
    door.state(State::Playing);
    let quality = door.quality();
    assert_eq!(quality.stalls.recent[0].cause, StallCause::Lost);
    assert_eq!(quality.reconnects, [("lost", 2), ("silent", 1)]);
    assert!(door.logged().iter().any(|what| what.name() == "stall"));
}

#[test]
fn a_load_that_ends_in_a_stall_counts_it() {
    let mut door = Door::new();
    door.load(1);
    door.state(State::Playing);
    door.wait(1000);
    door.state(State::Waiting);
    door.wait(8000);
    door.state(State::Failed);
    door.wait(60_000);
    let stalls = door.quality().stalls;
    assert_eq!((stalls.count, stalls.total, stalls.histogram[6]), (1, Micros::from_secs(8), 1));
    assert!(!door.recorder.wants_sample(Instant(door.now)));
}

#[test]
fn latency_counts_while_it_plays() {
    let mut door = Door::new();
    door.load(1);
    let mut samples = 0;
    for ms in (0..20_000).step_by(10) {
        if ms == 1000 {
            door.state(State::Playing);
        }
        if ms == 19_000 {
            door.state(State::Paused);
        }
        let now = Instant(door.now);
        if door.recorder.wants_sample(now) {
            samples += 1;
            let latency = if (1000..19_000).contains(&ms) { 400 } else { 9000 };
            door.recorder.sample(Counters::default(), Micros::from_millis(latency), now);
        }
        door.wait(10);
    }
    assert_eq!(samples, 200);
    let quality = door.quality();
    assert!((quality.latency.p95.unwrap() - Micros::from_millis(400)).abs() < Micros::from_millis(16));
    assert_eq!(quality.recent_latency.p50, Some(Micros::from_millis(400)));
}

#[test]
fn catching_up_is_told_by_kind() {
    let mut door = Door::new();
    door.load(1);
    door.state(State::Playing);
    door.event(Event::RateChange { rate: 1.05 });
    door.wait(2000);
    door.event(Event::RateChange { rate: 1.0 });
    door.event(Event::Skip { from: MediaTime::from_millis(1000), to: MediaTime::from_millis(3500) });
    door.wait(1000);
    let catch_up = door.quality().catch_up;
    assert_eq!(catch_up.faster, Micros::from_secs(2));
    assert_eq!((catch_up.skipped, catch_up.skips), (Micros::from_millis(2500), 1));
}

#[test]
fn the_log_holds_no_secret_of_the_address() {
    let mut door = Door::new();
    door.load(1);
    let what = "https://example.com/live.flv?sign=secret is no stream.".to_owned();
    door.event(Event::Error(SailcastError { code: ErrorCode::HttpStatus, fatal: true, what }));
    door.input(Input::DecoderFailed(DecoderId(1), "of wss://me:secret@host/x".to_owned()));
    assert!(!format!("{:?}", door.logged()).contains("secret"));
}

#[test]
fn a_day_of_trouble_stays_within_bounds() {
    let mut door = Door::new();
    door.load(1);
    for round in 0..20_000u32 {
        door.state(State::Playing);
        door.wait(800);
        door.bytes(1);
        door.event(Event::RateChange { rate: 1.0 + f64::from(round % 5) / 100.0 });
        door.recorder.sample(Counters::default(), Micros(i64::from(round)), Instant(door.now));
        door.state(State::Waiting);
        door.event(Event::Reconnecting {
            attempt: round,
            delay: Micros::ZERO,
            reason: Reason::ALL[round as usize % Reason::ALL.len()],
        });
        door.input(Input::DecoderFailed(DecoderId(1), "x ".repeat(5_000)));
        door.wait(1000);
    }
    let quality = door.quality();
    assert_eq!(quality.stalls.count, 20_000);
    assert!(quality.stalls.recent.len() <= 50);
    assert_eq!(quality.reconnects.len(), Reason::ALL.len());
    assert_eq!(quality.reconnects.iter().map(|(_, count)| count).sum::<u64>(), 20_000);
    assert_eq!(door.logged().len(), 300);
    assert!(format!("{:?}", door.logged()).len() < 300 * 400);
}

#[test]
fn before_a_load_there_is_nothing_to_tell() {
    let mut recorder = Recorder::default();
    assert!(recorder.quality(Counters::default(), Instant(5)).is_none());
    assert!(!recorder.wants_sample(Instant(5)));
    recorder.sample(Counters::default(), Micros::ZERO, Instant(5));
    recorder.on_input(&Input::Visible(false), Instant(6));
    assert_eq!(recorder.log().entries().count(), 1);
    assert_eq!(Quality::default().stall_ratio(), 0.0);
    assert_eq!(Quality::default().stalls_per_100s(), 0.0);
}

#[test]
fn a_frozen_page_neither_plays_nor_stalls() {
    let mut door = Door::new();
    door.load(1);
    door.state(State::Playing);
    for _ in 0..100 {
        door.wait(100);
        door.input(Input::Timeout);
    }
    door.wait(3_600_000);
    door.input(Input::Wake);
    door.state(State::Waiting);
    door.wait(1000);
    door.input(Input::Timeout);
    door.wait(3_600_000);
    door.input(Input::Wake);
    door.state(State::Playing);
    let quality = door.quality();
    assert_eq!(quality.played, Micros::from_secs(10));
    assert_eq!(quality.stalls.total, Micros::from_secs(1));
}
