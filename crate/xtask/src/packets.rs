//! `cargo xtask packets FILE...`: what the demuxer makes of a file, one JSON object a line.
//!
//! A field tool and a test interface: the same files give the same lines. Times are microseconds on the stream's
//! unwrapped timeline, `at` and `len` are bytes. With several files a line of kind `file` comes before each.
//! Damage and unknown formats are lines of kind `skipped` and `error`; only a file that cannot be read fails.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    process::ExitCode,
};

use md5::{Digest, Md5};
use sailcast_media::{
    CodecParams, DemuxError, DemuxEvent, Demuxer, FileDemuxer, FlvDemuxer, Message, Metadata, Mp4Demuxer,
    Mp4File, PackedDemuxer, SkipReason, TrackId, TrackInfo, TsDemuxer, Value,
    demux::{Format, probe},
};
use serde_json::{Map, Value as Json, json};

const CHUNK: usize = 64 << 10;

pub fn run(files: &[String]) -> ExitCode {
    if files.is_empty() {
        eprintln!("error: name at least one file: cargo xtask packets FILE...");
        return ExitCode::from(2);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut done = ExitCode::SUCCESS;
    for path in files {
        if files.len() > 1 && line(&mut out, &json!({ "kind": "file", "path": path })).is_err() {
            return done;
        }
        match print_file(path, &mut out) {
            Ok(()) => {}
            Err(Failure::Input(error)) => {
                eprintln!("error: cannot read {path}: {error}");
                done = ExitCode::FAILURE;
            }
            // Whoever read the lines has enough of them.
            Err(Failure::Output) => return done,
        }
    }
    if out.flush().is_err() {
        return ExitCode::FAILURE;
    }
    done
}

enum Failure {
    Input(io::Error),
    Output,
}

fn print_file(path: &str, out: &mut impl Write) -> Result<(), Failure> {
    let mut file = File::open(path).map_err(Failure::Input)?;
    let first = next_chunk(&mut file)?;
    // What is no regular file cannot be read at any place.
    let is_regular = file.metadata().map_err(Failure::Input)?.is_file();
    match probe(&first) {
        Some(Format::Flv) => print_stream(FlvDemuxer::new(), file, first, out),
        Some(Format::Ts) => print_stream(TsDemuxer::new(), file, first, out),
        Some(Format::PackedAudio) => print_stream(PackedDemuxer::new(), file, first, out),
        Some(Format::Mp4) if is_regular => print_at_any_place(Mp4File::new(), file, out),
        Some(Format::Mp4) => print_stream(Mp4Demuxer::new(), file, first, out),
        _ => {
            let error = json!({ "kind": "error", "at": 0, "message": "no format that is read here" });
            line(out, &error)
        }
    }
}

fn print_stream(
    mut demuxer: impl Demuxer,
    mut file: File,
    mut chunk: Vec<u8>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    loop {
        if chunk.is_empty() {
            demuxer.finish();
        }
        let last = chunk.is_empty();
        demuxer.push(std::mem::take(&mut chunk).into());
        if !print_events(|| demuxer.poll(), out)? || last {
            return Ok(());
        }
        chunk = next_chunk(&mut file)?;
    }
}

fn print_at_any_place(
    mut demuxer: impl FileDemuxer,
    mut file: File,
    out: &mut impl Write,
) -> Result<(), Failure> {
    demuxer.set_len(file.metadata().map_err(Failure::Input)?.len());
    loop {
        let wanted = demuxer.wants();
        if let Some(at) = wanted {
            file.seek(SeekFrom::Start(at)).map_err(Failure::Input)?;
            demuxer.push(at, next_chunk(&mut file)?.into());
        }
        if !print_events(|| demuxer.poll(), out)? || wanted.is_none() {
            return Ok(());
        }
    }
}

/// Whether reading may go on.
fn print_events(
    mut poll: impl FnMut() -> Result<Option<DemuxEvent>, DemuxError>,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    loop {
        match poll() {
            Ok(Some(event)) => line(out, &event_json(&event))?,
            Ok(None) => return Ok(true),
            Err(error) => return line(out, &error_json(error)).map(|()| false),
        }
    }
}

/// The next bytes of the file, empty at its end.
fn next_chunk(file: &mut File) -> Result<Vec<u8>, Failure> {
    let mut chunk = Vec::with_capacity(CHUNK);
    file.take(CHUNK as u64).read_to_end(&mut chunk).map_err(Failure::Input)?;
    Ok(chunk)
}

fn line(out: &mut impl Write, json: &Json) -> Result<(), Failure> {
    writeln!(out, "{json}").map_err(|_| Failure::Output)
}

fn event_json(event: &DemuxEvent) -> Json {
    match event {
        DemuxEvent::Track(track) => track_json(track),
        DemuxEvent::Packet(packet) => json!({
            "kind": "packet",
            "track": packet.track.to_string(),
            "dts": packet.dts.0,
            "pts": packet.pts.0,
            "key": packet.keyframe,
            "size": packet.data.len(),
            "md5": hex(&Md5::digest(&packet.data)),
        }),
        DemuxEvent::Metadata(Metadata { time, track, message: Message::Script { name, values } }) => {
            let values: Vec<_> = values.iter().map(value_json).collect();
            of_track(*track, json!({ "kind": "metadata", "time": time.0, "name": name, "values": values }))
        }
        DemuxEvent::Metadata(Metadata { time, track, message: Message::Sei { payload_type, payload } }) => {
            let payload = hex(payload);
            of_track(
                *track,
                json!({ "kind": "sei", "time": time.0, "type": payload_type, "payload": payload }),
            )
        }
        DemuxEvent::Metadata(Metadata { time, track, message }) => message_json(*track, time.0, message),
        DemuxEvent::Skipped { track, at, len, why } => {
            let mut json = json!({ "kind": "skipped", "at": at, "why": why.as_str(), "len": len });
            if let SkipReason::UnsupportedCodec(name) = why {
                json["codec"] = name.to_string().into();
            }
            of_track(*track, json)
        }
    }
}

/// With the track, where it is known.
fn message_json(track: Option<TrackId>, time: i64, message: &Message) -> Json {
    of_track(
        track,
        match message {
            Message::Id3 { payload } => json!({ "kind": "id3", "time": time, "payload": hex(payload) }),
            Message::Scte35 { payload } => json!({ "kind": "scte35", "time": time, "payload": hex(payload) }),
            Message::Emsg { scheme, value, id, duration, payload } => json!({
                "kind": "emsg", "time": time, "scheme": scheme, "value": value, "id": id,
                "duration": duration.map(|duration| duration.0), "payload": hex(payload),
            }),
            Message::ProducerTime { unix } => json!({ "kind": "producerTime", "time": time, "unix": unix.0 }),
            Message::Script { .. } | Message::Sei { .. } => Json::Null,
        },
    )
}

fn of_track(track: Option<TrackId>, mut json: Json) -> Json {
    if let Some(track) = track {
        json["track"] = track.to_string().into();
    }
    json
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn track_json(track: &TrackInfo) -> Json {
    let mut json = json!({
        "kind": "track",
        "track": track.id.to_string(),
        "codec": track.config.codec_string,
    });
    match track.config.params {
        CodecParams::Video(video) => {
            json["width"] = video.width.into();
            json["height"] = video.height.into();
            json["bit_depth"] = video.bit_depth.into();
            json["reorder"] = video.reorder_depth.into();
            let colour = video.colour;
            json["colour"] = json!([colour.primaries, colour.transfer, colour.matrix, colour.full_range]);
        }
        CodecParams::Audio(audio) => {
            json["sample_rate"] = audio.sample_rate.into();
            json["channels"] = audio.channels.into();
        }
    }
    json["description_len"] = track.config.description.len().into();
    json
}

fn error_json(error: DemuxError) -> Json {
    let at = match error {
        DemuxError::NotFlv { at }
        | DemuxError::NoTags { at, .. }
        | DemuxError::NotTs { at, .. }
        | DemuxError::NoFrames { at, .. }
        | DemuxError::NotMp4 { at }
        | DemuxError::BadBox { at, .. } => Some(at),
        _ => None,
    };
    json!({ "kind": "error", "at": at, "message": error.to_string() })
}

/// Numbers that JSON does not have become null.
fn value_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => (*b).into(),
        Value::Number(n) | Value::Date(n) => (*n).into(),
        Value::String(text) => text.as_str().into(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), value_json(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(value_json).collect(),
    }
}
