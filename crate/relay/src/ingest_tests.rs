use std::sync::Arc;

use futures_util::stream;
use sailcast_media::flv::TagKind;

use super::*;
use crate::{hub::Hub, tags::serialised};

fn tag(len: usize) -> Tag {
    Tag { offset: 0, kind: TagKind::Video, timestamp: 0, body: vec![0x27; len].into() }
}

/// A stream's beginning, then so many tags of that size.
fn flv(count: usize, len: usize) -> Bytes {
    let mut out = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00".to_vec();
    (0..count).for_each(|_| out.extend(serialised(&tag(len))));
    out.into()
}

/// Forwards chunks, one each `pause`, under limits; why it was over, and how many tags came through.
async fn forwarded(chunks: Vec<Bytes>, pause: Duration, limits: Limits) -> (Over, u64) {
    let hub = Arc::new(Hub::default());
    let publication = hub.publish("live/a".parse().unwrap()).await.ok().unwrap();
    let chunks = stream::unfold(chunks.into_iter(), async |mut chunks| {
        tokio::time::sleep(pause).await;
        Some((Ok(chunks.next().unwrap_or_default()), chunks))
    });
    let over = forward(publication, Box::pin(chunks), &limits, &CancellationToken::new()).await;
    (over, hub.counters.tags_in.get())
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_falls_silent_is_sent_away() {
    let began = Instant::now();
    // Bytes that never make a tag are silence too.
    let (over, tags) = forwarded(vec![flv(3, 2)], Duration::from_millis(100), Limits::default()).await;
    assert_eq!((over, tags), (Refusal::Silent(30).into(), 3));
    assert_eq!(began.elapsed().as_secs(), SILENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_publisher_over_the_bit_rate_is_sent_away_after_some_seconds() {
    let limits = Limits { bit_rate: 1_000_000, ..Limits::default() };
    let second = |len: usize| {
        let tag = serialised(&tag(len));
        [vec![flv(1, 2)], vec![tag; 20]].concat()
    };
    let (over, tags) = forwarded(second(120_000), Duration::from_secs(1), limits).await;
    assert_eq!((over, tags), (Refusal::Silent(30).into(), 21));
    let (over, tags) = forwarded(second(250_000), Duration::from_secs(1), limits).await;
    assert_eq!(over, Refusal::BitRate(1_000_000).into());
    assert!((4..=7).contains(&tags), "{tags}");
}

#[tokio::test(start_paused = true)]
async fn a_tag_over_the_limit_is_refused_and_those_before_it_pass() {
    let limits = Limits { tag: 100, ..Limits::default() };
    let chunk = Bytes::from([&flv(2, 100)[..], &serialised(&tag(101)), &serialised(&tag(1))].concat());
    let (over, tags) = forwarded(vec![chunk], Duration::from_millis(1), limits).await;
    assert_eq!((over, tags), (Refusal::TagSize { len: 101, max: 100 }.into(), 2));
}
