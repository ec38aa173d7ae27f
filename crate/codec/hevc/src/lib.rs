//! HEVC (Main, Main 10, and the 4:2:0 and 4:4:4 range extensions up to 12 bits) in software: `rust_h265` behind the face of
//! software decoders.
//!
//! The decoder itself conceals: where a slice or a reference is lost it puts grey and goes on without a word. What is here
//! reads of each picture which others it refers to, and **no picture comes out that is damaged or refers to one that is**.
//! After damage that all later pictures inherit, that means none until the next random access point.
//! Pictures come out in presentation order, with the time of the packet they came in.
//!
//! It takes whole access units, one or more a packet, as length-prefixed NAL units. 4:0:0, 4:2:2 and screen content are
//! refused, as `rust_h265` does not know them.

mod bits;
mod decoder;
mod holes;
mod nal;
mod picture;
mod references;
mod reorder;
mod sets;
mod slice;

pub use decoder::Decoder;

sailcast_codec_face::module!(crate::Decoder);
