//! What was read of a small file, so that going back and beginning again ask for nothing.
//!
//! **Invariant:** no more than [`MOST_BYTES`] are held; of a file that turns out to be longer nothing is.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};

/// Some minutes of a usual film: what is looped is shorter.
const MOST_BYTES: u64 = 16 << 20;

#[derive(Debug, Default)]
pub struct Kept {
    /// By their offsets; none overlaps the next.
    chunks: BTreeMap<u64, Bytes>,
    bytes: u64,
    is_given_up: bool,
}

impl Kept {
    /// The file has so many bytes.
    pub fn set_len(&mut self, len: u64) {
        if len > MOST_BYTES {
            self.give_up();
        }
    }

    /// What of `data`, which lies at `at`, is not here yet.
    pub fn add(&mut self, mut at: u64, mut data: Bytes) {
        if let Some(known) = self.from(at) {
            let passed = known.len().min(data.len());
            data.advance(passed);
            at = at.saturating_add(passed as u64);
        }
        data.truncate(usize::try_from(self.missing_from(at)).unwrap_or(usize::MAX));
        if self.is_given_up || data.is_empty() {
            return;
        }
        self.bytes = self.bytes.saturating_add(data.len() as u64);
        self.chunks.insert(at, data);
        if self.bytes > MOST_BYTES {
            self.give_up();
        }
    }

    /// The bytes from `at` on, as far as they lie in one chunk.
    pub fn from(&self, at: u64) -> Option<Bytes> {
        let (begin, chunk) = self.chunks.range(..=at).next_back()?;
        let passed = usize::try_from(at.saturating_sub(*begin)).ok()?;
        (passed < chunk.len()).then(|| chunk.slice(passed..))
    }

    /// How many bytes from `at` on are not here, up to the first that is.
    pub fn missing_from(&self, at: u64) -> u64 {
        let next = self.chunks.range(at..).next().map(|(begin, _)| *begin);
        next.map_or(u64::MAX, |next| next.saturating_sub(at))
    }

    fn give_up(&mut self) {
        self.is_given_up = true;
        self.chunks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Option<Bytes>) -> String {
        String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("text")
    }

    #[test]
    fn what_was_read_is_there_once_wherever_it_was_read() {
        let mut kept = Kept::default();
        kept.add(4, Bytes::from_static(b"efgh"));
        kept.add(0, Bytes::from_static(b"abcdefghij"));
        kept.add(6, Bytes::from_static(b"ghij"));
        assert_eq!(
            (text(kept.from(0)), text(kept.from(5)), text(kept.from(8))),
            ("abcd".into(), "fgh".into(), "ij".into())
        );
        assert_eq!((kept.from(10), kept.bytes), (None, 10));
        kept.add(20, Bytes::from_static(b"u"));
        assert_eq!((kept.missing_from(10), kept.missing_from(21)), (10, u64::MAX));
    }

    #[test]
    fn of_a_long_file_nothing_is_kept() {
        let chunk = Bytes::from(vec![0; 1 << 20]);
        let mut kept = Kept::default();
        (0..20).for_each(|i| kept.add(i << 20, chunk.clone()));
        assert_eq!((kept.from(0), kept.from(19 << 20)), (None, None));
        let mut kept = Kept::default();
        kept.set_len(MOST_BYTES + 1);
        kept.add(0, chunk);
        assert_eq!(kept.from(0), None);
    }
}
