//! The `onMetaData` that players and servers expect ("Enhancing onMetaData" of "Enhanced RTMP v2").

use crate::{
    flv::{
        header,
        write::{Form, Headers},
    },
    metadata::{Message, Metadata, Value},
    packet::{CodecParams, TrackInfo},
    time::MediaTime,
};

/// Describes these tracks as a muxer with `headers` writes them: number 0 of each kind by itself, the others in
/// `videoTrackIdInfoMap` and `audioTrackIdInfoMap`.
pub fn on_metadata(tracks: &[TrackInfo], headers: Headers) -> Metadata {
    let mut fields = Vec::new();
    let (mut video_map, mut audio_map) = (Vec::new(), Vec::new());
    for track in tracks {
        let map = match track.config.params {
            CodecParams::Video(_) => &mut video_map,
            CodecParams::Audio(_) => &mut audio_map,
        };
        match track.id.number {
            0 => fields.extend(describe(track, headers)),
            number => map.push((number.to_string(), Value::Object(describe(track, headers)))),
        }
    }
    for (name, map) in [("videoTrackIdInfoMap", video_map), ("audioTrackIdInfoMap", audio_map)] {
        if !map.is_empty() {
            fields.push((name.to_owned(), Value::Object(map)));
        }
    }
    Metadata {
        time: MediaTime(0),
        track: None,
        message: Message::Script { name: "onMetaData".into(), values: vec![Value::Object(fields)] },
    }
}

fn describe(track: &TrackInfo, headers: Headers) -> Vec<(String, Value)> {
    let mut fields = Vec::new();
    let mut number = |key: &str, value: f64| fields.push((key.to_owned(), Value::Number(value)));
    let (audio, id_key) = match track.config.params {
        CodecParams::Video(video) => {
            number("width", f64::from(video.width));
            number("height", f64::from(video.height));
            (None, "videocodecid")
        }
        CodecParams::Audio(audio) => {
            number("audiosamplerate", f64::from(audio.sample_rate));
            number("audiochannels", f64::from(audio.channels));
            (Some(audio), "audiocodecid")
        }
    };
    let id = match headers.form(track.config.codec, track.id.number, audio) {
        Some(Form::Video(id)) => Some(u32::from(id)),
        Some(Form::Audio(flags)) => Some(u32::from(flags >> 4)),
        Some(Form::Extended(fourcc)) => Some(u32::from_be_bytes(fourcc)),
        None => header::fourcc(track.config.codec).map(u32::from_be_bytes),
    };
    if let Some(id) = id {
        number(id_key, f64::from(id));
    }
    if let Some(audio) = audio {
        fields.push(("stereo".to_owned(), Value::Bool(audio.channels == 2)));
    }
    fields
}
