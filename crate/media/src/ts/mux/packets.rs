//! Transport packets (ISO/IEC 13818-1, 2.4.3).
//!
//! **Invariant:** every packet has [`PACKET`] bytes, and the counter of its PID goes up by one with each that has a payload, which is
//! all of them.

use bytes::{BufMut, BytesMut};

use crate::read::ByteReader;

pub const PACKET: usize = 188;
const SYNC: u8 = 0x47;
const HEADER: usize = 4;
const UNIT_START: u16 = 0x4000;
const PAYLOAD: u8 = 0x10;
const ADAPTATION: u8 = 0x20;
const RANDOM_ACCESS: u8 = 0x40;
const PCR: u8 = 0x10;
/// The 90 kHz part of a PCR has 33 bits, as timestamps have.
pub const CLOCK_TURN: i64 = 1 << 33;

/// A PID and its continuity_counter.
#[derive(Clone, Debug)]
pub struct Pid {
    pub pid: u16,
    counter: u8,
}

/// What the first packet of a unit says beside it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start {
    pub random_access: bool,
    /// In 90 kHz, modulo [`CLOCK_TURN`].
    pub pcr: Option<u64>,
}

impl Pid {
    pub fn new(pid: u16) -> Self {
        Self { pid, counter: 0 }
    }

    /// A section, from a packet's start.
    pub fn section(&mut self, out: &mut BytesMut, section: &[u8]) {
        let room = PACKET.saturating_sub(HEADER);
        let mut unit = vec![0]; // pointer_field
        unit.extend_from_slice(section);
        unit.resize(unit.len().next_multiple_of(room), 0xff);
        self.unit(out, Start::default(), &unit);
    }

    /// A PES packet, or what else begins with a transport packet. The last one is filled up by its adaptation field.
    pub fn unit(&mut self, out: &mut BytesMut, start: Start, unit: &[u8]) {
        let mut rest = ByteReader::new(unit);
        let mut adaptation = start.adaptation();
        let mut unit_start = UNIT_START;
        out.reserve(unit.len().saturating_add(PACKET));
        while !rest.is_empty() {
            // The field's length stands before it.
            let taken = if adaptation.is_empty() { 0 } else { adaptation.len().saturating_add(1) };
            let room = PACKET.saturating_sub(HEADER).saturating_sub(taken);
            let len = room.min(rest.rest().len());
            let stuffing = room.saturating_sub(len);
            let has_field = taken > 0 || stuffing > 0;
            out.put_u8(SYNC);
            out.put_u16(unit_start | self.pid);
            out.put_u8(PAYLOAD | if has_field { ADAPTATION } else { 0 } | self.counter);
            if has_field {
                let field = taken.saturating_add(stuffing).saturating_sub(1);
                out.put_u8(u8::try_from(field).unwrap_or_default());
                // A field of nothing but stuffing has its flags too, unless it is empty.
                let flags: &[u8] = if adaptation.is_empty() && field > 0 { &[0] } else { &adaptation };
                out.put_slice(flags);
                out.put_bytes(0xff, field.saturating_sub(flags.len()));
            }
            out.put_slice(rest.bytes(len).unwrap_or_default());
            self.counter = self.counter.wrapping_add(1) & 0x0f;
            adaptation.clear();
            unit_start = 0;
        }
    }
}

impl Start {
    /// The adaptation field behind its length; empty where it is not needed.
    fn adaptation(self) -> Vec<u8> {
        let flags = if self.random_access { RANDOM_ACCESS } else { 0 } | self.pcr.map_or(0, |_| PCR);
        let mut field = Vec::new();
        if flags != 0 {
            field.push(flags);
        }
        if let Some(pcr) = self.pcr {
            // 33 bits of base, 6 reserved ones, 9 of extension: 0.
            let packed = pcr << 15 | 0x7e00;
            field.extend(packed.to_be_bytes().into_iter().skip(2));
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_fills_whole_packets() {
        for random_access in [false, true] {
            for len in 1..400 {
                let mut out = BytesMut::new();
                let start = Start { random_access, pcr: random_access.then_some(1 << 32) };
                Pid::new(0x100).unit(&mut out, start, &vec![0xaa; len]);
                assert_eq!(out.len() % PACKET, 0, "{len}");
                let payload: Vec<u8> = out
                    .chunks(PACKET)
                    .flat_map(|packet| {
                        let has_field = packet[3] & ADAPTATION != 0;
                        let field = if has_field { usize::from(packet[4]) + 1 } else { 0 };
                        packet[4 + field..].to_vec()
                    })
                    .collect();
                assert_eq!(payload, vec![0xaa; len]);
            }
        }
    }

    #[test]
    fn a_clock_reference_stands_in_the_first_packet() {
        let mut out = BytesMut::new();
        let start = Start { random_access: true, pcr: Some(0x1_2345_6789) };
        Pid::new(0x100).unit(&mut out, start, &[1; 300]);
        assert_eq!(out[..12], [0x47, 0x41, 0, 0x30, 7, 0x50, 0x91, 0xa2, 0xb3, 0xc4, 0xfe, 0]);
        assert_eq!(out[PACKET..PACKET + 4], [0x47, 1, 0, 0x31]);
    }
}
