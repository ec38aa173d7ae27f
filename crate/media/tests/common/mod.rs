//! What the integration tests share: real streams, synthesised ones, and a bounded way to demux them.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod edits;
pub mod mp4;
pub mod ts;

use bytes::{Bytes, BytesMut};
use proptest::test_runner::Config as ProptestConfig;
use sailcast_media::{
    DemuxError, DemuxEvent, Demuxer, FlvDemuxer, Packet, SkipReason, TrackInfo,
    flv::{
        Tag, TagEvent, TagKind, TagReader,
        tag::{MAX_TAG_BODY, write_header, write_tag},
    },
};

/// One tag's and the next header's framing: what a reader may hold beyond a body.
const FRAMING: usize = 11 + 4 + 11;

pub fn fixture(name: &str) -> Bytes {
    let path = format!("{}/../../tests/fixtures/media/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}

/// A conformance vector.
pub fn vector(name: &str) -> Bytes {
    let path = format!("{}/../../tests/fixtures/vectors/flv/{name}.flv", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}

/// Everything a demuxer says of a stream, and how it failed, if it did.
pub type Heard = (Vec<DemuxEvent>, Option<DemuxError>);

pub fn demux(stream: &Bytes) -> Heard {
    demux_chunks([stream.clone()])
}

pub fn demux_chunks(chunks: impl IntoIterator<Item = Bytes>) -> Heard {
    hear(FlvDemuxer::new(), chunks, FlvDemuxer::buffered_bytes, MAX_TAG_BODY + FRAMING)
}

/// Demuxes chunk after chunk. Panics when polling does not come to an end, or more is held than `most` or twice what was given.
pub fn hear<D: Demuxer>(
    mut demuxer: D,
    chunks: impl IntoIterator<Item = Bytes>,
    held: fn(&D) -> usize,
    most: usize,
) -> Heard {
    let (mut events, mut pushed) = (Vec::new(), 0);
    for chunk in chunks {
        pushed += chunk.len();
        demuxer.push(chunk);
        if let Err(error) = drain(|| demuxer.poll(), &mut events, pushed) {
            return (events, Some(error));
        }
        assert!(held(&demuxer) <= most.min(pushed * 2), "{} of {pushed} held", held(&demuxer));
    }
    demuxer.finish();
    let failed = drain(|| demuxer.poll(), &mut events, pushed).err();
    assert!(failed.is_some() || held(&demuxer) == 0, "bytes left behind at the end");
    (events, failed)
}

/// Takes the events that `pushed` bytes can hold.
pub fn drain(
    mut poll: impl FnMut() -> Result<Option<DemuxEvent>, DemuxError>,
    events: &mut Vec<DemuxEvent>,
    pushed: usize,
) -> Result<(), DemuxError> {
    while let Some(event) = poll()? {
        events.push(event);
        assert!(events.len() <= 2 * pushed + 64, "more events than bytes can hold");
    }
    Ok(())
}

pub fn tags(stream: &Bytes) -> Vec<Tag> {
    tag_events(stream)
        .unwrap()
        .into_iter()
        .filter_map(|event| if let TagEvent::Tag(tag) = event { Some(tag) } else { None })
        .collect()
}

pub fn tag_events(stream: &Bytes) -> Result<Vec<TagEvent>, DemuxError> {
    let mut reader = TagReader::new();
    reader.push(stream.clone());
    reader.finish();
    let mut events = Vec::new();
    while let Some(event) = reader.poll()? {
        events.push(event);
    }
    Ok(events)
}

/// A file of these tags.
pub fn stream(tags: &[(TagKind, u32, &[u8])]) -> Bytes {
    let mut out = BytesMut::new();
    write_header(&mut out, true, true);
    for (kind, timestamp, body) in tags {
        write_tag(&mut out, *kind, *timestamp, body).unwrap();
    }
    out.freeze()
}

/// What is read of such a file, without an error.
pub fn events(tags: &[(TagKind, u32, &[u8])]) -> Vec<DemuxEvent> {
    let (events, failed) = demux(&stream(tags));
    assert_eq!(failed, None);
    events
}

/// Tracks of H.264, and of AAC of 48 kHz.
pub fn avc_and_aac() -> Vec<TrackInfo> {
    let events = events(&[(TagKind::Video, 0, AVC_CONFIG), (TagKind::Audio, 0, AAC_CONFIG)]);
    tracks(&events).into_iter().cloned().collect()
}

pub fn packets(events: &[DemuxEvent]) -> Vec<&Packet> {
    events.iter().filter_map(|e| if let DemuxEvent::Packet(p) = e { Some(p) } else { None }).collect()
}

pub fn tracks(events: &[DemuxEvent]) -> Vec<&TrackInfo> {
    events.iter().filter_map(|e| if let DemuxEvent::Track(t) = e { Some(t) } else { None }).collect()
}

/// Chunks of these sizes, over and over.
pub fn split(stream: &Bytes, sizes: &[usize]) -> Vec<Bytes> {
    let mut rest = stream.clone();
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        chunks.push(rest.split_to(rest.len().min(*size)));
    }
    chunks
}

pub fn skips(events: &[DemuxEvent]) -> Vec<(u64, u64, SkipReason)> {
    events
        .iter()
        .filter_map(|event| match event {
            DemuxEvent::Skipped { at, len, why, .. } => Some((*at, *len, *why)),
            _ => None,
        })
        .collect()
}

/// A failure prints its input; it becomes a test of its own rather than a file of seeds.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// avcC of a 640x360 High stream of x264.
pub const AVC_CONFIG: &[u8] = &[
    0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1e, 0xff, 0xe1, 0, 0x1b, 0x67, 0x64, 0, 0x1e, 0xac, 0xd9, 0x40, 0xa0,
    0x2f, 0xf9, 0x70, 0x16, 0xc8, 0, 0, 3, 0, 8, 0, 0, 3, 1, 0xe4, 0x78, 0xb1, 0x6c, 0xb0, 1, 0, 6, 0x68,
    0xeb, 0xe3, 0xcb, 0x22, 0xc0,
];
pub const AVC_IDR: &[u8] = &[0x17, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 0x88];
pub const AVC_INTER: &[u8] = &[0x27, 1, 0, 0, 0, 0, 0, 0, 2, 0x41, 0x9a];
pub const AAC_CONFIG: &[u8] = &[0xaf, 0, 0x11, 0x90];
pub const AAC_RAW: &[u8] = &[0xaf, 1, 0x21, 0x10, 5];
