//! The configuration records that containers want and a decoder does not: av1C and vpcC, from a decoder's configuration.
//!
//! **Invariant:** a record says what the codec string and the parameters say, and nothing more; the sequence header of AV1 stays in
//! the packets.

use bytes::Bytes;

use crate::packet::{Codec, CodecParams, Colour, DecoderConfig};

/// marker 1 and version 1 of an AV1CodecConfigurationRecord.
const AV1C_VERSION: u8 = 0x81;
/// 4:2:0 with chroma where WebCodecs assumes it: "collocated with luma (0, 0)" of VP9.
const VP9_420_COLLOCATED: u8 = 1;

/// The record of a codec, empty where its packets may say all; `None` where the configuration lacks what it needs.
pub(crate) fn record(config: &DecoderConfig) -> Option<Bytes> {
    let given = &config.description;
    match config.codec {
        Codec::Av1 if given.is_empty() => av1c(config),
        Codec::Vp9 | Codec::Vp8 if given.is_empty() => vpcc(config),
        Codec::Av1 | Codec::Vp9 | Codec::Vp8 | Codec::Opus => Some(given.clone()),
        Codec::Mp3 | Codec::Ac3 | Codec::Eac3 | Codec::G711A | Codec::G711U => Some(Bytes::new()),
        Codec::Avc | Codec::Hevc | Codec::Aac | Codec::Flac => Some(given.clone()).filter(|d| !d.is_empty()),
    }
}

/// AV1CodecConfigurationRecord (AV1 in ISOBMFF, 2.3.3) of a string such as `av01.0.04M.08.0.110...`, whose parts from the fifth
/// on may be missing.
fn av1c(config: &DecoderConfig) -> Option<Bytes> {
    let mut parts = config.codec_string.split('.').skip(1);
    let profile: u8 = parts.next()?.parse().ok().filter(|p| *p < 8)?;
    let (level, tier) = parts.next()?.split_at_checked(2)?;
    let level: u8 = level.parse().ok().filter(|l| *l < 32)?;
    let depth = match parts.next()? {
        "08" => 0,
        "10" => 0x40,
        "12" => 0x60,
        _ => return None,
    };
    let monochrome = if parts.next() == Some("1") { 0x10 } else { 0 };
    let subsampling = match parts.next().map(str::as_bytes) {
        Some([x, y, position]) => (x & 1) << 3 | (y & 1) << 2 | (position & 3),
        _ => 0x0c,
    };
    let tier = if tier == "H" { 0x80 } else { 0 };
    Some(vec![AV1C_VERSION, profile << 5 | level, tier | depth | monochrome | subsampling, 0].into())
}

/// VPCodecConfigurationRecord (VP Codec ISO Media File Format Binding) of `vp8` or a string such as `vp09.00.10.08.01...`, whose
/// parts from the fifth on may be missing.
fn vpcc(config: &DecoderConfig) -> Option<Bytes> {
    let mut parts = config.codec_string.split('.').skip(1).map(|part| part.parse::<u8>().ok());
    let (profile, level, depth, chroma) = match config.codec {
        Codec::Vp9 => {
            let (profile, level, depth) = (parts.next()??, parts.next()??, parts.next()??.min(15));
            (profile, level, depth, parts.next().flatten().unwrap_or(VP9_420_COLLOCATED))
        }
        _ => (0, 0, 8, 0),
    };
    let colour = match config.params {
        CodecParams::Video(video) => video.colour,
        CodecParams::Audio(_) => Colour::UNSPECIFIED,
    };
    let format = depth << 4 | (chroma & 7) << 1 | u8::from(colour.full_range);
    Some(vec![profile, level, format, colour.primaries, colour.transfer, colour.matrix, 0, 0].into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::VideoParams;

    fn of(codec: Codec, codec_string: &str) -> Option<Vec<u8>> {
        let params = CodecParams::Video(VideoParams::of_size(2, 2));
        let codec_string = codec_string.to_owned();
        record(&DecoderConfig { codec, codec_string, description: Bytes::new(), params }).map(Into::into)
    }

    #[test]
    fn av1c_follows_the_codec_string() {
        assert_eq!(of(Codec::Av1, "av01.0.04M.08"), Some(vec![0x81, 0x04, 0x0c, 0]));
        assert_eq!(of(Codec::Av1, "av01.1.31H.10.0.000.09"), Some(vec![0x81, 0x3f, 0xc0, 0]));
        assert_eq!(of(Codec::Av1, "av01.2.08M.12.1.110.09"), Some(vec![0x81, 0x48, 0x7c, 0]));
        for bad in ["av01", "av01.9.04M.08", "av01.0.44M.08", "av01.0.4", "av01.0.04M.09"] {
            assert_eq!(of(Codec::Av1, bad), None, "{bad}");
        }
    }

    #[test]
    fn vpcc_follows_the_codec_string_and_the_colours() {
        assert_eq!(of(Codec::Vp9, "vp09.02.10.10.03"), Some(vec![2, 10, 0xa6, 2, 2, 2, 0, 0]));
        assert_eq!(of(Codec::Vp9, "vp09.00.10.08"), Some(vec![0, 10, 0x82, 2, 2, 2, 0, 0]));
        assert_eq!(of(Codec::Vp8, "vp8"), Some(vec![0, 0, 0x80, 2, 2, 2, 0, 0]));
        assert_eq!(of(Codec::Vp9, "vp09.00"), None);
    }

    #[test]
    fn what_needs_a_record_and_has_none_is_refused() {
        assert_eq!(of(Codec::Avc, "avc1.64001f"), None);
        assert_eq!(of(Codec::Mp3, "mp3"), Some(vec![]));
    }
}
