//! A site that serves one stream in three definitions through one link, and what a viewer of it saw and heard.

use sailcast_engine::{Definition, Event, Input, Instant, IoRequest, LatencyTarget, Load, PlayerConfig};
use sailcast_media::Micros;
use sailcast_sim::{
    BEGIN, Bottleneck, Chance, Deliveries, LinkModel, LiveServer, Server, Sim, StreamConfig, config,
    feed::Network,
};

pub const MS: fn(i64) -> Micros = Micros::from_millis;
pub const S: fn(i64) -> Micros = Micros::from_secs;
pub const LOW: u32 = 0;
pub const MID: u32 = 1;
pub const HIGH: u32 = 2;

/// Name, size and bit/s of the pictures.
const LADDER: [(&str, (u32, u32), u64); 3] =
    [("low", (640, 352), 500_000), ("mid", (1280, 720), 1_000_000), ("high", (1920, 1088), 2_000_000)];
const SOUND: u64 = 64_000;
/// How long the stream had run when the browser began.
const AGE: Micros = Micros::from_millis(20_700);

/// Answers by the name in the address.
pub struct Site {
    pub live: Vec<LiveServer>,
    /// What is answered in place of it.
    pub instead: Vec<(&'static str, Network)>,
}

impl Site {
    /// With a keyframe each `gop` pictures; `change` makes each definition's stream another.
    pub fn new(link: LinkModel, gop: i64, change: impl Fn(usize, &mut StreamConfig)) -> Self {
        let link = LinkModel { shared: Some(Bottleneck::default()), ..link };
        let stream = |(i, (_, size, bitrate)): (usize, &(_, (u32, u32), u64))| {
            let mut stream = StreamConfig {
                size: *size,
                bitrate: *bitrate as f64,
                sound_bitrate: SOUND as f64,
                gop,
                ..StreamConfig::default()
            };
            change(i, &mut stream);
            LiveServer { stream, link: link.clone(), chance: Chance(1), offset: AGE }
        };
        Self { live: LADDER.iter().enumerate().map(stream).collect(), instead: Vec::new() }
    }

    /// On a link that is no matter.
    pub fn fast(gop: i64) -> Self {
        Self::new(LinkModel::default(), gop, |_, _| {})
    }

    /// On a link of these bit/s, from these seconds of the session on.
    pub fn narrow(rates: &[(i64, f64)]) -> Self {
        let turns = rates.iter().map(|(from, rate)| (AGE + S(1) + S(*from), *rate)).collect();
        Self::new(LinkModel { turns, ..LinkModel::default() }, 60, |_, _| {})
    }

    /// This definition comes out of its transcoder so much later.
    pub fn behind(mut self, id: u32, by: Micros) -> Self {
        let live = &mut self.live[id as usize];
        live.offset = live.offset - by;
        self
    }

    pub fn instead(mut self, name: &'static str, network: Network) -> Self {
        self.instead.push((name, network));
        self
    }
}

impl Server for Site {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        if let Some((_, network)) = self.instead.iter_mut().find(|(name, _)| request.url.contains(name)) {
            return network.connect(request, now);
        }
        let at = LADDER.iter().position(|(name, ..)| request.url.contains(name)).expect("a definition");
        self.live[at].connect(request, now)
    }
}

pub fn definitions() -> Vec<Definition> {
    let definition = |(name, (width, height), bitrate): &(&str, (u32, u32), u64)| Definition {
        name: (*name).to_owned(),
        lines: vec![format!("http://live/{name}.flv")],
        bitrate: Some(bitrate + SOUND),
        width: Some(*width),
        height: Some(*height),
    };
    LADDER.iter().map(definition).collect()
}

/// A viewer with sound, who has chosen this definition or leaves it to the player.
pub fn watching(site: impl Server + 'static, config: PlayerConfig, rendition: Option<u32>) -> Sim {
    let mut sim = Sim::with(config, site);
    sim.sound_on(48_000, 20);
    sim.input(Input::Load(Load { definitions: definitions(), rendition, ..Load::default() }));
    sim.input(Input::Play);
    sim
}

/// The same at a fixed latency.
pub fn at(target_ms: i64) -> PlayerConfig {
    config(LatencyTarget::fixed(MS(target_ms)))
}

/// When the rendition changed, and to which.
pub fn changes(sim: &Sim) -> Vec<(Micros, u32)> {
    let change = |(at, event): &(Instant, Event)| match event {
        Event::RenditionChange { id, .. } => Some((*at - BEGIN, *id)),
        _ => None,
    };
    sim.events.iter().filter_map(change).collect()
}

/// The size of the picture, as last told.
pub fn size(sim: &Sim) -> Option<(u32, u32)> {
    let size = |(_, event): &(Instant, Event)| match event {
        Event::Resize { width, height } => Some((*width, *height)),
        _ => None,
    };
    sim.events.iter().filter_map(size).last()
}

/// Longest time between two pictures after `from`.
pub fn longest_hold(sim: &Sim, from: Instant) -> Micros {
    let shown: Vec<Instant> = sim.shown.iter().map(|(at, _)| *at).filter(|at| *at >= from).collect();
    shown.windows(2).map(|w| w[1] - w[0]).max().expect("pictures")
}

/// Every picture after `from` is the one behind the last; how many are missing between them.
pub fn missing(sim: &Sim, from: Instant) -> u64 {
    let shown = sim.shown.iter().zip(&sim.shown_numbers).filter(|((at, _), _)| *at >= from);
    let numbers: Vec<u64> = shown.map(|(_, number)| number.expect("a numbered picture")).collect();
    for pair in numbers.windows(2) {
        assert!(pair[1] > pair[0], "picture {} after {}", pair[1], pair[0]);
    }
    numbers.windows(2).map(|pair| pair[1] - pair[0] - 1).sum()
}

/// The sound after `from` has no hole, and no step of more than so many ms.
pub fn assert_even_sound(sim: &Sim, from: Instant, most_ms: i64) {
    let heard: Vec<_> = sim.heard.iter().filter(|(at, _)| *at >= from && *at < sim.now).collect();
    for pair in heard.windows(2) {
        let ((t0, a), (t1, b)) = (pair[0], pair[1]);
        let (a, b) = (a.expect("sound"), b.expect("sound"));
        let step = (b - a) - (*t1 - *t0);
        assert!(step.abs() <= MS(most_ms), "a step of {step:?} at {t1:?}");
    }
    assert_eq!(sim.stats().sound.underruns, 0, "{:?}", sim.stats().sound);
}
