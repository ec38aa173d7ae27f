//! A file of MP4 of any bytes, read at the places it wants and sought in: each piece it is given brings it on, what it says does not
//! depend on their sizes, and a seek to anywhere leaves it able to read.
//!
//! The first byte chooses the size of the pieces, the next two bytes where to seek; the rest is the file.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_media::{DemuxError, DemuxEvent, FileDemuxer, MediaTime, Mp4File};

/// Pieces read of one file: samples may lie over each other, or as far apart as the file is long, at any number.
const MAX_PIECES: usize = 2000;
/// The longest time that is sought.
const LONGEST: i64 = 60_000_000;

fuzz_target!(|input: &[u8]| {
    let Some(([size, high, low], file)) = input.split_first_chunk() else { return };
    let file = Bytes::copy_from_slice(file);
    let mut whole = Mp4File::new();
    let heard = read(&mut whole, &file, usize::MAX);
    let mut pieces = Mp4File::new();
    let split = read(&mut pieces, &file, usize::from(*size) * 16 + 1);
    // The shorter of the two, if one of them ran out of pieces.
    let common = heard.0.len().min(split.0.len());
    assert_eq!(heard.0[..common], split.0[..common]);
    let to = MediaTime(LONGEST / 65_536 * i64::from(u16::from_be_bytes([*high, *low])));
    pieces.keyframes_around(to);
    pieces.duration();
    if pieces.seek(to).is_some() {
        read(&mut pieces, &file, 4096);
    }
});

fn read(demuxer: &mut Mp4File, file: &Bytes, size: usize) -> (Vec<DemuxEvent>, Option<DemuxError>) {
    demuxer.set_len(file.len() as u64);
    let mut events = Vec::new();
    for _ in 0..MAX_PIECES {
        let wanted = demuxer.wants();
        if let Some(at) = wanted {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            assert!(start < file.len(), "wants what is not there");
            demuxer.push(at, file.slice(start..file.len().min(start.saturating_add(size))));
        }
        loop {
            match demuxer.poll() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
        if wanted.is_none() {
            break;
        }
    }
    (events, None)
}
