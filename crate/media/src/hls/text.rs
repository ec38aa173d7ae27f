//! Text to lines: tags, and URIs.

use std::borrow::Cow;

use super::{
    PlaylistError,
    caps::{MAX_LINES, MAX_TEXT},
};

/// Windows' editors put it there. The draft (4.1) forbids it; all players pass over it.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A playlist's text, whose first line that says something is `#EXTM3U`.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    bytes: &'a [u8],
    /// Bytes before `bytes`.
    before: usize,
}

/// A line that says something: neither blank nor a comment.
pub(super) struct Line<'a> {
    /// From 1.
    pub number: usize,
    text: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// The name without `#`, and what is behind the colon.
    Tag(&'a str, &'a str),
    Uri(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Media,
    Multivariant,
}

impl<'a> Text<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, PlaylistError> {
        if bytes.len() > MAX_TEXT {
            return Err(PlaylistError::TooMany { what: "bytes", most: MAX_TEXT });
        }
        let text = bytes.strip_prefix(BOM).unwrap_or(bytes);
        let before = bytes.len().saturating_sub(text.len());
        let first = text.split(|&byte| byte == b'\n').find(|line| !is_silent(line));
        if !first.is_some_and(|line| line.trim_ascii_start().starts_with(b"#EXTM3U")) {
            return Err(PlaylistError::NotM3u);
        }
        if text.iter().filter(|&&byte| byte == b'\n').count() >= MAX_LINES {
            return Err(PlaylistError::TooMany { what: "lines", most: MAX_LINES });
        }
        Ok(Self { bytes: text, before })
    }

    /// By the first segment or variant; else by the tag that every media playlist has (4.1).
    pub fn kind(self) -> Option<Kind> {
        let mut has_target = false;
        let decisive = self.bytes.split(|&byte| byte == b'\n').find_map(|line| {
            let name = line.trim_ascii().split(|&byte| byte == b':').next().unwrap_or_default();
            match name {
                b"#EXTINF" | b"#EXT-X-PART" => Some(Kind::Media),
                b"#EXT-X-STREAM-INF" | b"#EXT-X-I-FRAME-STREAM-INF" | b"#EXT-X-MEDIA" => {
                    Some(Kind::Multivariant)
                }
                _ => {
                    has_target |= name == b"#EXT-X-TARGETDURATION";
                    None
                }
            }
        });
        decisive.or(has_target.then_some(Kind::Media))
    }

    pub fn lines(self) -> impl Iterator<Item = Result<Line<'a>, PlaylistError>> {
        let mut at = self.before;
        self.bytes.split(|&byte| byte == b'\n').zip(1..).filter_map(move |(bytes, number)| {
            let start = at;
            at = start.saturating_add(bytes.len()).saturating_add(1);
            (!is_silent(bytes)).then(|| decode(bytes, start).map(|text| Line { number, text }))
        })
    }
}

/// Blank, or a comment.
fn is_silent(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.is_empty() || (line.starts_with(b"#") && !line.starts_with(b"#EXT"))
}

/// A title may be in any encoding: nothing plays by it.
fn decode(bytes: &[u8], at: usize) -> Result<Cow<'_, str>, PlaylistError> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) if bytes.trim_ascii_start().starts_with(b"#EXTINF") => Ok(String::from_utf8_lossy(bytes)),
        Err(bad) => Err(PlaylistError::NotUtf8 { at: at.saturating_add(bad.valid_up_to()) }),
    }
}

impl Line<'_> {
    pub fn item(&self) -> Item<'_> {
        let text = self.text.trim();
        match text.strip_prefix('#') {
            None => Item::Uri(text),
            Some(tag) => {
                let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
                Item::Tag(name.trim_end(), value.trim_start())
            }
        }
    }
}
