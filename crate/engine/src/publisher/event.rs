//! What the publisher tells the page.

use sailcast_media::{MediaKind, Micros};

use crate::{
    error::SailcastError,
    publisher::{
        io::{EncoderPath, LineRecord, VideoEncoding},
        uplink::{DropReason, Why},
    },
};

/// `idle` before the first start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    #[default]
    Idle,
    /// Started, and no server has taken anything yet.
    Connecting,
    Publishing,
    /// The connection is lost, or its line is; the next is tried or waited for.
    Reconnecting,
    /// Stopped in good order.
    Ended,
    /// A fatal error ended it.
    Failed,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Publishing => "publishing",
            Self::Reconnecting => "reconnecting",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    StateChange(State),
    /// A connection's server has taken some of the stream, or has had time to refuse it. `url`: which one.
    Publishing {
        url: String,
    },
    /// An encoder works: who encodes what.
    Encoder {
        kind: MediaKind,
        codec_string: String,
        path: EncoderPath,
        width: u32,
        height: u32,
    },
    /// The video encoder has another target.
    BitrateChange {
        from: u32,
        to: u32,
        reason: Why,
    },
    /// The size or rate of pictures followed the network, or came back: the shorter side in pixels at most.
    VideoChange {
        side: u32,
        fps: u32,
    },
    /// Packets were dropped because the network does not carry them.
    FramesDropped {
        count: u32,
        reason: DropReason,
    },
    /// The network does not carry what is made, `queue` of it waits; or it does again.
    Congestion {
        congested: bool,
        queue: Micros,
    },
    /// The connection is lost; the next is tried after `delay`. `attempt` counts from 1.
    Reconnecting {
        attempt: u32,
        delay: Micros,
        reason: String,
    },
    /// A source is gone or silent, and the stream goes on with the last picture or with silence.
    SourceLost {
        kind: MediaKind,
        muted: bool,
    },
    SourceRecovered {
        kind: MediaKind,
    },
    /// Something works less well than it was asked to, in a word of the documented list: such as `videoCodec`.
    Degraded {
        what: &'static str,
        message: String,
    },
    /// What is now known of a line, to be remembered by the page.
    Line {
        url: String,
        record: LineRecord,
    },
    Ended,
    Error(SailcastError),
}

impl Event {
    pub fn video_encoder(encoding: &VideoEncoding, codec_string: String) -> Self {
        let VideoEncoding { width, height, .. } = *encoding;
        let path = EncoderPath::WebCodecs;
        Self::Encoder { kind: MediaKind::Video, codec_string, path, width, height }
    }

    pub fn audio_encoder(path: EncoderPath, codec_string: String) -> Self {
        Self::Encoder { kind: MediaKind::Audio, codec_string, path, width: 0, height: 0 }
    }
}

/// A snapshot. Counts are totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    pub state: State,
    /// Since the first byte of media went out.
    pub uptime: Micros,
    pub bytes_sent: u64,
    /// What waits between the encoder and the network, in time and in bytes.
    pub queue: Micros,
    pub queued_bytes: u64,
    /// What the network is thought to carry, bit/s.
    pub estimate: Option<u32>,
    /// The server says what it has received: the queue is exact.
    pub acknowledged: bool,
    /// What the video encoder is asked for, bit/s.
    pub target_bitrate: u32,
    /// What went out in the last seconds, bit/s.
    pub sent_bitrate: u32,
    /// What each encoder made in the last seconds, bit/s.
    pub video_bitrate: u32,
    pub audio_bitrate: u32,
    pub width: u32,
    pub height: u32,
    pub target_fps: u32,
    /// Pictures a second in the last seconds: new ones that came from the source, and those that were encoded.
    pub captured_fps: f64,
    pub encoded_fps: f64,
    pub frames_captured: u64,
    pub frames_encoded: u64,
    /// Encoded once more because nothing newer came.
    pub frames_repeated: u64,
    pub keyframes: u64,
    pub dropped_disposable: u64,
    pub dropped_video: u64,
    pub dropped_audio: u64,
    /// Pictures that were not encoded because they would have been dropped.
    pub not_encoded: u64,
    /// Pictures that the encoder had no time for.
    pub encoder_busy: u64,
    /// Silence in place of sound that did not come.
    pub silence: Micros,
    pub reconnects: u32,
    /// How much later sound comes out than it was captured, less the same of pictures: how far they are apart.
    pub av_offset: Option<Micros>,
    /// From the capture of a picture until the encoder gave it, mean of the last seconds.
    pub encode_time: Micros,
}
