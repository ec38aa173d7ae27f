//! Who is let in, and how much of what: each refusal by HTTP and by WebSocket, and by its name in the metrics.

mod common;

use std::{
    io::Read,
    process::{Command, Stdio},
};

use bytes::Bytes;
use common::{Player, Relay, empty, fixture_bytes, flv_of, tags_of, whole, within};
use hyper::{Method, StatusCode};
use sailcast_media::flv::Tag;
use tokio::time::{Duration, sleep};
use tokio_tungstenite::{
    client_async,
    tungstenite::{client::IntoClientRequest, http::HeaderValue},
};

const PUBLISHER: Option<&str> = Some("publisher");
/// 2100-01-01, and HMAC-SHA256 of `publish/live/camera-4102444800` under `correct-horse`, by openssl.
const SIGN: &str = "sign=4102444800-d6f235df9ffe606e7ef0e4261e58852d091c7b870087760a93255cc631db24f3";
/// The same for a day long gone, `publish/live/camera-1000000000`.
const OLD_SIGN: &str = "sign=1000000000-7a5a085c532259e1277b1f28faf56d96c4499f44b38242dd540214e4cf8e48e8";

/// What a publisher by POST hears.
async fn posted(relay: &Relay, path: &str, bytes: Bytes) -> (StatusCode, String) {
    let (publisher, answer) = relay.post(path);
    let _ = publisher.send(bytes).await;
    drop(publisher);
    let (status, body) = within("answer", answer).await.unwrap();
    (status, body["reason"].as_str().unwrap_or_default().to_owned())
}

async fn refusals(relay: &Relay, label: &str) -> u64 {
    let page = whole(relay.get("/metrics").await).await;
    let line = format!("sailcast_relay_refusals_total{{reason=\"{label}\"}} ");
    let page = String::from_utf8(page.to_vec()).unwrap();
    page.lines().find_map(|l| l.strip_prefix(&line)).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_secret_or_a_signature_lets_publish_and_nothing_else_does() {
    let relay = Relay::start(&["--publish-secret", "correct-horse"]);
    let flv = fixture_bytes("card.flv");
    for query in ["secret=correct-horse", SIGN] {
        let path = format!("/live/camera?{query}");
        assert_eq!(posted(&relay, &path, flv.clone()).await.0, StatusCode::OK, "{query}");
        let mut socket = relay.socket(&path, PUBLISHER).await;
        socket.send(flv.clone()).await;
        relay.until_has("live/camera", 3).await;
        // Playing is open.
        Player::http(&relay, "/live/camera.flv").await.tags(3).await;
        within("close", socket.0.close(None)).await.unwrap();
        relay.until_gone("live/camera").await;
    }
    for (query, status, label) in [
        ("", 401, "unsigned"),
        ("?secret=wrong", 403, "bad_signature"),
        (&format!("?{}", SIGN.replace("4102444800", "4102444801")), 403, "bad_signature"),
        (&format!("?{OLD_SIGN}"), 403, "expired"),
    ] {
        let path = format!("/live/camera{query}");
        let before = refusals(&relay, label).await;
        let (got, reason) = posted(&relay, &path, flv.clone()).await;
        assert_eq!(got.as_u16(), status, "{query}");
        let mut socket = relay.socket(&path, PUBLISHER).await;
        assert_eq!(socket.closed().await, (4000 + status, reason));
        assert_eq!(refusals(&relay, label).await, before + 2);
    }
    assert_eq!(posted(&relay, &format!("/live/other?{SIGN}"), flv).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn playing_may_ask_for_a_secret_of_its_own() {
    let relay = Relay::start(&["--play-secret", "watch"]);
    let (publisher, _answer) = relay.post("/live/a");
    publisher.send(fixture_bytes("card.flv")).await.unwrap();
    relay.until_has("live/a", 3).await;
    assert_eq!(relay.get("/live/a.flv").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(relay.get("/live/a.flv?secret=x").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(relay.socket("/live/a", None).await.closed().await.0, 4401);
    Player::http(&relay, "/live/a.flv?secret=watch").await.tags(3).await;
    Player::socket(&relay, "/live/a?secret=watch").await.tags(3).await;
}

/// At `debug`, the most that an operator is told to ask for.
#[tokio::test]
async fn secrets_are_not_logged() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sailcast-relay"))
        .args(["--port", "0", "--upstream", "rtmp://127.0.0.1:1/app?key=hush-upstream"])
        .env("SAILCAST_PUBLISH_SECRET", "hush-publish")
        .env("SAILCAST_PLAY_SECRET", "hush-play")
        .env("RUST_LOG", "debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let relay = Relay::of(&mut child);
    let posted_ok = posted(&relay, "/live/a?secret=hush-publish", fixture_bytes("card.flv")).await;
    assert_eq!(posted_ok.0, StatusCode::OK);
    posted(&relay, "/live/a?secret=hush-wrong", Bytes::new()).await;
    relay.socket("/live/a?secret=hush-play", None).await.closed().await;
    sleep(Duration::from_millis(100)).await;
    let health = whole(relay.get("/health").await).await;
    let metrics = whole(relay.get("/metrics").await).await;
    relay.signal("-TERM");
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    child.wait().unwrap();
    assert!(log.contains("live/a: published"), "{log}");
    for text in [log.as_bytes(), &health, &metrics] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn only_allowed_pages_may_publish_play_and_read() {
    let relay = Relay::start(&["--allow-origin", "https://good.example"]);
    let flv = fixture_bytes("card.flv");
    let as_page = async |origin: &str, path: &str, protocol: Option<&str>| {
        let mut request = format!("ws://127.0.0.1:{}{path}", relay.port).into_client_request().unwrap();
        request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        if let Some(protocol) = protocol {
            let value = HeaderValue::from_str(protocol).unwrap();
            request.headers_mut().insert("sec-websocket-protocol", value);
        }
        common::Socket(client_async(request, relay.connect().await).await.unwrap().0)
    };
    let mut publisher = as_page("https://good.example", "/live/a", PUBLISHER).await;
    publisher.send(flv.clone()).await;
    relay.until_has("live/a", 3).await;
    as_page("https://good.example", "/live/a", None).await.next().await.unwrap();
    let why = "pages of https://evil.example may not use this relay";
    for (path, protocol) in [("/live/b", PUBLISHER), ("/live/a", None)] {
        let mut socket = as_page("https://evil.example", path, protocol).await;
        assert_eq!(socket.closed().await, (4403, why.into()));
    }
    for (origin, status, readable) in
        [("https://good.example", 200, Some("https://good.example")), ("https://evil.example", 403, None)]
    {
        let headers = [("origin", origin)];
        let play =
            relay.request_on(relay.connect().await, Method::GET, "/live/a.flv", &headers, empty()).await;
        assert_eq!(play.status(), status);
        assert_eq!(play.headers().get("access-control-allow-origin").map(|v| v.to_str().unwrap()), readable);
        // A page may send this without asking first.
        let post = relay.request_on(relay.connect().await, Method::POST, "/live/c", &headers, empty()).await;
        assert_eq!(post.status() == StatusCode::FORBIDDEN, status == 403);
    }
    // No page at all.
    assert_eq!(posted(&relay, "/live/d", flv).await.0, StatusCode::OK);
    assert_eq!(refusals(&relay, "origin").await, 4);
}

#[tokio::test]
async fn limits_are_told_by_their_names() {
    let limits = ["--max-streams=2", "--max-players=1", "--max-bitrate=8000000", "--max-tag=300000"];
    let relay = Relay::start(&limits);
    let flv = fixture_bytes("card.flv");
    let (publisher, _answer) = relay.post("/live/a");
    publisher.send(flv.clone()).await.unwrap();
    relay.until_has("live/a", 3).await;

    let mut player = Player::http(&relay, "/live/a.flv").await;
    player.tags(3).await;
    let second = relay.get("/live/a.flv").await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    let mut second = relay.socket("/live/a", None).await;
    assert_eq!(second.closed().await, (4503, "the relay has 1 players, its limit".into()));
    drop(player);
    relay.until("live/a", |s| s["players"] == 0).await;
    Player::http(&relay, "/live/a.flv").await.tags(3).await;

    let large = |len: usize| {
        let tags = tags_of(&flv);
        let mut body = tags[2].body.to_vec();
        body.resize(len, 0);
        flv_of(&[Tag { body: body.into(), ..tags[2].clone() }], true)
    };
    let told = "a tag of 300001 bytes, over the limit of 300000";
    assert_eq!(posted(&relay, "/live/b", large(300_001)).await, (StatusCode::PAYLOAD_TOO_LARGE, told.into()));
    let mut socket = relay.socket("/live/b", PUBLISHER).await;
    socket.send(large(300_001)).await;
    assert_eq!(socket.closed().await, (4413, told.into()));

    let told = "more than 8000000 bit/s, the limit of a stream";
    let burst: Vec<u8> = (0..30).flat_map(|n| large(290_000).slice(if n == 0 { 0 } else { 13 }..)).collect();
    let posted_burst = posted(&relay, "/live/b", burst.clone().into()).await;
    assert_eq!(posted_burst, (StatusCode::TOO_MANY_REQUESTS, told.into()));
    relay.until_gone("live/b").await;

    let (other, _answer) = relay.post("/live/b");
    other.send(flv.clone()).await.unwrap();
    relay.until_has("live/b", 3).await;
    let told = "the relay holds 2 streams, its limit";
    assert_eq!(posted(&relay, "/live/c", flv).await, (StatusCode::SERVICE_UNAVAILABLE, told.into()));
    assert_eq!(relay.socket("/live/c", PUBLISHER).await.closed().await, (4503, told.into()));
    for (label, count) in [("players", 2), ("tag_size", 2), ("bit_rate", 1), ("streams", 2)] {
        assert_eq!(refusals(&relay, label).await, count, "{label}");
    }
}
