//! The files to compare on, and what our demuxer makes of them.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod ffprobe;

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use sailcast_media::{
    DemuxEvent, Demuxer, FileDemuxer, FlvDemuxer, MediaKind, Mp4File, Packet, TrackId, TrackInfo, TsDemuxer,
    demux::{Format, probe},
    flv::{Tag, TagEvent, TagKind, TagReader},
};

/// The project's own FLV fixtures with legacy headers, which all oracles know; `vectors.rs` has the enhanced ones.
pub fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/media");
    let mut files = files_of(&folder, &["flv"]);
    files.retain(|path| !is_extended(path));
    assert!(files.len() >= 4, "no fixtures in {}", folder.display());
    files
}

/// Those of H.264 and AAC alone, for oracles that know no more.
pub fn plain_fixtures() -> Vec<PathBuf> {
    let files: Vec<_> = fixtures().into_iter().filter(|path| is_plain(path)).collect();
    assert!(files.len() >= 4, "{} plain fixtures", files.len());
    files
}

pub fn is_plain(path: &Path) -> bool {
    tags(read(path)).iter().all(|tag| match (tag.kind, tag.body.first()) {
        (TagKind::Video, Some(first)) => first & 0x0f == 7,
        (TagKind::Audio, Some(first)) => first >> 4 == 10,
        _ => true,
    })
}

/// MPEG-TS by ffmpeg, in packets of 188 and 192 bytes.
pub fn ts_fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/media");
    let files = whole_files_of(&folder, &TS);
    assert!(files.len() >= 9, "no fixtures in {}", folder.display());
    files
}

const TS: [&str; 2] = ["ts", "m2ts"];

/// FLV files of the folder that `SAILCAST_CORPUS` names, with legacy headers, too; none when it is not set.
pub fn corpus() -> Vec<PathBuf> {
    let mut files = corpus_files(&["flv"]);
    files.retain(|path| !is_extended(path));
    files
}

/// The same, of MPEG-TS.
pub fn ts_corpus() -> Vec<PathBuf> {
    corpus_files(&TS)
}

fn corpus_files(extensions: &[&str]) -> Vec<PathBuf> {
    match std::env::var_os("SAILCAST_CORPUS") {
        Some(folder) => files_of(Path::new(&folder), extensions),
        None => {
            eprintln!("SAILCAST_CORPUS is not set: no files but the fixtures are compared");
            Vec::new()
        }
    }
}

/// The project's own MP4 files.
pub fn mp4_fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/media");
    let files = whole_files_of(&folder, &["mp4", "mov"]);
    assert!(files.len() >= 12, "no MP4 fixtures in {}", folder.display());
    files
}

/// MP4 files of the folder that `SAILCAST_CORPUS` names.
pub fn mp4_corpus() -> Vec<PathBuf> {
    std::env::var_os("SAILCAST_CORPUS")
        .map(|folder| files_of(Path::new(&folder), &["mp4"]))
        .unwrap_or_default()
}

/// Those that our demuxer reads without a complaint, each printed when it is come to.
pub fn clean(files: Vec<PathBuf>) -> impl Iterator<Item = PathBuf> {
    let files = files.into_iter().filter(|path| Ours::of(path).complaints.is_empty());
    files.inspect(|path| println!("{}", path.display()))
}

pub fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a name")
}

/// Those of the folder itself: beneath are segments of HLS, some encrypted, which are read with their playlist.
fn whole_files_of(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    files_of(folder, extensions).into_iter().filter(|path| path.parent() == Some(folder)).collect()
}

fn files_of(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())).flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_of(&path, extensions));
        } else if extensions.iter().any(|extension| path.extension().is_some_and(|ext| ext == *extension)) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// IsExHeader, the upper bit of a video body, or CodecID 12, which some take for H.265; SoundFormat 9.
fn is_extended(path: &Path) -> bool {
    let is_extended = |tag: &Tag| match (tag.kind, tag.body.first()) {
        (TagKind::Video, Some(first)) => first & 0x80 != 0 || first & 0x0f == 12,
        (TagKind::Audio, Some(first)) => first >> 4 == 9,
        _ => false,
    };
    tags(read(path)).iter().any(is_extended)
}

pub fn read(path: &Path) -> Bytes {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).into()
}

/// What our demuxer says of a file.
#[derive(Default)]
pub struct Ours {
    pub tracks: Vec<TrackInfo>,
    pub packets: Vec<Packet>,
    /// Everything that is not a track, a packet or metadata.
    pub complaints: Vec<DemuxEvent>,
}

impl Ours {
    pub fn of(path: &Path) -> Self {
        let bytes = read(path);
        let mut demuxer: Box<dyn Demuxer> = match probe(&bytes) {
            Some(Format::Ts) => Box::new(TsDemuxer::new()),
            _ => Box::new(FlvDemuxer::new()),
        };
        demuxer.push(bytes);
        demuxer.finish();
        let mut ours = Self::default();
        while let Some(event) = demuxer.poll().unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
            ours.take(event);
        }
        ours
    }

    /// Of an MP4 file, read where its demuxer wants to.
    pub fn of_file(path: &Path) -> Self {
        let file = read(path);
        let mut demuxer = Mp4File::new();
        demuxer.set_len(file.len() as u64);
        let mut ours = Self::default();
        loop {
            let wanted = demuxer.wants();
            if let Some(at) = wanted {
                let start = usize::try_from(at).expect("an offset");
                demuxer.push(at, file.slice(start..file.len().min(start + (64 << 10))));
            }
            while let Some(event) = demuxer.poll().unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
                ours.take(event);
            }
            if wanted.is_none() {
                return ours;
            }
        }
    }

    fn take(&mut self, event: DemuxEvent) {
        match event {
            DemuxEvent::Track(track) => self.tracks.push(track),
            DemuxEvent::Packet(packet) => self.packets.push(packet),
            DemuxEvent::Metadata(_) => {}
            other => self.complaints.push(other),
        }
    }

    pub fn packets_of(&self, id: TrackId) -> Vec<&Packet> {
        self.packets.iter().filter(|packet| packet.track == id).collect()
    }

    pub fn track(&self, kind: MediaKind) -> Option<&TrackInfo> {
        self.tracks.iter().find(|track| track.kind() == kind)
    }
}

pub fn tags(stream: Bytes) -> Vec<Tag> {
    let mut reader = TagReader::new();
    reader.push(stream);
    reader.finish();
    let mut tags = Vec::new();
    while let Some(event) = reader.poll().expect("an FLV stream") {
        if let TagEvent::Tag(tag) = event {
            tags.push(tag);
        }
    }
    tags
}
