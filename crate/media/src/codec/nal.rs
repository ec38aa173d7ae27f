//! NAL units of H.264 and H.265 in a packet: behind lengths of 1 to 4 bytes (ISO/IEC 14496-15) or behind start codes (annex
//! B of both standards), brought into one form.
//!
//! **Invariant:** what [`Framing::normalise`] gives is NAL units behind lengths of [`LENGTH_SIZE`] bytes, none empty, to the
//! last byte; a packet that already is so stays the view it was.

use bytes::Bytes;

use crate::{codec::Damage, read::ByteReader};

/// Bytes of the length before each NAL unit of a normalised packet, and what configurations say of it.
pub const LENGTH_SIZE: usize = 4;

const START_CODE: [u8; 3] = [0, 0, 1];

/// The NAL units of a packet. A length that passes the packet's end gives one `Err`, then the end.
#[derive(Clone, Debug)]
pub struct Nals<'a> {
    rest: ByteReader<'a>,
    length_size: usize,
}

/// A NAL unit's length passes the end of its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl<'a> Nals<'a> {
    pub fn new(packet: &'a [u8], length_size: usize) -> Self {
        Self { rest: ByteReader::new(packet), length_size }
    }
}

impl<'a> Iterator for Nals<'a> {
    type Item = Result<&'a [u8], Overrun>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let nal = self.rest.uint(self.length_size).and_then(|len| self.rest.bytes(len as usize));
        if nal.is_none() {
            self.rest = ByteReader::new(&[]);
        }
        Some(nal.ok_or(Overrun))
    }
}

/// The NAL units behind start codes; what stands before the first one is left out.
#[derive(Clone, Debug)]
pub struct AnnexB<'a> {
    /// Behind a start code.
    rest: Option<&'a [u8]>,
}

impl<'a> AnnexB<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: split_at_start_code(bytes).1 }
    }
}

impl<'a> Iterator for AnnexB<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let (nal, rest) = split_at_start_code(self.rest?);
            self.rest = rest;
            let nal = without_trailing_zeros(nal);
            if !nal.is_empty() {
                return Some(nal);
            }
        }
    }
}

/// Before and behind the next start code.
fn split_at_start_code(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let at = bytes.windows(START_CODE.len()).position(|window| window == START_CODE);
    let split = at.and_then(|at| Some((bytes.get(..at)?, bytes.get(at.checked_add(START_CODE.len())?..)?)));
    split.map_or((bytes, None), |(before, behind)| (before, Some(behind)))
}

/// A NAL unit never ends in a zero byte (7.4.1); what does is trailing_zero_8bits.
pub fn without_trailing_zeros(nal: &[u8]) -> &[u8] {
    let len = nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    nal.get(..len).unwrap_or(nal)
}

pub fn starts_with_start_code(bytes: &[u8]) -> bool {
    bytes.starts_with(&START_CODE)
        || bytes.strip_prefix(&[0]).is_some_and(|rest| rest.starts_with(&START_CODE))
}

/// How a track's packets are framed.
#[derive(Debug)]
pub struct Framing {
    /// Whether a first byte can begin a NAL unit of the codec.
    plausible: fn(&[u8]) -> bool,
    /// As its configuration says.
    length_size: Option<usize>,
    /// Packets with lengths that end where the packet does were seen.
    has_lengths: bool,
}

impl Framing {
    pub fn new(plausible: fn(&[u8]) -> bool) -> Self {
        Self { plausible, length_size: None, has_lengths: false }
    }

    pub fn set_length_size(&mut self, length_size: usize) {
        self.length_size = Some(length_size);
        self.has_lengths = false;
    }

    /// Lengths are believed first, as no stream with start codes reads as a run of lengths that ends with the packet. A start code
    /// of three bytes is also a length of 256 to 511, so it counts only as long as no packet with lengths was seen. Without a
    /// configuration, lengths other than of four bytes come last, and are found anew in each packet.
    pub fn normalise(&mut self, packet: Bytes) -> Result<Bytes, Damage> {
        let told = self.length_size.unwrap_or(LENGTH_SIZE);
        if self.has_units(&packet, told) {
            self.has_lengths = true;
            return Ok(self.with_lengths(packet, told));
        }
        let begins = match self.has_lengths {
            true => packet.strip_prefix(&[0]).unwrap_or_default(),
            false => &packet,
        };
        if starts_with_start_code(begins) && AnnexB::new(&packet).all(self.plausible) {
            return Ok(joined(AnnexB::new(&packet), packet.len()));
        }
        let guesses: &[usize] =
            if self.length_size.is_none() && !self.has_lengths { &[3, 2, 1] } else { &[] };
        match guesses.iter().find(|size| self.has_units(&packet, **size)) {
            Some(size) => Ok(self.with_lengths(packet, *size)),
            None => Err(Damage::Invalid("NAL unit length")),
        }
    }

    /// Lengths of this size end where the packet does; one that no configuration told must also make sense.
    fn has_units(&self, packet: &[u8], length_size: usize) -> bool {
        let is_told = self.length_size.is_some();
        let fits =
            |nal: &[u8]| is_told || nal.is_empty() || starts_with_start_code(nal) || (self.plausible)(nal);
        let mut nals = Nals::new(packet, length_size).peekable();
        nals.peek().is_some() && nals.all(|nal| nal.is_ok_and(fits))
    }

    fn with_lengths(&self, packet: Bytes, length_size: usize) -> Bytes {
        let nals = || Nals::new(&packet, length_size).flatten();
        // Some writers put a start code behind each length, or one length before units with start codes.
        let is_clean = |nal: &[u8]| !nal.is_empty() && !starts_with_start_code(nal);
        if length_size == LENGTH_SIZE && nals().all(is_clean) {
            return packet;
        }
        let inner = nals().flat_map(|nal| {
            let framed = starts_with_start_code(nal);
            let plain = Some(nal).filter(|nal| !framed && !nal.is_empty());
            plain.into_iter().chain(AnnexB::new(if framed { nal } else { &[] }))
        });
        joined(inner, packet.len())
    }
}

fn joined<'a>(nals: impl Iterator<Item = &'a [u8]>, about: usize) -> Bytes {
    let mut out = Vec::with_capacity(about.saturating_add(64));
    for nal in nals {
        out.extend_from_slice(&u32::try_from(nal.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(nal);
    }
    out.into()
}

/// A NAL unit's payload without its emulation prevention bytes (7.4.1).
pub fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0u8;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros.saturating_add(1) } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn avc() -> Framing {
        Framing::new(|nal| nal.first().is_some_and(|header| matches!(header & 0x9f, 1..=21)))
    }

    fn normalised(framing: &mut Framing, packet: &'static [u8]) -> Result<Vec<u8>, Damage> {
        framing.normalise(Bytes::from_static(packet)).map(|packet| packet.to_vec())
    }

    #[test]
    fn lengths_of_four_bytes_stay_the_view_they_are() {
        let packet = Bytes::from_static(&[0, 0, 0, 2, 0x65, 0x88, 0, 0, 0, 1, 0x06]);
        let out = avc().normalise(packet.clone()).unwrap();
        assert_eq!(out.as_ptr(), packet.as_ptr());
        assert_eq!(out, packet);
    }

    #[test]
    fn lengths_of_one_two_and_three_bytes_become_four() {
        let expected = [0, 0, 0, 2, 0x65, 0x88, 0, 0, 0, 1, 0x06];
        for packet in [
            &[2, 0x65, 0x88, 1, 0x06][..],
            &[0, 2, 0x65, 0x88, 0, 1, 0x06],
            &[0, 0, 2, 0x65, 0x88, 0, 0, 1, 0x06],
        ] {
            let mut framing = avc();
            framing.set_length_size((packet.len() - 3) / 2);
            assert_eq!(normalised(&mut framing, packet).unwrap(), expected);
            assert_eq!(normalised(&mut avc(), packet).unwrap(), expected, "without a configuration");
        }
    }

    #[test]
    fn start_codes_of_both_lengths_become_lengths() {
        let mut framing = avc();
        framing.set_length_size(4);
        let packet = &[0, 0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65, 0x88, 0x80, 0, 0];
        let expected = [0, 0, 0, 2, 0x67, 0x42, 0, 0, 0, 2, 0x68, 0xce, 0, 0, 0, 3, 0x65, 0x88, 0x80];
        assert_eq!(normalised(&mut framing, packet).unwrap(), expected);
        let expected = [0, 0, 0, 3, 0x41, 0x9a, 0x01];
        assert_eq!(normalised(&mut framing, &[0, 0, 1, 0x41, 0x9a, 0x01]).unwrap(), expected);
    }

    #[test]
    fn a_damaged_packet_of_lengths_is_not_taken_for_start_codes() {
        let mut framing = avc();
        normalised(&mut framing, &[0, 0, 0, 1, 0x65]).unwrap();
        // A unit of 321 bytes, cut short.
        assert!(normalised(&mut framing, &[0, 0, 1, 0x41, 0x65, 0x88, 0x80]).is_err());
        assert!(normalised(&mut framing, &[0, 0, 0, 9, 0x65]).is_err());
        assert!(normalised(&mut avc(), &[0, 0, 1, 0x80, 0x65]).is_err(), "forbidden_zero_bit");
        assert!(normalised(&mut avc(), &[0xff; 9]).is_err());
    }

    #[test]
    fn start_codes_behind_lengths_are_taken_out() {
        let expected = [0, 0, 0, 2, 0x67, 0x42, 0, 0, 0, 2, 0x68, 0xce, 0, 0, 0, 2, 0x65, 0x88];
        let packet = &[0, 0, 0, 11, 0, 0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 2, 0x65, 0x88];
        assert_eq!(normalised(&mut avc(), packet).unwrap(), expected);
    }

    #[test]
    fn a_length_past_the_end_is_an_overrun_and_then_the_end() {
        let mut nals = Nals::new(&[0, 1, 0x65, 0, 9, 0x41], 2);
        assert_eq!(nals.next(), Some(Ok(&[0x65][..])));
        assert_eq!(nals.next(), Some(Err(Overrun)));
        assert_eq!(nals.next(), None);
    }

    #[test]
    fn emulation_prevention_is_taken_out() {
        assert_eq!(unescape(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]), [0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(unescape(&[0, 3, 0, 0, 4]), [0, 3, 0, 0, 4]);
    }
}
