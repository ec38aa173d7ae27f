//! What our muxers write, our demuxers read back: the same units at the same times.

mod common;

use bytes::{Bytes, BytesMut};
use common::{cases, demux, fixture, mp4, ts::demux_ts, vector};
use proptest::prelude::*;
use sailcast_media::{
    Codec, DemuxEvent, MediaKind, MediaTime, Message, Metadata, Micros, Packet, TrackId, TrackInfo,
    mp4::mux::{FragmentMuxer, Recording, SNAP},
    ts::mux::{PCR_LEAD, TsMuxer},
};

/// Stamps of whole milliseconds against the frames of a PES packet, and a tick.
const PACKED: Micros = Micros(2_100);

/// The tracks as they are first, and their packets.
fn heard(events: Vec<DemuxEvent>) -> (Vec<TrackInfo>, Vec<Packet>) {
    let (mut tracks, mut packets) = (Vec::<TrackInfo>::new(), Vec::new());
    for event in events {
        match event {
            DemuxEvent::Track(track) if tracks.iter().all(|known| known.id != track.id) => tracks.push(track),
            DemuxEvent::Packet(packet) if !packet.data.is_empty() => packets.push(packet),
            _ => {}
        }
    }
    (tracks, packets)
}

/// NAL units but for delimiters and parameter sets, which the transport stream repeats; all else as it is.
fn content(codec: Codec, data: &Bytes) -> Vec<Bytes> {
    let mut nals = Vec::new();
    let mut rest = data.clone();
    while matches!(codec, Codec::Avc | Codec::Hevc) && !rest.is_empty() {
        let len = u32::from_be_bytes(rest.split_to(4)[..].try_into().unwrap());
        let nal = rest.split_to(len as usize);
        let is_repeated = match codec {
            Codec::Avc => matches!(nal[0] & 0x1f, 7..=9),
            _ => matches!(nal[0] >> 1, 32..=35),
        };
        nals.extend(Some(nal).filter(|_| !is_repeated));
    }
    if rest.is_empty() { nals } else { vec![rest] }
}

fn by_kind(packets: &[Packet], kind: MediaKind) -> Vec<&Packet> {
    packets.iter().filter(|packet| packet.track.kind == kind && packet.track.number == 0).collect()
}

/// The same units at about the same times, moved by `shift`.
fn same(
    name: &str,
    written: &(Vec<TrackInfo>, Vec<Packet>),
    events: Vec<DemuxEvent>,
    shift: Micros,
    within: Micros,
) {
    assert!(!events.iter().any(|e| matches!(e, DemuxEvent::Skipped { .. })), "{name}");
    let (tracks, packets) = written;
    let (read, back) = heard(events);
    for track in tracks {
        let codec = track.config.codec;
        let seen = by_kind(&back, track.kind());
        let expected = by_kind(packets, track.kind());
        assert_eq!(seen.len(), expected.len(), "{name}");
        let twin = read.iter().find(|twin| twin.kind() == track.kind()).unwrap();
        assert_eq!((twin.config.codec, twin.config.params), (codec, track.config.params), "{name}");
        for (seen, packet) in seen.iter().zip(expected) {
            let near = |a: MediaTime, b: MediaTime| (a - b - shift).abs() <= within;
            assert!(
                near(seen.dts, packet.dts) && near(seen.pts, packet.pts),
                "{name}: {seen:?} of {packet:?}"
            );
            assert_eq!((seen.keyframe, seen.disposable), (packet.keyframe, packet.disposable), "{name}");
            assert_eq!(content(codec, &seen.data), content(codec, &packet.data), "{name}");
        }
    }
}

/// What both can carry.
fn streams() -> Vec<(&'static str, Bytes)> {
    vec![
        ("counter-av", fixture("counter-av.flv")),
        ("counter-bframes", fixture("counter-bframes.flv")),
        ("counter-hevc-opus", fixture("counter-hevc-opus.flv")),
        ("counter-mp3", fixture("counter-mp3.flv")),
        ("audio-only", fixture("audio-only.flv")),
        ("video-only", fixture("video-only.flv")),
        ("ex-hvc1-bframes", vector("ex-hvc1-bframes")),
        ("ffmpeg-ac3", vector("ffmpeg-ac3")),
        ("ffmpeg-eac3", vector("ffmpeg-eac3")),
        ("mp3-8k", vector("mp3-8k")),
    ]
}

/// And what only MP4 can. Not G.711, which comes back in packets of another size.
fn only_in_mp4() -> Vec<(&'static str, Bytes)> {
    vec![
        ("counter-flac", fixture("counter-flac.flv")),
        ("ffmpeg-av1", vector("ffmpeg-av1")),
        ("ffmpeg-vp9", vector("ffmpeg-vp9")),
        ("ex-vp08", vector("ex-vp08")),
    ]
}

#[test]
fn transport_streams_give_back_what_was_written() {
    for (name, stream) in streams() {
        let written = heard(demux(&stream).0);
        let mut muxer = TsMuxer::new(&written.0).unwrap().with_base(MediaTime(0) - PCR_LEAD);
        let mut out = BytesMut::new();
        for (i, packet) in written.1.iter().enumerate() {
            if i % 100 == 0 {
                muxer.flush(&mut out);
                muxer.tables(&mut out);
            }
            muxer.packet(&mut out, packet).unwrap();
        }
        muxer.flush(&mut out);
        let (events, failed) = demux_ts(&out.freeze());
        assert_eq!(failed, None, "{name}");
        same(name, &written, events, PCR_LEAD, PACKED);
    }
}

#[test]
fn fragments_give_back_what_was_written() {
    for (name, stream) in [streams(), only_in_mp4()].concat() {
        let written = heard(demux(&stream).0);
        let lead = Micros::from_millis(100);
        let mut muxer = FragmentMuxer::new(&written.0).unwrap().with_base(MediaTime(0) - lead);
        let mut out = BytesMut::new();
        muxer.init(&mut out);
        let mut at = 0;
        for chunk in written.1.chunks(20) {
            at += chunk.len();
            muxer.segment_type(&mut out);
            muxer.fragment(&mut out, chunk, &written.1[at..]).unwrap();
        }
        let (events, failed) = mp4::demux(&out);
        assert_eq!(failed, None, "{name}");
        same(name, &written, events, lead, SNAP);
    }
}

#[test]
fn a_recording_is_a_file_like_any_other() {
    for (name, stream) in [streams(), only_in_mp4()].concat() {
        let (tracks, mut packets) = heard(demux(&stream).0);
        let mut recording = Recording::new(&tracks).unwrap();
        let mut out = BytesMut::new();
        packets.iter().for_each(|packet| recording.packet(&mut out, packet).unwrap());
        recording.finish(&mut out).unwrap();
        let lead = tracks.iter().map(|track| track.id).min().unwrap();
        let base = packets.iter().find(|packet| packet.track == lead && packet.keyframe).unwrap().dts;
        packets.retain(|packet| packet.dts >= base);
        let file = mp4::Reading::new(out.freeze()).read(&[1 << 16]);
        same(name, &(tracks, packets), file.events, MediaTime(0) - base, SNAP);
    }
}

#[test]
fn the_producers_time_comes_back_with_its_fragment() {
    let (tracks, packets) = heard(demux(&fixture("counter-av.flv")).0);
    let mut muxer = FragmentMuxer::new(&tracks).unwrap();
    let mut out = BytesMut::new();
    muxer.init(&mut out);
    let first = &packets[0];
    let unix = Micros(1_700_000_000_123_456);
    muxer.producer_time(&mut out, first.track, first.dts, unix).unwrap();
    muxer.fragment(&mut out, &packets[..10], &[]).unwrap();
    let (events, _) = mp4::demux(&out);
    let told = events.iter().find_map(|event| match event {
        DemuxEvent::Metadata(Metadata { time, message: Message::ProducerTime { unix }, .. }) => {
            Some((*time, *unix))
        }
        _ => None,
    });
    let (time, told) = told.expect("a producer's time");
    assert_eq!(time, first.dts);
    assert!((told - unix).abs() <= Micros(1), "{told:?}");
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn times_in_a_transport_stream_survive_the_turn_of_its_clock(
        start in prop_oneof![Just(0i64), Just(95_443_000_000), 0i64..95_443_717_688],
        specs in prop::collection::vec((any::<bool>(), 1_000i64..400_000, 0i64..200_000), 1..60),
    ) {
        let (tracks, _) = heard(demux(&fixture("counter-bframes.flv")).0);
        let slice = |header: u8| Bytes::copy_from_slice(&[0, 0, 0, 3, header, 0x88, 0x84]);
        let mut dts = 0;
        let packets: Vec<_> = specs
            .iter()
            .enumerate()
            .map(|(i, (is_video, step, composition))| {
                dts += step;
                let (track, shift) = if *is_video { (TrackId::video(0), *composition) } else { (TrackId::audio(0), 0) };
                Packet {
                    track,
                    dts: MediaTime(dts),
                    pts: MediaTime(dts + shift),
                    duration: None,
                    keyframe: true,
                    disposable: false,
                    data: if *is_video { slice(0x65) } else { Bytes::copy_from_slice(&[0x21, i as u8]) },
                }
            })
            .collect();
        let mut muxer = TsMuxer::new(&tracks).unwrap().with_base(MediaTime(-start));
        let mut out = BytesMut::new();
        muxer.tables(&mut out);
        packets.iter().for_each(|packet| muxer.packet(&mut out, packet).unwrap());
        muxer.flush(&mut out);
        let (events, failed) = demux_ts(&out.freeze());
        prop_assert_eq!(failed, None);
        let (_, back) = heard(events);
        let turn = (1i64 << 33) * 100 / 9;
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let (seen, expected) = (by_kind(&back, kind), by_kind(&packets, kind));
            prop_assert_eq!(seen.len(), expected.len());
            for (seen, packet) in seen.iter().zip(expected) {
                let near = |a: MediaTime, b: MediaTime| {
                    let off = (a.0 - b.0 - start).rem_euclid(turn);
                    off.min(turn - off) <= 13
                };
                prop_assert!(near(seen.dts, packet.dts) && near(seen.pts, packet.pts), "{:?} of {:?}", seen, packet);
            }
        }
    }
}
