//! Packed audio of HLS (RFC 8216bis, 3.4): frames of ADTS, MPEG audio, AC-3 or E-AC-3, and ID3 tags between them; also such files as
//! they are.
//!
//! **Invariant:** times begin where the last tag with `com.apple.streaming.transportStreamTimestamp` says, or at 0, and go on by the
//! frames' own duration. Each tag is told as a message.

use bytes::Bytes;

use crate::{
    codec::frames::{Cut, Frames},
    demux::{DemuxError, DemuxEvent, Demuxer, SkipReason},
    elementary::{Outlet, Sound, TIMESCALE},
    id3,
    metadata::Message,
    packet::TrackId,
    time::MediaTime,
};

const TRACK: TrackId = TrackId::audio(0);

/// Whether a stream begins with an ID3 tag, or with a frame that another one stands behind.
pub(crate) fn is_stream(first_bytes: &[u8]) -> bool {
    if id3::tag_len(first_bytes).is_some() {
        return true;
    }
    let mut frames = Frames::packed();
    frames.push(first_bytes);
    matches!(frames.next(true), Some(Cut::Frame(frame)) if frame.at == 0)
}

/// Turns packed audio into events.
#[derive(Debug)]
pub struct PackedDemuxer {
    sound: Sound,
    out: Outlet,
    /// Bytes pushed.
    pushed: u64,
    ended: bool,
    failed: Option<DemuxError>,
}

impl Default for PackedDemuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl PackedDemuxer {
    pub fn new() -> Self {
        let (sound, out) = (Sound::packed(TRACK), Outlet::default());
        Self { sound, out, pushed: 0, ended: false, failed: None }
    }

    /// Bytes pushed and not yet turned into events: less than a frame or a tag, with the header behind it.
    pub fn buffered_bytes(&self) -> usize {
        self.sound.buffered_bytes()
    }

    fn drain(&mut self, ended: bool) {
        while let Some((_, tag)) = self.sound.drain(ended, &mut self.out) {
            if let Some(ticks) = id3::timestamp(&tag) {
                let ticks = self.out.clock.advance(ticks);
                self.sound.begin_at(MediaTime::from_ticks(ticks, TIMESCALE));
            }
            let time = self.sound.now().unwrap_or_default();
            self.out.message(time, None, Message::Id3 { payload: tag });
        }
        if let Some(searched) = self.sound.gave_up() {
            self.fail(searched);
        }
    }

    fn fail(&mut self, searched: u64) {
        self.failed = Some(DemuxError::NoFrames { at: 0, searched });
        self.sound = Sound::packed(TRACK);
    }
}

impl Demuxer for PackedDemuxer {
    fn push(&mut self, data: Bytes) {
        if self.ended || self.failed.is_some() {
            return;
        }
        self.pushed = self.pushed.saturating_add(data.len() as u64);
        self.sound.push(&data);
        self.drain(false);
    }

    fn poll(&mut self) -> Result<Option<DemuxEvent>, DemuxError> {
        match (self.out.events.pop_front(), self.failed) {
            (None, Some(error)) => Err(error),
            (event, _) => Ok(event),
        }
    }

    fn flush(&mut self) {
        self.drain(true);
    }

    fn finish(&mut self) {
        if std::mem::replace(&mut self.ended, true) || self.failed.is_some() {
            return;
        }
        let told = self.out.events.len();
        self.drain(true);
        if !self.sound.has_begun() && self.pushed > 0 {
            // All that was left out since.
            self.out.events.truncate(told);
            return self.fail(self.pushed);
        }
        let len = self.sound.forget();
        let at = self.pushed.saturating_sub(len);
        self.out.skipped(Some(TRACK), at, len, SkipReason::Truncated);
    }
}
