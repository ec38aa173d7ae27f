//! What goes into the uplink beside packets, and what it tells.

use sailcast_media::Micros;

/// What the application allows. A range that is upside down is its upper bound.
#[derive(Clone, Debug, PartialEq)]
pub struct UplinkConfig {
    /// How long a packet may wait between encoder and network before frames are given up for it.
    pub budget: Micros,
    /// Lowest and highest, in bit/s. A highest of 0 says that there is no video.
    pub video_bitrate: (u32, u32),
    pub audio_bitrate: u32,
    /// Lowest and highest frame rate.
    pub fps: (u32, u32),
    /// Shorter sides that the picture may have, largest first; the first one is the configured one.
    pub sides: Vec<u32>,
    /// Between two keyframes.
    pub gop: Micros,
}

impl Default for UplinkConfig {
    fn default() -> Self {
        Self {
            budget: Micros::from_millis(500),
            video_bitrate: (200_000, 1_000_000),
            audio_bitrate: 64_000,
            fps: (8, 15),
            sides: vec![504, 360],
            gop: Micros::from_secs(4),
        }
    }
}

/// Where the socket stands. All counts are of this connection, in bytes of payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketState {
    /// Given to the socket so far.
    pub handed: u64,
    /// Of these, what the socket itself still holds: `WebSocket.bufferedAmount`.
    pub buffered: u64,
    /// What the server says it has received; `None` where it says nothing.
    pub acked: Option<u64>,
}

/// What the encoder shall make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Bit/s.
    pub video_bitrate: u32,
    pub fps: u32,
    /// The picture's shorter side.
    pub side: u32,
}

/// Why a target is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The link carries less.
    Congestion,
    /// Nothing gets through.
    Silence,
    /// The link has carried a burst faster.
    Carried,
    /// To find out whether the link carries more.
    Probe,
    /// The configuration is another one.
    Config,
    /// Another connection.
    Connection,
}

impl Why {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Congestion => "congestion",
            Self::Silence => "silence",
            Self::Carried => "carried",
            Self::Probe => "probe",
            Self::Config => "config",
            Self::Connection => "connection",
        }
    }
}

/// Why frames are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// They would arrive later than the budget allows.
    Late,
    /// They refer to a frame that was given up.
    Reference,
    /// More is queued than memory is given for.
    Full,
    /// The connection they were made for is gone.
    Closed,
    /// Their dts is before that of a packet already taken.
    Order,
}

impl DropReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Reference => "reference",
            Self::Full => "full",
            Self::Closed => "closed",
            Self::Order => "order",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UplinkEvent {
    /// The link carries less than is sent.
    Congested,
    /// The queue is short again.
    Relieved,
    BitrateChange {
        from: u32,
        to: u32,
        why: Why,
    },
    /// Frame rate or size follow the bitrate.
    ShapeChange {
        from: Target,
        to: Target,
    },
    FramesDropped {
        count: u32,
        reason: DropReason,
    },
}

/// Packets given up since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    pub disposable: u64,
    /// Other frames.
    pub video: u64,
    pub audio: u64,
    /// Captured frames that were not worth encoding, beyond those that the target's frame rate leaves out.
    pub not_encoded: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UplinkStats {
    /// How long what is sent next will have waited between encoder and network, as far as that can be seen.
    pub queue: Micros,
    /// Before the socket.
    pub queued_bytes: u64,
    /// In the socket and, where the server acknowledges, on its way.
    pub outstanding_bytes: u64,
    /// What the link is thought to carry, in bit/s.
    pub estimate: Option<u32>,
    /// What left over the last two seconds, in bit/s.
    pub sent_bitrate: u32,
    pub dropped: Dropped,
    pub congested: bool,
    /// The server acknowledges what it gets: the figures above are exact.
    pub acknowledged: bool,
}

impl UplinkConfig {
    /// Whether there is any but sound.
    pub(super) fn has_video(&self) -> bool {
        self.video_bitrate.1 > 0
    }
}
