//! The demo channel, over its seam.

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use common::{Player, Relay, fixture, fixture_bytes, tags_of};
use sailcast_media::{
    Value,
    flv::{Tag, TagClass, amf0},
};

fn wall_clock(tag: &Tag) -> Option<f64> {
    let (name, values) = amf0::read_script(&tag.body).ok()?;
    match values.as_slice() {
        [Value::Object(fields)] if name == "onWallClock" => match fields.as_slice() {
            [(key, Value::Number(ms))] if key == "wallclock" => Some(*ms),
            other => panic!("{other:?}"),
        },
        _ => None,
    }
}

#[tokio::test]
async fn it_runs_on_over_the_end_of_its_file_and_tells_the_time() {
    let file = "card.flv";
    let relay = Relay::start(&["--demo", fixture(file).to_str().unwrap()]);
    let published = tags_of(&fixture_bytes(file));
    let frames = published.iter().filter(|t| is_frame(t)).count();

    let mut player = Player::http(&relay, "/live/demo.flv").await;
    let mut got = Vec::new();
    while got.iter().filter(|t| is_frame(t)).count() < frames + 20 {
        let tag = player.next().await.unwrap();
        if let Some(told) = wall_clock(&tag) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0;
            assert!(told <= now && now - told < 3000.0, "told {told} at {now}");
            // The clock and the time stamps run alike.
            if let Some(first) = got.iter().find_map(|t| Some((t, wall_clock(t)?))) {
                let (first, first_told): (&Tag, f64) = first;
                let drift = told - first_told - f64::from(tag.timestamp - first.timestamp);
                assert!(drift.abs() < 300.0, "{drift} ms");
            }
        }
        got.push(tag);
    }

    for class in [[TagClass::Keyframe, TagClass::VideoFrame], [TagClass::Audio, TagClass::Audio]] {
        let steps = |tags: &[Tag]| {
            let times: Vec<u32> =
                tags.iter().filter(|t| class.contains(&t.class())).map(|t| t.timestamp).collect();
            times.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect::<Vec<_>>()
        };
        let (least, most) = (steps(&published).into_iter().min(), steps(&published).into_iter().max());
        for step in steps(&got) {
            assert!(Some(step) >= least && Some(step) <= most, "{class:?}: a step of {step} ms");
        }
    }

    // Right before each keyframe, and at least once a second.
    let clocks: Vec<u32> = got.iter().filter(|t| wall_clock(t).is_some()).map(|t| t.timestamp).collect();
    assert!(clocks.windows(2).all(|w| w[1] - w[0] <= 1100), "{clocks:?}");
    for key in got.iter().filter(|t| t.class() == TagClass::Keyframe) {
        assert!(clocks.contains(&key.timestamp), "no clock at the keyframe of {}", key.timestamp);
    }
}

fn is_frame(tag: &Tag) -> bool {
    matches!(tag.class(), TagClass::Keyframe | TagClass::VideoFrame | TagClass::Audio)
}

#[tokio::test]
async fn its_name_is_taken() {
    let relay = Relay::start(&["--demo", fixture("card.flv").to_str().unwrap()]);
    let mut socket = relay.socket("/live/demo", Some("publisher")).await;
    assert_eq!(socket.closed().await.0, 4409);
}

#[test]
fn a_file_that_is_no_flv_is_told_at_the_start() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_sailcast-relay"))
        .args(["--port", "0", "--demo", manifest])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("not an FLV stream"), "{said}");
    assert!(out.stdout.is_empty());
}
