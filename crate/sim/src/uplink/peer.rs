//! A plain policy to compare with: OBS Studio's dynamic bitrate, on what a page can see.
//!
//! As its RTMP output has it (`rtmp-stream.c`): when more than 200 ms are buffered the bitrate becomes what was sent over the last
//! one to two seconds, or what it was before the last raise; every 4 s without that it goes up by a tenth of the highest. Above
//! 0.7 s disposable frames are dropped, above 0.9 s all up to a keyframe. It sends when the socket is empty.

use std::collections::VecDeque;

use sailcast_engine::publisher::uplink::{SocketState, Target, UplinkConfig};
use sailcast_media::{MediaKind, Micros, Packet};

const TRIGGER: Micros = Micros::from_millis(200);
const RAISE_EVERY: Micros = Micros::from_secs(4);
const SHORTEST_ESTIMATE: Micros = Micros::from_secs(1);
const LONGEST_ESTIMATE: Micros = Micros::from_secs(2);
const DROP_DISPOSABLE: Micros = Micros::from_millis(700);
const DROP_ALL: Micros = Micros::from_millis(900);
const LEAST: f64 = 50e3;

pub struct Aimd {
    queue: VecDeque<Packet>,
    highest: f64,
    audio: f64,
    current: f64,
    before: Option<f64>,
    raise_at: Micros,
    /// When the socket was empty again, and how much it had been given by then.
    sent: VecDeque<(Micros, u64)>,
    state: SocketState,
    target: Target,
    broken: bool,
    pub dropped_audio: u64,
    pub dropped_video: u64,
}

impl Aimd {
    pub fn new(config: &UplinkConfig) -> Self {
        let highest = config.video_bitrate.1;
        Self {
            queue: VecDeque::new(),
            highest: f64::from(highest),
            audio: f64::from(config.audio_bitrate),
            current: f64::from(highest),
            before: None,
            raise_at: Micros::ZERO,
            sent: VecDeque::new(),
            state: SocketState::default(),
            target: Target { video_bitrate: highest, fps: config.fps.1, side: config.sides[0] },
            broken: false,
            dropped_audio: 0,
            dropped_video: 0,
        }
    }

    pub fn target(&self) -> Target {
        self.target
    }

    pub fn push(&mut self, packet: Packet, now: Micros) {
        if packet.track.kind == MediaKind::Video {
            if self.broken && !packet.keyframe {
                self.dropped_video += 1;
                return;
            }
            self.broken = false;
        }
        self.queue.push_back(packet);
        self.adapt(now);
        self.drop_late();
    }

    pub fn on_socket(&mut self, state: SocketState, now: Micros) {
        if state.buffered == 0 && state.handed > self.sent.back().map_or(0, |(_, sent)| *sent) {
            self.sent.push_back((now, state.handed));
        }
        while self.sent.len() > 2 && now - self.sent[0].0 > LONGEST_ESTIMATE {
            self.sent.pop_front();
        }
        self.state = state;
    }

    pub fn pop(&mut self) -> Option<Packet> {
        if self.state.buffered > 0 {
            return None;
        }
        let packet = self.queue.pop_front()?;
        self.state.buffered = packet.data.len() as u64;
        Some(packet)
    }

    fn buffered(&self) -> Micros {
        match (self.queue.front(), self.queue.back()) {
            (Some(first), Some(last)) => last.dts - first.dts,
            _ => Micros::ZERO,
        }
    }

    fn adapt(&mut self, now: Micros) {
        if self.buffered() > TRIGGER {
            let estimate = self.estimate().map(|bits| (bits - self.audio).max(LEAST));
            let lower = estimate.filter(|estimate| *estimate < self.current).or(self.before);
            if let Some(lower) = lower.filter(|lower| *lower != self.current) {
                self.current = lower;
                self.before = None;
                self.raise_at = now + RAISE_EVERY;
                self.sent.clear();
            }
        } else if self.current < self.highest && now >= self.raise_at {
            self.before = Some(self.current);
            self.current = (self.current + self.highest / 10.0).min(self.highest);
            self.raise_at = now + RAISE_EVERY;
        }
        self.target.video_bitrate = self.current as u32;
    }

    fn estimate(&self) -> Option<f64> {
        let ((began, from), (ended, to)) = self.sent.front().zip(self.sent.back())?;
        let time = *ended - *began;
        (time >= SHORTEST_ESTIMATE).then(|| (to - from) as f64 * 8.0 / time.as_secs_f64())
    }

    fn drop_late(&mut self) {
        let buffered = self.buffered();
        let all = buffered > DROP_ALL;
        if buffered <= DROP_DISPOSABLE {
            return;
        }
        let before = self.queue.len();
        self.queue.retain(|p| p.track.kind == MediaKind::Audio || p.keyframe || !(all || p.disposable));
        self.dropped_video += (before - self.queue.len()) as u64;
        self.broken |= all;
    }
}
