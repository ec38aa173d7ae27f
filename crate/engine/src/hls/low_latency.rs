//! Whether the server's low-latency promises are believed.
//!
//! A broken one costs [`STRIKE`]; where that adds up to [`MOST`], the load plays as if nothing had been promised.

use sailcast_media::hls::MediaPlaylist;

const STRIKE: u32 = 4;
const MOST: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Answers are held back until there is something new. A kept one forgives all.
    Reload,
    /// Parts come, those that are announced and those that are listed. A kept one forgives a quarter of a broken one.
    Parts,
}

#[derive(Debug, Default)]
pub struct LowLatency {
    reload: u32,
    parts: u32,
    lost: bool,
}

impl LowLatency {
    /// The server holds back its answer until there is something new.
    pub fn blocks(&self, list: &MediaPlaylist) -> bool {
        !self.lost && list.control.can_block_reload && !list.ended
    }

    /// Parts are fetched, and asked for ahead.
    pub fn has_parts(&self, list: &MediaPlaylist) -> bool {
        !self.lost && list.control.can_block_reload && list.part_target.is_some()
    }

    pub fn may_delta(&self) -> bool {
        !self.lost
    }

    /// True when this was the last one.
    pub fn strike(&mut self, promise: Promise) -> bool {
        let debt = self.debt(promise);
        *debt = debt.saturating_add(STRIKE);
        *debt >= MOST && !std::mem::replace(&mut self.lost, true)
    }

    pub fn kept(&mut self, promise: Promise) {
        match promise {
            Promise::Reload => self.reload = 0,
            Promise::Parts => self.parts = self.parts.saturating_sub(1),
        }
    }

    fn debt(&mut self, promise: Promise) -> &mut u32 {
        match promise {
            Promise::Reload => &mut self.reload,
            Promise::Parts => &mut self.parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_broken_promises_in_a_row_are_the_end_and_single_ones_are_not() {
        let mut promises = LowLatency::default();
        for _ in 0..5 {
            assert!(!promises.strike(Promise::Reload) && !promises.strike(Promise::Reload));
            promises.kept(Promise::Reload);
            assert!(!promises.strike(Promise::Parts));
            (0..4).for_each(|_| promises.kept(Promise::Parts));
        }
        assert!(!promises.strike(Promise::Reload) && !promises.strike(Promise::Reload));
        assert!(promises.strike(Promise::Reload), "told once");
        assert!(!promises.strike(Promise::Reload));
        let mut list = MediaPlaylist::default();
        list.control.can_block_reload = true;
        assert!(!promises.blocks(&list));
        assert!(LowLatency::default().blocks(&list));
    }

    #[test]
    fn one_part_of_each_segment_is_too_many() {
        let mut promises = LowLatency::default();
        let lost = (0..10).position(|_| {
            promises.kept(Promise::Parts);
            promises.strike(Promise::Parts)
        });
        assert_eq!(lost, Some(2));
    }
}
