//! The browser's sound encoder.

use bytes::Bytes;
use js_sys::{Function, Object};
use sailcast_engine::publisher::{AudioEncoding, Encoded};
use sailcast_media::MediaTime;
use wasm_bindgen::prelude::*;
use web_sys::{AudioData, AudioEncoder, AudioEncoderConfig, AudioEncoderInit, EncodedAudioChunk};

use super::{Callback, Said, closed, description, failed, when_flushed};
use crate::sound::Block;

#[wasm_bindgen]
extern "C" {
    /// `AudioDataInit`, with data given as a view of wasm memory.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    type DataInit;

    #[wasm_bindgen(constructor)]
    fn new() -> DataInit;

    #[wasm_bindgen(method, structural, setter)]
    fn set_format(this: &DataInit, format: &str);

    #[wasm_bindgen(method, structural, setter, js_name = sampleRate)]
    fn set_sample_rate(this: &DataInit, rate: u32);

    #[wasm_bindgen(method, structural, setter, js_name = numberOfFrames)]
    fn set_frames(this: &DataInit, frames: u32);

    #[wasm_bindgen(method, structural, setter, js_name = numberOfChannels)]
    fn set_channels(this: &DataInit, channels: u32);

    #[wasm_bindgen(method, structural, setter)]
    fn set_timestamp(this: &DataInit, micros: f64);

    #[wasm_bindgen(method, structural, setter)]
    fn set_data(this: &DataInit, samples: &[f32]);
}

pub struct Audio {
    native: AudioEncoder,
    encoding: AudioEncoding,
    callback: Callback,
    /// Held for as long as the browser may call them.
    _output: Closure<dyn FnMut(JsValue, JsValue)>,
    _error: Closure<dyn FnMut(JsValue)>,
}

impl Audio {
    pub fn open(encoding: AudioEncoding, callback: Callback) -> Result<Self, JsValue> {
        let error: Closure<dyn FnMut(JsValue)> = {
            let callback = callback.clone();
            Closure::new(move |error: JsValue| callback(failed(&error)))
        };
        let output: Closure<dyn FnMut(JsValue, JsValue)> = {
            let callback = callback.clone();
            Closure::new(move |chunk: JsValue, metadata: JsValue| {
                callback(encoded(chunk.unchecked_ref(), &metadata));
            })
        };
        let on_error: &Function = error.as_ref().unchecked_ref();
        let native = AudioEncoder::new(&AudioEncoderInit::new(on_error, output.as_ref().unchecked_ref()))?;
        native.configure(&config(&encoding))?;
        Ok(Self { native, encoding, callback, _output: output, _error: error })
    }

    pub fn tune(&self, bitrate: u32) -> Result<(), JsValue> {
        let config = config(&self.encoding);
        config.set_bitrate(bitrate);
        self.native.configure(&config)
    }

    pub fn encode(&self, block: Block<'_>, pts: MediaTime) -> Result<(), JsValue> {
        let init = DataInit::new();
        init.set_format("f32");
        init.set_sample_rate(block.sample_rate);
        init.set_frames(block.frames());
        init.set_channels(block.channels.into());
        init.set_timestamp(pts.0 as f64);
        // A view of wasm memory, copied by the constructor in the very next call.
        init.set_data(block.samples);
        let data = AudioData::new(init.unchecked_ref())?;
        let result = self.native.encode(&data);
        data.close();
        result
    }

    pub fn flush(&self) {
        when_flushed(self.native.flush(), &self.callback);
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        closed(self.native.close());
    }
}

fn config(encoding: &AudioEncoding) -> AudioEncoderConfig {
    let channels = encoding.channels.into();
    let config = AudioEncoderConfig::new(&encoding.codec_string, channels, encoding.sample_rate);
    config.set_bitrate(encoding.bitrate);
    config
}

fn encoded(chunk: &EncodedAudioChunk, metadata: &JsValue) -> Said {
    let mut data = vec![0; chunk.byte_length() as usize];
    match chunk.copy_to_with_u8_slice(&mut data) {
        Ok(()) => Said::Encoded(Encoded {
            pts: MediaTime(chunk.timestamp() as i64),
            // Every packet of sound is one: some browsers say otherwise of AAC.
            keyframe: true,
            data: Bytes::from(data),
            description: description(metadata).map(Bytes::from),
        }),
        Err(error) => failed(&error),
    }
}
