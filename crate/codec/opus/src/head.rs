//! OpusHead (RFC 7845 5.1), the configuration of Opus: which streams a packet holds, and which channel each of them is.

use sailcast_codec_face::Error;

/// More have no order in family 1.
const MAX_CHANNELS: u8 = 8;

/// Of the channel mapping families, the one whose channels are those of Vorbis.
const SURROUND: u8 = 1;

#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub channels: u8,
    /// Frames at 48 kHz.
    pub pre_skip: u16,
    /// Linear.
    pub gain: f32,
    pub streams: u8,
    /// How many of the streams are stereo: the first ones.
    pub coupled: u8,
    /// Where each channel comes from, in the order of WAVE.
    pub mapping: Vec<u8>,
}

impl Head {
    /// Where there is no OpusHead: one stream, mono or stereo.
    pub fn simple(channels: u32) -> Result<Self, Error> {
        let (channels, coupled) = match channels {
            1 => (1, 0),
            2 => (2, 1),
            _ => return Err(format!("Opus of {channels} channels has no configuration")),
        };
        let mapping = (0..channels).collect();
        Ok(Self { channels, pre_skip: 0, gain: 1.0, streams: 1, coupled, mapping })
    }

    pub fn read(description: &[u8]) -> Result<Self, Error> {
        let bad = || "the OpusHead is damaged".to_owned();
        let body = description.strip_prefix(b"OpusHead").ok_or_else(bad)?;
        let (&[version, channels, a, b, _, _, _, _, c, d, family], table) =
            body.split_first_chunk().ok_or_else(bad)?;
        // Other versions of the same major number only add to it.
        if version >> 4 != 0 {
            return Err(format!("version {version} of OpusHead"));
        }
        let pre_skip = u16::from_le_bytes([a, b]);
        // In 1/256 dB.
        let gain = f32::powf(10.0, f32::from(i16::from_le_bytes([c, d])) / (20.0 * 256.0));
        if family == 0 {
            return Ok(Self { pre_skip, gain, ..Self::simple(channels.into())? });
        }
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(format!("Opus of {channels} channels"));
        }
        let (&[streams, coupled], mapping) = table.split_first_chunk().ok_or_else(bad)?;
        let mapping = mapping.get(..channels.into()).ok_or_else(bad)?;
        let mapping = match family {
            SURROUND => wave_order(channels).iter().filter_map(|&at| mapping.get(at).copied()).collect(),
            _ => mapping.to_vec(),
        };
        Ok(Self { channels, pre_skip, gain, streams, coupled, mapping })
    }
}

/// For each channel of WAVE, which one of Vorbis it is (RFC 7845 5.1.1.2).
fn wave_order(channels: u8) -> &'static [usize] {
    match channels {
        1 => &[0],
        2 => &[0, 1],
        3 => &[0, 2, 1],
        4 => &[0, 1, 2, 3],
        5 => &[0, 2, 1, 3, 4],
        6 => &[0, 2, 1, 5, 3, 4],
        7 => &[0, 2, 1, 6, 5, 3, 4],
        _ => &[0, 2, 1, 7, 5, 6, 3, 4],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(channels: u8, gain: i16, family: u8, table: &[u8]) -> Vec<u8> {
        let gain = gain.to_le_bytes();
        let fixed = [1, channels, 0x38, 0x01, 0x80, 0xbb, 0, 0, gain[0], gain[1], family];
        [b"OpusHead", &fixed[..], table].concat()
    }

    #[test]
    fn stereo_is_one_stream_and_its_delay_is_known() {
        let read = Head::read(&head(2, 0, 0, &[])).unwrap();
        assert_eq!(read, Head { pre_skip: 312, ..Head::simple(2).unwrap() });
    }

    #[test]
    fn surround_comes_in_the_order_of_wave() {
        let read = Head::read(&head(6, 0, 1, &[4, 2, 0, 4, 1, 2, 3, 5])).unwrap();
        assert_eq!((read.streams, read.coupled), (4, 2));
        assert_eq!(read.mapping, [0, 1, 4, 5, 2, 3]);
    }

    #[test]
    fn the_gain_is_in_256ths_of_a_decibel() {
        let read = Head::read(&head(1, -1541, 0, &[])).unwrap();
        assert!((read.gain - 0.5).abs() < 1e-4, "{}", read.gain);
    }

    #[test]
    fn damage_is_refused() {
        let good = head(6, 0, 1, &[4, 2, 0, 4, 1, 2, 3, 5]);
        for len in 0..good.len() {
            assert!(Head::read(&good[..len]).is_err(), "{len}");
        }
        assert!(Head::read(&head(0, 0, 0, &[])).is_err());
        assert!(Head::read(&head(9, 0, 255, &[9, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])).is_err());
        assert!(Head::simple(3).is_err());
    }
}
