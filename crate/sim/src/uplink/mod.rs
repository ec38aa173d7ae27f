//! A virtual publisher around the real [`Uplink`](sailcast_engine::publisher::uplink::Uplink): camera, encoder, socket, the
//! system's hidden buffer, a bottleneck, and a server that acknowledges or does not.

mod encoder;
mod figures;
mod path;
mod peer;
mod publisher;
pub mod study;
pub mod trace;

pub use figures::Figures;
pub use publisher::{Line, Policy, Session, config};
