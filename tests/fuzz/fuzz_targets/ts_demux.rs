//! The demuxers of MPEG-TS and packed audio on any bytes: they keep their caps, come to an end, and say the same however the bytes are
//! split.
//!
//! The first three bytes choose the split and what the rest is: a stream as it is, sound as it is, or payloads that are put into
//! packets of a program with every codec, as checksums and counters stop what is found by chance.

#![no_main]

use std::collections::HashMap;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sailcast_media::{
    CodecParams, DemuxError, DemuxEvent, Demuxer, MediaKind, PackedDemuxer, TrackId, TsDemuxer, demux::probe,
};

/// Sixteen tracks of a picture each, and what they stand in.
const MAX_HELD: usize = 16 * (8 << 20) + (64 << 10);
const MAX_TRACKS: usize = 32;
/// H.264, HEVC, ADTS, LATM, MP3, AC-3, Opus, timed ID3, SCTE-35.
const TYPES: [u8; 9] = [0x1b, 0x24, 0x0f, 0x11, 0x03, 0x81, 0x06, 0x15, 0x86];
const OPUS: &[u8] = &[0x05, 4, b'O', b'p', b'u', b's', 0x7f, 2, 0x80, 2];
const FIRST_PID: u16 = 0x100;

type Heard = (Vec<DemuxEvent>, Option<DemuxError>);

fuzz_target!(|input: &[u8]| {
    let Some(([seed, most, mode], rest)) = input.split_first_chunk() else { return };
    let split =
        |stream: &Bytes| Split { rest: stream.clone(), state: u32::from(*seed), most: u32::from(*most) + 1 };
    let stream = match mode % 3 {
        2 => program(rest),
        _ => Bytes::copy_from_slice(rest),
    };
    probe(&stream);
    if mode % 3 == 1 {
        let whole =
            demux(PackedDemuxer::new(), PackedDemuxer::buffered_bytes, std::iter::once(stream.clone()), 0);
        assert_eq!(whole, demux(PackedDemuxer::new(), PackedDemuxer::buffered_bytes, split(&stream), 0));
        check(&whole.0);
        apart(&whole.0, stream.len() as u64);
    } else {
        // Segments end at the same places, however their bytes come.
        let segment = match mode / 3 % 4 {
            0 => 0,
            n => usize::from(n) * 1000,
        };
        let whole =
            demux(TsDemuxer::new(), TsDemuxer::buffered_bytes, std::iter::once(stream.clone()), segment);
        assert_eq!(whole, demux(TsDemuxer::new(), TsDemuxer::buffered_bytes, split(&stream), segment));
        check(&whole.0);
    }
});

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

/// With a segment's end after each `segment` bytes, where it is not 0.
fn demux<D: Demuxer>(
    mut demuxer: D,
    buffered: fn(&D) -> usize,
    chunks: impl Iterator<Item = Bytes>,
    segment: usize,
) -> Heard {
    let (mut events, mut pushed) = (Vec::new(), 0);
    for mut chunk in chunks {
        while !chunk.is_empty() {
            let left = if segment == 0 { chunk.len() } else { segment - pushed % segment };
            let part = chunk.split_to(left.min(chunk.len()));
            pushed += part.len();
            demuxer.push(part);
            if let Err(error) = drain(&mut demuxer, &mut events) {
                return (events, Some(error));
            }
            if segment > 0 && pushed % segment == 0 {
                demuxer.flush();
            }
            assert!(buffered(&demuxer) <= MAX_HELD);
        }
    }
    demuxer.finish();
    let error = drain(&mut demuxer, &mut events).err();
    assert!(error.is_some() || buffered(&demuxer) == 0);
    (events, error)
}

fn drain(demuxer: &mut impl Demuxer, events: &mut Vec<DemuxEvent>) -> Result<(), DemuxError> {
    while let Some(event) = demuxer.poll()? {
        events.push(event);
    }
    Ok(())
}

/// What holds for every stream.
fn check(events: &[DemuxEvent]) {
    let mut configured: HashMap<TrackId, MediaKind> = HashMap::new();
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
                assert!(!packet.data.is_empty(), "an empty packet");
            }
            DemuxEvent::Skipped { .. } | DemuxEvent::Metadata(_) => {}
        }
    }
    assert!(configured.len() <= MAX_TRACKS, "{} tracks", configured.len());
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
