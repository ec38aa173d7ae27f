//! Any number of channels as two, by Recommendation ITU-R BS.775 (annex 4, table 2), scaled so that nothing clips.
//!
//! Channels stand in the order of WAVE files, as WebCodecs and our modules give them: front left and right, centre, LFE, then
//! the surrounds. The LFE is left out, as the recommendation leaves it to the listener. By their number alone only layouts of
//! four are not known: MPEG and AC-3 have a single surround, Opus and FLAC two and no centre.

use sailcast_media::Codec;

use crate::io::PcmBlock;

/// -3 dB: what centre and surrounds are mixed in with.
const SIDE: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// A single surround goes to both sides: -3 dB twice.
const BOTH: f32 = 0.5;

/// Where a channel goes, and how loud.
#[derive(Clone, Copy)]
enum To {
    Left(f32),
    Right(f32),
    Both(f32),
    /// The LFE, and what has no place.
    Nowhere,
}

const L: To = To::Left(1.0);
const R: To = To::Right(1.0);
const C: To = To::Both(SIDE);
const LS: To = To::Left(SIDE);
const RS: To = To::Right(SIDE);
const CS: To = To::Both(BOTH);
const LFE: To = To::Nowhere;

const fn layout(channels: u8, codec: Codec) -> &'static [To] {
    match channels {
        0 | 1 => &[To::Both(1.0)],
        2 => &[L, R],
        3 => &[L, R, C],
        4 if matches!(codec, Codec::Opus | Codec::Flac) => &[L, R, LS, RS],
        4 => &[L, R, C, CS],
        5 => &[L, R, C, LS, RS],
        6 => &[L, R, C, LFE, LS, RS],
        7 => &[L, R, C, LFE, CS, LS, RS],
        8 => &[L, R, C, LFE, LS, RS, LS, RS],
        _ => &[L, R],
    }
}

/// The block's frames as interleaved stereo.
pub fn to_stereo(block: PcmBlock, codec: Codec) -> Vec<f32> {
    if block.channels == 2 {
        return block.data;
    }
    let layout = layout(block.channels, codec);
    let gain = gain(layout);
    let frames = block.data.chunks_exact(usize::from(block.channels.max(1)));
    frames
        .flat_map(|frame| {
            let (mut left, mut right) = (0.0, 0.0);
            for (sample, to) in frame.iter().zip(layout) {
                match to {
                    To::Left(g) => left += sample * g,
                    To::Right(g) => right += sample * g,
                    To::Both(g) => {
                        left += sample * g;
                        right += sample * g;
                    }
                    To::Nowhere => {}
                }
            }
            [left * gain, right * gain]
        })
        .collect()
}

/// One side with every channel at full scale is at full scale.
fn gain(layout: &[To]) -> f32 {
    let left = layout.iter().map(|to| if let To::Left(g) | To::Both(g) = to { *g } else { 0.0 });
    left.sum::<f32>().max(1.0).recip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(codec: Codec, frame: &[f32]) -> [f32; 2] {
        let channels = frame.len() as u8;
        let out = to_stereo(PcmBlock { sample_rate: 48_000, channels, data: frame.to_vec() }, codec);
        assert_eq!(out.len(), 2);
        [out[0], out[1]]
    }

    /// What each channel alone comes to, in parts of what the front left one does on the left.
    fn table(codec: Codec, channels: usize) -> Vec<[f32; 2]> {
        let alone = |i: usize| {
            let frame: Vec<f32> = (0..channels).map(|c| f32::from(u8::from(c == i))).collect();
            mixed(codec, &frame)
        };
        let unit = alone(0)[0];
        (0..channels).map(|i| alone(i).map(|x| (x / unit * 1000.0).round() / 1000.0)).collect()
    }

    #[test]
    fn five_one_is_mixed_by_the_recommendation() {
        let expected = [[1.0, 0.0], [0.0, 1.0], [0.707, 0.707], [0.0, 0.0], [0.707, 0.0], [0.0, 0.707]];
        for codec in [Codec::Aac, Codec::Opus, Codec::Flac, Codec::Ac3, Codec::Eac3] {
            assert_eq!(table(codec, 6), expected, "{codec:?}");
        }
    }

    #[test]
    fn four_channels_are_what_the_codec_has_of_them() {
        assert_eq!(table(Codec::Aac, 4)[2..], [[0.707, 0.707], [0.5, 0.5]]);
        assert_eq!(table(Codec::Ac3, 4)[2..], [[0.707, 0.707], [0.5, 0.5]]);
        assert_eq!(table(Codec::Opus, 4)[2..], [[0.707, 0.0], [0.0, 0.707]]);
        assert_eq!(table(Codec::Flac, 4)[2..], [[0.707, 0.0], [0.0, 0.707]]);
    }

    #[test]
    fn mono_is_on_both_sides_and_stereo_as_it_is() {
        assert_eq!(mixed(Codec::Aac, &[0.5]), [0.5, 0.5]);
        assert_eq!(mixed(Codec::Aac, &[0.25, -0.5]), [0.25, -0.5]);
    }

    #[test]
    fn nothing_clips_however_many_there_are() {
        for channels in 1..=24 {
            let loud = mixed(Codec::Aac, &vec![1.0; channels]);
            assert!(loud.iter().all(|x| (0.99..=1.001).contains(x)), "{channels}: {loud:?}");
        }
    }
}
