//! A publisher with wild clocks, and where the timeline puts its packets.

use bytes::Bytes;
use sailcast_engine::{Instant, Jump, JumpKind, timeline::Timeline};
use sailcast_media::{
    MediaKind::{self, Audio, Video},
    MediaTime, Packet, TrackId,
};

pub const MS: i64 = 1000;
pub const SECOND: i64 = 1_000_000;
pub const VIDEO_STEP: i64 = 33_333;
pub const AUDIO_STEP: i64 = 21_333;

pub fn packet(dts: i64, pts: i64) -> Packet {
    Packet {
        track: TrackId::video(0),
        dts: MediaTime(dts),
        pts: MediaTime(pts),
        duration: None,
        keyframe: true,
        disposable: false,
        data: Bytes::new(),
    }
}

/// A packet as it was captured and where it was placed, in µs.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub kind: MediaKind,
    pub captured: i64,
    pub at: i64,
}

/// A live stream: what is captured at the world's time arrives 50 ms later, with the stamps that the publisher's clocks give.
#[derive(Default)]
pub struct Stream {
    pub timeline: Timeline,
    pub placed: Vec<Placed>,
    pub jumps: Vec<Jump>,
}

impl Stream {
    pub fn put(&mut self, kind: MediaKind, captured: i64, stamp: i64, arrives: i64) -> i64 {
        let mut packet = packet(stamp, stamp);
        let now = Instant((arrives + 50 * MS) as u64);
        self.jumps.extend(self.timeline.place(kind, &mut packet, now));
        assert_eq!(packet.pts, packet.dts);
        self.placed.push(Placed { kind, captured, at: packet.dts.0 });
        packet.dts.0
    }

    /// Captures from one time to another; the clocks say how it is stamped, or that there is nothing.
    pub fn run(
        &mut self,
        from: i64,
        to: i64,
        video: impl Fn(i64) -> Option<i64>,
        audio: impl Fn(i64) -> Option<i64>,
    ) {
        self.deliver(from, to, |t| t, video, audio);
    }

    pub fn deliver(
        &mut self,
        from: i64,
        to: i64,
        arrives: impl Fn(i64) -> i64,
        video: impl Fn(i64) -> Option<i64>,
        audio: impl Fn(i64) -> Option<i64>,
    ) {
        let first = |step: i64| (from + step - 1) / step;
        let (mut v, mut a) = (first(VIDEO_STEP), first(AUDIO_STEP));
        loop {
            let (kind, t) = if v * VIDEO_STEP <= a * AUDIO_STEP {
                (Video, v * VIDEO_STEP)
            } else {
                (Audio, a * AUDIO_STEP)
            };
            if t >= to {
                break;
            }
            let stamp = match kind {
                Video => {
                    v += 1;
                    video(t)
                }
                Audio => {
                    a += 1;
                    audio(t)
                }
            };
            if let Some(stamp) = stamp {
                self.put(kind, t, stamp, arrives(t));
            }
        }
    }

    pub fn kinds(&self) -> Vec<JumpKind> {
        self.jumps.iter().map(|j| j.kind).collect()
    }

    pub fn steps(&self, kind: MediaKind) -> Vec<i64> {
        let of: Vec<i64> = self.placed.iter().filter(|p| p.kind == kind).map(|p| p.at).collect();
        of.windows(2).map(|w| w[1] - w[0]).collect()
    }

    /// Each track goes on without a hole longer than `hole` and never back.
    pub fn assert_even(&self, hole: i64) {
        for kind in [Video, Audio] {
            let steps = self.steps(kind);
            let (least, most) = (steps.iter().min().copied(), steps.iter().max().copied());
            assert!(least >= Some(0) && most <= Some(hole), "{kind:?}: steps of {least:?} to {most:?} µs");
        }
    }

    /// How far sound captured at the same time as the picture is placed after it, at the end, in µs.
    pub fn sound_after_picture(&self) -> i64 {
        let lead = |kind| {
            self.placed.iter().rev().find(|p| p.kind == kind).map(|p| p.at - p.captured).expect("packets")
        };
        lead(Audio) - lead(Video)
    }

    pub fn assert_together(&self, within: i64) {
        let off = self.sound_after_picture();
        assert!(off.abs() <= within, "sound {off} µs after the picture");
    }
}

pub fn same(t: i64) -> Option<i64> {
    Some(t)
}

pub fn plus(offset: i64) -> impl Fn(i64) -> Option<i64> {
    move |t| Some(t + offset)
}
