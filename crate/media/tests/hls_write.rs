//! What is written is read as it was meant, and what was read can be written.

mod playlists;

use std::sync::Arc;

use playlists::{URL, corpus, media, multivariant, part_lines, segment_lines};
use proptest::prelude::*;
use sailcast_media::{
    Micros,
    hls::{
        Map, MediaPlaylist, Part, Playlist, PreloadHint, PreloadKind, RenditionReport, Segment,
        ServerControl, Skip, Variables, parse, write, write_multivariant,
    },
};

proptest! {
    #![proptest_config(playlists::cases(400))]

    #[test]
    fn a_media_playlist_comes_back_the_same(
        segments in prop::collection::vec(segment_lines(), 0..12),
        parts in part_lines(),
        head in prop::sample::subsequence(vec![
            "#EXT-X-VERSION:9",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            "#EXT-X-I-FRAMES-ONLY",
            "#EXT-X-START:TIME-OFFSET=-6.5,PRECISE=YES",
            "#EXT-X-PART-INF:PART-TARGET=0.33334",
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES,HOLD-BACK=12.5,PART-HOLD-BACK=1.2",
            "#EXT-X-MEDIA-SEQUENCE:4000000000000",
            "#EXT-X-DISCONTINUITY-SEQUENCE:3",
            "#EXT-X-PLAYLIST-TYPE:EVENT",
            "#EXT-X-SKIP:SKIPPED-SEGMENTS=5,RECENTLY-REMOVED-DATERANGES=\"a\tb\"",
            "#EXT-X-DATERANGE:ID=\"a\",CLASS=\"c\",START-DATE=\"2024-02-29T00:00:00.000001Z\",SCTE35-OUT=0xFC,X-A=\"b,c\",X-N=1.5",
            "#EXT-X-DATERANGE:ID=\"z\",END-DATE=\"2024-03-01T00:00:00Z\",DURATION=1.5,PLANNED-DURATION=2,END-ON-NEXT=YES",
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p9\",BYTERANGE-START=7,BYTERANGE-LENGTH=9",
            "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"init3\"",
            "#EXT-X-RENDITION-REPORT:URI=\"../b/index.m3u8\",LAST-MSN=7,LAST-PART=2",
            "#EXT-X-ENDLIST",
        ], 0..16),
    ) {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n{}\n{}{parts}", head.join("\n"), segments.concat());
        let playlist = media(&text);
        prop_assert_eq!(media(&write(&playlist)), playlist);
    }

    #[test]
    fn every_date_of_the_calendar_comes_back(seconds in -62_167_219_200i64..253_402_300_800, micros in 0i64..1_000_000) {
        let map = Arc::new(Map { uri: "init".into(), range: None, keys: Vec::new() });
        let time = Some(Micros::from_secs(seconds) + Micros(micros));
        let segments = vec![Segment { program_date_time: time, ..segment(0, &map) }];
        let target_duration = Micros::from_secs(2);
        let playlist = media(&write(&MediaPlaylist { target_duration, segments, ..Default::default() }));
        prop_assert_eq!(playlist.segments[0].program_date_time, time);
    }
}

#[test]
fn the_playlists_of_others_come_back_the_same() {
    let mut read = 0;
    for (name, text) in corpus() {
        match parse(&text, URL, &Variables::default()) {
            Ok(Playlist::Media(playlist)) => assert_eq!(media(&write(&playlist)), playlist, "{name}"),
            Ok(Playlist::Multivariant(main)) => {
                assert_eq!(multivariant(&write_multivariant(&main)), main, "{name}");
            }
            Err(_) => continue,
        }
        read += 1;
    }
    assert!(read > 75, "{read} playlists");
}

fn segment(sequence: u64, map: &Arc<Map>) -> Segment {
    Segment {
        sequence,
        discontinuity: 0,
        uri: Some(format!("{sequence}.m4s")),
        range: None,
        duration: Micros::from_millis(2000),
        title: String::new(),
        map: Some(map.clone()),
        keys: Vec::new(),
        program_date_time: None,
        gap: false,
        bitrate: None,
        parts: Vec::new(),
    }
}

#[test]
fn a_low_latency_playlist_is_written_as_players_expect_it() {
    let map = Arc::new(Map { uri: "init.mp4".into(), range: None, keys: Vec::new() });
    let part = |uri: &str, independent| Part {
        uri: uri.into(),
        range: None,
        duration: Micros::from_millis(333),
        independent,
        gap: false,
    };
    let playlist = MediaPlaylist {
        version: 9,
        target_duration: Micros::from_secs(2),
        media_sequence: 7,
        independent_segments: true,
        control: ServerControl {
            can_block_reload: true,
            can_skip_until: Some(Micros::from_secs(12)),
            part_hold_back: Some(Micros::from_secs(1)),
            ..Default::default()
        },
        part_target: Some(Micros::from_millis(333)),
        skip: Some(Skip { segments: 3, ..Default::default() }),
        segments: vec![
            Segment { program_date_time: Some(Micros(1_700_000_000_123_000)), ..segment(10, &map) },
            Segment {
                discontinuity: 1,
                uri: None,
                duration: Micros::from_millis(666),
                parts: vec![part("11.0.m4s", true), part("11.1.m4s", false)],
                ..segment(11, &map)
            },
        ],
        preload_hints: vec![PreloadHint {
            kind: PreloadKind::Part,
            uri: "11.2.m4s".into(),
            start: 0,
            length: None,
        }],
        rendition_reports: vec![RenditionReport {
            uri: "../low/index.m3u8".into(),
            last_msn: Some(11),
            last_part: Some(1),
        }],
        ..Default::default()
    };
    assert_eq!(
        write(&playlist),
        "#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1
#EXT-X-PART-INF:PART-TARGET=0.333
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-SKIP:SKIPPED-SEGMENTS=3
#EXT-X-MAP:URI=\"init.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.123Z
#EXTINF:2,
10.m4s
#EXT-X-DISCONTINUITY
#EXT-X-PART:DURATION=0.333,URI=\"11.0.m4s\",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.333,URI=\"11.1.m4s\"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"11.2.m4s\"
#EXT-X-RENDITION-REPORT:URI=\"../low/index.m3u8\",LAST-MSN=11,LAST-PART=1
"
    );
}

#[test]
fn a_multivariant_playlist_comes_back_the_same() {
    let main = multivariant(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-START:TIME-OFFSET=3\n\
         #EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",LANGUAGE=\"en\",AUTOSELECT=YES,CHARACTERISTICS=\"a,b\",CHANNELS=\"6\",URI=\"a{$a}\"\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"n\",DEFAULT=YES\n\
         #EXT-X-STREAM-INF:BANDWIDTH=3,AVERAGE-BANDWIDTH=2,SCORE=0.1,CODECS=\"a,b\",SUPPLEMENTAL-CODECS=\"c/d\",RESOLUTION=16x9,FRAME-RATE=29.97,VIDEO-RANGE=HLG,REQ-VIDEO-LAYOUT=\"CH-STEREO\",NAME=\"n\",PATHWAY-ID=\"p\",AUDIO=\"g\",VIDEO=\"v\",SUBTITLES=\"s\"\nv\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i\"\n",
    );
    assert_eq!(multivariant(&write_multivariant(&main)), main);
}

#[test]
fn what_would_break_a_line_or_a_quote_is_left_out() {
    let map = Arc::new(Map { uri: "a\"b\n#EXT-X-ENDLIST\n".into(), range: None, keys: Vec::new() });
    let segments =
        vec![Segment { title: "t\r\nx".into(), uri: Some("u\n#EXT-X-GAP".into()), ..segment(0, &map) }];
    let target_duration = Micros::from_secs(2);
    let playlist = media(&write(&MediaPlaylist { target_duration, segments, ..Default::default() }));
    let [segment] = playlist.segments.as_slice() else { panic!("{:?}", playlist.segments) };
    assert!(!playlist.ended && !segment.gap);
    assert_eq!((segment.title.as_str(), segment.uri.clone()), ("tx", playlists::at("u#EXT-X-GAP")));
    assert_eq!(segment.map.as_ref().map(|map| map.uri.clone()), playlists::at("ab#EXT-X-ENDLIST"));
}
