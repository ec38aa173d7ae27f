//! A site that serves one stream in three definitions, and a link to it that all connections share.

pub mod study;

use sailcast_engine::{Definition, Instant, IoRequest};
use sailcast_media::Micros;

use crate::{
    browser::BEGIN,
    chance::Chance,
    feed::Network,
    link::{Bottleneck, LinkModel},
    live::LiveServer,
    server::{Deliveries, Server},
    stream::StreamConfig,
};

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
    live: Vec<LiveServer>,
    instead: Vec<(&'static str, Network)>,
}

impl Site {
    /// With a keyframe each `gop` pictures; `change` makes each definition's stream another.
    pub fn new(link: LinkModel, gop: i64, change: impl Fn(u32, &mut StreamConfig)) -> Self {
        let link = LinkModel { shared: Some(Bottleneck::default()), ..link };
        let live = |(id, (_, size, bitrate)): (u32, &(_, (u32, u32), u64))| {
            let mut stream = StreamConfig {
                size: *size,
                bitrate: *bitrate as f64,
                sound_bitrate: SOUND as f64,
                gop,
                ..StreamConfig::default()
            };
            change(id, &mut stream);
            LiveServer { stream, link: link.clone(), chance: Chance(1), offset: AGE }
        };
        Self { live: (0..).zip(&LADDER).map(live).collect(), instead: Vec::new() }
    }

    /// On a link that is no matter.
    pub fn fast(gop: i64) -> Self {
        Self::new(LinkModel::default(), gop, |_, _| {})
    }

    /// On a link of these bit/s, from these seconds of the session on.
    pub fn narrow(rates: &[(i64, f64)]) -> Self {
        Self::new(LinkModel { turns: turns(rates), ..LinkModel::default() }, 60, |_, _| {})
    }

    /// This definition comes out of its transcoder so much later.
    pub fn behind(mut self, id: u32, by: Micros) -> Self {
        let live = &mut self.live[id as usize];
        live.offset = live.offset - by;
        self
    }

    /// Connections to this definition are answered otherwise.
    pub fn instead(mut self, name: &'static str, network: Network) -> Self {
        self.instead.push((name, network));
        self
    }

    /// Other weather.
    fn with_chance(mut self, chance: Chance) -> Self {
        self.live.iter_mut().for_each(|live| live.chance = chance);
        self
    }
}

impl Server for Site {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        if let Some((_, network)) = self.instead.iter_mut().find(|(name, _)| request.url.contains(name)) {
            return network.connect(request, now);
        }
        match LADDER.iter().position(|(name, ..)| request.url.contains(name)) {
            Some(at) => self.live[at].connect(request, now),
            None => Network::refused().connect(request, now),
        }
    }
}

/// A link's rates by the seconds of the session from which they hold.
fn turns(rates: &[(i64, f64)]) -> Vec<(Micros, f64)> {
    let begin = AGE + Micros(BEGIN.0 as i64);
    rates.iter().map(|(from, rate)| (begin + Micros::from_secs(*from), *rate)).collect()
}

/// What a page loads of the site.
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
