//! What Prometheus reads.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Player, Relay, fixture_bytes, whole};

/// Samples by name and labels, of text in the format 0.0.4; panics where it is not.
fn parse(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n'), "the last line has its end");
    let (mut types, mut helped, mut samples) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(helped.insert(name.to_owned()) && !words.is_empty(), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(matches!(kind, "counter" | "gauge") && helped.contains(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let plain =
                |s: &str| s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            assert!(plain(name) && types.contains_key(name), "{line}");
            if let Some(labels) = series.strip_prefix(name).and_then(|s| s.strip_prefix('{')) {
                let labels = labels.strip_suffix('}').unwrap();
                for label in labels.split("\",") {
                    let (key, value) = label.split_once("=\"").unwrap();
                    assert!(plain(key) && !value.trim_end_matches('"').contains('"'), "{line}");
                }
            }
            let value: f64 = value.parse().unwrap();
            assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        }
    }
    samples
}

async fn metrics(relay: &Relay) -> BTreeMap<String, f64> {
    let response = relay.get("/metrics").await;
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    parse(std::str::from_utf8(&whole(response).await).unwrap())
}

#[tokio::test]
async fn what_happens_is_counted() {
    let upstream = "rtmp://127.0.0.1:1/app";
    let relay = Relay::start(&["--upstream", upstream]);
    let before = metrics(&relay).await;
    let flv = fixture_bytes("card.flv");
    let (publisher, _answer) = relay.post("/live/a");
    publisher.send(flv.clone()).await.unwrap();
    let state = relay.until_has("live/a", 3).await;
    let mut player = Player::http(&relay, "/live/a.flv").await;
    player.tags(5).await;
    assert_eq!(relay.get("/live/none.flv").await.status(), 404);
    relay.until("live/a", |s| s["upstreams"][0]["state"] == "waiting").await;

    let after = metrics(&relay).await;
    assert!(before.keys().eq(after.keys()), "no series comes or goes with what clients do");
    let grown =
        |name: &str| after[&format!("sailcast_relay_{name}")] - before[&format!("sailcast_relay_{name}")];
    for name in ["streams", "publishers", "players", "publications_total"] {
        assert_eq!(grown(name), 1.0, "{name}");
    }
    assert_eq!(grown("received_bytes_total"), flv.len() as f64);
    assert_eq!(grown("received_tags_total"), state["tags"].as_f64().unwrap());
    assert!(grown("sent_bytes_total") > 100.0);
    assert_eq!(grown("refusals_total{reason=\"not_live\"}"), 1.0);
    let of_upstream =
        |name: &str, labels: &str| grown(&format!("upstream_{name}{{upstream=\"{upstream}\"{labels}}}"));
    assert!(of_upstream("lost_total", "") >= 1.0);
    assert_eq!(of_upstream("streams", ",state=\"publishing\""), 0.0);
    assert_eq!(of_upstream("sent_bytes_total", ""), 0.0);
}
