use tokio::time::{Duration, sleep};

use super::*;

struct Relay {
    hub: Arc<Hub>,
    channels: Arc<Channels>,
    name: StreamName,
}

impl Relay {
    fn new(always: bool, streams: usize) -> Self {
        let limits = Limits { streams, ..Limits::default() };
        let hub = Arc::new(Hub::new(limits));
        let options = HlsOptions { always, ..HlsOptions::default() };
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let channels = Arc::new(Channels::new(options, limits, hub.clone(), tasks, shutdown));
        Self { hub, channels, name: "live/a".parse().unwrap() }
    }

    async fn publish(&self) -> Publication {
        self.publish_as(self.name.clone()).await
    }

    async fn publish_as(&self, name: StreamName) -> Publication {
        let publication = self.hub.publish(name).await.ok().unwrap();
        self.channels.published(&publication);
        publication
    }

    fn find(&self) -> Result<Arc<Channel>, Refusal> {
        self.channels.find(&self.name, Format::Fmp4)
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn packaging_begins_with_the_first_request_and_ends_when_nobody_asks() {
    let relay = Relay::new(false, 8);
    assert_eq!(relay.find().err(), Some(Refusal::NotLive(relay.name.clone())));
    let _publication = relay.publish().await;
    assert!(relay.channels.known(&relay.name, Format::Fmp4).is_none());
    let channel = relay.find().ok().unwrap();
    for _ in 0..10 {
        sleep(seconds(50)).await;
        let known = relay.channels.known(&relay.name, Format::Fmp4);
        assert!(known.is_some_and(|known| Arc::ptr_eq(&known, &channel)));
    }
    assert_eq!(relay.channels.count(), 1, "the other format has nobody");
    sleep(seconds(61)).await;
    assert_eq!(relay.channels.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_want_every_stream_packaged_always() {
    let relay = Relay::new(true, 8);
    let publication = relay.publish().await;
    sleep(seconds(1000)).await;
    assert_eq!(relay.channels.count(), FORMATS.len());
    drop(publication);
    sleep(seconds(100)).await;
    assert_eq!(relay.channels.count(), 0, "but not those that are over");
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_comes_back_in_time_goes_on_in_the_same_playlists() {
    let relay = Relay::new(false, 8);
    let publication = relay.publish().await;
    let channel = relay.find().ok().unwrap();
    drop(publication);
    sleep(seconds(9)).await;
    let publication = relay.publish().await;
    sleep(seconds(9)).await;
    assert!(!channel.is_over() && relay.find().is_ok_and(|found| Arc::ptr_eq(&found, &channel)));
    drop(publication);
    sleep(seconds(11)).await;
    assert!(channel.is_over());
    assert!(relay.find().is_ok_and(|found| Arc::ptr_eq(&found, &channel)), "its viewers get what is left");
    let _publication = relay.publish().await;
    assert!(relay.find().is_ok_and(|found| !Arc::ptr_eq(&found, &channel)), "another stream is another one");
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_over_make_room_for_those_that_live() {
    let relay = Relay::new(false, 2);
    for n in 0..10 {
        let name: StreamName = format!("live/{n}").parse().unwrap();
        let publication = relay.publish_as(name.clone()).await;
        for format in FORMATS {
            assert!(relay.channels.find(&name, format).is_ok(), "{n}");
        }
        drop(publication);
        sleep(seconds(11)).await;
        assert!(relay.channels.count() <= 4);
    }
}
