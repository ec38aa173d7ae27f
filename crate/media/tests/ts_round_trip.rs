//! What our muxer writes, our demuxer reads: the same sound, the same pictures, the same times to the tick.

mod common;

use bytes::{Bytes, BytesMut};
use common::{
    demux, fixture,
    ts::{demux_segments, demux_ts, packets, reasons},
};
use sailcast_media::{Codec, DemuxEvent, Packet, TrackInfo, ts::mux::TsMuxer};

const FIXTURES: [&str; 6] = [
    "counter-av.flv",
    "counter-bframes.flv",
    "counter-hevc-opus.flv",
    "counter-mp3.flv",
    "audio-only.flv",
    "card-hevc-10.flv",
];

fn tracks(events: &[DemuxEvent]) -> Vec<TrackInfo> {
    events
        .iter()
        .filter_map(|e| if let DemuxEvent::Track(info) = e { Some(info.clone()) } else { None })
        .collect()
}

/// A segment at each `every` packets.
fn written(name: &str, every: usize) -> (Vec<TrackInfo>, Vec<Packet>, Vec<Bytes>) {
    let (events, _) = demux(&fixture(name));
    let tracks = tracks(&events);
    let packets: Vec<_> = packets(&events).into_iter().cloned().collect();
    let mut muxer = TsMuxer::new(&tracks).unwrap();
    let segments = packets.chunks(every).map(|packets| {
        let mut out = BytesMut::new();
        muxer.tables(&mut out);
        packets.iter().for_each(|packet| muxer.packet(&mut out, packet).unwrap());
        muxer.flush(&mut out);
        out.freeze()
    });
    let segments = segments.collect();
    (tracks, packets, segments)
}

/// NAL units without delimiters and parameter sets, which the muxer adds.
fn slices(codec: Codec, mut data: &[u8]) -> Vec<&[u8]> {
    let mut nals = Vec::new();
    while let Some((len, rest)) = data.split_first_chunk() {
        let (nal, rest) = rest.split_at(u32::from_be_bytes(*len) as usize);
        let is_slice = match codec {
            Codec::Hevc => nal[0] >> 1 < 32,
            _ => matches!(nal[0] & 0x1f, 1..=5),
        };
        nals.extend(is_slice.then_some(nal));
        data = rest;
    }
    nals
}

fn same(name: &str, tracks: &[TrackInfo], before: &[Packet], events: &[DemuxEvent]) {
    assert_eq!(reasons(events), [], "{name}");
    for track in tracks {
        let of = |packet: &&Packet| packet.track == track.id;
        let after: Vec<_> = packets(events).into_iter().filter(of).collect();
        let before: Vec<_> = before.iter().filter(of).collect();
        assert_eq!(after.len(), before.len(), "{name}: {}", track.id);
        for (n, (after, before)) in after.iter().zip(before).enumerate() {
            let at = format!("{name}: {}, packet {n}", track.id);
            // FLV has sound in milliseconds; packed into one PES packet its frames have their own times.
            let off = (after.dts - before.dts).0.abs().max((after.pts - before.pts).0.abs());
            assert!(off <= 2000, "{at}: {off} us off");
            assert_eq!((after.keyframe, after.disposable), (before.keyframe, before.disposable), "{at}");
            match track.config.codec {
                codec @ (Codec::Avc | Codec::Hevc) => {
                    assert_eq!(slices(codec, &after.data), slices(codec, &before.data), "{at}");
                }
                _ => assert_eq!(after.data, before.data, "{at}"),
            }
        }
    }
    let configs = |tracks: &[TrackInfo]| {
        let mut told: Vec<_> =
            tracks.iter().map(|t| (t.id, t.config.codec_string.clone(), t.config.params)).collect();
        told.sort_by_key(|(id, ..)| *id);
        told
    };
    assert_eq!(configs(&self::tracks(events)), configs(tracks), "{name}");
}

#[test]
fn a_stream_comes_back_as_it_went() {
    for name in FIXTURES {
        let (tracks, before, segments) = written(name, 50);
        let (events, failed) = demux_ts(&segments.concat().into());
        assert_eq!(failed, None, "{name}");
        same(name, &tracks, &before, &events);
    }
}

#[test]
fn segments_come_back_as_they_went() {
    for name in FIXTURES {
        let (tracks, before, segments) = written(name, 61);
        same(name, &tracks, &before, &demux_segments(&segments));
    }
}
