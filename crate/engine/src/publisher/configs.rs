//! Which configuration a packet is for: packets wait in queues, and what encoders give changes meanwhile.

use std::collections::VecDeque;

use sailcast_media::{MediaKind, MediaTime, Packet, TrackInfo};

/// More changes than this do not wait in queues of half a second.
const MOST: usize = 16;

#[derive(Debug, Default)]
pub struct Configs {
    video: VecDeque<(MediaTime, TrackInfo)>,
    audio: VecDeque<(MediaTime, TrackInfo)>,
}

impl Configs {
    /// From the packet of this time on.
    pub fn note(&mut self, from: MediaTime, info: TrackInfo) {
        let log = match info.kind() {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        };
        if log.back().is_some_and(|(_, known)| *known == info) {
            return;
        }
        if log.len() >= MOST {
            log.pop_front();
        }
        log.push_back((from, info));
    }

    /// The one that is in force for this packet.
    pub fn of(&self, packet: &Packet) -> Option<&TrackInfo> {
        self.at(packet.track.kind, packet.dts)
    }

    pub fn knows(&self, kind: MediaKind) -> bool {
        !self.log(kind).is_empty()
    }

    /// A kind that is not published any more.
    pub fn forget(&mut self, kind: MediaKind) {
        match kind {
            MediaKind::Video => self.video.clear(),
            MediaKind::Audio => self.audio.clear(),
        }
    }

    /// Those in force at this time, video first.
    pub fn tracks(&self, at: MediaTime) -> Vec<TrackInfo> {
        let kinds = [MediaKind::Video, MediaKind::Audio];
        kinds.into_iter().filter_map(|kind| self.at(kind, at).cloned()).collect()
    }

    /// Of a time before the first one, the first.
    fn at(&self, kind: MediaKind, at: MediaTime) -> Option<&TrackInfo> {
        let log = self.log(kind);
        let found = log.iter().rev().find(|(from, _)| *from <= at);
        found.or(log.front()).map(|(_, info)| info)
    }

    fn log(&self, kind: MediaKind) -> &VecDeque<(MediaTime, TrackInfo)> {
        match kind {
            MediaKind::Video => &self.video,
            MediaKind::Audio => &self.audio,
        }
    }
}
