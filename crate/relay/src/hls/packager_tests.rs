use proptest::prelude::*;

use super::*;
use crate::hls::{
    testing::{FIRST, NOON, Studio, audio, ms, picture, sound, video},
    window::Segment,
};

fn segments(studio: &Studio) -> Vec<Segment> {
    studio.packager.window().listed().cloned().collect()
}

fn complete(studio: &Studio) -> Vec<Segment> {
    segments(studio).into_iter().filter(|segment| segment.complete).collect()
}

fn durations(segments: &[Segment]) -> Vec<i64> {
    segments.iter().map(|segment| segment.duration().0 / 1000).collect()
}

#[test]
fn segments_begin_at_keyframes_and_are_as_long_as_wanted() {
    for (group, expected) in [(2000, 2000), (1000, 2000), (1500, 3000), (500, 2000), (4000, 4000)] {
        let mut studio = Studio::new(Format::Fmp4);
        studio.group = ms(group);
        studio.packager.target = Some(target_of(ms(group), ms(2000)));
        studio.run(ms(expected * 3 + 100));
        assert_eq!(durations(&complete(&studio)), [expected; 3], "groups of {group} ms");
        assert!(segments(&studio).iter().all(|one| one.parts[0].independent), "groups of {group} ms");
    }
}

#[test]
fn parts_are_nearly_as_long_as_the_part_target_and_never_longer() {
    for fps in [10, 15, 24, 25, 30, 60] {
        let mut studio = Studio::new(Format::Fmp4);
        studio.fps = fps;
        studio.run(ms(10_100));
        let longest = studio.packager.part_target().unwrap();
        assert!((ms(300)..ms(430)).contains(&longest), "{fps} fps: {longest:?}");
        for segment in complete(&studio) {
            let (last, parts) = segment.parts.split_last().unwrap();
            assert!(last.duration <= longest);
            for part in parts {
                let share = part.duration.as_secs_f64() / longest.as_secs_f64();
                assert!((0.85..=1.0).contains(&share), "{fps} fps: {:?} of {longest:?}", part.duration);
            }
        }
    }
}

#[test]
fn only_parts_that_begin_with_a_keyframe_are_independent() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4100));
    for segment in complete(&studio) {
        let independent: Vec<bool> = segment.parts.iter().map(|part| part.independent).collect();
        assert!(independent[0] && independent[1..].iter().all(|one| !one), "{independent:?}");
    }
}

#[test]
fn a_part_is_there_one_picture_after_its_end() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4050));
    let before = studio.packager.window().next_part();
    studio.run(ms(300));
    assert_eq!(studio.packager.window().next_part(), before + 1);
}

#[test]
fn sound_alone_is_cut_by_time() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.packager.interrupt();
    studio.has_pictures = false;
    studio.configure(audio(48_000));
    studio.run(ms(6500));
    let found = complete(&studio);
    assert_eq!(found.len(), 3);
    assert!(durations(&found).iter().all(|one| (1900..2100).contains(one)), "{:?}", durations(&found));
    assert!(found.iter().flat_map(|segment| &segment.parts).all(|part| part.independent));
}

#[test]
fn a_group_longer_than_the_target_duration_is_cut_within() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.group = Micros::from_secs(60);
    studio.run(Micros::from_secs(20));
    assert_eq!(studio.packager.target(), Some(Micros::from_secs(2)));
    let found = complete(&studio);
    assert!(found.len() >= 7);
    assert!(found.iter().all(|segment| segment.duration() < ms(2500)), "{:?}", durations(&found));
    assert!(!found[1].parts[0].independent);
}

#[test]
fn without_a_known_group_the_first_segment_decides_the_target_duration() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.packager.target = None;
    studio.group = Micros::from_secs(5);
    studio.run(ms(4900));
    assert!(!studio.packager.is_ready(), "no playlist may say what is not known");
    studio.run(ms(200));
    assert_eq!(studio.packager.target(), Some(Micros::from_secs(5)));
    assert!(studio.packager.is_ready());
}

#[test]
fn pictures_before_the_first_keyframe_are_left_out() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.at = ms(500);
    studio.run(ms(3000));
    assert!(segments(&studio)[0].parts[0].independent);
    assert_eq!(segments(&studio)[0].began, Some(NOON + ms(2020)));
}

#[test]
fn another_configuration_is_a_discontinuity_with_its_own_init_segment_at_the_next_keyframe() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4500));
    studio.configure(audio(44_100));
    studio.run(ms(3600));
    let found = segments(&studio);
    let seen: Vec<_> =
        found.iter().map(|one| (one.discontinuity, one.map, one.duration().0 / 1000)).collect();
    assert_eq!(seen[..4], [(0, Some(0), 2000), (0, Some(0), 2000), (0, Some(0), 2000), (1, Some(1), 2000)]);
    let window = studio.packager.window();
    assert_ne!(window.map(0), window.map(1));
}

#[test]
fn the_same_configuration_again_changes_nothing() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(3000));
    studio.configure(video());
    studio.configure(audio(48_000));
    studio.run(ms(3000));
    assert!(segments(&studio).iter().all(|one| one.discontinuity == 0 && one.map == Some(0)));
}

#[test]
fn a_clock_that_jumps_is_a_discontinuity() {
    for jump in [-3000, 60_000] {
        let mut studio = Studio::new(Format::Fmp4);
        studio.run(ms(4500));
        let now = studio.now();
        studio.at += ms(jump + 1500);
        studio.ahead = now - studio.at;
        studio.run(ms(4000));
        let last = segments(&studio).pop().unwrap();
        assert_eq!(last.discontinuity, 1, "{jump} ms");
        let late = last.began.unwrap() + last.duration() - studio.now();
        assert!(late.abs() < ms(400), "the date follows the clock, not the jump: {late:?}");
    }
}

#[test]
fn a_publisher_that_returns_begins_a_discontinuity_and_numbers_go_on() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4500));
    studio.packager.interrupt();
    let before = segments(&studio).len() as u64;
    assert!(segments(&studio).iter().all(|one| one.complete), "what was under way is whole");
    studio.ahead += ms(8000);
    studio.at = Micros::ZERO;
    studio.configure(video());
    studio.configure(audio(48_000));
    studio.run(ms(2500));
    let found = segments(&studio);
    assert_eq!(found[before as usize].discontinuity, 1);
    assert_eq!(found[before as usize].began, Some(NOON + ms(8020)));
    assert!((FIRST..).zip(&found).all(|(sequence, segment)| segment.sequence == sequence));
}

#[test]
fn sound_goes_on_without_pictures_that_stall() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(4500));
    studio.has_pictures = false;
    let before = studio.packager.window().next_part();
    studio.run(ms(5000));
    assert!(studio.packager.window().next_part() >= before + 10);
    assert!(complete(&studio).iter().all(|one| one.duration() < ms(2500)));
}

#[test]
fn a_hole_makes_no_segment_or_part_longer_than_promised() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.has_sound = false;
    studio.run(ms(4500));
    studio.at += ms(1400);
    studio.run(ms(6000));
    let longest = studio.packager.part_target().unwrap();
    for segment in complete(&studio) {
        assert!(segment.duration() < ms(2500), "{:?}", durations(&complete(&studio)));
        assert!(segment.parts.iter().all(|part| part.duration <= longest));
    }
}

#[test]
fn segments_tell_when_they_happened() {
    let mut studio = Studio::new(Format::Fmp4);
    studio.run(ms(6100));
    let began: Vec<_> = complete(&studio).iter().map(|one| one.began.unwrap() - NOON).collect();
    assert_eq!(began, [ms(20), ms(2020), ms(4020)]);
}

#[test]
fn what_a_late_packager_gets_at_once_is_dated_by_the_newest_of_it() {
    let mut studio = Studio::new(Format::Fmp4);
    let burst = (0..60).map(|n| DemuxEvent::Packet(picture(ms(n * 33), n == 0))).collect();
    studio.packager.push(burst, NOON + ms(59 * 33));
    assert_eq!(segments(&studio)[0].began, Some(NOON));
}

#[test]
fn the_publishers_own_clock_is_told_in_the_parts() {
    let mut studio = Studio::new(Format::Fmp4);
    let message = Message::Script {
        name: "onWallClock".into(),
        values: vec![Value::Object(vec![(
            "wallclock".into(),
            Value::Number(NOON.0 as f64 / 1000.0 - 300.0),
        )])],
    };
    let told = Metadata { time: MediaTime(0), track: None, message };
    studio.packager.push(vec![DemuxEvent::Metadata(told)], NOON);
    studio.run(ms(2500));
    assert_eq!(segments(&studio)[0].began, Some(NOON - ms(300)));
    let parts = segments(&studio).into_iter().flat_map(|one| one.parts);
    assert!(parts.map(|part| part.bytes).all(|bytes| bytes.windows(4).any(|name| name == b"prft")));
}

#[test]
fn ts_has_whole_segments_and_no_init() {
    let mut studio = Studio::new(Format::Ts);
    studio.run(ms(6100));
    assert_eq!(durations(&complete(&studio)), [2000; 3]);
    for segment in complete(&studio) {
        assert_eq!((segment.parts.len(), segment.map), (1, None));
        assert!(segment.parts[0].bytes.starts_with(&[0x47]) && segment.len().is_multiple_of(188));
    }
    assert_eq!(studio.packager.part_target(), None);
}

#[test]
fn a_format_that_takes_one_of_two_tracks_goes_without_the_other() {
    let mut vp9 = video();
    vp9.config.codec = sailcast_media::Codec::Vp9;
    let mut studio = Studio::new(Format::Ts);
    studio.configure(vp9.clone());
    studio.run(ms(4500));
    assert_eq!(studio.packager.description().unwrap().tracks, [audio(48_000)]);
    assert!(!studio.packager.is_hopeless());
    let mut alone = Studio::new(Format::Ts);
    alone.packager.interrupt();
    alone.configure(vp9);
    assert!(alone.packager.is_hopeless());
}

#[test]
fn a_stream_is_described_as_it_was_measured() {
    for fps in [15, 24, 30] {
        let mut studio = Studio::new(Format::Fmp4);
        studio.fps = fps;
        studio.run(ms(6000));
        let described = studio.packager.description().unwrap();
        assert_eq!(described.tracks, [video(), audio(48_000)]);
        assert!((described.frame_rate.unwrap() - fps as f64).abs() < 0.1, "{described:?}");
    }
}

#[test]
fn a_publisher_that_stamps_everything_alike_costs_no_more_than_bounds_allow() {
    let bounds = Bounds { listed: Micros::from_secs(60), bytes: 1 << 20 };
    let mut studio = Studio::with(Format::Fmp4, bounds);
    let packet = Packet { data: Bytes::from(vec![0; 1 << 20]), ..picture(Micros::ZERO, true) };
    for _ in 0..100 {
        studio.send(packet.clone());
        studio.send(sound(Micros::ZERO));
    }
    let held: usize = segments(&studio).iter().map(Segment::len).sum();
    let gathered = studio.packager.run.as_ref().unwrap().cost;
    assert!(held + gathered < 3 * MAX_GATHERED, "{held} + {gathered}");
}

#[derive(Clone, Debug)]
enum Act {
    Configure(TrackInfo),
    /// So many packets, each so many milliseconds behind the one before it.
    Send {
        pictures: bool,
        count: u8,
        step: i64,
        keyframes: u8,
    },
    Jump(i64),
    Interrupt,
}

fn act() -> impl Strategy<Value = Act> {
    let rate = prop_oneof![Just(44_100), Just(48_000)];
    let step = prop_oneof![9 => 0_i64..100, 1 => -300_i64..5000];
    prop_oneof![
        1 => Just(Act::Configure(video())),
        1 => rate.prop_map(|rate| Act::Configure(audio(rate))),
        8 => (any::<bool>(), any::<u8>(), step, 1_u8..=255).prop_map(|(pictures, count, step, keyframes)| {
            Act::Send { pictures, count, step, keyframes }
        }),
        1 => prop_oneof![-100_000_i64..100_000, Just(i64::MAX / 1000), Just(i64::MIN / 1000)].prop_map(Act::Jump),
        1 => Just(Act::Interrupt),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_publisher_sends_the_playlist_keeps_its_promises(
        acts in prop::collection::vec(act(), 1..40),
        ts in any::<bool>(),
    ) {
        let format = if ts { Format::Ts } else { Format::Fmp4 };
        let bounds = Bounds { listed: Micros::from_secs(20), bytes: 1 << 20 };
        let mut studio = Studio::with(format, bounds);
        for act in acts {
            match act {
                Act::Configure(track) => studio.configure(track),
                Act::Send { pictures, count, step, keyframes } => {
                    for n in 0..count {
                        studio.at += ms(step);
                        let keyframe = n % keyframes == 0;
                        let at = studio.at;
                        studio.send(if pictures { picture(at, keyframe) } else { sound(at) });
                    }
                }
                Act::Jump(by) => studio.at += ms(by),
                Act::Interrupt => studio.packager.interrupt(),
            }
            let target = studio.packager.target().unwrap();
            let found = segments(&studio);
            for (before, next) in found.iter().zip(found.iter().skip(1)) {
                prop_assert_eq!(before.sequence + 1, next.sequence);
                prop_assert!(before.complete && before.discontinuity <= next.discontinuity);
            }
            for segment in &found {
                prop_assert!(segment.duration().as_secs_f64().round() <= target.as_secs_f64());
                let longest = studio.packager.part_target();
                prop_assert!(longest.is_none_or(|longest| segment.parts.iter().all(|one| one.duration <= longest)));
                prop_assert_eq!(segment.map.is_some(), format == Format::Fmp4);
                prop_assert!(segment.map.is_none_or(|map| studio.packager.window().map(map).is_some()));
            }
            let held: usize = found.iter().map(Segment::len).sum();
            prop_assert!(held <= bounds.bytes + MAX_GATHERED);
        }
    }
}
