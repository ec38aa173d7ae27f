//! Publishers that are read slowly on purpose.

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Relay, Socket, fixture_bytes, flv_of, tags_of, whole};
use hyper::{Method, StatusCode};
use sailcast_media::flv::{Tag, TagClass};

/// Bytes of a frame's body, and with what is around it on its way.
const FRAME: usize = 3000;
const FRAME_ON_THE_WAY: u64 = FRAME as u64 + 15;

fn frame(len: usize, timestamp: u32) -> Bytes {
    let tags = tags_of(&fixture_bytes("counter-av.flv"));
    let like = tags.iter().find(|tag| tag.class() == TagClass::VideoFrame).unwrap();
    let mut body = like.body.to_vec();
    body.resize(len, 0);
    flv_of(&[Tag { timestamp, body: body.into(), ..like.clone() }], false)
}

async fn publisher(relay: &Relay, path: &str) -> Socket {
    let mut socket = relay.socket(path, Some("publisher")).await;
    socket.send(flv_of(&tags_of(&fixture_bytes("card.flv")), true)).await;
    socket
}

async fn throttle(relay: &Relay, name: &str, query: &str) -> StatusCode {
    relay.request(Method::POST, &format!("/throttle/{name}{query}")).await.status()
}

/// Tags so far.
async fn tags(relay: &Relay, name: &str) -> u64 {
    relay.until(name, |stream| !stream.is_null()).await["tags"].as_u64().unwrap()
}

/// Sends more than the rate for ever.
fn flood(mut socket: Socket) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        for n in 0_u32.. {
            socket.send(frame(FRAME, 100_000 + n)).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}

/// Bit/s that are taken of a flood.
async fn rate(relay: &Relay, name: &str, over: Duration) -> f64 {
    // What comes before the flood has other sizes.
    let start = tags_of(&fixture_bytes("card.flv")).len() + 5;
    relay.until_has(name, start).await;
    let (began, before) = (Instant::now(), tags(relay, name).await);
    tokio::time::sleep(over).await;
    let frames = tags(relay, name).await - before;
    (frames * FRAME_ON_THE_WAY * 8) as f64 / began.elapsed().as_secs_f64()
}

fn is_about(measured: f64, wanted: f64) {
    assert!((measured / wanted - 1.0).abs() < 0.15, "{measured:.0} bit/s, not {wanted}");
}

#[tokio::test]
async fn a_publisher_is_read_at_the_rate_that_is_asked_for_and_the_others_as_ever() {
    let relay = Relay::start(&["--throttle"]);
    assert_eq!(throttle(&relay, "live/a", "?bitrate=300000").await, StatusCode::OK);
    let (slow, other) = (publisher(&relay, "/live/a").await, publisher(&relay, "/live/b").await);
    relay.until_has("live/b", 3).await;
    let floods = [flood(slow), flood(other)];
    let window = Duration::from_secs(4);
    let (a, b) = tokio::join!(rate(&relay, "live/a", window), rate(&relay, "live/b", window));
    is_about(a, 300_000.0);
    assert!(b > 1_500_000.0, "{b}");
    // While it is live.
    assert_eq!(throttle(&relay, "live/a", "?bitrate=900000").await, StatusCode::OK);
    is_about(rate(&relay, "live/a", window).await, 900_000.0);
    assert_eq!(throttle(&relay, "live/a", "").await, StatusCode::OK);
    assert!(rate(&relay, "live/a", window).await > 1_500_000.0);
    floods.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_publisher_by_post_is_read_no_faster_either() {
    let relay = Relay::start(&["--throttle"]);
    assert_eq!(throttle(&relay, "live/a", "?bitrate=400000").await, StatusCode::OK);
    let (sender, _answer) = relay.post("/live/a");
    sender.send(flv_of(&tags_of(&fixture_bytes("card.flv")), true)).await.unwrap();
    let feeding = tokio::spawn(async move {
        for n in 0_u32.. {
            if sender.send(frame(FRAME, 100_000 + n)).await.is_err() {
                break;
            }
        }
    });
    is_about(rate(&relay, "live/a", Duration::from_secs(4)).await, 400_000.0);
    feeding.abort();
}

/// The socket's buffers fill, and the publisher cannot write any more.
#[tokio::test]
async fn what_is_not_read_holds_the_publisher_up() {
    let relay = Relay::start(&["--throttle"]);
    throttle(&relay, "live/a", "?bitrate=100000").await;
    let mut socket = publisher(&relay, "/live/a").await;
    let writing = async {
        for n in 0..4000 {
            socket.send(frame(FRAME, 100_000 + n)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(3), writing).await.is_err());
}

#[tokio::test]
async fn without_the_option_there_is_no_such_thing() {
    let relay = Relay::start(&[]);
    let response = relay.request(Method::POST, "/throttle/live/a?bitrate=1").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(String::from_utf8(whole(response).await.to_vec()).unwrap().contains("--throttle"));
}

#[tokio::test]
async fn who_may_not_publish_may_not_slow_down() {
    let relay = Relay::start(&["--throttle", "--publish-secret", "s"]);
    assert_eq!(throttle(&relay, "live/a", "?bitrate=1").await, StatusCode::UNAUTHORIZED);
    assert_eq!(throttle(&relay, "live/a", "?secret=s&bitrate=1").await, StatusCode::OK);
}
