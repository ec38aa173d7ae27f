//! The browser's own decoders.
//!
//! Support is not asked for beforehand: `isConfigSupported` costs a round trip at start, and the decoder says the
//! same by its error callback.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Object, Uint8Array};
use sailcast_engine::PcmBlock;
use sailcast_media::{
    AudioParams, Codec, CodecParams, Colour, DecoderConfig, MediaTime, Packet, PixelShape, Turn, VideoParams,
};
use sailcast_web_base::js::{Plain, is_reclaimed, text};
use wasm_bindgen::prelude::*;
use web_sys::{
    AudioData, AudioDataCopyToOptions, AudioDecoder, AudioDecoderConfig, AudioDecoderInit, AudioSampleFormat,
    EncodedAudioChunk, EncodedVideoChunk, VideoDecoder, VideoDecoderConfig, VideoDecoderInit,
};

use super::{Callback, Decoded, Decoder, Frame};
use crate::stamps::Stamps;

/// From here on a picture is of high definition.
const HD_LINES: u32 = 720;

#[wasm_bindgen]
extern "C" {
    /// `EncodedVideoChunkInit` and `EncodedAudioChunkInit`, with data given as a view of wasm memory.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    type ChunkInit;

    #[wasm_bindgen(constructor)]
    fn new() -> ChunkInit;

    #[wasm_bindgen(method, structural, setter, js_name = type)]
    fn set_kind(this: &ChunkInit, kind: &str);

    #[wasm_bindgen(method, structural, setter)]
    fn set_timestamp(this: &ChunkInit, micros: f64);

    #[wasm_bindgen(method, structural, setter)]
    fn set_data(this: &ChunkInit, data: &[u8]);

    /// `AudioData` that writes straight into wasm memory.
    type Planes;

    #[wasm_bindgen(method, structural, catch, js_name = copyTo)]
    fn copy_to(this: &Planes, plane: &mut [f32], options: &AudioDataCopyToOptions) -> Result<(), JsValue>;
}

enum Native {
    Video(VideoDecoder),
    Audio(AudioDecoder, Rc<RefCell<Stamps>>),
}

pub struct WebCodecs {
    native: Native,
    callback: Callback,
    /// Held for as long as the browser may call them.
    _output: Closure<dyn FnMut(JsValue)>,
    _error: Closure<dyn FnMut(JsValue)>,
}

impl WebCodecs {
    /// `low_delay`: the stream has no reordering.
    pub fn open(config: &DecoderConfig, low_delay: bool, callback: Callback) -> Result<Self, JsValue> {
        let error: Closure<dyn FnMut(JsValue)> = {
            let callback = callback.clone();
            Closure::new(move |error: JsValue| callback(failed(&error)))
        };
        let on_error: &Function = error.as_ref().unchecked_ref();
        let to = callback.clone();
        let (native, output) = match config.params {
            CodecParams::Video(params) => {
                let output: Closure<dyn FnMut(JsValue)> = Closure::new(move |frame: JsValue| {
                    to(Decoded::Frame(Frame::Native(frame.unchecked_into())));
                });
                let init = VideoDecoderInit::new(on_error, output.as_ref().unchecked_ref());
                let decoder = VideoDecoder::new(&init)?;
                decoder.configure(&video_config(config, params, low_delay))?;
                (Native::Video(decoder), output)
            }
            CodecParams::Audio(params) => {
                let stamps: Rc<RefCell<Stamps>> = Rc::default();
                let times = stamps.clone();
                let output: Closure<dyn FnMut(JsValue)> = Closure::new(move |data: JsValue| {
                    let data: AudioData = data.unchecked_into();
                    let time = times.borrow_mut().block(MediaTime(data.timestamp() as i64));
                    to(samples(&data, time));
                });
                let init = AudioDecoderInit::new(on_error, output.as_ref().unchecked_ref());
                let decoder = AudioDecoder::new(&init)?;
                decoder.configure(&audio_config(config, params))?;
                (Native::Audio(decoder, stamps), output)
            }
        };
        Ok(Self { native, callback, _output: output, _error: error })
    }
}

impl Decoder for WebCodecs {
    fn decode(&self, packet: &Packet) -> Result<(), JsValue> {
        let init = ChunkInit::new();
        init.set_kind(if packet.keyframe { "key" } else { "delta" });
        init.set_timestamp(packet.pts.0 as f64);
        // A view of wasm memory, copied by the chunk's constructor in the very next call.
        init.set_data(&packet.data);
        match &self.native {
            Native::Video(decoder) => decoder.decode(&EncodedVideoChunk::new(init.unchecked_ref())?),
            Native::Audio(decoder, stamps) => {
                stamps.borrow_mut().packet(packet.pts);
                decoder.decode(&EncodedAudioChunk::new(init.unchecked_ref())?)
            }
        }
    }

    fn flush(&self) {
        let (flushed, stamps) = match &self.native {
            Native::Video(decoder) => (decoder.flush(), None),
            Native::Audio(decoder, stamps) => (decoder.flush(), Some(stamps.clone())),
        };
        let callback = self.callback.clone();
        js_sys::futures::spawn_local(async move {
            let flushed = flushed.await;
            if let Some(stamps) = stamps {
                stamps.borrow_mut().clear();
            }
            callback(match flushed {
                Ok(_) => Decoded::Flushed,
                Err(error) => failed(&error),
            });
        });
    }
}

impl Drop for WebCodecs {
    fn drop(&mut self) {
        let closed = match &self.native {
            Native::Video(decoder) => decoder.close(),
            Native::Audio(decoder, _) => decoder.close(),
        };
        // One that failed has closed itself, and refuses a second time.
        if let Err(error) = closed {
            log::debug!("close of a decoder: {}", text(&error));
        }
    }
}

fn video_config(config: &DecoderConfig, params: VideoParams, low_delay: bool) -> VideoDecoderConfig {
    let native = VideoDecoderConfig::new(&config.codec_string);
    native.set_optimize_for_latency(low_delay);
    // Zero is a TypeError, and the size is but a hint.
    if params.width > 0 && params.height > 0 {
        native.set_coded_width(params.width);
        native.set_coded_height(params.height);
    }
    if !config.description.is_empty() {
        native.set_description_u8_array(&Uint8Array::from(&*config.description));
    }
    if is_silent_sd(config.codec, params) {
        let sd = Plain::empty()
            .with("primaries", "bt709")
            .with("transfer", "bt709")
            .with("matrix", "smpte170m")
            .with("fullRange", false);
        native.unchecked_ref::<Plain>().put("colorSpace", &sd);
    }
    if params.pixel != PixelShape::SQUARE {
        let (width, height) = params.pixel.size((params.width, params.height));
        let native: &Plain = native.unchecked_ref();
        native.put("displayAspectWidth", &width.into());
        native.put("displayAspectHeight", &height.into());
    }
    if params.turn != Turn::NONE {
        let native: &Plain = native.unchecked_ref();
        native.put("rotation", &params.turn.rotation.into());
        native.put("flip", &params.turn.mirror.into());
    }
    native
}

/// Small pictures whose stream says nothing of their colours are BT.601 to every `<video>`; Chromium's WebCodecs alone takes
/// them for BT.709. Primaries it changes with some renderers and not with others: those of the screen are right with all. Full range it takes for BT.601 by itself. Only of these codecs do we read all that the stream says.
fn is_silent_sd(codec: Codec, VideoParams { height, colour, .. }: VideoParams) -> bool {
    let Colour { primaries, matrix, full_range, .. } = colour;
    let silent = Colour::UNSPECIFIED;
    matches!(codec, Codec::Avc | Codec::Hevc)
        && (primaries, matrix, full_range) == (silent.primaries, silent.matrix, false)
        && (1..HD_LINES).contains(&height)
}

fn audio_config(config: &DecoderConfig, params: AudioParams) -> AudioDecoderConfig {
    let native =
        AudioDecoderConfig::new(&config.codec_string, u32::from(params.channels), params.sample_rate);
    if !config.description.is_empty() {
        native.set_description_u8_array(&Uint8Array::from(&*config.description));
    }
    native
}

fn failed(error: &JsValue) -> Decoded {
    if is_reclaimed(error) { Decoded::Reclaimed } else { Decoded::Failed(text(error)) }
}

/// Takes the PCM out of `data` and closes it.
fn samples(data: &AudioData, time: MediaTime) -> Decoded {
    let pcm = interleaved(data);
    data.close();
    match pcm {
        Ok(pcm) => Decoded::Samples(time, pcm),
        Err(error) => Decoded::Failed(text(&error)),
    }
}

/// Planar f32 is the one format every browser converts to (WebCodecs, `AudioData.copyTo`).
fn interleaved(data: &AudioData) -> Result<PcmBlock, JsValue> {
    let channels = u8::try_from(data.number_of_channels()).unwrap_or(u8::MAX);
    let frames = data.number_of_frames() as usize;
    let planes: &Planes = data.unchecked_ref();
    let mut pcm = vec![0.0; frames * usize::from(channels)];
    if channels == 1 {
        planes.copy_to(&mut pcm, &plane_options(0))?;
    } else {
        let mut plane = vec![0.0; frames];
        for channel in 0..channels {
            planes.copy_to(&mut plane, &plane_options(channel))?;
            let slots = pcm.iter_mut().skip(channel.into()).step_by(channels.into());
            slots.zip(&plane).for_each(|(slot, sample)| *slot = *sample);
        }
    }
    Ok(PcmBlock { sample_rate: data.sample_rate() as u32, channels, data: pcm })
}

fn plane_options(channel: u8) -> AudioDataCopyToOptions {
    let options = AudioDataCopyToOptions::new(channel.into());
    options.set_format(AudioSampleFormat::F32Planar);
    options
}
