//! MP4 for the tests: boxes by hand, and bounded ways to read streams and files.

use bytes::Bytes;
use sailcast_media::{
    DemuxError, DemuxEvent, FileDemuxer, MediaKind, Mp4Demuxer, Mp4File, Packet, SkipReason, TrackInfo,
};

use super::{Heard, drain, hear};

pub fn bx(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(8 + body.len()).unwrap();
    [&size.to_be_bytes(), &kind[..], &body].concat()
}

/// A full box of numbers of 32 bits.
pub fn full(kind: &[u8; 4], version: u8, flags: u32, numbers: &[u32]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    let body: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    bx(kind, &[&head, &body])
}

/// A movie of tracks that fragments follow, at 1000 ticks a second.
pub fn movie(tracks: &[Vec<u8>]) -> Vec<u8> {
    let mvhd = full(
        b"mvhd",
        0,
        0,
        &[0, 0, 1000, 0, 0x1_0000, 0x100_0000, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9],
    );
    let trex = |number: u32| full(b"trex", 0, 0, &[number, 1, 0, 0, 0]);
    let mvex = bx(b"mvex", &[&trex(1), &trex(2)]);
    bx(b"moov", &[&mvhd, &tracks.concat(), &mvex])
}

/// A track of 1000 ticks a second: its handler, its entry, and what else stands in its boxes.
pub fn trak(number: u32, handler: &[u8; 4], entry: &[u8], edts: &[u8], tables: &[u8]) -> Vec<u8> {
    let tkhd = full(b"tkhd", 0, 1, &[0, 0, number, 0, 0]);
    let mdhd = full(b"mdhd", 0, 0, &[0, 0, 1000, 0, 0]);
    let hdlr = bx(b"hdlr", &[&[0; 8], handler, &[0; 13]]);
    let stsd = bx(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], entry]);
    let stbl = bx(b"stbl", &[&stsd, tables]);
    bx(b"trak", &[&tkhd, edts, &bx(b"mdia", &[&mdhd, &hdlr, &bx(b"minf", &[&stbl])])])
}

pub fn video_entry(kind: &[u8; 4], boxes: &[u8]) -> Vec<u8> {
    bx(kind, &[&[0; 78], boxes])
}

pub fn audio_entry(kind: &[u8; 4], channels: u16, rate: u16, boxes: &[u8]) -> Vec<u8> {
    let (channels, rate) = (channels.to_be_bytes(), rate.to_be_bytes());
    bx(kind, &[&[0; 16], &channels, &[0; 6], &rate, &[0; 2], boxes])
}

/// H.264 of 640x360.
pub fn avc_entry() -> Vec<u8> {
    video_entry(b"avc1", &bx(b"avcC", &[&super::AVC_CONFIG[5..]]))
}

/// AAC of 48 kHz in stereo.
pub fn aac_entry() -> Vec<u8> {
    audio_entry(b"mp4a", 2, 48_000, &esds(0x40, &[0x11, 0x90]))
}

pub fn esds(object_type: u8, specific: &[u8]) -> Vec<u8> {
    let descriptor = |tag: u8, body: &[u8]| [&[tag, u8::try_from(body.len()).unwrap()], body].concat();
    let specific = descriptor(5, specific);
    let config = descriptor(4, &[&[object_type, 0x15], &[0; 11][..], &specific].concat());
    bx(b"esds", &[&[0; 4], &descriptor(3, &[&[0, 1, 0][..], &config].concat())])
}

/// Picture as track 1 and sound as track 2.
pub fn av_movie() -> Vec<u8> {
    movie(&[trak(1, b"vide", &avc_entry(), &[], &[]), trak(2, b"soun", &aac_entry(), &[], &[])])
}

/// An IDR picture, another picture, and sound, of a size that tells which it is.
pub fn idr(size: usize) -> Vec<u8> {
    nal(0x65, size)
}

pub fn inter(size: usize) -> Vec<u8> {
    nal(0x41, size)
}

fn nal(header: u8, size: usize) -> Vec<u8> {
    let mut unit = u32::try_from(size - 4).unwrap().to_be_bytes().to_vec();
    unit.push(header);
    unit.extend(std::iter::repeat_n(0x9a, size - 5));
    unit
}

pub fn sound(size: usize) -> Vec<u8> {
    vec![0x21; size]
}

pub const BASE_IS_MOOF: u32 = 0x2_0000;

/// A fragment: `traf`s made for a data offset from the box itself, which `data` says where it begins.
pub fn moof(trafs: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let build = |at: u32| bx(b"moof", &[&full(b"mfhd", 0, 0, &[1]), &trafs(at)]);
    let size = u32::try_from(build(0).len()).unwrap();
    build(size + 8)
}

/// A track of a fragment whose offsets count from the box.
pub fn traf(number: u32, decode_time: Option<u32>, truns: &[u8]) -> Vec<u8> {
    let tfhd = full(b"tfhd", 0, BASE_IS_MOOF, &[number]);
    let tfdt = decode_time.map(|time| full(b"tfdt", 0, 0, &[time])).unwrap_or_default();
    bx(b"traf", &[&tfhd, &tfdt, truns])
}

/// A run of samples with (duration, size), whose data begin at `at`.
pub fn trun(at: u32, samples: &[(u32, usize)]) -> Vec<u8> {
    let mut numbers = vec![u32::try_from(samples.len()).unwrap(), at];
    for (duration, size) in samples {
        numbers.extend([*duration, u32::try_from(*size).unwrap()]);
    }
    full(b"trun", 0, 0x301, &numbers)
}

pub fn demux(stream: &[u8]) -> Heard {
    demux_chunks([Bytes::copy_from_slice(stream)])
}

pub fn demux_chunks(chunks: impl IntoIterator<Item = Bytes>) -> Heard {
    hear(Mp4Demuxer::new(), chunks, Mp4Demuxer::buffered_bytes, usize::MAX)
}

/// A file under its demuxer, and where it wanted to read.
pub struct Reading {
    pub file: Bytes,
    pub demuxer: Mp4File,
    pub events: Vec<DemuxEvent>,
    pub failed: Option<DemuxError>,
    /// The places that were gone to; reading on is none.
    pub jumps: Vec<u64>,
    at: u64,
}

impl Reading {
    pub fn new(file: Bytes) -> Self {
        let mut demuxer = Mp4File::new();
        demuxer.set_len(file.len() as u64);
        Self { file, demuxer, events: Vec::new(), failed: None, jumps: Vec::new(), at: 0 }
    }

    /// Gives it up to `size` bytes of where it wants to read; `false` when it wants none.
    pub fn step(&mut self, size: usize) -> bool {
        let Some(at) = self.demuxer.wants() else {
            let last = drain(|| self.demuxer.poll(), &mut self.events, self.file.len());
            self.failed = self.failed.or(last.err());
            return false;
        };
        if at != self.at {
            self.jumps.push(at);
        }
        let start = usize::try_from(at).unwrap();
        let end = self.file.len().min(start + size);
        self.demuxer.push(at, self.file.slice(start..end));
        self.at = end as u64;
        let read = drain(|| self.demuxer.poll(), &mut self.events, self.file.len());
        self.failed = self.failed.or(read.err());
        self.failed.is_none()
    }

    /// Reads to the end, in pieces of these sizes by turns.
    pub fn read(mut self, sizes: &[usize]) -> Self {
        let mut sizes = sizes.iter().cycle();
        let mut steps = 0;
        while self.step(*sizes.next().unwrap()) {
            steps += 1;
            assert!(steps <= 4 * self.file.len() + 64, "reading has no end");
        }
        self
    }

    /// Until the next packet of a picture is there.
    pub fn next_picture(&mut self) -> Packet {
        self.events.clear();
        loop {
            let found =
                packets(&self.events).into_iter().find(|packet| packet.track.kind == MediaKind::Video);
            match found {
                Some(packet) => return packet,
                None => assert!(self.step(2000), "no more pictures"),
            }
        }
    }
}

pub fn packets(events: &[DemuxEvent]) -> Vec<Packet> {
    let packet =
        |event: &DemuxEvent| if let DemuxEvent::Packet(packet) = event { Some(packet.clone()) } else { None };
    events.iter().filter_map(packet).collect()
}

/// (dts, pts, size) in ms of one kind's packets.
pub fn times(events: &[DemuxEvent], kind: MediaKind) -> Vec<(i64, i64, usize)> {
    let of_kind = packets(events).into_iter().filter(|packet| packet.track.kind == kind);
    of_kind.map(|packet| (packet.dts.0 / 1000, packet.pts.0 / 1000, packet.data.len())).collect()
}

pub fn tracks(events: &[DemuxEvent]) -> Vec<TrackInfo> {
    let track =
        |event: &DemuxEvent| if let DemuxEvent::Track(track) = event { Some(track.clone()) } else { None };
    events.iter().filter_map(track).collect()
}

pub fn reasons(events: &[DemuxEvent]) -> Vec<SkipReason> {
    super::skips(events).into_iter().map(|(_, _, why)| why).collect()
}
