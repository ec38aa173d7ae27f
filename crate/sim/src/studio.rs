//! A virtual browser around the real publisher: camera, microphone, encoders, sockets and servers, all in virtual time.
//!
//! [`Studio`] does what the real driver does and checks the publisher's laws while doing it: each picture is released exactly once,
//! an encoder's first picture is a keyframe and its times grow, sound is encoded as it came, and nothing is asked of what is closed. What the servers got is kept, as
//! bytes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::{BufMut, Bytes, BytesMut};
use sailcast_engine::{
    FrameId, Instant, RequestId,
    publisher::{
        AudioEncoding, AudioSettings, CapturedFrame, Encoded, EncoderId, EncoderPath, Event, Input, Line,
        LinkEvent, Output, Publisher, PublisherConfig, Settings, SourceState, VideoEncoding, VideoSettings,
    },
};
use sailcast_media::{Codec, MediaKind, MediaTime, Micros};

use crate::{stream, synth};

const STEP: Micros = Micros::from_millis(1);
const BLOCK: u32 = 1024;
const AAC_FRAME: u64 = 1024;
/// 1970 plus this at 0 of the clock, ms.
pub const EPOCH: f64 = 1_800_000_000_000.0;

/// The talk's defaults.
pub fn settings() -> Settings {
    Settings {
        video: VideoSettings {
            codec: Codec::Avc,
            side: 504,
            min_side: 180,
            fps: 15.0,
            min_fps: 8.0,
            keyframe_interval: Micros::from_secs(4),
            bitrate: 800_000,
            min_bitrate: 100_000,
        },
        audio: AudioSettings { codec: Codec::Aac, bitrate: 64_000 },
        latency_budget: Micros::from_millis(500),
    }
}

/// Pictures at their rate, each arriving a little late.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    pub width: u32,
    pub height: u32,
    pub fps: f64,
    /// Of its clock, µs.
    pub clock: i64,
    pub delay: Micros,
}

impl Default for Camera {
    fn default() -> Self {
        Self { width: 1280, height: 720, fps: 30.0, clock: 77_000_000_000, delay: Micros::from_millis(15) }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Microphone {
    pub sample_rate: u32,
    /// How much faster than the driver's its clock runs.
    pub drift: f64,
    pub delay: Micros,
}

impl Default for Microphone {
    fn default() -> Self {
        Self { sample_rate: 48_000, drift: 0.0, delay: Micros::from_millis(25) }
    }
}

/// What a server and the way to it are like.
#[derive(Clone, Debug)]
pub struct Server {
    /// bit/s.
    pub rate: f64,
    pub connect: Micros,
    pub acks: bool,
    /// Refuses with this code.
    pub refuses: Option<u16>,
}

impl Default for Server {
    fn default() -> Self {
        Self { rate: 50e6, connect: Micros::from_millis(40), acks: false, refuses: None }
    }
}

/// One connection as its server saw it.
#[derive(Debug, Default)]
pub struct Connection {
    pub url: String,
    pub opened: Option<Instant>,
    pub closed: Option<Instant>,
    /// In good order, by the publisher.
    pub finished: bool,
    pub bytes: Vec<u8>,
    handed: VecDeque<u8>,
    answered: bool,
    credit: f64,
    asked: Instant,
    acked: u64,
}

struct Encoder {
    video: Option<VideoEncoding>,
    audio: Option<AudioEncoding>,
    /// Waits to come out.
    waiting: VecDeque<(Instant, Encoded)>,
    flush: bool,
    last: Option<MediaTime>,
    frames: u64,
    /// Samples in, with the time of the first.
    samples: u64,
    start: Option<MediaTime>,
    given: u64,
}

/// What an encoder refuses, or how it behaves otherwise.
pub type Trouble = Box<dyn FnMut(&VideoEncoding) -> Option<String>>;

pub struct Studio {
    publisher: Publisher,
    pub now: Instant,
    wake: Option<Instant>,
    pub camera: Option<Camera>,
    pub microphone: Option<Microphone>,
    pub servers: BTreeMap<String, Server>,
    pub connections: Vec<(RequestId, Connection)>,
    pub events: Vec<(Instant, Event)>,
    pub recorded: Vec<u8>,
    /// Refuses configurations of pictures.
    pub refuses: Option<Trouble>,
    pub aac_in_browser: bool,
    pub encode_delay: Micros,
    pub encodings: Vec<VideoEncoding>,
    pub silence: u64,
    next_frame: u64,
    next_picture: Instant,
    heard: u64,
    held: BTreeSet<FrameId>,
    encoders: BTreeMap<EncoderId, Encoder>,
    queued: u64,
}

impl Default for Studio {
    /// A camera and a microphone, before the start.
    fn default() -> Self {
        let publisher = Publisher::new(PublisherConfig { seed: 7, epoch: EPOCH });
        let mut studio = Self {
            publisher,
            now: Instant(1_000_000),
            wake: None,
            camera: Some(Camera::default()),
            microphone: Some(Microphone::default()),
            servers: BTreeMap::new(),
            connections: Vec::new(),
            events: Vec::new(),
            recorded: Vec::new(),
            refuses: None,
            aac_in_browser: false,
            encode_delay: Micros::from_millis(20),
            encodings: Vec::new(),
            silence: 0,
            next_frame: 0,
            next_picture: Instant(1_000_000),
            heard: 0,
            held: BTreeSet::new(),
            encoders: BTreeMap::new(),
            queued: 0,
        };
        studio.send(Input::Settings(settings()));
        studio.send(Input::Source(MediaKind::Video, Some(SourceState::Live)));
        studio.send(Input::SoundFormat { sample_rate: 48_000, channels: 2 });
        studio.send(Input::Source(MediaKind::Audio, Some(SourceState::Live)));
        studio
    }
}

impl Studio {
    /// Starts on these addresses.
    pub fn start(&mut self, urls: &[&str]) {
        let lines = urls.iter().map(|url| Line { url: (*url).to_owned(), known: None }).collect();
        self.send(Input::Start { lines });
    }

    pub fn stats(&self) -> sailcast_engine::publisher::Stats {
        self.publisher.stats(self.now)
    }

    /// The newest connection.
    pub fn connection(&self) -> &Connection {
        &self.connections.last().expect("a connection was opened").1
    }

    /// The server or the network ends all connections.
    pub fn cut(&mut self, code: u16) {
        let open: Vec<RequestId> =
            self.connections.iter().filter(|(_, c)| c.closed.is_none()).map(|(id, _)| *id).collect();
        for id in open {
            self.close_connection(id);
            let reason = String::new();
            self.send(Input::Link(id, LinkEvent::Closed { opened: true, code, reason }));
        }
    }

    /// Pictures that the publisher holds now.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    pub fn named(&self, name: impl Fn(&Event) -> bool) -> Vec<Instant> {
        self.events.iter().filter(|(_, event)| name(event)).map(|(at, _)| *at).collect()
    }

    pub fn run(&mut self, span: Micros) {
        let end = self.now + span;
        while self.now < end {
            self.now = self.now + STEP;
            self.picture();
            self.sound();
            self.encoded();
            self.network();
            if self.wake.is_some_and(|at| at <= self.now) {
                self.send(Input::Timeout);
            }
        }
    }

    pub fn send(&mut self, input: Input) {
        // As the driver does: how the socket stands comes before everything else.
        let open = self.connections.iter().filter(|(_, c)| c.opened.is_some() && c.closed.is_none());
        let buffered: Vec<_> = open.map(|(id, c)| (*id, c.handed.len() as u64)).collect();
        for (id, bytes) in buffered {
            self.handle(Input::Link(id, LinkEvent::Buffered(bytes)));
        }
        self.handle(input);
    }

    fn handle(&mut self, input: Input) {
        self.publisher.handle(input, self.now);
        let mut prompt = 0;
        loop {
            match self.publisher.poll_output() {
                Output::Wait(at) => {
                    self.wake = at;
                    if at.is_none_or(|at| at > self.now) {
                        return;
                    }
                    prompt += 1;
                    assert!(prompt < 20, "it asks to be woken again and again at {:?}", self.now);
                    self.publisher.handle(Input::Timeout, self.now);
                }
                output => self.perform(output),
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Open(id, url) => {
                let connection = Connection { url, asked: self.now, ..Connection::default() };
                self.connections.push((id, connection));
            }
            Output::Send(id, bytes) => {
                let connection = self.connection_mut(id);
                assert!(connection.opened.is_some() && connection.closed.is_none(), "{id:?} is not open");
                connection.handed.extend(&bytes);
            }
            Output::Finish(id) => self.connection_mut(id).finished = true,
            Output::Cancel(id) => self.close_connection(id),
            Output::ConfigureVideo(id, encoding) => self.configure_video(id, encoding),
            Output::ConfigureAudio(id, encoding) => self.configure_audio(id, encoding),
            Output::Tune(id, encoding) => {
                self.encodings.push(encoding.clone());
                self.encoder(id).video = Some(encoding);
            }
            Output::TuneAudio(id, bitrate) => {
                if let Some(audio) = &mut self.encoder(id).audio {
                    audio.bitrate = bitrate;
                }
            }
            Output::Encode { encoder, frame, pts, keyframe } => {
                assert!(self.held.contains(&frame), "{frame:?} was given back");
                assert!(pts.0 <= self.now.0 as i64, "a picture of the future");
                self.encode(encoder, pts, keyframe);
            }
            Output::Release(frame) => assert!(self.held.remove(&frame), "{frame:?} released twice"),
            Output::EncodeSound { encoder, frames, pts } => {
                self.take_sound(frames);
                self.encode_sound(encoder, frames, pts);
            }
            Output::EncodeSilence { encoder, frames, pts } => {
                self.silence += u64::from(frames);
                self.encode_sound(encoder, frames, pts);
            }
            Output::DropSound { frames } => self.take_sound(frames),
            Output::Flush(id) => self.encoder(id).flush = true,
            Output::CloseEncoder(id) => {
                self.encoders.remove(&id);
            }
            Output::Record(bytes) => self.recorded.extend_from_slice(&bytes),
            Output::Event(event) => self.events.push((self.now, event)),
            Output::Wait(_) => {}
        }
    }

    fn take_sound(&mut self, frames: u32) {
        assert!(self.queued >= u64::from(frames), "more sound than there is");
        self.queued -= u64::from(frames);
    }

    fn encoder(&mut self, id: EncoderId) -> &mut Encoder {
        self.encoders.get_mut(&id).unwrap_or_else(|| panic!("{id:?} is closed"))
    }

    fn connection_mut(&mut self, id: RequestId) -> &mut Connection {
        let found = self.connections.iter_mut().find(|(other, _)| *other == id);
        &mut found.expect("a connection that was opened").1
    }

    fn close_connection(&mut self, id: RequestId) {
        let now = self.now;
        self.connection_mut(id).closed.get_or_insert(now);
    }

    fn configure_video(&mut self, id: EncoderId, encoding: VideoEncoding) {
        self.encodings.push(encoding.clone());
        let refused = self.refuses.as_mut().and_then(|refuses| refuses(&encoding));
        let mut encoder = Encoder::new();
        encoder.video = Some(encoding);
        if refused.is_none() {
            self.encoders.insert(id, encoder);
            return;
        }
        // Answered from outside, as browsers do.
        encoder.waiting.push_back((Instant(u64::MAX), failed(refused.unwrap_or_default())));
        self.encoders.insert(id, encoder);
    }

    fn configure_audio(&mut self, id: EncoderId, encoding: AudioEncoding) {
        let mut encoder = Encoder::new();
        if encoding.path == EncoderPath::WebCodecs && !self.aac_in_browser {
            encoder.waiting.push_back((Instant(u64::MAX), failed("no AAC here".to_owned())));
        }
        encoder.audio = Some(encoding);
        self.encoders.insert(id, encoder);
    }

    fn encode(&mut self, id: EncoderId, pts: MediaTime, keyframe: bool) {
        let at = self.now + self.encode_delay;
        let encoder = self.encoder(id);
        assert!(encoder.last.is_none_or(|last| pts > last), "pts {pts:?} after {:?}", encoder.last);
        assert!(keyframe || encoder.frames > 0, "an encoder begins with a keyframe");
        encoder.last = Some(pts);
        let Some(video) = encoder.video.clone() else { panic!("{id:?} encodes no pictures") };
        let layered = video.scalability.is_some() && encoder.frames % 2 == 1;
        let nal = if keyframe {
            0x65
        } else if layered {
            0x01
        } else {
            0x41
        };
        let mean = f64::from(video.bitrate) / video.fps / 8.0;
        let size = if keyframe { mean * 4.0 } else { mean } as usize;
        let data = stream::unit(nal, encoder.frames, size.max(16));
        let description =
            (encoder.frames == 0).then(|| synth::avc(0, video.width, video.height).config.description);
        encoder.frames += 1;
        encoder.waiting.push_back((at, Encoded { pts, keyframe, data, description }));
    }

    fn encode_sound(&mut self, id: EncoderId, frames: u32, pts: MediaTime) {
        let at = self.now + Micros::from_millis(2);
        let encoder = self.encoder(id);
        let Some(audio) = encoder.audio.clone() else { panic!("{id:?} encodes no sound") };
        let start = *encoder.start.get_or_insert(pts);
        let counted =
            |samples: u64| start + (MediaTime::from_ticks(samples as i64, audio.sample_rate) - MediaTime(0));
        let due = counted(encoder.samples);
        assert!((pts - due).abs() <= Micros(1), "sound at {pts:?} where {due:?} is next");
        encoder.samples += u64::from(frames);
        while encoder.samples >= (encoder.given + 1) * AAC_FRAME {
            let track = synth::aac(0, audio.sample_rate, audio.channels);
            let description = (encoder.given == 0).then_some(track.config.description);
            let size = u64::from(audio.bitrate) * AAC_FRAME / u64::from(audio.sample_rate) / 8;
            let mut data = BytesMut::new();
            data.put_bytes(0x21, size as usize);
            let encoded = Encoded {
                pts: counted(encoder.given * AAC_FRAME),
                keyframe: true,
                data: data.freeze(),
                description,
            };
            encoder.waiting.push_back((at, encoded));
            encoder.given += 1;
        }
    }

    fn picture(&mut self) {
        let Some(camera) = self.camera else {
            self.next_picture = self.now;
            return;
        };
        if self.now < self.next_picture + camera.delay {
            return;
        }
        let id = FrameId(self.next_frame);
        let taken = self.next_picture.0 as i64 + camera.clock;
        self.next_frame += 1;
        self.next_picture = self.next_picture + Micros((1e6 / camera.fps) as i64);
        self.held.insert(id);
        let Camera { width, height, .. } = camera;
        self.send(Input::Captured(CapturedFrame { id, taken, width, height }));
    }

    fn sound(&mut self) {
        let Some(microphone) = self.microphone else {
            return;
        };
        let rate = f64::from(microphone.sample_rate) * (1.0 + microphone.drift);
        let elapsed = (self.now - Instant(1_000_000) - microphone.delay).as_secs_f64();
        let there = (elapsed * rate).max(0.0) as u64;
        // What was not heard while there was no microphone is gone.
        if there > self.heard + u64::from(microphone.sample_rate) / 4 {
            self.heard = there - u64::from(BLOCK);
        }
        while there >= self.heard + u64::from(BLOCK) {
            let position = self.heard;
            self.heard += u64::from(BLOCK);
            self.queued += u64::from(BLOCK);
            self.send(Input::Heard { position, frames: BLOCK });
        }
    }

    fn encoded(&mut self) {
        let ids: Vec<EncoderId> = self.encoders.keys().copied().collect();
        for id in ids {
            loop {
                let now = self.now;
                let Some(encoder) = self.encoders.get_mut(&id) else { break };
                let Some((at, _)) = encoder.waiting.front() else { break };
                let refused = *at == Instant(u64::MAX);
                if *at > now && !refused && !encoder.flush {
                    break;
                }
                let Some((_, encoded)) = encoder.waiting.pop_front() else { break };
                if refused {
                    self.encoders.remove(&id);
                    let why = String::from_utf8_lossy(&encoded.data).into_owned();
                    self.send(Input::EncoderFailed(id, why));
                    break;
                }
                self.send(Input::Encoded(id, encoded));
            }
            if self.encoders.get(&id).is_some_and(|encoder| encoder.flush && encoder.waiting.is_empty()) {
                self.encoder(id).flush = false;
                self.send(Input::Flushed(id));
            }
        }
    }

    fn network(&mut self) {
        let ids: Vec<RequestId> = self.connections.iter().map(|(id, _)| *id).collect();
        for id in ids {
            let url = self.connection_mut(id).url.clone();
            let server = self.servers.get(&url).cloned().unwrap_or_default();
            let now = self.now;
            let connection = self.connection_mut(id);
            if connection.closed.is_some() {
                continue;
            }
            if !connection.answered {
                if now - connection.asked >= server.connect {
                    connection.answered = true;
                    match server.refuses {
                        Some(code) => {
                            connection.closed = Some(now);
                            let closed = LinkEvent::Closed { opened: false, code, reason: "no".to_owned() };
                            self.send(Input::Link(id, closed));
                        }
                        None => {
                            connection.opened = Some(now);
                            self.send(Input::Link(id, LinkEvent::Opened));
                        }
                    }
                }
                continue;
            }
            connection.credit = (connection.credit + server.rate / 8.0 * STEP.as_secs_f64())
                .min(server.rate / 8.0 * 0.02 + 1500.0);
            let moves = (connection.credit as usize).min(connection.handed.len());
            connection.credit -= moves as f64;
            let moved: Vec<u8> = connection.handed.drain(..moves).collect();
            connection.bytes.extend(moved);
            let (buffered, got) = (connection.handed.len() as u64, connection.bytes.len() as u64);
            if connection.finished && buffered == 0 {
                connection.closed = Some(now);
                self.send(Input::Link(
                    id,
                    LinkEvent::Closed { opened: true, code: 1000, reason: String::new() },
                ));
                continue;
            }
            if server.acks && now.0.is_multiple_of(100_000) && got > self.connection_mut(id).acked {
                self.connection_mut(id).acked = got;
                self.send(Input::Link(id, LinkEvent::Acked(got)));
            }
        }
    }
}

impl Encoder {
    fn new() -> Self {
        Self {
            video: None,
            audio: None,
            waiting: VecDeque::new(),
            flush: false,
            last: None,
            frames: 0,
            samples: 0,
            start: None,
            given: 0,
        }
    }
}

/// Carries the words to where they are told.
fn failed(why: String) -> Encoded {
    Encoded { pts: MediaTime(0), keyframe: false, data: Bytes::from(why), description: None }
}
