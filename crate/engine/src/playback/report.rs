//! What is told of a load when somebody asks.

use sailcast_media::{MediaTime, Micros};

use super::{Phase, Playback};
use crate::{
    event::{State, Stats},
    feed::Feed,
    io::{Begun, Instant},
    quality::Counters,
};

impl Playback {
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Over(state) => state,
            Phase::Ended => State::Ended,
            _ if self.paused && (self.video.has_shown() || self.clock.has_run()) => State::Paused,
            Phase::Stalled { .. } if self.is_suspended() => State::Paused,
            Phase::Starting | Phase::Beyond => State::Connecting,
            Phase::Playing => State::Playing,
            Phase::Stalled { .. } | Phase::Seeking => State::Waiting,
        }
    }

    /// What has come of a file that is to be handed on.
    pub fn begun(&self) -> Option<&Begun> {
        self.feed.as_ref()?.begun()
    }

    pub fn stats(&self, now: Instant) -> Stats {
        let playhead = self.playhead(now);
        let feed = self.feed.as_ref();
        let waiting = match self.phase {
            Phase::Stalled { since } if !self.paused && !self.is_suspended() => now - since,
            _ => Micros::ZERO,
        };
        // A recording has no live edge to be behind of.
        let edge = if self.is_paced() { self.live_edge(now) } else { self.edge() };
        let latency = edge.map_or(Micros::ZERO, |edge| (edge - playhead).max(Micros::ZERO));
        let position = self.turns.page(playhead);
        let since = |(at, unix): (MediaTime, Micros)| unix + (position - at);
        Stats {
            position: self.wanted().unwrap_or(position),
            latency,
            seekable: self.extent.seekable,
            duration: self.extent.duration,
            buffered_range: self.buffered_range(playhead),
            live_edge: self.live_edge(now),
            wall_clock: self.extent.wall_clock.map(since),
            rendition: self.extent.rendition,
            estimate: self.extent.estimate,
            buffered: self.end().map_or(Micros::ZERO, |end| (end - playhead).max(Micros::ZERO)),
            buffered_bytes: self.buffered_bytes(),
            rate: self.clock.rate(),
            target_latency: if edge.is_some() || !self.is_paced() {
                self.latency.target
            } else {
                Micros::ZERO
            },
            bytes_received: feed.map_or(self.stats.bytes_received, Feed::bytes),
            reconnects: feed.map_or(self.stats.reconnects, Feed::reconnects),
            frames_shed: self.video.drops.disposable,
            frames_decoded: self.video.decoded,
            frames_rendered: self.video.shown,
            frames_dropped: self.video.drops.lost(),
            frames_skipped: self.video.drops.skip,
            sound: self.audio.counts(),
            video_decoder: self.video.stage.path(),
            audio_decoder: self.audio.stage.path(),
            stalled: self.stats.stalled + waiting,
            ..self.stats
        }
    }

    /// What can be played on from the playhead, in the present turn of what begins again.
    fn buffered_range(&self, playhead: MediaTime) -> Option<(MediaTime, MediaTime)> {
        let edge = self.turns.next().into_iter().chain(self.edge()).min()?;
        let begin = self.turns.page(playhead);
        Some((begin, begin + (edge - playhead).max(Micros::ZERO)))
    }

    /// What the quality statistics count.
    pub fn counters(&self) -> Counters {
        Counters {
            bytes: self.feed.as_ref().map_or(self.stats.bytes_received, Feed::bytes),
            received: self.stats.video_packets,
            decoded: self.video.decoded,
            shown: self.video.shown,
            edge: self.edge(),
            drops: self.video.drops,
        }
    }
}
