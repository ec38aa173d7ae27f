//! Delta updates give the playlist that would have come whole.

mod playlists;

use playlists::{media, part_lines, segment_lines};
use proptest::prelude::*;
use sailcast_media::hls::{Delta, MediaPlaylist, PlaylistError};

const HEAD: &str =
    "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24\n";

fn ids(playlist: &MediaPlaylist) -> Vec<&str> {
    playlist.date_ranges.iter().map(|range| range.id.as_str()).collect()
}

proptest! {
    #![proptest_config(playlists::cases(400))]

    #[test]
    fn an_update_and_the_playlist_before_make_the_whole(
        segments in prop::collection::vec(segment_lines(), 2..16),
        parts in part_lines(),
        cuts in prop::array::uniform3(0usize..16),
    ) {
        let count = segments.len();
        let mut cuts = cuts.map(|cut| cut % count);
        cuts.sort();
        // The window begins here now, the update here, and before it the playlist ended here.
        let [first, from, before] = cuts;
        let previous = media(&format!("{HEAD}{}", segments[..=before].concat()));
        let whole = media(&format!("{HEAD}{}{parts}", segments.concat()));
        let gone = segments[..first].concat().matches("DISCONTINUITY").count() as u64;
        let update = media(&format!(
            "{HEAD}#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{gone}\n\
             #EXT-X-SKIP:SKIPPED-SEGMENTS={}\n{}{parts}",
            from - first,
            segments[from..].concat(),
        ));
        let expected = MediaPlaylist {
            media_sequence: first as u64,
            discontinuity_sequence: gone,
            segments: whole.segments[first..].to_vec(),
            ..whole
        };
        if from > first {
            prop_assert_eq!(update.merge_delta(&previous), Ok(expected));
        }
    }
}

#[test]
fn the_update_of_the_drafts_example_goes_onto_its_playlist() {
    let text = |name: &str| {
        let (_, text) =
            playlists::corpus().into_iter().find(|(file, _)| file.contains(name)).expect("the example");
        media(str::from_utf8(&text).expect("UTF-8"))
    };
    let previous = text("Example-01_Low-Latency");
    let merged = text("Example-02_Playlist_Delta").merge_delta(&previous).unwrap();
    let uris: Vec<_> =
        merged.segments.iter().filter_map(|segment| segment.uri.as_deref()?.rsplit('/').next()).collect();
    let expected: Vec<_> = (266..273).map(|n| format!("fileSequence{n}.mp4")).collect();
    assert_eq!(uris, expected);
    assert!(merged.segments.iter().all(|segment| segment.map.is_some()), "the map that is left out goes on");
    let last = merged.segments.last().expect("an incomplete one");
    assert_eq!((last.sequence, last.parts.len()), (273, 4));
}

#[test]
fn updates_cannot_add_key_formats_without_end() {
    let key = |n: usize| format!("#EXT-X-KEY:METHOD=AES-128,URI=k,KEYFORMAT=f{n}\n");
    let segment = "#EXTINF:4,\ns\n";
    let previous = media(&format!("{HEAD}{}{segment}", (0..10).map(key).collect::<String>()));
    let update = |formats: std::ops::Range<usize>| {
        let keys: String = formats.map(key).collect();
        media(&format!("{HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n{keys}{segment}")).merge_delta(&previous)
    };
    assert_eq!(update(4..16).map(|whole| whole.segments[1].keys.len()), Ok(16));
    assert_eq!(update(10..20), Err(PlaylistError::TooMany { what: "key formats", most: 16 }));
}

#[test]
fn what_is_not_known_makes_the_update_useless() {
    let segments = |sequence: u64, count: usize| {
        format!("{HEAD}#EXT-X-MEDIA-SEQUENCE:{sequence}\n{}", "#EXTINF:4,\ns\n".repeat(count))
    };
    let update =
        media(&format!("{HEAD}#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n#EXTINF:4,\ns\n"));
    let merge = |previous: &str| update.clone().merge_delta(&media(previous));
    assert_eq!(merge(&segments(9, 5)).map(|whole| whole.segments.len()), Ok(5));
    assert_eq!(merge(&segments(9, 4)), Err(PlaylistError::Gap { skipped: 4, known: 3 }));
    assert_eq!(merge(&segments(11, 5)), Err(PlaylistError::Gap { skipped: 4, known: 0 }));
    assert_eq!(merge(&segments(2, 3)), Err(PlaylistError::Gap { skipped: 4, known: 0 }));
    let with_parts = format!("{}#EXT-X-PART:DURATION=1,URI=\"p\"\n", segments(9, 4));
    assert_eq!(
        merge(&with_parts),
        Err(PlaylistError::Gap { skipped: 4, known: 3 }),
        "the last one is not complete"
    );
}

#[test]
fn a_byte_range_that_goes_on_from_what_is_left_out_is_refused() {
    let text = format!("{HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n#EXTINF:4,\n#EXT-X-BYTERANGE:5\ns\n");
    let why = "line 8 of the playlist has a byte range that goes on where one left out ended";
    assert_eq!(playlists::refused(&text), why);
}

#[test]
fn date_ranges_stay_until_the_update_names_them_as_removed() {
    let previous = media(&format!(
        "{HEAD}#EXT-X-DATERANGE:ID=\"a\"\n#EXT-X-DATERANGE:ID=\"b\",CLASS=\"x\"\n#EXT-X-DATERANGE:ID=\"c\"\n#EXTINF:4,\ns\n"
    ));
    let update = |skip: &str| {
        let text = format!(
            "{HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS=1{skip}\n#EXT-X-DATERANGE:ID=\"b\",DURATION=2\n#EXT-X-DATERANGE:ID=\"d\"\n"
        );
        media(&text).merge_delta(&previous).unwrap()
    };
    let merged = update(",RECENTLY-REMOVED-DATERANGES=\"a\tz\"");
    assert_eq!(ids(&merged), ["b", "c", "d"]);
    assert_eq!(merged.date_ranges[0].class.as_deref(), Some("x"));
    assert!(merged.date_ranges[0].duration.is_some(), "what the update adds");
    assert_eq!(ids(&update(",RECENTLY-REMOVED-DATERANGES=\"\"")), ["a", "b", "c", "d"]);
    assert_eq!(ids(&update("")), ["b", "d"], "without the attribute none are left out");
}

#[test]
fn a_playlist_that_leaves_out_nothing_is_the_whole() {
    let whole = media(&format!("{HEAD}#EXTINF:4,\ns\n"));
    assert_eq!(whole.clone().merge_delta(&MediaPlaylist::default()), Ok(whole.clone()));
    assert_eq!(whole.delta(), Some(Delta::Segments));
    assert_eq!(MediaPlaylist { ended: true, ..whole }.delta(), None);
}
