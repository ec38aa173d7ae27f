//! What has happened since the start, counted, and told in Prometheus' text format 0.0.4.
//!
//! **Invariant:** no label has a value that a client chose, so that the number of series is the operator's.

use std::{
    fmt::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    app::App,
    refusal::{LABELS, Refusal},
    upstream::{LINK_STATES, Upstream},
};

pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub struct Counters {
    /// Streams that have begun.
    pub publications: Counter,
    pub bytes_in: Counter,
    pub bytes_out: Counter,
    pub tags_in: Counter,
    pub skips: Counter,
    pub skipped_tags: Counter,
    /// For playlists, segments and parts.
    pub hls_requests: Counter,
    pub hls_bytes: Counter,
    refusals: [Counter; LABELS.len()],
}

impl Counters {
    pub fn refused(&self, why: &Refusal) {
        self.refusals[why.index()].add(1);
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// Writes families of samples; a `String` takes all that is written.
struct Page(String);

impl Page {
    fn family<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (&'a [(&'a str, &'a str)], u64)>,
    ) -> fmt::Result {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        writeln!(self.0, "# HELP sailcast_relay_{name} {help}\n# TYPE sailcast_relay_{name} {kind}")?;
        for (labels, value) in samples {
            write!(self.0, "sailcast_relay_{name}")?;
            for (n, (key, label)) in labels.iter().enumerate() {
                let before = if n == 0 { '{' } else { ',' };
                write!(self.0, "{before}{key}=\"{}\"", Escaped(label))?;
            }
            writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" })?;
        }
        Ok(())
    }

    fn one(&mut self, name: &str, kind: Kind, help: &str, value: u64) -> fmt::Result {
        self.family(name, kind, help, [(&[][..], value)])
    }

    fn of_upstreams(
        &mut self,
        name: &str,
        help: &str,
        app: &App,
        value: impl Fn(&Upstream) -> u64,
    ) -> fmt::Result {
        let labels: Vec<_> =
            app.upstreams.iter().map(|one| ([("upstream", one.shown())], value(one))).collect();
        self.family(name, Kind::Counter, help, labels.iter().map(|(labels, value)| (&labels[..], *value)))
    }
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' | '"' => write!(f, "\\{c}"),
            '\n' => f.write_str("\\n"),
            c => f.write_char(c),
        })
    }
}

pub fn page(app: &App) -> String {
    let mut page = Page(String::new());
    // Text in memory takes whatever is written.
    let _ = streams(&mut page, app)
        .and_then(|()| recordings(&mut page, app))
        .and_then(|()| upstreams(&mut page, app));
    page.0
}

fn streams(page: &mut Page, app: &App) -> fmt::Result {
    use Kind::{Counter, Gauge};
    let counters = &app.hub.counters;
    page.one("streams", Gauge, "Streams that are live.", app.hub.streams() as u64)?;
    page.one("publishers", Gauge, "Connections that publish.", app.publishers() as u64)?;
    page.one("players", Gauge, "Connections that play.", app.hub.players() as u64)?;
    page.one("publications_total", Counter, "Streams that have begun.", counters.publications.get())?;
    page.one("received_bytes_total", Counter, "Bytes from publishers.", counters.bytes_in.get())?;
    page.one("received_tags_total", Counter, "FLV tags taken into streams.", counters.tags_in.get())?;
    page.one("sent_bytes_total", Counter, "Bytes to players.", counters.bytes_out.get())?;
    page.one(
        "skips_total",
        Counter,
        "Times that a slow player lost groups of pictures.",
        counters.skips.get(),
    )?;
    page.one("skipped_tags_total", Counter, "FLV tags that slow players lost.", counters.skipped_tags.get())?;
    page.one("hls_streams", Gauge, "Streams packaged for HLS, once a format.", app.hls.count() as u64)?;
    page.one("hls_waiting", Gauge, "Requests that wait for what comes next.", app.hls.waiting() as u64)?;
    page.one(
        "hls_requests_total",
        Counter,
        "Requests for playlists, segments and parts.",
        counters.hls_requests.get(),
    )?;
    page.one("hls_sent_bytes_total", Counter, "Bytes of the answers to them.", counters.hls_bytes.get())?;
    let refusals: Vec<_> = LABELS
        .iter()
        .zip(&counters.refusals)
        .map(|(label, count)| ([("reason", *label)], count.get()))
        .collect();
    let refusals = refusals.iter().map(|(labels, value)| (&labels[..], *value));
    page.family("refusals_total", Counter, "Clients refused or sent away.", refusals)
}

fn recordings(page: &mut Page, app: &App) -> fmt::Result {
    use Kind::{Counter, Gauge};
    let Some(recorder) = &app.recorder else { return Ok(()) };
    page.one("recordings", Gauge, "Files that are written.", recorder.open() as u64)?;
    page.one("recorded_bytes_total", Counter, "Bytes written to them.", recorder.bytes.get())?;
    page.one("recording_errors_total", Counter, "Files that were given up.", recorder.errors.get())
}

fn upstreams(page: &mut Page, app: &App) -> fmt::Result {
    if app.upstreams.is_empty() {
        return Ok(());
    }
    let mut links = Vec::new();
    for upstream in &app.upstreams {
        let counted = upstream.links();
        for state in LINK_STATES {
            let count = counted.iter().filter(|link| link.state == state).count();
            links.push(([("upstream", upstream.shown()), ("state", state.word())], count as u64));
        }
    }
    let links = links.iter().map(|(labels, value)| (&labels[..], *value));
    page.family("upstream_streams", Kind::Gauge, "Streams on their way upstream.", links)?;
    page.of_upstreams("upstream_published_total", "Publications that the server took.", app, |u| {
        u.totals.published.get()
    })?;
    page.of_upstreams("upstream_refused_total", "Publications that the server refused.", app, |u| {
        u.totals.refused.get()
    })?;
    page.of_upstreams("upstream_lost_total", "Connections that failed or broke.", app, |u| {
        u.totals.lost.get()
    })?;
    page.of_upstreams("upstream_retries_total", "Connections that were tried again.", app, |u| {
        u.totals.retries.get()
    })?;
    page.of_upstreams("upstream_sent_bytes_total", "Bytes sent to the server.", app, |u| {
        u.totals.bytes.get()
    })?;
    page.of_upstreams("upstream_skips_total", "Times that groups of pictures were left out.", app, |u| {
        u.totals.skips.get()
    })?;
    page.of_upstreams("upstream_skipped_tags_total", "FLV tags that were left out.", app, |u| {
        u.totals.skipped_tags.get()
    })
}
