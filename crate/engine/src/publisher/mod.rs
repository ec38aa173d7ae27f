//! Captured pictures and sound, and the time, in; what to encode, send and drop, out.
//!
//! [`Publisher`] mirrors the player: after every [`Publisher::handle`], drain [`Publisher::poll_output`] until it returns
//! [`Output::Wait`]. It sees ids of pictures and counts of PCM frames; the driver holds both.
//!
//! ```text
//! Captured -> Picture --Encode--> encoder --Encoded--+
//! Heard    -> Sound -EncodeSound-> encoder -Encoded--+-> Interleaver -> Uplink -> Session -> Send
//!                                                    |        |           ^ how the socket stands
//!                                                 TrackOutput +-> Recorder
//! ```

mod capture;
mod configs;
mod drops;
mod encoder;
pub mod event;
mod ingest;
mod interleave;
pub mod io;
mod ladder;
mod lines;
mod live;
mod meter;
mod open;
mod outbox;
mod output;
mod picture;
mod recorder;
mod session;
pub mod settings;
mod size;
mod slow;
mod sound;
pub mod uplink;
mod words;

pub use event::{Event, State, Stats};
pub use io::{
    AudioEncoding, CapturedFrame, Encoded, EncoderId, EncoderPath, Input, Line, LineRecord, LinkEvent,
    Output, SourceState, VideoEncoding,
};
pub use settings::{AudioSettings, Settings, VideoSettings};

use sailcast_media::MediaKind;

use crate::{
    error::{ErrorCode, SailcastError},
    io::Instant,
    publisher::{
        configs::Configs, live::Live, outbox::Outbox, picture::Picture, recorder::Recorder, sound::Sound,
        words::short,
    },
};

/// What the publisher cannot know by itself.
#[derive(Clone, Copy, Debug)]
pub struct PublisherConfig {
    /// For the jitter of delays between tries; another one in each publisher.
    pub seed: u64,
    /// Milliseconds since 1970 at 0 of the driver's clock.
    pub epoch: f64,
}

/// The sans-IO publisher: its sources and encoders, and the broadcast while there is one.
pub struct Publisher {
    config: PublisherConfig,
    out: Outbox,
    settings: Option<Settings>,
    picture: Picture,
    sound: Sound,
    configs: Configs,
    recorder: Recorder,
    live: Option<Live>,
    state: State,
    online: bool,
    starts: u64,
    /// Of the last broadcast.
    last: Stats,
    closed: bool,
    wake: Option<Instant>,
}

impl Publisher {
    pub fn new(config: PublisherConfig) -> Self {
        Self {
            config,
            out: Outbox::default(),
            settings: None,
            picture: Picture::default(),
            sound: Sound::default(),
            configs: Configs::default(),
            recorder: Recorder::default(),
            live: None,
            state: State::Idle,
            online: true,
            starts: 0,
            last: Stats::default(),
            closed: false,
            wake: None,
        }
    }

    /// Takes what happened at `now`, which never goes back. Drain [`Publisher::poll_output`] afterwards.
    pub fn handle(&mut self, input: Input, now: Instant) {
        if self.closed {
            self.refuse(input);
            return;
        }
        match input {
            Input::Start { lines } => self.start(lines, now),
            Input::Stop => self.stop(now),
            Input::Close => {
                self.close(now);
                return;
            }
            Input::Settings(settings) => self.set_settings(settings, now),
            Input::Source(kind, state) => self.set_source(kind, state, now),
            Input::SoundFormat { sample_rate, channels } => {
                self.sound.set_format(sample_rate, channels, &mut self.out);
                self.tell_live(now);
            }
            Input::Captured(frame) => self.picture.on_frame(frame, now, &mut self.out),
            Input::Heard { position, frames } => {
                let active = self.is_active();
                self.sound.on_heard(position, frames, active, now, &mut self.out);
            }
            Input::Encoded(id, encoded) => self.on_encoded(id, encoded, now),
            Input::EncoderFailed(id, why) => {
                self.picture.on_failed(id, &why, now, &mut self.out);
                self.sound.on_failed(id, &why, now, &mut self.out);
                self.flushed(id);
            }
            Input::EncoderReclaimed(id) => {
                self.picture.on_reclaimed(id);
                self.sound.on_reclaimed(id);
                self.flushed(id);
            }
            Input::Flushed(id) => self.flushed(id),
            Input::Link(id, event) => {
                if let Some(live) = &mut self.live {
                    live.on_link(id, event, now, &mut self.out);
                }
            }
            Input::Online(online) => {
                self.online = online;
                if let Some(live) = &mut self.live {
                    live.ingest.set_online(online, now, &mut self.out);
                }
            }
            Input::NetworkChanged | Input::Wake => {
                if let Some(live) = &mut self.live {
                    live.ingest.hope(now, &mut self.out);
                }
            }
            Input::Record(on) => {
                if self.recorder.want(on)
                    && let Some(live) = &mut self.live
                {
                    live.want_keyframe();
                }
            }
            Input::Timeout => {}
        }
        self.advance(now);
    }

    /// The next thing to do; [`Output::Wait`] when there is none.
    pub fn poll_output(&mut self) -> Output {
        self.out.queue.pop_front().unwrap_or(Output::Wait(self.wake))
    }

    /// A snapshot at `now`.
    pub fn stats(&self, now: Instant) -> Stats {
        let mut stats = self.live.as_ref().map_or(self.last, |live| live.stats(now));
        stats.state = self.state;
        self.fill(&mut stats, now);
        stats
    }

    fn fill(&self, stats: &mut Stats, now: Instant) {
        let counts = &self.picture.counts;
        if let Some(encoding) = self.picture.encoding() {
            (stats.width, stats.height) = (encoding.width, encoding.height);
        }
        stats.video_bitrate = counts.bytes.bitrate(now);
        stats.audio_bitrate = self.sound.bytes.bitrate(now);
        stats.captured_fps = counts.captured.rate(now);
        stats.encoded_fps = counts.encoded.rate(now);
        stats.frames_captured = counts.captured.total();
        stats.frames_encoded = counts.encoded.total();
        stats.frames_repeated = counts.repeated;
        stats.keyframes = counts.keyframes;
        stats.encoder_busy = counts.busy;
        stats.encode_time = counts.encode_time;
        stats.silence = self.sound.silence;
        stats.av_offset = self.sound.offset().filter(|_| self.picture.expected());
    }

    fn start(&mut self, lines: Vec<Line>, now: Instant) {
        if self.live.is_some() {
            self.end(now);
        }
        self.picture.renew();
        self.sound.renew();
        let fail = |code, what: &str| SailcastError { code, fatal: true, what: what.to_owned() };
        let good = |line: &Line| is_socket(&line.url);
        let Some(settings) = self.settings.filter(|_| self.picture.expected() || self.sound.expected())
        else {
            self.fail(fail(ErrorCode::NothingToPublish, "There is neither picture nor sound."), now);
            return;
        };
        if lines.is_empty() || !lines.iter().all(good) {
            self.fail(fail(ErrorCode::IngestUrlUnsupported, "This is no address to publish to."), now);
            return;
        }
        self.starts = self.starts.wrapping_add(1);
        let seed = self.config.seed ^ self.starts;
        let has = (self.picture.expected(), self.sound.expected());
        let mut live = Live::new(lines, settings, has, self.config.epoch, seed, now);
        live.ingest.set_online(self.online, now, &mut self.out);
        live.ingest.connect(now, &mut self.out);
        self.live = Some(live);
        self.set_state(State::Connecting);
    }

    fn stop(&mut self, now: Instant) {
        let Some(live) = self.live.as_mut().filter(|live| !live.is_ending()) else { return };
        let flushes = [self.picture.flush(&mut self.out), self.sound.flush(&mut self.out)];
        live.stop(flushes.into_iter().flatten().collect(), now, &mut self.out);
    }

    fn set_settings(&mut self, settings: Settings, now: Instant) {
        self.settings = Some(settings);
        self.picture.set_settings(settings.video, &mut self.out);
        self.sound.set_settings(settings.audio, &mut self.out);
        self.tell_live(now);
    }

    fn set_source(&mut self, kind: MediaKind, state: Option<SourceState>, now: Instant) {
        let before = match kind {
            MediaKind::Video => self.picture.source(),
            MediaKind::Audio => self.sound.source(),
        };
        match kind {
            MediaKind::Video => self.picture.set_source(state, &mut self.out),
            MediaKind::Audio => self.sound.set_source(state, &mut self.out),
        }
        if state.is_none() {
            self.configs.forget(kind);
        }
        self.tell_live(now);
        let was_lost = before.is_some_and(|before| before != SourceState::Live);
        let event = match state {
            Some(SourceState::Live) if was_lost => Event::SourceRecovered { kind },
            Some(SourceState::Muted) if before != state => Event::SourceLost { kind, muted: true },
            Some(SourceState::Lost) if before != state => Event::SourceLost { kind, muted: false },
            _ => return,
        };
        self.out.push(Output::Event(event));
    }

    /// The broadcast follows settings and sources.
    fn tell_live(&mut self, now: Instant) {
        let has = (self.picture.expected(), self.sound.expected());
        if let (Some(live), Some(settings)) = (&mut self.live, self.settings) {
            live.configure(settings, has, now);
        }
    }

    fn on_encoded(&mut self, id: EncoderId, encoded: Encoded, now: Instant) {
        let (packet, config) = match self.picture.owns(id) {
            true => (self.picture.on_encoded(encoded, now, &mut self.out), self.picture.config()),
            false => (self.sound.on_encoded(id, encoded, now, &mut self.out), self.sound.config()),
        };
        let Some(packet) = packet else { return };
        if let (Some(live), Some(config)) = (&mut self.live, config) {
            live.interleaver.push(packet, config.clone(), now);
        }
    }

    fn flushed(&mut self, id: EncoderId) {
        // They are answered in their order.
        if self.picture.on_flushed(id) {
            return;
        }
        if let Some(live) = &mut self.live {
            live.flushed(id);
        }
    }

    /// Something takes what is encoded.
    fn is_active(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.is_active(self.recorder.is_on()))
    }

    fn advance(&mut self, now: Instant) {
        self.run(now);
        self.hear_failures(now);
        let recording = self.recorder.is_on();
        self.wake = self.live.as_ref().and_then(|live| {
            let demand = live.demand(recording);
            [live.next_wake(), self.picture.next_wake(demand), self.sound.next_wake(demand.active)]
                .into_iter()
                .flatten()
                .min()
        });
    }

    /// The broadcast does what is due.
    fn run(&mut self, now: Instant) {
        let Some(live) = &mut self.live else { return };
        let out = &mut self.out;
        live.look(now, out);
        let demand = live.demand(self.recorder.is_on());
        let keyframe = self.picture.advance(demand, |pts, now| live.admits(pts, now), now, out);
        live.keyframe_made(keyframe);
        self.sound.advance(demand.active, now, out);
        let floors = interleave::Floors {
            video: self.picture.floor(),
            audio: self.sound.floor(),
            delay: self.picture.delay(),
        };
        live.ship(floors, &mut self.configs, &mut self.recorder, now, out);
        if let Some(last) = live.interleaver.last() {
            self.picture.not_before(last);
        }
        match live.outcome() {
            live::Outcome::Going(state) => self.set_state(state),
            live::Outcome::Ended => self.end(now),
            live::Outcome::Failed(error) => self.fail(error, now),
        }
    }

    /// An encoder that is not to be had is one error; the other kind goes on.
    fn hear_failures(&mut self, now: Instant) {
        let failures = [
            (self.picture.take_failure(), ErrorCode::VideoEncoderFailed),
            (self.sound.take_failure(), ErrorCode::AudioEncoderFailed),
        ];
        for (failure, code) in failures {
            let Some(why) = failure else { continue };
            let what = format!("Nothing here encodes what was asked for: {}.", short(&why));
            self.tell_live(now);
            let fatal = self.live.is_some() && !self.picture.expected() && !self.sound.expected();
            let error = SailcastError { code, fatal, what };
            if fatal {
                self.fail(error, now);
            } else {
                self.out.push(Output::Event(Event::Error(error)));
            }
        }
    }

    fn end(&mut self, now: Instant) {
        self.leave(now);
        self.set_state(State::Ended);
        self.out.push(Output::Event(Event::Ended));
    }

    fn fail(&mut self, error: SailcastError, now: Instant) {
        self.leave(now);
        self.set_state(State::Failed);
        self.out.push(Output::Event(Event::Error(error)));
    }

    /// The broadcast is over; its figures stay.
    fn leave(&mut self, now: Instant) {
        self.last = self.stats(now);
        if let Some(mut live) = self.live.take() {
            live.close(&mut self.out);
        }
        self.picture.close(&mut self.out);
        self.sound.close(&mut self.out);
        self.configs = Configs::default();
        self.recorder.want(false);
    }

    fn close(&mut self, now: Instant) {
        self.last = self.stats(now);
        if let Some(mut live) = self.live.take() {
            live.close(&mut self.out);
        }
        self.picture.close(&mut self.out);
        self.picture.release(&mut self.out);
        self.sound.close(&mut self.out);
        self.closed = true;
        self.wake = None;
        self.out.queue.retain(gives_back);
    }

    fn set_state(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.out.push(Output::Event(Event::StateChange(state)));
        }
    }

    /// A closed one only gives back what it is given.
    fn refuse(&mut self, input: Input) {
        match input {
            Input::Captured(frame) => self.out.push(Output::Release(frame.id)),
            Input::Heard { frames, .. } => self.out.push(Output::DropSound { frames }),
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

fn is_socket(url: &str) -> bool {
    let scheme = |name: &str| url.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    scheme("ws://") || scheme("wss://")
}
