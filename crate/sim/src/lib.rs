//! A virtual browser around the real engine: clock, network, decoders and sound card, all deterministic.
//!
//! [`Sim`] does what the real driver does and checks the engine's laws while doing it: a keyframe first after every
//! configuration, each frame rendered or released exactly once, few frames outstanding, pictures never backwards.
//! What it is given (a [`Server`]) and what is done to it decide everything: the same seed gives the same session.
//! It is for tests and for `cargo xtask sim`; nothing that is shipped depends on it.
#![forbid(unsafe_code)]

pub mod abr;
mod ask;
mod av1;
mod browser;
mod card;
mod chance;
mod decoder;
mod driver;
pub mod feed;
pub mod files;
mod link;
mod live;
mod meter;
pub mod origin;
pub mod peer;
pub mod recording;
mod server;
mod session;
pub mod site;
mod sps;
mod stream;
pub mod studio;
pub mod study;
pub mod synth;
pub mod trace;
pub mod uplink;

pub use ask::percentile;
pub use browser::{BEGIN, Sim, choosing, config, load};
pub use chance::Chance;
pub use decoder::{Asked, Decoders, Trouble};
pub use link::{Bottleneck, Link, LinkModel, Neighbour, Stop, Stops};
pub use live::LiveServer;
pub use meter::{Figures, Histogram};
pub use server::{Deliveries, Server};
pub use session::{Line, Session, Trail, auto};
pub use stream::{Encoder, StreamConfig};
