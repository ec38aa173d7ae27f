//! Whether the server's low-latency promises are believed.
//!
//! A broken one costs [`STRIKE`]; where that adds up to [`MOST`], the load plays as if nothing had been promised.

use sailcast_media::hls::MediaPlaylist;

const STRIKE: u32 = 4;
const MOST: u32 = 10;

/// What broken promises of a kind add up to.
#[derive(Debug, Default)]
pub struct Debt(u32);

impl Debt {
    /// True when it is too much.
    pub fn strike(&mut self) -> bool {
        self.0 = self.0.saturating_add(STRIKE);
        self.0 >= MOST
    }

    /// For a kept one that makes up for a quarter of a broken one.
    pub fn forgive_some(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    /// For a kept one that makes up for all.
    pub fn forgive_all(&mut self) {
        self.0 = 0;
    }
}

#[derive(Debug, Default)]
pub struct LowLatency {
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

    /// True the first time.
    pub fn give_up(&mut self) -> bool {
        !std::mem::replace(&mut self.lost, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_broken_promises_in_a_row_are_the_end_and_single_ones_are_not() {
        let mut debt = Debt::default();
        for _ in 0..5 {
            assert!(!debt.strike() && !debt.strike());
            debt.forgive_all();
        }
        assert!(!debt.strike() && !debt.strike() && debt.strike());
    }

    #[test]
    fn one_part_of_each_segment_is_too_many() {
        let mut debt = Debt::default();
        let lost = (0..10).position(|_| {
            debt.forgive_some();
            debt.strike()
        });
        assert_eq!(lost, Some(2));
    }

    #[test]
    fn what_is_given_up_is_told_once_and_promised_in_vain() {
        let mut list = MediaPlaylist::default();
        list.control.can_block_reload = true;
        let mut promises = LowLatency::default();
        assert!(promises.blocks(&list));
        assert!(promises.give_up() && !promises.give_up());
        assert!(!promises.blocks(&list));
    }
}
