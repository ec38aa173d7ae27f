//! NAL units out of what a container has: the configuration record and length-prefixed packets.

/// The HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1): what of it a decoder needs.
pub struct Record<'a> {
    pub length_size: usize,
    /// Parameter sets, in the order in which they stand.
    pub nals: Vec<&'a [u8]>,
}

/// Where lengthSizeMinusOne is; the number of arrays follows.
const LENGTH_SIZE_AT: usize = 21;

impl<'a> Record<'a> {
    pub fn read(record: &'a [u8]) -> Option<Self> {
        let (head, rest) = record.split_at_checked(LENGTH_SIZE_AT)?;
        let ([sizes, arrays], mut rest) = rest.split_first_chunk()?;
        (head.first() == Some(&1)).then_some(())?;
        let mut nals = Vec::new();
        for _ in 0..*arrays {
            let ([_kind, high, low], after) = rest.split_first_chunk()?;
            rest = after;
            for _ in 0..u16::from_be_bytes([*high, *low]) {
                let (nal, after) = prefixed(rest, 2)?;
                nals.push(nal);
                rest = after;
            }
        }
        Some(Self { length_size: usize::from(sizes & 3) + 1, nals })
    }
}

/// The NAL units of a packet; an `Err` at its end where it is cut short.
pub fn units(packet: &[u8], length_size: usize) -> impl Iterator<Item = Result<&[u8], CutShort>> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let unit = prefixed(rest, length_size);
        rest = unit.map_or(&[], |(_, after)| after);
        Some(unit.map(|(nal, _)| nal).ok_or(CutShort))
    })
}

/// A NAL unit that is longer than what there is.
#[derive(Debug, PartialEq, Eq)]
pub struct CutShort;

fn prefixed(bytes: &[u8], length_size: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(length_size)?;
    let length = length.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    rest.split_at_checked(usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_taken_apart_and_a_cut_is_told() {
        let packet = [0, 2, 7, 8, 0, 0, 0, 1, 9];
        let all: Vec<_> = units(&packet, 2).collect();
        assert_eq!(all, [Ok(&[7, 8][..]), Ok(&[][..]), Ok(&[9][..])]);
        let cut: Vec<_> = units(&packet[..3], 2).collect();
        assert_eq!(cut, [Err(CutShort)]);
        assert_eq!(units(&[0], 4).collect::<Vec<_>>(), [Err(CutShort)]);
    }

    #[test]
    fn a_record_gives_its_parameter_sets() {
        let mut record = vec![0; LENGTH_SIZE_AT];
        record[0] = 1;
        record.extend([0xfc | 1, 2, 0xa0, 0, 1, 0, 2, 5, 6, 0xa1, 0, 2, 0, 1, 7, 0, 0]);
        let read = Record::read(&record).unwrap();
        assert_eq!((read.length_size, read.nals), (2, vec![&[5, 6][..], &[7], &[]]));
        for len in 0..record.len() {
            assert!(Record::read(&record[..len]).is_none(), "{len}");
        }
    }
}
