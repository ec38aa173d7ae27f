//! Files that are read at any place: where they are read, and how they are sought in.

mod common;

use bytes::Bytes;
use common::{
    fixture,
    mp4::{
        Reading, aac_entry, av_movie, avc_entry, bx, full, idr, inter, moof, packets, reasons, sound, times,
        traf, trak, trun,
    },
};
use sailcast_media::{DemuxError, FileDemuxer, MediaKind, MediaTime, Micros, Packet, SkipReason};

const WHOLE: [&str; 2] = ["whole-first.mp4", "whole-last.mp4"];
const FRAGMENTED: [&str; 4] =
    ["fragments-sidx.mp4", "fragments-dash.mp4", "fragments.mp4", "fragments-offsets.mp4"];

fn offset_of(file: &[u8], kind: &[u8; 4]) -> u64 {
    file.windows(4).position(|at| at == kind).unwrap() as u64 - 4
}

fn ms(ms: i64) -> MediaTime {
    MediaTime::from_millis(ms)
}

#[test]
fn a_file_that_begins_with_its_index_is_read_without_a_jump() {
    for name in ["whole-first.mp4", "fragments.mp4", "fragments-dash.mp4", "fragments-sidx.mp4"] {
        assert_eq!(Reading::new(fixture(name)).read(&[4096]).jumps, [], "{name}");
    }
}

#[test]
fn an_index_at_the_end_is_gone_to_over_the_media() {
    let first = whole(10, Order { index_first: true, interleaved: true });
    let last = whole(10, Order { index_first: false, interleaved: true });
    let reading = Reading::new(last.clone()).read(&[4096]);
    assert_eq!(reading.jumps, [offset_of(&last, b"moov"), offset_of(&last, b"mdat") + 8]);
    assert_eq!(packets(&reading.events), packets(&Reading::new(first).read(&[4096]).events));
}

#[test]
fn the_first_picture_needs_no_more_than_its_own_bytes() {
    let file = fixture("whole-first.mp4");
    let mut reading = Reading::new(file.clone());
    let first = reading.next_picture();
    let media = usize::try_from(offset_of(&file, b"mdat")).unwrap();
    assert!(
        first.keyframe && reading.demuxer.wants().unwrap() <= (media + 8 + first.data.len() + 2000) as u64
    );
}

#[test]
fn fragments_of_which_the_first_is_in_the_index_come_all() {
    let behind = Reading::new(fixture("fragments-behind.mp4")).read(&[4096]);
    let plain = Reading::new(fixture("fragments.mp4")).read(&[4096]);
    let data =
        |events: &[_]| packets(events).into_iter().map(|p| (p.track, p.dts, p.data)).collect::<Vec<_>>();
    let sorted = |events: &[_]| {
        let mut all = data(events);
        all.sort_by_key(|(track, dts, _)| (*track, *dts));
        all.into_iter().map(|(track, _, data)| (track, data)).collect::<Vec<_>>()
    };
    assert_eq!(behind.failed, None);
    assert_eq!(sorted(&behind.events), sorted(&plain.events));
}

/// All packets of a file, by kind.
fn all(name: &str) -> [Vec<Packet>; 2] {
    let events = Reading::new(fixture(name)).read(&[1 << 20]).events;
    let of = |kind| packets(&events).into_iter().filter(|p| p.track.kind == kind).collect();
    [of(MediaKind::Video), of(MediaKind::Audio)]
}

#[test]
fn a_seek_goes_to_the_last_keyframe_and_the_sound_before_it() {
    for name in WHOLE {
        let [pictures, sounds] = all(name);
        for at in [0, 1, 999, 1000, 1001, 2500, 3999, 5980, 60_000, 0, 4000] {
            let mut reading = Reading::new(fixture(name));
            reading.next_picture();
            let keyframe = pictures.iter().rfind(|p| p.keyframe && p.pts <= ms(at)).unwrap();
            assert_eq!(reading.demuxer.seek(ms(at)), Some(keyframe.pts), "{name} {at}");
            assert_eq!(reading.next_picture(), *keyframe, "{name} {at}");
            let reading = reading.read(&[1000]);
            let heard: Vec<_> =
                packets(&reading.events).into_iter().filter(|p| p.track.kind == MediaKind::Audio).collect();
            let first = sounds.iter().rposition(|p| p.pts <= keyframe.pts).unwrap();
            assert!(heard[0].pts >= sounds[first].pts, "{name} {at}");
            assert!(heard.iter().any(|p| *p == sounds[first + 1]), "{name} {at}: the sound of the keyframe");
            assert_eq!(heard.last(), sounds.last());
        }
    }
}

#[test]
fn a_seek_in_fragments_goes_to_the_fragment_of_the_time() {
    for name in FRAGMENTED {
        let [pictures, _] = all(name);
        let keyframes: Vec<_> = pictures.iter().filter(|p| p.keyframe).collect();
        let mut reading = Reading::new(fixture(name));
        while reading.step(4096) {}
        for (i, wanted) in keyframes.iter().enumerate().rev() {
            let at = wanted.pts + Micros::from_millis(500);
            let went = reading.demuxer.seek(at).unwrap();
            assert!((went - wanted.pts).abs() < Micros::from_millis(100), "{name} {i}: {went:?}");
            assert_eq!(reading.next_picture(), **wanted, "{name} {i}");
        }
    }
}

#[test]
fn an_index_of_segments_is_enough_to_seek_before_anything_was_played() {
    let mut reading = Reading::new(fixture("fragments-sidx.mp4"));
    reading.next_picture();
    let went = reading.demuxer.seek(ms(4500)).unwrap();
    assert!((went - ms(4000)).abs() < Micros::from_millis(100), "{went:?}");
    let found = reading.next_picture().pts;
    assert!((found - ms(4000)).abs() <= Micros::from_millis(100), "{found:?}");
}

#[test]
fn what_no_index_tells_of_cannot_be_sought_until_it_was_read() {
    let mut reading = Reading::new(fixture("fragments.mp4"));
    assert_eq!(reading.demuxer.seek(ms(0)), None);
    reading.next_picture();
    assert_eq!(reading.demuxer.seek(ms(5900)), None);
    assert!(reading.next_picture().pts < ms(1000), "reading went on as if nothing had been asked");
}

#[test]
fn lengths_and_keyframes_are_known_from_the_index() {
    for name in WHOLE {
        let mut reading = Reading::new(fixture(name));
        assert_eq!(reading.demuxer.duration(), None);
        reading.next_picture();
        let demuxer = &reading.demuxer;
        assert!((demuxer.duration().unwrap() - Micros::from_secs(6)).abs() < Micros::from_millis(50));
        assert_eq!(demuxer.keyframes_around(ms(1500)), (Some(ms(1000)), Some(ms(2000))));
        assert_eq!(demuxer.keyframes_around(ms(2000)), (Some(ms(2000)), Some(ms(3000))));
        assert_eq!(demuxer.keyframes_around(ms(9000)), (Some(ms(5000)), None));
    }
    for name in ["fragments-sidx.mp4", "fragments.mp4"] {
        let mut reading = Reading::new(fixture(name)).read(&[4096]);
        let length = reading.demuxer.duration().unwrap();
        assert!((length - Micros::from_secs(6)).abs() < Micros::from_millis(100), "{name}: {length:?}");
        reading.demuxer.seek(ms(0));
        assert_eq!(reading.demuxer.duration(), Some(length), "{name}: it is not forgotten elsewhere");
    }
}

#[derive(Clone, Copy)]
struct Order {
    index_first: bool,
    interleaved: bool,
}

/// A whole file of pictures of 40 ms and sounds of 20 ms, each in chunks of one second.
fn whole(seconds: u32, order: Order) -> Bytes {
    const PICTURES: u32 = 25 * 2000;
    const SOUNDS: u32 = 50 * 200;
    let tables = |per: u32, duration: u32, size: u32, first: u32, step: u32| {
        let places: Vec<_> = (0..seconds).map(|i| first + i * step).collect();
        let count = per * seconds;
        [
            full(b"stts", 0, 0, &[1, count, duration]),
            full(b"stsc", 0, 0, &[1, 1, per, 1]),
            full(b"stsz", 0, 0, &[size, count]),
            full(b"stco", 0, 0, &[&[seconds][..], &places].concat()),
        ]
        .concat()
    };
    let moov = |start: u32| {
        let (step, behind) = match order.interleaved {
            true => ([PICTURES + SOUNDS; 2], PICTURES),
            false => ([PICTURES, SOUNDS], PICTURES * seconds),
        };
        let video = trak(1, b"vide", &avc_entry(), &[], &tables(25, 40, 2000, start, step[0]));
        let audio = trak(2, b"soun", &aac_entry(), &[], &tables(50, 20, 200, start + behind, step[1]));
        bx(b"moov", &[&full(b"mvhd", 0, 0, &[0, 0, 1000, 0]), &video, &audio])
    };
    let pictures: Vec<u8> = (0..25).flat_map(|i| if i == 0 { idr(2000) } else { inter(2000) }).collect();
    let sounds: Vec<u8> = (0..50).flat_map(|_| sound(200)).collect();
    let data = match order.interleaved {
        true => [pictures, sounds].concat().repeat(seconds as usize),
        false => [pictures.repeat(seconds as usize), sounds.repeat(seconds as usize)].concat(),
    };
    let mdat = bx(b"mdat", &[&data]);
    let start = u32::try_from(moov(0).len()).unwrap() + 8;
    if order.index_first { [moov(start), mdat].concat().into() } else { [mdat, moov(8)].concat().into() }
}

#[test]
fn tracks_that_lie_apart_are_gone_after_by_turns() {
    let seconds = 60;
    let file = whole(seconds, Order { index_first: true, interleaved: false });
    let reading = Reading::new(file).read(&[10_000]);
    let all = packets(&reading.events);
    assert_eq!(all.len(), 75 * seconds as usize);
    let mut newest = [MediaTime::default(); 2];
    for packet in &all {
        newest[usize::from(packet.track.kind == MediaKind::Audio)] = packet.dts;
        let apart = newest[0] - newest[1];
        assert!(apart.abs() <= Micros::from_millis(2100), "{apart:?} apart");
    }
    assert!(reading.jumps.len() <= seconds as usize / 2 + 2, "{} jumps", reading.jumps.len());
}

#[test]
fn a_file_cut_short_gives_what_is_there() {
    let file = fixture("whole-first.mp4");
    let cut = file.slice(..file.len() / 2);
    let reading = Reading::new(cut).read(&[4096]);
    assert_eq!(reasons(&reading.events), [SkipReason::Truncated; 2], "once for each track");
    assert!(packets(&reading.events).len() > 150);
    let fragments = fixture("fragments.mp4");
    let reading = Reading::new(fragments.slice(..fragments.len() / 2)).read(&[4096]);
    assert_eq!(reasons(&reading.events), [SkipReason::Truncated]);
}

#[test]
fn a_file_without_an_index_is_an_error_that_tells_where_it_was_sought() {
    let file = fixture("whole-last.mp4");
    let cut = file.slice(..file.len() - 1000);
    let end = cut.len() as u64;
    let failed = Reading::new(cut).read(&[4096]).failed;
    assert_eq!(failed, Some(DemuxError::BadBox { at: end, name: *b"moov" }));
    let page = Bytes::from_static(b"<!DOCTYPE html><html><body>Not found</body></html>");
    assert_eq!(Reading::new(page).read(&[4096]).failed, Some(DemuxError::NotMp4 { at: 0 }));
    assert_eq!(Reading::new(Bytes::new()).read(&[1]).failed, Some(DemuxError::NotMp4 { at: 0 }));
}

/// Fragments of one second of pictures, each of 50 KB, and what stands behind them.
fn fragmented(count: u32, end: impl Fn(&[u64]) -> Vec<u8>) -> Bytes {
    fragmented_of(count, 2000, end)
}

/// The same of pictures of so many bytes.
fn fragmented_of(count: u32, picture: usize, end: impl Fn(&[u64]) -> Vec<u8>) -> Bytes {
    let mut file = av_movie();
    let mut places = Vec::new();
    for i in 0..count {
        places.push(file.len() as u64);
        let samples: Vec<_> = (0..25).map(|_| (40, picture)).collect();
        file.extend(moof(|at| traf(1, Some(i * 1000), &trun(at, &samples))));
        let data: Vec<u8> =
            (0..25).flat_map(|i| if i == 0 { idr(picture) } else { inter(picture) }).collect();
        file.extend(bx(b"mdat", &[&data]));
    }
    file.extend(end(&places));
    file.into()
}

fn mfra(places: &[u64]) -> Vec<u8> {
    let rows = places.iter().enumerate();
    let rows: Vec<u8> = rows
        .flat_map(|(i, at)| [(i as u32 * 1000).to_be_bytes(), (*at as u32).to_be_bytes()].concat())
        .collect();
    let rows: Vec<u8> = rows.chunks(8).flat_map(|row| [row, &[1, 1, 1]].concat()).collect();
    let count = u32::try_from(places.len()).unwrap().to_be_bytes();
    let tfra = bx(b"tfra", &[&[0; 4], &1u32.to_be_bytes(), &[0; 4], &count, &rows]);
    let size = u32::try_from(8 + tfra.len() + 16).unwrap();
    bx(b"mfra", &[&tfra, &full(b"mfro", 0, 0, &[size])])
}

#[test]
fn the_index_at_the_end_of_fragments_is_read_once_behind_the_first_one() {
    let mut reading = Reading::new(fragmented(20, mfra));
    let tail = reading.file.len() as u64 - (64 << 10);
    assert_eq!(reading.next_picture().dts, ms(0));
    assert_eq!(reading.jumps, []);
    while reading.jumps.len() < 2 {
        assert!(reading.step(10_000));
    }
    assert_eq!(reading.jumps[0], tail);
    assert_eq!(reading.demuxer.seek(ms(15_200)), Some(ms(15_000)));
    assert_eq!(reading.next_picture().dts, ms(15_000));
    assert_eq!(reading.demuxer.keyframes_around(ms(7500)), (Some(ms(7000)), Some(ms(8000))));
    let reading = reading.read(&[10_000]);
    assert_eq!(times(&reading.events, MediaKind::Video).len(), 25 * 5);
}

#[test]
fn how_long_fragments_are_is_read_from_the_last_one_where_nothing_else_tells() {
    for (picture, jumps) in [(2000, 2), (8000, 3)] {
        let mut reading = Reading::new(fragmented_of(20, picture, mfra));
        while reading.demuxer.duration().is_none() {
            assert!(reading.step(10_000), "pictures of {picture} bytes");
        }
        assert_eq!(reading.demuxer.duration(), Some(Micros::from_secs(20)));
        let read = reading.read(&[10_000]);
        assert_eq!(times(&read.events, MediaKind::Video).len(), 25 * 20);
        assert_eq!(read.jumps.len(), jumps, "{:?}", read.jumps);
    }
}

#[test]
fn without_any_index_a_seek_goes_where_the_time_would_be() {
    // A duration is told, and nothing else.
    let mut file = fragmented(20, |_| Vec::new()).to_vec();
    let at = file.windows(4).position(|at| at == b"mvhd").unwrap();
    file[at + 20..at + 24].copy_from_slice(&20_000u32.to_be_bytes());
    let mut reading = Reading::new(file.into());
    reading.next_picture();
    for to in [ms(9_900), ms(19_900), ms(12_000)] {
        assert_eq!(reading.demuxer.seek(to), Some(to));
        let found = reading.next_picture();
        let early = to - found.dts;
        assert!(
            found.keyframe && early >= Micros::ZERO && early <= Micros::from_secs(6),
            "{early:?} for {to:?}"
        );
    }
    assert_eq!(reasons(&reading.events), []);
}
