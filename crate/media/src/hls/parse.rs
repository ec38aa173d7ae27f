//! A playlist of either kind, and the tags that both have (4.4.1, 4.4.2).

use super::{
    Playlist, PlaylistError, Start, Variables,
    attributes::Attributes,
    media, multivariant,
    scope::Scope,
    text::{Kind, Text},
    value,
};

/// Reads the playlist that came from `url`, the one behind all redirects. A media playlist may import the variables of the multivariant one that led to it; others import
/// nothing.
///
/// Lenient where what is meant is clear: any line ends, spaces, missing or damaged tags that only inform. Strict where going on would play
/// the wrong bytes, or the right ones in the wrong place.
pub fn parse(text: &[u8], url: &str, imported: &Variables) -> Result<Playlist, PlaylistError> {
    let text = Text::new(text)?;
    let scope = Scope::new(url, imported)?;
    match text.kind() {
        Some(Kind::Media) => media::parse(text, scope).map(Playlist::Media),
        Some(Kind::Multivariant) => multivariant::parse(text, scope).map(Playlist::Multivariant),
        None => Err(PlaylistError::Missing("segments and no variants")),
    }
}

/// Of a playlist that does not say.
const OLDEST_VERSION: u32 = 1;

/// What both kinds of playlist say of themselves.
pub(super) struct Head {
    pub version: u32,
    pub independent_segments: bool,
    pub start: Option<Start>,
}

impl Head {
    pub fn new() -> Self {
        Self { version: OLDEST_VERSION, independent_segments: false, start: None }
    }

    /// Whether the tag was one of these.
    pub fn tag(
        &mut self,
        line: usize,
        name: &str,
        value: &str,
        scope: &mut Scope,
    ) -> Result<bool, PlaylistError> {
        match name {
            "EXT-X-VERSION" => self.version = value.parse().unwrap_or(OLDEST_VERSION).max(OLDEST_VERSION),
            "EXT-X-INDEPENDENT-SEGMENTS" => self.independent_segments = true,
            "EXT-X-START" => {
                let attributes = Attributes::parse(line, value)?;
                let offset = attributes.raw("TIME-OFFSET").and_then(value::signed_seconds);
                self.start = offset.map(|offset| Start { offset, precise: attributes.yes("PRECISE") });
            }
            "EXT-X-DEFINE" => scope.define(&Attributes::parse(line, value)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
