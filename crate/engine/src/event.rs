//! What the engine tells the page.

use sailcast_media::{MediaKind, MediaTime, Metadata, Micros, TrackInfo};

use crate::{
    audio::SoundCounts, error::SailcastError, io::DecoderPath, ladder::PathReason, retry::Reason,
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
    /// The picture's size is new.
    Resize {
        width: u32,
        height: u32,
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
    /// Pictures are lost because this machine cannot decode them in time: a smaller rendition would play better.
    Degraded,
    /// It can again.
    Recovered,
    Error(SailcastError),
}

/// A snapshot. Counters are totals since the load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    pub state: State,
    /// Playhead on the stream's timeline.
    pub position: MediaTime,
    /// Newest received packet minus playhead.
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
}
