//! HLS playlists (draft-pantos-hls-rfc8216bis): text to what it says, and back.
//!
//! **Invariant:** what is read is complete and absolute: URIs are resolved against the playlist's own, variables are substituted,
//! byte ranges without an offset have one, every segment knows its sequence numbers. Unknown tags and attributes are passed over;
//! every count and length has a named cap. When to load what is not known here.

mod attributes;
pub mod caps;
mod date;
mod delta;
mod media;
mod multivariant;
mod parse;
mod playlist;
mod scope;
mod segments;
mod text;
mod uri;
mod value;
mod write;

pub use parse::parse;
pub use playlist::{
    ByteRange, DateRange, Delta, Key, KeyMethod, Map, MediaPlaylist, MultivariantPlaylist, Part, Playlist,
    PlaylistError, PlaylistKind, PreloadHint, PreloadKind, Rendition, RenditionKind, RenditionReport,
    Segment, ServerControl, Skip, Start, Variables, Variant,
};
pub use uri::{resolve, with_directives};
pub use write::{write, write_multivariant};
