//! LATM: the AudioMuxElement of ISO/IEC 14496-3 (1.7.3), as MPEG-TS has AAC behind LOAS.
//!
//! **Invariant:** access units come only behind a StreamMuxConfig. One programme of one layer is read, which is all that broadcasters
//! send.

use bytes::Bytes;

use crate::{codec::aac, read::BitReader};

/// An AudioSpecificConfig has some ten bytes; with a program config element less than this.
const MAX_CONFIG_BITS: u32 = 4096;

/// What the elements of a stream say of the next ones.
#[derive(Debug, Default)]
pub(crate) struct Latm {
    mux: Option<Mux>,
}

/// A StreamMuxConfig.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mux {
    config: Bytes,
    /// Payloads of an element.
    subframes: u32,
    /// `None` where each payload tells its own.
    payload_bits: Option<usize>,
}

/// What an element holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// The AudioSpecificConfig in force.
    pub config: Bytes,
    pub payloads: Vec<Bytes>,
}

impl Latm {
    /// `None` where it cannot be read, or no configuration came yet.
    pub fn read(&mut self, element: &[u8]) -> Option<Element> {
        let mut r = BitReader::new(element);
        let same_as_before = r.bit()?;
        if !same_as_before {
            self.mux = Some(Mux::read(&mut r)?);
        }
        let mux = self.mux.as_ref()?;
        let mut payloads = Vec::new();
        for _ in 0..mux.subframes {
            let bits = match mux.payload_bits {
                Some(bits) => bits,
                None => payload_length(&mut r)?.checked_mul(8)?,
            };
            let payload = r.bytes_of_bits(bits)?;
            if !payload.is_empty() {
                payloads.push(payload.into());
            }
        }
        Some(Element { config: mux.config.clone(), payloads })
    }
}

impl Mux {
    fn read(r: &mut BitReader<'_>) -> Option<Self> {
        let version = r.bit()?;
        // audioMuxVersionA 1 is reserved.
        if version && r.bit()? {
            return None;
        }
        if version {
            value(r)?; // taraBufferFullness
        }
        let same_framing = r.bit()?;
        let subframes = r.bits(6)?.saturating_add(1);
        let (programs, layers) = (r.bits(4)?, r.bits(3)?);
        if !same_framing || programs > 0 || layers > 0 {
            return None;
        }
        let config = match version {
            true => {
                let bits = value(r)?;
                (bits <= MAX_CONFIG_BITS).then_some(())?;
                r.bytes_of_bits(bits as usize)?
            }
            false => {
                let mut end = *r;
                aac::pass_config(&mut end)?;
                r.bytes_of_bits(r.bits_left().saturating_sub(end.bits_left()))?
            }
        };
        let payload_bits = match r.bits(3)? {
            0 => {
                r.bits(8)?; // latmBufferFullness
                None
            }
            // frameLength, less 20 bytes.
            1 => Some((r.bits(9)? as usize).saturating_add(20).saturating_mul(8)),
            _ => return None,
        };
        if r.bit()? {
            pass_other_data_length(r, version)?;
        }
        if r.bit()? {
            r.bits(8)?; // crcCheckSum
        }
        Some(Self { config: config.into(), subframes, payload_bits })
    }
}

/// otherDataLenBits; the data itself stands behind the payloads.
fn pass_other_data_length(r: &mut BitReader<'_>, version: bool) -> Option<()> {
    if version {
        return value(r).map(|_| ());
    }
    loop {
        let goes_on = r.bit()?;
        r.bits(8)?;
        if !goes_on {
            return Some(());
        }
    }
}

/// PayloadLengthInfo of frameLengthType 0, in bytes.
fn payload_length(r: &mut BitReader<'_>) -> Option<usize> {
    let mut sum = 0usize;
    loop {
        let part = r.bits(8)?;
        sum = sum.checked_add(part as usize)?;
        if part != 0xff {
            return Some(sum);
        }
    }
}

/// LatmGetValue.
fn value(r: &mut BitReader<'_>) -> Option<u32> {
    let bytes = r.bits(2)?.saturating_add(1);
    r.bits(bytes.saturating_mul(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A string of bits as bytes, filled up with zeros.
    fn bits(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| matches!(b, b'0' | b'1')).map(|b| b - b'0').collect();
        digits
            .chunks(8)
            .map(|c| c.iter().enumerate().fold(0, |byte, (i, bit)| byte | bit << (7 - i)))
            .collect()
    }

    /// AAC-LC of 48 kHz stereo: object type 2, rate 3, channels 2, three flags.
    const ASC: &str = "00010 0011 0010 000";
    const PAYLOAD: &str = "00000010 10101010 11111111";

    #[test]
    fn an_element_without_its_own_configuration_has_that_of_the_one_before() {
        let mut latm = Latm::default();
        let same = bits(&format!("1 {PAYLOAD}"));
        assert_eq!(latm.read(&same), None);
        let first = bits(&format!("0 0 1 000000 0000 000 {ASC} 000 11111111 0 0 {PAYLOAD}"));
        let expected = || Element {
            config: Bytes::from_static(&[0x11, 0x90]),
            payloads: vec![Bytes::from_static(&[0xaa, 0xff])],
        };
        assert_eq!(latm.read(&first), Some(expected()));
        assert_eq!(latm.read(&same), Some(expected()));
    }

    #[test]
    fn a_configuration_of_version_1_tells_its_length() {
        // taraBufferFullness, then 16 bits of AudioSpecificConfig, a payload of 21 bytes fixed, other data, a CRC.
        let head = "0 1 0 00 00000000 1 000000 0000 000 00 00010000";
        let element = bits(&format!("{head} {ASC} 001 000000001 1 00 00001000 1 10101010"));
        let element = [&element[..], &[0; 30]].concat();
        let read = Latm::default().read(&element).unwrap();
        assert_eq!((&read.config[..], read.payloads[0].len()), (&[0x11, 0x90][..], 21));
    }

    #[test]
    fn several_payloads_of_an_element_come_apart() {
        let element =
            bits(&format!("0 0 1 000001 0000 000 {ASC} 000 11111111 0 0 {PAYLOAD} 00000001 11001100"));
        let read = Latm::default().read(&element).unwrap();
        assert_eq!(read.payloads, [&[0xaa, 0xff][..], &[0xcc]]);
    }

    #[test]
    fn an_element_cut_anywhere_gives_nothing() {
        let element = bits(&format!("0 0 1 000000 0000 000 {ASC} 000 11111111 0 0 {PAYLOAD}"));
        for len in 0..element.len() - 1 {
            assert_eq!(Latm::default().read(&element[..len]), None, "{len}");
        }
    }
}
