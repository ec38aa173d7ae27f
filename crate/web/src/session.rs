//! What `worker.ts` holds: one player, from its construction to `close`. Seconds outside, microseconds inside.

use std::{cell::Cell, rc::Rc};

use js_sys::{Function, Math, Reflect, SharedArrayBuffer, Uint8Array};
use sailcast_engine::{
    AudioOutput, Background, Begun, Container, DecoderChoice, Definition, Input, LatencyTarget, Load,
    PlayerConfig, RequestId, SourceKind, Sources, WebCodecs,
};
use sailcast_media::{MediaTime, Micros, TrackId};
use sailcast_web_base::js::micros;
use wasm_bindgen::prelude::*;
use web_sys::{MessagePort, OffscreenCanvas, WritableStream};

use crate::{
    ALL,
    driver::Driver,
    early::EarlyRequest,
    pcm::{Pcm, Port, Ring},
    sink::{CanvasSink, Fit, Sink, TrackSink, YuvCanvas},
};

#[wasm_bindgen]
extern "C" {
    /// The message `load` of `www/src/internal/protocol.ts`.
    pub type LoadMessage;

    #[wasm_bindgen(method, structural, getter)]
    fn lines(this: &LoadMessage) -> Vec<String>;

    #[wasm_bindgen(method, structural, getter)]
    fn resolve(this: &LoadMessage) -> bool;

    #[wasm_bindgen(method, structural, getter)]
    fn kind(this: &LoadMessage) -> String;

    #[wasm_bindgen(method, structural, getter)]
    fn renditions(this: &LoadMessage) -> Vec<RenditionMessage>;

    #[wasm_bindgen(method, structural, getter)]
    fn rendition(this: &LoadMessage) -> Option<u32>;

    #[wasm_bindgen(method, structural, getter)]
    fn start(this: &LoadMessage) -> Option<f64>;

    /// One of its `renditions`.
    pub type RenditionMessage;

    #[wasm_bindgen(method, structural, getter)]
    fn name(this: &RenditionMessage) -> String;

    #[wasm_bindgen(method, structural, getter, js_name = lines)]
    fn addresses(this: &RenditionMessage) -> Vec<String>;

    #[wasm_bindgen(method, structural, getter)]
    fn bitrate(this: &RenditionMessage) -> Option<f64>;

    #[wasm_bindgen(method, structural, getter)]
    fn width(this: &RenditionMessage) -> Option<u32>;

    #[wasm_bindgen(method, structural, getter)]
    fn height(this: &RenditionMessage) -> Option<u32>;
}

const SOURCES: Sources = if ALL { Sources::ALL } else { Sources::STREAMS };

#[wasm_bindgen]
pub struct Session {
    driver: Rc<Driver>,
    /// Of the sound output, while there is one.
    sample_rate: Cell<Option<u32>>,
}

#[wasm_bindgen]
impl Session {
    /// `on_event` hears every `WorkerEvent`; `connect` gives a port to a codec worker for `video` or `audio`. The latency is as in `setLatency`; `background` is `audio`, `keep` or
    /// `suspend`; `decoder` is `auto`, `webcodecs` or `wasm`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        on_event: Function,
        connect: Function,
        latency: f64,
        min_latency: f64,
        max_latency: f64,
        background: &str,
        decoder: &str,
    ) -> Result<Self, JsError> {
        let config = PlayerConfig {
            latency: target(latency, min_latency, max_latency),
            background: match background {
                "audio" => Background::Audio,
                "keep" => Background::Keep,
                "suspend" => Background::Suspend,
                _ => return Err(JsError::new("background is audio, keep or suspend")),
            },
            decoder: match decoder {
                "auto" => DecoderChoice::Auto,
                "webcodecs" => DecoderChoice::WebCodecs,
                "wasm" => DecoderChoice::Wasm,
                _ => return Err(JsError::new("decoder is auto, webcodecs or wasm")),
            },
            webcodecs: WebCodecs { video: has("VideoDecoder"), audio: has("AudioDecoder") },
            sources: SOURCES,
            seed: Math::random().to_bits(),
        };
        Ok(Self { driver: Driver::new(config, on_event, connect), sample_rate: Cell::new(None) })
    }

    #[wasm_bindgen(js_name = setTrackSink)]
    pub fn set_track_sink(&self, writable: &WritableStream) -> Result<(), JsValue> {
        self.driver.set_sink(Sink::Track(TrackSink::new(writable)?));
        Ok(())
    }

    #[wasm_bindgen(js_name = setCanvasSink)]
    pub fn set_canvas_sink(&self, canvas: OffscreenCanvas) -> Result<(), JsValue> {
        self.driver.set_sink(Sink::Canvas(CanvasSink::flat(canvas)?));
        Ok(())
    }

    /// `painter` has the canvas's context.
    #[wasm_bindgen(js_name = setWebGlSink)]
    pub fn set_webgl_sink(&self, canvas: OffscreenCanvas, painter: YuvCanvas) {
        self.driver.set_sink(Sink::Canvas(CanvasSink::webgl(canvas, painter)));
    }

    /// The track's `<video>` shows it from now on.
    #[wasm_bindgen(js_name = attached)]
    pub fn sink_attached(&self) {
        self.driver.with_sink(|sink| {
            if let Sink::Track(track) = sink {
                track.attached();
            }
        });
    }

    /// The picture's box in device pixels, which is also the size of a canvas; the track's `<video>` fits by itself.
    #[wasm_bindgen(js_name = setView)]
    pub fn set_view(&self, width: u32, height: u32, fit: &str) -> Result<(), JsError> {
        let fit = Fit::named(fit).ok_or_else(|| JsError::new("fit is contain, cover or fill"))?;
        self.driver.send(Input::Viewport { width, height });
        self.driver.with_sink(|sink| {
            if let Sink::Canvas(canvas) = sink {
                canvas.set_view(width, height, fit);
            }
        });
        Ok(())
    }

    /// `early` is the request for the first address, where `worker.ts` has sent it already; `bytes` is what is here of a file of
    /// `length`, where that is known.
    pub fn load(
        &self,
        message: &LoadMessage,
        early: Option<EarlyRequest>,
        bytes: Option<Uint8Array>,
        length: Option<f64>,
    ) -> Result<(), JsError> {
        let kind = match message.kind().as_str() {
            "auto" => SourceKind::Auto,
            "stream" => SourceKind::Stream,
            "hls" => SourceKind::Hls,
            "file" => SourceKind::File,
            _ => return Err(JsError::new("kind is auto, stream, hls or file")),
        };
        let load = Load {
            lines: message.lines(),
            resolve: message.resolve(),
            kind,
            definitions: message.renditions().iter().map(definition).collect(),
            rendition: message.rendition(),
            sound: None,
            start: message.start().map(time),
            begun: bytes
                .map(|bytes| Begun { len: length.map(|len| len as u64), bytes: bytes.to_vec().into() }),
        };
        self.driver.load(load, early);
        Ok(())
    }

    /// Answers a `resolve` event: the address, or why there is none.
    pub fn resolved(&self, request: u32, good: bool, answer: String) {
        let answer = if good { Ok(answer) } else { Err(answer) };
        self.driver.send(Input::Resolved(RequestId(request), answer));
    }

    #[wasm_bindgen(js_name = setVisible)]
    pub fn set_visible(&self, visible: bool) {
        self.driver.send(Input::Visible(visible));
    }

    #[wasm_bindgen(js_name = setOnline)]
    pub fn set_online(&self, online: bool) {
        self.driver.send(Input::Online(online));
    }

    #[wasm_bindgen(js_name = networkChanged)]
    pub fn network_changed(&self) {
        self.driver.send(Input::NetworkChanged);
    }

    /// The page is about to be frozen or put away.
    pub fn suspend(&self) {
        self.driver.send(Input::Suspend);
    }

    /// The page is back.
    pub fn wake(&self) {
        self.driver.send(Input::Wake);
    }

    pub fn play(&self) {
        self.driver.send(Input::Play);
    }

    pub fn pause(&self) {
        self.driver.send(Input::Pause);
    }

    /// Exactly there, or at the keyframe nearest to it.
    pub fn seek(&self, seconds: f64, exact: bool) {
        self.driver.send(Input::Seek { to: time(seconds), exact });
    }

    #[wasm_bindgen(js_name = seekLive)]
    pub fn seek_live(&self) {
        self.driver.send(Input::SeekLive);
    }

    #[wasm_bindgen(js_name = setRate)]
    pub fn set_rate(&self, rate: f64) {
        self.driver.send(Input::Rate(rate));
    }

    #[wasm_bindgen(js_name = setLoop)]
    pub fn set_loop(&self, again: bool) {
        self.driver.send(Input::Loop(again));
    }

    /// None: the player chooses.
    #[wasm_bindgen(js_name = selectRendition)]
    pub fn select_rendition(&self, id: Option<u32>) {
        self.driver.send(Input::SelectRendition(id));
    }

    /// As `mp4` or `flv`, by `recorded` events; anything else ends the recording.
    pub fn record(&self, format: Option<String>) {
        let container = match format.as_deref() {
            Some("mp4") => Some(Container::Mp4),
            Some("flv") => Some(Container::Flv),
            _ => None,
        };
        self.driver.send(Input::Record(container));
    }

    /// The picture on the canvas, a `VideoFrame` or `Planes`: still the session's. Undefined without one, and of a track.
    pub fn picture(&self) -> JsValue {
        self.driver.picture()
    }

    /// `kind` is `video` or `audio`.
    #[wasm_bindgen(js_name = selectTrack)]
    pub fn select_track(&self, kind: &str, number: u8) {
        let track = if kind == "video" { TrackId::video(number) } else { TrackId::audio(number) };
        self.driver.send(Input::SelectTrack(track));
    }

    /// How far behind the live edge to play: `start` until the network's jitter is known, then as it demands between
    /// `min` and `max`. A fixed latency has all three alike.
    #[wasm_bindgen(js_name = setLatency)]
    pub fn set_latency(&self, start: f64, min: f64, max: f64) {
        self.driver.send(Input::Latency(target(start, min, max)));
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

    #[wasm_bindgen(js_name = audioOff)]
    pub fn set_audio_off(&self) {
        self.sample_rate.set(None);
        self.driver.set_audio_off();
    }

    /// `PlayerStats` of now.
    pub fn stats(&self) -> JsValue {
        self.driver.stats().into()
    }

    /// `WorkerQuality` of now; null before the first load.
    pub fn quality(&self) -> JsValue {
        self.driver.quality()
    }

    /// `Begun`, or null: what has come of a file that needs the other module.
    pub fn begun(&self) -> JsValue {
        self.driver.begun()
    }

    /// `EngineLog`: the last things that happened.
    pub fn log(&self) -> JsValue {
        self.driver.log().into()
    }

    /// In the middle of something. When the wasm has trapped: whether it was here.
    pub fn busy(&self) -> bool {
        self.driver.busy()
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

/// Whether the browser shows this class here: those of WebCodecs are for secure contexts.
fn has(class: &str) -> bool {
    Reflect::has(&js_sys::global(), &class.into()).unwrap_or(false)
}

fn time(seconds: f64) -> MediaTime {
    let Micros(micros) = micros(seconds);
    MediaTime(micros)
}

fn definition(message: &RenditionMessage) -> Definition {
    Definition {
        name: message.name(),
        lines: message.addresses(),
        bitrate: message.bitrate().map(|bitrate| bitrate as u64),
        width: message.width(),
        height: message.height(),
    }
}

fn target(start: f64, min: f64, max: f64) -> LatencyTarget {
    LatencyTarget { start: micros(start), min: micros(min), max: micros(max) }
}
