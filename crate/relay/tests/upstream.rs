//! Streams pushed on by RTMP.

mod common;
#[path = "common/rtmp_peer.rs"]
mod rtmp_peer;
#[path = "common/rtmp_server.rs"]
mod rtmp_server;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Relay, fixture_bytes, flv_of, last_keyframe, tags_of, within};
use rtmp_peer::{Peer, Seen};
use rtmp_server::RtmpServer;
use sailcast_media::flv::{Tag, TagClass, TagKind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::sleep,
};

/// The fixture as a server should see it from tag `first` on.
fn as_seen(tags: &[Tag]) -> Vec<Seen> {
    let base = tags[0].timestamp;
    let media = tags.iter().filter_map(|tag| match tag.kind {
        TagKind::Audio => Some(Seen::Audio(tag.timestamp - base, tag.body.clone())),
        TagKind::Video => Some(Seen::Video(tag.timestamp - base, tag.body.clone())),
        TagKind::Script => None,
    });
    media.collect()
}

fn media(seen: &[Seen]) -> Vec<Seen> {
    seen.iter().filter(|s| matches!(s, Seen::Audio(..) | Seen::Video(..))).cloned().collect()
}

fn key_of(bytes: &Bytes) -> Vec<Seen> {
    let tags = tags_of(bytes);
    as_seen(&tags[last_keyframe(&tags)..])
}

/// The state of the stream's only way upstream.
async fn until_state(relay: &Relay, name: &str, state: &str) -> serde_json::Value {
    relay.until(name, |stream| stream["upstreams"][0]["state"] == state).await["upstreams"][0].clone()
}

#[tokio::test]
async fn a_stream_goes_on_under_its_name_from_its_first_byte_to_its_end() {
    let server = RtmpServer::start(0, None).await;
    // Another that is not there holds nobody up.
    let urls = [format!("{}?key=hidden", server.url()), "rtmp://127.0.0.1:1/app".to_owned()];
    let relay = Relay::start(&["--upstream", &urls[0], "--upstream", &urls[1]]);
    let tags = tags_of(&fixture_bytes("card.flv"));
    let (publisher, answer) = relay.post("/live/camera");
    publisher.send(flv_of(&tags[..3], true)).await.unwrap();
    until_state(&relay, "live/camera", "publishing").await;
    publisher.send(flv_of(&tags[3..], false)).await.unwrap();
    drop(publisher);
    within("answer", answer).await.unwrap();
    let seen = server.until("the goodbye", |seen| seen.iter().any(|s| s.contains(&Seen::Finish))).await;
    let [seen] = &seen[..] else { panic!("one connection, not {}", seen.len()) };
    assert_eq!(seen[..2], [Seen::Connect("app".into()), Seen::Publish("camera?key=hidden".into())]);
    assert!(matches!(seen[2], Seen::Metadata { width: Some(_) }), "{:?}", seen[2]);
    assert_eq!(media(seen), as_seen(&tags));
    assert_eq!(seen.last(), Some(&Seen::Finish));
}

#[tokio::test]
async fn enhanced_flv_goes_on_untouched() {
    let server = RtmpServer::start(0, None).await;
    let relay = Relay::start(&["--upstream", &server.url()]);
    let tags = tags_of(&fixture_bytes("counter-hevc-opus.flv"));
    let first = tags.iter().position(|tag| tag.class() == TagClass::Keyframe).unwrap();
    let mut publisher = relay.socket("/live/a", Some("publisher")).await;
    publisher.send(flv_of(&tags[..=first], true)).await;
    until_state(&relay, "live/a", "publishing").await;
    publisher.send(flv_of(&tags[first + 1..], false)).await;
    within("close", publisher.0.close(None)).await.unwrap();
    let seen = server.until("the goodbye", |seen| seen[0].contains(&Seen::Finish)).await;
    let bodies = |seen: &[Seen]| media(seen).iter().map(body).cloned().collect::<Vec<_>>();
    let published = bodies(&as_seen(&tags));
    // Nothing is lost but what comes before the keyframe; configurations come with it.
    assert!(bodies(&seen[0]).ends_with(&bodies(&as_seen(&tags[first..]))));
    assert!(bodies(&seen[0]).iter().all(|body| published.contains(body)));
}

#[tokio::test]
async fn a_late_server_gets_configurations_then_the_newest_keyframe() {
    let server = RtmpServer::start(0, None).await;
    let port = server.port;
    server.stop().await;
    let relay = Relay::start(&["--upstream", &format!("rtmp://127.0.0.1:{port}/app")]);
    let flv = fixture_bytes("card.flv");
    let mut publisher = relay.socket("/live/a", Some("publisher")).await;
    publisher.send(flv.clone()).await;
    let waiting = until_state(&relay, "live/a", "waiting").await;
    assert!(waiting["lastReason"].as_str().unwrap().starts_with("cannot connect"), "{waiting}");

    let server = RtmpServer::start(port, None).await;
    let expected = key_of(&flv);
    let seen =
        server.until("the group", |seen| seen.last().is_some_and(|s| media(s).ends_with(&expected))).await;
    let sent = media(seen.last().unwrap());
    let configs = &sent[..sent.len() - expected.len()];
    let is_config = |seen: &Seen| matches!(seen, Seen::Video(0, b) | Seen::Audio(0, b) if b[1] == 0);
    assert!(!configs.is_empty() && configs.iter().all(is_config), "{configs:?}");

    // It goes, and comes back: so does the stream, from 0 again.
    server.stop().await;
    let server = RtmpServer::start(port, None).await;
    server.until("the group again", |seen| seen.last().is_some_and(|s| media(s).ends_with(&expected))).await;
    let state = until_state(&relay, "live/a", "publishing").await;
    assert!(state["retries"].as_u64().unwrap() >= 2, "{state}");
}

#[tokio::test]
async fn a_refusal_is_told_and_tried_again() {
    let server = RtmpServer::start(0, Some("not this one")).await;
    let relay = Relay::start(&["--upstream", &server.url()]);
    let mut publisher = relay.socket("/live/a", Some("publisher")).await;
    publisher.send(fixture_bytes("card.flv")).await;
    let waiting = until_state(&relay, "live/a", "waiting").await;
    assert_eq!(waiting["lastReason"], "refused: NetStream.Publish.BadName: not this one");
    server.until("three tries", |seen| seen.len() >= 3).await;
    // The publisher and its players know nothing of it.
    assert!(!relay.until("live/a", |s| s["tags"].as_u64() > Some(3)).await.is_null());
}

#[tokio::test]
async fn who_publishes_again_is_published_again_after_the_goodbye() {
    let server = RtmpServer::start(0, None).await;
    let relay = Relay::start(&["--upstream", &server.url()]);
    let flv = fixture_bytes("card.flv");
    let expected = as_seen(&tags_of(&flv));
    for round in 1..=3 {
        let mut publisher = relay.socket("/live/a", Some("publisher")).await;
        publisher.send(flv.clone()).await;
        let all =
            |seen: &[Vec<Seen>]| seen.len() == round && media(&seen[round - 1]).len() >= key_of(&flv).len();
        server.until("the stream", all).await;
        drop(publisher);
    }
    let seen = server.until("goodbyes", |s| s.iter().all(|s| s.contains(&Seen::Finish))).await;
    for one in seen {
        assert!(matches!(media(&one)[0], Seen::Video(0, _) | Seen::Audio(0, _)));
        assert_eq!(media(&one).last().map(body), expected.last().map(body));
    }
}

fn body(seen: &Seen) -> &Bytes {
    match seen {
        Seen::Audio(_, body) | Seen::Video(_, body) => body,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_publisher_that_begins_anew_within_its_stream_does_not_go_back_upstream() {
    let server = RtmpServer::start(0, None).await;
    let relay = Relay::start(&["--upstream", &server.url()]);
    let tags = tags_of(&fixture_bytes("counter-av.flv"));
    let tags = &tags[..tags.len() / 2];
    let mut publisher = relay.socket("/live/a", Some("publisher")).await;
    publisher.send(flv_of(&tags[..5], true)).await;
    until_state(&relay, "live/a", "publishing").await;
    publisher.send(flv_of(&tags[5..], false)).await;
    publisher.send(flv_of(tags, false)).await;
    // The sound in front of the first keyframe is left out where the server came late.
    let count = 2 * as_seen(tags).len() - 5;
    let seen = server.until("both rounds", |seen| media(&seen[0]).len() >= count).await;
    let stamps = |video: bool| {
        let of_kind = seen[0].iter().filter_map(move |seen| match seen {
            Seen::Video(at, _) if video => Some(*at),
            Seen::Audio(at, _) if !video => Some(*at),
            _ => None,
        });
        of_kind.collect::<Vec<_>>()
    };
    for stamps in [stamps(true), stamps(false)] {
        assert!(stamps.is_sorted(), "{stamps:?}");
        assert!(stamps.last() > Some(&(tags.last().unwrap().timestamp * 3 / 2)));
    }
}

/// A server that lets publish, and is then read by the test alone.
async fn narrow_server(listener: &TcpListener) -> (TcpStream, Peer) {
    let (mut stream, _) = within("connection", listener.accept()).await.unwrap();
    let mut peer = Peer::new(None);
    let mut bytes = vec![0; 4096];
    while !peer.seen.iter().any(|seen| matches!(seen, Seen::Publish(_))) {
        let len = within("RTMP", stream.read(&mut bytes)).await.unwrap();
        let answer = peer.input(&bytes[..len]);
        stream.write_all(&answer).await.unwrap();
    }
    (stream, peer)
}

fn narrow_listener() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket.listen(4).unwrap()
}

/// Pictures of 64 KiB, 40 a second, a keyframe every half second; each has its number.
struct Large {
    key: Tag,
    count: u32,
}

impl Large {
    fn of(tags: &[Tag]) -> Self {
        let key = tags.iter().find(|tag| tag.class() == TagClass::Keyframe).unwrap().clone();
        Self { key, count: 0 }
    }

    fn next(&mut self) -> Bytes {
        let mut body = self.key.body.to_vec();
        body.resize(64 << 10, 0);
        body[0] = if self.count.is_multiple_of(20) { 0x17 } else { 0x27 };
        body[100..104].copy_from_slice(&self.count.to_be_bytes());
        self.count += 1;
        let tag = Tag { timestamp: 20_000 + self.count * 25, body: body.into(), ..self.key.clone() };
        flv_of(&[tag], false)
    }

    fn number(body: &Bytes) -> Option<u32> {
        Some(u32::from_be_bytes(body.get(100..104)?.try_into().unwrap())).filter(|_| body.len() == 64 << 10)
    }
}

/// Without the ring's bound, a server that stops reading would get all that was said since.
#[tokio::test]
async fn a_server_that_does_not_read_costs_no_memory_and_is_given_up() {
    let listener = narrow_listener();
    let port = listener.local_addr().unwrap().port();
    let relay = Relay::start(&["--upstream", &format!("rtmp://127.0.0.1:{port}/app")]);
    let mut publisher = relay.socket("/live/a", Some("publisher")).await;
    let tags = tags_of(&fixture_bytes("counter-av.flv"));
    publisher.send(flv_of(&tags, true)).await;
    let _stalled = narrow_server(&listener).await;
    let before = relay.resident_mib();
    let mut pictures = Large::of(&tags);
    // 40 MiB.
    for _ in 0..640 {
        publisher.send(pictures.next()).await;
        sleep(Duration::from_millis(5)).await;
    }
    let after = relay.resident_mib();
    assert!(after - before < 30.0, "{before:.1} MiB before, {after:.1} MiB after");
    // 10 s after the last byte that it took.
    let waiting = until_state(&relay, "live/a", "waiting").await;
    assert_eq!(waiting["lastReason"], "lost: the server took nothing for 10 s");
}

#[tokio::test]
async fn a_server_that_pauses_loses_whole_groups_of_pictures_and_no_more() {
    let listener = narrow_listener();
    let port = listener.local_addr().unwrap().port();
    let relay = Relay::start(&["--upstream", &format!("rtmp://127.0.0.1:{port}/app")]);
    let mut publisher = relay.socket("/live/a", Some("publisher")).await;
    let tags = tags_of(&fixture_bytes("counter-av.flv"));
    publisher.send(flv_of(&tags[..5], true)).await;
    let (mut slow, mut peer) = narrow_server(&listener).await;
    let mut pictures = Large::of(&tags);
    // Longer than a reader may lag.
    let resumes = Instant::now() + Duration::from_millis(6500);
    while Instant::now() < resumes {
        publisher.send(pictures.next()).await;
        sleep(Duration::from_millis(25)).await;
    }
    let reading = tokio::spawn(async move {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(len @ 1..) = slow.read(&mut bytes).await {
            peer.input(&bytes[..len]);
        }
        peer.seen
    });
    for _ in 0..80 {
        publisher.send(pictures.next()).await;
        sleep(Duration::from_millis(25)).await;
    }
    let state = relay.until("live/a", |s| s["upstreams"][0]["skips"] == 1).await;
    assert_eq!((&state["skips"], &state["upstreams"][0]["state"]), (&0.into(), &"publishing".into()));
    drop(publisher);
    let seen = within("the rest", reading).await.unwrap();
    let got = seen.iter().filter_map(|seen| match seen {
        Seen::Video(_, body) => Large::number(body),
        _ => None,
    });
    let got: Vec<u32> = got.collect();
    let gaps: Vec<_> = got.windows(2).filter(|two| two[1] != two[0] + 1).map(|two| two[1]).collect();
    let [after_gap] = gaps[..] else { panic!("one gap, not {gaps:?}") };
    assert!(after_gap.is_multiple_of(20), "picture {after_gap} is no keyframe");
    assert_eq!(got.last(), Some(&(pictures.count - 1)));
}

#[tokio::test]
async fn going_down_says_goodbye_upstream_too() {
    let server = RtmpServer::start(0, None).await;
    let mut relay = Relay::start(&["--upstream", &server.url()]);
    let mut publisher = relay.socket("/live/a", Some("publisher")).await;
    publisher.send(fixture_bytes("card.flv")).await;
    until_state(&relay, "live/a", "publishing").await;
    relay.signal("-TERM");
    assert_eq!(relay.exit().await.code(), Some(0));
    server.until("the goodbye", |seen| seen[0].contains(&Seen::Finish)).await;
}
