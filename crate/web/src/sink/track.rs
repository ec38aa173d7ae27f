//! Writes frames to a `MediaStreamTrackGenerator`, which a `<video>` of the page shows: Chromium hands them to its
//! compositor without the page's thread.

use std::{cell::Cell, rc::Rc};

use js_sys::futures::spawn_local;
use wasm_bindgen::prelude::*;
use web_sys::{WritableStream, WritableStreamDefaultWriter};

use crate::{decoder::Frame, js::text};

/// Writes under way at once; with so many the display is behind, and the next frame is left out.
const MAX_PENDING: u32 = 3;

pub struct TrackSink {
    writer: WritableStreamDefaultWriter,
    /// Nobody may see what is written yet.
    detached: bool,
    /// The last picture, while `detached`: it is written again.
    last: Option<Frame>,
    count: Rc<Count>,
}

#[derive(Default)]
struct Count {
    pending: Cell<u32>,
    dropped: Cell<u64>,
}

impl Count {
    fn drop_one(&self) -> u64 {
        self.dropped.set(self.dropped.get() + 1);
        self.dropped.get()
    }
}

impl TrackSink {
    pub fn new(writable: &WritableStream) -> Result<Self, JsValue> {
        Ok(Self { writer: writable.get_writer()?, detached: true, last: None, count: Rc::default() })
    }

    pub fn attached(&mut self) {
        self.detached = false;
        if let Some(frame) = self.last.take() {
            self.show(frame);
        }
    }

    pub fn show(&mut self, frame: Frame) {
        if self.detached {
            self.last = frame.duplicate();
        }
        if self.count.pending.get() >= MAX_PENDING {
            self.count.drop_one();
            return;
        }
        self.count.pending.set(self.count.pending.get() + 1);
        let written = self.writer.write_with_chunk(frame.picture());
        let count = self.count.clone();
        spawn_local(async move {
            if let Err(error) = written.await
                // One line: a track that has ended refuses every frame from then on.
                && count.drop_one() == 1
            {
                log::warn!("the display takes no frames: {}", text(&error));
            }
            count.pending.set(count.pending.get() - 1);
            // The generator has taken the picture and closed the frame, or refused it: either way it is done with.
            drop(frame);
        });
    }

    pub fn dropped(&self) -> u64 {
        self.count.dropped.get()
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
