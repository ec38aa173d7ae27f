//! Which streams are packaged, and when that begins.
//!
//! **Invariant:** a stream has at most one channel of each format, begun by the first who asks for it while the stream is live. Their
//! number is bounded by that of streams: those whose stream is over go first.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use sailcast_media::Micros;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    channel::{Channel, unix_now},
    packager::{Packager, Wanted},
    window::Bounds,
};
use crate::{
    hub::{Hub, Publication, Subscription},
    limits::Limits,
    muxer::Format,
    name::StreamName,
    refusal::Refusal,
};

const FORMATS: [Format; 2] = [Format::Fmp4, Format::Ts];
/// What one second of the window may hold of one stream in one format: 8 Mbit/s.
const BYTES_PER_SECOND: usize = 1 << 20;
/// Room for a short window of a rich stream.
const MIN_BYTES: usize = 32 << 20;

/// As the operator sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HlsOptions {
    pub wanted: Wanted,
    /// How far back viewers may go.
    pub window: Micros,
    /// Streams are packaged whether or not anybody asks.
    pub always: bool,
}

impl Default for HlsOptions {
    fn default() -> Self {
        let wanted = Wanted { segment: Micros::from_secs(2), part: Micros::from_millis(330) };
        Self { wanted, window: Micros::from_secs(60), always: false }
    }
}

impl HlsOptions {
    fn bounds(&self) -> Bounds {
        let seconds = usize::try_from(self.window.0 / 1_000_000).unwrap_or_default();
        Bounds { listed: self.window, bytes: seconds.saturating_mul(BYTES_PER_SECOND).max(MIN_BYTES) }
    }
}

type Key = (StreamName, Format);

pub struct Channels {
    options: HlsOptions,
    limits: Limits,
    hub: Arc<Hub>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    open: Mutex<BTreeMap<Key, Arc<Channel>>>,
    waiting: AtomicUsize,
}

impl Channels {
    pub fn new(
        options: HlsOptions,
        limits: Limits,
        hub: Arc<Hub>,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self { options, limits, hub, tasks, shutdown, open: Mutex::default(), waiting: AtomicUsize::new(0) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// The channel of a stream that is live, or was until lately.
    pub fn find(self: &Arc<Self>, name: &StreamName, format: Format) -> Result<Arc<Channel>, Refusal> {
        let mut open = self.lock();
        let known = open.get(&(name.clone(), format)).cloned();
        // A publication after the playlists' end has playlists of its own.
        if let Some(known) = known
            && (!known.is_over() || !self.hub.is_live(name))
        {
            known.touch();
            return Ok(known);
        }
        self.begin(&mut open, self.hub.follow(name)?, format)
    }

    /// The channel whose files are asked for: that begins nothing.
    pub fn known(&self, name: &StreamName, format: Format) -> Option<Arc<Channel>> {
        let known = self.lock().get(&(name.clone(), format)).cloned();
        known.inspect(|channel| channel.touch())
    }

    /// A stream begins, or its publisher is back.
    pub fn published(self: &Arc<Self>, publication: &Publication) {
        let mut open = self.lock();
        for format in FORMATS {
            let known = open.get(&(publication.name().clone(), format));
            let resumed = known.is_some_and(|known| known.resume(publication.follow_all()));
            if self.options.always
                && !resumed
                && let Err(why) = self.begin(&mut open, publication.follow_all(), format)
            {
                log::warn!("{}: not packaged as {}: {why}", publication.name(), format.word());
            }
        }
    }

    /// Counts a request that waits, for as long as the answer lives.
    pub fn wait(&self) -> Result<Waiting<'_>, Refusal> {
        let max = self.limits.players;
        let one_more = |waiting: usize| (waiting < max).then_some(waiting + 1);
        match self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Waiting(self)),
            Err(_) => Err(Refusal::Players(max)),
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    fn begin(
        self: &Arc<Self>,
        open: &mut BTreeMap<Key, Arc<Channel>>,
        subscription: Subscription,
        format: Format,
    ) -> Result<Arc<Channel>, Refusal> {
        let name = subscription.name().clone();
        let key = (name.clone(), format);
        let max = self.limits.streams.saturating_mul(FORMATS.len());
        if open.len() >= max {
            open.retain(|_, channel| !channel.is_over());
        }
        if open.len() >= max && !open.contains_key(&key) {
            return Err(Refusal::Streams(self.limits.streams));
        }
        let epoch = u64::try_from(unix_now().0 / 1_000_000).unwrap_or_default();
        let group = subscription.group();
        let packager = Packager::new(format, self.options.wanted, self.options.bounds(), group, epoch);
        let (channel, returning) = Channel::new(name, packager);
        let channel = Arc::new(channel);
        log::info!("{}: packaged as {}", channel.name, format.word());
        open.insert(key.clone(), channel.clone());
        let (all, running) = (self.clone(), channel.clone());
        self.tasks.spawn(async move {
            let run = running.run(subscription, returning, all.options.always);
            all.shutdown.clone().run_until_cancelled(run).await;
            all.forget(&key, &running);
        });
        Ok(channel)
    }

    /// Unless another one has taken its place.
    fn forget(&self, key: &Key, channel: &Arc<Channel>) {
        log::info!("{}: no longer packaged as {}", key.0, key.1.word());
        let mut open = self.lock();
        if open.get(key).is_some_and(|known| Arc::ptr_eq(known, channel)) {
            open.remove(key);
        }
    }

    /// No code panics while it holds this lock in a half-changed state.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Channel>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Waiting<'a>(&'a Channels);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "channels_tests.rs"]
mod tests;
