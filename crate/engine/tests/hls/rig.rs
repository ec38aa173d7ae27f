//! `Hls` before a virtual origin, with the least of a playback behind it: what comes is kept and played at the pace of the clock.
//!
//! The contract is checked while it runs: ids are used once, each request ends or is cancelled, packets of a track are in order, the
//! first picture behind each cut is a keyframe, and nothing that came whole is asked for again.

use std::collections::{BTreeMap, HashMap, HashSet};

use aes::cipher::{BlockDecryptMut, KeyIvInit, block_padding::Pkcs7};
use bytes::Bytes;
use sailcast_engine::{
    ErrorCode, Event, Instant, IoEvent, IoRequest, Load, Output, RequestId, SailcastError, Transport,
    feed::{CutReason, FeedEvent, Paced, View},
    hls::{Hls, decodable},
    outbox::Outbox,
};
use sailcast_media::{DemuxEvent, MediaKind, MediaTime, Metadata, Micros, Packet, TrackInfo};
use sailcast_sim::{Deliveries, Server, origin::number_of};

pub const BEGIN: Instant = Instant(1_000_000);
const DECRYPT_TIME: Micros = Micros(2000);
const RESOLVE_TIME: Micros = Micros(30_000);
/// So much is buffered before it plays.
const START: Micros = Micros::from_millis(200);
const MAX_TURNS_AT_ONCE: u32 = 20_000;

enum Happening {
    Io(IoEvent),
    Decrypted(Result<Bytes, String>),
    Resolved(Result<String, String>),
}

pub struct Asked {
    pub at: Instant,
    pub id: RequestId,
    pub request: IoRequest,
}

pub struct Rig {
    pub hls: Hls,
    out: Outbox,
    pub now: Instant,
    server: Box<dyn Server>,
    streams: HashMap<RequestId, (Instant, Deliveries)>,
    queue: BTreeMap<(Instant, u64), (RequestId, Happening)>,
    sequence: u64,
    pub asked: Vec<Asked>,
    pub open: HashSet<RequestId>,
    ids: HashSet<RequestId>,
    /// Bodies that came whole.
    complete: HashSet<(String, Option<(u64, u64)>)>,
    /// Addresses that were asked for though they had come.
    pub twice: Vec<String>,
    pub cancelled: Vec<RequestId>,
    /// What playback has, and had.
    pub packets: Vec<Packet>,
    pub tracks: Vec<TrackInfo>,
    pub messages: Vec<Metadata>,
    pub cuts: Vec<(Instant, MediaTime, CutReason)>,
    holes: Vec<(MediaTime, MediaTime)>,
    pub told: Vec<(Instant, Event)>,
    pub first_packet: Option<Instant>,
    wants_keyframe: bool,
    /// What comes may be damaged: the order of packets is not looked at.
    pub is_lenient: bool,
    pub playhead: Option<MediaTime>,
    pub paused: bool,
    pub stalled: Micros,
}

pub fn load(url: &str) -> Load {
    Load { lines: vec![url.to_owned()], ..Load::default() }
}

impl Rig {
    pub fn new(server: impl Server + 'static, url: &str) -> Self {
        Self::with(server, load(url))
    }

    pub fn with(server: impl Server + 'static, load: Load) -> Self {
        let mut rig = Self {
            hls: Hls::new(load, decodable, 7),
            out: Outbox::default(),
            now: BEGIN,
            server: Box::new(server),
            streams: HashMap::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            asked: Vec::new(),
            open: HashSet::new(),
            ids: HashSet::new(),
            complete: HashSet::new(),
            twice: Vec::new(),
            cancelled: Vec::new(),
            packets: Vec::new(),
            tracks: Vec::new(),
            messages: Vec::new(),
            cuts: Vec::new(),
            holes: Vec::new(),
            told: Vec::new(),
            first_packet: None,
            wants_keyframe: true,
            is_lenient: false,
            playhead: None,
            paused: false,
            stalled: Micros::ZERO,
        };
        rig.act(Hls::open);
        rig
    }

    /// Does something with the source, and what it answers.
    pub fn act(&mut self, act: impl FnOnce(&mut Hls, Instant, &mut Outbox)) {
        act(&mut self.hls, self.now, &mut self.out);
        self.drain();
        self.advance();
    }

    /// Requests from here on are answered by this server.
    pub fn serve(&mut self, server: impl Server + 'static) {
        self.server = Box::new(server);
    }

    pub fn seek(&mut self, to_ms: i64) {
        self.act(|hls, now, out| {
            hls.seek(MediaTime::from_millis(to_ms), true, now, out);
        });
        self.playhead = None;
    }

    pub fn run(&mut self, ms: i64) {
        let end = self.now + Micros::from_millis(ms);
        let mut turns = 0;
        loop {
            let happening = self.queue.keys().next().map(|(at, _)| *at);
            let deadline = self.hls.deadline(self.now).map(|at| at.max(self.now));
            let next = [happening, deadline].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            turns = if next > self.now { 0 } else { turns + 1 };
            assert!(turns < MAX_TURNS_AT_ONCE, "livelock at {:?}", self.now);
            self.pass(next);
            if happening == Some(next) {
                let (_, (id, happening)) = self.queue.pop_first().expect("it is there");
                self.happen(id, happening);
            }
            self.advance();
        }
        self.pass(end);
        self.advance();
    }

    fn happen(&mut self, id: RequestId, happening: Happening) {
        let (now, out) = (self.now, &mut self.out);
        match happening {
            Happening::Io(event) => {
                if matches!(event, IoEvent::End | IoEvent::Failed(_)) {
                    self.open.remove(&id);
                }
                if event == IoEvent::End {
                    let asked = self.asked.iter().find(|asked| asked.id == id).expect("asked for");
                    self.complete.extend(resource(&asked.request));
                }
                self.hls.on_io(id, event, now, out);
                self.deliver(id);
            }
            Happening::Decrypted(clear) => {
                self.open.remove(&id);
                self.hls.on_decrypted(id, clear, now, out);
            }
            Happening::Resolved(url) => {
                self.open.remove(&id);
                self.hls.on_resolved(id, url, now, out);
            }
        }
        self.drain();
    }

    fn advance(&mut self) {
        let view = self.view();
        self.hls.advance(&view, self.now, &mut self.out);
        self.drain();
    }

    fn view(&self) -> View {
        let playhead = self.playhead.unwrap_or_default();
        let bytes = self.packets.iter().filter(|p| p.pts >= playhead).map(|p| p.data.len() as u64).sum();
        View {
            playhead,
            buffered_until: self.buffered_until(),
            buffered_bytes: bytes,
            rate: 1.0,
            is_running: self.playhead.is_some() && !self.paused,
            is_degraded: false,
            viewport: None,
            is_waiting: false,
            raw: None,
        }
    }

    /// Of the kinds there are, the one that ends first.
    pub fn buffered_until(&self) -> Option<MediaTime> {
        let end = |kind| self.packets.iter().rev().find(|p| p.track.kind == kind).map(|p| p.pts);
        [end(MediaKind::Video), end(MediaKind::Audio)].into_iter().flatten().min()
    }

    fn pass(&mut self, to: Instant) {
        let span = to - self.now;
        self.now = to;
        if self.paused {
            return;
        }
        let Some(end) = self.buffered_until() else { return };
        match self.playhead {
            None => {
                let first = self.packets.first().map_or(end, |packet| packet.pts);
                let start = self.hls.extent(to).start.unwrap_or(first).max(first);
                if end > start + START {
                    self.playhead = Some(start);
                }
            }
            Some(playhead) => {
                let next = (playhead + span).min(end).max(playhead);
                self.stalled += span - (next - playhead);
                // Over what could not be had.
                let hole = self.holes.iter().find(|(from, to)| next >= *from && next < *to);
                self.playhead = Some(hole.map_or(next, |(_, to)| *to));
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.out.queue.pop_front() {
            self.obey(output);
        }
        while let Some(event) = self.hls.poll(self.now, &mut self.out) {
            self.take(event);
        }
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Open(id, request) => {
                self.begin(id);
                if resource(&request).is_some_and(|resource| self.complete.contains(&resource)) {
                    self.twice.push(request.url.clone());
                }
                let stream = self.server.connect(&request, self.now);
                self.asked.push(Asked { at: self.now, id, request });
                self.streams.insert(id, (self.now, stream));
                self.deliver(id);
            }
            Output::Cancel(id) => {
                assert!(self.open.remove(&id), "{id:?} was cancelled and is not open");
                self.cancelled.push(id);
                self.streams.remove(&id);
                self.queue.retain(|_, (of, _)| *of != id);
            }
            Output::Decrypt(id, request) => {
                self.begin(id);
                let decryptor = cbc::Decryptor::<aes::Aes128>::new(&request.key.into(), &request.iv.into());
                let clear = decryptor.decrypt_padded_vec_mut::<Pkcs7>(&request.data);
                let clear = clear.map(Bytes::from).map_err(|_| "The operation failed".to_owned());
                self.schedule(self.now + DECRYPT_TIME, id, Happening::Decrypted(clear));
            }
            Output::Resolve(id, request) => {
                self.begin(id);
                let url = Ok(format!("{}?signed={}", request.url, request.attempt));
                self.schedule(self.now + RESOLVE_TIME, id, Happening::Resolved(url));
            }
            other => panic!("{other:?} is not for a source to say"),
        }
    }

    fn begin(&mut self, id: RequestId) {
        assert!(self.ids.insert(id), "{id:?} is used twice");
        self.open.insert(id);
    }

    fn deliver(&mut self, id: RequestId) {
        let Some((opened, stream)) = self.streams.get_mut(&id) else { return };
        if let Some((after, event)) = stream.next() {
            let at = (*opened + after).max(self.now);
            self.schedule(at, id, Happening::Io(event));
        }
    }

    fn schedule(&mut self, at: Instant, id: RequestId, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), (id, happening));
    }

    fn take(&mut self, event: FeedEvent) {
        match event {
            FeedEvent::Demuxed(DemuxEvent::Packet(packet)) => self.keep(packet),
            FeedEvent::Demuxed(DemuxEvent::Track(track)) => self.tracks.push(track),
            FeedEvent::Demuxed(DemuxEvent::Metadata(message)) => self.messages.push(message),
            FeedEvent::Demuxed(DemuxEvent::Skipped { .. }) => {}
            FeedEvent::Cut { at, why } => {
                self.cuts.push((self.now, at, why));
                self.wants_keyframe |= !matches!(why, CutReason::Sound(_));
                if let (CutReason::Gap, Some(last)) = (why, self.packets.last()) {
                    self.holes.push((last.pts, at));
                }
                self.packets.retain(|packet| match why {
                    CutReason::Seek => false,
                    CutReason::Rendition => packet.track.kind == MediaKind::Audio || packet.pts < at,
                    CutReason::Gap => true,
                    CutReason::Sound(_) => packet.track.kind == MediaKind::Video || packet.pts < at,
                });
            }
            FeedEvent::Tell(event) => self.told.push((self.now, event)),
        }
    }

    fn keep(&mut self, packet: Packet) {
        self.first_packet.get_or_insert(self.now);
        let is_video = packet.track.kind == MediaKind::Video;
        assert!(!is_video || packet.keyframe || !self.wants_keyframe, "a picture before its keyframe");
        self.wants_keyframe &= !is_video;
        assert!(self.tracks.iter().any(|track| track.id == packet.track), "a packet before its track");
        let last = self.packets.iter().rev().find(|last| last.track == packet.track).map(|last| last.dts);
        let (dts, kind) = (packet.dts, packet.track.kind);
        assert!(
            self.is_lenient || last.is_none_or(|last| dts > last),
            "{kind:?} goes back from {last:?} to {dts:?}"
        );
        self.packets.push(packet);
    }

    /// The pictures that playback got to play, by their numbers.
    pub fn numbers(&self) -> Vec<u64> {
        self.packets.iter().filter_map(|packet| number_of(&packet.data)).collect()
    }

    /// Numbers and times of pictures and times of sound go on without a gap from the first to the last.
    pub fn assert_seamless(&self) {
        let numbers = self.numbers();
        assert!(numbers.len() > 10, "{} pictures", numbers.len());
        for pair in numbers.windows(2) {
            assert_eq!(pair[1], pair[0] + 1, "pictures are left out");
        }
        self.assert_on_one_timeline();
        for (kind, step) in [(MediaKind::Video, 40_000), (MediaKind::Audio, 21_333)] {
            let times: Vec<MediaTime> =
                self.packets.iter().filter(|p| p.track.kind == kind).map(|p| p.pts).collect();
            for pair in times.windows(2) {
                let off = (pair[1] - pair[0]).0 - step;
                assert!(off.abs() < 3000, "{kind:?} steps by {:?} at {:?}", pair[1] - pair[0], pair[0]);
            }
        }
    }

    /// The same picture has the same time, wherever it comes from.
    pub fn assert_on_one_timeline(&self) {
        let mut offset = None;
        for packet in &self.packets {
            let Some(number) = number_of(&packet.data) else { continue };
            let at = packet.pts - MediaTime(number as i64 * 40_000);
            let known: Micros = *offset.get_or_insert(at);
            assert!((at - known).abs() < Micros(30_000), "picture {number} is at {:?}", packet.pts);
        }
    }

    pub fn errors(&self) -> Vec<&SailcastError> {
        self.told
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Error(error) => Some(error),
                _ => None,
            })
            .collect()
    }

    /// The codes of what was told as no more than a warning.
    pub fn warnings(&self) -> Vec<ErrorCode> {
        self.errors().iter().filter(|error| !error.fatal).map(|error| error.code).collect()
    }

    /// What ended it.
    pub fn fatal(&self) -> Option<ErrorCode> {
        self.hls.error().map(|error| error.code)
    }

    pub fn renditions(&self) -> Vec<(u32, bool)> {
        let change = |event: &Event| match event {
            Event::RenditionChange { id, auto } => Some((*id, *auto)),
            _ => None,
        };
        self.told.iter().filter_map(|(_, event)| change(event)).collect()
    }

    /// How often something of this name was asked for.
    pub fn count(&self, name: &str) -> usize {
        self.asked.iter().filter(|asked| asked.request.url.contains(name)).count()
    }

    /// Everything is given back.
    pub fn close(&mut self) {
        self.hls.close(&mut self.out);
        self.drain();
        assert_eq!(self.open.len(), 0, "requests that nobody ends");
        assert!(self.twice.is_empty(), "fetched twice: {:?}", self.twice);
    }
}

/// What is the same each time: no playlist.
fn resource(request: &IoRequest) -> Option<(String, Option<(u64, u64)>)> {
    let range = request.range.map(|range| (range.offset, range.length));
    (!request.url.contains(".m3u8")).then(|| (request.url.clone(), range))
}

/// The body that a server gives for an address.
pub fn fetch(server: &mut impl Server, url: &str, at: Instant) -> Bytes {
    let request = IoRequest { url: url.to_owned(), transport: Transport::Http, range: None, fresh: false };
    let bytes = server.connect(&request, at).filter_map(|(_, event)| match event {
        IoEvent::Bytes(bytes) => Some(bytes),
        _ => None,
    });
    bytes.collect::<Vec<_>>().concat().into()
}
