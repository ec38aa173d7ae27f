//! Streams that are recorded.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use common::{Relay, ffmpeg::decoded, fixture, fixture_bytes, flv_of, tags_of, whole, within};
use sailcast_media::flv::Tag;
use tokio::time::{Duration, sleep};

/// An empty folder.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

async fn metric(relay: &Relay, name: &str) -> u64 {
    let page = String::from_utf8(whole(relay.get("/metrics").await).await.to_vec()).unwrap();
    let prefix = format!("sailcast_relay_{name} ");
    page.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap().parse().unwrap()
}

async fn until(relay: &Relay, name: &str, is: impl Fn(u64) -> bool) {
    within(name, async {
        while !is(metric(relay, name).await) {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_recorded_whole_and_its_file_is_closed_at_the_end() {
    let dir = folder("recorded-whole");
    let relay = Relay::start(&["--record", dir.to_str().unwrap()]);
    let file = "counter-bframes.flv";
    let (publisher, answer) = relay.post("/live/a");
    publisher.send(fixture_bytes(file)).await.unwrap();
    until(&relay, "recorded_bytes_total", |bytes| bytes > 0).await;
    assert_eq!(metric(&relay, "recordings").await, 1);
    drop(publisher);
    within("answer", answer).await.unwrap();
    until(&relay, "recordings", |open| open == 0).await;
    let [recorded] = files(&dir.join("live")).try_into().unwrap();
    let name = recorded.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("a-20") && name.ends_with("Z.mp4"), "{name}");
    assert_eq!(fs::metadata(&recorded).unwrap().len(), metric(&relay, "recorded_bytes_total").await);
    let fixture = fixture(file);
    for kind in ['v', 'a'] {
        let published = decoded(fixture.to_str().unwrap(), kind);
        assert_eq!(published, decoded(recorded.to_str().unwrap(), kind), "{kind}");
    }
}

#[tokio::test]
async fn another_configuration_begins_another_file() {
    let dir = folder("recorded-twice");
    let relay = Relay::start(&["--record", dir.to_str().unwrap()]);
    let first = tags_of(&fixture_bytes("counter-av.flv"));
    let end = first.last().unwrap().timestamp + 40;
    let second = tags_of(&fixture_bytes("card.flv"));
    let second: Vec<Tag> =
        second.into_iter().map(|tag| Tag { timestamp: tag.timestamp + end, ..tag }).collect();
    let (publisher, _answer) = relay.post("/live/a");
    publisher.send(flv_of(&[first, second].concat(), true)).await.unwrap();
    drop(publisher);
    within("two files", async {
        while files(&dir.join("live")).len() < 2 {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    until(&relay, "recordings", |open| open == 0).await;
    let recorded = files(&dir.join("live"));
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    let pictures: Vec<usize> =
        recorded.iter().map(|file| decoded(file.to_str().unwrap(), 'v').len()).collect();
    let published =
        ["card.flv", "counter-av.flv"].map(|file| decoded(fixture(file).to_str().unwrap(), 'v').len());
    assert_eq!(pictures.iter().sum::<usize>(), published.iter().sum::<usize>(), "{pictures:?}");
}

#[tokio::test]
async fn a_disk_that_fails_is_counted_and_the_stream_goes_on() {
    let dir = folder("recorded-nowhere");
    // In the way of the application's folder.
    fs::write(dir.join("live"), b"").unwrap();
    let relay = Relay::start(&["--record", dir.to_str().unwrap()]);
    let flv = fixture_bytes("card.flv");
    let (publisher, _answer) = relay.post("/live/a");
    publisher.send(flv.clone()).await.unwrap();
    until(&relay, "recording_errors_total", |errors| errors == 1).await;
    relay.until_has("live/a", tags_of(&flv).len()).await;
    publisher.send(Bytes::new()).await.unwrap();
    common::Player::http(&relay, "/live/a.flv").await.tags(3).await;
    assert_eq!(metric(&relay, "recordings").await, 0);
}

#[tokio::test]
async fn a_relay_that_goes_down_closes_its_files() {
    let dir = folder("recorded-going-down");
    let demo = fixture("card.flv");
    let mut relay = Relay::start(&["--record", dir.to_str().unwrap(), "--demo", demo.to_str().unwrap()]);
    sleep(Duration::from_millis(2500)).await;
    relay.signal("-TERM");
    relay.exit().await;
    let [recorded] = files(&dir.join("live")).try_into().unwrap();
    assert!(decoded(recorded.to_str().unwrap(), 'v').len() > 20);
}
