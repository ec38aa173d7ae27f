//! AAC in WebAssembly: `SoundEncoder` of `www/src/publisher/internal/sound-encoder.ts`, which fetches its module and keeps what
//! it is given until that is there.

use bytes::Bytes;
use js_sys::{Float32Array, Function, Object, Uint8Array};
use sailcast_engine::publisher::{AudioEncoding, Encoded};
use sailcast_media::MediaTime;
use sailcast_web_base::js::{Plain, text};
use wasm_bindgen::prelude::*;

use super::{Callback, Said};
use crate::sound::Block;

#[wasm_bindgen]
extern "C" {
    /// `SoundEncoder`.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    pub type Instance;

    #[wasm_bindgen(method, structural)]
    fn encode(this: &Instance, samples: Float32Array, timestamp: f64);

    #[wasm_bindgen(method, structural, js_name = setBitrate)]
    fn set_bitrate(this: &Instance, bitrate: u32);

    #[wasm_bindgen(method, structural)]
    fn flush(this: &Instance);

    #[wasm_bindgen(method, structural)]
    fn close(this: &Instance);

    /// `EncodedSound`.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    type Chunk;

    #[wasm_bindgen(method, structural, getter)]
    fn timestamp(this: &Chunk) -> f64;

    #[wasm_bindgen(method, structural, getter)]
    fn data(this: &Chunk) -> Uint8Array;

    #[wasm_bindgen(method, structural, getter)]
    fn description(this: &Chunk) -> Option<Uint8Array>;
}

/// Makes an `Instance`: `(config, said)`, where `said` hears a `EncodedSound`, `null` for flushed, or a string for a failure.
pub type Connect = Function;

pub struct Software {
    instance: Instance,
    _said: Closure<dyn FnMut(JsValue)>,
}

impl Software {
    pub fn open(encoding: &AudioEncoding, connect: &Connect, callback: Callback) -> Result<Self, JsValue> {
        let said: Closure<dyn FnMut(JsValue)> = Closure::new(move |said: JsValue| callback(read(&said)));
        let config = Plain::empty()
            .with("sampleRate", encoding.sample_rate)
            .with("channels", encoding.channels)
            .with("bitrate", encoding.bitrate);
        let instance = connect.call2(&JsValue::NULL, &config, said.as_ref())?.unchecked_into();
        Ok(Self { instance, _said: said })
    }

    pub fn tune(&self, bitrate: u32) {
        self.instance.set_bitrate(bitrate);
    }

    /// Copied once: the block is not the encoder's to keep.
    pub fn encode(&self, block: Block<'_>, pts: MediaTime) {
        self.instance.encode(Float32Array::from(block.samples), pts.0 as f64);
    }

    pub fn flush(&self) {
        self.instance.flush();
    }
}

impl Drop for Software {
    fn drop(&mut self) {
        self.instance.close();
    }
}

fn read(said: &JsValue) -> Said {
    if said.is_null() {
        return Said::Flushed;
    }
    if said.is_string() {
        return Said::Failed(text(said));
    }
    let chunk: &Chunk = said.unchecked_ref();
    Said::Encoded(Encoded {
        pts: MediaTime(chunk.timestamp() as i64),
        keyframe: true,
        data: Bytes::from(chunk.data().to_vec()),
        description: chunk.description().map(|bytes| Bytes::from(bytes.to_vec())),
    })
}
