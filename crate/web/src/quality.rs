//! The engine's quality statistics and session log as plain objects: `WorkerQuality` and `EngineLog` of `www/src/internal`.
//! Times become seconds, and instants milliseconds since 1970.

use js_sys::{Array, Reflect, WebAssembly};
use sailcast_engine::{
    DecoderPath, Stats,
    quality::{Entry, Field, Percentiles, Quality, SessionLog, Stall, StallSummary, StartUp},
};
use sailcast_media::Micros;
use sailcast_web_base::js::{Plain, epoch, or_null};
use wasm_bindgen::{JsCast, prelude::*};

pub fn quality(quality: &Quality, stats: &Stats) -> Plain {
    let (rates, drops, catch_up) = (&quality.rates, &quality.drops, &quality.catch_up);
    let drops = Plain::empty()
        .with("disposable", drops.disposable as f64)
        .with("late", drops.late as f64)
        .with("decoder", drops.decoder as f64)
        .with("skip", drops.skip as f64)
        .with("noKeyframe", drops.no_keyframe as f64)
        .with("sink", drops.sink as f64);
    let catch_up = Plain::empty()
        .with("faster", catch_up.faster.as_secs_f64())
        .with("slower", catch_up.slower.as_secs_f64())
        .with("skipped", catch_up.skipped.as_secs_f64())
        .with("skips", catch_up.skips as f64);
    let reconnects = quality
        .reconnects
        .iter()
        .fold(Plain::empty(), |all, (reason, count)| all.with(reason, *count as f64));
    let decoder = Plain::empty()
        .with("video", decoder(quality.video.as_deref(), stats.video_decoder))
        .with("audio", decoder(quality.audio.as_deref(), stats.audio_decoder));
    with_start_up(Plain::empty(), quality)
        .with("playedTime", quality.played.as_secs_f64())
        .with("stalls", stalls(quality))
        .with("latency", percentiles(quality.latency))
        .with("recentLatency", percentiles(quality.recent_latency))
        .with("bitrate", or_null(rates.bitrate))
        .with("throughput", or_null(rates.throughput))
        .with("receivedFps", or_null(rates.received_fps))
        .with("decodedFps", or_null(rates.decoded_fps))
        .with("shownFps", or_null(rates.shown_fps))
        .with("drops", drops)
        .with("catchUp", catch_up)
        .with("reconnects", reconnects)
        .with("decoder", decoder)
        .with("memory", Plain::empty().with("buffered", stats.buffered_bytes as f64).with("wasm", memory()))
}

/// The steps of the start, from `loadedAt` on.
pub fn with_start_up(object: Plain, quality: &Quality) -> Plain {
    object.with("loadedAt", epoch(quality.loaded)).with("startUp", start_up(&quality.start_up))
}

fn start_up(steps: &StartUp) -> Plain {
    Plain::empty()
        .with("connected", seconds(steps.connected))
        .with("firstByte", seconds(steps.first_byte))
        .with("firstTag", seconds(steps.first_tag))
        .with("firstKeyframe", seconds(steps.first_keyframe))
        .with("decoded", seconds(steps.decoded))
        .with("shown", seconds(steps.shown))
}

pub fn log(log: &SessionLog) -> Plain {
    Plain::empty()
        .with("entries", log.entries().map(entry).collect::<Array>())
        .with("lost", log.lost() as f64)
}

fn stalls(quality: &Quality) -> Plain {
    let StallSummary { count, total, histogram, recent, present } = &quality.stalls;
    let waiting = present.map_or(Micros::ZERO, |stall| stall.length);
    Plain::empty()
        .with("count", *count as f64)
        .with("finished", (count - u64::from(present.is_some())) as f64)
        .with("time", total.as_secs_f64())
        .with("finishedTime", (*total - waiting).as_secs_f64())
        .with("ratio", quality.stall_ratio())
        .with("per100s", quality.stalls_per_100s())
        .with("histogram", histogram.iter().map(|count| JsValue::from(*count)).collect::<Array>())
        .with("recent", recent.iter().map(stall).collect::<Array>())
}

fn stall(stall: &Stall) -> Plain {
    Plain::empty()
        .with("start", stall.start.as_secs_f64())
        .with("end", stall.end.as_secs_f64())
        .with("length", stall.length.as_secs_f64())
        .with("cause", stall.cause.as_str())
}

fn percentiles(all: Percentiles) -> Plain {
    Plain::empty().with("p50", seconds(all.p50)).with("p95", seconds(all.p95))
}

fn entry(entry: &Entry) -> Plain {
    let plain = Plain::empty().with("at", epoch(entry.at)).with("what", entry.what.name());
    entry.what.fields(|name, field| {
        let value = match field {
            Field::Text(text) => text.into(),
            Field::Number(number) => number.into(),
            Field::Flag(flag) => flag.into(),
            Field::Span(span) => span.as_secs_f64().into(),
        };
        plain.put(name, &value);
    });
    plain
}

fn decoder(codec: Option<&str>, path: Option<DecoderPath>) -> JsValue {
    let both = codec.zip(path);
    or_null(both.map(|(codec, path)| format!("{codec} {}", path.as_str())))
}

fn seconds(span: Option<Micros>) -> JsValue {
    or_null(span.map(Micros::as_secs_f64))
}

/// Bytes of the whole wasm memory. It never shrinks.
fn memory() -> f64 {
    let buffer = wasm_bindgen::memory().unchecked_into::<WebAssembly::Memory>().buffer();
    Reflect::get(&buffer, &"byteLength".into()).ok().and_then(|bytes| bytes.as_f64()).unwrap_or(0.0)
}
