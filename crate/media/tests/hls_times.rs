//! When things are in a media playlist.

mod playlists;

use playlists::media;
use sailcast_media::{Micros, hls::Place};

const SECOND: i64 = 1_000_000;

fn live() -> sailcast_media::hls::MediaPlaylist {
    media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-MEDIA-SEQUENCE:100\n\
         #EXTINF:4,\ns100\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:00Z\n#EXTINF:4,\ns101\n\
         #EXT-X-PART:DURATION=1,URI=\"p0\"\n#EXT-X-PART:DURATION=1,URI=\"p1\"\n#EXTINF:2,\ns102\n\
         #EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T01:00:00Z\n#EXT-X-PART:DURATION=1,URI=\"p0\"\n",
    )
}

#[test]
fn each_segment_and_part_has_a_start() {
    let playlist = live();
    let starts: Vec<_> =
        playlist.starts().map(|(start, segment)| (segment.sequence, start.0 / SECOND)).collect();
    assert_eq!(starts, [(100, 0), (101, 4), (102, 8), (103, 10)]);
    assert_eq!(playlist.duration(), Micros::from_secs(11));
    let parts: Vec<_> =
        playlist.segment(102).unwrap().part_starts().map(|(start, _)| start.0 / SECOND).collect();
    assert_eq!(parts, [0, 1]);
    assert_eq!(playlist.start_of(103), Some(Micros::from_secs(10)));
    assert_eq!((playlist.segment(99), playlist.segment(104), playlist.start_of(104)), (None, None, None));
}

#[test]
fn a_time_is_found_down_to_its_part() {
    let playlist = live();
    let find = |seconds: f64| playlist.find(Micros::from_secs(1).scale(seconds));
    let place = |sequence, part, seconds| Some(Place { sequence, part, start: Micros::from_secs(seconds) });
    assert_eq!(find(0.0), place(100, None, 0));
    assert_eq!(find(7.9), place(101, None, 4));
    assert_eq!(find(9.5), place(102, Some(1), 9));
    assert_eq!(find(10.0), place(103, Some(0), 10));
    assert_eq!((find(-0.1), find(11.0)), (None, None));
}

#[test]
fn dates_are_counted_on_from_the_last_one_and_back_from_the_first() {
    let playlist = live();
    let dates: Vec<_> =
        (100..105).map(|n| playlist.program_date_time(n).map(|time| time.0 / SECOND)).collect();
    assert_eq!(dates, [Some(56), Some(60), Some(64), Some(3600), None]);
    let dateless = media("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ns\n");
    assert_eq!(dateless.program_date_time(0), None);
}

#[test]
fn what_comes_next_is_the_part_behind_the_last_one() {
    let playlist = live();
    assert_eq!(playlist.next(), (103, Some(1)));
    assert_eq!(playlist.incomplete().map(|segment| segment.sequence), Some(103));
    let plain = media("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n");
    assert_eq!(plain.next(), (7, None));
    let between = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\ns\n",
    );
    assert_eq!(between.next(), (8, Some(0)));
    assert!(between.incomplete().is_none());
}

#[test]
fn dates_are_read_in_all_forms_that_servers_write() {
    let date = |text: &str| {
        let head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:";
        media(&format!("{head}{text}\n#EXTINF:4,\ns\n")).segments[0].program_date_time.map(|time| time.0)
    };
    let whole = 1_266_591_263 * SECOND;
    for text in [
        "2010-02-19T14:54:23Z",
        "2010-02-19T14:54:23",
        "2010-02-19t14:54:23.000z",
        "2010-02-19 14:54:23.0 Z",
        "2010-02-19T22:54:23+08:00",
        "2010-02-19T22:54:23+0800",
        "2010-02-19T22:54:23+08",
        "2010-02-18T23:54:23-15:00",
        "20100219T145423Z",
    ] {
        assert_eq!(date(text), Some(whole), "{text}");
    }
    assert_eq!(date("2010-02-19T14:54:23.031Z"), Some(whole + 31_000));
    assert_eq!(date("2010-02-19T14:54:23,0314159+00:00"), Some(whole + 31_416));
    assert_eq!(date("2024-02-29T00:00:00Z"), Some(1_709_164_800 * SECOND));
    assert_eq!(date("1969-12-31T23:59:59.5Z"), Some(-SECOND / 2));
    assert_eq!(date("2010-02-19"), Some(1_266_537_600 * SECOND));
    for text in
        ["", "yesterday", "2010-13-01T00:00:00Z", "2010-02-19T14:54:23+8", "2010-02-19T14:54:23.0é", "２010"]
    {
        assert_eq!(date(text), None, "{text}");
    }
}
