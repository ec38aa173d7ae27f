//! Received chunks, read as one stream of bytes.
//!
//! **Invariant:** what it holds is `[start, start + len)` of the stream, and no byte is copied that lies with its
//! whole unit inside one large chunk. Capping what is held is the parser's work, not the queue's.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// Smaller chunks are gathered into blocks of this size: a stream that comes byte by byte must not cost a
/// reference-counted allocation for each byte.
const GATHER_BLOCK: usize = 4096;

/// A FIFO of bytes with stream offsets.
#[derive(Debug, Default)]
pub struct ByteQueue {
    chunks: VecDeque<Chunk>,
    /// Small chunks, behind all of `chunks`.
    tail: BytesMut,
    start: u64,
    len: usize,
}

#[derive(Debug)]
struct Chunk {
    /// Stream offset of the first byte of `data`.
    at: u64,
    data: Bytes,
}

impl ByteQueue {
    /// Empty, at this place of the stream.
    pub fn starting_at(start: u64) -> Self {
        Self { start, ..Self::default() }
    }

    pub fn push(&mut self, data: Bytes) {
        if data.is_empty() {
            return;
        }
        let len = data.len();
        if len < GATHER_BLOCK {
            self.tail.extend_from_slice(&data);
            self.len = self.len.saturating_add(len);
            if self.tail.len() >= GATHER_BLOCK {
                self.seal_tail();
            }
        } else {
            self.seal_tail();
            let at = self.end();
            self.chunks.push_back(Chunk { at, data });
            self.len = self.len.saturating_add(len);
        }
    }

    /// Stream offset of the first byte held.
    pub fn start(&self) -> u64 {
        self.start
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `N` bytes from `skip` bytes behind the first, or `None` while they are not all here.
    pub fn peek<const N: usize>(&self, skip: usize) -> Option<[u8; N]> {
        if skip.checked_add(N)? > self.len {
            return None;
        }
        let mut out = [0; N];
        let mut at = self.start.saturating_add(skip as u64);
        let mut rest = out.as_mut_slice();
        while !rest.is_empty() {
            let run = self.run_at(at)?;
            let n = run.len().min(rest.len());
            let (dst, behind) = rest.split_at_mut_checked(n)?;
            dst.copy_from_slice(run.get(..n)?);
            rest = behind;
            at = at.saturating_add(n as u64);
        }
        Some(out)
    }

    /// How many bytes lie before the first that `wanted` accepts; all of them when there is none.
    pub fn count_until(&self, wanted: impl Fn(u8) -> bool) -> usize {
        let mut passed: usize = 0;
        for run in self.chunks.iter().map(|c| c.data.as_ref()).chain([self.tail.as_ref()]) {
            match run.iter().position(|&b| wanted(b)) {
                Some(n) => return passed.saturating_add(n),
                None => passed = passed.saturating_add(run.len()),
            }
        }
        passed
    }

    /// Where, from `skip` bytes behind the first on, the first byte is that `wanted` accepts.
    pub fn position(&self, skip: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
        let mut passed = skip;
        while let Some(run) = self.run_at(self.start.saturating_add(passed as u64)) {
            match run.iter().position(|&b| wanted(b)) {
                Some(n) => return Some(passed.saturating_add(n)),
                None => passed = passed.saturating_add(run.len()),
            }
        }
        None
    }

    /// `n` bytes from `skip` bytes behind the first, which stay: a slice of the pushed chunk where they lie in one, else a copy.
    pub fn get(&self, skip: usize, n: usize) -> Option<Bytes> {
        if skip.checked_add(n)? > self.len {
            return None;
        }
        let mut at = self.start.saturating_add(skip as u64);
        let next = self.chunks.partition_point(|c| c.at <= at);
        if let Some(chunk) = next.checked_sub(1).and_then(|i| self.chunks.get(i))
            && let Some(whole) = chunk.data.get(at.checked_sub(chunk.at)? as usize..).and_then(|b| b.get(..n))
        {
            return Some(chunk.data.slice_ref(whole));
        }
        let mut out = BytesMut::with_capacity(n);
        while out.len() < n {
            let run = self.run_at(at)?;
            let run = run.get(..run.len().min(n.saturating_sub(out.len())))?;
            out.extend_from_slice(run);
            at = at.saturating_add(run.len() as u64);
        }
        Some(out.freeze())
    }

    /// Drops the first `n` bytes, or all there are.
    pub fn skip(&mut self, n: usize) {
        let n = n.min(self.len);
        self.start = self.start.saturating_add(n as u64);
        self.len = self.len.saturating_sub(n);
        let mut left = n;
        while let Some(front) = self.chunks.front_mut() {
            if left < front.data.len() {
                front.data.advance(left);
                front.at = front.at.saturating_add(left as u64);
                return;
            }
            left = left.saturating_sub(front.data.len());
            self.chunks.pop_front();
        }
        self.tail.advance(left.min(self.tail.len()));
    }

    /// Takes the first `n` bytes: a slice of the pushed chunk where they lie in one, else a copy.
    pub fn take(&mut self, n: usize) -> Option<Bytes> {
        if n > self.len {
            return None;
        }
        if let Some(front) = self.chunks.front()
            && n <= front.data.len()
        {
            let out = front.data.slice(..n);
            self.skip(n);
            return Some(out);
        }
        // No larger than what has arrived: a claimed length alone allocates nothing.
        let mut out = BytesMut::with_capacity(n);
        while out.len() < n {
            let left = n.saturating_sub(out.len());
            let run = self.run_at(self.start)?;
            let m = left.min(run.len());
            out.extend_from_slice(run.get(..m)?);
            self.skip(m);
        }
        Some(out.freeze())
    }

    /// Stream offset behind the last byte held.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.len as u64)
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            let data = self.tail.split().freeze();
            let at = self.end().saturating_sub(data.len() as u64);
            self.chunks.push_back(Chunk { at, data });
        }
    }

    /// The bytes from stream offset `at` that lie together in memory; `None` at the end.
    fn run_at(&self, at: u64) -> Option<&[u8]> {
        let next = self.chunks.partition_point(|c| c.at <= at);
        let chunk = next.checked_sub(1).and_then(|i| self.chunks.get(i));
        let in_chunk = chunk.and_then(|c| c.data.get(at.checked_sub(c.at)? as usize..));
        let run = in_chunk.filter(|r| !r.is_empty()).or_else(|| {
            let tail_at = self.end().saturating_sub(self.tail.len() as u64);
            self.tail.get(at.checked_sub(tail_at)? as usize..)
        })?;
        (!run.is_empty()).then_some(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_inside_one_large_chunk_is_not_copied() {
        let chunk = Bytes::from(vec![7; GATHER_BLOCK]);
        let mut queue = ByteQueue::default();
        queue.push(chunk.clone());
        queue.skip(10);
        let taken = queue.take(100).unwrap();
        assert_eq!(taken.as_ptr(), chunk.slice(10..).as_ptr());
        assert_eq!(queue.start(), 110);
    }

    #[test]
    fn bytes_read_alike_however_they_came() {
        let all: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8).collect();
        for sizes in [[1, 1, 1], [5000, 3, 4096], [4095, 1, 9000], [20_000, 1, 1]] {
            let mut queue = ByteQueue::default();
            let mut rest = &all[..];
            for size in sizes.iter().cycle() {
                let (now, later) = rest.split_at(rest.len().min(*size));
                queue.push(Bytes::copy_from_slice(now));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            assert_eq!(queue.len(), all.len());
            assert_eq!(queue.peek::<4>(4998).as_ref().map(|b| &b[..]), Some(&all[4998..5002]));
            assert_eq!(queue.count_until(|b| b == 250), 250);
            assert_eq!(queue.peek::<2>(19_999), None);
            assert_eq!(queue.position(300, |b| b == 250), Some(501));
            assert_eq!(queue.get(4000, 9000).unwrap(), all[4000..13_000]);
            assert_eq!(queue.get(4000, 16_001), None);
            assert_eq!(queue.take(9999).unwrap(), all[..9999]);
            queue.skip(1);
            assert_eq!(queue.take(10_000).unwrap(), all[10_000..]);
            assert!(queue.is_empty());
            assert_eq!(queue.start(), 20_000);
        }
    }
}
