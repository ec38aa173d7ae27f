//! The demuxers of MPEG-TS and packed audio on any bytes: they keep their caps, come to an end, and say the same however the bytes are
//! split.
//!
//! The first three bytes choose the split and what the rest is: a stream as it is, sound as it is, or payloads that are put into
//! packets of a program with every codec, as checksums and counters stop what is found by chance.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_fuzz::{Heard, check, split};
use sailcast_media::{DemuxEvent, PackedDemuxer, TsDemuxer, demux::probe};

/// Sixteen tracks of a picture each, and what they stand in.
const MAX_HELD: usize = 16 * (8 << 20) + (64 << 10);
const MAX_TRACKS: usize = 32;
/// H.264, HEVC, ADTS, LATM, MP3, AC-3, Opus, timed ID3, SCTE-35.
const TYPES: [u8; 9] = [0x1b, 0x24, 0x0f, 0x11, 0x03, 0x81, 0x06, 0x15, 0x86];
const OPUS: &[u8] = &[0x05, 4, b'O', b'p', b'u', b's', 0x7f, 2, 0x80, 2];
const FIRST_PID: u16 = 0x100;

fuzz_target!(|input: &[u8]| {
    let Some(([seed, most, mode], rest)) = input.split_first_chunk() else { return };
    let stream = match mode % 3 {
        2 => program(rest),
        _ => Bytes::copy_from_slice(rest),
    };
    probe(&stream);
    let split = split(&stream, *seed, *most);
    let whole = if mode % 3 == 1 {
        let whole = packed([stream.clone()]);
        assert_eq!(whole, packed(split));
        apart(&whole.0, stream.len() as u64);
        whole
    } else {
        // Segments end at the same places, however their bytes come.
        let segment = usize::from(mode / 3 % 4) * 1000;
        let whole = transported([stream.clone()], segment);
        assert_eq!(whole, transported(split, segment));
        whole
    };
    check(&whole.0, MAX_TRACKS);
    let is_empty = |event: &DemuxEvent| matches!(event, DemuxEvent::Packet(packet) if packet.data.is_empty());
    assert!(!whole.0.iter().any(is_empty), "an empty packet");
});

fn packed(chunks: impl IntoIterator<Item = Bytes>) -> Heard {
    sailcast_fuzz::demux(PackedDemuxer::new(), chunks, 0, PackedDemuxer::buffered_bytes, MAX_HELD)
}

fn transported(chunks: impl IntoIterator<Item = Bytes>, segment: usize) -> Heard {
    sailcast_fuzz::demux(TsDemuxer::new(), chunks, segment, TsDemuxer::buffered_bytes, MAX_HELD)
}

/// Tables, then a packet for each three bytes of head and the payload behind them.
fn program(mut rest: &[u8]) -> Bytes {
    let mut out = Vec::new();
    let mut counters = [0u8; TYPES.len()];
    put(&mut out, 0, 0, true, &section(0, &[0, 1, 0xf0, 0]));
    let streams = TYPES.iter().zip(FIRST_PID..).flat_map(|(stream_type, pid)| {
        let descriptors = if *stream_type == 0x06 { OPUS } else { &[] };
        let [p1, p0] = (pid | 0xe000).to_be_bytes();
        [&[*stream_type, p1, p0, 0xf0, descriptors.len() as u8], descriptors].concat()
    });
    let body = [&[0xe1, 0, 0xf0, 0][..], &streams.collect::<Vec<_>>()].concat();
    put(&mut out, 0x1000, 0, true, &section(2, &body));
    while let Some(([which, flags, len], behind)) = rest.split_first_chunk() {
        let which = usize::from(*which) % TYPES.len();
        let (payload, behind) = behind.split_at(behind.len().min(usize::from(*len) % 185));
        let skips = flags & 0x0f == 0x0f;
        put(&mut out, FIRST_PID + which as u16, counters[which], flags & 0x80 != 0, payload);
        if !payload.is_empty() {
            counters[which] = (counters[which] + 1 + u8::from(skips)) & 15;
        }
        rest = behind;
    }
    out.into()
}

fn section(table: u8, body: &[u8]) -> Vec<u8> {
    let section = [&[0, table, 0xb0, body.len() as u8 + 9, 0, 1, 0xc1, 0, 0], body].concat();
    let crc = section[1..].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 }
        })
    });
    [&section[..], &crc.to_be_bytes()].concat()
}

fn put(out: &mut Vec<u8>, pid: u16, counter: u8, begins: bool, payload: &[u8]) {
    let room = 184 - payload.len();
    let [p1, p0] = pid.to_be_bytes();
    let control = if room > 0 { 0x20 } else { 0 } | if payload.is_empty() { 0 } else { 0x10 };
    out.extend([0x47, p1 | if begins { 0x40 } else { 0 }, p0, control | counter]);
    if room > 0 {
        out.push(room as u8 - 1);
        out.extend(std::iter::repeat_n(0, room - 1));
    }
    out.extend(payload);
}

/// What was left out of a stream whose units stand one behind the other.
fn apart(events: &[DemuxEvent], len: u64) {
    let mut behind = 0;
    for event in events {
        if let DemuxEvent::Skipped { at, len: skipped, .. } = event
            && *at >= behind
        {
            assert!(*skipped > 0 && at + skipped <= len, "skipped past the end");
            behind = at + skipped;
        }
    }
}
