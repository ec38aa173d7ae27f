//! A virtual browser around the real publisher: camera, microphone, encoders, sockets and servers, all in virtual time.
//!
//! [`Studio`] does what the real driver does and checks the publisher's laws while doing it: each picture is released exactly once,
//! an encoder's first picture is a keyframe and its times grow, sound is encoded as it came, and nothing is asked of what is closed. What the servers got is kept, as
//! bytes.

mod encoder;
mod server;

use std::collections::{BTreeMap, VecDeque};

use sailcast_engine::{
    FrameId, Instant, RequestId,
    publisher::{
        AudioEncoding, AudioSettings, CapturedFrame, EncoderId, EncoderPath, Event, Input, Line, LinkEvent,
        Output, Publisher, PublisherConfig, Settings, SourceState, VideoEncoding, VideoSettings,
    },
};
use sailcast_media::{Codec, MediaKind, MediaTime, Micros};

pub use encoder::{Fate, captured, reference, reference_picture};
pub use server::{Connection, Server};

use encoder::{Encoder, Given};

const STEP: Micros = Micros::from_millis(1);
const BLOCK: u32 = 1024;
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

/// What becomes of an encoder of pictures.
pub type Fates = Box<dyn FnMut(&VideoEncoding) -> Fate>;

/// The whole of it. What a test does to it is set between two runs.
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
    /// Of each encoder of pictures as it is configured.
    pub fates: Option<Fates>,
    pub aac_in_browser: Fate,
    pub encode_delay: Micros,
    /// The driver does nothing: what comes waits.
    pub asleep: bool,
    /// Encoders that were asked for, and other rates of the same ones.
    pub encodings: Vec<VideoEncoding>,
    pub tuned: Vec<VideoEncoding>,
    pub sounds: Vec<AudioEncoding>,
    /// PCM frames of silence, and of sound that was thrown away.
    pub silence: u64,
    pub thrown_away: u64,
    next_frame: u64,
    next_picture: Instant,
    heard: u64,
    /// When each was captured.
    held: BTreeMap<FrameId, Instant>,
    encoders: BTreeMap<EncoderId, Encoder>,
    /// PCM in the driver's queue: captured when, how many frames, at which rate.
    pcm: VecDeque<(Micros, u32, f64)>,
    late: VecDeque<Input>,
}

impl Default for Studio {
    /// A camera and a microphone, before the start.
    fn default() -> Self {
        let mut studio = Self::empty();
        studio.send(Input::Settings(settings()));
        studio.send(Input::Source(MediaKind::Video, Some(SourceState::Live)));
        studio.send(Input::SoundFormat { sample_rate: 48_000, channels: 2 });
        studio.send(Input::Source(MediaKind::Audio, Some(SourceState::Live)));
        studio
    }
}

impl Studio {
    /// A camera and a microphone of which the publisher does not know, nor of any settings.
    pub fn empty() -> Self {
        Self {
            publisher: Publisher::new(PublisherConfig { seed: 7, epoch: EPOCH }),
            now: Instant(1_000_000),
            wake: None,
            camera: Some(Camera::default()),
            microphone: Some(Microphone::default()),
            servers: BTreeMap::new(),
            connections: Vec::new(),
            events: Vec::new(),
            recorded: Vec::new(),
            fates: None,
            aac_in_browser: Fate::Refuses,
            encode_delay: Micros::from_millis(20),
            asleep: false,
            encodings: Vec::new(),
            tuned: Vec::new(),
            sounds: Vec::new(),
            silence: 0,
            thrown_away: 0,
            next_frame: 0,
            next_picture: Instant(1_000_000),
            heard: 0,
            held: BTreeMap::new(),
            encoders: BTreeMap::new(),
            pcm: VecDeque::new(),
            late: VecDeque::new(),
        }
    }

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

    /// A picture of no camera.
    pub fn capture(&mut self, frame: CapturedFrame) {
        let id = FrameId(self.next_frame);
        self.next_frame += 1;
        self.held.insert(id, self.now);
        self.arrive(Input::Captured(CapturedFrame { id, ..frame }));
    }

    /// The whole machine stands still: nothing is captured, sent or asked.
    pub fn sleep(&mut self, span: Micros) {
        self.now = self.now + span;
        self.next_picture = self.now;
    }

    pub fn open_encoders(&self) -> usize {
        self.encoders.len()
    }

    /// Pictures that the publisher holds now.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    pub fn named(&self, name: impl Fn(&Event) -> bool) -> Vec<Instant> {
        self.events.iter().filter(|(_, event)| name(event)).map(|(at, _)| *at).collect()
    }

    /// Another microphone, with its own clock and format.
    pub fn plug_in(&mut self, microphone: Microphone) {
        let Microphone { sample_rate, delay, drift } = microphone;
        let elapsed = (self.now - Instant(1_000_000) - delay).as_secs_f64();
        self.heard = (elapsed * f64::from(sample_rate) * (1.0 + drift)).max(0.0) as u64;
        self.microphone = Some(microphone);
        self.send(Input::SoundFormat { sample_rate, channels: 2 });
        self.send(Input::Source(MediaKind::Audio, Some(SourceState::Live)));
    }

    pub fn run(&mut self, span: Micros) {
        let end = self.now + span;
        while self.now < end {
            self.now = self.now + STEP;
            while !self.asleep
                && let Some(input) = self.late.pop_front()
            {
                self.send(input);
            }
            self.picture();
            self.sound();
            if !self.asleep {
                self.encoded();
                self.network();
            }
            if !self.asleep && self.wake.is_some_and(|at| at <= self.now) {
                self.send(Input::Timeout);
            }
        }
    }

    pub fn send(&mut self, input: Input) {
        // As the driver does: how the socket stands comes before everything else.
        let open = self.connections.iter().filter(|(_, c)| c.is_open());
        let buffered: Vec<_> = open.map(|(id, c)| (*id, c.handed.len() as u64)).collect();
        for (id, bytes) in buffered {
            self.handle(Input::Link(id, LinkEvent::Buffered(bytes)));
        }
        self.handle(input);
    }

    fn handle(&mut self, input: Input) {
        if matches!(input, Input::SoundFormat { .. }) {
            self.pcm.clear();
        }
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
                    assert!(prompt < 5, "it asks to be woken again and again at {:?}", self.now);
                    self.publisher.handle(Input::Timeout, self.now);
                }
                output => self.perform(output),
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Open(id, url) => {
                let connection = Connection::new(url, self.now);
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
                self.tuned.push(encoding.clone());
                self.encoder(id).video = Some(encoding);
            }
            Output::TuneAudio(id, bitrate) => {
                if let Some(audio) = &mut self.encoder(id).audio {
                    audio.bitrate = bitrate;
                }
            }
            Output::Encode { encoder, frame, pts, keyframe } => {
                let captured = *self.held.get(&frame).unwrap_or_else(|| panic!("{frame:?} was given back"));
                assert!(pts.0 <= self.now.0 as i64, "a picture of the future");
                let ready = self.now + self.encode_delay;
                self.encoder(encoder).encode(captured, pts, keyframe, ready);
            }
            Output::Release(frame) => {
                assert!(self.held.remove(&frame).is_some(), "{frame:?} released twice");
            }
            Output::EncodeSound { encoder, frames, pts } => {
                let captured = self.take_sound(frames);
                self.encode_sound(encoder, captured, frames, pts);
            }
            Output::EncodeSilence { encoder, frames, pts } => {
                self.silence += u64::from(frames);
                self.encode_sound(encoder, None, frames, pts);
            }
            Output::DropSound { frames } => {
                self.thrown_away += u64::from(frames);
                self.take_sound(frames);
            }
            Output::Flush(id) => self.encoder(id).flush(),
            Output::CloseEncoder(id) => {
                self.encoders.remove(&id);
            }
            Output::Record(bytes) => self.recorded.extend_from_slice(&bytes),
            Output::Event(event) => self.events.push((self.now, event)),
            Output::Wait(_) => {}
        }
    }

    /// The next frames of the driver's queue; when the first of them was captured.
    fn take_sound(&mut self, frames: u32) -> Option<Micros> {
        let mut left = frames;
        let first = self.pcm.front().map(|(captured, ..)| *captured);
        while left > 0 {
            let (captured, there, rate) = self.pcm.front_mut().expect("no more sound than there is");
            let part = left.min(*there);
            *there -= part;
            *captured += Micros((f64::from(part) / *rate * 1e6) as i64);
            left -= part;
            if *there == 0 {
                self.pcm.pop_front();
            }
        }
        first
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
        let fate = self.fates.as_mut().map_or(Fate::Works, |fates| fates(&encoding));
        self.encoders.insert(id, Encoder::of_video(encoding, fate));
    }

    fn configure_audio(&mut self, id: EncoderId, encoding: AudioEncoding) {
        self.sounds.push(encoding.clone());
        let browser = encoding.path == EncoderPath::WebCodecs;
        let fate = if browser { self.aac_in_browser.clone() } else { Fate::Works };
        self.encoders.insert(id, Encoder::of_audio(encoding, fate));
    }

    fn encode_sound(&mut self, id: EncoderId, captured: Option<Micros>, frames: u32, pts: MediaTime) {
        let ready = self.now + Micros::from_millis(2);
        self.encoder(id).encode_sound(captured, frames, pts, ready);
    }

    /// What comes from outside: at once, or when the driver is awake.
    fn arrive(&mut self, input: Input) {
        if self.asleep {
            self.late.push_back(input);
        } else {
            self.send(input);
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
        let captured = self.next_picture;
        let taken = captured.0 as i64 + camera.clock;
        self.next_frame += 1;
        self.next_picture = self.next_picture + Micros((1e6 / camera.fps) as i64);
        let Camera { width, height, .. } = camera;
        self.held.insert(id, captured);
        self.arrive(Input::Captured(CapturedFrame { id, taken, width, height }));
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
            let captured = Micros(1_000_000 + (position as f64 / rate * 1e6) as i64);
            self.pcm.push_back((captured, BLOCK, rate));
            self.arrive(Input::Heard { position, frames: BLOCK });
        }
    }

    fn encoded(&mut self) {
        let ids: Vec<EncoderId> = self.encoders.keys().copied().collect();
        for id in ids {
            while let Some(given) = self.encoders.get_mut(&id).and_then(|encoder| encoder.give(self.now)) {
                match given {
                    Given::Packet(encoded) => self.send(Input::Encoded(id, encoded)),
                    Given::Failed => {
                        self.encoders.remove(&id);
                        self.send(Input::EncoderFailed(id, "it cannot".to_owned()));
                    }
                    Given::Reclaimed => {
                        self.encoders.remove(&id);
                        self.send(Input::EncoderReclaimed(id));
                    }
                }
            }
            while self.encoders.get(&id).is_some_and(Encoder::is_flushed) {
                self.encoder(id).flushes -= 1;
                self.send(Input::Flushed(id));
            }
        }
    }

    fn network(&mut self) {
        for at in 0..self.connections.len() {
            let (id, connection) = &mut self.connections[at];
            let id = *id;
            let server = self.servers.get(&connection.url).cloned().unwrap_or_default();
            if let Some(event) = connection.step(&server, STEP, self.now) {
                self.send(Input::Link(id, event));
            }
        }
    }
}
