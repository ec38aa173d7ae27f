//! What our TS muxer writes, mpeg2ts reads: tables with right checksums, PES packets whole, and their times.

mod common;

use std::collections::BTreeMap;

use bytes::BytesMut;
use common::{Ours, plain_fixtures};
use mpeg2ts::{
    pes::{PesPacketReader, ReadPesPacket},
    ts::{ReadTsPacket, TsPacketReader, TsPayload},
};
use sailcast_media::{MediaKind, MediaTime, ts::mux::TsMuxer};

/// Shortly before the counter of 33 bits turns.
const LATE: i64 = 95_443_000_000;

fn written(ours: &mut Ours) -> BytesMut {
    ours.tracks.sort_by_key(|track| track.id);
    ours.tracks.dedup_by_key(|track| track.id);
    let mut muxer = TsMuxer::new(&ours.tracks).unwrap().with_base(MediaTime(-LATE));
    let mut out = BytesMut::new();
    for (i, packet) in ours.packets.iter().enumerate() {
        if i % 50 == 0 {
            muxer.tables(&mut out);
        }
        muxer.packet(&mut out, packet).unwrap();
    }
    muxer.flush(&mut out);
    out
}

#[test]
fn pes_packets_agree_over_the_turn_of_the_clock() {
    for path in plain_fixtures() {
        let mut ours = Ours::of(&path);
        let out = written(&mut ours);
        let mut reader = PesPacketReader::new(TsPacketReader::new(&out[..]));
        let mut pictures = Vec::new();
        let mut sound = 0;
        while let Some(pes) = reader.read_pes_packet().unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
            let pts = pes.header.pts.expect("a PES packet without a time").as_u64();
            if pes.header.stream_id.is_video() {
                pictures.push((pts, pes.header.dts.map_or(pts, |dts| dts.as_u64())));
            } else {
                sound += pes.data.len();
            }
        }
        // What of a track comes last may come out of order.
        let ticks = |time: MediaTime| ((time.0 + LATE) * 9 + 50).div_euclid(100).rem_euclid(1 << 33) as u64;
        let of = |kind| ours.packets.iter().filter(move |packet| packet.track.kind == kind);
        let expected: Vec<_> = of(MediaKind::Video).map(|p| (ticks(p.pts), ticks(p.dts))).collect();
        assert_eq!(pictures, expected, "{}", path.display());
        let with_headers: usize = of(MediaKind::Audio).map(|packet| packet.data.len() + 7).sum();
        assert_eq!(sound, with_headers, "{}", path.display());
    }
}

#[test]
fn the_clock_reference_leads_each_picture_and_counters_go_up_by_one() {
    for path in plain_fixtures() {
        let out = written(&mut Ours::of(&path));
        let mut reader = TsPacketReader::new(&out[..]);
        let mut counters = BTreeMap::new();
        let mut clock = None;
        while let Some(packet) = reader.read_ts_packet().unwrap() {
            let counter = packet.header.continuity_counter.as_u8();
            let before = counters.insert(packet.header.pid, counter);
            assert!(before.is_none_or(|before| (before + 1) % 16 == counter), "{}", path.display());
            let pcr = packet.adaptation_field.and_then(|field| field.pcr).map(|pcr| pcr.as_u64() / 300);
            clock = pcr.or(clock);
            if let (Some(TsPayload::PesStart(pes)), Some(clock)) = (&packet.payload, clock) {
                let time = pes.header.dts.or(pes.header.pts).unwrap().as_u64();
                let lead = time.wrapping_sub(clock) % (1 << 33);
                let most = if pcr.is_some() { 45_000 } else { 90_000 };
                assert!((20_000..=most).contains(&lead), "{}: {lead}", path.display());
            }
        }
    }
}
