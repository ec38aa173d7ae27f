//! Messages of the stream: told when they come, and again when their moment has come.

use sailcast_media::{MediaKind, MediaTime, Message, Metadata, Micros, Packet};

use super::{Playback, TRACK_LOST};
use crate::{
    error::ErrorCode,
    event::Event,
    io::{Instant, Output},
    outbox::Outbox,
    source::warning,
};

/// Messages that are held for their picture, at most: those of one access unit.
const MOST_OF_A_PICTURE: usize = 256;
/// A message stamped farther ahead of everything than this has a wrong stamp, and is due at once.
const FARTHEST_AHEAD: Micros = Micros::from_secs(10);
/// Without pictures nobody sees that a message is so late.
const CUE_EVERY: Micros = Micros::from_millis(10);

impl Playback {
    pub(super) fn on_message(&mut self, message: Metadata, now: Instant, out: &mut Outbox) {
        match message.message {
            // Its picture comes next, and has the time.
            Message::Sei { .. } if self.sei.len() < MOST_OF_A_PICTURE => self.sei.push(message),
            Message::Sei { .. } => {}
            _ => {
                let time = self.place_time(message.track.map(|t| t.kind), message.time);
                let time = match self.end().filter(|_| !self.is_paced()) {
                    Some(end) if time - end > FARTHEST_AHEAD => end,
                    _ => time,
                };
                self.take_message(Metadata { time, ..message }, true, now, out);
            }
        }
    }

    /// A picture has its place: so have the messages that came with it, which had the time `raw`.
    pub(super) fn place_messages(&mut self, raw: MediaTime, packet: &Packet, now: Instant, out: &mut Outbox) {
        let is_new = self.repeated.is_none_or(|until| packet.dts > until);
        if is_new {
            self.repeated = None;
        }
        for message in std::mem::take(&mut self.sei) {
            let kind = message.track.map(|track| track.kind);
            let time = match message.time == raw {
                true => packet.pts,
                false => self.place_time(kind, message.time),
            };
            self.take_message(Metadata { time, ..message }, is_new, now, out);
        }
    }

    fn place_time(&self, kind: Option<MediaKind>, time: MediaTime) -> MediaTime {
        if self.is_paced() { time } else { self.timeline.place_time(kind, time) }
    }

    fn take_message(&mut self, message: Metadata, is_new: bool, now: Instant, out: &mut Outbox) {
        let told = Metadata { time: self.turns.page(message.time), ..message.clone() };
        out.push(Output::Event(Event::Metadata(told)));
        let lost = if is_new { self.cues.add(message) } else { 0 };
        if lost > 0 {
            let what = "More messages came than can wait for their pictures: the oldest were left out.";
            self.warnings.raise(warning(ErrorCode::DataDamaged, what.to_owned()), now, out);
        }
    }

    /// Cues of a picture, and of what was left out before it; and of which rendition it is.
    pub(super) fn tell_cues_until(&mut self, pts: MediaTime, out: &mut Outbox) {
        while let Some(change) = self.renditions.due(pts) {
            out.push(Output::Event(change));
        }
        while let Some(message) = self.cues.due(pts) {
            let time = self.turns.page(message.time);
            out.push(Output::Event(Event::Cue(Metadata { time, ..message })));
        }
    }

    /// Where no picture comes, what is heard tells the time.
    pub(super) fn tell_cues(&mut self, now: Instant, out: &mut Outbox) {
        if self.clock.is_running() && !self.is_over() && !self.has_pictures(now) {
            let playhead = self.playhead(now);
            let heard = self.audio.heard(now).unwrap_or(playhead);
            self.tell_cues_until(playhead.min(heard), out);
        }
    }

    /// When the next cue is due of which no picture tells.
    pub(super) fn next_cue(&self, now: Instant) -> Option<Instant> {
        let due = self.clock.instant_of(self.cues.next()?)?;
        (!self.has_pictures(now)).then(|| due.max(now + CUE_EVERY))
    }

    /// Pictures are shown, or will be.
    fn has_pictures(&self, now: Instant) -> bool {
        let come = |edge: MediaTime| self.playhead(now) - edge < TRACK_LOST || !self.video.is_empty();
        !self.is_unseen() && self.video_edge().is_some_and(come)
    }
}
