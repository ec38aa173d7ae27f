//! One broadcast, from its start to its end: the way of packets from the encoders to the network.
//!
//! **Invariant:** a connection's stream begins when the configuration of each track is known, at a keyframe, with the sound of the
//! same time; nothing older is sent on it.

use bytes::BytesMut;
use sailcast_media::{MediaKind, MediaTime, Micros, Packet, TrackInfo, flv::MuxError};

use crate::{
    error::SailcastError,
    io::{Instant, RequestId},
    publisher::{
        configs::Configs,
        drops::Drops,
        event::{Event, State, Stats},
        ingest::{Ingest, News},
        interleave::{Floors, Interleaver},
        io::{EncoderId, Line, LinkEvent, Output},
        open::Open,
        outbox::Outbox,
        picture::Demand,
        recorder::Recorder,
        session::{Description, Session, take},
        settings::Settings,
        uplink::{Uplink, UplinkConfig, UplinkEvent, pace::Pace},
    },
};

/// A track of which nothing has come so long after the connection opened is not waited for.
pub const TRACK_WITHIN: Micros = Micros::from_secs(2);
/// Where the time of another connection begins: a picture later than the end of the one before.
const AGAIN_AT: Micros = Micros::from_millis(40);
/// A server that says nothing of what it takes has refused by then what it does not want: a name that is taken.
const TAKEN_AFTER: Micros = Micros::from_millis(700);
/// How long what is left may take to go out after `Stop`.
const LAST_WORDS: Micros = Micros::from_millis(1500);
/// Shorter sides that pictures are brought down to.
const SIDES: [u32; 9] = [1080, 720, 540, 504, 480, 360, 270, 240, 180];

/// What the publisher makes of it.
#[derive(Debug)]
pub enum Outcome {
    Going(State),
    Ended,
    Failed(SailcastError),
}

#[derive(Debug)]
struct Ending {
    until: Instant,
    flushes: Vec<EncoderId>,
    /// The connection is told to close.
    closing: bool,
}

#[derive(Debug)]
pub struct Live {
    pub ingest: Ingest,
    pub interleaver: Interleaver,
    uplink: Uplink,
    settings: Settings,
    /// Video, audio.
    has: (bool, bool),
    description: Description,
    session: Option<Session>,
    keyframe: bool,
    /// The wish for the keyframe that this connection begins with was made.
    asked: bool,
    /// Of pictures that nobody takes yet.
    pace: Pace,
    began: Option<Instant>,
    /// Begun, and not known to be taken before this.
    taken_by: Option<Instant>,
    ending: Option<Ending>,
    over: Option<Result<(), SailcastError>>,
    complained: bool,
    drops: Drops,
    bytes_sent: u64,
    buffer: BytesMut,
}

impl Live {
    pub fn new(
        lines: Vec<Line>,
        settings: Settings,
        has: (bool, bool),
        epoch: f64,
        seed: u64,
        now: Instant,
    ) -> Self {
        Self {
            ingest: Ingest::new(lines, settings.video.bitrate, seed),
            interleaver: Interleaver::default(),
            uplink: Uplink::new(uplink_config(settings, has), now),
            has,
            description: described(settings, epoch),
            settings,
            session: None,
            keyframe: true,
            asked: false,
            pace: Pace::default(),
            began: None,
            taken_by: None,
            ending: None,
            over: None,
            complained: false,
            drops: Drops::default(),
            bytes_sent: 0,
            buffer: BytesMut::new(),
        }
    }

    /// Other settings or sources. A connection keeps what it promised: a track more comes with its configuration.
    pub fn configure(&mut self, settings: Settings, has: (bool, bool), now: Instant) {
        self.ingest.wanted = settings.video.bitrate;
        self.description = described(settings, self.description.epoch);
        (self.settings, self.has) = (settings, has);
        self.uplink.configure(uplink_config(settings, has), now);
    }

    pub fn want_keyframe(&mut self) {
        self.keyframe = true;
    }

    pub fn on_link(&mut self, id: RequestId, event: LinkEvent, now: Instant, out: &mut Outbox) {
        let news = self.ingest.on_event(id, event, now, out);
        self.on_news(news, now);
    }

    fn on_news(&mut self, news: News, now: Instant) {
        match news {
            News::None => {}
            News::Opened(_) => {
                self.leave(now);
                self.uplink.opened(now);
                self.asked = false;
            }
            News::Lost => self.leave(now),
            News::Finished => self.over = Some(Ok(())),
            News::Failed(_) if self.ending.is_some() => self.over = Some(Ok(())),
            News::Failed(error) => self.over = Some(Err(error)),
        }
    }

    /// The connection's stream is over.
    fn leave(&mut self, now: Instant) {
        self.session = None;
        self.taken_by = None;
        self.uplink.closed(now);
    }

    /// What is due on the connection; how the socket stands; what is to be told.
    pub fn look(&mut self, now: Instant, out: &mut Outbox) {
        let lowest = self.uplink.target().video_bitrate <= self.settings.video.min_bitrate;
        let link = self.uplink.stats(now);
        let narrow = (self.session.is_some() && lowest && link.congested)
            .then(|| link.estimate.unwrap_or(self.settings.video.min_bitrate));
        let news = self.ingest.advance(narrow, now, out);
        self.on_news(news, now);
        if let (Some(socket), true) = (self.ingest.socket(), self.session.is_some()) {
            self.uplink.on_socket(socket, now);
        }
        self.keyframe |= self.uplink.take_keyframe_request() && self.session.is_some();
        self.prove(now, out);
        self.tell(now, out);
    }

    fn tell(&mut self, now: Instant, out: &mut Outbox) {
        while let Some(event) = self.uplink.poll_event() {
            let event = match event {
                UplinkEvent::Congested => {
                    if let Some(estimate) = self.uplink.stats(now).estimate {
                        self.ingest.carries(estimate, out);
                    }
                    Event::Congestion { congested: true, queue: self.uplink.stats(now).queue }
                }
                UplinkEvent::Relieved => {
                    Event::Congestion { congested: false, queue: self.uplink.stats(now).queue }
                }
                UplinkEvent::BitrateChange { from, to, why } => {
                    Event::BitrateChange { from, to, reason: why }
                }
                UplinkEvent::ShapeChange { to, .. } => Event::VideoChange { side: to.side, fps: to.fps },
                UplinkEvent::FramesDropped { count, reason } => {
                    self.drops.note(count, reason);
                    continue;
                }
            };
            out.push(Output::Event(event));
        }
        self.drops.tell(now, out);
    }

    /// Something takes what is encoded: a connection, one that is about to be, or the recording.
    pub fn is_active(&self, recording: bool) -> bool {
        self.ending.is_none() && self.over.is_none() && (recording || !self.ingest.is_waiting())
    }

    pub fn demand(&self, recording: bool) -> Demand {
        Demand { active: self.is_active(recording), target: self.uplink.target(), keyframe: self.keyframe }
    }

    /// Whether a picture of that time is worth encoding. Without a connection only the rate speaks against it.
    pub fn admits(&mut self, pts: MediaTime, now: Instant) -> bool {
        match self.session {
            Some(_) => self.uplink.admits(pts, now),
            None => self.pace.admits(pts, self.uplink.target().fps),
        }
    }

    pub fn keyframe_made(&mut self, made: bool) {
        self.keyframe &= !made;
    }

    /// Packets on their way: in order, into the recording, before the socket, and into it.
    pub fn ship(
        &mut self,
        floors: Floors,
        configs: &mut Configs,
        recorder: &mut Recorder,
        now: Instant,
        out: &mut Outbox,
    ) {
        let ending = self.ending.as_ref().is_some_and(|ending| ending.flushes.is_empty());
        let floors = if ending { Floors::default() } else { floors };
        while let Some((packet, config)) = self.interleaver.pop(floors, now) {
            configs.note(packet.dts, config);
            self.record(&packet, configs, recorder, now, out);
            self.begin(&packet, configs, now, out);
            if self.session.is_some() {
                self.uplink.push(packet, now);
            }
        }
        if let Some(bytes) = recorder.written() {
            out.push(Output::Record(bytes));
        }
        self.ask_to_begin(configs, now);
        self.send(configs, now, out);
        self.finish(recorder.is_on(), now, out);
        self.tell(now, out);
    }

    fn record(
        &mut self,
        packet: &Packet,
        configs: &Configs,
        recorder: &mut Recorder,
        now: Instant,
        out: &mut Outbox,
    ) {
        let tracks = self.tracks(configs, packet.dts);
        if let Err(error) =
            recorder.take(packet, configs.of(packet), &tracks, self.has, &self.description, now)
        {
            self.complain(error, out);
        }
    }

    /// What is known of the tracks that there are.
    fn tracks(&self, configs: &Configs, at: MediaTime) -> Vec<TrackInfo> {
        let (video, audio) = self.has;
        let mut tracks = configs.tracks(at);
        tracks.retain(|track| if track.kind() == MediaKind::Video { video } else { audio });
        tracks
    }

    /// Whether each track is known, or not to be waited for.
    fn is_ready(&self, configs: &Configs, now: Instant) -> bool {
        let Some(open) = self.ingest.open() else { return false };
        let (video, audio) = self.has;
        let known =
            (!video || configs.knows(MediaKind::Video)) && (!audio || configs.knows(MediaKind::Audio));
        known || now - open.since >= TRACK_WITHIN
    }

    /// The stream begins with the next picture.
    fn ask_to_begin(&mut self, configs: &Configs, now: Instant) {
        if self.session.is_none() && !self.asked && self.is_ready(configs, now) {
            self.asked = true;
            self.keyframe = true;
        }
    }

    fn begin(&mut self, packet: &Packet, configs: &Configs, now: Instant, out: &mut Outbox) {
        if self.session.is_some() || self.ending.is_some() || !self.is_ready(configs, now) {
            return;
        }
        let video = configs.knows(MediaKind::Video) && self.has.0;
        if video && !(packet.track.kind == MediaKind::Video && packet.keyframe) {
            return;
        }
        let tracks = self.tracks(configs, packet.dts);
        // A server that adds the last time of the connection before would have two pictures of one time.
        let again = if self.began.is_some() { AGAIN_AT } else { Micros::ZERO };
        let begun =
            Session::begin(packet.dts - again, self.has, &tracks, &self.description, &mut self.buffer);
        match begun {
            Ok(session) => self.session = Some(session),
            Err(error) => {
                self.complain(error, out);
                return;
            }
        }
        self.keyframe = false;
        self.taken_by = Some(now + TAKEN_AFTER);
    }

    /// The stream counts as published once the server says that it has some of it, or has had time to refuse it.
    fn prove(&mut self, now: Instant, out: &mut Outbox) {
        let Some(by) = self.taken_by.filter(|_| self.session.is_some()) else { return };
        if now < by && !self.ingest.open().is_some_and(Open::has_acked) {
            return;
        }
        self.taken_by = None;
        self.ingest.has_published();
        self.began.get_or_insert(now);
        let url = self.ingest.url().to_owned();
        out.push(Output::Event(Event::Publishing { url }));
    }

    fn send(&mut self, configs: &Configs, now: Instant, out: &mut Outbox) {
        let Some(id) = self.ingest.open().map(|open| open.id) else { return };
        while let Some(packet) = self.uplink.pop(now) {
            let Some(session) = &mut self.session else { break };
            if let Err(error) = session.write(&packet, configs.of(&packet), &mut self.buffer) {
                self.complain(error, out);
            }
        }
        if let Some(bytes) = take(&mut self.buffer) {
            self.bytes_sent = self.bytes_sent.saturating_add(bytes.len() as u64);
            self.ingest.sent(bytes.len(), now);
            out.push(Output::Send(id, bytes));
        }
    }

    /// What FLV has no place for is left out, and told once.
    fn complain(&mut self, error: MuxError, out: &mut Outbox) {
        if !std::mem::replace(&mut self.complained, true) {
            let message = format!("A packet was left out: {error}.");
            out.push(Output::Event(Event::Degraded { what: "unwritable", message }));
        }
    }

    /// Ends in good order once the encoders have given what is in them. `flushes`: those that were asked to.
    pub fn stop(&mut self, flushes: Vec<EncoderId>, now: Instant, out: &mut Outbox) {
        if self.ending.is_none() {
            self.ingest.wind_up(out);
            self.ending = Some(Ending { until: now + LAST_WORDS, flushes, closing: false });
        }
    }

    pub fn flushed(&mut self, id: EncoderId) {
        if let Some(ending) = &mut self.ending {
            ending.flushes.retain(|flush| *flush != id);
        }
    }

    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Without a connection only a recording is worth waiting for.
    fn finish(&mut self, recording: bool, now: Instant, out: &mut Outbox) {
        let Some(ending) = self.ending.as_mut().filter(|ending| !ending.closing) else { return };
        let given = ending.flushes.is_empty() && self.interleaver.is_empty();
        let sent = match self.session {
            Some(_) => given && self.uplink.stats(now).queued_bytes == 0,
            None => given || !recording,
        };
        if !sent && now < ending.until {
            return;
        }
        ending.closing = true;
        if let (Some(session), Some(id)) = (&mut self.session, self.ingest.open().map(|open| open.id)) {
            // A track without a configuration has no end to tell.
            let _ = session.end(&mut self.buffer);
            if let Some(bytes) = take(&mut self.buffer) {
                out.push(Output::Send(id, bytes));
            }
        }
        if self.session.is_none() || !self.ingest.finish(now, out) {
            self.ingest.close(out);
            self.over = Some(Ok(()));
        }
    }

    pub fn outcome(&mut self) -> Outcome {
        match self.over.take() {
            Some(Ok(())) => Outcome::Ended,
            Some(Err(error)) => Outcome::Failed(error),
            None if self.session.is_some() && self.taken_by.is_none() => Outcome::Going(State::Publishing),
            None if self.began.is_some() => Outcome::Going(State::Reconnecting),
            None => Outcome::Going(State::Connecting),
        }
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.ingest.close(out);
    }

    pub fn next_wake(&self) -> Option<Instant> {
        let ready = self.ingest.open().filter(|_| self.session.is_none() && !self.asked);
        let ready = ready.map(|open| open.since + TRACK_WITHIN);
        let ending = self.ending.as_ref().filter(|ending| !ending.closing).map(|ending| ending.until);
        let uplink = self.ingest.open().and_then(|_| self.uplink.next_wake());
        [self.ingest.next_wake(), uplink, self.interleaver.next_wake(), ready, self.taken_by, ending]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn stats(&self, now: Instant) -> Stats {
        let uplink = self.uplink.stats(now);
        let target = self.uplink.target();
        Stats {
            uptime: self.began.map_or(Micros::ZERO, |began| now - began),
            bytes_sent: self.bytes_sent,
            queue: uplink.queue,
            queued_bytes: uplink.queued_bytes.saturating_add(uplink.outstanding_bytes),
            estimate: uplink.estimate,
            acknowledged: uplink.acknowledged,
            target_bitrate: target.video_bitrate,
            sent_bitrate: uplink.sent_bitrate,
            target_fps: target.fps,
            dropped_disposable: uplink.dropped.disposable,
            dropped_video: uplink.dropped.video,
            dropped_audio: uplink.dropped.audio,
            not_encoded: uplink.dropped.not_encoded,
            reconnects: self.ingest.reconnects,
            ..Stats::default()
        }
    }
}

fn described(settings: Settings, epoch: f64) -> Description {
    Description {
        fps: settings.video.fps,
        video_bitrate: settings.video.bitrate,
        audio_bitrate: settings.audio.bitrate,
        epoch,
    }
}

fn uplink_config(settings: Settings, has: (bool, bool)) -> UplinkConfig {
    let (video, (has_video, has_audio)) = (settings.video, has);
    let highest = if has_video { video.bitrate } else { 0 };
    let smaller = SIDES.into_iter().filter(|side| (video.min_side..video.side).contains(side));
    UplinkConfig {
        budget: settings.latency_budget,
        video_bitrate: (video.min_bitrate.min(highest), highest),
        audio_bitrate: if has_audio { settings.audio.bitrate } else { 0 },
        fps: (video.min_fps.round() as u32, video.fps.round() as u32),
        sides: std::iter::once(video.side).chain(smaller).collect(),
        gop: video.keyframe_interval,
    }
}
