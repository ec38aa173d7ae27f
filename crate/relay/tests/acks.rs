//! Publishers that hear how much was taken.

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Relay, Socket, fixture_bytes, flv_of, tags_of, within};
use futures_util::{SinkExt, StreamExt};
use sailcast_media::flv::{Tag, TagClass};
use tokio::time::timeout;
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

async fn publisher(relay: &Relay, protocols: &'static str) -> Socket {
    let mut request = format!("ws://127.0.0.1:{}/live/a", relay.port).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(protocols));
    let (socket, response) = client_async(request, relay.connect_narrow().await).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "publisher");
    Socket(socket)
}

/// The next acknowledgement, if it comes within that time.
async fn ack(socket: &mut Socket, patience: Duration) -> Option<u64> {
    match timeout(patience, socket.0.next()).await.ok()? {
        Some(Ok(Message::Text(text))) => {
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json.as_object().unwrap().len(), 1);
            json["received"].as_u64()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_taken_is_told_at_once_and_then_no_oftener_than_needed() {
    let relay = Relay::start(&[]);
    let flv = fixture_bytes("card.flv");
    let mut socket = publisher(&relay, "publisher, acks.sailcast").await;
    socket.send(flv.slice(..1000)).await;
    assert_eq!(ack(&mut socket, common::PATIENCE).await, Some(1000));
    let began = Instant::now();
    let pieces = flv.slice(1000..).chunks(100).map(Bytes::copy_from_slice).collect::<Vec<_>>();
    for piece in pieces {
        socket.send(piece).await;
    }
    let (mut told, mut count) = (1000, 0);
    while told < flv.len() as u64 {
        let next = ack(&mut socket, common::PATIENCE).await.unwrap();
        assert!(next > told);
        (told, count) = (next, count + 1);
    }
    assert_eq!(told, flv.len() as u64);
    let most = began.elapsed().as_millis() / 100 + 2;
    assert!(count <= most, "{count} in {:?}", began.elapsed());
    // Nothing new, nothing said.
    assert_eq!(ack(&mut socket, Duration::from_millis(300)).await, None);
    within("close", socket.0.close(None)).await.unwrap();
    relay.until_gone("live/a").await;
}

#[tokio::test]
async fn who_does_not_ask_hears_nothing() {
    let relay = Relay::start(&[]);
    let mut socket = publisher(&relay, "publisher").await;
    socket.send(fixture_bytes("card.flv")).await;
    relay.until_has("live/a", 3).await;
    assert_eq!(ack(&mut socket, Duration::from_millis(300)).await, None);
}

#[tokio::test]
async fn the_order_of_the_offer_does_not_matter() {
    let relay = Relay::start(&[]);
    let mut socket = publisher(&relay, "acks.sailcast, publisher").await;
    socket.send(fixture_bytes("card.flv").slice(..20)).await;
    assert_eq!(ack(&mut socket, common::PATIENCE).await, Some(20));
}

/// Pings make the relay answer more than acknowledgements ever would: its system's buffers fill, and it goes on.
#[tokio::test]
async fn a_publisher_that_never_reads_goes_on_and_costs_no_memory() {
    let relay = Relay::start(&[]);
    let tags = tags_of(&fixture_bytes("counter-av.flv"));
    let frame = tags.iter().find(|tag| tag.class() == TagClass::VideoFrame).unwrap();
    let mut socket = publisher(&relay, "publisher, acks.sailcast").await;
    socket.send(flv_of(&tags, true)).await;
    relay.until_has("live/a", tags.len()).await;
    let before = relay.resident_mib();
    const ROUNDS: usize = 40_000;
    for n in 0..ROUNDS {
        let ping = Message::Ping(Bytes::from_static(&[7; 125]));
        within("ping", socket.0.feed(ping)).await.unwrap();
        let tag = Tag { timestamp: 20_000 + n as u32, ..frame.clone() };
        within("tag", socket.0.feed(Message::Binary(flv_of(&[tag], false)))).await.unwrap();
    }
    within("flush", socket.0.flush()).await.unwrap();
    let state = relay.until_has("live/a", tags.len() + ROUNDS).await;
    assert!(!state.is_null());
    let grown = relay.resident_mib() - before;
    assert!(grown < 25.0, "{grown:.1} MiB more");
}
