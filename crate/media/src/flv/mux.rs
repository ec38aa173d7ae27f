//! Packets to FLV: one AVC track and one AAC track, as every server takes them.
//!
//! **Invariant:** demuxing what was written gives the packets back: the same data, order and configuration, and
//! the same times in whole milliseconds modulo the format's 2^32. It does not interleave or drop: the order of the
//! calls is the order in the stream.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use crate::{
    flv::{
        amf0::{self, AmfError},
        header,
        tag::{self, TagKind, TagTooLarge},
    },
    metadata::{Message, Metadata, Value},
    packet::{Codec, CodecParams, Packet, TrackId, TrackInfo},
    time::MediaTime,
};

/// What [`FlvMuxer`] refuses to write. Nothing of the refused call is in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MuxError {
    #[error("packet of {0} before its configuration")]
    NoConfig(TrackId),
    #[error("FLV holds one video and one audio track, {0} is one too many")]
    ExtraTrack(TrackId),
    #[error("pts - dts of {ms} ms does not fit the 24 bits of FLV")]
    CompositionTime { ms: i64 },
    #[error("SEI belongs into the video, not beside it")]
    NoScript,
    #[error("{0:?} is not written")]
    Codec(Codec),
    #[error(transparent)]
    TagTooLarge(#[from] TagTooLarge),
    #[error(transparent)]
    Script(#[from] AmfError),
}

/// Writes an FLV stream into the buffers it is given, one tag a call; the file header comes before the first.
#[derive(Debug)]
pub struct FlvMuxer {
    has_audio: bool,
    has_video: bool,
    header_written: bool,
    video: Option<TrackId>,
    audio: Option<TrackId>,
    /// Stamp of the last packet; configuration in mid-stream gets it too.
    last_stamp: u32,
    body: BytesMut,
}

impl FlvMuxer {
    /// The flags stand in the file header; they promise tracks but oblige to none.
    pub fn new(has_audio: bool, has_video: bool) -> Self {
        Self {
            has_audio,
            has_video,
            header_written: false,
            video: None,
            audio: None,
            last_stamp: 0,
            body: BytesMut::new(),
        }
    }

    /// Script data, such as `onMetaData`.
    pub fn metadata(&mut self, out: &mut BytesMut, metadata: &Metadata) -> Result<(), MuxError> {
        self.body.clear();
        let Message::Script { name, values } = &metadata.message else { return Err(MuxError::NoScript) };
        amf0::write_script(&mut self.body, name, values)?;
        self.tag(out, TagKind::Script, stamp(metadata.time))
    }

    /// The sequence header of a new or changed track. A track keeps its id.
    pub fn config(&mut self, out: &mut BytesMut, track: &TrackInfo) -> Result<(), MuxError> {
        let slot = match track.config.codec {
            Codec::Avc => &mut self.video,
            Codec::Aac => &mut self.audio,
            other => return Err(MuxError::Codec(other)),
        };
        if *slot.get_or_insert(track.id) != track.id {
            return Err(MuxError::ExtraTrack(track.id));
        }
        let kind = self.begin(track.config.codec, header::SEQUENCE_HEADER, header::FRAME_KEY, 0);
        self.body.put_slice(&track.config.description);
        self.tag(out, kind, self.last_stamp)
    }

    pub fn packet(&mut self, out: &mut BytesMut, packet: &Packet) -> Result<(), MuxError> {
        let dts = packet.dts.0.div_euclid(1000);
        let stamp = stamp(packet.dts);
        let kind = if self.video == Some(packet.track) {
            let ms = packet.pts.0.div_euclid(1000).saturating_sub(dts);
            let composition = fit_i24(ms).ok_or(MuxError::CompositionTime { ms })?;
            let frame_type = if packet.keyframe { header::FRAME_KEY } else { header::FRAME_INTER };
            self.begin(Codec::Avc, header::AVC_NALU, frame_type, composition)
        } else if self.audio == Some(packet.track) {
            self.begin(Codec::Aac, header::AAC_RAW, header::FRAME_KEY, 0)
        } else {
            return Err(MuxError::NoConfig(packet.track));
        };
        self.body.put_slice(&packet.data);
        self.tag(out, kind, stamp)?;
        self.last_stamp = stamp;
        Ok(())
    }

    fn begin(&mut self, codec: Codec, packet_type: u8, frame_type: u8, composition: i32) -> TagKind {
        self.body.clear();
        match codec {
            Codec::Avc => {
                self.body.put_slice(&[frame_type << 4 | header::CODEC_AVC, packet_type]);
                self.body.put_int(i64::from(composition), 3);
                TagKind::Video
            }
            _ => {
                self.body.put_slice(&[header::SOUND_AAC << 4 | header::SOUND_44K_STEREO, packet_type]);
                TagKind::Audio
            }
        }
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

/// The `onMetaData` that players and servers expect for these tracks.
pub fn on_metadata(tracks: &[TrackInfo]) -> Metadata {
    let mut fields = Vec::new();
    let mut number = |key: &str, value: f64| fields.push((key.to_owned(), Value::Number(value)));
    for track in tracks {
        match track.config.params {
            CodecParams::Video(video) => {
                number("width", f64::from(video.width));
                number("height", f64::from(video.height));
                number("videocodecid", f64::from(header::CODEC_AVC));
            }
            CodecParams::Audio(audio) => {
                number("audiosamplerate", f64::from(audio.sample_rate));
                number("audiochannels", f64::from(audio.channels));
                number("audiocodecid", f64::from(header::SOUND_AAC));
            }
        }
    }
    Metadata {
        time: MediaTime(0),
        track: None,
        message: Message::Script { name: "onMetaData".into(), values: vec![Value::Object(fields)] },
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
