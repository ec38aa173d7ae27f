//! What is played, as a file: the packets of the player's timeline in MP4 or FLV, as they came.
//!
//! **Invariant:** the file begins with a keyframe of the picture at time 0, of the tracks that are played then, and within it picture
//! and sound keep their distance. Where the source goes on after a break, nothing is written twice: the picture goes on exactly behind
//! the last one of the file, or at a keyframe, and what is missing between is left out of its time. After a seek it goes on with what
//! is there, also where that is in the file already.

mod file;
mod order;
#[cfg(test)]
mod tests;
mod writer;

use bytes::Bytes;
use sailcast_media::{MediaKind, Packet, TrackInfo};

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

/// Of one load, whether or not one is wanted.
#[derive(Debug, Default)]
pub struct Recording {
    order: Order,
    /// As they were at the last packet that left the order.
    video: Option<TrackInfo>,
    audio: Option<TrackInfo>,
    wanted: Option<Wanted>,
    file: Option<File>,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    container: Container,
    since: Instant,
}

impl Recording {
    /// Begins one, after the end of another that is still going on, or ends it.
    pub fn want(&mut self, container: Option<Container>, now: Instant, out: &mut Outbox) {
        self.finish(now, out);
        self.order.begin_anew();
        (self.video, self.audio) = (None, None);
        self.wanted = container.map(|container| Wanted { container, since: now });
    }

    /// What of it is not out yet, and that it is complete.
    pub fn finish(&mut self, now: Instant, out: &mut Outbox) {
        self.write_ready(true, now, out);
        if self.wanted.is_some() {
            self.end(out);
        }
    }

    /// This track is played from its next packet on, or with another configuration.
    pub fn config(&mut self, track: &TrackInfo) {
        self.order.config(track);
    }

    /// What follows does not go on where the last packets ended.
    pub fn cut(&mut self, why: CutReason, now: Instant, out: &mut Outbox) {
        self.write_ready(true, now, out);
        if let Some(file) = &mut self.file {
            file.cut(why, now);
        }
    }

    /// Takes a packet of what is played, placed on the timeline.
    pub fn take(&mut self, packet: &Packet, now: Instant, out: &mut Outbox) {
        self.order.note(now);
        if self.wanted.is_some() {
            self.order.push(packet);
            self.write_ready(false, now, out);
        }
    }

    /// Writes what is in order; all that is held, where nothing is to be waited for.
    fn write_ready(&mut self, all: bool, now: Instant, out: &mut Outbox) {
        while let Some(wanted) = self.wanted
            && let Some(held) = self.order.pop(all, now)
        {
            match self.write(held, wanted, now) {
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

    fn write(&mut self, held: Held, wanted: Wanted, now: Instant) -> Result<Option<Bytes>, Failure> {
        let Held { packet, config } = held;
        let in_force = match packet.track.kind {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        };
        if config.is_some() {
            in_force.clone_from(&config);
        }
        if let Some(file) = &mut self.file {
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
        let video = self.video.clone().or_else(|| self.order.next_config(MediaKind::Video));
        let audio = self.audio.clone().or_else(|| self.order.next_config(MediaKind::Audio));
        match packet.track.kind {
            MediaKind::Video => packet.keyframe.then(|| [video, audio].into_iter().flatten().collect()),
            MediaKind::Audio => {
                let is_alone = video.is_none() || now - wanted.since >= KEYFRAME_WITHIN;
                is_alone.then(|| audio.into_iter().collect())
            }
        }
    }

    fn end(&mut self, out: &mut Outbox) {
        self.wanted = None;
        self.order.begin_anew();
        let rest = self.file.take().map(File::finish);
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            out.push(Output::Recorded(rest));
        }
        out.push(Output::Recorded(Bytes::new()));
    }
}

/// There is nothing to record.
pub fn refuse(out: &mut Outbox) {
    let why = "There is nothing that plays and could be recorded.".to_owned();
    out.push(Output::Event(Event::RecordingFailed(why)));
    out.push(Output::Recorded(Bytes::new()));
}
