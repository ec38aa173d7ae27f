//! Playlists for tests.
#![allow(dead_code, reason = "each test uses what it needs")]

use proptest::{prelude::*, test_runner::Config as ProptestConfig};
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

/// Playlists of other parsers' tests, by name.
pub fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/../../tests/fixtures/corpus", env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for parser in ["hls-parser", "m3u8-parser"] {
        for entry in std::fs::read_dir(format!("{folder}/{parser}")).expect("the corpus").flatten() {
            if entry.path().extension().is_some_and(|ext| ext == "m3u8") {
                let name = entry.file_name().to_string_lossy().into_owned();
                files.push((name, std::fs::read(entry.path()).expect("a readable playlist")));
            }
        }
    }
    assert!(files.len() > 80, "{} playlists", files.len());
    files
}

/// A failure prints its input; it becomes a test of its own rather than a file of seeds.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One segment's lines, with whatever tags may come before it.
pub fn segment_lines() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "",
        "#EXT-X-KEY:METHOD=NONE\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k1\",IV=0x1F\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k2\"\n",
        "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"skd://k3\",KEYFORMAT=\"drm\"\n",
    ]);
    let map = prop::sample::select(vec![
        "",
        "",
        "#EXT-X-MAP:URI=\"init1.mp4\"\n",
        "#EXT-X-MAP:URI=\"init2.mp4\",BYTERANGE=\"100@7\"\n",
    ]);
    let rotated = prop::sample::select(vec!["", "", "#EXT-X-KEY:METHOD=AES-128,URI=\"k4\"\n"]);
    let date = prop::option::of(1_000_000_000u64..2_000_000_000);
    let rate = prop::option::of(1u32..9000);
    let range = prop::option::of((1u64..1 << 40, 0u64..1 << 40));
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    let end = (1u32..20_000_000, "[a-z ,\"=]{0,6}", 0u32..10_000);
    (key, map, rotated, date, rate, range, flags, end).prop_map(
        |(key, map, rotated, date, rate, range, (discontinuity, gap), (duration, title, name))| {
            let mut lines = String::new();
            if discontinuity {
                lines += "#EXT-X-DISCONTINUITY\n";
            }
            lines = lines + key + map + rotated;
            if let Some(date) = date {
                let (minute, second) = (date / 60 % 60, date % 60);
                lines +=
                    &format!("#EXT-X-PROGRAM-DATE-TIME:2024-02-29T23:{minute:02}:{second:02}.{date}-01:30\n");
            }
            if let Some(rate) = rate.filter(|_| range.is_none()) {
                lines += &format!("#EXT-X-BITRATE:{rate}\n");
            }
            if gap {
                lines += "#EXT-X-GAP\n";
            }
            if let Some((length, offset)) = range {
                lines += &format!("#EXT-X-BYTERANGE:{length}@{offset}\n");
            }
            let (seconds, micros) = (duration / 1_000_000, duration % 1_000_000);
            lines + &format!("#EXTINF:{seconds}.{micros:06},{title}\ns{name}.mp4\n")
        },
    )
}

/// The parts at the end of a low-latency playlist.
pub fn part_lines() -> impl Strategy<Value = String> {
    let part =
        (1u32..999_999, prop::bool::ANY, prop::bool::weighted(0.1), prop::option::of((1u64..999, 0u64..999)));
    prop::collection::vec(part, 0..4).prop_map(|parts| {
        let mut lines = String::new();
        for (at, (duration, independent, gap, range)) in parts.into_iter().enumerate() {
            lines += &format!("#EXT-X-PART:DURATION=0.{duration:06},URI=\"p{at}.mp4\"");
            if let Some((length, offset)) = range {
                lines += &format!(",BYTERANGE=\"{length}@{offset}\"");
            }
            lines = lines
                + if independent { ",INDEPENDENT=YES" } else { "" }
                + if gap { ",GAP=YES\n" } else { "\n" };
        }
        lines
    })
}
