//! A stream as a file: fragments of about a second, and an index at its end.
//!
//! **Invariant:** it begins with a keyframe at time 0 (of the picture where there is one), whatever came before, and is complete up to
//! the last fragment if [`Recording::finish`] is never called. It holds less than [`MAX_FRAGMENT`] and [`MAX_FRAGMENT_BYTES`] of
//! packets, and 24 bytes a second of the index.
//!
//! The tracks and their configurations stand at the head of the file. One that changes ends the recording:
//! [`Mp4MuxError::ConfigChanged`]. `avc3` and `hev1` could change in mid-stream, but some players do not open them.

use std::slice;

use bytes::{BufMut, BytesMut};

use super::{
    FragmentMuxer, Mp4MuxError,
    boxes::{put, put_full},
};
use crate::{
    packet::{MediaKind, Packet, TrackId, TrackInfo},
    time::{MediaTime, Micros},
};

/// A fragment ends when it is so long, or before a keyframe.
const MAX_FRAGMENT: Micros = Micros::from_secs(1);
/// Keyframes so close together do not make a fragment each.
const MIN_FRAGMENT: Micros = Micros::from_millis(250);
const MAX_FRAGMENT_BYTES: usize = 8 << 20;
/// Places in the index are so far apart.
const INDEX_STEP: Micros = Micros::from_secs(1);

#[derive(Debug)]
pub struct Recording {
    muxer: FragmentMuxer,
    /// The one whose keyframes count.
    lead: Option<TrackId>,
    /// The time of the file's 0, once it has begun.
    base: Option<MediaTime>,
    pending: Vec<Packet>,
    pending_bytes: usize,
    /// Bytes of the file so far.
    written: u64,
    index: Vec<Place>,
}

/// A fragment that begins with a keyframe.
#[derive(Clone, Copy, Debug)]
struct Place {
    dts: MediaTime,
    /// Presentation time in ticks of the lead track.
    time: u64,
    /// Where its `moof` is.
    at: u64,
}

impl Recording {
    /// Of these tracks; what comes of others is left out.
    pub fn new(tracks: &[TrackInfo]) -> Result<Self, Mp4MuxError> {
        let mut tracks = tracks.to_vec();
        // The picture first: its run is then the first of each fragment, as the index says.
        tracks.sort_by_key(|track| track.id);
        Ok(Self {
            muxer: FragmentMuxer::new(&tracks)?,
            lead: tracks.first().map(|track| track.id),
            base: None,
            pending: Vec::new(),
            pending_bytes: 0,
            written: 0,
            index: Vec::new(),
        })
    }

    /// A track has this configuration from here on.
    pub fn config(&self, track: &TrackInfo) -> Result<(), Mp4MuxError> {
        let is_known = self.muxer.has(track.id);
        match is_known && self.muxer.needs_init(track)? {
            true => Err(Mp4MuxError::ConfigChanged(track.id)),
            false => Ok(()),
        }
    }

    /// Takes a packet, in the order of decoding, and writes what has become complete by it.
    pub fn packet(&mut self, out: &mut BytesMut, packet: &Packet) -> Result<(), Mp4MuxError> {
        if !self.muxer.has(packet.track) || !self.has_begun(out, packet) {
            return Ok(());
        }
        if self.is_due(packet) {
            self.write_fragment(out, slice::from_ref(packet))?;
        }
        self.pending_bytes = self.pending_bytes.saturating_add(packet.data.len());
        self.pending.push(packet.clone());
        Ok(())
    }

    /// Writes the rest and the index, `mfra`. Of what never began nothing is written.
    pub fn finish(mut self, out: &mut BytesMut) -> Result<(), Mp4MuxError> {
        self.write_fragment(out, &[])?;
        let number = self.lead.and_then(|lead| self.muxer.number(lead));
        let Some(number) = number.filter(|_| self.base.is_some()) else { return Ok(()) };
        let start = out.len();
        put(out, b"mfra", |out| {
            put_full(out, b"tfra", 1, 0, |out| {
                out.put_u32(number);
                out.put_u32(0); // numbers of a byte each
                out.put_u32(u32::try_from(self.index.len()).unwrap_or(u32::MAX));
                for place in &self.index {
                    out.put_u64(place.time);
                    out.put_u64(place.at);
                    out.put_slice(&[1, 1, 1]); // traf, trun and sample
                }
            });
            // Itself included.
            let len = out.len().saturating_sub(start).saturating_add(MFRO_LEN);
            put_full(out, b"mfro", 0, 0, |out| out.put_u32(u32::try_from(len).unwrap_or(u32::MAX)));
        });
        Ok(())
    }

    /// Whether the packet is in the file: behind its beginning, or that itself.
    fn has_begun(&mut self, out: &mut BytesMut, packet: &Packet) -> bool {
        if let Some(base) = self.base {
            return packet.dts >= base;
        }
        let begins = packet.keyframe && self.lead == Some(packet.track);
        if begins {
            self.base = Some(packet.dts);
            self.muxer.base = packet.dts;
            let before = out.len();
            self.muxer.init(out);
            self.count(out, before);
        }
        begins
    }

    /// The packet begins another fragment.
    fn is_due(&self, packet: &Packet) -> bool {
        let Some(first) = self.pending.first() else { return false };
        let span = packet.dts - first.dts;
        let is_entry = packet.keyframe && packet.track.kind == MediaKind::Video;
        is_entry && span >= MIN_FRAGMENT
            || span >= MAX_FRAGMENT
            || self.pending_bytes.saturating_add(packet.data.len()) > MAX_FRAGMENT_BYTES
    }

    fn write_fragment(&mut self, out: &mut BytesMut, following: &[Packet]) -> Result<(), Mp4MuxError> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let before = out.len();
        self.muxer.fragment(out, &pending, following)?;
        let first = pending.iter().find(|packet| self.lead == Some(packet.track));
        if let Some(first) = first.filter(|first| first.keyframe && self.is_worth_a_place(first.dts)) {
            let time = self.muxer.ticks(first.track, first.pts);
            self.index.push(Place { dts: first.dts, time, at: self.written });
        }
        self.count(out, before);
        Ok(())
    }

    fn is_worth_a_place(&self, dts: MediaTime) -> bool {
        self.index.last().is_none_or(|last| dts - last.dts >= INDEX_STEP)
    }

    fn count(&mut self, out: &BytesMut, before: usize) {
        let more = u64::try_from(out.len().saturating_sub(before)).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(more);
    }
}

/// Header, version and flags, and the length.
const MFRO_LEN: usize = 16;
