//! The health report: what is live now, for people and for the tests.

use serde_json::{Value, json};

use crate::{app::App, upstream::Link};

pub fn report(app: &App) -> Value {
    let links: Vec<(&str, Link)> = app
        .upstreams
        .iter()
        .flat_map(|one| one.links().into_iter().map(|link| (one.shown(), link)))
        .collect();
    let streams: Vec<Value> = app
        .hub
        .health()
        .into_iter()
        .map(|s| {
            let mut stream = json!({
                "name": s.name,
                "players": s.players,
                "skips": s.skips,
                "tags": s.tags,
                "kbitPerSecond": s.kbit_per_s,
                "codecs": s.codecs,
                "ageSeconds": s.age.as_secs(),
            });
            if !app.upstreams.is_empty() {
                let of_stream = links.iter().filter(|(_, link)| link.stream == s.name);
                stream["upstreams"] = of_stream.map(|(url, link)| of_link(url, link)).collect();
            }
            stream
        })
        .collect();
    json!({ "streams": streams, "residentBytes": resident_bytes() })
}

fn of_link(url: &str, link: &Link) -> Value {
    json!({
        "url": url,
        "state": link.state.word(),
        "retries": link.retries,
        "sentBytes": link.bytes,
        "skips": link.skips,
        "lastReason": link.reason,
    })
}

/// The process's resident memory, where the system tells it the way Linux does.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
