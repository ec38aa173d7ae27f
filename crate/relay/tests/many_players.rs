//! A thousand players that wait and fifty that watch, on one relay.

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Player, Relay, fixture_bytes, flv_of, tags_of, within};
use futures_util::future::join_all;
use sailcast_media::flv::{Tag, TagClass};
use tokio::{sync::mpsc, time::sleep_until};

const IDLE: usize = 1000;
const ACTIVE: usize = 50;
/// What one idle player may cost: its connection, its cursor, and what little it was sent.
const MAX_IDLE_KIB: f64 = 40.0;

/// Tags at their own pace.
async fn publish(tags: &[Tag], sender: mpsc::Sender<Bytes>) {
    let began = tokio::time::Instant::now();
    for tag in tags {
        sleep_until(began + Duration::from_millis(tag.timestamp.into())).await;
        sender.send(flv_of(std::slice::from_ref(tag), false)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_players_cost_little_and_disturb_fifty_that_watch_by_nothing() {
    // Both ends of each connection are a file, this one here.
    rlimit::increase_nofile_limit(4096).unwrap();
    let relay = Relay::start(&[]);
    let (silent, _answer) = relay.post("/live/silent");
    silent.send(fixture_bytes("card.flv").slice(..2000)).await.unwrap();
    relay.until_has("live/silent", 1).await;
    let before = relay.resident_mib();
    let mut idle = Vec::new();
    for n in 0..IDLE {
        idle.push(if n % 2 == 0 {
            Player::http(&relay, "/live/silent.flv").await
        } else {
            Player::socket(&relay, "/live/silent").await
        });
    }
    relay.until("live/silent", |s| s["players"] == IDLE).await;
    let each_kib = (relay.resident_mib() - before) * 1024.0 / IDLE as f64;

    let tags = tags_of(&fixture_bytes("counter-av.flv"));
    let tags: Vec<Tag> = tags.into_iter().filter(|tag| tag.timestamp < 6000).collect();
    let pictures = |tags: &[Tag]| {
        tags.iter().filter(|tag| matches!(tag.class(), TagClass::Keyframe | TagClass::VideoFrame)).count()
    };
    let all = pictures(&tags);
    let (sender, answer) = relay.post("/live/a");
    let began = Instant::now();
    sender.send(flv_of(&tags[..4], true)).await.unwrap();
    relay.until_has("live/a", 4).await;
    let mut watching = Vec::new();
    for n in 0..ACTIVE {
        watching.push(if n % 2 == 0 {
            Player::http(&relay, "/live/a.flv").await
        } else {
            Player::socket(&relay, "/live/a").await
        });
    }
    let watch = watching.into_iter().map(|mut player| tokio::spawn(async move { player.rest().await }));
    let watching: Vec<_> = watch.collect();
    publish(&tags[4..], sender).await;
    within("answer", answer).await.unwrap();
    for got in within("players", join_all(watching)).await {
        assert_eq!(pictures(&got.unwrap()), all, "no picture is lost");
    }
    let state = relay.until("live/silent", |s| s["players"] == IDLE).await;
    eprintln!("an idle player costs {each_kib:.1} KiB; watched for {:?}; {state}", began.elapsed());
    assert!(each_kib <= MAX_IDLE_KIB, "{each_kib:.1} KiB each");
}
