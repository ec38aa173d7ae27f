//! Packets to fragmented MP4: an init segment, then fragments of any length, for HLS, Media Source Extensions and recordings.
//!
//! **Invariant:** a sample is presented at its packet's pts and, unless time goes back within its track, decoded at its dts, each to
//! the nearest tick: 90 kHz for pictures, the sample rate for sound. Each fragment says where it begins, so nothing drifts. It does
//! not interleave, cut or drop: what goes into a fragment is the caller's choice.
//!
//! With one track, what is written is a CMAF track (ISO/IEC 23000-19) of the brand `cmf2`, each call a chunk.

mod boxes;
mod entry;
mod fragment;
mod init;

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::{
    packet::{Codec, CodecParams, MediaKind, Packet, TrackId, TrackInfo, VideoParams},
    time::{MediaTime, Micros},
};
use boxes::{put, put_full, ticks};

const VIDEO_TIMESCALE: u32 = 90_000;
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
        let (id, codec) = (info.id, info.config.codec);
        let (timescale, picture) = match info.config.params {
            CodecParams::Video(params) => (VIDEO_TIMESCALE, Some(params)),
            CodecParams::Audio(params) => (params.sample_rate, None),
        };
        let is_video = picture.is_some();
        if codec.kind() != id.kind || is_video != (id.kind == MediaKind::Video) {
            return Err(Mp4MuxError::NoEntry { track: id, codec });
        }
        let entry = entry::entry(&info.config).filter(|_| timescale > 0);
        let entry = entry.ok_or(Mp4MuxError::NoRecord(id))?;
        let known = self.tracks.iter_mut().find(|track| track.id == id);
        if known.as_ref().is_some_and(|track| track.entry == entry && track.timescale == timescale) {
            return Ok(false);
        }
        let step = ticks(USUAL_STEP, timescale);
        match known {
            Some(track) => *track = Track { timescale, picture, entry, codec, step, ..*track },
            None => {
                let number = u32::try_from(self.tracks.len()).unwrap_or(u32::MAX).saturating_add(1);
                self.tracks.push(Track { id, number, timescale, picture, entry, codec, step });
            }
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
        let track = self.tracks.iter().find(|track| track.id == id).ok_or(Mp4MuxError::NoConfig(id))?;
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
        let is_known = |packet: &&Packet| self.tracks.iter().any(|track| track.id == packet.track);
        if let Some(stranger) = packets.iter().find(|packet| !is_known(packet)) {
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
        let steps: Vec<_> = runs.iter().map(|run| (run.track, run.last_step())).collect();
        for (number, step) in steps {
            for track in self.tracks.iter_mut().filter(|track| track.number == number && step > 0) {
                track.step = step;
            }
        }
        self.sequence = sequence;
        Ok(())
    }
}

impl Track {
    fn decode_time(&self, time: MediaTime, base: MediaTime) -> Result<u64, Mp4MuxError> {
        u64::try_from(ticks(time - base, self.timescale))
            .map_err(|_| Mp4MuxError::BeforeBase { track: self.id, by: base - time })
    }
}
