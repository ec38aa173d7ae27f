//! Other servers that get each stream by RTMP, so that many may watch it there.
//!
//! ```text
//! ring -> cursor -> session (tags) -> timeline (from 0, never back) -> rtmp (bytes) -> server
//!         follow (one task for each stream and server): connect, publish, wait, again
//! ```
//!
//! **Invariant:** a server is a reader of the ring like a player: one that is slow or away loses whole groups of
//! pictures and costs no memory, and no publisher or player waits for it. It sees one publication at a time of each
//! name.

mod backoff;
mod session;
mod timeline;

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use self::{
    backoff::Backoff,
    session::{Lost, session},
};
use crate::{
    hub::{Skipped, Subscription},
    metrics::Counter,
    name::StreamName,
    rtmp::{RtmpError, Target},
};

/// What a stream's way to a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Connecting,
    Publishing,
    /// Until it is tried again.
    Waiting,
}

pub const LINK_STATES: [LinkState; 3] = [LinkState::Connecting, LinkState::Publishing, LinkState::Waiting];

impl LinkState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Publishing => "publishing",
            Self::Waiting => "waiting",
        }
    }
}

/// One stream's way to one server, for the health report.
#[derive(Clone, Debug)]
pub struct Link {
    pub stream: String,
    pub state: LinkState,
    pub retries: u64,
    pub bytes: u64,
    pub skips: u64,
    /// Why the last connection came to its end.
    pub reason: Option<String>,
    /// When the server took the stream, while it has it.
    since: Option<Instant>,
}

/// Of all streams since the start.
#[derive(Debug, Default)]
pub struct Totals {
    pub published: Counter,
    pub refused: Counter,
    pub lost: Counter,
    pub retries: Counter,
    pub bytes: Counter,
    pub skips: Counter,
    pub skipped_tags: Counter,
}

/// Held by whoever publishes a name there.
type Turn = tokio::sync::Mutex<()>;

pub struct Upstream {
    target: Target,
    shown: String,
    pub totals: Totals,
    links: Mutex<Vec<Arc<Mutex<Link>>>>,
    turns: Mutex<BTreeMap<StreamName, Weak<Turn>>>,
}

impl Upstream {
    pub fn new(target: Target) -> Self {
        Self {
            shown: target.to_string(),
            target,
            totals: Totals::default(),
            links: Mutex::default(),
            turns: Mutex::default(),
        }
    }

    /// Its address without its secret.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub fn links(&self) -> Vec<Link> {
        locked(&self.links).iter().map(|link| locked(link).clone()).collect()
    }

    /// Sends a stream on until it is over.
    pub async fn follow(self: Arc<Self>, name: StreamName, mut subscription: Subscription) {
        let let_go = subscription.let_go();
        let turn = self.turn(&name);
        let follow = async {
            // The publication before this one says its goodbye first.
            let _turn = turn.lock().await;
            let pushing = Pushing::new(self.clone(), name);
            pushing.push(&mut subscription).await;
        };
        let_go.run_until_cancelled(follow).await;
    }

    fn turn(&self, name: &StreamName) -> Arc<Turn> {
        let mut turns = locked(&self.turns);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let known = turns.get(name).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let turn = Arc::default();
            turns.insert(name.clone(), Arc::downgrade(&turn));
            turn
        })
    }
}

/// A link, listed for as long as it lives.
struct Pushing {
    upstream: Arc<Upstream>,
    name: StreamName,
    link: Arc<Mutex<Link>>,
}

impl Pushing {
    fn new(upstream: Arc<Upstream>, name: StreamName) -> Self {
        let link = Arc::new(Mutex::new(Link {
            stream: name.to_string(),
            state: LinkState::Connecting,
            retries: 0,
            bytes: 0,
            skips: 0,
            reason: None,
            since: None,
        }));
        locked(&upstream.links).push(link.clone());
        Self { upstream, name, link }
    }

    /// Again and again until the stream is over.
    async fn push(&self, subscription: &mut Subscription) {
        let (name, target) = (&self.name, &self.upstream.target);
        let mut backoff = Backoff::default();
        loop {
            locked(&self.link).state = LinkState::Connecting;
            log::info!("{name}: upstream {target}: connecting");
            let Err(lost) = session(target, subscription, random(), self).await else {
                log::info!("{name}: upstream {target}: the stream is over");
                return;
            };
            let since = locked(&self.link).since.take();
            let wait = backoff.next(since.map_or(Duration::ZERO, |since| since.elapsed()), random());
            self.note_lost(&lost, wait);
            tokio::select! {
                () = sleep(wait) => {}
                () = subscription.over() => return,
            }
            locked(&self.link).retries += 1;
            self.upstream.totals.retries.add(1);
            subscription.restart();
        }
    }

    fn note_publishing(&self) {
        self.upstream.totals.published.add(1);
        let mut link = locked(&self.link);
        link.state = LinkState::Publishing;
        link.since = Some(Instant::now());
        drop(link);
        log::info!("{}: upstream {}: publishing", self.name, self.upstream.target);
    }

    fn note_sent(&self, bytes: usize) {
        self.upstream.totals.bytes.add(bytes as u64);
        locked(&self.link).bytes += bytes as u64;
    }

    fn note_skipped(&self, skipped: Skipped) {
        self.upstream.totals.skips.add(skipped.times);
        self.upstream.totals.skipped_tags.add(skipped.tags);
        locked(&self.link).skips += skipped.times;
        let (name, target) = (&self.name, &self.upstream.target);
        log::warn!("{name}: upstream {target}: too slow, {} tags were left out", skipped.tags);
    }

    fn note_lost(&self, lost: &Lost, wait: Duration) {
        let totals = &self.upstream.totals;
        match lost {
            Lost::Rtmp(RtmpError::Refused(_)) => totals.refused.add(1),
            _ => totals.lost.add(1),
        }
        let mut link = locked(&self.link);
        link.state = LinkState::Waiting;
        link.reason = Some(lost.to_string());
        drop(link);
        let (name, target) = (&self.name, &self.upstream.target);
        log::warn!("{name}: upstream {target}: {lost}; retry in {:.1} s", wait.as_secs_f64());
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        locked(&self.upstream.links).retain(|link| !Arc::ptr_eq(link, &self.link));
    }
}

/// No code panics while it holds one of these locks.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Good enough to tell streams apart in time.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}
