//! Packets to fragmented MP4: an init segment, then fragments of any length, for HLS, Media Source Extensions and recordings.
//!
//! **Invariant:** a sample is presented at its packet's pts and, unless time goes back within its track, decoded at its dts, each to
//! the nearest tick: 90 kHz for pictures, the sample rate for sound. A frame of sound that is at most [`SNAP`] from the end of the one
//! before it begins there: stamps of whole milliseconds would else be gaps and overlaps. Each fragment says where it begins, so
//! nothing drifts. It does not interleave, cut or drop: what goes into a fragment is the caller's choice.
//!
//! With one track, what is written is a CMAF track (ISO/IEC 23000-19) of the brand `cmf2`, each call a chunk.

mod boxes;
mod entry;
mod fragment;
mod init;
mod recording;

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::{
    packet::{Codec, CodecParams, MediaKind, Packet, TrackId, TrackInfo, VideoParams},
    time::{MediaTime, Micros},
};
use boxes::{put, put_full, ticks};
pub use recording::Recording;

const VIDEO_TIMESCALE: u32 = 90_000;
/// Two stamps of FLV that are rounded to 1 ms each are at most so far from what they should be.
pub const SNAP: Micros = Micros(1_500);
/// Of a lone packet of which nothing tells how long it lasts.
const USUAL_STEP: Micros = Micros::from_millis(40);
/// Seconds from 1900, where NTP begins, to 1970.
const NTP_EPOCH: i64 = 2_208_988_800;
/// `prft`: the time is that of some event, the same one in all boxes of the track (ISO/IEC 14496-12, 8.16.5.3).
const PRFT_CONSISTENT_EVENT: u32 = 8;

/// What [`FragmentMuxer`] refuses to write. Nothing of the refused call is in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Mp4MuxError {
    #[error("{0} before its configuration")]
    NoConfig(TrackId),
    #[error("MP4 has no sample entry for {codec:?} as track {track}")]
    NoEntry { track: TrackId, codec: Codec },
    #[error("the configuration of {0} lacks what its sample entry needs")]
    NoRecord(TrackId),
    #[error("{track} begins {} µs before the time that counts as 0", .by.0)]
    BeforeBase { track: TrackId, by: Micros },
    #[error("pts and dts of {0} are too far apart")]
    CompositionTime(TrackId),
    /// Of a [`Recording`].
    #[error("the configuration of {0} has changed, which an MP4 file cannot say in its midst")]
    ConfigChanged(TrackId),
    #[error("a fragment of {len} bytes is larger than MP4 can say")]
    FragmentTooLarge { len: usize },
}

/// Writes init segments and fragments into the buffers it is given.
#[derive(Debug)]
pub struct FragmentMuxer {
    tracks: Vec<Track>,
    base: MediaTime,
    /// sequence_number of the last fragment.
    sequence: u32,
}

#[derive(Clone, Debug)]
struct Track {
    id: TrackId,
    /// track_ID: from 1, in the order of arrival.
    number: u32,
    timescale: u32,
    /// Of video.
    picture: Option<VideoParams>,
    entry: Bytes,
    codec: Codec,
    /// The duration of the last sample, in ticks.
    step: i64,
    /// Where it ends.
    end: Option<i64>,
}

impl FragmentMuxer {
    pub fn new(tracks: &[TrackInfo]) -> Result<Self, Mp4MuxError> {
        let mut muxer = Self { tracks: Vec::new(), base: MediaTime(0), sequence: 0 };
        for track in tracks {
            muxer.config(track)?;
        }
        Ok(muxer)
    }

    /// The media time that becomes 0: no packet may have an earlier dts.
    #[must_use]
    pub fn with_base(self, base: MediaTime) -> Self {
        Self { base, ..self }
    }

    /// Takes a new track, or the new configuration of one. True where packets from here on need another init segment.
    pub fn config(&mut self, info: &TrackInfo) -> Result<bool, Mp4MuxError> {
        let next = u32::try_from(self.tracks.len()).unwrap_or(u32::MAX).saturating_add(1);
        let number = self.number(info.id).unwrap_or(next);
        let track = Track::new(info, number)?;
        match self.tracks.iter_mut().find(|known| known.id == info.id) {
            Some(known) if known.is_like(&track) => return Ok(false),
            Some(known) => *known = track,
            None => self.tracks.push(track),
        }
        Ok(true)
    }

    /// The init segment: `ftyp` and `moov`.
    pub fn init(&self, out: &mut BytesMut) {
        init::write(out, &self.tracks);
    }

    /// `styp`: a segment or a part of one begins here.
    pub fn segment_type(&self, out: &mut BytesMut) {
        put(out, b"styp", |out| {
            out.put_slice(b"msdh");
            out.put_u32(0);
            out.put_slice(b"msdhmsix");
        });
    }

    /// `prft`, right before a fragment: at `time` of the track, the producer's clock stood at `unix` since 1970.
    pub fn producer_time(
        &self,
        out: &mut BytesMut,
        id: TrackId,
        time: MediaTime,
        unix: Micros,
    ) -> Result<(), Mp4MuxError> {
        let track = self.track(id).ok_or(Mp4MuxError::NoConfig(id))?;
        let at = track.decode_time(time, self.base)?;
        let seconds = unix.0.div_euclid(1_000_000).saturating_add(NTP_EPOCH);
        let fraction = (u64::try_from(unix.0.rem_euclid(1_000_000)).unwrap_or_default() << 32) / 1_000_000;
        put_full(out, b"prft", 1, PRFT_CONSISTENT_EVENT, |out| {
            out.put_u32(track.number);
            // Modulo 2^32 seconds, as NTP's eras are.
            out.put_u64(seconds.cast_unsigned() << 32 | fraction);
            out.put_u64(at);
        });
        Ok(())
    }

    /// A fragment, `moof` and `mdat`, of these packets; none where they are none. Sound without a byte, silence, is left out.
    ///
    /// A sample lasts up to the next one of its track. Behind the last that is the first in `following`, what comes after the
    /// fragment as far as that is here; else its own duration tells, or the sample before it.
    pub fn fragment(
        &mut self,
        out: &mut BytesMut,
        packets: &[Packet],
        following: &[Packet],
    ) -> Result<(), Mp4MuxError> {
        if let Some(stranger) = packets.iter().find(|packet| !self.has(packet.track)) {
            return Err(Mp4MuxError::NoConfig(stranger.track));
        }
        let mut runs = Vec::new();
        for track in &self.tracks {
            runs.extend(fragment::Run::of(track, self.base, packets, following)?);
        }
        if runs.is_empty() {
            return Ok(());
        }
        let sequence = self.sequence.wrapping_add(1);
        fragment::write(out, sequence, &runs)?;
        let ends: Vec<_> = runs.iter().map(|run| (run.track, run.last_step(), run.end)).collect();
        for (number, step, end) in ends {
            for track in self.tracks.iter_mut().filter(|track| track.number == number) {
                track.step = if step > 0 { step } else { track.step };
                track.end = Some(end);
            }
        }
        self.sequence = sequence;
        Ok(())
    }

    fn track(&self, id: TrackId) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == id)
    }

    fn has(&self, id: TrackId) -> bool {
        self.track(id).is_some()
    }

    /// track_ID.
    fn number(&self, id: TrackId) -> Option<u32> {
        self.track(id).map(|track| track.number)
    }

    /// Packets of this configuration need another init segment than those so far.
    fn needs_init(&self, info: &TrackInfo) -> Result<bool, Mp4MuxError> {
        let Some(known) = self.track(info.id) else { return Ok(true) };
        Ok(!known.is_like(&Track::new(info, known.number)?))
    }

    /// A time in ticks of a track.
    fn ticks(&self, id: TrackId, time: MediaTime) -> u64 {
        let ticks = self.track(id).map_or(0, |track| ticks(time - self.base, track.timescale));
        u64::try_from(ticks).unwrap_or_default()
    }
}

impl Track {
    fn new(info: &TrackInfo, number: u32) -> Result<Self, Mp4MuxError> {
        let (id, codec) = (info.id, info.config.codec);
        let (timescale, picture) = match info.config.params {
            CodecParams::Video(params) => (VIDEO_TIMESCALE, Some(params)),
            CodecParams::Audio(params) => (params.sample_rate, None),
        };
        if codec.kind() != id.kind || picture.is_some() != (id.kind == MediaKind::Video) {
            return Err(Mp4MuxError::NoEntry { track: id, codec });
        }
        let entry = entry::entry(&info.config).filter(|_| timescale > 0);
        let entry = entry.ok_or(Mp4MuxError::NoRecord(id))?;
        let step = ticks(USUAL_STEP, timescale);
        Ok(Self { id, number, timescale, picture, entry, codec, step, end: None })
    }

    /// `moov` says the same of both.
    fn is_like(&self, other: &Self) -> bool {
        let turn = |track: &Self| track.picture.map(|picture| picture.turn);
        self.entry == other.entry && self.timescale == other.timescale && turn(self) == turn(other)
    }

    fn decode_time(&self, time: MediaTime, base: MediaTime) -> Result<u64, Mp4MuxError> {
        u64::try_from(ticks(time - base, self.timescale))
            .map_err(|_| Mp4MuxError::BeforeBase { track: self.id, by: base - time })
    }

    /// `time`, or `due` where sound is so near to it that it is meant.
    fn snapped(&self, time: i64, due: i64) -> i64 {
        let is_near = time.saturating_sub(due).saturating_abs() <= ticks(SNAP, self.timescale);
        if self.picture.is_none() && is_near { due } else { time }
    }
}
