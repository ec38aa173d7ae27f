//! What a server got, read as any server would, and held to the laws of every stream.

use sailcast_engine::Instant;
use sailcast_media::{
    DemuxEvent, Demuxer, FlvDemuxer, MediaKind, MediaTime, Message, Micros, Packet, TrackInfo, Value,
    flv::{TagEvent, TagKind, TagReader},
};
use sailcast_sim::studio::{self, Server, Studio};

#[derive(Debug, Default)]
pub struct Got {
    pub tracks: Vec<TrackInfo>,
    pub packets: Vec<Packet>,
    pub scripts: Vec<(String, Vec<Value>)>,
}

impl Got {
    pub fn read(bytes: &[u8]) -> Self {
        let mut demuxer = FlvDemuxer::new();
        demuxer.push(bytes.to_vec().into());
        let mut got = Self::default();
        while let Some(event) = demuxer.poll().expect("FLV") {
            match event {
                DemuxEvent::Track(track) => got.tracks.push(track),
                DemuxEvent::Packet(packet) => got.packets.push(packet),
                DemuxEvent::Metadata(metadata) => {
                    if let Message::Script { name, values } = metadata.message {
                        got.scripts.push((name, values));
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        got.check();
        got
    }

    /// Times grow, and each picture finds what it refers to.
    fn check(&self) {
        for pair in self.packets.windows(2) {
            assert!(pair[0].dts <= pair[1].dts, "dts goes back: {pair:?}");
        }
        let mut last = None;
        for packet in self.video() {
            let Some(reference) = studio::reference(&packet.data) else { continue };
            let finds = match (packet.keyframe, packet.disposable) {
                (true, _) => true,
                (false, true) => last == Some(reference),
                (false, false) => last == Some(reference.wrapping_sub(1)),
            };
            assert!(finds, "{:?} refers to what was lost: {reference} after {last:?}", packet.dts);
            last = Some(reference);
        }
    }

    pub fn video(&self) -> Vec<&Packet> {
        self.of(MediaKind::Video)
    }

    pub fn audio(&self) -> Vec<&Packet> {
        self.of(MediaKind::Audio)
    }

    fn of(&self, kind: MediaKind) -> Vec<&Packet> {
        self.packets.iter().filter(|packet| packet.track.kind == kind).collect()
    }

    pub fn configs(&self, kind: MediaKind) -> Vec<&TrackInfo> {
        self.tracks.iter().filter(|track| track.kind() == kind).collect()
    }

    /// The longest time between two packets of a kind.
    pub fn longest_gap(&self, kind: MediaKind) -> Micros {
        let packets = self.of(kind);
        packets.windows(2).map(|pair| pair[1].dts - pair[0].dts).max().unwrap_or_default()
    }

    /// How much later than they were captured sound is in the stream than pictures are, by the second of the stream.
    pub fn sync(&self) -> Vec<(i64, Micros)> {
        let lag = |packet: &Packet| {
            let Instant(at) = studio::captured(&packet.data)?;
            Some(packet.dts.0 - at as i64)
        };
        let mean = |kind, second: i64| {
            let packets = self.of(kind).into_iter();
            let lags: Vec<i64> = packets.filter(|p| p.dts.0 / 1_000_000 == second).filter_map(lag).collect();
            (!lags.is_empty()).then(|| lags.iter().sum::<i64>() / lags.len() as i64)
        };
        let seconds = self.packets.last().map_or(0, |packet| packet.dts.0 / 1_000_000);
        let apart = |second| {
            let (sound, picture) = (mean(MediaKind::Audio, second)?, mean(MediaKind::Video, second)?);
            Some((second, Micros(sound - picture)))
        };
        (0..seconds).filter_map(apart).collect()
    }

    /// The farthest that sound and picture are apart, from a second of the stream on.
    pub fn apart(&self, from: i64) -> Micros {
        let apart = self.sync().into_iter().filter(|(second, _)| *second >= from);
        apart.map(|(_, apart)| apart.abs()).max().expect("sound and pictures")
    }
}

/// Where the time of a connection after another one begins: behind what a server may have added to it.
pub const AGAIN_AT: MediaTime = MediaTime(40_000);

/// A server that says what it takes, as ours does.
pub fn acknowledged(mut studio: Studio, url: &str) -> Studio {
    studio.servers.insert(url.to_owned(), Server { acks: true, ..Server::default() });
    studio
}

/// Kind and time of each tag, in ms.
pub fn tags(bytes: &[u8]) -> Vec<(TagKind, u32)> {
    let mut reader = TagReader::default();
    reader.push(bytes.to_vec().into());
    let mut tags = Vec::new();
    while let Some(event) = reader.poll().expect("FLV") {
        if let TagEvent::Tag(tag) = event {
            tags.push((tag.kind, tag.timestamp));
        }
    }
    tags
}

/// A number of a script tag's first value.
pub fn number(values: &[Value], key: &str) -> Option<f64> {
    let Some(Value::Object(fields)) = values.first() else { return None };
    fields.iter().find_map(|(name, value)| match value {
        Value::Number(number) if name == key => Some(*number),
        _ => None,
    })
}

pub const URL: &str = "ws://one/live/a";

/// A studio that is live for two seconds.
pub fn live() -> Studio {
    let mut studio = Studio::default();
    studio.start(&[URL]);
    studio.run(Micros::from_secs(2));
    studio
}

/// What the server of the newest connection got.
pub fn got(studio: &Studio) -> Got {
    Got::read(&studio.connection().bytes)
}
