//! From decoding order to presentation order: the output process of C.5.2, without its limit of buffered pictures, which says
//! when an output must come at the latest, not in which order.
//!
//! **Invariant:** within a sequence what comes out has rising POCs, as long as the stream keeps to its own limits.

use crate::sets::OutputLimits;

struct Waiting<T> {
    poc: i32,
    /// PicLatencyCount.
    latency: u32,
    picture: T,
}

/// Pictures that wait for earlier ones.
pub struct Reorder<T> {
    waiting: Vec<Waiting<T>>,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self { waiting: Vec::new() }
    }
}

impl<T> Reorder<T> {
    pub fn push(&mut self, poc: i32, picture: T, limits: OutputLimits, out: &mut Vec<T>) {
        for later in self.waiting.iter_mut().filter(|one| one.poc > poc) {
            later.latency += 1;
        }
        self.waiting.push(Waiting { poc, latency: 0, picture });
        let late = |waiting: &[Waiting<T>]| {
            limits.latency.is_some_and(|most| waiting.iter().any(|one| one.latency >= most))
        };
        while self.waiting.len() > limits.reorder || late(&self.waiting) {
            self.put_out_one(out);
        }
    }

    /// All that wait: a sequence has ended.
    pub fn drain(&mut self, out: &mut Vec<T>) {
        while !self.waiting.is_empty() {
            self.put_out_one(out);
        }
    }

    fn put_out_one(&mut self, out: &mut Vec<T>) {
        let first = self.waiting.iter().enumerate().min_by_key(|(_, one)| one.poc);
        if let Some((at, _)) = first {
            out.push(self.waiting.swap_remove(at).picture);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(limits: OutputLimits, pocs: &[i32]) -> Vec<i32> {
        let mut reorder = Reorder::default();
        let mut out = Vec::new();
        for poc in pocs {
            reorder.push(*poc, *poc, limits, &mut out);
        }
        out
    }

    #[test]
    fn pictures_come_out_in_order_as_soon_as_the_stream_allows() {
        let limits = OutputLimits { reorder: 2, latency: None };
        assert_eq!(order(limits, &[0, 4, 2, 1, 3]), [0, 1, 2]);
        assert_eq!(order(OutputLimits { reorder: 0, ..limits }, &[0, 1, 2]), [0, 1, 2]);
    }

    #[test]
    fn the_latency_that_a_stream_promises_is_kept() {
        let limits = OutputLimits { reorder: 5, latency: Some(2) };
        assert_eq!(order(limits, &[10, 2]), []);
        assert_eq!(order(limits, &[10, 2, 4]), [2, 4, 10]);
    }

    #[test]
    fn the_end_of_a_sequence_lets_all_out() {
        let mut reorder = Reorder::default();
        let mut out = Vec::new();
        let limits = OutputLimits { reorder: 8, latency: None };
        for poc in [8, 4, 6] {
            reorder.push(poc, poc, limits, &mut out);
        }
        assert_eq!(out, []);
        reorder.drain(&mut out);
        assert_eq!(out, [4, 6, 8]);
    }
}
