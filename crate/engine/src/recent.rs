//! What a decoder has been given and another one would need in its place.
//!
//! Of pictures, all since the last keyframe: the next decoder starts there at once and catches up, in place of a still picture
//! up to the next keyframe. Of sound, what has not come out. **Invariant:** it is whole or empty: beyond its bounds it is given up
//! until the next keyframe.

use std::collections::VecDeque;

use sailcast_media::{MediaKind, MediaTime, Packet};

/// Beyond either, a GOP is not kept: 8 s of 8 Mbit/s, or what a viewer would not wait for to be decoded again.
const MAX_BYTES: usize = 8 << 20;
const MAX_PACKETS: usize = 600;

#[derive(Debug, Default)]
pub struct Recent {
    packets: VecDeque<Packet>,
    bytes: usize,
    /// The keyframe's time, also of pictures that are not kept.
    start: Option<MediaTime>,
    /// Decoders that were given these pictures after the first one.
    restarts: u8,
}

impl Recent {
    /// The decoder is given this packet.
    pub fn note(&mut self, packet: &Packet) {
        let is_video = packet.track.kind == MediaKind::Video;
        let is_start = is_video && packet.keyframe;
        if is_start && self.start != Some(packet.dts) {
            self.clear();
            self.start = Some(packet.dts);
        }
        if is_video && !is_start && self.packets.is_empty() {
            return;
        }
        self.bytes = self.bytes.saturating_add(packet.data.len());
        self.packets.push_back(packet.clone());
        if self.bytes > MAX_BYTES || self.packets.len() > MAX_PACKETS {
            self.drain();
        }
    }

    /// The decoder gave what was presented at `pts`.
    pub fn came_out(&mut self, pts: MediaTime) {
        // A picture may be needed by later ones; sound needs nothing from before.
        while let Some(first) = self.packets.front() {
            if first.track.kind == MediaKind::Video || first.pts > pts {
                break;
            }
            self.bytes = self.bytes.saturating_sub(first.data.len());
            self.packets.pop_front();
        }
    }

    /// How many further decoders these packets were given to.
    pub fn restarts(&self) -> u8 {
        self.restarts
    }

    /// Gives all for another decoder, which will be given them again.
    pub fn replay(&mut self) -> VecDeque<Packet> {
        self.restarts = self.restarts.saturating_add(1);
        self.drain()
    }

    /// Another decoder begins behind these pictures. Should they come again, they come whole.
    pub fn give_up(&mut self) {
        self.drain();
    }

    pub fn clear(&mut self) {
        self.drain();
        self.start = None;
        self.restarts = 0;
    }

    fn drain(&mut self) -> VecDeque<Packet> {
        self.bytes = 0;
        std::mem::take(&mut self.packets)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sailcast_media::TrackId;

    use super::*;

    fn packet(track: TrackId, ms: i64, keyframe: bool, len: usize) -> Packet {
        let at = MediaTime::from_millis(ms);
        let data = Bytes::from(vec![0; len]);
        Packet { track, dts: at, pts: at, duration: None, keyframe, disposable: false, data }
    }

    fn times(packets: VecDeque<Packet>) -> Vec<i64> {
        packets.iter().map(|p| p.pts.0 / 1000).collect()
    }

    #[test]
    fn pictures_are_kept_from_the_last_keyframe_on() {
        let mut recent = Recent::default();
        for (ms, keyframe) in [(0, false), (40, true), (80, false), (120, true), (160, false), (200, false)] {
            recent.note(&packet(TrackId::video(0), ms, keyframe, 10));
            recent.came_out(MediaTime::from_millis(ms));
        }
        assert_eq!(times(recent.replay()), [120, 160, 200]);
    }

    #[test]
    fn sound_is_kept_until_it_has_come_out() {
        let mut recent = Recent::default();
        for ms in [0, 20, 40, 60] {
            recent.note(&packet(TrackId::audio(0), ms, true, 10));
        }
        recent.came_out(MediaTime::from_millis(20));
        assert_eq!(times(recent.replay()), [40, 60]);
    }

    #[test]
    fn a_gop_that_is_too_large_is_not_kept_in_part() {
        let mut recent = Recent::default();
        recent.note(&packet(TrackId::video(0), 0, true, 10));
        for i in 1..20 {
            recent.note(&packet(TrackId::video(0), i * 40, false, 1 << 20));
        }
        assert!(recent.replay().is_empty());
        recent.note(&packet(TrackId::video(0), 1000, true, 10));
        assert_eq!(times(recent.replay()), [1000]);
    }

    #[test]
    fn given_again_the_same_pictures_keep_count_of_it_and_others_begin_anew() {
        let mut recent = Recent::default();
        recent.note(&packet(TrackId::video(0), 0, true, 10));
        for p in recent.replay() {
            recent.note(&p);
        }
        assert_eq!(recent.restarts(), 1);
        recent.note(&packet(TrackId::video(0), 40, true, 10));
        assert_eq!(recent.restarts(), 0);
    }
}
