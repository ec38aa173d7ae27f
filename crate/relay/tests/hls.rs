//! HLS and LL-HLS as clients meet them.

mod common;

use std::time::Instant;

use bytes::Bytes;
use common::{Relay, empty, fixture, fixture_bytes, flv_of, tags_of, whole, within};
use hyper::{HeaderMap, Method, StatusCode};
use sailcast_media::{
    Micros,
    flv::Tag,
    hls::{MediaPlaylist, Playlist, Variables, parse, resolve},
};
use tokio::{sync::mpsc::Sender, time::Duration};

/// 16 s of picture and sound, a keyframe every two.
const FILE: &str = "counter-av.flv";

fn demo() -> Relay {
    Relay::start(&["--demo", fixture(FILE).to_str().unwrap()])
}

async fn get(relay: &Relay, path: &str) -> (StatusCode, HeaderMap, Bytes) {
    let response = relay.get(path).await;
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, whole(response).await)
}

/// A playlist whose addresses are paths.
async fn playlist(relay: &Relay, path: &str) -> MediaPlaylist {
    let (status, headers, text) = get(relay, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text:?}");
    assert_eq!(headers["content-type"], "application/vnd.apple.mpegurl");
    match parse(&text, path.split('?').next().unwrap(), &Variables::default()) {
        Ok(Playlist::Media(playlist)) => playlist,
        other => panic!("{path}: {other:?}"),
    }
}

/// The media playlist that the multivariant one names.
async fn rendition(relay: &Relay, path: &str) -> String {
    let (status, _, text) = get(relay, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text:?}");
    match parse(&text, path.split('?').next().unwrap(), &Variables::default()) {
        Ok(Playlist::Multivariant(playlist)) => playlist.variants[0].uri.clone(),
        other => panic!("{path}: {other:?}"),
    }
}

async fn reason(relay: &Relay, path: &str) -> (u16, String) {
    let (status, headers, body) = get(relay, path).await;
    assert_eq!(headers["cache-control"], "no-store", "{path}");
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    (status.as_u16(), body["reason"].as_str().unwrap().to_owned())
}

/// Publishes the file's tags up to a time, and keeps the stream open.
async fn publish(relay: &Relay, name: &str, until_ms: u32) -> Sender<Bytes> {
    let tags: Vec<Tag> =
        tags_of(&fixture_bytes(FILE)).into_iter().filter(|tag| tag.timestamp < until_ms).collect();
    let (publisher, _) = relay.post(&format!("/{name}"));
    publisher.send(flv_of(&tags, true)).await.unwrap();
    relay.until_has(name, tags.len()).await;
    publisher
}

/// What a blocking reload of somebody who has this version waits for.
fn behind(list: &MediaPlaylist) -> (u64, Option<u64>) {
    let last = list.segments.last().expect("segments");
    match last.uri {
        Some(_) => (last.sequence + 1, Some(0)),
        None => (last.sequence, Some(last.parts.len() as u64)),
    }
}

#[tokio::test]
async fn a_stream_is_found_from_its_multivariant_playlist_down_to_its_parts() {
    let relay = demo();
    let media = rendition(&relay, "/live/demo.m3u8").await;
    let list = playlist(&relay, &media).await;
    let segment = list.segments.iter().rfind(|segment| segment.uri.is_some()).unwrap();
    let (status, headers, init) = get(&relay, &segment.map.as_ref().unwrap().uri).await;
    assert_eq!((status, &init[4..8]), (StatusCode::OK, &b"ftyp"[..]));
    assert_eq!(headers["content-type"], "video/mp4");
    let mut parts = Vec::new();
    for part in &segment.parts {
        parts.push(get(&relay, &part.uri).await.2);
    }
    let (status, headers, bytes) = get(&relay, segment.uri.as_ref().unwrap()).await;
    assert_eq!((status, &bytes[4..8]), (StatusCode::OK, &b"styp"[..]));
    assert_eq!(bytes, parts.concat(), "a segment is its parts");
    assert_eq!(headers["cache-control"], "public, max-age=3600, immutable");
    assert_eq!(headers["access-control-allow-origin"], "*");
    let media = rendition(&relay, "/live/demo.ts.m3u8").await;
    let list = playlist(&relay, &media).await;
    let (_, headers, bytes) = get(&relay, list.segments[0].uri.as_ref().unwrap()).await;
    assert_eq!((headers["content-type"].to_str().unwrap(), bytes[0]), ("video/mp2t", 0x47));
}

#[tokio::test]
async fn a_reload_waits_for_its_part_and_not_longer() {
    let relay = demo();
    let first = playlist(&relay, "/live/demo/ll.m3u8").await;
    let target = Duration::from_micros(first.part_target.unwrap().0 as u64);
    let (mut msn, mut part) = behind(&first);
    let began = Instant::now();
    for _ in 0..8 {
        let path = format!("/live/demo/ll.m3u8?_HLS_msn={msn}&_HLS_part={}", part.unwrap());
        let next = playlist(&relay, &path).await;
        assert!(behind(&next) > (msn, part), "{path} answered at {:?}", behind(&next));
        (msn, part) = behind(&next);
    }
    let each = began.elapsed() / 8;
    assert!(each > target / 2 && each < target * 3, "{each:?} a part");
}

#[tokio::test]
async fn the_hinted_part_is_given_when_it_is_there() {
    let relay = demo();
    let list = playlist(&relay, "/live/demo/ll.m3u8").await;
    let hint = &list.preload_hints[0].uri;
    let (status, _, bytes) = get(&relay, hint).await;
    assert_eq!(status, StatusCode::OK);
    assert!(bytes.windows(4).any(|name| name == b"moof"));
    let list = playlist(&relay, "/live/demo/ll.m3u8").await;
    let parts: Vec<&String> = list.segments.iter().flat_map(|one| &one.parts).map(|part| &part.uri).collect();
    assert!(parts.contains(&hint), "{hint} is listed behind {parts:?}");
}

#[tokio::test]
async fn a_reload_that_nothing_answers_is_given_up_after_three_target_durations() {
    let relay = Relay::start(&["--segment-target", "1"]);
    // All at once, and then nothing.
    let _publisher = publish(&relay, "live/a", 3500).await;
    let list = playlist(&relay, "/live/a/ll.m3u8").await;
    let began = Instant::now();
    let (msn, part) = behind(&list);
    let path = format!("/live/a/ll.m3u8?_HLS_msn={msn}&_HLS_part={}", part.unwrap());
    let (status, why) = reason(&relay, &path).await;
    let patience = 3.0 * list.target_duration.as_secs_f64();
    let took = began.elapsed().as_secs_f64();
    assert_eq!((status, why), (503, format!("not there after {patience} s")));
    assert!(took > patience - 0.1 && took < patience + 3.0, "{took} s");
}

#[tokio::test]
async fn directives_that_cannot_be_are_refused() {
    let relay = demo();
    let list = playlist(&relay, "/live/demo/ll.m3u8").await;
    let ahead = list.media_sequence + 100;
    for query in [&format!("_HLS_msn={ahead}"), "_HLS_part=1", "_HLS_msn=x", "_HLS_skip=maybe"] {
        assert_eq!(reason(&relay, &format!("/live/demo/ll.m3u8?{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn only_a_playlist_that_was_waited_for_may_be_kept() {
    let relay = demo();
    let cache = async |path: &str| get(&relay, path).await.1["cache-control"].to_str().unwrap().to_owned();
    assert_eq!(cache("/live/demo.m3u8").await, "no-store");
    assert_eq!(cache("/live/demo/ll.m3u8").await, "no-store");
    let list = playlist(&relay, "/live/demo/ll.m3u8").await;
    let life = 6 * list.target_duration.0 / 1_000_000;
    let path = format!("/live/demo/ll.m3u8?_HLS_msn={}", list.media_sequence);
    assert_eq!(cache(&path).await, format!("public, max-age={life}"));
}

#[tokio::test]
async fn a_playlist_is_compressed_for_who_takes_that() {
    let relay = demo();
    let plain = get(&relay, "/live/demo.m3u8").await.2;
    for (accepts, encoding) in [("br, gzip", Some("gzip")), ("gzip;q=0", None), ("br", None)] {
        let headers = [("accept-encoding", accepts)];
        let stream = relay.connect().await;
        let response = relay.request_on(stream, Method::GET, "/live/demo.m3u8", &headers, empty()).await;
        let found = response.headers().get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!((found, response.headers()["vary"].to_str().unwrap()), (encoding, "accept-encoding"));
        let bytes = whole(response).await;
        let gzip = bytes.starts_with(&[0x1f, 0x8b]);
        assert!(gzip == encoding.is_some() && (gzip || bytes[..7] == plain[..7]), "{accepts}: {bytes:?}");
    }
}

#[tokio::test]
async fn a_publisher_that_comes_back_is_a_discontinuity_and_one_that_does_not_is_the_end() {
    let relay = Relay::start(&[]);
    let publisher = publish(&relay, "live/a", 4500).await;
    let list = playlist(&relay, "/live/a/ll.m3u8").await;
    assert!(list.segments.iter().all(|segment| segment.discontinuity == 0) && !list.ended);
    drop(publisher);
    relay.until_gone("live/a").await;
    let publisher = publish(&relay, "live/a", 4500).await;
    let last = list.segments.last().unwrap().sequence;
    let path = format!("/live/a/ll.m3u8?_HLS_msn={}", last + 1);
    let list = playlist(&relay, &path).await;
    assert_eq!(list.segments.last().unwrap().discontinuity, 1);
    let maps: Vec<_> = list.segments.iter().map(|one| one.map.clone().unwrap().uri.clone()).collect();
    assert_ne!(maps.first(), maps.last());
    drop(publisher);
    let (msn, _) = behind(&list);
    let ended = within("the end", async {
        loop {
            // Refused while the publisher may still come back.
            let (status, _, text) = get(&relay, &format!("/live/a/ll.m3u8?_HLS_msn={}", msn + 1)).await;
            if status == StatusCode::OK {
                break text;
            }
        }
    })
    .await;
    let text = String::from_utf8(ended.to_vec()).unwrap();
    assert!(text.ends_with("#EXT-X-ENDLIST\n") && !text.contains("PRELOAD-HINT"), "{text}");
    // What is left can still be seen, and a stream that begins now has playlists of its own.
    assert_eq!(get(&relay, &list.segments[0].uri.clone().unwrap()).await.0, StatusCode::OK);
    let _publisher = publish(&relay, "live/a", 4500).await;
    let anew = playlist(&relay, "/live/a/ll.m3u8").await;
    assert!(!anew.ended && anew.media_sequence > msn);
}

#[tokio::test]
async fn the_window_slides_and_sequences_count() {
    let relay = Relay::start(&["--hls-window", "6", "--segment-target", "1"]);
    let _publisher = publish(&relay, "live/a", 100_000).await;
    let list = playlist(&relay, "/live/a/ts.m3u8").await;
    let duration = list.segments.iter().fold(Micros::ZERO, |sum, segment| sum + segment.duration);
    assert!(duration.as_secs_f64() < 8.0, "{duration:?}");
    assert_eq!(list.media_sequence, list.segments[0].sequence);
}

#[tokio::test]
async fn ranges_and_heads_of_segments_are_answered() {
    let relay = demo();
    let list = playlist(&relay, "/live/demo/ll.m3u8").await;
    let path = list.segments[0].uri.clone().unwrap();
    let all = get(&relay, &path).await.2;
    let ranged = async |range: &str| {
        let headers = [("range", range)];
        let response = relay.request_on(relay.connect().await, Method::GET, &path, &headers, empty()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let range = headers.get("content-range").map(|range| range.to_str().unwrap().to_owned());
        (status, range, whole(response).await)
    };
    let len = all.len();
    assert_eq!(ranged("bytes=10-19").await, (206, Some(format!("bytes 10-19/{len}")), all.slice(10..20)));
    let tail = ranged("bytes=-5").await;
    assert_eq!(tail.2, all.slice(len - 5..));
    assert_eq!(ranged("bytes=99999999-").await, (416, Some(format!("bytes */{len}")), Bytes::new()));
    let head = relay.request(Method::HEAD, &path).await;
    assert_eq!(head.headers()["content-length"], len.to_string());
    assert!(whole(head).await.is_empty());
}

#[tokio::test]
async fn a_signature_is_carried_into_all_that_a_playlist_names() {
    let demo = fixture(FILE);
    let args = ["--play-secret", "watch", "--allow-origin", "https://good.example"];
    let relay = Relay::start(&[&args[..], &["--demo", demo.to_str().unwrap()]].concat());
    for path in ["/live/demo.m3u8", "/live/demo/ll.m3u8", "/live/demo/1/1.ts"] {
        assert_eq!(reason(&relay, path).await.0, 401, "{path}");
        assert_eq!(reason(&relay, &format!("{path}?secret=x")).await.0, 403, "{path}");
    }
    let media = rendition(&relay, "/live/demo.m3u8?secret=watch").await;
    assert!(media.ends_with("?secret=watch"));
    let list = playlist(&relay, &media).await;
    let segment = &list.segments[0];
    for path in
        [&segment.map.as_ref().unwrap().uri, segment.uri.as_ref().unwrap(), &list.preload_hints[0].uri]
    {
        assert_eq!(get(&relay, path).await.0, StatusCode::OK, "{path}");
    }
    let headers = [("origin", "https://evil.example")];
    let evil = relay.request_on(relay.connect().await, Method::GET, &media, &headers, empty()).await;
    assert_eq!(evil.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_not_there_is_told_so() {
    let relay = demo();
    assert_eq!(reason(&relay, "/live/none.m3u8").await, (404, "live/none is not live".into()));
    let list = playlist(&relay, "/live/demo/ll.m3u8").await;
    let hint = &list.preload_hints[0].uri;
    let far = hint.replace("part", "part9");
    let other_epoch = resolve("/live/demo/ll.m3u8", "1/part0.m4s");
    for gone in [far, other_epoch] {
        assert_eq!(reason(&relay, &gone).await, (404, "nothing is at this address, or not any more".into()));
    }
    // G.711 goes into no transport stream.
    let sound = |timestamp| Tag {
        offset: 0,
        kind: sailcast_media::flv::TagKind::Audio,
        timestamp,
        body: Bytes::from_static(b"\x72\xd5\xd5"),
    };
    let (publisher, _) = relay.post("/live/g711");
    publisher.send(flv_of(&[sound(0), sound(20)], true)).await.unwrap();
    relay.until_has("live/g711", 2).await;
    let why = "nothing of this stream can be told in MPEG-TS";
    assert_eq!(reason(&relay, "/live/g711.ts.m3u8").await, (404, why.into()));
}

#[tokio::test]
async fn viewers_are_counted() {
    let relay = demo();
    let count = async |name: &str| {
        let page = String::from_utf8(whole(relay.get("/metrics").await).await.to_vec()).unwrap();
        let prefix = format!("sailcast_relay_hls_{name} ");
        page.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!((count("streams").await, count("requests_total").await), (0, 0));
    let list = playlist(&relay, "/live/demo/ll.m3u8").await;
    let bytes = get(&relay, list.segments[0].uri.as_ref().unwrap()).await.2;
    assert_eq!((count("streams").await, count("requests_total").await), (1, 2));
    assert!(count("sent_bytes_total").await > bytes.len() as u64);
    playlist(&relay, "/live/demo/ts.m3u8").await;
    assert_eq!(count("streams").await, 2);
}
