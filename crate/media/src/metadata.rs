//! Messages carried beside the media: script data of FLV, SEI messages within the video, timed ID3 and SCTE-35 of MPEG-TS, event
//! messages of MP4.

use bytes::Bytes;

use crate::{
    packet::TrackId,
    time::{MediaTime, Micros},
};

/// A message and where it stands on the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Of SEI: the pts of the picture it came with.
    pub time: MediaTime,
    /// Whose it is; `None` of script data beside the tracks.
    pub track: Option<TrackId>,
    pub message: Message,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A named message with its values, such as `onMetaData`; also `colorInfo` of enhanced FLV, which comes in a track.
    Script { name: String, values: Vec<Value> },
    /// Supplemental enhancement information (ITU-T H.264 and H.265, annex D): the payload of one message, emulation
    /// prevention taken out. Types 4 and 5 are user data.
    Sei { payload_type: u32, payload: Bytes },
    /// A whole ID3 tag (ID3v2.4), as MPEG-TS and packed audio of HLS carry it.
    Id3 { payload: Bytes },
    /// A splice_info_section (SCTE 35), from its table_id to its CRC.
    Scte35 { payload: Bytes },
    /// An event message (ISO/IEC 23009-1, 5.10.3.3).
    Emsg { scheme: String, value: String, id: u32, duration: Option<Micros>, payload: Bytes },
    /// At this time of the stream the producer's clock stood at so much since 1970 (`prft`, ISO/IEC 14496-12, 8.16.5).
    ProducerTime { unix: Micros },
}

/// A value of a message, format-neutral.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    /// Milliseconds since 1970-01-01 UTC.
    Date(f64),
    Object(Vec<(String, Value)>),
    Array(Vec<Value>),
}
