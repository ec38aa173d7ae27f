//! A narrow network for development (`--throttle`): how fast the connection of each publisher is read.
//!
//! **Invariant:** nothing is pretended. What is not read fills the socket, so that its publisher feels what a slow link makes
//! it feel; the others feel nothing. A rate belongs to a name, live or not, until another one is given.

use std::{collections::BTreeMap, num::NonZeroU64, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{ingest::Over, name::StreamName};

/// Names that have a rate at once.
const MAX_NAMES: usize = 256;
/// How late a timer may be without the link being taken for idle meanwhile.
const TIMER_SLACK: Duration = Duration::from_millis(20);

type Rates = BTreeMap<StreamName, NonZeroU64>;

/// Bit/s by name.
#[derive(Debug, Default)]
pub struct Throttle(watch::Sender<Rates>);

impl Throttle {
    /// Answers a request to read that publisher no faster: `query` holds `bitrate`, bit/s; 0 or none frees it.
    pub fn set(&self, name: StreamName, query: Option<&str>) -> (StatusCode, Value) {
        let Some(rate) = rate_of(query) else {
            return refused(StatusCode::BAD_REQUEST, "bitrate is a number of bit/s");
        };
        let mut full = false;
        self.0.send_modify(|rates| match rate {
            None => drop(rates.remove(&name)),
            Some(_) if rates.len() >= MAX_NAMES && !rates.contains_key(&name) => full = true,
            Some(rate) => drop(rates.insert(name.clone(), rate)),
        });
        if full {
            return refused(StatusCode::SERVICE_UNAVAILABLE, "too many streams are throttled");
        }
        log::info!("{name}: read at {} bit/s", rate.map_or("any".to_owned(), |rate| rate.to_string()));
        (StatusCode::OK, json!({ "status": 200, "stream": name.to_string(), "bitrate": rate }))
    }

    pub fn pace(&self, name: StreamName) -> Pace {
        Pace { rates: self.0.subscribe(), name, free_at: Instant::now() }
    }
}

/// For a relay without it.
pub fn missing() -> (StatusCode, Value) {
    refused(StatusCode::NOT_FOUND, "this relay runs without --throttle")
}

fn refused(status: StatusCode, reason: &str) -> (StatusCode, Value) {
    (status, json!({ "status": status.as_u16(), "reason": reason }))
}

/// `Some(None)`: free.
fn rate_of(query: Option<&str>) -> Option<Option<NonZeroU64>> {
    let given = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("bitrate="));
    given.map_or(Some(0), |text| text.parse().ok()).map(NonZeroU64::new)
}

/// The narrow link of one publisher: a byte passes when those before it have passed, and its own time is over.
pub struct Pace {
    rates: watch::Receiver<Rates>,
    name: StreamName,
    free_at: Instant,
}

impl Pace {
    /// Completes when so many bytes have come through. A change of the rate holds for what is under way.
    async fn pass(&mut self, len: usize) {
        let mut bits = len as f64 * 8.0;
        let mut at = Instant::now();
        // Time that the link stood idle is gone; time by which a timer was late is not.
        if at.duration_since(self.free_at) < TIMER_SLACK {
            at = self.free_at;
        }
        loop {
            let Some(rate) = self.rates.borrow_and_update().get(&self.name).copied() else { break };
            let rate = rate.get() as f64;
            self.free_at = at + Duration::try_from_secs_f64(bits / rate).unwrap_or(Duration::MAX / 2);
            tokio::select! {
                () = sleep_until(self.free_at) => return,
                changed = self.rates.changed() => if changed.is_err() { return },
            }
            let now = Instant::now();
            bits = (bits - now.duration_since(at).as_secs_f64() * rate).max(0.0);
            at = now;
        }
        self.free_at = Instant::now();
    }
}

/// The chunks as they come out of the link.
pub fn paced<S>(chunks: S, pace: Option<Pace>) -> impl Stream<Item = Result<Bytes, Over>>
where
    S: Stream<Item = Result<Bytes, Over>> + Unpin,
{
    stream::unfold((chunks, pace), async |(mut chunks, mut pace)| {
        let chunk = chunks.next().await?;
        if let (Some(pace), Ok(data)) = (&mut pace, &chunk) {
            pace.pass(data.len()).await;
        }
        Some((chunk, (chunks, pace)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> StreamName {
        "live/a".parse().unwrap()
    }

    /// Bit/s at which chunks of that size come through, for `seconds` of the test's own clock.
    async fn measure(pace: &mut Pace, len: usize, seconds: u64) -> f64 {
        let (began, mut bytes) = (Instant::now(), 0);
        while began.elapsed() < Duration::from_secs(seconds) {
            pace.pass(len).await;
            bytes += len;
        }
        bytes as f64 * 8.0 / began.elapsed().as_secs_f64()
    }

    fn is_about(measured: f64, wanted: f64) {
        assert!((measured / wanted - 1.0).abs() < 0.02, "{measured} bit/s, not {wanted}");
    }

    #[tokio::test(start_paused = true)]
    async fn chunks_of_all_sizes_pass_at_the_rate() {
        let throttle = Throttle::default();
        throttle.set(name(), Some("bitrate=300000"));
        for len in [10, 1500, 40_000] {
            is_about(measure(&mut throttle.pace(name()), len, 60).await, 300_000.0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_rate_holds_for_what_is_under_way() {
        let throttle = Throttle::default();
        throttle.set(name(), Some("bitrate=8000"));
        let mut pace = throttle.pace(name());
        let began = Instant::now();
        let change = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            throttle.set(name(), Some("bitrate=80000"));
        };
        // 5000 bytes in the first 5 s, the other 5000 in half a second.
        tokio::join!(pace.pass(10_000), change);
        assert_eq!(began.elapsed().as_millis() / 100, 55);
        throttle.set(name(), Some("bitrate=0"));
        pace.pass(10_000_000).await;
        assert_eq!(began.elapsed().as_millis() / 100, 55);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_link_saves_nothing_up() {
        let throttle = Throttle::default();
        throttle.set(name(), Some("bitrate=8000"));
        let mut pace = throttle.pace(name());
        tokio::time::sleep(Duration::from_secs(60)).await;
        let began = Instant::now();
        pace.pass(1000).await;
        assert_eq!(began.elapsed().as_millis() / 100, 10);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        let throttle = Throttle::default();
        for bad in ["bitrate=", "bitrate=-1", "bitrate=x", "bitrate=99999999999999999999"] {
            assert_eq!(throttle.set(name(), Some(bad)).0, StatusCode::BAD_REQUEST, "{bad}");
        }
        for good in [None, Some(""), Some("bitrate=0"), Some("sign=x&bitrate=1")] {
            assert_eq!(throttle.set(name(), good).0, StatusCode::OK, "{good:?}");
        }
    }

    #[test]
    fn names_are_not_collected_for_ever() {
        let throttle = Throttle::default();
        let set = |n| throttle.set(format!("live/{n}").parse().unwrap(), Some("bitrate=1")).0;
        assert!((0..MAX_NAMES).all(|n| set(n) == StatusCode::OK));
        assert_eq!((set(0), set(MAX_NAMES)), (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE));
    }
}
