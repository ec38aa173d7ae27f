//! Sections and the tables that say what a stream carries: PAT and PMT (ISO/IEC 13818-1, 2.4.4).
//!
//! **Invariant:** a section is given out only when its CRC agrees; it is at most [`MAX_SECTION`] bytes. Tables that are "next" and
//! not current are passed over.

use bytes::{Bytes, BytesMut};

use crate::{
    read::ByteReader,
    ts::{
        crc32,
        packet::{Continuity, Counter, TsPacket},
    },
};

pub(super) const PAT_PID: u16 = 0;
const TABLE_PAT: u8 = 0x00;
const TABLE_PMT: u8 = 0x02;
/// table_id of bytes that fill a packet up.
const STUFFING: u8 = 0xff;
/// Up to section_length.
const SECTION_HEAD: usize = 3;
const CRC: usize = 4;
/// section_length of private sections is at most 4093; those of PAT and PMT are shorter.
const MAX_SECTION: usize = 4096;
/// Programs of a PAT that are followed; multiplexes in use have some ten.
const MAX_PROGRAMS: usize = 64;
/// Streams read of a PMT; its length allows for two hundred.
const MAX_STREAMS: usize = 64;

/// Joins the sections of one PID.
#[derive(Debug, Default)]
pub(super) struct Sections {
    counter: Counter,
    held: BytesMut,
    /// `held` begins with a section's first byte.
    in_section: bool,
}

impl Sections {
    /// The sections that this packet completes.
    pub fn packet(&mut self, packet: &TsPacket) -> Vec<Bytes> {
        let Some(payload) = packet.payload.as_ref().filter(|_| !packet.scrambled) else { return Vec::new() };
        match self.counter.judge(packet, payload) {
            Continuity::Duplicate => return Vec::new(),
            Continuity::Gap | Continuity::Anew => self.forget(),
            Continuity::Next => {}
        }
        let mut whole = Vec::new();
        let mut r = ByteReader::new(payload);
        if packet.begins {
            let pointer = r.u8().unwrap_or_default();
            let before = r.bytes(usize::from(pointer)).unwrap_or_default();
            self.add(before, &mut whole);
            self.forget();
            self.in_section = true;
        }
        self.add(r.rest(), &mut whole);
        whole
    }

    /// What is begun will not be continued.
    pub fn part(&mut self) {
        self.forget();
        self.counter.part();
    }

    pub fn buffered_bytes(&self) -> usize {
        self.held.len()
    }

    fn forget(&mut self) {
        self.held.clear();
        self.in_section = false;
    }

    fn add(&mut self, bytes: &[u8], whole: &mut Vec<Bytes>) {
        if !self.in_section {
            return;
        }
        self.held.extend_from_slice(bytes);
        while let Some(&[table, high, low]) = self.held.first_chunk::<SECTION_HEAD>() {
            let len = usize::from(u16::from_be_bytes([high & 0x0f, low])).saturating_add(SECTION_HEAD);
            if table == STUFFING || len > MAX_SECTION {
                self.forget();
            } else if self.held.len() < len {
                return;
            } else {
                let section = self.held.split_to(len).freeze();
                if len > CRC && crc32(&section) == 0 {
                    whole.push(section);
                }
            }
        }
    }
}

/// A program_number and the PID of its PMT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub number: u16,
    pub pmt_pid: u16,
}

/// The programs of the PAT in force, in its order.
#[derive(Debug, Default)]
pub(super) struct Pat {
    /// transport_stream_id and version_number.
    version: Option<[u8; 3]>,
    pub programs: Vec<Program>,
}

impl Pat {
    /// Takes a section of PID 0; true where it changes the programs.
    pub fn update(&mut self, section: &[u8]) -> bool {
        let Some((head, mut body)) = long_section(section, TABLE_PAT) else { return false };
        let version = Some([head.id[0], head.id[1], head.version]);
        let goes_on = head.is_one_of_several && self.version == version;
        let mut programs = if goes_on { self.programs.clone() } else { Vec::new() };
        while let Some([n1, n0, p1, p0]) = body.array() {
            let number = u16::from_be_bytes([n1, n0]);
            let program = Program { number, pmt_pid: u16::from_be_bytes([p1 & 0x1f, p0]) };
            // Number 0 is the network information table.
            if number != 0 && !programs.contains(&program) && programs.len() < MAX_PROGRAMS {
                programs.retain(|known: &Program| known.number != number);
                programs.push(program);
            }
        }
        let changed = programs != self.programs;
        (self.version, self.programs) = (version, programs);
        changed
    }
}

/// What a PMT says of its program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pmt {
    pub program: u16,
    pub descriptors: Descriptors,
    pub streams: Vec<StreamInfo>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamInfo {
    pub stream_type: u8,
    pub pid: u16,
    pub descriptors: Descriptors,
}

impl Pmt {
    pub fn parse(section: &[u8]) -> Option<Self> {
        let (head, mut body) = long_section(section, TABLE_PMT)?;
        body.u16()?; // PCR_PID
        let descriptors = Descriptors::read(&mut body)?;
        let mut streams = Vec::new();
        while let Some([stream_type, p1, p0]) = body.array::<3>().filter(|_| streams.len() < MAX_STREAMS) {
            let pid = u16::from_be_bytes([p1 & 0x1f, p0]);
            let Some(descriptors) = Descriptors::read(&mut body) else { break };
            streams.push(StreamInfo { stream_type, pid, descriptors });
        }
        Some(Self { program: u16::from_be_bytes(head.id), descriptors, streams })
    }
}

/// The descriptors of a program or of a stream, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Descriptors(Bytes);

impl Descriptors {
    /// Behind their length of 12 bits.
    fn read(r: &mut ByteReader<'_>) -> Option<Self> {
        let len = r.u16()? & 0x0fff;
        r.bytes(usize::from(len)).map(|bytes| Self(Bytes::copy_from_slice(bytes)))
    }

    /// The contents of the first with this tag.
    pub fn find(&self, tag: u8) -> Option<&[u8]> {
        let mut r = ByteReader::new(&self.0);
        loop {
            let [found, len] = r.array()?;
            let contents = r.bytes(usize::from(len))?;
            if found == tag {
                return Some(contents);
            }
        }
    }
}

struct Head {
    /// table_id_extension.
    id: [u8; 2],
    version: u8,
    is_one_of_several: bool,
}

/// A section with its long header, of a table in force; its body ends before the CRC.
fn long_section(section: &[u8], table: u8) -> Option<(Head, ByteReader<'_>)> {
    let mut r = ByteReader::new(section.get(..section.len().checked_sub(CRC)?)?);
    let [id, flags, _, e1, e0, version, _number, last] = r.array()?;
    let is_current = version & 1 == 1;
    let head = Head { id: [e1, e0], version: version >> 1 & 0x1f, is_one_of_several: last > 0 };
    (id == table && flags & 0x80 != 0 && is_current).then_some((head, r))
}
