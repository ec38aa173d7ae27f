//! The container of a recording.
//!
//! **Invariant:** what a refused call leaves is a whole file of all packets before.

use bytes::BytesMut;
use sailcast_media::{
    FlvMuxer, MediaKind, MediaTime, Packet, TrackInfo,
    flv::{Headers, on_metadata},
    mp4::mux::Recording,
};

use crate::io::Container;

/// Why it cannot go on, in words.
pub type Failure = String;

#[derive(Debug)]
pub enum Writer {
    Mp4(Box<Recording>),
    Flv {
        muxer: Box<FlvMuxer>,
        /// FLV has no time that goes back.
        last: MediaTime,
    },
}

impl Writer {
    pub fn begin(container: Container, tracks: &[TrackInfo], out: &mut BytesMut) -> Result<Self, Failure> {
        if container == Container::Mp4 {
            let recording = Recording::new(tracks).map_err(|error| error.to_string())?;
            return Ok(Self::Mp4(Box::new(recording)));
        }
        let has = |kind| tracks.iter().any(|track| track.kind() == kind);
        let mut muxer = FlvMuxer::new(has(MediaKind::Audio), has(MediaKind::Video));
        muxer.metadata(out, &on_metadata(tracks, Headers::Common)).map_err(|error| error.to_string())?;
        for track in tracks {
            muxer.config(out, track).map_err(|error| error.to_string())?;
        }
        Ok(Self::Flv { muxer: Box::new(muxer), last: MediaTime(0) })
    }

    pub fn config(&mut self, track: &TrackInfo, out: &mut BytesMut) -> Result<(), Failure> {
        match self {
            Self::Mp4(recording) => recording.config(track).map_err(|error| error.to_string()),
            Self::Flv { muxer, .. } => muxer.config(out, track).map_err(|error| error.to_string()),
        }
    }

    pub fn packet(&mut self, packet: &Packet, out: &mut BytesMut) -> Result<(), Failure> {
        match self {
            Self::Mp4(recording) => recording.packet(out, packet).map_err(|error| error.to_string()),
            Self::Flv { muxer, last } => {
                let dts = packet.dts.max(*last);
                let composition = packet.pts - packet.dts;
                muxer
                    .packet(out, &Packet { dts, pts: dts + composition, ..packet.clone() })
                    .map_err(|error| error.to_string())?;
                *last = dts;
                Ok(())
            }
        }
    }

    /// What waits, and the index. What cannot be written of it is missing at the end of the file.
    pub fn finish(self, out: &mut BytesMut) {
        if let Self::Mp4(recording) = self {
            let _ = recording.finish(out);
        }
    }
}
