//! The places to publish to: which is best, what each has shown, and when it is tried again.
//!
//! A line is as good as it connects fast, carries enough and fails seldom; what earlier sessions have learnt counts. **Invariant:** a
//! line that refuses for good is not asked again.

use sailcast_media::Micros;

use crate::{
    backoff::Backoff,
    publisher::io::{Line, LineRecord},
};

/// Tries in a row without a connection that lived for [`HEALTHY_AFTER`]: more than a minute.
const ATTEMPTS: u32 = 15;
/// The same before anything was ever sent: somebody waits.
const FIRST_ATTEMPTS: u32 = 4;
/// A connection that takes the stream for so long has proved its line: servers that do not want it say so sooner.
pub const HEALTHY_AFTER: Micros = Micros::from_secs(4);
/// What a line costs that nothing is known of, in seconds of connecting.
const UNKNOWN: f64 = 0.3;
/// What a failure costs, in the same.
const FAILURE: f64 = 2.0;
/// And one that carries nothing.
const NARROW: f64 = 3.0;
/// Each failure weighs half of the one after it.
const FORGET: f64 = 0.5;

#[derive(Debug)]
struct Known {
    url: String,
    record: LineRecord,
    measured: bool,
    /// In a row.
    failures: u32,
    /// Its final answer.
    refused: bool,
}

#[derive(Debug)]
pub struct Lines {
    lines: Vec<Known>,
    backoff: Backoff,
    attempt: u32,
}

/// The next try, of all lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub attempt: u32,
    pub delay: Micros,
}

impl Lines {
    pub fn new(lines: Vec<Line>, seed: u64) -> Self {
        let known = |Line { url, known }: Line| Known {
            url,
            measured: known.is_some(),
            record: known.map(sane).unwrap_or_default(),
            failures: 0,
            refused: false,
        };
        Self { lines: lines.into_iter().map(known).collect(), backoff: Backoff::new(seed), attempt: 0 }
    }

    pub fn url(&self, line: usize) -> &str {
        self.lines.get(line).map_or("", |line| line.url.as_str())
    }

    /// Those that may be tried, the best first. `wanted`: bit/s that should pass.
    pub fn ranked(&self, wanted: u32) -> Vec<usize> {
        let mut order: Vec<(usize, f64)> = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !line.refused)
            .map(|(at, line)| (at, line.cost(wanted)))
            .collect();
        order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        order.into_iter().map(|(at, _)| at).collect()
    }

    /// Some line has never been measured: a start is a chance to.
    pub fn all_measured(&self) -> bool {
        self.lines.iter().all(|line| line.measured)
    }

    pub fn opened(&mut self, line: usize, took: Micros) {
        if let Some(line) = self.lines.get_mut(line) {
            let took = took.as_secs_f64();
            let before = if line.measured { line.record.connect } else { took };
            line.record.connect = (before + took) / 2.0;
            line.measured = true;
        }
    }

    /// It was seen to carry no more than this, bit/s.
    pub fn carries(&mut self, line: usize, bitrate: u32) {
        if let Some(line) = self.lines.get_mut(line) {
            line.record.throughput = f64::from(bitrate);
        }
    }

    /// `finally`: the same request will get the same answer.
    pub fn failed(&mut self, line: usize, finally: bool) {
        if let Some(line) = self.lines.get_mut(line) {
            line.failures = line.failures.saturating_add(1);
            line.record.failures = line.record.failures * FORGET + 1.0;
            line.measured = true;
            line.refused |= finally;
        }
    }

    /// It has taken the stream for [`HEALTHY_AFTER`].
    pub fn healthy(&mut self, line: usize) {
        self.attempt = 0;
        if let Some(line) = self.lines.get_mut(line) {
            line.failures = 0;
            line.record.failures *= FORGET;
        }
    }

    /// The network is another one, or back: what was tried without it does not count.
    pub fn forgive(&mut self) {
        self.attempt = 0;
        for line in &mut self.lines {
            line.failures = 0;
        }
    }

    pub fn record(&self, line: usize) -> Option<(&str, LineRecord)> {
        self.lines.get(line).map(|line| (line.url.as_str(), line.record))
    }

    /// When to try the lines that are left; `None` when all has been tried. `published`: some connection took the stream before.
    pub fn plan(&mut self, published: bool) -> Option<Plan> {
        let left = self.lines.iter().filter(|line| !line.refused);
        // One that has not failed is tried at once.
        let failures = left.map(|line| line.failures).min()?;
        let most = if published { ATTEMPTS } else { FIRST_ATTEMPTS };
        if self.attempt >= most {
            return None;
        }
        self.attempt = self.attempt.saturating_add(1);
        let delay = match failures {
            0 => Micros::ZERO,
            failures => self.backoff.delay(failures),
        };
        Some(Plan { attempt: self.attempt, delay })
    }
}

impl Known {
    fn cost(&self, wanted: u32) -> f64 {
        let LineRecord { connect, throughput, failures } = self.record;
        let connect = if self.measured { connect } else { UNKNOWN };
        let narrow = match throughput / f64::from(wanted.max(1)) {
            0.0 => 0.0,
            part => NARROW * (1.0 - part).max(0.0),
        };
        connect + narrow + FAILURE * (failures + f64::from(self.failures))
    }
}

/// It comes out of the page's storage, where anybody may have been.
fn sane(record: LineRecord) -> LineRecord {
    let sane = |value: f64, most: f64| if value.is_finite() { value.clamp(0.0, most) } else { 0.0 };
    LineRecord {
        connect: sane(record.connect, 60.0),
        throughput: sane(record.throughput, 1e9),
        failures: sane(record.failures, 4.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(known: &[Option<LineRecord>]) -> Lines {
        let line =
            |(at, known): (usize, &Option<LineRecord>)| Line { url: format!("ws://{at}"), known: *known };
        Lines::new(known.iter().enumerate().map(line).collect(), 7)
    }

    fn record(connect: f64, throughput: f64, failures: f64) -> Option<LineRecord> {
        Some(LineRecord { connect, throughput, failures })
    }

    #[test]
    fn what_was_learnt_decides() {
        let known = [record(0.2, 0.0, 0.0), record(0.05, 0.0, 0.0), record(0.01, 0.0, 1.0), None];
        assert_eq!(lines(&known).ranked(800_000), [1, 0, 3, 2]);
        let narrow = [record(0.01, 200_000.0, 0.0), record(0.5, 0.0, 0.0)];
        assert_eq!(lines(&narrow).ranked(800_000), [1, 0]);
        assert_eq!(lines(&narrow).ranked(100_000), [0, 1]);
    }

    #[test]
    fn a_storage_full_of_nonsense_is_no_reason_to_stop() {
        let nonsense = [record(f64::NAN, f64::INFINITY, -1.0), record(-5.0, -1.0, 1e9)];
        assert_eq!(lines(&nonsense).ranked(800_000), [0, 1]);
    }

    #[test]
    fn another_line_is_tried_at_once_and_the_last_one_ever_more_rarely() {
        let mut lines = lines(&[None, None]);
        lines.failed(0, false);
        assert_eq!(lines.plan(true), Some(Plan { attempt: 1, delay: Micros::ZERO }));
        assert_eq!(lines.ranked(1), [1, 0]);
        lines.failed(1, false);
        let plans: Vec<Plan> = std::iter::from_fn(|| {
            lines.failed(0, false);
            lines.failed(1, false);
            lines.plan(true)
        })
        .collect();
        assert_eq!(plans.len() as u32, ATTEMPTS - 1);
        assert!(plans.last().unwrap().delay >= Micros::from_secs(4));
    }

    #[test]
    fn a_line_that_refuses_for_good_is_not_asked_again() {
        let mut lines = lines(&[None, None]);
        lines.failed(0, true);
        assert_eq!(lines.ranked(1), [1]);
        lines.failed(1, true);
        assert_eq!(lines.plan(true), None);
    }
}
