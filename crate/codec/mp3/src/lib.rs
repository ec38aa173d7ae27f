//! MP3 in software: nanomp3, minimp3 in safe Rust, as a module with the [`sailcast_codec_face`].
//!
//! nanomp3 looks for frames in a file, and wants to see the next one before it believes in one. Packets are cut into frames by
//! [`frame`] instead, so that nothing waits for the next packet. **Invariant:** a frame gives as much sound as it lasts, or an
//! error; one whose bits began in packets that never came is silence. Layers I and II and free format are refused.

mod frame;

use frame::{Frame, Frames};
use nanomp3_core::{DecodeError, MAX_SAMPLES_PER_FRAME};
use sailcast_codec_face::{Config, Decode, Error, Sound};

/// 12 dB above full scale: no sound is that loud, but damage may be, as most of MP3 has no checksum.
const LOUDEST: f32 = 4.0;

pub struct Decoder {
    inner: Box<nanomp3_core::Decoder>,
    samples: Vec<f32>,
}

impl Decode for Decoder {
    type Output = Sound;

    fn open(_: &Config<'_>) -> Result<Self, Error> {
        Ok(Self { inner: Box::default(), samples: vec![0.0; MAX_SAMPLES_PER_FRAME] })
    }

    fn decode(&mut self, data: &[u8], pts: f64, _: bool, out: &mut Vec<Sound>) -> Result<(), Error> {
        let mut pts = pts;
        // The frames around a damaged one are whole: they are given, and the damage is told.
        let mut done = Ok(());
        for frame in Frames::new(data) {
            match frame.and_then(|frame| self.frame(&frame).map(|data| (frame, data))) {
                Ok((Frame { sample_rate, channels, .. }, data)) => {
                    let frames = data.len() as f64 / f64::from(channels);
                    out.push(Sound { pts, sample_rate, channels, data });
                    pts += frames * 1e6 / f64::from(sample_rate);
                }
                Err(why) => done = Err(why),
            }
        }
        done
    }

    fn flush(&mut self, _: &mut Vec<Sound>) -> Result<(), Error> {
        // It holds no sound back, only what the next frames would refer to.
        *self.inner = nanomp3_core::Decoder::new();
        Ok(())
    }
}

impl Decoder {
    fn frame(&mut self, frame: &Frame<'_>) -> Result<Vec<f32>, Error> {
        let (_, decoded) = self.inner.decode(frame.data, &mut self.samples);
        let len = frame.samples as usize * frame.channels as usize;
        match decoded {
            Ok(info) if info.samples_produced == frame.samples as usize => {
                let samples = self.samples.get(..len).unwrap_or_default();
                if !samples.iter().all(|sample| sample.abs() <= LOUDEST) {
                    *self.inner = nanomp3_core::Decoder::new();
                    return Err("noise that nobody encoded".to_owned());
                }
                Ok(samples.to_vec())
            }
            // Ordinary where one comes in in the middle of a stream.
            Err(DecodeError::ReservoirUnavailable(_)) => Ok(vec![0.0; len]),
            Ok(_) => Err("a frame of MP3 has not the length that it says".to_owned()),
            Err(why) => Err(why.to_string()),
        }
    }
}

#[allow(unsafe_code, reason = "a module's exports have names of their own")]
mod module {
    sailcast_codec_face::module!(crate::Decoder);
}
