//! Elementary streams: tracks of picture and sound as MPEG-TS and packed audio carry them, in pieces that know nothing of frames, with a
//! time now and then.
//!
//! **Invariant:** a packet comes only behind the [`crate::TrackInfo`] that decodes it. A time belongs to the first unit that begins
//! behind it (ISO/IEC 13818-1, 2.4.3.7); the units behind that one go on by their own duration.

mod picture;
mod sound;
mod stamps;

use std::collections::VecDeque;

use crate::{
    codec::Damage,
    demux::{DemuxEvent, SkipReason},
    metadata::{Message, Metadata},
    packet::TrackId,
    time::MediaTime,
    unwrap::Unwrapper,
};

pub(crate) use picture::Picture;
pub(crate) use sound::Sound;

/// Ticks a second of the times of MPEG-TS.
pub(crate) const TIMESCALE: u32 = 90_000;

/// Times of 33 bits in ticks of 90 kHz, as they stand in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub pts: u64,
    /// The PTS where there is none.
    pub dts: u64,
}

/// Where all tracks of a stream put what they find, on one timeline.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    pub events: VecDeque<DemuxEvent>,
    pub clock: Unwrapper<33>,
    /// The dts of the last packet.
    pub latest: Option<MediaTime>,
}

impl Outlet {
    pub fn skipped(&mut self, track: Option<TrackId>, at: u64, len: u64, why: SkipReason) {
        if len > 0 {
            self.events.push_back(DemuxEvent::Skipped { track, at, len, why });
        }
    }

    pub fn message(&mut self, time: MediaTime, track: Option<TrackId>, message: Message) {
        self.events.push_back(DemuxEvent::Metadata(Metadata { time, track, message }));
    }
}

impl From<Damage> for SkipReason {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::NoConfig => Self::NoConfig,
            Damage::Invalid(_) => Self::BadPacket,
        }
    }
}
