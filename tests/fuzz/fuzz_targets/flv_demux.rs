//! The FLV demuxer on any bytes: it keeps its caps, comes to an end, and says the same however the bytes are split. What it
//! gives goes through the muxer, which may refuse it and no more.
//!
//! The first two bytes choose the split, the rest is the stream.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use sailcast_fuzz::{Heard, check, split};
use sailcast_media::{
    DemuxError, DemuxEvent, FlvDemuxer, FlvMuxer, MediaTime, Micros,
    flv::{Headers, tag::MAX_TAG_BODY},
};

/// One tag's framing and the header behind it.
const FRAMING: usize = 11 + 4 + 11;
/// Half the range of a tag's timestamp, and more than the sound bundled in one tag can last.
const LONGEST_STEP: Micros = Micros::from_millis((1 << 31) + (24 * 3600 * 1000));
/// Tracks of the demuxer, a codec each.
const MAX_TRACKS: usize = 64;

fuzz_target!(|input: &[u8]| {
    let Some(([seed, most], stream)) = input.split_first_chunk() else { return };
    let stream = Bytes::copy_from_slice(stream);
    let whole = demux([stream.clone()]);
    let split = demux(split(&stream, *seed, *most));
    // By their text where they differ: script data may hold NaN, which equals nothing.
    assert!(whole == split || format!("{whole:?}") == format!("{split:?}"), "{whole:?}\n{split:?}");
    check(&whole.0, MAX_TRACKS);
    in_step(&whole.0, stream.len() as u64);
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
    let (_, failed) = demux([out.freeze()]);
    assert!(failed.is_none_or(|error| matches!(error, DemuxError::NotFlv { .. })), "{failed:?}");
}

fn demux(chunks: impl IntoIterator<Item = Bytes>) -> Heard {
    sailcast_fuzz::demux(FlvDemuxer::new(), chunks, 0, FlvDemuxer::buffered_bytes, MAX_TAG_BODY + FRAMING)
}

/// Times step as the counter of tags can, and what was left out lies apart.
fn in_step(events: &[DemuxEvent], len: u64) {
    let mut behind = 0;
    let mut last: Option<MediaTime> = None;
    for event in events {
        match event {
            DemuxEvent::Packet(packet) => {
                if let Some(last) = last {
                    assert!((packet.dts - last).abs() <= LONGEST_STEP, "dts stepped over half the counter");
                }
                last = Some(packet.dts);
            }
            DemuxEvent::Skipped { at, len: skipped, .. } => {
                assert!(*skipped > 0 && *at >= behind && at + skipped <= len, "skipped ranges overlap");
                behind = at + skipped;
            }
            DemuxEvent::Track(_) | DemuxEvent::Metadata(_) => {}
        }
    }
}
