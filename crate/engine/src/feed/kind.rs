//! What kind of source an address is: by its path, and by the first bytes that come of it.

use crate::io::SourceKind;

/// What tells the formats apart.
const ENOUGH: usize = 8;
const PLAYLIST: &[u8] = b"#EXTM3U";
const FLV: &[u8] = b"FLV";
/// Boxes with which files of ISO base media begin, at offset 4 (ISO/IEC 14496-12, and QuickTime's).
const BOXES: [&[u8; 4]; 10] =
    [b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"pnot"];

/// What the address's path says, if it says something.
pub fn by_address(url: &str) -> Option<SourceKind> {
    let (_, rest) = url.split(['?', '#']).next()?.split_once("://")?;
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
    if first.starts_with(FLV) {
        return Some(if is_file { SourceKind::File } else { SourceKind::Stream });
    }
    if first.len() < ENOUGH {
        return None;
    }
    // Some editors begin a text with a byte order mark.
    if first.starts_with(PLAYLIST)
        || first.strip_prefix(b"\xef\xbb\xbf").is_some_and(|text| text.starts_with(b"#EXTM"))
    {
        return Some(SourceKind::Hls);
    }
    let is_box = first.get(4..8).is_some_and(|name| BOXES.iter().any(|known| name == known.as_slice()));
    Some(if is_box { SourceKind::File } else { SourceKind::Stream })
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
