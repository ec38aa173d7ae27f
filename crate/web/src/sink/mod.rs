//! Where pictures go. A sink takes the frame and is done with it: shown, or left out when the display is behind.

mod canvas;
mod fit;
mod track;

pub use canvas::{CanvasSink, YuvCanvas};
pub use fit::Fit;
pub use track::TrackSink;

use wasm_bindgen::JsValue;

use crate::decoder::Frame;

pub enum Sink {
    Track(TrackSink),
    Canvas(CanvasSink),
}

impl Sink {
    /// Its name in `PlayerStats.renderer`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Track(_) => "track",
            Self::Canvas(sink) if sink.is_webgl() => "webgl",
            Self::Canvas(_) => "canvas",
        }
    }

    /// What is shown, for the page to copy; undefined of a track, whose `<video>` has it, and before the first picture.
    pub fn picture(&self) -> JsValue {
        match self {
            Self::Track(_) => JsValue::UNDEFINED,
            Self::Canvas(sink) => sink.picture(),
        }
    }

    /// False when the display is behind, and the frame is left out.
    pub fn show(&mut self, frame: Frame) -> bool {
        match self {
            Self::Track(sink) => sink.show(frame),
            Self::Canvas(sink) => {
                sink.show(frame);
                true
            }
        }
    }
}
