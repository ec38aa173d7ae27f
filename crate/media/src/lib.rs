//! Bytes to packets and back.
//!
//! **The one rule:** any split of the same bytes gives the same [`DemuxEvent`]s. Parsers hold at most one
//! incomplete unit, capped by a named constant; they never panic, and what they cannot read they skip with its
//! byte offset. Nothing here knows a clock, a network or a browser.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod codec;
pub mod demux;
mod elementary;
pub mod file;
pub mod flv;
pub mod hls;
mod id3;
pub mod metadata;
pub mod mp4;
pub mod packed;
pub mod packet;
mod queue;
pub mod read;
pub mod time;
pub mod ts;
pub mod unwrap;

pub use demux::{CodecName, DemuxError, DemuxEvent, Demuxer, SkipReason};
pub use file::FileDemuxer;
pub use flv::{FlvDemuxer, FlvFile, FlvMuxer};
pub use metadata::{Message, Metadata, Value};
pub use mp4::{Mp4Demuxer, Mp4File};
pub use packed::PackedDemuxer;
pub use packet::{
    AudioParams, Codec, CodecParams, Colour, DecoderConfig, MediaKind, Packet, PixelShape, TrackId,
    TrackInfo, Turn, VideoParams,
};
pub use time::{MediaTime, Micros};
pub use ts::TsDemuxer;
pub use unwrap::Unwrapper;
