//! What media playlists say.

mod playlists;

use playlists::{at, media, refused};
use sailcast_media::{
    Micros,
    hls::{ByteRange, KeyMethod, PlaylistKind, PreloadKind},
};

const HEAD: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";

#[test]
fn a_low_latency_playlist_says_all_that_a_player_needs() {
    let playlist = media(
        "#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES
#EXT-X-PART-INF:PART-TARGET=0.33334
#EXT-X-MEDIA-SEQUENCE:266
#EXT-X-MAP:URI=\"init.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2019-02-14T02:13:36.106Z
#EXTINF:4.00008,
s266.mp4
#EXT-X-PART:DURATION=0.33334,URI=\"p267.0.mp4\",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.33334,URI=\"p267.1.mp4\",GAP=YES
#EXTINF:4.00008,title, with a comma
s267.mp4
#EXT-X-PART:DURATION=0.33334,URI=\"p268.0.mp4\",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p268.1.mp4\",BYTERANGE-START=10
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"another.mp4\"
#EXT-X-RENDITION-REPORT:URI=\"../1M/waitForMSN.php\",LAST-MSN=268,LAST-PART=1
",
    );
    assert_eq!(playlist.control.part_hold_back, Some(Micros::from_secs(1)));
    assert_eq!(playlist.control.can_skip_until, Some(Micros::from_secs(24)));
    assert!(playlist.control.can_block_reload && playlist.control.can_skip_dateranges);
    assert_eq!(playlist.part_target, Some(Micros(333_340)));
    let [first, second, last] = playlist.segments.as_slice() else { panic!("{:?}", playlist.segments) };
    assert_eq!((first.sequence, first.duration), (266, Micros(4_000_080)));
    assert_eq!(first.program_date_time, Some(Micros(1_550_110_416_106_000)));
    assert_eq!(second.title, "title, with a comma");
    assert_eq!(second.uri, at("s267.mp4"));
    assert!(second.parts[0].independent && second.parts[1].gap);
    assert_eq!((last.sequence, last.uri.as_deref(), last.duration), (268, None, Micros(333_340)));
    assert_eq!(last.map.as_ref().map(|map| map.uri.clone()), at("init.mp4"));
    let [hint] = playlist.preload_hints.as_slice() else { panic!("only the first of a type counts") };
    assert_eq!((hint.kind, hint.start, hint.length), (PreloadKind::Part, 10, None));
    let [report] = playlist.rendition_reports.as_slice() else { panic!() };
    assert_eq!(report.uri, "https://example.com/1M/waitForMSN.php");
    assert_eq!((report.last_msn, report.last_part), (Some(268), Some(1)));
}

#[test]
fn a_byte_range_without_an_offset_goes_on_where_the_one_before_ended() {
    let playlist = media(&format!(
        "{HEAD}#EXTINF:4,\n#EXT-X-BYTERANGE:100@50\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:10\na.ts\n\
         #EXTINF:4,\n#EXT-X-BYTERANGE:7\nb.ts\n\
         #EXT-X-PART:DURATION=1,URI=\"b.ts\",BYTERANGE=\"5@7\"\n#EXT-X-PART:DURATION=1,URI=\"b.ts\",BYTERANGE=\"6\"\n"
    ));
    let ranges: Vec<_> = playlist.segments.iter().filter_map(|segment| segment.range).collect();
    let range = |offset, length| ByteRange { offset, length };
    assert_eq!(ranges, [range(50, 100), range(150, 10), range(0, 7)]);
    let parts = &playlist.segments[3].parts;
    assert_eq!([parts[0].range, parts[1].range], [Some(range(7, 5)), Some(range(12, 6))]);
}

#[test]
fn a_key_stays_until_there_is_another_one_of_its_format() {
    let playlist = media(&format!(
        "{HEAD}#EXT-X-KEY:METHOD=AES-128,URI=\"k1\",IV=0x0A\n#EXT-X-MAP:URI=\"init\"\n#EXTINF:4,\na\n\
         #EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"skd://drm\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:4,\nb\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"k2\"\n#EXTINF:4,\nc\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\nd\n"
    ));
    let uris = |at: usize| -> Vec<&str> {
        playlist.segments[at].keys.iter().map(|key| key.uri.rsplit_once('/').unwrap().1).collect()
    };
    assert_eq!(
        [uris(0), uris(1), uris(2), uris(3)],
        [vec!["k1"], vec!["k1", "drm"], vec!["k2", "drm"], vec![]]
    );
    let key = &playlist.segments[0].keys[0];
    assert_eq!((&key.method, key.format.as_str()), (&KeyMethod::Aes128, "identity"));
    assert_eq!(key.iv.map(u128::from_be_bytes), Some(10));
    let map = playlist.segments[3].map.as_ref().unwrap();
    assert_eq!(map.keys.len(), 1, "the key that applies where the map stands");
}

#[test]
fn discontinuities_are_counted_on_from_the_playlists_own_number() {
    let playlist = media(&format!(
        "{HEAD}#EXT-X-DISCONTINUITY-SEQUENCE:7\n#EXTINF:4,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n"
    ));
    let numbers: Vec<u64> = playlist.segments.iter().map(|segment| segment.discontinuity).collect();
    assert_eq!(numbers, [7, 8, 8]);
}

#[test]
fn several_date_range_tags_with_one_id_are_one_range() {
    let playlist = media(&format!(
        "{HEAD}#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"spot\",START-DATE=\"2014-03-05T11:15:00Z\",PLANNED-DURATION=59.9,SCTE35-OUT=0xFC00\n\
         #EXTINF:4,\na\n#EXT-X-DATERANGE:ID=\"ad\",DURATION=59.5,X-NOTE=\"a, b\",END-ON-NEXT=YES\n"
    ));
    let [range] = playlist.date_ranges.as_slice() else { panic!("{:?}", playlist.date_ranges) };
    assert_eq!(range.class.as_deref(), Some("spot"));
    assert_eq!(range.start, Some(Micros::from_secs(1_394_018_100)));
    assert_eq!(
        (range.planned_duration, range.duration),
        (Some(Micros(59_900_000)), Some(Micros(59_500_000)))
    );
    assert!(range.end_on_next);
    let pairs = [("SCTE35-OUT", "0xFC00"), ("X-NOTE", "a, b")];
    assert_eq!(range.attributes, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn a_bit_rate_is_of_the_segments_that_are_whole_resources() {
    let playlist = media(&format!(
        "{HEAD}#EXT-X-BITRATE:800\n#EXTINF:4,\na\n#EXTINF:4,\n#EXT-X-BYTERANGE:5@0\nb\n#EXTINF:4,\nc\n"
    ));
    let rates: Vec<_> = playlist.segments.iter().map(|segment| segment.bitrate).collect();
    assert_eq!(rates, [Some(800_000), None, Some(800_000)]);
}

#[test]
fn a_recording_has_ended_whether_it_says_so_or_not() {
    let playlist = media(&format!("{HEAD}#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:4,\na\n"));
    assert_eq!((playlist.kind, playlist.ended), (PlaylistKind::Vod, true));
    let event = media(&format!("{HEAD}#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:4,\na\n"));
    assert_eq!((event.kind, event.ended), (PlaylistKind::Event, false));
}

#[test]
fn careless_servers_are_understood() {
    let playlist = media(
        "\u{feff}#EXTM3U\r\n\r\n#EXT-X-TARGETDURATION: 4.0 \r\n#EXT-X-MEDIA-SEQUENCE:x\r\n#EXT-X-NEW:1\r\n# note\r\n\
         #EXTINF:3.5\r\n  a.ts  \r\n#EXTINF:,\r\nb.ts\r\nc.ts\r\n#EXTINF: -1 tvg-id=\"x\",News\r\nd.ts\r\n#EXTINF:4,\r\n",
    );
    let told: Vec<_> =
        playlist.segments.iter().map(|s| (s.sequence, s.duration.0 / 100_000, s.title.as_str())).collect();
    assert_eq!(told, [(0, 35, ""), (1, 40, ""), (2, 40, ""), (3, 40, "News")]);
    assert_eq!(playlist.segments[0].uri, at("a.ts"));
    assert_eq!(playlist.version, 1);
}

#[test]
fn a_missing_target_duration_is_that_of_the_longest_segment() {
    let playlist = media("#EXTM3U\n#EXTINF:3.2,\na\n#EXTINF:5.1,\nb\n");
    assert_eq!(playlist.target_duration, Micros::from_secs(6));
    assert_eq!(refused("#EXTM3U\n#EXT-X-TARGETDURATION:0\na\n"), "the playlist has no EXT-X-TARGETDURATION");
}

#[test]
fn what_would_play_wrong_is_refused_with_its_line() {
    for (text, why) in [
        ("#EXTINF:4,\n#EXT-X-BYTERANGE:abc\na\n", "line 4 of the playlist has a bad byte range"),
        ("#EXT-X-BYTERANGE:2@18446744073709551615\na\n", "line 4 of the playlist has a bad byte range"),
        ("#EXT-X-PART:DURATION=1\n", "line 3 of the playlist has a part without URI"),
        ("#EXT-X-PART:URI=\"a\"\n", "line 3 of the playlist has a part without DURATION"),
        ("#EXT-X-KEY:URI=\"a\"\n", "line 3 of the playlist has a key without METHOD"),
        ("#EXT-X-KEY:METHOD=AES-128\n", "line 3 of the playlist has a key without URI"),
        (
            "#EXT-X-KEY:METHOD=AES-128,URI=\"a\",IV=0xZ\n",
            "line 3 of the playlist has an IV that is no number of 128 bits",
        ),
        ("\n#EXT-X-MAP:BYTERANGE=\"1@2\"\n", "line 4 of the playlist has a map without URI"),
        ("#EXT-X-MAP:URI=\"a\n", "line 3 of the playlist has a quote without an end"),
        (
            "#EXTINF:4,\n#EXT-X-STREAM-INF:BANDWIDTH=1\n",
            "line 4 of the playlist has a variant in a media playlist",
        ),
        (
            "a\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n",
            "line 4 of the playlist has a skip that is not before all segments",
        ),
    ] {
        assert_eq!(refused(&format!("{HEAD}{text}")), why);
    }
}

#[test]
fn what_is_no_playlist_is_told_from_one() {
    let no_playlist = "not a playlist: it does not begin with #EXTM3U";
    assert_eq!(refused("<!doctype html><title>Not found</title>"), no_playlist);
    assert_eq!(refused(""), no_playlist);
    assert_eq!(refused("#EXTM3U\n"), "the playlist has no segments and no variants");
}

#[test]
fn only_titles_may_be_in_another_encoding() {
    let gbk = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\xb5\xda\n#\xb5\xda\na.ts\n";
    let url = playlists::URL;
    assert!(sailcast_media::hls::parse(gbk, url, &Default::default()).is_ok());
    let bad = [gbk.as_slice(), b"a\xb5\xda.ts\n"].concat();
    let refused = sailcast_media::hls::parse(&bad, url, &Default::default()).unwrap_err();
    assert_eq!(refused.to_string(), format!("the playlist is not UTF-8 at byte {}", gbk.len() + 1));
}
