//! The player's outer shell: which load is the present one, whether the user wants it to play, and the way out.
//!
//! All that plays one load is in [`crate::playback`]; a new `Load` replaces it whole, so nothing of an old stream can leak
//! into the next.

use sailcast_media::Micros;

use crate::{
    decode::Outbox,
    event::{Event, State, Stats},
    io::{AudioOutput, Input, Instant, Output, RequestId},
    playback::Playback,
    source,
};

#[derive(Clone, Copy, Debug)]
pub struct PlayerConfig {
    /// How far behind the newest received data to play.
    pub target_latency: Micros,
}

/// The sans-IO player. See the crate's doc for how to drive it.
pub struct Player {
    config: PlayerConfig,
    out: Outbox,
    playback: Option<Playback>,
    audio_output: AudioOutput,
    state: State,
    paused: bool,
    closed: bool,
    requests: u32,
    wake: Option<Instant>,
}

impl Player {
    /// An idle, paused player.
    pub fn new(config: PlayerConfig) -> Self {
        Self {
            config,
            out: Outbox::default(),
            playback: None,
            audio_output: AudioOutput::Off,
            state: State::Idle,
            paused: true,
            closed: false,
            requests: 0,
            wake: None,
        }
    }

    /// Takes what happened at `now`, which never goes back. Drain [`Player::poll_output`] afterwards.
    pub fn handle(&mut self, input: Input, now: Instant) {
        if self.closed {
            self.refuse(input);
            return;
        }
        match input {
            Input::Load { url } => self.load(&url, now),
            Input::Play => self.set_paused(false, now),
            Input::Pause => self.set_paused(true, now),
            Input::TargetLatency(target) => {
                self.config.target_latency = target;
                if let Some(p) = &mut self.playback {
                    p.set_target(target);
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
        self.advance(now);
    }

    /// The next thing to do; [`Output::Wait`] when there is none.
    pub fn poll_output(&mut self) -> Output {
        self.out.queue.pop_front().unwrap_or(Output::Wait(self.wake))
    }

    /// A snapshot at `now`.
    pub fn stats(&self, now: Instant) -> Stats {
        let mut stats = self.playback.as_ref().map(|p| p.stats(now)).unwrap_or_default();
        stats.state = self.state;
        if self.playback.is_none() {
            stats.target_latency = self.config.target_latency;
        }
        stats
    }

    fn load(&mut self, url: &str, now: Instant) {
        self.requests = self.requests.wrapping_add(1);
        let id = RequestId(self.requests);
        let before = self.stop(now);
        let request = match source::request(url) {
            Ok(request) => request,
            Err(error) => {
                // What remains of it keeps count of the sound output for the next load.
                self.playback = before;
                if let Some(p) = &mut self.playback {
                    p.give_up();
                }
                self.set_state(State::Failed);
                self.out.push(Output::Event(Event::Error(error)));
                return;
            }
        };
        let mut playback = Playback::new(id, self.config.target_latency, self.paused, now);
        match before {
            Some(mut before) => playback.inherit_sound(&mut before),
            None => playback.set_audio_output(self.audio_output, now, &mut self.out),
        }
        self.playback = Some(playback);
        self.out.push(Output::Open(id, request));
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
        self.wake = self.playback.as_ref().and_then(|p| p.next_wake(now));
        if matches!(state, State::Ended | State::Failed) {
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

    /// Without a load, the only duty is to give frames back.
    fn refuse(&mut self, input: Input) {
        if let Input::FrameDecoded(_, frame) = input {
            self.out.push(Output::Release(frame.id));
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
