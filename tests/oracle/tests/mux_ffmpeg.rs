//! What our muxers write, FFmpeg reads: the same packets at the same times, and the same pictures and sound when decoded.

mod common;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::{Bytes, BytesMut};
use common::Ours;
use md5::{Digest, Md5};
use sailcast_media::{
    Codec, MediaKind, Packet, TrackInfo,
    mp4::mux::{FragmentMuxer, Recording, SNAP},
    ts::mux::TsMuxer,
};
use serde_json::Value;

fn media(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name)
}

fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.replace('/', "-"));
    fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// The first track of each kind, as it is configured first: none here changes in more than what FFmpeg says of a whole file.
fn stream(name: &str) -> (Vec<TrackInfo>, Vec<Packet>) {
    let mut ours = Ours::of(&media(name));
    ours.tracks.retain(|track| track.id.number == 0);
    ours.tracks.sort_by_key(|track| track.id);
    ours.tracks.dedup_by_key(|track| track.id);
    ours.packets.retain(|packet| packet.track.number == 0 && !packet.data.is_empty());
    assert!(!ours.packets.is_empty() && ours.tracks.len() <= 2, "{name}: {:?}", ours.tracks);
    (ours.tracks, ours.packets)
}

/// Cut at keyframes of the picture, or after a second of sound alone.
fn fragments(packets: &[Packet]) -> Vec<&[Packet]> {
    let has_video = packets.iter().any(|packet| packet.track.kind == MediaKind::Video);
    let mut from = packets.first().map(|packet| packet.dts).unwrap_or_default();
    packets
        .chunk_by(|_, next| {
            let cut = match has_video {
                true => next.track.kind == MediaKind::Video && next.keyframe,
                false => (next.dts - from).0 >= 1_000_000,
            };
            if cut {
                from = next.dts;
            }
            !cut
        })
        .collect()
}

fn mp4(tracks: &[TrackInfo], packets: &[Packet]) -> BytesMut {
    let base = packets.iter().map(|packet| packet.dts).min().unwrap_or_default();
    let mut muxer = FragmentMuxer::new(tracks).unwrap().with_base(base);
    let mut out = BytesMut::new();
    muxer.init(&mut out);
    let mut at = 0;
    for fragment in fragments(packets) {
        at += fragment.len();
        muxer.segment_type(&mut out);
        muxer.fragment(&mut out, fragment, &packets[at..]).unwrap();
    }
    out
}

fn ts(tracks: &[TrackInfo], packets: &[Packet]) -> BytesMut {
    let mut muxer = TsMuxer::new(tracks).unwrap();
    let mut out = BytesMut::new();
    for fragment in fragments(packets) {
        muxer.tables(&mut out);
        fragment.iter().for_each(|packet| muxer.packet(&mut out, packet).unwrap());
        muxer.flush(&mut out);
    }
    out
}

fn run(program: &str, args: &[&str], path: &Path) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(["-v", "error", "-i"]).arg(path).args(args);
    let out = command.output().unwrap_or_else(|e| {
        panic!("{program} cannot be run ({e}): install ffmpeg, or run `cargo xtask setup`")
    });
    let complaints = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && complaints.is_empty(), "{}: {complaints}", path.display());
    out.stdout
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    kind: &'static str,
    dts: i64,
    pts: i64,
    is_key: bool,
    digest: String,
}

/// What FFmpeg reads, track by track.
fn probe(path: &Path) -> Vec<Seen> {
    let args = ["-show_packets", "-show_streams", "-show_data_hash", "MD5", "-of", "json"];
    let heard: Value = serde_json::from_slice(&run("ffprobe", &args, path)).unwrap();
    let streams = heard["streams"].as_array().unwrap();
    let micros = |value: &Value| (value.as_str().unwrap().parse::<f64>().unwrap() * 1e6).round() as i64;
    let mut packets: Vec<_> = heard["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|packet| Seen {
            kind: kind(streams[packet["stream_index"].as_u64().unwrap() as usize]["codec_type"] == "video"),
            dts: micros(&packet["dts_time"]),
            pts: micros(&packet["pts_time"]),
            is_key: packet["flags"].as_str().unwrap().starts_with('K'),
            digest: packet["data_hash"].as_str().unwrap().trim_start_matches("MD5:").to_owned(),
        })
        .collect();
    packets.sort_by_key(|packet| packet.kind);
    packets
}

fn kind(is_video: bool) -> &'static str {
    if is_video { "video" } else { "audio" }
}

fn expected(packets: &[Packet]) -> Vec<Seen> {
    let base = packets.iter().map(|packet| packet.dts).min().unwrap_or_default();
    let mut seen: Vec<_> = packets
        .iter()
        .map(|packet| Seen {
            kind: kind(packet.track.kind == MediaKind::Video),
            dts: (packet.dts - base).0,
            pts: (packet.pts - base).0,
            is_key: packet.keyframe,
            digest: hex(&packet.data),
        })
        .collect();
    seen.sort_by_key(|packet| packet.kind);
    seen
}

fn hex(data: &Bytes) -> String {
    Md5::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

const ALL: &[&str] = &[
    "media/counter-bframes.flv",
    "media/counter-hevc-opus.flv",
    "media/counter-mp3.flv",
    "media/counter-flac.flv",
    "media/counter-g711.flv",
    "media/audio-only.flv",
    "media/video-only.flv",
    "vectors/flv/ex-hvc1-bframes.flv",
    "vectors/flv/ffmpeg-hevc.flv",
    "vectors/flv/ffmpeg-av1.flv",
    "vectors/flv/ffmpeg-vp9.flv",
    "vectors/flv/ex-vp08.flv",
    "vectors/flv/ffmpeg-opus.flv",
    "vectors/flv/ffmpeg-ac3.flv",
    "vectors/flv/ffmpeg-eac3.flv",
    "vectors/flv/mp3-8k.flv",
];

#[test]
fn fragments_give_ffmpeg_the_same_packets() {
    for name in ALL {
        let (tracks, packets) = stream(name);
        let path = written(&format!("{name}.mp4"), &mp4(&tracks, &packets));
        let (seen, expected) = (probe(&path), expected(&packets));
        assert_eq!(seen.len(), expected.len(), "{name}");
        for (i, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
            // Pictures by the tick; sound is brought together.
            let within = if seen.kind == "video" { 12 } else { SNAP.0 };
            let near = |a: i64, b: i64| (a - b).abs() <= within;
            let same = near(seen.dts, expected.dts) && near(seen.pts, expected.pts);
            let same = same && seen.digest == expected.digest && seen.is_key == expected.is_key;
            assert!(same, "{name}, packet {i}: {seen:?} instead of {expected:?}");
        }
    }
}

/// What TS has a mapping for.
const IN_TS: &[&str] = &[
    "media/counter-bframes.flv",
    "media/counter-hevc-opus.flv",
    "media/counter-mp3.flv",
    "media/audio-only.flv",
    "media/video-only.flv",
    "vectors/flv/ex-hvc1-bframes.flv",
    "vectors/flv/ffmpeg-ac3.flv",
    "vectors/flv/ffmpeg-eac3.flv",
    "vectors/flv/mp3-8k.flv",
];
/// By how much the frames of a PES packet may differ from its time and their durations: FLV rounds to 1 ms.
const SKEW: i64 = 2100;

#[test]
fn transport_streams_give_ffmpeg_the_same_times() {
    for name in IN_TS {
        let (tracks, packets) = stream(name);
        let path = written(&format!("{name}.ts"), &ts(&tracks, &packets));
        let base = packets.iter().map(|packet| packet.dts).min().unwrap_or_default().0;
        let (seen, expected) = (probe(&path), expected(&packets));
        assert_eq!(seen.len(), expected.len(), "{name}");
        for (i, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
            let near = |a: i64, b: i64| (a - base - b).abs() <= SKEW;
            let same = near(seen.dts, expected.dts) && near(seen.pts, expected.pts);
            assert!(
                same && seen.is_key == expected.is_key,
                "{name}, packet {i}: {seen:?} instead of {expected:?}"
            );
        }
    }
}

/// Digests of the decoded pictures and of the sound.
fn decoded(path: &Path) -> Vec<String> {
    let mut digests = Vec::new();
    for (stream, format) in [("0:v?", "framemd5"), ("0:a?", "md5")] {
        let heard = run("ffmpeg", &["-map", stream, "-fps_mode", "passthrough", "-f", format, "-"], path);
        let lines = String::from_utf8(heard).unwrap();
        let digest = |line: &str| line.rsplit([',', '=']).next().unwrap_or_default().trim().to_owned();
        digests.extend(lines.lines().filter(|line| !line.starts_with('#')).map(digest));
    }
    digests
}

#[test]
fn transport_streams_decode_as_fragments_do() {
    for name in IN_TS {
        let (tracks, packets) = stream(name);
        let mut expected = decoded(&written(&format!("{name}.decoded.mp4"), &mp4(&tracks, &packets)));
        let mut seen = decoded(&written(&format!("{name}.decoded.ts"), &ts(&tracks, &packets)));
        // What an OpusHead leaves out at the start has no place in a transport stream.
        if tracks.iter().any(|track| track.config.codec == Codec::Opus) {
            seen.pop();
            expected.pop();
        }
        assert_eq!(seen, expected, "{name}");
    }
}

#[test]
fn recordings_hold_the_stream_and_ffmpeg_seeks_by_their_index() {
    for name in ALL {
        let (tracks, packets) = stream(name);
        let mut recording = Recording::new(&tracks).unwrap();
        let mut out = BytesMut::new();
        packets.iter().for_each(|packet| recording.packet(&mut out, packet).unwrap());
        recording.finish(&mut out).unwrap();
        let path = written(&format!("{name}.recorded.mp4"), &out);
        let lead = tracks.iter().map(|track| track.id).min().unwrap();
        let begin = packets.iter().position(|packet| packet.track == lead && packet.keyframe).unwrap();
        let base = packets[begin].dts;
        let expected =
            packets[begin..].iter().filter(|p| p.dts >= base).map(|p| hex(&p.data)).collect::<BTreeSet<_>>();
        let seen = probe(&path).into_iter().map(|packet| packet.digest).collect::<BTreeSet<_>>();
        assert_eq!(seen, expected, "{name}");
        let sought = ["-v", "error", "-use_mfra_for", "pts", "-ss", "1", "-i"];
        let heard =
            Command::new("ffmpeg").args(sought).arg(&path).args(["-f", "null", "-"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&heard.stderr), "", "{name}");
    }
}
