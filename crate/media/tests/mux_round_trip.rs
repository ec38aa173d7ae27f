//! What our muxers write, our demuxers read back: the same units at the same times.

mod common;

use bytes::{Bytes, BytesMut};
use common::{demux, fixture, ts::demux_ts, vector};
use sailcast_media::{
    Codec, DemuxEvent, MediaKind, MediaTime, Micros, Packet, TrackInfo,
    ts::mux::{PCR_LEAD, TsMuxer},
};

/// Stamps of whole milliseconds against the frames of a PES packet, and a tick.
const SKEW: Micros = Micros(2_100);

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

#[test]
fn transport_streams_give_back_what_was_written() {
    for (name, stream) in [
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
    ] {
        let (tracks, packets) = heard(demux(&stream).0);
        let mut muxer = TsMuxer::new(&tracks).unwrap().with_base(MediaTime(0) - PCR_LEAD);
        let mut out = BytesMut::new();
        for (i, packet) in packets.iter().enumerate() {
            if i % 100 == 0 {
                muxer.flush(&mut out);
                muxer.tables(&mut out);
            }
            muxer.packet(&mut out, packet).unwrap();
        }
        muxer.flush(&mut out);
        let (events, failed) = demux_ts(&out.freeze());
        assert_eq!(failed, None, "{name}");
        assert!(!events.iter().any(|e| matches!(e, DemuxEvent::Skipped { .. })), "{name}");
        let (read, back) = heard(events);
        for track in tracks {
            let seen = by_kind(&back, track.kind());
            let expected = by_kind(&packets, track.kind());
            assert_eq!(seen.len(), expected.len(), "{name}");
            let its_twin = read.iter().find(|twin| twin.kind() == track.kind()).unwrap();
            assert_eq!(its_twin.config.params, track.config.params, "{name}");
            for (seen, packet) in seen.iter().zip(expected) {
                let near = |a: MediaTime, b: MediaTime| (a - PCR_LEAD - b).abs() <= SKEW;
                assert!(near(seen.dts, packet.dts) && near(seen.pts, packet.pts), "{name}: {seen:?}");
                assert_eq!((seen.keyframe, seen.disposable), (packet.keyframe, packet.disposable), "{name}");
                let codec = track.config.codec;
                assert_eq!(content(codec, &seen.data), content(codec, &packet.data), "{name}");
            }
        }
    }
}
