//! The figures tell the truth.

use sailcast_engine::publisher::{Input, State};
use sailcast_media::Micros;
use sailcast_sim::studio::Studio;

use crate::got::{URL, acknowledged, got, live};

#[test]
fn of_a_steady_broadcast() {
    let mut studio = acknowledged(Studio::default(), URL);
    studio.run(Micros::from_secs(5));
    studio.start(&[URL]);
    studio.run(Micros::from_secs(20));
    let (stats, got) = (studio.stats(), got(&studio));
    assert_eq!(stats.state, State::Publishing);
    assert!((stats.uptime - Micros::from_secs(20)).abs() < Micros::from_millis(400), "{:?}", stats.uptime);
    let bytes = studio.connection().bytes.len() as u64;
    assert!(stats.bytes_sent >= bytes && stats.bytes_sent < bytes + 20_000, "{} {bytes}", stats.bytes_sent);
    assert!((stats.captured_fps - 30.0).abs() < 1.1 && (stats.encoded_fps - 15.0).abs() < 1.1, "{stats:?}");
    assert_eq!((stats.width, stats.height, stats.target_fps), (896, 504, 15));
    let video = got.video();
    assert!(stats.frames_encoded.abs_diff(video.len() as u64) <= 8, "{stats:?} {}", video.len());
    let keys = video.iter().filter(|packet| packet.keyframe).count() as u64;
    assert!(stats.keyframes.abs_diff(keys) <= 1, "{stats:?} {keys}");
    // Those of before the start are none of its own.
    assert!((590..=610).contains(&stats.frames_captured), "{stats:?}");
    assert!((stats.encode_time - Micros::from_millis(20)).abs() < Micros::from_millis(3), "{stats:?}");
    let rate = f64::from(stats.audio_bitrate);
    assert!((rate / 64_000.0 - 1.0).abs() < 0.1, "{rate}");
    assert_eq!((stats.dropped_video, stats.dropped_audio, stats.reconnects), (0, 0, 0));
    assert_eq!((stats.encoder_busy, stats.not_encoded, stats.frames_repeated), (0, 0, 0));
}

#[test]
fn after_the_end_they_stay_and_the_next_broadcast_counts_anew() {
    let mut studio = live();
    studio.send(Input::Stop);
    studio.run(Micros::from_secs(3));
    let stats = studio.stats();
    assert_eq!(stats.state, State::Ended);
    assert!(stats.bytes_sent > 0 && stats.uptime < Micros::from_secs(3));
    studio.start(&[URL]);
    studio.run(Micros::from_millis(500));
    let again = studio.stats();
    assert!(again.frames_captured < 20 && again.bytes_sent < stats.bytes_sent, "{again:?}");
    assert!(again.uptime < Micros::from_secs(1));
}
