//! Who may publish, and what happens to those who send nonsense.

mod common;

use std::process::{Command, Stdio};

use bytes::Bytes;
use common::{Player, Relay, essence, fixture, fixture_bytes, last_keyframe, tags_of, within};
use futures_util::{SinkExt, StreamExt};
use hyper::{Method, StatusCode};
use sailcast_media::flv::Tag;
use tokio_tungstenite::tungstenite::Message;

const PUBLISHER: Option<&str> = Some("publisher");

#[tokio::test]
async fn a_socket_publishes_in_any_chunks() {
    let relay = Relay::start(&[]);
    let flv = fixture_bytes("card.flv");
    let tags = tags_of(&flv);
    for (name, size) in [("live/small", 7), ("live/odd", 1001), ("live/whole", usize::MAX)] {
        let mut publisher = relay.socket(&format!("/{name}"), PUBLISHER).await;
        for chunk in flv.chunks(size.min(flv.len())) {
            publisher.send(Bytes::copy_from_slice(chunk)).await;
        }
        relay.until_has(name, tags.len()).await;
        let mut player = Player::http(&relay, &format!("/{name}.flv")).await;
        relay.until(name, |s| s["players"] == 1).await;
        within("close", publisher.0.close(None)).await.unwrap();
        let got = player.rest().await;
        let pictures = |tags: &[Tag]| essence(&tags[last_keyframe(tags)..]);
        assert_eq!(pictures(&got), pictures(&tags), "{name}");
        relay.until_gone(name).await;
    }
}

#[tokio::test]
async fn a_taken_name_is_refused_with_a_reason() {
    let relay = Relay::start(&[]);
    let (publisher, _) = relay.post("/live/a.flv");
    publisher.send(fixture_bytes("card.flv")).await.unwrap();
    relay.until_has("live/a", 1).await;

    let (second, answer) = relay.post("/live/a");
    second.send(fixture_bytes("card.flv")).await.unwrap();
    let (status, body) = within("answer", answer).await.unwrap();
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(body["reason"], "live/a already has a publisher");

    let mut socket = relay.socket("/live/a", PUBLISHER).await;
    assert_eq!(socket.closed().await, (4409, "live/a already has a publisher".into()));
    relay.until("live/a", |s| !s.is_null()).await;
}

#[tokio::test]
async fn who_comes_back_right_after_leaving_is_let_in_and_old_players_have_their_end() {
    let relay = Relay::start(&[]);
    let flv = fixture_bytes("card.flv");
    for _ in 0..10 {
        let mut publisher = relay.socket("/live/a", PUBLISHER).await;
        publisher.send(flv.clone()).await;
        relay.until_has("live/a", 1).await;
        let mut player = Player::socket(&relay, "/live/a").await;
        player.tags(3).await;
        // No goodbye: the connection just ends.
        drop(publisher);
        let mut again = relay.socket("/live/a", PUBLISHER).await;
        again.send(flv.clone()).await;
        player.rest().await;
        assert_eq!(player.ended, Some(Some((1000, "stream ended".into()))));
        relay.until_has("live/a", 1).await;
        within("close", again.0.close(None)).await.unwrap();
        relay.until_gone("live/a").await;
    }
}

#[tokio::test]
async fn nonsense_closes_its_connection_with_a_reason_and_nothing_else() {
    let relay = Relay::start(&[]);
    let good = fixture_bytes("card.flv");
    let (publisher, _) = relay.post("/live/good");
    publisher.send(good.clone()).await.unwrap();
    relay.until_has("live/good", 1).await;
    let mut player = Player::http(&relay, "/live/good.flv").await;
    player.tags(3).await;

    let damaged = Bytes::from([&good[..], &[0xee; 64]].concat());
    let damage = good.len();
    let cut = good.slice(..good.len() - 10);
    let html = Bytes::from_static(b"<!doctype html><title>Not found</title>");
    for (bytes, reason, offset) in [
        (html, "not an FLV stream: no FLV signature at byte 0".to_owned(), 0),
        (damaged, format!("no valid FLV tag at byte {damage}"), damage),
    ] {
        let (publisher, answer) = relay.post("/live/bad");
        publisher.send(bytes.clone()).await.unwrap();
        let (status, body) = within("answer", answer).await.unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!((&body["reason"], &body["offset"]), (&reason.clone().into(), &offset.into()));

        let mut socket = relay.socket("/live/bad", PUBLISHER).await;
        socket.send(bytes).await;
        assert_eq!(socket.closed().await, (4400, reason));
    }

    let (publisher, answer) = relay.post("/live/bad");
    publisher.send(cut).await.unwrap();
    drop(publisher);
    let (status, body) = within("answer", answer).await.unwrap();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["reason"].as_str().unwrap().starts_with("the stream ended inside the tag at byte"));

    let mut socket = relay.socket("/live/bad", PUBLISHER).await;
    socket.0.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.closed().await, (4400, "a text message; FLV comes in binary ones".into()));

    relay.until_gone("live/bad").await;
    let (other, answer) = relay.post("/live/other");
    other.send(good).await.unwrap();
    drop(other);
    assert_eq!(within("answer", answer).await.unwrap().0, StatusCode::OK);
    let state = relay.until("live/good", |s| !s.is_null()).await;
    assert_eq!(state["players"], 1);
}

#[tokio::test]
async fn a_message_too_long_is_refused() {
    let relay = Relay::start(&[]);
    let mut socket = relay.socket("/live/a", PUBLISHER).await;
    let (mut to, mut from) = (&mut socket.0).split();
    let long = Message::binary(vec![0; 5 << 20]);
    let (_, close) = tokio::join!(to.send(long), async {
        loop {
            match within("close", from.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.unwrap(),
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
    });
    assert_eq!(u16::from(close.code), 4400);
    relay.until_gone("live/a").await;
}

#[tokio::test]
async fn names_are_plain() {
    let relay = Relay::start(&[]);
    for path in ["/a", "/live/a.b.flv", "/live/%2e%2e", "/a/b/c"] {
        let response = relay.request(Method::POST, path).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let response = relay.request(Method::DELETE, "/live/a").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn ffmpeg_publishes_and_ffprobe_plays() {
    if Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no ffmpeg here");
        return;
    }
    let relay = Relay::start(&[]);
    let url = format!("http://127.0.0.1:{}/live/ff", relay.port);
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-re", "-i"])
        .arg(fixture("counter-av.flv"))
        .args(["-t", "4", "-c", "copy", "-f", "flv", "-method", "POST", "-chunked_post", "1"])
        .arg(&url)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    relay.until_has("live/ff", 10).await;
    let probe = tokio::task::spawn_blocking(move || {
        Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0"])
            .arg(format!("{url}.flv"))
            .output()
            .unwrap()
    });
    let probed = String::from_utf8(within("ffprobe", probe).await.unwrap().stdout).unwrap();
    assert!(probed.contains("h264") && probed.contains("aac"), "{probed}");
    let status = tokio::task::spawn_blocking(move || ffmpeg.wait().unwrap());
    assert!(within("ffmpeg", status).await.unwrap().success());
    relay.until_gone("live/ff").await;
}
