//! The timeline by itself: packets of a publisher with a wild clock in, one even timeline out.

use bytes::Bytes;
use proptest::prelude::*;
use sailcast_engine::{
    Instant, Jump, JumpKind,
    timeline::{STEP_BACK, Timeline},
};
use sailcast_media::{
    MediaKind::{self, Audio, Video},
    MediaTime, Micros, Packet, TrackId, Unwrapper,
};

const MS: i64 = 1000;
const SECOND: i64 = 1_000_000;
const VIDEO_STEP: i64 = 33_333;
const AUDIO_STEP: i64 = 21_333;

fn packet(dts: i64, pts: i64) -> Packet {
    Packet {
        track: TrackId(0),
        dts: MediaTime(dts),
        pts: MediaTime(pts),
        duration: None,
        keyframe: true,
        disposable: false,
        data: Bytes::new(),
    }
}

/// A packet as it was captured and where it was placed, in µs.
#[derive(Clone, Copy, Debug)]
struct Placed {
    kind: MediaKind,
    captured: i64,
    at: i64,
}

/// A live stream: what is captured at the world's time arrives 50 ms later, with the stamps that the publisher's clocks give.
#[derive(Default)]
struct Stream {
    timeline: Timeline,
    placed: Vec<Placed>,
    jumps: Vec<Jump>,
}

impl Stream {
    fn put(&mut self, kind: MediaKind, captured: i64, stamp: i64, arrives: i64) -> i64 {
        let mut packet = packet(stamp, stamp);
        let now = Instant((arrives + 50 * MS) as u64);
        self.jumps.extend(self.timeline.place(kind, &mut packet, now));
        assert_eq!(packet.pts, packet.dts);
        self.placed.push(Placed { kind, captured, at: packet.dts.0 });
        packet.dts.0
    }

    /// Captures from one time to another; the clocks say how it is stamped, or that there is nothing.
    fn run(
        &mut self,
        from: i64,
        to: i64,
        video: impl Fn(i64) -> Option<i64>,
        audio: impl Fn(i64) -> Option<i64>,
    ) {
        self.deliver(from, to, |t| t, video, audio);
    }

    fn deliver(
        &mut self,
        from: i64,
        to: i64,
        arrives: impl Fn(i64) -> i64,
        video: impl Fn(i64) -> Option<i64>,
        audio: impl Fn(i64) -> Option<i64>,
    ) {
        let first = |step: i64| (from + step - 1) / step;
        let (mut v, mut a) = (first(VIDEO_STEP), first(AUDIO_STEP));
        loop {
            let (kind, t) = if v * VIDEO_STEP <= a * AUDIO_STEP {
                (Video, v * VIDEO_STEP)
            } else {
                (Audio, a * AUDIO_STEP)
            };
            if t >= to {
                break;
            }
            let stamp = match kind {
                Video => {
                    v += 1;
                    video(t)
                }
                Audio => {
                    a += 1;
                    audio(t)
                }
            };
            if let Some(stamp) = stamp {
                self.put(kind, t, stamp, arrives(t));
            }
        }
    }

    fn kinds(&self) -> Vec<JumpKind> {
        self.jumps.iter().map(|j| j.kind).collect()
    }

    fn steps(&self, kind: MediaKind) -> Vec<i64> {
        let of: Vec<i64> = self.placed.iter().filter(|p| p.kind == kind).map(|p| p.at).collect();
        of.windows(2).map(|w| w[1] - w[0]).collect()
    }

    /// Each track goes on without a hole longer than `hole` and never back.
    fn assert_even(&self, hole: i64) {
        for kind in [Video, Audio] {
            let steps = self.steps(kind);
            let (least, most) = (steps.iter().min().copied(), steps.iter().max().copied());
            assert!(least >= Some(0) && most <= Some(hole), "{kind:?}: steps of {least:?} to {most:?} µs");
        }
    }

    /// How far sound captured at the same time as the picture is placed after it, at the end, in µs.
    fn sound_after_picture(&self) -> i64 {
        let lead = |kind| {
            self.placed.iter().rev().find(|p| p.kind == kind).map(|p| p.at - p.captured).expect("packets")
        };
        lead(Audio) - lead(Video)
    }

    fn assert_together(&self, within: i64) {
        let off = self.sound_after_picture();
        assert!(off.abs() <= within, "sound {off} µs after the picture");
    }
}

fn same(t: i64) -> Option<i64> {
    Some(t)
}

fn plus(offset: i64) -> impl Fn(i64) -> Option<i64> {
    move |t| Some(t + offset)
}

fn wrapped<const BITS: u32>(bits_rate: i64, first: i64) -> impl Fn(i64) -> u64 {
    move |t| {
        let ticks = (i128::from(t) * i128::from(bits_rate) / 1_000_000) as i64 + first;
        (ticks as u64) & ((1u64 << BITS) - 1)
    }
}

// ---- Nothing to mend

#[test]
fn an_even_stream_stays_as_it_is() {
    let mut s = Stream::default();
    s.run(0, 20 * SECOND, plus(7 * SECOND), plus(7 * SECOND));
    assert!(s.placed.iter().all(|p| p.at == p.captured + 7 * SECOND));
    assert_eq!(s.jumps, []);
}

#[test]
fn composition_times_may_be_negative_and_not_absurd() {
    let mut t = Timeline::default();
    for (pts, placed) in [(960 * MS, 960 * MS), (7_200 * SECOND, SECOND), (-7_200 * SECOND, SECOND)] {
        let mut p = packet(SECOND, pts);
        assert_eq!(t.place(Video, &mut p, Instant(0)), None);
        assert_eq!((p.dts.0, p.pts.0), (SECOND, placed));
    }
}

#[test]
fn a_muted_microphone_is_a_gap() {
    let mut s = Stream::default();
    s.run(0, 60 * SECOND, same, |t| (!(10 * SECOND..40 * SECOND).contains(&t)).then_some(t));
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn a_sparse_picture_beside_sound_is_no_new_clock() {
    for seconds in [1, 4, 10] {
        let mut s = Stream::default();
        s.run(0, 100 * SECOND, |t| (t / VIDEO_STEP % (30 * seconds) == 0).then_some(t), same);
        assert!(s.placed.iter().all(|p| p.at == p.captured));
        assert_eq!(s.jumps, [], "a picture each {seconds} s");
    }
}

#[test]
fn a_steady_distance_in_the_order_of_arrival_is_a_habit_of_the_server() {
    for behind in [-2 * SECOND, -400 * MS, 400 * MS, 2 * SECOND] {
        let mut s = Stream::default();
        s.run(5 * SECOND, 65 * SECOND, same, plus(behind));
        assert!(s.placed.iter().all(|p| p.at == p.captured + if p.kind == Audio { behind } else { 0 }));
        assert_eq!(s.jumps, [], "{behind}");
    }
}

#[test]
fn tracks_that_come_by_turns_of_seconds_are_no_divergence() {
    let mut s = Stream::default();
    for i in 0..20 {
        let (from, to) = (i * 4 * SECOND, (i + 1) * 4 * SECOND);
        s.deliver(from, to, |_| to, |_| None, same);
        s.deliver(from, to, |_| to, same, |_| None);
    }
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn an_encoder_that_hangs_and_catches_up_is_no_divergence() {
    let mut s = Stream::default();
    s.run(0, 10 * SECOND, same, same);
    // Sound alone for a second, then the pictures of that time at once.
    s.run(10 * SECOND, 11 * SECOND, |_| None, same);
    s.deliver(10 * SECOND, 11 * SECOND, |_| 11 * SECOND, same, |_| None);
    s.run(11 * SECOND, 30 * SECOND, same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn a_server_that_drops_five_seconds_for_a_slow_reader_leaves_a_gap() {
    let mut s = Stream::default();
    s.run(0, 10 * SECOND, same, same);
    // The link stands; what had been sent comes late, and then what is captured now.
    s.deliver(10 * SECOND, 11 * SECOND, |_| 16 * SECOND, same, same);
    s.run(16 * SECOND, 30 * SECOND, same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured), "the live edge is where it was due");
    assert_eq!(s.jumps, []);
}

#[test]
fn one_wrong_stamp_is_passed_over() {
    for wrong in [0, 50 * SECOND, -(1 << 50)] {
        for kind in [Video, Audio] {
            let mut s = Stream::default();
            let one = |t: i64| Some(if t == 600 * VIDEO_STEP || t == 937 * AUDIO_STEP { wrong } else { t });
            let of = |k| move |t| if k == kind { one(t) } else { Some(t) };
            s.run(5 * SECOND, 40 * SECOND, of(Video), of(Audio));
            assert_eq!(s.jumps, []);
            let moved = s.placed.iter().filter(|p| p.at != p.captured).count();
            assert!(moved <= 1, "{moved} {kind:?} at {wrong}");
            let back = s.steps(kind).into_iter().min();
            assert!(back > Some(-50 * MS), "{back:?}");
        }
    }
}

// ---- Jumps of the publisher

#[test]
fn a_restarted_publisher_goes_on_with_one_offset_for_both_tracks() {
    for outage in [0, 5 * SECOND, 60 * SECOND] {
        let mut s = Stream::default();
        s.run(60 * SECOND, 90 * SECOND, same, same);
        let again = 90 * SECOND + outage;
        s.run(again, again + 30 * SECOND, plus(-again), plus(-again));
        assert_eq!(s.kinds(), [JumpKind::Restart]);
        s.assert_even(80 * MS);
        s.assert_together(0);
    }
}

#[test]
fn packets_of_the_old_clock_in_flight_stay_on_it() {
    let mut s = Stream::default();
    s.run(60 * SECOND, 70 * SECOND, same, same);
    // Pictures of the new clock already, sound of the old one still, then both interleaved.
    for i in 0..20 {
        let t = 70 * SECOND + i * 20 * MS;
        s.put(Video, t, i * 20 * MS, t);
        s.put(Audio, t, t, t);
        s.put(Video, t, t, t);
    }
    s.run(71 * SECOND, 90 * SECOND, plus(-70_600 * MS), plus(-70_600 * MS));
    assert_eq!(s.kinds(), [JumpKind::Restart]);
    for kind in [Video, Audio] {
        let steps = s.steps(kind);
        assert!(steps.iter().all(|s| *s >= -100 * MS && *s <= 100 * MS), "{kind:?} {steps:?}");
    }
    s.assert_together(0);
}

#[test]
fn a_clock_that_runs_ahead_of_time_goes_on_where_it_was() {
    for ahead in [4 * SECOND, 600 * SECOND, 1 << 50] {
        let mut s = Stream::default();
        s.run(0, 30 * SECOND, same, same);
        s.run(30 * SECOND, 60 * SECOND, plus(ahead), plus(ahead));
        assert_eq!(s.kinds(), [JumpKind::Ahead]);
        assert!((s.jumps[0].delta.0 - ahead).abs() < 100 * MS);
        s.assert_even(80 * MS);
        s.assert_together(0);
    }
}

#[test]
fn what_an_outage_explained_explains_no_later_jump() {
    for connects in [false, true] {
        let mut s = Stream::default();
        s.run(60 * SECOND, 90 * SECOND, same, same);
        if connects {
            s.timeline.reconnected();
        }
        s.run(120 * SECOND, 130 * SECOND, plus(-120 * SECOND), plus(-120 * SECOND));
        s.run(130 * SECOND, 140 * SECOND, plus(-115 * SECOND), plus(-115 * SECOND));
        let first = if connects { JumpKind::Reconnect } else { JumpKind::Restart };
        assert_eq!(s.kinds(), [first, JumpKind::Ahead]);
        s.assert_even(80 * MS);
    }
}

#[test]
fn a_lone_track_that_jumps_is_told_at_once() {
    for kind in [Video, Audio] {
        let mut s = Stream::default();
        let only = |k, by: i64| move |t: i64| (k == kind).then_some(t + by);
        s.run(0, 30 * SECOND, only(Video, 0), only(Audio, 0));
        s.run(30 * SECOND, 30 * SECOND + 50 * MS, only(Video, -20 * SECOND), only(Audio, -20 * SECOND));
        assert_eq!(s.kinds(), [JumpKind::Restart]);
        s.run(31 * SECOND, 40 * SECOND, only(Video, 99 * SECOND), only(Audio, 99 * SECOND));
        assert_eq!(s.kinds(), [JumpKind::Restart, JumpKind::Ahead]);
    }
}

#[test]
fn a_restart_while_the_microphone_is_muted_moves_both() {
    let mut s = Stream::default();
    s.run(60 * SECOND, 70 * SECOND, same, same);
    s.run(70 * SECOND, 80 * SECOND, same, |_| None);
    s.run(80 * SECOND, 90 * SECOND, plus(-80 * SECOND), |_| None);
    s.run(90 * SECOND, 100 * SECOND, plus(-80 * SECOND), plus(-80 * SECOND));
    assert_eq!(s.kinds(), [JumpKind::Restart]);
    s.assert_together(0);
}

#[test]
fn restart_after_restart_is_one_jump_each() {
    let mut s = Stream::default();
    for i in 0..50 {
        let begin = i * 10 * SECOND;
        s.run(begin, begin + 8 * SECOND, plus(-begin), plus(-begin));
    }
    assert_eq!(s.kinds(), [JumpKind::Restart; 49]);
    s.assert_even(80 * MS);
    s.assert_together(0);
}

// ---- Counters that wrap

#[test]
fn a_32_bit_wrap_in_mid_play_changes_nothing_whichever_track_is_first() {
    wraps::<32>(1000, MS);
}

#[test]
fn a_33_bit_wrap_in_mid_play_changes_nothing_whichever_track_is_first() {
    wraps::<33>(90_000, 12);
}

fn wraps<const BITS: u32>(rate: i64, tick: i64) {
    for sound_ahead in [-150 * MS, 0, 150 * MS] {
        let first = (1 << BITS) - 10 * rate;
        let stamp = wrapped::<BITS>(rate, first);
        let clock = std::cell::RefCell::new(Unwrapper::<BITS>::default());
        let time = |t: i64| {
            let ticks = clock.borrow_mut().advance(stamp(t));
            Some(MediaTime::from_ticks(ticks, rate as u32).0)
        };
        let mut s = Stream::default();
        s.run(0, 20 * SECOND, time, |t| time(t + sound_ahead));
        assert_eq!(s.jumps, []);
        let begin = MediaTime::from_ticks(first, rate as u32).0;
        for p in &s.placed {
            let right = begin + p.captured + if p.kind == Audio { sound_ahead } else { 0 };
            assert!((p.at - right).abs() <= tick, "{p:?}, {right}");
        }
    }
}

// ---- Tracks that part

#[test]
fn a_track_whose_clock_jumps_alone_is_brought_back_and_told_once() {
    for by in [-40 * SECOND, -2 * SECOND, 700 * MS, 2 * SECOND, 40 * SECOND] {
        for kind in [Video, Audio] {
            let mut s = Stream::default();
            s.run(60 * SECOND, 80 * SECOND, same, same);
            let of = |k| plus(if k == kind { by } else { 0 });
            s.run(80 * SECOND, 82 * SECOND + 500 * MS, of(Video), of(Audio));
            assert_eq!(s.kinds(), [JumpKind::Divergence], "{kind:?} by {by}");
            assert!((s.jumps[0].delta.0 - by).abs() < 100 * MS, "{:?}", s.jumps);
            s.run(82 * SECOND + 500 * MS, 120 * SECOND, of(Video), of(Audio));
            assert_eq!(s.jumps.len(), 1);
            s.assert_together(25 * MS);
            s.assert_even(100 * MS);
        }
    }
}

#[test]
fn a_habit_of_the_server_survives_a_divergence() {
    let mut s = Stream::default();
    s.run(60 * SECOND, 80 * SECOND, same, plus(-500 * MS));
    s.run(80 * SECOND, 120 * SECOND, same, plus(9_500 * MS));
    assert_eq!(s.kinds(), [JumpKind::Divergence]);
    assert!((s.sound_after_picture() + 500 * MS).abs() < 30 * MS, "{}", s.sound_after_picture());
}

#[test]
fn a_sound_clock_that_runs_away_for_a_day_is_kept_beside_the_picture() {
    for ppm in [-200, 200] {
        let mut s = Stream::default();
        let mut worst = 0;
        for hour in 0..24 {
            let (from, to) = (hour * 3600 * SECOND, (hour + 1) * 3600 * SECOND);
            s.run(from, to, same, |t| Some(t + t / 1_000_000 * ppm));
            worst = worst.max(s.sound_after_picture().abs());
            s.assert_even(100 * MS);
            s.placed.clear();
        }
        assert!(worst < 400 * MS, "{worst}");
        // 17 s in a day, by a third of a second each.
        assert!((45..=65).contains(&s.jumps.len()), "{}", s.jumps.len());
        assert!(s.jumps.iter().all(|j| j.kind == JumpKind::Divergence));
    }
}

#[test]
fn a_publisher_clock_that_drifts_as_a_whole_is_left_alone_for_a_day() {
    let mut s = Stream::default();
    for hour in 0..24 {
        let (from, to) = (hour * 3600 * SECOND, (hour + 1) * 3600 * SECOND);
        let drift = |t: i64| Some(t + t / 1_000_000 * 300);
        s.run(from, to, drift, drift);
        assert!(s.placed.iter().all(|p| Some(p.at) == drift(p.captured)));
        s.placed.clear();
    }
    assert_eq!(s.jumps, []);
}

#[test]
fn a_restart_after_a_day_of_repairs_is_one_jump() {
    let mut s = Stream::default();
    let hour = 3600 * SECOND;
    s.run(0, 2 * hour, same, |t| Some(t + t / 10_000));
    let repairs = s.jumps.len();
    assert!(repairs >= 2);
    s.run(2 * hour, 2 * hour + 20 * SECOND, plus(-2 * hour), plus(-2 * hour));
    assert_eq!(s.kinds()[repairs..], [JumpKind::Restart]);
    s.assert_together(0);
    s.assert_even(600 * MS);
}

// ---- Another connection

/// 30 s of a stream whose stamps began `age` before, an outage, and the stream again from 2 s before.
fn reconnect(age: i64, outage: i64, again: impl Fn(i64) -> Option<i64> + Copy) -> Stream {
    let mut s = Stream::default();
    let loss = age + 30 * SECOND;
    s.run(age, loss, same, same);
    s.timeline.reconnected();
    let back = loss + outage;
    s.deliver(back - 2 * SECOND, back + 20 * SECOND, |t| t.max(back), again, again);
    s
}

#[test]
fn the_same_clock_on_a_new_connection_is_kept_whatever_the_outage() {
    for outage in [0, 500 * MS, 3 * SECOND, 60 * SECOND, 1800 * SECOND] {
        for age in [100 * SECOND, SECOND] {
            let s = reconnect(age, outage, same);
            assert!(s.placed.iter().all(|p| p.at == p.captured), "{outage}");
            assert_eq!(s.jumps, []);
        }
    }
}

#[test]
fn the_same_clock_behind_a_long_cached_gop_is_kept() {
    let mut s = Stream::default();
    s.run(0, 30 * SECOND, same, same);
    s.timeline.reconnected();
    // Eight seconds over a link of three times the bitrate.
    s.deliver(23 * SECOND, 60 * SECOND, |t| t.max(31 * SECOND + (t - 23 * SECOND) / 3), same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn a_connection_that_begins_at_zero_goes_on_behind_what_is_here() {
    for outage in [0, SECOND, 60 * SECOND] {
        let zero = 130 * SECOND + outage - 2 * SECOND;
        let s = reconnect(100 * SECOND, outage, move |t| Some(t - zero));
        assert_eq!(s.kinds(), [JumpKind::Reconnect]);
        let first = s.placed.iter().position(|p| p.captured >= 130 * SECOND + outage).expect("packets");
        assert!(s.placed[first..].iter().all(|p| p.at > 129 * SECOND));
        s.assert_even(80 * MS);
        s.assert_together(0);
    }
}

#[test]
fn zero_that_could_be_the_cached_gop_is_found_out_soon() {
    let mut s = Stream::default();
    // The publisher began eight seconds before it was lost.
    s.run(0, 8 * SECOND, same, same);
    s.timeline.reconnected();
    let zero = 7 * SECOND;
    s.deliver(7 * SECOND, 30 * SECOND, |t| t.max(9 * SECOND), plus(-zero), plus(-zero));
    assert_eq!(s.kinds(), [JumpKind::Reconnect]);
    let went_on = s.placed.iter().find(|p| p.captured > 8 * SECOND && p.at > 8 * SECOND).expect("goes on");
    assert!(went_on.captured <= 10_500 * MS, "{went_on:?}");
    s.assert_together(0);
}

#[test]
fn a_publisher_that_restarted_during_the_outage_goes_on() {
    let s = reconnect(3600 * SECOND, 10 * SECOND, |t| Some(t - 3_635 * SECOND));
    assert_eq!(s.kinds(), [JumpKind::Reconnect]);
    s.assert_even(80 * MS);
}

#[test]
fn a_line_some_seconds_behind_or_ahead_is_the_same_clock() {
    for behind in [-6 * SECOND, 600 * MS] {
        let mut s = Stream::default();
        s.run(0, 30 * SECOND, same, same);
        s.timeline.reconnected();
        s.run(30 * SECOND, 60 * SECOND, plus(-behind), plus(-behind));
        assert_eq!(s.jumps, [], "{behind}");
        assert_eq!(s.placed.last().map(|p| p.at - p.captured), Some(-behind));
    }
}

#[test]
fn a_connection_after_a_wrap_is_the_same_clock() {
    for (bits, rate) in [(32, 1000), (33, 90_000)] {
        let turn = MediaTime::from_ticks(1 << bits, rate).0;
        let s = reconnect(turn - 20 * SECOND, 3 * SECOND, |t| Some(t - turn));
        assert_eq!(s.jumps, []);
        assert!(s.placed.iter().all(|p| (p.at - p.captured).abs() <= 1));
    }
}

#[test]
fn connections_that_bring_a_packet_each_lose_nothing() {
    let mut s = Stream::default();
    s.run(0, 30 * SECOND, same, same);
    for i in 0..10 {
        s.timeline.reconnected();
        s.put(Video, 28 * SECOND, 28 * SECOND, (31 + i) * SECOND);
    }
    s.timeline.reconnected();
    s.run(45 * SECOND, 60 * SECOND, same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

#[test]
fn a_first_connection_that_brought_nothing_leaves_no_trace() {
    let mut s = Stream::default();
    s.timeline.reconnected();
    s.run(100 * SECOND, 110 * SECOND, same, same);
    assert!(s.placed.iter().all(|p| p.at == p.captured));
    assert_eq!(s.jumps, []);
}

// ---- Anything

fn stamp() -> impl Strategy<Value = i64> {
    prop_oneof![
        0i64..100 * SECOND,
        0i64..SECOND,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        (0i64..4).prop_map(|i| i << 61),
    ]
}

/// A few packets of 20 ms from a stamp on, for one or both tracks.
fn pieces() -> impl Strategy<Value = Vec<(u8, i64, u8, u64)>> {
    prop::collection::vec((0u8..3, stamp(), 1u8..120, 0u64..3_000_000), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_track_goes_back_whatever_the_stamps(pieces in pieces()) {
        let mut t = Timeline::default();
        let mut now = 0u64;
        let mut newest: [Option<i64>; 2] = [None; 2];
        for (tracks, stamp, packets, pause) in pieces {
            now += pause;
            for i in 0..i64::from(packets) {
                now += 20_000;
                for (slot, kind) in [Video, Audio].into_iter().enumerate() {
                    if tracks != 2 && usize::from(tracks) != slot {
                        continue;
                    }
                    let mut p = packet(stamp.saturating_add(i * 20_000), stamp);
                    t.place(kind, &mut p, Instant(now));
                    if let Some(newest) = newest[slot] {
                        prop_assert!(p.dts.0 >= newest - STEP_BACK.0, "{kind:?}: {} after {newest}", p.dts.0);
                    }
                    newest[slot] = newest[slot].max(Some(p.dts.0));
                    prop_assert!((p.pts - p.dts).abs() <= Micros::from_secs(5));
                }
            }
        }
    }

    #[test]
    fn nothing_breaks_it(
        steps in prop::collection::vec((any::<bool>(), any::<bool>(), any::<i64>(), any::<i64>(), any::<u64>()), 1..200)
    ) {
        let mut t = Timeline::default();
        for (video, again, dts, pts, now) in steps {
            if again {
                t.reconnected();
            }
            let mut p = packet(dts, pts);
            t.place(if video { Video } else { Audio }, &mut p, Instant(now));
            t.place_time(MediaTime(pts));
        }
    }

    #[test]
    fn after_a_common_jump_the_tracks_keep_their_distance(
        to in prop_oneof![-(1i64 << 60)..-40 * SECOND, 0..15 * SECOND, 60 * SECOND..1 << 60],
        skew in -200i64 * MS..200 * MS,
        outage in 0i64..30 * SECOND,
    ) {
        let mut s = Stream::default();
        s.run(10 * SECOND, 20 * SECOND, same, plus(skew));
        let again = 20 * SECOND + outage;
        s.run(again, again + 10 * SECOND, plus(to - again), plus(to - again + skew));
        prop_assert_eq!(s.sound_after_picture(), skew);
        prop_assert_eq!(s.jumps.len(), 1);
    }
}
