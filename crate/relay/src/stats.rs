//! What a stream is doing, for the health report.
//!
//! **Invariant:** of constant size, whatever a publisher sends. Time is an argument.

use std::{collections::VecDeque, time::Duration};

use sailcast_media::{
    Micros,
    flv::{Tag, TagClass, TagKind},
};

use crate::tags::codec_name;

/// The bit rate is the mean over this many whole seconds.
const RATE_SECONDS: usize = 5;
/// Groups of pictures whose durations are remembered.
const GROUPS: usize = 4;

#[derive(Debug, Default)]
pub struct StreamStats {
    /// Bytes of body by second of the stream's age, the newest last.
    seconds: VecDeque<(u64, u64)>,
    tags: u64,
    video: Option<String>,
    audio: Option<String>,
    /// The time stamp of the newest keyframe, and the milliseconds between those before it.
    keyframe: Option<u32>,
    groups: VecDeque<u32>,
}

impl StreamStats {
    pub fn note(&mut self, tags: &[Tag], age: Duration) {
        self.tags += tags.len() as u64;
        let bytes: u64 = tags.iter().map(|tag| tag.body.len() as u64).sum();
        match self.seconds.back_mut() {
            Some((second, sum)) if *second == age.as_secs() => *sum += bytes,
            _ => self.seconds.push_back((age.as_secs(), bytes)),
        }
        if self.seconds.len() > RATE_SECONDS + 1 {
            self.seconds.pop_front();
        }
        for tag in tags {
            self.note_codec(tag);
            self.note_group(tag);
        }
    }

    fn note_group(&mut self, tag: &Tag) {
        if tag.class() != TagClass::Keyframe || tag.track() != 0 {
            return;
        }
        let before = self.keyframe.replace(tag.timestamp);
        let step = before.map_or(0, |before| tag.timestamp.wrapping_sub(before));
        if step.cast_signed() > 0 {
            self.groups.push_back(step);
            if self.groups.len() > GROUPS {
                self.groups.pop_front();
            }
        }
    }

    fn note_codec(&mut self, tag: &Tag) {
        let codec = match tag.kind {
            TagKind::Video => &mut self.video,
            TagKind::Audio => &mut self.audio,
            TagKind::Script => return,
        };
        let class = tag.class();
        if matches!(class, TagClass::VideoConfig | TagClass::AudioConfig)
            || codec.is_none() && class != TagClass::Other
        {
            *codec = codec_name(tag).or(codec.take());
        }
    }

    /// How many came in all.
    pub fn tags(&self) -> u64 {
        self.tags
    }

    /// The rate over the last whole seconds; of a younger stream, over what there is.
    pub fn kbit_per_s(&self, age: Duration) -> u64 {
        let now = age.as_secs();
        let from = now.saturating_sub(RATE_SECONDS as u64);
        let counted = |second: u64| second >= from && (second < now || now == 0);
        let bytes: u64 = self.seconds.iter().filter(|(s, _)| counted(*s)).map(|(_, bytes)| bytes).sum();
        bytes * 8 / 1000 / (now - from).max(1)
    }

    /// The longest of the last groups of pictures.
    pub fn group(&self) -> Option<Micros> {
        self.groups.iter().max().map(|ms| Micros::from_millis((*ms).into()))
    }

    /// Video first.
    pub fn codecs(&self) -> Vec<String> {
        self.video.iter().chain(&self.audio).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn tag(kind: TagKind, body: Vec<u8>) -> Tag {
        Tag { offset: 0, kind, timestamp: 0, body: Bytes::from(body) }
    }

    #[test]
    fn the_rate_is_the_mean_of_the_last_seconds() {
        let mut stats = StreamStats::default();
        for second in 0..100 {
            let size = if second < 90 { 1 } else { 12_500 };
            stats.note(&[tag(TagKind::Video, vec![0x27; size])], Duration::from_secs(second));
        }
        assert_eq!(stats.kbit_per_s(Duration::from_secs(100)), 100);
        assert_eq!(stats.kbit_per_s(Duration::from_secs(200)), 0);
        assert!(stats.seconds.len() <= RATE_SECONDS + 1);
    }

    #[test]
    fn the_longest_of_the_last_groups_is_known() {
        let mut stats = StreamStats::default();
        let at = |timestamp, body: &'static [u8]| Tag { timestamp, ..tag(TagKind::Video, body.to_vec()) };
        stats.note(&[at(u32::MAX - 999, b"\x17\x01"), at(0, b"\x27\x01")], Duration::ZERO);
        assert_eq!(stats.group(), None);
        for timestamp in [7000, 9000, 9000, 8000, 10_000, 12_500, 14_500] {
            stats.note(&[at(timestamp, b"\x17\x01")], Duration::ZERO);
        }
        assert_eq!(
            stats.group(),
            Some(Micros::from_millis(2500)),
            "8 s are long ago, and going back is no group"
        );
        assert!(stats.groups.len() <= GROUPS);
    }

    #[test]
    fn the_codecs_are_the_latest_announced() {
        let mut stats = StreamStats::default();
        stats.note(&[tag(TagKind::Audio, b"\xaf\x01\x00".to_vec())], Duration::ZERO);
        stats.note(&[tag(TagKind::Video, b"\x17\x00\x00".to_vec())], Duration::ZERO);
        assert_eq!(stats.codecs(), ["avc", "aac"]);
        stats.note(&[tag(TagKind::Video, b"\x90hvc1".to_vec())], Duration::ZERO);
        assert_eq!(stats.codecs(), ["hvc1", "aac"]);
    }
}
