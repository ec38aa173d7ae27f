//! The browser's hands: what the engine says, done in a dedicated worker.
//!
//! [`Session`] is the one exported class. It turns what happens (bytes, frames, samples, timers, the page's wishes)
//! into the engine's inputs, and the engine's outputs into calls of Web APIs. Its one invariant is the engine's:
//! every input is followed by draining the outputs. It holds no policy: what to fetch, decode, show or drop, and
//! when, is decided in `sailcast-engine`.
//!
//! Its one consumer is `www/src/internal/worker.ts`.

mod decoder;
mod decrypt;
mod driver;
mod early;
mod events;
mod fetch;
mod pcm;
mod quality;
mod session;
mod sink;
mod socket;
mod stamps;

pub use session::Session;

/// HLS, files and recording, too; otherwise streams only.
const ALL: bool = cfg!(feature = "all");
