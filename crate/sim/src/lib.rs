//! A virtual browser around the real engine: clock, network, decoders and sound card, all deterministic.
//!
//! [`Sim`] does what the real driver does and checks the engine's laws while doing it: a keyframe first after every
//! configuration, each frame rendered or released exactly once, few frames outstanding, pictures never backwards.
//! What it is given (a [`Server`]) and what is done to it decide everything: the same seed gives the same session.
//! It is for tests and for `cargo xtask sim`; nothing that is shipped depends on it.
#![forbid(unsafe_code)]

mod ask;
mod browser;
mod card;
mod driver;
pub mod feed;
mod server;
mod stream;

pub use ask::percentile;
pub use browser::Sim;
pub use server::{Deliveries, Server};
