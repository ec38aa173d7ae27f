//! Which packet a block of decoded sound belongs to.
//!
//! Chromium's AAC decoder takes the time of its first packet and from there on counts samples: after a gap, or where
//! an encoder's timestamps drift against its samples, its times are not the stream's
//! (`AudioDiscardHelper` in media/base). Packets and blocks come in the same order, so the packets say it better.

use std::collections::VecDeque;

use sailcast_media::MediaTime;

/// Times of the packets inside the decoder, oldest first.
#[derive(Debug, Default)]
pub struct Stamps(VecDeque<MediaTime>);

impl Stamps {
    pub fn packet(&mut self, pts: MediaTime) {
        self.0.push_back(pts);
    }

    /// The time of the block that the decoder gives as `said`. A decoder that keeps times is believed, even when it
    /// leaves packets out; of one that counts, each block is the next packet's.
    pub fn block(&mut self, said: MediaTime) -> MediaTime {
        if let Some(at) = self.0.iter().position(|pts| *pts == said) {
            self.0.drain(..=at);
            return said;
        }
        self.0.pop_front().unwrap_or(said)
    }

    /// Nothing is inside any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(millis: &[i64]) -> Stamps {
        Stamps(millis.iter().map(|ms| MediaTime::from_millis(*ms)).collect())
    }

    #[test]
    fn a_decoder_that_counts_samples_gets_the_packets_times() {
        let mut stamps = stamps(&[0, 21, 2000, 2021]);
        let said = [0, 21_333, 42_666, 64_000];
        let told = said.map(|micros| stamps.block(MediaTime(micros)));
        assert_eq!(told, [0, 21, 2000, 2021].map(MediaTime::from_millis));
    }

    #[test]
    fn a_decoder_that_keeps_times_may_leave_packets_out() {
        let mut stamps = stamps(&[0, 21, 43, 64]);
        assert_eq!(stamps.block(MediaTime(43_000)), MediaTime(43_000));
        assert_eq!(stamps.block(MediaTime(64_000)), MediaTime(64_000));
        assert_eq!(stamps.block(MediaTime(85_333)), MediaTime(85_333), "more blocks than packets");
    }
}
