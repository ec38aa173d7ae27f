//! Whatever comes in, in whatever order: no panic, no livelock, no picture lost or given back twice, and what goes out can be read.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use proptest::prelude::*;
use sailcast_engine::{
    FrameId, Instant, RequestId,
    publisher::{
        AudioSettings, CapturedFrame, Encoded, EncoderId, Event, Input, Line, LineRecord, LinkEvent, Output,
        Publisher, PublisherConfig, Settings, SourceState, VideoSettings,
    },
};
use sailcast_media::{
    Codec, DemuxEvent, Demuxer, FlvDemuxer, MediaKind, MediaTime, Micros, Packet, TrackId, TrackInfo,
};
use sailcast_sim::{studio, synth};

/// A step of a session that no browser would have.
#[derive(Clone, Debug)]
enum Op {
    Input(Box<Input>),
    /// An encoder gives what it was last asked for.
    Give {
        late: usize,
        keyframe: bool,
    },
    /// The connection that was asked for last opens.
    Open,
    /// So many pictures, with their sound, and encoders that do what they are asked.
    Play(u64),
    Wait(u64),
}

fn odd<T: std::fmt::Debug + Clone + 'static>(
    usual: impl Strategy<Value = T> + 'static,
    odd: Vec<T>,
) -> impl Strategy<Value = T> {
    prop_oneof![8 => usual, 1 => prop::sample::select(odd)]
}

fn settings() -> impl Strategy<Value = Settings> {
    let codec = prop::sample::select(vec![
        Codec::Avc,
        Codec::Avc,
        Codec::Avc,
        Codec::Hevc,
        Codec::Av1,
        Codec::Vp9,
        Codec::Opus,
    ]);
    let sides = (odd(180u32..1080, vec![0, u32::MAX]), odd(180u32..360, vec![0, u32::MAX]));
    let rates =
        (odd(1.0..60.0, vec![f64::NAN, f64::INFINITY, -1.0, 0.0]), odd(1.0..8.0, vec![f64::NAN, 1e300]));
    let bits = (odd(200_000u32..2_000_000, vec![0, u32::MAX]), odd(50_000u32..200_000, vec![0, u32::MAX]));
    let times = (
        odd(1_000_000i64..5_000_000, vec![0, -1, i64::MIN, i64::MAX]),
        odd(100_000i64..2_000_000, vec![0, i64::MIN, i64::MAX]),
    );
    let audio =
        (prop::sample::select(vec![Codec::Aac, Codec::Opus]), odd(5000u32..128_000, vec![0, u32::MAX]));
    (codec, sides, rates, bits, times, audio).prop_map(
        |(codec, (side, min_side), (fps, min_fps), (bitrate, min_bitrate), (gop, budget), audio)| Settings {
            video: VideoSettings {
                codec,
                side,
                min_side,
                fps,
                min_fps,
                keyframe_interval: Micros(gop),
                bitrate,
                min_bitrate,
            },
            audio: AudioSettings { codec: audio.0, bitrate: audio.1 },
            latency_budget: Micros(budget),
        },
    )
}

fn line() -> impl Strategy<Value = Line> {
    let known = (any::<f64>(), any::<f64>(), any::<f64>())
        .prop_map(|(connect, throughput, failures)| LineRecord { connect, throughput, failures });
    (
        odd(Just("ws://a".to_owned()), vec!["wss://b?sign=1".into(), "http://c".into(), String::new()]),
        prop::option::of(known),
    )
        .prop_map(|(url, known)| Line { url, known })
}

fn link() -> impl Strategy<Value = LinkEvent> {
    prop_oneof![
        2 => Just(LinkEvent::Opened),
        3 => odd(0u64..100_000, vec![u64::MAX]).prop_map(LinkEvent::Buffered),
        3 => odd(0u64..100_000, vec![u64::MAX]).prop_map(LinkEvent::Acked),
        1 => (any::<bool>(), prop::sample::select(vec![1000, 1006, 4401, 4404, 4500]), "[a€]{0,200}")
            .prop_map(|(opened, code, reason)| LinkEvent::Closed { opened, code, reason }),
        1 => "[a€]{0,200}".prop_map(LinkEvent::Refused),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let kind = || prop::sample::select(vec![MediaKind::Video, MediaKind::Audio]);
    let state = prop::option::weighted(
        0.9,
        prop::sample::select(vec![
            SourceState::Live,
            SourceState::Live,
            SourceState::Muted,
            SourceState::Lost,
        ]),
    );
    let side = || odd(1u32..2000, vec![0, 1 << 31, u32::MAX]);
    let taken = odd(0i64..20_000_000, vec![i64::MIN, i64::MAX, -1]);
    let encoder = || (0u32..6).prop_map(EncoderId);
    let pts = odd(0i64..20_000_000, vec![i64::MIN, i64::MAX]);
    let bytes = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    let junk = (encoder(), pts, any::<bool>(), bytes(), prop::option::of(bytes())).prop_map(
        |(id, pts, keyframe, data, description)| {
            Input::Encoded(id, Encoded { pts: MediaTime(pts), keyframe, data, description })
        },
    );
    prop_oneof![
        2 => prop::collection::vec(line(), 0..3).prop_map(|lines| Input::Start { lines }),
        1 => Just(Input::Stop),
        2 => settings().prop_map(Input::Settings),
        4 => (kind(), state).prop_map(|(kind, state)| Input::Source(kind, state)),
        8 => (taken, side(), side())
            .prop_map(|(taken, width, height)| Input::Captured(CapturedFrame { id: FrameId(0), taken, width, height })),
        8 => (odd(0u64..2_000_000, vec![u64::MAX]), odd(1u32..5000, vec![0, u32::MAX]))
            .prop_map(|(position, frames)| Input::Heard { position, frames }),
        2 => (odd(Just(48_000u32), vec![0, 1, 44_100, u32::MAX]), any::<u8>())
            .prop_map(|(sample_rate, channels)| Input::SoundFormat { sample_rate, channels }),
        1 => junk,
        1 => (encoder(), "[a€]{0,200}").prop_map(|(id, why)| Input::EncoderFailed(id, why)),
        1 => encoder().prop_map(Input::EncoderReclaimed),
        1 => encoder().prop_map(Input::Flushed),
        4 => ((0u32..8).prop_map(RequestId), link()).prop_map(|(id, event)| Input::Link(id, event)),
        1 => any::<bool>().prop_map(Input::Online),
        1 => prop::sample::select(vec![Input::NetworkChanged, Input::Wake, Input::Timeout]),
        1 => any::<bool>().prop_map(Input::Record),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => input().prop_map(|input| Op::Input(Box::new(input))),
        4 => (odd(Just(0usize), vec![1, 2]), odd(Just(true), vec![false]))
            .prop_map(|(late, keyframe)| Op::Give { late, keyframe }),
        2 => Just(Op::Open),
        2 => (1u64..60).prop_map(Op::Play),
        3 => odd(0u64..100_000, vec![600_000, 3_000_000, 40_000_000]).prop_map(Op::Wait),
    ]
}

/// A driver that does what it is told and nothing else.
struct Driver {
    publisher: Publisher,
    now: Instant,
    alive: HashSet<FrameId>,
    next_frame: u64,
    queued: u64,
    /// What each encoder was asked for, and its configuration.
    asked: Vec<(EncoderId, MediaTime, bool)>,
    encoders: HashMap<EncoderId, TrackInfo>,
    opening: Option<RequestId>,
    sent: HashMap<RequestId, Vec<u8>>,
    recorded: Vec<Vec<u8>>,
    recording: bool,
    closed: bool,
    wake: Option<Instant>,
}

impl Driver {
    fn new() -> Self {
        Self {
            publisher: Publisher::new(PublisherConfig { seed: 1, epoch: 0.0 }),
            now: Instant(5_000_000),
            alive: HashSet::new(),
            next_frame: 0,
            queued: 0,
            asked: Vec::new(),
            encoders: HashMap::new(),
            opening: None,
            sent: HashMap::new(),
            recorded: Vec::new(),
            recording: false,
            closed: false,
            wake: None,
        }
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Input(input) => self.give(*input),
            Op::Open => {
                if let Some(id) = self.opening.take() {
                    self.give(Input::Link(id, LinkEvent::Opened));
                }
            }
            Op::Give { late, keyframe } => {
                if let Some(at) = self.asked.len().checked_sub(1 + late) {
                    self.encode(at, keyframe);
                }
            }
            Op::Play(pictures) => (0..pictures).for_each(|_| self.play()),
            Op::Wait(us) => self.wait(us),
        }
    }

    fn encode(&mut self, at: usize, keyframe: bool) {
        let (id, pts, key) = self.asked.remove(at);
        if let Some(encoded) = self.encoders.get(&id).map(|info| encoded(info, pts, key && keyframe)) {
            self.give(Input::Encoded(id, encoded));
        }
    }

    fn play(&mut self) {
        self.wait(40_000);
        let taken = self.now.0 as i64;
        self.give(Input::Captured(CapturedFrame { id: FrameId(0), taken, width: 640, height: 360 }));
        self.give(Input::Heard { position: self.now.0 * 48 / 1000, frames: 1920 });
        while !self.asked.is_empty() {
            self.encode(0, true);
        }
    }

    /// Wakes it as often as it wants to be, as long as that is sane.
    fn wait(&mut self, us: u64) {
        let end = Instant(self.now.0 + us);
        for _ in 0..20_000 {
            let Some(at) = self.wake.filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(at);
            self.give(Input::Timeout);
        }
        panic!("it is woken 20000 times in {us} us");
    }

    fn give(&mut self, input: Input) {
        let input = match input {
            Input::Captured(mut frame) => {
                self.next_frame += 1;
                frame.id = FrameId(self.next_frame);
                self.alive.insert(frame.id);
                Input::Captured(frame)
            }
            Input::Heard { position, frames } => {
                self.queued += u64::from(frames);
                Input::Heard { position, frames }
            }
            Input::SoundFormat { sample_rate, channels } => {
                self.queued = 0;
                Input::SoundFormat { sample_rate, channels }
            }
            Input::Record(on) => {
                if on && !self.recording {
                    self.recorded.push(Vec::new());
                }
                self.recording = on;
                Input::Record(on)
            }
            input => input,
        };
        self.closed |= matches!(input, Input::Close);
        self.publisher.handle(input, self.now);
        for prompt in 0.. {
            assert!(prompt < 6, "it wants to be woken in the past again and again");
            self.drain();
            if self.wake.is_none_or(|at| at > self.now) {
                break;
            }
            self.publisher.handle(Input::Timeout, self.now);
        }
        let _ = self.publisher.stats(self.now);
    }

    fn drain(&mut self) {
        for turn in 0.. {
            assert!(turn < 1000, "outputs without end");
            let output = self.publisher.poll_output();
            if let Output::Wait(at) = output {
                assert!(at.is_none() || !self.closed);
                self.wake = at;
                return;
            }
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output) {
        assert!(!self.closed || gives_back(&output), "{output:?} after Close");
        match output {
            Output::Open(id, _) => self.opening = Some(id),
            Output::Send(id, bytes) => self.sent.entry(id).or_default().extend_from_slice(&bytes),
            Output::Record(bytes) => {
                self.recorded.last_mut().expect("a recording was asked for").extend_from_slice(&bytes);
            }
            Output::ConfigureVideo(id, encoding) => {
                assert!(encoding.width % 2 == 0 && encoding.height % 2 == 0 && encoding.width > 0);
                self.encoders.insert(id, synth::avc(0, encoding.width, encoding.height));
            }
            Output::ConfigureAudio(id, encoding) => {
                self.encoders.insert(id, synth::aac(0, encoding.sample_rate, encoding.channels));
            }
            Output::CloseEncoder(id) => {
                self.encoders.remove(&id);
            }
            Output::Encode { encoder, frame, pts, keyframe } => {
                assert!(self.alive.contains(&frame) && self.encoders.contains_key(&encoder));
                self.asked.push((encoder, pts, keyframe));
            }
            Output::EncodeSound { encoder, frames, pts } => {
                assert!(u64::from(frames) <= self.queued, "more sound than there is");
                self.queued -= u64::from(frames);
                self.asked.push((encoder, pts, true));
            }
            Output::EncodeSilence { encoder, frames, pts } => {
                assert!(frames < 10_000_000, "silence of {frames}");
                self.asked.push((encoder, pts, true));
            }
            Output::DropSound { frames } => {
                assert!(u64::from(frames) <= self.queued, "more sound than there is");
                self.queued -= u64::from(frames);
            }
            Output::Release(id) => assert!(self.alive.remove(&id), "{id:?} released twice"),
            Output::Event(event) => {
                let words = format!("{event:?}");
                assert!(words.len() < 1000, "{words}");
                let over =
                    matches!(&event, Event::Ended) || matches!(&event, Event::Error(error) if error.fatal);
                self.recording &= !over;
            }
            _ => {}
        }
    }
}

fn gives_back(output: &Output) -> bool {
    matches!(
        output,
        Output::Cancel(_) | Output::CloseEncoder(_) | Output::Release(_) | Output::DropSound { .. }
    )
}

fn encoded(info: &TrackInfo, pts: MediaTime, keyframe: bool) -> Encoded {
    let description = Some(info.config.description.clone());
    let data = match info.id == TrackId::audio(0) {
        true => Bytes::from_static(&[0x21; 40]),
        false => studio::reference_picture(keyframe),
    };
    Encoded { pts, keyframe, data, description }
}

/// Our demuxer reads it, its times grow, and its pictures begin with a keyframe.
fn check(bytes: &[u8]) {
    let mut demuxer = FlvDemuxer::new();
    demuxer.push(bytes.to_vec().into());
    let mut packets: Vec<Packet> = Vec::new();
    while let Some(event) = demuxer.poll().expect("FLV") {
        match event {
            DemuxEvent::Packet(packet) => packets.push(packet),
            DemuxEvent::Skipped { why, .. } => panic!("{why:?}"),
            _ => {}
        }
    }
    assert!(packets.windows(2).all(|pair| pair[0].dts <= pair[1].dts), "dts goes back");
    let first = packets.iter().find(|packet| packet.track.kind == MediaKind::Video);
    assert!(first.is_none_or(|packet| packet.keyframe || studio::captured(&packet.data).is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_inputs_breaks_the_laws(
        begin in any::<bool>(),
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut driver = Driver::new();
        if begin {
            driver.give(Input::Settings(studio::settings()));
            driver.give(Input::Source(MediaKind::Video, Some(SourceState::Live)));
            driver.give(Input::SoundFormat { sample_rate: 48_000, channels: 2 });
            driver.give(Input::Source(MediaKind::Audio, Some(SourceState::Live)));
            driver.give(Input::Start { lines: vec![Line { url: "ws://a".to_owned(), known: None }] });
            driver.step(Op::Open);
        }
        for op in ops {
            driver.step(op);
        }
        driver.give(Input::Close);
        driver.give(Input::Captured(CapturedFrame { id: FrameId(0), taken: 0, width: 2, height: 2 }));
        driver.give(Input::Heard { position: 0, frames: 1024 });
        driver.give(Input::Start { lines: vec![Line { url: "ws://a".to_owned(), known: None }] });
        assert!(driver.alive.is_empty(), "{:?} never released", driver.alive);
        driver.sent.values().chain(&driver.recorded).for_each(|bytes| check(bytes));
    }
}
