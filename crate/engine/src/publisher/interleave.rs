//! Packets of both kinds in the order of their dts.
//!
//! A packet goes on once nothing earlier can come of the other kind: its next one is here, or its encoder holds nothing as early.
//! What it waits for in vain it does not wait for long. Where the encoder of pictures is late, everything is as late as that, and
//! what it gives at once goes on one by one. **Invariant:** dts never goes back.

use std::collections::VecDeque;

use sailcast_media::{MediaKind, MediaTime, Micros, Packet, TrackInfo};

use crate::io::Instant;

/// An encoder that takes longer than this for one packet is not waited for; longer than sound that does not come is.
const LONGEST_WAIT: Micros = Micros::from_millis(450);

/// Two packets of a track never have the same time: a configuration is in force from a time on.
const APART: Micros = Micros(1);

#[derive(Debug)]
struct Waiting {
    packet: Packet,
    config: TrackInfo,
    since: Instant,
}

#[derive(Debug, Default)]
pub struct Interleaver {
    video: VecDeque<Waiting>,
    audio: VecDeque<Waiting>,
    last: Option<MediaTime>,
    /// What was last asked.
    delay: Micros,
    asked: Instant,
}

/// The earliest dts that each kind may still bring; `None` where none can come that is earlier than what was released.
#[derive(Clone, Copy, Debug, Default)]
pub struct Floors {
    pub video: Option<MediaTime>,
    pub audio: Option<MediaTime>,
    /// How much later than its dts a packet goes on.
    pub delay: Micros,
}

impl Interleaver {
    pub fn push(&mut self, packet: Packet, config: TrackInfo, now: Instant) {
        let queue = match packet.track.kind {
            MediaKind::Video => &mut self.video,
            MediaKind::Audio => &mut self.audio,
        };
        queue.push_back(Waiting { packet, config, since: now });
    }

    /// The next packet in order, if it need not wait.
    pub fn pop(&mut self, floors: Floors, now: Instant) -> Option<(Packet, TrackInfo)> {
        (self.delay, self.asked) = (floors.delay, now);
        let dts = |queue: &VecDeque<Waiting>| queue.front().map(|first| first.packet.dts);
        let (video, audio) = (dts(&self.video), dts(&self.audio));
        let (queue, other) = match (video, audio) {
            (Some(video), Some(audio)) if video < audio => (&mut self.video, None),
            (_, Some(_)) => (&mut self.audio, floors.video.filter(|_| video.is_none())),
            (Some(_), None) => (&mut self.video, floors.audio),
            (None, None) => return None,
        };
        let first = queue.front()?;
        let must_wait = other.is_some_and(|floor| floor < first.packet.dts);
        if must_wait && now < first.since + LONGEST_WAIT + self.delay || now < due(&first.packet, self.delay)
        {
            return None;
        }
        let Waiting { mut packet, config, .. } = queue.pop_front()?;
        // Only of what was not waited for.
        if let Some(late) = self.last.map(|last| last - packet.dts).filter(|late| *late > Micros::ZERO) {
            packet.dts = packet.dts + late + APART;
            packet.pts = packet.pts + late + APART;
        }
        self.last = Some(packet.dts);
        Some((packet, config))
    }

    /// The dts of what went out last.
    pub fn last(&self) -> Option<MediaTime> {
        self.last
    }

    /// When a wait is over.
    pub fn next_wake(&self) -> Option<Instant> {
        let fronts = [self.video.front(), self.audio.front()].into_iter().flatten();
        let ends = fronts
            .flat_map(|first| [first.since + LONGEST_WAIT + self.delay, due(&first.packet, self.delay)]);
        ends.filter(|at| *at > self.asked).min()
    }

    pub fn is_empty(&self) -> bool {
        self.video.is_empty() && self.audio.is_empty()
    }
}

/// When a packet may go on; without a delay it is due whatever it says.
fn due(packet: &Packet, delay: Micros) -> Instant {
    match delay {
        Micros::ZERO => Instant(0),
        _ => Instant(0) + (packet.dts + delay - MediaTime(0)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sailcast_media::{AudioParams, Codec, CodecParams, DecoderConfig, TrackId};

    use super::*;

    fn packet(track: TrackId, ms: i64) -> Packet {
        let at = MediaTime::from_millis(ms);
        let data = Bytes::from_static(b"x");
        Packet { track, dts: at, pts: at, duration: None, keyframe: true, disposable: false, data }
    }

    fn config(id: TrackId) -> TrackInfo {
        let params = CodecParams::Audio(AudioParams { sample_rate: 48_000, channels: 2 });
        let config = DecoderConfig {
            codec: Codec::Aac,
            codec_string: String::new(),
            description: Bytes::new(),
            params,
        };
        TrackInfo { id, config }
    }

    fn pushed(interleaver: &mut Interleaver, video: &[i64], audio: &[i64]) {
        for ms in video {
            interleaver.push(packet(TrackId::video(0), *ms), config(TrackId::video(0)), Instant(0));
        }
        for ms in audio {
            interleaver.push(packet(TrackId::audio(0), *ms), config(TrackId::audio(0)), Instant(0));
        }
    }

    fn popped(interleaver: &mut Interleaver, floors: Floors, now: u64) -> Vec<i64> {
        std::iter::from_fn(|| interleaver.pop(floors, Instant(now))).map(|(p, _)| p.dts.0 / 1000).collect()
    }

    fn floors(video: Option<i64>, audio: Option<i64>) -> Floors {
        Floors {
            video: video.map(MediaTime::from_millis),
            audio: audio.map(MediaTime::from_millis),
            delay: Micros::ZERO,
        }
    }

    #[test]
    fn both_kinds_come_in_order() {
        let mut interleaver = Interleaver::default();
        pushed(&mut interleaver, &[0, 66, 133], &[0, 21, 43, 64, 85]);
        let out = popped(&mut interleaver, floors(Some(200), Some(106)), 0);
        assert_eq!(out, [0, 0, 21, 43, 64, 66, 85], "the last picture waits for sound");
    }

    #[test]
    fn a_kind_whose_encoder_holds_nothing_is_not_waited_for() {
        let mut interleaver = Interleaver::default();
        pushed(&mut interleaver, &[], &[0, 21, 43]);
        assert_eq!(popped(&mut interleaver, floors(None, None), 0), [0, 21, 43]);
    }

    #[test]
    fn nothing_waits_for_long_and_what_comes_too_late_moves_up() {
        let mut interleaver = Interleaver::default();
        pushed(&mut interleaver, &[], &[40, 60]);
        assert!(popped(&mut interleaver, floors(Some(20), None), 100_000).is_empty());
        let wake = interleaver.next_wake().unwrap();
        assert_eq!(popped(&mut interleaver, floors(Some(20), None), wake.0), [40, 60]);
        pushed(&mut interleaver, &[20, 86], &[]);
        assert_eq!(popped(&mut interleaver, floors(None, None), wake.0), [60, 86]);
    }

    #[test]
    fn for_a_late_encoder_all_is_as_late_and_keeps_its_pace() {
        let mut interleaver = Interleaver::default();
        pushed(&mut interleaver, &[], &[1000, 1021]);
        let late = Floors { delay: Micros::from_secs(2), ..floors(Some(990), None) };
        assert!(popped(&mut interleaver, late, 2_900_000).is_empty());
        pushed(&mut interleaver, &[990, 1030], &[1042]);
        let late = Floors { video: None, ..late };
        assert_eq!(popped(&mut interleaver, late, 3_000_000), [990, 1000]);
        assert_eq!(interleaver.next_wake(), Some(Instant(3_021_000)));
        assert_eq!(popped(&mut interleaver, late, 3_030_000), [1021, 1030]);
    }
}
