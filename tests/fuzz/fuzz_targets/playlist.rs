//! HLS playlists from any bytes: they come to an end, count their segments without a gap, and what was read can be written and
//! read again. An update onto the playlist before is one of those, too.
//!
//! A zero byte parts the playlist before from the one behind it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sailcast_media::{
    Micros,
    hls::{MediaPlaylist, Playlist, Variables, parse, resolve, write, write_multivariant},
};

const URL: &str = "https://example.com/a/b/index.m3u8?token=a%20b&n=1";

fuzz_target!(|input: &[u8]| {
    let mut texts = input.splitn(2, |&byte| byte == 0);
    let before = texts.next().and_then(read);
    let after = texts.next().and_then(read);
    if let (Some(Playlist::Media(before)), Some(Playlist::Media(after))) = (before, after)
        && let Ok(merged) = after.merge_delta(&before)
    {
        check(&merged);
    }
});

fn read(text: &[u8]) -> Option<Playlist> {
    let playlist = parse(text, URL, &Variables::default()).ok()?;
    let written = match &playlist {
        Playlist::Media(playlist) => {
            check(playlist);
            write(playlist)
        }
        Playlist::Multivariant(main) => {
            for variant in &main.variants {
                assert_eq!(resolve(URL, &variant.uri), variant.uri);
            }
            write_multivariant(main)
        }
    };
    let again = parse(written.as_bytes(), URL, &Variables::default());
    let told = format!("{playlist:?}");
    // Quotes and control characters are not written, and there is no writing of `{$a}` that is no variable.
    if !told.contains('\\') && !told.contains("{$") {
        assert_eq!(again.as_ref(), Ok(&playlist), "{written}");
    }
    Some(playlist)
}

fn check(playlist: &MediaPlaylist) {
    assert!(playlist.target_duration > Micros::ZERO);
    let first = playlist.media_sequence + playlist.skip.as_ref().map_or(0, |skip| skip.segments);
    let mut discontinuity = 0;
    for (segment, sequence) in playlist.segments.iter().zip(first..) {
        assert_eq!(segment.sequence, sequence);
        assert!(segment.duration >= Micros::ZERO);
        assert!(segment.discontinuity >= discontinuity, "discontinuities go back");
        discontinuity = segment.discontinuity;
        if let Some(uri) = &segment.uri {
            assert_eq!(&resolve(URL, uri), uri, "a URI that is not absolute");
        } else {
            assert_eq!(Some(segment), playlist.segments.last(), "an incomplete one before others");
        }
    }
}
