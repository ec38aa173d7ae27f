//! An encoder of video as far as its sizes go: keyframes of 3 to 8 deltas, a rate that is off by up to a fifth, a new target that
//! takes some frames (or their time, when it rests), and a least size below which the picture cannot be had.

use std::collections::VecDeque;

use sailcast_engine::publisher::uplink::Target;
use sailcast_media::Micros;

use super::trace::Trace;
use crate::chance::Chance;

/// Keyframes are as large as at this rate, whatever the rate is: the picture is the same.
const NOMINAL_FPS: f64 = 15.0;
const ASPECT: f64 = 16.0 / 9.0;
/// A delta of a picture that stands still.
const STILL: f64 = 0.1;
/// Deviation of a delta's size.
const SPREAD: f64 = 0.25;

pub struct Encoder {
    chance: Chance,
    gop: Micros,
    keyframe: f64,
    bias: f64,
    /// Bits a pixel of a delta at the coarsest quantiser.
    floor: f64,
    layers: bool,
    still: Option<(Micros, Micros)>,
    bitrate: f64,
    side: u32,
    /// Asked for, and when it has effect.
    asked: VecDeque<(Micros, f64)>,
    debt: f64,
    frames: u64,
    since_key: Option<Micros>,
    odd: bool,
}

pub struct Encoded {
    pub bytes: u64,
    pub keyframe: bool,
    pub disposable: bool,
}

impl Encoder {
    pub fn new(chance: Chance, trace: &Trace, gop: Micros, target: Target) -> Self {
        Self {
            gop,
            keyframe: chance.between(1, trace.keyframes.0, trace.keyframes.1),
            bias: chance.between(2, 0.8, 1.2),
            floor: chance.between(3, 0.005, 0.02),
            layers: chance.unit(4) < 0.5,
            still: trace.still,
            bitrate: f64::from(target.video_bitrate),
            side: target.side,
            asked: VecDeque::new(),
            debt: 0.0,
            frames: 0,
            since_key: None,
            odd: false,
            chance,
        }
    }

    /// The target as it is when a frame is captured, whether that is encoded or not.
    pub fn target(&mut self, target: Target, now: Micros) {
        self.follow(f64::from(target.video_bitrate), now);
    }

    /// The frame captured at `now`.
    pub fn encode(&mut self, target: Target, wants_keyframe: bool, now: Micros) -> Encoded {
        self.frames += 1;
        let resized = std::mem::replace(&mut self.side, target.side) != target.side;
        let due = self.since_key.is_none_or(|at| now - at >= self.gop);
        let keyframe = wants_keyframe || resized || due;

        let fps = f64::from(target.fps);
        let mean = self.bitrate / fps;
        let pixels = f64::from(self.side) * f64::from(self.side) * ASPECT;
        // What a keyframe was too large is saved on the frames of a GOP.
        let saved = self.debt / (fps * self.gop.as_secs_f64());
        let plain = (mean - saved).max(mean * 0.3);
        let bits = if keyframe {
            (self.keyframe * self.bitrate / NOMINAL_FPS).max(self.floor * pixels * 4.0)
        } else {
            let noise = (SPREAD * self.chance.of(5).wander(self.frames as f64) - SPREAD * SPREAD / 2.0).exp();
            let still = self.still.is_some_and(|(from, to)| now >= from && now < to);
            if still { mean * noise * STILL } else { (plain * noise).max(self.floor * pixels) }
        };
        // Bits that are not used are not saved up.
        self.debt = (self.debt + bits - mean).max(0.0);
        if keyframe {
            self.since_key = Some(now);
            self.odd = false;
        }
        self.odd = !self.odd;
        let disposable = self.layers && self.odd;
        Encoded { bytes: (bits * self.bias / 8.0) as u64 + 1, keyframe, disposable: disposable && !keyframe }
    }

    /// A new target takes two to five frames.
    fn follow(&mut self, bitrate: f64, now: Micros) {
        if self.asked.back().map_or(self.bitrate, |(_, last)| *last) != bitrate {
            let frames = self.chance.of(6).between(self.frames, 2.0, 5.0);
            self.asked.push_back((now + Micros::from_secs(1).scale(frames / NOMINAL_FPS), bitrate));
        }
        while let Some((at, bitrate)) = self.asked.front() {
            if *at > now {
                break;
            }
            self.bitrate = *bitrate;
            self.asked.pop_front();
        }
    }
}
