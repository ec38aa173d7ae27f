//! A recording as MP4: where it begins, how it is cut, what its index says and what ends it.

mod common;

use bytes::{Buf, Bytes, BytesMut};
use common::{avc_and_aac, demux, fixture};
use sailcast_media::{
    DemuxEvent, MediaKind, MediaTime, Packet, TrackId, TrackInfo,
    mp4::mux::{Mp4MuxError, Recording},
};

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);

fn packet(track: TrackId, ms: i64, keyframe: bool) -> Packet {
    Packet {
        track,
        dts: MediaTime::from_millis(ms),
        pts: MediaTime::from_millis(ms),
        duration: None,
        keyframe,
        disposable: false,
        data: Bytes::from_static(&[1; 10]),
    }
}

fn recorded(tracks: &[TrackInfo], packets: &[Packet]) -> Bytes {
    let mut recording = Recording::new(tracks).unwrap();
    let mut out = BytesMut::new();
    packets.iter().for_each(|packet| recording.packet(&mut out, packet).unwrap());
    recording.finish(&mut out).unwrap();
    out.freeze()
}

/// Name, offset and contents of the boxes in a row.
fn boxes(bytes: &Bytes) -> Vec<(String, usize, Bytes)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let size = (&bytes[at..]).get_u32() as usize;
        let name = String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned();
        found.push((name, at, bytes.slice(at + 8..at + size)));
        at += size;
    }
    found
}

fn names(file: &Bytes) -> Vec<String> {
    boxes(file).into_iter().map(|(name, ..)| name).collect()
}

/// baseMediaDecodeTime of the first run of each fragment.
fn starts(file: &Bytes) -> Vec<u64> {
    let moofs = boxes(file).into_iter().filter(|(name, ..)| name == "moof");
    moofs
        .map(|(.., moof)| {
            let traf = boxes(&moof).swap_remove(1).2;
            boxes(&traf).swap_remove(1).2.slice(4..).get_u64()
        })
        .collect()
}

/// Times and offsets of the index.
fn index(file: &Bytes) -> Vec<(u64, u64)> {
    let (.., mfra) = boxes(file).pop().unwrap();
    let mut tfra = boxes(&mfra).swap_remove(0).2;
    assert_eq!((tfra.get_u32(), tfra.get_u32(), tfra.get_u32()), (0x0100_0000, 1, 0));
    (0..tfra.get_u32())
        .map(|_| {
            let place = (tfra.get_u64(), tfra.get_u64());
            assert_eq!((tfra.get_u8(), tfra.get_u8(), tfra.get_u8()), (1, 1, 1));
            place
        })
        .collect()
}

#[test]
fn it_begins_with_a_keyframe_of_the_picture_at_time_0() {
    let file = recorded(
        &avc_and_aac(),
        &[
            packet(AUDIO, 5000, true),
            packet(VIDEO, 5010, false),
            packet(VIDEO, 5040, true),
            packet(AUDIO, 5020, true),
            packet(AUDIO, 5050, true),
        ],
    );
    assert_eq!(names(&file), ["ftyp", "moov", "moof", "mdat", "mfra"]);
    assert_eq!(starts(&file), [0]);
    assert_eq!(boxes(&file)[3].2.len(), 20, "a picture and the sound behind its beginning");
}

#[test]
fn fragments_end_before_keyframes_and_after_a_second() {
    let pictures: Vec<_> = (0..40).map(|i| packet(VIDEO, i * 100, i % 15 == 0)).collect();
    assert_eq!(starts(&recorded(&avc_and_aac(), &pictures)), [0, 1000, 1500, 2500, 3000].map(|ms| ms * 90));
    let intra: Vec<_> = (0..10).map(|i| packet(VIDEO, i * 100, true)).collect();
    assert_eq!(starts(&recorded(&avc_and_aac(), &intra)), [0, 300, 600, 900].map(|ms| ms * 90));
    let sound: Vec<_> = (0..25).map(|i| packet(AUDIO, i * 100, true)).collect();
    assert_eq!(starts(&recorded(&avc_and_aac()[1..], &sound)), [0, 1000, 2000].map(|ms| ms * 48));
}

#[test]
fn the_index_finds_each_keyframe() {
    let (events, _) = demux(&fixture("counter-bframes.flv"));
    let mut tracks = Vec::new();
    let mut packets = Vec::new();
    for event in events {
        match event {
            DemuxEvent::Track(track) => tracks.push(track),
            DemuxEvent::Packet(packet) => packets.push(packet),
            _ => {}
        }
    }
    let file = recorded(&tracks, &packets);
    let base = packets.iter().find(|p| p.track == VIDEO).unwrap().dts;
    let keyframes = packets.iter().filter(|p| p.keyframe && p.track.kind == MediaKind::Video);
    let expected: Vec<_> = keyframes.map(|p| ((p.pts - base).0 * 9 / 100) as u64).collect();
    let index = index(&file);
    assert!(expected.len() > 2);
    assert_eq!(index.iter().map(|(time, _)| *time).collect::<Vec<_>>(), expected);
    for (_, at) in index {
        assert_eq!(file[at as usize + 4..at as usize + 8], *b"moof");
    }
    let mfra = (&file[file.len() - 4..]).get_u32() as usize;
    assert_eq!(file[file.len() - mfra + 4..][..4], *b"mfra", "its length stands at the end");
}

#[test]
fn a_configuration_that_changes_ends_it_and_leaves_a_whole_file() {
    let mut tracks = avc_and_aac();
    let mut recording = Recording::new(&tracks).unwrap();
    let mut out = BytesMut::new();
    recording.packet(&mut out, &packet(VIDEO, 0, true)).unwrap();
    assert_eq!(recording.config(&tracks[0]), Ok(()));
    let late = TrackInfo { id: TrackId::audio(1), ..tracks[1].clone() };
    assert_eq!(recording.config(&late), Ok(()), "it is left out");
    tracks[1].config.description = Bytes::from_static(&[0x12, 0x10]);
    assert_eq!(recording.config(&tracks[1]), Err(Mp4MuxError::ConfigChanged(AUDIO)));
    recording.packet(&mut out, &packet(TrackId::audio(1), 10, true)).unwrap();
    recording.finish(&mut out).unwrap();
    assert_eq!(names(&out.freeze()), ["ftyp", "moov", "moof", "mdat", "mfra"]);
}

#[test]
fn of_what_never_began_there_is_nothing() {
    assert!(recorded(&avc_and_aac(), &[packet(VIDEO, 0, false), packet(AUDIO, 0, true)]).is_empty());
    assert!(recorded(&[], &[packet(VIDEO, 0, true)]).is_empty());
}
