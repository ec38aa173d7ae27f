//! What players get, over HTTP and over WebSocket.

mod common;

use bytes::Bytes;
use common::{Player, Relay, essence, fixture_bytes, flv_of, last_keyframe, tags_of, whole};
use hyper::{Method, StatusCode};
use sailcast_media::flv::{Tag, TagClass, TagKind};

/// Publishes and keeps the stream open.
async fn live(relay: &Relay, name: &str, flv: Bytes) -> tokio::sync::mpsc::Sender<Bytes> {
    let (publisher, _) = relay.post(&format!("/{name}"));
    publisher.send(flv.clone()).await.unwrap();
    relay.until_has(name, tags_of(&flv).len()).await;
    publisher
}

async fn both(relay: &Relay, name: &str) -> [Player; 2] {
    [Player::http(relay, &format!("/{name}.flv")).await, Player::socket(relay, &format!("/{name}.flv")).await]
}

#[tokio::test]
async fn headers_come_first_then_the_newest_group_then_live_tags_then_the_end() {
    let relay = Relay::start(&[]);
    let tags = tags_of(&fixture_bytes("counter-av.flv"));
    let (before, after) = tags.split_at(tags.len() - 5);
    let publisher = live(&relay, "live/a", flv_of(before, true)).await;
    let mut players = both(&relay, "live/a").await;
    relay.until("live/a", |s| s["players"] == 2).await;

    let group = last_keyframe(before);
    let start = before[group].timestamp;
    let headers: Vec<Tag> = [TagClass::Script, TagClass::VideoConfig, TagClass::AudioConfig]
        .iter()
        .map(|class| Tag { timestamp: start, ..tags.iter().find(|t| t.class() == *class).unwrap().clone() })
        .collect();
    let expected = [&headers, &before[group..]].concat();
    for player in &mut players {
        assert_eq!(essence(&player.tags(expected.len()).await), essence(&expected));
        assert_eq!(player.header, Some((true, true)));
    }

    publisher.send(flv_of(after, false)).await.unwrap();
    drop(publisher);
    for player in &mut players {
        let rest: Vec<Tag> = player.rest().await;
        assert_eq!(essence(&rest), essence(after));
    }
    assert_eq!(players[0].ended, Some(None));
    assert_eq!(players[1].ended, Some(Some((1000, "stream ended".into()))));
    relay.until_gone("live/a").await;
}

#[tokio::test]
async fn a_socket_plays_with_and_without_the_suffix() {
    let relay = Relay::start(&[]);
    let _publisher = live(&relay, "live/a", fixture_bytes("card.flv")).await;
    for path in ["/live/a", "/live/a.flv", "/live/a.flv?token=1"] {
        let mut player = Player::socket(&relay, path).await;
        assert_eq!(player.tags(2).await.len(), 2, "{path}");
    }
}

#[tokio::test]
async fn sound_alone_and_picture_alone_play_under_true_flags() {
    let relay = Relay::start(&[]);
    for (file, header) in [("audio-only.flv", (true, false)), ("video-only.flv", (false, true))] {
        let tags = tags_of(&fixture_bytes(file));
        let publisher = live(&relay, "live/a", fixture_bytes(file)).await;
        for mut player in both(&relay, "live/a").await {
            let first = player.tags(3).await;
            assert_eq!(player.header, Some(header), "{file}");
            let frame =
                first.iter().find(|t| matches!(t.class(), TagClass::Keyframe | TagClass::Audio)).unwrap();
            assert!(first.iter().all(|t| t.timestamp == frame.timestamp), "{file}: headers stamped alike");
            let newest = tags.last().unwrap().timestamp;
            if !header.1 {
                assert!((950..=1000).contains(&(newest - frame.timestamp)), "a second of sound: {frame:?}");
            }
        }
        drop(publisher);
        relay.until_gone("live/a").await;
    }
}

#[tokio::test]
async fn codecs_unknown_to_the_relay_pass_by_their_class_alone() {
    let tag = |kind, timestamp, body: &'static [u8]| Tag { offset: 0, kind, timestamp, body: body.into() };
    let tags = [
        tag(TagKind::Video, 0, b"\x90zz01config"),
        tag(TagKind::Audio, 0, b"\x90Opusconfig"),
        tag(TagKind::Video, 0, b"\x91zz01key"),
        tag(TagKind::Video, 40, b"\xa1zz01delta"),
        tag(TagKind::Video, 80, b"\x91zz01key"),
        tag(TagKind::Audio, 81, b"\x91Opusframe"),
        tag(TagKind::Video, 120, b"\xa3zz01delta"),
    ];
    let relay = Relay::start(&[]);
    let _publisher = live(&relay, "live/a", flv_of(&tags, true)).await;
    let health = relay.until_has("live/a", tags.len()).await;
    assert_eq!(health["codecs"], serde_json::json!(["zz01", "Opus"]));
    let stamped = |n: usize| (80, tags[n].body.clone());
    let expected = [vec![stamped(0), stamped(1)], essence(&tags[4..])].concat();
    for mut player in both(&relay, "live/a").await {
        assert_eq!(essence(&player.tags(5).await), expected);
    }
}

#[tokio::test]
async fn what_is_not_live_is_told_so() {
    let relay = Relay::start(&[]);
    let response = relay.get("/live/none.flv").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let body: serde_json::Value = serde_json::from_slice(&whole(response).await).unwrap();
    assert_eq!(body["reason"], "live/none is not live");
    let closed = relay.socket("/live/none.flv", None).await.closed().await;
    assert_eq!(closed, (4404, "live/none is not live".into()));
}

#[tokio::test]
async fn any_page_may_read_a_stream_and_no_cache_may_keep_it() {
    let relay = Relay::start(&[]);
    let _publisher = live(&relay, "live/a", fixture_bytes("card.flv")).await;
    for (method, status) in [(Method::GET, 200), (Method::HEAD, 200), (Method::OPTIONS, 204)] {
        let response = relay.request(method.clone(), "/live/a.flv").await;
        assert_eq!(response.status().as_u16(), status, "{method}");
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["access-control-expose-headers"], "*");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
    }
    relay.until("live/a", |s| s["players"] == 0).await;
}
