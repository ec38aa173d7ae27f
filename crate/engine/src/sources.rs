//! What a build of the player can do beside playing streams.
//!
//! **Invariant:** what a build's [`Sources`] do not name is not linked into it. Nothing else in the engine names a paced source or
//! what records.

use crate::{
    definitions::Setting,
    feed::Paced,
    file::File,
    hls::{self, Hls},
    io::{Load, SourceKind},
    recording::{Nothing, Recorder, Recording},
};

/// Makes the source of a load of HLS or of a file.
pub(crate) type MakePaced = fn(SourceKind, Load, Setting, u64) -> Box<dyn Paced>;

#[derive(Clone, Copy, Debug)]
pub struct Sources {
    pub(crate) paced: Option<MakePaced>,
    pub(crate) recorder: fn() -> Box<dyn Recorder>,
}

impl Sources {
    /// Streams only: of anything else the player says [`crate::Event::NeedsAll`].
    pub const STREAMS: Self = Self { paced: None, recorder: || Box::new(Nothing) };
    /// HLS and files, too, and recording.
    pub const ALL: Self = Self { paced: Some(paced), recorder: || Box::new(Recording::default()) };
}

fn paced(kind: SourceKind, load: Load, setting: Setting, seed: u64) -> Box<dyn Paced> {
    match kind {
        SourceKind::Hls => Box::new(Hls::new(load, hls::decodable, seed).knowing(&setting)),
        _ => Box::new(File::new(load, seed)),
    }
}
