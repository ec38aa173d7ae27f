//! From demux events to the packet queues.

use sailcast_media::{DemuxEvent, MediaKind, Micros, Packet, TrackId, demux::SkipReason};

use super::Playback;
use crate::{
    error::ErrorCode,
    event::Event,
    feed::FeedEvent,
    io::{Instant, Output},
    outbox::Outbox,
    quality::DropCause,
    source::{fatal, warning},
    tracks::Taken,
};

/// Beyond either, whole GOPs go, oldest first: of a paused player, mostly.
const MAX_BUFFER_TIME: Micros = Micros::from_secs(20);
const MAX_BUFFER_BYTES: u64 = 24 << 20;
const MAX_PACED_BYTES: u64 = 96 << 20;
const ROOM_ABOVE_TARGET: Micros = Micros::from_secs(5);

impl Playback {
    pub(super) fn demux(&mut self, now: Instant, out: &mut Outbox) {
        while !self.is_over() {
            let Some(event) = self.feed.as_mut().and_then(|feed| feed.poll(now, out)) else { break };
            match event {
                FeedEvent::Demuxed(event) => self.on_demuxed(self.turns.place(event), now, out),
                FeedEvent::Cut { at, why } => self.on_cut(at, why, now, out),
                FeedEvent::Tell(change @ Event::RenditionChange { .. }) => self.renditions.announce(change),
                FeedEvent::Tell(Event::Error(error)) if !error.fatal => {
                    self.warnings.raise(error, now, out);
                }
                FeedEvent::Tell(event) => out.push(Output::Event(event)),
            }
        }
        self.compare_tracks();
        if let Some(edge) = self.edge().filter(|_| !self.is_paced()) {
            self.arrival.note(edge, now);
        }
    }

    fn on_demuxed(&mut self, event: DemuxEvent, now: Instant, out: &mut Outbox) {
        match event {
            DemuxEvent::Track(track) => self.on_track(track, now, out),
            DemuxEvent::Packet(packet) => self.on_packet(packet, now, out),
            DemuxEvent::Metadata(message) => self.on_message(message, now, out),
            DemuxEvent::Skipped { track, at, len, why } => self.on_skipped(track, at, len, why, now, out),
        }
    }

    fn on_packet(&mut self, mut packet: Packet, now: Instant, out: &mut Outbox) {
        if self.feed.as_mut().is_some_and(|feed| feed.is_replacement(now, out)) {
            self.join(now);
        }
        if self.is_unwanted(&packet) {
            return;
        }
        let kind = packet.track.kind;
        match self.tracks(kind).take(&packet, now) {
            Taken::Played => {}
            Taken::Switched(track) => self.switch(track, out),
            Taken::Left => {
                self.sei.retain(|message| message.track != Some(packet.track));
                return;
            }
        }
        let raw = packet.pts;
        if self.is_paced() {
            self.arrival.begin(now);
        } else if let Some(jump) = self.timeline.place(kind, &mut packet, now) {
            self.arrival.rebase();
            out.push(Output::Event(Event::Discontinuity(jump)));
        }
        self.renditions.place(packet.pts);
        let playhead = self.is_paced().then(|| self.playhead(now));
        self.recording.take(&packet, playhead, now, out);
        match kind {
            MediaKind::Video => {
                self.place_messages(raw, &packet, now, out);
                if self.video.disabled {
                    return;
                }
                self.first_video.get_or_insert(now);
                self.stats.video_packets = self.stats.video_packets.saturating_add(1);
                self.barren.note(packet.keyframe, now);
                // Nothing before the first keyframe can ever be shown: it must not fill the buffer.
                if packet.keyframe {
                    self.first_keyframe.get_or_insert(packet.pts);
                    self.land_on_keyframe(packet.pts, now);
                }
                if self.first_keyframe.is_some() {
                    self.video.stage.queue.push(packet);
                } else {
                    self.video.drops.add(DropCause::NoKeyframe, 1);
                }
            }
            MediaKind::Audio if self.audio.disabled => {}
            MediaKind::Audio => {
                self.stats.audio_packets = self.stats.audio_packets.saturating_add(1);
                self.first_sound.get_or_insert(packet.pts);
                // Another connection begins with what this one had brought already.
                if self.audio.stage.queue.last_dts().is_none_or(|last| packet.dts > last) {
                    self.audio.stage.queue.push(packet);
                }
            }
        }
    }

    /// The packets of another connection follow. They begin with a keyframe, and may lie before those already here.
    fn join(&mut self, now: Instant) {
        self.timeline.reconnected();
        self.video_tracks.joined(now);
        self.audio_tracks.joined(now);
        self.repeated = self.video.stage.queue.last_dts();
        self.recording.joined(now);
        self.arrival.rebase();
        self.video.stage.queue.break_reference();
        self.decoded_before = self.video.decoded;
        self.end_before = self.end();
        self.barren.clear();
        self.forget_deadlines(now);
    }

    fn on_skipped(
        &mut self,
        track: Option<TrackId>,
        at: u64,
        len: u64,
        why: SkipReason,
        now: Instant,
        out: &mut Outbox,
    ) {
        self.stats.skipped_bytes = self.stats.skipped_bytes.saturating_add(len);
        match why {
            SkipReason::Truncated => return,
            SkipReason::UnsupportedCodec(name) => {
                let what = format!("The stream has a track in a codec that cannot be played: {name}.");
                self.cannot_play(fatal(ErrorCode::CodecUnsupported, what), now, out);
                return;
            }
            _ if track.is_some_and(|track| !self.concerns_pictures(track)) => {}
            SkipReason::LostSync | SkipReason::Continuity | SkipReason::BadPacket | SkipReason::BadConfig => {
                self.video.stage.queue.break_reference();
            }
            _ => {}
        }
        // Empty units are how some encoders say that there is no picture.
        if track.is_some_and(|track| self.concerns_pictures(track)) && why != SkipReason::TooShort {
            self.barren.note(false, now);
        }
        let what = format!("{len} bytes at byte {at} were left out: {why}.");
        self.warnings.raise(warning(ErrorCode::DataDamaged, what), now, out);
    }

    /// It is the video that is played, or may become it.
    fn concerns_pictures(&self, track: TrackId) -> bool {
        track.kind == MediaKind::Video && self.video_tracks.plays(track.number) && !self.video.disabled
    }

    pub(super) fn bound_buffers(&mut self) {
        // A paced source keeps within its own bounds, unless what it reads is made to exceed any.
        let (longest, most) = match self.is_paced() {
            true => (Micros(i64::MAX), MAX_PACED_BYTES),
            false => (MAX_BUFFER_TIME.max(self.latency.target + ROOM_ABOVE_TARGET), MAX_BUFFER_BYTES),
        };
        while self.video.stage.queue.span().max(self.audio.stage.queue.span()) > longest
            || self.buffer_memory() > most
        {
            let gone = self.video.stage.queue.drop_oldest_gop();
            self.video.drops.add(DropCause::Skip, gone as u64);
            let heard = match self.video.stage.queue.first_dts() {
                Some(first) => self.audio.stage.queue.drop_until(first),
                None => self.audio.stage.queue.drop_oldest_gop(),
            };
            if gone == 0 && heard == 0 {
                break;
            }
        }
    }

    fn buffer_memory(&self) -> u64 {
        self.video.stage.queue.memory().saturating_add(self.audio.stage.queue.memory())
    }

    pub(super) fn buffered_bytes(&self) -> u64 {
        self.video.stage.queue.bytes().saturating_add(self.audio.stage.queue.bytes())
    }
}
