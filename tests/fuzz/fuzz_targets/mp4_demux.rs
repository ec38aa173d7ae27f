//! The MP4 demuxer on any bytes: it comes to an end, holds no more than it was given, and says the same however the bytes are
//! split.
//!
//! The first two bytes choose the split and whether segments end in it, the rest is the stream.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_fuzz::{Heard, check, split};
use sailcast_media::{DemuxEvent, Mp4Demuxer};

/// A movie, the largest box that is read as a whole.
const MAX_HELD: usize = 48 << 20;
/// Tracks of the demuxer.
const MAX_TRACKS: usize = 64;

fuzz_target!(|input: &[u8]| {
    let Some(([seed, most], stream)) = input.split_first_chunk() else { return };
    let stream = Bytes::copy_from_slice(stream);
    let segment = usize::from(seed >> 6) * 1000;
    let whole = demux([stream.clone()], segment);
    assert_eq!(whole, demux(split(&stream, *seed, *most), segment));
    check(&whole.0, MAX_TRACKS);
    let says_nothing = |event: &DemuxEvent| matches!(event, DemuxEvent::Skipped { len: 0, .. });
    assert!(!whole.0.iter().any(says_nothing), "nothing was skipped");
});

fn demux(chunks: impl IntoIterator<Item = Bytes>, segment: usize) -> Heard {
    sailcast_fuzz::demux(Mp4Demuxer::new(), chunks, segment, Mp4Demuxer::buffered_bytes, MAX_HELD)
}
