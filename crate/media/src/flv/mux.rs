//! Packets to FLV: any codec that has a code or a FourCC, and any number of tracks.
//!
//! **Invariant:** demuxing what was written gives the packets back: the same data, order and configuration, and the same times
//! in whole milliseconds modulo the format's 2^32, or with a finer pts on request. It does not interleave or drop: the order of
//! the calls is the order in the stream.

use std::slice;

use bytes::BytesMut;
use thiserror::Error;

use crate::{
    codec::records,
    flv::{
        amf0::{self, AmfError},
        header,
        tag::{self, TagKind, TagTooLarge},
        write::{Content, Extended, Form, Headers, Share, legacy_audio, legacy_video},
    },
    metadata::{Message, Metadata},
    packet::{Codec, CodecParams, MediaKind, Packet, TrackId, TrackInfo},
    time::MediaTime,
};

/// What [`FlvMuxer`] refuses to write. Nothing of the refused call is in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MuxError {
    #[error("{0} before its configuration")]
    NoConfig(TrackId),
    #[error("FLV has no header for {codec:?} as track {track}")]
    NoHeader { track: TrackId, codec: Codec },
    #[error("the configuration of {0} lacks what its sequence header needs")]
    NoRecord(TrackId),
    #[error("pts - dts of {ms} ms cannot be written for this codec")]
    CompositionTime { ms: i64 },
    #[error("{0} has a packet without a byte; only sound may be silent")]
    Empty(TrackId),
    #[error("one tag holds tracks of one kind and one time, each with its FourCC")]
    NotTogether,
    #[error("SEI belongs into the video, not beside it")]
    NoScript,
    #[error(transparent)]
    TagTooLarge(#[from] TagTooLarge),
    #[error(transparent)]
    Script(#[from] AmfError),
}

/// Writes an FLV stream into the buffers it is given; the file header comes before the first tag.
#[derive(Debug)]
pub struct FlvMuxer {
    has_audio: bool,
    has_video: bool,
    headers: Headers,
    nanoseconds: bool,
    header_written: bool,
    tracks: Vec<Track>,
    /// Stamp of the last packet; configuration in mid-stream gets it too.
    last_stamp: u32,
    body: BytesMut,
}

#[derive(Clone, Copy, Debug)]
struct Track {
    id: TrackId,
    codec: Codec,
    form: Form,
}

impl FlvMuxer {
    /// The flags stand in the file header; they promise tracks but oblige to none.
    pub fn new(has_audio: bool, has_video: bool) -> Self {
        Self {
            has_audio,
            has_video,
            headers: Headers::Common,
            nanoseconds: false,
            header_written: false,
            tracks: Vec::new(),
            last_stamp: 0,
            body: BytesMut::new(),
        }
    }

    #[must_use]
    pub fn with_headers(self, headers: Headers) -> Self {
        Self { headers, ..self }
    }

    /// Keeps the part of a pts below a millisecond, as a TimestampOffsetNano. Only enhanced headers have it: all codecs with a
    /// FourCC are written with them.
    #[must_use]
    pub fn with_nanoseconds(self) -> Self {
        Self { headers: Headers::Enhanced, nanoseconds: true, ..self }
    }

    /// Script data, such as `onMetaData`, or the metadata of a video track, such as `colorInfo`.
    pub fn metadata(&mut self, out: &mut BytesMut, metadata: &Metadata) -> Result<(), MuxError> {
        self.body.clear();
        let Message::Script { name, values } = &metadata.message else { return Err(MuxError::NoScript) };
        let Some(id) = metadata.track else {
            amf0::write_script(&mut self.body, name, values)?;
            return self.tag(out, TagKind::Script, stamp(metadata.time));
        };
        let track = self.track(id)?;
        let fourcc = header::fourcc(track.codec).filter(|_| id.kind == MediaKind::Video);
        let fourcc = fourcc.ok_or(MuxError::NoHeader { track: id, codec: track.codec })?;
        let mut pairs = BytesMut::new();
        for value in values {
            amf0::write_pair(&mut pairs, name, value)?;
        }
        let share = Share { fourcc, number: id.number, composition: None, data: &pairs };
        let extended = untimed(id.kind, header::EX_VIDEO_METADATA);
        extended.write(&mut self.body, &[share]);
        self.tag(out, TagKind::Video, stamp(metadata.time))
    }

    /// The sequence header of a new or changed track. Of a codec whose legacy header has none, nothing is written.
    pub fn config(&mut self, out: &mut BytesMut, track: &TrackInfo) -> Result<(), MuxError> {
        self.configs(out, slice::from_ref(track))
    }

    /// The sequence headers of several tracks of one kind, in one tag.
    pub fn configs(&mut self, out: &mut BytesMut, infos: &[TrackInfo]) -> Result<(), MuxError> {
        let mut written = Vec::new();
        for info in infos {
            let track = self.form_of(info)?;
            let record = records::record(&info.config).ok_or(MuxError::NoRecord(info.id))?;
            written.push((track, record));
        }
        self.body.clear();
        let kind = match written.as_slice() {
            [] => return Ok(()),
            [(Track { form, id, codec }, record)] => {
                if !form.has_packet_types() {
                    self.know(Track { id: *id, codec: *codec, form: *form });
                    return Ok(());
                }
                self.one(*form, *id, 0, &Content::Config(record));
                id.kind
            }
            [(Track { id: first, .. }, _), ..] => {
                let extended = untimed(first.kind, header::EX_SEQUENCE_START);
                let mut shares = Vec::new();
                for (track, record) in &written {
                    shares.push(together(*track, first.kind, None, record)?);
                }
                extended.write(&mut self.body, &shares);
                first.kind
            }
        };
        self.tag(out, tag_kind(kind), self.last_stamp)?;
        for (track, _) in written {
            self.know(track);
        }
        for info in infos {
            self.channels(out, info)?;
        }
        Ok(())
    }

    /// A packet; an empty one of sound is written as silence.
    pub fn packet(&mut self, out: &mut BytesMut, packet: &Packet) -> Result<(), MuxError> {
        self.packets(out, slice::from_ref(packet))
    }

    /// Packets of several tracks of one kind and one time, in one tag.
    pub fn packets(&mut self, out: &mut BytesMut, packets: &[Packet]) -> Result<(), MuxError> {
        self.body.clear();
        let Some(first) = packets.first() else { return Ok(()) };
        let (at, kind) = (stamp(first.dts), first.track.kind);
        match packets {
            [packet] => self.write_packet(packet)?,
            _ => self.write_together(packets, at, kind)?,
        }
        self.tag(out, tag_kind(kind), at)?;
        self.last_stamp = at;
        Ok(())
    }

    /// Says that a track has ended; a later configuration begins it anew. Of sound it is a silence without an end.
    pub fn end(&mut self, out: &mut BytesMut, id: TrackId, at: MediaTime) -> Result<(), MuxError> {
        let track = self.track(id)?;
        self.body.clear();
        self.one(track.form, id, 0, &Content::End);
        self.tag(out, tag_kind(id.kind), stamp(at))
    }

    fn write_packet(&mut self, packet: &Packet) -> Result<(), MuxError> {
        let track = self.track(packet.track)?;
        let nanos = self.nanos(packet);
        if packet.data.is_empty() {
            if packet.track.kind == MediaKind::Video {
                return Err(MuxError::Empty(packet.track));
            }
            // A message without a byte is the silence of track 0.
            if packet.track.number > 0 || nanos > 0 {
                self.one(track.form, packet.track, nanos, &Content::End);
            }
            return Ok(());
        }
        let composition = composition(track, packet)?;
        let frames = Content::Frames { composition, keyframe: packet.keyframe, data: &packet.data };
        self.one(track.form, packet.track, nanos, &frames);
        Ok(())
    }

    fn write_together(&mut self, packets: &[Packet], at: u32, kind: MediaKind) -> Result<(), MuxError> {
        let nanos = packets.first().map_or(0, |packet| self.nanos(packet));
        let mut shares = Vec::new();
        for packet in packets {
            if stamp(packet.dts) != at || self.nanos(packet) != nanos || packet.data.is_empty() {
                return Err(MuxError::NotTogether);
            }
            let track = self.track(packet.track)?;
            shares.push(together(track, kind, composition(track, packet)?, &packet.data)?);
        }
        let keyframe = packets.iter().all(|packet| packet.keyframe);
        let packet_type = header::EX_CODED_FRAMES;
        let extended = Extended { kind, keyframe, packet_type, offset_nanos: nanos };
        extended.write(&mut self.body, &shares);
        Ok(())
    }

    /// Writes the body of a tag of one track, in whichever form.
    fn one(&mut self, form: Form, id: TrackId, offset_nanos: u32, content: &Content<'_>) {
        let fourcc = match form {
            Form::Video(codec_id) => return legacy_video(&mut self.body, codec_id, content),
            Form::Audio(flags) => return legacy_audio(&mut self.body, flags, content),
            Form::Extended(fourcc) => fourcc,
        };
        let (packet_type, composition, keyframe, data) = match content {
            Content::Config(record) => (header::EX_SEQUENCE_START, None, true, *record),
            Content::Frames { composition: Some(0), keyframe, data } => {
                (header::EX_VIDEO_CODED_FRAMES_X, None, *keyframe, *data)
            }
            Content::Frames { composition, keyframe, data } => {
                (header::EX_CODED_FRAMES, *composition, *keyframe, *data)
            }
            Content::End => (header::EX_SEQUENCE_END, None, true, &[][..]),
        };
        let share = Share { fourcc, number: id.number, composition, data };
        let extended = Extended { kind: id.kind, keyframe, packet_type, offset_nanos };
        extended.write(&mut self.body, &[share]);
    }

    /// A MultichannelConfig for Opus whose configuration lacks the channels.
    fn channels(&mut self, out: &mut BytesMut, info: &TrackInfo) -> Result<(), MuxError> {
        let CodecParams::Audio(audio) = info.config.params else { return Ok(()) };
        let track = self.track(info.id)?;
        let Form::Extended(fourcc) = track.form else { return Ok(()) };
        if track.codec != Codec::Opus || !info.config.description.is_empty() || audio.channels <= 2 {
            return Ok(());
        }
        self.body.clear();
        // AudioChannelOrder.Unspecified.
        let data = [0, audio.channels];
        let share = Share { fourcc, number: info.id.number, composition: None, data: &data };
        let extended = untimed(MediaKind::Audio, header::EX_AUDIO_MULTICHANNEL_CONFIG);
        extended.write(&mut self.body, &[share]);
        self.tag(out, TagKind::Audio, self.last_stamp)
    }

    fn nanos(&self, packet: &Packet) -> u32 {
        let micros = u32::try_from(packet.pts.0.rem_euclid(1000)).unwrap_or(0);
        if self.nanoseconds { micros.saturating_mul(1000) } else { 0 }
    }

    fn form_of(&self, info: &TrackInfo) -> Result<Track, MuxError> {
        let (id, codec) = (info.id, info.config.codec);
        let audio = match info.config.params {
            CodecParams::Audio(audio) => Some(audio),
            CodecParams::Video(_) => None,
        };
        let form = self.headers.form(codec, id.number, audio).filter(|_| codec.kind() == id.kind);
        Ok(Track { id, codec, form: form.ok_or(MuxError::NoHeader { track: id, codec })? })
    }

    fn track(&self, id: TrackId) -> Result<Track, MuxError> {
        self.tracks.iter().find(|track| track.id == id).copied().ok_or(MuxError::NoConfig(id))
    }

    fn know(&mut self, track: Track) {
        self.tracks.retain(|known| known.id != track.id);
        self.tracks.push(track);
    }

    fn tag(&mut self, out: &mut BytesMut, kind: TagKind, stamp: u32) -> Result<(), MuxError> {
        if self.body.len() > tag::MAX_TAG_BODY {
            return Err(TagTooLarge { len: self.body.len() }.into());
        }
        if !self.header_written {
            tag::write_header(out, self.has_audio, self.has_video);
            self.header_written = true;
        }
        Ok(tag::write_tag(out, kind, stamp, &self.body)?)
    }
}

fn tag_kind(kind: MediaKind) -> TagKind {
    match kind {
        MediaKind::Video => TagKind::Video,
        MediaKind::Audio => TagKind::Audio,
    }
}

/// The header of what is no frame.
fn untimed(kind: MediaKind, packet_type: u8) -> Extended {
    Extended { kind, keyframe: true, packet_type, offset_nanos: 0 }
}

/// A track's share of a tag of several.
fn together(
    track: Track,
    kind: MediaKind,
    composition: Option<i32>,
    data: &[u8],
) -> Result<Share<'_>, MuxError> {
    match track.form {
        Form::Extended(fourcc) if track.id.kind == kind => {
            Ok(Share { fourcc, number: track.id.number, composition, data })
        }
        _ => Err(MuxError::NotTogether),
    }
}

/// In ms, where the track's header has a place for it.
fn composition(track: Track, packet: &Packet) -> Result<Option<i32>, MuxError> {
    let ms = packet.pts.0.div_euclid(1000).saturating_sub(packet.dts.0.div_euclid(1000));
    let refused = MuxError::CompositionTime { ms };
    match matches!(track.form, Form::Video(_)) || header::has_composition_time(Some(track.codec)) {
        true => fit_i24(ms).map(Some).ok_or(refused),
        false if ms == 0 => Ok(None),
        false => Err(refused),
    }
}

/// Milliseconds modulo 2^32; the reader unwraps them.
fn stamp(time: MediaTime) -> u32 {
    let ms = time.0.div_euclid(1000).rem_euclid(1 << 32);
    u32::try_from(ms).unwrap_or_default()
}

fn fit_i24(ms: i64) -> Option<i32> {
    i32::try_from(ms).ok().filter(|ms| (-0x80_0000..=0x7f_ffff).contains(ms))
}
