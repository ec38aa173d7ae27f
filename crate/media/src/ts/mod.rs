//! MPEG transport streams (ISO/IEC 13818-1, ITU-T H.222.0), as HLS has them and broadcasters send them.
//!
//! `reader` cuts bytes into packets, `psi` and `pes` join what packets carry, `kind` says what a stream is by its type and descriptors,
//! [`demux`] turns all that into events; [`mux`] is the other way. Offsets of what was left out are those of a transport packet: where the
//! unit begins, or where something was missed. Its bytes do not stand together, so the lengths are of what was dropped of the unit.

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

/// CRC-32 of annex A: most significant bit first, from all ones, not inverted. It is 0 over a section with its own.
fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..u8::BITS).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 }
        })
    })
}
