//! Access units of H.264 and H.265 in a byte stream (annex B of both): where each begins, behind start codes.
//!
//! **Invariant:** a unit comes out as NAL units behind lengths of [`LENGTH_SIZE`] bytes, whole, and at most one picture: a frame, or
//! both fields of one (H.264, 7.4.1.2.3, and H.265, 7.4.2.4.4). A unit ends where the next one begins, or where the stream does. It holds no
//! more than [`MAX_UNIT`] bytes; a longer one is left out.

use std::collections::VecDeque;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{
    codec::{
        avc_fields::Fields,
        nal::{LENGTH_SIZE, without_trailing_zeros},
    },
    packet::Codec,
};

/// A keyframe of 8K at a hundred Mbit/s.
pub(crate) const MAX_UNIT: usize = 8 << 20;

/// A unit of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Offset in the elementary stream of its first NAL unit.
    pub begins: u64,
    pub data: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Unit(Unit),
    /// A unit over [`MAX_UNIT`].
    Skipped {
        begins: u64,
        len: u64,
    },
}

/// Cuts a byte stream into access units.
#[derive(Debug)]
pub(crate) struct AccessUnits {
    rules: Rules,
    /// From a NAL unit's first byte on, or what may be the beginning of a start code.
    held: BytesMut,
    /// Offset of the first byte held.
    start: u64,
    /// No start code ends before it in `held`.
    scanned: usize,
    in_nal: bool,
    unit: Building,
    /// What stands before the second field of a picture, or belongs to the next unit: told by the slice behind it.
    between: Building,
    ready: VecDeque<Cut>,
}

#[derive(Debug)]
enum Rules {
    Avc(Fields),
    Hevc,
}

/// A unit as far as it came.
#[derive(Debug, Default)]
struct Building {
    begins: u64,
    data: BytesMut,
    has_picture: bool,
    /// Its beginning is missing.
    broken: bool,
    /// Its picture is a field whose other one may follow.
    half: bool,
}

/// What a NAL unit does to the unit before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It begins a unit behind a picture, as parameter sets do.
    Ahead,
    /// The first slice of a picture.
    First { is_field: bool, is_second_field: bool },
    /// It belongs to what there is.
    Inner,
    /// Another slice of a picture.
    Slice,
}

impl AccessUnits {
    pub fn new(codec: Codec) -> Self {
        Self {
            rules: if codec == Codec::Hevc { Rules::Hevc } else { Rules::Avc(Fields::default()) },
            held: BytesMut::new(),
            start: 0,
            scanned: 0,
            in_nal: false,
            unit: Building { broken: true, ..Building::default() },
            between: Building::default(),
            ready: VecDeque::new(),
        }
    }

    /// Offset behind the last byte pushed.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.held.len() as u64)
    }

    pub fn buffered_bytes(&self) -> usize {
        let built = self.unit.data.len().saturating_add(self.between.data.len());
        self.held.len().saturating_add(built)
    }

    pub fn push(&mut self, data: &[u8]) {
        self.held.extend_from_slice(data);
        while let Some(at) = start_code(&self.held, self.scanned) {
            let nal = self.held.split_to(at);
            if self.in_nal {
                self.nal(&nal, self.start);
            }
            self.held.advance(3.min(self.held.len()));
            self.start = self.start.saturating_add(at as u64).saturating_add(3);
            (self.scanned, self.in_nal) = (0, true);
        }
        // A start code may begin in the last two bytes.
        self.scanned = self.held.len().saturating_sub(2);
        let held =
            self.held.len().saturating_add(self.unit.data.len()).saturating_add(self.between.data.len());
        if !self.in_nal {
            self.start = self.start.saturating_add(self.scanned as u64);
            self.held.advance(self.scanned);
            self.scanned = 0;
        } else if held > MAX_UNIT {
            let begins = if self.unit.data.is_empty() { self.start } else { self.unit.begins };
            let len = self.forget();
            self.ready.push_back(Cut::Skipped { begins, len });
        }
    }

    pub fn next(&mut self) -> Option<Cut> {
        self.ready.pop_front()
    }

    /// The stream ends here, or a new one begins behind it: the last unit is whole.
    pub fn flush(&mut self) {
        let nal = self.held.split();
        if self.in_nal {
            self.nal(&nal, self.start);
        }
        self.start = self.start.saturating_add(nal.len() as u64);
        (self.scanned, self.in_nal) = (0, false);
        if !self.between.data.is_empty() {
            self.begin_next();
        }
        self.give();
        self.part();
    }

    /// Drops the unit that is not whole, and what follows up to the next one; how many bytes that were.
    pub fn forget(&mut self) -> u64 {
        // Cut inside what begins the next unit: the one before is whole.
        if self.in_nal && self.unit.has_picture && self.begins_next() {
            self.give();
        }
        let dropped = self.buffered_bytes();
        self.start = self.end();
        self.held.clear();
        (self.scanned, self.in_nal) = (0, false);
        self.part();
        dropped as u64
    }

    fn part(&mut self) {
        self.unit = Building { broken: true, ..Building::default() };
        self.between = Building::default();
        if let Rules::Avc(fields) = &mut self.rules {
            fields.part();
        }
    }

    fn nal(&mut self, nal: &[u8], at: u64) {
        let nal = without_trailing_zeros(nal);
        if nal.is_empty() {
            return;
        }
        let role = match &mut self.rules {
            Rules::Avc(fields) => fields.role(nal),
            Rules::Hevc => hevc_role(nal),
        };
        match role {
            Role::First { is_second_field: true, .. } if self.unit.half => {
                let between = std::mem::take(&mut self.between);
                self.unit.data.unsplit(between.data);
                self.unit.half = false;
            }
            Role::First { .. } if !self.between.data.is_empty() => self.begin_next(),
            Role::Ahead if self.unit.half => {
                if self.between.data.is_empty() {
                    self.between.begins = at;
                }
                self.between.add(nal);
                return;
            }
            Role::Ahead | Role::First { .. } if self.unit.has_picture || self.unit.broken => {
                self.give();
                self.unit = Building { begins: at, ..Building::default() };
            }
            Role::Inner if !self.between.data.is_empty() => return self.between.add(nal),
            _ => {}
        }
        if self.unit.data.is_empty() {
            self.unit.begins = at;
        }
        if let Role::First { is_field, is_second_field } = role {
            self.unit.half = is_field && !is_second_field;
        }
        self.unit.has_picture |= matches!(role, Role::First { .. } | Role::Slice);
        if !self.unit.broken {
            self.unit.add(nal);
        }
    }

    fn begins_next(&mut self) -> bool {
        let role = match &mut self.rules {
            Rules::Avc(fields) => fields.role(&self.held),
            Rules::Hevc => hevc_role(&self.held),
        };
        match role {
            Role::Ahead => !self.unit.half,
            Role::First { is_second_field, .. } => !(is_second_field && self.unit.half),
            Role::Inner | Role::Slice => false,
        }
    }

    fn begin_next(&mut self) {
        self.give();
        self.unit = std::mem::take(&mut self.between);
    }

    fn give(&mut self) {
        let Building { begins, data, .. } = std::mem::take(&mut self.unit);
        if !data.is_empty() {
            self.ready.push_back(Cut::Unit(Unit { begins, data: data.freeze() }));
        }
    }
}

impl Building {
    fn add(&mut self, nal: &[u8]) {
        self.data.reserve(LENGTH_SIZE.saturating_add(nal.len()));
        self.data.put_u32(u32::try_from(nal.len()).unwrap_or(u32::MAX));
        self.data.put_slice(nal);
    }
}

/// Where the next start code begins, at or behind `from`.
fn start_code(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // The third byte tells how far the next start code is at least.
    while let Some(third) = bytes.get(at.saturating_add(2)) {
        let step = match third {
            0 => 1,
            1 if bytes.get(at..at.saturating_add(2)) == Some(&[0, 0]) => return Some(at),
            _ => 3,
        };
        at = at.saturating_add(step);
    }
    None
}

/// Types of layers above the base begin nothing.
fn hevc_role(nal: &[u8]) -> Role {
    let [first, second, ..] = nal else { return Role::Inner };
    let layer = (first & 1) << 5 | second >> 3;
    match first >> 1 & 0x3f {
        _ if layer > 0 => Role::Inner,
        // first_slice_segment_in_pic_flag.
        0..=31 if nal.get(2).is_some_and(|byte| byte & 0x80 != 0) => {
            Role::First { is_field: false, is_second_field: false }
        }
        0..=31 => Role::Slice,
        32..=35 | 39 | 41..=44 | 48..=55 => Role::Ahead,
        _ => Role::Inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H.265 NAL units of one byte of payload: a type, and the first bit behind the header.
    fn hevc(kind: u8, first: bool) -> Vec<u8> {
        vec![kind << 1, 1, if first { 0x80 } else { 0x40 }, 0x11]
    }

    fn stream(nals: &[Vec<u8>]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&[0, 0, 1], &nal[..]].concat()).collect()
    }

    /// The types in each unit.
    fn cut(codec: Codec, nals: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut units = AccessUnits::new(codec);
        units.push(&stream(nals));
        units.flush();
        std::iter::from_fn(|| units.next()).map(|cut| kinds(codec, cut)).collect()
    }

    fn kinds(codec: Codec, cut: Cut) -> Vec<u8> {
        let Cut::Unit(Unit { data, .. }) = cut else { panic!("{cut:?}") };
        let nals = crate::codec::nal::Nals::new(&data, LENGTH_SIZE).map(Result::unwrap);
        nals.map(|nal| if codec == Codec::Hevc { nal[0] >> 1 } else { nal[0] & 0x1f }).collect()
    }

    #[test]
    fn an_hevc_unit_begins_at_what_stands_before_a_picture() {
        let nals = [
            hevc(35, false),
            hevc(32, false),
            hevc(19, true),
            hevc(19, false),
            hevc(40, false),
            hevc(39, false),
            hevc(1, true),
            hevc(1, true),
        ];
        assert_eq!(cut(Codec::Hevc, &nals), [vec![35, 32, 19, 19, 40], vec![39, 1], vec![1]]);
    }

    #[test]
    fn layers_above_the_base_stay_with_their_picture() {
        let mut above = hevc(1, true);
        above[1] |= 0x08;
        let mut ahead = hevc(35, true);
        ahead[1] |= 0x08;
        assert_eq!(
            cut(Codec::Hevc, &[hevc(1, true), ahead, above, hevc(1, true)]),
            [vec![1, 35, 1], vec![1]]
        );
    }

    #[test]
    fn a_unit_whose_beginning_is_missing_does_not_come_out() {
        // Slices with first_mb_in_slice 1, then a picture.
        let (rest, first) = (vec![0x41, 0x4d, 0x22], vec![0x41, 0x9a, 0x22]);
        assert_eq!(cut(Codec::Avc, &[rest.clone(), rest.clone(), first.clone(), rest]), [vec![1, 1]]);
        let mut units = AccessUnits::new(Codec::Avc);
        units.push(&stream(&[first.clone(), first.clone()]));
        assert_eq!(units.forget(), 3, "the second is cut");
        units.push(&stream(&[vec![0x41, 0x4d, 0x22], first]));
        units.flush();
        let kinds: Vec<_> = std::iter::from_fn(|| units.next()).map(|cut| kinds(Codec::Avc, cut)).collect();
        assert_eq!(kinds, [[1], [1]]);
    }

    #[test]
    fn offsets_are_those_of_the_first_byte_behind_a_start_code() {
        let mut units = AccessUnits::new(Codec::Hevc);
        for byte in [&[7, 7][..], &stream(&[hevc(1, true)]), &[0, 0], &stream(&[hevc(1, true)])].concat() {
            units.push(&[byte]);
        }
        units.flush();
        let begins = std::iter::from_fn(|| units.next()).map(|cut| match cut {
            Cut::Unit(unit) => unit.begins,
            Cut::Skipped { begins, .. } => begins,
        });
        assert_eq!(begins.collect::<Vec<_>>(), [5, 14]);
        assert_eq!((units.end(), units.buffered_bytes()), (18, 0));
    }
}
