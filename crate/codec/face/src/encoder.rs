//! The other direction: the face of an encoder of sound, a module like a decoder's.
//!
//! One encoder an instance, no imports, input written into the module's buffer, outputs read where they lie; what an export returns
//! is good or a negative number with a message. Times are in µs.
//!
//! | export | |
//! | --- | --- |
//! | `input(len) -> ptr` | room for `len` bytes: a configuration or samples; valid until the next call |
//! | `open(len) -> i32` | takes the configuration in the input; once, first. 0, or -1 |
//! | `encode(len, pts: f64) -> i32` | takes the samples in the input, interleaved f32, any number of frames: how many packets wait, or -1 |
//! | `set_bitrate(bits) -> i32` | from the next packet on, or soon after where that is for another decoder. 0, or -1 |
//! | `bitrate() -> bits` | the one in force: the nearest to the one asked for that the encoder can do |
//! | `flush() -> i32` | everything inside comes out: how many packets wait, or -1. It is then as after `open` |
//! | `next() -> ptr` | the next packet, or 0; it and what it points to are valid until the next call |
//! | `message() -> ptr`, `message_len() -> len` | why the last call failed, UTF-8 |

use std::collections::VecDeque;

use crate::{Error, module::MAX_INPUT};

/// What an encoder is told. In memory three u32, little-endian, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderConfig {
    pub sample_rate: u32,
    pub channels: u32,
    /// Of all channels together, bits a second.
    pub bitrate: u32,
}

impl EncoderConfig {
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let (numbers, _) = bytes.as_chunks::<4>();
        match *numbers {
            [sample_rate, channels, bitrate] => Ok(Self {
                sample_rate: u32::from_le_bytes(sample_rate),
                channels: u32::from_le_bytes(channels),
                bitrate: u32::from_le_bytes(bitrate),
            }),
            _ => Err("a configuration has three numbers".to_owned()),
        }
    }
}

/// What one call of a decoder takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// Of the first sample that a decoder makes of it. Where the encoder's delay puts that before the first sample that came in, so
    /// does this.
    pub pts: f64,
    pub duration: f64,
    pub data: Vec<u8>,
    /// What a decoder is told from this packet on, as WebCodecs' `description`: with the first one, and where it is another.
    pub description: Option<Vec<u8>>,
}

/// [`Packet`] in memory, little-endian, 32 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawPacket {
    /// At 0.
    pub pts: f64,
    pub duration: f64,
    /// At 16: address and length.
    pub data: u32,
    pub len: u32,
    /// At 24: the same of the description, whose length is 0 where there is none.
    pub description: u32,
    pub description_len: u32,
}

/// An encoder of sound, as a module has it.
pub trait Encode: Sized {
    fn open(config: &EncoderConfig) -> Result<Self, Error>;

    /// Takes whole frames only. Whatever the samples are it goes on afterwards; how they are cut into calls changes no packet.
    fn encode(&mut self, samples: &[f32], pts: f64, out: &mut Vec<Packet>) -> Result<(), Error>;

    fn set_bitrate(&mut self, bitrate: u32) -> Result<(), Error>;

    fn bitrate(&self) -> u32;

    /// Gives all that is inside, and is then as after `open`.
    fn flush(&mut self, out: &mut Vec<Packet>) -> Result<(), Error>;
}

/// The state of a module. Natively it is the same, for tests.
pub struct EncoderModule<E> {
    encoder: Option<E>,
    input: Vec<u8>,
    samples: Vec<f32>,
    waiting: VecDeque<Packet>,
    /// What `take` gave last.
    given: Option<(Packet, RawPacket)>,
    message: Error,
}

impl<E> Default for EncoderModule<E> {
    fn default() -> Self {
        Self {
            encoder: None,
            input: Vec::new(),
            samples: Vec::new(),
            waiting: VecDeque::new(),
            given: None,
            message: String::new(),
        }
    }
}

impl<E: Encode> EncoderModule<E> {
    /// Null for more than a module takes.
    pub fn input(&mut self, len: usize) -> *mut u8 {
        if len > MAX_INPUT {
            return std::ptr::null_mut();
        }
        self.input.clear();
        self.input.resize(len, 0);
        self.input.as_mut_ptr()
    }

    pub fn open(&mut self, len: usize) -> i32 {
        let bytes = self.input.get(..len).unwrap_or_default();
        let opened = EncoderConfig::read(bytes).and_then(|config| E::open(&config));
        let done = opened.map(|encoder| self.encoder = Some(encoder));
        self.answer(done)
    }

    pub fn encode(&mut self, len: usize, pts: f64) -> i32 {
        let (samples, odd) = self.input.get(..len).unwrap_or_default().as_chunks();
        self.samples.clear();
        self.samples.extend(samples.iter().copied().map(f32::from_le_bytes));
        let mut out = Vec::new();
        let done = match &mut self.encoder {
            Some(_) if !odd.is_empty() => Err("a sample has four bytes".to_owned()),
            Some(encoder) => encoder.encode(&self.samples, pts, &mut out),
            None => Err(not_open()),
        };
        self.waiting.extend(out);
        self.answer(done)
    }

    pub fn set_bitrate(&mut self, bitrate: u32) -> i32 {
        let done = match &mut self.encoder {
            Some(encoder) => encoder.set_bitrate(bitrate),
            None => Err(not_open()),
        };
        self.answer(done).min(0)
    }

    /// 0 before it is open.
    pub fn bitrate(&self) -> u32 {
        self.encoder.as_ref().map(E::bitrate).unwrap_or_default()
    }

    pub fn flush(&mut self) -> i32 {
        let mut out = Vec::new();
        let done = match &mut self.encoder {
            Some(encoder) => encoder.flush(&mut out),
            None => Err(not_open()),
        };
        self.waiting.extend(out);
        self.answer(done)
    }

    /// Null when there is none.
    pub fn take(&mut self) -> *const RawPacket {
        // The one before is given back first: no more than one is held that is not asked for.
        self.given = None;
        let Some(packet) = self.waiting.pop_front() else { return std::ptr::null() };
        let raw = RawPacket {
            pts: packet.pts,
            duration: packet.duration,
            data: packet.data.as_ptr() as usize as u32,
            len: packet.data.len() as u32,
            description: packet.description.as_ref().map_or(0, |bytes| bytes.as_ptr() as usize as u32),
            description_len: packet.description.as_ref().map_or(0, |bytes| bytes.len() as u32),
        };
        &self.given.insert((packet, raw)).1
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    fn answer(&mut self, done: Result<(), Error>) -> i32 {
        match done {
            Ok(()) => i32::try_from(self.waiting.len()).unwrap_or(i32::MAX),
            Err(why) => {
                self.message = why;
                -1
            }
        }
    }
}

fn not_open() -> Error {
    "the encoder is not open".to_owned()
}

/// Makes the exports of a module around an [`Encode`].
#[macro_export]
macro_rules! encoder_module {
    ($encoder:ty) => {
        #[cfg(target_family = "wasm")]
        mod exports {
            use std::cell::RefCell;

            thread_local! {
                static MODULE: RefCell<$crate::EncoderModule<$encoder>> = RefCell::default();
            }

            fn with<T>(act: impl FnOnce(&mut $crate::EncoderModule<$encoder>) -> T) -> T {
                MODULE.with_borrow_mut(act)
            }

            #[unsafe(no_mangle)]
            extern "C" fn input(len: usize) -> *mut u8 {
                with(|module| module.input(len))
            }

            #[unsafe(no_mangle)]
            extern "C" fn open(len: usize) -> i32 {
                with(|module| module.open(len))
            }

            #[unsafe(no_mangle)]
            extern "C" fn encode(len: usize, pts: f64) -> i32 {
                with(|module| module.encode(len, pts))
            }

            #[unsafe(no_mangle)]
            extern "C" fn set_bitrate(bitrate: u32) -> i32 {
                with(|module| module.set_bitrate(bitrate))
            }

            #[unsafe(no_mangle)]
            extern "C" fn bitrate() -> u32 {
                with(|module| module.bitrate())
            }

            #[unsafe(no_mangle)]
            extern "C" fn flush() -> i32 {
                with(|module| module.flush())
            }

            #[unsafe(no_mangle)]
            extern "C" fn next() -> *const $crate::RawPacket {
                with(|module| module.take())
            }

            #[unsafe(no_mangle)]
            extern "C" fn message() -> *const u8 {
                with(|module| module.message().as_ptr())
            }

            #[unsafe(no_mangle)]
            extern "C" fn message_len() -> usize {
                with(|module| module.message().len())
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_three_numbers_and_nothing_else() {
        let bytes: Vec<u8> = [48000u32, 2, 96000].into_iter().flat_map(u32::to_le_bytes).collect();
        let config = EncoderConfig { sample_rate: 48000, channels: 2, bitrate: 96000 };
        assert_eq!(EncoderConfig::read(&bytes), Ok(config));
        assert!(EncoderConfig::read(&bytes[..11]).is_err());
        assert!(EncoderConfig::read(&bytes.repeat(2)).is_err());
    }
}
