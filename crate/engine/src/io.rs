//! What goes into the engine and what comes out: data, never a callback.

use std::ops::{Add, Sub};

use bytes::{Bytes, BytesMut};
use sailcast_media::{DecoderConfig, MediaTime, Micros, Packet, TrackId, Turn, hls::ByteRange};

use crate::{event::Event, latency::LatencyTarget, retry::Reason};

/// Microseconds of the driver's monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// Never before the epoch, never past the end of time.
    pub fn plus(self, span: Micros) -> Self {
        Self(self.0.saturating_add_signed(span.0))
    }
}

impl Add<Micros> for Instant {
    type Output = Self;
    fn add(self, rhs: Micros) -> Self {
        self.plus(rhs)
    }
}

impl Sub for Instant {
    type Output = Micros;
    fn sub(self, rhs: Self) -> Micros {
        Micros(i64::try_from(i128::from(self.0).saturating_sub(i128::from(rhs.0))).unwrap_or(i64::MAX))
    }
}

/// One network request, for its life. Events of an id the engine no longer knows are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u32);

/// One decoder from `Configure` to `CloseDecoder`. Frames of a closed one are released unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecoderId(pub u32);

/// A decoded picture the driver holds. The engine renders or releases each exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Streaming GET.
    Http,
    /// WebSocket with binary messages.
    WebSocket,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IoRequest {
    pub url: String,
    pub transport: Transport,
    /// The bytes that are wanted, as a Range header asks for them (RFC 9110, 14.2); all where it is not given.
    pub range: Option<ByteRange>,
    /// The answer before was an error or broke: one that a cache has kept is of no use.
    pub fresh: bool,
}

/// The head of a response, or of an open socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 101 of a socket.
    pub status: u16,
    /// The response says how long it is, as that of a file does; a live stream has no length, and its end may be a
    /// publisher's restart.
    pub finite: bool,
    /// Bytes of the whole resource, as far as Content-Range or the Content-Length of a 200 tell.
    pub len: Option<u64>,
    /// Where redirects led, if anywhere else.
    pub url: Option<String>,
}

impl Response {
    pub const fn new(status: u16, finite: bool) -> Self {
        Self { status, finite, len: None, url: None }
    }

    pub fn is_success(&self) -> bool {
        self.status == 101 || (200..300).contains(&self.status)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IoEvent {
    /// Response headers came, or the socket opened.
    Opened(Response),
    Bytes(Bytes),
    /// The peer ended the stream in good order (end of body; close code 1000 or 1005).
    End,
    Failed(IoError),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IoError {
    /// No response at all: refused, name unknown, TLS, CORS. The browser does not tell them apart.
    Connect,
    /// The connection broke after it had opened.
    Lost,
    /// The socket was closed with an error code.
    Closed { code: u16, reason: String },
}

/// What the page is asked before a connection is tried again, for addresses that carry a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveRequest {
    /// The line as it was loaded.
    pub url: String,
    /// 1 for the first try after the connection was lost; 0 for a load that had to wait for its page to be seen,
    /// and for another definition.
    pub attempt: u32,
    pub reason: Reason,
}

/// A decoded picture, without its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    pub id: FrameId,
    pub pts: MediaTime,
    /// Display size in pixels, upright.
    pub width: u32,
    pub height: u32,
    /// What is left to do for that to whoever shows it.
    pub turn: Turn,
}

/// PCM: interleaved f32 at `sample_rate` Hz; `data.len()` is a multiple of `channels`.
#[derive(Clone, Debug, PartialEq)]
pub struct PcmBlock {
    pub sample_rate: u32,
    pub channels: u8,
    pub data: Vec<f32>,
}

/// The page's sound output as the driver knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AudioOutput {
    /// None, suspended by the autoplay policy, or broken: nothing is taken from the ring.
    Off,
    /// The ring is read at `sample_rate`; what is read now is heard `latency` later.
    Running { sample_rate: u32, latency: Micros },
}

/// AES-128 in CBC mode with PKCS7 padding (RFC 8216bis, 4.4.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decryption {
    pub key: [u8; 16],
    pub iv: [u8; 16],
    pub data: Bytes,
}

/// What kind of source an address is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// By the address, and by what comes of it.
    #[default]
    Auto,
    /// A stream that is read as it comes.
    Stream,
    Hls,
    /// A recording that is read at any place.
    File,
}

impl SourceKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Stream => "stream",
            Self::Hls => "hls",
            Self::File => "file",
        }
    }
}

/// One of several streams of the same content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    pub name: String,
    /// Its addresses, the preferred one first.
    pub lines: Vec<String>,
    /// bit/s, where it is known.
    pub bitrate: Option<u64>,
    pub width: Option<u32>,
    pub height: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Addresses of the same stream, the preferred one first. Empty where there are definitions.
    pub lines: Vec<String>,
    /// The page is asked for the address before each further try.
    pub resolve: bool,
    pub kind: SourceKind,
    /// The definitions of a live stream between which the player changes; the renditions of HLS are found by it.
    pub definitions: Vec<Definition>,
    /// Which of the renditions to begin with, and to stay with; `None`: the player chooses.
    pub rendition: Option<u32>,
    /// Which of the sounds of HLS to begin with; `None`: as its playlist says.
    pub sound: Option<u8>,
    /// Where to begin, on the timeline that the page sees; `None`: at the live edge, at the beginning, or where the playlist says.
    pub start: Option<MediaTime>,
    /// Of a file, what another player has of it: that is not asked for again.
    pub begun: Option<Begun>,
}

/// The beginning of a file, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Bytes of all of it, where that is known.
    pub len: Option<u64>,
    pub bytes: Bytes,
}

impl Begun {
    pub(crate) fn extend(&mut self, data: &Bytes) {
        let mut bytes = BytesMut::from(std::mem::take(&mut self.bytes));
        bytes.extend_from_slice(data);
        self.bytes = bytes.freeze();
    }
}

/// What a recording is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// Fragmented MP4.
    Mp4,
    Flv,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Plays the stream in place of whatever was playing.
    Load(Load),
    Play,
    Pause,
    /// How far behind the newest received data to play.
    Latency(LatencyTarget),
    /// Goes on at another place of the timeline: exactly there, or at the keyframe nearest to it. A stream that is read as it comes
    /// goes nowhere.
    Seek {
        to: MediaTime,
        exact: bool,
    },
    /// Goes on at the live edge, as far behind it as is aimed for.
    SeekLive,
    /// The speed that the viewer wants, from 0.5 to 3: 1 is normal. Kept through loads; a live stream at its edge plays at 1, and so
    /// does one that is read as it comes, wherever it is.
    Rate(f64),
    /// A recording begins again at its end.
    Loop(bool),
    /// Plays this rendition; `None`: the player chooses. Forgotten with the next load.
    SelectRendition(Option<u32>),
    /// The picture's box in device pixels: a rendition with more is not chosen by the player.
    Viewport {
        width: u32,
        height: u32,
    },
    /// Writes what is played into `Recorded`, a live stream as it comes; `None` ends the recording. It ends with the load too;
    /// `Close` loses its last part.
    Record(Option<Container>),
    /// The driver's answer to `Decrypt`: the clear bytes, or what the browser says.
    Decrypted(RequestId, Result<Bytes, String>),
    /// Play this track in place of the one of its kind that is played now, from its next keyframe on; sound of HLS is fetched
    /// from the playhead on. A track that is not there yet is waited for. Forgotten with the next load.
    SelectTrack(TrackId),
    /// The page can be seen, or cannot.
    Visible(bool),
    /// The browser says that there is a network, or none.
    Online(bool),
    /// Another network: what was connected through the old one may never speak again.
    NetworkChanged,
    /// The page is about to be frozen or put away: lets go of the connection and keeps the picture.
    Suspend,
    /// The page is back.
    Wake,
    /// The page's answer to `Resolve`: an address, or why there is none.
    Resolved(RequestId, Result<String, String>),
    /// Ends the player for good: afterwards only `Cancel`, `CloseDecoder`, `ClearPcm`, `Release` and `Wait(None)`
    /// come out.
    Close,
    Io(RequestId, IoEvent),
    FrameDecoded(DecoderId, FrameInfo),
    /// Decoded sound with the presentation time of its first sample.
    SamplesDecoded(DecoderId, MediaTime, PcmBlock),
    /// The decoder answered `Flush`: everything it had has come out.
    Flushed(DecoderId),
    /// The packet presented at this time came to nothing, for it is damaged or refers to what is; the decoder goes on.
    LeftOut(DecoderId, MediaTime, String),
    /// The decoder cannot go on, or refused its configuration or its first keyframe; it is already closed. The words are
    /// the browser's, or the module's.
    DecoderFailed(DecoderId, String),
    /// The browser has taken the decoder away, as it does with idle ones; the next keyframe gets a new one. No failure
    /// of the stream.
    DecoderReclaimed(DecoderId),
    /// The display left out a frame that it was given to show.
    NotShown(FrameId),
    /// The sound output started, stopped or changed.
    AudioOutput(AudioOutput),
    /// The output has taken `frames` PCM frames from the ring since the last change from `Off` to `Running` (cleared
    /// frames count as taken). A replaced output is first `Off`, then `Running`, and counts from 0 again.
    AudioPlayed {
        frames: u64,
    },
    /// The instant of the last `Wait` has come.
    Timeout,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Open(RequestId, IoRequest),
    Cancel(RequestId),
    /// Asks the page for the address of the next try; answered by `Resolved`. `Cancel` takes it back.
    Resolve(RequestId, ResolveRequest),
    /// Asks for these bytes to be decrypted; answered by `Decrypted`. `Cancel` takes it back.
    Decrypt(RequestId, Decryption),
    /// Makes a decoder.
    Configure(DecoderId, DecoderConfig, DecoderMode),
    Decode(DecoderId, Packet),
    /// Asks for every frame still inside; answered by `Flushed`.
    Flush(DecoderId),
    CloseDecoder(DecoderId),
    /// Show the frame now; the driver owns it from here on.
    Render(FrameId),
    /// Close the frame unseen.
    Release(FrameId),
    /// Append to the ring: always stereo.
    Pcm(PcmBlock),
    /// Drop what the ring still holds; dropped frames count as played.
    ClearPcm,
    /// The next bytes of the recording; empty: it is complete.
    Recorded(Bytes),
    Event(Event),
    /// Nothing more to do until something happens, or until the instant.
    Wait(Option<Instant>),
}

/// What kind of decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderMode {
    pub path: DecoderPath,
    /// The stream has no reordering: every packet gives its frame at once.
    pub low_delay: bool,
}

/// The rungs of the ladder, the better one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecoderPath {
    /// The browser's own, in hardware where there is any.
    WebCodecs,
    /// A software decoder, fetched when it is needed.
    Wasm,
}

impl DecoderPath {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebCodecs => "webcodecs",
            Self::Wasm => "wasm",
        }
    }
}
