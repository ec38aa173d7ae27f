//! Every codec in every form that the muxer writes: demuxing gives back what was muxed.

mod common;

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use common::{demux, skips};
use proptest::prelude::*;
use sailcast_media::{
    Codec, DemuxEvent, FlvMuxer, MediaTime, Message, Metadata, Micros, Packet, TrackId, TrackInfo, Value,
    flv::{Headers, MuxError},
};

/// A stream of each codec.
const STREAMS: [(&str, Codec); 14] = [
    ("avc-bframes", Codec::Avc),
    ("ex-hvc1-bframes", Codec::Hevc),
    ("ex-av01", Codec::Av1),
    ("ex-vp09", Codec::Vp9),
    ("ex-vp08", Codec::Vp8),
    ("ex-mp4a", Codec::Aac),
    ("ex-mp3", Codec::Mp3),
    ("mp3-8k", Codec::Mp3),
    ("g711-alaw-mono", Codec::G711A),
    ("g711-ulaw-stereo", Codec::G711U),
    ("opus-13", Codec::Opus),
    ("ex-flac", Codec::Flac),
    ("ex-ac-3", Codec::Ac3),
    ("ex-ec-3", Codec::Eac3),
];

#[derive(Clone, Debug)]
struct Stream {
    info: TrackInfo,
    packets: Vec<Packet>,
}

fn stream_of(name: &str, codec: Codec) -> Stream {
    let (events, failed) = demux(&common::vector(name));
    assert_eq!((failed, skips(&events)), (None, vec![]), "{name}");
    let mut infos =
        events.iter().filter_map(|e| if let DemuxEvent::Track(t) = e { Some(t.clone()) } else { None });
    let info =
        infos.find(|info| info.config.codec == codec).unwrap_or_else(|| panic!("{name}: no {codec:?}"));
    let packets =
        events.into_iter().filter_map(|e| if let DemuxEvent::Packet(p) = e { Some(p) } else { None });
    let packets: Vec<_> = packets.filter(|p| p.track == info.id).collect();
    assert!(packets.len() >= 4, "{name}: {} packets", packets.len());
    Stream { info, packets }
}

impl Stream {
    fn all() -> Vec<Self> {
        STREAMS.iter().map(|(name, codec)| stream_of(name, *codec)).collect()
    }

    fn of(codec: Codec) -> Self {
        Self::all().into_iter().find(|s| s.codec() == codec).unwrap()
    }

    fn codec(&self) -> Codec {
        self.info.config.codec
    }

    fn numbered(mut self, number: u8) -> Self {
        self.info.id.number = number;
        for packet in &mut self.packets {
            packet.track.number = number;
        }
        self
    }

    fn has_composition_time(&self, headers: Headers) -> bool {
        matches!(self.codec(), Codec::Avc | Codec::Hevc)
            || (self.codec() == Codec::Av1 && headers == Headers::Private && self.info.id.number == 0)
    }

    /// Muxed alone.
    fn muxed(&self, mut muxer: FlvMuxer) -> Result<Bytes, MuxError> {
        let mut out = BytesMut::new();
        muxer.config(&mut out, &self.info)?;
        for packet in &self.packets {
            muxer.packet(&mut out, packet)?;
        }
        Ok(out.freeze())
    }
}

/// What came of each track: its configurations and packets in their order.
fn by_track(stream: &Bytes) -> BTreeMap<TrackId, (Vec<TrackInfo>, Vec<Packet>)> {
    let (events, failed) = demux(stream);
    assert_eq!((failed, skips(&events)), (None, vec![]));
    let mut tracks: BTreeMap<_, (Vec<_>, Vec<_>)> = BTreeMap::new();
    for event in events {
        match event {
            DemuxEvent::Track(info) => tracks.entry(info.id).or_default().0.push(info),
            DemuxEvent::Packet(packet) => tracks.entry(packet.track).or_default().1.push(packet),
            DemuxEvent::Metadata(_) | DemuxEvent::Skipped { .. } => {}
        }
    }
    tracks
}

fn assert_given_back(stream: &Stream, bytes: &Bytes, form: &str) {
    let mut back = by_track(bytes);
    let (infos, packets) = back.remove(&stream.info.id).unwrap_or_default();
    let codec = stream.codec();
    assert_eq!(infos, std::slice::from_ref(&stream.info), "{codec:?}, {form}");
    assert_eq!(packets, stream.packets, "{codec:?}, {form}");
    assert!(back.is_empty(), "{codec:?}, {form}: another track");
}

fn muxer(headers: Headers) -> FlvMuxer {
    FlvMuxer::new(true, true).with_headers(headers)
}

#[test]
fn every_codec_in_every_kind_of_header_comes_back() {
    for stream in Stream::all() {
        for headers in [Headers::Common, Headers::Enhanced, Headers::Private] {
            // A legacy header of Opus has no place for its configuration, which then is made from the packets.
            let mut stream = stream.clone();
            if headers == Headers::Private && stream.codec() == Codec::Opus {
                stream.info = by_track(&stream.muxed(muxer(headers)).unwrap())[&stream.info.id].0[0].clone();
            }
            assert_given_back(&stream, &stream.muxed(muxer(headers)).unwrap(), &format!("{headers:?}"));
        }
    }
}

#[test]
fn the_headers_are_those_that_were_asked_for() {
    let first_body = |codec, headers| {
        let bytes = Stream::of(codec).muxed(muxer(headers)).unwrap();
        common::tags(&bytes)[0].body.slice(..5)
    };
    assert_eq!(first_body(Codec::Avc, Headers::Common)[..2], [0x17, 0]);
    assert_eq!(first_body(Codec::Avc, Headers::Enhanced)[..], *b"\x90avc1");
    assert_eq!(first_body(Codec::Hevc, Headers::Common)[..], *b"\x90hvc1");
    assert_eq!(first_body(Codec::Hevc, Headers::Private)[..2], [0x1c, 0]);
    assert_eq!(first_body(Codec::Av1, Headers::Private)[..2], [0x1d, 0]);
    assert_eq!(first_body(Codec::Opus, Headers::Private)[0], 0xdf);
    assert_eq!(first_body(Codec::Opus, Headers::Common)[..], *b"\x90Opus");
    assert_eq!(first_body(Codec::G711A, Headers::Enhanced)[0], 0x72);
    assert_eq!(first_body(Codec::G711U, Headers::Common)[0], 0x83);
    assert_eq!(first_body(Codec::Mp3, Headers::Common)[..], *b"\x90.mp3", "48 kHz has no legacy code");
    assert_eq!(first_body(Codec::Aac, Headers::Enhanced)[..], *b"\x90mp4a");
}

#[test]
fn every_codec_with_a_fourcc_comes_back_as_any_track() {
    for stream in Stream::all() {
        let stream = stream.numbered(200);
        match stream.muxed(muxer(Headers::Common)) {
            Ok(bytes) => assert_given_back(&stream, &bytes, "one track"),
            Err(error) => {
                assert!(matches!(stream.codec(), Codec::G711A | Codec::G711U));
                assert_eq!(error, MuxError::NoHeader { track: stream.info.id, codec: stream.codec() });
            }
        }
    }
}

#[test]
fn tracks_of_one_tag_come_back_each_by_itself() {
    for codecs in [[Codec::Avc, Codec::Avc], [Codec::Av1, Codec::Hevc], [Codec::Opus, Codec::Aac]] {
        let mut streams: Vec<_> =
            codecs.iter().zip([0, 9]).map(|(codec, number)| Stream::of(*codec).numbered(number)).collect();
        let mut muxer = muxer(Headers::Enhanced);
        let mut out = BytesMut::new();
        let infos: Vec<_> = streams.iter().map(|s| s.info.clone()).collect();
        muxer.configs(&mut out, &infos).unwrap();
        for (i, ms) in (0..4).map(|i| (i, MediaTime::from_millis(40 * i as i64))) {
            let mut together = Vec::new();
            for stream in &mut streams {
                let packet = &mut stream.packets[i];
                let composition = packet.pts - packet.dts;
                (packet.dts, packet.pts) = (ms, ms + composition);
                together.push(packet.clone());
            }
            muxer.packets(&mut out, &together).unwrap();
        }
        let bytes = out.freeze();
        assert_eq!(common::tags(&bytes).len(), 5, "a tag for all tracks");
        let back = by_track(&bytes);
        for stream in streams {
            let (infos, packets) = &back[&stream.info.id];
            assert_eq!((&infos[..], &packets[..]), (&[stream.info][..], &stream.packets[..4]), "{codecs:?}");
        }
    }
}

#[test]
fn what_cannot_be_in_one_tag_is_refused() {
    let (sound, picture) = (Stream::of(Codec::Aac), Stream::of(Codec::Avc));
    let second = Stream::of(Codec::Aac).numbered(1);
    let mut muxer = muxer(Headers::Enhanced);
    let mut out = BytesMut::new();
    for stream in [&sound, &picture, &second] {
        muxer.config(&mut out, &stream.info).unwrap();
    }
    let before = out.len();
    let mixed = [sound.packets[0].clone(), picture.packets[0].clone()];
    let apart = [sound.packets[0].clone(), second.packets[1].clone()];
    let silent = [sound.packets[0].clone(), Packet { data: Bytes::new(), ..second.packets[0].clone() }];
    for packets in [mixed, apart, silent] {
        assert_eq!(muxer.packets(&mut out, &packets), Err(MuxError::NotTogether));
    }
    let empty = Packet { data: Bytes::new(), ..picture.packets[0].clone() };
    assert_eq!(muxer.packet(&mut out, &empty), Err(MuxError::Empty(empty.track)));
    let late = Packet { pts: MediaTime(5_000), dts: MediaTime(0), ..sound.packets[0].clone() };
    assert_eq!(muxer.packet(&mut out, &late), Err(MuxError::CompositionTime { ms: 5 }));
    assert_eq!(out.len(), before);
    let mut bare = picture.info;
    bare.config.description = Bytes::new();
    assert_eq!(muxer.config(&mut out, &bare), Err(MuxError::NoRecord(bare.id)));
}

#[test]
fn silence_and_ends_come_back() {
    for number in [0, 4] {
        let stream = Stream::of(Codec::Aac).numbered(number);
        let mut muxer = muxer(Headers::Common);
        let mut out = BytesMut::new();
        muxer.config(&mut out, &stream.info).unwrap();
        let (at, later) = (MediaTime::from_millis(70), MediaTime::from_millis(90));
        let silence =
            Packet { dts: at, pts: at, data: Bytes::new(), duration: None, ..stream.packets[0].clone() };
        muxer.packet(&mut out, &silence).unwrap();
        muxer.end(&mut out, stream.info.id, later).unwrap();
        let back = by_track(&out.freeze()).remove(&stream.info.id).unwrap().1;
        assert_eq!(back, [silence.clone(), Packet { dts: later, pts: later, ..silence }]);
    }
    for headers in [Headers::Common, Headers::Enhanced] {
        let stream = Stream::of(Codec::Avc);
        let mut muxer = muxer(headers);
        let mut out = BytesMut::new();
        muxer.config(&mut out, &stream.info).unwrap();
        muxer.end(&mut out, stream.info.id, MediaTime(0)).unwrap();
        assert_eq!(by_track(&out.freeze())[&stream.info.id].1, []);
    }
}

#[test]
fn the_metadata_of_a_track_comes_back() {
    let stream = Stream::of(Codec::Hevc).numbered(2);
    let nits = Value::Object(vec![("maxCLL".into(), Value::Number(1000.0))]);
    let info = Value::Object(vec![("hdrCll".into(), nits)]);
    let metadata = Metadata {
        time: MediaTime::from_millis(5),
        track: Some(stream.info.id),
        message: Message::Script { name: "colorInfo".into(), values: vec![info] },
    };
    let mut muxer = muxer(Headers::Common);
    let mut out = BytesMut::new();
    assert_eq!(muxer.metadata(&mut out, &metadata), Err(MuxError::NoConfig(stream.info.id)));
    muxer.config(&mut out, &stream.info).unwrap();
    muxer.metadata(&mut out, &metadata).unwrap();
    let (events, _) = demux(&out.freeze());
    assert_eq!(events, [DemuxEvent::Track(stream.info), DemuxEvent::Metadata(metadata)]);
}

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn any_codec_at_any_times_comes_back(
        which in 0..STREAMS.len(),
        headers in prop::sample::select(vec![Headers::Common, Headers::Enhanced, Headers::Private]),
        finely in any::<bool>(),
        number in prop_oneof![Just(0u8), any::<u8>()],
        start in prop_oneof![Just(0u32), Just(u32::MAX - 100), any::<u32>()],
        steps in prop::collection::vec((0i64..100_000, -0x80_0000i64..=0x7f_ffff, 0i64..1000), 4..6),
    ) {
        let (name, codec) = STREAMS[which];
        let mut stream = stream_of(name, codec).numbered(number);
        let headers = if finely { Headers::Enhanced } else { headers };
        let has_composition = stream.has_composition_time(headers);
        let is_extended_only = !matches!(codec, Codec::G711A | Codec::G711U);
        let mut ms = i64::from(start);
        for (packet, (step, composition, micros)) in stream.packets.iter_mut().zip(&steps) {
            packet.dts = MediaTime::from_millis(ms);
            let composition = if has_composition { *composition } else { 0 };
            let micros = if finely && is_extended_only { *micros } else { 0 };
            packet.pts = packet.dts + Micros::from_millis(composition) + Micros(micros);
            ms += step;
        }
        stream.packets.truncate(steps.len());
        let muxer = muxer(headers);
        let muxed = stream.muxed(if finely { muxer.with_nanoseconds() } else { muxer });
        let Ok(bytes) = muxed else {
            prop_assert_eq!(muxed, Err(MuxError::NoHeader { track: stream.info.id, codec }));
            prop_assert!(!is_extended_only && number > 0);
            return Ok(());
        };
        let (infos, packets) = by_track(&bytes).remove(&stream.info.id).unwrap();
        for (given, back) in stream.packets.iter().zip(&packets) {
            let head = |p: &Packet| Packet { data: p.data.slice(..p.data.len().min(20)), ..p.clone() };
            prop_assert_eq!((head(back), back.data.len()), (head(given), given.data.len()));
        }
        prop_assert!(packets == stream.packets);
        let is_private_opus = codec == Codec::Opus && headers == Headers::Private && number == 0;
        prop_assert!(is_private_opus || infos == [stream.info.clone()]);
        prop_assert_eq!(infos.len(), 1);
    }
}
