//! Packets before the socket, and which of them are given up.
//!
//! A frame is given up with all that refer to it, so the next video that is taken in is a keyframe. Sound goes last: only what
//! is older than [`PATIENCE`], and then no video is left before it. Bounded by [`MOST_BYTES`], [`MOST_PACKETS`] and `PATIENCE`.

use std::collections::VecDeque;

use sailcast_media::{MediaKind, MediaTime, Micros, Packet};

use super::{DropReason, Dropped};
use crate::io::Instant;

/// No sound is worth hearing that has waited longer.
pub const PATIENCE: Micros = Micros::from_secs(4);
pub const MOST_BYTES: u64 = 8 << 20;
pub const MOST_PACKETS: usize = 4096;
/// What a container adds to a packet, about.
const OVERHEAD: u64 = 20;
/// From this share of the budget on, frames that nothing refers to are given up.
const DISPOSABLE_ABOVE: f64 = 0.85;
/// So long a connection's sound waits for a first keyframe.
const WAIT_FOR_KEYFRAME: Micros = Micros::from_secs(2);

#[derive(Debug)]
struct Queued {
    packet: Packet,
    since: Instant,
}

/// How long what waits first has waited here, and how long it will in the socket and on the way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    pub own: Micros,
    pub socket: Micros,
}

impl Waits {
    pub fn lag(self) -> Micros {
        self.own + self.socket
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// No connection.
    None,
    /// Since then the first keyframe is waited for.
    Keyframe(Instant),
    Done,
}

#[derive(Debug)]
pub struct Queue {
    packets: VecDeque<Queued>,
    bytes: u64,
    beginning: Beginning,
    /// A reference was given up: only a keyframe is taken.
    broken: bool,
    last_dts: Option<MediaTime>,
    dropped: Dropped,
}

type GivenUp = Option<(u32, DropReason)>;

impl Queue {
    pub fn new() -> Self {
        Self {
            packets: VecDeque::new(),
            bytes: 0,
            beginning: Beginning::None,
            broken: true,
            last_dts: None,
            dropped: Dropped::default(),
        }
    }

    /// A connection begins, with a keyframe if there is video.
    pub fn begin(&mut self, has_video: bool, now: Instant) {
        self.beginning = if has_video { Beginning::Keyframe(now) } else { Beginning::Done };
        self.broken = true;
        self.last_dts = None;
    }

    pub fn end(&mut self) {
        self.beginning = Beginning::None;
        self.broken = true;
    }

    /// A frame has been given up that others refer to, or none was there yet.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// How long the first one has waited.
    pub fn age(&self, now: Instant) -> Micros {
        self.packets.front().map_or(Micros::ZERO, |first| now - first.since)
    }

    pub fn next_size(&self) -> Option<u64> {
        self.packets.front().map(|first| size(&first.packet))
    }

    pub fn pop(&mut self) -> Option<Packet> {
        let first = self.packets.pop_front()?;
        self.bytes = self.bytes.saturating_sub(size(&first.packet));
        Some(first.packet)
    }

    /// Takes the packet, or gives it up.
    pub fn push(&mut self, packet: Packet, now: Instant) -> GivenUp {
        let video = packet.track.kind == MediaKind::Video;
        if self.last_dts.is_some_and(|last| packet.dts < last) {
            self.broken |= video && !packet.disposable;
            return self.count(&packet, DropReason::Order);
        }
        if video && self.broken && !packet.keyframe {
            return self.count(&packet, DropReason::Reference);
        }
        if let Beginning::Keyframe(since) = self.beginning {
            if !video && now - since < WAIT_FOR_KEYFRAME {
                // Nothing is lost: the stream has not begun.
                return None;
            }
            self.beginning = Beginning::Done;
        }
        self.broken &= !video;
        self.last_dts = Some(packet.dts);
        self.bytes = self.bytes.saturating_add(size(&packet));
        self.packets.push_back(Queued { packet, since: now });
        None
    }

    /// Gives up a packet that comes without a connection.
    pub fn refuse(&mut self, packet: &Packet) -> GivenUp {
        self.count(packet, DropReason::Closed)
    }

    pub fn drop_all(&mut self) -> GivenUp {
        self.drop_where(|_| true).map(|count| (count, DropReason::Closed))
    }

    /// Gives up what comes too late, and what there is no room for.
    pub fn make_room(&mut self, waits: Waits, budget: Micros, now: Instant) -> GivenUp {
        if self.packets.is_empty() {
            return None;
        }
        let full = self.bytes > MOST_BYTES || self.packets.len() > MOST_PACKETS;
        let mut count: u32 = 0;
        let lag = |queue: &Self| queue.age(now) + waits.socket;
        if waits.lag() > budget.scale(DISPOSABLE_ABOVE) {
            count =
                count.saturating_add(self.drop_where(|q| q.packet.disposable && is_video(q)).unwrap_or(0));
        }
        if full || lag(self) > budget {
            count = count.saturating_add(self.drop_late(budget - waits.socket, full, now));
        }
        if full || self.age(now) > PATIENCE {
            count = count.saturating_add(self.drop_stale(now));
        }
        (count > 0).then_some((count, if full { DropReason::Full } else { DropReason::Late }))
    }

    /// Frames up to the newest keyframe that is not too old itself; without one, all but the first frame if that is a keyframe.
    fn drop_late(&mut self, most: Micros, all: bool, now: Instant) -> u32 {
        let late = |q: &Queued| all || now - q.since > most;
        let is_key = |q: &Queued| is_video(q) && q.packet.keyframe;
        if !self.packets.iter().any(|q| is_video(q) && late(q)) {
            return 0;
        }
        let newest = self.packets.iter().rposition(is_key);
        let first_video = self.packets.iter().position(is_video);
        let Some(key) = newest else {
            self.broken = true;
            return self.drop_where(is_video).unwrap_or(0);
        };
        if first_video != Some(key) {
            // Whoever waits for this keyframe has lost nothing that it refers to.
            return self.drop_indexed(|i, q| i < key && is_video(q));
        }
        let rest = self.drop_indexed(|i, q| i > key && is_video(q));
        self.broken |= rest > 0;
        rest
    }

    /// Nobody waits for what is so old: first frames, then sound.
    fn drop_stale(&mut self, now: Instant) -> u32 {
        let video = self.drop_where(is_video);
        self.broken |= video.is_some();
        let (bytes, packets) = (MOST_BYTES / 2, MOST_PACKETS / 2);
        let mut count = video.unwrap_or(0);
        while self.age(now) > PATIENCE || self.bytes > bytes || self.packets.len() > packets {
            let Some(packet) = self.pop() else { break };
            self.count(&packet, DropReason::Late);
            count = count.saturating_add(1);
        }
        count
    }

    fn drop_where(&mut self, given_up: impl Fn(&Queued) -> bool) -> Option<u32> {
        Some(self.drop_indexed(|_, queued| given_up(queued))).filter(|count| *count > 0)
    }

    fn drop_indexed(&mut self, given_up: impl Fn(usize, &Queued) -> bool) -> u32 {
        let mut count: u32 = 0;
        let packets = std::mem::take(&mut self.packets);
        for (i, queued) in packets.into_iter().enumerate() {
            if given_up(i, &queued) {
                self.bytes = self.bytes.saturating_sub(size(&queued.packet));
                self.count(&queued.packet, DropReason::Late);
                count = count.saturating_add(1);
            } else {
                self.packets.push_back(queued);
            }
        }
        count
    }

    fn count(&mut self, packet: &Packet, reason: DropReason) -> GivenUp {
        let count = match packet.track.kind {
            MediaKind::Audio => &mut self.dropped.audio,
            MediaKind::Video if packet.disposable => &mut self.dropped.disposable,
            MediaKind::Video => &mut self.dropped.video,
        };
        *count = count.saturating_add(1);
        Some((1, reason))
    }
}

fn is_video(queued: &Queued) -> bool {
    queued.packet.track.kind == MediaKind::Video
}

/// As it goes to the socket, about.
fn size(packet: &Packet) -> u64 {
    u64::try_from(packet.data.len()).unwrap_or(u64::MAX).saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sailcast_media::TrackId;

    use super::*;

    const BUDGET: Micros = Micros::from_millis(500);

    fn at(ms: i64) -> Instant {
        Instant(0) + Micros::from_millis(ms)
    }

    fn packet(name: &str, ms: i64) -> Packet {
        let track = if name == "a" { TrackId::audio(0) } else { TrackId::video(0) };
        Packet {
            track,
            dts: MediaTime::from_millis(ms),
            pts: MediaTime::from_millis(ms),
            duration: None,
            keyframe: matches!(name, "a" | "K"),
            disposable: name == "b",
            data: Bytes::from_static(&[0; 1000]),
        }
    }

    /// Keyframes, deltas (`p`), disposable frames (`b`) and sound, 50 ms apart.
    fn queue(names: &str) -> Queue {
        let mut queue = Queue::new();
        queue.begin(true, at(0));
        for (i, name) in names.split(' ').enumerate() {
            let ms = i as i64 * 50;
            queue.push(packet(name, ms), at(ms));
        }
        queue
    }

    fn names(queue: &mut Queue) -> String {
        let name = |p: Packet| match (p.track.kind, p.keyframe, p.disposable) {
            (MediaKind::Audio, ..) => "a",
            (_, true, _) => "K",
            (_, _, true) => "b",
            _ => "p",
        };
        std::iter::from_fn(|| queue.pop().map(name)).collect::<Vec<_>>().join(" ")
    }

    fn after(names_before: &str, ms: i64) -> (String, bool) {
        let mut queue = queue(names_before);
        let waits = Waits { own: queue.age(at(ms)), socket: Micros::ZERO };
        queue.make_room(waits, BUDGET, at(ms));
        let broken = queue.is_broken();
        (names(&mut queue), broken)
    }

    #[test]
    fn nothing_is_given_up_within_the_budget() {
        assert_eq!(after("K a p b a p", 400), ("K a p b a p".to_owned(), false));
    }

    #[test]
    fn disposable_frames_go_first() {
        assert_eq!(after("K a p b a p b", 450), ("K a p a p".to_owned(), false));
    }

    #[test]
    fn then_all_up_to_the_next_keyframe() {
        assert_eq!(after("K a p b a p K p a p", 550), ("a a K p a p".to_owned(), false));
    }

    #[test]
    fn a_keyframe_that_nothing_replaces_stays_and_its_followers_go() {
        let (left, broken) = after("K a p b a p p", 550);
        assert_eq!((left.as_str(), broken), ("K a a", true));
    }

    #[test]
    fn after_a_loss_only_a_keyframe_is_taken() {
        let mut queue = queue("K p p");
        queue.make_room(Waits { own: BUDGET + BUDGET, socket: Micros::ZERO }, BUDGET, at(900));
        assert_eq!(queue.push(packet("p", 900), at(900)), Some((1, DropReason::Reference)));
        assert_eq!(queue.push(packet("K", 950), at(950)), None);
        assert_eq!(queue.push(packet("p", 990), at(990)), None);
        assert_eq!(names(&mut queue), "K K p");
    }

    #[test]
    fn sound_goes_when_nobody_waits_for_it_and_video_before_it() {
        assert_eq!(after("K a a a", 3_900).0, "K a a a");
        let (left, broken) = after("K a a a a p a", 4_120);
        assert_eq!((left.as_str(), broken), ("a a a", true));
    }

    #[test]
    fn dts_never_goes_back() {
        let mut queue = queue("K p");
        assert_eq!(queue.push(packet("p", 20), at(200)), Some((1, DropReason::Order)));
        assert!(queue.is_broken());
    }

    #[test]
    fn memory_is_bounded() {
        let mut queue = queue("K");
        for i in 1..20_000i64 {
            queue.push(packet(if i % 2 == 0 { "a" } else { "p" }, i), at(100));
            queue.make_room(Waits::default(), BUDGET, at(100));
            assert!(queue.packets.len() <= MOST_PACKETS && queue.bytes() <= MOST_BYTES);
        }
    }
}
