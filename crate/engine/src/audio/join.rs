//! Where the sound is, and where it should be: joining the clock, and mending what came off it.

use sailcast_media::{MediaTime, Micros};

use super::{Audio, Lost, PUMP_SOONEST};
use crate::{clock::Clock, io::Instant, outbox::Outbox, pcm::CHANNELS};

/// From writing into an empty ring to the worklet's next read.
const PICKUP: Micros = Micros::from_millis(4);
/// A join closer than this is made exact by silence; a farther one waits for the playhead.
const JOIN_WITHIN: Micros = Micros::from_millis(100);
/// Sound found this late or early, in each report of that time, is mended. Reports themselves come late at times.
const LATE: Micros = Micros::from_millis(30);
const EARLY: Micros = Micros::from_millis(60);
/// What must be left behind a cut.
const AFTER_CUT: Micros = Micros::from_millis(20);

impl Audio {
    /// Brings the buffer's start to where the playhead will be when it is heard.
    pub(super) fn join(&mut self, clock: &Clock, now: Instant, out: &mut Outbox) -> bool {
        let Some(open) = &mut self.open else { return false };
        let queued = open.buffer.time_of(self.ring.level(now, open.buffer.sample_rate()) as usize);
        let want = clock.media(now + queued + open.latency + PICKUP);
        let late = (want - open.buffer.start()).max(Micros::ZERO);
        let frames = open.buffer.frames_in(late).min(open.buffer.frames());
        if frames > 0 {
            open.buffer.advance(frames);
            if let Some(Lost::Dry(_)) = self.lost {
                self.counts.cut += open.buffer.time_of(frames);
                self.counts.underruns = self.counts.underruns.saturating_add(1);
                self.lost = Some(Lost::Stopped);
            }
        }
        if open.buffer.frames() == 0 {
            return false;
        }
        let start = open.buffer.start();
        let early = start - want;
        if early > JOIN_WITHIN {
            let wait = (early - JOIN_WITHIN).scale(1.0 / clock.rate());
            self.early_until = Some(now + wait.max(PUMP_SOONEST));
            return false;
        }
        if let Some(Lost::Dry(end)) = self.lost {
            // It came in time: there was none in the stream.
            self.counts.silence_filled += (start - end).max(Micros::ZERO);
        }
        self.stretch.reset();
        self.offsets.clear();
        self.moved = false;
        self.lost = None;
        self.seam = true;
        self.write_silence(start, early.max(Micros::ZERO), now, out);
        true
    }

    /// Sound that came out of step joins again where the playhead is: what is late is cut out, what is early waits.
    pub(super) fn mend(&mut self, now: Instant, out: &mut Outbox) {
        let (Some(offset), Some(open)) = (self.offsets.sure(), &mut self.open) else { return };
        if offset < -LATE {
            let late = (-offset).scale(self.rate);
            let frames = open.buffer.frames_in(late);
            // With less at hand, the clock glides to the sound instead: the buffer is too thin for where the playhead is.
            if open.buffer.length() < late + AFTER_CUT {
                return;
            }
            let media = self.stretch.position(&open.buffer);
            let data = self.stretch.cut(&mut open.buffer, frames);
            let length = open.buffer.start() - media;
            self.counts.cut += length - open.buffer.time_of(data.len() / CHANNELS);
            if !self.moved {
                self.counts.underruns = self.counts.underruns.saturating_add(1);
                self.depth.ran_dry(Micros::ZERO, now);
            }
            self.write(data, media, length, now, out);
        } else if offset > EARLY {
            let start = self.stretch.position(&open.buffer);
            self.write_silence(start, offset.scale(self.rate), now, out);
        } else {
            return;
        }
        self.moved = false;
        self.filled = None;
        self.offsets.clear();
    }

    /// The output has taken `frames` in all; the media time now audible, if it is the stream's.
    pub fn on_played(&mut self, frames: u64, now: Instant) -> Option<MediaTime> {
        let behind = self.open.as_ref().map_or(0, |open| open.buffer.frames_in(open.latency) as u64);
        let heard = self.ring.taken(frames, behind, now).filter(|_| self.lost.is_none())?;
        self.heard = Some((heard, now));
        Some(heard)
    }

    /// The media time heard at `now`.
    pub fn heard(&self, now: Instant) -> Option<MediaTime> {
        self.heard.filter(|_| self.lost.is_none()).map(|(media, at)| media + (now - at).scale(self.rate))
    }
}
