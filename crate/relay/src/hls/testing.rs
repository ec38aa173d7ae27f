//! A publisher in virtual time, for the tests of what is pure here.

use sailcast_media::{DemuxEvent, Micros, Packet, TrackInfo};

use super::{
    packager::{Packager, Wanted},
    window::{Bounds, SEGMENTS_PER_SECOND},
};
use crate::muxer::Format;
pub use crate::testing::{audio, ms, picture, sound, video};

pub const EPOCH: u64 = 1_800_000_000;
/// The first segment's sequence number.
pub const FIRST: u64 = EPOCH * SEGMENTS_PER_SECOND;
pub const NOON: Micros = Micros::from_secs(EPOCH as i64);

/// Publishes into a packager, each packet 20 ms after its time.
pub struct Studio {
    pub packager: Packager,
    pub fps: i64,
    pub group: Micros,
    pub has_pictures: bool,
    pub has_sound: bool,
    /// Of the stream, and what the clock is ahead of it.
    pub at: Micros,
    pub ahead: Micros,
}

impl Studio {
    /// 30 pictures a second in groups of 2 s, and sound.
    pub fn new(format: Format) -> Self {
        Self::with(format, Bounds { listed: Micros::from_secs(60), bytes: usize::MAX })
    }

    pub fn with(format: Format, bounds: Bounds) -> Self {
        let wanted = Wanted { segment: Micros::from_secs(2), part: ms(333) };
        let mut studio = Self {
            packager: Packager::new(format, wanted, bounds, Some(Micros::from_secs(2)), EPOCH),
            fps: 30,
            group: Micros::from_secs(2),
            has_pictures: true,
            has_sound: true,
            at: Micros::ZERO,
            ahead: NOON + ms(20),
        };
        studio.configure(video());
        studio.configure(audio(48_000));
        studio
    }

    pub fn configure(&mut self, track: TrackInfo) {
        self.packager.push(vec![DemuxEvent::Track(track)], self.now());
    }

    pub fn send(&mut self, packet: Packet) {
        self.packager.push(vec![DemuxEvent::Packet(packet)], self.now());
    }

    pub fn now(&self) -> Micros {
        self.at + self.ahead
    }

    /// Goes on for so long, with time stamps of whole milliseconds as FLV has them; each group begins with its keyframe.
    pub fn run(&mut self, duration: Micros) {
        let end = self.at + duration;
        let whole = |at: i64| ms((at as f64 / 1000.0).round() as i64);
        let mut due: Vec<(Micros, Packet)> = Vec::new();
        if self.has_pictures {
            for n in 0.. {
                let at = n * 1_000_000 / self.fps;
                let time = whole(at);
                if time >= end {
                    break;
                }
                due.push((time, picture(time, at % self.group.0 < 1_000_000 / self.fps)));
            }
        }
        if self.has_sound {
            let times = (0..).map(|n| whole(n * 1024 * 1_000_000 / 48_000)).take_while(|time| *time < end);
            due.extend(times.map(|time| (time, sound(time))));
        }
        due.retain(|(time, _)| *time >= self.at);
        due.sort_by_key(|(time, _)| *time);
        for (time, packet) in due {
            self.at = time;
            self.send(packet);
        }
        self.at = end;
    }
}
