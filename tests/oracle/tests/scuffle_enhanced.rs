//! The packets of enhanced FLV equal scuffle-flv's, track by track, over the vectors that it can read.

mod common;

use std::{collections::BTreeMap, io::Cursor, path::Path};

use bytes::Bytes;
use common::{Ours, read};
use sailcast_media::TrackId;
use scuffle_flv::{
    audio::body::{
        AudioTagBody,
        enhanced::{AudioPacket, ExAudioTagBody},
    },
    file::FlvFile,
    tag::FlvTagData,
    video::body::{
        VideoTagBody,
        enhanced::{ExVideoTagBody, VideoPacket, VideoPacketCodedFrames},
    },
};

type Tracks = BTreeMap<TrackId, Vec<Bytes>>;

fn picture(packet: VideoPacket<'_>) -> Option<Bytes> {
    match packet {
        VideoPacket::CodedFramesX { data }
        | VideoPacket::CodedFrames(
            VideoPacketCodedFrames::Avc { data, .. }
            | VideoPacketCodedFrames::Hevc { data, .. }
            | VideoPacketCodedFrames::Other(data),
        ) => Some(data),
        _ => None,
    }
}

fn sound(packet: AudioPacket) -> Option<Bytes> {
    match packet {
        AudioPacket::CodedFrames { data } => Some(data),
        _ => None,
    }
}

fn theirs(data: Bytes) -> Option<Tracks> {
    let mut tracks = Tracks::new();
    let mut add = |track: TrackId, data: Option<Bytes>| {
        // Silence.
        if let Some(data) = data.filter(|data| !data.is_empty()) {
            tracks.entry(track).or_default().push(data);
        }
    };
    for tag in FlvFile::demux(&mut Cursor::new(data)).ok()?.tags {
        match tag.data {
            FlvTagData::Video(video) => match video.body {
                VideoTagBody::Enhanced(ExVideoTagBody::NoMultitrack { packet, .. }) => {
                    add(TrackId::video(0), picture(packet));
                }
                VideoTagBody::Enhanced(ExVideoTagBody::ManyTracks(several)) => {
                    for track in several {
                        add(TrackId::video(track.video_track_id), picture(track.packet));
                    }
                }
                _ => {}
            },
            FlvTagData::Audio(audio) => match audio.body {
                AudioTagBody::Enhanced(ExAudioTagBody::NoMultitrack { packet, .. }) => {
                    add(TrackId::audio(0), sound(packet));
                }
                AudioTagBody::Enhanced(ExAudioTagBody::ManyTracks(several)) => {
                    for track in several {
                        add(TrackId::audio(track.audio_track_id), sound(track.packet));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    Some(tracks)
}

#[test]
fn vectors_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vectors/flv");
    let (mut compared, mut unread) = (0, Vec::new());
    for entry in std::fs::read_dir(&folder).expect("the vectors").flatten() {
        let path = entry.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        // scuffle gives the bodies of codecs that nobody knows, too.
        if !name.starts_with("ex-") || name == "ex-unknown-fourcc" {
            continue;
        }
        let Some(theirs) = theirs(read(&path)) else {
            unread.push(name);
            continue;
        };
        let mut ours = Tracks::new();
        for packet in Ours::of(&path).packets.into_iter().filter(|packet| !packet.data.is_empty()) {
            ours.entry(packet.track).or_default().push(packet.data);
        }
        assert_eq!(ours, theirs, "{name}");
        compared += 1;
    }
    unread.sort();
    println!("{compared} compared, not read: {unread:?}");
    assert!(compared > 20, "{compared} compared");
}
