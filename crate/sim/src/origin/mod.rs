//! A virtual HLS origin: packager and server of one synthetic stream, every answer a function of the address and the time.
//!
//! Segments are real MPEG-TS or fMP4, as our muxers write them; pictures carry their number ([`number_of`]), so that a test can
//! tell what was left out. An answer that is to be held back comes at the instant at which there is something, as the future is known.
//! What goes wrong is up to [`Origin::fault`].

mod list;
mod media;
mod quality;

use std::ops::Range;

use bytes::Bytes;
use sailcast_engine::{Instant, IoError, IoEvent, IoRequest, Response};
use sailcast_media::{Micros, hls::ByteRange};

use crate::server::{Deliveries, Server};
pub use list::EPOCH;
pub use media::{number_of, voice_of};
pub use quality::{Cut, Pictures, Quality};

/// How much one chunk of a response has.
const CHUNK: usize = 16 << 10;
/// What the address of everything begins with.
pub const BASE: &str = "http://origin/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    Ts,
    Mp4,
}

/// Where the sound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// In the segments of the picture.
    Muxed,
    /// In a rendition of its own, in the same container.
    Apart,
    /// The same as ADTS behind ID3.
    Packed,
}

#[derive(Clone, Debug)]
pub struct Packager {
    pub container: Container,
    pub sound: Sound,
    /// Of sound that is apart.
    pub sound_cut: Cut,
    /// In Hz, where the sound is not [`Sound::Packed`].
    pub sound_rate: i64,
    /// The languages of other sounds, each in a rendition of its own beside the first one ([`voice_of`]).
    pub dubs: Vec<&'static str>,
    /// Each quality has playlists of its own for its sounds.
    pub groups: bool,
    pub qualities: Vec<Quality>,
    pub segment: Micros,
    /// Of low-latency HLS.
    pub part: Option<Micros>,
    /// Parts are ranges of their segment.
    pub part_ranges: bool,
    /// Segments in a playlist; none: all there ever were.
    pub window: Option<u64>,
    /// Segments of a recording.
    pub total: Option<u64>,
    /// A recording is still being made: EVENT.
    pub event: bool,
    /// How old the stream is at the instant 0.
    pub age: Micros,
    /// How much faster than time the encoder's clock runs, in millionths.
    pub ppm: i64,
    /// The number of the first segment there ever was.
    pub first_number: u64,
    /// A new key each so many segments.
    pub key_every: Option<u64>,
    /// Segments that begin with other stamps and another size.
    pub discontinuities: Vec<u64>,
    /// Segments that begin with another size, and nothing is said of it.
    pub resized: Vec<u64>,
    /// Segments with pictures, and with muxed sound.
    pub seen: Range<u64>,
    pub heard: Range<u64>,
    /// Segments that are listed and are not there.
    pub gaps: Vec<u64>,
    /// The packager begins anew with this segment: numbers from 0, other stamps, an empty window.
    pub restart: Option<u64>,
    pub dates: bool,
    /// A range of time with a name of its own each so long, which leaves the playlist with what it is of.
    pub adverts: Option<Micros>,
    pub delta: bool,
    /// The stamp of the first picture.
    pub first_stamp: Micros,
    /// Pictures from keyframe to keyframe are this many segments' worth: more than one part.
    pub independent_parts: u64,
}

impl Packager {
    /// Two seconds a segment, six of them, one rendition.
    pub fn live() -> Self {
        Self {
            container: Container::Ts,
            sound: Sound::Muxed,
            sound_cut: Cut::ALIKE,
            sound_rate: 48_000,
            dubs: Vec::new(),
            groups: false,
            qualities: vec![Quality::new(1_000_000, 640, 368)],
            segment: Micros::from_secs(2),
            part: None,
            part_ranges: false,
            window: Some(6),
            total: None,
            event: false,
            age: Micros::from_secs(100),
            ppm: 0,
            first_number: 0,
            key_every: None,
            discontinuities: Vec::new(),
            resized: Vec::new(),
            seen: 0..u64::MAX,
            heard: 0..u64::MAX,
            gaps: Vec::new(),
            restart: None,
            dates: false,
            adverts: None,
            delta: false,
            first_stamp: Micros::from_secs(1000),
            independent_parts: u64::MAX,
        }
    }

    /// A recording of so many segments.
    pub fn vod(total: u64) -> Self {
        Self { window: None, total: Some(total), age: Micros::from_secs(100_000), ..Self::live() }
    }

    /// fMP4 with half-second parts.
    pub fn low_latency() -> Self {
        Self { container: Container::Mp4, part: Some(Micros::from_millis(500)), ..Self::live() }
    }

    pub fn with_qualities(self) -> Self {
        let qualities = vec![
            Quality::new(500_000, 640, 368),
            Quality::new(1_500_000, 1280, 720),
            Quality::new(4_000_000, 1920, 1088),
        ];
        Self { qualities, ..self }
    }

    fn parts(&self) -> u64 {
        self.part.map_or(1, |part| (self.segment.0 / part.0) as u64)
    }
}

/// What a request gets in place of its answer.
#[derive(Clone, Debug)]
pub enum Fault {
    Status(u16),
    /// This, with status 200.
    Body(Bytes),
    /// This, with status 206.
    Range(Bytes),
    Refused,
    /// The connection breaks after so many bytes.
    LostAfter(usize),
    /// The body ends in good order after so many bytes.
    EndsAfter(usize),
    /// No answer at all.
    Silence,
    /// Bytes without an end.
    Endless,
    /// As it was at this instant.
    AsAt(Instant),
    /// No range is served: all of it, with status 200.
    NoRanges,
    /// The answer comes at once, with what there is.
    IgnoresDirectives,
    /// Another address has it, and this is it.
    Moved(&'static str, Bytes),
}

type Faults = Box<dyn FnMut(&IoRequest, Instant) -> Option<Fault>>;

pub struct Origin {
    pub packager: Packager,
    pub rtt: Micros,
    /// bit/s of each connection.
    pub bandwidth: f64,
    fault: Faults,
}

/// An answer before it is sent: its pieces, and when there is each of them.
type Answer = Vec<(Instant, Bytes)>;

impl Origin {
    pub fn new(packager: Packager) -> Self {
        Self { packager, rtt: Micros::from_millis(20), bandwidth: 50e6, fault: Box::new(|_, _| None) }
    }

    /// What goes wrong with which request.
    #[must_use]
    pub fn fault(self, fault: impl FnMut(&IoRequest, Instant) -> Option<Fault> + 'static) -> Self {
        Self { fault: Box::new(fault), ..self }
    }

    #[must_use]
    pub fn bandwidth(self, bandwidth: f64) -> Self {
        Self { bandwidth, ..self }
    }

    fn answer(&self, url: &str, now: Instant) -> Option<Answer> {
        let (path, query) = url.strip_prefix(BASE)?.split_once('?').unwrap_or((url.strip_prefix(BASE)?, ""));
        let made = |body: Bytes| Some(vec![(now, body)]);
        if path == "master.m3u8" {
            return made(self.packager.multivariant().into());
        }
        if let Some(key) = path.strip_prefix("key") {
            return made(media::key(key.parse().ok()?).to_vec().into());
        }
        if let Some(name) = path.strip_suffix(".m3u8") {
            let (at, text) = self.packager.media_playlist(name, query, now)?;
            return Some(vec![(at, text.into())]);
        }
        self.packager.of(path.split('/').next()?).resource(path, now)
    }
}

impl Server for Origin {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        let fault = (self.fault)(request, now);
        if let Some(instead) = fault.as_ref().and_then(|fault| self.instead(fault)) {
            return instead;
        }
        let asked_at = if let Some(Fault::AsAt(at)) = fault { at } else { now };
        let url = match fault {
            Some(Fault::IgnoresDirectives) => request.url.split('?').next().unwrap_or_default(),
            _ => request.url.as_str(),
        };
        let Some(answer) = self.answer(url, asked_at) else { return self.status(404) };
        let range = request.range.filter(|_| !matches!(fault, Some(Fault::NoRanges)));
        let status = if range.is_some() { 206 } else { 200 };
        let answer = cut(answer, range);
        let (answer, end) = match fault {
            Some(Fault::LostAfter(n)) => (first(answer, n), IoEvent::Failed(IoError::Lost)),
            Some(Fault::EndsAfter(n)) => (first(answer, n), IoEvent::End),
            _ => (answer, IoEvent::End),
        };
        let answer = answer.into_iter().map(|(at, body)| (self.rtt + (at - asked_at), body)).collect();
        self.send(status, answer, end)
    }
}

impl Origin {
    /// What comes in place of the answer, where that does not matter.
    fn instead(&self, fault: &Fault) -> Option<Deliveries> {
        let all = |status, body: &Bytes| self.send(status, vec![(self.rtt, body.clone())], IoEvent::End);
        Some(match fault {
            Fault::Status(status) => self.status(*status),
            Fault::Body(body) => all(200, body),
            Fault::Range(body) => all(206, body),
            Fault::Moved(to, body) => {
                let response = Response { url: Some((*to).to_owned()), ..Response::new(200, true) };
                let events = [IoEvent::Opened(response), IoEvent::Bytes(body.clone()), IoEvent::End];
                deliver(events.into_iter().map(|event| (self.rtt, event)).collect())
            }
            Fault::Refused => deliver(vec![(self.rtt, IoEvent::Failed(IoError::Connect))]),
            Fault::Silence => deliver(Vec::new()),
            Fault::Endless => {
                let begin = self.rtt;
                let opened = std::iter::once((begin, IoEvent::Opened(Response::new(200, true))));
                let chunk = Bytes::from(vec![b'#'; 1 << 20]);
                let more = (1..).map(move |i| (begin + Micros(i * 1000), IoEvent::Bytes(chunk.clone())));
                Box::new(opened.chain(more))
            }
            Fault::LostAfter(_)
            | Fault::EndsAfter(_)
            | Fault::AsAt(_)
            | Fault::NoRanges
            | Fault::IgnoresDirectives => return None,
        })
    }

    fn status(&self, status: u16) -> Deliveries {
        deliver(vec![(self.rtt, IoEvent::Opened(Response::new(status, true)))])
    }

    fn send(&self, status: u16, pieces: Vec<(Micros, Bytes)>, end: IoEvent) -> Deliveries {
        let mut at = pieces.first().map_or(self.rtt, |(at, _)| *at);
        let mut events = vec![(at, IoEvent::Opened(Response::new(status, true)))];
        for (ready, body) in pieces {
            at = at.max(ready);
            for from in (0..body.len()).step_by(CHUNK) {
                let chunk = body.slice(from..body.len().min(from + CHUNK));
                at += Micros((chunk.len() as f64 * 8e6 / self.bandwidth) as i64);
                events.push((at, IoEvent::Bytes(chunk)));
            }
        }
        events.push((at + Micros(100), end));
        deliver(events)
    }
}

fn first(pieces: Answer, n: usize) -> Answer {
    cut(pieces, Some(ByteRange { offset: 0, length: n as u64 }))
}

fn deliver(events: Vec<(Micros, IoEvent)>) -> Deliveries {
    Box::new(events.into_iter())
}

/// What of the pieces is in the range.
fn cut(pieces: Answer, range: Option<ByteRange>) -> Answer {
    let Some(range) = range else { return pieces };
    let (mut skip, mut left) = (range.offset, range.length);
    let mut kept = Vec::new();
    for (at, body) in pieces {
        let from = skip.min(body.len() as u64);
        let len = left.min(body.len() as u64 - from);
        (skip, left) = (skip - from, left - len);
        if len > 0 {
            kept.push((at, body.slice(from as usize..(from + len) as usize)));
        }
    }
    kept
}
