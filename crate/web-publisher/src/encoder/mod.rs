//! Encoders: the browser's own, and AAC in WebAssembly where it has none.
//!
//! What they give arrives by a callback, in order. Dropping one closes it: nothing comes any more. What shall be made, by
//! which of them, and what follows a failure is the engine's decision.

mod audio;
mod software;
mod video;

use std::rc::Rc;

use js_sys::{ArrayBuffer, Object, Promise, Uint8Array, futures::spawn_local};
use sailcast_engine::publisher::Encoded;
use sailcast_web_base::js::{is_reclaimed, text};
use wasm_bindgen::prelude::*;

pub use audio::Audio;
pub use software::{Connect, Software};
pub use video::Video;

pub enum Encoder {
    Video(Video),
    Audio(Audio),
    Software(Software),
}

/// What an encoder says.
pub enum Said {
    Encoded(Encoded),
    Flushed,
    /// It is closed and says no more.
    Failed(String),
    /// The browser has closed it for want of resources, and would give another one. It says no more.
    Reclaimed,
}

pub type Callback = Rc<dyn Fn(Said)>;

#[wasm_bindgen]
extern "C" {
    /// `EncodedVideoChunkMetadata` and `EncodedAudioChunkMetadata`.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    type Metadata;

    #[wasm_bindgen(method, structural, getter, js_name = decoderConfig)]
    fn decoder_config(this: &Metadata) -> Option<DecoderConfig>;

    #[wasm_bindgen(extends = Object, js_name = Object)]
    type DecoderConfig;

    #[wasm_bindgen(method, structural, getter)]
    fn description(this: &DecoderConfig) -> JsValue;
}

impl Encoder {
    /// [`Said::Flushed`] follows when everything inside has come out.
    pub fn flush(&self) {
        match self {
            Self::Video(video) => video.flush(),
            Self::Audio(audio) => audio.flush(),
            Self::Software(software) => software.flush(),
        }
    }
}

/// The decoder's configuration, where the packet brings one: Chromium with the first, and after another size.
fn description(metadata: &JsValue) -> Option<Vec<u8>> {
    let metadata: &Metadata = metadata.dyn_ref::<Object>()?.unchecked_ref();
    let value = metadata.decoder_config()?.description();
    let bytes = match value.dyn_into::<ArrayBuffer>() {
        Ok(buffer) => Uint8Array::new(&buffer),
        Err(view) => view.dyn_into::<Uint8Array>().ok()?,
    };
    Some(bytes.to_vec())
}

fn failed(error: &JsValue) -> Said {
    if is_reclaimed(error) { Said::Reclaimed } else { Said::Failed(text(error)) }
}

fn when_flushed(flushed: Promise<js_sys::Undefined>, callback: &Callback) {
    let callback = callback.clone();
    spawn_local(async move {
        callback(match flushed.await {
            Ok(_) => Said::Flushed,
            Err(error) => failed(&error),
        });
    });
}

/// A native encoder that is let go of. One that has failed has closed itself, and refuses a second time.
fn closed(result: Result<(), JsValue>) {
    if let Err(error) = result {
        log::debug!("close of an encoder: {}", text(&error));
    }
}
