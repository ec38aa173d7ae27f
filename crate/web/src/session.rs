//! What `worker.ts` holds: one player, from its construction to `close`. Seconds outside, microseconds inside.

use std::{cell::Cell, rc::Rc};

use js_sys::{Function, SharedArrayBuffer};
use sailcast_engine::{AudioOutput, Input, PlayerConfig};
use wasm_bindgen::prelude::*;
use web_sys::{MessagePort, OffscreenCanvas, WritableStream};

use crate::{
    driver::Driver,
    fetch::EarlyRequest,
    js::micros,
    pcm::{Pcm, Port, Ring},
    sink::{CanvasSink, Fit, Sink, TrackSink},
};

#[wasm_bindgen]
pub struct Session {
    driver: Rc<Driver>,
    /// Of the sound output, while there is one.
    sample_rate: Cell<Option<u32>>,
}

#[wasm_bindgen]
impl Session {
    /// `on_event` hears every `WorkerEvent`.
    #[wasm_bindgen(constructor)]
    pub fn new(on_event: Function, target_latency: f64) -> Self {
        let config = PlayerConfig { target_latency: micros(target_latency) };
        Self { driver: Driver::new(config, on_event), sample_rate: Cell::new(None) }
    }

    #[wasm_bindgen(js_name = setTrackSink)]
    pub fn set_track_sink(&self, writable: &WritableStream) -> Result<(), JsValue> {
        self.driver.set_sink(Sink::Track(TrackSink::new(writable)?));
        Ok(())
    }

    #[wasm_bindgen(js_name = setCanvasSink)]
    pub fn set_canvas_sink(&self, canvas: OffscreenCanvas) -> Result<(), JsValue> {
        self.driver.set_sink(Sink::Canvas(CanvasSink::new(canvas)?));
        Ok(())
    }

    /// The track's `<video>` shows it from now on.
    #[wasm_bindgen(js_name = sinkAttached)]
    pub fn sink_attached(&self) {
        self.driver.with_sink(|sink| {
            if let Sink::Track(track) = sink {
                track.attached();
            }
        });
    }

    /// The canvas's drawing buffer in device pixels; the track's `<video>` fits by itself.
    #[wasm_bindgen(js_name = setView)]
    pub fn set_view(&self, width: u32, height: u32, fit: &str) -> Result<(), JsError> {
        let fit = Fit::named(fit).ok_or_else(|| JsError::new("fit is contain, cover or fill"))?;
        self.driver.with_sink(|sink| {
            if let Sink::Canvas(canvas) = sink {
                canvas.set_view(width, height, fit);
            }
        });
        Ok(())
    }

    /// `early` is the request for `url`, where `worker.ts` has sent it already.
    pub fn load(&self, url: String, early: Option<EarlyRequest>) {
        self.driver.load(url, early);
    }

    pub fn play(&self) {
        self.driver.send(Input::Play);
    }

    pub fn pause(&self) {
        self.driver.send(Input::Pause);
    }

    #[wasm_bindgen(js_name = setTargetLatency)]
    pub fn set_target_latency(&self, seconds: f64) {
        self.driver.send(Input::TargetLatency(micros(seconds)));
    }

    #[wasm_bindgen(js_name = setAudioRing)]
    pub fn set_audio_ring(
        &self,
        buffer: &SharedArrayBuffer,
        sample_rate: f64,
        latency: f64,
    ) -> Result<(), JsValue> {
        self.set_audio(Pcm::Ring(Ring::new(buffer)?), sample_rate, latency);
        Ok(())
    }

    #[wasm_bindgen(js_name = setAudioPort)]
    pub fn set_audio_port(&self, port: MessagePort, sample_rate: f64, latency: f64) {
        let driver = Rc::downgrade(&self.driver);
        let port = Port::new(port, move |frames| {
            if let Some(driver) = driver.upgrade() {
                driver.send(Input::AudioPlayed { frames });
            }
        });
        self.set_audio(Pcm::Port(port), sample_rate, latency);
    }

    #[wasm_bindgen(js_name = setAudioLatency)]
    pub fn set_audio_latency(&self, seconds: f64) {
        if let Some(sample_rate) = self.sample_rate.get() {
            self.driver
                .send(Input::AudioOutput(AudioOutput::Running { sample_rate, latency: micros(seconds) }));
        }
    }

    #[wasm_bindgen(js_name = setAudioOff)]
    pub fn set_audio_off(&self) {
        self.sample_rate.set(None);
        self.driver.set_audio_off();
    }

    /// `PlayerStats` of now.
    pub fn stats(&self) -> JsValue {
        self.driver.stats().into()
    }

    /// Ends everything; other methods do nothing from then on.
    pub fn close(&self) {
        self.driver.send(Input::Close);
        self.driver.release();
    }

    fn set_audio(&self, pcm: Pcm, sample_rate: f64, latency: f64) {
        let sample_rate = sample_rate as u32;
        self.sample_rate.set(Some(sample_rate));
        self.driver.set_audio(pcm, AudioOutput::Running { sample_rate, latency: micros(latency) });
    }
}
