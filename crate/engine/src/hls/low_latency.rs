//! Whether the server's low-latency promises are believed.
//!
//! A broken one costs a strike, a kept one forgives all; after [`STRIKES`] in a row the load plays as if nothing had been promised.

use sailcast_media::hls::MediaPlaylist;

const STRIKES: u32 = 3;

#[derive(Debug, Default)]
pub struct LowLatency {
    strikes: u32,
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
    pub fn strike(&mut self) -> bool {
        self.strikes = self.strikes.saturating_add(1);
        self.strikes >= STRIKES && !std::mem::replace(&mut self.lost, true)
    }

    pub fn kept(&mut self) {
        self.strikes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_broken_promises_in_a_row_are_the_end_and_single_ones_are_not() {
        let mut promises = LowLatency::default();
        for _ in 0..5 {
            assert!(!promises.strike() && !promises.strike());
            promises.kept();
        }
        assert!(!promises.strike() && !promises.strike());
        assert!(promises.strike(), "told once");
        assert!(!promises.strike());
        let mut list = MediaPlaylist::default();
        list.control.can_block_reload = true;
        assert!(!promises.blocks(&list));
        assert!(LowLatency::default().blocks(&list));
    }
}
