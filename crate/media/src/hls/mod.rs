//! HLS playlists (draft-ietf-rfc8216bis): text to what it says.
//!
//! **Invariant:** what is read is complete and absolute: URIs are resolved against the playlist's own, variables are substituted,
//! byte ranges without an offset have one, every segment knows its sequence numbers. Unknown tags and attributes are passed over;
//! every count and length has a named cap. When to load what is not known here.

mod playlist;

pub use playlist::{
    ByteRange, DateRange, Key, KeyMethod, Map, MediaPlaylist, MultivariantPlaylist, Part, Playlist,
    PlaylistError, PlaylistKind, PreloadHint, PreloadKind, Rendition, RenditionKind, RenditionReport,
    Segment, ServerControl, Skip, Start, Variables, Variant,
};
