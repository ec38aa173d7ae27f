//! Playlists for tests.
#![allow(dead_code, reason = "each test uses what it needs")]

use sailcast_media::hls::{MediaPlaylist, MultivariantPlaylist, Playlist, Variables, parse};

pub const URL: &str = "https://example.com/live/index.m3u8?token=a%20b";

pub fn media(text: &str) -> MediaPlaylist {
    match parse(text.as_bytes(), URL, &Variables::default()) {
        Ok(Playlist::Media(playlist)) => playlist,
        other => panic!("{other:?}"),
    }
}

pub fn multivariant(text: &str) -> MultivariantPlaylist {
    match parse(text.as_bytes(), URL, &Variables::default()) {
        Ok(Playlist::Multivariant(playlist)) => playlist,
        other => panic!("{other:?}"),
    }
}

/// Why it is no playlist.
pub fn refused(text: &str) -> String {
    parse(text.as_bytes(), URL, &Variables::default()).expect_err("a bad playlist").to_string()
}

/// A name beside the playlist.
pub fn at(name: &str) -> Option<String> {
    Some(format!("https://example.com/live/{name}"))
}
