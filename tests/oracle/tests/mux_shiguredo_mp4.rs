//! What our MP4 muxer writes, shiguredo_mp4 reads: entries, times, keyframes and bytes.

mod common;

use std::path::Path;

use bytes::BytesMut;
use common::{Ours, fixtures};
use sailcast_media::{
    Codec, MediaKind, MediaTime, Micros, Packet,
    mp4::mux::{FragmentMuxer, SNAP},
};
use shiguredo_mp4::{
    TrackKind,
    boxes::SampleEntry,
    demux::{Fmp4SegmentDemuxer, Sample},
};

/// Cut as the parts of low-latency HLS are, into chunks that begin anywhere.
const CHUNK: usize = 20;
const BASE: MediaTime = MediaTime(-1_000_000);

#[test]
fn chunks_of_all_fixtures_agree() {
    for path in fixtures() {
        compare(&path);
    }
}

fn compare(path: &Path) {
    let mut ours = Ours::of(path);
    ours.tracks.sort_by_key(|track| track.id);
    ours.tracks.dedup_by_key(|track| track.id);
    let mut muxer = FragmentMuxer::new(&ours.tracks).unwrap().with_base(BASE);
    let mut out = BytesMut::new();
    muxer.init(&mut out);
    let mut theirs = Fmp4SegmentDemuxer::new();
    theirs.handle_init_segment(&out).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
    // It does not know the two of G.711.
    let is_telephone = |codec| matches!(codec, Codec::G711A | Codec::G711U);
    let known = ours.tracks.iter().filter(|track| !is_telephone(track.config.codec)).count();
    let mut entries = 0;
    let mut at = 0;
    for chunk in ours.packets.chunks(CHUNK) {
        at += chunk.len();
        out.clear();
        muxer.segment_type(&mut out);
        muxer.producer_time(&mut out, chunk[0].track, chunk[0].dts, Micros(0)).unwrap();
        muxer.fragment(&mut out, chunk, &ours.packets[at..]).unwrap();
        let samples = theirs.handle_media_segment(&out).unwrap();
        let is_known = |entry: &&SampleEntry| !matches!(entry, SampleEntry::Unknown(_));
        entries += samples.iter().filter_map(|sample| sample.sample_entry).filter(is_known).count();
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let is_kind =
                |sample: &&Sample<'_>| (sample.track.kind == TrackKind::Video) == (kind == MediaKind::Video);
            let seen: Vec<_> = samples.iter().filter(is_kind).collect();
            let expected: Vec<_> =
                chunk.iter().filter(|packet| packet.track.kind == kind && !packet.data.is_empty()).collect();
            assert_eq!(seen.len(), expected.len(), "{}", path.display());
            seen.iter().zip(expected).for_each(|(sample, packet)| same(sample, packet, &out));
        }
    }
    assert!(entries >= known, "{}: {entries} entries of {known} tracks", path.display());
}

fn same(sample: &Sample<'_>, packet: &Packet, out: &[u8]) {
    let scale = sample.track.timescale.get();
    let near = |ticks: i64, time: MediaTime| {
        let off = MediaTime::from_ticks(ticks, scale) + (BASE - MediaTime(0)) - time;
        // The nearest tick, and the microsecond below it; sound is brought together.
        let within =
            if packet.track.kind == MediaKind::Video { Micros(i64::from(500_000 / scale) + 1) } else { SNAP };
        off.abs() <= within
    };
    let dts = sample.timestamp as i64;
    let pts = dts + sample.composition_time_offset.unwrap_or(0);
    assert!(near(dts, packet.dts) && near(pts, packet.pts), "{sample:?} of {packet:?}");
    assert_eq!(sample.keyframe, packet.keyframe);
    let from = sample.data_offset as usize;
    assert_eq!(out[from..from + sample.data_size], packet.data[..]);
}
