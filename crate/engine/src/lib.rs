//! Packets and the time in, decisions out.
//!
//! [`Player`] is a state machine without I/O, clock or randomness. Its one invariant for the caller:
//! **after every [`Player::handle`], drain [`Player::poll_output`] until it returns [`Output::Wait`]**, then call
//! again at that instant with [`Input::Timeout`], or earlier with whatever happened. The same inputs at the same
//! instants give the same outputs.
//!
//! Three kinds of time are kept apart: [`Instant`] (the driver's monotonic clock), `MediaTime` (the stream's own
//! timeline) and counts of PCM frames (what the sound card took).
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod abr;
mod arrival;
mod audio;
mod backoff;
mod clock;
mod connection;
mod cues;
mod decode;
mod definitions;
mod depth;
mod downmix;
pub mod error;
pub mod event;
mod fade;
pub mod feed;
mod file;
mod g711;
pub mod hls;
pub mod io;
pub mod ladder;
pub mod latency;
mod offsets;
pub mod outbox;
mod pcm;
mod playback;
mod player;
mod pressure;
pub mod publisher;
pub mod quality;
mod queue;
mod recent;
mod recording;
pub mod retry;
mod ring;
mod source;
mod sources;
mod splice;
mod stretch;
mod text;
pub mod timeline;
mod tracks;
mod video;
mod warnings;
mod window;

pub use audio::SoundCounts;
pub use error::{ErrorCode, SailcastError};
pub use event::{Event, RenditionInfo, SoundInfo, State, Stats};
pub use io::{
    AudioOutput, Begun, Container, DecoderId, DecoderMode, DecoderPath, Decryption, Definition, FrameId,
    FrameInfo, Input, Instant, IoError, IoEvent, IoRequest, Load, Output, PcmBlock, RequestId,
    ResolveRequest, Response, SourceKind, Transport,
};
pub use ladder::{DecoderChoice, PathReason, WebCodecs};
pub use latency::LatencyTarget;
pub use player::{Background, Player, PlayerConfig};
pub use retry::Reason;
pub use sources::Sources;
pub use timeline::{Jump, JumpKind};
