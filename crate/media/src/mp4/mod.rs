//! MP4: the ISO base media file format (ISO/IEC 14496-12) with the sample entries of 14496-14, 14496-15 and of other codecs'
//! bindings, and what QuickTime does otherwise.
//!
//! [`Mp4Demuxer`] reads boxes in the order of a stream: segments of HLS and DASH behind their initialization, parts of LL-HLS, a
//! file from its beginning. [`Mp4File`] reads a file of either kind from anywhere. Both are faces of one reader.

mod boxes;
mod colour;
mod demux;
mod edits;
mod entry;
mod esds;
mod file;
mod fragment;
mod index;
mod lanes;
mod matrix;
mod messages;
mod movie;
pub mod mux;
mod reader;
mod sample;
mod table;
mod track;

pub use boxes::is_first as is_mp4;
pub use demux::Mp4Demuxer;
pub use file::Mp4File;
