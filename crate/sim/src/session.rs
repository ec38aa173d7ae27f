//! One session: a viewer joins a stream over a trace's network; the engine plays it, or the peers do, from the same arrivals.

use sailcast_engine::{Event, Input, Instant, IoEvent, LatencyTarget, PlayerConfig};
use sailcast_media::{DemuxEvent, Demuxer, MediaKind, Micros, flv::FlvDemuxer, flv::demux::AUDIO_TRACK};

use crate::{
    Sim,
    browser::{BEGIN, config, load},
    chance::Chance,
    link::Stop,
    live::LiveServer,
    meter::{Figures, Meter},
    peer::{Element, PEERS},
    stream::number_of,
    trace::Trace,
};

/// How often the meter is read.
const READ: Micros = Micros::from_millis(100);
/// The peers' time passes in steps of this.
const STEP: Micros = Micros::from_millis(5);
const OUTPUT_LATENCY_MS: i64 = 20;
const AAC_SAMPLES: i64 = 1024;
/// Shorter standstills are not called outages.
const OUTAGE: Micros = Micros::from_secs(2);

pub type Trail = Vec<Option<Micros>>;

/// The player of a page that asks for nothing special.
pub fn auto() -> PlayerConfig {
    config(LatencyTarget::AUTO)
}

/// A trace and a seed: all that decides a session.
pub struct Session {
    trace: Trace,
    server: LiveServer,
    outages: Vec<(Instant, Instant)>,
    trails: bool,
}

/// A line of the timeline that [`Session::explain`] gives.
pub struct Line {
    pub at: Micros,
    pub what: String,
}

impl Session {
    pub fn new(trace: &Trace, seed: u64) -> Self {
        let chance = Chance(seed).of(0);
        // Joins fall anywhere in a GOP.
        let offset = Micros::from_millis(20_000 + (chance.of(1).unit(0) * 20_000.0) as i64);
        let server = LiveServer { stream: trace.stream, link: trace.link.clone(), chance, offset };
        let begin = server.world(BEGIN);
        let local = |at: Micros| Instant((at - offset).0 as u64);
        let outages = trace.link.stops(chance, Stop::Link, begin, begin + trace.length);
        let outages =
            outages.into_iter().filter(|(b, e)| *e - *b >= OUTAGE).map(|(b, e)| (local(b), local(e)));
        Self { trace: trace.clone(), outages: outages.collect(), server, trails: false }
    }

    /// Keeps latency over time, for plots.
    pub fn with_trails(mut self) -> Self {
        self.trails = true;
        self
    }

    /// When nothing came for seconds, since the session's beginning.
    pub fn outages(&self) -> Vec<(Micros, Micros)> {
        self.outages.iter().map(|(from, to)| (*from - BEGIN, *to - BEGIN)).collect()
    }

    fn meter(&self) -> Meter {
        let meter = Meter::new(self.trace.stream, self.server.offset, BEGIN, &self.outages);
        if self.trails { meter.with_trail() } else { meter }
    }

    fn end(&self) -> Instant {
        BEGIN + self.trace.length
    }

    fn sim(&self, config: PlayerConfig) -> Sim {
        let mut sim = Sim::with(config, self.server.clone());
        sim.video_decode_time = self.trace.decode_time;
        if let Some(rate) = self.trace.stream.sound {
            sim.sound_divisor = if rate.is_multiple_of(8000) { 8 } else { 4 };
            sim.sound_on(rate / sim.sound_divisor, OUTPUT_LATENCY_MS);
        }
        sim.input(load("http://live/stream.flv"));
        sim.input(Input::Play);
        sim
    }

    /// The engine plays it.
    pub fn ours(&self, config: PlayerConfig) -> (Figures, Option<Trail>) {
        let mut sim = self.sim(config);
        let mut reader = Reader { meter: self.meter(), heard_any: false, last_heard: None };
        while sim.now < self.end() {
            sim.run_ms(READ.0 / 1000);
            reader.read(&mut sim);
        }
        reader.meter.finish(self.end())
    }

    /// Each of the peers plays it, in the order of [`PEERS`].
    pub fn peers(&self) -> Vec<(Figures, Option<Trail>)> {
        let frame = Micros(1_000_000 / self.trace.stream.fps);
        let has_sound = self.trace.stream.sound.is_some();
        let mut elements: Vec<Element> = PEERS
            .iter()
            .map(|p| Element::new((p.rule)(), self.meter(), has_sound, frame, self.trace.decode_time, BEGIN))
            .collect();
        let begin = self.server.world(BEGIN);
        let mut arrivals = self.server.connection(begin).peekable();
        let mut demuxer = FlvDemuxer::new();
        let sound_length =
            Micros(AAC_SAMPLES * 1_000_000 / i64::from(self.trace.stream.sound.unwrap_or(48_000)));
        let mut now = BEGIN;
        let mut next_read = BEGIN;
        while now < self.end() {
            now = now + STEP;
            while let Some((at, event)) = arrivals.next_if(|(at, _)| BEGIN + (*at - begin) <= now) {
                let IoEvent::Bytes(bytes) = event else { continue };
                let at = BEGIN + (at - begin);
                demuxer.push(bytes);
                while let Ok(Some(event)) = demuxer.poll() {
                    let DemuxEvent::Packet(packet) = event else { continue };
                    let (kind, length) = match packet.track == AUDIO_TRACK {
                        true => (MediaKind::Audio, sound_length),
                        false => (MediaKind::Video, frame),
                    };
                    let number = number_of(&packet.data).map(|n| (n, packet.keyframe));
                    for element in &mut elements {
                        element.append(kind, packet.pts, length, number, at);
                    }
                }
            }
            for element in &mut elements {
                element.advance(now);
                if now >= next_read
                    && let Some(ahead) = element.ahead()
                {
                    element.meter.edge(ahead);
                }
            }
            if now >= next_read {
                next_read = now + READ;
            }
        }
        elements.into_iter().map(|e| e.meter.finish(self.end())).collect()
    }

    /// What happened in the engine's session, in words.
    pub fn explain(&self, config: PlayerConfig) -> Vec<Line> {
        let mut sim = self.sim(config);
        let mut lines = Vec::new();
        let mut note = |at: Instant, what: String| lines.push(Line { at: at - BEGIN, what });
        let begin = self.server.world(BEGIN);
        let stops = |what| self.trace.link.stops(self.server.chance, what, begin, begin + self.trace.length);
        for (from, to) in stops(Stop::Link).into_iter().chain(stops(Stop::Lost)) {
            note(BEGIN + (from - begin), format!("link stands for {} ms", (to - from).0 / 1000));
        }
        let mut last: Option<(Instant, u64)> = None;
        let mut quiet: Option<Instant> = None;
        let mut next_stats = BEGIN;
        while sim.now < self.end() {
            sim.run_ms(READ.0 / 1000);
            for (at, event) in &sim.events {
                if !matches!(event, Event::Metadata(_) | Event::Track(_)) {
                    note(*at, format!("{event:?}"));
                }
            }
            for ((at, _), number) in sim.shown.iter().zip(&sim.shown_numbers) {
                let Some(number) = *number else { continue };
                if let Some((before, last)) = last {
                    if *at - before > Micros::from_millis(100) {
                        note(*at, format!("picture stood for {} ms", (*at - before).0 / 1000));
                    }
                    if number > last + 1 {
                        note(*at, format!("{} pictures left out", number - last - 1));
                    }
                }
                last = Some((*at, number));
            }
            for (at, heard) in &sim.heard {
                match (heard, quiet) {
                    (None, None) => quiet = Some(*at),
                    (Some(_), Some(since)) => {
                        note(*at, format!("silence for {} ms", (*at - since).0 / 1000));
                        quiet = None;
                    }
                    _ => {}
                }
            }
            for (id, url) in &sim.requests {
                note(sim.now, format!("request {} to {url}", id.0));
            }
            if sim.now >= next_stats {
                next_stats = sim.now + Micros::from_secs(1);
                let stats = sim.stats();
                let age = last.map_or(Micros::ZERO, |(_, n)| {
                    self.server.world(sim.now) - self.trace.stream.captured(n)
                });
                note(
                    sim.now,
                    format!(
                        "  age {} ms, behind edge {} ms, target {} ms, rate {:.3}, buffered {} ms",
                        age.0 / 1000,
                        stats.latency.0 / 1000,
                        stats.target_latency.0 / 1000,
                        stats.rate,
                        stats.buffered.0 / 1000
                    ),
                );
            }
            sim.forget();
        }
        lines.sort_by_key(|line| line.at);
        lines
    }
}

/// Takes from the browser what a viewer saw and heard.
struct Reader {
    meter: Meter,
    heard_any: bool,
    last_heard: Option<Instant>,
}

impl Reader {
    fn read(&mut self, sim: &mut Sim) {
        for (at, event) in &sim.events {
            match event {
                Event::RateChange { rate } => self.meter.rate(*rate, *at),
                Event::Playing => self.meter.playing(*at),
                _ => {}
            }
        }
        for ((at, _), number) in sim.shown.iter().zip(&sim.shown_numbers) {
            if let Some(number) = number {
                self.meter.shown(*number, *at);
            }
        }
        for (at, heard) in &sim.heard {
            if heard.is_some() {
                self.heard_any = true;
            } else if let Some(since) = self.last_heard.filter(|_| self.heard_any) {
                self.meter.silent(*at - since);
            }
            self.last_heard = Some(*at);
        }
        self.meter.edge(sim.stats().latency);
        sim.forget();
    }
}
