//! FLV: the container of RTMP's world, by Adobe's "Video File Format Specification, version 10.1".
//!
//! [`tag`] cuts the stream into tags and knows no codec but the few bits that classify a tag; a relay needs no more.
//! [`demux`] and [`mux`] turn tags into packets and back.

pub mod amf0;
mod class;
pub mod demux;
mod header;
pub mod mux;
pub mod tag;

pub use class::TagClass;
pub use demux::FlvDemuxer;
pub use mux::{FlvMuxer, MuxError};
pub use tag::{Tag, TagEvent, TagKind, TagReader};
