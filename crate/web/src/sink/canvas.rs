//! Draws into an `OffscreenCanvas` of the worker, in 2D or by WebGL. The last frame is kept, to draw it anew when the view
//! changes or the context was lost.
//!
//! 2D first: `drawImage` of a `VideoFrame` stays on the GPU where there is one, and without one it costs less than half of what
//! software WebGL does. Planes are WebGL's.

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use sailcast_web_base::js::{Plain, text};
use wasm_bindgen::prelude::*;
use web_sys::{OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use super::fit::{Fit, Place, place};
use crate::decoder::Frame;

#[wasm_bindgen]
extern "C" {
    /// `YuvCanvas` of `www/src/internal/webgl/yuv-canvas.ts`.
    pub type YuvCanvas;

    #[wasm_bindgen(method, structural, getter)]
    fn renderer(this: &YuvCanvas) -> String;

    #[wasm_bindgen(method, structural, catch)]
    fn draw(
        this: &YuvCanvas,
        picture: &JsValue,
        x: f64,
        y: f64,
        width: f64,
        height: f64,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(method, structural)]
    fn close(this: &YuvCanvas);
}

pub struct CanvasSink {
    surface: Rc<RefCell<Surface>>,
    _restored: EventListener,
}

struct Surface {
    canvas: OffscreenCanvas,
    brush: Brush,
    fit: Fit,
    last: Option<Frame>,
}

enum Brush {
    Flat {
        context: OffscreenCanvasRenderingContext2d,
        /// Where the picture is now; outside of it the canvas is black.
        drawn: Place,
    },
    Gl(YuvCanvas),
}

impl CanvasSink {
    pub fn flat(canvas: OffscreenCanvas) -> Result<Self, JsValue> {
        let options = Plain::empty().with("alpha", false).with("desynchronized", true);
        let context = canvas
            .get_context_with_context_options("2d", &options)?
            .ok_or_else(|| JsError::new("the canvas gives no 2D context: it already has another"))?
            .unchecked_into();
        Ok(Self::new(canvas, Brush::Flat { context, drawn: Place::default() }))
    }

    pub fn webgl(canvas: OffscreenCanvas, painter: YuvCanvas) -> Self {
        Self::new(canvas, Brush::Gl(painter))
    }

    fn new(canvas: OffscreenCanvas, brush: Brush) -> Self {
        let surface = Surface { canvas: canvas.clone(), brush, fit: Fit::default(), last: None };
        let restored = if surface.webgl() { "webglcontextrestored" } else { "contextrestored" };
        let surface = Rc::new(RefCell::new(surface));
        let weak = Rc::downgrade(&surface);
        // A GPU that was reset takes the pixels with it. The context comes back empty and black; what is drawn in between is
        // lost.
        let restored = EventListener::new(&canvas, restored, move |_| {
            if let Some(surface) = weak.upgrade() {
                surface.borrow_mut().redraw();
            }
        });
        Self { surface, _restored: restored }
    }

    /// Whether WebGL draws: where a browser refuses it, `YuvCanvas` goes without.
    pub fn is_webgl(&self) -> bool {
        self.surface.borrow().webgl()
    }

    pub fn show(&mut self, frame: Frame) {
        self.surface.borrow_mut().show(frame);
    }

    pub fn picture(&self) -> JsValue {
        self.surface.borrow().last.as_ref().map_or(JsValue::UNDEFINED, |frame| frame.js().clone())
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
    fn webgl(&self) -> bool {
        matches!(&self.brush, Brush::Gl(painter) if painter.renderer() == "webgl")
    }

    fn show(&mut self, frame: Frame) {
        if let Err(error) = self.draw(&frame) {
            log::warn!("a picture was not drawn: {}", text(&error));
        }
        self.last = Some(frame);
    }

    /// On a canvas that is black.
    fn redraw(&mut self) {
        if let Brush::Flat { drawn, .. } = &mut self.brush {
            *drawn = Place::default();
        }
        if let Some(frame) = self.last.take() {
            self.show(frame);
        }
    }

    fn draw(&mut self, frame: &Frame) -> Result<(), JsValue> {
        let view = (self.canvas.width(), self.canvas.height());
        let at = place(frame.size(), view, self.fit);
        match (&mut self.brush, frame) {
            (Brush::Gl(painter), frame) => painter.draw(frame.js(), at.x, at.y, at.width, at.height),
            (Brush::Flat { context, drawn }, Frame::Native(picture)) => {
                if at != *drawn {
                    context.fill_rect(0.0, 0.0, f64::from(view.0), f64::from(view.1));
                    *drawn = at;
                }
                context.draw_image_with_video_frame_and_dw_and_dh(picture, at.x, at.y, at.width, at.height)
            }
            (Brush::Flat { .. }, Frame::Planes(_)) => Err(JsValue::from("planes are for WebGL")),
        }
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        if let Brush::Gl(painter) = &self.brush {
            painter.close();
        }
    }
}
