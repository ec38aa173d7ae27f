//! The engine's events and figures as plain objects: `PublishWorkerEvent` and `PublishWorkerStats` of
//! `www/src/publisher/internal/protocol.ts`. Times become seconds.

use sailcast_engine::{
    SailcastError,
    publisher::{Event, LineRecord, Stats},
};
use sailcast_media::Micros;
use sailcast_web_base::js::{Plain, or_null};
use wasm_bindgen::prelude::*;

pub fn event(event: Event) -> Plain {
    match event {
        Event::StateChange(state) => named("statechange").with("state", state.as_str()),
        Event::Publishing { url } => named("publishing").with("url", url),
        Event::Encoder { kind, codec_string, path, width, height } => named("encoder")
            .with("kind", kind.as_str())
            .with("codec", codec_string)
            .with("path", path.as_str())
            .with("width", width)
            .with("height", height),
        Event::BitrateChange { from, to, reason } => {
            named("bitratechange").with("from", from).with("to", to).with("reason", reason.as_str())
        }
        Event::VideoChange { side, fps } => named("videochange").with("side", side).with("fps", fps),
        Event::FramesDropped { count, reason } => {
            named("framedrop").with("count", count).with("reason", reason.as_str())
        }
        Event::Congestion { congested, queue } => {
            named("congestion").with("congested", congested).with("queue", queue.as_secs_f64())
        }
        Event::Reconnecting { attempt, delay, reason } => named("reconnecting")
            .with("attempt", attempt)
            .with("delay", delay.as_secs_f64())
            .with("reason", reason),
        Event::SourceLost { kind, muted } => {
            named("devicelost").with("kind", kind.as_str()).with("muted", muted)
        }
        Event::SourceRecovered { kind } => named("devicerecovered").with("kind", kind.as_str()),
        Event::Degraded { what, message } => named("degraded").with("what", what).with("message", message),
        Event::Line { url, record } => named("line").with("url", url).with("record", line(record)),
        Event::Ended => named("ended"),
        Event::Error(error) => failure(&error),
    }
}

pub fn stats(stats: &Stats) -> Plain {
    Plain::empty()
        .with("state", stats.state.as_str())
        .with("uptime", stats.uptime.as_secs_f64())
        .with("bytesSent", stats.bytes_sent as f64)
        .with("queue", stats.queue.as_secs_f64())
        .with("queuedBytes", stats.queued_bytes as f64)
        .with("estimate", or_null(stats.estimate))
        .with("acknowledged", stats.acknowledged)
        .with("targetBitrate", stats.target_bitrate)
        .with("sentBitrate", stats.sent_bitrate)
        .with("videoBitrate", stats.video_bitrate)
        .with("audioBitrate", stats.audio_bitrate)
        .with("width", stats.width)
        .with("height", stats.height)
        .with("targetFps", stats.target_fps)
        .with("capturedFps", stats.captured_fps)
        .with("encodedFps", stats.encoded_fps)
        .with("framesCaptured", stats.frames_captured as f64)
        .with("framesEncoded", stats.frames_encoded as f64)
        .with("framesRepeated", stats.frames_repeated as f64)
        .with("keyframes", stats.keyframes as f64)
        .with("droppedDisposable", stats.dropped_disposable as f64)
        .with("droppedVideo", stats.dropped_video as f64)
        .with("droppedAudio", stats.dropped_audio as f64)
        .with("notEncoded", stats.not_encoded as f64)
        .with("encoderBusy", stats.encoder_busy as f64)
        .with("silence", stats.silence.as_secs_f64())
        .with("reconnects", stats.reconnects)
        .with("avOffset", stats.av_offset.map(Micros::as_secs_f64).map_or(JsValue::NULL, JsValue::from))
        .with("encodeTime", stats.encode_time.as_secs_f64())
}

fn named(name: &str) -> Plain {
    Plain::empty().with("name", name)
}

fn line(record: LineRecord) -> Plain {
    Plain::empty()
        .with("connect", record.connect)
        .with("throughput", record.throughput)
        .with("failures", record.failures)
}

fn failure(error: &SailcastError) -> Plain {
    named("error")
        .with("kind", error.code.kind())
        .with("details", error.code.details())
        .with("code", error.code.code())
        .with("fatal", error.fatal)
        .with("message", error.to_string())
}
