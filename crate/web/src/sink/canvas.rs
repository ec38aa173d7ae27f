//! Draws into an `OffscreenCanvas` of the worker. The last frame is kept, to draw it anew when the view
//! changes or the context was lost.
//!
//! 2D, not WebGL: `drawImage` of a `VideoFrame` stays on the GPU where there is one, and without one it costs
//! less than half of what software WebGL does.

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use wasm_bindgen::prelude::*;
use web_sys::{OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use super::fit::{Fit, Place, place};
use crate::{
    decoder::Frame,
    js::{Plain, text},
};

pub struct CanvasSink {
    surface: Rc<RefCell<Surface>>,
    _restored: EventListener,
}

struct Surface {
    canvas: OffscreenCanvas,
    context: OffscreenCanvasRenderingContext2d,
    fit: Fit,
    /// Where the picture is now; outside of it the canvas is black.
    drawn: Place,
    last: Option<Frame>,
}

impl CanvasSink {
    pub fn new(canvas: OffscreenCanvas) -> Result<Self, JsValue> {
        let options = Plain::empty().with("alpha", false).with("desynchronized", true);
        let context = canvas
            .get_context_with_context_options("2d", &options)?
            .ok_or_else(|| JsError::new("the canvas gives no 2D context: it already has another"))?
            .unchecked_into();
        let surface = Surface {
            canvas: canvas.clone(),
            context,
            fit: Fit::default(),
            drawn: Place::default(),
            last: None,
        };
        let surface = Rc::new(RefCell::new(surface));
        let weak = Rc::downgrade(&surface);
        // A GPU that was reset takes the pixels with it. The browser restores the context by itself, empty and black;
        // what is drawn in between is lost.
        let restored = EventListener::new(&canvas, "contextrestored", move |_| {
            if let Some(surface) = weak.upgrade() {
                surface.borrow_mut().redraw();
            }
        });
        Ok(Self { surface, _restored: restored })
    }

    pub fn show(&mut self, frame: Frame) {
        self.surface.borrow_mut().show(frame);
    }

    /// A size in device pixels.
    pub fn set_view(&mut self, width: u32, height: u32, fit: Fit) {
        let mut surface = self.surface.borrow_mut();
        surface.fit = fit;
        if (surface.canvas.width(), surface.canvas.height()) != (width, height) {
            // Clears the canvas to black, even where the size stays.
            surface.canvas.set_width(width);
            surface.canvas.set_height(height);
            surface.redraw();
        } else if let Some(frame) = surface.last.take() {
            surface.show(frame);
        }
    }
}

impl Surface {
    fn show(&mut self, frame: Frame) {
        self.draw(&frame);
        self.last = Some(frame);
    }

    /// On a canvas that is black.
    fn redraw(&mut self) {
        self.drawn = Place::default();
        if let Some(frame) = self.last.take() {
            self.show(frame);
        }
    }

    fn draw(&mut self, frame: &Frame) {
        let Some(picture) = frame.native() else { return };
        let view = (self.canvas.width(), self.canvas.height());
        let at = place((picture.display_width(), picture.display_height()), view, self.fit);
        if at != self.drawn {
            self.context.fill_rect(0.0, 0.0, f64::from(view.0), f64::from(view.1));
            self.drawn = at;
        }
        let drawn =
            self.context.draw_image_with_video_frame_and_dw_and_dh(picture, at.x, at.y, at.width, at.height);
        if let Err(error) = drawn {
            log::warn!("a picture was not drawn: {}", text(&error));
        }
    }
}
