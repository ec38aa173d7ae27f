//! AAC in software: syom as a module with the [`sailcast_codec_face`]. LC, HE-AAC v1 and v2 (SBR announced or not), LD, up to eight
//! channels in the order of WAVE.
//!
//! syom reads streams, not packets: each packet goes to it as a frame of LOAS, which carries its configuration along.
//! **Invariant:** a packet gives its own sound and nothing of another one, or an error. After one, syom begins anew: the next packet
//! rises out of silence, and up to its next header SBR adds nothing to the core ([`sbr`]). USAC and ELD are refused when opened.

mod config;
mod sbr;

use sailcast_codec_face::{Config, ConfigKind, Decode, Error, Sound};
use syom::{DecodeOptions, wrap_loas_au};

/// 12 dB above full scale: no sound is that loud, but damage often is, as AAC has no checksum.
const LOUDEST: f32 = 4.0;

pub struct Decoder {
    inner: syom::Decoder,
    /// AudioSpecificConfig.
    config: Vec<u8>,
    /// It has decoded since it began.
    is_warm: bool,
    /// What it decoded last had SBR whose header is yet to come.
    waits_for_header: bool,
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
        Ok(Self {
            inner: syom::Decoder::new(DecodeOptions::unbounded()),
            config: asc,
            is_warm: false,
            waits_for_header: false,
        })
    }

    fn decode(&mut self, data: &[u8], pts: f64, _: bool, out: &mut Vec<Sound>) -> Result<(), Error> {
        if data.is_empty() {
            return Ok(());
        }
        let config = self.config.clone();
        let core = if self.waits_for_header { sbr::without_unreadable(data).next() } else { None };
        let mut sound = self.frame(core.as_deref().unwrap_or(data), &config, pts);
        if sound.is_err() && self.is_warm {
            // It may be good and only unlike those before: a change of rate or channels, or SBR where there was none.
            self.reset();
            sound = self.frame(data, &config, pts);
        }
        if sound.is_err() {
            sound = self.core(data, pts).map_or(sound, Ok);
        } else if core.is_none() {
            self.waits_for_header = false;
        }
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
        self.waits_for_header = false;
    }

    /// The sound without SBR, at the rate that it has with it, where only its header was missing.
    fn core(&mut self, data: &[u8], pts: f64) -> Option<Option<Sound>> {
        let config = config::with_sbr(&self.config).unwrap_or_else(|| self.config.clone());
        for core in sbr::without_unreadable(data) {
            self.reset();
            if let Ok(sound) = self.frame(&core, &config, pts) {
                self.config = config;
                self.waits_for_header = true;
                return Some(sound);
            }
        }
        None
    }

    /// None where a packet has no sound in it, only fill.
    fn frame(&mut self, data: &[u8], config: &[u8], pts: f64) -> Result<Option<Sound>, Error> {
        let loas = wrap_loas_au(data, config).map_err(|why| why.to_string())?;
        let mut sound = None;
        let fed = self.inner.feed(&loas, |frame| {
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
        fed.map_err(|why| why.to_string())?;
        match sound {
            Some(sound) if !sound.data.iter().all(|sample| sample.abs() <= LOUDEST) => {
                Err("noise that nobody encoded".to_owned())
            }
            sound => Ok(sound),
        }
    }
}

#[allow(unsafe_code, reason = "a module's exports have names of their own")]
mod module {
    sailcast_codec_face::module!(crate::Decoder);
}
