//! VP8: what its frames say by their frame header (RFC 6386, 9.1).
//!
//! **Invariant:** the size comes from the last key frame, so there is no configuration before it. Which frames are referred to
//! stands in the entropy coded part, so none counts as disposable.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, Damage, Facts},
    packet::{Codec, CodecParams, DecoderConfig, VideoParams},
    read::ByteReader,
};

const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
/// Of the two bytes of width and of height; the rest is a scale that does not change the decoded size.
const SIZE_BITS: u16 = 0x3fff;

/// A track of VP8.
#[derive(Debug, Default)]
pub struct Vp8 {
    config: Option<DecoderConfig>,
}

impl Vp8 {
    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let mut r = ByteReader::new(&data);
        let [first, _, _] = r.array().ok_or(Damage::Invalid("frame header"))?;
        let is_key = first & 1 == 0;
        let config = if is_key { self.key_frame(r)? } else { None };
        if self.config.is_none() {
            return Err(Damage::NoConfig);
        }
        let units = vec![AccessUnit::picture(data, is_key, false)];
        Ok(Facts { config, sei: Vec::new(), units })
    }

    fn key_frame(&mut self, mut r: ByteReader<'_>) -> Result<Option<DecoderConfig>, Damage> {
        if r.array() != Some(START_CODE) {
            return Err(Damage::Invalid("start code"));
        }
        let mut side = || r.array().map(|bytes| u16::from_le_bytes(bytes) & SIZE_BITS).filter(|n| *n > 0);
        let (Some(width), Some(height)) = (side(), side()) else { return Err(Damage::Invalid("size")) };
        let config = DecoderConfig {
            codec: Codec::Vp8,
            codec_string: "vp8".into(),
            description: Bytes::new(),
            params: CodecParams::Video(VideoParams::of_size(width.into(), height.into())),
        };
        if self.config.as_ref() == Some(&config) {
            return Ok(None);
        }
        self.config = Some(config);
        Ok(self.config.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libvpx, 638x358.
    const KEY: &[u8] = &[0x30, 0x81, 0x00, 0x9d, 0x01, 0x2a, 0x7e, 0x02, 0x66, 0x01, 0x02, 0xc7];
    const INTER: &[u8] = &[0xf1, 0x26, 0x00, 0x0f, 0x11];

    #[test]
    fn the_first_key_frame_makes_the_configuration() {
        let mut vp8 = Vp8::default();
        assert_eq!(vp8.packet(Bytes::from_static(INTER)), Err(Damage::NoConfig));
        let facts = vp8.packet(Bytes::from_static(KEY)).unwrap();
        let config = facts.config.unwrap();
        assert_eq!(config.params, CodecParams::Video(VideoParams::of_size(638, 358)));
        assert!(facts.units[0].keyframe);
        let facts = vp8.packet(Bytes::from_static(INTER)).unwrap();
        assert!(!facts.units[0].keyframe && !facts.units[0].disposable);
        assert_eq!(vp8.packet(Bytes::from_static(KEY)).unwrap().config, None);
    }

    #[test]
    fn a_frame_cut_in_its_header_is_damage() {
        for len in 0..10 {
            assert!(Vp8::default().packet(Bytes::from_static(&KEY[..len])).is_err(), "{len}");
        }
    }
}
