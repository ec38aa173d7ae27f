//! What is played, as a file: the packets of the player's timeline in MP4 or FLV, as they came.
//!
//! **Invariant:** the file begins with a keyframe of the picture at time 0, of the tracks that are played then, and within it picture
//! and sound keep their distance. Where the source goes on after a break, nothing is written twice: the picture goes on exactly behind
//! the last one of the file, or at a keyframe, and what is missing between is left out of its time. After a seek it goes on with what
//! is there, also where that is in the file already.
//!
//! Of a live stream all that comes is recorded as it comes; of a source that loads ahead, what the playhead has come to.

mod file;
mod order;
#[cfg(test)]
mod tests;
mod writer;

use bytes::Bytes;
use sailcast_media::{MediaKind, MediaTime, Packet, TrackInfo};

use self::{
    file::{File, KEYFRAME_WITHIN},
    order::{Held, Order},
    writer::Failure,
};
use crate::{
    event::Event,
    feed::CutReason,
    io::{Container, Instant, Output},
    outbox::Outbox,
};

/// Hears of all that is played; what it does not want to know it leaves.
pub trait Recorder {
    /// Begins one, after the end of another that is still going on, or ends it.
    fn want(&mut self, container: Option<Container>, now: Instant, out: &mut Outbox);
    /// What of it is not out yet, and that it is complete.
    fn finish(&mut self, now: Instant, out: &mut Outbox);
    /// This track is played from its next packet on, or with another configuration.
    fn config(&mut self, track: &TrackInfo);
    /// The packets of another connection follow.
    fn joined(&mut self, now: Instant);
    /// What follows does not go on where the last packets ended.
    fn cut(&mut self, at: MediaTime, why: CutReason, now: Instant, out: &mut Outbox);
    /// The playhead goes to another place of what is here.
    fn skip_to(&mut self, to: MediaTime, now: Instant);
    /// Takes a packet of what is played, placed on the timeline; `playhead` is that of a source that loads ahead.
    fn take(&mut self, packet: &Packet, playhead: Option<MediaTime>, now: Instant, out: &mut Outbox);
    /// The source loads ahead, and the playhead has come so far.
    fn follow(&mut self, playhead: MediaTime, now: Instant, out: &mut Outbox);
}

/// Of one load, whether or not one is wanted.
#[derive(Debug, Default)]
pub struct Recording {
    order: Order,
    /// As they were at the last packet that left the order.
    video: Option<TrackInfo>,
    audio: Option<TrackInfo>,
    /// When the source broke before the packets that left the order.
    broken: Option<Instant>,
    wanted: Option<Wanted>,
    file: Option<File>,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    container: Container,
    since: Instant,
}

impl Recorder for Recording {
    fn want(&mut self, container: Option<Container>, now: Instant, out: &mut Outbox) {
        self.finish(now, out);
        self.wanted = container.map(|container| Wanted { container, since: now });
    }

    fn finish(&mut self, now: Instant, out: &mut Outbox) {
        self.write_ready(!self.order.is_ahead(), now, out);
        if self.wanted.is_some() {
            self.end(out);
        }
    }

    fn config(&mut self, track: &TrackInfo) {
        self.order.config(track);
    }

    fn joined(&mut self, now: Instant) {
        self.order.note_break(now);
    }

    fn cut(&mut self, at: MediaTime, why: CutReason, now: Instant, out: &mut Outbox) {
        match why {
            CutReason::Seek => {
                self.order.drop_unplayed();
                self.write_ready(true, now, out);
                self.go_elsewhere(now);
            }
            CutReason::Rendition => {
                self.order.drop_from(MediaKind::Video, at);
                // Some of what is replaced may be written.
                if !self.order.is_ahead() {
                    self.order.note_break(now);
                }
            }
            CutReason::Gap => self.order.note_break(now),
            CutReason::Sound(_) => self.order.drop_from(MediaKind::Audio, at),
        }
    }

    fn skip_to(&mut self, to: MediaTime, now: Instant) {
        if self.order.skip_to(to) {
            self.go_elsewhere(now);
        }
    }

    fn take(&mut self, packet: &Packet, playhead: Option<MediaTime>, now: Instant, out: &mut Outbox) {
        self.order.note(now);
        if self.wanted.is_some() || playhead.is_some() {
            self.order.push(packet);
            match playhead {
                Some(playhead) => self.follow(playhead, now, out),
                None => self.write_ready(false, now, out),
            }
        }
    }

    fn follow(&mut self, playhead: MediaTime, now: Instant, out: &mut Outbox) {
        self.order.follow(playhead);
        self.write_ready(false, now, out);
    }
}

impl Recording {
    /// Writes what is in order; all that is held, where nothing is to be waited for.
    fn write_ready(&mut self, all: bool, now: Instant, out: &mut Outbox) {
        while let Some(held) = self.order.pop(all, now) {
            match self.write(held, now) {
                Ok(None) => {}
                Ok(Some(piece)) => out.push(Output::Recorded(piece)),
                Err(failure) => {
                    let why = format!("The recording ended: {failure}.");
                    out.push(Output::Event(Event::RecordingFailed(why)));
                    self.end(out);
                }
            }
        }
    }

    fn write(&mut self, held: Held, now: Instant) -> Result<Option<Bytes>, Failure> {
        let Held { packet, config, broken } = held;
        let in_force = match packet.track.kind {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        };
        if config.is_some() {
            in_force.clone_from(&config);
        }
        let broken = broken.filter(|_| broken > self.broken);
        self.broken = self.broken.max(broken);
        let Some(wanted) = self.wanted else { return Ok(None) };
        if let Some(file) = &mut self.file {
            if let Some(broken) = broken {
                file.cut(false, broken);
            }
            return file.take(&packet, config, now);
        }
        let Some(tracks) = self.begins(&packet, wanted, now) else { return Ok(None) };
        let mut file = File::begin(wanted.container, &tracks, packet.dts)?;
        let piece = file.take(&packet, None, now);
        self.file = Some(file);
        piece
    }

    /// The tracks of a file that begins with this packet.
    fn begins(&self, packet: &Packet, wanted: Wanted, now: Instant) -> Option<Vec<TrackInfo>> {
        match packet.track.kind {
            MediaKind::Video => {
                let audio = self.order.next_config(MediaKind::Audio).or(self.audio.clone());
                packet.keyframe.then(|| self.video.clone().into_iter().chain(audio).collect())
            }
            MediaKind::Audio => {
                let has_picture = self.video.is_some() || self.order.next_config(MediaKind::Video).is_some();
                let is_alone = !has_picture || now - wanted.since >= KEYFRAME_WITHIN;
                is_alone.then(|| self.audio.clone().into_iter().collect())
            }
        }
    }

    fn go_elsewhere(&mut self, now: Instant) {
        if let Some(file) = &mut self.file {
            file.cut(true, now);
        }
    }

    fn end(&mut self, out: &mut Outbox) {
        self.wanted = None;
        if !self.order.is_ahead() {
            self.order.begin_anew();
        }
        let rest = self.file.take().map(File::finish);
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            out.push(Output::Recorded(rest));
        }
        out.push(Output::Recorded(Bytes::new()));
    }
}

/// Of a build that records nothing.
pub struct Nothing;

impl Recorder for Nothing {
    fn want(&mut self, container: Option<Container>, _now: Instant, out: &mut Outbox) {
        if container.is_some() {
            refuse(out);
        }
    }

    fn finish(&mut self, _now: Instant, _out: &mut Outbox) {}

    fn config(&mut self, _track: &TrackInfo) {}

    fn joined(&mut self, _now: Instant) {}

    fn cut(&mut self, _at: MediaTime, _why: CutReason, _now: Instant, _out: &mut Outbox) {}

    fn skip_to(&mut self, _to: MediaTime, _now: Instant) {}

    fn take(&mut self, _packet: &Packet, _playhead: Option<MediaTime>, _now: Instant, _out: &mut Outbox) {}

    fn follow(&mut self, _playhead: MediaTime, _now: Instant, _out: &mut Outbox) {}
}

/// There is nothing to record.
pub fn refuse(out: &mut Outbox) {
    let why = "There is nothing that plays and could be recorded.".to_owned();
    out.push(Output::Event(Event::RecordingFailed(why)));
    out.push(Output::Recorded(Bytes::new()));
}
