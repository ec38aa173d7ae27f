//! The two formats of segments, behind one face.
//!
//! **Invariant:** a piece is written whole or not at all.

use bytes::{Bytes, BytesMut};
use sailcast_media::{
    MediaTime, Micros, Packet, TrackId, TrackInfo,
    mp4::mux::{FragmentMuxer, Mp4MuxError},
    ts::mux::{TsMuxError, TsMuxer},
};
use thiserror::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Fragmented MP4, in parts too: LL-HLS.
    Fmp4,
    Ts,
}

impl Format {
    /// As people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fmp4 => "MP4",
            Self::Ts => "MPEG-TS",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MuxError {
    #[error(transparent)]
    Mp4(#[from] Mp4MuxError),
    #[error(transparent)]
    Ts(#[from] TsMuxError),
}

#[derive(Debug)]
pub enum Muxer {
    Fmp4(FragmentMuxer),
    Ts(TsMuxer),
}

/// One piece of a segment, to be written.
pub struct Piece<'a> {
    pub packets: &'a [Packet],
    /// What comes behind it.
    pub next: &'a [Packet],
    pub begins_segment: bool,
    /// At this time of this track, the clock stood at so much since 1970.
    pub clock: Option<(TrackId, MediaTime, Micros)>,
}

impl Muxer {
    /// `base`: no packet may be earlier.
    pub fn new(format: Format, tracks: &[TrackInfo], base: MediaTime) -> Result<Self, MuxError> {
        Ok(match format {
            Format::Fmp4 => Self::Fmp4(FragmentMuxer::new(tracks)?.with_base(base)),
            Format::Ts => Self::Ts(TsMuxer::new(tracks)?.with_base(base)),
        })
    }

    /// Whether the format can carry it.
    pub fn takes(format: Format, track: &TrackInfo) -> bool {
        Self::new(format, std::slice::from_ref(track), MediaTime(0)).is_ok()
    }

    /// The init segment, where the format has one.
    pub fn init(&self) -> Option<Bytes> {
        let Self::Fmp4(muxer) = self else { return None };
        let mut out = BytesMut::new();
        muxer.init(&mut out);
        Some(out.freeze())
    }

    pub fn piece(&mut self, piece: &Piece<'_>) -> Result<Bytes, MuxError> {
        let mut out = BytesMut::new();
        match self {
            Self::Fmp4(muxer) => {
                if piece.begins_segment {
                    muxer.segment_type(&mut out);
                }
                if let Some((track, time, unix)) = piece.clock {
                    muxer.producer_time(&mut out, track, time, unix)?;
                }
                muxer.fragment(&mut out, piece.packets, piece.next)?;
            }
            Self::Ts(muxer) => {
                if piece.begins_segment {
                    muxer.tables(&mut out);
                }
                for packet in piece.packets {
                    muxer.packet(&mut out, packet)?;
                }
                muxer.flush(&mut out);
            }
        }
        Ok(out.freeze())
    }
}
