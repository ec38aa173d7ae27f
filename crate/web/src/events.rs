//! The engine's events and figures as plain objects: `WorkerEvent` of `www/src/internal/protocol.ts` and
//! `PlayerStats` of `www/src/types.ts`. Times become seconds.

use js_sys::{Array, Date, Object, Uint8Array};
use sailcast_engine::{
    Begun, DecoderPath, Event, RenditionInfo, RequestId, ResolveRequest, SailcastError, SoundInfo, Stats,
};
use sailcast_media::{CodecParams, MediaTime, Message, Metadata, Micros, TrackInfo, Value};
use sailcast_web_base::js::{Plain, or_null, text};
use wasm_bindgen::prelude::*;

/// SEI `user_data_unregistered`: a UUID, and data of whoever that is.
const UNREGISTERED: u32 = 5;

pub fn event(event: Event) -> Plain {
    match event {
        Event::StateChange(state) => named("statechange").with("state", state.as_str()),
        Event::Track(info) => track(info),
        Event::Sound(info) => sound(info),
        Event::FirstFrame => named("firstframe"),
        Event::Playing => named("playing"),
        Event::Waiting => named("waiting"),
        Event::Resize { width, height, turn } => named("resize")
            .with("width", width)
            .with("height", height)
            .with("rotation", turn.rotation)
            .with("mirror", turn.mirror),
        Event::Ended => named("ended"),
        Event::Metadata(message) => metadata("metadata", message),
        Event::Cue(message) => metadata("cue", message),
        Event::TrackSelected(info) => {
            named("trackselected").with("kind", info.kind().as_str()).with("number", info.id.number)
        }
        Event::DecoderChange { kind, from, to, reason } => named("decoderchange")
            .with("kind", kind.as_str())
            .with("from", path(from))
            .with("to", to.as_str())
            .with("reason", reason.as_str()),
        Event::Discontinuity(jump) => {
            named("discontinuity").with("kind", jump.kind.as_str()).with("delta", jump.delta.as_secs_f64())
        }
        Event::Skip { from, to } => {
            named("skip").with("from", from.as_secs_f64()).with("to", to.as_secs_f64())
        }
        Event::RateChange { rate } => named("ratechange").with("rate", rate),
        Event::TargetChange { target } => named("targetchange").with("target", target.as_secs_f64()),
        Event::Reconnecting { attempt, delay, reason } => named("reconnecting")
            .with("attempt", attempt)
            .with("delay", delay.as_secs_f64())
            .with("reason", reason.as_str()),
        Event::Reconnected { attempt } => named("reconnected").with("attempt", attempt),
        Event::NeedsAll => named("needsall"),
        Event::Source { kind, live } => named("source").with("kind", kind.as_str()).with("live", live),
        Event::DurationChange { duration, seekable } => named("durationchange")
            .with("duration", or_null(duration.map(Micros::as_secs_f64)))
            .with("seekable", range(seekable)),
        Event::Seeking(to) => named("seeking").with("to", to.as_secs_f64()),
        Event::Seeked(at) => named("seeked").with("at", at.as_secs_f64()),
        Event::Renditions(all) => {
            named("renditions").with("renditions", all.into_iter().map(rendition).collect::<Array>())
        }
        Event::RenditionChange { id, auto } => {
            named("renditionchange").with("id", id.to_string()).with("auto", auto)
        }
        Event::RecordingFailed(why) => named("recordingfailed").with("why", why),
        Event::Degraded => named("degraded"),
        Event::Recovered => named("recovered"),
        Event::Error(error) => failure(&error),
    }
}

fn rendition(info: RenditionInfo) -> Plain {
    Plain::empty()
        .with("id", info.id.to_string())
        .with("name", info.name)
        .with("bitrate", or_null(info.bitrate.map(|bitrate| bitrate as f64)))
        .with("width", or_null(info.width))
        .with("height", or_null(info.height))
        .with("frameRate", or_null(info.frame_rate))
        .with("codecs", info.codecs)
}

/// The next bytes of the recording; none: it is complete.
pub fn recorded(data: &[u8]) -> Plain {
    named("recorded").with("data", Uint8Array::from(data))
}

/// `Begun` of `www/src/internal/protocol.ts`.
pub fn begun(begun: &Begun) -> Plain {
    Plain::empty()
        .with("length", or_null(begun.len.map(|len| len as f64)))
        .with("bytes", Uint8Array::from(&begun.bytes[..]))
}

/// Asks the page for an address; answered by `Session::resolved`.
pub fn resolve(id: RequestId, request: ResolveRequest) -> Plain {
    named("resolve")
        .with("request", id.0)
        .with("url", request.url)
        .with("attempt", request.attempt)
        .with("reason", request.reason.as_str())
}

pub fn stats(stats: &Stats, renderer: &str) -> Plain {
    Plain::empty()
        .with("state", stats.state.as_str())
        .with("renderer", renderer)
        .with("seekable", range(stats.seekable))
        .with("duration", or_null(stats.duration.map(Micros::as_secs_f64)))
        .with("bufferedRange", range(stats.buffered_range))
        .with("liveEdge", or_null(stats.live_edge.map(MediaTime::as_secs_f64)))
        .with("wallClock", or_null(stats.wall_clock.map(|unix| unix.0 as f64 / 1000.0)))
        .with("rendition", or_null(stats.rendition.map(|id| id.to_string())))
        .with("bandwidth", or_null(stats.estimate.map(|estimate| estimate as f64)))
        .with("videoDecoder", path(stats.video_decoder))
        .with("audioDecoder", path(stats.audio_decoder))
        .with("currentTime", stats.position.as_secs_f64())
        .with("latency", stats.latency.as_secs_f64())
        .with("targetLatency", stats.target_latency.as_secs_f64())
        .with("buffered", stats.buffered.as_secs_f64())
        .with("bufferedBytes", stats.buffered_bytes as f64)
        .with("playbackRate", stats.rate)
        .with("bytesReceived", stats.bytes_received as f64)
        .with("videoPackets", stats.video_packets as f64)
        .with("audioPackets", stats.audio_packets as f64)
        .with("framesDecoded", stats.frames_decoded as f64)
        .with("framesRendered", stats.frames_rendered as f64)
        .with("framesDropped", stats.frames_dropped as f64)
        .with("framesShed", stats.frames_shed as f64)
        .with("reconnects", stats.reconnects as f64)
        .with("framesSkipped", stats.frames_skipped as f64)
        .with("skips", stats.skips as f64)
        .with("stalls", stats.stalls as f64)
        .with("stalledTime", stats.stalled.as_secs_f64())
        .with("avOffset", or_null(stats.av_offset.map(Micros::as_secs_f64)))
        .with("skippedBytes", stats.skipped_bytes as f64)
        .with("audioDropped", stats.sound.dropped as f64)
        .with("audioCut", stats.sound.cut.as_secs_f64())
        .with("audioSilence", stats.sound.silence_filled.as_secs_f64())
        .with("audioUnderruns", stats.sound.underruns as f64)
}

fn named(name: &str) -> Plain {
    Plain::empty().with("name", name)
}

fn track(info: TrackInfo) -> Plain {
    match info.config.params {
        CodecParams::Video(params) => {
            let (width, height) = params.display_size();
            named("videotrack")
                .with("number", info.id.number)
                .with("codec", info.config.codec_string)
                .with("width", width)
                .with("height", height)
        }
        CodecParams::Audio(params) => named("audiotrack")
            .with("number", info.id.number)
            .with("codec", info.config.codec_string)
            .with("sampleRate", params.sample_rate)
            .with("channels", params.channels),
    }
}

fn sound(info: SoundInfo) -> Plain {
    named("audiotrack")
        .with("number", info.number)
        .with("codec", info.codecs)
        .with("label", info.label)
        .with("language", or_null(info.language))
}

fn failure(error: &SailcastError) -> Plain {
    named("error")
        .with("kind", error.code.kind())
        .with("details", error.code.details())
        .with("code", error.code.code())
        .with("fatal", error.fatal)
        .with("message", error.to_string())
}

fn metadata(name: &str, message: Metadata) -> Plain {
    let event = named(name).with("time", message.time.as_secs_f64());
    match message.message {
        Message::Script { name, values } => {
            event.with("message", name).with("values", values.into_iter().map(value).collect::<Array>())
        }
        Message::Sei { payload_type, payload } => {
            let event = event.with("message", "sei").with("values", Array::new()).with("type", payload_type);
            match payload.split_first_chunk() {
                Some((id, data)) if payload_type == UNREGISTERED => {
                    event.with("uuid", uuid(*id)).with("payload", Uint8Array::from(data))
                }
                _ => event.with("payload", Uint8Array::from(&payload[..])),
            }
        }
        Message::Id3 { payload } => {
            plain_message(event, "id3").with("payload", Uint8Array::from(&payload[..]))
        }
        Message::Scte35 { payload } => {
            plain_message(event, "scte35").with("payload", Uint8Array::from(&payload[..]))
        }
        Message::Emsg { scheme, value, id, duration, payload } => {
            let event =
                plain_message(event, "emsg").with("scheme", scheme).with("value", value).with("id", id);
            let event = event.with("duration", or_null(duration.map(Micros::as_secs_f64)));
            event.with("payload", Uint8Array::from(&payload[..]))
        }
        Message::ProducerTime { unix } => {
            plain_message(event, "producerTime").with("wallclock", unix.0 as f64 / 1000.0)
        }
    }
}

/// One without values.
fn plain_message(event: Plain, name: &str) -> Plain {
    event.with("message", name).with("values", Array::new())
}

/// As RFC 9562 writes it.
fn uuid(id: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in id.into_iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        text.extend(
            [byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)),
        );
    }
    text
}

/// `[start, end]`, or null.
fn range(range: Option<(MediaTime, MediaTime)>) -> JsValue {
    range.map_or(JsValue::NULL, |(start, end)| {
        Array::of2(&start.as_secs_f64().into(), &end.as_secs_f64().into()).into()
    })
}

fn path(path: Option<DecoderPath>) -> JsValue {
    or_null(path.map(DecoderPath::as_str))
}

/// Depth and counts are capped by the parser.
fn value(from: Value) -> JsValue {
    match from {
        Value::Null => JsValue::NULL,
        Value::Bool(flag) => flag.into(),
        Value::Number(number) => number.into(),
        Value::String(string) => string.into(),
        Value::Date(millis) => Date::new(&millis.into()).into(),
        Value::Object(members) => object(members),
        Value::Array(items) => items.into_iter().map(value).collect::<Array>().into(),
    }
}

/// `fromEntries` defines its properties: a key such as `__proto__` from the wire stays a key.
fn object(members: Vec<(String, Value)>) -> JsValue {
    let entries: Array =
        members.into_iter().map(|(key, member)| Array::of2(&key.into(), &value(member))).collect();
    match Object::from_entries(&entries) {
        Ok(object) => object.into(),
        Err(error) => {
            log::error!("metadata: {}", text(&error));
            JsValue::NULL
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_five_groups() {
        let id =
            [0xdc, 0x45, 0xe9, 0xbd, 0xe6, 0xd9, 0x48, 0xb7, 0x96, 0x2c, 0xd8, 0x20, 0xd9, 0x23, 0xee, 0xef];
        assert_eq!(uuid(id), "dc45e9bd-e6d9-48b7-962c-d820d923eeef");
        assert_eq!(uuid([0; 16]), "00000000-0000-0000-0000-000000000000");
    }
}
