//! The player's outer shell: which load is the present one, whether the user wants it to play, and the way out.
//!
//! All that plays one load is in [`crate::playback`]; a new `Load` replaces it whole, so nothing of an old stream can leak
//! into the next.

use sailcast_media::Micros;

use crate::{
    definitions::Setting,
    event::{Event, State, Stats},
    io::{AudioOutput, Begun, Input, Instant, Load, Output},
    ladder::{DecoderChoice, WebCodecs},
    latency::LatencyTarget,
    outbox::Outbox,
    playback::{Playback, Wishes},
    quality::{Counters, Quality, Recorder, SessionLog},
    recording, source,
    sources::Sources,
};

/// An instant that was to be woken at and is noticed so late was slept through: a frozen page, a closed lid.
const SLEPT: Micros = Micros::from_secs(2);

/// What goes on while the page cannot be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Background {
    /// The sound; no picture is decoded.
    #[default]
    Audio,
    /// Everything.
    Keep,
    /// Nothing: the connection is closed until the page is seen again.
    Suspend,
}

#[derive(Clone, Copy, Debug)]
pub struct PlayerConfig {
    pub latency: LatencyTarget,
    pub background: Background,
    pub decoder: DecoderChoice,
    pub webcodecs: WebCodecs,
    pub sources: Sources,
    /// For the jitter of delays between tries; another one in each player.
    pub seed: u64,
}

/// The sans-IO player. See the crate's doc for how to drive it.
pub struct Player {
    config: PlayerConfig,
    out: Outbox,
    playback: Option<Playback>,
    audio_output: AudioOutput,
    state: State,
    paused: bool,
    visible: bool,
    online: bool,
    closed: bool,
    loads: u64,
    /// Kept through loads.
    wishes: Wishes,
    wake: Option<Instant>,
    recorder: Recorder,
    /// Of the last input.
    now: Instant,
}

impl Player {
    /// An idle, paused player of a page that can be seen.
    pub fn new(config: PlayerConfig) -> Self {
        Self {
            config,
            out: Outbox::default(),
            playback: None,
            audio_output: AudioOutput::Off,
            state: State::Idle,
            paused: true,
            visible: true,
            online: true,
            closed: false,
            loads: 0,
            wishes: Wishes::default(),
            wake: None,
            recorder: Recorder::default(),
            now: Instant::default(),
        }
    }

    /// Takes what happened at `now`, which never goes back. Drain [`Player::poll_output`] afterwards.
    pub fn handle(&mut self, input: Input, now: Instant) {
        if self.closed {
            self.refuse(input);
            return;
        }
        self.now = now;
        self.recorder.on_input(&input, now);
        let slept = self.wake.is_some_and(|at| now - at > SLEPT);
        if let Some(p) = self.playback.as_mut().filter(|_| slept) {
            p.slept(now);
        }
        match input {
            Input::Load(load) => self.load(load, now),
            Input::Play => {
                self.set_paused(false, now);
                if let Some(p) = &mut self.playback {
                    p.play(now, &mut self.out);
                }
            }
            Input::Pause => self.set_paused(true, now),
            Input::Latency(target) => {
                self.config.latency = target;
                if let Some(p) = &mut self.playback {
                    p.set_target(target);
                }
            }
            Input::Rate(rate) => self.wishes.set_rate(rate),
            Input::Loop(looping) => self.wishes.looping = looping,
            Input::Viewport { width, height } => self.wishes.viewport = Some((width, height)),
            Input::Visible(visible) => {
                self.visible = visible;
                if let Some(p) = &mut self.playback {
                    p.set_visible(visible, now, &mut self.out);
                }
            }
            Input::Online(online) => {
                self.online = online;
                if let Some(p) = &mut self.playback {
                    p.set_online(online, now, &mut self.out);
                }
            }
            Input::Close => {
                self.stop(now);
                self.closed = true;
                self.wake = None;
                self.out.queue.retain(allowed_after_close);
                return;
            }
            Input::AudioOutput(output) => {
                self.audio_output = output;
                if let Some(p) = &mut self.playback {
                    p.set_audio_output(output, now, &mut self.out);
                }
            }
            input => match &mut self.playback {
                Some(p) => p.handle(input, now, &mut self.out),
                None => self.refuse(input),
            },
        }
        if let Some(p) = &mut self.playback {
            p.wishes = self.wishes;
        }
        self.advance(now);
        if self.recorder.wants_sample(now) {
            self.recorder.sample(self.counters(), self.stats(now).latency, now);
        }
    }

    /// The next thing to do; [`Output::Wait`] when there is none.
    pub fn poll_output(&mut self) -> Output {
        let Some(output) = self.out.queue.pop_front() else { return Output::Wait(self.wake) };
        self.recorder.on_output(&output, self.now);
        output
    }

    /// A snapshot at `now`.
    pub fn stats(&self, now: Instant) -> Stats {
        let mut stats = self.playback.as_ref().map(|p| p.stats(now)).unwrap_or_default();
        stats.state = self.state;
        if self.playback.is_none() {
            stats.target_latency = self.config.latency.start;
        }
        stats
    }

    /// After [`Event::NeedsAll`]: what has come of the file, for the load of a build that plays it.
    pub fn begun(&self) -> Option<&Begun> {
        self.playback.as_ref()?.begun()
    }

    /// What the present load is like for its viewer; `None` before the first.
    pub fn quality(&self, now: Instant) -> Option<Quality> {
        self.recorder.quality(self.counters(), now)
    }

    /// The last things that happened, also in earlier loads.
    pub fn log(&self) -> &SessionLog {
        self.recorder.log()
    }

    fn counters(&self) -> Counters {
        self.playback.as_ref().map(Playback::counters).unwrap_or_default()
    }

    fn load(&mut self, mut load: Load, now: Instant) {
        let before = self.stop(now);
        if load.lines.is_empty() {
            let wanted = load.rendition.and_then(|wanted| load.definitions.get(wanted as usize));
            let definition = wanted.or_else(|| load.definitions.first());
            load.lines = definition.map(|definition| definition.lines.clone()).unwrap_or_default();
        }
        let definitions = load.definitions.iter().flat_map(|definition| &definition.lines);
        let refused =
            load.lines.iter().chain(definitions).map(|url| source::request(url)).find(Result::is_err);
        if let Some(Err(error)) = refused {
            // What remains of it keeps count of the sound output for the next load.
            self.playback = before;
            if let Some(p) = &mut self.playback {
                p.give_up();
            }
            self.set_state(State::Failed);
            self.out.push(Output::Event(Event::Error(error)));
            return;
        }
        self.loads = self.loads.wrapping_add(1);
        let seed = self.config.seed ^ self.loads;
        let setting = Setting {
            decoder: self.config.decoder,
            webcodecs: self.config.webcodecs,
            viewport: self.wishes.viewport,
            link: before.as_ref().and_then(|before| before.stats(now).estimate),
        };
        let mut playback = Playback::new(self.config, self.paused, now);
        match before {
            Some(mut before) => playback.inherit_sound(&mut before),
            None => playback.set_audio_output(self.audio_output, now, &mut self.out),
        }
        playback.set_visible(self.visible, now, &mut self.out);
        playback.wishes = self.wishes;
        playback.open(load, setting, seed, now, &mut self.out);
        playback.set_online(self.online, now, &mut self.out);
        self.playback = Some(playback);
        self.set_state(State::Connecting);
    }

    fn set_paused(&mut self, paused: bool, now: Instant) {
        self.paused = paused;
        if let Some(p) = &mut self.playback {
            p.set_paused(paused, now, &mut self.out);
        }
    }

    /// Ends the present load and gives its remains.
    fn stop(&mut self, now: Instant) -> Option<Playback> {
        let mut playback = self.playback.take()?;
        playback.close(now, &mut self.out);
        Some(playback)
    }

    fn advance(&mut self, now: Instant) {
        self.wake = None;
        let Some(p) = &mut self.playback else { return };
        p.advance(now, &mut self.out);
        let state = p.state();
        self.set_state(state);
        self.wake = self.playback.as_mut().and_then(|p| p.next_wake(now));
        if self.playback.as_ref().is_some_and(Playback::is_over) {
            self.finish(now);
        }
    }

    /// After the end the connection and the decoders go, the figures stay.
    fn finish(&mut self, now: Instant) {
        if let Some(p) = &mut self.playback {
            p.close(now, &mut self.out);
        }
        self.wake = None;
    }

    fn set_state(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.out.push(Output::Event(Event::StateChange(state)));
        }
    }

    /// Without a load, the duties are to give frames back and to say that nothing is recorded.
    fn refuse(&mut self, input: Input) {
        match input {
            Input::FrameDecoded(_, frame) => self.out.push(Output::Release(frame.id)),
            Input::Record(Some(_)) if !self.closed => recording::refuse(&mut self.out),
            _ => {}
        }
    }
}

fn allowed_after_close(output: &Output) -> bool {
    matches!(
        output,
        Output::Cancel(_)
            | Output::CloseDecoder(_)
            | Output::Release(_)
            | Output::ClearPcm
            | Output::Wait(None)
    )
}
