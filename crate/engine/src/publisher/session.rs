//! One connection as the stream sees it: the FLV that goes out on it, from its header on.
//!
//! It begins with the script tag, both sequence headers and a keyframe, and its time with 0: servers that put a returning publisher
//! behind what it sent before (node-media-server) and those that do not both take that. **Invariant:** dts never goes back; a
//! configuration is written when it changes, before the first packet it is for, and not again.

use bytes::{Bytes, BytesMut};
use sailcast_media::{
    FlvMuxer, MediaKind, MediaTime, Message, Metadata, Micros, Packet, TrackInfo, Value,
    flv::{Headers, MuxError, on_metadata},
};

/// The publisher's clock goes out so often: viewers see how far behind it they are.
const CLOCK_EVERY: Micros = Micros::from_secs(1);

/// What is written besides the packets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    pub fps: f64,
    /// bit/s.
    pub video_bitrate: u32,
    pub audio_bitrate: u32,
    /// Milliseconds since 1970 at 0 of the publisher's timeline.
    pub epoch: f64,
}

#[derive(Debug)]
pub struct Session {
    muxer: FlvMuxer,
    /// The publisher's time of 0 here.
    base: MediaTime,
    epoch: f64,
    video: Option<TrackInfo>,
    audio: Option<TrackInfo>,
    clock_at: Option<MediaTime>,
    last: MediaTime,
}

impl Session {
    /// Begins at `base` with what is known of the tracks, and writes all that comes before the first packet.
    pub fn begin(
        base: MediaTime,
        has: (bool, bool),
        tracks: &[TrackInfo],
        description: &Description,
        out: &mut BytesMut,
    ) -> Result<Self, MuxError> {
        let (has_video, has_audio) = has;
        let mut session = Self {
            muxer: FlvMuxer::new(has_audio, has_video),
            base,
            epoch: description.epoch,
            video: None,
            audio: None,
            clock_at: None,
            last: MediaTime(0),
        };
        session.muxer.metadata(out, &described(tracks, description))?;
        for track in tracks {
            // What cannot be written is told with its first packet.
            let _ = session.configure(track, out);
        }
        Ok(session)
    }

    /// Writes a packet, with its configuration first if that is new. What was captured before the beginning is left out.
    pub fn write(
        &mut self,
        packet: &Packet,
        config: Option<&TrackInfo>,
        out: &mut BytesMut,
    ) -> Result<(), MuxError> {
        if packet.dts < self.base {
            return Ok(());
        }
        if let Some(config) = config {
            self.configure(config, out)?;
        }
        let since = packet.dts - self.base;
        let dts = (MediaTime(0) + since).max(self.last);
        if self.clock_at.is_none_or(|at| dts - at >= CLOCK_EVERY) {
            self.clock_at = Some(dts);
            let wallclock = self.epoch + (packet.dts - MediaTime(0)).as_secs_f64() * 1000.0;
            self.muxer.metadata(out, &clock(dts, wallclock))?;
        }
        self.last = dts;
        let stamped = Packet { dts, pts: dts + (packet.pts - packet.dts), ..packet.clone() };
        self.muxer.packet(out, &stamped)
    }

    /// Says that the tracks are over.
    pub fn end(&mut self, out: &mut BytesMut) -> Result<(), MuxError> {
        for track in [self.video.take(), self.audio.take()].into_iter().flatten() {
            // An end of legacy sound is an empty tag, which some servers take for damage.
            if track.kind() == MediaKind::Video {
                self.muxer.end(out, track.id, self.last)?;
            }
        }
        Ok(())
    }

    fn configure(&mut self, track: &TrackInfo, out: &mut BytesMut) -> Result<(), MuxError> {
        let known = match track.kind() {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        };
        if known.as_ref() == Some(track) {
            return Ok(());
        }
        self.muxer.config(out, track)?;
        *known = Some(track.clone());
        Ok(())
    }
}

/// All that was written, and room for more.
pub fn take(out: &mut BytesMut) -> Option<Bytes> {
    Some(out.split().freeze()).filter(|bytes| !bytes.is_empty())
}

fn described(tracks: &[TrackInfo], description: &Description) -> Metadata {
    let mut metadata = on_metadata(tracks, Headers::Common);
    if let Message::Script { values, .. } = &mut metadata.message
        && let Some(Value::Object(fields)) = values.first_mut()
    {
        let kbit = |bitrate: u32| Value::Number(f64::from(bitrate) / 1000.0);
        for track in tracks {
            match track.kind() {
                MediaKind::Video => {
                    fields.push(("framerate".to_owned(), Value::Number(description.fps)));
                    fields.push(("videodatarate".to_owned(), kbit(description.video_bitrate)));
                }
                MediaKind::Audio => {
                    fields.push(("audiodatarate".to_owned(), kbit(description.audio_bitrate)));
                }
            }
        }
        let encoder = concat!("sailcast ", env!("CARGO_PKG_VERSION")).to_owned();
        fields.push(("encoder".to_owned(), Value::String(encoder)));
    }
    metadata
}

fn clock(time: MediaTime, wallclock: f64) -> Metadata {
    let fields = vec![("wallclock".to_owned(), Value::Number(wallclock))];
    let message = Message::Script { name: "onWallClock".to_owned(), values: vec![Value::Object(fields)] };
    Metadata { time, track: None, message }
}
