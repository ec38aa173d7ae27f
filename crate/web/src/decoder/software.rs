//! A software decoder's near end: packets go through a port to the codec worker, pictures and sound come back.
//!
//! The port is there at once and holds what is sent until the other end is (`www/src/internal/codecs/worker.ts`, with the
//! messages in `protocol.ts` beside it): nothing waits for a worker to start or a module to come, and none of it passes the
//! page's thread.

use gloo_events::EventListener;
use js_sys::{Array, Float32Array, Function, Uint8Array};
use sailcast_codec_face::{Config, ConfigKind};
use sailcast_engine::PcmBlock;
use sailcast_media::{
    AudioParams, Codec, CodecParams, Colour, DecoderConfig, MediaTime, Packet, PixelShape, VideoParams,
};
use sailcast_web_base::js::{Plain, text};
use wasm_bindgen::prelude::*;
use web_sys::{Event, MessageEvent, MessagePort, VideoFrame};

use super::{
    Callback, Decoded, Decoder,
    frame::{Frame, Lent, Planes},
};

#[wasm_bindgen]
extern "C" {
    /// `FromDecoder` of `www/src/internal/codecs/protocol.ts`.
    #[wasm_bindgen(extends = js_sys::Object, js_name = Object)]
    type Said;

    #[wasm_bindgen(method, structural, getter, js_name = type)]
    fn kind(this: &Said) -> String;

    #[wasm_bindgen(method, structural, getter)]
    fn frame(this: &Said) -> VideoFrame;

    #[wasm_bindgen(method, structural, getter)]
    fn picture(this: &Said) -> Planes;

    #[wasm_bindgen(method, structural, getter)]
    fn timestamp(this: &Said) -> f64;

    #[wasm_bindgen(method, structural, getter, js_name = sampleRate)]
    fn sample_rate(this: &Said) -> u32;

    #[wasm_bindgen(method, structural, getter)]
    fn channels(this: &Said) -> u8;

    #[wasm_bindgen(method, structural, getter)]
    fn data(this: &Said) -> Float32Array;

    #[wasm_bindgen(method, structural, getter)]
    fn message(this: &Said) -> String;
}

pub struct Software {
    port: MessagePort,
    _said: EventListener,
}

impl Software {
    /// `connect` gives a port to a codec worker for `video` or `audio`. `planes`: pictures come as planes, never as frames.
    pub fn open(
        config: &DecoderConfig,
        planes: bool,
        connect: &Function,
        callback: Callback,
    ) -> Result<Self, JsValue> {
        let module = module(config.codec)
            .ok_or_else(|| JsError::new(&format!("no software decoder for {}", config.codec_string)))?;
        let kind = JsValue::from(config.kind().as_str());
        let port: MessagePort = connect.call1(&JsValue::NULL, &kind)?.unchecked_into();
        let home = port.clone();
        let pixel = config.pixel();
        let said = EventListener::new(&port, "message", move |event: &Event| {
            let said: Said = event.unchecked_ref::<MessageEvent>().data().unchecked_into();
            callback(read(&said, &home, pixel));
        });
        port.start();
        let decoder = Self { port, _said: said };
        decoder.post(&open(config, module, planes), None)?;
        Ok(decoder)
    }

    fn post(&self, message: &JsValue, transfer: Option<&JsValue>) -> Result<(), JsValue> {
        match transfer {
            Some(one) => self.port.post_message_with_transferable(message, &Array::of1(one)),
            None => self.port.post_message(message),
        }
    }
}

impl Decoder for Software {
    fn decode(&self, packet: &Packet) -> Result<(), JsValue> {
        let data = Uint8Array::from(&*packet.data);
        let message = named("packet")
            .with("pts", packet.pts.0 as f64)
            .with("keyframe", packet.keyframe)
            .with("data", data.clone());
        self.post(&message, Some(&data.buffer()))
    }

    fn flush(&self) {
        if let Err(error) = self.post(&named("flush"), None) {
            log::error!("codec worker: {}", text(&error));
        }
    }
}

impl Drop for Software {
    fn drop(&mut self) {
        if let Err(error) = self.post(&named("close"), None) {
            log::error!("codec worker: {}", text(&error));
        }
        self.port.close();
    }
}

/// The name of its file in `dist/codecs`.
fn module(codec: Codec) -> Option<&'static str> {
    match codec {
        Codec::Avc => Some("h264"),
        Codec::Hevc => Some("hevc"),
        Codec::Aac => Some("aac"),
        Codec::Mp3 => Some("mp3"),
        Codec::Opus => Some("opus"),
        Codec::Flac => Some("flac"),
        Codec::Av1 | Codec::Vp9 | Codec::Vp8 | Codec::G711A | Codec::G711U | Codec::Ac3 | Codec::Eac3 => None,
    }
}

fn named(kind: &str) -> Plain {
    Plain::empty().with("type", kind)
}

fn open(config: &DecoderConfig, module: &str, planes: bool) -> Plain {
    let (kind, look) = match config.params {
        CodecParams::Video(video) => {
            (ConfigKind::Video { width: video.width, height: video.height }, Some(video))
        }
        CodecParams::Audio(AudioParams { sample_rate, channels }) => {
            (ConfigKind::Audio { sample_rate, channels: channels.into() }, None)
        }
    };
    let bytes = Config { kind, description: &config.description }.write();
    let message =
        named("open").with("module", module).with("config", Uint8Array::from(&*bytes)).with("planes", planes);
    match look {
        Some(video) => message.with("colour", colour(video.colour)).with("look", frame_look(video)),
        None => message,
    }
}

fn colour(of: Colour) -> Plain {
    Plain::empty()
        .with("primaries", of.primaries)
        .with("transfer", of.transfer)
        .with("matrix", of.matrix)
        .with("fullRange", of.full_range)
}

/// `FrameLook` of `www/src/internal/codecs/protocol.ts`.
fn frame_look(video: VideoParams) -> Plain {
    let look = Plain::empty().with("rotation", video.turn.rotation).with("flip", video.turn.mirror);
    if video.pixel == PixelShape::SQUARE {
        return look;
    }
    let (width, height) = video.display_size();
    look.with("displayWidth", width).with("displayHeight", height)
}

fn read(said: &Said, home: &MessagePort, pixel: PixelShape) -> Decoded {
    match said.kind().as_str() {
        "frame" => Decoded::Frame(Frame::Native(said.frame())),
        "planes" => Decoded::Frame(Frame::Planes(Lent::new(said.picture(), pixel, home.clone()))),
        "sound" => {
            let block = PcmBlock {
                sample_rate: said.sample_rate(),
                channels: said.channels(),
                data: said.data().to_vec(),
            };
            Decoded::Samples(MediaTime(said.timestamp() as i64), block)
        }
        "flushed" => Decoded::Flushed,
        "leftout" => Decoded::LeftOut(MediaTime(said.timestamp() as i64), said.message()),
        _ => Decoded::Failed(said.message()),
    }
}
