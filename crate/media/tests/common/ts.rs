//! A writer of transport streams that can do all that is wrong, and a bounded way to demux them.

use std::collections::HashMap;

use bytes::Bytes;
use sailcast_media::{DemuxEvent, Demuxer, MediaTime, SkipReason, TrackId, TsDemuxer};

pub use super::packets;
use super::{Heard, drain, hear};

pub const PACKET: usize = 188;
pub const PMT: u16 = 0x1000;
pub const VIDEO: u16 = 0x100;
pub const AUDIO: u16 = 0x101;
pub const DATA: u16 = 0x102;

/// Of an 640x360 High stream of x264.
pub const SPS: &[u8] = &[
    0x67, 0x64, 0, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x16, 0xc8, 0, 0, 3, 0, 8, 0, 0, 3, 1,
    0xe4, 0x78, 0xb1, 0x6c, 0xb0,
];
pub const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
pub const AUD: &[u8] = &[9, 0xf0];
pub const IDR: &[u8] = &[0x65, 0x88, 0x84, 0x11];
pub const INTER: &[u8] = &[0x41, 0x9a, 0x22, 0x11];
/// Another slice of the same picture: first_mb_in_slice is 1.
pub const INTER_REST: &[u8] = &[0x41, 0x4d, 0x22, 0x11];

/// NAL units behind start codes.
pub fn annex_b(nals: &[&[u8]]) -> Vec<u8> {
    nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
}

/// NAL units behind lengths, as packets have them.
pub fn sized(nals: &[&[u8]]) -> Vec<u8> {
    nals.iter().flat_map(|nal| [&(nal.len() as u32).to_be_bytes(), *nal].concat()).collect()
}

pub fn keyframe() -> Vec<u8> {
    annex_b(&[AUD, SPS, PPS, IDR])
}

pub fn inter() -> Vec<u8> {
    annex_b(&[AUD, INTER])
}

/// An AAC-LC frame of 44.1 kHz stereo.
pub fn adts(payload: &[u8]) -> Vec<u8> {
    let len = payload.len() + 7;
    let tail = [(len >> 11) as u8 | 0x80, (len >> 3) as u8, (len << 5) as u8 | 0x1f, 0xfc];
    [&[0xff, 0xf1, 0x50], &tail[..], payload].concat()
}

/// A stream of a PMT: stream_type, PID and descriptors.
pub type Entry<'a> = (u8, u16, &'a [u8]);

pub const AVC_AAC: &[Entry<'static>] = &[(0x1b, VIDEO, &[]), (0x0f, AUDIO, &[])];

/// Writes packets of 188 bytes with right counters.
#[derive(Clone, Default)]
pub struct Mux {
    pub out: Vec<u8>,
    counters: HashMap<u16, u8>,
}

impl Mux {
    /// A PAT, and a PMT of these streams.
    pub fn with(streams: &[Entry<'_>]) -> Self {
        let mut mux = Self::default();
        mux.section(0, &pat(0, &[(1, PMT)]));
        mux.section(PMT, &pmt(1, 0, &[], streams));
        mux
    }

    pub fn section(&mut self, pid: u16, section: &[u8]) {
        let mut rest = [&[0], section].concat();
        // The rest of a section's last packet is stuffing behind it.
        rest.resize(rest.len().div_ceil(184) * 184, 0xff);
        for (i, payload) in rest.chunks(184).enumerate() {
            self.packet(pid, i == 0, payload);
        }
    }

    /// A PES packet with its length told.
    pub fn pes(&mut self, pid: u16, times: Times, data: &[u8]) {
        self.payload(pid, &pes(pid, times, true, data));
    }

    /// One of length 0.
    pub fn open_pes(&mut self, pid: u16, times: Times, data: &[u8]) {
        self.payload(pid, &pes(pid, times, false, data));
    }

    /// A whole unit, over as many packets as it takes.
    pub fn payload(&mut self, pid: u16, unit: &[u8]) {
        for (i, payload) in unit.chunks(184).enumerate() {
            self.packet(pid, i == 0, payload);
        }
    }

    /// A packet with up to 184 bytes, filled up by its adaptation field.
    pub fn packet(&mut self, pid: u16, begins: bool, payload: &[u8]) {
        let counter = self.counters.entry(pid).or_default();
        let packet = packet(pid, *counter, begins, 0, payload);
        *counter = (*counter + 1) & 15;
        self.out.extend(packet);
    }

    /// As a packet that the receiver never gets.
    pub fn lose(&mut self, pid: u16) {
        *self.counters.entry(pid).or_default() += 1;
        *self.counters.entry(pid).or_default() &= 15;
    }

    pub fn set_counter(&mut self, pid: u16, counter: u8) {
        self.counters.insert(pid, counter);
    }

    pub fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.out).into()
    }
}

/// `flags` are those of the adaptation field, which is there when they are or to fill up.
pub fn packet(pid: u16, counter: u8, begins: bool, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [p1, p0] = pid.to_be_bytes();
    let room = 184 - payload.len();
    let adaptation = room.max(if flags > 0 { 2 } else { 0 });
    assert_eq!(adaptation, room, "no room for the flags");
    let control = if room > 0 { 0x20 } else { 0 } | if payload.is_empty() { 0 } else { 0x10 };
    let mut out = vec![0x47, p1 | if begins { 0x40 } else { 0 }, p0, control | counter];
    match room {
        0 => {}
        1 => out.push(0),
        _ => {
            out.extend([room as u8 - 1, flags]);
            out.resize(4 + room, 0xff);
        }
    }
    out.extend(payload);
    out
}

/// PTS and DTS in ticks of 90 kHz.
pub type Times = Option<(u64, Option<u64>)>;

pub fn at(pts: u64) -> Times {
    Some((pts, None))
}

pub fn pes(pid: u16, times: Times, bounded: bool, data: &[u8]) -> Vec<u8> {
    let stamp = |mark: u8, ticks: u64| {
        let [.., b1, b0] = ((ticks << 1) as u16 | 1).to_be_bytes();
        let [.., a1, a0] = ((ticks >> 14) as u16 | 1).to_be_bytes();
        [mark << 4 | (ticks >> 29) as u8 & 0x0e | 1, a1, a0, b1, b0]
    };
    let (flags, fields) = match times {
        None => (0, Vec::new()),
        Some((pts, None)) => (0x80, stamp(2, pts).to_vec()),
        Some((pts, Some(dts))) => (0xc0, [stamp(3, pts), stamp(1, dts)].concat()),
    };
    let len = if bounded { 3 + fields.len() + data.len() } else { 0 };
    let [l1, l0] = u16::try_from(len).unwrap().to_be_bytes();
    let id = match pid {
        VIDEO => 0xe0,
        AUDIO => 0xc0,
        _ => 0xbd,
    };
    [&[0, 0, 1, id, l1, l0, 0x80, flags, fields.len() as u8], &fields[..], data].concat()
}

pub fn pat(version: u8, programs: &[(u16, u16)]) -> Vec<u8> {
    let body = programs
        .iter()
        .flat_map(|(number, pid)| [number.to_be_bytes(), (pid | 0xe000).to_be_bytes()].concat());
    long_section(0, 1, version, &body.collect::<Vec<_>>())
}

pub fn pmt(program: u16, version: u8, descriptors: &[u8], streams: &[Entry<'_>]) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(0xf000 | bytes.len() as u16).to_be_bytes(), bytes].concat();
    let streams = streams.iter().flat_map(|(stream_type, pid, descriptors)| {
        [&[*stream_type], &(pid | 0xe000).to_be_bytes()[..], &sized(descriptors)].concat()
    });
    let body = [&[0xe1, 0], &sized(descriptors)[..], &streams.collect::<Vec<_>>()].concat();
    long_section(2, program, version, &body)
}

pub fn long_section(table: u8, id: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let head = [&id.to_be_bytes()[..], &[0xc1 | version << 1, 0, 0], body].concat();
    section(table, &head)
}

/// A section with its CRC.
pub fn section(table: u8, body: &[u8]) -> Vec<u8> {
    let len = 0xb000 | (body.len() as u16 + 4);
    let section = [&[table], &len.to_be_bytes()[..], body].concat();
    let crc = section.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 }
        })
    });
    [&section[..], &crc.to_be_bytes()].concat()
}

/// A descriptor.
pub fn descriptor(tag: u8, contents: &[u8]) -> Vec<u8> {
    [&[tag, contents.len() as u8], contents].concat()
}

pub fn registration(id: &[u8; 4]) -> Vec<u8> {
    descriptor(5, id)
}

pub fn demux_ts(stream: &Bytes) -> Heard {
    demux_ts_chunks([stream.clone()])
}

pub fn demux_ts_chunks(chunks: impl IntoIterator<Item = Bytes>) -> Heard {
    hear(TsDemuxer::new(), chunks, TsDemuxer::buffered_bytes, MOST_HELD)
}

/// Segments with `flush` between them.
pub fn demux_segments(segments: &[Bytes]) -> Vec<DemuxEvent> {
    let mut demuxer = TsDemuxer::new();
    let mut events = Vec::new();
    let len = segments.iter().map(Bytes::len).sum();
    for segment in segments {
        demuxer.push(segment.clone());
        demuxer.flush();
        drain(|| demuxer.poll(), &mut events, len).unwrap();
    }
    demuxer.finish();
    drain(|| demuxer.poll(), &mut events, len).unwrap();
    events
}

/// Sixteen tracks, of a unit each, tables and packets in step.
pub const MOST_HELD: usize = 16 * (8 << 20);

/// The events of a stream that is read without an error.
pub fn events(stream: &Bytes) -> Vec<DemuxEvent> {
    let (events, failed) = demux_ts(stream);
    assert_eq!(failed, None);
    events
}

/// dts and pts of a track's packets, in ticks of 90 kHz.
pub fn ticks(events: &[DemuxEvent], track: TrackId) -> Vec<(i64, i64)> {
    let ticks = |time: MediaTime| (time.0 * 9 + 50).div_euclid(100);
    packets(events).iter().filter(|p| p.track == track).map(|p| (ticks(p.dts), ticks(p.pts))).collect()
}

pub fn data(events: &[DemuxEvent], track: TrackId) -> Vec<Vec<u8>> {
    packets(events).iter().filter(|p| p.track == track).map(|p| p.data.to_vec()).collect()
}

pub fn codecs(events: &[DemuxEvent]) -> Vec<(TrackId, &str)> {
    let told = events.iter().map(|event| match event {
        DemuxEvent::Track(info) => Some((info.id, info.config.codec_string.as_str())),
        _ => None,
    });
    told.flatten().collect()
}

/// Reasons of what was left out, and whose it was.
pub fn reasons(events: &[DemuxEvent]) -> Vec<(Option<TrackId>, SkipReason)> {
    let reason = |event: &DemuxEvent| match event {
        DemuxEvent::Skipped { track, why, .. } => Some((*track, *why)),
        _ => None,
    };
    events.iter().filter_map(reason).collect()
}

pub const V0: TrackId = TrackId::video(0);
pub const A0: TrackId = TrackId::audio(0);
