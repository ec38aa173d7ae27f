//! AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) where the one of the stream is missing, or says what syom would refuse.

use sailcast_codec_face::Error;

/// By samplingFrequencyIndex.
const SAMPLE_RATES: [u32; 13] =
    [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/// audioObjectType, 5 bits.
const LC: u32 = 2;
const SBR: u32 = 5;
const PS: u32 = 29;

/// LC of this rate. SBR shows in the packets.
pub fn simple(sample_rate: u32, channels: u32) -> Result<Vec<u8>, Error> {
    let index = SAMPLE_RATES.iter().position(|rate| *rate == sample_rate);
    let index = index.ok_or_else(|| format!("AAC of {sample_rate} Hz has no configuration"))?;
    // 8 channels are configuration 7.
    let channels = match channels {
        1..=6 => channels,
        8 => 7,
        _ => return Err(format!("AAC of {channels} channels has no configuration")),
    };
    let bits = (LC << 11 | (index as u32) << 7 | channels << 3) as u16;
    Ok(bits.to_be_bytes().to_vec())
}

/// Downsampled SBR (an extension rate that is the core's own) is taken for LC: SBR is then found in the packets and gives twice
/// the rate, which is what the packets hold.
pub fn playable(description: &[u8]) -> Vec<u8> {
    if let Some(&[a, b, c, d]) = description.first_chunk() {
        let bits = u32::from_be_bytes([a, b, c, d]);
        let (object, rate, channels, extension) =
            (bits >> 27, bits >> 23 & 15, bits >> 19 & 15, bits >> 15 & 15);
        // Behind it: the object type inside, and the three flags of GASpecificConfig.
        let (inner, flags) = (bits >> 10 & 31, bits >> 7 & 7);
        let is_sbr = object == SBR || object == PS;
        if is_sbr && rate == extension && rate < 15 && channels > 0 && inner == LC {
            let bits = (LC << 11 | rate << 7 | channels << 3 | flags) as u16;
            return bits.to_be_bytes().to_vec();
        }
    }
    description.to_vec()
}

/// The same with SBR announced, so that what has none is given at twice the rate too. None where it is already, or hardly can be:
/// above 24 kHz nobody needs it.
pub fn with_sbr(config: &[u8]) -> Option<Vec<u8>> {
    let bits = u32::from(u16::from_be_bytes(*config.first_chunk()?));
    let (object, rate, channels, flags) = (bits >> 11, bits >> 7 & 15, bits >> 3 & 15, bits & 7);
    // Three places on in the table is half the rate, and without flags there is nothing behind them.
    if object != LC || !(6..12).contains(&rate) || channels == 0 || flags != 0 {
        return None;
    }
    let bits = SBR << 27 | rate << 23 | channels << 19 | (rate - 3) << 15 | LC << 10;
    Some(bits.to_be_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_configuration_is_made_of_rate_and_channels() {
        assert_eq!(simple(44100, 2), Ok(vec![0x12, 0x10]));
        assert_eq!(simple(48000, 6), Ok(vec![0x11, 0xb0]));
        assert_eq!(simple(48000, 8), Ok(vec![0x11, 0xb8]));
        assert!(simple(44000, 2).is_err());
        assert!(simple(44100, 7).is_err());
    }

    #[test]
    fn sbr_is_announced_at_twice_the_rate() {
        assert_eq!(with_sbr(&[0x13, 0x90]), Some(vec![0x2b, 0x92, 0x08, 0x00]));
        assert_eq!(with_sbr(&[0x13, 0x90, 0x56, 0xe5, 0xa0]), Some(vec![0x2b, 0x92, 0x08, 0x00]));
        // Announced already, 44.1 kHz, 960 samples a frame, nothing.
        for config in [&[0x2b, 0x92, 0x08, 0x00][..], &[0x12, 0x10], &[0x13, 0x94], &[]] {
            assert_eq!(with_sbr(config), None);
        }
    }

    #[test]
    fn only_downsampled_sbr_is_written_anew() {
        assert_eq!(playable(&[0x2b, 0x13, 0x08, 0x00]), [0x13, 0x10]);
        for kept in [&[0x12, 0x10][..], &[0x2b, 0x92, 0x08, 0x00], &[0x13, 0x90, 0x56, 0xe5, 0xa0], &[]] {
            assert_eq!(playable(kept), kept);
        }
    }
}
