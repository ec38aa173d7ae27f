//! FLV: the container of RTMP's world, by Adobe's "Video File Format Specification, version 10.1".
//!
//! [`tag`] cuts the stream into tags and knows no codec but the few bits that classify a tag; a relay needs no more.

pub mod amf0;
mod class;
pub mod tag;

pub use class::TagClass;
pub use tag::{Tag, TagEvent, TagKind, TagReader};
