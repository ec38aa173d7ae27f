//! Decoders behind one face: the browser's own, and software in a worker of its own.
//!
//! What they give arrives by a callback, in order, never while a method of [`Decoder`] runs. Dropping one closes it: nothing
//! comes any more. Which of them decodes what is the engine's decision.

mod frame;
mod software;
mod webcodecs;

use std::rc::Rc;

use sailcast_engine::PcmBlock;
use sailcast_media::{MediaTime, Packet};
use wasm_bindgen::JsValue;

pub use frame::Frame;
pub use software::Software;
pub use webcodecs::WebCodecs;

/// A decoder that is configured: each has a constructor of its own.
pub trait Decoder {
    /// The first packet is a keyframe.
    fn decode(&self, packet: &Packet) -> Result<(), JsValue>;

    /// [`Decoded::Flushed`] follows when everything inside has come out. The next packet is a keyframe.
    fn flush(&self);
}

/// What a decoder says.
pub enum Decoded {
    Frame(Frame),
    Samples(MediaTime, PcmBlock),
    Flushed,
    /// The packet of this time came to nothing, and why. It goes on.
    LeftOut(MediaTime, String),
    /// It is closed and says no more.
    Failed(String),
    /// The browser has closed it for want of resources, and would give another one. It says no more.
    Reclaimed,
}

pub type Callback = Rc<dyn Fn(Decoded)>;
