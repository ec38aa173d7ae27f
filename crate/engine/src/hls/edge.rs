//! Where the newest media ends by now, between two versions of a playlist.
//!
//! The earliest that an end was ever seen says how the stream is ahead of our clock; a server that falls behind that is believed for
//! no longer than its next piece takes.

use sailcast_media::{MediaTime, Micros};

use crate::io::Instant;

#[derive(Clone, Copy, Debug, Default)]
pub struct Edge {
    /// The time of the stream at the driver's instant 0.
    lead: Option<Micros>,
    end: MediaTime,
    /// How long until more must be there.
    step: Micros,
}

impl Edge {
    /// The playlist ends here.
    pub fn note(&mut self, end: MediaTime, step: Micros, now: Instant) {
        let lead = Micros(end.0.saturating_sub_unsigned(now.0));
        self.lead = Some(self.lead.map_or(lead, |known| known.max(lead)));
        (self.end, self.step) = (end, step);
    }

    pub fn at(&self, now: Instant) -> Option<MediaTime> {
        let moving = MediaTime(self.lead?.0.saturating_add_unsigned(now.0));
        Some(moving.min(self.end + self.step).max(self.end))
    }

    /// The timeline goes on somewhere else.
    pub fn forget(&mut self) {
        self.lead = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
