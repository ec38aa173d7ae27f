//! Program specific information: the PAT and the PMT (ISO/IEC 13818-1, 2.4.4).
//!
//! **Invariant:** one program; a section ends in its checksum and fits into [`MAX_SECTION`].

use bytes::{BufMut, BytesMut};

use crate::ts::crc32;

pub const PAT_PID: u16 = 0;
pub const PMT_PID: u16 = 0x1000;
/// section_length of a PMT is at most this.
const MAX_SECTION: usize = 1021;
const PROGRAM: u16 = 1;
const STREAM: u16 = 1;
const TABLE_PAT: u8 = 0;
const TABLE_PMT: u8 = 2;

/// An elementary stream as the PMT has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub stream_type: u8,
    pub pid: u16,
    pub descriptors: Vec<u8>,
}

pub fn association() -> Vec<u8> {
    let mut body = BytesMut::new();
    body.put_u16(PROGRAM);
    body.put_u16(0xe000 | PMT_PID);
    section(TABLE_PAT, STREAM, 0, &body)
}

pub fn program_map(version: u8, pcr_pid: u16, entries: &[Entry]) -> Vec<u8> {
    let mut body = BytesMut::new();
    body.put_u16(0xe000 | pcr_pid);
    body.put_u16(0xf000); // program_info_length
    for entry in entries {
        body.put_u8(entry.stream_type);
        body.put_u16(0xe000 | entry.pid);
        body.put_u16(0xf000 | u16::try_from(entry.descriptors.len()).unwrap_or_default());
        body.put_slice(&entry.descriptors);
    }
    section(TABLE_PMT, PROGRAM, version, &body)
}

fn section(table: u8, id: u16, version: u8, body: &[u8]) -> Vec<u8> {
    // What stands between section_length and the body, and the checksum.
    let len = body.len().saturating_add(9).min(MAX_SECTION);
    let mut out = BytesMut::new();
    out.put_u8(table);
    out.put_u16(0xb000 | u16::try_from(len).unwrap_or_default());
    out.put_u16(id);
    out.put_u8(0xc1 | (version & 0x1f) << 1); // current
    out.put_u16(0); // section_number, last_section_number
    out.put_slice(body);
    out.put_u32(crc32(&out));
    out.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_with_its_checksum_sums_to_zero() {
        let section = association();
        assert_eq!(section[..12], [0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0]);
        assert_eq!(crc32(&section), 0);
        assert_eq!(crc32(b"123456789"), 0x0376_e6e7, "CRC-32/MPEG-2");
    }
}
