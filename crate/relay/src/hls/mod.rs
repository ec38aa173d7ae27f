//! Streams packaged for HLS: LL-HLS in fragmented MP4, and plain HLS in MPEG-TS.
//!
//! ```text
//! ring -> cursor -> FlvDemuxer -> packager (packets) -> window (segments, parts) -> playlist, reload -> answer (HTTP)
//!         channel (one task for each stream and format)
//! ```
//!
//! **Invariant:** packager, window, playlist and reload are pure: packets and the time in, bytes and text out. Packaging
//! begins with the first request and ends when nobody asks any more, unless the operator wants it always.

mod answer;
mod channel;
mod channels;
mod clock;
mod packager;
mod playlist;
mod range;
mod reload;
mod resource;
#[cfg(test)]
mod testing;
mod window;

pub use answer::answer;
pub use channels::{Channels, HlsOptions};
pub use reload::BadDirective;
pub use resource::Resource;
