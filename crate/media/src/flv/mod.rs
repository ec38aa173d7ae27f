//! FLV: the container of RTMP's world, by Adobe's "Video File Format Specification, version 10.1" and Veovera's "Enhanced
//! RTMP v2", with the codec ids that servers in China added.
//!
//! [`tag`] cuts the stream into tags and knows no codec but the few bits that classify a tag; a relay needs no more.
//! [`demux`] and [`mux`] turn tags into packets and back, and [`file`](mod@file) reads a recording at any place.

pub mod amf0;
mod body;
mod class;
mod colour;
pub mod demux;
mod ex;
pub mod file;
mod header;
mod index;
pub mod mux;
mod on_metadata;
mod raw_aac;
mod reader;
pub mod tag;
mod track;
mod write;

pub use class::TagClass;
pub use demux::FlvDemuxer;
pub use file::FlvFile;
pub use mux::{FlvMuxer, MuxError};
pub use on_metadata::on_metadata;
pub use tag::{Tag, TagEvent, TagKind, TagReader};
pub use write::Headers;
