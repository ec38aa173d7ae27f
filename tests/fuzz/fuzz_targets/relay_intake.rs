//! What the relay takes from a publisher, on any bytes: it holds one tag at most, gives out no more than came, and says
//! the same however the bytes are split.
//!
//! The first byte chooses the split, the rest is the stream.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_media::flv::Tag;

#[allow(dead_code, unused_imports, reason = "the relay is a program, not a library, and uses more of it")]
#[path = "../../../crate/relay/src/intake.rs"]
mod intake;

use intake::{BadStream, Intake};

fn take(stream: &[u8], chunk: usize) -> (Vec<Tag>, Result<(), BadStream>) {
    let mut intake = Intake::default();
    let mut tags = Vec::new();
    for piece in stream.chunks(chunk) {
        if let Err(bad) = intake.push(Bytes::copy_from_slice(piece), &mut tags) {
            return (tags, Err(bad));
        }
        let _ = intake.take_promise();
    }
    let verdict = intake.finish(&mut tags);
    (tags, verdict)
}

fuzz_target!(|input: &[u8]| {
    let Some((chunk, stream)) = input.split_first() else { return };
    let (whole, verdict) = take(stream, stream.len().max(1));
    let (split, split_verdict) = take(stream, usize::from(*chunk) + 1);
    assert_eq!(whole, split);
    assert_eq!(verdict.is_ok(), split_verdict.is_ok());
    assert!(whole.iter().map(|tag| tag.body.len()).sum::<usize>() <= stream.len());
    if let Some(offset) = verdict.err().and_then(|bad| bad.offset()) {
        assert!(offset <= stream.len() as u64);
    }
});
