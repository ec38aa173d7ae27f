//! FLV to packets: tags of AVC and AAC, script data, and the timeline behind 32-bit milliseconds.
//!
//! **Invariant:** a [`Packet`] comes only after the [`TrackInfo`] that decodes it, and its dts is its tag's timestamp modulo
//! 2^32 ms, whatever came before: it goes back when the publisher's clock does. Video is track 0, audio track 1.
//!
//! A codec that is not read gives one `Skipped` for its first tag; its other tags go silently, as one event for each
//! would drown the rest. Enhanced FLV headers are such codecs.

use bytes::Bytes;

use crate::{
    codec::{
        aac,
        avc::{AccessUnit, AvcConfig},
    },
    demux::{DemuxError, DemuxEvent, Demuxer, SkipReason},
    flv::{
        amf0, header,
        tag::{Tag, TagEvent, TagKind, TagReader},
    },
    metadata::{Message, Metadata, Value},
    packet::{Packet, TrackId, TrackInfo},
    read::ByteReader,
    time::{MediaTime, Micros},
    unwrap::Unwrapper,
};

pub const VIDEO_TRACK: TrackId = TrackId::video(0);
pub const AUDIO_TRACK: TrackId = TrackId::audio(0);

/// The name that RTMP publishers put before `onMetaData`; some recorders store it.
const SET_DATA_FRAME: &str = "@setDataFrame";
/// Unsupported codecs remembered. Keeps a hostile stream of ever new codec ids from growing the list.
const MAX_UNSUPPORTED: usize = 32;

/// Turns an FLV stream into events.
#[derive(Debug, Default)]
pub struct FlvDemuxer {
    tags: TagReader,
    /// Of the tag last read: at most one.
    event: Option<DemuxEvent>,
    /// Of tag timestamps, in ms.
    clock: Unwrapper<32>,
    video: Option<AvcConfig>,
    /// The AudioSpecificConfig in force.
    audio: Option<Bytes>,
    unsupported: Vec<header::CodecId>,
}

impl Demuxer for FlvDemuxer {
    fn push(&mut self, data: Bytes) {
        self.tags.push(data);
    }

    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError> {
        // Each turn takes an event or consumes a tag.
        loop {
            if let Some(event) = self.event.take() {
                return Ok(Some(event));
            }
            match self.tags.poll()? {
                None => return Ok(None),
                Some(TagEvent::Header { .. }) => {}
                Some(TagEvent::Skipped { at, len, why }) => {
                    return Ok(Some(DemuxEvent::Skipped { track: None, at, len, why }));
                }
                Some(TagEvent::Tag(tag)) => {
                    if let Err(why) = self.tag(&tag) {
                        self.event = Some(DemuxEvent::Skipped {
                            track: track_of(tag.kind),
                            at: tag.offset,
                            len: tag.len(),
                            why,
                        });
                    }
                }
            }
        }
    }

    fn finish(&mut self) {
        self.tags.finish();
    }
}

/// The track that a tag's bytes belong to.
fn track_of(kind: TagKind) -> Option<TrackId> {
    match kind {
        TagKind::Video => Some(VIDEO_TRACK),
        TagKind::Audio => Some(AUDIO_TRACK),
        TagKind::Script => None,
    }
}

impl FlvDemuxer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes pushed and not yet turned into events. Once polled to `Ok(None)` it is less than one tag with the
    /// header behind it.
    pub fn buffered_bytes(&self) -> usize {
        self.tags.buffered_bytes()
    }

    fn tag(&mut self, tag: &Tag) -> Result<(), SkipReason> {
        match tag.kind {
            TagKind::Video => self.video_tag(tag),
            TagKind::Audio => self.audio_tag(tag),
            TagKind::Script => self.script_tag(tag),
        }
    }

    fn video_tag(&mut self, tag: &Tag) -> Result<(), SkipReason> {
        let mut r = ByteReader::new(&tag.body);
        let first = r.u8().ok_or(SkipReason::TooShort)?;
        if header::is_video_command(first) {
            return Ok(());
        }
        let codec = header::video_codec(&tag.body).ok_or(SkipReason::TooShort)?;
        if codec != header::VIDEO_AVC {
            return self.unsupported(codec);
        }
        let packet_type = r.u8().ok_or(SkipReason::TooShort)?;
        if packet_type == header::AVC_END_OF_SEQUENCE {
            return Ok(());
        }
        let composition = r.i24().ok_or(SkipReason::TooShort)?;
        if r.is_empty() {
            return Err(SkipReason::TooShort);
        }
        let data = tag.body.slice_ref(r.rest());
        match packet_type {
            header::SEQUENCE_HEADER => self.video_config(data),
            header::AVC_NALU => self.video_packet(tag.timestamp, composition, data),
            _ => Err(SkipReason::BadPacket),
        }
    }

    fn video_config(&mut self, avcc: Bytes) -> Result<(), SkipReason> {
        if self.video.as_ref().is_some_and(|config| config.decoder.description == avcc) {
            return Ok(());
        }
        let config = AvcConfig::parse(avcc).map_err(|_| SkipReason::BadConfig)?;
        let info = TrackInfo { id: VIDEO_TRACK, config: config.decoder.clone() };
        self.video = Some(config);
        self.event = Some(DemuxEvent::Track(info));
        Ok(())
    }

    fn video_packet(&mut self, timestamp: u32, composition: i32, data: Bytes) -> Result<(), SkipReason> {
        let config = self.video.as_ref().ok_or(SkipReason::NoConfig)?;
        let unit = AccessUnit::inspect(&data, config.length_size).map_err(|_| SkipReason::BadPacket)?;
        let dts = MediaTime::from_millis(self.clock.advance(timestamp.into()));
        self.event = Some(DemuxEvent::Packet(Packet {
            track: VIDEO_TRACK,
            dts,
            pts: dts + Micros::from_millis(i64::from(composition)),
            duration: None,
            keyframe: unit.keyframe,
            disposable: unit.disposable,
            data,
        }));
        Ok(())
    }

    fn audio_tag(&mut self, tag: &Tag) -> Result<(), SkipReason> {
        let codec = header::audio_codec(&tag.body).ok_or(SkipReason::TooShort)?;
        if codec != header::AUDIO_AAC {
            return self.unsupported(codec);
        }
        let mut r = ByteReader::new(&tag.body);
        let [_flags, packet_type] = r.array().ok_or(SkipReason::TooShort)?;
        if r.is_empty() {
            return Err(SkipReason::TooShort);
        }
        let data = tag.body.slice_ref(r.rest());
        match packet_type {
            header::SEQUENCE_HEADER => self.audio_config(data),
            header::AAC_RAW => self.audio_packet(tag.timestamp, data),
            _ => Err(SkipReason::BadPacket),
        }
    }

    fn audio_config(&mut self, asc: Bytes) -> Result<(), SkipReason> {
        if self.audio.as_ref() == Some(&asc) {
            return Ok(());
        }
        let config = aac::parse_config(asc).map_err(|_| SkipReason::BadConfig)?;
        self.audio = Some(config.description.clone());
        self.event = Some(DemuxEvent::Track(TrackInfo { id: AUDIO_TRACK, config }));
        Ok(())
    }

    fn audio_packet(&mut self, timestamp: u32, data: Bytes) -> Result<(), SkipReason> {
        if self.audio.is_none() {
            return Err(SkipReason::NoConfig);
        }
        let dts = MediaTime::from_millis(self.clock.advance(timestamp.into()));
        self.event = Some(DemuxEvent::Packet(Packet {
            track: AUDIO_TRACK,
            dts,
            pts: dts,
            duration: None,
            keyframe: true,
            disposable: false,
            data,
        }));
        Ok(())
    }

    fn script_tag(&mut self, tag: &Tag) -> Result<(), SkipReason> {
        let (mut name, mut values) = amf0::read_script(&tag.body).map_err(|_| SkipReason::BadScript)?;
        if name == SET_DATA_FRAME
            && let Some(Value::String(inner)) = values.first_mut()
        {
            name = std::mem::take(inner);
            values.remove(0);
        }
        let time = MediaTime::from_millis(self.clock.near(tag.timestamp.into()));
        self.event = Some(DemuxEvent::Metadata(Metadata { time, message: Message::Script { name, values } }));
        Ok(())
    }

    fn unsupported(&mut self, codec: header::CodecId) -> Result<(), SkipReason> {
        if self.unsupported.contains(&codec) || self.unsupported.len() >= MAX_UNSUPPORTED {
            return Ok(());
        }
        self.unsupported.push(codec);
        Err(SkipReason::UnsupportedCodec)
    }
}
