//! Encoded packets of one track, in decoding order, with the configurations between them.
//!
//! Bounded by its owner through [`PacketQueue::drop_oldest_gop`] and [`PacketQueue::skip_to_keyframe`], which never leave a
//! delta packet without the keyframe it builds on, nor lose a configuration.

use std::collections::VecDeque;

use sailcast_media::{MediaTime, Micros, Packet, TrackInfo};

/// A longer step between two packets is a gap, not a frame's time.
const LONGEST_FRAME: Micros = Micros::from_secs(3);

#[derive(Clone, Debug)]
pub enum Item {
    Config(TrackInfo),
    Packet(Packet),
    /// Something was lost here: what follows may build on it.
    Break,
}

#[derive(Debug, Default)]
pub struct PacketQueue {
    items: VecDeque<Item>,
    bytes: u64,
    packets: usize,
    memory: u64,
    /// Latest end of anything ever pushed.
    edge: Option<MediaTime>,
    last_dts: Option<MediaTime>,
    /// The last step, and what of it is a frame's time: behind a gap, no longer than before it.
    step: Micros,
    frame: Micros,
}

impl PacketQueue {
    pub fn push_config(&mut self, track: TrackInfo) {
        // One that nothing follows is of no use.
        while let Some(Item::Config(_)) = self.items.back() {
            self.pop_back();
        }
        self.put_back(Item::Config(track));
    }

    /// The next packet is to be decoded anew with this configuration, unless another one already stands in front.
    pub fn push_front_config(&mut self, track: TrackInfo) {
        if !matches!(self.items.front(), Some(Item::Config(_))) {
            self.put_front(Item::Config(track));
        }
    }

    /// These packets are decoded before all others; they were here before.
    pub fn push_front_packets(&mut self, packets: VecDeque<Packet>) {
        for packet in packets.into_iter().rev() {
            self.bytes = self.bytes.saturating_add(packet.data.len() as u64);
            self.packets = self.packets.saturating_add(1);
            self.put_front(Item::Packet(packet));
        }
    }

    /// How long a packet lasts that was just taken.
    pub fn length_of(&self, packet: &Packet) -> Micros {
        let next = self.first_dts().map(|next| next - packet.dts);
        let step = next.filter(|step| *step > Micros::ZERO && *step < LONGEST_FRAME);
        packet.duration.or(step).unwrap_or(self.frame).clamp(Micros::ZERO, LONGEST_FRAME)
    }

    /// Forgets all that waits.
    pub fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    pub fn break_reference(&mut self) {
        if !matches!(self.items.back(), Some(Item::Break)) {
            self.put_back(Item::Break);
        }
    }

    pub fn push(&mut self, packet: Packet) {
        if let Some(last) = self.last_dts {
            let step = packet.dts - last;
            if step > Micros::ZERO && step < LONGEST_FRAME {
                self.frame = if self.step > Micros::ZERO { step.min(self.step) } else { step };
                self.step = step;
            }
        }
        self.last_dts = Some(packet.dts);
        let end = packet.pts + packet.duration.unwrap_or(self.frame);
        self.edge = Some(self.edge.map_or(end, |e| e.max(end)));
        self.bytes = self.bytes.saturating_add(packet.data.len() as u64);
        self.packets = self.packets.saturating_add(1);
        self.put_back(Item::Packet(packet));
    }

    pub fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    pub fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.forget(&item);
        Some(item)
    }

    fn pop_back(&mut self) -> Option<Item> {
        let item = self.items.pop_back()?;
        self.forget(&item);
        Some(item)
    }

    fn forget(&mut self, item: &Item) {
        self.memory = self.memory.saturating_sub(weight(item));
        if let Item::Packet(p) = item {
            self.bytes = self.bytes.saturating_sub(p.data.len() as u64);
            self.packets = self.packets.saturating_sub(1);
        }
    }

    /// Drops what waits before the next configuration; false where there is none.
    pub fn skip_to_config(&mut self) -> bool {
        let is_config = |item: &Item| matches!(item, Item::Config(_));
        if !self.items.iter().any(is_config) {
            return false;
        }
        while self.items.front().is_some_and(|item| !is_config(item)) {
            self.pop();
        }
        true
    }

    /// The last configuration that waits.
    pub fn last_config(&self) -> Option<&TrackInfo> {
        self.items
            .iter()
            .rev()
            .find_map(|item| if let Item::Config(track) = item { Some(track) } else { None })
    }

    /// Takes back everything from `at` on, in decoding order; what comes in its place begins there. The last configuration
    /// stays.
    pub fn cut_from(&mut self, at: MediaTime) -> usize {
        let config = self.last_config().cloned();
        let keep = self.items.iter().position(|item| matches!(item, Item::Packet(p) if p.pts >= at));
        let Some(keep) = keep else { return 0 };
        let mut gone = 0usize;
        while self.items.len() > keep {
            if let Some(Item::Packet(_)) = self.pop_back() {
                gone = gone.saturating_add(1);
            }
        }
        if let Some(config) = config
            && self.last_config() != Some(&config)
        {
            self.push_config(config);
        }
        self.edge = Some(at);
        self.last_dts = self.packets().last().map(|last| last.dts);
        gone
    }

    /// Where the newest received data ends.
    pub fn edge(&self) -> Option<MediaTime> {
        self.edge
    }

    /// How long a packet lasts that does not say it.
    pub fn frame(&self) -> Micros {
        self.frame
    }

    /// dts of the packet received last.
    pub fn last_dts(&self) -> Option<MediaTime> {
        self.last_dts
    }

    /// dts of the first waiting packet.
    pub fn first_dts(&self) -> Option<MediaTime> {
        self.packets().next().map(|p| p.dts)
    }

    /// The waiting keyframes around `at`: the last one at or before it, and the first one behind it.
    pub fn keyframes_around(&self, at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>) {
        let keyframes = || self.packets().filter(|p| p.keyframe).map(|p| p.pts);
        (keyframes().filter(|pts| *pts <= at).last(), keyframes().find(|pts| *pts > at))
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What all that waits occupies.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    pub fn is_empty(&self) -> bool {
        self.packets == 0
    }

    /// Time from the first to the last waiting packet.
    pub fn span(&self) -> Micros {
        match (self.first_dts(), self.last_dts) {
            (Some(first), Some(last)) if last > first => last - first,
            _ => Micros::ZERO,
        }
    }

    /// Drops what precedes the newest keyframe presented no later than `until`; returns how many packets went.
    /// Nothing is dropped when no such keyframe waits.
    pub fn skip_to_keyframe(&mut self, until: MediaTime) -> usize {
        let keyframe = self.packets().enumerate().filter(|(_, p)| p.keyframe && p.pts <= until).last();
        let mut before = keyframe.map_or(0, |(at, _)| at);
        self.drop_while(|_| {
            let gone = before > 0;
            before = before.saturating_sub(1);
            gone
        })
    }

    /// Drops everything that ends by `until`: for tracks whose every packet is a keyframe.
    pub fn drop_until(&mut self, until: MediaTime) -> usize {
        let frame = self.frame;
        self.drop_while(|p| p.pts + p.duration.unwrap_or(frame) <= until)
    }

    /// Drops up to the second waiting keyframe (all, if there is none); returns how many packets went.
    pub fn drop_oldest_gop(&mut self) -> usize {
        let mut first = true;
        self.drop_while(|p| std::mem::take(&mut first) || !p.keyframe)
    }

    fn put_back(&mut self, item: Item) {
        self.memory = self.memory.saturating_add(weight(&item));
        self.items.push_back(item);
    }

    fn put_front(&mut self, item: Item) {
        self.memory = self.memory.saturating_add(weight(&item));
        self.items.push_front(item);
    }

    fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.items.iter().filter_map(|i| match i {
            Item::Packet(p) => Some(p),
            Item::Config(_) | Item::Break => None,
        })
    }

    /// Drops leading packets while `gone` holds; the last configuration passed stays in front. What then begins without a
    /// keyframe has lost its reference.
    fn drop_while(&mut self, mut gone: impl FnMut(&Packet) -> bool) -> usize {
        let mut config = None;
        let mut dropped = 0usize;
        let mut broken = false;
        loop {
            match self.items.front() {
                Some(Item::Packet(p)) if gone(p) => {
                    dropped = dropped.saturating_add(1);
                    self.pop();
                }
                Some(Item::Config(_)) => config = self.pop(),
                Some(Item::Break) => {
                    broken = true;
                    self.pop();
                }
                _ => break,
            }
        }
        let at_keyframe = matches!(self.items.front(), Some(Item::Packet(p)) if p.keyframe);
        if (broken || dropped > 0) && !at_keyframe {
            self.put_front(Item::Break);
        }
        if let Some(config) = config {
            self.put_front(config);
        }
        dropped
    }
}

/// What an item occupies, its bookkeeping included: many tiny ones are large, too.
fn weight(item: &Item) -> u64 {
    let data = match item {
        Item::Packet(packet) => packet.data.len(),
        Item::Config(track) => track.config.description.len(),
        Item::Break => 0,
    };
    data.saturating_add(size_of::<Item>()) as u64
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sailcast_media::{Codec, CodecParams, DecoderConfig, TrackId, VideoParams};

    use super::*;

    fn queue(pattern: &str) -> PacketQueue {
        let mut q = PacketQueue::default();
        for (i, c) in pattern.chars().enumerate() {
            let t = MediaTime::from_millis(i as i64 * 40);
            q.push(Packet {
                track: TrackId::video(0),
                dts: t,
                pts: t,
                duration: None,
                keyframe: c == 'K',
                disposable: false,
                data: Bytes::from_static(&[0; 10]),
            });
        }
        q
    }

    #[test]
    fn skipping_lands_on_the_newest_keyframe_in_reach() {
        let mut q = queue("KdddKdddKddd");
        assert_eq!(q.skip_to_keyframe(MediaTime::from_millis(10 * 40)), 8);
        assert_eq!(q.first_dts(), Some(MediaTime::from_millis(320)));
        assert_eq!(q.bytes(), 40);
    }

    #[test]
    fn a_gap_is_no_long_frame() {
        let mut q = queue("Kddd");
        let mut late = queue("K");
        if let Some(Item::Packet(p)) = late.pop() {
            let at = MediaTime::from_millis(2_900);
            q.push(Packet { dts: at, pts: at, ..p });
        }
        assert_eq!(q.edge(), Some(MediaTime::from_millis(2_940)));
    }

    #[test]
    fn skipping_drops_nothing_without_a_keyframe() {
        let mut q = queue("dddddd");
        assert_eq!(q.skip_to_keyframe(MediaTime::from_millis(1000)), 0);
    }

    #[test]
    fn overflow_drops_whole_gops_oldest_first() {
        let mut q = queue("KddKdd");
        assert_eq!(q.drop_oldest_gop(), 3);
        assert!(matches!(q.front(), Some(Item::Packet(p)) if p.keyframe));
        assert_eq!(q.drop_oldest_gop(), 3);
        assert!(q.is_empty());
        assert!(matches!(q.front(), Some(Item::Break)), "what comes next has lost its reference");
    }

    #[test]
    fn a_break_in_front_stops_no_drop_and_is_kept_for_what_follows() {
        let mut q = PacketQueue::default();
        q.break_reference();
        let mut rest = queue("ddKdd");
        while let Some(item) = rest.pop() {
            if let Item::Packet(p) = item {
                q.push(p);
            }
        }
        assert_eq!(q.drop_oldest_gop(), 2);
        assert!(matches!(q.front(), Some(Item::Packet(p)) if p.keyframe));
    }

    #[test]
    fn whatever_waits_has_a_weight_and_leaves_none_behind() {
        let config = || TrackInfo {
            id: TrackId::video(0),
            config: DecoderConfig {
                codec: Codec::Avc,
                codec_string: String::new(),
                description: Bytes::from_static(&[0; 100]),
                params: CodecParams::Video(VideoParams::of_size(2, 2)),
            },
        };
        let mut q = queue("KddKdd");
        let packets = q.memory();
        for _ in 0..10 {
            q.push_config(config());
            q.break_reference();
        }
        assert!(q.memory() >= packets + 1000);
        q.drop_oldest_gop();
        assert_eq!(q.drop_oldest_gop(), 3);
        assert!(q.memory() < packets, "one configuration and one break are left");
        q.clear();
        assert_eq!((q.memory(), q.bytes()), (0, 0));
    }
}
