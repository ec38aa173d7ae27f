//! The MP4 demuxer on any bytes: it comes to an end, holds no more than it was given, and says the same however the bytes are
//! split.
//!
//! The first two bytes choose the split, the rest is the stream.

#![no_main]

use std::collections::HashSet;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_media::{DemuxError, DemuxEvent, Demuxer, MediaKind, Mp4Demuxer};

/// Tracks of the demuxer.
const MAX_TRACKS: usize = 64;

fuzz_target!(|input: &[u8]| {
    let Some(([seed, most], stream)) = input.split_first_chunk() else { return };
    let stream = Bytes::copy_from_slice(stream);
    let whole = demux(std::iter::once(stream.clone()));
    let split = demux(Split { rest: stream, state: u32::from(*seed), most: u32::from(*most) + 1 });
    assert_eq!(whole, split);
    check(&whole.0);
});

fn demux(chunks: impl Iterator<Item = Bytes>) -> (Vec<DemuxEvent>, Option<DemuxError>) {
    let mut demuxer = Mp4Demuxer::new();
    let mut events = Vec::new();
    for chunk in chunks {
        demuxer.push(chunk);
        if let Err(error) = drain(&mut demuxer, &mut events) {
            return (events, Some(error));
        }
    }
    demuxer.finish();
    let error = drain(&mut demuxer, &mut events).err();
    assert_eq!(demuxer.buffered_bytes(), 0);
    (events, error)
}

fn drain(demuxer: &mut Mp4Demuxer, events: &mut Vec<DemuxEvent>) -> Result<(), DemuxError> {
    while let Some(event) = demuxer.poll()? {
        events.push(event);
    }
    Ok(())
}

/// What holds for every stream.
fn check(events: &[DemuxEvent]) {
    let mut configured = HashSet::new();
    for event in events {
        match event {
            DemuxEvent::Track(track) => {
                assert_eq!(track.id.kind, track.config.codec.kind());
                configured.insert(track.id);
            }
            DemuxEvent::Packet(packet) => {
                assert!(configured.contains(&packet.track), "packet before its track");
                assert!(!packet.data.is_empty() || packet.track.kind == MediaKind::Audio, "an empty picture");
            }
            DemuxEvent::Skipped { len, .. } => assert!(*len > 0, "nothing was skipped"),
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
