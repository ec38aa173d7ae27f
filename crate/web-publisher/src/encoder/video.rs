//! The browser's video encoder.
//!
//! Pictures of another size are the encoder's to scale: WebCodecs demands it, and Chromium and Firefox do it in YUV, for less than
//! a canvas costs. Chromium's ignores a picture's turn, and refuses another turn than the first one's: turned pictures are drawn upright
//! before. Support is not asked for beforehand: `configure` and the error callback say the same without the way to and fro.
//!
//! Firefox on Linux encodes H.264 with libx264 and its lookahead: the first packet comes with the 42nd picture, whatever
//! `latencyMode` says, or at `flush()`, after which it begins with a keyframe. Its VP9 comes at once.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use js_sys::Function;
use sailcast_engine::publisher::{Encoded, VideoEncoding};
use sailcast_media::{Codec, MediaTime};
use sailcast_web_base::js::Plain;
use wasm_bindgen::prelude::*;
use web_sys::{
    DomRectInit, EncodedVideoChunk, EncodedVideoChunkType, HardwareAcceleration, LatencyMode,
    OffscreenCanvas, OffscreenCanvasRenderingContext2d, VideoEncoder, VideoEncoderBitrateMode,
    VideoEncoderConfig, VideoEncoderEncodeOptions, VideoEncoderInit, VideoFrame, VideoFrameInit,
};

use super::{Callback, Said, closed, description, failed, when_flushed};
use crate::frames::Frame;

pub struct Video {
    native: VideoEncoder,
    size: Cell<(u32, u32)>,
    easel: RefCell<Option<Easel>>,
    callback: Callback,
    /// Held for as long as the browser may call them.
    _output: Closure<dyn FnMut(JsValue, JsValue)>,
    _error: Closure<dyn FnMut(JsValue)>,
}

impl Video {
    pub fn open(encoding: &VideoEncoding, callback: Callback) -> Result<Self, JsValue> {
        let error: Closure<dyn FnMut(JsValue)> = {
            let callback = callback.clone();
            Closure::new(move |error: JsValue| callback(failed(&error)))
        };
        let output: Closure<dyn FnMut(JsValue, JsValue)> = {
            let callback = callback.clone();
            Closure::new(move |chunk: JsValue, metadata: JsValue| {
                callback(encoded(chunk.unchecked_ref(), &metadata));
            })
        };
        let on_error: &Function = error.as_ref().unchecked_ref();
        let native = VideoEncoder::new(&VideoEncoderInit::new(on_error, output.as_ref().unchecked_ref()))?;
        native.configure(&config(encoding))?;
        let size = Cell::new((encoding.width, encoding.height));
        Ok(Self { native, size, easel: RefCell::default(), callback, _output: output, _error: error })
    }

    /// Where only the rates differ, Chromium's goes on without a keyframe if it need not scale planar pictures, as it must of most
    /// cameras; Firefox's begins anew at another rate of pictures.
    pub fn tune(&self, encoding: &VideoEncoding) -> Result<(), JsValue> {
        let size = (encoding.width, encoding.height);
        if self.size.replace(size) != size {
            self.easel.take();
        }
        self.native.configure(&config(encoding))
    }

    pub fn encode(&self, frame: &Frame, pts: MediaTime, keyframe: bool) -> Result<(), JsValue> {
        let options = VideoEncoderEncodeOptions::new();
        options.set_key_frame(keyframe);
        let picture = self.picture(frame, pts)?;
        let result = self.native.encode_with_options(&picture, &options);
        picture.close();
        result
    }

    pub fn flush(&self) {
        when_flushed(self.native.flush(), &self.callback);
    }

    /// The same pixels, as the encoder takes them.
    fn picture(&self, frame: &Frame, pts: MediaTime) -> Result<VideoFrame, JsValue> {
        let init = VideoFrameInit::new();
        init.set_timestamp_f64(pts.0 as f64);
        if !frame.upright() {
            return self.drawn(frame, &init);
        }
        if let Some(rect) = trimmed(frame.native(), self.size.get()) {
            init.set_visible_rect(&rect);
        }
        VideoFrame::new_with_video_frame_and_video_frame_init(frame.native(), &init)
    }

    fn drawn(&self, frame: &Frame, init: &VideoFrameInit) -> Result<VideoFrame, JsValue> {
        let mut easel = self.easel.borrow_mut();
        match &*easel {
            Some(easel) => easel.draw(frame, init),
            None => easel.insert(Easel::new(self.size.get())?).draw(frame, init),
        }
    }
}

impl Drop for Video {
    fn drop(&mut self) {
        closed(self.native.close());
    }
}

/// A canvas of the encoding's size.
struct Easel {
    canvas: OffscreenCanvas,
    context: OffscreenCanvasRenderingContext2d,
}

impl Easel {
    fn new((width, height): (u32, u32)) -> Result<Self, JsValue> {
        let canvas = OffscreenCanvas::new(width, height)?;
        let context = canvas
            .get_context_with_context_options("2d", &Plain::empty().with("alpha", false))?
            .ok_or_else(|| JsError::new("no 2D canvas to turn the picture in"))?
            .unchecked_into();
        Ok(Self { canvas, context })
    }

    /// `drawImage` turns as the frame says.
    fn draw(&self, frame: &Frame, init: &VideoFrameInit) -> Result<VideoFrame, JsValue> {
        let (width, height) = (self.canvas.width().into(), self.canvas.height().into());
        self.context.draw_image_with_video_frame_and_dw_and_dh(frame.native(), 0.0, 0.0, width, height)?;
        VideoFrame::new_with_offscreen_canvas_and_video_frame_init(&self.canvas, init)
    }
}

/// Of a picture with one row or column too many, as odd sizes have, the part that is encoded: it needs no scaling then.
fn trimmed(frame: &VideoFrame, (width, height): (u32, u32)) -> Option<DomRectInit> {
    let visible = frame.visible_rect()?;
    let (wide, high) = (visible.width() - f64::from(width), visible.height() - f64::from(height));
    if wide.max(high) != 1.0 || wide.min(high) < 0.0 {
        return None;
    }
    let rect = DomRectInit::new();
    rect.set_x(visible.x());
    rect.set_y(visible.y());
    rect.set_width(width.into());
    rect.set_height(height.into());
    Some(rect)
}

/// Constant in place of WebCodecs' default: the encoders of hardware may exceed a variable target for seconds, which a live link
/// pays for in delay. To Chromium's software encoder both are the same, within 5 % of the target after the first second, and
/// a third above it where its coarsest quantiser is not coarse enough.
fn config(encoding: &VideoEncoding) -> VideoEncoderConfig {
    let config = VideoEncoderConfig::new(&encoding.codec_string, encoding.height, encoding.width);
    config.set_bitrate(encoding.bitrate);
    config.set_bitrate_mode(VideoEncoderBitrateMode::Constant);
    config.set_framerate(encoding.fps);
    config.set_latency_mode(LatencyMode::Realtime);
    if let Some(mode) = encoding.scalability {
        config.set_scalability_mode(mode);
    }
    if encoding.software {
        config.set_hardware_acceleration(HardwareAcceleration::PreferSoftware);
    }
    // Length-prefixed, and the parameter sets in the description.
    let own = match encoding.codec {
        Codec::Avc => Some(("avc", "avc")),
        Codec::Hevc => Some(("hevc", "hevc")),
        _ => None,
    };
    if let Some((member, format)) = own {
        config.unchecked_ref::<Plain>().put(member, &Plain::empty().with("format", format));
    }
    config
}

fn encoded(chunk: &EncodedVideoChunk, metadata: &JsValue) -> Said {
    let mut data = vec![0; chunk.byte_length() as usize];
    match chunk.copy_to_with_u8_slice(&mut data) {
        Ok(()) => Said::Encoded(Encoded {
            pts: MediaTime(chunk.timestamp() as i64),
            keyframe: chunk.type_() == EncodedVideoChunkType::Key,
            data: Bytes::from(data),
            description: description(metadata).map(Bytes::from),
        }),
        Err(error) => failed(&error),
    }
}
