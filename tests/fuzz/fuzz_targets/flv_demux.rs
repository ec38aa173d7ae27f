//! The FLV demuxer on any bytes: it keeps its caps, comes to an end, and says the same however the bytes are split. What it
//! gives goes through the muxer, which may refuse it and no more.
//!
//! The first two bytes choose the split, the rest is the stream.

#![no_main]

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use sailcast_media::{
    CodecParams, DemuxError, DemuxEvent, Demuxer, FlvDemuxer, FlvMuxer, MediaKind, MediaTime, Micros,
    TrackId,
    flv::{Headers, tag::MAX_TAG_BODY},
};

/// One tag's framing and the header behind it.
const FRAMING: usize = 11 + 4 + 11;
/// Half the range of a tag's timestamp, and more than the sound bundled in one tag can last.
const LONGEST_STEP: Micros = Micros::from_millis((1 << 31) + (24 * 3600 * 1000));
/// Tracks of the demuxer, a codec each.
const MAX_TRACKS: usize = 64;

type Heard = (Vec<DemuxEvent>, Option<DemuxError>);

fuzz_target!(|input: &[u8]| {
    let Some(([seed, most], stream)) = input.split_first_chunk() else { return };
    let stream = Bytes::copy_from_slice(stream);
    let whole = demux(std::iter::once(stream.clone()));
    let split = demux(Split { rest: stream.clone(), state: u32::from(*seed), most: u32::from(*most) + 1 });
    // By their text where they differ: script data may hold NaN, which equals nothing.
    assert!(whole == split || format!("{whole:?}") == format!("{split:?}"), "{whole:?}\n{split:?}");
    check(&whole.0, stream.len() as u64);
    for headers in [Headers::Common, Headers::Enhanced, Headers::Private] {
        mux(&whole.0, FlvMuxer::new(true, true).with_headers(headers));
    }
    mux(&whole.0, FlvMuxer::new(true, true).with_nanoseconds());
});

fn mux(events: &[DemuxEvent], mut muxer: FlvMuxer) {
    let mut out = BytesMut::new();
    for event in events {
        let before = out.len();
        let written = match event {
            DemuxEvent::Track(track) => muxer.config(&mut out, track),
            DemuxEvent::Packet(packet) => muxer.packet(&mut out, packet),
            DemuxEvent::Metadata(metadata) => muxer.metadata(&mut out, metadata),
            DemuxEvent::Skipped { .. } => Ok(()),
        };
        assert!(written.is_ok() || out.len() == before, "a refused call left something behind");
    }
    let (_, failed) = demux(std::iter::once(out.freeze()));
    assert!(failed.is_none_or(|error| matches!(error, DemuxError::NotFlv { .. })), "{failed:?}");
}

fn demux(chunks: impl Iterator<Item = Bytes>) -> Heard {
    let mut demuxer = FlvDemuxer::new();
    let mut events = Vec::new();
    for chunk in chunks {
        demuxer.push(chunk);
        if let Err(error) = drain(&mut demuxer, &mut events) {
            return (events, Some(error));
        }
        assert!(demuxer.buffered_bytes() <= MAX_TAG_BODY + FRAMING);
    }
    demuxer.finish();
    let error = drain(&mut demuxer, &mut events).err();
    assert_eq!(demuxer.buffered_bytes(), 0);
    (events, error)
}

fn drain(demuxer: &mut FlvDemuxer, events: &mut Vec<DemuxEvent>) -> Result<(), DemuxError> {
    while let Some(event) = demuxer.poll()? {
        events.push(event);
    }
    Ok(())
}

/// What holds for every stream.
fn check(events: &[DemuxEvent], len: u64) {
    let mut behind = 0;
    let mut configured: HashMap<TrackId, MediaKind> = HashMap::new();
    let mut last: Option<MediaTime> = None;
    for event in events {
        match event {
            DemuxEvent::Track(track) => {
                let kind = match track.config.params {
                    CodecParams::Video(_) => MediaKind::Video,
                    CodecParams::Audio(_) => MediaKind::Audio,
                };
                assert!(kind == track.id.kind && kind == track.config.codec.kind(), "{track:?}");
                configured.insert(track.id, kind);
            }
            DemuxEvent::Packet(packet) => {
                assert!(configured.contains_key(&packet.track), "packet before its track");
                assert!(!packet.data.is_empty() || packet.track.kind == MediaKind::Audio, "an empty picture");
                if let Some(last) = last {
                    assert!((packet.dts - last).abs() <= LONGEST_STEP, "dts stepped over half the counter");
                }
                last = Some(packet.dts);
            }
            DemuxEvent::Skipped { at, len: skipped, .. } => {
                assert!(*skipped > 0 && *at >= behind && at + skipped <= len, "skipped ranges overlap");
                behind = at + skipped;
            }
            DemuxEvent::Metadata(_) => {}
        }
    }
    assert!(configured.len() <= MAX_TRACKS, "{} tracks", configured.len());
}

/// Chunks of 1 to `most` bytes by a small generator.
struct Split {
    rest: Bytes,
    state: u32,
    most: u32,
}

impl Iterator for Split {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = ((self.state >> 16) % self.most + 1) as usize;
        Some(self.rest.split_to(n.min(self.rest.len())))
    }
}
