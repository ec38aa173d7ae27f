//! Encoders of the virtual browser, and what is wrong with them.
//!
//! What they give says in its bytes when it was captured, so that a test knows what a server got.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};
use sailcast_engine::{
    Instant,
    publisher::{AudioEncoding, Encoded, EncoderPath, VideoEncoding},
};
use sailcast_media::{Codec, MediaTime, Micros};

use crate::{stream, synth};

const AAC_FRAME: u64 = 1024;
/// Up to so many bits the module's encoder makes 8 kHz mono of 48 kHz, and what comes out is two of its long packets late.
const FEW_BITS: u32 = 8000;
const FEW_BITS_STEP: u64 = 6;
const NAL_IDR: u8 = 0x65;
const NAL_REFERENCE: u8 = 0x41;
const NAL_DISPOSABLE: u8 = 0x01;
/// Of sound: an AAC frame begins like this, then says when it was captured.
const AAC_MARK: [u8; 4] = *b"!aac";
/// What the module gives before the first sample.
const AAC_FADE: [u8; 2] = *b"!!";
const SILENCE: u64 = u64::MAX;

/// How an encoder of pictures lives.
#[derive(Clone, Debug, Default)]
pub enum Fate {
    #[default]
    Works,
    /// Refuses its configuration.
    Refuses,
    /// Says that it cannot go on after so many pictures.
    Dies(u64),
    /// Gives nothing any more after so many, and never answers.
    Hangs(u64),
    /// Leaves out each run of so many pictures after as many.
    Skips(u64),
    /// Gives pictures in another order than it got them.
    Reorders,
    /// Gives nothing before it has so many more, or is asked to; then it begins anew.
    HoldsBack(usize),
    /// Is taken away after so many.
    IsReclaimed(u64),
}

/// What comes out next.
#[derive(Debug)]
pub enum Given {
    Packet(Encoded),
    Failed,
    Reclaimed,
}

#[derive(Debug)]
pub struct Encoder {
    pub video: Option<VideoEncoding>,
    pub audio: Option<AudioEncoding>,
    pub fate: Fate,
    /// How often it was asked for all, and has not answered.
    pub flushes: u32,
    /// So many of what waits were there when it was last asked.
    asked: usize,
    /// Waits to come out.
    waiting: VecDeque<(Instant, Given)>,
    last: Option<MediaTime>,
    frames: u64,
    /// Pictures so far that others refer to.
    references: u16,
    /// Samples in, with the time of the first.
    samples: u64,
    start: Option<MediaTime>,
    given: u64,
    /// Of the packet that came out last.
    step: u64,
    /// Where in the samples what was captured when begins.
    pieces: VecDeque<(u64, Option<Micros>)>,
}

impl Encoder {
    fn new(fate: Fate) -> Self {
        let mut encoder = Self {
            video: None,
            audio: None,
            fate,
            flushes: 0,
            asked: 0,
            waiting: VecDeque::new(),
            last: None,
            frames: 0,
            references: 0,
            samples: 0,
            start: None,
            given: 0,
            step: 0,
            pieces: VecDeque::new(),
        };
        if matches!(encoder.fate, Fate::Refuses) {
            // Answered from outside, as browsers do.
            encoder.waiting.push_back((Instant(0), Given::Failed));
        }
        encoder
    }

    pub fn of_video(encoding: VideoEncoding, fate: Fate) -> Self {
        Self { video: Some(encoding), ..Self::new(fate) }
    }

    pub fn of_audio(encoding: AudioEncoding, fate: Fate) -> Self {
        Self { audio: Some(encoding), ..Self::new(fate) }
    }

    /// What is ready by now.
    pub fn give(&mut self, now: Instant) -> Option<Given> {
        let hangs = matches!(self.fate, Fate::Hangs(after) if self.frames > after);
        let held = matches!(self.fate, Fate::HoldsBack(most) if self.waiting.len() <= most);
        let (at, _) = self.waiting.front()?;
        if hangs || (held || *at > now) && self.asked == 0 {
            return None;
        }
        self.asked = self.asked.saturating_sub(1);
        self.waiting.pop_front().map(|(_, given)| given)
    }

    pub fn flush(&mut self) {
        self.flushes += 1;
        self.asked = self.waiting.len();
    }

    /// Everything inside has come out since it was asked to.
    pub fn is_flushed(&self) -> bool {
        self.flushes > 0 && self.asked == 0 && !matches!(self.fate, Fate::Hangs(_))
    }

    /// A picture that was captured then.
    pub fn encode(&mut self, captured: Instant, pts: MediaTime, keyframe: bool, ready: Instant) {
        assert!(self.last.is_none_or(|last| pts > last), "pts {pts:?} after {:?}", self.last);
        assert!(keyframe || self.frames > 0, "an encoder begins with a keyframe");
        self.last = Some(pts);
        let number = self.frames;
        self.frames += 1;
        match self.fate {
            Fate::Refuses => return,
            Fate::Dies(after) if number >= after => {
                self.waiting.push_back((ready, Given::Failed));
                return;
            }
            Fate::IsReclaimed(after) if number >= after => {
                self.waiting.push_back((ready, Given::Reclaimed));
                return;
            }
            Fate::Skips(run) if !keyframe && (number / run) % 2 == 1 => return,
            _ => {}
        }
        let encoded = Given::Packet(self.picture(captured, pts, keyframe, number));
        self.waiting.push_back((ready, encoded));
        let inside = self.waiting.len();
        if matches!(self.fate, Fate::Reorders) && number.is_multiple_of(2) && inside > 1 {
            self.waiting.swap(inside - 1, inside - 2);
        }
    }

    fn picture(&mut self, captured: Instant, pts: MediaTime, keyframe: bool, number: u64) -> Encoded {
        let video = self.video.as_ref().expect("an encoder of pictures");
        let layered = video.scalability.is_some() && number % 2 == 1;
        let nal = match (keyframe, layered) {
            (true, _) => NAL_IDR,
            (false, true) => NAL_DISPOSABLE,
            (false, false) => NAL_REFERENCE,
        };
        if nal != NAL_DISPOSABLE {
            self.references = self.references.wrapping_add(1);
        }
        let mean = f64::from(video.bitrate) / video.fps / 8.0;
        let size = if keyframe { mean * 4.0 } else { mean } as usize;
        let data = stream::unit(nal, captured.0 << 16 | u64::from(self.references), size.max(32));
        let description = (number == 0).then(|| synth::avc(0, video.width, video.height).config.description);
        assert_eq!(video.codec, Codec::Avc, "no other codec is made here");
        Encoded { pts, keyframe, data, description }
    }

    /// Sound whose first sample was captured then; silence was not.
    pub fn encode_sound(&mut self, captured: Option<Micros>, frames: u32, pts: MediaTime, ready: Instant) {
        let audio = self.audio.clone().expect("an encoder of sound");
        self.start.get_or_insert(pts);
        let due = self.counted(self.samples);
        assert!((pts - due).abs() <= Micros(1), "sound at {pts:?} where {due:?} is next");
        self.pieces.push_back((self.samples, captured));
        self.samples += u64::from(frames);
        let few = audio.path == EncoderPath::Wasm && audio.bitrate <= FEW_BITS;
        let (step, channels) = if few { (FEW_BITS_STEP, 1) } else { (1, audio.channels) };
        let inside = if few { AAC_FRAME * step } else { 0 };
        while self.samples >= self.given + AAC_FRAME * step + inside {
            let rate = audio.sample_rate / step as u32;
            let mut encoded = Encoded {
                pts: self.counted(self.given),
                keyframe: true,
                data: self.sound(&audio, self.given, step),
                description: (self.step != step).then(|| synth::aac(0, rate, channels).config.description),
            };
            if self.step == 0 && audio.path == EncoderPath::Wasm {
                let length = MediaTime::from_ticks(AAC_FRAME as i64, rate) - MediaTime(0);
                let data = Bytes::from_static(&AAC_FADE);
                let fade = Encoded { pts: encoded.pts - length, data, ..encoded.clone() };
                self.waiting.push_back((ready, Given::Packet(fade)));
                encoded.description = None;
            }
            self.waiting.push_back((ready, Given::Packet(encoded)));
            self.given += AAC_FRAME * step;
            self.step = step;
            self.frames += 1;
        }
    }

    fn sound(&mut self, audio: &AudioEncoding, at: u64, step: u64) -> Bytes {
        while self.pieces.get(1).is_some_and(|(from, _)| *from <= at) {
            self.pieces.pop_front();
        }
        let of_rate = |samples: u64| MediaTime::from_ticks(samples as i64, audio.sample_rate) - MediaTime(0);
        let captured =
            self.pieces.front().and_then(|(from, captured)| Some(*captured.as_ref()? + of_rate(at - from)));
        let size = u64::from(audio.bitrate) * AAC_FRAME * step / u64::from(audio.sample_rate) / 8;
        let mut data = BytesMut::new();
        data.put_slice(&AAC_MARK);
        data.put_u64(captured.map_or(SILENCE, |at| at.0 as u64));
        data.put_bytes(0x21, (size as usize).saturating_sub(data.len()));
        data.freeze()
    }

    fn counted(&self, samples: u64) -> MediaTime {
        let rate = self.audio.as_ref().map_or(1, |audio| audio.sample_rate);
        let start = self.start.unwrap_or(MediaTime(0));
        start + (MediaTime::from_ticks(samples as i64, rate) - MediaTime(0))
    }
}

/// When what is in this packet was captured; `None` for silence.
pub fn captured(data: &[u8]) -> Option<Instant> {
    if data == AAC_FADE {
        return None;
    }
    let rest = match data.strip_prefix(&AAC_MARK) {
        Some(rest) => u64::from_be_bytes(*rest.first_chunk()?),
        None => stream::number_of(data)? >> 16,
    };
    (rest != SILENCE).then_some(Instant(rest))
}

/// A picture that others refer to and that was captured at 1 of the clock.
pub fn reference_picture(keyframe: bool) -> Bytes {
    stream::unit(if keyframe { NAL_IDR } else { NAL_REFERENCE }, 1 << 16, 200)
}

/// How many pictures that others refer to the encoder had made with this one.
pub fn reference(data: &[u8]) -> Option<u16> {
    stream::number_of(data).map(|number| number as u16)
}
