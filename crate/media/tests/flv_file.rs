//! A recording in FLV, read at any place: what comes after a seek, how many places are looked at, and how long it is.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use sailcast_media::{
    AudioParams, Codec, CodecParams, DecoderConfig, DemuxEvent, FileDemuxer, FlvFile, FlvMuxer, MediaKind,
    MediaTime, Message, Metadata, Micros, Packet, TrackId, TrackInfo, Value, VideoParams,
};

/// x264, 320x240 Baseline level 1.2.
const AVCC: &[u8] = &[
    1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, 23, 0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfa, 0x10, 0x00, 0x00,
    0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0xa4, 0x80, 1, 0, 5, 0x68, 0xcb, 0x83, 0xcb,
    0x20,
];

fn track(id: TrackId, codec: Codec, description: &[u8], params: CodecParams) -> TrackInfo {
    let config = DecoderConfig {
        codec,
        codec_string: String::new(),
        description: Bytes::copy_from_slice(description),
        params,
    };
    TrackInfo { id, config }
}

fn avc() -> TrackInfo {
    track(TrackId::video(0), Codec::Avc, AVCC, CodecParams::Video(VideoParams::of_size(640, 360)))
}

fn aac() -> TrackInfo {
    let params = AudioParams { sample_rate: 48_000, channels: 2 };
    track(TrackId::audio(0), Codec::Aac, &[0x11, 0x90], CodecParams::Audio(params))
}

/// A recording, and where its keyframes are.
struct Recording {
    bytes: Bytes,
    keyframes: Vec<(MediaTime, u64)>,
}

#[derive(Clone, Copy)]
struct Shape {
    seconds: i64,
    gop_ms: i64,
    picture: usize,
    begin_ms: i64,
    pictures: bool,
    /// So long there is only sound.
    late_ms: i64,
}

const USUAL: Shape =
    Shape { seconds: 120, gop_ms: 2000, picture: 6000, begin_ms: 0, pictures: true, late_ms: 0 };

fn message(fields: Vec<(&str, Value)>) -> Metadata {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let message = Message::Script { name: "onMetaData".into(), values: vec![Value::Object(fields)] };
    Metadata { time: MediaTime(0), track: None, message }
}

/// 25 pictures a second with sound between them. `list` makes the metadata of where the keyframes are.
fn record(shape: Shape, list: impl Fn(&[(MediaTime, u64)]) -> Option<Metadata>) -> Recording {
    let write = |known: &[(MediaTime, u64)]| {
        let mut out = BytesMut::new();
        let mut keyframes = Vec::new();
        let mut muxer = FlvMuxer::new(true, shape.pictures);
        if let Some(metadata) = list(known) {
            muxer.metadata(&mut out, &metadata).expect("metadata");
        }
        if shape.pictures {
            muxer.config(&mut out, &avc()).expect("a configuration");
        }
        muxer.config(&mut out, &aac()).expect("a configuration");
        for ms in (0..shape.seconds * 1000).step_by(40) {
            let at = MediaTime::from_millis(shape.begin_ms + ms);
            if shape.pictures && ms >= shape.late_ms {
                let keyframe = (ms - shape.late_ms) % shape.gop_ms == 0;
                if keyframe {
                    keyframes.push((at, out.len() as u64));
                }
                let mut data = vec![0xab; shape.picture * if keyframe { 5 } else { 1 }];
                let len = (data.len() as u32 - 4).to_be_bytes();
                data[..4].copy_from_slice(&len);
                data[4] = if keyframe { 0x65 } else { 0x41 };
                muxer.packet(&mut out, &packet(TrackId::video(0), at, keyframe, data)).expect("a packet");
            }
            for half in [0, 20] {
                let sound = packet(TrackId::audio(0), at + Micros::from_millis(half), true, vec![0x21; 200]);
                muxer.packet(&mut out, &sound).expect("a packet");
            }
        }
        (out.freeze(), keyframes)
    };
    // The list is as long the second time, and then says where they are.
    let (_, first) = write(&[]);
    let (_, second) = write(&first);
    let (bytes, keyframes) = write(&second);
    Recording { bytes, keyframes }
}

fn packet(track: TrackId, at: MediaTime, keyframe: bool, data: Vec<u8>) -> Packet {
    Packet { track, dts: at, pts: at, duration: None, keyframe, disposable: false, data: data.into() }
}

fn listed(known: &[(MediaTime, u64)], shift: u64) -> Metadata {
    let array = |f: &dyn Fn(&(MediaTime, u64)) -> f64| {
        Value::Array(known.iter().map(|k| Value::Number(f(k))).collect())
    };
    let keyframes = Value::Object(vec![
        ("times".into(), array(&|k| k.0.as_secs_f64())),
        ("filepositions".into(), array(&|k| (k.1 + shift) as f64)),
    ]);
    message(vec![("duration", Value::Number(120.0)), ("keyframes", keyframes)])
}

/// Reads it in pieces, and counts how often the place changed.
struct Reader {
    file: FlvFile,
    bytes: Bytes,
    piece: usize,
    at: u64,
    jumps: usize,
    read: u64,
}

impl Reader {
    fn new(bytes: &Bytes, piece: usize) -> Self {
        let mut file = FlvFile::new();
        file.set_len(bytes.len() as u64);
        Self { file, bytes: bytes.clone(), piece, at: 0, jumps: 0, read: 0 }
    }

    /// The events up to `enough`, or to the end.
    fn until(&mut self, enough: impl Fn(&DemuxEvent) -> bool) -> Vec<DemuxEvent> {
        let mut events = Vec::new();
        for _ in 0..1_000_000 {
            if let Some(event) = self.file.poll().expect("FLV") {
                let done = enough(&event);
                events.push(event);
                if done {
                    return events;
                }
                continue;
            }
            let Some(at) = self.file.wants() else { return events };
            if at != self.at {
                self.jumps += 1;
            }
            let end = (at as usize + self.piece).min(self.bytes.len());
            self.file.push(at, self.bytes.slice(at as usize..end));
            self.read += end as u64 - at;
            self.at = end as u64;
        }
        panic!("it does not end");
    }

    /// One event or one piece; false at the end.
    fn turn(&mut self) -> bool {
        match (self.file.poll(), self.file.wants()) {
            (Ok(Some(_)), _) => true,
            (Ok(None), Some(at)) => {
                let end = (at as usize + self.piece).min(self.bytes.len());
                self.file.push(at, self.bytes.slice(at as usize..end));
                true
            }
            _ => false,
        }
    }

    fn first_picture(&mut self) -> Packet {
        let is_picture =
            |e: &DemuxEvent| matches!(e, DemuxEvent::Packet(p) if p.track.kind == MediaKind::Video);
        match self.until(is_picture).pop() {
            Some(DemuxEvent::Packet(packet)) => packet,
            other => panic!("{other:?}"),
        }
    }
}

fn seconds(s: f64) -> MediaTime {
    MediaTime((s * 1e6) as i64)
}

#[test]
fn with_a_list_of_keyframes_a_seek_is_one_jump() {
    let recording = record(USUAL, |known| Some(listed(known, 0)));
    let mut reader = Reader::new(&recording.bytes, 64 << 10);
    assert!(reader.first_picture().keyframe);
    assert_eq!(reader.file.duration(), Some(Micros::from_secs(120)));
    for to in [61.3, 5.0, 119.9, 0.0] {
        reader.jumps = 0;
        let landed = reader.file.seek(seconds(to)).expect("it can be gone to");
        assert_eq!(landed, seconds((to / 2.0).floor() * 2.0));
        let first = reader.first_picture();
        assert_eq!((first.pts, first.keyframe, reader.jumps), (landed, true, 1));
    }
    let around = reader.file.keyframes_around(seconds(7.0));
    assert_eq!(around, (Some(seconds(6.0)), Some(seconds(8.0))));
}

#[test]
fn without_one_it_is_found_in_few_looks() {
    for gop_ms in [1000, 4000, 20_000] {
        for picture in [600, 20_000] {
            let recording = record(Shape { gop_ms, picture, ..USUAL }, |_| None);
            let mut reader = Reader::new(&recording.bytes, 256 << 10);
            reader.first_picture();
            assert_eq!(reader.file.seek(seconds(50.0)), Some(seconds(50.0)));
            for to in [100.5, 37.0, 119.9, 0.0, 80.0] {
                (reader.jumps, reader.read) = (0, 0);
                reader.file.seek(seconds(to));
                let first = reader.first_picture();
                let expected =
                    recording.keyframes.iter().rfind(|(at, _)| *at <= seconds(to)).expect("a keyframe");
                assert_eq!((first.pts, first.keyframe), (expected.0, true), "{to} s, GOPs of {gop_ms} ms");
                assert!(reader.jumps <= 8, "{} looks for {to} s, GOPs of {gop_ms} ms", reader.jumps);
                assert!(reader.read < 22 << 20, "{} bytes for {to} s, GOPs of {gop_ms} ms", reader.read);
            }
        }
    }
}

#[test]
fn a_list_whose_times_are_a_little_early_leads_to_the_keyframe_before_the_place() {
    // As ffmpeg writes them, where the picture begins behind the sound.
    let early = |known: &[(MediaTime, u64)]| {
        let known: Vec<_> =
            known.iter().map(|(at, offset)| (*at - Micros::from_millis(21), *offset)).collect();
        Some(listed(&known, 0))
    };
    let recording = record(USUAL, early);
    let mut reader = Reader::new(&recording.bytes, 64 << 10);
    reader.first_picture();
    for to in [61.99, 61.99, 62.0, 0.0] {
        let (_, behind) = reader.file.keyframes_around(seconds(to));
        assert_eq!(behind, Some(seconds((to / 2.0_f64).floor() * 2.0 + 2.0)), "{to}");
        reader.jumps = 0;
        reader.file.seek(seconds(to));
        let first = reader.first_picture();
        let expected = (seconds((to / 2.0_f64).floor() * 2.0), true, 1);
        assert_eq!((first.pts, first.keyframe, reader.jumps), expected, "{to}");
    }
}

#[test]
fn the_beginning_is_where_the_file_begins_whatever_was_read_first() {
    let recording = record(Shape { late_ms: 40, ..USUAL }, |known| Some(listed(known, 0)));
    let mut reader = Reader::new(&recording.bytes, 1 << 10);
    reader.until(|e| matches!(e, DemuxEvent::Packet(_)));
    assert_eq!(reader.file.seek(seconds(20.5)), Some(seconds(20.04)));
    assert_eq!(reader.first_picture().pts, seconds(20.04));
    assert_eq!(reader.file.seek(seconds(0.0)), Some(seconds(0.0)));
    assert_eq!(reader.first_picture().pts, seconds(0.04));
}

#[test]
fn a_list_of_another_file_is_not_believed() {
    for shift in [900_000, 1 << 40] {
        let recording = record(USUAL, |known| Some(listed(known, shift)));
        let mut reader = Reader::new(&recording.bytes, 64 << 10);
        reader.first_picture();
        reader.file.seek(seconds(61.3));
        let first = reader.first_picture();
        assert_eq!((first.pts, first.keyframe), (seconds(60.0), true), "shifted by {shift}");
    }
}

#[test]
fn what_stands_behind_a_keyframe_is_not_held_without_end() {
    let recording = record(Shape { gop_ms: 1_000_000, seconds: 40, ..USUAL }, |_| None);
    let half = recording.bytes.len() / 2;
    let begins = |at: &usize| recording.bytes[*at..].starts_with(&[8, 0, 0, 202]);
    let (head, rest) = recording.bytes.split_at((half..).find(begins).expect("a tag"));
    // Of a type that nobody knows.
    let unknown = [20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 12].repeat(400_000);
    let mut reader = Reader::new(&[head, &unknown, rest].concat().into(), 64 << 10);
    reader.first_picture();
    reader.file.seek(seconds(39.0));
    assert_eq!(reader.first_picture().pts, seconds(0.0));
    assert!(reader.at < (head.len() + unknown.len()) as u64, "all of it was held: {} bytes", reader.at);
}

#[test]
fn its_time_begins_at_0_whatever_its_tags_say() {
    let recording = record(Shape { begin_ms: 3_600_000, ..USUAL }, |_| None);
    let mut reader = Reader::new(&recording.bytes, 64 << 10);
    assert_eq!(reader.first_picture().pts, MediaTime(0));
    reader.file.seek(seconds(33.0));
    assert_eq!(reader.first_picture().pts, seconds(32.0));
}

#[test]
fn the_end_is_looked_at_once_for_how_long_it_is_and_nothing_is_lost_by_that() {
    let recording = record(USUAL, |_| None);
    for piece in [4 << 10, 1 << 20, 64 << 20] {
        let mut reader = Reader::new(&recording.bytes, piece);
        let events = reader.until(|_| false);
        let packets: Vec<&Packet> = events
            .iter()
            .filter_map(|e| if let DemuxEvent::Packet(p) = e { Some(p) } else { None })
            .collect();
        assert_eq!(packets.len(), 120 * 25 * 3);
        assert!(events.iter().all(|e| !matches!(e, DemuxEvent::Skipped { .. })));
        let duration = reader.file.duration().expect("it is known");
        assert!((duration - Micros::from_secs(120)).abs() < Micros::from_millis(60), "{duration:?}");
        assert!(reader.jumps <= 2);
        assert_eq!(reader.file.wants(), None);
    }
    let mut reader = Reader::new(&recording.bytes, 64 << 10);
    reader.until(|e| matches!(e, DemuxEvent::Packet(p) if p.pts > seconds(2.0)));
    assert!(reader.file.duration().is_some(), "before much of it was read");
}

#[test]
fn sound_alone_is_gone_to_as_well() {
    let recording = record(Shape { pictures: false, ..USUAL }, |_| None);
    let mut reader = Reader::new(&recording.bytes, 64 << 10);
    reader.until(|e| matches!(e, DemuxEvent::Packet(_)));
    reader.file.seek(seconds(70.5));
    let events = reader.until(|e| matches!(e, DemuxEvent::Packet(_)));
    let Some(DemuxEvent::Packet(first)) = events.last() else { panic!("{events:?}") };
    assert!(first.pts <= seconds(70.5) && first.pts > seconds(68.0), "{:?}", first.pts);
}

#[test]
fn after_a_seek_to_the_end_it_ends() {
    let recording = record(USUAL, |_| None);
    let mut reader = Reader::new(&recording.bytes, 64 << 10);
    reader.first_picture();
    reader.file.seek(seconds(500.0));
    let events = reader.until(|_| false);
    let pictures =
        events.iter().filter(|e| matches!(e, DemuxEvent::Packet(p) if p.track.kind == MediaKind::Video));
    assert_eq!(pictures.count(), 50, "the last GOP");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_damaged_and_wherever_one_goes_it_comes_to_an_end(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..60),
        seeks in prop::collection::vec((-1_000_000i64..30_000_000, 0usize..400), 0..12),
        piece in 1usize..50_000,
        list in any::<bool>(),
    ) {
        let shape = Shape { seconds: 20, picture: 300, ..USUAL };
        let mut bytes = record(shape, |known| list.then(|| listed(known, 0))).bytes.to_vec();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let mut reader = Reader::new(&bytes.into(), piece);
        for (to, packets) in seeks {
            for _ in 0..packets {
                if !reader.turn() {
                    break;
                }
            }
            reader.file.seek(MediaTime(to));
        }
        // As often as a search looks, each time to the end.
        let most = 12 * (reader.bytes.len() / piece + 10_000);
        prop_assert!((0..most).any(|_| !reader.turn()), "it does not end");
    }
}
