//! Publishing's queue and controller: whatever is pushed, popped and told, what comes out can be decoded, and memory is bounded.

use std::collections::VecDeque;

use bytes::Bytes;
use proptest::prelude::*;
use sailcast_engine::{
    Instant,
    publisher::uplink::{MOST_BYTES, MOST_PACKETS, SocketState, Target, Uplink, UplinkConfig, UplinkEvent},
};
use sailcast_media::{MediaKind, MediaTime, Micros, Packet, TrackId};

const MS: fn(i64) -> Micros = Micros::from_millis;
const LARGEST: usize = 1 << 20;
static ZEROS: [u8; LARGEST] = [0; LARGEST];

fn packet(track: TrackId, dts: MediaTime, keyframe: bool, disposable: bool, bytes: usize) -> Packet {
    let data = Bytes::from_static(&ZEROS[..bytes]);
    Packet { track, dts, pts: dts, duration: None, keyframe, disposable, data }
}

fn frame(ms: i64, keyframe: bool, bytes: usize) -> Packet {
    packet(TrackId::video(0), MediaTime::from_millis(ms), keyframe, false, bytes)
}

fn sound(ms: i64) -> Packet {
    packet(TrackId::audio(0), MediaTime::from_millis(ms), true, false, 170)
}

fn at(ms: i64) -> Instant {
    Instant(1_000_000) + MS(ms)
}

fn open() -> Uplink {
    let mut uplink = Uplink::new(UplinkConfig::default(), at(0));
    uplink.opened(at(0));
    uplink
}

/// Into a socket from which nothing leaves.
fn fill(uplink: &mut Uplink, ms: i64) -> Vec<Packet> {
    std::iter::from_fn(|| uplink.pop(at(ms))).collect()
}

fn told(uplink: &mut Uplink) -> Vec<UplinkEvent> {
    std::iter::from_fn(|| uplink.poll_event()).collect()
}

#[test]
fn a_connection_begins_with_a_keyframe() {
    let mut uplink = open();
    assert!(uplink.take_keyframe_request());
    uplink.push(sound(0), at(20));
    uplink.push(frame(10, false, 1000), at(30));
    uplink.push(frame(80, true, 5000), at(100));
    uplink.push(sound(90), at(110));
    let out = fill(&mut uplink, 110);
    assert_eq!(out.iter().map(|p| p.dts.0 / 1000).collect::<Vec<_>>(), [80, 90]);
}

#[test]
fn without_video_sound_begins_at_once() {
    let config = UplinkConfig { video_bitrate: (0, 0), ..UplinkConfig::default() };
    let mut uplink = Uplink::new(config, at(0));
    uplink.opened(at(0));
    uplink.push(sound(0), at(20));
    assert!(uplink.pop(at(20)).is_some());
}

#[test]
fn a_camera_that_gives_nothing_does_not_hold_back_sound_for_ever() {
    let mut uplink = open();
    (0..150).for_each(|i| uplink.push(sound(i * 21), at(i * 21)));
    assert!(uplink.pop(at(3_150)).is_some());
}

#[test]
fn after_a_reconnect_nothing_old_is_sent() {
    let mut uplink = open();
    uplink.push(frame(0, true, 40_000), at(20));
    uplink.push(frame(66, false, 20_000), at(86));
    uplink.push(frame(133, false, 20_000), at(153));
    assert_eq!(fill(&mut uplink, 153).len(), 1, "the socket is full");
    uplink.closed(at(200));
    assert!(!uplink.admits(MediaTime::from_millis(200), at(220)), "nothing is encoded for nobody");
    uplink.push(frame(200, false, 2000), at(220));
    uplink.opened(at(1_000));
    assert!(uplink.take_keyframe_request());
    uplink.push(frame(1_000, false, 2000), at(1_020));
    assert!(fill(&mut uplink, 1_020).is_empty());
    uplink.push(frame(1_066, true, 2000), at(1_086));
    assert_eq!(fill(&mut uplink, 1_086).len(), 1);
}

#[test]
fn a_socket_that_stands_still_stops_the_encoder_and_loses_no_keyframe_and_no_sound() {
    let mut uplink = open();
    uplink.push(frame(0, true, 40_000), at(20));
    let mut sent = fill(&mut uplink, 20).len();
    let mut encoded = 0u64;
    for i in 1..45i64 {
        let ms = i * 66;
        uplink.on_socket(SocketState { handed: 40_020, buffered: 40_020, acked: None }, at(ms));
        if uplink.admits(MediaTime::from_millis(ms), at(ms)) {
            encoded += 1;
            uplink.push(frame(ms, false, 6_000), at(ms + 20));
        }
        uplink.push(sound(ms), at(ms + 20));
        sent += fill(&mut uplink, ms + 20).len();
    }
    assert_eq!(sent, 1);
    assert!(encoded < 12, "{encoded}");
    let stats = uplink.stats(at(3_000));
    assert_eq!((stats.dropped.audio, stats.dropped.video), (0, encoded), "{stats:?}");
    assert!(stats.dropped.not_encoded > 30 && stats.congested, "{stats:?}");
    assert!(told(&mut uplink).contains(&UplinkEvent::Congested));
}

#[test]
fn a_lost_reference_asks_for_a_keyframe_once_it_will_get_through() {
    let mut uplink = open();
    uplink.take_keyframe_request();
    uplink.push(frame(0, true, 40_000), at(20));
    fill(&mut uplink, 20);
    for i in 1..12i64 {
        uplink.push(frame(i * 66, false, 6_000), at(i * 66));
        uplink.on_socket(SocketState { handed: 40_020, buffered: 40_020, acked: None }, at(i * 66));
    }
    assert!(uplink.stats(at(730)).dropped.video > 0);
    assert!(!uplink.admits(MediaTime::from_millis(760), at(760)) && !uplink.take_keyframe_request());
    uplink.on_socket(SocketState { handed: 40_020, buffered: 0, acked: None }, at(1_000));
    assert!(uplink.admits(MediaTime::from_millis(1_000), at(1_000)) && uplink.take_keyframe_request());
    assert!(!uplink.take_keyframe_request(), "once");
    assert!(
        uplink.admits(MediaTime::from_millis(2_100), at(2_100)) && uplink.take_keyframe_request(),
        "none came"
    );
}

#[test]
fn other_bounds_are_kept_at_once() {
    let mut uplink = open();
    let config =
        UplinkConfig { video_bitrate: (100_000, 150_000), sides: vec![360], ..UplinkConfig::default() };
    uplink.configure(config, at(10));
    let Target { video_bitrate, side, .. } = uplink.target();
    assert!((100_000..=150_000).contains(&video_bitrate) && side == 360);
    assert!(!told(&mut uplink).is_empty());
}

#[derive(Clone, Debug)]
enum Op {
    Push {
        video: bool,
        keyframe: bool,
        disposable: bool,
        step: i64,
        bytes: usize,
    },
    Socket {
        handed: u64,
        buffered: u64,
        acked: Option<u64>,
    },
    /// As a driver would say it, with so much of what is outstanding gone.
    Drain {
        share: f64,
        acks: bool,
    },
    Pop(usize),
    Admit,
    Wait(u64),
    Configure {
        budget: i64,
        video: (u32, u32),
        audio: u32,
        fps: (u32, u32),
        sides: Vec<u32>,
        gop: i64,
    },
    Opened,
    Closed,
}

fn op() -> impl Strategy<Value = Op> {
    let push = (
        prop::bool::weighted(0.6),
        prop::bool::weighted(0.15),
        any::<bool>(),
        -20i64..200,
        prop_oneof![8 => 0usize..20_000, 1 => 0..LARGEST],
    );
    let count = || prop_oneof![0u64..1_000_000, any::<u64>()];
    let number = || prop_oneof![0u32..3_000_000, any::<u32>()];
    prop_oneof![
        12 => push.prop_map(|(video, keyframe, disposable, step, bytes)| {
            Op::Push { video, keyframe, disposable, step, bytes }
        }),
        1 => (count(), count(), prop::option::of(count()))
            .prop_map(|(handed, buffered, acked)| Op::Socket { handed, buffered, acked }),
        6 => (0.0..1.2f64, any::<bool>()).prop_map(|(share, acks)| Op::Drain { share, acks }),
        6 => (0usize..20).prop_map(Op::Pop),
        4 => Just(Op::Admit),
        6 => prop_oneof![8 => 0u64..300_000, 1 => 0u64..20_000_000].prop_map(Op::Wait),
        1 => (any::<i64>(), (number(), number()), number(), (number(), number()), any::<i64>(),
            prop::collection::vec(number(), 0..4))
            .prop_map(|(budget, video, audio, fps, gop, sides)| Op::Configure { budget, video, audio, fps, sides, gop }),
        1 => Just(Op::Opened),
        1 => Just(Op::Closed),
    ]
}

/// What a server would make of what it gets.
#[derive(Default)]
struct Receiver {
    /// Frames pushed on this connection: number, keyframe, disposable.
    made: VecDeque<(usize, bool)>,
    broken: bool,
    last: Option<MediaTime>,
}

impl Receiver {
    fn gets(&mut self, number: usize, packet: &Packet) -> Result<(), String> {
        if self.last.is_some_and(|last| packet.dts < last) {
            return Err("dts goes back".to_owned());
        }
        self.last = Some(packet.dts);
        if packet.track.kind == MediaKind::Audio {
            return Ok(());
        }
        loop {
            let Some((made, disposable)) = self.made.pop_front() else {
                return Err("of another connection".to_owned());
            };
            if made == number {
                break;
            }
            self.broken |= !disposable;
        }
        self.broken &= !packet.keyframe;
        if self.broken { Err("a delta after a lost reference".to_owned()) } else { Ok(()) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn no_sequence_of_inputs_breaks_the_laws(ops in prop::collection::vec(op(), 1..250)) {
        let mut now = Instant(0);
        let mut uplink = Uplink::new(UplinkConfig::default(), now);
        let (mut number, mut dts, mut handed, mut left, mut open) = (0usize, 0i64, 0u64, 0u64, false);
        let mut receiver = Receiver::default();
        for op in ops {
            match op {
                Op::Push { video, keyframe, disposable, step, bytes } => {
                    number += 1;
                    dts += step * 1000;
                    let track = if video { TrackId::video(0) } else { TrackId::audio(0) };
                    let mut packet = packet(track, MediaTime(dts), keyframe || !video, disposable && !keyframe, bytes);
                    // The pts is its name.
                    packet.pts = MediaTime(number as i64);
                    if video && open {
                        receiver.made.push_back((number, packet.disposable));
                    }
                    uplink.push(packet, now);
                }
                Op::Socket { handed, buffered, acked } => {
                    uplink.on_socket(SocketState { handed, buffered, acked }, now);
                }
                Op::Drain { share, acks } => {
                    left += (handed.saturating_sub(left) as f64 * share) as u64;
                    let buffered = handed.saturating_sub(left);
                    uplink.on_socket(SocketState { handed, buffered, acked: acks.then_some(left) }, now);
                }
                Op::Pop(most) => {
                    for _ in 0..most {
                        let Some(packet) = uplink.pop(now) else { break };
                        prop_assert!(open, "sent without a connection");
                        handed += packet.data.len() as u64 + 16;
                        receiver.gets(packet.pts.0 as usize, &packet).map_err(TestCaseError::fail)?;
                    }
                }
                Op::Admit => {
                    let admitted = uplink.admits(MediaTime(dts), now);
                    prop_assert!(open || !admitted);
                    uplink.take_keyframe_request();
                }
                Op::Wait(us) => now = Instant(now.0 + us),
                Op::Configure { budget, video, audio, fps, sides, gop } => uplink.configure(
                    UplinkConfig {
                        budget: Micros(budget),
                        video_bitrate: video,
                        audio_bitrate: audio,
                        fps,
                        sides,
                        gop: Micros(gop),
                    },
                    now,
                ),
                Op::Opened => {
                    uplink.opened(now);
                    (open, handed, left) = (true, 0, 0);
                    receiver = Receiver { broken: true, ..Receiver::default() };
                }
                Op::Closed => {
                    uplink.closed(now);
                    open = false;
                }
            }
            let stats = uplink.stats(now);
            prop_assert!(stats.queued_bytes <= MOST_BYTES + LARGEST as u64 + 20 * MOST_PACKETS as u64);
            prop_assert!(uplink.next_wake().is_none_or(|at| at >= now || now.0 > 0));
            prop_assert!(uplink.target().fps >= 1);
        }
        prop_assert!(told(&mut uplink).len() <= 64);
    }
}
