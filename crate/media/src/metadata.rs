//! Messages carried beside the media: script data of FLV, and SEI messages within the video.

use bytes::Bytes;

use crate::{packet::TrackId, time::MediaTime};

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
