//! PCM on its way to the audio worklet, without the page's thread: through shared memory, or a port where the page
//! is not cross-origin isolated. Layout and messages are in `www/src/internal/protocol.ts`.
//!
//! Both give back the total of frames taken since they began: [`Ring::taken`] when asked, a [`Port`] by its callback.

use std::ops::Range;

use gloo_events::EventListener;
use js_sys::{Array, Atomics, Float32Array, Int32Array, SharedArrayBuffer};
use sailcast_engine::PcmBlock;
use sailcast_web_base::js::text;
use wasm_bindgen::prelude::*;
use web_sys::{Event, MessageEvent, MessagePort};

/// Words before the samples.
const HEADER: u32 = 4;
/// Index of the writer's counter.
const WRITE: u32 = 0;
/// Index of the reader's counter: frames taken, cleared ones included.
const READ: u32 = 1;
/// The reader drops everything before this counter value.
const CLEAR_TO: u32 = 2;
/// Frames the ring holds. A power of two, so that counters may wrap.
const FRAMES: u32 = 32768;
const STEREO: u32 = 2;
const WORD_BYTES: u32 = 4;

/// The way to the sound output.
pub enum Pcm {
    Ring(Ring),
    Port(Port),
}

impl Pcm {
    /// The engine gives stereo.
    pub fn push(&mut self, block: &PcmBlock) {
        match self {
            Self::Ring(ring) => ring.push(&block.data),
            Self::Port(port) => port.push(&block.data),
        }
    }

    pub fn clear(&mut self) {
        match self {
            Self::Ring(ring) => ring.clear(),
            Self::Port(port) => port.post(&JsValue::from("clear")),
        }
    }
}

/// The writing end of the ring. One writer, one reader: each alone moves its counter.
pub struct Ring {
    header: Int32Array,
    samples: Float32Array,
    /// The reader's counter when last looked at.
    read: u32,
    taken: u64,
    overrun: bool,
}

impl Ring {
    /// Begins where the writer of before stopped, if there was one; what the ring still holds of it is cleared.
    pub fn new(buffer: &SharedArrayBuffer) -> Result<Self, JsValue> {
        if buffer.byte_length() < (HEADER + FRAMES * STEREO) * WORD_BYTES {
            return Err(JsError::new("the audio ring is too small").into());
        }
        let mut ring = Self {
            header: Int32Array::new_with_byte_offset_and_length(buffer, 0, HEADER),
            samples: Float32Array::new_with_byte_offset_and_length(
                buffer,
                HEADER * WORD_BYTES,
                FRAMES * STEREO,
            ),
            read: 0,
            taken: 0,
            overrun: false,
        };
        ring.read = ring.load(WRITE);
        ring.clear();
        Ok(ring)
    }

    /// Frames taken since this ring began.
    pub fn taken(&mut self) -> u64 {
        let read = self.load(READ);
        let grown = read.wrapping_sub(self.read);
        // More than the ring holds: the reader has not yet come to what was cleared at the beginning.
        if grown <= FRAMES {
            self.read = read;
            self.taken += u64::from(grown);
        }
        self.taken
    }

    fn push(&mut self, stereo: &[f32]) {
        let write = self.load(WRITE);
        let frames = stereo.len() as u32 / STEREO;
        let free = FRAMES.saturating_sub(write.wrapping_sub(self.load(READ)));
        let fitting = frames.min(free);
        let (first, second) = slots(write, fitting);
        let (head, tail) = stereo.split_at(words(first.end - first.start));
        self.fill(first, head);
        self.fill(second.clone(), tail.get(..words(second.end)).unwrap_or_default());
        self.store(WRITE, write.wrapping_add(fitting));
        // What finds no room counts as taken, or the engine would wait for it for ever.
        self.taken += u64::from(frames - fitting);
        if fitting < frames && !self.overrun {
            self.overrun = true;
            log::warn!("the audio ring is full: sound was left out");
        }
    }

    fn clear(&mut self) {
        let write = self.load(WRITE);
        self.store(CLEAR_TO, write);
    }

    fn fill(&self, slots: Range<u32>, stereo: &[f32]) {
        if !slots.is_empty() {
            self.samples.subarray(slots.start * STEREO, slots.end * STEREO).copy_from(stereo);
        }
    }

    /// Neither can fail: the index is within the header, and the header is an `Int32Array`.
    fn load(&self, index: u32) -> u32 {
        Atomics::load(&self.header, index).unwrap_or_default().cast_unsigned()
    }

    fn store(&self, index: u32, value: u32) {
        if let Err(error) = Atomics::store(&self.header, index, value.cast_signed()) {
            log::error!("audio ring: {}", text(&error));
        }
    }
}

/// The ring's slots for `frames` frames from counter `write` on: up to the end, then from the beginning.
fn slots(write: u32, frames: u32) -> (Range<u32>, Range<u32>) {
    let start = write % FRAMES;
    let first = frames.min(FRAMES - start);
    (start..start + first, 0..frames - first)
}

fn words(frames: u32) -> usize {
    (frames * STEREO) as usize
}

/// The ring's twin where memory cannot be shared.
pub struct Port {
    port: MessagePort,
    _on_taken: EventListener,
}

impl Port {
    /// `on_taken` hears the total of frames taken, each time it has grown.
    pub fn new(port: MessagePort, on_taken: impl Fn(u64) + 'static) -> Self {
        let listener = EventListener::new(&port, "message", move |event: &Event| {
            match event.unchecked_ref::<MessageEvent>().data().as_f64() {
                Some(frames) => on_taken(frames as u64),
                None => log::warn!("the audio worklet said something else than a number"),
            }
        });
        port.start();
        Self { port, _on_taken: listener }
    }

    fn push(&self, stereo: &[f32]) {
        let samples = Float32Array::from(stereo);
        let transfer = Array::of1(&samples.buffer());
        if let Err(error) = self.port.post_message_with_transferable(&samples, &transfer) {
            log::error!("audio port: {}", text(&error));
        }
    }

    fn post(&self, message: &JsValue) {
        if let Err(error) = self.port.post_message(message) {
            log::error!("audio port: {}", text(&error));
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.port.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_wrap_at_the_end_of_the_ring() {
        assert_eq!(slots(0, 100), (0..100, 0..0));
        assert_eq!(slots(FRAMES - 10, 100), (FRAMES - 10..FRAMES, 0..90));
        assert_eq!(slots(u32::MAX, 2), (FRAMES - 1..FRAMES, 0..1));
        assert_eq!(slots(FRAMES, FRAMES), (0..FRAMES, 0..0));
    }
}
