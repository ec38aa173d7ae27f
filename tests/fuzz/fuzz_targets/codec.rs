//! The codec readers on any bytes: configurations, access units and SEI of every codec. They come to an end, and say nothing of a
//! unit before they said how it is decoded.
//!
//! The first byte chooses the codec, then each part is two bytes of length and kind, and that many bytes.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_media::{
    AudioParams, Codec,
    codec::{AccessUnit, Facts, TrackState},
};

const CODECS: [Codec; 13] = [
    Codec::Avc,
    Codec::Hevc,
    Codec::Av1,
    Codec::Vp9,
    Codec::Vp8,
    Codec::Aac,
    Codec::Mp3,
    Codec::G711A,
    Codec::G711U,
    Codec::Opus,
    Codec::Flac,
    Codec::Ac3,
    Codec::Eac3,
];

/// Kinds of parts, in the two high bits of their length.
const CONFIGURATION: u16 = 0;
const HINT: u16 = 1;

fuzz_target!(|input: &[u8]| {
    let Some((&codec, mut rest)) = input.split_first() else { return };
    let codec = CODECS[usize::from(codec) % CODECS.len()];
    let mut track = TrackState::new(codec);
    let mut configured = false;
    while let Some((&head, behind)) = rest.split_first_chunk() {
        let head = u16::from_be_bytes(head);
        let (part, behind) = behind.split_at(behind.len().min(usize::from(head & 0x3fff)));
        rest = behind;
        match (head >> 14, part) {
            (CONFIGURATION, _) => {
                configured |= matches!(track.configure(Bytes::copy_from_slice(part)), Ok(Some(_)));
            }
            (HINT, [rate, channels, ..]) => {
                track.hint(AudioParams { sample_rate: u32::from(*rate) * 1000, channels: *channels });
            }
            (_, []) => {}
            _ => {
                if let Ok(facts) = track.packet(Bytes::copy_from_slice(part)) {
                    configured |= facts.config.is_some();
                    check(&facts, part.len(), configured);
                }
            }
        }
    }
});

fn check(facts: &Facts, len: usize, configured: bool) {
    assert!(configured || facts.units.is_empty(), "a unit before its configuration");
    // Lengths of one byte become four; a sequence header, sets that came ahead or a recovery point may come in front.
    let most = 5 * len + (66 << 10);
    for AccessUnit { data, offset, duration, .. } in &facts.units {
        assert!(!data.is_empty() && data.len() <= most, "{} bytes of {len}", data.len());
        assert!(offset.0 >= 0 && duration.is_none_or(|duration| duration.0 >= 0));
    }
    let messages: usize = facts.sei.iter().map(|sei| sei.payload.len()).sum();
    assert!(messages <= len && facts.sei.len() <= len, "{messages} bytes of messages of {len}");
}
