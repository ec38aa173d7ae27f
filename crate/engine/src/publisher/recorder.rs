//! What is sent, as a file of its own: it begins at a keyframe, and goes on where the connection does not.

use bytes::{Bytes, BytesMut};
use sailcast_media::{MediaKind, Packet, TrackInfo, flv::MuxError};

use crate::{
    io::Instant,
    publisher::{
        live::TRACK_WITHIN,
        session::{Description, Session, take},
    },
};

#[derive(Debug, Default)]
pub struct Recorder {
    wanted: bool,
    /// Since when it could have begun.
    waits: Option<Instant>,
    session: Option<Session>,
    /// It has a keyframe, that pictures may refer to.
    has_keyframe: bool,
    buffer: BytesMut,
}

impl Recorder {
    /// True if a keyframe is needed to begin.
    pub fn want(&mut self, wanted: bool) -> bool {
        if !wanted {
            self.session = None;
            self.waits = None;
            self.has_keyframe = false;
        }
        self.wanted = wanted;
        wanted && self.session.is_none()
    }

    pub fn is_on(&self) -> bool {
        self.wanted
    }

    /// Takes a packet, in order. `tracks` are those known by now; `has` says which kinds there will be.
    pub fn take(
        &mut self,
        packet: &Packet,
        config: Option<&TrackInfo>,
        tracks: &[TrackInfo],
        has: (bool, bool),
        description: &Description,
        now: Instant,
    ) -> Result<(), MuxError> {
        if !self.wanted {
            return Ok(());
        }
        if self.session.is_none() {
            let since = *self.waits.get_or_insert(now);
            let video = tracks.iter().any(|track| track.kind() == MediaKind::Video);
            let has_video = has.0 && (video || now - since < TRACK_WITHIN);
            let begins = packet.keyframe && (!has_video || packet.track.kind == MediaKind::Video);
            if !begins {
                return Ok(());
            }
            self.session = Some(Session::begin(packet.dts, has, tracks, description, &mut self.buffer)?);
        }
        if packet.track.kind == MediaKind::Video {
            self.has_keyframe |= packet.keyframe;
            if !self.has_keyframe {
                return Ok(());
            }
        }
        match &mut self.session {
            Some(session) => session.write(packet, config, &mut self.buffer),
            None => Ok(()),
        }
    }

    /// What the packets taken since have come to: one piece, however many an encoder gave at once.
    pub fn written(&mut self) -> Option<Bytes> {
        take(&mut self.buffer)
    }
}
