//! What a session was like.

use std::collections::VecDeque;

use sailcast_engine::publisher::uplink::Target;
use sailcast_media::{MediaTime, Micros, Packet};

use super::{
    publisher::{GivenUp, is_video},
    trace::{Course, Trace},
};
use crate::meter::Histogram;

/// The use of the link counts from here on: who knows nothing begins low.
const SETTLED: Micros = Micros::from_secs(15);
/// A rate before a step is its mean over so long.
const BEFORE: Micros = Micros::from_secs(5);
/// Lowered is lowered by a tenth.
const LOWERED: f64 = 0.9;
const BACK: f64 = 0.9;
/// A picture that stands longer than this is frozen.
const FROZEN: Micros = Micros::from_millis(600);

#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub sessions: u64,
    /// From the encoder to the server, less the propagation: each packet's.
    pub delay: Histogram,
    pub received: f64,
    pub could_carry: f64,
    /// Target changes after the beginning, and the minutes they were counted over.
    pub changes: u64,
    pub minutes: f64,
    pub lowered_after: Histogram,
    pub never_lowered: u64,
    pub back_after: Histogram,
    pub never_back: u64,
    pub frames: u64,
    pub frozen: Micros,
    pub length: Micros,
    pub video_dropped: u64,
    pub not_encoded: u64,
    pub audio_dropped: u64,
    pub audio: u64,
    /// Broken laws, in words.
    pub broken: Vec<String>,
}

impl Figures {
    pub fn merge(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.delay.merge(&other.delay);
        self.received += other.received;
        self.could_carry += other.could_carry;
        self.changes += other.changes;
        self.minutes += other.minutes;
        self.lowered_after.merge(&other.lowered_after);
        self.never_lowered += other.never_lowered;
        self.back_after.merge(&other.back_after);
        self.never_back += other.never_back;
        self.frames += other.frames;
        self.frozen += other.frozen;
        self.length += other.length;
        self.video_dropped += other.video_dropped;
        self.not_encoded += other.not_encoded;
        self.audio_dropped += other.audio_dropped;
        self.audio += other.audio;
        self.broken.extend(other.broken.iter().cloned());
    }

    pub fn used(&self) -> f64 {
        self.received / self.could_carry.max(1.0)
    }

    pub fn changes_a_minute(&self) -> f64 {
        self.changes as f64 / self.minutes.max(1e-9)
    }

    pub fn fps(&self) -> f64 {
        self.frames as f64 / self.length.as_secs_f64().max(1e-9)
    }

    pub fn frozen_ratio(&self) -> f64 {
        self.frozen.as_secs_f64() / self.length.as_secs_f64().max(1e-9)
    }

    /// Of the frames that were encoded.
    pub fn dropped_ratio(&self) -> f64 {
        self.video_dropped as f64 / (self.frames + self.video_dropped).max(1) as f64
    }

    pub fn sound_lost(&self) -> f64 {
        self.audio_dropped as f64 / self.audio.max(1) as f64
    }
}

/// A packet on its way.
struct Flying {
    end: u64,
    pushed: Micros,
    video: bool,
}

pub struct Meter {
    figures: Figures,
    trace: Trace,
    pushed: VecDeque<(MediaTime, bool, Micros)>,
    flying: VecDeque<Flying>,
    last_frame: Option<Micros>,
    target: Target,
    /// Mean target before the step down, weighed by time.
    before: (f64, f64),
    lowered: Option<Micros>,
    back: Option<Micros>,
    settled: Option<(u64, f64)>,
    last_dts: MediaTime,
    chain: Chain,
    now: Micros,
}

/// Whether each frame's references were sent before it.
#[derive(Default)]
struct Chain {
    /// Each frame that was not sent yet, and whether nothing refers to it.
    made: VecDeque<(MediaTime, bool)>,
    broken: bool,
}

impl Chain {
    /// Frames made before this one, and not sent, are lost.
    fn sent(&mut self, packet: &Packet) -> bool {
        while let Some((dts, disposable)) = self.made.pop_front() {
            if dts == packet.dts {
                break;
            }
            self.broken |= !disposable;
        }
        self.broken &= !packet.keyframe;
        !self.broken
    }
}

impl Meter {
    pub fn new(trace: &Trace, target: Target) -> Self {
        Self {
            figures: Figures { sessions: 1, length: trace.length, ..Figures::default() },
            trace: trace.clone(),
            pushed: VecDeque::new(),
            flying: VecDeque::new(),
            last_frame: None,
            target,
            before: (0.0, 0.0),
            lowered: None,
            back: None,
            settled: None,
            last_dts: MediaTime(i64::MIN),
            // Until a keyframe nothing can be decoded.
            chain: Chain { broken: true, ..Chain::default() },
            now: Micros::ZERO,
        }
    }

    pub fn pushed(&mut self, packet: &Packet, now: Micros) {
        let video = is_video(packet);
        self.pushed.push_back((packet.dts, video, now));
        if video {
            self.chain.made.push_back((packet.dts, packet.disposable));
        } else {
            self.figures.audio += 1;
        }
    }

    /// The socket has it, up to this count of bytes.
    pub fn sent(&mut self, packet: &Packet, end: u64) {
        let video = is_video(packet);
        while let Some((dts, of_video, pushed)) = self.pushed.pop_front() {
            if (dts, of_video) == (packet.dts, video) {
                self.flying.push_back(Flying { end, pushed, video });
                break;
            }
        }
        if packet.dts < self.last_dts {
            self.figures.broken.push(format!("dts goes back at {:.3} s", self.now.as_secs_f64()));
        }
        self.last_dts = packet.dts;
        if video && !self.chain.sent(packet) {
            self.figures
                .broken
                .push(format!("a delta after a lost reference at {:.3} s", self.now.as_secs_f64()));
        }
    }

    pub fn received(&mut self, bytes: u64, could_carry: f64, now: Micros) {
        self.now = now;
        while self.flying.front().is_some_and(|f| f.end <= bytes) {
            let Some(packet) = self.flying.pop_front() else { break };
            let propagation = Micros(self.trace.link.round_trip.0 / 2) + self.trace.longer(packet.pushed);
            self.figures.delay.add((now - packet.pushed - propagation).max(Micros::ZERO));
            if packet.video {
                self.figures.frames += 1;
                let stood = self.last_frame.replace(now).map_or(Micros::ZERO, |last| now - last);
                if stood > FROZEN {
                    self.figures.frozen += stood;
                }
            }
        }
        if now >= SETTLED && self.settled.is_none() {
            self.settled = Some((bytes, could_carry));
        }
    }

    /// What the encoder is asked for now; whether that is new.
    pub fn targeted(&mut self, target: Target, now: Micros) -> bool {
        let is_new = target.video_bitrate != self.target.video_bitrate;
        self.target = target;
        if is_new && now >= SETTLED {
            self.figures.changes += 1;
        }
        if let Course::Step { down, up, .. } = self.trace.course {
            let rate = f64::from(target.video_bitrate);
            if now > down - BEFORE && now <= down {
                self.before = (self.before.0 + rate, self.before.1 + 1.0);
            }
            let before = self.before.0 / self.before.1.max(1.0);
            if now > down && rate < before * LOWERED {
                self.lowered.get_or_insert(now - down);
            }
            if now > up && rate >= before * BACK {
                self.back.get_or_insert(now - up);
            }
        }
        is_new
    }

    pub fn finish(mut self, received: u64, could_carry: f64, dropped: GivenUp) -> Figures {
        let figures = &mut self.figures;
        let (from, could) = self.settled.unwrap_or((received, could_carry));
        figures.received = (received - from) as f64 * 8.0;
        figures.could_carry = could_carry - could;
        figures.minutes = (figures.length - SETTLED).as_secs_f64() / 60.0;
        if matches!(self.trace.course, Course::Step { .. }) {
            match self.lowered {
                Some(after) => figures.lowered_after.add(after),
                None => figures.never_lowered += 1,
            }
            match self.back {
                Some(after) => figures.back_after.add(after),
                None => figures.never_back += 1,
            }
        }
        figures.video_dropped = dropped.video;
        figures.audio_dropped = dropped.audio;
        figures.not_encoded = dropped.not_encoded;
        self.figures
    }
}
