//! What goes to playback, in order, and what it has got.
//!
//! **Invariant:** a track is told before its packets and when it changes, whichever rendition it comes from.

use std::collections::VecDeque;

use sailcast_media::{DemuxEvent, MediaKind, MediaTime, Micros, Packet, TrackId, TrackInfo};

use crate::{
    error::{ErrorCode, SailcastError},
    event::Event,
    feed::{CutReason, FeedEvent},
};

/// Of packets that do not say, until there is another one.
const USUAL_DURATION: Micros = Micros::from_millis(20);

/// What was given of a track.
#[derive(Clone, Copy, Debug)]
struct Given {
    track: TrackId,
    dts: MediaTime,
    end: MediaTime,
}

#[derive(Debug, Default)]
pub struct Delivery {
    queue: VecDeque<FeedEvent>,
    tracks: Vec<TrackInfo>,
    given: Vec<Given>,
    /// Where the last cut was.
    cut: Option<MediaTime>,
}

impl Delivery {
    pub fn tell(&mut self, event: Event) {
        self.queue.push_back(FeedEvent::Tell(event));
    }

    pub fn warn(&mut self, code: ErrorCode, what: String) {
        self.tell(Event::Error(SailcastError { code, fatal: false, what }));
    }

    pub fn cut(&mut self, at: MediaTime, why: CutReason) {
        self.queue.push_back(FeedEvent::Cut { at, why });
        match why {
            CutReason::Sound(_) => return self.given.retain(|given| given.track.kind != MediaKind::Audio),
            CutReason::Seek => self.given.clear(),
            CutReason::Rendition | CutReason::Gap => {}
        }
        self.cut = Some(at);
    }

    /// Goes on with another sound, of which `other` has what there is: from `from` on.
    pub fn take_over(&mut self, number: u8, other: Self, from: MediaTime) {
        let mut is_cut = false;
        let mut track = None;
        for event in other.queue {
            match event {
                FeedEvent::Demuxed(DemuxEvent::Track(info)) => track = Some(info),
                FeedEvent::Demuxed(DemuxEvent::Packet(packet)) if packet.pts >= from => {
                    let Some(info) = &track else { continue };
                    if !std::mem::replace(&mut is_cut, true) {
                        self.cut(packet.pts, CutReason::Sound(number));
                    }
                    self.packet(info, packet);
                }
                FeedEvent::Tell(_) => self.queue.push_back(event),
                _ => {}
            }
        }
        if !is_cut {
            self.cut(from, CutReason::Sound(number));
        }
    }

    /// What is neither a track nor a packet.
    pub fn pass(&mut self, event: DemuxEvent) {
        self.queue.push_back(FeedEvent::Demuxed(event));
    }

    /// A packet and its track.
    pub fn packet(&mut self, info: &TrackInfo, packet: Packet) {
        self.track(info);
        let track = packet.track;
        let known = self.given.iter_mut().find(|given| given.track == track);
        let step = known.as_ref().map(|given| packet.dts - given.dts);
        let duration =
            packet.duration.or(step.filter(|step| *step > Micros::ZERO && *step < Micros::from_secs(1)));
        let end = packet.pts + duration.unwrap_or(USUAL_DURATION);
        match known {
            // After a step back, as into another rendition, what was given behind it is replaced.
            Some(given) if packet.dts < given.dts => (given.dts, given.end) = (packet.dts, end),
            Some(given) => (given.dts, given.end) = (packet.dts, given.end.max(end)),
            None => self.given.push(Given { track, dts: packet.dts, end }),
        }
        self.queue.push_back(FeedEvent::Demuxed(DemuxEvent::Packet(packet)));
    }

    fn track(&mut self, info: &TrackInfo) {
        match self.tracks.iter_mut().find(|known| known.id == info.id) {
            Some(known) if known == info => return,
            Some(known) => *known = info.clone(),
            None => self.tracks.push(info.clone()),
        }
        self.queue.push_back(FeedEvent::Demuxed(DemuxEvent::Track(info.clone())));
    }

    /// These are the pictures that were told last.
    pub fn has_told(&self, pictures: &TrackInfo) -> bool {
        self.tracks.iter().any(|known| known.id == pictures.id && known.config.codec == pictures.config.codec)
    }

    /// The end of what was given of this kind.
    pub fn end(&self, kind: MediaKind) -> Option<MediaTime> {
        self.given.iter().filter(|given| given.track.kind == kind).map(|given| given.end).max()
    }

    /// Where the next picture is expected.
    pub fn goes_on_from(&self) -> Option<MediaTime> {
        let end = self.end(MediaKind::Video)?;
        Some(self.cut.map_or(end, |cut| cut.max(end)))
    }

    /// The last decoding time of what was given of this kind.
    pub fn last(&self, kind: MediaKind) -> Option<MediaTime> {
        self.given.iter().filter(|given| given.track.kind == kind).map(|given| given.dts).max()
    }

    pub fn poll(&mut self) -> Option<FeedEvent> {
        self.queue.pop_front()
    }

    pub fn has_given(&self) -> bool {
        !self.tracks.is_empty()
    }

    /// Packets that nobody has taken are of no use any more.
    pub fn clear(&mut self) {
        self.queue.retain(|event| !matches!(event, FeedEvent::Demuxed(DemuxEvent::Packet(_))));
    }
}
