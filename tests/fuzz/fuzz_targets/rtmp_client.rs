//! The relay's RTMP client, on whatever a server says: it answers in proportion, and comes to an end.
//!
//! The first byte chooses whether the server greets by the rules, the second the split, the rest is what it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sailcast_media::flv::TagKind;

#[allow(dead_code, unused_imports, reason = "the relay is a program, not a library, and uses more of it")]
#[path = "../../../crate/relay/src/rtmp/mod.rs"]
mod rtmp;

use rtmp::{Client, Target};

/// S0, S1 and S2.
const GREETING: usize = 1 + 2 * 1536;
/// The handshake and the commands of one client.
const OWN_WORDS: usize = 8 << 10;

fuzz_target!(|input: &[u8]| {
    let Some(([greets, chunk], said)) = input.split_first_chunk() else { return };
    let target: Target = "rtmp://example.org/live?key=k".parse().expect("a good address");
    let mut client = Client::new(&target, "camera", 1);
    if *greets < 200 {
        let mut greeting = vec![0; GREETING];
        greeting[0] = 3;
        client.input(&greeting).expect("a greeting by the rules");
    }
    let chunk = usize::from(*chunk) + 1;
    for piece in said.chunks(chunk) {
        if client.input(piece).is_err() {
            break;
        }
        if client.is_publishing() {
            client.send(TagKind::Audio, 0, b"\xaf\x01");
        }
    }
    client.unpublish();
    let sent = 14 * said.len().div_ceil(chunk);
    assert!(client.output().len() <= OWN_WORDS + sent + 3 * said.len());
});
