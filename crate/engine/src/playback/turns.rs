//! A recording that begins again at its end, without a gap: what comes after the end is laid behind it on the player's timeline.
//!
//! **Invariant:** a moment of the recording has one time for the page, in each turn; for playback time only grows from turn to turn.
//! Whoever talks to the page or to the source translates.

use std::collections::VecDeque;

use sailcast_media::{DemuxEvent, MediaTime, Metadata, Micros, Packet};

use super::{Phase, Playback};
use crate::{
    event::Event,
    feed::Going,
    io::{Instant, Output},
    outbox::Outbox,
};

#[derive(Debug, Default)]
pub(super) struct Turns {
    /// What comes from the source is so much later for playback.
    offset: Micros,
    /// Where turns end that are not over yet, and their offsets.
    seams: VecDeque<(MediaTime, Micros)>,
    /// The source was asked to begin again.
    asked: bool,
    /// The playhead stands at the next seam, which is the end and not the beginning.
    stays: bool,
}

impl Turns {
    /// How much later this time of playback is than the page's.
    fn offset_at(&self, at: MediaTime) -> Micros {
        let lies_before = |seam: MediaTime| at < seam || self.stays && at == seam;
        self.seams.iter().find(|(seam, _)| lies_before(*seam)).map_or(self.offset, |(_, offset)| *offset)
    }

    /// The page's time of a time of playback.
    pub fn page(&self, at: MediaTime) -> MediaTime {
        at - self.offset_at(at)
    }

    /// The time of playback, in the turn that `playhead` is in, of a time of the page.
    pub fn here(&self, page: MediaTime, playhead: MediaTime) -> MediaTime {
        page + self.offset_at(playhead)
    }

    /// The time of playback of what the source gives now.
    pub fn of_source(&self, at: MediaTime) -> MediaTime {
        at + self.offset
    }

    /// The source's time of a time of playback, though it may lie in the turn before.
    pub fn for_source(&self, at: MediaTime) -> MediaTime {
        at - self.offset
    }

    pub fn place(&self, event: DemuxEvent) -> DemuxEvent {
        match event {
            DemuxEvent::Packet(packet) => {
                let (dts, pts) = (self.of_source(packet.dts), self.of_source(packet.pts));
                DemuxEvent::Packet(Packet { dts, pts, ..packet })
            }
            DemuxEvent::Metadata(message) => {
                DemuxEvent::Metadata(Metadata { time: self.of_source(message.time), ..message })
            }
            event => event,
        }
    }

    /// Another place is gone to: what was to come after the end does not.
    pub fn leave(&mut self) {
        self.seams.clear();
        (self.asked, self.stays) = (false, false);
    }

    /// The source begins again at its time `at`: behind `end`.
    pub fn turn(&mut self, at: MediaTime, end: MediaTime) -> bool {
        if std::mem::take(&mut self.asked) {
            self.seams.push_back((end, self.offset));
            self.offset = end - at;
            return true;
        }
        false
    }

    pub fn is_asked(&self) -> bool {
        self.asked
    }

    /// The seam that the playhead has passed.
    fn passed(&mut self, playhead: MediaTime) -> Option<MediaTime> {
        let (seam, _) = *self.seams.front()?;
        (playhead >= seam).then(|| self.seams.pop_front()).flatten().map(|(seam, _)| seam)
    }

    /// The seam that the playhead has come to, and does not pass.
    fn stay(&mut self, playhead: MediaTime) -> Option<MediaTime> {
        let seam = self.next().filter(|seam| playhead >= *seam);
        self.stays = seam.is_some();
        seam
    }

    /// When the playhead comes to the next one.
    pub fn next(&self) -> Option<MediaTime> {
        self.seams.front().map(|(seam, _)| *seam)
    }
}

impl Playback {
    /// All of it was read, and it begins again.
    pub(super) fn turn_over(&mut self, now: Instant, out: &mut Outbox) {
        let can = self.wishes.looping
            && !self.extent.live
            && self.feed.as_ref().is_some_and(|feed| feed.error().is_none());
        if !can || !self.has_ended() || self.seeks.is_under_way() || self.turns.asked {
            return;
        }
        if self.end().is_none() {
            return;
        }
        self.turns.asked = true;
        let begin = self.begin();
        let going = self.feed.as_mut().map(|feed| feed.seek(begin, true, now, out));
        self.turns.asked = going == Some(Going::There);
        self.demux(now, out);
    }

    /// Tells that it has begun again; with looping put off meanwhile, it ends there.
    pub(super) fn pass_seam(&mut self, now: Instant, out: &mut Outbox) {
        if self.phase == Phase::Ended {
            return;
        }
        let playhead = self.playhead(now);
        if !self.wishes.looping {
            let Some(seam) = self.turns.stay(playhead) else { return };
            self.clock.stop_at(seam, now);
            self.leave_place(seam, now, out);
            return self.stand(now, out);
        }
        let Some(seam) = self.turns.passed(playhead) else { return };
        let begin = self.turns.page(seam);
        out.push(Output::Event(Event::Seeking(begin)));
        out.push(Output::Event(Event::Seeked(begin)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(i64) -> MediaTime = MediaTime::from_millis;

    #[test]
    fn the_page_sees_each_turn_at_the_same_times() {
        let mut turns = Turns { asked: true, ..Turns::default() };
        assert!(turns.turn(AT(0), AT(10_000)) && !turns.turn(AT(0), AT(10_000)));
        assert_eq!(turns.of_source(AT(500)), AT(10_500));
        assert_eq!((turns.page(AT(9_900)), turns.page(AT(10_100))), (AT(9_900), AT(100)));
        assert_eq!(turns.here(AT(200), AT(9_900)), AT(200));
        assert_eq!(turns.passed(AT(9_999)), None);
        assert_eq!(turns.passed(AT(10_000)), Some(AT(10_000)));
        assert_eq!(turns.here(AT(200), AT(10_100)), AT(10_200));
        turns.asked = true;
        turns.turn(AT(0), AT(20_000));
        assert_eq!((turns.page(AT(19_000)), turns.page(AT(21_000))), (AT(9_000), AT(1_000)));
        assert_eq!(turns.page(AT(20_000)), AT(0));
        assert_eq!((turns.stay(AT(20_000)), turns.page(AT(20_000))), (Some(AT(20_000)), AT(10_000)));
    }
}
