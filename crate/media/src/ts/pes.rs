//! PES packets (ISO/IEC 13818-1, 2.4.3.6): their headers, and which bytes are theirs.
//!
//! **Invariant:** bytes come only behind the header that says whose they are; after a gap nothing comes until the next header. Of a PES
//! packet no more than its header is held.

use bytes::{Buf, Bytes, BytesMut};

use crate::{elementary::Stamp, read::ByteReader, ts::packet::TsPacket};

const START_CODE: [u8; 3] = [0, 0, 1];
/// Up to PES_packet_length.
const PREFIX: usize = 6;
/// Up to PES_header_data_length.
const FIXED: usize = 9;

#[derive(Clone, Copy, Debug)]
pub(super) struct PesHeader {
    /// Stream offset of the transport packet that it begins in.
    pub at: u64,
    pub stamp: Option<Stamp>,
    pub scrambled: bool,
}

/// What a transport packet adds.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub header: Option<PesHeader>,
    pub data: Bytes,
}

/// The PES packets of one PID.
#[derive(Debug, Default)]
pub(super) struct PesReader {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Until the next unit begins.
    #[default]
    Idle,
    Header {
        at: u64,
        held: BytesMut,
    },
    Body(Body),
}

/// Bytes that a PES packet still has; `None` of one without a length.
type Body = Option<usize>;

impl PesReader {
    /// Takes the payload of a packet that follows the one before.
    pub fn packet(&mut self, packet: &TsPacket, payload: Bytes) -> Part {
        if packet.begins {
            self.state = State::Header { at: packet.at, held: BytesMut::new() };
        }
        match std::mem::take(&mut self.state) {
            State::Idle => Part::default(),
            State::Header { at, held } => self.header(at, held, payload),
            State::Body(left) => {
                let data = self.body(left, payload);
                Part { header: None, data }
            }
        }
    }

    /// Packets are missing: what follows belongs to nothing until the next header.
    pub fn forget(&mut self) {
        self.state = State::Idle;
    }

    /// Nothing of a PES packet is missing so far: it is whole, or never said how long it is.
    pub fn is_whole(&self) -> bool {
        matches!(self.state, State::Idle | State::Body(None | Some(0)))
    }

    /// The PES packet said its length, and all of it came.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Body(Some(0)))
    }

    fn header(&mut self, at: u64, mut held: BytesMut, payload: Bytes) -> Part {
        held.extend_from_slice(&payload);
        match Read::of(&held, at) {
            Read::NeedMore => {
                self.state = State::Header { at, held };
                Part::default()
            }
            // Not a PES packet, or one of stuffing.
            Read::Nothing => Part::default(),
            Read::Header { header, len, left } => {
                held.advance(len.min(held.len()));
                let data = self.body(left, held.freeze());
                Part { header: Some(header), data }
            }
        }
    }

    /// Takes bytes past the length too: there are encoders whose pictures are longer than its 16 bits can say.
    fn body(&mut self, left: Body, data: Bytes) -> Bytes {
        self.state = State::Body(left.map(|left| left.saturating_sub(data.len())));
        data
    }
}

enum Read {
    NeedMore,
    Nothing,
    Header { header: PesHeader, len: usize, left: Body },
}

impl Read {
    fn of(bytes: &[u8], at: u64) -> Self {
        let mut r = ByteReader::new(bytes);
        let Some(start) = r.array::<3>() else { return Self::NeedMore };
        let (Some(stream_id), Some(packet_len)) = (r.u8(), r.u16()) else {
            return if start == START_CODE { Self::NeedMore } else { Self::Nothing };
        };
        if start != START_CODE || !has_header(stream_id) {
            return Self::Nothing;
        }
        let Some([flags, presence, header_len]) = r.array() else { return Self::NeedMore };
        let Some(fields) = r.bytes(usize::from(header_len)) else { return Self::NeedMore };
        // '10' tells it from MPEG-1.
        if flags >> 6 != 2 {
            return Self::Nothing;
        }
        let header = PesHeader { at, stamp: stamp(presence, fields), scrambled: flags & 0x30 != 0 };
        let len = FIXED.saturating_add(fields.len());
        // The length counts from behind itself; 0 leaves it open.
        let left = match usize::from(packet_len) {
            0 => None,
            told => Some(told.saturating_add(PREFIX).saturating_sub(len)),
        };
        Self::Header { header, len, left }
    }
}

/// All but program_stream_map, padding, private_stream_2, ECM, EMM, program_stream_directory, DSM-CC and H.222.1 type E (2.4.3.7).
fn has_header(stream_id: u8) -> bool {
    !matches!(stream_id, 0..=0xbc | 0xbe | 0xbf | 0xf0 | 0xf1 | 0xf2 | 0xf8 | 0xff)
}

fn stamp(presence: u8, fields: &[u8]) -> Option<Stamp> {
    let mut r = ByteReader::new(fields);
    let pts = (presence & 0x80 != 0).then(|| r.array().map(ticks)).flatten()?;
    let dts = (presence & 0xc0 == 0xc0).then(|| r.array().map(ticks)).flatten();
    Some(Stamp { pts, dts: dts.unwrap_or(pts) })
}

/// 33 bits between marker bits.
fn ticks([a, b, c, d, e]: [u8; 5]) -> u64 {
    let upper = u64::from(a >> 1 & 7) << 30;
    let middle = u64::from(u16::from_be_bytes([b, c]) >> 1) << 15;
    upper | middle | u64::from(u16::from_be_bytes([d, e]) >> 1)
}
