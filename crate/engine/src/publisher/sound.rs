//! Sound: PCM to the encoder without a gap, and each packet's time.
//!
//! Encoders count samples, and so does this: what they are told is the sum of the samples before. Where the sound card's clock
//! drifts against the driver's, the packets' times follow, and not the samples; where sound is missing, silence is encoded in its
//! place. **Invariant:** while somebody listens, sound never falls behind the time by more than [`STARVED_AFTER`], whatever its
//! source does.

use std::ops::RangeInclusive;

use sailcast_media::{Codec, MediaTime, Micros, Packet, TrackId, TrackInfo};

use crate::{
    io::Instant,
    publisher::{
        capture::{CaptureClock, time_of},
        event::Event,
        io::{AudioEncoding, Encoded, EncoderId, EncoderPath, Output, SourceState},
        ladder::{self, AudioLadder},
        meter::Meter,
        outbox::Outbox,
        output::TrackOutput,
        settings::AudioSettings,
    },
};

/// Sound that is so far from where it should be is not drift: there is a gap, or too much of it.
const GAP: Micros = Micros::from_millis(60);
/// An encoder's first packet is that far before the first sample at the most: one of AAC at 8 kHz.
const FADE_IN: Micros = Micros::from_millis(128);
/// A gap longer than this is not filled: the stream's sound goes on where it is.
const LONGEST_GAP: Micros = Micros::from_secs(2);
/// How far packets' times move in a second of drift.
const DRIFT: f64 = 0.002;
/// No sound for so long: it does not come.
const STARVED_AFTER: Micros = Micros::from_millis(400);
/// Silence is made up to this long ago: what is only late still finds its place.
const BEHIND: Micros = Micros::from_millis(100);
/// All that comes is too late for so long: it is its clock that stood still, as a starved browser's does.
const LATE_FOR: Micros = Micros::from_millis(500);
/// And in pieces of this.
const PIECE: Micros = Micros::from_millis(50);
/// The browser's encoder that has taken so much and given nothing is stuck.
const STUCK_AFTER: Micros = Micros::from_secs(5);
/// No source has another rate, in Hz...
const RATES: RangeInclusive<u32> = 3000..=768_000;
/// ...or gives so much at once.
const LONGEST_BLOCK: Micros = Micros::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Format {
    sample_rate: u32,
    channels: u8,
}

#[derive(Debug)]
struct Encoder {
    id: EncoderId,
    encoding: AudioEncoding,
    output: TrackOutput,
    /// The time of the first sample.
    anchor: MediaTime,
    /// Samples that went in.
    fed: u64,
    /// What packets' times are later than the samples before them tell.
    skew: Micros,
    /// Where the packet that came out last ends.
    end: Option<MediaTime>,
    /// Up to which sample it had been fed when it last gave something.
    answered: MediaTime,
    /// Since when sound comes after its place was filled.
    late: Option<Instant>,
}

impl Encoder {
    /// Of the next sample, as the encoder counts.
    fn counted(&self) -> MediaTime {
        let ticks = i64::try_from(self.fed).unwrap_or(i64::MAX);
        self.anchor + (MediaTime::from_ticks(ticks, self.encoding.sample_rate) - MediaTime(0))
    }

    /// And as it is.
    fn cursor(&self) -> MediaTime {
        self.counted() + self.skew
    }

    /// The earliest time that the next packet may have.
    fn earliest(&self) -> MediaTime {
        self.end.map_or(self.anchor - FADE_IN, |end| end - GAP)
    }

    fn floor(&self) -> MediaTime {
        self.end.unwrap_or(self.anchor)
    }

    fn is_stuck(&self) -> bool {
        self.encoding.path == EncoderPath::WebCodecs && self.counted() - self.answered >= STUCK_AFTER
    }

    fn frames_of(&self, span: Micros) -> u32 {
        (span.as_secs_f64() * f64::from(self.encoding.sample_rate)) as u32
    }

    fn silence(&mut self, span: Micros, out: &mut Outbox) -> Micros {
        let frames = self.frames_of(span);
        if frames == 0 {
            return Micros::ZERO;
        }
        out.push(Output::EncodeSilence { encoder: self.id, frames, pts: self.counted() });
        self.fed = self.fed.saturating_add(frames.into());
        span
    }
}

#[derive(Debug)]
pub struct Sound {
    clock: CaptureClock,
    source: Option<SourceState>,
    format: Option<Format>,
    settings: Option<AudioSettings>,
    ladder: AudioLadder,
    encoder: Option<Encoder>,
    /// All that can be asked for has failed.
    failed: bool,
    /// Why, until it is told.
    failure: Option<String>,
    told_codec: bool,
    starved: bool,
    /// Since when sound is listened for and none came.
    waits: Option<Instant>,
    /// How far the last samples were from where they should have been.
    offset: Option<Micros>,
    pub silence: Micros,
    pub bytes: Meter,
}

impl Default for Sound {
    fn default() -> Self {
        Self {
            clock: CaptureClock::default(),
            source: None,
            format: None,
            settings: None,
            ladder: ladder::audio(Codec::Aac, false),
            encoder: None,
            failed: false,
            failure: None,
            told_codec: false,
            starved: false,
            waits: None,
            offset: None,
            silence: Micros::ZERO,
            bytes: Meter::default(),
        }
    }
}

impl Sound {
    pub fn set_settings(&mut self, settings: AudioSettings, out: &mut Outbox) {
        let module = self.encoder.as_ref().is_some_and(|encoder| encoder.encoding.path == EncoderPath::Wasm);
        match self.settings.replace(settings) {
            Some(before) if before.codec == settings.codec && (module || same_ladder(before, settings)) => {
                if let Some(encoder) = self.encoder.as_mut().filter(|_| before != settings) {
                    encoder.encoding.bitrate = settings.bitrate;
                    out.push(Output::TuneAudio(encoder.id, settings.bitrate));
                }
            }
            _ => {
                self.ladder = ladder_of(settings);
                self.failed = false;
                self.told_codec = false;
                self.close(out);
            }
        }
    }

    /// Another try after all has failed, where something is another than before.
    pub fn hope(&mut self) {
        if std::mem::take(&mut self.failed) {
            self.ladder = self.settings.map_or_else(|| ladder::audio(Codec::Aac, false), ladder_of);
        }
    }

    /// A broadcast begins: counts are its own, and what failed in another one may work.
    pub fn renew(&mut self) {
        self.silence = Micros::ZERO;
        self.bytes = Meter::default();
        self.hope();
    }

    pub fn set_source(&mut self, source: Option<SourceState>, out: &mut Outbox) {
        self.source = source;
        if source == Some(SourceState::Live) {
            self.hope();
        }
        // Of one that is known to be silent nothing is waited for.
        self.starved |= matches!(source, Some(SourceState::Muted | SourceState::Lost));
        if source.is_none() {
            self.close(out);
        }
    }

    pub fn set_format(&mut self, sample_rate: u32, channels: u8, out: &mut Outbox) {
        let format = Format { sample_rate, channels: channels.clamp(1, 2) };
        let format = Some(format).filter(|format| RATES.contains(&format.sample_rate));
        if std::mem::replace(&mut self.format, format) != format {
            self.close(out);
            self.hope();
        }
        self.clock.reset();
    }

    pub fn source(&self) -> Option<SourceState> {
        self.source
    }

    /// There is, or will be, sound: its format comes with the first of it.
    pub fn expected(&self) -> bool {
        self.source.is_some() && !self.failed
    }

    pub fn config(&self) -> Option<&TrackInfo> {
        self.encoder.as_ref()?.output.config()
    }

    /// Why there is no sound any more, once.
    pub fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// How much later sound stands than it should.
    pub fn offset(&self) -> Option<Micros> {
        self.offset
    }

    /// `frames` more are in the driver's queue, which is empty but for them.
    pub fn on_heard(&mut self, position: u64, frames: u32, active: bool, now: Instant, out: &mut Outbox) {
        // The clock is followed at all times, so that it is known when it counts.
        let at = self.format.and_then(|format| self.taken(format, position, frames, now));
        let Some((format, at)) = self.format.zip(at).filter(|_| active && self.expected()) else {
            out.push(Output::DropSound { frames });
            return;
        };
        self.starved = false;
        if !self.configure(format, at, out) {
            out.push(Output::DropSound { frames });
            return;
        }
        let frames = self.meet(at, frames, now, out);
        let Some(encoder) = self.encoder.as_mut().filter(|_| frames > 0) else { return };
        out.push(Output::EncodeSound { encoder: encoder.id, frames, pts: encoder.counted() });
        encoder.fed = encoder.fed.saturating_add(frames.into());
    }

    /// When the first of them was taken: the last one is there as soon as it is.
    fn taken(&mut self, format: Format, position: u64, frames: u32, now: Instant) -> Option<MediaTime> {
        let span = MediaTime::from_ticks(frames.into(), format.sample_rate) - MediaTime(0);
        if span > LONGEST_BLOCK {
            return None;
        }
        let end = i64::try_from(position).unwrap_or(i64::MAX).saturating_add(frames.into());
        let end = self.clock.ideal(MediaTime::from_ticks(end, format.sample_rate).0, now);
        Some(end.min(time_of(now)) - span)
    }

    /// Brings the samples that were taken `at` to where they belong, and tells how many of them are left.
    fn meet(&mut self, at: MediaTime, frames: u32, now: Instant, out: &mut Outbox) -> u32 {
        let Some(encoder) = &mut self.encoder else { return frames };
        let off = at - encoder.cursor();
        self.offset = Some(-off);
        // What is too late by a little is dropped as well, once some of it is.
        let late = off < -GAP || encoder.late.is_some() && off < Micros::ZERO;
        encoder.late = late.then(|| encoder.late.unwrap_or(now));
        if let Some(since) = encoder.late {
            if now - since >= LATE_FOR {
                encoder.late = None;
                self.clock.reset();
            }
            let over = encoder.frames_of(-off).min(frames);
            if over > 0 {
                out.push(Output::DropSound { frames: over });
            }
            return frames.saturating_sub(over);
        }
        if off > LONGEST_GAP {
            encoder.skew += off;
        } else if off > GAP {
            self.silence += encoder.silence(off, out);
        } else {
            let span = f64::from(frames) / f64::from(encoder.encoding.sample_rate);
            let most = Micros((span * DRIFT * 1e6) as i64);
            encoder.skew += off.max(-most).min(most);
        }
        frames
    }

    fn configure(&mut self, format: Format, at: MediaTime, out: &mut Outbox) -> bool {
        if self.encoder.is_some() {
            return true;
        }
        let (Some(settings), Some(way)) = (self.settings, self.ladder.rung()) else { return false };
        let id = out.encoder();
        let encoding = way.encoding(format.sample_rate, format.channels, settings.bitrate);
        out.push(Output::ConfigureAudio(id, encoding.clone()));
        let output = TrackOutput::new(TrackId::audio(0), way.codec());
        self.encoder = Some(Encoder {
            id,
            encoding,
            output,
            anchor: at,
            fed: 0,
            skew: Micros::ZERO,
            end: None,
            answered: at,
            late: None,
        });
        true
    }

    /// Silence where sound does not come.
    pub fn advance(&mut self, active: bool, now: Instant, out: &mut Outbox) {
        if let Some(id) = self.encoder.as_ref().filter(|encoder| encoder.is_stuck()).map(|encoder| encoder.id)
        {
            self.on_failed(id, "the encoder gave nothing", now, out);
        }
        let Some(format) = self.format.filter(|_| active && self.expected()) else {
            self.waits = None;
            return;
        };
        let Some(encoder) = &mut self.encoder else {
            // A source that is silent from the start has sound all the same.
            let since = *self.waits.get_or_insert(now);
            if now - since >= STARVED_AFTER {
                self.starved = self.configure(format, time_of(now), out);
            }
            return;
        };
        self.waits = None;
        let behind = time_of(now) - encoder.cursor();
        let patience = if self.starved { BEHIND + PIECE } else { STARVED_AFTER };
        if behind < patience {
            return;
        }
        self.starved = true;
        if behind > LONGEST_GAP {
            encoder.skew += behind - BEHIND - PIECE;
        }
        let missing = time_of(now) - BEHIND - encoder.cursor();
        self.silence += encoder.silence(missing, out);
    }

    pub fn on_encoded(
        &mut self,
        id: EncoderId,
        encoded: Encoded,
        now: Instant,
        out: &mut Outbox,
    ) -> Option<Packet> {
        let encoder = self.encoder.as_mut().filter(|encoder| encoder.id == id)?;
        encoder.answered = encoder.counted();
        let bytes = encoded.data.len() as u64;
        let pts = (encoded.pts + encoder.skew).max(encoder.earliest()).min(encoder.cursor());
        let known = encoder.output.config().is_some();
        let packet = match encoder.output.read(encoded, pts) {
            Ok(packet) => packet?,
            Err(why) => {
                self.on_failed(id, &why, now, out);
                return None;
            }
        };
        encoder.end = Some(pts + packet.duration.unwrap_or(Micros::ZERO));
        if let (false, Some(info)) = (known, encoder.output.config()) {
            let event = Event::audio_encoder(encoder.encoding.path, info.config.codec_string.clone());
            out.push(Output::Event(event));
            self.tell_codec(out);
        }
        self.ladder.works();
        self.bytes.note(bytes, now);
        Some(packet)
    }

    pub fn on_failed(&mut self, id: EncoderId, why: &str, now: Instant, out: &mut Outbox) {
        if self.encoder.as_ref().is_none_or(|encoder| encoder.id != id) {
            return;
        }
        self.ladder.fail(now);
        self.close(out);
        if self.ladder.rung().is_none() {
            self.failed = true;
            self.failure = Some(why.to_owned());
        }
    }

    /// The browser took it: the next sound gets another one.
    pub fn on_reclaimed(&mut self, id: EncoderId) {
        self.encoder = self.encoder.take().filter(|encoder| encoder.id != id);
    }

    /// The earliest time that may still come out.
    pub fn floor(&self) -> Option<MediaTime> {
        self.encoder.as_ref().map(Encoder::floor)
    }

    pub fn flush(&self, out: &mut Outbox) -> Option<EncoderId> {
        let encoder = self.encoder.as_ref()?;
        out.push(Output::Flush(encoder.id));
        Some(encoder.id)
    }

    pub fn next_wake(&self, active: bool) -> Option<Instant> {
        if !active || !self.expected() {
            return None;
        }
        let Some(encoder) = &self.encoder else { return self.waits.map(|since| since + STARVED_AFTER) };
        let patience = if self.starved { BEHIND + PIECE } else { STARVED_AFTER };
        Some(Instant(0) + (encoder.cursor() - MediaTime(0)) + patience)
    }

    pub fn close(&mut self, out: &mut Outbox) {
        if let Some(encoder) = self.encoder.take() {
            out.push(Output::CloseEncoder(encoder.id));
        }
    }

    fn tell_codec(&mut self, out: &mut Outbox) {
        let (Some(settings), Some(way)) = (self.settings, self.ladder.rung()) else { return };
        if way.codec() != settings.codec && !std::mem::replace(&mut self.told_codec, true) {
            let message =
                format!("This browser does not encode {}: the sound is AAC.", settings.codec.name());
            out.push(Output::Event(Event::Degraded { what: "audioCodec", message }));
        }
    }
}

fn ladder_of(settings: AudioSettings) -> AudioLadder {
    ladder::audio(settings.codec, ladder::few_bits(settings.bitrate))
}

/// AAC of few bits is our module's, which makes the rest as well.
fn same_ladder(a: AudioSettings, b: AudioSettings) -> bool {
    let few = |settings: AudioSettings| settings.codec == Codec::Aac && ladder::few_bits(settings.bitrate);
    few(a) == few(b)
}
