//! G.711 (ITU-T G.711, 1988): a byte a sample, logarithmic, as cameras and intercoms send it. Every byte is a good one, so nothing here
//! fails. It doesn't resample and doesn't know channels: samples stay interleaved as they came.

use sailcast_media::Codec;

/// Which of the two laws a byte is to be read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Table 1: 13 bits in 8, used outside of North America and Japan.
    A,
    /// Table 2: 14 bits in 8.
    Mu,
}

/// A decoded value of 16 bits as a sample of ±1.
const FULL_SCALE: f32 = 32768.0;

/// What µ-law adds before it takes the logarithm, at 16 bits, so that the smallest magnitudes have an exponent too.
const MU_BIAS: i32 = 0x84;

impl Law {
    /// None for a codec that is not G.711.
    pub const fn of(codec: Codec) -> Option<Self> {
        match codec {
            Codec::G711A => Some(Self::A),
            Codec::G711U => Some(Self::Mu),
            _ => None,
        }
    }

    /// A sample for each byte.
    pub fn decode(self, data: &[u8]) -> Vec<f32> {
        data.iter().map(|&byte| self.sample(byte) as f32 / FULL_SCALE).collect()
    }

    /// At 16 bits.
    fn sample(self, byte: u8) -> i32 {
        match self {
            Self::A => {
                // Even bits are sent inverted.
                let bits = byte ^ 0x55;
                let (exponent, mantissa) = parts(bits);
                // In the middle of its step; the lowest segment has no leading one.
                let magnitude = match exponent {
                    0 => (mantissa << 4) | 8,
                    _ => ((mantissa << 4) | 0x108) << exponent.saturating_sub(1),
                };
                if bits & 0x80 == 0 { magnitude.wrapping_neg() } else { magnitude }
            }
            Self::Mu => {
                let bits = !byte;
                let (exponent, mantissa) = parts(bits);
                let magnitude = (((mantissa << 3) | MU_BIAS) << exponent).wrapping_sub(MU_BIAS);
                if bits & 0x80 == 0 { magnitude } else { magnitude.wrapping_neg() }
            }
        }
    }
}

/// The exponent (0-7) and the mantissa (4 bits).
fn parts(bits: u8) -> (u32, i32) {
    (u32::from(bits >> 4 & 7), i32::from(bits & 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All 256 bytes, as ffmpeg's `pcm_alaw` decodes them.
    #[rustfmt::skip]
    const A_LAW: [i16; 256] = [
        -5504, -5248, -6016, -5760, -4480, -4224, -4992, -4736, -7552, -7296, -8064, -7808, -6528,
        -6272, -7040, -6784, -2752, -2624, -3008, -2880, -2240, -2112, -2496, -2368, -3776, -3648,
        -4032, -3904, -3264, -3136, -3520, -3392, -22016, -20992, -24064, -23040, -17920, -16896,
        -19968, -18944, -30208, -29184, -32256, -31232, -26112, -25088, -28160, -27136, -11008,
        -10496, -12032, -11520, -8960, -8448, -9984, -9472, -15104, -14592, -16128, -15616, -13056,
        -12544, -14080, -13568, -344, -328, -376, -360, -280, -264, -312, -296, -472, -456, -504,
        -488, -408, -392, -440, -424, -88, -72, -120, -104, -24, -8, -56, -40, -216, -200, -248,
        -232, -152, -136, -184, -168, -1376, -1312, -1504, -1440, -1120, -1056, -1248, -1184, -1888,
        -1824, -2016, -1952, -1632, -1568, -1760, -1696, -688, -656, -752, -720, -560, -528, -624,
        -592, -944, -912, -1008, -976, -816, -784, -880, -848, 5504, 5248, 6016, 5760, 4480, 4224,
        4992, 4736, 7552, 7296, 8064, 7808, 6528, 6272, 7040, 6784, 2752, 2624, 3008, 2880, 2240,
        2112, 2496, 2368, 3776, 3648, 4032, 3904, 3264, 3136, 3520, 3392, 22016, 20992, 24064,
        23040, 17920, 16896, 19968, 18944, 30208, 29184, 32256, 31232, 26112, 25088, 28160, 27136,
        11008, 10496, 12032, 11520, 8960, 8448, 9984, 9472, 15104, 14592, 16128, 15616, 13056,
        12544, 14080, 13568, 344, 328, 376, 360, 280, 264, 312, 296, 472, 456, 504, 488, 408, 392,
        440, 424, 88, 72, 120, 104, 24, 8, 56, 40, 216, 200, 248, 232, 152, 136, 184, 168, 1376,
        1312, 1504, 1440, 1120, 1056, 1248, 1184, 1888, 1824, 2016, 1952, 1632, 1568, 1760, 1696,
        688, 656, 752, 720, 560, 528, 624, 592, 944, 912, 1008, 976, 816, 784, 880, 848,
    ];

    /// All 256 bytes, as ffmpeg's `pcm_mulaw` decodes them.
    #[rustfmt::skip]
    const MU_LAW: [i16; 256] = [
        -32124, -31100, -30076, -29052, -28028, -27004, -25980, -24956, -23932, -22908, -21884,
        -20860, -19836, -18812, -17788, -16764, -15996, -15484, -14972, -14460, -13948, -13436,
        -12924, -12412, -11900, -11388, -10876, -10364, -9852, -9340, -8828, -8316, -7932, -7676,
        -7420, -7164, -6908, -6652, -6396, -6140, -5884, -5628, -5372, -5116, -4860, -4604, -4348,
        -4092, -3900, -3772, -3644, -3516, -3388, -3260, -3132, -3004, -2876, -2748, -2620, -2492,
        -2364, -2236, -2108, -1980, -1884, -1820, -1756, -1692, -1628, -1564, -1500, -1436, -1372,
        -1308, -1244, -1180, -1116, -1052, -988, -924, -876, -844, -812, -780, -748, -716, -684,
        -652, -620, -588, -556, -524, -492, -460, -428, -396, -372, -356, -340, -324, -308, -292,
        -276, -260, -244, -228, -212, -196, -180, -164, -148, -132, -120, -112, -104, -96, -88, -80,
        -72, -64, -56, -48, -40, -32, -24, -16, -8, 0, 32124, 31100, 30076, 29052, 28028, 27004,
        25980, 24956, 23932, 22908, 21884, 20860, 19836, 18812, 17788, 16764, 15996, 15484, 14972,
        14460, 13948, 13436, 12924, 12412, 11900, 11388, 10876, 10364, 9852, 9340, 8828, 8316, 7932,
        7676, 7420, 7164, 6908, 6652, 6396, 6140, 5884, 5628, 5372, 5116, 4860, 4604, 4348, 4092,
        3900, 3772, 3644, 3516, 3388, 3260, 3132, 3004, 2876, 2748, 2620, 2492, 2364, 2236, 2108,
        1980, 1884, 1820, 1756, 1692, 1628, 1564, 1500, 1436, 1372, 1308, 1244, 1180, 1116, 1052,
        988, 924, 876, 844, 812, 780, 748, 716, 684, 652, 620, 588, 556, 524, 492, 460, 428, 396,
        372, 356, 340, 324, 308, 292, 276, 260, 244, 228, 212, 196, 180, 164, 148, 132, 120, 112,
        104, 96, 88, 80, 72, 64, 56, 48, 40, 32, 24, 16, 8, 0,
    ];

    #[test]
    fn every_byte_is_decoded_as_ffmpeg_decodes_it() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (law, expected) in [(Law::A, A_LAW), (Law::Mu, MU_LAW)] {
            let expected: Vec<f32> = expected.iter().map(|&value| f32::from(value) / 32768.0).collect();
            assert_eq!(law.decode(&bytes), expected, "{law:?}");
        }
    }

    #[test]
    fn silence_is_silent() {
        assert_eq!(Law::Mu.decode(&[0xff, 0x7f]), [0.0, 0.0]);
        assert!(Law::A.decode(&[0xd5, 0x55]).iter().all(|sample| sample.abs() < 0.001));
        assert!(Law::A.decode(&[]).is_empty());
    }

    #[test]
    fn other_codecs_have_no_law() {
        assert_eq!(Law::of(Codec::G711A), Some(Law::A));
        assert_eq!(Law::of(Codec::G711U), Some(Law::Mu));
        assert_eq!(Law::of(Codec::Aac), None);
    }
}
