//! FFmpeg plays our HLS: the same pictures and sound as from the file that was published.

mod common;

use common::{
    Relay,
    ffmpeg::{decoded, sound},
    fixture, fixture_bytes, tags_of, whole, within,
};
use tokio::time::{Duration, sleep};

#[tokio::test]
async fn every_picture_and_all_sound_arrive_in_both_formats() {
    let relay = Relay::start(&["--hls-window", "600"]);
    let files = [("live/plain", "counter-av.flv"), ("live/bframes", "counter-bframes.flv")];
    let mut publishers = Vec::new();
    for (name, file) in files {
        let flv = fixture_bytes(file);
        let (publisher, _) = relay.post(&format!("/{name}"));
        publisher.send(flv.clone()).await.unwrap();
        relay.until_has(name, tags_of(&flv).len()).await;
        for suffix in [".m3u8", ".ts.m3u8"] {
            assert_eq!(relay.get(&format!("/{name}{suffix}")).await.status(), 200);
        }
        publishers.push(publisher);
    }
    drop(publishers);
    for (name, file) in files {
        for (suffix, media) in [(".m3u8", "ll.m3u8"), (".ts.m3u8", "ts.m3u8")] {
            within("the end", async {
                while !whole(relay.get(&format!("/{name}/{media}")).await).await.ends_with(b"ENDLIST\n") {
                    sleep(Duration::from_millis(200)).await;
                }
            })
            .await;
            let url = format!("http://127.0.0.1:{}/{name}{suffix}", relay.port);
            let file = fixture(file);
            let file = file.to_str().unwrap();
            let (published, played) = (decoded(file, 'v'), decoded(&url, 'v'));
            assert!(
                published.len() > 50 && published == played,
                "{url}: {} of {}",
                played.len(),
                published.len()
            );
            let (published, played) = (sound(file), sound(&url));
            // But for what comes before the first picture.
            assert!(published.ends_with(&played), "{url}: not as it was published");
            assert!(published.len() - played.len() <= 1, "{url}: {} of {}", played.len(), published.len());
        }
    }
}
