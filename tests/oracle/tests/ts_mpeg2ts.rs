//! What mpeg2ts finds in PES packets, our demuxer gives out: every NAL unit and every byte of sound, in its order, with its times.

mod common;

use std::{collections::BTreeMap, path::Path};

use common::{Ours, clean, read, ts_corpus, ts_fixtures};
use mpeg2ts::{
    pes::{PesPacketReader, ReadPesPacket},
    ts::TsPacketReader,
};
use sailcast_media::{Codec, MediaKind, MediaTime};

/// The PES packets of a kind of stream.
#[derive(Default)]
struct Seen {
    /// pts and dts of each, in ticks.
    times: Vec<(i64, i64)>,
    data: Vec<u8>,
}

/// By whether they are pictures. Streams in private PES packets are left out, as their kind is not told, and the error of a file whose
/// tables come late, which mpeg2ts does not read.
fn theirs(path: &Path) -> Result<BTreeMap<bool, Seen>, String> {
    let bytes = read(path);
    let mut reader = PesPacketReader::new(TsPacketReader::new(&bytes[..]));
    let mut seen: BTreeMap<bool, Seen> = BTreeMap::new();
    while let Some(pes) = reader.read_pes_packet().map_err(|error| error.to_string())? {
        let is_video = pes.header.stream_id.is_video();
        if !is_video && !pes.header.stream_id.is_audio() {
            continue;
        }
        let seen = seen.entry(is_video).or_default();
        let pts = pes.header.pts.expect("a PES packet without a time").as_u64() as i64;
        seen.times.push((pts, pes.header.dts.map_or(pts, |dts| dts.as_u64() as i64)));
        seen.data.extend(pes.data);
    }
    Ok(seen)
}

/// NAL units behind start codes.
fn annex_b(data: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<_> =
        data.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([data.len()]);
    let units = starts.iter().zip(ends).map(|(start, end)| {
        let nal = &data[start + 3..end];
        &nal[..nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
    });
    units.collect()
}

/// NAL units behind lengths.
fn sized(mut data: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    while let Some((len, rest)) = data.split_first_chunk() {
        let (nal, rest) = rest.split_at(u32::from_be_bytes(*len) as usize);
        units.push(nal);
        data = rest;
    }
    units
}

fn ticks(time: MediaTime) -> i64 {
    (time.0 * 9 + 50).div_euclid(100)
}

fn compare(path: &Path, theirs: BTreeMap<bool, Seen>) {
    let name = path.display();
    let ours = Ours::of(path);
    for (is_video, seen) in theirs {
        let kind = if is_video { MediaKind::Video } else { MediaKind::Audio };
        let packets: Vec<_> = ours.packets.iter().filter(|packet| packet.track.kind == kind).collect();
        let codec = ours.track(kind).unwrap_or_else(|| panic!("{name}: no {kind:?}")).config.codec;
        let times: Vec<_> = packets.iter().map(|p| (ticks(p.pts), ticks(p.dts))).collect();
        for time in &seen.times {
            assert!(times.contains(time), "{name}: nothing at {time:?}");
        }
        match codec {
            Codec::Avc | Codec::Hevc => {
                assert_eq!(times.len(), seen.times.len(), "{name}: pictures");
                let data = packets.iter().flat_map(|packet| sized(&packet.data));
                assert!(data.eq(annex_b(&seen.data)), "{name}: NAL units");
            }
            // Behind headers of their own; LATM stands across bytes.
            Codec::Aac => {}
            _ => {
                let data: Vec<u8> = packets.iter().flat_map(|packet| packet.data.to_vec()).collect();
                assert!(data == seen.data, "{name}: sound");
            }
        }
    }
}

/// It reads packets of 188 bytes alone.
fn is_plain(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ts")
}

#[test]
fn fixtures_agree() {
    for path in ts_fixtures().iter().filter(|path| is_plain(path)) {
        compare(path, theirs(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
}

#[test]
fn clean_corpus_files_agree() {
    for path in clean(ts_corpus()).filter(|path| is_plain(path)) {
        match theirs(&path) {
            Ok(theirs) => compare(&path, theirs),
            Err(error) => println!("{}: mpeg2ts: {error}", path.display()),
        }
    }
}
