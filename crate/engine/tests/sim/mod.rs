//! A virtual browser around the player: clock, network, decoders and sound card, all deterministic.
//!
//! It does what the real driver does and checks the laws while doing it: a keyframe first after every configuration, each
//! frame rendered or released exactly once, few frames outstanding, pictures never backwards, and no call without a
//! drain. What was shown and heard is kept with its instant.
#![allow(dead_code)] // Each test file uses its own part.

pub mod feed;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use bytes::Bytes;
use sailcast_engine::{
    AudioOutput, DecoderId, Event, FrameId, FrameInfo, Input, Instant, IoEvent, Output, PcmBlock, Player,
    PlayerConfig, RequestId, SailcastError, State, Stats,
};
use sailcast_media::{CodecParams, DecoderConfig, MediaKind, MediaTime, Micros};

const CARD_QUANTUM: u64 = 512;
/// Total frames are told when so many more were taken, or the ring is empty, as worklet.ts does.
const REPORT_FRAMES: u64 = 1024;
/// Sound carries its own media time: sample value = seconds / SCALE.
const SCALE: f32 = 64.0;

pub struct Sim {
    pub player: Player,
    pub now: Instant,
    pub network: feed::Network,
    pub events: Vec<(Instant, Event)>,
    /// When each picture was handed over, and its presentation time.
    pub shown: Vec<(Instant, MediaTime)>,
    /// When each quantum became audible, and the media time of its first sample; None is silence.
    pub heard: Vec<(Instant, Option<MediaTime>)>,
    pub cancelled: Vec<RequestId>,
    pub requests: Vec<(RequestId, String)>,
    pub video_decode_time: Micros,
    /// Audio decoders refuse their first packet.
    pub audio_broken: bool,
    /// Video decoders take packets and give nothing.
    pub video_swallowed: bool,
    queue: BTreeMap<(Instant, u64), Happening>,
    sequence: u64,
    wake: Option<Instant>,
    decoders: HashMap<DecoderId, Decoder>,
    closed_decoders: HashSet<DecoderId>,
    frames: HashMap<FrameId, MediaTime>,
    finished: HashSet<FrameId>,
    next_frame: u64,
    card: Option<Card>,
    card_generation: u64,
    pub max_outstanding: usize,
}

enum Happening {
    Input(Input),
    Card(u64),
}

struct Decoder {
    config: DecoderConfig,
    fresh: bool,
    reorder: Vec<MediaTime>,
    busy_until: Instant,
}

struct Card {
    sample_rate: u32,
    latency: Micros,
    ring: VecDeque<f32>,
    taken: u64,
    told: u64,
}

impl Sim {
    pub fn new(target_ms: i64, network: feed::Network) -> Self {
        Self {
            player: Player::new(PlayerConfig { target_latency: Micros::from_millis(target_ms) }),
            now: Instant(1_000_000),
            network,
            events: Vec::new(),
            shown: Vec::new(),
            heard: Vec::new(),
            cancelled: Vec::new(),
            requests: Vec::new(),
            video_decode_time: Micros::from_millis(4),
            audio_broken: false,
            video_swallowed: false,
            queue: BTreeMap::new(),
            sequence: 0,
            wake: None,
            decoders: HashMap::new(),
            closed_decoders: HashSet::new(),
            frames: HashMap::new(),
            finished: HashSet::new(),
            next_frame: 0,
            card: None,
            card_generation: 0,
            max_outstanding: 0,
        }
    }

    /// A player on the network's stream, told to play.
    pub fn playing(target_ms: i64, network: feed::Network) -> Self {
        let mut sim = Self::new(target_ms, network);
        sim.input(Input::Load { url: "http://live/stream.flv".into() });
        sim.input(Input::Play);
        sim
    }

    /// The page's sound output starts: `latency_ms` from ring to ear.
    pub fn sound_on(&mut self, sample_rate: u32, latency_ms: i64) {
        let latency = Micros::from_millis(latency_ms);
        self.card = Some(Card { sample_rate, latency, ring: VecDeque::new(), taken: 0, told: 0 });
        self.card_generation += 1;
        self.schedule(Micros(5000), Happening::Card(self.card_generation));
        self.input(Input::AudioOutput(AudioOutput::Running { sample_rate, latency }));
    }

    pub fn sound_off(&mut self) {
        self.card = None;
        self.card_generation += 1;
        self.input(Input::AudioOutput(AudioOutput::Off));
    }

    pub fn input(&mut self, input: Input) {
        self.player.handle(input, self.now);
        self.drain();
    }

    /// The decoder of that kind closes itself with an error, as WebCodecs' do.
    pub fn fail_decoder(&mut self, kind: MediaKind) {
        let id = self.decoders.iter().find(|(_, d)| d.config.kind() == kind).map(|(id, _)| *id);
        let id = id.expect("an open decoder of that kind");
        self.decoders.remove(&id);
        self.input(Input::DecoderFailed(id, "EncodingError: Decoding error.".into()));
    }

    /// Time passes while nothing runs; what should have happened meanwhile happens afterwards, the timer first.
    pub fn sleep(&mut self, span: Micros) {
        self.now = self.now + span;
        let late: Vec<_> = std::mem::take(&mut self.queue).into_iter().collect();
        for ((at, sequence), happening) in late {
            // The server did not sleep, but the link held what it sent.
            self.queue.insert((at.max(self.now + Micros(1000)), sequence), happening);
        }
        self.wake = None;
        self.input(Input::Timeout);
    }

    pub fn run_ms(&mut self, ms: i64) {
        let end = self.now + Micros::from_millis(ms);
        let mut turns = 0u64;
        loop {
            turns += 1;
            assert!(turns < 2_000_000, "livelock at {:?}", self.now);
            let happening = self.queue.keys().next().map(|(at, _)| *at);
            let next = [happening, self.wake].into_iter().flatten().min();
            let Some(next) = next.filter(|t| *t <= end) else { break };
            self.now = self.now.max(next);
            if happening == Some(next) {
                let Some((_, happening)) = self.queue.pop_first() else { break };
                match happening {
                    Happening::Input(input) => self.input(input),
                    Happening::Card(generation) => self.card_turn(generation),
                }
            } else {
                self.wake = None;
                self.input(Input::Timeout);
            }
        }
        self.now = end;
    }

    // ---- what tests ask ----

    pub fn stats(&self) -> Stats {
        self.player.stats(self.now)
    }

    pub fn state(&self) -> State {
        self.stats().state
    }

    pub fn errors(&self) -> Vec<&SailcastError> {
        self.events.iter().filter_map(|(_, e)| if let Event::Error(e) = e { Some(e) } else { None }).collect()
    }

    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, e)| wanted(e)).count()
    }

    pub fn first(&self, wanted: impl Fn(&Event) -> bool) -> Option<Instant> {
        self.events.iter().find(|(_, e)| wanted(e)).map(|(at, _)| *at)
    }

    /// Time since the simulation began.
    pub fn elapsed(&self) -> Micros {
        self.now - Instant(1_000_000)
    }

    /// |picture - sound| in ms at each picture shown after `from`.
    pub fn av_offsets_ms(&self, from: Instant) -> Vec<f64> {
        let mut offsets = Vec::new();
        for (at, pts) in self.shown.iter().filter(|(at, _)| *at >= from) {
            let heard = self.heard.iter().rev().find(|(t, _)| t <= at);
            if let Some((t, Some(media))) = heard {
                let sound = *media + (*at - *t);
                offsets.push((*pts - sound).as_secs_f64() * 1000.0);
            }
        }
        offsets
    }

    pub fn outstanding_frames(&self) -> usize {
        self.frames.len()
    }

    pub fn open_decoders(&self) -> usize {
        self.decoders.len()
    }

    // ---- the driver ----

    fn schedule(&mut self, after: Micros, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), happening);
    }

    fn drain(&mut self) {
        loop {
            match self.player.poll_output() {
                Output::Wait(at) => {
                    self.wake = at.map(|at| at.max(self.now + Micros(1)));
                    break;
                }
                output => self.obey(output),
            }
        }
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Open(id, request) => {
                self.requests.push((id, request.url));
                for (after, event) in self.network.connect() {
                    self.schedule(after, Happening::Input(Input::Io(id, event)));
                }
            }
            Output::Cancel(id) => {
                self.cancelled.push(id);
                self.queue.retain(|_, h| !matches!(h, Happening::Input(Input::Io(of, _)) if *of == id));
            }
            Output::Configure(id, config, _) => {
                let decoder = Decoder { config, fresh: true, reorder: Vec::new(), busy_until: self.now };
                assert!(self.decoders.insert(id, decoder).is_none(), "decoder id used twice");
            }
            Output::Decode(id, packet) => self.decode(id, packet),
            Output::Flush(id) => self.flush(id),
            Output::CloseDecoder(id) => {
                self.decoders.remove(&id);
                assert!(self.closed_decoders.insert(id), "closed a decoder twice");
            }
            Output::Render(id) => {
                let pts = self.take_frame(id);
                if let Some((_, last)) = self.shown.last() {
                    assert!(
                        pts > *last || self.requests.len() > 1,
                        "picture went back from {last:?} to {pts:?}"
                    );
                }
                self.shown.push((self.now, pts));
            }
            Output::Release(id) => {
                self.take_frame(id);
            }
            Output::Pcm(block) => {
                let card = self.card.as_mut().expect("PCM without an output");
                assert_eq!(block.sample_rate, card.sample_rate);
                assert_eq!(block.channels, 2);
                card.ring.extend(block.data.chunks(2).map(|c| c[0]));
            }
            Output::ClearPcm => {
                if let Some(card) = &mut self.card {
                    card.taken += card.ring.len() as u64;
                    card.ring.clear();
                }
            }
            Output::Event(event) => self.events.push((self.now, event)),
            Output::Wait(_) => {}
        }
    }

    fn take_frame(&mut self, id: FrameId) -> MediaTime {
        assert!(self.finished.insert(id), "frame {id:?} finished twice");
        self.frames.remove(&id).expect("a frame that exists")
    }

    fn decode(&mut self, id: DecoderId, packet: sailcast_media::Packet) {
        // Packets already on their way to a decoder that failed come to nothing.
        let Some(decoder) = self.decoders.get_mut(&id) else { return };
        assert!(packet.keyframe || !decoder.fresh, "a delta packet first");
        decoder.fresh = false;
        let start = decoder.busy_until.max(self.now);
        match decoder.config.params {
            CodecParams::Video(_) if self.video_swallowed => {}
            CodecParams::Video(v) => {
                let done = start + self.video_decode_time;
                decoder.busy_until = done;
                decoder.reorder.push(packet.pts);
                decoder.reorder.sort();
                if decoder.reorder.len() > usize::from(v.reorder_depth) {
                    let pts = decoder.reorder.remove(0);
                    self.emit(id, pts, done);
                }
            }
            CodecParams::Audio(_) if self.audio_broken => {
                self.decoders.remove(&id);
                self.schedule(Micros(500), Happening::Input(Input::DecoderFailed(id, "no".into())));
            }
            CodecParams::Audio(a) => {
                let done = start + Micros(300);
                decoder.busy_until = done;
                let step = 1.0 / a.sample_rate as f32;
                let channels = usize::from(a.channels.max(1));
                let data = (0..1024)
                    .flat_map(|i| {
                        let value = (packet.pts.as_secs_f64() as f32 + i as f32 * step) / SCALE;
                        std::iter::repeat_n(value, channels)
                    })
                    .collect();
                let block = PcmBlock { sample_rate: a.sample_rate, channels: a.channels, data };
                let after = done - self.now;
                self.schedule(after, Happening::Input(Input::SamplesDecoded(id, packet.pts, block)));
            }
        }
    }

    fn emit(&mut self, id: DecoderId, pts: MediaTime, at: Instant) {
        self.next_frame += 1;
        let frame = FrameInfo { id: FrameId(self.next_frame), pts, width: 640, height: 360 };
        self.frames.insert(frame.id, pts);
        self.max_outstanding = self.max_outstanding.max(self.frames.len());
        let after = at - self.now;
        self.schedule(after, Happening::Input(Input::FrameDecoded(id, frame)));
    }

    fn flush(&mut self, id: DecoderId) {
        let Some(decoder) = self.decoders.get_mut(&id) else { return };
        decoder.fresh = true;
        let done = decoder.busy_until.max(self.now) + Micros(1000);
        for pts in std::mem::take(&mut decoder.reorder) {
            self.emit(id, pts, done);
        }
        let after = done - self.now;
        self.schedule(after, Happening::Input(Input::Flushed(id)));
    }

    fn card_turn(&mut self, generation: u64) {
        if generation != self.card_generation {
            return;
        }
        let Some(card) = &mut self.card else { return };
        let audible = self.now + card.latency;
        let n = card.ring.len().min(CARD_QUANTUM as usize);
        let first = card.ring.front().copied().filter(|v| *v > 0.0);
        self.heard.push((audible, first.map(|v| MediaTime((f64::from(v * SCALE) * 1e6) as i64))));
        card.ring.drain(..n);
        card.taken += n as u64;
        let frames = card.taken;
        let told = n > 0 && (card.ring.is_empty() || frames - card.told >= REPORT_FRAMES);
        if told {
            card.told = frames;
        }
        let period = Micros((CARD_QUANTUM * 1_000_000 / u64::from(card.sample_rate)) as i64);
        self.schedule(period, Happening::Card(generation));
        if told {
            self.input(Input::AudioPlayed { frames });
        }
    }
}

/// The value below which `share` of the values lie.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let i = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(i).copied().unwrap_or(f64::NAN)
}

pub fn bytes(event: &IoEvent) -> Option<&Bytes> {
    if let IoEvent::Bytes(b) = event { Some(b) } else { None }
}
