//! What the network delivers and when: fixture streams replayed as a live server would send them.

use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use sailcast_engine::{IoError, IoEvent, Response};
use sailcast_media::{
    Micros,
    flv::{
        TagClass,
        tag::{Tag, TagEvent, TagKind, TagReader, write_header, write_tag},
    },
};

/// All that a connection will deliver, each event at its time after the request.
#[derive(Clone, Debug)]
pub struct Network {
    pub deliveries: Vec<(Micros, IoEvent)>,
}

impl Network {
    /// The link carries nothing from `from_ms` for `length_ms`; what was due comes at its end.
    pub fn outage(mut self, from_ms: i64, length_ms: i64) -> Self {
        let (from, to) = (Micros::from_millis(from_ms), Micros::from_millis(from_ms + length_ms));
        for (at, _) in &mut self.deliveries {
            if *at >= from && *at < to {
                *at = to;
            }
        }
        self
    }

    /// Each delivery comes up to `ms` late, in order, by a fixed pseudo-random pattern.
    pub fn jitter(mut self, ms: i64) -> Self {
        let mut seed = 12345u64;
        let mut last = Micros::ZERO;
        for (at, _) in &mut self.deliveries {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let late = Micros((seed >> 33) as i64 % (ms * 1000).max(1));
            *at = (*at + late).max(last);
            last = *at;
        }
        self
    }

    /// Another publisher goes on in the same response: its own end and file header were taken off by the server.
    pub fn followed_by(mut self, again: Self) -> Self {
        self.deliveries.pop();
        let begin = self.deliveries.last().map_or(Micros::ZERO, |(at, _)| *at);
        for (after, event) in again.deliveries.into_iter().skip(1) {
            let event = match event {
                IoEvent::Bytes(b) if b.starts_with(b"FLV") => IoEvent::Bytes(b.slice(13..)),
                event => event,
            };
            self.deliveries.push((begin + after, event));
        }
        self
    }

    pub fn then(mut self, event: IoEvent) -> Self {
        let at = self.deliveries.last().map_or(Micros::ZERO, |(at, _)| *at) + Micros(1000);
        self.deliveries.push((at, event));
        self
    }

    /// The responses do not say how long they are, as those of a live server.
    pub fn endless(mut self) -> Self {
        for (_, event) in &mut self.deliveries {
            if let IoEvent::Opened(Response { finite, .. }) = event {
                *finite = false;
            }
        }
        self
    }

    /// Only these events, 20 ms after the request and 1 ms apart.
    pub fn only(events: Vec<IoEvent>) -> Self {
        let deliveries =
            events.into_iter().enumerate().map(|(i, e)| (Micros(20_000 + 1000 * i as i64), e)).collect();
        Self { deliveries }
    }

    pub fn refused() -> Self {
        Self::only(vec![IoEvent::Failed(IoError::Connect)])
    }
}

pub fn fixture(name: &str) -> Bytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/media").join(name);
    Bytes::from(std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

pub fn tags(name: &str) -> Vec<Tag> {
    let mut reader = TagReader::new();
    reader.push(fixture(name));
    reader.finish();
    let mut tags = Vec::new();
    while let Ok(Some(event)) = reader.poll() {
        if let TagEvent::Tag(tag) = event {
            tags.push(tag);
        }
    }
    tags
}

/// The fixture's tags over and over, for streams that outlive it: `length_ms` from one turn to the next.
pub fn looped(name: &str, length_ms: u32, turns: u32) -> Vec<Tag> {
    let all = tags(name);
    let turn = |n: u32| {
        let media = all.iter().filter(move |t| n == 0 || !is_config(t) && t.kind != TagKind::Script);
        media.cloned().map(move |t| Tag { timestamp: t.timestamp + n * length_ms, ..t })
    };
    (0..turns).flat_map(turn).collect()
}

fn serialise(tags: &[&Tag]) -> Bytes {
    let mut out = BytesMut::new();
    for tag in tags {
        write_tag(&mut out, tag.kind, tag.timestamp, &tag.body).expect("a tag that was read can be written");
    }
    out.freeze()
}

fn is_config(tag: &Tag) -> bool {
    matches!(tag.class(), TagClass::VideoConfig | TagClass::AudioConfig)
}

/// A live stream joined `join_ms` into the fixture: after `rtt_ms`, the headers and the cached GOP at once, then each tag at
/// its time, until the fixture ends and the server says so.
pub fn live(name: &str, join_ms: u32, rtt_ms: i64) -> Network {
    live_tags(&tags(name), join_ms, rtt_ms)
}

pub fn live_tags(all: &[Tag], join_ms: u32, rtt_ms: i64) -> Network {
    let begin = Micros::from_millis(rtt_ms);
    let has_video = all.iter().any(|t| t.kind == TagKind::Video);
    let cached_from = all
        .iter()
        .rposition(|t| t.timestamp <= join_ms && t.class() == TagClass::Keyframe)
        .or_else(|| all.iter().position(|t| t.timestamp + 500 >= join_ms && !is_config(t)))
        .unwrap_or(0);
    let mut head = BytesMut::new();
    write_header(&mut head, true, has_video);
    let first_ts = all.get(cached_from).map_or(0, |t| t.timestamp);
    for tag in all.iter().filter(|t| is_config(t)).take(2) {
        write_tag(&mut head, tag.kind, first_ts, &tag.body).expect("writable");
    }
    let media: Vec<&Tag> =
        all.iter().skip(cached_from).filter(|t| !is_config(t) && t.kind != TagKind::Script).collect();
    let burst: Vec<&Tag> = media.iter().copied().filter(|t| t.timestamp <= join_ms).collect();
    head.extend_from_slice(&serialise(&burst));
    let mut deliveries =
        vec![(begin, IoEvent::Opened(Response::new(200, true))), (begin, IoEvent::Bytes(head.freeze()))];
    for tag in media.iter().filter(|t| t.timestamp > join_ms) {
        let after = Micros::from_millis(i64::from(tag.timestamp - join_ms));
        deliveries.push((begin + after, IoEvent::Bytes(serialise(&[tag]))));
    }
    Network { deliveries }.then(IoEvent::End)
}
