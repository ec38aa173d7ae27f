//! The container of a recording.
//!
//! **Invariant:** what a refused call leaves is a whole file of all packets before.

use std::fmt::{Debug, Display};

use bytes::BytesMut;
use sailcast_media::{
    FlvMuxer, MediaKind, MediaTime, Packet, TrackInfo,
    flv::{Headers, on_metadata},
    mp4::mux::Recording,
};

use crate::io::Container;

/// Why it cannot go on, in words.
pub type Failure = String;

/// Begins a file of these tracks.
pub type Begin = fn(Container, &[TrackInfo], &mut BytesMut) -> Result<Box<dyn Writer>, Failure>;

pub trait Writer: Debug {
    fn config(&mut self, track: &TrackInfo, out: &mut BytesMut) -> Result<(), Failure>;
    fn packet(&mut self, packet: &Packet, out: &mut BytesMut) -> Result<(), Failure>;
    /// What waits, and the index. What cannot be written of it is missing at the end of the file.
    fn finish(self: Box<Self>, out: &mut BytesMut);
}

pub fn begin(
    container: Container,
    tracks: &[TrackInfo],
    out: &mut BytesMut,
) -> Result<Box<dyn Writer>, Failure> {
    Ok(match container {
        Container::Mp4 => Box::new(Recording::new(tracks).map_err(words)?),
        Container::Flv => Box::new(Flv::begin(tracks, out)?),
    })
}

impl Writer for Recording {
    fn config(&mut self, track: &TrackInfo, _out: &mut BytesMut) -> Result<(), Failure> {
        Self::config(self, track).map_err(words)
    }

    fn packet(&mut self, packet: &Packet, out: &mut BytesMut) -> Result<(), Failure> {
        Self::packet(self, out, packet).map_err(words)
    }

    fn finish(self: Box<Self>, out: &mut BytesMut) {
        let _ = Self::finish(*self, out);
    }
}

#[derive(Debug)]
struct Flv {
    muxer: FlvMuxer,
    /// FLV has no time that goes back.
    last: MediaTime,
}

impl Flv {
    fn begin(tracks: &[TrackInfo], out: &mut BytesMut) -> Result<Self, Failure> {
        let has = |kind| tracks.iter().any(|track| track.kind() == kind);
        let mut muxer = FlvMuxer::new(has(MediaKind::Audio), has(MediaKind::Video));
        muxer.metadata(out, &on_metadata(tracks, Headers::Common)).map_err(words)?;
        for track in tracks {
            muxer.config(out, track).map_err(words)?;
        }
        Ok(Self { muxer, last: MediaTime(0) })
    }
}

impl Writer for Flv {
    fn config(&mut self, track: &TrackInfo, out: &mut BytesMut) -> Result<(), Failure> {
        self.muxer.config(out, track).map_err(words)
    }

    fn packet(&mut self, packet: &Packet, out: &mut BytesMut) -> Result<(), Failure> {
        let dts = packet.dts.max(self.last);
        let pts = dts + (packet.pts - packet.dts);
        self.muxer.packet(out, &Packet { dts, pts, ..packet.clone() }).map_err(words)?;
        self.last = dts;
        Ok(())
    }

    fn finish(self: Box<Self>, _out: &mut BytesMut) {}
}

fn words(error: impl Display) -> Failure {
    error.to_string()
}
