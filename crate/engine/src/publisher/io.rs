//! What goes into the publisher and what comes out: data, never a callback.
//!
//! Pictures are ids, sound is counts of PCM frames: the driver holds both, and does with them what it is told.

use bytes::Bytes;
use sailcast_media::{Codec, MediaKind, MediaTime};

use crate::{
    io::{FrameId, RequestId},
    publisher::{event::Event, settings::Settings},
};

/// One encoder from its configuration to `CloseEncoder`. What a closed one still gives is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EncoderId(pub u32);

/// A place to publish to.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// `ws:` or `wss:`.
    pub url: String,
    /// What an earlier session has learnt of it, as [`Event::Line`] told.
    pub known: Option<LineRecord>,
}

/// What is remembered of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineRecord {
    /// Seconds from the request to the open socket.
    pub connect: f64,
    /// The most it was seen to carry, bit/s; 0 where it was never asked for more than it could.
    pub throughput: f64,
    /// Failures, each worth half of the one after it.
    pub failures: f64,
}

/// A captured picture, without its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedFrame {
    pub id: FrameId,
    /// When it was taken, µs of its source's own clock. Only differences mean something.
    pub taken: i64,
    /// As it is to be seen, turned upright.
    pub width: u32,
    pub height: u32,
}

/// What is the matter with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceState {
    /// It gives pictures or sound, or will as soon as there are some.
    Live,
    /// The browser or the system keeps it silent or black: a call, a switch, another program.
    Muted,
    /// Its device is gone, or nobody gives it any more.
    Lost,
}

/// One packet as the encoder gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// That of the picture, or of the first sample, as it was given with `Encode` or `EncodeSound`.
    pub pts: MediaTime,
    /// As the encoder says; what counts is the bitstream.
    pub keyframe: bool,
    pub data: Bytes,
    /// The decoder's configuration from this packet on, where the encoder gives one.
    pub description: Option<Bytes>,
}

/// What a connection for publishing says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    Opened,
    /// Bytes handed to the socket that it has not passed on yet, as asked just now.
    Buffered(u64),
    /// The server has received so many bytes of this connection.
    Acked(u64),
    /// It is over. `opened`: it had been open before.
    Closed {
        opened: bool,
        code: u16,
        reason: String,
    },
    /// The browser refuses the address.
    Refused(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Goes live on one of the lines, with the kinds of tracks that have had a source. What is live ends before.
    Start {
        lines: Vec<Line>,
    },
    /// Ends in good order: what is in the encoders and the queue goes out first, for a moment.
    Stop,
    /// Ends the publisher for good: afterwards only what gives back comes out.
    Close,
    /// New settings, from now on. Before the first, nothing is encoded.
    Settings(Settings),
    /// Another state of a source, or another source. `None`: the page has no such source any more, by its own wish.
    Source(MediaKind, Option<SourceState>),
    Captured(CapturedFrame),
    /// `frames` PCM frames came into the driver's queue, in the format of `SoundFormat`. `position` counts the frames of the
    /// source's clock before them: a gap in it is sound that never came.
    Heard {
        position: u64,
        frames: u32,
    },
    /// The sound's format from now on; what is still in the driver's queue is dropped.
    SoundFormat {
        sample_rate: u32,
        channels: u8,
    },
    Encoded(EncoderId, Encoded),
    /// The encoder cannot go on, or refused its configuration; it is already closed. The words are the browser's.
    EncoderFailed(EncoderId, String),
    /// The browser has taken the encoder away; a new one may be had.
    EncoderReclaimed(EncoderId),
    /// Everything inside has come out.
    Flushed(EncoderId),
    Link(RequestId, LinkEvent),
    /// The browser says that there is a network, or none.
    Online(bool),
    /// Another network: what was connected through the old one may be dead without a word.
    NetworkChanged,
    /// The page is back from being frozen or put away.
    Wake,
    /// What is sent goes to `Record` too, from the next keyframe on; or no longer.
    Record(bool),
    /// The instant of the last `Wait` has come.
    Timeout,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Connects. Answered by `Opened`, `Closed` or `Refused`.
    Open(RequestId, String),
    Send(RequestId, Bytes),
    /// Closes in good order once all is sent. Answered by `Closed`.
    Finish(RequestId),
    /// Closes now. Nothing more is heard of it.
    Cancel(RequestId),
    ConfigureVideo(EncoderId, VideoEncoding),
    ConfigureAudio(EncoderId, AudioEncoding),
    /// The same encoder at another rate: no keyframe comes of it.
    Tune(EncoderId, VideoEncoding),
    /// The same of sound.
    TuneAudio(EncoderId, u32),
    /// Encodes the picture as if it were taken at `pts`. The driver keeps it until `Release`: it may be asked for again.
    Encode {
        encoder: EncoderId,
        frame: FrameId,
        pts: MediaTime,
        keyframe: bool,
    },
    /// The picture is of no more use.
    Release(FrameId),
    /// Encodes the next `frames` PCM frames of the driver's queue.
    EncodeSound {
        encoder: EncoderId,
        frames: u32,
        pts: MediaTime,
    },
    /// Encodes silence.
    EncodeSilence {
        encoder: EncoderId,
        frames: u32,
        pts: MediaTime,
    },
    /// Drops the next PCM frames of the driver's queue.
    DropSound {
        frames: u32,
    },
    /// Asks for everything inside; answered by `Flushed`.
    Flush(EncoderId),
    CloseEncoder(EncoderId),
    /// FLV for the recording, from its header on.
    Record(Bytes),
    Event(Event),
    /// Nothing more to do until something happens, or until the instant.
    Wait(Option<crate::io::Instant>),
}

/// What a video encoder shall make: WebCodecs' words.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoEncoding {
    pub codec: Codec,
    pub codec_string: String,
    /// Even. Pictures of another size are scaled to it.
    pub width: u32,
    pub height: u32,
    /// bit/s.
    pub bitrate: u32,
    pub fps: f64,
    /// `scalabilityMode`, where temporal layers are asked for.
    pub scalability: Option<&'static str>,
    /// `hardwareAcceleration: prefer-software`, after hardware has failed.
    pub software: bool,
}

/// What a sound encoder shall make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioEncoding {
    pub path: EncoderPath,
    pub codec: Codec,
    pub codec_string: String,
    pub sample_rate: u32,
    pub channels: u8,
    /// bit/s.
    pub bitrate: u32,
}

/// Who encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncoderPath {
    /// The browser.
    WebCodecs,
    /// The module in WebAssembly, fetched when it is needed.
    Wasm,
}

impl EncoderPath {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebCodecs => "webcodecs",
            Self::Wasm => "wasm",
        }
    }
}
