//! Where the tags of a looped file stand in time.
//!
//! **Invariant:** every track is shifted by the same duration each round, computed from the round's number and never
//! added up, so that neither sound and picture nor the stream and the clock drift apart. The duration is a whole
//! number of sound frames where there is sound: a picture may stand a few milliseconds longer unseen, sound
//! may not overlap or pause unheard.
//!
//! No clock, no file.

use std::{collections::HashMap, mem};

use bytes::{Bytes, BytesMut};
use sailcast_media::{
    CodecParams, Value,
    codec::aac,
    flv::{Tag, TagClass, TagKind, amf0},
};
use thiserror::Error;

use crate::tags::is_metadata;

/// Codecs put a multiple of this many samples in a frame.
const SAMPLES_GRAIN: u64 = 32;
/// The clock is told at least this often.
const CLOCK_INTERVAL_MS: i64 = 1000;
/// What a recording's metadata says that is not true of an endless stream.
const FINITE: [&str; 6] =
    ["duration", "filesize", "keyframes", "lasttimestamp", "lastkeyframetimestamp", "lastkeyframelocation"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CannotLoop {
    #[error("it has neither two pictures nor two frames of sound")]
    TooShort,
}

/// Gathers what the loop's duration follows from, tag by tag.
#[derive(Debug, Default)]
pub struct Survey {
    video: Track,
    audio: Track,
    audio_rate: Option<u32>,
}

#[derive(Debug, Default)]
struct Track {
    /// First, lowest and newest time stamp.
    times: Option<(u32, u32, u32)>,
    frames: u64,
}

impl Track {
    fn note(&mut self, timestamp: u32) {
        let (first, lowest, _) = self.times.unwrap_or((timestamp, timestamp, timestamp));
        let lowest = if timestamp.wrapping_sub(lowest).cast_signed() < 0 { timestamp } else { lowest };
        self.times = Some((first, lowest, timestamp));
        self.frames += 1;
    }

    /// The mean duration of a frame.
    fn frame_ms(&self) -> Option<Ratio> {
        let (first, _, last) = self.times?;
        let span = u64::from(last.wrapping_sub(first));
        (self.frames > 1 && span > 0).then(|| Ratio { num: span, den: self.frames - 1 })
    }
}

/// A positive number of milliseconds as a fraction: 1024 samples at 44.1 kHz are no whole number of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ratio {
    num: u64,
    den: u64,
}

impl Ratio {
    fn times(self, n: u64) -> Self {
        Self { num: self.num.saturating_mul(n), den: self.den }
    }

    fn as_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// `n` times this, in whole milliseconds.
    fn at(self, n: u64) -> i64 {
        let (num, den) = (u128::from(self.num) * u128::from(n), u128::from(self.den));
        i64::try_from((num + den / 2) / den).unwrap_or(i64::MAX)
    }
}

impl Survey {
    pub fn note(&mut self, tag: &Tag) {
        match tag.class() {
            TagClass::Keyframe | TagClass::VideoFrame => self.video.note(tag.timestamp),
            TagClass::Audio => self.audio.note(tag.timestamp),
            TagClass::AudioConfig => self.audio_rate = self.audio_rate.or(aac_rate(&tag.body)),
            TagClass::VideoConfig | TagClass::Script | TagClass::Other => {}
        }
    }

    pub fn plan(&self) -> Result<Plan, CannotLoop> {
        let lowest = |track: &Track| track.times.map(|(_, lowest, _)| lowest);
        let base = match (lowest(&self.video), lowest(&self.audio)) {
            (Some(v), Some(a)) if a.wrapping_sub(v).cast_signed() < 0 => a,
            (v, a) => v.or(a).ok_or(CannotLoop::TooShort)?,
        };
        let picture = self.video.frame_ms().map(|frame| frame.times(self.video.frames));
        let (period, sound_frames) = match (picture, self.sound_frame()) {
            (None, None) => return Err(CannotLoop::TooShort),
            (Some(picture), None) => (picture, None),
            (None, Some(frame)) => (frame.times(self.audio.frames), None),
            (Some(picture), Some(frame)) => {
                let fitting = (picture.as_f64() / frame.as_f64()).round().max(1.0) as u64;
                if fitting <= self.audio.frames {
                    (frame.times(fitting), Some(fitting))
                } else {
                    (picture, None)
                }
            }
        };
        Ok(Plan { base, period, sound_frames })
    }

    /// The exact duration of a frame of sound where the rate is known: the mean of rounded time stamps is off by
    /// some parts in 100,000, which would add up over the rounds.
    fn sound_frame(&self) -> Option<Ratio> {
        let mean = self.audio.frame_ms()?;
        let Some(rate) = self.audio_rate else { return Some(mean) };
        let grains = mean.as_f64() * f64::from(rate) / 1000.0 / SAMPLES_GRAIN as f64;
        let samples = grains.round().max(1.0) as u64 * SAMPLES_GRAIN;
        Some(Ratio { num: samples * 1000, den: rate.into() })
    }
}

/// The sampling rate of an AAC sequence header.
fn aac_rate(body: &Bytes) -> Option<u32> {
    let config = body.get(..2).filter(|head| head[0] >> 4 == 10).map(|_| body.slice(2..))?;
    match aac::parse_config(config).ok()?.params {
        CodecParams::Audio(params) if params.sample_rate > 0 => Some(params.sample_rate),
        _ => None,
    }
}

/// How a file loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The file's lowest time stamp.
    base: u32,
    period: Ratio,
    /// How many frames of sound a round has room for; all of them when `None`.
    sound_frames: Option<u64>,
}

impl Plan {
    pub fn period_ms(&self) -> i64 {
        self.period.at(1)
    }
}

/// Walks the file round by round and gives each tag its place on the endless timeline.
#[derive(Debug)]
pub struct Looper {
    plan: Plan,
    round: u64,
    sound_frames: u64,
    /// The configuration last given out, by kind.
    configs: HashMap<TagKind, Bytes>,
    clock_told: Option<i64>,
}

/// A tag in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Milliseconds since the loop began.
    pub at: i64,
    /// The time stamp is `at`, wrapped.
    pub tag: Tag,
    /// The clock is to be told right before it.
    pub clock_due: bool,
}

impl Looper {
    pub fn new(plan: Plan) -> Self {
        Self { plan, round: 0, sound_frames: 0, configs: HashMap::new(), clock_told: None }
    }

    /// The file begins again.
    pub fn next_round(&mut self) {
        self.round += 1;
        self.sound_frames = 0;
    }

    /// The file's next tag in its place, unless this round does not need it.
    pub fn place(&mut self, mut tag: Tag) -> Option<Placed> {
        let class = tag.class();
        match class {
            TagClass::Audio => {
                self.sound_frames += 1;
                if self.plan.sound_frames.is_some_and(|room| self.sound_frames > room) {
                    return None;
                }
            }
            TagClass::VideoConfig | TagClass::AudioConfig => {
                let before = self.configs.insert(tag.kind, tag.body.clone());
                if before.is_some_and(|before| before == tag.body) {
                    return None;
                }
            }
            TagClass::Script if is_metadata(&tag.body) => {
                if self.round > 0 {
                    return None;
                }
                tag.body = endless(&tag.body)?;
            }
            _ => {}
        }
        // Headers are often stamped 0 in files that begin elsewhere.
        let within = tag.timestamp.wrapping_sub(self.plan.base).cast_signed().max(0);
        let at = self.plan.period.at(self.round) + i64::from(within);
        tag.timestamp = at as u32;
        Some(Placed { at, clock_due: self.clock_due(class, at), tag })
    }

    fn clock_due(&mut self, class: TagClass, at: i64) -> bool {
        let frame = matches!(class, TagClass::Keyframe | TagClass::VideoFrame | TagClass::Audio);
        let due = class == TagClass::Keyframe
            || frame && self.clock_told.is_none_or(|told| at - told >= CLOCK_INTERVAL_MS);
        if due {
            self.clock_told = Some(at);
        }
        due
    }
}

/// A recording's metadata without what only a recording has; nothing if it cannot be read.
fn endless(body: &[u8]) -> Option<Bytes> {
    let (name, mut values) = amf0::read_script(body).ok()?;
    for value in &mut values {
        if let Value::Object(fields) = value {
            *fields =
                mem::take(fields).into_iter().filter(|(key, _)| !FINITE.contains(&key.as_str())).collect();
        }
    }
    let mut out = BytesMut::new();
    amf0::write_script(&mut out, &name, &values).ok()?;
    Some(out.freeze())
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
