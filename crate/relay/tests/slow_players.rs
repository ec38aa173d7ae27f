//! Players that do not keep up, or do not read at all.

mod common;

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use common::{Player, Relay, empty, fixture_bytes, flv_of, tags_of, within};
use futures_util::{StreamExt, future::join_all};
use hyper::Method;
use sailcast_media::flv::{Tag, TagClass};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    task::JoinHandle,
    time::Instant,
};

/// Of the published stream.
const BIT_RATE: usize = 2_000_000;
const PICTURES_PER_SECOND: usize = 30;
const MAX_RESIDENT_MIB: f64 = 60.0;

/// A fixture with filler NAL units in its pictures, as an encoder of constant rate writes them.
fn filled() -> Vec<Tag> {
    let mut tags = tags_of(&fixture_bytes("counter-av.flv"));
    let bytes: usize = tags.iter().map(|tag| tag.body.len()).sum();
    let pictures = tags.iter().filter(|tag| is_picture(tag)).count();
    let filler = (BIT_RATE / 8 * pictures / PICTURES_PER_SECOND - bytes) / pictures;
    for tag in tags.iter_mut().filter(|tag| is_picture(tag)) {
        let mut body = BytesMut::from(&tag.body[..]);
        body.put_u32(filler as u32 - 4);
        body.put_u8(0x0c);
        body.put_bytes(0xff, filler - 5);
        tag.body = body.freeze();
    }
    tags
}

/// Publishes again and again in real time until the task is aborted.
fn publish(tags: Vec<Tag>, sender: mpsc::Sender<Bytes>) -> JoinHandle<()> {
    let pictures = tags.iter().filter(|tag| is_picture(tag)).count();
    let period = (pictures * 1000 / PICTURES_PER_SECOND) as u32;
    tokio::spawn(async move {
        let began = Instant::now();
        for round in 0.. {
            for (n, tag) in tags.iter().enumerate() {
                let timestamp = round * period + tag.timestamp;
                tokio::time::sleep_until(began + Duration::from_millis(timestamp.into())).await;
                let tag = Tag { timestamp, ..tag.clone() };
                if sender.send(flv_of(&[tag], round == 0 && n == 0)).await.is_err() {
                    return;
                }
            }
        }
    })
}

/// A player whose system takes only a little in advance.
async fn narrow(relay: &Relay, socket: bool) -> Player {
    let stream = relay.connect_narrow().await;
    if socket {
        Player::of_socket(relay.socket_on(stream, "/live/a", None).await)
    } else {
        Player::of_response(relay.request_on(stream, Method::GET, "/live/a.flv", &[], empty()).await)
    }
}

/// Pictures come whole and in order, each with what it refers to: after a gap, a keyframe.
fn check_pictures(got: &[Tag], published: &[Tag]) -> usize {
    let pictures: Vec<&Bytes> = published.iter().filter(|t| is_picture(t)).map(|t| &t.body).collect();
    let mut jumps = 0;
    let mut expected: Option<usize> = None;
    for tag in got.iter().filter(|t| is_picture(t)) {
        let place = match expected {
            Some(place) if pictures[place] == &tag.body => place,
            _ => {
                assert_eq!(tag.class(), TagClass::Keyframe, "a gap before a picture that is no keyframe");
                jumps += usize::from(expected.is_some());
                pictures.iter().position(|body| **body == tag.body).expect("a picture that was published")
            }
        };
        expected = Some((place + 1) % pictures.len());
    }
    jumps
}

fn is_picture(tag: &Tag) -> bool {
    matches!(tag.class(), TagClass::Keyframe | TagClass::VideoFrame)
}

/// The figure: 60 MiB with one stream of 2 Mbit/s and 100 players, 40 of whom do not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_players_some_of_them_paused_cost_no_memory() {
    let relay = Relay::start(&[]);
    let (sender, _answer) = relay.post("/live/a");
    let published = filled();
    let publishing = publish(published.clone(), sender);
    relay.until_has("live/a", 1).await;

    let mut paused = Vec::new();
    for n in 0..40 {
        let mut player = narrow(&relay, n % 2 == 0).await;
        player.tags(3).await;
        paused.push(player);
    }
    let reading: Vec<_> = {
        let mut players = Vec::new();
        for n in 0..60 {
            players.push(narrow(&relay, n % 2 == 0).await);
        }
        let read = async |mut player: Player| {
            while player.next().await.is_some() {}
        };
        players.into_iter().map(|player| tokio::spawn(read(player))).collect()
    };

    let mut most: f64 = 0.0;
    for _ in 0..56 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        most = most.max(relay.resident_mib());
    }
    let state = relay.until("live/a", |s| s["players"] == 100).await;
    eprintln!("resident: {most:.1} MiB at most; {state}");
    assert!(most <= MAX_RESIDENT_MIB, "{most:.1} MiB resident");
    assert!(state["kbitPerSecond"].as_f64().unwrap() > BIT_RATE as f64 / 1000.0 * 0.8, "{state}");
    assert_eq!(state["skips"], 0, "those who read lose nothing: {state}");

    // What the paused ones get when they read on is a little that was on its way, then the newest keyframe.
    let go_on = async |mut player: Player| player.tags(400).await;
    for got in join_all(paused.into_iter().map(go_on)).await {
        assert_eq!(check_pictures(&got, &published), 1, "one jump");
    }
    publishing.abort();
    for player in reading {
        player.await.unwrap();
    }
    relay.until_gone("live/a").await;
    let after = relay.resident_mib();
    assert!(after <= MAX_RESIDENT_MIB, "{after:.1} MiB resident after all");
}

/// Much more than the systems at both ends take in advance.
const LONG_GROUP: usize = 12 << 20;

/// Without this, every stream published, joined and left would cost its whole ring for ever.
#[tokio::test]
async fn players_that_do_not_read_are_cut_some_seconds_after_their_streams_end() {
    let relay = Relay::start(&[]);
    let (sender, answer) = relay.post("/live/a");
    let tags = tags_of(&fixture_bytes("counter-av.flv"));
    let key = tags.iter().find(|tag| tag.class() == TagClass::Keyframe).unwrap();
    let mut body = BytesMut::from(&key.body[..]);
    body.resize(LONG_GROUP / 16, 0);
    let body = body.freeze();
    sender.send(flv_of(&[Tag { body: body.clone(), ..key.clone() }], true)).await.unwrap();
    for _ in 1..16 {
        // A picture that refers to others: the group stays one.
        let mut delta = BytesMut::from(&body[..]);
        delta[0] = 0x27;
        sender.send(flv_of(&[Tag { body: delta.freeze(), ..key.clone() }], false)).await.unwrap();
    }
    relay.until_has("live/a", 16).await;

    let mut http = relay.connect_narrow().await;
    http.write_all(b"GET /live/a.flv HTTP/1.1\r\nhost: relay\r\n\r\n").await.unwrap();
    let mut socket = relay.socket_on(relay.connect_narrow().await, "/live/a", None).await;
    relay.until("live/a", |s| s["players"] == 2).await;
    drop(sender);
    within("answer", answer).await.unwrap();
    tokio::time::sleep(Duration::from_secs(7)).await;

    let mut chunk = vec![0; 64 << 10];
    let mut over_http = 0;
    while let Ok(len @ 1..) = within("bytes", http.read(&mut chunk)).await {
        over_http += len;
    }
    let mut over_socket = 0;
    while let Some(Ok(message)) = within("message", socket.0.next()).await {
        over_socket += message.len();
    }
    for got in [over_http, over_socket] {
        assert!((1..LONG_GROUP / 4).contains(&got), "{got} bytes of a stream that is long over");
    }
}
