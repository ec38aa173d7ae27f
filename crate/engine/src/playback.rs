//! One load, from its first byte to its end: demux, buffer, start, play, stall, chase, end.
//!
//! The playhead is *pinned* before the start and during a stall (it follows the live edge at target latency, or stands),
//! and *runs* in between. Every call of [`Playback::advance`] looks at what there is and does what is due; it may be called
//! at any time, any number of times.

use sailcast_media::{
    DemuxEvent, Discontinuity, MediaKind, MediaTime, Metadata, Micros, Packet, TrackInfo, demux::SkipReason,
};

use crate::{
    audio::{Audio, PUMP_EVERY},
    clock::Clock,
    decode::Outbox,
    error::{ErrorCode, SailcastError},
    event::{Event, State, Stats},
    io::{AudioOutput, Input, Instant, Output, RequestId},
    latency::{Action, LatencyController, SKIP_ABOVE, TICK},
    source::{End, Source, Step, fatal, warning},
    start::Arrival,
    timeline::Timeline,
    video::Video,
    warnings::Warnings,
};

/// Buffers of a paused player: beyond either, whole GOPs go, oldest first.
const MAX_BUFFER_TIME: Micros = Micros::from_secs(20);
const MAX_BUFFER_BYTES: u64 = 24 << 20;
/// Buffered time with which playback starts or resumes, if the target is not lower still.
const START_WITH: Micros = Micros::from_millis(150);
/// A picture is expected this long before sound starts alone.
const PICTURE_WAIT: Micros = Micros::from_secs(2);
/// How long a stream may go on with video packets and no keyframe.
const KEYFRAME_TIMEOUT: Micros = Micros::from_secs(10);
/// A codec we cannot play is an error once nothing else has come for this long.
const CODEC_TIMEOUT: Micros = Micros::from_secs(3);
/// A track this far behind the other has stopped: it no longer counts for what can be played.
const TRACK_LOST: Micros = Micros::from_secs(1);
/// A video decoder is rebuilt this often before the load fails.
const MAX_DECODER_FAILURES: u8 = 3;

#[derive(Debug, PartialEq)]
enum Phase {
    /// Before the first start: pinned to the live edge.
    Starting,
    Playing,
    /// Underrun: the playhead stands.
    Stalled {
        since: Instant,
    },
    Over(State),
}

pub struct Playback {
    source: Source,
    timeline: Timeline,
    video: Video,
    audio: Audio,
    clock: Clock,
    latency: LatencyController,
    arrival: Arrival,
    warnings: Warnings,
    phase: Phase,
    paused: bool,
    /// The pause began while playing: time to hold the clock.
    held: bool,
    first_video: Option<Instant>,
    /// pts of the first keyframe and of the first sound: playback cannot start before.
    first_keyframe: Option<MediaTime>,
    first_sound: Option<MediaTime>,
    unsupported: Option<(Instant, SailcastError)>,
    keyframe_warned: bool,
    decoder_failures: u8,
    closed: bool,
    next_tick: Instant,
    stats: Stats,
}

impl Playback {
    pub fn new(request: RequestId, target: Micros, paused: bool, now: Instant) -> Self {
        Self {
            source: Source::new(request, now),
            timeline: Timeline::default(),
            video: Video::default(),
            audio: Audio::default(),
            clock: Clock::new(),
            latency: LatencyController::new(target),
            arrival: Arrival::default(),
            warnings: Warnings::default(),
            phase: Phase::Starting,
            paused,
            held: false,
            first_video: None,
            first_keyframe: None,
            first_sound: None,
            unsupported: None,
            keyframe_warned: false,
            decoder_failures: 0,
            closed: false,
            next_tick: now,
            stats: Stats::default(),
        }
    }

    pub fn state(&self) -> State {
        match self.phase {
            Phase::Over(state) => state,
            _ if self.paused && self.video.has_shown() => State::Paused,
            Phase::Starting => State::Connecting,
            Phase::Playing => State::Playing,
            Phase::Stalled { .. } => State::Waiting,
        }
    }

    pub fn set_target(&mut self, target: Micros) {
        self.latency.target = target;
    }

    pub fn set_audio_output(&mut self, output: AudioOutput, now: Instant, out: &mut Outbox) {
        self.audio.set_output(output, out);
        self.clock.forget_sound();
        if output == AudioOutput::Off {
            // What the closed decoder held is lost; sound that comes back joins where the playhead then is.
            self.audio.stage.queue.drop_until(self.clock.media(now));
        }
    }

    pub fn inherit_sound(&mut self, before: &mut Self) {
        self.audio.inherit(&mut before.audio);
    }

    pub fn handle(&mut self, input: Input, now: Instant, out: &mut Outbox) {
        match input {
            Input::Io(id, event) if id == self.source.id && !self.is_over() => {
                if let Step::Fail(error) = self.source.on_io(event, now) {
                    self.fail(error, now, out);
                }
                self.demux(now, out);
            }
            Input::FrameDecoded(id, frame) if self.video.stage.owns(id) => {
                self.video.on_frame(frame, now, out)
            }
            Input::FrameDecoded(_, frame) => out.push(Output::Release(frame.id)),
            Input::SamplesDecoded(id, pts, block) if self.audio.stage.owns(id) => {
                self.audio.on_samples(pts, &block, now);
            }
            Input::Flushed(id) if self.video.stage.owns(id) => self.video.stage.on_flushed(out),
            Input::Flushed(id) if self.audio.stage.owns(id) => self.audio.stage.on_flushed(out),
            Input::DecoderFailed(id, why) if self.video.stage.owns(id) => self.video_failed(&why, now, out),
            Input::DecoderFailed(id, why) if self.audio.stage.owns(id) => self.audio_failed(&why, out),
            Input::AudioPlayed { frames } => {
                if let Some(heard) = self.audio.on_played(frames, now) {
                    self.clock.follow(heard, now);
                }
            }
            _ => {}
        }
    }

    pub fn set_paused(&mut self, paused: bool, now: Instant, out: &mut Outbox) {
        if paused == self.paused || self.is_over() {
            return;
        }
        self.paused = paused;
        if paused {
            self.held = self.phase == Phase::Playing;
            self.clock.stop(now);
            self.audio.silence(now, out);
        } else if std::mem::take(&mut self.held) {
            self.resume(now, out);
        }
    }

    /// Does whatever is due at `now`.
    pub fn advance(&mut self, now: Instant, out: &mut Outbox) {
        if self.is_over() {
            return;
        }
        self.watch(now, out);
        self.bound_buffers();
        if !self.paused {
            match self.phase {
                Phase::Starting | Phase::Stalled { .. } => self.try_start(now, out),
                Phase::Playing => self.keep_latency(now, out),
                Phase::Over(_) => {}
            }
        }
        self.decode_and_present(now, out);
        self.run_dry(now, out);
    }

    /// The earliest instant at which `advance` has something to do.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        if self.is_over() {
            return None;
        }
        let mut wake: Option<Instant> = None;
        let mut at = |t: Instant| wake = Some(wake.map_or(t, |w: Instant| w.min(t)));
        if !self.source.has_ended() {
            at(self.source.deadline());
        }
        if let Some(first) =
            self.first_video.filter(|_| self.first_keyframe.is_none() && !self.keyframe_warned)
        {
            at(first + KEYFRAME_TIMEOUT);
        }
        if let Some((since, _)) = &self.unsupported {
            at(*since + CODEC_TIMEOUT);
        }
        if self.clock.is_running() {
            at(self.next_tick);
            if self.audio.is_heard() || self.audio.stage.config().is_some() {
                at(now + PUMP_EVERY);
            }
            if let Some((pts, earliest)) = self.video.next_due()
                && let Some(due) = self.clock.instant_of(pts)
            {
                at(due.max(earliest));
            }
            if let Some(end) = self.end().and_then(|end| self.clock.instant_of(end)) {
                at(end.max(now + Micros(1000)));
            }
        } else if !self.paused && self.edge().is_some() {
            at(now + PUMP_EVERY);
        }
        wake
    }

    /// Cancels the request, silences the sound and gives every frame back. The figures stay.
    pub fn close(&mut self, now: Instant, out: &mut Outbox) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        if !self.source.has_ended() {
            out.push(Output::Cancel(self.source.id));
        }
        self.clock.stop(now);
        self.video.close(out);
        self.audio.silence(now, out);
        self.audio.stage.close(out);
        if !self.is_over() {
            self.phase = Phase::Over(State::Idle);
        }
    }

    pub fn stats(&self, now: Instant) -> Stats {
        let playhead = self.playhead(now);
        let waiting = match self.phase {
            Phase::Stalled { since } => now - since,
            _ => Micros::ZERO,
        };
        let latency = self.edge().map_or(Micros::ZERO, |edge| (edge - playhead).max(Micros::ZERO));
        Stats {
            position: playhead,
            latency,
            buffered: self.end().map_or(Micros::ZERO, |end| (end - playhead).max(Micros::ZERO)),
            buffered_bytes: self.buffered_bytes(),
            rate: self.latency.rate(),
            bytes_received: self.source.bytes,
            frames_decoded: self.video.decoded,
            frames_rendered: self.video.shown,
            frames_dropped: self.video.dropped,
            stalled: self.stats.stalled + waiting,
            ..self.stats
        }
    }

    // ---- packets ----

    fn demux(&mut self, now: Instant, out: &mut Outbox) {
        while !self.is_over() {
            match self.source.poll() {
                Ok(Some(event)) => self.on_demuxed(event, now, out),
                Ok(None) => break,
                Err(error) => self.fail(error, now, out),
            }
        }
        if let Some(edge) = self.edge() {
            self.arrival.note(edge, now);
        }
    }

    fn on_demuxed(&mut self, event: DemuxEvent, now: Instant, out: &mut Outbox) {
        match event {
            DemuxEvent::Track(track) => self.on_track(track, out),
            DemuxEvent::Packet(packet) => self.on_packet(packet, now, out),
            DemuxEvent::Metadata(message) => {
                let time = self.timeline.place_time(message.time);
                out.push(Output::Event(Event::Metadata(Metadata { time, ..message })));
            }
            // The timeline finds jumps itself, in the same packets, and mends them.
            DemuxEvent::Discontinuity(Discontinuity { .. }) => {}
            DemuxEvent::Skipped { at, len, why } => self.on_skipped(at, len, why, now, out),
        }
    }

    fn on_track(&mut self, track: TrackInfo, out: &mut Outbox) {
        self.unsupported = None;
        out.push(Output::Event(Event::Track(track.clone())));
        match track.kind() {
            MediaKind::Video => self.video.stage.queue.push_config(track),
            MediaKind::Audio => {
                self.audio.disabled = false;
                self.audio.stage.queue.push_config(track);
            }
        }
    }

    fn on_packet(&mut self, mut packet: Packet, now: Instant, out: &mut Outbox) {
        let kind = if packet.track.0 == 0 { MediaKind::Video } else { MediaKind::Audio };
        if let Some(jump) = self.timeline.place(kind, &mut packet) {
            out.push(Output::Event(Event::Discontinuity(jump)));
        }
        match kind {
            MediaKind::Video => {
                self.first_video.get_or_insert(now);
                self.stats.video_packets = self.stats.video_packets.saturating_add(1);
                // Nothing before the first keyframe can ever be shown: it must not fill the buffer.
                if packet.keyframe {
                    self.first_keyframe.get_or_insert(packet.pts);
                }
                if self.first_keyframe.is_some() {
                    self.video.stage.queue.push(packet);
                } else {
                    self.video.dropped = self.video.dropped.saturating_add(1);
                }
            }
            MediaKind::Audio => {
                self.stats.audio_packets = self.stats.audio_packets.saturating_add(1);
                self.first_sound.get_or_insert(packet.pts);
                self.audio.stage.queue.push(packet);
            }
        }
    }

    fn on_skipped(&mut self, at: u64, len: u64, why: SkipReason, now: Instant, out: &mut Outbox) {
        self.stats.skipped_bytes = self.stats.skipped_bytes.saturating_add(len);
        match why {
            SkipReason::Truncated => return,
            SkipReason::UnsupportedCodec => {
                let what = "The stream has a track in a codec that cannot be played.".to_owned();
                if self.has_track() {
                    self.warnings.raise(warning(ErrorCode::CodecUnsupported, what), now, out);
                } else if self.unsupported.is_none() {
                    self.unsupported = Some((now, fatal(ErrorCode::CodecUnsupported, what)));
                }
                return;
            }
            SkipReason::LostSync | SkipReason::BadPacket | SkipReason::BadConfig => {
                self.video.stage.queue.break_reference();
            }
            _ => {}
        }
        let what = format!("{len} bytes at byte {at} were left out: {why}.");
        self.warnings.raise(warning(ErrorCode::DataDamaged, what), now, out);
    }

    fn has_track(&self) -> bool {
        self.video.stage.is_known() || self.audio.stage.is_known()
    }

    fn bound_buffers(&mut self) {
        while self.video.stage.queue.span().max(self.audio.stage.queue.span()) > MAX_BUFFER_TIME
            || self.buffered_bytes() > MAX_BUFFER_BYTES
        {
            let gone = self.video.stage.queue.drop_oldest_gop();
            self.video.dropped = self.video.dropped.saturating_add(gone as u64);
            let heard = match self.video.stage.queue.first_dts() {
                Some(first) => self.audio.stage.queue.drop_until(first),
                None => self.audio.stage.queue.drop_oldest_gop(),
            };
            if gone == 0 && heard == 0 {
                break;
            }
        }
    }

    fn buffered_bytes(&self) -> u64 {
        self.video.stage.queue.bytes().saturating_add(self.audio.stage.queue.bytes())
    }

    // ---- where things stand ----

    /// Up to where everything can be played. A track that has stopped does not hold the other.
    fn edge(&self) -> Option<MediaTime> {
        match (self.video.stage.queue.edge(), self.audio_edge()) {
            (Some(v), Some(a)) if (v - a).abs() <= TRACK_LOST => Some(v.min(a)),
            (v, a) => v.max(a),
        }
    }

    /// The end of the last thing there is to play.
    fn end(&self) -> Option<MediaTime> {
        self.video.stage.queue.edge().max(self.audio_edge())
    }

    fn audio_edge(&self) -> Option<MediaTime> {
        self.audio.stage.queue.edge().filter(|_| !self.audio.disabled)
    }

    /// The playhead; before the start, where it would start.
    fn playhead(&self, now: Instant) -> MediaTime {
        match self.phase {
            Phase::Starting => self.start_at().unwrap_or_default(),
            _ => self.clock.media(now),
        }
    }

    fn start_at(&self) -> Option<MediaTime> {
        let edge = self.edge()?;
        let first = self.first_keyframe.or(self.first_sound)?;
        Some((edge - self.latency.target).max(first))
    }

    // ---- start, stall, end ----

    fn try_start(&mut self, now: Instant, out: &mut Outbox) {
        let (Some(edge), Some(start)) = (self.edge(), self.start_at()) else { return };
        let first_start = self.phase == Phase::Starting;
        if first_start && !self.picture_ready(now) {
            return;
        }
        let from = if first_start { start } else { self.clock.media(now) };
        let ended = self.source.has_ended();
        let enough = self.latency.target.min(START_WITH);
        if !ended && (edge - from < enough || !self.arrival.burst_is_over(now)) {
            return;
        }
        if let Phase::Stalled { since } = self.phase {
            self.stats.stalled += now - since;
        }
        self.phase = Phase::Playing;
        self.latency.restart();
        self.next_tick = now + TICK;
        self.set_rate(1.0, now, out);
        self.clock.start(from, now);
        if first_start {
            self.video.skip_to(from);
            self.audio.stage.queue.drop_until(from);
        } else if edge - from > self.latency.target + SKIP_ABOVE {
            self.skip(now, out);
        }
        out.push(Output::Event(Event::Playing));
    }

    /// The first picture stands before the clock starts, unless none comes.
    fn picture_ready(&self, now: Instant) -> bool {
        if self.video.has_shown() {
            return true;
        }
        let waited = self.arrival.since_first(now);
        let expected = self.first_video.is_some() || self.video.stage.is_known();
        waited >= if expected { PICTURE_WAIT } else { PICTURE_WAIT.scale(0.1) } && self.audio_edge().is_some()
    }

    fn resume(&mut self, now: Instant, out: &mut Outbox) {
        let from = self.clock.media(now);
        self.latency.restart();
        self.clock.start(from, now);
        if self.edge().is_some_and(|edge| edge - from > self.latency.target + SKIP_ABOVE) {
            self.skip(now, out);
        }
        out.push(Output::Event(Event::Playing));
    }

    /// When the playhead has reached the end of everything: the end of the stream, or a stall.
    fn run_dry(&mut self, now: Instant, out: &mut Outbox) {
        let ended = self.source.has_ended();
        if ended && self.end().is_none() {
            self.end_without_media(now, out);
            return;
        }
        if self.phase != Phase::Playing || self.paused {
            return;
        }
        let Some(end) = self.end() else { return };
        let past = self.clock.media(now) - end;
        if past < Micros::ZERO {
            return;
        }
        if ended {
            let drained =
                self.video.stage.is_drained() && self.video.is_empty() && self.audio.is_played_out();
            if drained || past > Micros::from_secs(1) {
                self.finish(now, out);
            }
            return;
        }
        self.clock.stop(now);
        self.phase = Phase::Stalled { since: now };
        self.stats.stalls = self.stats.stalls.saturating_add(1);
        self.arrival.restart(now);
        out.push(Output::Event(Event::Waiting));
    }

    fn finish(&mut self, now: Instant, out: &mut Outbox) {
        match self.source.end().cloned() {
            Some(End::Broken(error)) => self.fail(error, now, out),
            _ => {
                self.clock.stop(now);
                self.phase = Phase::Over(State::Ended);
                out.push(Output::Event(Event::Ended));
            }
        }
    }

    fn end_without_media(&mut self, now: Instant, out: &mut Outbox) {
        let unsupported = self.unsupported.take().map(|(_, error)| error);
        let error = match (unsupported, self.source.end().cloned()) {
            (Some(error), _) | (None, Some(End::Broken(error))) => error,
            _ if self.first_video.is_some() => no_keyframe(true),
            _ => fatal(ErrorCode::NoMedia, "The stream ended with nothing to play.".to_owned()),
        };
        self.fail(error, now, out);
    }

    fn fail(&mut self, error: SailcastError, now: Instant, out: &mut Outbox) {
        if self.is_over() {
            return;
        }
        self.clock.stop(now);
        self.phase = Phase::Over(State::Failed);
        out.push(Output::Event(Event::Error(error)));
    }

    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over(_))
    }

    /// Deadlines of the network, of the first keyframe, of codecs and decoders.
    fn watch(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(error) = self.source.timed_out(now) {
            self.fail(error, now, out);
            return;
        }
        if let Some((_, error)) = self.unsupported.take_if(|(since, _)| now - *since >= CODEC_TIMEOUT) {
            self.fail(error, now, out);
            return;
        }
        let late = self.first_video.is_some_and(|first| now - first >= KEYFRAME_TIMEOUT);
        if late && self.first_keyframe.is_none() && !self.keyframe_warned {
            self.keyframe_warned = true;
            let alone = self.audio_edge().is_none();
            if alone {
                self.fail(no_keyframe(true), now, out);
            } else {
                out.push(Output::Event(Event::Error(no_keyframe(false))));
            }
        }
        if self.video.stage.is_stuck(self.video.decoder_limit(), now) {
            self.video.stage.close(out);
            self.video_failed("it takes packets and gives no picture", now, out);
        }
        if self.audio.is_stuck(now) {
            self.audio.stage.close(out);
            self.audio_failed("it takes packets and gives no sound", out);
        }
    }

    fn video_failed(&mut self, why: &str, now: Instant, out: &mut Outbox) {
        self.video.stage.on_failed();
        self.decoder_failures = self.decoder_failures.saturating_add(1);
        if self.decoder_failures >= MAX_DECODER_FAILURES || self.video.decoded == 0 {
            let what = format!("The video decoder failed: {why}.");
            self.fail(fatal(ErrorCode::VideoDecoderFailed, what), now, out);
        }
    }

    fn audio_failed(&mut self, why: &str, out: &mut Outbox) {
        self.audio.stage.on_failed();
        self.audio.disabled = true;
        self.clock.forget_sound();
        let what = format!("The audio decoder failed: {why}.");
        out.push(Output::Event(Event::Error(warning(ErrorCode::AudioDecoderFailed, what))));
    }

    // ---- latency ----

    fn keep_latency(&mut self, now: Instant, out: &mut Outbox) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        let Some(edge) = self.edge() else { return };
        if self.source.has_ended() {
            // The rest is played as it is.
            self.set_rate(1.0, now, out);
            return;
        }
        match self.latency.tick(edge - self.clock.media(now)) {
            Action::Hold => {}
            Action::Rate(rate) => self.set_rate(rate, now, out),
            Action::Skip => self.skip(now, out),
        }
    }

    fn set_rate(&mut self, rate: f64, now: Instant, out: &mut Outbox) {
        if self.clock.rate() != rate {
            self.clock.set_rate(rate, now);
            out.push(Output::Event(Event::RateChange { rate }));
        }
    }

    /// Frame chasing: on to the target latency, leaving out what lies between.
    fn skip(&mut self, now: Instant, out: &mut Outbox) {
        let Some(edge) = self.edge() else { return };
        let from = self.clock.media(now);
        let to = edge - self.latency.target;
        if to <= from {
            return;
        }
        self.set_rate(1.0, now, out);
        self.clock.start(to, now);
        self.video.skip_to(to);
        self.audio.skip_to(to, now, out);
        self.stats.skips = self.stats.skips.saturating_add(1);
        out.push(Output::Event(Event::Skip { from, to }));
    }

    // ---- decode and show ----

    fn decode_and_present(&mut self, now: Instant, out: &mut Outbox) {
        if self.is_over() {
            return;
        }
        let ended = self.source.has_ended();
        let playhead = self.playhead(now);
        self.video.feed(ended, now, out);
        let paused_on_picture = self.paused && self.video.has_shown();
        if !paused_on_picture {
            let pinned = self.phase == Phase::Starting;
            self.audio.feed(ended, pinned, playhead, now, out);
            self.present(playhead, now, out);
            // A frame handed over makes room for the next packet.
            self.video.feed(ended, now, out);
        }
        self.audio.pump(&self.clock, self.latency.rate(), now, out);
    }

    fn present(&mut self, playhead: MediaTime, now: Instant, out: &mut Outbox) {
        let presented = self.video.present(playhead, now, out);
        if let Some((width, height)) = presented.resized {
            out.push(Output::Event(Event::Resize { width, height }));
        }
        if presented.first {
            out.push(Output::Event(Event::FirstFrame));
        }
        if let Some(pts) = presented.pts {
            self.decoder_failures = 0;
            self.stats.av_offset = self.audio.heard(now).map(|heard| pts - heard);
        }
    }
}

fn no_keyframe(fatal: bool) -> SailcastError {
    SailcastError { code: ErrorCode::NoKeyframe, fatal, what: "The video has no keyframe.".to_owned() }
}
