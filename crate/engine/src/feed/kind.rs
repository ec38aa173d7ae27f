//! What kind of source an address is: by its path, and by the first bytes that come of it.

use sailcast_media::demux::{self, Format};

use crate::{io::SourceKind, text};

/// What tells the formats apart.
const ENOUGH: usize = 8;
const PLAYLIST: &[u8] = b"#EXTM3U";
/// Some editors begin a text with it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the address's path says, if it says something.
pub fn by_address(url: &str) -> Option<SourceKind> {
    let (_, rest) = text::split_once(url.split(['?', '#']).next()?, "://")?;
    let (_, path) = rest.split_once('/')?;
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "m3u8" | "m3u" => Some(SourceKind::Hls),
        "mp4" | "m4v" | "mov" | "m4a" => Some(SourceKind::File),
        _ => None,
    }
}

/// What begins like this; `None` with too few bytes. FLV `is_file` where the response says how long it is.
pub fn by_bytes(first: &[u8], is_file: bool) -> Option<SourceKind> {
    let format = demux::probe(first);
    if format.is_none() && first.len() < ENOUGH {
        return None;
    }
    let text = first.strip_prefix(BYTE_ORDER_MARK).unwrap_or(first);
    let is_playlist = text.starts_with(PLAYLIST.get(..text.len().min(PLAYLIST.len())).unwrap_or(PLAYLIST));
    Some(match format {
        Some(Format::Mp4) => SourceKind::File,
        Some(Format::Flv) if is_file => SourceKind::File,
        _ if is_playlist => SourceKind::Hls,
        _ => SourceKind::Stream,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_and_nothing_else_of_the_address() {
        assert_eq!(by_address("https://a/b/c.m3u8?x=y.mp4"), Some(SourceKind::Hls));
        assert_eq!(by_address("https://a/C.MP4#t=3"), Some(SourceKind::File));
        assert_eq!(by_address("https://mp4.example.mp4"), None);
        assert_eq!(by_address("https://a.mp4/live.flv"), None);
        assert_eq!(by_address("https://a/live"), None);
    }

    #[test]
    fn the_first_bytes_tell_what_it_is() {
        assert_eq!(by_bytes(b"FLV", true), Some(SourceKind::File));
        assert_eq!(by_bytes(b"FLV\x01", false), Some(SourceKind::Stream));
        assert_eq!(by_bytes(b"#EXTM3U\n", false), Some(SourceKind::Hls));
        assert_eq!(by_bytes(b"\xef\xbb\xbf#EXTM3U", false), Some(SourceKind::Hls));
        assert_eq!(by_bytes(b"\0\0\0\x20ftypisom", false), Some(SourceKind::File));
        assert_eq!(by_bytes(b"\0\0\0\x20ft", false), None);
        assert_eq!(by_bytes(b"<!DOCTYPE html>", true), Some(SourceKind::Stream));
    }
}
