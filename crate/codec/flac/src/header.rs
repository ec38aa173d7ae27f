//! STREAMINFO (RFC 9639 8.2) and the header of a frame (9.1).

use crate::{bits::Bits, crc::crc8};
use sailcast_codec_face::Error;

/// What a frame may leave to the stream; 0 where nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    pub sample_rate: u32,
    pub bits: u32,
}

const STREAMINFO_SIZE: usize = 34;

impl StreamInfo {
    /// `fLaC` and metadata blocks, of which STREAMINFO is always the first; or its 34 bytes alone.
    pub fn read(description: &[u8]) -> Result<Self, Error> {
        let bad = || "the configuration of FLAC is damaged".to_owned();
        let body = match description.strip_prefix(b"fLaC") {
            // A flag and the block's type, and its length.
            Some(blocks) if blocks.first().is_some_and(|kind| kind & 0x7f == 0) => blocks.get(4..),
            Some(_) => None,
            None => Some(description),
        };
        let body: &[u8; STREAMINFO_SIZE] = body.and_then(<[u8]>::first_chunk).ok_or_else(bad)?;
        // Behind the sizes of blocks and frames: 20 bits of rate, 3 of channels, 5 of bits a sample.
        let mut bits = Bits::new(&body[10..]);
        let sample_rate = bits.read(20)?;
        bits.read(3)?;
        Ok(Self { sample_rate, bits: bits.read(5)? + 1 })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    Independent(u32),
    LeftSide,
    SideRight,
    MidSide,
}

impl Channels {
    pub fn count(self) -> u32 {
        if let Self::Independent(count) = self { count } else { 2 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Samples of each channel.
    pub size: usize,
    pub sample_rate: u32,
    pub channels: Channels,
    pub bits: u32,
}

impl Header {
    /// `bits` stands at the beginning of `data`, and then behind the header.
    pub fn read(bits: &mut Bits<'_>, data: &[u8], info: &StreamInfo) -> Result<Self, Error> {
        let bad = || "the header of a frame of FLAC is damaged".to_owned();
        // The sync code and a reserved bit; whether blocks are of one size is nothing to a decoder.
        if bits.read(15)? != 0x7ffc {
            return Err("there is something in the packet that is no FLAC".to_owned());
        }
        bits.read(1)?;
        let (size, rate, channels, depth, reserved) =
            (bits.read(4)?, bits.read(4)?, bits.read(4)?, bits.read(3)?, bits.read(1)?);
        skip_coded_number(bits)?;
        let size = match size {
            1 => 192,
            2..=5 => 144 << size,
            6 => bits.read(8)? + 1,
            7 => bits.read(16)? + 1,
            8..=15 => 1 << size,
            _ => return Err(bad()),
        };
        let sample_rate = match rate {
            0 => info.sample_rate,
            1 => 88200,
            2 => 176_400,
            3 => 192_000,
            4 => 8000,
            5 => 16000,
            6 => 22050,
            7 => 24000,
            8 => 32000,
            9 => 44100,
            10 => 48000,
            11 => 96000,
            12 => bits.read(8)? * 1000,
            13 => bits.read(16)?,
            14 => bits.read(16)? * 10,
            _ => return Err(bad()),
        };
        let channels = match channels {
            0..=7 => Channels::Independent(channels + 1),
            8 => Channels::LeftSide,
            9 => Channels::SideRight,
            10 => Channels::MidSide,
            _ => return Err(bad()),
        };
        let depth = match depth {
            0 => info.bits,
            1 => 8,
            2 => 12,
            4 => 16,
            5 => 20,
            6 => 24,
            7 => 32,
            _ => return Err(bad()),
        };
        let read = data.get(..bits.bytes_read()).unwrap_or_default();
        if bits.read(8)? != u32::from(crc8(read)) || reserved != 0 || sample_rate == 0 || depth == 0 {
            return Err(bad());
        }
        Ok(Self { size: size as usize, sample_rate, channels, bits: depth })
    }
}

/// The number of the frame or of its first sample, coded like UTF-8: up to 36 bits in up to seven bytes.
fn skip_coded_number(bits: &mut Bits<'_>) -> Result<(), Error> {
    let first = bits.read(8)? as u8;
    for _ in 1..first.leading_ones() {
        bits.read(8)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream_info() -> Vec<u8> {
        let mut info = vec![0; 34];
        // 44,100 Hz, 2 channels, 16 bits.
        info[10..14].copy_from_slice(&[0x0a, 0xc4, 0x42, 0xf0]);
        info
    }

    #[test]
    fn stream_info_is_read_alone_and_behind_its_magic() {
        let expected = StreamInfo { sample_rate: 44100, bits: 16 };
        assert_eq!(StreamInfo::read(&stream_info()), Ok(expected));
        let file = [b"fLaC\x80\0\0\x22".to_vec(), stream_info()].concat();
        assert_eq!(StreamInfo::read(&file), Ok(expected));
        for len in 0..file.len() {
            assert!(StreamInfo::read(&file[..len]).is_err() || len == 34, "{len}");
        }
        assert!(StreamInfo::read(&[b"fLaC\x04\0\0\x22".to_vec(), stream_info()].concat()).is_err());
    }

    #[test]
    fn what_the_header_leaves_open_is_the_streams() {
        let info = StreamInfo { sample_rate: 44100, bits: 16 };
        let read = |bytes: &[u8]| {
            let data = [bytes, &[crc8(bytes)]].concat();
            Header::read(&mut Bits::new(&data), &data, &info)
        };
        let header = read(&[0xff, 0xf8, 0xc0, 0xa0, 0x00]).unwrap();
        let expected = Header { size: 4096, sample_rate: 44100, channels: Channels::MidSide, bits: 16 };
        assert_eq!(header, expected);
        let header = read(&[0xff, 0xf9, 0x7d, 0x5c, 0xc2, 0x80, 0x12, 0x33, 0xac, 0x44]).unwrap();
        let expected =
            Header { size: 0x1234, sample_rate: 44100, channels: Channels::Independent(6), bits: 24 };
        assert_eq!(header, expected);
        // Reserved size, rate, channels, depth and bit; no sync.
        for bytes in [[0xff, 0xf8, 0x00, 0], [0xff, 0xf8, 0xcf, 0], [0xff, 0xf8, 0xc0, 0xb0]] {
            assert!(read(&[&bytes[..], &[0]].concat()).is_err(), "{bytes:x?}");
        }
        assert!(read(&[0xff, 0xf8, 0xc0, 0x06, 0]).is_err());
        assert!(read(&[0xff, 0xf8, 0xc0, 0x01, 0]).is_err());
        assert!(read(&[0xff, 0xfa, 0xc0, 0x00, 0]).is_err());
    }
}
