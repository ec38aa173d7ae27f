//! The publisher's hands in the browser: what the engine says, done in a dedicated worker.
//!
//! [`PublishSession`] is the one exported class. It turns what happens (pictures, sound, packets of encoders, sockets, timers,
//! the page's wishes) into the engine's inputs, and the engine's outputs into calls of Web APIs. Its one invariant is the
//! engine's: every input is followed by draining the outputs. It holds no policy: what to encode, send or drop, and when, is
//! decided in `sailcast_engine::publisher`.
//!
//! A module of its own: viewers do not download it. Its one consumer is `www/src/publisher/internal/worker.ts`.

mod driver;
mod encoder;
mod events;
mod frames;
mod session;
mod settings;
mod socket;
mod sound;

pub use session::PublishSession;
