//! One session: camera, microphone and encoder before a policy, and the path behind it.

use std::collections::VecDeque;

use bytes::Bytes;
use sailcast_engine::{
    Instant,
    publisher::uplink::{SocketState, Target, Uplink, UplinkConfig, UplinkEvent},
};
use sailcast_media::{MediaKind, MediaTime, Micros, Packet, TrackId};

use super::{
    encoder::Encoder,
    figures::{Figures, Meter},
    path::Path,
    peer::Aimd,
    trace::Trace,
};
use crate::chance::Chance;

pub const STEP: Micros = Micros::from_millis(5);
const CAMERA_FPS: i64 = 30;
/// 1024 samples at 48 kHz.
const SOUND_EVERY: Micros = Micros(21_333);
const ENCODING: Micros = Micros::from_millis(20);
/// What a container adds to a packet.
const TAG: u64 = 16;
/// The peer looks at its socket so often.
const LOOK_EVERY: Micros = Micros::from_millis(10);
const SECOND: u64 = 1_000_000;
/// No session begins at the epoch.
const EPOCH: u64 = 5 * SECOND;

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Acknowledged,
    Unacknowledged,
    Aimd,
}

impl Policy {
    pub const ALL: [Self; 3] = [Self::Acknowledged, Self::Unacknowledged, Self::Aimd];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "sailcast, acknowledged",
            Self::Unacknowledged => "sailcast, not",
            Self::Aimd => "AIMD",
        }
    }
}

/// What the sessions are published with.
pub fn config() -> UplinkConfig {
    UplinkConfig {
        budget: Micros::from_millis(500),
        video_bitrate: (150_000, 2_500_000),
        audio_bitrate: 64_000,
        fps: (8, 15),
        sides: vec![720, 504, 360],
        gop: Micros::from_secs(4),
    }
}

/// A line of a session told as it happens.
#[derive(Clone, Debug)]
pub struct Line {
    pub at: Micros,
    pub what: String,
}

pub struct Session<'a> {
    trace: &'a Trace,
    policy: Policy,
    seed: u64,
}

impl<'a> Session<'a> {
    pub fn new(trace: &'a Trace, policy: Policy, seed: u64) -> Self {
        Self { trace, policy, seed }
    }

    pub fn figures(&self) -> Figures {
        self.play(None)
    }

    pub fn explain(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        self.play(Some(&mut lines));
        lines
    }

    fn play(&self, lines: Option<&mut Vec<Line>>) -> Figures {
        let chance = Chance(self.seed);
        let config = config();
        let sender = match self.policy {
            Policy::Aimd => Sender::Aimd(Aimd::new(&config)),
            _ => {
                let mut uplink = Uplink::new(config.clone(), Instant(EPOCH));
                uplink.opened(Instant(EPOCH));
                Sender::Uplink(Box::new(uplink))
            }
        };
        let target = sender.target();
        let mut run = Run {
            acknowledged: self.policy == Policy::Acknowledged,
            encoder: Encoder::new(chance.of(50), self.trace, config.gop, target),
            path: Path::new(self.trace, chance, STEP),
            meter: Meter::new(self.trace, target),
            chance: chance.of(60),
            audio_bytes: f64::from(config.audio_bitrate) / 8.0 * SOUND_EVERY.as_secs_f64(),
            encoding: VecDeque::new(),
            sender,
            lines,
            frames: 0,
            sounds: 0,
            looked: Micros::ZERO,
        };
        let mut now = Micros::ZERO;
        while now < self.trace.length {
            now += STEP;
            run.step(now);
        }
        run.meter.finish(run.path.received(), run.path.could_carry, run.sender.dropped())
    }
}

enum Sender {
    Uplink(Box<Uplink>),
    Aimd(Aimd),
}

/// Frames and sounds that were given up, and frames not encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    pub video: u64,
    pub audio: u64,
    pub not_encoded: u64,
}

fn instant(now: Micros) -> Instant {
    Instant(EPOCH) + now
}

impl Sender {
    fn target(&self) -> Target {
        match self {
            Self::Uplink(uplink) => uplink.target(),
            Self::Aimd(aimd) => aimd.target(),
        }
    }

    fn dropped(&self) -> GivenUp {
        match self {
            Self::Uplink(uplink) => {
                let d = uplink.stats(Instant(0)).dropped;
                GivenUp { video: d.video + d.disposable, audio: d.audio, not_encoded: d.not_encoded }
            }
            Self::Aimd(aimd) => {
                GivenUp { video: aimd.dropped_video, audio: aimd.dropped_audio, not_encoded: 0 }
            }
        }
    }

    fn push(&mut self, packet: Packet, now: Micros) {
        match self {
            Self::Uplink(uplink) => uplink.push(packet, instant(now)),
            Self::Aimd(aimd) => aimd.push(packet, now),
        }
    }

    fn pop(&mut self, now: Micros) -> Option<Packet> {
        match self {
            Self::Uplink(uplink) => uplink.pop(instant(now)),
            Self::Aimd(aimd) => aimd.pop(),
        }
    }
}

struct Run<'l> {
    acknowledged: bool,
    sender: Sender,
    encoder: Encoder,
    path: Path,
    meter: Meter,
    chance: Chance,
    audio_bytes: f64,
    /// Packets inside an encoder, with when they come out.
    encoding: VecDeque<(Micros, Packet)>,
    lines: Option<&'l mut Vec<Line>>,
    frames: i64,
    sounds: i64,
    looked: Micros,
}

impl Run<'_> {
    fn step(&mut self, now: Micros) {
        let acked = self.path.advance(now) && self.acknowledged;
        self.meter.received(self.path.received(), self.path.could_carry, now);
        let mut pushed = false;
        self.capture(now);
        while self.encoding.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, packet)) = self.encoding.pop_front() else { break };
            self.meter.pushed(&packet, now);
            self.sender.push(packet, now);
            pushed = true;
        }
        if pushed || acked || self.must_look(now) {
            self.look(now);
        }
        self.tell(now);
    }

    fn must_look(&self, now: Micros) -> bool {
        match &self.sender {
            Sender::Uplink(uplink) => uplink.next_wake().is_some_and(|at| at <= instant(now)),
            Sender::Aimd(_) => now - self.looked >= LOOK_EVERY,
        }
    }

    fn look(&mut self, now: Micros) {
        self.looked = now;
        let state = SocketState {
            handed: self.path.handed(),
            buffered: self.path.buffered(),
            acked: self.acknowledged.then(|| self.path.acked()),
        };
        match &mut self.sender {
            Sender::Uplink(uplink) => uplink.on_socket(state, instant(now)),
            Sender::Aimd(aimd) => aimd.on_socket(state, now),
        }
        while let Some(packet) = self.sender.pop(now) {
            self.path.send(packet.data.len() as u64 + TAG);
            self.meter.sent(&packet, self.path.handed());
        }
    }

    fn capture(&mut self, now: Micros) {
        while Micros(self.sounds * SOUND_EVERY.0) <= now {
            let at = Micros(self.sounds * SOUND_EVERY.0);
            let share = self.chance.of(1).between(self.sounds as u64, 0.9, 1.1);
            self.encode(TrackId::audio(0), (self.audio_bytes * share) as u64, true, false, at);
            self.sounds += 1;
        }
        while Micros(self.frames * SECOND as i64 / CAMERA_FPS) <= now {
            let at = Micros(self.frames * SECOND as i64 / CAMERA_FPS);
            self.frames += 1;
            let (admitted, wish) = match &mut self.sender {
                Sender::Uplink(uplink) => {
                    let admitted = uplink.admits(MediaTime(at.0), instant(now));
                    (admitted, admitted && uplink.take_keyframe_request())
                }
                Sender::Aimd(_) => (self.frames % 2 == 0, false),
            };
            self.encoder.target(self.sender.target(), at);
            if admitted {
                let frame = self.encoder.encode(self.sender.target(), wish, at);
                self.encode(TrackId::video(0), frame.bytes, frame.keyframe, frame.disposable, at);
            }
        }
    }

    fn encode(&mut self, track: TrackId, bytes: u64, keyframe: bool, disposable: bool, at: Micros) {
        let time = MediaTime(at.0);
        let data = Bytes::from_static(&ZEROS[..(bytes as usize).min(ZEROS.len())]);
        let packet = Packet { track, dts: time, pts: time, duration: None, keyframe, disposable, data };
        // Both encoders take as long, so that what comes out is interleaved.
        let place = self.encoding.partition_point(|(_, other)| other.dts <= time);
        self.encoding.insert(place, (at + ENCODING, packet));
    }

    fn tell(&mut self, now: Micros) {
        let target = self.sender.target();
        let is_new = self.meter.targeted(target, now);
        let mut told = Vec::new();
        if let Sender::Uplink(uplink) = &mut self.sender {
            while let Some(event) = uplink.poll_event() {
                told.push(match event {
                    UplinkEvent::BitrateChange { from, to, why } => {
                        let stats = uplink.stats(instant(now));
                        let estimate = stats.estimate.unwrap_or(0) / 1000;
                        let (from, to, queue) = (from / 1000, to / 1000, stats.queue.0 / 1000);
                        format!("{from} -> {to} kbit/s, {}; link {estimate}, queue {queue} ms", why.as_str())
                    }
                    other => format!("{other:?}"),
                });
            }
        } else if is_new {
            told.push(format!("{} kbit/s", target.video_bitrate / 1000));
        }
        if let Some(lines) = &mut self.lines {
            lines.extend(told.into_iter().map(|what| Line { at: now, what }));
        }
    }
}

/// No encoder makes a larger one here.
static ZEROS: [u8; 4 << 20] = [0; 4 << 20];

/// A packet of video, for who counts them.
pub fn is_video(packet: &Packet) -> bool {
    packet.track.kind == MediaKind::Video
}
