//! Publishing by RTMP, the client's side, by Adobe's "Real-Time Messaging Protocol (RTMP) specification", 1.0.
//!
//! **Invariant:** bytes in, bytes out: no sockets, no clock, no randomness. Whatever a server sends is bounded by
//! named caps and ends in an error at worst. Bodies of tags go out as they came, also those of enhanced FLV.
//!
//! It plays nothing and speaks no AMF3, no RTMPT, and none of the digests of Flash's handshake, which servers ask of
//! Flash players alone.

mod chunk;
mod client;
mod target;

pub use client::{Client, RtmpError};
pub use target::Target;
