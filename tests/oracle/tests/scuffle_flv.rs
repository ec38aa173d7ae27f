//! Our packets equal scuffle-flv's: times, composition times, bodies.

mod common;

use std::{io::Cursor, path::Path};

use bytes::Bytes;
use common::{Ours, clean, corpus, is_plain, plain_fixtures, read};
use scuffle_flv::{
    audio::body::{AudioTagBody, legacy::LegacyAudioTagBody, legacy::aac::AacAudioData},
    file::FlvFile,
    tag::{FlvTag, FlvTagData},
    video::{
        body::{VideoTagBody, legacy::LegacyVideoTagBody},
        header::{
            VideoTagHeaderData,
            legacy::{LegacyVideoTagHeader, LegacyVideoTagHeaderAvcPacket},
        },
    },
};

#[derive(Debug, PartialEq)]
struct Seen {
    is_video: bool,
    dts_ms: i64,
    pts_ms: i64,
    data: Bytes,
}

/// The media packets among scuffle's tags.
fn packet(tag: FlvTag<'_>) -> Option<Seen> {
    let dts_ms = i64::from(tag.timestamp_ms);
    match tag.data {
        FlvTagData::Video(video) => {
            let VideoTagHeaderData::Legacy(LegacyVideoTagHeader::AvcPacket(
                LegacyVideoTagHeaderAvcPacket::Nalu { composition_time_offset },
            )) = video.header.data
            else {
                return None;
            };
            let VideoTagBody::Legacy(LegacyVideoTagBody::Other { data }) = video.body else { return None };
            // It reads the signed 24 bits as unsigned ones.
            let composition = i64::from((composition_time_offset << 8).cast_signed() >> 8);
            Some(Seen { is_video: true, dts_ms, pts_ms: dts_ms + composition, data })
        }
        FlvTagData::Audio(audio) => {
            let AudioTagBody::Legacy(LegacyAudioTagBody::Aac(AacAudioData::Raw(data))) = audio.body else {
                return None;
            };
            Some(Seen { is_video: false, dts_ms, pts_ms: dts_ms, data })
        }
        _ => None,
    }
}

fn compare(path: &Path) {
    let file =
        FlvFile::demux(&mut Cursor::new(read(path))).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let expected: Vec<_> = file.tags.into_iter().filter_map(packet).collect();
    let seen: Vec<_> = Ours::of(path)
        .packets
        .into_iter()
        .map(|packet| Seen {
            is_video: packet.track.kind == sailcast_media::MediaKind::Video,
            dts_ms: packet.dts.0 / 1000,
            pts_ms: packet.pts.0 / 1000,
            data: packet.data,
        })
        .collect();
    assert!(!seen.is_empty());
    assert_eq!(seen.len(), expected.len(), "{}: number of packets", path.display());
    for (i, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
        assert_eq!(seen, expected, "{}: packet {i}", path.display());
    }
}

#[test]
fn fixtures_agree() {
    for path in plain_fixtures() {
        compare(&path);
    }
}

#[test]
fn clean_corpus_files_agree() {
    clean(corpus()).filter(|path| is_plain(path)).for_each(|path| compare(&path));
}
