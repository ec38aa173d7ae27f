//! Pictures: which of them are encoded, when as a keyframe, by which encoder, and what stands in for those that do not come.
//!
//! **Invariant:** of the captured pictures one is held, the newest; each is released exactly once. What goes to an encoder has a
//! greater pts than what went before, and the first one is a keyframe.

use std::collections::VecDeque;

use sailcast_media::{Codec, MediaTime, Micros, Packet, TrackId, TrackInfo};

use crate::{
    io::{FrameId, Instant},
    publisher::{
        capture::{CaptureClock, STEP, time_of},
        encoder::{DRAIN_AFTER, Encoder, Manner, Pending},
        event::Event,
        io::{CapturedFrame, Encoded, EncoderId, Output, SourceState, VideoEncoding},
        ladder::{self, VideoLadder},
        meter::Meter,
        outbox::Outbox,
        output::TrackOutput,
        settings::VideoSettings,
        size::encoded_size,
        slow::Slow,
        uplink::Target,
    },
};

/// A picture that nothing newer replaces is encoded again so often: players keep their clocks, and who joins sees something.
const REPEAT_EVERY: Micros = Micros::from_millis(500);
/// The same where a keyframe is waited for.
const REPEAT_SOON: Micros = Micros::from_millis(120);
/// How old a repeated picture pretends to be, as new ones are when they arrive.
const ARRIVAL: Micros = Micros::from_millis(20);

/// What the rest of the publisher wants of pictures.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Something takes what is encoded.
    pub active: bool,
    pub target: Target,
    /// The next one must be a keyframe.
    pub keyframe: bool,
}

#[derive(Debug, Default)]
pub struct Counts {
    pub captured: Meter,
    pub encoded: Meter,
    pub bytes: Meter,
    pub repeated: u64,
    pub keyframes: u64,
    /// Left out because the encoder was not done with those before.
    pub busy: u64,
    /// Of encoding, smoothed.
    pub encode_time: Micros,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    id: FrameId,
    pts: MediaTime,
    width: u32,
    height: u32,
    /// It waits to be looked at.
    new: bool,
    /// It had its turn: an encoder that failed with it does not cost it.
    admitted: bool,
}

#[derive(Debug)]
pub struct Picture {
    clock: CaptureClock,
    source: Option<SourceState>,
    held: Option<Held>,
    settings: Option<VideoSettings>,
    ladder: VideoLadder,
    encoder: Option<Encoder>,
    /// All that can be asked for has failed.
    failed: bool,
    /// Why, until it is told.
    failure: Option<String>,
    /// The pts of what went to an encoder last and is not lost, or of what went out beside it.
    fed: Option<MediaTime>,
    /// The time of what was last looked at, whether it was encoded or not.
    looked: Option<MediaTime>,
    slow: Slow,
    told_delay: bool,
    told_codec: bool,
    pub counts: Counts,
}

impl Default for Picture {
    fn default() -> Self {
        Self {
            clock: CaptureClock::default(),
            source: None,
            held: None,
            settings: None,
            ladder: ladder::video(Codec::Avc),
            encoder: None,
            failed: false,
            failure: None,
            fed: None,
            looked: None,
            slow: Slow::default(),
            told_delay: false,
            told_codec: false,
            counts: Counts::default(),
        }
    }
}

impl Picture {
    pub fn set_settings(&mut self, settings: VideoSettings, out: &mut Outbox) {
        if self.settings.is_none_or(|before| before.codec != settings.codec) {
            self.close(out);
            self.again();
            self.ladder = ladder::video(settings.codec);
            self.failed = false;
            self.told_codec = false;
        }
        self.settings = Some(settings);
    }

    /// Another try after all has failed, where something is another than before.
    pub fn hope(&mut self) {
        if std::mem::take(&mut self.failed) {
            self.ladder = ladder::video(self.settings.map_or(Codec::Avc, |settings| settings.codec));
        }
    }

    /// A broadcast begins: counts are its own, and what failed in another one may work.
    pub fn renew(&mut self) {
        self.counts = Counts::default();
        self.hope();
    }

    /// Another source has another clock; one that is gone leaves its last picture.
    pub fn set_source(&mut self, source: Option<SourceState>, out: &mut Outbox) {
        if source == Some(SourceState::Live) {
            self.clock.reset();
            self.hope();
        }
        self.source = source;
        if source.is_none() {
            self.release(out);
            self.close(out);
        }
    }

    pub fn source(&self) -> Option<SourceState> {
        self.source
    }

    /// There is, or will be, a picture.
    pub fn expected(&self) -> bool {
        self.source.is_some() && !self.failed
    }

    /// The configuration of what comes out now.
    pub fn config(&self) -> Option<&TrackInfo> {
        self.encoder.as_ref()?.output.config()
    }

    pub fn encoding(&self) -> Option<&VideoEncoding> {
        self.encoder.as_ref().map(|encoder| &encoder.encoding)
    }

    pub fn on_frame(&mut self, frame: CapturedFrame, now: Instant, out: &mut Outbox) {
        self.counts.captured.note(1, now);
        let pts = self.clock.map(frame.taken, now);
        self.release(out);
        let CapturedFrame { id, width, height, .. } = frame;
        self.held = Some(Held { id, pts, width, height, new: true, admitted: false });
    }

    /// Encodes what is due; true if that is a keyframe. `admits` says whether a picture of that time is worth it.
    pub fn advance(
        &mut self,
        demand: Demand,
        admits: impl FnOnce(MediaTime, Instant) -> bool,
        now: Instant,
        out: &mut Outbox,
    ) -> bool {
        self.unstick(now, out);
        self.drain(now, out);
        let Some(held) = self.held.filter(|_| demand.active && self.expected()) else { return false };
        let Some(pts) = self.due(held, demand, now) else { return false };
        self.looked = Some(pts);
        if let Some(held) = &mut self.held {
            held.new = false;
        }
        // Order may take more than the time that has passed: then it is not this one's turn.
        if pts > time_of(now) || !(held.new && held.admitted || admits(pts, now)) {
            return false;
        }
        let busy = self.encoder.as_ref().is_some_and(|encoder| encoder.is_busy(now));
        self.slow.note(busy, out);
        if busy {
            self.counts.busy = self.counts.busy.saturating_add(1);
            return false;
        }
        if let Some(held) = &mut self.held {
            held.admitted = true;
        }
        if !held.new {
            self.counts.repeated = self.counts.repeated.saturating_add(1);
        }
        self.encode(held, pts, demand, now, out)
    }

    /// The time at which the held picture is to be encoded now, if it is.
    fn due(&mut self, held: Held, demand: Demand, now: Instant) -> Option<MediaTime> {
        let earliest = self.fed.map_or(MediaTime(i64::MIN), |fed| fed + STEP);
        let at = time_of(now) - ARRIVAL;
        // One that nobody wanted when it came is as old as a repeated one.
        if held.new && at - held.pts < REPEAT_EVERY {
            return Some(held.pts.max(earliest));
        }
        if !held.new && at < self.repeats_at(demand)? {
            return None;
        }
        Some(at.max(earliest))
    }

    /// The time from which the held picture stands in for one that does not come.
    fn repeats_at(&self, demand: Demand) -> Option<MediaTime> {
        let wait = if demand.keyframe { REPEAT_SOON } else { REPEAT_EVERY };
        Some(self.looked? + wait)
    }

    fn encode(&mut self, held: Held, pts: MediaTime, demand: Demand, now: Instant, out: &mut Outbox) -> bool {
        let Some(settings) = self.settings else { return false };
        if !self.configure(held, settings, demand.target, now, out) {
            return false;
        }
        let Some(encoder) = &mut self.encoder else { return false };
        // Half a picture early rather than one late.
        let half = Micros((500_000.0 / f64::from(demand.target.fps.max(1))) as i64);
        let due = |key: MediaTime| pts - key + half >= settings.keyframe_interval;
        let keyframe = demand.keyframe || encoder.key.is_none_or(due);
        if keyframe {
            encoder.key = Some(pts);
            self.counts.keyframes = self.counts.keyframes.saturating_add(1);
        }
        encoder.fed = Some(pts);
        encoder.stirred = now;
        encoder.pending.push_back(Pending { pts, since: now });
        self.fed = Some(pts);
        out.push(Output::Encode { encoder: encoder.id, frame: held.id, pts, keyframe });
        keyframe
    }

    /// Makes the encoder what it must be for this picture; false where there is none left to try.
    fn configure(
        &mut self,
        held: Held,
        settings: VideoSettings,
        target: Target,
        now: Instant,
        out: &mut Outbox,
    ) -> bool {
        let Some(way) = self.ladder.rung() else { return false };
        let (width, height) = encoded_size(held.width, held.height, target.side.min(settings.side));
        let fps = f64::from(target.fps);
        let encoding = way.encoding(width, height, target.video_bitrate, fps, settings.fps);
        match &mut self.encoder {
            Some(encoder) if encoder.encoding == encoding => return true,
            Some(encoder) if only_tuned(&encoder.encoding, &encoding) => {
                encoder.encoding = encoding.clone();
                out.push(Output::Tune(encoder.id, encoding));
                return true;
            }
            _ => {}
        }
        self.close(out);
        let id = out.encoder();
        let output = TrackOutput::new(TrackId::video(0), encoding.codec);
        out.push(Output::ConfigureVideo(id, encoding.clone()));
        self.encoder = Some(Encoder {
            id,
            encoding,
            output,
            pending: VecDeque::new(),
            after: self.fed,
            fed: None,
            given: None,
            key: None,
            told: None,
            stirred: now,
            manner: Manner::Unknown(false),
            draining: false,
            lag: Micros::ZERO,
        });
        true
    }

    /// Whether it is the present encoder.
    pub fn owns(&self, id: EncoderId) -> bool {
        self.encoder.as_ref().is_some_and(|encoder| encoder.id == id)
    }

    /// The packet that the present encoder gave, if it holds a picture.
    pub fn on_encoded(&mut self, encoded: Encoded, now: Instant, out: &mut Outbox) -> Option<Packet> {
        let encoder = self.encoder.as_mut()?;
        // Whatever it says, it gives nothing that it was not given.
        let pts = encoded.pts.min(encoder.fed?);
        encoder.stirred = now;
        while let Some(front) = encoder.pending.front().filter(|pending| pending.pts <= pts) {
            let took = now - front.since;
            self.counts.encode_time = self.counts.encode_time + (took - self.counts.encode_time).scale(0.1);
            encoder.pending.pop_front();
        }
        if encoder.given.is_some_and(|given| pts <= given) {
            // It reorders: a live stream has no time for that, and no way to say it here.
            self.ladder.give_up();
            self.lost("the encoder reorders pictures", out);
            return None;
        }
        encoder.given = Some(pts);
        encoder.lag = encoder.lag.max(time_of(now) - pts);
        if matches!(encoder.manner, Manner::Unknown(_)) && !encoder.draining {
            encoder.manner = Manner::Prompt;
        }
        let bytes = encoded.data.len() as u64;
        let packet = match encoder.output.read(encoded, pts) {
            Ok(packet) => packet?,
            Err(why) => {
                self.ladder.fail(now);
                self.lost(&why, out);
                return None;
            }
        };
        if encoder.told.is_none() && !packet.keyframe {
            self.ladder.fail(now);
            self.lost("the encoder does not begin with a keyframe", out);
            return None;
        }
        self.tell_encoder(out);
        self.ladder.works();
        self.counts.encoded.note(1, now);
        self.counts.bytes.note(bytes, now);
        Some(packet)
    }

    pub fn on_failed(&mut self, id: EncoderId, why: &str, now: Instant, out: &mut Outbox) {
        if self.owns(id) {
            self.ladder.fail(now);
            self.lost(why, out);
        }
    }

    /// The browser took it: no fault of its own.
    pub fn on_reclaimed(&mut self, id: EncoderId) {
        if self.owns(id) {
            self.forget();
            self.again();
        }
    }

    /// Why there is no picture any more, once.
    pub fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// The earliest pts that may still come out.
    pub fn floor(&self) -> Option<MediaTime> {
        self.encoder.as_ref()?.pending.front().map(|pending| pending.pts)
    }

    /// How much later than its pictures the stream is.
    pub fn delay(&self) -> Micros {
        self.encoder.as_ref().map_or(Micros::ZERO, Encoder::delay)
    }

    /// Pictures newer than this only.
    pub fn not_before(&mut self, at: MediaTime) {
        self.clock.not_before(at);
        self.fed = self.fed.max(Some(at));
    }

    pub fn flush(&self, out: &mut Outbox) -> Option<EncoderId> {
        let encoder = self.encoder.as_ref()?;
        out.push(Output::Flush(encoder.id));
        Some(encoder.id)
    }

    /// The encoder gave all that it was asked for; true if that was asked for here.
    pub fn on_flushed(&mut self, id: EncoderId) -> bool {
        let encoder = self.encoder.as_mut().filter(|encoder| encoder.id == id);
        encoder.is_some_and(|encoder| std::mem::take(&mut encoder.draining))
    }

    /// What is held back for too long is asked for.
    fn drain(&mut self, now: Instant, out: &mut Outbox) {
        let Some(encoder) = &mut self.encoder else { return };
        if encoder.drains_at().is_none_or(|at| now < at) {
            return;
        }
        encoder.draining = true;
        encoder.key = None;
        out.push(Output::Flush(encoder.id));
        // Once may be a slow beginning.
        encoder.manner = match encoder.manner {
            Manner::Unknown(false) => Manner::Unknown(true),
            _ => Manner::HoldsBack,
        };
        if encoder.manner == Manner::HoldsBack && !std::mem::replace(&mut self.told_delay, true) {
            let delay = encoder.delay().max(DRAIN_AFTER).as_secs_f64();
            let message = format!("The video encoder holds pictures back: the stream is {delay:.1} s late.");
            out.push(Output::Event(Event::Degraded { what: "encoderDelay", message }));
        }
    }

    pub fn next_wake(&self, demand: Demand) -> Option<Instant> {
        let encoder = self.encoder.as_ref();
        let stuck = encoder.and_then(Encoder::stuck_at);
        let drains = encoder.and_then(Encoder::drains_at);
        let repeats = demand.active && self.expected() && self.held.is_some();
        let repeat = self.repeats_at(demand).filter(|_| repeats);
        let repeat = repeat.map(|at| Instant(0) + (at - MediaTime(0)) + ARRIVAL);
        [stuck, drains, repeat].into_iter().flatten().min()
    }

    pub fn close(&mut self, out: &mut Outbox) {
        if let Some(id) = self.forget() {
            out.push(Output::CloseEncoder(id));
        }
    }

    /// What is in the encoder is lost: its times are free again.
    fn forget(&mut self) -> Option<EncoderId> {
        let encoder = self.encoder.take()?;
        self.fed = encoder.given.max(encoder.after);
        Some(encoder.id)
    }

    /// Gives the held picture back.
    pub fn release(&mut self, out: &mut Outbox) {
        if let Some(held) = self.held.take() {
            out.push(Output::Release(held.id));
        }
    }

    /// An encoder that failed is closed already where it said so itself; closing it again is nothing.
    fn lost(&mut self, why: &str, out: &mut Outbox) {
        self.close(out);
        self.again();
        if self.ladder.rung().is_none() {
            self.failed = true;
            self.failure = Some(why.to_owned());
        }
    }

    /// The picture that went into the lost encoder is the first of the next one.
    fn again(&mut self) {
        if let Some(held) = &mut self.held {
            held.new = true;
        }
    }

    fn unstick(&mut self, now: Instant, out: &mut Outbox) {
        let stuck = self.encoder.as_ref().and_then(Encoder::stuck_at);
        if stuck.is_some_and(|at| now >= at) {
            self.ladder.fail(now);
            self.lost("the encoder gave nothing", out);
        }
    }

    /// Who encodes what, when it begins and when that changes.
    fn tell_encoder(&mut self, out: &mut Outbox) {
        let Some(encoder) = &mut self.encoder else { return };
        if encoder.told.as_ref() == encoder.output.config() {
            return;
        }
        encoder.told = encoder.output.config().cloned();
        let codec_string =
            encoder.told.as_ref().map_or(String::new(), |info| info.config.codec_string.clone());
        let codec = encoder.encoding.codec;
        out.push(Output::Event(Event::video_encoder(&encoder.encoding, codec_string)));
        self.tell_codec(codec, out);
    }

    fn tell_codec(&mut self, codec: Codec, out: &mut Outbox) {
        let Some(asked) = self.settings.map(|settings| settings.codec) else { return };
        if codec != asked && !std::mem::replace(&mut self.told_codec, true) {
            let message =
                format!("This browser does not encode {}: the stream is {}.", asked.name(), codec.name());
            out.push(Output::Event(Event::Degraded { what: "videoCodec", message }));
        }
    }
}

/// The same encoder can make both.
fn only_tuned(a: &VideoEncoding, b: &VideoEncoding) -> bool {
    let same = VideoEncoding { bitrate: b.bitrate, fps: b.fps, ..a.clone() };
    same == *b
}
