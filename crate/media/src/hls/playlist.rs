//! What playlists say, by clause of draft-ietf-rfc8216bis.

use std::sync::Arc;

use thiserror::Error;

use crate::time::Micros;

#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    Media(MediaPlaylist),
    Multivariant(MultivariantPlaylist),
}

/// Bytes of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    pub offset: u64,
    pub length: u64,
}

/// What the server promises or demands of a media playlist's updates (4.4.3.5, 4.4.3.7, 4.4.3.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerControl {
    pub can_block_reload: bool,
    pub can_skip_until: Option<Micros>,
    pub can_skip_dateranges: bool,
    pub hold_back: Option<Micros>,
    pub part_hold_back: Option<Micros>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PlaylistKind {
    /// Segments are added, and may go.
    #[default]
    Live,
    /// Segments are only added.
    Event,
    /// Nothing changes.
    Vod,
}

/// Where to begin (4.4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// From the beginning, or, negative, from the end.
    pub offset: Micros,
    pub precise: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    pub version: u32,
    pub target_duration: Micros,
    /// Of the first segment, those that a delta update leaves out counted.
    pub media_sequence: u64,
    pub discontinuity_sequence: u64,
    pub kind: PlaylistKind,
    /// No more segments will come.
    pub ended: bool,
    pub independent_segments: bool,
    pub i_frames_only: bool,
    pub start: Option<Start>,
    pub control: ServerControl,
    /// Of a low-latency playlist alone.
    pub part_target: Option<Micros>,
    /// Set in a delta update only: the segments that it leaves out lie before `segments`.
    pub skip: Option<Skip>,
    /// Complete ones, oldest first; the last one may be incomplete, with nothing but parts.
    pub segments: Vec<Segment>,
    pub preload_hints: Vec<PreloadHint>,
    pub rendition_reports: Vec<RenditionReport>,
    pub date_ranges: Vec<DateRange>,
}

/// What a delta update leaves out (4.4.5.2). Keys, map and bit rate of the last segment left out go on in those that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    pub segments: u64,
    /// IDs of date ranges that have gone. `None`: no date ranges are left out, those in the update are all there are.
    pub removed_dateranges: Option<Vec<String>>,
    /// From this one of `segments` on, METHOD=NONE has ended the keys of those left out.
    pub keys_end: Option<usize>,
}

/// What a server that makes delta updates may leave out (6.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delta {
    Segments,
    DateRangesToo,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub sequence: u64,
    /// The discontinuity sequence number.
    pub discontinuity: u64,
    /// `None` of one that is not complete yet: it has only parts.
    pub uri: Option<String>,
    pub range: Option<ByteRange>,
    /// Of an incomplete one, of its parts so far.
    pub duration: Micros,
    pub title: String,
    pub map: Option<Arc<Map>>,
    /// Those that apply, of different key formats; empty when it is not encrypted.
    pub keys: Vec<Arc<Key>>,
    /// µs since 1970 of its first sample, as the tag right before it says.
    pub program_date_time: Option<Micros>,
    pub gap: bool,
    /// bit/s, as EXT-X-BITRATE says.
    pub bitrate: Option<u64>,
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub uri: String,
    pub range: Option<ByteRange>,
    pub duration: Micros,
    pub independent: bool,
    pub gap: bool,
}

/// A media initialization section (4.4.4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    pub uri: String,
    pub range: Option<ByteRange>,
    /// Those that apply to it.
    pub keys: Vec<Arc<Key>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMethod {
    Aes128,
    /// Named and not read: `SAMPLE-AES`, `SAMPLE-AES-CTR` and what is to come.
    Other(String),
}

/// How segments are encrypted (4.4.4.4). METHOD=NONE is the absence of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub method: KeyMethod,
    pub uri: String,
    /// Without one it is the media sequence number, big-endian.
    pub iv: Option<[u8; 16]>,
    /// `identity` where it is not said.
    pub format: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreloadKind {
    Part,
    Map,
}

/// A resource that will be needed (4.4.5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreloadHint {
    pub kind: PreloadKind,
    pub uri: String,
    pub start: u64,
    /// To the end of the resource where it is not said.
    pub length: Option<u64>,
}

/// How far another rendition has come (4.4.5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenditionReport {
    pub uri: String,
    pub last_msn: Option<u64>,
    pub last_part: Option<u64>,
}

/// A range of time with attributes (4.4.5.1).
#[derive(Clone, Debug, PartialEq)]
pub struct DateRange {
    pub id: String,
    pub class: Option<String>,
    /// µs since 1970.
    pub start: Option<Micros>,
    pub end: Option<Micros>,
    pub duration: Option<Micros>,
    pub planned_duration: Option<Micros>,
    pub end_on_next: bool,
    /// All others as they stand, such as `X-…` and `SCTE35-OUT`, without quotes.
    pub attributes: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultivariantPlaylist {
    pub version: u32,
    pub independent_segments: bool,
    pub start: Option<Start>,
    /// In the order of the playlist; I-frame variants are not among them.
    pub variants: Vec<Variant>,
    pub i_frame_variants: Vec<Variant>,
    pub renditions: Vec<Rendition>,
    /// For the media playlists that import them.
    pub variables: Variables,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    pub uri: String,
    /// Peak, bit/s.
    pub bandwidth: u64,
    pub average_bandwidth: Option<u64>,
    pub score: Option<f64>,
    pub codecs: Vec<String>,
    pub supplemental_codecs: Vec<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub frame_rate: Option<f64>,
    /// `SDR`, `HLG` or `PQ`, where given.
    pub video_range: Option<String>,
    /// REQ-VIDEO-LAYOUT, such as `CH-STEREO`: who does not know one of them cannot show the variant.
    pub video_layout: Vec<String>,
    /// NAME or STABLE-VARIANT-ID, where given.
    pub name: Option<String>,
    pub pathway: Option<String>,
    pub audio: Option<String>,
    pub video: Option<String>,
    pub subtitles: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RenditionKind {
    Audio,
    Video,
    Subtitles,
    ClosedCaptions,
}

/// EXT-X-MEDIA (4.4.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    pub kind: RenditionKind,
    pub group: String,
    pub name: String,
    pub language: Option<String>,
    /// `None`: it is in the variant's own segments.
    pub uri: Option<String>,
    pub is_default: bool,
    pub autoselect: bool,
    /// Such as `public.accessibility.describes-video`.
    pub characteristics: Vec<String>,
    pub channels: Option<String>,
}

/// EXT-X-DEFINE's names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(pub Vec<(String, String)>);

/// Why a text is no playlist that can be used. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlaylistError {
    #[error("not a playlist: it does not begin with #EXTM3U")]
    NotM3u,
    #[error("the playlist is not UTF-8 at byte {at}")]
    NotUtf8 { at: usize },
    #[error("line {line} of the playlist has {what}")]
    BadTag { line: usize, what: &'static str },
    #[error("the playlist has no {0}")]
    Missing(&'static str),
    #[error("line {line} of the playlist uses the variable {name}, which is not defined")]
    Undefined { line: usize, name: String },
    #[error("the playlist has more than {most} {what}")]
    TooMany { what: &'static str, most: usize },
    #[error("a delta update leaves out {skipped} segments of which {known} are known")]
    Gap { skipped: u64, known: u64 },
}
