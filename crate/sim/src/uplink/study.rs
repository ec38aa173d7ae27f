//! Many sessions of every policy on a link, and what must be true of ours.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use sailcast_media::Micros;

use super::{
    figures::Figures,
    publisher::{Policy, Session},
    trace::{Course, Trace},
};

pub const LONGEST_DELAY: Micros = Micros::from_millis(500);
pub const LEAST_USED: f64 = 0.8;
pub const LATEST_LOWERED: Micros = Micros::from_secs(1);
pub const LATEST_BACK: Micros = Micros::from_secs(15);
/// Of the sessions: what a target was before is a matter of some luck.
pub const MOST_BACK: f64 = 0.98;
pub const MOST_CHANGES: f64 = 12.0;

pub struct Study {
    pub trace: Trace,
    pub rows: Vec<(Policy, Figures)>,
}

/// Plays `sessions` of each policy on each link, on all cores. The same seed gives the same figures.
pub fn run(traces: &[Trace], sessions: u64, seed: u64) -> Vec<Study> {
    let jobs: Vec<(usize, usize, u64)> = (0..traces.len())
        .flat_map(|t| (0..Policy::ALL.len()).map(move |p| (t, p)))
        .flat_map(|(t, p)| (0..sessions).map(move |k| (t, p, seed.wrapping_mul(1_000_003).wrapping_add(k))))
        .collect();
    let empty = |trace: &Trace| Study {
        trace: trace.clone(),
        rows: Policy::ALL.map(|p| (p, Figures::default())).to_vec(),
    };
    let studies: Vec<Mutex<Study>> = traces.iter().map(|t| Mutex::new(empty(t))).collect();
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((t, p, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut figures = Session::new(&traces[*t], Policy::ALL[*p], *seed).figures();
                    figures.broken.iter_mut().for_each(|law| *law = format!("seed {seed}: {law}"));
                    let mut study = studies[*t].lock().unwrap_or_else(|e| e.into_inner());
                    study.rows[*p].1.merge(&figures);
                }
            });
        }
    });
    studies.into_iter().map(|s| s.into_inner().unwrap_or_else(|e| e.into_inner())).collect()
}

impl Study {
    pub fn of(&self, policy: Policy) -> &Figures {
        let row = self.rows.iter().find(|(p, _)| *p == policy);
        &row.expect("a row for each policy").1
    }

    /// The targets that ours misses, in words.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for policy in [Policy::Acknowledged, Policy::Unacknowledged] {
            let broken = &self.of(policy).broken;
            missed.extend(broken.iter().map(|law| format!("{}: {law}", policy.name())));
        }
        self.missed_acknowledged(self.of(Policy::Acknowledged), &mut missed);
        missed
    }

    fn missed_acknowledged(&self, figures: &Figures, missed: &mut Vec<String>) {
        if self.trace.sufficient && figures.audio_dropped > 0 {
            missed.push(format!("{} packets of sound given up", figures.audio_dropped));
        }
        let delay = figures.delay.percentile(0.95);
        if self.trace.sufficient && delay > LONGEST_DELAY {
            missed.push(format!("p95 of the delay is {} ms", delay.0 / 1000));
        }
        if self.trace.steady && figures.used() < LEAST_USED {
            missed.push(format!("uses {:.0} % of the link", figures.used() * 100.0));
        }
        if self.trace.steady && figures.changes_a_minute() > MOST_CHANGES {
            missed.push(format!("{:.1} changes a minute", figures.changes_a_minute()));
        }
        if let Course::Step { .. } = self.trace.course {
            let lowered = figures.lowered_after.percentile(1.0);
            if figures.never_lowered > 0 || lowered > LATEST_LOWERED {
                missed.push(format!(
                    "lowered after {} ms, {}x never",
                    lowered.0 / 1000,
                    figures.never_lowered
                ));
            }
            let back = figures.back_after.percentile(1.0);
            if figures.never_back as f64 > figures.sessions as f64 * (1.0 - MOST_BACK) || back > LATEST_BACK {
                let late = back.as_secs_f64();
                missed.push(format!("back after {late:.1} s, {}x never", figures.never_back));
            }
        }
    }
}
