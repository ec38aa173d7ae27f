//! Captured pictures, by their ids, until the engine releases them.
//!
//! **Invariant:** at most [`MOST`] are held: a camera has a handful of buffers, and stops when none comes back.

use std::collections::VecDeque;

use js_sys::Object;
use sailcast_engine::{FrameId, Instant, publisher::CapturedFrame};
use wasm_bindgen::prelude::*;
use web_sys::VideoFrame;

/// The last picture, the one that waits for its turn, and what comes in one go of the event loop.
const MOST: usize = 4;
/// 285 years in µs. WebKitGTK 2.50 stamps with the least number there is what a canvas gives at a rate that was asked for.
const LATEST: f64 = 9e15;

#[wasm_bindgen]
extern "C" {
    /// The members that not every browser has (Chromium 138, WebCodecs of 2025).
    #[wasm_bindgen(extends = Object, js_name = Object)]
    type Turn;

    #[wasm_bindgen(method, structural, getter)]
    fn rotation(this: &Turn) -> Option<f64>;

    #[wasm_bindgen(method, structural, getter)]
    fn flip(this: &Turn) -> Option<bool>;
}

/// A picture; its pixels go back when it is dropped.
pub struct Frame(VideoFrame);

impl Frame {
    pub fn native(&self) -> &VideoFrame {
        &self.0
    }

    /// What is to be seen, in pixels, turned upright.
    pub fn size(&self) -> (u32, u32) {
        (self.0.display_width(), self.0.display_height())
    }

    /// Its pixels lie as they are to be seen.
    pub fn upright(&self) -> bool {
        let turn: &Turn = self.0.unchecked_ref();
        turn.rotation().unwrap_or(0.0) == 0.0 && !turn.flip().unwrap_or(false)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[derive(Default)]
pub struct Frames {
    held: VecDeque<(FrameId, Frame)>,
    next: u64,
}

impl Frames {
    /// Takes the picture. Where there are too many, the oldest goes: the engine asks for it in vain.
    pub fn keep(&mut self, frame: VideoFrame, now: Instant) -> CapturedFrame {
        let frame = Frame(frame);
        let id = FrameId(self.next);
        self.next += 1;
        let (width, height) = frame.size();
        let captured = CapturedFrame { id, taken: taken(frame.0.timestamp(), now), width, height };
        if self.held.len() == MOST {
            log::warn!("more than {MOST} pictures wait to be released");
            self.held.pop_front();
        }
        self.held.push_back((id, frame));
        captured
    }

    pub fn get(&self, id: FrameId) -> Option<&Frame> {
        self.held.iter().find(|(other, _)| *other == id).map(|(_, frame)| frame)
    }

    pub fn release(&mut self, id: FrameId) {
        self.held.retain(|(other, _)| *other != id);
    }
}

/// What is not stamped is taken as it arrives.
fn taken(stamp: f64, now: Instant) -> i64 {
    if stamp.abs() < LATEST { stamp as i64 } else { now.0 as i64 }
}
