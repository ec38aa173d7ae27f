//! A decoded picture, wherever its pixels are.

use js_sys::{Array, Object, Reflect, Uint8Array};
use sailcast_media::{MediaTime, PixelShape, Turn};
use sailcast_web_base::js::{Plain, text};
use wasm_bindgen::prelude::*;
use web_sys::{MessagePort, VideoFrame};

#[wasm_bindgen]
extern "C" {
    /// `Planes` of `www/src/internal/protocol.ts`.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    pub type Planes;

    /// One of its `planes`.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    type Plane;

    #[wasm_bindgen(method, structural, getter)]
    fn data(this: &Plane) -> Uint8Array;

    #[wasm_bindgen(method, structural, getter)]
    fn timestamp(this: &Planes) -> f64;

    #[wasm_bindgen(method, structural, getter)]
    fn width(this: &Planes) -> u32;

    #[wasm_bindgen(method, structural, getter)]
    fn height(this: &Planes) -> u32;

    #[wasm_bindgen(method, structural, getter)]
    fn planes(this: &Planes) -> Array;
}

/// A picture of a software decoder, with the decoder that its memory goes back to.
pub struct Lent {
    pub planes: Planes,
    pixel: PixelShape,
    home: MessagePort,
}

impl Lent {
    pub fn new(planes: Planes, pixel: PixelShape, home: MessagePort) -> Self {
        Self { planes, pixel, home }
    }
}

impl Drop for Lent {
    /// All planes are in one buffer. A decoder that is closed has no use for it: then nobody hears of it.
    fn drop(&mut self) {
        let buffer = self.planes.planes().get(0).unchecked_into::<Plane>().data().buffer();
        let message = Plain::empty().with("type", "recycle").with("buffer", buffer.clone());
        if let Err(error) = self.home.post_message_with_transferable(&message, &Array::of1(&buffer)) {
            log::debug!("a picture's memory was not given back: {}", text(&error));
        }
    }
}

/// Its pixels are given back when it is dropped.
pub enum Frame {
    /// Its memory is the browser's decoder's, or its own.
    Native(VideoFrame),
    /// Of a software decoder, where there is no `VideoFrame` or WebGL draws.
    Planes(Lent),
}

impl Frame {
    /// For those that show nothing else.
    pub fn native(&self) -> Option<&VideoFrame> {
        match self {
            Self::Native(frame) => Some(frame),
            Self::Planes(_) => None,
        }
    }

    /// For those that show both.
    pub fn js(&self) -> &JsValue {
        match self {
            Self::Native(frame) => frame,
            Self::Planes(lent) => &lent.planes,
        }
    }

    pub fn pts(&self) -> MediaTime {
        MediaTime(match self {
            Self::Native(frame) => frame.timestamp() as i64,
            Self::Planes(lent) => lent.planes.timestamp() as i64,
        })
    }

    /// What is left to do of `turn`, which its decoder was told. Browsers that know of it (Chromium 138) do it themselves.
    pub fn left_of(&self, turn: Turn) -> Turn {
        if turn == Turn::NONE {
            return turn;
        }
        let told = self.native().and_then(|frame| Reflect::get(frame, &"rotation".into()).ok()?.as_f64());
        if told == Some(turn.rotation.into()) { Turn::NONE } else { turn }
    }

    /// What is to be seen, in pixels that are square.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Native(frame) => (frame.display_width(), frame.display_height()),
            Self::Planes(lent) => lent.pixel.size((lent.planes.width(), lent.planes.height())),
        }
    }

    /// Another handle of the same pixels; None when the frame is closed, and of planes.
    pub fn duplicate(&self) -> Option<Self> {
        self.native()?.clone().ok().map(Self::Native)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if let Self::Native(frame) = self {
            frame.close();
        }
    }
}
