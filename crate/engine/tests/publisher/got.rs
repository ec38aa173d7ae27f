//! What a server got, read as any server would.

use sailcast_media::{
    DemuxEvent, Demuxer, FlvDemuxer, MediaKind, Message, Packet, TrackInfo,
    flv::{TagEvent, TagKind, TagReader},
};

#[derive(Debug, Default)]
pub struct Got {
    pub tracks: Vec<TrackInfo>,
    pub packets: Vec<Packet>,
    pub scripts: Vec<String>,
}

impl Got {
    pub fn read(bytes: &[u8]) -> Self {
        let mut demuxer = FlvDemuxer::new();
        demuxer.push(bytes.to_vec().into());
        let mut got = Self::default();
        while let Some(event) = demuxer.poll().expect("FLV") {
            match event {
                DemuxEvent::Track(track) => got.tracks.push(track),
                DemuxEvent::Packet(packet) => got.packets.push(packet),
                DemuxEvent::Metadata(metadata) => {
                    if let Message::Script { name, .. } = metadata.message {
                        got.scripts.push(name);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        got
    }

    pub fn video(&self) -> Vec<&Packet> {
        self.packets.iter().filter(|packet| packet.track.kind == MediaKind::Video).collect()
    }

    pub fn audio(&self) -> Vec<&Packet> {
        self.packets.iter().filter(|packet| packet.track.kind == MediaKind::Audio).collect()
    }
}

/// Kind and time of each tag, in ms.
pub fn tags(bytes: &[u8]) -> Vec<(TagKind, u32)> {
    let mut reader = TagReader::default();
    reader.push(bytes.to_vec().into());
    let mut tags = Vec::new();
    while let Some(event) = reader.poll().expect("FLV") {
        if let TagEvent::Tag(tag) = event {
            tags.push((tag.kind, tag.timestamp));
        }
    }
    tags
}
