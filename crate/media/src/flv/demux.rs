//! FLV to packets: audio and video of any header form, script data, and the timeline behind 32-bit milliseconds.
//!
//! **Invariant:** a [`Packet`] comes only after the [`crate::TrackInfo`] that decodes it, and its dts is its tag's timestamp
//! modulo 2^32 ms, whatever came before: it goes back when the publisher's clock does. A track's number is its trackId; that
//! of tags without one is 0.
//!
//! A codec that is not read gives one `Skipped` for its first tag; its other tags go silently, as one event for each
//! would drown the rest. The file header's flags are not asked: tracks are what the tags bring.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, Sei},
    demux::{CodecName, DemuxError, DemuxEvent, Demuxer, SkipReason},
    flv::{
        amf0,
        body::{Body, Content, Flaw, Part},
        colour::{COLOR_INFO, ColourInfo},
        ex::Place,
        tag::{Tag, TagEvent, TagKind, TagReader, unit_len},
        track::Tracks,
    },
    metadata::{Message, Metadata, Value},
    packet::{Packet, TrackId, TrackInfo},
    time::{MediaTime, Micros},
    unwrap::Unwrapper,
};

pub const VIDEO_TRACK: TrackId = TrackId::video(0);
pub const AUDIO_TRACK: TrackId = TrackId::audio(0);

/// The name that RTMP publishers put before `onMetaData`; some recorders store it.
const SET_DATA_FRAME: &str = "@setDataFrame";
/// Unsupported codecs remembered. Keeps a hostile stream of ever new codec ids from growing the list.
const MAX_UNSUPPORTED: usize = 32;
/// SEI messages taken from one packet, and pairs from one metadata message.
const MAX_MESSAGES: usize = 64;

/// Turns an FLV stream into events.
#[derive(Debug, Default)]
pub struct FlvDemuxer {
    tags: TagReader,
    /// Of the tag last read: what one tag can hold, at most.
    events: VecDeque<DemuxEvent>,
    /// Of tag timestamps, in ms.
    clock: Unwrapper<32>,
    tracks: Tracks,
    unsupported: Vec<(TrackId, CodecName)>,
    /// Where the tag last read began, and its end.
    last_tag: (u64, u64),
}

impl Demuxer for FlvDemuxer {
    fn push(&mut self, data: Bytes) {
        self.tags.push(data);
    }

    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError> {
        // Each turn takes an event or consumes a tag.
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self.tags.poll()? {
                None => return Ok(None),
                Some(TagEvent::Header { .. }) => {}
                Some(TagEvent::Skipped { at, len, why }) => {
                    return Ok(Some(DemuxEvent::Skipped { track: None, at, len, why }));
                }
                Some(TagEvent::Tag(tag)) => {
                    self.last_tag = (tag.offset, tag.offset.saturating_add(unit_len(tag.body.len()) as u64));
                    match tag.kind {
                        TagKind::Script => self.script_tag(&tag),
                        TagKind::Audio | TagKind::Video => self.media_tag(&tag),
                    }
                }
            }
        }
    }

    fn finish(&mut self) {
        self.tags.finish();
    }
}

/// When the parts of a tag happen.
#[derive(Clone, Copy)]
struct Stamp {
    /// As the tag has it.
    raw: u32,
    offset: Micros,
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

    /// Where the tag began of which the last event came, and its end.
    pub(super) fn last_tag(&self) -> (u64, u64) {
        self.last_tag
    }

    /// Offset of the byte that is pushed next.
    pub(super) fn end(&self) -> u64 {
        self.tags.end()
    }

    /// Goes on at `at`, or wherever the next tag begins, with the tracks that are known. What was pushed and not read is in the
    /// reader that is given back.
    pub(super) fn move_to(&mut self, at: u64) -> TagReader {
        self.events.retain(|event| matches!(event, DemuxEvent::Track(_)));
        let moved = self.tags.moved_to(at);
        std::mem::replace(&mut self.tags, moved)
    }

    /// Goes on where it was before [`FlvDemuxer::move_to`].
    pub(super) fn move_back(&mut self, tags: TagReader) {
        self.events.retain(|event| matches!(event, DemuxEvent::Track(_)));
        self.tags = tags;
    }

    fn script_tag(&mut self, tag: &Tag) {
        let Ok((mut name, mut values)) = amf0::read_script(&tag.body) else {
            return self.skip(tag, None, whole(tag), SkipReason::BadScript);
        };
        if name == SET_DATA_FRAME
            && let Some(Value::String(inner)) = values.first_mut()
        {
            name = std::mem::take(inner);
            values.remove(0);
        }
        let time = self.near(tag.timestamp);
        self.message(time, None, Message::Script { name, values });
    }

    fn media_tag(&mut self, tag: &Tag) {
        let body = Body::read(tag);
        let offset = Micros(i64::from(body.offset_nanos) / 1000);
        let stamp = Stamp { raw: tag.timestamp, offset };
        for part in body.parts {
            let flaw = match part {
                Err(flaw) => Some(flaw),
                Ok(part) => {
                    let (track, place) = (part.track, part.place);
                    self.part(part, stamp).err().map(|why| Flaw { track, place, why })
                }
            };
            if let Some(Flaw { track, place, why }) = flaw
                && !self.is_old_news(track, why)
            {
                self.skip(tag, Some(track), place, why);
            }
        }
    }

    fn part(&mut self, part: Part, stamp: Stamp) -> Result<(), SkipReason> {
        let id = part.track;
        if part.content == Content::Silence {
            if self.tracks.is_active(id) {
                self.silence(id, stamp);
            }
            return Ok(());
        }
        let Some(codec) = part.codec.codec() else {
            return Err(SkipReason::UnsupportedCodec(part.codec.name()));
        };
        let at = self.near(stamp.raw);
        let Some(track) = self.tracks.get(id, codec)? else { return Ok(()) };
        let info = match part.content {
            Content::Config(record) => track.configure(&record)?,
            Content::TsConfig(descriptor) => track.configure_from_ts(&descriptor)?,
            Content::Channels(body) => {
                track.channels(&body)?;
                None
            }
            Content::Messages(amf) => {
                let pairs = amf0::read_pairs(&amf, MAX_MESSAGES).map_err(|_| SkipReason::BadScript)?;
                let colour = pairs.iter().rfind(|(name, _)| name == COLOR_INFO);
                let info = colour.and_then(|(_, info)| track.recolour(ColourInfo::read(info)));
                self.told(info);
                for (name, value) in pairs {
                    self.message(at, Some(id), Message::Script { name, values: vec![value] });
                }
                None
            }
            Content::Frames { data, composition, flags } => {
                let found = track.frames(data, flags, at)?;
                self.told(found.info);
                let composition = Micros::from_millis(composition.into()) + stamp.offset;
                self.units(id, stamp.raw, composition, found.facts.sei, found.facts.units);
                None
            }
            Content::Silence => None,
        };
        self.told(info);
        Ok(())
    }

    fn told(&mut self, info: Option<TrackInfo>) {
        if let Some(info) = info {
            self.tracks.activate(info.id, info.config.codec);
            self.events.push_back(DemuxEvent::Track(info));
        }
    }

    fn units(&mut self, id: TrackId, raw: u32, composition: Micros, sei: Vec<Sei>, units: Vec<AccessUnit>) {
        let dts = if units.is_empty() { self.near(raw) } else { self.advance(raw) };
        for Sei { payload_type, payload } in sei.into_iter().take(MAX_MESSAGES) {
            self.message(dts + composition, Some(id), Message::Sei { payload_type, payload });
        }
        for unit in units {
            let dts = dts + unit.offset;
            self.events.push_back(DemuxEvent::Packet(Packet {
                track: id,
                dts,
                pts: dts + composition,
                duration: unit.duration,
                keyframe: unit.keyframe,
                disposable: unit.disposable,
                data: unit.data,
            }));
        }
    }

    fn silence(&mut self, id: TrackId, stamp: Stamp) {
        let dts = self.advance(stamp.raw);
        self.events.push_back(DemuxEvent::Packet(Packet {
            track: id,
            dts,
            pts: dts + stamp.offset,
            duration: None,
            keyframe: true,
            disposable: false,
            data: Bytes::new(),
        }));
    }

    /// The time of what comes with packets.
    fn advance(&mut self, raw: u32) -> MediaTime {
        MediaTime::from_millis(self.clock.advance(raw.into()))
    }

    /// The time of anything else: servers stamp configuration and script data in mid-stream with 0.
    fn near(&self, raw: u32) -> MediaTime {
        MediaTime::from_millis(self.clock.near(raw.into()))
    }

    fn message(&mut self, time: MediaTime, track: Option<TrackId>, message: Message) {
        self.events.push_back(DemuxEvent::Metadata(Metadata { time, track, message }));
    }

    /// Whether this reason needs no more telling for this track.
    fn is_old_news(&mut self, track: TrackId, why: SkipReason) -> bool {
        let SkipReason::UnsupportedCodec(name) = why else { return false };
        let is_old = self.unsupported.contains(&(track, name)) || self.unsupported.len() >= MAX_UNSUPPORTED;
        if !is_old {
            self.unsupported.push((track, name));
        }
        is_old
    }

    fn skip(&mut self, tag: &Tag, track: Option<TrackId>, place: Place, why: SkipReason) {
        let (at, len) = match place == whole(tag) {
            true => (tag.offset, tag.len()),
            false => (tag.body_offset().saturating_add(place.at as u64), place.len as u64),
        };
        self.events.push_back(DemuxEvent::Skipped { track, at, len, why });
    }
}

fn whole(tag: &Tag) -> Place {
    Place { at: 0, len: tag.body.len() }
}
