//! The streams that are live, by name.
//!
//! **Invariant:** a name has at most one publisher, and a stream is listed exactly as long as its [`Publication`]
//! lives; when that is dropped, every player gets what is left and then the end. Streams that are over and not yet
//! let go count against the limit of streams too, so that players who never read cannot pin more memory than live streams.
//!
//! It moves tags from one publisher to many players and knows neither HTTP nor WebSocket.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use sailcast_media::{Micros, flv::Tag};
use tokio::{
    runtime::Handle,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    limits::Limits,
    metrics::Counters,
    name::StreamName,
    refusal::Refusal,
    ring::{Cursor, Ended, MAX_LAG, Ring, Step},
    stats::StreamStats,
};

/// How long a new publisher waits for the old one of its name: the end of a connection may be seen a little later
/// than the start of the one that replaces it.
const HANDOVER: Duration = Duration::from_millis(500);
/// How long players may take to get what is left of a stream that is over: as long as they may lag while it lives.
const LAST_WORDS: Duration = MAX_LAG;

#[derive(Default)]
pub struct Hub {
    limits: Limits,
    pub counters: Counters,
    streams: Mutex<Streams>,
    players: AtomicUsize,
    /// Changes whenever a name becomes free.
    freed: watch::Sender<()>,
}

#[derive(Default)]
struct Streams {
    live: BTreeMap<StreamName, Arc<Stream>>,
    /// Those over whose players may still get what is left, the oldest first.
    ended: VecDeque<Weak<Stream>>,
    closed: bool,
}

impl Streams {
    /// Lets go of the oldest ended streams if one more would be more than `max`.
    fn make_room(&mut self, max: usize) {
        self.ended.retain(|s| s.upgrade().is_some_and(|s| !s.let_go.is_cancelled()));
        while self.live.len() + self.ended.len() >= max {
            let Some(oldest) = self.ended.pop_front() else { break };
            oldest.upgrade().inspect(|stream| stream.forget());
        }
    }
}

struct Stream {
    name: StreamName,
    ring: watch::Sender<Ring>,
    since: Instant,
    stats: Mutex<StreamStats>,
    players: AtomicUsize,
    skips: AtomicU64,
    let_go: CancellationToken,
}

impl Stream {
    /// Frees the memory of a stream that is over and sends away the players still at it.
    fn forget(&self) {
        self.ring.send_modify(Ring::forget);
        self.let_go.cancel();
    }
}

/// What the health report says of a stream.
pub struct StreamHealth {
    pub name: String,
    pub players: usize,
    pub skips: u64,
    pub tags: u64,
    pub kbit_per_s: u64,
    pub codecs: Vec<String>,
    pub age: Duration,
}

impl Hub {
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes the name for a publisher.
    pub async fn publish(self: &Arc<Self>, name: StreamName) -> Result<Publication, Refusal> {
        let mut freed = self.freed.subscribe();
        let wait = async {
            loop {
                match self.try_publish(name.clone()) {
                    Err(Refusal::Taken(_)) => {}
                    settled => return settled,
                }
                if freed.changed().await.is_err() {
                    return Err(Refusal::Shutdown);
                }
            }
        };
        timeout(HANDOVER, wait).await.unwrap_or(Err(Refusal::Taken(name.clone())))
    }

    fn try_publish(self: &Arc<Self>, name: StreamName) -> Result<Publication, Refusal> {
        let mut streams = self.lock();
        if streams.closed {
            return Err(Refusal::Shutdown);
        }
        if streams.live.contains_key(&name) {
            return Err(Refusal::Taken(name));
        }
        if streams.live.len() >= self.limits.streams {
            return Err(Refusal::Streams(self.limits.streams));
        }
        streams.make_room(self.limits.streams);
        let stream = Arc::new(Stream {
            name: name.clone(),
            ring: watch::Sender::new(Ring::default()),
            since: Instant::now(),
            stats: Mutex::default(),
            players: AtomicUsize::new(0),
            skips: AtomicU64::new(0),
            let_go: CancellationToken::new(),
        });
        streams.live.insert(name, stream.clone());
        drop(streams);
        self.counters.publications.add(1);
        log::info!("{}: published", stream.name);
        Ok(Publication { hub: self.clone(), stream })
    }

    /// A player's view of a live stream.
    pub fn play(self: &Arc<Self>, name: &StreamName) -> Result<Subscription, Refusal> {
        let stream = self.lock().live.get(name).cloned().ok_or_else(|| Refusal::NotLive(name.clone()))?;
        let max = self.limits.players;
        let one_more = |players: usize| (players < max).then_some(players + 1);
        if self.players.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_err() {
            return Err(Refusal::Players(max));
        }
        stream.players.fetch_add(1, Ordering::Relaxed);
        let mut subscription = Subscription::of(stream);
        subscription.hub = Some(self.clone());
        Ok(subscription)
    }

    /// A view of a live stream, from the oldest that is left of it, for what is no player.
    pub fn follow(&self, name: &StreamName) -> Result<Subscription, Refusal> {
        let stream = self.lock().live.get(name).cloned().ok_or_else(|| Refusal::NotLive(name.clone()))?;
        Ok(Subscription::with_history(stream))
    }

    pub fn is_live(&self, name: &StreamName) -> bool {
        self.lock().live.contains_key(name)
    }

    /// How many there are now.
    pub fn players(&self) -> usize {
        self.players.load(Ordering::Relaxed)
    }

    pub fn streams(&self) -> usize {
        self.lock().live.len()
    }

    pub fn health(&self) -> Vec<StreamHealth> {
        let streams: Vec<_> = self.lock().live.values().cloned().collect();
        let now = Instant::now();
        streams
            .iter()
            .map(|stream| {
                let stats = locked(&stream.stats);
                StreamHealth {
                    name: stream.name.to_string(),
                    players: stream.players.load(Ordering::Relaxed),
                    skips: stream.skips.load(Ordering::Relaxed),
                    tags: stats.tags(),
                    kbit_per_s: stats.kbit_per_s(now.saturating_duration_since(stream.since)),
                    codecs: stats.codecs(),
                    age: now.saturating_duration_since(stream.since),
                }
            })
            .collect()
    }

    /// Ends every stream and takes no new one.
    pub fn close(&self) {
        let mut streams = self.lock();
        streams.closed = true;
        for stream in streams.live.values() {
            stream.ring.send_modify(|ring| ring.end_stream(Ended::Shutdown));
        }
        drop(streams);
        self.freed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        locked(&self.streams)
    }
}

/// No code panics while it holds one of these locks in a half-changed state.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to publish under a name; dropping it ends the stream.
pub struct Publication {
    hub: Arc<Hub>,
    stream: Arc<Stream>,
}

impl Publication {
    pub fn name(&self) -> &StreamName {
        &self.stream.name
    }

    /// A view of the stream for what is no player.
    pub fn follow(&self) -> Subscription {
        Subscription::of(self.stream.clone())
    }

    /// The same, from the oldest that is left of the stream.
    pub fn follow_all(&self) -> Subscription {
        Subscription::with_history(self.stream.clone())
    }

    /// What the publisher's connection brought.
    pub fn note_received(&self, bytes: usize) {
        self.hub.counters.bytes_in.add(bytes as u64);
    }

    /// What the FLV header said.
    pub fn promise(&self, has_audio: bool, has_video: bool) {
        self.stream.ring.send_if_modified(|ring| {
            ring.promise(has_audio, has_video);
            false
        });
    }

    /// Adds the tags and wakes the players once.
    pub fn push(&self, tags: &[Tag]) {
        if tags.is_empty() {
            return;
        }
        self.hub.counters.tags_in.add(tags.len() as u64);
        let now = Instant::now();
        self.stream.ring.send_modify(|ring| tags.iter().for_each(|tag| ring.push(tag, now)));
        locked(&self.stream.stats).note(tags, now.saturating_duration_since(self.stream.since));
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.stream.ring.send_modify(|ring| ring.end_stream(Ended::Publisher));
        let ended = Arc::downgrade(&self.stream);
        let mut streams = self.hub.lock();
        streams.live.remove(&self.stream.name);
        streams.ended.push_back(ended.clone());
        drop(streams);
        self.hub.freed.send_replace(());
        // A player that does not read holds its subscription for ever: only time ends it. Where no runtime is left,
        // neither is a player.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(LAST_WORDS).await;
                ended.upgrade().inspect(|stream| stream.forget());
            });
        }
        log::info!("{}: over after {} s", self.stream.name, self.stream.since.elapsed().as_secs());
    }
}

/// A reader of a stream: one player, or an upstream server.
pub struct Subscription {
    /// Of a player, which is counted there.
    hub: Option<Arc<Hub>>,
    stream: Arc<Stream>,
    ring: watch::Receiver<Ring>,
    cursor: Cursor,
    told: Skipped,
}

/// What a reader lost because it was too slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    pub times: u64,
    pub tags: u64,
}

impl Subscription {
    fn of(stream: Arc<Stream>) -> Self {
        let ring = stream.ring.subscribe();
        Self { hub: None, stream, ring, cursor: Cursor::new(Instant::now()), told: Skipped::default() }
    }

    fn with_history(stream: Arc<Stream>) -> Self {
        let mut subscription = Self::of(stream);
        subscription.cursor = Cursor::with_history(Instant::now());
        subscription
    }

    pub fn name(&self) -> &StreamName {
        &self.stream.name
    }

    /// How long the stream's groups of pictures have been lately, once there was a whole one.
    pub fn group(&self) -> Option<Micros> {
        locked(&self.stream.stats).group()
    }

    /// Begins anew: with headers, at the newest group of pictures.
    pub fn restart(&mut self) {
        self.cursor = Cursor::new(Instant::now());
        self.told = Skipped::default();
    }

    /// Completes once no more tags will come.
    pub async fn over(&mut self) {
        // The ring's sender lives in the stream that this subscription keeps alive.
        let _ = self.ring.wait_for(Ring::has_ended).await;
    }

    /// What was lost since this was last asked.
    pub fn take_skipped(&mut self) -> Skipped {
        let all = Skipped { times: self.cursor.skips(), tags: self.cursor.skipped_tags() };
        let new = Skipped { times: all.times - self.told.times, tags: all.tags - self.told.tags };
        self.told = all;
        new
    }

    /// The next bytes, when there are some.
    pub async fn next(&mut self) -> Result<Bytes, Ended> {
        loop {
            match self.try_next() {
                Step::Send(bytes) => return Ok(bytes),
                Step::End(why) => return Err(why),
                Step::Wait => {}
            }
            // The ring's sender lives in the stream that this subscription keeps alive.
            if self.ring.changed().await.is_err() {
                return Err(Ended::Publisher);
            }
        }
    }

    /// Cancelled some time after the stream's end: whoever still sends what is left of it should stop.
    pub fn let_go(&self) -> CancellationToken {
        self.stream.let_go.clone()
    }

    /// The next bytes if they are there already.
    pub fn try_next(&mut self) -> Step {
        let step = self.cursor.step(&self.ring.borrow_and_update(), Instant::now());
        if let (Some(hub), Step::Send(bytes)) = (&self.hub, &step) {
            hub.counters.bytes_out.add(bytes.len() as u64);
        }
        if self.hub.is_some() && self.cursor.skips() != self.told.times {
            self.tell_skips();
        }
        step
    }

    fn tell_skips(&mut self) {
        let skipped = self.take_skipped();
        self.stream.skips.fetch_add(skipped.times, Ordering::Relaxed);
        if let Some(hub) = &self.hub {
            hub.counters.skips.add(skipped.times);
            hub.counters.skipped_tags.add(skipped.tags);
        }
        log::debug!("{}: a slow player was moved to the newest keyframe", self.stream.name);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(hub) = &self.hub {
            hub.players.fetch_sub(1, Ordering::Relaxed);
            self.stream.players.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use sailcast_media::flv::TagKind;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_taken_name_is_refused_and_free_again_once_its_publisher_left() {
        let hub = Arc::new(Hub::default());
        let name: StreamName = "live/a".parse().unwrap();
        let first = hub.publish(name.clone()).await.ok().unwrap();
        assert_eq!(hub.publish(name.clone()).await.err(), Some(Refusal::Taken(name.clone())));

        let mut player = hub.play(&name).unwrap();
        drop(first);
        assert_eq!(player.next().await, Err(Ended::Publisher));
        assert_eq!(hub.play(&name).err(), Some(Refusal::NotLive(name.clone())));
        assert!(hub.publish(name).await.is_ok());
    }

    #[tokio::test]
    async fn a_publisher_that_comes_while_the_old_one_leaves_is_let_in() {
        let hub = Arc::new(Hub::default());
        let name: StreamName = "live/a".parse().unwrap();
        let first = hub.publish(name.clone()).await.ok().unwrap();
        let (second, ()) = tokio::join!(hub.publish(name), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(second.is_ok());
    }

    fn keyframe() -> Tag {
        Tag { offset: 0, kind: TagKind::Video, timestamp: 0, body: Bytes::from_static(b"\x17\x01picture") }
    }

    async fn ended_stream_with_player(hub: &Arc<Hub>, name: &StreamName) -> Subscription {
        let publication = hub.publish(name.clone()).await.ok().unwrap();
        publication.push(&[keyframe(), keyframe()]);
        hub.play(name).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_of_an_ended_stream_is_there_for_some_seconds() {
        let hub = Arc::new(Hub::default());
        let name: StreamName = "live/a".parse().unwrap();
        let mut prompt = ended_stream_with_player(&hub, &name).await;
        let mut late = ended_stream_with_player(&hub, &name).await;
        sleep(LAST_WORDS - Duration::from_millis(1)).await;
        assert!(matches!(prompt.next().await, Ok(_header)));
        assert!(matches!(prompt.next().await, Ok(_tag)));
        assert!(!late.let_go().is_cancelled());
        sleep(Duration::from_millis(2)).await;
        assert!(late.let_go().is_cancelled());
        for player in [&mut prompt, &mut late] {
            while player.next().await.is_ok_and(|bytes| bytes.starts_with(b"FLV")) {}
            assert_eq!(player.next().await, Err(Ended::Publisher));
            assert_eq!(player.ring.borrow().held_bytes(), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ended_streams_whose_players_do_not_read_hold_no_more_than_live_ones_may() {
        let hub = Arc::new(Hub::default());
        let name: StreamName = "live/a".parse().unwrap();
        let most = Limits::default().streams;
        let mut players = Vec::new();
        for _ in 0..most * 2 {
            players.push(ended_stream_with_player(&hub, &name).await);
        }
        let held = |p: &&Subscription| p.ring.borrow().held_bytes() > 0;
        assert_eq!(players.iter().filter(held).count(), most);
        assert!(players.iter().skip(most).all(|p| held(&p)), "the oldest go first");
        assert!(hub.publish(name).await.is_ok(), "and a new publisher is let in");
    }

    #[tokio::test]
    async fn a_closed_hub_ends_its_streams_and_takes_no_new_one() {
        let hub = Arc::new(Hub::default());
        let name: StreamName = "live/a".parse().unwrap();
        let publication = hub.publish(name.clone()).await.ok().unwrap();
        let mut player = hub.play(&name).unwrap();
        hub.close();
        assert_eq!(player.next().await, Err(Ended::Shutdown));
        drop(publication);
        assert_eq!(hub.publish(name).await.err(), Some(Refusal::Shutdown));
    }
}
