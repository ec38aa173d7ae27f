//! Ranges of bytes (RFC 9110, 14): one range of a file that is held in pieces.

use bytes::Bytes;
use hyper::{HeaderMap, header};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    All,
    /// Both included.
    Some {
        first: u64,
        last: u64,
    },
    Beyond,
}

impl Range {
    /// What is asked of a file of that length. Several ranges at once, and those of a version that may be another one, are
    /// answered by the whole, as anyone may.
    pub fn asked(headers: &HeaderMap, len: u64) -> Self {
        let asked = headers.get(header::RANGE).filter(|_| !headers.contains_key(header::IF_RANGE));
        let text = asked.and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("bytes="));
        let Some((from, to)) = text.and_then(|range| range.split_once('-')) else { return Self::All };
        match (from.parse::<u64>(), to.parse::<u64>()) {
            (Ok(first), _) if first >= len => Self::Beyond,
            (Ok(first), Ok(last)) if first <= last => Self::Some { first, last: last.min(len - 1) },
            (Ok(first), Err(_)) if to.is_empty() => Self::Some { first, last: len - 1 },
            (Err(_), Ok(0)) if from.is_empty() => Self::Beyond,
            (Err(_), Ok(count)) if from.is_empty() && len > 0 => {
                Self::Some { first: len.saturating_sub(count), last: len - 1 }
            }
            _ => Self::All,
        }
    }
}

/// The bytes of the chunks from an offset up to another one.
pub fn slice(chunks: Vec<Bytes>, from: u64, until: u64) -> Vec<Bytes> {
    let mut at = 0_u64;
    let mut slices = Vec::new();
    for chunk in chunks {
        let len = chunk.len() as u64;
        let within = |offset: u64| usize::try_from(offset.clamp(at, at + len) - at).unwrap_or(chunk.len());
        let (start, end) = (within(from), within(until));
        if start < end {
            slices.push(chunk.slice(start..end));
        }
        at += len;
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, len: u64) -> Range {
        let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
        Range::asked(&headers, len)
    }

    #[test]
    fn one_range_is_read_and_anything_else_is_the_whole() {
        assert_eq!(asked("bytes=0-9", 100), Range::Some { first: 0, last: 9 });
        assert_eq!(asked("bytes=90-", 100), Range::Some { first: 90, last: 99 });
        assert_eq!(asked("bytes=90-1000", 100), Range::Some { first: 90, last: 99 });
        assert_eq!(asked("bytes=-10", 100), Range::Some { first: 90, last: 99 });
        assert_eq!(asked("bytes=-1000", 100), Range::Some { first: 0, last: 99 });
        for beyond in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(asked(beyond, 100), Range::Beyond, "{beyond}");
        }
        for whole in ["bytes=", "bytes=-", "bytes=9-1", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b"] {
            assert_eq!(asked(whole, 100), Range::All, "{whole}");
        }
        assert_eq!(Range::asked(&HeaderMap::new(), 100), Range::All);
    }

    #[test]
    fn a_range_runs_over_the_pieces_of_a_file() {
        let chunks =
            || vec![Bytes::from_static(b"abc"), Bytes::from_static(b"def"), Bytes::from_static(b"ghi")];
        assert_eq!(slice(chunks(), 0, 9).concat(), b"abcdefghi");
        assert_eq!(slice(chunks(), 2, 7).concat(), b"cdefg");
        assert_eq!(slice(chunks(), 4, 5).concat(), b"e");
        assert!(slice(chunks(), 3, 3).is_empty());
    }
}
