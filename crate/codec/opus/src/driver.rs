//! libopus behind a safe face: the only unsafe code here.
#![allow(unsafe_code, reason = "libopus keeps C's interface: pointers and lengths")]

use crate::head::Head;
use sailcast_codec_face::Error;
use std::ptr::NonNull;
use unsafe_libopus::{
    OpusMSDecoder, opus_multistream_decode_float, opus_multistream_decoder_create,
    opus_multistream_decoder_destroy, opus_strerror,
};

/// Frames of the longest packet, 120 ms at 48 kHz (RFC 6716 3.2.5).
const MAX_FRAMES: i32 = 5760;

/// Frames of 20 ms: how long a packet is that is lost before there was any.
const USUAL_FRAMES: i32 = 960;

/// One decoder of libopus, for one stream or several.
pub struct Driver {
    inner: NonNull<OpusMSDecoder>,
    channels: usize,
    /// Frames of the packet before.
    frames: i32,
}

impl Driver {
    pub fn new(head: &Head) -> Result<Self, Error> {
        if head.mapping.len() != usize::from(head.channels) {
            return Err("Opus with channels that come from nowhere".to_owned());
        }
        let mut error = 0;
        // SAFETY: the mapping has as many bytes as there are channels, and libopus checks what they say.
        let inner = unsafe {
            opus_multistream_decoder_create(
                48000,
                head.channels.into(),
                head.streams.into(),
                head.coupled.into(),
                head.mapping.as_ptr(),
                &mut error,
            )
        };
        let inner = NonNull::new(inner).ok_or_else(|| message(error))?;
        Ok(Self { inner, channels: head.channels.into(), frames: USUAL_FRAMES })
    }

    /// All channels of a frame, then those of the next one.
    pub fn decode(&mut self, data: &[u8]) -> Result<Vec<f32>, Error> {
        let len = i32::try_from(data.len()).map_err(|_| message(unsafe_libopus::OPUS_INVALID_PACKET))?;
        // How much is concealed is for the caller to say.
        let room = if data.is_empty() { self.frames } else { MAX_FRAMES };
        let mut samples = vec![0.0; room as usize * self.channels];
        // SAFETY: `inner` lives as long as `self`; there are `len` bytes to read and room for `room` frames of all channels.
        let frames = unsafe {
            opus_multistream_decode_float(
                self.inner.as_ptr(),
                data.as_ptr(),
                len,
                samples.as_mut_ptr(),
                room,
                0,
            )
        };
        if frames < 0 {
            return Err(message(frames));
        }
        self.frames = frames;
        samples.truncate(frames as usize * self.channels);
        Ok(samples)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // SAFETY: made by `opus_multistream_decoder_create`, and given back once.
        unsafe { opus_multistream_decoder_destroy(self.inner.as_ptr()) }
    }
}

fn message(error: i32) -> Error {
    format!("libopus: {}", opus_strerror(error))
}
