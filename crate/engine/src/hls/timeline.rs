//! The media's own times to the player's timeline.
//!
//! **Invariant:** within a discontinuity sequence number all media, of whatever rendition, has the same offset, fixed by the first
//! packet that came of it. A packager that begins its numbering anew begins another *era*, in which the numbers mean other media.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros};

/// Offsets that are remembered: more than a day of advertisements has.
const MOST: usize = 2048;
/// The clock of MPEG-TS turns after 2^33 ticks of 90 kHz.
const TURN: Micros = Micros(95_443_717_689);
/// Times farther off than this from where the playlist says the segment is are those of an encoder that began anew without a word.
const TOLERANCE: Micros = Micros::from_secs(20);

/// Media that shares a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Domain {
    pub era: u32,
    pub discontinuity: u64,
}

#[derive(Debug, Default)]
pub struct Timeline {
    offsets: VecDeque<(Domain, Micros)>,
}

impl Timeline {
    /// What is to be added to the times of a run of media whose first packet has this time of its own, and is expected at this
    /// time of the player's. `wraps`: the clock is that of MPEG-TS.
    pub fn offset(&mut self, domain: Domain, first: MediaTime, expected: MediaTime, wraps: bool) -> Micros {
        let fitting = expected - first;
        let Some(known) = self.known(domain) else {
            self.offsets.push_back((domain, fitting));
            if self.offsets.len() > MOST {
                self.offsets.pop_front();
            }
            return fitting;
        };
        let turns = if wraps { (fitting - known).0.saturating_add(TURN.0 / 2).div_euclid(TURN.0) } else { 0 };
        let offset = known + Micros(turns.saturating_mul(TURN.0));
        if (fitting - offset).abs() > TOLERANCE { fitting } else { offset }
    }

    fn known(&self, domain: Domain) -> Option<Micros> {
        self.offsets.iter().find(|(known, _)| *known == domain).map(|(_, offset)| *offset)
    }

    /// Something of it has come.
    pub fn knows(&self, domain: Domain) -> bool {
        self.known(domain).is_some()
    }

    /// The media that goes on with this offset has no longer the time at which the playlist has it.
    pub fn is_broken(offset: Micros, first: MediaTime, expected: MediaTime) -> bool {
        (first + offset - expected).abs() > TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Domain = Domain { era: 0, discontinuity: 3 };

    fn at(seconds: i64) -> MediaTime {
        MediaTime::from_millis(seconds * 1000)
    }

    #[test]
    fn all_renditions_of_a_stretch_have_the_offset_of_what_came_first() {
        let mut timeline = Timeline::default();
        let offset = timeline.offset(HERE, at(100), at(0), true);
        assert_eq!(at(100) + offset, at(0));
        let other = timeline.offset(HERE, at(104), at(3), true);
        assert_eq!(other, offset, "what the other playlist says is rounded");
        let next = Domain { discontinuity: 4, ..HERE };
        let offset = timeline.offset(next, at(0), at(8), true);
        assert_eq!(at(1) + offset, at(9));
        let restarted = Domain { era: 1, ..HERE };
        assert_eq!(at(0) + timeline.offset(restarted, at(0), at(12), true), at(12));
    }

    #[test]
    fn a_clock_that_has_turned_since_goes_on() {
        let mut timeline = Timeline::default();
        let first = MediaTime(TURN.0) - Micros::from_secs(10);
        timeline.offset(HERE, first, at(0), true);
        let offset = timeline.offset(HERE, at(10), at(20), true);
        assert_eq!(at(10) + offset, at(20));
    }

    #[test]
    fn an_encoder_that_began_anew_without_a_word_goes_on_where_the_playlist_says() {
        let mut timeline = Timeline::default();
        timeline.offset(HERE, at(5000), at(0), false);
        let offset = timeline.offset(HERE, at(0), at(40), false);
        assert_eq!(at(0) + offset, at(40));
    }
}
