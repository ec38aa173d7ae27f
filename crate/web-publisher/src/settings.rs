//! The page's plain objects of `www/src/publisher/internal/protocol.ts`, read. Seconds outside, microseconds inside.

use js_sys::Object;
use sailcast_engine::publisher::{AudioSettings, Line, LineRecord, Settings, SourceState, VideoSettings};
use sailcast_media::{Codec, MediaKind};
use sailcast_web_base::js::micros;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// One of the page's plain objects.
    #[wasm_bindgen(extends = Object, js_name = Object)]
    pub type Given;

    #[wasm_bindgen(method, structural, indexing_getter)]
    fn get(this: &Given, key: &str) -> JsValue;
}

impl Given {
    fn inside(&self, key: &str) -> Self {
        self.get(key).unchecked_into()
    }

    fn number(&self, key: &str) -> f64 {
        self.get(key).as_f64().unwrap_or(0.0)
    }

    fn text(&self, key: &str) -> String {
        self.get(key).as_string().unwrap_or_default()
    }
}

/// `PublishSettings`, which the page has checked.
pub fn settings(given: &Given) -> Result<Settings, JsError> {
    let (video, audio) = (given.inside("video"), given.inside("audio"));
    Ok(Settings {
        video: VideoSettings {
            codec: codec(&video.text("codec"))?,
            side: video.number("side") as u32,
            min_side: video.number("minSide") as u32,
            fps: video.number("fps"),
            min_fps: video.number("minFps"),
            keyframe_interval: micros(video.number("keyframeInterval")),
            bitrate: video.number("bitrate") as u32,
            min_bitrate: video.number("minBitrate") as u32,
        },
        audio: AudioSettings { codec: codec(&audio.text("codec"))?, bitrate: audio.number("bitrate") as u32 },
        latency_budget: micros(given.number("latencyBudget")),
    })
}

/// One of the lines of `start`.
pub fn line(given: &Given) -> Line {
    let known = given.get("known").is_object().then(|| given.inside("known"));
    Line {
        url: given.text("url"),
        known: known.map(|known| LineRecord {
            connect: known.number("connect"),
            throughput: known.number("throughput"),
            failures: known.number("failures"),
        }),
    }
}

/// Of the `source` message.
pub fn source(kind: &str, state: &str) -> Result<(MediaKind, Option<SourceState>), JsError> {
    let kind = match kind {
        "video" => MediaKind::Video,
        "audio" => MediaKind::Audio,
        _ => return Err(JsError::new("a source is video or audio")),
    };
    let state = match state {
        "live" => Some(SourceState::Live),
        "muted" => Some(SourceState::Muted),
        "lost" => Some(SourceState::Lost),
        "none" => None,
        _ => return Err(JsError::new("a source is live, muted, lost or none")),
    };
    Ok((kind, state))
}

fn codec(name: &str) -> Result<Codec, JsError> {
    match name {
        "avc" => Ok(Codec::Avc),
        "hevc" => Ok(Codec::Hevc),
        "av1" => Ok(Codec::Av1),
        "vp9" => Ok(Codec::Vp9),
        "aac" => Ok(Codec::Aac),
        "opus" => Ok(Codec::Opus),
        _ => Err(JsError::new("a codec is avc, hevc, av1, vp9, aac or opus")),
    }
}
