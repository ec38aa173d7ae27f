//! Messages carried beside the media: FLV script data today.

use crate::time::MediaTime;

/// A named message and where it stands on the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    pub time: MediaTime,
    pub name: String,
    pub values: Vec<Value>,
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
