//! What every connection shares, and who is let in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use hyper::{HeaderMap, Uri};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    args::Options,
    auth::{Action, Gate},
    hls::Channels,
    hub::{Hub, Publication},
    limits::Limits,
    name::StreamName,
    origin::Origins,
    pages::Pages,
    record::Recorder,
    refusal::Refusal,
    throttle::{Pace, Throttle},
    upstream::Upstream,
};

pub struct App {
    pub hub: Arc<Hub>,
    pub hls: Arc<Channels>,
    /// Where streams are recorded.
    pub recorder: Option<Arc<Recorder>>,
    pub limits: Limits,
    pub gate: Gate,
    pub origins: Origins,
    pub upstreams: Vec<Arc<Upstream>>,
    pub pages: Pages,
    /// Where publishers may be slowed down.
    pub throttle: Option<Throttle>,
    /// Everything that must be over before the process goes.
    pub tasks: TaskTracker,
    pub shutdown: CancellationToken,
    publishers: AtomicUsize,
}

impl App {
    pub fn new(options: Options) -> Self {
        let limits = options.limits;
        let (hub, tasks, shutdown) =
            (Arc::new(Hub::new(limits)), TaskTracker::new(), CancellationToken::new());
        Self {
            hls: Arc::new(Channels::new(options.hls, limits, hub.clone(), tasks.clone(), shutdown.clone())),
            hub,
            recorder: options.record.map(|dir| Arc::new(Recorder::new(dir))),
            limits,
            gate: options.gate,
            origins: options.origins,
            upstreams: options.upstreams.into_iter().map(|target| Arc::new(Upstream::new(target))).collect(),
            pages: Pages::new(options.mounts, options.isolate),
            throttle: options.throttle.then(Throttle::default),
            tasks,
            shutdown,
            publishers: AtomicUsize::new(0),
        }
    }

    /// Whether a client may do that, by its page and by its address.
    pub fn admit(
        &self,
        action: Action,
        name: &StreamName,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        self.origins.check(headers)?;
        self.gate.check(action, name, uri.query(), SystemTime::now())
    }

    /// Takes the name for a publisher, and sends its stream on.
    pub async fn publish(&self, name: StreamName) -> Result<Publication, Refusal> {
        let publication = self.hub.publish(name).await?;
        self.hls.published(&publication);
        if let Some(recorder) = &self.recorder {
            self.tasks.spawn(recorder.clone().follow(publication.follow_all()));
        }
        for upstream in &self.upstreams {
            let following = upstream.clone().follow(publication.name().clone(), publication.follow());
            self.tasks.spawn(following);
        }
        Ok(publication)
    }

    /// What slows this publisher down, if that may be.
    pub fn pace(&self, publication: &Publication) -> Option<Pace> {
        Some(self.throttle.as_ref()?.pace(publication.name().clone()))
    }

    /// Counts a connection that publishes, for as long as the answer lives.
    pub fn publisher(&self) -> Publisher<'_> {
        self.publishers.fetch_add(1, Ordering::Relaxed);
        Publisher(self)
    }

    pub fn publishers(&self) -> usize {
        self.publishers.load(Ordering::Relaxed)
    }
}

pub struct Publisher<'a>(&'a App);

impl Drop for Publisher<'_> {
    fn drop(&mut self) {
        self.0.publishers.fetch_sub(1, Ordering::Relaxed);
    }
}
