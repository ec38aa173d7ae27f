//! Where the newest media ends by now, between two versions of a playlist.
//!
//! The earliest that an end was seen of late says how the stream is ahead of our clock; a server that falls behind that is believed for
//! no longer than its next piece takes. Of late: no two clocks run alike, and over a day they are seconds apart.

use sailcast_media::{MediaTime, Micros};

use crate::{io::Instant, window::WindowMax};

/// Long beside what a piece takes, and short beside what clocks lose in it: some hundredths of a second.
const OF_LATE: WindowMax = WindowMax::new(Micros::from_secs(10), 30);

#[derive(Clone, Debug)]
pub struct Edge {
    /// The time of the stream at the driver's instant 0.
    lead: WindowMax,
    end: MediaTime,
    /// How long until more must be there.
    step: Micros,
}

impl Default for Edge {
    fn default() -> Self {
        Self { lead: OF_LATE, end: MediaTime::default(), step: Micros::ZERO }
    }
}

impl Edge {
    /// The playlist ends here.
    pub fn note(&mut self, end: MediaTime, step: Micros, now: Instant) {
        self.lead.note(Micros(end.0.saturating_sub_unsigned(now.0)), now);
        (self.end, self.step) = (end, step);
    }

    pub fn at(&self, now: Instant) -> Option<MediaTime> {
        let moving = MediaTime(self.lead.max()?.0.saturating_add_unsigned(now.0));
        Some(moving.min(self.end + self.step).max(self.end))
    }

    /// The timeline goes on somewhere else.
    pub fn forget(&mut self) {
        self.lead.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_runs_slower_than_our_clock_is_followed() {
        let mut edge = Edge::default();
        let at = |n: i64| Instant((n * 2_000_200) as u64);
        for n in 0..20_000 {
            edge.note(MediaTime::from_millis(n * 2_000), Micros::from_secs(2), at(n));
        }
        let ahead = edge.at(at(19_999)).map(|edge| edge - MediaTime::from_millis(19_999 * 2_000));
        assert!(ahead < Some(Micros::from_millis(50)), "{ahead:?}");
    }

    #[test]
    fn the_edge_moves_with_time_and_waits_for_a_late_server() {
        let second = |s: i64| MediaTime::from_millis(s * 1000);
        let mut edge = Edge::default();
        assert_eq!(edge.at(Instant(0)), None);
        edge.note(second(10), Micros::from_secs(4), Instant(3_000_000));
        assert_eq!(edge.at(Instant(5_000_000)), Some(second(12)));
        assert_eq!(edge.at(Instant(30_000_000)), Some(second(14)), "nothing new came");
        edge.note(second(14), Micros::from_secs(4), Instant(5_000_000));
        assert_eq!(edge.at(Instant(5_000_000)), Some(second(14)), "the first version was two seconds old");
        edge.note(second(18), Micros::from_secs(4), Instant(9_500_000));
        assert_eq!(edge.at(Instant(9_500_000)), Some(MediaTime(18_500_000)));
    }
}
