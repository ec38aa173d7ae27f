//! What `worker.ts` holds: one publisher, from its construction to `close`.

use std::rc::Rc;

use js_sys::{Array, Float32Array, Function, Math};
use sailcast_engine::{
    Instant,
    publisher::{Input, PublisherConfig},
};
use sailcast_web_base::js::epoch;
use wasm_bindgen::prelude::*;
use web_sys::VideoFrame;

use crate::{
    driver::Driver,
    settings::{self, Given},
};

#[wasm_bindgen]
pub struct PublishSession {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl PublishSession {
    /// `on_event` hears every `PublishWorkerEvent`, `on_recorded` each `Uint8Array` of the recording; `connect` makes a `SoundEncoder`
    /// of a configuration and of who hears it.
    #[wasm_bindgen(constructor)]
    pub fn new(on_event: Function, on_recorded: Function, connect: Function) -> Self {
        let config = PublisherConfig { seed: Math::random().to_bits(), epoch: epoch(Instant(0)) };
        Self { driver: Driver::new(config, on_event, on_recorded, connect) }
    }

    /// `PublishSettings`.
    #[wasm_bindgen(js_name = setSettings)]
    pub fn set_settings(&self, given: &Given) -> Result<(), JsError> {
        self.driver.send(Input::Settings(settings::settings(given)?));
        Ok(())
    }

    /// A `source` message.
    #[wasm_bindgen(js_name = setSource)]
    pub fn set_source(&self, kind: &str, state: &str) -> Result<(), JsError> {
        let (kind, state) = settings::source(kind, state)?;
        self.driver.send(Input::Source(kind, state));
        Ok(())
    }

    /// A picture that is not the last one again. It is closed here.
    pub fn captured(&self, frame: VideoFrame) {
        self.driver.captured(frame);
    }

    /// Of all sound from now on.
    #[wasm_bindgen(js_name = setSoundFormat)]
    pub fn set_sound_format(&self, sample_rate: u32, channels: u8) {
        self.driver.set_sound_format(sample_rate, channels);
    }

    /// `CapturedSound`.
    pub fn heard(&self, position: f64, channels: Vec<Float32Array>) {
        self.driver.heard(position as u64, &channels);
    }

    /// Lines as the `start` message has them.
    pub fn start(&self, lines: &Array) {
        let lines = lines.iter().map(|line| settings::line(line.unchecked_ref())).collect();
        self.driver.send(Input::Start { lines });
    }

    pub fn stop(&self) {
        self.driver.send(Input::Stop);
    }

    pub fn record(&self, recording: bool) {
        self.driver.send(Input::Record(recording));
    }

    #[wasm_bindgen(js_name = setOnline)]
    pub fn set_online(&self, online: bool) {
        self.driver.send(Input::Online(online));
    }

    #[wasm_bindgen(js_name = networkChanged)]
    pub fn network_changed(&self) {
        self.driver.send(Input::NetworkChanged);
    }

    /// The page is back.
    pub fn wake(&self) {
        self.driver.send(Input::Wake);
    }

    /// `PublishWorkerStats` of now.
    pub fn stats(&self) -> JsValue {
        self.driver.stats().into()
    }

    /// Ends everything; other methods do nothing from then on.
    pub fn close(&self) {
        self.driver.send(Input::Close);
        self.driver.release();
    }
}
