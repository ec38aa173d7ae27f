//! Changes to a stream's bytes, as damage makes them.

use bytes::Bytes;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub enum Edit {
    Flip { at: usize, bits: u8 },
    Insert { at: usize, bytes: Vec<u8> },
    Delete { at: usize, len: usize },
    Repeat { at: usize, len: usize },
    Cut { at: usize },
}

/// The bytes after all of the edits.
pub fn edited(bytes: &[u8], edits: &[Edit]) -> Bytes {
    let mut bytes = bytes.to_vec();
    edits.iter().for_each(|edit| edit.apply(&mut bytes));
    bytes.into()
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len();
        let at = |at: &usize| at % (end + 1);
        let part = |place: &usize, len: &usize| at(place)..end.min(at(place) + len);
        match self {
            Self::Flip { at: place, bits } => {
                if let Some(byte) = bytes.get_mut(at(place)) {
                    *byte ^= bits;
                }
            }
            Self::Insert { at: place, bytes: new } => {
                bytes.splice(at(place)..at(place), new.iter().copied());
            }
            Self::Delete { at: place, len } => {
                bytes.drain(part(place, len));
            }
            Self::Repeat { at: place, len } => {
                let again = bytes[part(place, len)].to_vec();
                bytes.splice(at(place)..at(place), again);
            }
            Self::Cut { at: place } => bytes.truncate(at(place)),
        }
    }
}

/// Up to a dozen, at such places and of so many bytes; what is inserted has many of the byte `sign`.
pub fn edits(
    at: impl Strategy<Value = usize> + Clone,
    len: impl Strategy<Value = usize> + Clone,
    sign: u8,
) -> impl Strategy<Value = Vec<Edit>> {
    let bytes = prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(sign)], 0..40);
    let edit = prop_oneof![
        8 => (at.clone(), any::<u8>()).prop_map(|(at, bits)| Edit::Flip { at, bits }),
        2 => (at.clone(), bytes).prop_map(|(at, bytes)| Edit::Insert { at, bytes }),
        2 => (at.clone(), len.clone()).prop_map(|(at, len)| Edit::Delete { at, len }),
        1 => (at.clone(), len).prop_map(|(at, len)| Edit::Repeat { at, len }),
        1 => at.prop_map(|at| Edit::Cut { at }),
    ];
    prop::collection::vec(edit, 1..12)
}
