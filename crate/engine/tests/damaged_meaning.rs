//! Streams whose framing is whole and whose meaning is not: each plays, or gives exactly one error.

use bytes::{Bytes, BytesMut};
use sailcast_engine::{ErrorCode, Event, State};
use sailcast_media::{
    Micros,
    flv::{TagClass, tag::TagKind},
};
use sailcast_sim::{Sim, feed};

fn video(tag: &sailcast_media::flv::Tag) -> bool {
    tag.kind == TagKind::Video
}

#[test]
fn one_absurd_composition_time_does_not_throw_playback_off() {
    let mut tags = feed::tags("counter-av.flv");
    let at =
        tags.iter().position(|t| t.timestamp > 5_000 && t.class() == TagClass::VideoFrame).expect("a frame");
    let mut body = BytesMut::from(&tags[at].body[..]);
    body[2..5].copy_from_slice(&[0x6d, 0xdd, 0x00]); // two hours
    tags[at].body = body.freeze();
    let mut sim = Sim::playing(400, feed::live_tags(&tags, 3_000, 20));
    sim.sound_on(48_000, 20);
    sim.run_ms(6_000);
    assert_eq!(sim.state(), State::Playing);
    assert_eq!(sim.stats().skips, 0);
    assert!(sim.stats().latency < Micros::from_millis(600), "{:?}", sim.stats().latency);
}

#[test]
fn a_stream_without_sequence_headers_is_one_fatal_error() {
    let tags: Vec<_> = feed::looped("video-only.flv", 8_000, 4)
        .into_iter()
        .filter(|t| !matches!(t.class(), TagClass::VideoConfig | TagClass::AudioConfig))
        .collect();
    let mut sim = Sim::playing(400, feed::live_tags(&tags, 1_000, 20));
    sim.run_ms(25_000);
    let fatal: Vec<_> = sim.errors().into_iter().filter(|e| e.fatal).collect();
    assert_eq!(fatal.len(), 1, "{:?}", sim.errors());
    assert_eq!(fatal[0].code, ErrorCode::NoMedia);
    assert!(fatal[0].what.contains("configuration"), "{}", fatal[0].what);
    assert_eq!(sim.state(), State::Failed);
}

#[test]
fn a_picture_that_cannot_be_played_beside_sound_is_told() {
    let mut tags = feed::tags("counter-av.flv");
    for tag in tags.iter_mut().filter(|t| video(t)) {
        let mut body = BytesMut::from(&tag.body[..]);
        body[0] = (body[0] & 0xf0) | 4; // On2 VP6
        tag.body = body.freeze();
    }
    let mut sim = Sim::playing(400, feed::live_tags(&tags, 3_000, 20));
    sim.sound_on(48_000, 20);
    sim.run_ms(4_000);
    let errors: Vec<_> = sim.errors().iter().map(|e| (e.code, e.fatal)).collect();
    assert_eq!(errors, [(ErrorCode::CodecUnsupported, false)]);
    assert_eq!(sim.state(), State::Playing, "the sound goes on");
}

#[test]
fn a_sparse_picture_beside_sound_is_a_gap_and_not_a_new_clock() {
    let mut seen = 0;
    let tags: Vec<_> = feed::tags("counter-av.flv")
        .into_iter()
        .filter(|t| {
            !video(t)
                || t.class() == TagClass::VideoConfig
                || (t.class() == TagClass::Keyframe && {
                    seen += 1;
                    seen % 2 == 1 // a keyframe each 4 s
                })
        })
        .collect();
    let mut sim = Sim::playing(400, feed::live_tags(&tags, 1_000, 20));
    sim.sound_on(48_000, 20);
    sim.run_ms(13_000);
    assert_eq!(sim.count(|e| matches!(e, Event::Discontinuity(_))), 0);
    assert_eq!(sim.stats().stalls, 0);
}

#[test]
fn a_publisher_that_resumes_two_seconds_back_goes_on_at_once() {
    let tags = feed::tags("counter-av.flv");
    let (first, second): (Vec<_>, Vec<_>) = (
        tags.iter().filter(|t| t.timestamp <= 8_000).cloned().collect(),
        tags.iter().filter(|t| t.timestamp >= 6_000).cloned().collect(),
    );
    let network = feed::live_tags(&first, 3_000, 20).followed_by(feed::live_tags(&second, 6_000, 0));
    let mut sim = Sim::playing(400, network);
    sim.sound_on(48_000, 20);
    sim.run_ms(8_000);
    assert_eq!(sim.count(|e| matches!(e, Event::Discontinuity(_))), 1);
    let longest = sim.shown.windows(2).map(|w| (w[1].0 - w[0].0).0 / 1000).max().expect("pictures");
    assert!(longest < 400, "a freeze of {longest} ms");
}

#[test]
fn a_bad_audio_tag_leaves_the_picture_alone() {
    let mut tags = feed::tags("counter-av.flv");
    for tag in tags.iter_mut().filter(|t| t.class() == TagClass::Audio).step_by(20) {
        let mut body = BytesMut::from(&tag.body[..]);
        body[1] = 7;
        tag.body = body.freeze();
    }
    let mut sim = Sim::playing(400, feed::live_tags(&tags, 3_000, 20));
    sim.sound_on(48_000, 20);
    sim.run_ms(1_500);
    let before = sim.shown.len();
    sim.run_ms(4_000);
    assert!(sim.shown.len() - before > 110, "{} pictures in 4 s", sim.shown.len() - before);
}

#[test]
fn a_stream_that_ends_before_its_only_picture_comes_out_is_an_error() {
    let tags: Vec<_> = feed::tags("video-only.flv").into_iter().take(4).collect();
    let mut network = feed::live_tags(&tags, 100, 20);
    for (_, event) in &mut network.deliveries {
        if let sailcast_engine::IoEvent::Bytes(b) = event {
            *b = Bytes::from(b.to_vec());
        }
    }
    let mut sim = Sim::playing(400, network);
    sim.video_swallowed = true;
    sim.run_ms(6_000);
    assert_eq!(sim.state(), State::Failed);
    assert_eq!(sim.errors().len(), 1);
}
