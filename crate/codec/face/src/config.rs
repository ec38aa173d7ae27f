//! The configuration, as bytes that JavaScript writes without knowing Rust.

use crate::Error;

/// What a decoder is told before its first packet. Little-endian: `a`, `b` and the length of the description as u32, then the
/// description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config<'a> {
    pub kind: ConfigKind,
    /// As WebCodecs' `description`: avcC, hvcC, AudioSpecificConfig, OpusHead, `fLaC`; empty where the packets say all.
    pub description: &'a [u8],
}

/// Hints of the container; the bitstream knows better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigKind {
    Video { width: u32, height: u32 },
    Audio { sample_rate: u32, channels: u32 },
}

impl<'a> Config<'a> {
    pub fn read(bytes: &'a [u8], is_video: bool) -> Result<Self, Error> {
        let short = || "the configuration is cut short".to_owned();
        let (a, rest) = number(bytes).ok_or_else(short)?;
        let (b, rest) = number(rest).ok_or_else(short)?;
        let (len, rest) = number(rest).ok_or_else(short)?;
        let description = rest.get(..len as usize).ok_or_else(short)?;
        let kind = match is_video {
            true => ConfigKind::Video { width: a, height: b },
            false => ConfigKind::Audio { sample_rate: a, channels: b },
        };
        Ok(Self { kind, description })
    }

    /// The same bytes again.
    pub fn write(&self) -> Vec<u8> {
        let (a, b) = match self.kind {
            ConfigKind::Video { width, height } => (width, height),
            ConfigKind::Audio { sample_rate, channels } => (sample_rate, channels),
        };
        let len = u32::try_from(self.description.len()).unwrap_or(u32::MAX);
        let head = [a, b, len].into_iter().flat_map(u32::to_le_bytes);
        head.chain(self.description.iter().copied()).collect()
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*head), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_as_written_and_not_beyond_its_end() {
        let config = Config { kind: ConfigKind::Video { width: 640, height: 360 }, description: &[1, 2, 3] };
        let bytes = config.write();
        assert_eq!(Config::read(&bytes, true), Ok(config));
        for len in 0..bytes.len() {
            assert!(Config::read(&bytes[..len], true).is_err(), "{len}");
        }
    }
}
