//! From demux events to the packet queues.

use sailcast_media::{
    DemuxEvent, MediaKind, Metadata, Micros, Packet, TrackId, TrackInfo,
    demux::SkipReason,
    flv::demux::{AUDIO_TRACK, VIDEO_TRACK},
};

use super::Playback;
use crate::{
    decode::Outbox,
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{Instant, Output},
    quality::DropCause,
    source::{fatal, warning},
};

/// Beyond either, whole GOPs go, oldest first: of a paused player, mostly.
const MAX_BUFFER_TIME: Micros = Micros::from_secs(20);
const MAX_BUFFER_BYTES: u64 = 24 << 20;
const ROOM_ABOVE_TARGET: Micros = Micros::from_secs(5);

impl Playback {
    pub(super) fn demux(&mut self, now: Instant, out: &mut Outbox) {
        while !self.is_over() {
            let Some(event) = self.connection.as_mut().and_then(|c| c.poll(now)) else { break };
            self.on_demuxed(event, now, out);
        }
        self.compare_tracks();
        if let Some(edge) = self.edge() {
            self.arrival.note(edge, now);
        }
    }

    fn on_demuxed(&mut self, event: DemuxEvent, now: Instant, out: &mut Outbox) {
        match event {
            DemuxEvent::Track(track) => self.on_track(track, now, out),
            DemuxEvent::Packet(packet) => self.on_packet(packet, now, out),
            DemuxEvent::Metadata(message) => {
                let time = self.timeline.place_time(message.time);
                out.push(Output::Event(Event::Metadata(Metadata { time, ..message })));
            }
            DemuxEvent::Skipped { track, at, len, why } => self.on_skipped(track, at, len, why, now, out),
        }
    }

    fn on_track(&mut self, track: TrackInfo, now: Instant, out: &mut Outbox) {
        if let Some((_, error)) = self.unsupported.take() {
            self.warnings.raise(SailcastError { fatal: false, ..error }, now, out);
        }
        let stage = match track.kind() {
            MediaKind::Video => &mut self.video.stage,
            MediaKind::Audio => &mut self.audio.stage,
        };
        // Another connection of the same stream says it again.
        if stage.newest_config() == Some(&track) {
            return;
        }
        out.push(Output::Event(Event::Track(track.clone())));
        match track.kind() {
            MediaKind::Video => self.video.stage.push_config(track),
            MediaKind::Audio => {
                self.audio.enable();
                self.audio.stage.push_config(track);
            }
        }
    }

    fn on_packet(&mut self, mut packet: Packet, now: Instant, out: &mut Outbox) {
        if self.connection.as_mut().is_some_and(|c| c.is_replacement(now, out)) {
            self.join();
        }
        let kind = packet.track.kind;
        if let Some(jump) = self.timeline.place(kind, &mut packet, now) {
            self.arrival.rebase();
            out.push(Output::Event(Event::Discontinuity(jump)));
        }
        match kind {
            MediaKind::Video => {
                self.first_video.get_or_insert(now);
                self.stats.video_packets = self.stats.video_packets.saturating_add(1);
                self.barren.note(packet.keyframe, now);
                // Nothing before the first keyframe can ever be shown: it must not fill the buffer.
                if packet.keyframe {
                    self.first_keyframe.get_or_insert(packet.pts);
                }
                if self.first_keyframe.is_some() {
                    self.video.stage.queue.push(packet);
                } else {
                    self.video.drops.add(DropCause::NoKeyframe, 1);
                }
            }
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
    fn join(&mut self) {
        self.timeline.reconnected();
        self.arrival.rebase();
        self.video.stage.queue.break_reference();
        self.decoded_before = self.video.decoded;
        self.end_before = self.end();
        self.barren.clear();
        self.forget_deadlines();
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
                if self.has_track() {
                    self.warnings.raise(warning(ErrorCode::CodecUnsupported, what), now, out);
                } else if self.unsupported.is_none() {
                    self.unsupported = Some((now, fatal(ErrorCode::CodecUnsupported, what)));
                }
                return;
            }
            _ if track == Some(AUDIO_TRACK) => {}
            SkipReason::LostSync | SkipReason::BadPacket | SkipReason::BadConfig => {
                self.video.stage.queue.break_reference();
            }
            _ => {}
        }
        // Empty units are how some encoders say that there is no picture.
        if track == Some(VIDEO_TRACK) && why != SkipReason::TooShort {
            self.barren.note(false, now);
        }
        let what = format!("{len} bytes at byte {at} were left out: {why}.");
        self.warnings.raise(warning(ErrorCode::DataDamaged, what), now, out);
    }

    fn has_track(&self) -> bool {
        self.video.stage.is_known() || self.audio.stage.is_known()
    }

    pub(super) fn bound_buffers(&mut self) {
        let longest = MAX_BUFFER_TIME.max(self.latency.target + ROOM_ABOVE_TARGET);
        while self.video.stage.queue.span().max(self.audio.stage.queue.span()) > longest
            || self.buffer_memory() > MAX_BUFFER_BYTES
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
