//! Close handshakes begun by the client: a browser that gets no answer calls its own close unclean.

mod common;

use std::time::Duration;

use common::{Relay, Socket, fixture, fixture_bytes, tags_of, within};
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Closes, and reads to the connection's end.
async fn close_is_answered(mut socket: Socket) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "enough".into() };
    within("close", socket.0.close(Some(frame.clone()))).await.unwrap();
    let mut answer = None;
    while let Some(message) = within("answer", socket.0.next()).await {
        if let Message::Close(frame) = message.expect("an end by the rules") {
            answer = frame;
        }
    }
    assert_eq!(answer.map(|frame| frame.code), Some(frame.code));
}

#[tokio::test]
async fn a_player_that_closes_is_answered() {
    let relay = Relay::start(&["--demo", fixture("card.flv").to_str().unwrap()]);
    let idle = fixture_bytes("card.flv");
    let (publisher, _) = relay.post("/live/idle");
    publisher.send(idle.clone()).await.unwrap();
    relay.until_has("live/idle", tags_of(&idle).len()).await;
    for path in ["/live/demo", "/live/idle"] {
        // At once, and in the midst of it.
        for after in [Duration::ZERO, Duration::from_millis(300)] {
            let mut player = relay.socket(path, None).await;
            player.next().await.unwrap();
            tokio::time::sleep(after).await;
            close_is_answered(player).await;
        }
    }
    relay.until("live/idle", |s| s["players"] == 0).await;
}

#[tokio::test]
async fn a_publisher_that_closes_is_answered() {
    let relay = Relay::start(&[]);
    let mut publisher = relay.socket("/live/a", Some("publisher")).await;
    publisher.send(fixture_bytes("card.flv")).await;
    relay.until_has("live/a", 1).await;
    close_is_answered(publisher).await;
    relay.until_gone("live/a").await;
}
