//! What the engine tells the page.

use sailcast_media::{MediaKind, MediaTime, Metadata, Micros, TrackInfo, Turn};

use crate::{
    audio::SoundCounts,
    error::SailcastError,
    io::{DecoderPath, SourceKind},
    ladder::PathReason,
    retry::Reason,
    timeline::Jump,
};

/// The player's state; `idle` before the first load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    #[default]
    Idle,
    /// Request sent, nothing shown yet.
    Connecting,
    Playing,
    /// Underrun: waiting for data.
    Waiting,
    Paused,
    Ended,
    /// A fatal error ended this load.
    Failed,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Playing => "playing",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    StateChange(State),
    /// A track appeared or changed, whether it is played or not.
    Track(TrackInfo),
    /// A track of sound can be chosen, of which nothing is fetched before it is; [`Event::Track`] says more when it comes.
    Sound(SoundInfo),
    /// From here on in the stream this track is the one of its kind that is played: the default one (the lowest number that
    /// can be played), the one that was asked for, or one in place of a track that failed or stopped coming.
    TrackSelected(TrackInfo),
    /// A decoder is made on another path than the one before it of this kind. `from` is `None` for the first of a load,
    /// which is told only when it is not the browser's own.
    DecoderChange {
        kind: MediaKind,
        from: Option<DecoderPath>,
        to: DecoderPath,
        reason: PathReason,
    },
    /// The first picture of this load was handed to the display.
    FirstFrame,
    /// The clock runs: after the start, and after each stall.
    Playing,
    /// The clock stopped for want of data.
    Waiting,
    /// The picture's size is new, or what is left to do to turn it upright.
    Resize {
        width: u32,
        height: u32,
        turn: Turn,
    },
    /// The stream ended in good order and everything was played.
    Ended,
    /// A message of the stream, as it arrives.
    Metadata(Metadata),
    /// The same message when its time has come: with the first picture shown at or after it, or, where there are no
    /// pictures, when the sound of that time is heard.
    Cue(Metadata),
    /// The stream's timeline jumped and was mended.
    Discontinuity(Jump),
    /// Frame chasing left out this much of the stream to get back to the target latency.
    Skip {
        from: MediaTime,
        to: MediaTime,
    },
    /// The playback rate changed to hold the target latency (1.0 = normal).
    RateChange {
        rate: f64,
    },
    /// The target latency followed the network.
    TargetChange {
        target: Micros,
    },
    /// The connection is lost; the next one is tried after `delay`. `attempt` counts from 1.
    Reconnecting {
        attempt: u32,
        delay: Micros,
        reason: Reason,
    },
    /// A connection that was tried again brings the stream.
    Reconnected {
        attempt: u32,
    },
    /// This build's [`crate::Sources`] do not have what the load is: another build has to load it. What comes of a file is kept
    /// for that ([`crate::Player::begun`]).
    NeedsAll,
    /// What is played: told once a load, and again where a live stream becomes a recording.
    Source {
        kind: SourceKind,
        live: bool,
    },
    /// How long the recording is, and where one can go in it; `None` of a live stream.
    DurationChange {
        duration: Option<Micros>,
        seekable: Option<(MediaTime, MediaTime)>,
    },
    /// A seek began, and where it goes.
    Seeking(MediaTime),
    /// The picture of the place is shown, or its sound is ready.
    Seeked(MediaTime),
    /// The renditions there are, in the order of the playlist or of the page's list.
    Renditions(Vec<RenditionInfo>),
    /// From here on in the stream this rendition is played; `auto`: the player chose it.
    RenditionChange {
        id: u32,
        auto: bool,
    },
    /// A recording ended by itself: what it was could not go on.
    RecordingFailed(String),
    /// Pictures are lost because this machine cannot decode them in time: a smaller rendition would play better.
    Degraded,
    /// It can again.
    Recovered,
    Error(SailcastError),
}

/// One of the renditions of what is played.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenditionInfo {
    pub id: u32,
    pub name: String,
    /// bit/s.
    pub bitrate: Option<u64>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub frame_rate: Option<f64>,
    /// RFC 6381, comma-separated; empty where it is not known.
    pub codecs: String,
}

/// A track of sound, as the playlist of HLS has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoundInfo {
    pub number: u8,
    pub label: String,
    /// BCP 47.
    pub language: Option<String>,
    /// RFC 6381, comma-separated; empty where it is not known.
    pub codecs: String,
}

/// A snapshot. Counters are totals since the load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    pub state: State,
    /// Playhead on the stream's timeline.
    pub position: MediaTime,
    /// Newest received packet minus playhead, or the live edge minus playhead of a source that knows it; 0 of a recording.
    pub latency: Micros,
    pub target_latency: Micros,
    /// Received and not yet played, up to the end of the longer track.
    pub buffered: Micros,
    pub buffered_bytes: u64,
    pub rate: f64,
    pub bytes_received: u64,
    pub video_packets: u64,
    pub audio_packets: u64,
    pub frames_decoded: u64,
    pub frames_rendered: u64,
    /// Decoded and then released unseen, or dropped before decoding.
    pub frames_dropped: u64,
    /// Left out on purpose, to start at the live edge or to get back to it.
    pub frames_skipped: u64,
    pub skips: u64,
    /// Pictures that no other needs, dropped before decoding because their time had passed.
    pub frames_shed: u64,
    pub reconnects: u64,
    pub stalls: u64,
    pub stalled: Micros,
    /// Newest picture's time minus the sound's at the moment it was rendered; None without sound.
    pub av_offset: Option<Micros>,
    /// What was not heard as it was sent.
    pub sound: SoundCounts,
    /// The path of the decoder in use; `None` before the first one. What the engine decodes itself is `Wasm`.
    pub video_decoder: Option<DecoderPath>,
    pub audio_decoder: Option<DecoderPath>,
    pub skipped_bytes: u64,
    /// From where to where one can seek; `None` of a stream that is read as it comes.
    pub seekable: Option<(MediaTime, MediaTime)>,
    /// Of a recording.
    pub duration: Option<Micros>,
    /// What can be played without the network, from the playhead on and a little before.
    pub buffered_range: Option<(MediaTime, MediaTime)>,
    /// Of a live source.
    pub live_edge: Option<MediaTime>,
    /// µs since 1970 of the playhead, where the stream says (EXT-X-PROGRAM-DATE-TIME, `prft`).
    pub wall_clock: Option<Micros>,
    /// The rendition that is received.
    pub rendition: Option<u32>,
    /// What the network is believed to bring, bit/s.
    pub estimate: Option<u64>,
}
