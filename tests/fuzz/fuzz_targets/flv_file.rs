//! A recording of FLV of any bytes, read in pieces of any size, with seeks on the way: it comes to an end, its packets have their
//! tracks before them, and it says of a place only what the file has.
//!
//! The first bytes choose the size of the pieces and the seeks, the rest is the file.

#![no_main]

use std::collections::HashSet;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_media::{DemuxEvent, FileDemuxer, FlvFile, MediaTime, TrackId};

/// More turns than a file of that size can take: each reads a piece, gives an event of a tag, or looks for a place.
const TURNS_EACH_BYTE: usize = 64;

fuzz_target!(|input: &[u8]| {
    let Some(([piece, seeks @ ..], file)) = input.split_first_chunk::<6>() else { return };
    let bytes = Bytes::copy_from_slice(file);
    let mut file = FlvFile::new();
    file.set_len(bytes.len() as u64);
    let mut tracks = HashSet::new();
    let mut seeks = seeks.iter();
    loop {
        read(&mut file, &bytes, usize::from(*piece) * 8 + 1, &mut tracks);
        let Some(seek) = seeks.next() else { break };
        let to = MediaTime::from_millis(i64::from(*seek) * 97 - 500);
        let (before, behind) = file.keyframes_around(to);
        assert!(before.is_none_or(|at| at <= to) && behind.is_none_or(|at| at > to));
        file.seek(to);
    }
});

fn read(file: &mut FlvFile, bytes: &Bytes, piece: usize, tracks: &mut HashSet<TrackId>) {
    for turn in 0.. {
        assert!(turn < 10_000 + bytes.len() * TURNS_EACH_BYTE, "it does not end");
        match file.poll() {
            Ok(Some(DemuxEvent::Track(track))) => {
                tracks.insert(track.id);
            }
            Ok(Some(DemuxEvent::Packet(packet))) => {
                assert!(tracks.contains(&packet.track), "packet before its track");
            }
            Ok(Some(_)) => {}
            Ok(None) => {
                let Some(at) = file.wants() else { return };
                let at = at as usize;
                file.push(at as u64, bytes.slice(at..bytes.len().min(at + piece)));
            }
            Err(_) => return,
        }
    }
}
