//! Pictures come decoded in one order and are shown in another: that of their times.
//!
//! **Invariant:** what comes out from a beginning on has ascending times. A picture waits until none before it can come any
//! more, by what the stream says; where that was wrong, the late picture is left out and from then on one more waits.

use std::collections::VecDeque;

/// No stream may have more (A.3.1).
const MAX_DEPTH: usize = 16;
/// Pictures after which a stream that says nothing of its order and had no B slice is taken to have none.
const ENOUGH: usize = 30;
/// µs. Further back lies another timeline, not a late picture.
const NEW_TIMELINE: f64 = 1e6;

/// What a stream says of the order of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// max_num_reorder_frames: how many may be decoded before one that is shown before them.
    pub depth: Option<usize>,
    /// max_num_ref_frames. What is decoded before its time is decoded to be referred to.
    pub references: usize,
    /// The picture has B slices.
    pub bidirectional: bool,
}

/// Pictures, or whatever has a time.
#[derive(Debug)]
pub struct Reorder<T> {
    /// By ascending time.
    waiting: VecDeque<(f64, T)>,
    last: Option<f64>,
    /// Learnt from late pictures.
    needed: usize,
    seen: usize,
    bidirectional: bool,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), last: None, needed: 0, seen: 0, bidirectional: false }
    }
}

impl<T> Reorder<T> {
    /// A keyframe: all before it is shown before it, and it before all others.
    pub fn begin(&mut self, pts: f64, item: T, out: &mut Vec<T>) {
        self.flush(out);
        self.last = Some(pts);
        out.push(item);
    }

    pub fn push(&mut self, pts: f64, item: T, order: Order, out: &mut Vec<T>) {
        let depth = self.depth(order);
        match self.last {
            Some(last) if last - pts > NEW_TIMELINE => self.flush(out),
            Some(last) if pts <= last => {
                self.needed = (depth + 1).min(MAX_DEPTH);
                return;
            }
            _ => {}
        }
        let at = self.waiting.partition_point(|(other, _)| *other <= pts);
        self.waiting.insert(at, (pts, item));
        while self.waiting.len() > depth {
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

    fn depth(&mut self, order: Order) -> usize {
        self.seen = self.seen.saturating_add(1);
        self.bidirectional |= order.bidirectional;
        let may = self.bidirectional || self.seen < ENOUGH;
        let told = order.depth.unwrap_or(if may { order.references } else { 0 });
        told.max(self.needed).min(MAX_DEPTH)
    }

    fn pop(&mut self, out: &mut Vec<T>) {
        if let Some((pts, item)) = self.waiting.pop_front() {
            self.last = Some(pts);
            out.push(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: Order = Order { depth: None, references: 2, bidirectional: false };

    /// What has come out after each of the pictures, the first of them a keyframe.
    fn play(reorder: &mut Reorder<u32>, times: &[u32], order: impl Fn(u32) -> Order) -> Vec<Vec<u32>> {
        let step = |(at, time): (usize, &u32)| {
            let (pts, mut out) = (f64::from(*time), Vec::new());
            match at {
                0 => reorder.begin(pts, *time, &mut out),
                _ => reorder.push(pts, *time, order(*time), &mut out),
            }
            out
        };
        times.iter().enumerate().map(step).collect()
    }

    #[test]
    fn a_keyframe_is_shown_at_once_and_others_when_the_stream_says_that_none_comes_before() {
        let told = |depth| move |_| Order { depth: Some(depth), ..SILENT };
        let out = play(&mut Reorder::default(), &[0, 30, 10, 20, 60], told(1));
        assert_eq!(out, [vec![0], vec![], vec![10], vec![20], vec![30]]);
        assert_eq!(play(&mut Reorder::default(), &[0, 10, 20], told(0)), [[0], [10], [20]]);
    }

    #[test]
    fn a_keyframe_brings_out_all_that_waits() {
        let mut reorder = Reorder::default();
        let mut out = play(&mut reorder, &[0, 30], |_| SILENT).concat();
        reorder.begin(40.0, 40, &mut out);
        assert_eq!(out, [0, 30, 40]);
    }

    #[test]
    fn a_stream_that_says_nothing_waits_for_its_references_until_it_has_shown_no_b_slices_for_long() {
        let times: Vec<u32> = (0..40).collect();
        let out = play(&mut Reorder::default(), &times, |_| SILENT);
        assert_eq!(out.iter().position(|out| out.contains(&5)), Some(7));
        assert_eq!(out[39], [39]);
        let with_b = |time| Order { bidirectional: time == 3, ..SILENT };
        assert_eq!(play(&mut Reorder::default(), &times, with_b)[39], [37]);
    }

    #[test]
    fn a_late_picture_is_left_out_and_the_next_is_not_late() {
        let wrong = |_| Order { depth: Some(0), ..SILENT };
        let out = play(&mut Reorder::default(), &[0, 20, 10, 40, 30, 60, 50], wrong);
        assert_eq!(out.concat(), [0, 20, 30, 40, 50]);
    }

    #[test]
    fn a_time_far_back_is_a_new_timeline() {
        let told = |_| Order { depth: Some(1), ..SILENT };
        let out = play(&mut Reorder::default(), &[0, 5_000_000, 5_100_000, 100, 200], told);
        assert_eq!(out.concat(), [0, 5_000_000, 5_100_000, 100]);
    }
}
