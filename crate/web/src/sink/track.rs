//! Writes frames to a `MediaStreamTrackGenerator`, which a `<video>` of the page shows: Chromium hands them to its
//! compositor without the page's thread.

use std::{cell::Cell, rc::Rc};

use js_sys::futures::spawn_local;
use sailcast_web_base::js::text;
use wasm_bindgen::prelude::*;
use web_sys::{WritableStream, WritableStreamDefaultWriter};

use crate::decoder::Frame;

/// Writes under way at once; with so many the display is behind, and the next frame is left out.
const MAX_PENDING: u32 = 3;

pub struct TrackSink {
    writer: WritableStreamDefaultWriter,
    /// Nobody may see what is written yet.
    detached: bool,
    /// The last picture, while `detached`: it is written again.
    last: Option<Frame>,
    pending: Rc<Cell<u32>>,
    /// The display refuses frames; said once.
    refused: Rc<Cell<bool>>,
}

impl TrackSink {
    pub fn new(writable: &WritableStream) -> Result<Self, JsValue> {
        Ok(Self {
            writer: writable.get_writer()?,
            detached: true,
            last: None,
            pending: Rc::default(),
            refused: Rc::default(),
        })
    }

    pub fn attached(&mut self) {
        self.detached = false;
        if let Some(frame) = self.last.take() {
            self.show(frame);
        }
    }

    /// False when the display is behind, and the frame is left out.
    pub fn show(&mut self, frame: Frame) -> bool {
        if self.detached {
            self.last = frame.duplicate();
        }
        if self.pending.get() >= MAX_PENDING {
            return false;
        }
        let Some(picture) = frame.native() else { return false };
        self.pending.set(self.pending.get() + 1);
        let written = self.writer.write_with_chunk(picture);
        let (pending, refused) = (self.pending.clone(), self.refused.clone());
        spawn_local(async move {
            if let Err(error) = written.await
                // One line: a track that has ended refuses every frame from then on.
                && !refused.replace(true)
            {
                log::warn!("the display takes no frames: {}", text(&error));
            }
            pending.set(pending.get() - 1);
            // The generator has taken the picture and closed the frame, or refused it: either way it is done with.
            drop(frame);
        });
        true
    }
}

impl Drop for TrackSink {
    fn drop(&mut self) {
        let closed = self.writer.close();
        spawn_local(async move {
            if let Err(error) = closed.await {
                log::debug!("close of the display's track: {}", text(&error));
            }
        });
    }
}
