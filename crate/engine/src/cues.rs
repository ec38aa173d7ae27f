//! Messages of the stream that wait for the moment they belong to.
//!
//! **Invariant:** each is given once, in the order of their times, and never before its time; what is left out of the stream
//! is given with what comes next. A stream that sends more than anybody can keep loses the oldest.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Message, Metadata};

/// Several a picture over the longest buffer.
const MOST: usize = 4096;
const MOST_BYTES: usize = 4 << 20;

#[derive(Debug, Default)]
pub struct Cues {
    /// The earliest first.
    waiting: VecDeque<Metadata>,
    bytes: usize,
}

impl Cues {
    /// Adds one; how many others were lost for it.
    pub fn add(&mut self, message: Metadata) -> usize {
        self.bytes = self.bytes.saturating_add(weight(&message));
        let at = self.waiting.partition_point(|waiting| waiting.time <= message.time);
        self.waiting.insert(at, message);
        let mut lost = 0usize;
        while self.waiting.len() > MOST || (self.bytes > MOST_BYTES && self.waiting.len() > 1) {
            self.pop();
            lost = lost.saturating_add(1);
        }
        lost
    }

    /// The next one whose time is no later than `until`.
    pub fn due(&mut self, until: MediaTime) -> Option<Metadata> {
        self.next().filter(|time| *time <= until)?;
        self.pop()
    }

    /// Those before `time` will not be told.
    pub fn forget_before(&mut self, time: MediaTime) {
        while self.next().is_some_and(|next| next < time) {
            self.pop();
        }
    }

    /// The time of the next one.
    pub fn next(&self) -> Option<MediaTime> {
        self.waiting.front().map(|message| message.time)
    }

    fn pop(&mut self) -> Option<Metadata> {
        let message = self.waiting.pop_front()?;
        self.bytes = self.bytes.saturating_sub(weight(&message));
        Some(message)
    }
}

/// Script messages are bounded by their parser, and few.
fn weight(message: &Metadata) -> usize {
    match &message.message {
        Message::Sei { payload, .. } => payload.len(),
        Message::Id3 { payload } | Message::Scte35 { payload } => payload.len(),
        Message::Emsg { scheme, value, payload, .. } => {
            scheme.len().saturating_add(value.len()).saturating_add(payload.len())
        }
        Message::Script { name, .. } => name.len(),
        Message::ProducerTime { .. } => 0,
    }
    .saturating_add(size_of::<Metadata>())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn sei(ms: i64, payload_type: u32, len: usize) -> Metadata {
        let message = Message::Sei { payload_type, payload: Bytes::from(vec![0; len]) };
        Metadata { time: MediaTime::from_millis(ms), track: None, message }
    }

    fn drain(cues: &mut Cues, until_ms: i64) -> Vec<(i64, u32)> {
        std::iter::from_fn(|| cues.due(MediaTime::from_millis(until_ms)))
            .map(|m| match m.message {
                Message::Sei { payload_type, .. } => (m.time.0 / 1000, payload_type),
                _ => unreachable!(),
            })
            .collect()
    }

    #[test]
    fn they_come_out_by_their_times_and_those_of_one_time_as_they_came() {
        let mut cues = Cues::default();
        for (ms, kind) in [(0, 1), (120, 2), (120, 3), (40, 4), (80, 5), (40, 6)] {
            cues.add(sei(ms, kind, 1));
        }
        assert_eq!(drain(&mut cues, 40), [(0, 1), (40, 4), (40, 6)]);
        assert_eq!(drain(&mut cues, 79), []);
        assert_eq!(drain(&mut cues, 200), [(80, 5), (120, 2), (120, 3)]);
        assert_eq!(cues.bytes, 0);
    }

    #[test]
    fn too_many_and_too_large_ones_push_out_the_oldest() {
        let mut cues = Cues::default();
        let lost: usize = (0..MOST as i64 + 10).map(|i| cues.add(sei(i, 5, 16))).sum();
        assert_eq!((lost, cues.next()), (10, Some(MediaTime::from_millis(10))));
        let mut cues = Cues::default();
        for i in 0..100 {
            cues.add(sei(i, 5, 1 << 20));
        }
        assert!(cues.bytes <= MOST_BYTES, "{}", cues.bytes);
        assert_eq!(drain(&mut cues, 1000).last(), Some(&(99, 5)));
    }
}
