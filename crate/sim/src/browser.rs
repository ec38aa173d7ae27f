//! The virtual browser: time passes, what is due happens, and what the engine answers is done.
//!
//! What was shown and heard is kept with its instant until [`Sim::forget`].

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use sailcast_engine::{
    AudioOutput, Background, DecoderChoice, DecoderId, Event, FrameId, Input, Instant, LatencyTarget, Load,
    Player, PlayerConfig, RequestId, ResolveRequest, Sources, WebCodecs,
};
use sailcast_media::{MediaKind, MediaTime, Micros};

use crate::{
    card::Card,
    decoder::{Decoder, Decoders, Picture},
    server::{Deliveries, Server},
};

/// Where the virtual clock begins.
pub const BEGIN: Instant = Instant(1_000_000);
/// At 25 pictures a second.
const TWO_PICTURES: Micros = Micros(80_001);
/// So many turns without time passing are a livelock.
const MAX_TURNS_AT_ONCE: u32 = 100_000;

pub struct Sim {
    pub player: Player,
    pub now: Instant,
    pub events: Vec<(Instant, Event)>,
    /// When each picture was handed over, and its presentation time.
    pub shown: Vec<(Instant, MediaTime)>,
    /// Beside `shown`, for pictures of a synthetic stream: which it is.
    pub shown_numbers: Vec<Option<u64>>,
    /// When each quantum became audible, and the media time of its first sample; None is silence.
    pub heard: Vec<(Instant, Option<MediaTime>)>,
    /// Beside `heard`: which sound it was of.
    pub heard_voices: Vec<u8>,
    pub cancelled: Vec<RequestId>,
    pub requests: Vec<(RequestId, String)>,
    /// What the page was asked for; it adds `?attempt=` to the line.
    pub resolved: Vec<ResolveRequest>,
    /// The recording so far, in the pieces in which it came.
    pub recorded: Vec<Bytes>,
    pub video_decode_time: Micros,
    /// Beside those, how decoders behave.
    pub decoders_are: Decoders,
    /// Audio decoders refuse their first packet.
    pub audio_broken: bool,
    /// Video decoders take packets and give nothing.
    pub video_swallowed: bool,
    /// Sound is decoded to this fraction of its rate (an output at that rate is then no resampling): cheap over days.
    pub sound_divisor: u32,
    pub max_outstanding: usize,
    /// How often the engine's timer has gone off: each costs a turn of the browser's event loop.
    pub timer_turns: u64,
    /// The sound card takes nothing and tells nothing, as that of an interrupted context.
    pub card_stands: bool,
    pub(crate) server: Box<dyn Server>,
    pub(crate) streams: HashMap<RequestId, Stream>,
    pub(crate) wake: Option<Instant>,
    pub(crate) decoders: HashMap<DecoderId, Decoder>,
    pub(crate) decoders_made: usize,
    pub(crate) closed_decoders: HashSet<DecoderId>,
    pub(crate) frames: HashMap<FrameId, Picture>,
    pub(crate) next_frame: u64,
    pub(crate) last_shown: Option<MediaTime>,
    /// On the way to a place pictures of others may be shown, in any order.
    pub(crate) seeking: bool,
    pub(crate) card: Option<Card>,
    pub(crate) queue: BTreeMap<(Instant, u64), Happening>,
    sequence: u64,
    card_generation: u64,
}

/// An open connection: the rest of what it will deliver.
pub struct Stream {
    opened: Instant,
    rest: Deliveries,
}

pub enum Happening {
    Input(Input),
    Card(u64),
}

/// A player's usual configuration.
pub fn config(latency: LatencyTarget) -> PlayerConfig {
    PlayerConfig {
        latency,
        background: Background::Audio,
        decoder: DecoderChoice::Auto,
        webcodecs: WebCodecs::BOTH,
        sources: Sources::ALL,
        seed: 1,
    }
}

/// The same with this choice of decoders, for a player that holds `target_ms`.
pub fn choosing(decoder: DecoderChoice, target_ms: i64) -> PlayerConfig {
    PlayerConfig { decoder, ..config(LatencyTarget::fixed(Micros::from_millis(target_ms))) }
}

/// Loads one address of the stream.
pub fn load(url: &str) -> Input {
    Input::Load(Load { lines: vec![url.to_owned()], resolve: false, ..Load::default() })
}

impl Sim {
    /// An idle player that holds `target_ms`.
    pub fn new(target_ms: i64, server: impl Server + 'static) -> Self {
        Self::with(config(LatencyTarget::fixed(Micros::from_millis(target_ms))), server)
    }

    pub fn with(config: PlayerConfig, server: impl Server + 'static) -> Self {
        Self {
            player: Player::new(config),
            now: BEGIN,
            events: Vec::new(),
            shown: Vec::new(),
            shown_numbers: Vec::new(),
            heard: Vec::new(),
            heard_voices: Vec::new(),
            cancelled: Vec::new(),
            requests: Vec::new(),
            resolved: Vec::new(),
            recorded: Vec::new(),
            video_decode_time: Micros::from_millis(4),
            decoders_are: Decoders::default(),
            audio_broken: false,
            video_swallowed: false,
            sound_divisor: 1,
            max_outstanding: 0,
            timer_turns: 0,
            card_stands: false,
            server: Box::new(server),
            streams: HashMap::new(),
            wake: None,
            decoders: HashMap::new(),
            decoders_made: 0,
            closed_decoders: HashSet::new(),
            frames: HashMap::new(),
            next_frame: 0,
            last_shown: None,
            seeking: false,
            card: None,
            queue: BTreeMap::new(),
            sequence: 0,
            card_generation: 0,
        }
    }

    /// A player on the server's stream, told to play.
    pub fn playing(target_ms: i64, server: impl Server + 'static) -> Self {
        Self::playing_with(choosing(DecoderChoice::Auto, target_ms), server)
    }

    pub fn playing_with(config: PlayerConfig, server: impl Server + 'static) -> Self {
        let mut sim = Self::with(config, server);
        sim.input(load("http://live/stream.flv"));
        sim.input(Input::Play);
        sim
    }

    /// Connections from here on are answered by this server.
    pub fn serve(&mut self, server: impl Server + 'static) {
        self.server = Box::new(server);
    }

    /// The page's sound output starts: `latency_ms` from ring to ear.
    pub fn sound_on(&mut self, sample_rate: u32, latency_ms: i64) {
        let latency = Micros::from_millis(latency_ms);
        self.card = Some(Card::new(sample_rate, latency, self.sound_divisor));
        self.card_generation += 1;
        self.schedule(Micros(5000), Happening::Card(self.card_generation));
        self.input(Input::AudioOutput(AudioOutput::Running { sample_rate, latency }));
    }

    /// Keeps what is heard from now on.
    pub fn record_sound(&mut self) {
        self.card.as_mut().expect("a sound output").record();
    }

    /// What was heard since then: the left samples, at the output's rate.
    pub fn recorded_sound(&self) -> &[f32] {
        self.card.as_ref().map_or(&[], Card::recorded)
    }

    pub fn sound_off(&mut self) {
        self.card = None;
        self.card_generation += 1;
        self.input(Input::AudioOutput(AudioOutput::Off));
    }

    pub fn input(&mut self, input: Input) {
        match input {
            Input::Load(_) => (self.seeking, self.last_shown) = (false, None),
            // What stood there before may be shown once more, and the one before it where that was handed over early.
            Input::Wake | Input::Visible(true) => {
                self.last_shown = self.last_shown.map(|last| last - TWO_PICTURES);
            }
            _ => {}
        }
        self.player.handle(input, self.now);
        self.drain();
    }

    /// The decoder of that kind closes itself with an error, as WebCodecs' do.
    pub fn fail_decoder(&mut self, kind: MediaKind) {
        let id = self.lose_decoder(kind);
        self.input(Input::DecoderFailed(id, "EncodingError: Decoding error.".into()));
    }

    /// The browser takes the decoder of that kind away.
    pub fn reclaim_decoder(&mut self, kind: MediaKind) {
        let id = self.lose_decoder(kind);
        self.input(Input::DecoderReclaimed(id));
    }

    fn lose_decoder(&mut self, kind: MediaKind) -> DecoderId {
        let id = self.decoders.iter().find(|(_, d)| d.config.kind() == kind).map(|(id, _)| *id);
        let id = id.expect("an open decoder of that kind");
        self.decoders.remove(&id);
        id
    }

    /// Time passes while nothing runs; what should have happened meanwhile happens afterwards, the timer first.
    pub fn sleep(&mut self, span: Micros) {
        self.now = self.now + span;
        // The server did not sleep, but the link held what it sent.
        let soon = self.now + Micros(1000);
        let late = std::mem::take(&mut self.queue);
        self.queue = late.into_iter().map(|((at, n), happening)| ((at.max(soon), n), happening)).collect();
        self.wake = None;
        self.input(Input::Timeout);
    }

    /// The sound card's clock runs this much too fast, in millionths.
    pub fn sound_drifts(&mut self, ppm: i64) {
        if let Some(card) = &mut self.card {
            card.ppm = ppm;
        }
    }

    /// The worker is busy for `span`: the sound card goes on with what it has, all else waits; then the timer is first.
    pub fn block(&mut self, span: Micros) {
        let end = self.now + span;
        let mut waiting = BTreeMap::new();
        while let Some(((at, n), happening)) = self.queue.pop_first() {
            if at >= end {
                self.queue.insert((at, n), happening);
                break;
            }
            match happening {
                Happening::Card(generation) => {
                    self.now = self.now.max(at);
                    if let Some(frames) = self.card_takes(generation) {
                        self.sequence += 1;
                        let told = Happening::Input(Input::AudioPlayed { frames });
                        waiting.insert((end, self.sequence), told);
                    }
                }
                input => {
                    waiting.insert((end, n), input);
                }
            }
        }
        self.queue.append(&mut waiting);
        self.now = end;
        self.wake = None;
        self.input(Input::Timeout);
    }

    pub fn run_ms(&mut self, ms: i64) {
        let end = self.now + Micros::from_millis(ms);
        let mut turns = 0;
        loop {
            let happening = self.queue.keys().next().map(|(at, _)| *at);
            let next = [happening, self.wake].into_iter().flatten().min();
            let Some(next) = next.filter(|t| *t <= end) else { break };
            turns = if next > self.now { 0 } else { turns + 1 };
            assert!(turns < MAX_TURNS_AT_ONCE, "livelock at {:?}", self.now);
            self.now = self.now.max(next);
            if happening == Some(next) {
                match self.queue.pop_first() {
                    Some((_, Happening::Input(Input::Io(id, event)))) => {
                        self.deliver_next(id);
                        self.input(Input::Io(id, event));
                    }
                    Some((_, Happening::Input(input))) => self.input(input),
                    Some((_, Happening::Card(generation))) => self.card_turn(generation),
                    None => break,
                }
            } else {
                self.wake = None;
                self.timer_turns += 1;
                self.input(Input::Timeout);
            }
        }
        self.now = end;
    }

    /// Lets go of what was recorded: a long run asks, and forgets.
    pub fn forget(&mut self) {
        self.events.clear();
        self.shown.clear();
        self.shown_numbers.clear();
        self.heard.clear();
        self.heard_voices.clear();
        self.cancelled.clear();
        self.requests.clear();
    }

    pub(crate) fn schedule(&mut self, after: Micros, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), happening);
    }

    pub(crate) fn connected(&mut self, id: RequestId, rest: Deliveries) {
        self.streams.insert(id, Stream { opened: self.now, rest });
        self.deliver_next(id);
    }

    fn deliver_next(&mut self, id: RequestId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let opened = stream.opened;
        match stream.rest.next() {
            Some((after, event)) => {
                let at = (opened + after).max(self.now);
                self.schedule(at - self.now, Happening::Input(Input::Io(id, event)));
            }
            None => {
                self.streams.remove(&id);
            }
        }
    }

    pub(crate) fn disconnected(&mut self, id: RequestId) {
        self.streams.remove(&id);
        self.queue.retain(
            |_, h| !matches!(h, Happening::Input(Input::Io(of, _) | Input::Resolved(of, _)) if *of == id),
        );
    }

    fn card_turn(&mut self, generation: u64) {
        if let Some(frames) = self.card_takes(generation) {
            self.input(Input::AudioPlayed { frames });
        }
    }

    /// One turn of the card; what it has to tell.
    fn card_takes(&mut self, generation: u64) -> Option<u64> {
        let card = self.card.as_mut().filter(|_| generation == self.card_generation)?;
        if self.card_stands {
            let period = card.period();
            self.schedule(period, Happening::Card(generation));
            return None;
        }
        let turn = card.turn();
        self.heard.push((self.now + card.latency, turn.heard));
        self.heard_voices.push(turn.voice);
        let period = card.period();
        self.schedule(period, Happening::Card(generation));
        turn.tell
    }
}
