//! Packets to an MPEG transport stream of one program, for HLS.
//!
//! **Invariant:** a PES packet has the times of its first packet, to the nearest tick of 90 kHz modulo 2^33. The order of the calls
//! is the order in the stream, but that sound waits for up to [`MAX_PACK`] to fill a PES packet; [`TsMuxer::flush`] ends the wait.
//! [`TsMuxer::tables`] belongs to the start of each segment, and is not written by itself.
//!
//! A PCR comes with each picture, or each PES packet of a stream of sound alone, [`PCR_LEAD`] before its dts.

mod elementary;
mod packets;
mod tables;

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use crate::{
    packet::{Codec, MediaKind, Packet, TrackId, TrackInfo},
    time::{MediaTime, Micros},
};
use elementary::{Elementary, Refused};
use packets::{CLOCK_TURN, Pid, Start};
use tables::{Entry, PAT_PID, PMT_PID};

/// What a receiver buffers; a stream that shall not begin before a PCR of 0 has its first packet so long after its base.
pub const PCR_LEAD: Micros = Micros::from_millis(500);
/// Sound in one PES packet.
pub const MAX_PACK: Micros = Micros::from_millis(100);
/// A frame that begins so far from where the one before it ends is not put behind it, as its time would be lost.
const MAX_SKEW: Micros = Micros::from_millis(2);

const FIRST_PID: u16 = 0x100;
/// So many fit into one section, with their descriptors.
const MAX_TRACKS: usize = 32;
/// Bytes behind PES_packet_length that it can tell. Only of video it may tell nothing.
const MAX_PES: usize = 0xffff;
/// data_alignment_indicator, and the two bits before.
const PES_ALIGNED: u8 = 0x84;

/// What [`TsMuxer`] refuses to write. Nothing of the refused call is in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TsMuxError {
    #[error("{0} before its configuration")]
    NoConfig(TrackId),
    #[error("MPEG-TS has no mapping of {codec:?} (track {track})")]
    NoMapping { track: TrackId, codec: Codec },
    #[error("the configuration of {0} cannot be told in MPEG-TS")]
    NoHeader(TrackId),
    #[error("a packet of {track} with {len} bytes is larger than its header can say")]
    PacketTooLarge { track: TrackId, len: usize },
    #[error("more than {MAX_TRACKS} tracks")]
    TooManyTracks,
}

/// Writes a transport stream into the buffers it is given.
#[derive(Debug)]
pub struct TsMuxer {
    streams: Vec<Stream>,
    base: MediaTime,
    pat: Pid,
    pmt: Pid,
    /// version_number of the PMT.
    version: u8,
}

#[derive(Debug)]
struct Stream {
    id: TrackId,
    elementary: Elementary,
    pid: Pid,
    /// Sound that waits for more of it.
    pack: Option<Pack>,
}

#[derive(Debug)]
struct Pack {
    dts: MediaTime,
    pts: MediaTime,
    keyframe: bool,
    /// Where the next frame is due.
    end: MediaTime,
    payload: BytesMut,
}

impl TsMuxer {
    pub fn new(tracks: &[TrackInfo]) -> Result<Self, TsMuxError> {
        let mut muxer = Self {
            streams: Vec::new(),
            base: MediaTime(0),
            pat: Pid::new(PAT_PID),
            pmt: Pid::new(PMT_PID),
            version: 0,
        };
        for track in tracks {
            muxer.take(track)?;
        }
        Ok(muxer)
    }

    /// The media time that is written as 0; times before it count down from 2^33.
    #[must_use]
    pub fn with_base(self, base: MediaTime) -> Self {
        Self { base, ..self }
    }

    /// Takes a new track, or the new configuration of one, behind all sound that waits. True where the tables must be written anew.
    pub fn config(&mut self, out: &mut BytesMut, info: &TrackInfo) -> Result<bool, TsMuxError> {
        let before = self.entries();
        self.take(info)?;
        self.flush(out);
        let changed = self.entries() != before;
        if changed {
            self.version = self.version.wrapping_add(1);
        }
        Ok(changed)
    }

    /// PAT and PMT.
    pub fn tables(&mut self, out: &mut BytesMut) {
        let pcr_pid = self.clock().map_or(0x1fff, |stream| stream.pid.pid);
        let map = tables::program_map(self.version, pcr_pid, &self.entries());
        self.pat.section(out, &tables::association());
        self.pmt.section(out, &map);
    }

    /// A packet; one without a byte is left out.
    pub fn packet(&mut self, out: &mut BytesMut, packet: &Packet) -> Result<(), TsMuxError> {
        let clock = self.clock().map(|stream| stream.id);
        let id = packet.track;
        let stream = self.streams.iter_mut().find(|stream| stream.id == id);
        let stream = stream.ok_or(TsMuxError::NoConfig(id))?;
        if packet.data.is_empty() {
            return Ok(());
        }
        let too_large = TsMuxError::PacketTooLarge { track: id, len: packet.data.len() };
        let mut payload = BytesMut::new();
        stream.elementary.payload(&mut payload, packet).ok_or(too_large)?;
        let pes = Pes { clock: clock == Some(id), base: self.base };
        if id.kind == MediaKind::Video {
            let (dts, pts, keyframe) = (packet.dts, packet.pts, packet.keyframe);
            pes.write(out, stream, &Pack { dts, pts, keyframe, end: pts, payload });
            return Ok(());
        }
        if payload.len() > MAX_PES.saturating_sub(PES_HEADER_REST) {
            return Err(too_large);
        }
        if let Some(full) = stream.pack.take_if(|pack| !pack.continues(packet, payload.len())) {
            pes.write(out, stream, &full);
        }
        let pack = stream.pack.get_or_insert_with(|| Pack {
            dts: packet.dts,
            pts: packet.pts,
            keyframe: packet.keyframe,
            end: packet.pts,
            payload: BytesMut::new(),
        });
        pack.payload.put_slice(&payload);
        let duration = packet.duration.unwrap_or(MAX_PACK);
        pack.end = packet.pts + duration;
        // Another one like it would be too much.
        if let Some(full) = stream.pack.take_if(|pack| pack.end + duration - pack.pts > MAX_PACK) {
            pes.write(out, stream, &full);
        }
        Ok(())
    }

    /// Writes the sound that waits: a segment, or a part of one, ends here.
    pub fn flush(&mut self, out: &mut BytesMut) {
        let clock = self.clock().map(|stream| stream.id);
        for stream in &mut self.streams {
            if let Some(pack) = stream.pack.take() {
                let pes = Pes { clock: clock == Some(stream.id), base: self.base };
                pes.write(out, stream, &pack);
            }
        }
    }

    fn take(&mut self, info: &TrackInfo) -> Result<(), TsMuxError> {
        let (id, codec) = (info.id, info.config.codec);
        let elementary = Elementary::of(&info.config).map_err(|refused| match refused {
            Refused::Codec => TsMuxError::NoMapping { track: id, codec },
            Refused::Config => TsMuxError::NoHeader(id),
        })?;
        if codec.kind() != id.kind {
            return Err(TsMuxError::NoMapping { track: id, codec });
        }
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            stream.elementary = elementary;
            return Ok(());
        }
        let count = u16::try_from(self.streams.len()).ok().filter(|count| usize::from(*count) < MAX_TRACKS);
        let pid = Pid::new(FIRST_PID.saturating_add(count.ok_or(TsMuxError::TooManyTracks)?));
        self.streams.push(Stream { id, elementary, pid, pack: None });
        Ok(())
    }

    /// The stream that carries the PCR.
    fn clock(&self) -> Option<&Stream> {
        let video = self.streams.iter().find(|stream| stream.id.kind == MediaKind::Video);
        video.or(self.streams.first())
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |stream: &Stream| Entry {
            stream_type: stream.elementary.stream_type(),
            pid: stream.pid.pid,
            descriptors: stream.elementary.descriptors(),
        };
        self.streams.iter().map(entry).collect()
    }
}

impl Pack {
    /// Whether a packet's time is told by the frames before it, and there is room for it.
    fn continues(&self, packet: &Packet, len: usize) -> bool {
        let room = MAX_PES.saturating_sub(PES_HEADER_REST).saturating_sub(self.payload.len());
        (packet.pts - self.end).abs() <= MAX_SKEW && packet.pts == packet.dts && len <= room
    }
}

/// Flags, header length and two timestamps: what PES_packet_length counts before the payload.
const PES_HEADER_REST: usize = 13;

/// Writes PES packets (ISO/IEC 13818-1, 2.4.3.6).
struct Pes {
    /// With a PCR.
    clock: bool,
    base: MediaTime,
}

impl Pes {
    fn write(&self, out: &mut BytesMut, stream: &mut Stream, pack: &Pack) {
        let (pts, dts) = (self.clock_ticks(pack.pts), self.clock_ticks(pack.dts));
        let mut unit = BytesMut::with_capacity(pack.payload.len().saturating_add(32));
        unit.put_slice(&[0, 0, 1, stream.elementary.stream_id(stream.id.number)]);
        let (flags, header) = if pts == dts { (0x80, 5u8) } else { (0xc0, 10) };
        let len = pack.payload.len().saturating_add(3).saturating_add(header.into());
        // 0, not told: of a large picture.
        unit.put_u16(u16::try_from(len).unwrap_or_default());
        unit.put_slice(&[PES_ALIGNED, flags, header]);
        put_timestamp(&mut unit, flags >> 6, pts);
        if pts != dts {
            put_timestamp(&mut unit, 1, dts);
        }
        unit.put_slice(&pack.payload);
        let pcr = self.clock.then(|| self.clock_ticks(pack.dts - PCR_LEAD));
        stream.pid.unit(out, Start { random_access: pack.keyframe, pcr }, &unit);
    }

    /// 90 kHz modulo 2^33.
    fn clock_ticks(&self, time: MediaTime) -> u64 {
        let scaled = i128::from((time - self.base).0).saturating_mul(9).saturating_add(50).div_euclid(100);
        u64::try_from(scaled.rem_euclid(CLOCK_TURN.into())).unwrap_or_default()
    }
}

/// Four bits of a prefix, and 33 bits in three parts with a marker bit behind each.
fn put_timestamp(out: &mut BytesMut, prefix: u8, ticks: u64) {
    let part = |shift: u32, mask: u64| (ticks >> shift & mask) << 1 | 1;
    let packed = u64::from(prefix) << 36 | part(30, 0x7) << 32 | part(15, 0x7fff) << 16 | part(0, 0x7fff);
    out.put_uint(packed, 5);
}
