//! Many viewers of each rule on each link, and what must be true of ours.

use super::{
    rules::RULES,
    session::{Figures, Kind, Session},
    trace::Trace,
};

/// So much more waiting than the peer is chance.
const ALIKE_STALLED: f64 = 0.002;
/// So much less of a bitrate is worth less waiting.
const ALIKE_BITRATE: f64 = 0.97;

pub struct Study {
    pub trace: Trace,
    pub kind: Kind,
    /// In the order of [`RULES`].
    pub rows: Vec<Figures>,
}

/// The same seed gives the same figures.
pub fn run(traces: &[Trace], sessions: u64, seed: u64) -> Vec<Study> {
    let studies = traces.iter().flat_map(|trace| Kind::ALL.map(|kind| (trace, kind)));
    studies.map(|(trace, kind)| study(trace, kind, sessions, seed)).collect()
}

fn study(trace: &Trace, kind: Kind, sessions: u64, seed: u64) -> Study {
    let mut rows = vec![Figures::default(); RULES.len()];
    for k in 0..sessions {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(k);
        for (row, rule) in rows.iter_mut().zip(&RULES) {
            row.merge(&Session::new(trace, kind, rule, seed).run().0);
        }
    }
    Study { trace: trace.clone(), kind, rows }
}

impl Study {
    /// The targets that ours misses, in words.
    pub fn missed(&self) -> Vec<String> {
        let (ours, theirs) = (&self.rows[0], &self.rows[1]);
        let mut missed = Vec::new();
        let waits = ours.stall_ratio() > theirs.stall_ratio() + ALIKE_STALLED;
        let coarse = ours.bitrate() < theirs.bitrate() * ALIKE_BITRATE;
        if waits && coarse {
            missed.push("waits longer for a lower bitrate".to_owned());
        }
        missed
    }
}
