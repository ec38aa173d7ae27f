//! FLAC in software (RFC 9639), as a module with the [`sailcast_codec_face`].
//!
//! All of the streamable subset and beyond: up to eight channels in the order of WAVE, 4 to 32 bits, every predictor. **Invariant:** the
//! samples are those that were encoded, each divided by full scale, or there is an error: both checksums of a frame are checked,
//! so nothing damaged is heard. Frames don't depend on each other.

mod bits;
mod crc;
mod frame;
mod header;
mod subframe;

use header::StreamInfo;
use sailcast_codec_face::{Config, ConfigKind, Decode, Error, Sound};

pub struct Decoder {
    info: StreamInfo,
}

impl Decode for Decoder {
    type Output = Sound;

    fn open(config: &Config<'_>) -> Result<Self, Error> {
        let info = match (config.description, config.kind) {
            ([], ConfigKind::Audio { sample_rate, .. }) => StreamInfo { sample_rate, bits: 0 },
            (description, _) => StreamInfo::read(description)?,
        };
        Ok(Self { info })
    }

    fn decode(&mut self, data: &[u8], pts: f64, _: bool, out: &mut Vec<Sound>) -> Result<(), Error> {
        let (mut rest, mut pts) = (data, pts);
        while !rest.is_empty() {
            let (frame, len) = frame::decode(rest, &self.info)?;
            rest = rest.get(len..).unwrap_or_default();
            let frames = frame.data.len() as f64 / f64::from(frame.channels);
            let duration = frames * 1e6 / f64::from(frame.sample_rate);
            out.push(Sound { pts, ..frame });
            pts += duration;
        }
        Ok(())
    }

    fn flush(&mut self, _: &mut Vec<Sound>) -> Result<(), Error> {
        Ok(())
    }
}

#[allow(unsafe_code, reason = "a module's exports have names of their own")]
mod module {
    sailcast_codec_face::module!(crate::Decoder);
}
