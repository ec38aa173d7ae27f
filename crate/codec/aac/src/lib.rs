//! AAC in software: syom as a module with the [`sailcast_codec_face`]. LC, HE-AAC v1 and v2 (SBR announced or not), LD, up to eight
//! channels in the order of WAVE.
//!
//! syom reads streams, not packets: each packet goes to it as a frame of LOAS, which carries its configuration along.
//! **Invariant:** a packet gives its own sound and nothing of another one, or an error. After one, syom begins anew: the next packet
//! rises out of silence, and SBR waits for its next header. USAC and ELD are refused when opened.

mod config;

use sailcast_codec_face::{Config, ConfigKind, Decode, Error, Sound};
use syom::{DecodeOptions, wrap_loas_au};

pub struct Decoder {
    inner: syom::Decoder,
    /// AudioSpecificConfig.
    config: Vec<u8>,
    /// It has decoded since it began.
    is_warm: bool,
}

impl Decode for Decoder {
    type Output = Sound;

    fn open(config: &Config<'_>) -> Result<Self, Error> {
        let asc = match (config.description, config.kind) {
            ([], ConfigKind::Audio { sample_rate, channels }) => config::simple(sample_rate, channels)?,
            (description, _) => config::playable(description),
        };
        // Whether syom takes it at all.
        wrap_loas_au(&[], &asc).map_err(|why| why.to_string())?;
        Ok(Self { inner: syom::Decoder::new(DecodeOptions::unbounded()), config: asc, is_warm: false })
    }

    fn decode(&mut self, data: &[u8], pts: f64, _: bool, out: &mut Vec<Sound>) -> Result<(), Error> {
        if data.is_empty() {
            return Ok(());
        }
        let frame = wrap_loas_au(data, &self.config).map_err(|why| why.to_string())?;
        let sound = match self.frame(&frame, pts) {
            // It may be good and only unlike those before: a change of rate or channels, or SBR where there was none.
            Err(_) if self.is_warm => {
                self.reset();
                self.frame(&frame, pts)
            }
            done => done,
        };
        match sound {
            Ok(sound) => {
                self.is_warm = true;
                out.extend(sound);
                Ok(())
            }
            Err(why) => {
                self.reset();
                Err(why)
            }
        }
    }

    fn flush(&mut self, _: &mut Vec<Sound>) -> Result<(), Error> {
        // It holds no sound back, only what the next packet overlaps with.
        self.reset();
        Ok(())
    }
}

impl Decoder {
    fn reset(&mut self) {
        self.inner.reset();
        self.is_warm = false;
    }

    /// None where a packet has no sound in it, only fill.
    fn frame(&mut self, loas: &[u8], pts: f64) -> Result<Option<Sound>, Error> {
        let mut sound = None;
        let fed = self.inner.feed(loas, |frame| {
            let channels = frame.planar.len();
            let mut data = vec![0.0; frame.samples * channels];
            for (channel, plane) in frame.planar.iter().enumerate() {
                for (into, sample) in data.iter_mut().skip(channel).step_by(channels).zip(*plane) {
                    *into = *sample;
                }
            }
            sound = Some(Sound { pts, sample_rate: frame.sample_rate, channels: channels as u32, data });
            Ok(())
        });
        fed.map(|_| sound).map_err(|why| why.to_string())
    }
}

#[allow(unsafe_code, reason = "a module's exports have names of their own")]
mod module {
    sailcast_codec_face::module!(crate::Decoder);
}
