//! Muxing, then demuxing, gives the same packets.

mod common;

use bytes::{Bytes, BytesMut};
use common::{avc_and_aac, demux, fixture};
use proptest::prelude::*;
use sailcast_media::{
    Codec, DemuxEvent, FlvMuxer, MediaTime, Message, Metadata, Micros, Packet, TrackId, Value,
    flv::{
        Headers, MuxError,
        demux::{AUDIO_TRACK, VIDEO_TRACK},
        on_metadata,
        tag::MAX_TAG_BODY,
    },
};

fn mux(events: &[DemuxEvent]) -> Bytes {
    let mut muxer = FlvMuxer::new(true, true);
    let mut out = BytesMut::new();
    for event in events {
        match event {
            DemuxEvent::Track(track) => muxer.config(&mut out, track).unwrap(),
            DemuxEvent::Packet(packet) => muxer.packet(&mut out, packet).unwrap(),
            // It is in its packet.
            DemuxEvent::Metadata(Metadata { message: Message::Sei { .. }, .. }) => {}
            DemuxEvent::Metadata(metadata) => muxer.metadata(&mut out, metadata).unwrap(),
            DemuxEvent::Skipped { .. } => {}
        }
    }
    out.freeze()
}

fn packet(track: TrackId, dts: i64, composition: i64, data: &[u8]) -> Packet {
    let is_audio = track == AUDIO_TRACK;
    Packet {
        track,
        dts: MediaTime::from_millis(dts),
        pts: MediaTime::from_millis(dts + if is_audio { 0 } else { composition }),
        // An AAC packet has 1024 samples.
        duration: is_audio.then_some(Micros(21_333)),
        keyframe: is_audio || data.first().is_some_and(|b| b & 0x1f == 5),
        disposable: !is_audio && data.first().is_some_and(|b| matches!(b & 0x1f, 1..=5) && b & 0x60 == 0),
        data: if is_audio { Bytes::copy_from_slice(data) } else { length_prefixed(data) },
    }
}

fn length_prefixed(nal: &[u8]) -> Bytes {
    [&(nal.len() as u32).to_be_bytes(), nal].concat().into()
}

#[test]
fn real_streams_survive_the_round_trip() {
    for name in ["counter-av.flv", "counter-bframes.flv", "video-only.flv", "audio-only.flv"] {
        let (events, _) = demux(&fixture(name));
        assert_eq!(demux(&mux(&events)), (events, None), "{name}");
    }
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_no_trace() {
    let [video, audio] = &avc_and_aac()[..] else { panic!("two tracks") };
    let mut muxer = FlvMuxer::new(true, true);
    let mut out = BytesMut::new();
    let sound = packet(AUDIO_TRACK, 0, 0, &[1]);
    assert_eq!(muxer.packet(&mut out, &sound), Err(MuxError::NoConfig(AUDIO_TRACK)));
    muxer.config(&mut out, video).unwrap();
    muxer.config(&mut out, audio).unwrap();
    let before = out.clone();
    let mut telephone = audio.clone();
    (telephone.id, telephone.config.codec) = (TrackId::audio(1), Codec::G711A);
    let refused = MuxError::NoHeader { track: telephone.id, codec: Codec::G711A };
    assert_eq!(muxer.config(&mut out, &telephone), Err(refused));
    let far = packet(VIDEO_TRACK, 0, 8_388_608, &[0x65]);
    assert_eq!(muxer.packet(&mut out, &far), Err(MuxError::CompositionTime { ms: 8_388_608 }));
    let large = packet(AUDIO_TRACK, 0, 0, &vec![0; MAX_TAG_BODY]);
    assert!(matches!(muxer.packet(&mut out, &large), Err(MuxError::TagTooLarge(_))));
    let long_key = Value::Object(vec![("k".repeat(70_000), Value::Null)]);
    let script = Metadata {
        time: MediaTime(0),
        track: None,
        message: Message::Script { name: "n".into(), values: vec![long_key] },
    };
    assert!(matches!(muxer.metadata(&mut out, &script), Err(MuxError::Script(_))));
    assert_eq!(out, before);
}

#[test]
fn configuration_in_mid_stream_gets_the_time_of_the_packet_before_it() {
    let [video, ..] = &avc_and_aac()[..] else { panic!("two tracks") };
    let mut muxer = FlvMuxer::new(false, true);
    let mut out = BytesMut::new();
    muxer.config(&mut out, video).unwrap();
    muxer.packet(&mut out, &packet(VIDEO_TRACK, 5000, 0, &[0x65])).unwrap();
    muxer.config(&mut out, video).unwrap();
    let stamps: Vec<_> = common::tags(&out.freeze()).iter().map(|tag| tag.timestamp).collect();
    assert_eq!(stamps, [0, 5000, 5000]);
}

#[test]
fn on_metadata_describes_the_tracks() {
    let metadata = on_metadata(&avc_and_aac(), Headers::Common);
    let Message::Script { values, .. } = &metadata.message else { panic!("{metadata:?}") };
    let [Value::Object(fields)] = &values[..] else { panic!("{metadata:?}") };
    let number = |key: &str| fields.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    assert_eq!(number("width"), Some(Value::Number(640.0)));
    assert_eq!(number("audiosamplerate"), Some(Value::Number(48_000.0)));
    assert_eq!(number("videocodecid"), Some(Value::Number(7.0)));
}

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn demuxing_gives_back_what_was_muxed(
        start in prop_oneof![Just(0u32), Just(u32::MAX - 1000), any::<u32>()],
        specs in prop::collection::vec(
            (0usize..2, 0i64..9000, -8_388_608i64..=8_388_607, prop::collection::vec(any::<u8>(), 1..300)),
            1..60,
        ),
    ) {
        let mut dts = i64::from(start);
        let mut events: Vec<_> = avc_and_aac().into_iter().map(DemuxEvent::Track).collect();
        for (i, (track, step, composition, mut data)) in specs.into_iter().enumerate() {
            let step = if i == 0 { 0 } else { step };
            dts += step;
            // The stream begins with an IDR picture; others, a few of them disposable, are slices.
            let has_idr = events.iter().any(|e| matches!(e, DemuxEvent::Packet(p) if p.track == VIDEO_TRACK));
            data[0] = if has_idr { [0x65, 0x41, 0x01][usize::from(data[0]) % 3] } else { 0x65 };
            events.push(DemuxEvent::Packet(packet([VIDEO_TRACK, AUDIO_TRACK][track], dts, composition, &data)));
        }
        prop_assert_eq!(demux(&mux(&events)), (events, None));
    }
}
