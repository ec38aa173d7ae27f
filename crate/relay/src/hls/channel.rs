//! One stream's packaging in one format: a task that feeds the packager, and those who wait for what it makes.
//!
//! **Invariant:** a publisher that comes back within [`RETURN`] goes on in the same playlists, as a discontinuity; else they end.
//! What nobody asks for within [`IDLE`] is given up, unless it is wanted always while the stream lives.

use std::{
    future::pending,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use sailcast_media::{DemuxEvent, Demuxer, FlvDemuxer, Micros};
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant, sleep_until, timeout},
};

use super::packager::Packager;
use crate::{
    hub::Subscription,
    name::StreamName,
    ring::{Ended, Step},
};

/// How long a publisher may be away.
const RETURN: Duration = Duration::from_secs(10);
/// Longer than a viewer's playlist lasts without a reload: three of the longest target durations, and as much again.
const IDLE: Duration = Duration::from_secs(60);

pub struct Channel {
    pub name: StreamName,
    packager: watch::Sender<Packager>,
    asked: Mutex<Instant>,
    returned: mpsc::Sender<Subscription>,
}

impl Channel {
    /// And where a publisher's return is to be told to [`Channel::run`].
    pub fn new(name: StreamName, packager: Packager) -> (Self, mpsc::Receiver<Subscription>) {
        let (returned, returning) = mpsc::channel(1);
        let asked = Mutex::new(Instant::now());
        (Self { name, packager: watch::Sender::new(packager), asked, returned }, returning)
    }

    /// Somebody wants something.
    pub fn touch(&self) {
        *self.asked() = Instant::now();
    }

    pub fn is_over(&self) -> bool {
        self.packager.borrow().window().has_ended()
    }

    pub fn watch(&self) -> watch::Receiver<Packager> {
        self.packager.subscribe()
    }

    /// The publisher is back; whether that is still in time.
    pub fn resume(&self, subscription: Subscription) -> bool {
        self.returned.try_send(subscription).is_ok()
    }

    /// Packages until the stream is over and everybody has what is left, or nobody wants it.
    pub async fn run(
        &self,
        subscription: Subscription,
        mut returning: mpsc::Receiver<Subscription>,
        always: bool,
    ) {
        let mut next = Some(subscription);
        while let Some(subscription) = next {
            next = match self.follow(subscription, always).await {
                None => return,
                Some(Ended::Shutdown) => break,
                Some(Ended::Publisher) => {
                    self.packager.send_modify(Packager::interrupt);
                    timeout(RETURN, returning.recv()).await.ok().flatten()
                }
            };
        }
        returning.close();
        self.packager.send_modify(Packager::end);
        self.idle(false).await;
    }

    /// Until the stream's end; `None` when nobody asks any more.
    async fn follow(&self, mut subscription: Subscription, always: bool) -> Option<Ended> {
        let mut demuxer = FlvDemuxer::new();
        loop {
            let first = tokio::select! {
                first = subscription.next() => first,
                () = self.idle(always) => return None,
            };
            let mut events = Vec::new();
            let mut bytes = match first {
                Ok(bytes) => bytes,
                Err(ended) => return Some(ended),
            };
            // All that is there at once: the newest of it tells when the rest happened.
            loop {
                demuxer.push(bytes);
                while let Ok(Some(event)) = demuxer.poll() {
                    events.push(event);
                }
                match subscription.try_next() {
                    Step::Send(more) => bytes = more,
                    Step::Wait | Step::End(_) => break,
                }
            }
            self.take(events);
        }
    }

    /// Wakes those who wait only if something is new to them.
    fn take(&self, events: Vec<DemuxEvent>) {
        self.packager.send_if_modified(|packager| {
            let before = packager.progress();
            packager.push(events, unix_now());
            packager.progress() != before
        });
    }

    async fn idle(&self, never: bool) {
        if never {
            pending::<()>().await;
        }
        loop {
            let until = *self.asked() + IDLE;
            if until <= Instant::now() {
                break;
            }
            sleep_until(until).await;
        }
    }

    fn asked(&self) -> MutexGuard<'_, Instant> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Since 1970.
pub fn unix_now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
