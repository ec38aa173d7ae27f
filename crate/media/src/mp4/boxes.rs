//! Boxes (ISO/IEC 14496-12, 4.2): a size, a type of four characters, and what is inside.
//!
//! **Invariant:** a box inside another one ends where that one does, at the latest: a size that says more is cut to what there is.

use crate::read::ByteReader;

/// The type of a box, or a code that is made like one.
pub type FourCc = [u8; 4];

pub const FTYP: FourCc = *b"ftyp";
pub const STYP: FourCc = *b"styp";
pub const MOOV: FourCc = *b"moov";
pub const MOOF: FourCc = *b"moof";
pub const MDAT: FourCc = *b"mdat";
pub const SIDX: FourCc = *b"sidx";
pub const EMSG: FourCc = *b"emsg";
pub const PRFT: FourCc = *b"prft";
pub const MFRA: FourCc = *b"mfra";
const UUID: FourCc = *b"uuid";

/// What a file may begin with.
const FIRST: [FourCc; 14] =
    [FTYP, STYP, MOOV, MOOF, MDAT, SIDX, EMSG, PRFT, UUID, *b"free", *b"skip", *b"wide", *b"pnot", *b"pdin"];

/// Size and type, the size of 64 bits included.
pub const MAX_HEADER: usize = 16;
/// The largest box of an unknown type that is stepped over: a size past it is damage.
const MAX_UNKNOWN: u64 = 64 << 20;

/// The header of a box at the top of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: FourCc,
    /// Of the header itself.
    pub len: u64,
    /// Of the whole box; `None`: up to the end of the file.
    pub size: Option<u64>,
}

impl Header {
    /// Reads the first bytes of a box; `Ok(None)` where they are too few, `Err` where they begin no box.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, NoBox> {
        let mut r = ByteReader::new(bytes);
        let (Some(size), Some(kind)) = (r.u32(), r.array::<4>()) else { return Ok(None) };
        let header = match size {
            0 => Self { kind, len: 8, size: None },
            1 => match r.u64() {
                Some(size) => Self { kind, len: 16, size: Some(size) },
                None => return Ok(None),
            },
            _ => Self { kind, len: 8, size: Some(size.into()) },
        };
        if header.is_plausible() { Ok(Some(header)) } else { Err(NoBox) }
    }

    fn is_plausible(self) -> bool {
        let Some(size) = self.size else { return self.kind == MDAT };
        let limit = if self.may_begin_a_file() || self.kind == MFRA { u64::MAX >> 1 } else { MAX_UNKNOWN };
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | 0xa9);
        (self.len..=limit).contains(&size) && self.kind.iter().all(is_name)
    }

    pub fn may_begin_a_file(self) -> bool {
        FIRST.contains(&self.kind)
    }
}

/// Whether a stream that begins so is one of boxes.
pub fn is_first(first_bytes: &[u8]) -> bool {
    matches!(Header::read(first_bytes), Ok(Some(header)) if header.may_begin_a_file())
}

/// The bytes begin no box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoBox;

/// How many bytes [`begins_anew`] looks at.
pub const SIGN_LEN: usize = 16;

/// Whether reading can begin anew here: a box that stands at the top only, and whose inside begins as it must.
pub fn begins_anew(sign: [u8; SIGN_LEN]) -> bool {
    let [s3, s2, s1, s0, kind @ .., _, _, _, _, _, _, _, _] = sign;
    let [.., a, b, c, d, e, f, g, h] = sign;
    let size = u32::from_be_bytes([s3, s2, s1, s0]);
    let (inner, inner_kind) = (u32::from_be_bytes([a, b, c, d]), [e, f, g, h]);
    match kind {
        MOOF => size >= 24 && inner == 16 && inner_kind == *b"mfhd",
        MOOV => size >= 24 && (108..=size).contains(&inner) && inner_kind == *b"mvhd",
        STYP | FTYP => {
            (16..=1024).contains(&size)
                && size.is_multiple_of(4)
                && [a, b, c, d].iter().all(|c| matches!(c, b' '..=b'~'))
        }
        _ => false,
    }
}

/// A box inside another one.
#[derive(Clone, Copy, Debug)]
pub struct Inner<'a> {
    pub kind: FourCc,
    pub body: &'a [u8],
    /// Where the box stands in the bytes that were given.
    pub at: usize,
    /// Of the whole box.
    pub len: usize,
}

impl<'a> Inner<'a> {
    pub fn children(&self) -> Boxes<'a> {
        Boxes::new(self.body)
    }

    /// Version, flags, and the rest of a full box.
    pub fn full(&self) -> Option<(u8, u32, ByteReader<'a>)> {
        let mut r = ByteReader::new(self.body);
        let (version, flags) = (r.u8()?, r.uint(3)?);
        Some((version, flags, r))
    }
}

/// The boxes inside a box, up to the first that cannot be one.
#[derive(Clone, Copy, Debug)]
pub struct Boxes<'a> {
    rest: ByteReader<'a>,
    at: usize,
}

impl<'a> Boxes<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: ByteReader::new(bytes), at: 0 }
    }

    /// The first box of a type.
    pub fn find(mut self, kind: FourCc) -> Option<Inner<'a>> {
        Iterator::find(&mut self, |inner| inner.kind == kind)
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Inner<'a>;

    fn next(&mut self) -> Option<Inner<'a>> {
        let all = self.rest.rest().len();
        let mut r = self.rest;
        let (size, kind) = (r.u32()?, r.array()?);
        let size = match size {
            0 => all,
            1 => usize::try_from(r.u64()?).unwrap_or(usize::MAX),
            size => size as usize,
        };
        let header = all.saturating_sub(r.rest().len());
        let inside = size.min(all).checked_sub(header)?;
        let body = r.bytes(inside)?;
        let (at, len) = (self.at, header.saturating_add(inside));
        self.rest = r;
        self.at = at.saturating_add(len);
        Some(Inner { kind, body, at, len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_32_and_64_bits_and_up_to_the_end() {
        let read = |bytes: &[u8]| Header::read(bytes).unwrap();
        assert_eq!(read(b"\0\0\0\x10moov"), Some(Header { kind: MOOV, len: 8, size: Some(16) }));
        assert_eq!(read(b"\0\0\0\0mdat"), Some(Header { kind: MDAT, len: 8, size: None }));
        let large = b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0";
        assert_eq!(read(large), Some(Header { kind: MDAT, len: 16, size: Some(1 << 32) }));
        assert_eq!(read(&large[..15]), None);
        assert_eq!(read(b"\0\0\0\x10moo"), None);
    }

    #[test]
    fn what_cannot_be_a_box_is_none() {
        for bytes in
            [b"\0\0\0\x04moov", b"\0\0\0\x10m\0ov", b"\0\0\0\0moov", b"\x7f\0\0\0abcd", b"<html>\n\n"]
        {
            assert_eq!(Header::read(bytes), Err(NoBox), "{}", bytes.escape_ascii());
        }
        assert_eq!(Header::read(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f"), Err(NoBox));
    }

    #[test]
    fn inner_boxes_end_with_the_one_around_them() {
        let bytes = b"\0\0\0\x0aabcdxy\0\0\0\x63efghz";
        let found: Vec<_> = Boxes::new(bytes).map(|b| (b.kind, b.body, b.at, b.len)).collect();
        assert_eq!(found, [(*b"abcd", &b"xy"[..], 0, 10), (*b"efgh", &b"z"[..], 10, 9)]);
        assert_eq!(Boxes::new(b"\0\0\0\x07abcdxyz").count(), 0);
        assert_eq!(Boxes::new(b"\0\0\0\0abcdxyz").count(), 1);
    }
}
