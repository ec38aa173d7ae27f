//! Opus in software: libopus 1.3.1, translated to Rust, as a module with the [`sailcast_codec_face`].
//!
//! At 48 kHz always, up to eight channels in the order of WAVE. **Invariant:** sample n of a packet is heard at the packet's time plus n
//! samples. The pre-skip of OpusHead, the beginning that no encoder meant to be heard, is left out of the first packets after opening
//! and never again: whoever comes in in the middle of a stream loses the same few ms, in which the decoder is not itself
//! yet. An empty packet is a lost one, and is concealed.

mod driver;
mod head;

use driver::Driver;
use head::Head;
use sailcast_codec_face::{Config, ConfigKind, Decode, Error, Sound};

const SAMPLE_RATE: u32 = 48000;

/// 12 dB above full scale: no sound is that loud, but damage may be, as Opus has no checksum.
const LOUDEST: f32 = 4.0;

pub struct Decoder {
    head: Head,
    driver: Driver,
    /// Frames still to be left out.
    skip: usize,
}

impl Decode for Decoder {
    type Output = Sound;

    fn open(config: &Config<'_>) -> Result<Self, Error> {
        let head = match (config.description, config.kind) {
            ([], ConfigKind::Audio { channels, .. }) => Head::simple(channels)?,
            (description, _) => Head::read(description)?,
        };
        Ok(Self { driver: Driver::new(&head)?, skip: head.pre_skip.into(), head })
    }

    fn decode(&mut self, data: &[u8], pts: f64, _: bool, out: &mut Vec<Sound>) -> Result<(), Error> {
        let mut data = self.driver.decode(data)?;
        if !data.iter().all(|sample| sample.abs() <= LOUDEST) {
            self.driver = Driver::new(&self.head)?;
            return Err("noise that nobody encoded".to_owned());
        }
        let channels = usize::from(self.head.channels);
        let skipped = self.skip.min(data.len() / channels);
        self.skip -= skipped;
        data.drain(..skipped * channels);
        if data.is_empty() {
            return Ok(());
        }
        if self.head.gain != 1.0 {
            for sample in &mut data {
                *sample *= self.head.gain;
            }
        }
        let pts = pts + skipped as f64 * 1e6 / f64::from(SAMPLE_RATE);
        out.push(Sound { pts, sample_rate: SAMPLE_RATE, channels: channels as u32, data });
        Ok(())
    }

    fn flush(&mut self, _: &mut Vec<Sound>) -> Result<(), Error> {
        // It holds no sound back, only what the next packets would refer to.
        self.driver = Driver::new(&self.head)?;
        Ok(())
    }
}

#[allow(unsafe_code, reason = "a module's exports have names of their own")]
mod module {
    sailcast_codec_face::module!(crate::Decoder);
}
