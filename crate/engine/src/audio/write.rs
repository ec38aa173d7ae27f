//! Samples into the ring: how many, when, and with which edges.

use sailcast_media::{MediaTime, Micros};

use super::{Audio, Lost};
use crate::{
    clock::Clock,
    fade::{fade_in, let_go},
    io::{Instant, Output, PcmBlock},
    outbox::Outbox,
    pcm::{CHANNELS, FADE},
    stretch::Stretch,
};

/// Where sound lies waiting anyway, the ring takes so much more than it must, as soon as a write is worth it: fewer
/// wake-ups, of the worker and of the output.
const AT_ONCE: Micros = Micros::from_millis(60);
const WORTH_WRITING: Micros = Micros::from_millis(40);
/// An output that should have run out so long ago has: its report is on the way.
const OVERDUE: Micros = Micros::from_millis(40);
/// An output that has taken nothing of so much is standing still: it gets no more.
const STANDS: Micros = Micros::from_millis(400);

impl Audio {
    /// Tops the ring up with sound at `rate`, which the clock follows when it is heard. Without a running clock nothing is
    /// written.
    pub fn pump(&mut self, clock: &Clock, rate: f64, now: Instant, out: &mut Outbox) {
        (self.rate, self.written_rate) = (clock.rate(), rate);
        if !clock.is_running() || !self.is_wanted() {
            return;
        }
        if let Some((media, at)) = self.heard {
            self.offsets.note((media - clock.media(at)).scale(1.0 / self.rate), at);
        }
        self.find_dry(now);
        self.early_until = None;
        if self.stands() {
            self.stood = true;
            return;
        }
        if std::mem::take(&mut self.stood) {
            // What it still had is old by now.
            self.silence(now, out);
        }
        if self.lost.is_some() && !self.join(clock, now, out) {
            return;
        }
        self.mend(now, out);
        self.top_up(rate, now, out);
    }

    /// The output has stopped taking anything: it has enough for when it goes on, and says so then.
    pub(super) fn stands(&self) -> bool {
        self.open.as_ref().is_some_and(|open| self.ring.untold() > open.buffer.frames_in(STANDS) as u64)
    }

    fn find_dry(&mut self, now: Instant) {
        let Some(open) = &self.open else { return };
        let overdue = self.ring.overdue(now, open.buffer.sample_rate()) > OVERDUE;
        if self.lost.is_some() || !(self.ring.is_dry() || overdue) {
            return;
        }
        self.ring.presume_dry(now);
        if open.buffer.frames() > 0 {
            self.depth.ran_dry(now - self.written_at, now);
        }
        let end = self.stretch.position(&open.buffer);
        self.leave();
        self.lost = Some(Lost::Dry(end));
    }

    fn top_up(&mut self, rate: f64, now: Instant, out: &mut Outbox) {
        let Some(open) = &mut self.open else { return };
        let buffer = &mut open.buffer;
        let level = self.ring.level(now, buffer.sample_rate());
        let goal = buffer.frames_in(self.depth.goal()) as u64;
        let missing = goal.saturating_sub(level);
        let waiting = buffer.length() - Stretch::lookahead(rate);
        let waiting = buffer.frames_in(waiting.scale(1.0 / rate)) as u64;
        let room = goal.saturating_add(buffer.frames_in(AT_ONCE) as u64).saturating_sub(level);
        let fitting = waiting.min(room);
        let must = missing >= buffer.frames_in(self.depth.write_above()) as u64;
        if !must && fitting < buffer.frames_in(WORTH_WRITING) as u64 {
            return;
        }
        if buffer.frames() == 0 {
            self.filled = None;
            return;
        }
        if let Some(filled) = self.filled.take() {
            self.depth.taken(buffer.time_of(filled.min(goal).saturating_sub(level) as usize), now);
        }
        let media = self.stretch.position(buffer);
        let data = self.stretch.take(buffer, missing.max(fitting) as usize, rate);
        let length = self.stretch.position(buffer) - media;
        self.filled = Some(level.saturating_add((data.len() / CHANNELS) as u64));
        self.write(data, media, length, now, out);
    }

    /// Appends to the ring what carries `length` of the stream from `media` on.
    pub(super) fn write(
        &mut self,
        mut data: Vec<f32>,
        media: MediaTime,
        length: Micros,
        now: Instant,
        out: &mut Outbox,
    ) {
        let Some(open) = &self.open else { return };
        let fade = open.buffer.frames_in(FADE);
        if std::mem::take(&mut self.seam) {
            // What a dry or cleared ring left behind, the worklet itself lets go of.
            if self.ring.is_dry() {
                fade_in(&mut data, fade);
            } else {
                let_go(&self.tail, &mut data, fade);
            }
        }
        self.tail.extend_from_slice(&data);
        let old = self.tail.len().saturating_sub(fade.saturating_mul(CHANNELS));
        self.tail.drain(..old);
        self.ring.write((data.len() / CHANNELS) as u64, media, length, now);
        self.written_at = now;
        let sample_rate = open.buffer.sample_rate();
        out.push(Output::Pcm(PcmBlock { sample_rate, channels: CHANNELS as u8, data }));
    }

    /// Silence for `length` of the stream.
    pub(super) fn write_silence(&mut self, until: MediaTime, length: Micros, now: Instant, out: &mut Outbox) {
        let time = length.scale(1.0 / self.rate);
        let frames = self.open.as_ref().map_or(0, |open| open.buffer.frames_in(time));
        if frames > 0 {
            self.seam = true;
            self.write(vec![0.0; frames.saturating_mul(CHANNELS)], until - length, length, now, out);
            self.seam = true;
        }
    }
}
