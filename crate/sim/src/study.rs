//! Many sessions of every policy on a trace, and what must be true of them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use sailcast_engine::PlayerConfig;
use sailcast_media::Micros;

use crate::{
    meter::Figures,
    peer::PEERS,
    session::{Session, auto},
    trace::{Targets, Trace},
};

pub const OURS: &str = "sailcast";
pub const MOST_STALLED: f64 = 0.01;
pub const MOST_DROPPED: f64 = 0.02;
pub const LATEST_BACK: Micros = Micros::from_secs(5);

/// One trace's sessions: the engine's figures first, then each peer's.
pub struct Study {
    pub trace: Trace,
    pub rows: Vec<(&'static str, Figures)>,
    /// Sessions in which the engine broke one of its laws: seed and what was broken.
    pub broken: Vec<(u64, String)>,
}

/// Plays `sessions` (a trace's share of them, at least one) on each trace, on all cores. The same seed gives the same figures.
pub fn run(traces: &[Trace], sessions: usize, seed: u64) -> Vec<Study> {
    let mut jobs: Vec<(usize, u64)> = Vec::new();
    for (t, trace) in traces.iter().enumerate() {
        let n = ((sessions as f64 * trace.share).round() as u64).max(1);
        jobs.extend((0..n).map(|k| (t, seed.wrapping_mul(1_000_003).wrapping_add(k))));
    }
    // The long ones first, so that no core ends up alone with one.
    jobs.sort_by_key(|(t, _)| std::cmp::Reverse(traces[*t].length));
    let studies: Vec<Mutex<Study>> = traces.iter().map(|t| Mutex::new(Study::empty(t))).collect();
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((t, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = play(&traces[*t], *seed, auto());
                    let mut study = studies[*t].lock().unwrap_or_else(|e| e.into_inner());
                    study.take(*seed, played);
                }
            });
        }
    });
    studies.into_iter().map(|s| s.into_inner().unwrap_or_else(|e| e.into_inner())).collect()
}

/// The engine's figures, or the law it broke; and the peers'.
fn play(trace: &Trace, seed: u64, config: PlayerConfig) -> (Result<Figures, String>, Vec<Figures>) {
    let session = Session::new(trace, seed);
    let ours = catch_unwind(AssertUnwindSafe(|| session.ours(config).0)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()
    });
    (ours, session.peers().into_iter().map(|(figures, _)| figures).collect())
}

impl Study {
    fn empty(trace: &Trace) -> Self {
        let names = std::iter::once(OURS).chain(PEERS.iter().map(|p| p.name));
        Self {
            trace: trace.clone(),
            rows: names.map(|n| (n, Figures::default())).collect(),
            broken: Vec::new(),
        }
    }

    fn take(&mut self, seed: u64, (ours, peers): (Result<Figures, String>, Vec<Figures>)) {
        let ours = ours.unwrap_or_else(|law| {
            self.broken.push((seed, law));
            Figures::default()
        });
        for ((_, sum), figures) in self.rows.iter_mut().zip(std::iter::once(&ours).chain(&peers)) {
            sum.merge(figures);
        }
    }

    pub fn ours(&self) -> &Figures {
        &self.rows[0].1
    }

    /// Who has both a lower median latency and a lower stall ratio than row `i`.
    pub fn dominated_by(&self, i: usize) -> Vec<&'static str> {
        let of = |f: &Figures| (f.latency.percentile(0.5), f.stall_ratio());
        let (latency, stalls) = of(&self.rows[i].1);
        let better = |f: &Figures| of(f).0 < latency && of(f).1 < stalls;
        self.rows.iter().filter(|(_, f)| better(f)).map(|(name, _)| *name).collect()
    }

    /// The targets the engine misses, in words.
    pub fn missed(&self) -> Vec<String> {
        let ours = self.ours();
        let mut missed: Vec<String> =
            self.broken.iter().map(|(seed, law)| format!("seed {seed}: {law}")).collect();
        if ours.dark > 0 {
            missed.push(format!("{} of {} sessions showed no picture", ours.dark, ours.sessions));
        }
        if self.trace.targets != Targets::NotDominated {
            if ours.stall_ratio() > MOST_STALLED {
                let (frozen, silent) = (ours.frozen_ratio() * 100.0, ours.silent_ratio() * 100.0);
                missed.push(format!("stalled: picture {frozen:.2} %, sound {silent:.2} % of the time"));
            }
            if ours.dropped_ratio() > MOST_DROPPED {
                missed.push(format!("dropped {:.2} % of the pictures", ours.dropped_ratio() * 100.0));
            }
        }
        if self.trace.targets == Targets::SmoothAndBack {
            let slowest = ours.back_after.percentile(1.0);
            if slowest > LATEST_BACK || ours.never_back > 0 {
                let late = slowest.as_secs_f64();
                missed.push(format!("back {late:.1} s after an outage, {} times never", ours.never_back));
            }
        }
        let better = self.dominated_by(0);
        if !better.is_empty() {
            missed.push(format!("dominated by {}", better.join(" and ")));
        }
        missed
    }
}
