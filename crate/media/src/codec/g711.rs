//! G.711: bytes that say nothing of themselves.
//!
//! **Invariant:** 8 kHz of one channel, unless the container says otherwise.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, Facts},
    packet::{AudioParams, Codec, CodecParams, DecoderConfig},
};

const USUAL: AudioParams = AudioParams { sample_rate: 8000, channels: 1 };

/// A track of either law.
#[derive(Debug)]
pub struct G711 {
    codec: Codec,
    params: Option<AudioParams>,
}

impl G711 {
    pub(super) fn new(codec: Codec) -> Self {
        Self { codec, params: None }
    }

    pub(super) fn packet(&mut self, data: Bytes, hint: Option<AudioParams>) -> Facts {
        let told = hint.filter(|params| params.sample_rate > 0 && params.channels > 0).unwrap_or(USUAL);
        let changed = self.params.replace(told) != Some(told);
        let config = changed.then(|| DecoderConfig {
            codec: self.codec,
            // The names of WebCodecs' registry.
            codec_string: if self.codec == Codec::G711A { "alaw" } else { "ulaw" }.into(),
            description: Bytes::new(),
            params: CodecParams::Audio(told),
        });
        let samples = u32::try_from(data.len()).unwrap_or(u32::MAX).checked_div(told.channels.into());
        let unit = AccessUnit::samples(data, 0, samples.unwrap_or_default(), told.sample_rate);
        Facts { config, sei: Vec::new(), units: vec![unit] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_8_khz_of_one_channel_unless_the_container_tells() {
        let mut g711 = G711::new(Codec::G711A);
        let facts = g711.packet(Bytes::from_static(&[0xd5; 160]), None);
        let config = facts.config.unwrap();
        assert_eq!((config.codec_string.as_str(), config.params), ("alaw", CodecParams::Audio(USUAL)));
        assert_eq!(facts.units[0].duration.unwrap().0, 20_000);
        let wide = AudioParams { sample_rate: 16_000, channels: 2 };
        let facts = g711.packet(Bytes::from_static(&[0xd5; 160]), Some(wide));
        assert_eq!(facts.config.unwrap().params, CodecParams::Audio(wide));
        assert_eq!(facts.units[0].duration.unwrap().0, 5_000);
        assert_eq!(g711.packet(Bytes::from_static(&[0xd5; 160]), Some(wide)).config, None);
    }
}
