//! The number in a synthetic picture.

/// What a synthetic picture begins with, behind its NAL header; the number follows in eight bytes.
const MARK: [u8; 4] = *b"sail";

/// Which picture of a synthetic stream this access unit is.
pub fn number_of(access_unit: &[u8]) -> Option<u64> {
    let (mark, rest) = access_unit.get(5..)?.split_first_chunk::<4>()?;
    let (number, _) = rest.split_first_chunk::<8>()?;
    (*mark == MARK).then(|| u64::from_be_bytes(*number))
}
