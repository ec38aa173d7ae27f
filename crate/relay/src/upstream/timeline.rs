//! The time stamps that a server gets: from 0 on, and never back.
//!
//! **Invariant:** those of one kind never go back, whatever the publisher's do. Within a stream without faults the
//! distances are the publisher's, so that sound and picture stay together.

use sailcast_media::flv::TagKind;

/// Sound and picture are interleaved with so much disorder at most; further back, the publisher has begun anew.
const MAX_BACK_MS: i64 = -1000;
/// Longer than any publisher may be silent; further ahead, the publisher's clock was set.
const MAX_AHEAD_MS: i64 = 60_000;
/// Between what was before such a jump and what comes behind it: about a picture.
const GAP_MS: u64 = 40;

#[derive(Debug, Default)]
pub struct Timeline {
    /// The newest time stamp of the publisher, and what became of it.
    newest: Option<(u32, u64)>,
    /// The last of each kind.
    last: [u64; 3],
}

impl Timeline {
    pub fn place(&mut self, kind: TagKind, timestamp: u32) -> u32 {
        let (from, to) = *self.newest.get_or_insert((timestamp, 0));
        let step = i64::from(timestamp.wrapping_sub(from).cast_signed());
        let placed = match step {
            MAX_BACK_MS..=MAX_AHEAD_MS => to.saturating_add_signed(step),
            _ => to + GAP_MS,
        };
        if placed >= to {
            self.newest = Some((timestamp, placed));
        }
        let last = match kind {
            TagKind::Audio => &mut self.last[0],
            TagKind::Video => &mut self.last[1],
            TagKind::Script => &mut self.last[2],
        };
        *last = placed.max(*last);
        // RTMP's own time stamps wrap, after 49 days.
        *last as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use TagKind::{Audio, Video};

    fn placed(tags: &[(TagKind, u32)]) -> Vec<u32> {
        let mut timeline = Timeline::default();
        tags.iter().map(|(kind, at)| timeline.place(*kind, *at)).collect()
    }

    #[test]
    fn it_begins_at_0_and_keeps_distances_and_interleaving() {
        let tags = [(Video, 5000), (Audio, 5010), (Video, 5040), (Audio, 5031), (Video, 5080)];
        assert_eq!(placed(&tags), [0, 10, 40, 31, 80]);
    }

    #[test]
    fn a_publisher_that_begins_anew_goes_on_behind_what_was_there() {
        let tags = [(Video, 90_000), (Audio, 90_020), (Video, 0), (Audio, 10), (Video, 40)];
        assert_eq!(placed(&tags), [0, 20, 60, 70, 100]);
    }

    #[test]
    fn a_clock_that_was_set_ahead_makes_no_gap_and_a_pause_is_kept() {
        let tags = [(Video, 0), (Video, 20_000), (Video, 3_000_000), (Video, 3_000_040)];
        assert_eq!(placed(&tags), [0, 20_000, 20_040, 20_080]);
    }

    #[test]
    fn stamps_that_wrap_go_on() {
        assert_eq!(placed(&[(Video, u32::MAX - 9), (Video, 10), (Audio, 5)]), [0, 20, 15]);
    }

    #[test]
    fn a_small_step_back_within_a_kind_is_held() {
        assert_eq!(placed(&[(Video, 100), (Video, 140), (Video, 120), (Audio, 125)]), [0, 40, 40, 25]);
    }

    proptest! {
        #[test]
        fn no_kind_ever_goes_back(tags in prop::collection::vec((any::<bool>(), any::<u32>()), 0..200)) {
            let mut timeline = Timeline::default();
            let mut last = [0; 2];
            for (video, at) in tags {
                let now = timeline.place(if video { Video } else { Audio }, at);
                prop_assert!(now >= last[usize::from(video)]);
                last[usize::from(video)] = now;
            }
        }
    }
}
