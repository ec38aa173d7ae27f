//! Pictures come decoded in one order and are shown in another: that of their times.
//!
//! **Invariant:** what comes out between two flushes has ascending times. A picture waits until so many others wait that none
//! before it can come any more, by what the stream says; where that was too few, the late picture is left out and from then on
//! one more waits.

use std::collections::VecDeque;

/// No stream may have more (A.3.1).
const MAX_DEPTH: usize = 16;
/// µs. Further back lies another timeline, not a late picture.
const NEW_TIMELINE: f64 = 1e6;

/// Pictures, or whatever has a time.
#[derive(Debug)]
pub struct Reorder<T> {
    /// By ascending time.
    waiting: VecDeque<(f64, T)>,
    /// Learnt from late pictures.
    needed: usize,
    last: Option<f64>,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), needed: 0, last: None }
    }
}

impl<T> Reorder<T> {
    /// `depth` is how many pictures may come before one that is shown before them.
    pub fn push(&mut self, pts: f64, item: T, depth: usize, out: &mut Vec<T>) {
        if let Some(last) = self.last
            && pts <= last
        {
            if last - pts < NEW_TIMELINE {
                self.needed = (self.needed.max(depth) + 1).min(MAX_DEPTH);
                return;
            }
            self.flush(out);
        }
        let at = self.waiting.partition_point(|(other, _)| *other <= pts);
        self.waiting.insert(at, (pts, item));
        while self.waiting.len() > depth.max(self.needed).min(MAX_DEPTH) {
            self.pop(out);
        }
    }

    /// All that waits. What comes next begins anew.
    pub fn flush(&mut self, out: &mut Vec<T>) {
        while !self.waiting.is_empty() {
            self.pop(out);
        }
        self.last = None;
    }

    fn pop(&mut self, out: &mut Vec<T>) {
        if let Some((pts, item)) = self.waiting.pop_front() {
            self.last = Some(pts);
            out.push(item);
        }
    }
}
