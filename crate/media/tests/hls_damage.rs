//! Whatever comes in place of a playlist: an answer, and in time.

mod playlists;

use std::{fmt::Write, sync::LazyLock, time::Instant};

use playlists::{URL, cases, corpus, media, refused};
use proptest::prelude::*;
use sailcast_media::hls::{Playlist, Variables, caps, parse};

static CORPUS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(corpus);

fn read(text: &[u8]) {
    let Ok(playlist) = parse(text, URL, &Variables::default()) else { return };
    if let Playlist::Media(playlist) = playlist {
        let _ = playlist.clone().merge_delta(&playlist);
        let first = playlist.media_sequence + playlist.skip.as_ref().map_or(0, |skip| skip.segments);
        for (at, segment) in playlist.segments.iter().enumerate() {
            assert_eq!(segment.sequence, first + at as u64);
            assert!(
                segment.uri.is_some() || (at + 1 == playlist.segments.len() && !segment.parts.is_empty())
            );
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
        read(&[b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n", bytes.as_slice()].concat());
    }

    #[test]
    fn damaged_playlists_come_to_an_end(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let mut text = which.get(&CORPUS).1.clone();
        if !text.is_empty() {
            for (at, byte) in damage {
                let at = at.index(text.len());
                text[at] = byte;
            }
            text.truncate(cut.index(text.len()) + 1);
        }
        read(&text);
        text.extend_from_slice(&other.get(&CORPUS).1);
        read(&text);
    }
}

const HEAD: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";

#[test]
fn each_cap_is_told_by_its_name() {
    let many = |line: &str, count: usize| format!("{HEAD}{}", line.repeat(count + 1));
    let numbered = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..=count).fold(String::from(HEAD), |text, n| text + &line(n))
    };
    for (text, what, most) in [
        (many("\n", caps::MAX_LINES), "lines", caps::MAX_LINES),
        (many("0123456789abcdef", caps::MAX_TEXT / 16), "bytes", caps::MAX_TEXT),
        (many("s\n", caps::MAX_SEGMENTS), "segments", caps::MAX_SEGMENTS),
        (many("#EXT-X-PART:DURATION=1,URI=p\n", caps::MAX_PARTS), "parts", caps::MAX_PARTS),
        (many("#EXT-X-RENDITION-REPORT:URI=a\n", caps::MAX_REPORTS), "rendition reports", caps::MAX_REPORTS),
        (
            format!("{HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS={}\n", caps::MAX_SEGMENTS + 1),
            "segments left out",
            caps::MAX_SEGMENTS,
        ),
        (
            format!("{HEAD}#EXT-X-PART:{}\n", "A=1,".repeat(caps::MAX_ATTRIBUTES + 1)),
            "attributes in a tag",
            caps::MAX_ATTRIBUTES,
        ),
        (
            numbered(caps::MAX_DATE_RANGES, &|n| format!("#EXT-X-DATERANGE:ID={n}\n")),
            "date ranges",
            caps::MAX_DATE_RANGES,
        ),
        (
            numbered(caps::MAX_VARIABLES, &|n| format!("#EXT-X-DEFINE:NAME=v{n},VALUE=1\n")),
            "variables",
            caps::MAX_VARIABLES,
        ),
        (
            numbered(caps::MAX_KEYS, &|n| format!("#EXT-X-KEY:METHOD=AES-128,URI=k,KEYFORMAT={n}\n")),
            "key formats",
            caps::MAX_KEYS,
        ),
        (
            format!("#EXTM3U\n{}", "#EXT-X-STREAM-INF:\nv\n".repeat(caps::MAX_VARIANTS + 1)),
            "variants",
            caps::MAX_VARIANTS,
        ),
        (
            format!("#EXTM3U\n{}", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=a\n".repeat(caps::MAX_RENDITIONS + 1)),
            "renditions",
            caps::MAX_RENDITIONS,
        ),
    ] {
        assert_eq!(refused(&text), format!("the playlist has more than {most} {what}"));
    }
    let url = "u".repeat(caps::MAX_URL + 1);
    let told = parse(HEAD.as_bytes(), &url, &Variables::default()).unwrap_err().to_string();
    assert_eq!(told, "the playlist has more than 16384 bytes in its URL");
}

#[test]
fn numbers_past_all_counting_are_not_believed() {
    let playlist = media(&format!(
        "{HEAD}#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXT-X-DISCONTINUITY-SEQUENCE:99999999999999999999\n\
         #EXT-X-BITRATE:18446744073709551615\n#EXTINF:99999999999999999999,\na\n#EXTINF:1000000000.9999999,\nb\n"
    ));
    let [a, b] = playlist.segments.as_slice() else { panic!() };
    assert_eq!((a.sequence, a.discontinuity, a.bitrate), (0, 0, None));
    assert_eq!((a.duration.0, b.duration.0), (4_000_000, 1_000_000_001_000_000));
}

/// Nothing measures it: what is not linear takes hours.
#[test]
fn lines_made_to_be_slow_are_not() {
    let of = |what: &str| what.repeat((8 << 20) / what.len());
    let base = format!("https://a/{}/index.m3u8", "b".repeat(16_000));
    for text in [
        format!("{HEAD}{}\n", of("{$")),
        format!("{HEAD}{}\n", of("{$a")),
        format!("{HEAD}{}\n", of("../")),
        format!("{HEAD}{}\n", of("a/../")),
        format!("{HEAD}{}\n", of("a/")),
        format!("{HEAD}{}", of("#EXT-X-MAP:URI=../a\n")),
        format!("{HEAD}#EXT-X-MAP:{}\n", of("a,")),
        format!("{HEAD}#EXT-X-MAP:A=\"{}\"\n", of("\"")),
        (0..130_000).fold(String::from(HEAD), |text, n| {
            let names: Vec<String> = (0..12).map(|m| format!("X{}=1", n * 12 + m)).collect();
            text + "#EXT-X-DATERANGE:ID=a," + &names.join(",") + "\n"
        }),
    ] {
        let _ = parse(text.as_bytes(), &base, &Variables::default());
    }
}

#[test]
#[ignore = "prints how long large playlists take"]
fn large_playlists_are_read_in_linear_time() {
    for count in [1000usize, 10_000, 50_000, 100_000] {
        let mut text = String::from(HEAD);
        for n in 0..count {
            let _ = write!(
                text,
                "#EXT-X-PROGRAM-DATE-TIME:2024-02-29T00:00:00.000Z\n#EXTINF:4.004,\nhttps://cdn.example.com/live/segment-{n}.m4s?token=0123456789abcdef\n"
            );
        }
        let start = Instant::now();
        let playlist = media(&text);
        let read = start.elapsed();
        let update = format!("{HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS={}\n#EXTINF:4,\nnext\n", count - 1);
        let start = Instant::now();
        let merged = media(&update).merge_delta(&playlist).unwrap();
        let merge = start.elapsed();
        let start = Instant::now();
        let written = sailcast_media::hls::write(&merged).len();
        eprintln!(
            "{count}: {} bytes read in {read:?}, merged in {merge:?}, {written} written in {:?}",
            text.len(),
            start.elapsed()
        );
    }
}
