//! How far the stream reaches, and where the playhead is in it.

use sailcast_media::MediaTime;

use super::{PACED_TRACK_ENDED, PACED_TRACK_LOST, Playback, TRACK_BACK, TRACK_LOST};
use crate::{feed::Feed, io::Instant};

impl Playback {
    /// Up to where everything can be played. A track that has stopped does not hold the other.
    pub(super) fn edge(&self) -> Option<MediaTime> {
        match (self.video_edge(), self.audio_edge()) {
            (Some(v), Some(a)) if !self.apart => Some(v.min(a)),
            (v, a) => v.max(a),
        }
    }

    /// Packets came: whether the tracks go together.
    pub(super) fn compare_tracks(&mut self) {
        if let (Some(v), Some(a)) = (self.video_edge(), self.audio_edge()) {
            let distance = (v - a).abs();
            let whole = self.extent.whole.map(|whole| self.turns.of_source(whole));
            let is_all = whole.is_some_and(|whole| whole - v.min(a) > PACED_TRACK_ENDED);
            self.apart = match self.is_paced() {
                true if is_all => self.has_ended() || distance > PACED_TRACK_ENDED,
                true => self.has_ended() || distance > PACED_TRACK_LOST,
                false => distance > if self.apart { TRACK_BACK } else { TRACK_LOST },
            };
        }
    }

    /// The end of the last thing there is to play.
    pub(super) fn end(&self) -> Option<MediaTime> {
        self.video_edge().max(self.audio_edge())
    }

    /// Where the playhead stops for want of data: a paced source has yet to bring what is missing of one track.
    pub(super) fn dry_at(&self) -> Option<MediaTime> {
        if self.is_paced() && !self.has_ended() { self.edge() } else { self.end() }
    }

    /// No more will come.
    pub(super) fn has_ended(&self) -> bool {
        self.feed.as_ref().is_none_or(Feed::is_over) && !self.seeks.is_awaiting()
    }

    /// The connection gives what it should: pictures, where there is video and somebody looks.
    pub(super) fn is_good(&self) -> bool {
        self.is_unseen() || self.barren.is_clear() || self.video.decoded > self.decoded_before
    }

    pub(super) fn video_edge(&self) -> Option<MediaTime> {
        self.video.stage.queue.edge().filter(|_| !self.video.disabled)
    }

    pub(super) fn audio_edge(&self) -> Option<MediaTime> {
        self.audio.stage.queue.edge().filter(|_| !self.audio.disabled)
    }

    /// The playhead; before the start, where it would start.
    pub(super) fn playhead(&self, now: Instant) -> MediaTime {
        if self.clock.has_run() { self.clock.media(now) } else { self.start_at().unwrap_or_default() }
    }

    pub(super) fn start_at(&self) -> Option<MediaTime> {
        if self.is_paced() {
            return self.paced_start();
        }
        let edge = self.edge()?;
        let first = self.first_keyframe.or(self.first_sound)?;
        Some((edge - self.latency.target).max(first))
    }
}
