//! MPEG transport streams (ISO/IEC 13818-1, ITU-T H.222.0), as HLS has them and broadcasters send them.
//!
//! `reader` cuts bytes into packets, `psi` and `pes` join what packets carry, `kind` says what a stream is by its type and descriptors,
//! [`demux`] turns all that into events. Offsets of what was left out are those of a transport packet: where the unit begins, or
//! where something was missed. Its bytes do not stand together, so the lengths are of what was dropped of the unit.

pub mod demux;
mod kind;
pub mod mux;
mod packet;
mod pes;
mod psi;
mod reader;
mod stream;

pub use demux::TsDemuxer;
pub(crate) use reader::is_stream;
