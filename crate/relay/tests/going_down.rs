//! The end of the process.

mod common;

use std::time::{Duration, Instant};

use common::{Player, Relay, fixture, fixture_bytes, within};

#[tokio::test]
async fn everyone_hears_the_end_and_the_process_leaves_in_good_order() {
    for signal in ["-TERM", "-INT"] {
        let mut relay = Relay::start(&["--demo", fixture("card.flv").to_str().unwrap()]);
        let (posting, answer) = relay.post("/live/post");
        posting.send(fixture_bytes("card.flv")).await.unwrap();
        let mut publisher = relay.socket("/live/socket", Some("publisher")).await;
        publisher.send(fixture_bytes("card.flv")).await;
        relay.until_has("live/post", 1).await;
        relay.until_has("live/socket", 1).await;
        let mut http = Player::http(&relay, "/live/post.flv").await;
        let mut socket = Player::socket(&relay, "/live/demo").await;
        http.tags(3).await;
        socket.tags(3).await;
        // One that reads nothing must not hold the others up, nor one that never says what it wants.
        let _paused = relay.socket_on(relay.connect_narrow().await, "/live/demo", None).await;
        let _silent = relay.connect().await;

        let began = Instant::now();
        relay.signal(signal);
        let goodbye = (1001, "the relay is going down".to_owned());
        assert_eq!(publisher.closed().await, goodbye);
        http.rest().await;
        socket.rest().await;
        assert_eq!(socket.ended, Some(Some(goodbye)));
        assert_eq!(within("answer", answer).await.unwrap().0, 503);
        let status = relay.exit().await;
        assert_eq!(status.code(), Some(0));
        assert!(began.elapsed() < Duration::from_secs(3), "took {:?}", began.elapsed());
    }
}
